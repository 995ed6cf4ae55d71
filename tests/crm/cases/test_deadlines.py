"""Terms in days: what may never bring one nearer, and what must make no difference."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from crm.cases.deadlines import Rest, Span, counting, due_at, end_of, how_late, last_day, shown_day, taken
from crm.core.clock import in_rome
from crm.enti.days import is_working_day
from crm.follow_ups.when import Lateness

EMPOLI = (11, 30)  # Saint Andrew's day
DAYS = st.dates(date(2024, 1, 1), date(2030, 12, 31))
LENGTHS = st.integers(0, 60)
WORKING = st.booleans()


def rests(since: date) -> st.SearchStrategy[list[Rest]]:
    """Spells near a day, in any order; some of no day at all."""
    one = st.builds(
        lambda offset, length: Rest(since + timedelta(offset), since + timedelta(offset + length)),
        st.integers(-20, 80), st.integers(0, 40),
    )  # fmt: skip
    return st.lists(one, max_size=4)


@given(st.data(), DAYS, LENGTHS, WORKING)
def test_resting_brings_no_term_nearer_and_the_order_of_rests_makes_no_difference(
    data: st.DataObject, since: date, days: int, working: bool
) -> None:
    counts, some = counting(Span(days, working), EMPOLI), data.draw(rests(since))
    more = data.draw(rests(since))
    without, within = last_day(since, days, counts, some), last_day(since, days, counts, [*some, *more])
    assert without is not None
    assert within is not None
    assert within >= without
    assert within == last_day(since, days, counts, [*reversed(more), *reversed(some)])


@given(DAYS, LENGTHS, st.sets(st.integers(1, 120), max_size=20))
def test_another_holiday_brings_no_term_nearer(since: date, days: int, offsets: set[int]) -> None:
    holidays = {since + timedelta(one) for one in offsets}
    usual = counting(Span(days, working=True), EMPOLI)
    before = last_day(since, days, usual)
    after = last_day(since, days, lambda day: usual(day) and day not in holidays)
    assert before is not None
    assert after is not None
    assert after >= before


@given(st.data(), DAYS, LENGTHS, LENGTHS, WORKING)
def test_so_many_days_and_then_more_are_as_many_together(
    data: st.DataObject, since: date, first: int, second: int, working: bool
) -> None:
    counts, some = counting(Span(0, working), EMPOLI), data.draw(rests(since))
    half = last_day(since, first, counts, some)
    assert half is not None
    assert last_day(half, second, counts, some) == last_day(since, first + second, counts, some)


@given(st.data(), DAYS, LENGTHS, WORKING)
def test_of_a_term_as_many_days_are_taken_on_its_last_day_as_it_has(
    data: st.DataObject, since: date, days: int, working: bool
) -> None:
    counts, some = counting(Span(days, working), EMPOLI), data.draw(rests(since))
    last = last_day(since, days, counts, some)
    assert last is not None
    assert taken(since, last, counts, some) == days
    if days and working:
        assert is_working_day(last, EMPOLI)


@given(st.datetimes(datetime(2024, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC)), LENGTHS, WORKING)
def test_a_term_has_the_whole_of_its_last_day_in_rome(since: datetime, days: int, working: bool) -> None:
    due = due_at(since, Span(days, working), EMPOLI)
    assert due is not None
    ends = in_rome(due)
    assert (ends.hour, ends.minute, ends.second) == (0, 0, 0)
    assert end_of(shown_day(due)) == due
    same_day = due_at(since.replace(minute=0), Span(days, working), EMPOLI)
    assert in_rome(since).date() != in_rome(since.replace(minute=0)).date() or due == same_day


def test_days_of_23_and_of_25_hours_are_days() -> None:
    spring = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)  # Saturday in Rome; the clocks go on that night
    assert due_at(spring, Span(1), EMPOLI) == datetime(2026, 3, 29, 22, 0, tzinfo=UTC)
    autumn = datetime(2026, 10, 24, 21, 59, tzinfo=UTC)
    assert due_at(autumn, Span(1), EMPOLI) == datetime(2026, 10, 25, 23, 0, tzinfo=UTC)


def test_two_working_days_around_saint_andrew_and_the_immaculate_conception() -> None:
    friday = datetime(2026, 11, 27, 16, 0, tzinfo=UTC)
    due = due_at(friday, Span(2, working=True), EMPOLI)  # Monday 30 is the patron's day
    assert due is not None
    assert shown_day(due) == date(2026, 12, 2)


def test_while_a_term_rests_no_last_day_can_be_told_but_of_one_that_was_over_before() -> None:
    monday, open_rest = date(2026, 11, 16), [Rest(date(2026, 11, 19))]
    assert last_day(monday, 5, counting(Span(5), EMPOLI), open_rest) is None
    assert last_day(monday, 2, counting(Span(2), EMPOLI), open_rest) == date(2026, 11, 18)


def test_what_is_due_by_the_end_of_today_is_due_today_and_not_tomorrow() -> None:
    noon = datetime(2026, 11, 24, 11, tzinfo=UTC)
    ends = [end_of(noon.date() + timedelta(days=n)) for n in (-1, 0, 1, 2)]
    assert [how_late(one, noon) for one in ends] == [
        Lateness.OVERDUE, Lateness.TODAY, Lateness.TOMORROW, Lateness.SOON,
    ]  # fmt: skip
