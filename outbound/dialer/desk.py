"""A campaign's desk as it is read: its operators, the lines that ring, what the last calls teach, and who phones us."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.core.db import table_of
from outbound.campaigns import spending
from outbound.campaigns.lifecycle import State
from outbound.campaigns.plan import Mode
from outbound.campaigns.running import Running
from outbound.dialer.deciding import AGGRESSIVE, Desk, Ringing, Seat, SeatState, kept_for_inbound
from outbound.dialer.expected import LAST, Expected, learn
from outbound.dialer.models import RINGS_S, DialerLine, DialerSetting, DialerStay, LineState
from outbound.dialer.pacing import Pace, Tally
from telephony.agents.models import AgentPresence, AgentState
from telephony.calls.models import AgentLeg, Call, Phase
from telephony.queues.models import EntryState, QueueEntry, QueueMember

LOOKED_BACK = timedelta(days=30)  # over which abandonment is bounded (FTC TSR 310.4(b)(4))
RESTS = timedelta(seconds=5)  # before an operator is rung again
_STAY, _LINE, _CALL, _LEG = table_of(DialerStay), table_of(DialerLine), table_of(Call), table_of(AgentLeg)
_PRESENCE, _ENTRY, _MEMBER = table_of(AgentPresence), table_of(QueueEntry), table_of(QueueMember)
_IDLE = frozenset({SeatState.FREE, SeatState.WAITING})


@dataclass(frozen=True, slots=True)
class Chosen:
    """How a campaign is dialed: what the supervisor chose, within its plan."""

    mode: Mode
    stopped: bool
    inbound_first: bool
    inbound_s: int
    least: int
    hears_machines: bool
    price: float
    refusals: int = 0
    refused_code: int | None = None
    held_until: datetime | None = None


def chosen(campaign: Running, row: DialerSetting | None) -> Chosen:
    """What holds: never more than the ente approved; without a row what the plan says."""
    most = campaign.plan.mode
    if row is None:
        return Chosen(most, False, True, 10, 10, False, Pace().price)
    mode = min(row.mode, most, key=AGGRESSIVE.index)
    return Chosen(
        mode, row.stopped, row.inbound_first, row.inbound_s, row.least, row.hears_machines, row.price,
        row.refusals, row.refused_code, row.held_until,
    )  # fmt: skip


def read(session: Session, campaign: Running, how: Chosen, now: datetime, *, at_most: int) -> Desk:
    """The desk at an instant."""
    found = seats(session, campaign.id, now)
    waiting = callers(session, found, now - timedelta(seconds=how.inbound_s)) if how.inbound_first else []
    idle = [one.agent_id for one in sorted(found, key=lambda one: one.since_s) if one.state in _IDLE]
    kept = kept_for_inbound(waiting, _queues_of(session, idle)) if waiting else frozenset[int]()
    return Desk(
        mode=how.mode, runs=campaign.state is State.RUNNING and not how.stopped, seats=found,
        ringing=ringing(session, campaign.id, now), expected=expected(session, campaign.id),
        price=Pace(how.price, tally(session, campaign.id, now)).allowed, least=how.least, inbound=kept,
        callers=len(waiting), at_most=at_most if how.refusals == 0 else 1,
        refused=how.held_until is not None and now < how.held_until,
        broke=not spending.pays_a_call(session, campaign),
    )  # fmt: skip


def seats(session: Session, campaign_id: int, now: datetime) -> list[Seat]:
    """The operators who are on the campaign."""
    rows = session.execute(
        select(
            _STAY.c.agent_id, _STAY.c.call_id, _STAY.c.opened_at, _STAY.c.leaving, _PRESENCE.c.state,
            _PRESENCE.c.intended, _PRESENCE.c.live_until, _PRESENCE.c.device, _PRESENCE.c.rings_at,
            _PRESENCE.c.call_id.label("busy_with"), _CALL.c.seated, _CALL.c.phase, _CALL.c.answered_at,
            _CALL.c.arrived_at, _LEG.c.answered_at.label("seated_at"),
        )
        .join(_PRESENCE, _PRESENCE.c.agent_id == _STAY.c.agent_id)
        .outerjoin(_CALL, _CALL.c.id == _STAY.c.call_id)
        .outerjoin(_LEG, _LEG.c.id == _CALL.c.leg_id)
        .where(_STAY.c.campaign_id == campaign_id, _STAY.c.left_at.is_(None))
        .order_by(_STAY.c.agent_id)
    )  # fmt: skip
    return [_seat(row, now) for row in rows]


def _seat(row: Any, now: datetime) -> Seat:
    state = state_of(row, now)
    since = row.seated_at if state in {SeatState.WAITING, SeatState.LEAVING} else row.answered_at
    since_s = max((now - since).total_seconds(), 0.0) if since is not None else 0.0
    rests = row.opened_at is not None and now - row.opened_at < RESTS
    return Seat(row.agent_id, state, since_s, row.call_id if row.busy_with == row.call_id else None, rests)


def state_of(row: Any, now: datetime) -> SeatState:
    """Where an operator is, by his presence and his seat."""
    there = row.live_until > now and (row.device is not None or row.rings_at is not None)
    stays = there and row.intended is AgentState.READY and not row.leaving
    if row.busy_with is not None and row.busy_with == row.call_id:
        if row.seated and row.phase is Phase.RINGING:
            return SeatState.OPENING if stays else SeatState.LEAVING
        if row.seated:
            return SeatState.WAITING if stays else SeatState.LEAVING
        if not stays:
            return SeatState.LAST
        return SeatState.NOTES if row.state is AgentState.WRAP_UP else SeatState.TALKING
    if row.state is AgentState.READY:
        return SeatState.FREE if stays else SeatState.AWAY
    return SeatState.AWAY if row.state in {AgentState.PAUSED, AgentState.OFFLINE} else SeatState.ELSEWHERE


def out_of_service(session: Session, campaign_id: int) -> list[int]:
    """Those of its operators whose shift has ended since they joined."""
    rows = session.scalars(
        select(_STAY.c.agent_id)
        .join(_PRESENCE, _PRESENCE.c.agent_id == _STAY.c.agent_id)
        .where(
            _STAY.c.campaign_id == campaign_id, _STAY.c.left_at.is_(None), _PRESENCE.c.state == AgentState.OFFLINE,
            _PRESENCE.c.since > _STAY.c.joined_at,
        )
    )  # fmt: skip
    return list(rows)


def ringing(session: Session, campaign_id: int, now: datetime) -> list[Ringing]:
    """The lines that somebody may still answer."""
    rows = session.execute(
        select(_LINE.c.id, _LINE.c.at, _LINE.c.for_agent).where(
            _LINE.c.campaign_id == campaign_id, _LINE.c.state.in_([LineState.OWED, LineState.RINGING]),
            ~_LINE.c.dropped, _LINE.c.answered_at.is_(None),
        )
    )  # fmt: skip
    return [Ringing(line_id, max((now - at).total_seconds(), 0.0), agent_id) for line_id, at, agent_id in rows]


def expected(session: Session, campaign_id: int) -> Expected:
    """What its last calls teach. Those that we gave up teach nothing."""
    settled = _LINE.c.answered_at.is_not(None) | (_LINE.c.state == LineState.OVER)
    rows = session.execute(
        select(_LINE.c.at, _LINE.c.answered_at, _LINE.c.machine)
        .where(_LINE.c.campaign_id == campaign_id, settled, ~_LINE.c.dropped)
        .order_by(_LINE.c.at.desc())
        .limit(LAST)
    ).all()
    people = [row for row in rows[::-1] if row.answered_at is not None and not row.machine]
    busy = session.execute(
        select(_CALL.c.answered_at, func.coalesce(_CALL.c.wrapped_up_at, _CALL.c.ended_at).label("until"))
        .join(_LINE, _LINE.c.call_id == _CALL.c.id)
        .where(
            _LINE.c.campaign_id == campaign_id, _LINE.c.call_id.is_not(None), _CALL.c.answered_at.is_not(None),
            _CALL.c.wrapped_up_at.is_not(None),
        )
        .order_by(_LINE.c.answered_at.desc())
        .limit(LAST)
    ).all()  # fmt: skip
    return learn(
        [row.answered_at is not None and not row.machine for row in rows[::-1]],
        [(row.answered_at - row.at).total_seconds() for row in people],
        [(row.until - row.answered_at).total_seconds() for row in busy[::-1]], given_up_s=float(RINGS_S),
    )  # fmt: skip


def tally(session: Session, campaign_id: int, now: datetime) -> Tally:
    """Calls that people answered, and those of them who found nobody, in thirty days."""
    people = (
        _LINE.c.campaign_id == campaign_id, _LINE.c.answered_at > now - LOOKED_BACK, ~_LINE.c.machine,
    )  # fmt: skip
    answered, met = session.execute(select(func.count(), func.count(_LINE.c.call_id)).where(*people)).one()
    return Tally(answered, answered - met)


def folded(session: Session, row: DialerSetting, now: datetime) -> None:
    """Move the price by whoever answered since it was moved last."""
    heard = session.execute(
        select(_LINE.c.answered_at, _LINE.c.call_id)
        .where(_LINE.c.campaign_id == row.campaign_id, _LINE.c.answered_at > row.folded_at, ~_LINE.c.machine)
        .order_by(_LINE.c.answered_at)
    ).all()
    if not heard:
        return
    before = tally(session, row.campaign_id, now)
    lost = sum(one.call_id is None for one in heard)
    pace = Pace(row.price, Tally(max(0, before.answered - len(heard)), max(0, before.abandoned - lost)))
    for one in heard:
        pace = pace.heard(abandoned=one.call_id is None)
    row.price, row.folded_at = pace.price, heard[-1].answered_at


def callers(session: Session, found: Sequence[Seat], before: datetime) -> list[int]:
    """The queues of those who phone us and have waited since before then, the longest first: each that one of these
    operators may answer.
    """
    agents = [one.agent_id for one in found]
    if not agents:
        return []
    theirs = select(_MEMBER.c.queue_id).where(_MEMBER.c.agent_id.in_(agents))
    rows = session.scalars(
        select(_ENTRY.c.queue_id)
        .where(
            _ENTRY.c.state == EntryState.WAITING, ~_ENTRY.c.away, _ENTRY.c.entered_at <= before,
            _ENTRY.c.queue_id.in_(theirs),
        )
        .order_by(_ENTRY.c.entered_at)
    )  # fmt: skip
    return list(rows)


def _queues_of(session: Session, agent_ids: Sequence[int]) -> list[tuple[int, frozenset[int]]]:
    rows = session.execute(
        select(_MEMBER.c.agent_id, func.array_agg(_MEMBER.c.queue_id))
        .where(_MEMBER.c.agent_id.in_(agent_ids))
        .group_by(_MEMBER.c.agent_id)
    )
    known = {agent_id: frozenset(queues) for agent_id, queues in rows}
    return [(one, known.get(one, frozenset())) for one in agent_ids]
