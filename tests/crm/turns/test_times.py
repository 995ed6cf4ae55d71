"""How long somebody waited and was served, from what happened."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from crm.turns.times import Deed, Happened, Times, times

NINE = datetime(2026, 11, 23, 8, tzinfo=UTC)
APART = "apart"  # the desk called others before the mistake was seen


def story(*told: tuple[Any, ...], starts: int | None = None) -> tuple[float | None, float | None]:
    """Minutes waited and served."""
    found = times(
        [Happened(one[0], NINE + timedelta(minutes=one[1]), apart=one[2:] == (APART,)) for one in told],
        starts_at=None if starts is None else NINE + timedelta(minutes=starts),
    )
    return tuple(None if one is None else one / timedelta(minutes=1) for one in (found.waited, found.served))  # type: ignore[return-value]


A, C, R, S, D, M, B, P, X = (
    Deed.ARRIVED, Deed.CALLED, Deed.RECALLED, Deed.SERVED, Deed.DONE, Deed.MISSED, Deed.BACK, Deed.PASSED_ON,
    Deed.RETRACTED,
)  # fmt: skip


def test_a_walk_in_waits_from_his_ticket_until_he_is_called() -> None:
    assert story((A, 0), (C, 12), (S, 13), (D, 20)) == (12, 7)
    assert story((A, 0)) == (None, None)
    assert times([]) == Times()


def test_an_appointment_waits_from_its_time_and_whoever_is_late_from_when_he_comes() -> None:
    assert story((A, 0), (C, 31), (S, 31), (D, 40), starts=30) == (1, 9)
    assert story((A, 0), (C, 28), (S, 29), (D, 40), starts=30) == (0, 11)
    assert story((A, 35), (C, 40), starts=30) == (5, None)


def test_a_call_that_was_a_mistake_does_not_end_the_wait() -> None:
    assert story((A, 0), (C, 5), (B, 6), (C, 15), (R, 16), (S, 17), (D, 20)) == (15, 3)


def test_whoever_was_called_in_vain_does_not_wait_until_he_is_there_again() -> None:
    """He was called after five minutes, came back an hour later, and was called two minutes after that."""
    back = (A, 0), (C, 5), (M, 8), (B, 60), (C, 62), (S, 63), (D, 70)
    assert story(*back) == (7, 7)
    assert story((A, 0), (C, 40), (M, 42), (B, 44), (C, 45), (S, 45), (D, 50)) == (41, 5)
    assert story((A, 0), (C, 28), (M, 29), (B, 50), (C, 52), (S, 52), (D, 60), starts=30) == (2, 8)
    assert story((A, 0), (C, 5), (M, 8), (B, 60)) == (5, None)
    assert story((A, 0), (C, 5), (M, 6), (B, 10), (C, 12), (B, 13), (C, 20), (S, 20), (D, 21)) == (15, 1)


def test_whoever_is_passed_on_is_served_twice_and_waited_once() -> None:
    assert story((A, 0), (C, 5), (S, 6), (P, 10), (C, 18), (S, 19), (D, 24)) == (5, 9)


def test_an_end_that_was_a_mistake_is_as_if_it_had_never_been() -> None:
    assert story((A, 0), (C, 5), (S, 6), (D, 8), (X, 9)) == (5, None)
    assert story((A, 0), (C, 5), (S, 6), (D, 8), (X, 9), (D, 16)) == (5, 10)
    assert story((A, 0), (C, 5), (M, 8), (X, 9), (S, 10), (D, 15)) == (5, 5)


def test_whoever_was_never_there_was_not_served_and_may_be_called_in_vain() -> None:
    assert story((A, 0), (C, 5), (S, 6), (D, 7), (X, 8), (X, 8), (M, 9)) == (5, None)
    assert story((A, 0), (C, 5), (S, 6), (X, 7), (B, 8), (C, 20), (S, 20), (D, 25)) == (20, 5)


def test_what_lies_between_a_mistake_and_its_end_is_not_his_where_the_desk_served_others() -> None:
    """Ended by mistake after two minutes, taken back fifty minutes and two people later, and ended a minute after."""
    assert story((A, 0), (C, 5), (S, 6), (D, 8), (X, 58, APART), (D, 59)) == (5, 3)


def test_nothing_to_take_back_changes_nothing() -> None:
    assert story((X, 0)) == (None, None)


@given(
    st.lists(st.sampled_from([C, R, S, D, M, B, P]), max_size=8), st.integers(0, 8), st.sampled_from([C, S, D, M, B, P])
)
def test_a_deed_taken_back_at_once_leaves_every_time_as_it_was(story_: list[Deed], at: int, mistake: Deed) -> None:
    at = min(at, len(story_))
    minutes = [*enumerate(story_, start=1)]
    with_it = [(deed, minute) for minute, deed in minutes]
    with_it[at:at] = [(mistake, at), (X, at)]
    assert story((A, 0), *with_it) == story((A, 0), *((deed, minute) for minute, deed in minutes))
