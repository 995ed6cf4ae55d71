"""From signs to holes, from holes to minutes: facts in, figures out."""

from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from crm.continuity.models import Cause
from crm.continuity.picture import DAYS, Shade, State, days, state
from crm.continuity.spells import ALWAYS, PATIENCE, Outage, cause_of, holes, minutes
from crm.enti.calendar import Hours, Timetable
from crm.enti.downtime import Spell

MONDAY = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)  # one o'clock in Rome
OFFICE = Timetable(tuple(Hours(day, time(9), time(13)) for day in range(5)), observes_holidays=False)
WEEK = Spell(MONDAY, MONDAY + timedelta(days=7))
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def at(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def outage(start: float, end: float | None, cause: Cause = Cause.EVERYTHING, told: float | None = None) -> Outage:
    return Outage(1, cause, at(start), None if end is None else at(end), None if told is None else at(told))


@st.composite
def some_spells(draw: st.DrawFn) -> list[Spell]:
    marks = sorted(draw(st.lists(st.integers(0, 10_000), min_size=2, max_size=20, unique=True)))
    pairs = zip(marks[::2], marks[1::2], strict=False)
    return [Spell(MONDAY + timedelta(seconds=a), MONDAY + timedelta(seconds=b)) for a, b in pairs]


some_outages = st.lists(
    st.builds(
        lambda begins, lasts, cause: Outage(
            1, cause, MONDAY + timedelta(minutes=begins), MONDAY + timedelta(minutes=begins + lasts)
        ),
        st.integers(-600, 9_000), st.integers(0, 3_000), st.sampled_from(Cause),
    ),
    max_size=8,
)  # fmt: skip


@given(some_spells())
def test_holes_and_spells_share_the_time_out(given_spells: list[Spell]) -> None:
    """Whatever is no hole is a spell, or a silence short enough to be none."""
    found = holes(given_spells)
    whole = given_spells[-1].ends_at - given_spells[0].starts_at
    there = sum((one.length for one in given_spells), timedelta())
    silent = sum((one.length for one in found), timedelta())
    short = whole - there - silent
    assert timedelta() <= short <= PATIENCE * len(given_spells)
    assert all(one.length > PATIENCE for one in found)
    assert found == holes(reversed(given_spells))


def test_a_short_silence_is_no_hole_and_a_minute_more_is_one() -> None:
    spells = [Spell(at(0), at(1)), Spell(at(1) + PATIENCE, at(2))]
    assert holes(spells) == []
    assert holes(spells, until=at(2) + PATIENCE) == []
    assert holes(spells, until=at(3)) == [Spell(at(2), at(3))]
    assert holes([], until=at(3)) == []  # nobody has ever been there


def test_the_cause_is_whoever_was_away_as_well() -> None:
    hole = Spell(at(1), at(2))
    assert cause_of(hole, [Spell(at(0), at(3))], pages_since=None) is Cause.PAGES
    assert cause_of(hole, [Spell(at(0), at(1)), Spell(at(2), at(3))], pages_since=at(0.5)) is Cause.DATABASE
    assert cause_of(hole, [Spell(at(0), at(1))], pages_since=at(2)) is Cause.EVERYTHING
    assert cause_of(hole, [], pages_since=None) is Cause.EVERYTHING


@given(some_outages, some_outages)
def test_no_minute_is_lost_twice_and_none_more_than_was_promised(some: list[Outage], more: list[Outage]) -> None:
    now = WEEK.ends_at
    found = minutes(OFFICE, some, [], period=WEEK, now=now)
    assert found.promised == 20 * HOUR
    assert timedelta() <= found.interrupted <= found.promised
    assert all(one >= timedelta() for one in found.lost.values())
    assert minutes(OFFICE, [*some, *some], [], period=WEEK, now=now) == found  # told twice, it counts once
    assert minutes(OFFICE, [*some, *more], [], period=WEEK, now=now).interrupted >= found.interrupted


@given(some_outages)
def test_what_the_ente_agreed_to_is_neither_promised_nor_lost(some: list[Outage]) -> None:
    agreed = [one.spell(WEEK.ends_at) for one in some]
    found = minutes(OFFICE, some, agreed, period=WEEK, now=WEEK.ends_at)
    assert found.interrupted == timedelta()
    whole = minutes(OFFICE, some, [], period=WEEK, now=WEEK.ends_at)
    assert found.promised == whole.promised - whole.interrupted


def test_minutes_of_service_by_cause() -> None:
    """On Monday from 8.30 to 9.30 in Rome everything stood, until 10 the carrier was silent: of four hours, one."""
    now = at(24)
    found = minutes(OFFICE, [outage(7.5, 8.5), outage(8, 9, Cause.CARRIER)], [], period=Spell(MONDAY, at(24)), now=now)
    assert found.promised == 4 * HOUR
    assert found.lost[Cause.EVERYTHING] == HOUR / 2
    assert found.lost[Cause.CARRIER] == HOUR / 2
    assert found.availability == 0.75
    nights = minutes(ALWAYS, [outage(20, None)], [], period=Spell(MONDAY, at(24)), now=now)
    assert (nights.promised, nights.interrupted) == (24 * HOUR, 4 * HOUR)
    assert minutes(OFFICE, [], [], period=Spell(at(12), at(24)), now=now).availability is None


def test_more_than_half_an_hour_and_told_after_more_than_one_are_flagged() -> None:
    assert not outage(1, 1.5).is_long(at(9))
    assert outage(1, 1.51).is_long(at(9))
    assert outage(1, None).is_long(at(2))
    assert not outage(1, 2, told=2).is_told_late(at(9))
    assert outage(1, 2, told=2.1).is_told_late(at(9))
    assert outage(1, None).is_told_late(at(2.1))  # nobody was told yet
    assert not outage(1, None).is_told_late(at(1.9))


def test_how_it_stands_now_is_the_gravest_of_what_lasts() -> None:
    carrier, pages = outage(1, None, Cause.CARRIER), outage(1, None, Cause.PAGES)
    assert state([outage(1, 2)], is_there=True, said=False) is State.GOOD
    assert state([], is_there=True, said=True) is State.NOTICE
    assert state([carrier], is_there=True, said=True) is State.CARRIER
    assert state([carrier, pages], is_there=True, said=False) is State.DOWN
    assert state([], is_there=False, said=False) is State.DOWN


def test_ninety_days_each_with_its_own_part() -> None:
    """From 23.50 on Tuesday, in Rome, to 1 on Wednesday: ten minutes of one day, an hour of the next."""
    now = at(24 * 5)
    night = Outage(1, Cause.EVERYTHING, at(46 + 5 / 6), at(48))
    found = {one.day.day: one for one in days([night, night], measured_since=at(23.5), now=now)[-6:]}
    assert len(days([], measured_since=None, now=now)) == DAYS
    assert (found[24].shade, found[24].lost) == (Shade.NEAR, 10 * MINUTE)
    assert (found[25].shade, found[25].lost) == (Shade.BROKEN, HOUR)
    assert found[26].shade is Shade.GOOD
    assert found[23].shade is Shade.UNKNOWN
