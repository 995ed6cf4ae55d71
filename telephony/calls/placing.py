"""Calling somebody who did not call: the agent's telephone rings first, so that whoever answers finds him there.

Such a call is a callback for which nobody asked: it is tried once, by the agent who places it, and counts as no
service to callers.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.contacts.phone import caller_kind
from crm.core import clock
from crm.core.db import new_id
from crm.core.errors import ConflictError, InvalidError
from telephony.callbacks.models import CallbackState
from telephony.callbacks.rules import callable_number
from telephony.calls import service
from telephony.calls.events import AgentClaimed, CitizenMissed, MachineAnswered
from telephony.calls.models import CallEvent, Outcome, Phase, ProposedBy
from telephony.calls.service import Heard
from telephony.commands.readiness import make_all_ready
from telephony.floor.current import floor
from telephony.ivr import queries as flows
from telephony.ivr.turns import Place
from telephony.lines import queries as lines
from telephony.lines.callers import counted_as
from telephony.standing.pace import UNPACED, Pace


@dataclass(frozen=True, slots=True)
class Placed:
    """Whom to call, and as whom: `line` is the number that he sees and may call back. Numbers in E.164."""

    ente_id: int
    contract_id: int
    contact_id: int
    number: str
    line: str
    queue_id: int


def place(session: Session, by: Principal, wanted: Placed, *, paced: Pace = UNPACED) -> UUID:
    """Call somebody; the call. The agent has to be ready, and is rung at once.

    Raises `ConflictError` for an agent who is not free, or while somebody is being called at this number already;
    `InvalidError` for a number that nobody may call; `ForbiddenError`.
    """
    require_on(session, by, Permission.CALLS_ANSWER, ente_id=wanted.ente_id)
    line = lines.shown_by(session, wanted.line, contract_id=wanted.contract_id, ente_id=wanted.ente_id)
    if callable_number(wanted.number) is None:
        raise InvalidError("Questo numero non si può chiamare: correggi il recapito.", field="number")
    at, call_id = clock.now(session), new_id(session)
    kind, taken = caller_kind(wanted.number), flows.current(session, wanted.line)
    call = floor(session).arrive(
        id=call_id, carrier_sid=f"PL{call_id.hex}", contract_id=line.contract_id, ente_id=wanted.ente_id,
        line=wanted.line, caller=wanted.number, caller_kind=kind, callers=counted_as(kind, line.kind),
        phase=Phase.IVR, ivr_version_id=taken.version_id, ivr=Place(taken.flow.start).stored(), arrived_at=at,
        metered=False, placed=True, waited_ms=0, talked_ms=0, closing=False, note="", contact_id=wanted.contact_id,
        proposed_by=ProposedBy.CALLER_NUMBER, checked_at=at,
    )  # fmt: skip
    assert call is not None
    made = floor(session).add_callback(
        call_id=call_id, contract_id=line.contract_id, ente_id=wanted.ente_id, number=wanted.number,
        state=CallbackState.OPEN, asked_at=at, expires_at=at, attempts=0, not_before=None,
    )  # fmt: skip
    if not made:
        raise ConflictError("Qualcuno sta già chiamando questo numero.")
    service.enter_queue(session, call_id, wanted.queue_id, Heard("placed", at), away=True)
    leg_id = new_id(session)
    service.apply(session, call_id, AgentClaimed(at, leg_id, by.user_id), Heard(f"claimed:{leg_id}", at))
    make_all_ready(session, paced)
    return call_id


class How(StrEnum):
    """What became of a placed call."""

    SPOKEN = "spoken"  # with whom was looked for: he said who he is
    ANSWERED = "answered"
    MACHINE = "machine"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    FAILED = "failed"
    NEVER_RANG = "never_rang"  # the agent's own telephone did not answer, or the line ended before


_TOLD = {"busy": How.BUSY, "no-answer": How.NO_ANSWER, "completed": How.NO_ANSWER, "canceled": How.NO_ANSWER}


@dataclass(frozen=True, slots=True)
class Ended:
    """When a placed call was over, and how."""

    at: datetime
    how: How


def ended(session: Session, call_id: UUID) -> Ended | None:
    """What became of a placed call; none while it lasts."""
    call = floor(session).whole_call(call_id)
    if call is None or call.phase is not Phase.ENDED:
        return None
    if call.outcome is Outcome.ANSWERED:
        return Ended(call.ended_at, How.ANSWERED if call.identified_at is None else How.SPOKEN)
    events = select(CallEvent.kind, CallEvent.detail["status"].astext).where(CallEvent.call_id == call_id)
    told: dict[str, str | None] = dict(session.execute(events).all())
    if MachineAnswered.__name__ in told:
        return Ended(call.ended_at, How.MACHINE)
    if CitizenMissed.__name__ not in told:
        return Ended(call.ended_at, How.NEVER_RANG)
    return Ended(call.ended_at, _TOLD.get(told[CitizenMissed.__name__] or "", How.FAILED))
