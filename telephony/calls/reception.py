"""Receiving a call: from the carrier's first word to the queue, and what the caller hears meanwhile.

Each function answers with instructions for the carrier. Asked twice, it answers the same and does nothing twice.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from crm.contacts.phone import caller_kind, to_e164
from crm.contacts.queries import ContactKey
from crm.core import clock
from crm.core.db import new_id
from crm.enti import queries as enti
from crm.enti.calendar import opening
from telephony.calls import self_service, service
from telephony.calls.addresses import Addresses, conference_name
from telephony.calls.models import Phase, ProposedBy
from telephony.calls.service import Heard
from telephony.carriers.port import (
    Enqueue,
    Gather,
    Hangup,
    Instruction,
    JoinConference,
    Play,
    Say,
)  # fmt: skip
from telephony.floor.current import floor
from telephony.floor.port import CallRow
from telephony.ivr import prompts, walk
from telephony.ivr import queries as flows
from telephony.ivr.prompts import Sentence
from telephony.ivr.walk import Await, Consult, Enter, Facts, HangUp, LookUp, Place, Said, Turn
from telephony.lines.callers import counted_as
from telephony.lines.queries import LineView
from telephony.queues.models import EntryState, QueueEntry
from telephony.selfservice import queries as offered

Reply = tuple[Instruction, ...]
NOT_IN_USE: Reply = (Say(prompts.sentence(Sentence.NOT_IN_USE)), Hangup())


@dataclass(frozen=True, slots=True)
class Arrival:
    """A call that the carrier announces."""

    sid: str
    line: str
    caller: str | None
    at: datetime
    repaired: bool = False  # nobody announced it: we found it at the carrier


def arrive(session: Session, arrival: Arrival, line: LineView, to: Addresses) -> Reply:
    """A call arrives on one of our lines. The scope must be the line's contract."""
    caller = to_e164(arrival.caller) if arrival.caller else None
    known = _known(session, caller, line)
    only = known[0] if len(known) == 1 else None
    kind = caller_kind(caller)
    ente_id = line.ente_id or (only.ente_id if only else None)
    table = enti.timetable(session, line.contract_id, ente_id)
    is_open = opening(table, arrival.at).is_open
    taken = flows.current(session, line.number)
    call = floor(session).arrive(
        id=new_id(session), carrier_sid=arrival.sid, contract_id=line.contract_id, ente_id=ente_id, line=line.number,
        caller=caller, caller_kind=kind, callers=counted_as(kind, line.kind), phase=Phase.IVR,
        ivr_version_id=taken.version_id, ivr=Place(taken.flow.start).stored(), arrived_at=arrival.at, metered=is_open,
        waited_ms=0, talked_ms=0, closing=False, note="", contact_id=only.contact_id if only else None,
        proposed_by=ProposedBy.CALLER_NUMBER if only else None, checked_at=arrival.at,
    )  # fmt: skip
    if call is None:  # announced twice
        existing = floor(session).call_of_sid(arrival.sid)
        assert existing is not None
        return resume(session, existing, to)
    service.arrived(session, call, Heard("arrived", arrival.at, repaired=arrival.repaired))
    return _say(session, call, walk.begin(taken.flow, _facts(session, call)), to)


def keys(session: Session, call_id: UUID, *, step: int, pressed: str, said: str = "", to: Addresses) -> Reply:
    """The caller keyed or said something; `step` is the turn it answers."""
    call = _lock(session, call_id)
    place = Place.restored(call.ivr)
    if call.phase is not Phase.IVR or step != place.step:
        return _now(session, call, to)
    flow, facts = flows.of_call(session, call.contract_id, call.line, call.ivr_version_id), _facts(session, call)
    turn = walk.on_input(flow, place, facts, keys=pressed, speech=said)
    if isinstance(turn.then, LookUp):
        found = _propose_by_notice(session, call, turn.then.notice)
        turn = walk.on_notice(flow, turn.place, facts, found=found)
    elif isinstance(turn.then, Consult):
        answer = self_service.consult(session, call, turn.then, turn.place.language, to)
        turn = walk.on_answer(flow, turn.place, facts, turn.then.request, answer)
    return _say(session, call, turn, to)


def waiting(session: Session, call_id: UUID, to: Addresses) -> Reply:
    """What a waiting caller hears: his place, then music. The carrier asks again when it ends."""
    call = floor(session).whole_call(call_id)
    assert call is not None
    if call.phase is Phase.ENDED:
        return (Hangup(),)
    spoken = Place.restored(call.ivr).language
    return (_spoken(Said(prompts.position(_ahead(session, call_id), spoken), spoken)), Play(to.music()))


def resume(session: Session, call_id: UUID, to: Addresses) -> Reply:
    """What the caller should hear now, whatever happened before."""
    structlog.contextvars.bind_contextvars(call=str(call_id))
    return _now(session, _lock(session, call_id), to)


def after_conference(session: Session, call_id: UUID, to: Addresses) -> Reply:
    """The caller came out of a conference. Back into the queue when his agent was cut off; else it is over."""
    call = _lock(session, call_id)
    if call.phase in {Phase.WAITING, Phase.RINGING, Phase.JOINING}:
        return _now(session, call, to)
    return (Hangup(),)


def _known(session: Session, caller: str | None, line: LineView) -> list[ContactKey]:
    """Who has this number, in the line's ente or in any that the contract covers."""
    found = floor(session).reached_at(caller) if caller else []
    return [one for one in found if line.ente_id in {None, one.ente_id}]


# -- parts ------------------------------------------------------------------------------------------------------


def _now(session: Session, call: CallRow, to: Addresses) -> Reply:
    place = Place.restored(call.ivr)
    match call.phase:
        case Phase.IVR:
            flow = flows.of_call(session, call.contract_id, call.line, call.ivr_version_id)
            return _reply(call, walk.repeat(flow, place, _facts(session, call)), to)
        case Phase.WAITING | Phase.RINGING:
            why = Sentence.PASSED_ON if call.passed else Sentence.CUT_OFF
            said = Said(prompts.sentence(why, place.language), place.language)
            return (*([_spoken(said)] if call.answered_at is not None else []), _enqueue(call, to))
        case Phase.JOINING | Phase.TALKING | Phase.OUTSIDE if call.leg_id is not None:
            return (
                JoinConference(conference_name(call.room_id or call.leg_id), to.dial_ended(call.contract_id, call.id)),
            )
        case _:
            return (Hangup(),)


def _say(session: Session, call: CallRow, turn: Turn, to: Addresses) -> Reply:
    """Write down where the caller is, let him into the queue if that is where, and answer."""
    structlog.contextvars.bind_contextvars(call=str(call.id))  # new, or known: the log's lines are about it from here
    floor(session).write_call(call.id, ivr=turn.place.stored())
    if isinstance(turn.then, Enter):
        at = clock.now(session)
        service.enter_queue(session, call.id, turn.then.queue, Heard("queued", at))
    return _reply(call, turn, to)


def _reply(call: CallRow, turn: Turn, to: Addresses) -> Reply:
    says = tuple(_spoken(one) for one in turn.says)
    match turn.then:
        case HangUp():
            return (*says, Hangup())
        case Enter():
            return (*says, _enqueue(call, to))
        case Await(digits, timeout_s, words):
            action = to.ivr(call.contract_id, call.id, turn.place.step)
            spoken = turn.place.language.tag if words else None
            return (Gather(action, says, digits=digits, timeout_s=timeout_s, speech=spoken, hints=words),)
        case LookUp() | Consult():
            raise AssertionError("what is asked of us is found out before anything is answered")


def _spoken(said: Said) -> Say:
    return Say(said.text, said.language.tag)


def _enqueue(call: CallRow, to: Addresses) -> Enqueue:
    return Enqueue(
        queue=f"contract-{call.contract_id}", action=to.left_queue(call.contract_id, call.id),
        wait_url=to.wait(call.contract_id, call.id),
    )  # fmt: skip


def _facts(session: Session, call: CallRow) -> Facts:
    ente = None if call.ente_id is None else enti.badges(session, frozenset({call.ente_id}))[call.ente_id]
    return Facts(
        ente=ente.name if ente else enti.contract_name(session, call.contract_id),
        opening=opening(enti.timetable(session, call.contract_id, call.ente_id), call.arrived_at),
        now=clock.now(session), caller_known=call.contact_id is not None,
        urgent=flows.urgent(session, call.contract_id, call.ente_id),
        offers=offered.offers(session, call.contract_id, call.ente_id),
    )  # fmt: skip


def _propose_by_notice(session: Session, call: CallRow, notice_number: str) -> bool:
    """Note whose notice it is. It proposes who may be calling; it proves nothing."""
    owners = {
        (found.ente_id, found.contact_id)
        for found in floor(session).by_notice(notice_number)
        if call.ente_id in {None, found.ente_id}
    }
    if len(owners) != 1:
        return False
    ((ente_id, contact_id),) = owners
    service.attribute(session, call.id, ente_id)
    floor(session).write_call(call.id, contact_id=contact_id, proposed_by=ProposedBy.NOTICE_NUMBER)
    return True


def _ahead(session: Session, call_id: UUID) -> int:
    own = session.execute(select(QueueEntry).where(QueueEntry.call_id == call_id)).scalar_one_or_none()
    if own is None:
        return 0
    ahead: Any = or_(
        QueueEntry.priority > own.priority,
        (QueueEntry.priority == own.priority) & (QueueEntry.entered_at < own.entered_at),
    )
    return session.execute(
        select(func.count()).where(QueueEntry.queue_id == own.queue_id, QueueEntry.state == EntryState.WAITING, ahead)
    ).scalar_one()


def _lock(session: Session, call_id: UUID) -> CallRow:
    call = floor(session).whole_call(call_id, lock=True)
    assert call is not None
    return call
