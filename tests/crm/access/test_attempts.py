"""How often somebody may try to sign in."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.access.attempts import FREE_BY_NAME, WINDOW, paused_until, place_of

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
MOST_IN_A_WINDOW = FREE_BY_NAME + 4  # the fifth pause would end outside it


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def paused(failures: list[datetime], instant: datetime) -> datetime | None:
    return paused_until(failures, free=FREE_BY_NAME, at=instant)


def test_each_failure_past_the_free_ones_is_followed_by_a_longer_pause() -> None:
    failures = [at(n) for n in range(FREE_BY_NAME - 1)]
    assert paused(failures, at(4)) is None
    for failed, until in ((4, 34), (34, 94), (94, 214), (214, 454), (454, 934)):
        failures.append(at(failed))
        assert paused(failures, at(failed)) == at(until)


def test_failures_are_forgotten_after_a_quarter_of_an_hour() -> None:
    failures = [START] * 20
    assert paused(failures, START + WINDOW - timedelta(seconds=1)) == START + WINDOW
    assert paused(failures, START + WINDOW) is None


instants = st.lists(st.integers(0, 3600).map(at), max_size=40)


@given(instants)
def test_whoever_tries_whenever_he_likes_is_let_through_a_few_times_in_any_window(tries: list[datetime]) -> None:
    made: list[datetime] = []
    for one in sorted(tries):
        if paused(made, one) is None:
            made.append(one)
    for end in made:
        assert sum(end - WINDOW < one <= end for one in made) <= MOST_IN_A_WINDOW


@given(instants, st.integers(0, 3600).map(at))
def test_every_pause_ends_within_the_window_and_then_one_may_try(failures: list[datetime], now: datetime) -> None:
    failures = [one for one in failures if one <= now]
    until = paused(failures, now)
    if len(failures) < FREE_BY_NAME:
        assert until is None
    if until is not None:
        assert now < until <= now + WINDOW
        assert paused(failures, until) is None
        assert (paused([*failures, now], now) or now) >= until  # one more failure makes no pause shorter


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("testclient", "", False),
    ],
)
def test_a_subscriber_of_ipv6_is_one_place(one: str, other: str, same: bool) -> None:
    assert (place_of(one) == place_of(other)) is same
