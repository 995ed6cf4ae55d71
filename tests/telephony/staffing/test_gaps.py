"""When lines are open with nobody on shift: the arithmetic of stretches, and by hand what it says of a day."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from telephony.staffing.forecast import NOTHING, QUARTERS, Expected
from telephony.staffing.gaps import Gap, Span, both, calls_in, gaps, total, union, without

NINE = datetime(2026, 11, 23, 8, tzinfo=UTC)  # in Rome
MINUTE = timedelta(minutes=1)
DAY = 24 * 60
SPANS = st.lists(st.tuples(st.integers(0, DAY), st.integers(0, DAY)).map(sorted), max_size=8).map(
    lambda found: [(NINE + since * MINUTE, NINE + until * MINUTE) for since, until in found]
)


def at(hour: float) -> datetime:
    return NINE + timedelta(hours=hour - 9)


def in_minutes(spans: list[Span]) -> set[int]:
    """Each minute of the day that is in some of them: the same by brute force."""
    return {n for n in range(DAY) for since, until in spans if since <= NINE + n * MINUTE < until}


def stand_apart(spans: list[Span]) -> bool:
    return all(since < until for since, until in spans) and all(
        before[1] < after[0] for before, after in pairwise(spans)
    )


@given(SPANS)
def test_a_union_is_the_same_time_in_stretches_that_stand_apart(spans: list[Span]) -> None:
    found = union(spans)
    assert in_minutes(found) == in_minutes(spans)
    assert stand_apart(found)
    assert union(found) == found


@given(SPANS, SPANS)
def test_what_is_left_and_what_both_have_are_the_whole_and_nothing_twice(first: list[Span], second: list[Span]) -> None:
    left, common = without(first, second), both(first, second)
    assert in_minutes(left) == in_minutes(first) - in_minutes(second)
    assert in_minutes(common) == in_minutes(first) & in_minutes(second)
    assert stand_apart(left)
    assert stand_apart(common)
    assert union(left + common) == union(first)


@given(SPANS, SPANS, st.none() | SPANS)
def test_a_gap_is_open_time_in_which_nobody_is_planned(
    opens: list[Span], planned: list[Span], asked: list[Span] | None
) -> None:
    found = gaps(opens, planned, asked)
    empty = in_minutes(opens) - in_minutes(planned)
    assert in_minutes([(one.since, one.until) for one in found]) == empty
    wanted = in_minutes([(one.since, one.until) for one in found if one.asked])
    assert wanted == (empty if asked is None else empty & in_minutes(asked))
    assert total(found) == len(wanted) * MINUTE


def test_the_day_of_anci_toscana_by_hand() -> None:
    """Lines from 8:30 to 18:30; operators wanted from 8:30 to 13 and from 14 to 18, on shift from 9 on."""
    found = gaps(
        [(at(8.5), at(18.5))], [(at(9), at(13)), (at(14), at(17)), (at(16), at(18))],
        [(at(8.5), at(13)), (at(14), at(18))],
    )  # fmt: skip
    assert found == [
        Gap(at(8.5), at(9), asked=True),
        Gap(at(13), at(14), asked=False),
        Gap(at(18), at(18.5), asked=False),
    ]
    assert total(found) == timedelta(minutes=30)


def test_the_calls_of_a_stretch_are_its_part_of_each_quarter_hour() -> None:
    calls = tuple(float(n) for n in range(QUARTERS))
    told = Expected(calls, NOTHING.low, calls)
    assert calls_in((at(9), at(9.25)), told) == 36
    assert calls_in((at(9) + 10 * MINUTE, at(9.5) + 5 * MINUTE), told) == 36 / 3 + 37 + 38 / 3
    assert calls_in((at(9), at(9)), told) == 0
