"""Reading how a campaign is dialed: its live board, an operator's part in it, and which campaign called a number."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.contacts import queries as contacts
from crm.core import clock
from crm.core.db import table_of
from crm.enti.calendar import spans
from crm.levels.formulas import occupancy, outbound_per_hour
from outbound.campaigns import looks, running, spending
from outbound.campaigns import queries as campaigns
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import Attempt, Campaign, ContactState, Skip
from outbound.campaigns.plan import Channel, Mode
from outbound.campaigns.queries import Progress
from outbound.campaigns.running import Running
from outbound.compliance.calls import opens
from outbound.compliance.rules import Ended
from outbound.dialer import desk, staffing
from outbound.dialer.deciding import Desk, Reason, SeatState, Why, decide
from outbound.dialer.desk import Chosen
from outbound.dialer.forecast import Forecast, foretell
from outbound.dialer.models import DialerLine, DialerSetting, DialerStay, LineState
from outbound.dialer.pacing import CAP, Tally
from outbound.dialer.worked import BUSY
from telephony.agents import queries as agents
from telephony.agents.models import Activity
from telephony.agents.queries import FEWEST
from telephony.agents.times import durations
from telephony.queues.figures import figures_locked

LEAST = timedelta(minutes=10)  # of operators' time, before calls an hour of it, or how busy they were, say anything
GOAL = 50  # calls an hour of an operator's time (requirement O4)
LOOKED_BACK = timedelta(days=30)  # at calls of a number that phones us
DAYS_AHEAD = 90
_STAY, _LINE, _A, _C = table_of(DialerStay), table_of(DialerLine), table_of(Attempt), table_of(Campaign)
# A person answered: on a line of the dialer's, or whom an operator called himself.
_PERSON = (_LINE.c.answered_at.is_not(None) & ~_LINE.c.machine) | (
    _LINE.c.id.is_(None) & _A.c.ended.in_([Ended.SPOKEN, Ended.ANSWERED])
)


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of today: calls placed, and those that a person answered."""

    start: datetime
    dialed: int
    answered: int


@dataclass(frozen=True, slots=True)
class Board:
    """Everything on a campaign's live board. `seats`, `occupancy`: none where they would tell of a single operator;
    occupancy too of less than ten minutes of their time.
    """

    at: datetime
    state: State
    how: Chosen
    reason: Reason
    operators: int
    seats: Mapping[SeatState, int] | None
    occupancy: Decimal | None
    dialed: int  # today, as what follows
    answered: int
    met: int
    tally: Tally  # of thirty days
    staffed_ms: int  # of their time that was the campaign's
    goal: int
    hours: tuple[Hour, ...]
    progress: Progress
    forecast: Forecast | None
    ringing: int
    skips: Mapping[Skip, int]  # let go without a call, by the reason
    spent: int  # ten-thousandths of a euro, with messages and letters
    budget_cents: int | None

    @property
    def hit(self) -> Decimal | None:
        """The share of calls that a person answered."""
        return Decimal(self.answered) / self.dialed if self.dialed else None

    @property
    def an_hour(self) -> Decimal | None:
        """Calls an hour of an operator's time (requirement O4); none of less than ten minutes of it."""
        if timedelta(milliseconds=self.staffed_ms) < LEAST:
            return None
        return outbound_per_hour(self.dialed, self.staffed_ms)

    @property
    def cap(self) -> Decimal:
        """The share that abandonment must stay under."""
        return Decimal(str(CAP))


@dataclass(frozen=True, slots=True)
class Spent:
    """Time of the operators while they were on the campaign, in milliseconds: available, busy with whomever,
    and `own`: for it.
    """

    agents: frozenset[int]
    available_ms: int
    busy_ms: int
    own_ms: int

    @property
    def occupancy(self) -> Decimal | None:
        """The share of their time in which they were busy; none of less than ten minutes of it."""
        if timedelta(milliseconds=self.busy_ms + self.available_ms) < LEAST:
            return None
        return occupancy(self.busy_ms, self.available_ms)


def board(session: Session, campaign_id: int) -> Board:
    """The board as it is now. Raises `NotFoundError`."""
    campaign, now = running.get(session, campaign_id), clock.now(session)
    how = desk.chosen(campaign, session.get(DialerSetting, campaign_id))
    seen = desk.read(session, campaign, how, now, at_most=20)
    since = clock.start_of_day(clock.business_day(now))
    hours = _hours(session, campaign_id, since)
    spent = spent_on(session, campaign_id, since, now)
    told = len(spent.agents) >= FEWEST or not any(figures_locked(session, spent.agents).values())
    progress = campaigns.progress(session, campaign_id)
    dialed, answered, met = _today(session, campaign_id, since)
    return Board(
        at=now, state=campaign.state, how=how, reason=_reason(campaign, seen, progress, now), operators=len(seen.seats),
        seats=Counter(one.state for one in seen.seats) if told else None,
        occupancy=spent.occupancy if told else None,
        dialed=dialed, answered=answered, met=met, tally=desk.tally(session, campaign_id, now),
        staffed_ms=spent.own_ms, goal=campaign.plan.calls_an_hour or GOAL, hours=tuple(hours),
        progress=progress, forecast=_forecast(session, campaign, progress, now), ringing=len(seen.ringing),
        skips=looks.skips(session, campaign_id), spent=spending.cost(session, campaign),
        budget_cents=campaign.plan.budget_cents,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sought:
    """Whose telephone rings for an operator, or with whom he is."""

    contact_id: int
    name: str
    number: str


@dataclass(frozen=True, slots=True)
class Part:
    """An operator's part in a campaign."""

    campaign_id: int
    ente_id: int
    campaign: str
    mode: Mode
    state: SeatState
    leaving: bool
    script: str
    rings: Sought | None


def part_of(session: Session, agent_id: int) -> Part | None:
    """In which campaign an operator takes part, and how he stands there."""
    which = DialerStay.agent_id == agent_id, DialerStay.left_at.is_(None)
    stay = session.scalars(select(DialerStay).where(*which)).one_or_none()
    if stay is None:
        return None
    campaign, now = running.get(session, stay.campaign_id), clock.now(session)
    found = next((one for one in desk.seats(session, stay.campaign_id, now) if one.agent_id == agent_id), None)
    row = session.execute(
        select(_A.c.contact_id, _A.c.number)
        .join(_LINE, _LINE.c.id == _A.c.id)
        .where(
            _LINE.c.campaign_id == stay.campaign_id, _LINE.c.for_agent == agent_id, _LINE.c.call_id.is_(None),
            _LINE.c.state.in_([LineState.OWED, LineState.RINGING]), ~_LINE.c.dropped,
        )
    ).first()  # fmt: skip
    rings = None
    if row is not None:
        rings = Sought(row.contact_id, contacts.named(session, [row.contact_id]).get(row.contact_id, ""), row.number)
    return Part(
        stay.campaign_id, stay.ente_id, campaigns.one(session, stay.campaign_id).name,
        desk.chosen(campaign, session.get(DialerSetting, stay.campaign_id)).mode,
        found.state if found is not None else SeatState.AWAY, stay.leaving,
        campaign.plan.scripts.get(campaign.plan.phase(clock.business_day(now)), ""), rings,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Before:
    """Whom an operator has before him, and of which campaign."""

    campaign: str
    name: str


def before(session: Session, agent_id: int) -> Before | None:
    """Whom he looked at, and has neither called nor let go."""
    found = looks.before(session, agent_id)
    if found is None:
        return None
    campaign_id, contact_id = found
    return Before(
        campaigns.one(session, campaign_id).name, contacts.named(session, [contact_id]).get(contact_id, "")
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Called:
    """A campaign that called somebody: when, how it ended, and what its operators say."""

    campaign_id: int
    campaign: str
    contact_id: int
    name: str
    at: datetime
    ended: Ended | None
    script: str


def called(session: Session, number: str, *, before: datetime, ente_id: int | None = None) -> Called | None:
    """The campaign that last called this number, within thirty days; who phones us may be calling it back.

    `ente_id`: the one that he phones. What another ente called him about is no matter of that call's.
    """
    its = () if ente_id is None else (_A.c.ente_id == ente_id,)
    row = _last(session, _A.c.number == number, _A.c.at < before, _A.c.at > before - LOOKED_BACK, *its)
    return None if row is None else _called(session, row)


def of_call(session: Session, call_id: UUID) -> Called | None:
    """The campaign for which a call was placed."""
    row = _last(session, _A.c.call_id == call_id)
    return None if row is None else _called(session, row)


def has_answered(session: Session, call_id: UUID) -> bool:
    """Whether who is let into a call answered before: his line rang, and rings no more."""
    its = select(_LINE.c.id).where(_LINE.c.call_id == call_id, _LINE.c.answered_at.is_not(None))
    return session.execute(its.limit(1)).first() is not None


def ways(session: Session, campaign_ids: list[int]) -> dict[int, Mode]:
    """How each of these campaigns is dialed now; of those in which somebody is called at all."""
    found = {}
    for one in campaign_ids:
        campaign = running.get(session, one)
        if campaign.plan.steps_of(Channel.CALL):
            found[one] = desk.chosen(campaign, session.get(DialerSetting, one)).mode
    return found


def _last(session: Session, *which: Any) -> Any:
    return session.execute(
        select(_A.c.campaign_id, _A.c.contact_id, _A.c.at, _A.c.ended, _C.c.name)
        .join(_C, _C.c.id == _A.c.campaign_id)
        .where(_A.c.begun, *which)
        .order_by(_A.c.at.desc())
        .limit(1)
    ).first()


def _called(session: Session, row: Any) -> Called:
    plan = running.get(session, row.campaign_id).plan
    name = contacts.named(session, [row.contact_id]).get(row.contact_id, "")
    script = plan.scripts.get(plan.phase(clock.business_day(clock.now(session))), "")
    return Called(row.campaign_id, row.name, row.contact_id, name, row.at, row.ended, script)


def _today(session: Session, campaign_id: int, since: datetime) -> tuple[int, int, int]:
    met = _PERSON & _A.c.call_id.is_not(None)
    row = session.execute(
        select(func.count(), func.count().filter(_PERSON), func.count().filter(met))
        .select_from(_A.outerjoin(_LINE, _LINE.c.id == _A.c.id))
        .where(_A.c.campaign_id == campaign_id, _A.c.begun, _A.c.at >= since)
    ).one()  # fmt: skip
    return row[0], row[1], row[2]


def _reason(campaign: Running, seen: Desk, progress: Progress, now: datetime) -> Reason:
    """Why it does what it does; that nobody of the list may be called is found out by whoever wants to."""
    reason = decide(seen).reason
    nobody = not progress.states.get(ContactState.READY) or opens(campaign.rules, now) != now
    return replace(reason, why=Why.LIST, count=0) if nobody and reason.why is Why.DIALS else reason


def _hours(session: Session, campaign_id: int, since: datetime) -> list[Hour]:
    hour = func.date_trunc("hour", _A.c.at)
    rows = session.execute(
        select(hour, func.count(), func.count().filter(_PERSON))
        .select_from(_A.outerjoin(_LINE, _LINE.c.id == _A.c.id))
        .where(_A.c.campaign_id == campaign_id, _A.c.begun, _A.c.at >= since)
        .group_by(hour)
        .order_by(hour)
    )
    return [Hour(*row) for row in rows]


def spent_on(session: Session, campaign_id: int, since: datetime, now: datetime) -> Spent:
    """Where its operators' time went since then, while on it; what of it is its own `staffing` says."""
    stays = session.execute(
        select(_STAY.c.agent_id, _STAY.c.joined_at, _STAY.c.left_at).where(
            _STAY.c.campaign_id == campaign_id, func.coalesce(_STAY.c.left_at, now) > since
        )
    ).all()
    on_it = {one.agent_id for one in stays}
    facts = agents.facts_of(session, on_it, since, now) if stays else {}
    available = busy = 0
    for agent_id, joined_at, left_at in stays:
        spent = durations(facts.get(agent_id, []), max(joined_at, since), min(left_at or now, now))
        busy += sum(spent[one] for one in BUSY)
        available += spent[Activity.READY]
    spans = staffing.spans_of(session, campaign_id, since, now)
    own = staffing.summed(session, campaign_id, since, now).staffed_ms
    return Spent(frozenset(on_it | spans.keys()), available, busy, own)


def _forecast(session: Session, campaign: Running, progress: Progress, now: datetime) -> Forecast | None:
    left = sum(progress.states.get(one, 0) for one in (ContactState.READY, ContactState.LATER, ContactState.CLAIMED))
    done = progress.contacts - left
    last_hour = session.execute(
        select(func.count()).where(_A.c.campaign_id == campaign.id, _A.c.begun, _A.c.at > now - timedelta(hours=1))
    ).scalar_one()
    today = clock.business_day(now)
    return foretell(
        left=left, done=done, calls=progress.tried, an_hour=float(last_hour), now=now,
        spans=spans(campaign.rules.windows[0], today, DAYS_AHEAD),
    )  # fmt: skip
