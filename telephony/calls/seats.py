"""Seats of a campaign's operators: each waits alone in his conference, and whoever answers of those called is let in.

A seat is a call that is placed, without anybody called: the operator's telephone rings once, and he stays while one
line after the other rings elsewhere. So nobody who answers hears silence, and what follows is as in any conversation.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from crm.contacts.phone import caller_kind
from crm.core import clock
from crm.core.db import new_id
from telephony.callbacks.models import CallbackState
from telephony.calls import service
from telephony.calls.addresses import Addresses, conference_name
from telephony.calls.events import AgentClaimed, CallbackServed, SeatLeft, SeatTaken
from telephony.calls.models import Phase, ProposedBy
from telephony.calls.reception import Reply
from telephony.calls.service import Heard
from telephony.carriers.port import JoinConference
from telephony.floor.current import floor
from telephony.ivr import queries as flows
from telephony.ivr.turns import Place
from telephony.lines import queries as lines
from telephony.lines.callers import counted_as


@dataclass(frozen=True, slots=True)
class Seat:
    """Whose, and as whom: `line` is the number that people see. Of the operator is checked that he is free alone."""

    agent_id: int
    ente_id: int
    contract_id: int
    line: str
    queue_id: int


@dataclass(frozen=True, slots=True)
class Caller:
    """Who has answered: his line by the carrier's name, his number (E.164), and who is meant to have it."""

    sid: str
    number: str
    contact_id: int


def open_seat(session: Session, seat: Seat) -> UUID:
    """Ring an operator into his seat; the call. Raises `ConflictError` when he is not free, or the line is not ours."""
    line = lines.shown_by(session, seat.line, contract_id=seat.contract_id, ente_id=seat.ente_id)
    at, call_id = clock.now(session), new_id(session)
    kind, taken = caller_kind(None), flows.current(session, seat.line)
    floor(session).arrive(
        id=call_id, carrier_sid=f"ST{call_id.hex}", contract_id=line.contract_id, ente_id=seat.ente_id,
        line=seat.line, caller=None, caller_kind=kind, callers=counted_as(kind, line.kind), phase=Phase.IVR,
        ivr_version_id=taken.version_id, ivr=Place(taken.flow.start).stored(), arrived_at=at, metered=False,
        placed=True, seated=True, waited_ms=0, talked_ms=0, closing=False, note="", contact_id=None, proposed_by=None,
        checked_at=at,
    )  # fmt: skip
    service.enter_queue(session, call_id, seat.queue_id, Heard("placed", at), away=True)
    leg_id = new_id(session)
    service.apply(session, call_id, AgentClaimed(at, leg_id, seat.agent_id), Heard(f"claimed:{leg_id}", at))
    return call_id


def release(session: Session, call_id: UUID) -> None:
    """Nobody comes to this seat any more: its operator is free. One in which somebody is, or was, stays as it is."""
    at = clock.now(session)
    service.apply(session, call_id, SeatLeft(at), Heard("seat-left", at))


def take(session: Session, call_id: UUID, caller: Caller, to: Addresses) -> tuple[UUID, Reply] | None:
    """Let somebody into a seat: the operator's leg, and what the carrier is told; none when nobody waits there.

    If he had asked to be called back from a queue of the same contract, that is done now as well.
    """
    call = floor(session).whole_call(call_id, lock=True)
    if call is None or not call.seated or call.phase is not Phase.JOINING or call.leg_id is None:
        return None
    at = clock.now(session)
    owed = floor(session).open_callback(contract_id=call.contract_id, number=caller.number, other_than=call_id)
    if owed is not None:
        detail = (("agent", str(call.agent_id)), ("call", str(call_id)))
        served = CallbackServed(at, call.agent_id)
        service.apply(session, owed.call_id, served, Heard("callback-served", at, detail=detail))
    made = floor(session).add_callback(
        call_id=call_id, contract_id=call.contract_id, ente_id=call.ente_id, number=caller.number,
        state=CallbackState.OPEN, asked_at=at, expires_at=at, attempts=0, not_before=None,
    )  # fmt: skip
    if not made:  # a colleague is calling him back at this moment
        return None
    kind, line = caller_kind(caller.number), lines.line(session, call.line)
    assert line is not None
    floor(session).write_callback(call_id, leg_id=call.leg_id)
    floor(session).write_call(
        call_id,
        carrier_sid=caller.sid,
        caller=caller.number,
        caller_kind=kind,
        callers=counted_as(kind, line.kind),
        contact_id=caller.contact_id,
        proposed_by=ProposedBy.CALLER_NUMBER,
    )
    service.apply(session, call_id, SeatTaken(at, call.leg_id), Heard(f"taken:{caller.sid}", at))
    service.sent(session, call, call.leg_id)
    return call.leg_id, joined(call_id, call.contract_id, call.leg_id, to)


def joined(call_id: UUID, contract_id: int, leg_id: UUID, to: Addresses) -> Reply:
    """What the carrier is told of somebody who was let into a seat, however often it asks."""
    return (JoinConference(conference_name(leg_id), to.dial_ended(contract_id, call_id)),)
