"""When the lines are open. Pure: hours, closures and holidays in; open or closed, and until when, out.

Hours are Roman time, whatever the season; instants are UTC.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache

import holidays

from crm.core.clock import ROME, in_rome, start_of_day

INSTANT = timedelta(microseconds=1)
BEGINNING = datetime(2000, 1, 1, tzinfo=ROME).astimezone(UTC)  # from which on the first hours of a contract hold
HORIZON_DAYS = 60  # how far ahead the next opening is looked for


class ClosedBecause(StrEnum):
    HOURS = "hours"
    HOLIDAY = "holiday"
    CLOSURE = "closure"


@dataclass(frozen=True, slots=True)
class Hours:
    """A stretch of one weekday (0 is Monday); `closes` at 00:00 means the end of the day."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class ClosedSpell:
    """A declared closure, open-ended when `ends_at` is none."""

    starts_at: datetime
    ends_at: datetime | None
    reason: str
    agreed: bool = True  # by the ente; one in an emergency is not, and counts as service that failed


@dataclass(frozen=True, slots=True)
class Special:
    """A day with hours of its own, whatever weekday or holiday it is; closed all day without them."""

    day: date
    opens: time | None = None
    closes: time | None = None


@dataclass(frozen=True, slots=True)
class Week:
    """The hours of each weekday from an instant on, until others follow."""

    since: datetime
    hours: tuple[Hours, ...]


@dataclass(frozen=True, slots=True)
class Feasts:
    """Which holidays were kept on the days that began before `until`."""

    until: datetime
    observed: bool
    patron: tuple[int, int] | None = None


CALLED_BACK = tuple(Hours(weekday, time(9), time(20)) for weekday in range(6))  # where a contract says nothing else


@dataclass(frozen=True, slots=True)
class Timetable:
    """All that decides when a line is open, and when it was. `patron` is (month, day); of one day, one `Special`.

    `hours` hold until the first of `later`, which are in order; `observes_holidays` and `patron` since the last of
    `feasts_before`, in order as well. `called_back`: the hours at which people are called back, while it is open.
    """

    hours: tuple[Hours, ...]
    closures: tuple[ClosedSpell, ...] = ()
    observes_holidays: bool = True
    patron: tuple[int, int] | None = None
    special: tuple[Special, ...] = ()
    called_back: tuple[Hours, ...] = CALLED_BACK
    later: tuple[Week, ...] = ()
    feasts_before: tuple[Feasts, ...] = ()


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether a line is open now; when closed, why and when it opens next (none: nobody knows)."""

    is_open: bool
    because: ClosedBecause | None = None
    reason: str | None = None
    opens_at: datetime | None = None


def opening(timetable: Timetable, instant: datetime) -> Opening:
    """Whether the line is open at `instant`."""
    closure = next((c for c in timetable.closures if _covers(c, instant)), None)
    if closure is None and _within_hours(timetable, instant):
        return Opening(is_open=True)
    opens_at = next_opening(timetable, instant)
    if closure is not None:
        return Opening(is_open=False, because=ClosedBecause.CLOSURE, reason=closure.reason, opens_at=opens_at)
    day = in_rome(instant).date()
    because = ClosedBecause.HOLIDAY if is_holiday(timetable, day) else ClosedBecause.HOURS
    return Opening(is_open=False, because=because, opens_at=opens_at)


def is_metered(timetable: Timetable, instant: datetime) -> bool:
    """Whether what arrives at `instant` counts for the service levels: within the hours, whatever was closed in them
    without the ente's consent (Intercent-ER 2.3; Anci Toscana 8)."""
    agreed = any(one.agreed and _covers(one, instant) for one in timetable.closures)
    return not agreed and _within_hours(timetable, instant)


def calls_back(timetable: Timetable, instant: datetime) -> bool:
    """Whether `instant` is within the hours at which people are called back, the line open or not."""
    day = in_rome(instant).date()
    return any(
        opens <= instant < closes
        for one in timetable.called_back
        if one.weekday == day.weekday()
        for opens, closes in _stretches(day, one)
    )


def next_opening(timetable: Timetable, instant: datetime) -> datetime | None:
    """The first instant from now on at which the line is open, or none within the horizon."""
    for start, end in spans(timetable, in_rome(instant).date(), HORIZON_DAYS):
        moment: datetime | None = max(start, instant)
        while moment is not None and moment < end:
            closure = next((c for c in timetable.closures if _covers(c, moment)), None)
            if closure is None:
                return moment
            moment = closure.ends_at
    return None


def closing(timetable: Timetable, day: date) -> datetime | None:
    """The instant at which the line closes for the day; none when it is closed all day long."""
    for start, end in reversed(list(spans(timetable, day, 1))):
        moment = end
        while moment > start:
            closure = next((c for c in timetable.closures if _covers(c, moment - INSTANT)), None)
            if closure is None:
                return moment
            moment = closure.starts_at
    return None


def is_holiday(timetable: Timetable, day: date) -> bool:
    """Whether the ente keeps, or kept, `day` as a holiday: an Italian one, or its patron saint's."""
    observed, patron = timetable.observes_holidays, timetable.patron
    if timetable.feasts_before:
        began = start_of_day(day)
        before = next((one for one in timetable.feasts_before if began < one.until), None)
        observed, patron = (before.observed, before.patron) if before else (observed, patron)
    return observed and (day in _italian_holidays(day.year) or (day.month, day.day) == patron)


@lru_cache(maxsize=16)
def _italian_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("IT", years=year))


def _within_hours(timetable: Timetable, instant: datetime) -> bool:
    return any(start <= instant < end for start, end in spans(timetable, in_rome(instant).date(), 1))


def _covers(closure: ClosedSpell, instant: datetime) -> bool:
    return closure.starts_at <= instant and (closure.ends_at is None or instant < closure.ends_at)


def spans(timetable: Timetable, first: date, days: int) -> Iterator[tuple[datetime, datetime]]:
    """The open stretches, in UTC and in order, of `days` days from `first`, closures not yet considered."""
    special = {one.day: one for one in timetable.special}
    for offset in range(days):
        day = first + timedelta(days=offset)
        if (own := special.get(day)) is not None:
            if own.opens is not None and own.closes is not None:
                yield from _stretches(day, own)
            continue
        if not is_holiday(timetable, day):
            yield from _by_the_week(timetable, day)


def woven(common: Iterable[Week], own: Iterable[Week]) -> tuple[Week, ...]:
    """The weeks of an ente in order: its own while it has any, else its contract's. Of one instant's the last holds."""
    contracts, ente = ({one.since: one for one in sorted(all_, key=lambda one: one.since)} for all_ in (common, own))
    return tuple(
        Week(at, held_at(ente.values(), at) or held_at(contracts.values(), at)) for at in sorted({*contracts, *ente})
    )


def held_at(weeks: Iterable[Week], instant: datetime) -> tuple[Hours, ...]:
    """The hours of the last week that began by `instant`; none before the first. They are in order."""
    held: tuple[Hours, ...] = ()
    for one in weeks:
        if one.since > instant:
            break
        held = one.hours
    return held


def _by_the_week(timetable: Timetable, day: date) -> Iterator[tuple[datetime, datetime]]:
    """The open stretches of a day's weekday, each week's from when it holds; what touches is one."""
    since = [None, *(one.since for one in timetable.later)]
    until = [*(one.since for one in timetable.later), None]
    last: tuple[datetime, datetime] | None = None
    for hours, first, end in zip((timetable.hours, *(one.hours for one in timetable.later)), since, until, strict=True):
        found = (times for one in _of_weekday(hours, day.weekday()) for times in _stretches(day, one))
        for start, stop in sorted(found):
            opens = start if first is None else max(start, first)
            closes = stop if end is None else min(stop, end)
            if opens >= closes:
                continue
            if last and last[1] == opens:
                last = last[0], closes
                continue
            if last:
                yield last
            last = opens, closes
    if last:
        yield last


def _of_weekday(hours: Iterable[Hours], weekday: int) -> list[Hours]:
    return sorted((h for h in hours if h.weekday == weekday), key=lambda h: h.opens)


def _stretches(day: date, hours: Hours | Special) -> Iterator[tuple[datetime, datetime]]:
    """When a clock in Rome shows these hours of a day, in UTC: an hour that is skipped is none of them, one that comes
    twice is twice.
    """
    assert hours.opens is not None
    assert hours.closes is not None
    opens = datetime.combine(day, hours.opens)
    closes = datetime.combine(day if hours.closes != time(0) else day + timedelta(days=1), hours.closes)
    change = _change(day)
    if change is None:
        yield _instant(opens), _instant(closes)
        return
    turns, before, after = change
    first = (opens - before).replace(tzinfo=UTC), min((closes - before).replace(tzinfo=UTC), turns)
    second = max((opens - after).replace(tzinfo=UTC), turns), (closes - after).replace(tzinfo=UTC)
    if first[1] == second[0] and first[0] < first[1] and second[0] < second[1]:
        yield first[0], second[1]
        return
    yield from (one for one in (first, second) if one[0] < one[1])


@lru_cache(maxsize=1024)
def _change(day: date) -> tuple[datetime, timedelta, timedelta] | None:
    """When on this day the clocks are changed, if they are, and by how much they are ahead before and after."""
    start, end = start_of_day(day), start_of_day(day + timedelta(days=1))
    before, after = (in_rome(one).utcoffset() or timedelta() for one in (start, end))
    if before == after:
        return None
    quarters = (start + n * timedelta(minutes=15) for n in range(1, 100))
    return next(one for one in quarters if in_rome(one).utcoffset() == after), before, after


def _instant(wall: datetime) -> datetime:
    return wall.replace(tzinfo=ROME).astimezone(UTC)
