"""What forecasts and rosters are made of, and what was kept of them. The session must see the contract and its enti."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from sqlalchemy import Integer, cast, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission, Principal
from crm.core import clock
from crm.core.clock import business_day, in_rome, start_of_day
from crm.enti import calendar
from crm.enti import queries as enti
from crm.levels import queries as levels
from crm.levels import series
from crm.levels.metering import Counts
from crm.levels.series import Of
from crm.levels.terms import in_force
from crm.positions import queries as positions
from telephony.agents import queries as agents
from telephony.agents.times import staffed_ms
from telephony.queues import queries as queues
from telephony.staffing import known_days
from telephony.staffing.forecast import QUARTERS, WEEKS_USED, Driver, Expected, Past
from telephony.staffing.known_days import Kind, Known
from telephony.staffing.models import ForecastDay, KnownDay, Reinforcement, RosterWeek, Shift, StaffingSetting
from telephony.staffing.need import (
    USUAL_OCCUPANCY,
    USUAL_SHRINKAGE,
    Basis,
    handling_of,
    patience_of,
    target_of,
)
from telephony.staffing.shifts import Adherence, Stretch, may_be_told

DAY = timedelta(days=1)
MEASURED_DAYS = 28  # of handling and patience
HISTORY = timedelta(weeks=WEEKS_USED + 5)  # what a forecast uses, and the weeks that it is tried on


def history(session: Session, contract_id: int, first: date, after: date) -> dict[date, Past]:
    """The calls that asked for an operator, by day and quarter hour, with what was known of each day."""
    found = series.quarters(session, Of(contract_id), start_of_day(first), start_of_day(after), ("entered",))
    counted = {quarter: entered for quarter, (entered,) in found.items()}
    return _by_day(counted, drivers(session, contract_id, first, after))


def histories(
    session: Session, contract_id: int, why: Mapping[date, frozenset[Driver]], *, by: Literal["queue_id", "ente_id"]
) -> dict[int, dict[date, Past]]:
    """The same of each queue or ente that was called on the days of `why`, which says what was known of them."""
    since, until = start_of_day(min(why)), start_of_day(max(why) + DAY)
    found = series.quarters_of_each(session, contract_id, since, until, by=by, measure="entered")
    return {whose: _by_day(counted, why) for whose, counted in found.items()}


def _by_day(counted: Mapping[datetime, int], why: Mapping[date, frozenset[Driver]]) -> dict[date, Past]:
    days = {on: [0] * QUARTERS for on in why}
    for quarter, calls in counted.items():
        days[in_rome(quarter).date()][series.place_of(quarter)] += calls
    return {on: Past(tuple(calls), why[on]) for on, calls in days.items()}


def drivers(session: Session, contract_id: int, first: date, after: date) -> dict[date, frozenset[Driver]]:
    """What makes each day unlike others."""
    around = timedelta(days=known_days.LATER_DAYS)
    told = known(session, contract_id, first - around, after + around)
    was_holiday = _holiday(session, contract_id)
    return {
        on: known_days.drivers_of(on, told, was_holiday)
        for on in (first + n * DAY for n in range((after - first).days))
    }  # fmt: skip


def known(session: Session, contract_id: int, first: date, last: date) -> list[Known]:
    """What is known of days: the IMU's due dates, what supervisors wrote down, what the acts themselves say."""
    holiday = _holiday(session, contract_id)

    def is_working(day: date) -> bool:
        return day.weekday() < 5 and not holiday(day)

    due, notified = positions.acts_by_day(session, first, last)
    written = session.execute(
        select(KnownDay.day, KnownDay.kind, KnownDay.name).where(
            KnownDay.contract_id == contract_id, KnownDay.day.between(first, last)
        )
    )
    found = [one for year in range(first.year, last.year + 1) for one in known_days.imu(year, is_working)]
    found += [Known(*row) for row in written]
    found += known_days.notable(due, Kind.DUE) + known_days.notable(notified, Kind.NOTICES)
    return sorted((one for one in found if first <= one.day <= last), key=lambda one: (one.day, one.kind, one.name))


def written_days(session: Session, contract_id: int, since: date) -> list[KnownDay]:
    """What supervisors wrote down, from a day on."""
    rows = select(KnownDay).where(KnownDay.contract_id == contract_id, KnownDay.day >= since)
    return list(session.scalars(rows.order_by(KnownDay.day, KnownDay.id)))


def opens(
    session: Session, contract_id: int, first: date, after: date, *, ente_id: int | None = None
) -> dict[date, frozenset[int]]:  # fmt: skip
    """In which quarter hours of each day the contract's lines, or an ente's, are open; approved closures left out."""
    table = enti.timetable(session, contract_id, ente_id)
    found: dict[date, set[int]] = {first + n * DAY: set() for n in range((after - first).days)}
    for starts_at, ends_at in calendar.spans(table, first, (after - first).days):
        at = starts_at
        while at < ends_at:
            if calendar.opening(table, at).is_open:
                found[in_rome(at).date()].add(series.place_of(at))
            at += timedelta(minutes=15)
    return {on: frozenset(places) for on, places in found.items()}


def _holiday(session: Session, contract_id: int) -> Callable[[date], bool]:
    table = enti.timetable(session, contract_id, None)
    return lambda day: calendar.is_holiday(table, day)


def setting(session: Session, contract_id: int) -> tuple[Decimal, Decimal, int | None]:
    """Shrinkage, the highest occupancy, and the handling time in seconds where one is set."""
    row = session.get(StaffingSetting, contract_id)
    return (USUAL_SHRINKAGE, USUAL_OCCUPANCY, None) if row is None else (row.shrinkage, row.occupancy, row.handling_s)


def basis(session: Session, contract_id: int) -> Basis:
    """By what the contract's need is reckoned: its own promise, what was measured lately, what is set."""
    now = clock.now(session)
    today = business_day(now)
    since = start_of_day(today - MEASURED_DAYS * DAY)
    counts = sum((Counts(*one) for one in series.quarters(session, Of(contract_id), since, now).values()), Counts())
    shrinkage, occupancy, handling_s = setting(session, contract_id)
    terms = in_force(levels.terms(session, contract_id), now)
    target, promised = target_of(levels.promises(session, frozenset({contract_id})), terms, float(occupancy))
    return Basis(target, float(handling_s or handling_of(counts)), patience_of(counts), float(shrinkage), promised)


def forecasts(session: Session, contract_id: int, first: date, last: date) -> dict[date, Expected]:
    """What is expected of these days, as it was last made."""
    rows = session.scalars(
        select(ForecastDay)
        .where(ForecastDay.contract_id == contract_id, ForecastDay.day.between(first, last))
        .ext(distinct_on(ForecastDay.day))
        .order_by(ForecastDay.day, ForecastDay.made_on.desc())
    )
    return {row.day: _expected(row) for row in rows}


def as_told(session: Session, contract_id: int, first: date, last: date) -> dict[date, Expected]:
    """What had been expected of these days as the week before each of them began: the earliest of seven days."""
    rows = session.scalars(
        select(ForecastDay)
        .where(
            ForecastDay.contract_id == contract_id, ForecastDay.day.between(first, last),
            ForecastDay.made_on >= ForecastDay.day - 7, ForecastDay.made_on < ForecastDay.day,
        )
        .ext(distinct_on(ForecastDay.day))
        .order_by(ForecastDay.day, ForecastDay.made_on)
    )  # fmt: skip
    return {row.day: _expected(row) for row in rows}


def made_at(session: Session, contract_id: int) -> datetime | None:
    """When the last forecast was made."""
    return session.scalar(select(func.max(ForecastDay.made_at)).where(ForecastDay.contract_id == contract_id))


def _expected(row: ForecastDay) -> Expected:
    told = tuple((Driver(name), effect) for name, effect in zip(row.drivers, row.effects, strict=True))
    return Expected(tuple(row.expected), tuple(row.low), tuple(row.high), told)


def agents_of(session: Session, contract_id: int) -> dict[int, str]:
    """Who answers in the contract's queues, by name; without those whose role has ended."""
    ids = {agent_id for those in queues.members(session, contract_id).values() for agent_id in those}
    able = access.able(session, Permission.CALLS_ANSWER, contract_id=contract_id)
    return {one: name for one, name in able.items() if one in ids}


Roster = Mapping[tuple[int, date], tuple[Stretch, ...]]


def roster(session: Session, contract_id: int, first: date, last: date) -> Roster:
    """The shifts of some days, by agent and day. Those to come of whoever answers there no more are nobody's."""
    today = business_day(clock.now(session))
    rows = session.execute(
        select(Shift.agent_id, Shift.day, Shift.begins, Shift.ends)
        .where(
            Shift.contract_id == contract_id, Shift.day.between(first, last),
            (Shift.day < today) | Shift.agent_id.in_(agents_of(session, contract_id)),
        )
        .order_by(Shift.day, Shift.begins)
    )  # fmt: skip
    found: dict[tuple[int, date], tuple[Stretch, ...]] = {}
    for agent_id, day, begins, ends in rows:
        found[agent_id, day] = (*found.get((agent_id, day), ()), Stretch(begins, ends))
    return found


def published_at(session: Session, contract_id: int, monday: date) -> datetime | None:
    """Since when the agents may see a week; none: they may not."""
    row = session.get(RosterWeek, (contract_id, monday))
    return None if row is None else row.published_at


def usual_shifts(session: Session, contract_id: int) -> list[str]:
    """The stretches that were planned most often, as a form proposes them."""
    rows = session.execute(
        select(Shift.begins, Shift.ends)
        .where(Shift.contract_id == contract_id)
        .group_by(Shift.begins, Shift.ends)
        .order_by(func.count().desc(), Shift.begins)
        .limit(8)
    )
    return [str(Stretch(*row)) for row in rows]


@dataclass(frozen=True, slots=True)
class OwnDay:
    """A day of whoever asks: his shifts, and how he kept to those that are over."""

    day: date
    stretches: tuple[Stretch, ...]
    adherence: Adherence | None


def own_days(session: Session, by: Principal) -> list[OwnDay]:
    """One's own published shifts, of every contract, from a week ago to two weeks on."""
    now = clock.now(session)
    today = business_day(now)
    answers = [
        one for one in by.contracts_for(Permission.CALLS_ANSWER) if by.user_id in agents_of(session, one)
    ]  # fmt: skip
    rows = session.execute(
        select(Shift.day, Shift.begins, Shift.ends)
        .join(
            RosterWeek,
            (RosterWeek.contract_id == Shift.contract_id)
            & (RosterWeek.monday == Shift.day - (cast(func.extract("isodow", Shift.day), Integer) - 1)),
        )
        .where(
            Shift.agent_id == by.user_id, Shift.day.between(today - 7 * DAY, today + 14 * DAY),
            (Shift.day < today) | Shift.contract_id.in_(answers),
        )
        .order_by(Shift.day, Shift.begins)
    )  # fmt: skip
    days: dict[date, tuple[Stretch, ...]] = {}
    for day, begins, ends in rows:
        days[day] = (*days.get(day, ()), Stretch(begins, ends))
    return [
        OwnDay(day, those, _kept_to(session, {(by.user_id, day): those}, now) if day < today else None)
        for day, those in days.items()
    ]


def kept_to(session: Session, contract_id: int, first: date, last: date) -> Adherence | None:
    """How all the agents of some days kept to their shifts, as far as those are over; none of fewer than three."""
    found = _kept_to(session, roster(session, contract_id, first, last), clock.now(session))
    return found if may_be_told(found.agents) else None


def _kept_to(session: Session, planned: Roster, now: datetime) -> Adherence:
    windows: dict[int, list[tuple[datetime, datetime]]] = {}
    for (agent_id, day), those in planned.items():
        spans = [(since, min(until, now)) for since, until in (one.on(day) for one in those) if since < now]
        if spans:
            windows.setdefault(agent_id, []).extend(spans)
    if not windows:
        return Adherence(0, 0, 0)
    every = [span for spans in windows.values() for span in spans]
    facts = agents.facts(session, min(since for since, _ in every), max(until for _, until in every))
    milli = timedelta(milliseconds=1)
    return Adherence(
        len(windows),
        sum((until - since) // milli for since, until in every),
        sum(staffed_ms([facts.get(agent_id, [])], spans) for agent_id, spans in windows.items()),
    )


def decided(session: Session, contract_id: int, since: date) -> dict[date, Reinforcement]:
    """What was decided about extra operators, by due date."""
    rows = select(Reinforcement).where(Reinforcement.contract_id == contract_id, Reinforcement.due_on >= since)
    return {row.due_on: row for row in session.scalars(rows)}
