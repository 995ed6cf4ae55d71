"""Applying events to calls: the log, the state, and everything that follows, in one transaction.

Where the state is kept is the floor's business (`telephony.floor`). Locks are taken in one order: call, entry, agent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from crm.core import clock, topics
from crm.core.db import touch
from crm.core.errors import ConflictError
from crm.enti import queries as enti
from crm.enti.calendar import opening
from crm.levels.metering import Account, FactKind, Measured, ms_between, quarter_of
from crm.levels.service import SeenFact, ToldWait
from telephony.callbacks import following as callbacks
from telephony.calls import following, limits, recorded, story
from telephony.calls.events import (
    CallerJoined,
    CallerLeft,
    CallerQueued,
    CallState,
    CitizenMissed,
    Event,
    Party,
    Step,
    waited_until,
)
from telephony.calls.lifecycle import advance, may_have_joined
from telephony.calls.models import Consent, Outcome, Phase
from telephony.commands import service as commands
from telephony.commands.models import CommandKind
from telephony.floor.current import floor
from telephony.floor.port import CallRow, LiveCall, Owner
from telephony.ivr.turns import Place
from telephony.lines import queries as lines
from telephony.queues import queries as queues
from telephony.queues.acquainted import who_knows
from telephony.queues.waits import Outlook

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Heard:
    """Who told of an event, when it is said to have happened, and whether a reconciliation had to."""

    key: str  # the idempotency key, unique within the call
    at: datetime
    repaired: bool = False
    detail: tuple[tuple[str, str], ...] = ()


def apply(session: Session, call_id: UUID, event: Event, heard: Heard) -> Step | None:
    """Apply an event once. None: no such call in this scope, or the event had been applied already."""
    row = floor(session).lock_call(call_id)
    if row is None or not _append(session, row, type(event).__name__, heard):
        return None
    before = _state(row)
    step = advance(before, event)
    if step.state != before:
        _write_state(session, row, before, step.state, event.at)
    for order in step.orders:
        commands.order(session, kind=order.kind, call_id=call_id, leg_id=order.leg_id)
    following.follow(session, row, before, step, event)
    limits.follow_wait(session, row, before, step.state)
    if step.facts:
        _meter(session, row, before, step, heard)
    if before.away or step.state.away:
        callbacks.follow(session, row, before, step.state, event)
    since = step.state.waiting_since
    if before.phase is Phase.OUTSIDE and step.state.phase is Phase.WAITING and since is not None:
        _append(session, row, "NobodyOutside", Heard(_nobody_outside(since), since, heard.repaired))
    if step.state != before:
        following.tell(session, row, before, step.state)
        survey = any(one.kind is CommandKind.SURVEY for one in step.orders)
        recorded.follow(session, row, before, step.state, line_goes_on=survey)
    return step


def sent(session: Session, call: CallRow, leg_id: UUID) -> None:
    """The caller is told to join the conference of this leg."""
    whose = Owner(call.id, call.contract_id, call.ente_id)
    _append(session, whose, "CallerSent", Heard(_sent(leg_id), clock.now(session)))


def _sent(leg_id: UUID) -> str:
    return f"sent:{leg_id}"


def nobody_outside(session: Session, call_id: UUID, since: datetime) -> bool:
    """Whether he waits since then because nobody answered outside, where he had been passed on to."""
    return floor(session).noted_at(call_id, _nobody_outside(since)) is not None


def _nobody_outside(since: datetime) -> str:
    return f"nobody-outside:{since.isoformat()}"


def had_joined(session: Session, call_id: UUID, leg_id: UUID, heard: Heard, line: str | None) -> Step | None:
    """He has left the conference of this leg. If it was never told that he joined, he did: when he was `sent` there.

    Of who was called back nobody knows when he picked up: his conversation counts, and lasted for nothing.
    """
    row = floor(session).lock_call(call_id)
    if row is None or not may_have_joined(_state(row), leg_id):
        return None
    sent_at = floor(session).noted_at(call_id, _sent(leg_id)) or heard.at
    joined = CallerJoined(min(sent_at, heard.at), leg_id, line)
    return apply(session, call_id, joined, replace(heard, at=joined.at, repaired=True))


def lock_call(session: Session, call_id: UUID) -> None:
    """Lock a call before anything that belongs to it: locks are taken in one order."""
    floor(session).lock_call(call_id)


def learn_sid(session: Session, leg_id: UUID, carrier_sid: str) -> None:
    """A callback names the carrier's call behind a leg, perhaps before the answer to its creation did."""
    floor(session).learn_sid(leg_id, carrier_sid)


def note(session: Session, call_id: UUID, kind: str, heard: Heard) -> bool:
    """Append to a call's log something that changes nothing else; false when it was there already."""
    owner = floor(session).owner(call_id)
    return owner is not None and _append(session, owner, kind, heard)


def line_ended(session: Session, call_id: UUID, sid: str, heard: Heard, leg_id: UUID | None = None) -> Step | None:
    """A line that a caller was on, or on which he was called back in the attempt of this leg, is over.

    The line that he gave up for a callback ends nothing, however late that is heard; it is free.
    """
    row = floor(session).lock_call(call_id)
    if row is None or (not row.away and row.carrier_sid != sid):
        return None
    if row.away and leg_id is None:
        callbacks.line_is_free(session, row)
        return None
    event = CitizenMissed(heard.at, leg_id) if row.away and leg_id is not None else CallerLeft(heard.at)
    return apply(session, call_id, event, heard)


def on_line(session: Session, call_id: UUID, leg_id: UUID, sid: str) -> bool:
    """The carrier calls him back on this line, for this agent's leg; false when it is for nothing any more."""
    row = _locked(session, call_id)
    if row.carrier_sid == sid:
        return True
    if not row.away or row.phase is not Phase.JOINING or row.leg_id != leg_id:
        return False
    floor(session).write_call(call_id, carrier_sid=sid)
    callbacks.called(session, call_id, leg_id)
    return True


def attribute(session: Session, call_id: UUID, ente_id: int | None) -> None:
    """The call turns out to be about this ente, or about nobody knows which: everything counted so far moves there."""
    row = _locked(session, call_id)
    if row.ente_id == ente_id:
        return
    if ente_id is not None and ente_id not in enti.enti_of(session, row.contract_id):
        raise ConflictError("Questo ente non è servito dal contratto della chiamata.")
    floor(session).attribute(row, ente_id)
    if row.consent is Consent.AGREED:
        recorded.void(session, row, to=Consent.VOID, why="other_ente")
    account, measured = account_of(row), measured_of(row, _state(row))
    at = clock.now(session)
    for kind, there in ((FactKind.MOVED, account), (FactKind.ATTRIBUTED, replace(account, ente_id=ente_id))):
        fact = SeenFact(kind, at, waited_until(_state(row), at), repaired=False)
        _count(session, row, facts=(fact,), before=(account, measured), after=(there, measured))


def waited_too_long(session: Session, call_id: UUID) -> None:
    """The timer of a wait has run out."""
    row = _locked(session, call_id)
    limits.ran_out(session, row, _state(row))


def arrived(session: Session, row: CallRow, heard: Heard) -> None:
    """Log a call that was just written, and count it when it came within the metering hours."""
    _append(session, row, "Arrived", heard)
    if row.metered:
        fact = SeenFact(FactKind.RECEIVED, heard.at, 0, heard.repaired)
        after = account_of(row), measured_of(row, _state(row))
        _count(session, row, facts=(fact,), before=None, after=after)
    touch(session, topics.board(row.contract_id))


def announced(session: Session, call: CallRow, stands: Outlook) -> None:
    """A waiting caller was told how he stands: what came of it can be compared."""
    if not call.metered:
        return
    said = stands.wait
    ends = None if said is None or said.to_min is None else said.to_min * 60
    waited = waited_until(_state(call), clock.now(session))
    told = ToldWait(waited, stands.ahead + 1, None if said is None else said.from_min * 60, ends)
    floor(session).announce(call.id, account=account_of(call), told=told)


def wrapped_up(session: Session, call_id: UUID) -> bool:
    """The agent is done with a call: its wrap-up ends, and counts. False when it had ended before."""
    row = _locked(session, call_id)
    if row.wrapped_up_at is not None:
        return False
    at = clock.now(session)
    floor(session).write_call(call_id, wrapped_up_at=at)
    before = measured_of(row, _state(row))
    ended = row.ended_at or at
    after = replace(before, wrap_up_ms=ms_between(ended, at))
    fact = SeenFact(FactKind.WRAPPED_UP, at, row.waited_ms, repaired=False, agent_id=row.agent_id)
    account = account_of(row)
    _count(session, row, facts=(fact,), before=(account, before), after=(account, after))
    return True


def self_served(session: Session, call_id: UUID, heard: Heard) -> None:
    """The voice menu told the caller something of a notice: each thing is logged once, and the call is served."""
    row = _locked(session, call_id)
    _append(session, row, story.SELF_SERVED, heard)
    if row.self_served_at is not None:
        return
    floor(session).write_call(call_id, self_served_at=heard.at)
    if row.metered:
        state = (account_of(row), measured_of(row, _state(row)))
        fact = SeenFact(FactKind.SELF_SERVED, heard.at, 0, repaired=heard.repaired)
        _count(session, row, facts=(fact,), before=state, after=state)


def put_through(session: Session, call_id: UUID, heard: Heard) -> None:
    """The menu put the caller through to a number outside, and they spoke. It may be told after his line is over."""
    row = _locked(session, call_id)
    if not _append(session, row, "PutThrough", heard) or row.put_through_at is not None:
        return
    row = replace(row, put_through_at=heard.at)
    over = {"outcome": _outcome(session, row, _state(row))} if row.phase is Phase.ENDED else {}
    floor(session).write_call(call_id, put_through_at=heard.at, **over)
    if row.metered:
        state = (account_of(row), measured_of(row, _state(row)))
        fact = SeenFact(FactKind.PUT_THROUGH, heard.at, row.waited_ms, repaired=heard.repaired)
        _count(session, row, facts=(fact,), before=state, after=state)
    if over and row.contact_id is not None:
        floor(session).tell(call_id)


def turn_away(session: Session, call_id: UUID, queue_id: int, heard: Heard) -> None:
    """The caller asked for an operator of this queue while it held all that it may. Told once a call."""
    row = _locked(session, call_id)
    if row.turned_away_at is not None or not _append(session, row, "TurnedAway", heard):
        return
    first = row.queue_id or queue_id
    floor(session).write_call(call_id, queue_id=first, turned_away_at=heard.at)
    account, was = account_of(row), measured_of(row, _state(row))
    fact = SeenFact(FactKind.TURNED_AWAY, heard.at, row.waited_ms, repaired=False)
    after = replace(account, queue_id=first), replace(was, turned_away=True)
    _count(session, row, facts=(fact,), before=(account, was), after=after)
    limits.turned_away(session, row, first, heard.at)


def enter_queue(session: Session, call_id: UUID, queue_id: int, heard: Heard, *, away: bool = False) -> Step | None:
    """The caller asked for an operator of this queue; `away`: to be called back when it is his turn."""
    queue = queues.queue(session, queue_id)
    entering = floor(session).queue_up(call_id, queue_id=queue_id, at=heard.at)
    if entering is None:
        return None
    contact_id = entering.contact_id
    language = Place.restored(entering.ivr).language.value
    knows = who_knows(session, contact_id, heard.at) if queue.sticky_s and contact_id else None
    floor(session).add_entry(
        call_id, contract_id=entering.contract_id, ente_id=entering.ente_id, queue_id=queue_id, domain=queue.domain,
        priority=queue.priority, at=heard.at, language=language, knows=knows, away=away,
    )  # fmt: skip
    widenings = queue.rules.widenings(language, known=knows is not None)
    following.arm_widenings(
        session, call_id, entering.contract_id, heard.at, (timedelta(seconds=one) for one in widenings)
    )
    return apply(session, call_id, CallerQueued(heard.at, away), heard)


def account_of(row: LiveCall) -> Account:
    """Where a call counts."""
    return Account(row.contract_id, row.ente_id, row.queue_id, row.callers, quarter_of(row.arrived_at))


def measured_of(row: LiveCall, state: CallState) -> Measured:
    """A call as the meter sees it in this state."""
    return Measured(
        received=row.metered,
        entered=row.queued_at is not None,
        served=state.served,
        ended=state.phase is Phase.ENDED,
        waited_ms=state.waited_ms,
        turned_away=row.turned_away_at is not None,
        called_back=state.away,
        talk_ms=state.talked_ms,
        hold_ms=state.held_ms,
        wrap_up_ms=ms_between(row.ended_at, row.wrapped_up_at) if row.ended_at and row.wrapped_up_at else 0,
    )


# -- the parts of `apply` ---------------------------------------------------------------------------------------


def _state(row: LiveCall) -> CallState:
    party = Party(row.party_leg_id, row.party_agent_id, row.party_joined) if row.party_leg_id else None
    return CallState(
        phase=row.phase, leg_id=row.leg_id, agent_id=row.agent_id, waiting_since=row.waiting_since,
        waited_ms=row.waited_ms, served=row.answered_at is not None, closing=row.closing,
        talking_since=row.talking_since, talked_ms=row.talked_ms, held_since=row.held_since, held_ms=row.held_ms,
        room_id=row.room_id, party=party, passed=row.passed, away=row.away, seated=row.seated, parted_at=row.parted_at,
        ended_at=row.ended_at,
    )  # fmt: skip


def _locked(session: Session, call_id: UUID) -> LiveCall:
    row = floor(session).lock_call(call_id)
    assert row is not None
    return row


def _append(session: Session, call: Owner | LiveCall, kind: str, heard: Heard) -> bool:
    return floor(session).append(
        call, key=heard.key, kind=kind, detail=dict(heard.detail), at=heard.at, recorded_at=clock.now(session),
        repaired=heard.repaired,
    )  # fmt: skip


def _write_state(session: Session, row: LiveCall, before: CallState, after: CallState, at: datetime) -> None:
    values: dict[str, Any] = {
        "phase": after.phase, "leg_id": after.leg_id, "agent_id": after.agent_id, "closing": after.closing,
        "waiting_since": after.waiting_since, "checked_at": clock.now(session), "waited_ms": after.waited_ms,
        "talking_since": after.talking_since, "talked_ms": after.talked_ms, "held_since": after.held_since,
        "held_ms": after.held_ms, "room_id": after.room_id, "passed": after.passed, "away": after.away,
        "seated": after.seated,
        "parted_at": after.parted_at,
        "party_leg_id": after.party.leg_id if after.party else None,
        "party_agent_id": after.party.agent_id if after.party else None,
        "party_joined": after.party.joined if after.party else False,
    }  # fmt: skip
    if before.phase is Phase.OUTSIDE and after.phase is Phase.WAITING:
        values["wrapped_up_at"] = None  # it goes on, after all
    if after.agent_id != before.agent_id:
        values["help_since"] = None
    if after.served and not before.served:
        values["answered_at"] = at if after.ended_at is None else min(at, after.ended_at)
    if before.served and not after.served:
        values["answered_at"] = None
    if after.phase is Phase.ENDED:
        values["ended_at"] = after.ended_at
        values["outcome"] = _outcome(session, row, after)
    floor(session).write_call(row.id, **values)


def _outcome(session: Session, row: LiveCall, after: CallState) -> Outcome:
    if after.served:
        return Outcome.ANSWERED
    if after.away:
        return Outcome.NOT_REACHED
    if row.queued_at is not None:
        return Outcome.ABANDONED
    if row.turned_away_at is not None:
        return Outcome.TURNED_AWAY
    if row.put_through_at is not None:
        return Outcome.PUT_THROUGH
    if row.self_served_at is not None:
        return Outcome.SELF_SERVED
    table = lines.timetable(session, row.line, row.contract_id, row.ente_id)
    return Outcome.LEFT_IVR if opening(table, row.arrived_at).is_open else Outcome.CLOSED


def _meter(session: Session, row: LiveCall, before: CallState, step: Step, heard: Heard) -> None:
    entered = row.queued_at is not None
    facts = [
        SeenFact(fact.kind, fact.at, fact.waited_ms, heard.repaired, agent_id=fact.agent_id, ended_by=fact.ended_by)
        for fact in step.facts
        if entered or fact.kind is not FactKind.LEFT
    ]
    account = account_of(row)
    counted, was = account, measured_of(row, before)
    if before.phase is Phase.IVR and step.state.phase is Phase.WAITING:
        was = replace(was, entered=False)
        if not step.state.away:  # who does not wait on the line is not one too many there
            position = limits.entered(session, row, facts[0].occurred_at)
            facts = [replace(fact, position=position) for fact in facts]
        counted = account if row.turned_away_at is not None else replace(account, queue_id=None)
    after = account, measured_of(row, step.state)
    _count(session, row, facts=facts, before=(counted, was), after=after)


def _count(
    session: Session, row: LiveCall, *, facts: Sequence[SeenFact], before: tuple[Account, Measured] | None,
    after: tuple[Account, Measured],
) -> None:  # fmt: skip
    """What callers were given counts; calls that we place are no service to anybody who called."""
    if not row.placed:
        floor(session).record(row.id, facts=facts, before=before, after=after)


def carrier_instant(told: datetime | None, received: datetime) -> datetime:
    """When something happened: the carrier's word has whole seconds, within which our receipt refines it."""
    return received if told is None else min(received, told + SECOND)
