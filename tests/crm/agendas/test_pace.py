"""How often one place may ask, and the puzzle: pure, for whatever is asked."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from crm.agendas.pace import LONGEST_ANSWER, solved, stretch_of

INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
LENGTHS = st.integers(1, 86_400).map(lambda seconds: timedelta(seconds=seconds))


@given(INSTANTS, LENGTHS)
def test_an_instant_lies_in_the_stretch_that_it_is_counted_in(at: datetime, within: timedelta) -> None:
    since = stretch_of(at, within)
    assert since <= at < since + within
    assert stretch_of(since, within) == since


@given(st.text(max_size=20), st.text(max_size=2 * LONGEST_ANSWER))
def test_whatever_is_sent_as_an_answer_is_looked_at_and_no_more(puzzle: str, answer: str) -> None:
    if solved(puzzle, answer):
        assert answer.isascii()
        assert answer.isdecimal()


def test_an_answer_solves_its_own_puzzle_alone() -> None:
    answer = next(str(n) for n in range(10**7) if solved("xabc", str(n)))
    assert not solved("xabd", answer)
    assert not solved("xabc", f"{answer}0" * 10)
