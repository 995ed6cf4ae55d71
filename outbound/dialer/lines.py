"""What happens on a line on which a campaign calls somebody: he answers, a machine does, nobody does.

Each is told by the carrier, in no order and perhaps twice; or asked of it, where nothing was heard.
"""

from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from crm.core import clock, topics
from crm.core.db import table_of, touch
from crm.enti import queries as enti
from outbound.campaigns import contacts, running
from outbound.campaigns.models import Attempt
from outbound.cati import by_keys
from outbound.compliance.rules import Ended
from outbound.dialer import recalls
from outbound.dialer.deciding import SeatState
from outbound.dialer.desk import ringing, seats
from outbound.dialer.message import nobody_here
from outbound.dialer.models import DialerLine, DialerSetting, DialerStay, LineState
from telephony.calls import reception, service
from telephony.calls import seats as conferences
from telephony.calls.addresses import Addresses
from telephony.calls.events import MachineAnswered
from telephony.calls.models import Call, Phase
from telephony.calls.reception import Reply
from telephony.calls.seats import Caller
from telephony.calls.service import Heard
from telephony.carriers.port import Hangup

log = structlog.get_logger(__name__)
NOT_ANSWERED = {
    "busy": Ended.BUSY, "no-answer": Ended.NO_ANSWER, "canceled": Ended.NO_ANSWER, "failed": Ended.FAILED,
}  # fmt: skip
MACHINE_WITHIN_S = 12.0  # in a conversation that has lasted longer nobody is taken for a machine
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
_A, _CALL, _SET, _LINE = (table_of(one) for one in (Attempt, Call, DialerSetting, DialerLine))


def answered(session: Session, line_id: UUID, sid: str, to: Addresses) -> Reply:
    """Somebody answers: he is let in where an operator waits for him; else he hears who called, and that is all."""
    line = _locked(session, line_id)
    if line is None or line.state is LineState.OVER:
        return (Hangup(),)
    if line.call_id is not None and line.leg_id is not None:
        return conferences.joined(line.call_id, line.contract_id, line.leg_id, to)
    now = clock.now(session)
    line.carrier_sid, line.state, line.answered_at = sid, LineState.ANSWERED, line.answered_at or now
    attempt = session.get_one(Attempt, line_id)
    reply = None if line.dropped else _let_in(session, line, attempt, sid, to)
    if reply is None:
        log.warning("nobody_for_who_answered", campaign=line.campaign_id)
        plan = running.get(session, line.campaign_id).plan
        name = enti.badges(session, frozenset({line.ente_id}))[line.ente_id].name
        _came(session, line, Ended.SILENT)
        reply = nobody_here(name, plan.line)
    touch(session, topics.campaigns(line.ente_id))
    return reply


def told(session: Session, line_id: UUID, sid: str, status: str, heard: Heard) -> None:
    """The line's status is another. A final one is `completed`, or one of `NOT_ANSWERED`."""
    line = _locked(session, line_id)
    if line is None:
        return
    line.carrier_sid = line.carrier_sid or sid
    if status == "completed" or status in NOT_ANSWERED:
        _over(session, line, sid, status, heard)
    elif line.state is LineState.OWED:
        line.state = LineState.RINGING
    session.flush()


def machine(session: Session, line_id: UUID, answered_by: str) -> None:
    """The carrier has found out who answered, while he was spoken with. A machine is hung up on: nothing is left on it.

    Nobody who has been spoken with for a while is taken for one.
    """
    line = _locked(session, line_id)
    if line is None or not answered_by.startswith(("machine", "fax")):
        return
    now = clock.now(session)
    if line.call_id is None:
        line.machine = True
        as_silent = _A.c.id == line_id, _A.c.ended == Ended.SILENT
        session.execute(update(_A).where(*as_silent).values(ended=Ended.MACHINE))
        return
    its = _CALL.c.phase, _CALL.c.agent_id, _CALL.c.answered_at
    phase, agent_id, since = session.execute(select(*its).where(_CALL.c.id == line.call_id)).one()
    if phase is not Phase.TALKING or since is None or (now - since).total_seconds() > MACHINE_WITHIN_S:
        log.warning("machine_not_believed", call=str(line.call_id))
        return
    line.machine = True
    service.apply(session, line.call_id, MachineAnswered(now, agent_id), Heard(f"machine:{line.leg_id}", now))


NO_NUMBERS = frozenset({21211, 21214, 21217})  # the carrier's errors that speak of the number alone


def refused(session: Session, line_id: UUID, code: int | None) -> None:
    """The carrier would not call him: no attempt, unless that number cannot be called at all."""
    wanted = select(DialerSetting).where(_of_line(line_id)).with_for_update().execution_options(populate_existing=True)
    setting = session.scalars(wanted).one_or_none()
    line = _locked(session, line_id)
    if line is None or line.state is LineState.OVER or line.answered_at is not None:
        return
    line.state, line.ended_at = LineState.OVER, clock.now(session)
    session.flush()
    if code in NO_NUMBERS:
        _came(session, line, Ended.FAILED)
    else:
        contacts.undone(session, attempt_id=line_id)
        if setting is not None:
            _held(session, setting, code)


def accepted(session: Session, line_id: UUID) -> None:
    """The carrier calls again."""
    again = {"refusals": 0, "refused_code": None, "held_until": None}
    session.execute(update(_SET).where(_of_line(line_id), _SET.c.refusals > 0).values(**again))


def _of_line(line_id: UUID) -> ColumnElement[bool]:
    """The setting of a line's campaign; it is locked before the line, as a turn does."""
    return _SET.c.campaign_id == select(_LINE.c.campaign_id).where(_LINE.c.id == line_id).scalar_subquery()


def held_for(refusals: int) -> timedelta:
    """How long nobody is dialed after so many refusals in a row: each time twice as long. Pure."""
    return min(FIRST_PAUSE * 2 ** min(refusals - 1, 16), LONGEST_PAUSE) if refusals > 0 else timedelta()


def _held(session: Session, row: DialerSetting, code: int | None) -> None:
    """It would not call, for a reason that speaks of no number: of our account, its limits, or itself. Lines that were
    refused together count once.
    """
    now = clock.now(session)
    if row.held_until is not None and now < row.held_until:
        return
    row.refusals, row.refused_code = row.refusals + 1, code
    row.held_until = now + held_for(row.refusals)
    session.flush()
    log.warning("carrier_refuses", campaign=row.campaign_id, code=code, in_a_row=row.refusals)
    touch(session, topics.campaigns(row.ente_id))


def lost(session: Session, line_id: UUID) -> None:
    """Nobody will ever know whether he was called: it counts as an attempt, and is not repeated."""
    line = _locked(session, line_id)
    if line is not None and line.state is not LineState.OVER:
        line.state, line.ended_at = LineState.OVER, clock.now(session)
        session.flush()
        _came(session, line, Ended.UNKNOWN)


def settled(session: Session, line_id: UUID, came: Ended | None) -> Ended:
    """What came of a conversation to which this line led, `came` being what the call itself tells: he did answer."""
    line = _locked(session, line_id)
    assert line is not None
    line.state, line.ended_at = LineState.OVER, line.ended_at or clock.now(session)
    if came is None:  # his operator was gone before they were joined: that is a call that found nobody
        line.call_id = None
        came = Ended.SILENT
    elif came is Ended.MACHINE:
        line.machine = True
    elif came is not Ended.SPOKEN:
        came = Ended.ANSWERED  # he hung up on his way to the operator
    session.flush()
    return came


def _let_in(session: Session, line: DialerLine, attempt: Attempt, sid: str, to: Addresses) -> Reply | None:
    """To the operator whose line it is; else to whoever has waited longest, and at last to who only waits to leave."""
    now = clock.now(session)
    spoken_for = {one.for_agent for one in ringing(session, line.campaign_id, now) if one.line_id != line.id}
    waiting = [
        one for one in seats(session, line.campaign_id, now) if one.state in {SeatState.WAITING, SeatState.LEAVING}
    ]  # fmt: skip
    waiting.sort(
        key=lambda one: (
            one.agent_id != line.for_agent, one.state is SeatState.LEAVING, one.agent_id in spoken_for, -one.since_s
        )
    )  # fmt: skip
    for one in waiting:
        assert one.call_id is not None
        assert attempt.number is not None
        caller = Caller(sid, attempt.number, attempt.contact_id)
        taken = conferences.take(session, one.call_id, caller, to)
        if taken is not None:
            line.call_id, line.leg_id = one.call_id, taken[0]
            attempt.call_id, attempt.agent_id = one.call_id, one.agent_id
            session.flush()
            return taken[1]
    return None


def _over(session: Session, line: DialerLine, sid: str, status: str, heard: Heard) -> None:
    was, line.state = line.state, LineState.OVER
    line.ended_at = line.ended_at or heard.at
    if status == "completed" and line.answered_at is None:  # he answered, and what he was to hear never came to us
        line.answered_at = heard.at
    session.flush()
    if line.call_id is not None:
        by_keys.hung_up(session, line.call_id)
        reception.line_ended(session, line.call_id, sid, heard, line.leg_id)
    elif was is not LineState.OVER:
        ended = NOT_ANSWERED.get(status, Ended.MACHINE if line.machine else Ended.SILENT)
        if line.answered_at is not None and ended is not Ended.MACHINE:
            ended = Ended.SILENT
        _came(session, line, ended)
    agent_id = line.for_agent
    touch(session, topics.campaigns(line.ente_id), *([topics.agent(agent_id)] if agent_id else []))


def _came(session: Session, line: DialerLine, ended: Ended) -> None:
    """Of his attempt came this, and no operator had part in it."""
    contact_id = session.get_one(Attempt, line.id).contact_id
    contacts.ended(session, attempt_id=line.id, ended=ended, operator=False)
    recalls.keep(session, line.campaign_id, contact_id)


def _locked(session: Session, line_id: UUID) -> DialerLine | None:
    return session.get(DialerLine, line_id, with_for_update=True, populate_existing=True)


def left_alone(session: Session, agent_ids: list[int]) -> None:
    """These operators take part no more."""
    now = clock.now(session)
    which = DialerStay.agent_id.in_(agent_ids), DialerStay.left_at.is_(None)
    session.execute(update(DialerStay).where(*which).values(left_at=now, leaving=False))
