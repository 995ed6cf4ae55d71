"""Hours lost to closures that the ente did not approve."""

from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from crm.enti.calendar import Hours, Timetable, opening
from crm.enti.downtime import Spell, lost, periods, promised, service_days

HALF = timedelta(minutes=30)
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
WEEK = Spell(MONDAY, MONDAY + timedelta(days=7))
OFFICE = Timetable((*(Hours(day, time(9), time(13)) for day in range(5)), Hours(1, time(15), time(17, 30))))


def spell(day: int, hour: float, hours: float) -> Spell:
    """Of that week; Rome is an hour ahead of UTC in November."""
    starts = MONDAY + timedelta(days=day, hours=hour - 1)
    return Spell(starts, starts + timedelta(hours=hours))


def test_only_hours_of_the_timetable_are_lost() -> None:
    assert lost(OFFICE, [spell(0, 8, 24)], [], period=WEEK) == timedelta(hours=4)
    assert lost(OFFICE, [spell(5, 8, 30)], [], period=WEEK) == timedelta(0)  # Saturday and Sunday
    assert lost(OFFICE, [spell(0, 10, 1), spell(0, 10.5, 1)], [], period=WEEK) == timedelta(hours=1.5)


def test_what_the_ente_approved_is_not_lost() -> None:
    assert lost(OFFICE, [spell(0, 10, 2)], [spell(0, 11, 5)], period=WEEK) == timedelta(hours=1)


def test_what_lies_outside_the_period_belongs_to_another() -> None:
    monday = Spell(MONDAY, MONDAY + timedelta(days=1))
    assert lost(OFFICE, [spell(0, 12, 24)], [], period=monday) == timedelta(hours=1)


def test_a_day_closed_by_agreement_is_no_service_day_and_its_hours_are_not_promised() -> None:
    agreed = [spell(1, 0, 24), spell(2, 10, 1)]
    assert [day.weekday() for day in service_days(OFFICE, agreed, period=WEEK)] == [0, 2, 3, 4]
    assert promised(OFFICE, agreed, period=WEEK) == timedelta(hours=4 * 4 - 1)


def test_lines_that_never_close_serve_every_day() -> None:
    always = Timetable(tuple(Hours(day, time(0), time(0)) for day in range(7)))
    rome = Spell(MONDAY - timedelta(hours=1), MONDAY + timedelta(days=6, hours=23))
    assert len(service_days(always, [], period=rome)) == 7


def test_the_periods_are_rome_s() -> None:
    now = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)  # in Rome it is the new year
    assert [one.starts_at for one in periods(now)] == [
        datetime(2026, 12, 31, 23, tzinfo=UTC), datetime(2026, 11, 30, 23, tzinfo=UTC),
        datetime(2026, 12, 31, 23, tzinfo=UTC),
    ]  # fmt: skip


@st.composite
def spells(draw: st.DrawFn) -> list[Spell]:
    """Some, of any length, on half hours."""
    drawn = draw(st.lists(st.tuples(st.integers(-20, 350), st.integers(0, 60)), max_size=5))
    return [Spell(MONDAY + start * HALF, MONDAY + (start + length) * HALF) for start, length in drawn]


@given(spells(), spells(), st.integers(0, 300), st.integers(0, 80))
def test_it_is_what_counting_half_hours_comes_to(
    stopped: list[Spell], agreed: list[Spell], start: int, length: int
) -> None:
    def covered(by: list[Spell], at: datetime) -> bool:
        return any(one.starts_at <= at < one.ends_at for one in by)

    period = Spell(MONDAY + start * HALF, MONDAY + (start + length) * HALF)
    counted = [
        at
        for at in (period.starts_at + each * HALF for each in range(length))
        if opening(OFFICE, at).is_open and covered(stopped, at) and not covered(agreed, at)
    ]
    assert lost(OFFICE, stopped, agreed, period=period) == len(counted) * HALF
