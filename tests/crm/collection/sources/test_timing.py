"""When a source is read, and when it is left alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.collection.sources.breaker import LONGEST_PAUSE, OPENS_AT, Breaker, Circuit
from crm.collection.sources.timetable import next_due
from crm.core.clock import in_rome

instants = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@given(instants, st.integers(0, 1439))
def test_once_a_day_is_the_next_time_that_the_clock_in_rome_shows_it(after: datetime, minute: int) -> None:
    due = next_due(every_min=None, at_minute=minute, after=after)
    assert due is not None
    assert after < due <= after + timedelta(hours=25)
    shown = in_rome(due)
    if in_rome(due).month not in {3, 10}:  # when the clock is changed an hour may be missing
        assert shown.hour * 60 + shown.minute == minute


def test_every_so_often_and_by_hand() -> None:
    assert next_due(every_min=15, at_minute=None, after=NOW) == NOW + timedelta(minutes=15)
    assert next_due(every_min=None, at_minute=None, after=NOW) is None


def test_an_hour_that_summer_time_skips_is_read_an_hour_later() -> None:
    due = next_due(every_min=None, at_minute=150, after=datetime(2026, 3, 28, 23, 30, tzinfo=UTC))
    assert due == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@given(st.lists(st.booleans(), max_size=30))
def test_it_opens_on_the_third_failure_and_pauses_for_longer_each_time(permanents: list[bool]) -> None:
    breaker, last = Breaker(), timedelta()
    for number, permanent in enumerate(permanents, 1):
        breaker = breaker.failed(NOW, permanent=permanent)
        pause = breaker.open_until - NOW if breaker.open_until else timedelta()
        assert (pause > timedelta()) == (permanent or number >= OPENS_AT)
        assert pause <= LONGEST_PAUSE
        if not any(permanents):
            assert pause >= last
            last = pause


@pytest.mark.parametrize(("seconds", "circuit"), [(59, Circuit.OPEN), (60, Circuit.TRYING)])
def test_after_its_pause_one_reading_decides(seconds: int, circuit: Circuit) -> None:
    breaker = Breaker(2).failed(NOW, permanent=False)
    assert breaker.circuit(NOW + timedelta(seconds=seconds)) is circuit
    assert Breaker().circuit(NOW) is Circuit.CLOSED


def test_a_source_that_says_when_is_not_asked_before() -> None:
    assert Breaker().failed(NOW, permanent=False, retry_after=90).open_until == NOW + timedelta(seconds=90)
    assert Breaker().failed(NOW, permanent=False, retry_after=1e9).open_until == NOW + LONGEST_PAUSE
