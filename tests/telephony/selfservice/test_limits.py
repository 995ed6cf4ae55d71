"""How many failures are borne."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.selfservice.limits import CALLER, NOTICE, reached

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ago = st.integers(0, 3 * 86_400).map(lambda s: NOW - timedelta(seconds=s))


def minutes(*many: int) -> list[datetime]:
    return [NOW - timedelta(minutes=one) for one in many]


@pytest.mark.parametrize(
    ("failures", "stopped"),
    [
        ((), False),
        ((1, 2, 3, 4), False),
        ((1, 2, 3, 4, 5), True),
        ((1, 2, 3, 4, 60), False),  # an hour ago to the second counts no more
        ((100, 200, 300, 400, 500, 600, 700, 800, 900), False),
        ((100, 200, 300, 400, 500, 600, 700, 800, 900, 1000), True),
        ((100, 200, 300, 400, 500, 600, 700, 800, 900, 1440), False),
    ],
)
def test_five_in_an_hour_or_ten_in_a_day(failures: tuple[int, ...], stopped: bool) -> None:
    assert reached(minutes(*failures), CALLER, NOW) is stopped


@given(st.lists(ago), ago)
def test_one_failure_more_never_opens(failures: list[datetime], one: datetime) -> None:
    if reached(failures, NOTICE, NOW):
        assert reached([*failures, one], NOTICE, NOW)


@given(st.lists(ago))
def test_after_a_day_without_failures_everybody_may_try_again(failures: list[datetime]) -> None:
    assert not reached(failures, NOTICE, NOW + timedelta(days=1))
