"""Which backups are kept, whatever was made and missed."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from crm.continuity.retention import Retention, kept
from crm.core.clock import business_day

NOW = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
some = st.lists(st.integers(0, 3 * 366 * 24).map(lambda hours: NOW - timedelta(hours=hours)), max_size=120, unique=True)


@given(some)
def test_the_newest_is_kept_and_never_more_than_were_promised(made: list[datetime]) -> None:
    keep = kept(made)
    assert keep <= set(made)
    assert not made or max(made) in keep
    assert len(keep) <= 7 + 4 + 12


@given(some)
def test_letting_go_twice_lets_go_of_nothing_more(made: list[datetime]) -> None:
    assert kept(kept(made)) == kept(made)


@given(some, st.integers(1, 200))
def test_what_was_let_go_of_would_not_be_kept_later(made: list[datetime], days: int) -> None:
    """A backup that goes today is none that another rule would want after new ones have come."""
    later = [NOW + timedelta(days=one) for one in range(1, days + 1)]
    assert kept([*made, *later]) == kept([*kept(made), *later])


def test_after_a_year_of_days_there_are_seven_days_four_weeks_and_twelve_months() -> None:
    made = [NOW - timedelta(days=one) for one in range(500)]
    keep = sorted(kept(made), reverse=True)
    assert keep[:7] == made[:7]
    assert {(one.year, one.month) for one in map(business_day, keep)} == {
        (business_day(NOW - timedelta(days=30 * one)).year, business_day(NOW - timedelta(days=30 * one)).month)
        for one in range(12)
    }
    assert len(keep) < 23  # one is the newest of its day, its week and its month at once
    assert kept(made, Retention(1, 0, 0)) == {NOW}
