"""Unusual reading: what counts, and compared with what."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from crm.audit.models import ReadingRule
from crm.audit.unusual import Limits, Opening, Remark, Searched, busiest_hour, by_ente, remarks, searched

NINE = datetime(2026, 11, 20, 8, tzinfo=UTC)
LIMITS = Limits(hour=40, day=150, least=15, times=3, searches=300)


def openings(files: int, *, every: float = 1, times: int = 1, ente: int = 1) -> list[Opening]:
    """So many files, one each so many minutes, each of them so often."""
    return [
        Opening(NINE + timedelta(minutes=every * (number * times + time)), ente, number)
        for number in range(files)
        for time in range(times)
    ]


def test_a_few_files_are_never_unusual() -> None:
    assert remarks(openings(15), own=(), colleagues=(), limits=LIMITS) == []


def test_somebody_who_never_opens_any_is_noticed_soon() -> None:
    assert remarks(openings(16), own=(), colleagues=(1, 2), limits=LIMITS) == [Remark(ReadingRule.UNUSUAL, 16, 15)]


def test_a_desk_clerks_usual_day_raises_nothing() -> None:
    assert remarks(openings(70, every=5), own=(60, 65, 70), colleagues=(), limits=LIMITS) == []
    assert remarks(openings(70, every=5), own=(), colleagues=(60, 65, 70), limits=LIMITS) == []  # his first day


def test_the_limits_hold_for_everybody() -> None:
    usual = (400, 400)
    assert remarks(openings(41), own=usual, colleagues=(), limits=LIMITS) == [Remark(ReadingRule.HOUR, 41, 40)]
    assert remarks(openings(151, every=3), own=usual, colleagues=(), limits=LIMITS) == [
        Remark(ReadingRule.DAY, 151, 150)
    ]


def test_one_file_opened_all_day_is_one_file() -> None:
    assert remarks(openings(3, times=200, every=0.1), own=(), colleagues=(), limits=LIMITS) == []


def test_an_hour_does_not_begin_on_the_hour() -> None:
    assert busiest_hour(openings(61)) == 60  # the sixty-first comes exactly an hour after the first


def test_files_are_told_by_ente() -> None:
    assert by_ente([*openings(3), *openings(2, ente=2), *openings(2, ente=2)]) == {1: 3, 2: 2}


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 30)), max_size=80))
def test_the_busiest_hour_is_the_most_that_any_hour_holds(drawn: list[tuple[int, int]]) -> None:
    made = [Opening(NINE + timedelta(minutes=minute), 1, file) for minute, file in drawn]
    slow = max(
        (
            len({one.contact_id for one in made if end - timedelta(hours=1) < one.at <= end})
            for end in {one.at for one in made}
        ),
        default=0,
    )
    assert busiest_hour(made) == slow


@given(st.lists(st.integers(0, 500), max_size=20), st.integers(0, 200))
def test_more_files_are_never_less_remarkable(own: list[int], files: int) -> None:
    fewer = {one.rule for one in remarks(openings(files), own=own, colleagues=(), limits=LIMITS)}
    more = {one.rule for one in remarks(openings(files + 1), own=own, colleagues=(), limits=LIMITS)}
    assert fewer <= more


def minutes(count: int, *, each: int, ente: int = 1) -> list[Searched]:
    return [Searched(NINE + timedelta(minutes=number), ente, each) for number in range(count)]


def test_a_day_of_searches_between_calls_is_usual() -> None:
    """A name a minute, all day."""
    assert searched(minutes(480, each=5), limits=LIMITS) == {}


def test_an_hour_of_searching_alone_is_noticed_in_the_ente_that_was_searched() -> None:
    assert searched([*minutes(60, each=6), *minutes(60, each=4, ente=2)], limits=LIMITS) == {
        1: Remark(ReadingRule.SEARCHES, 360, 300)
    }
    assert searched(minutes(2, each=200), limits=LIMITS) == {1: Remark(ReadingRule.SEARCHES, 400, 300)}  # a program
    assert searched([*minutes(1, each=200), Searched(NINE + timedelta(hours=1), 1, 200)], limits=LIMITS) == {}
