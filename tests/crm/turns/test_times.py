"""How long somebody waited and was served, from what happened."""

from datetime import UTC, datetime, timedelta

from crm.turns.times import Deed, Times, times

NINE = datetime(2026, 11, 23, 8, tzinfo=UTC)


def story(*told: tuple[Deed, int], starts: int | None = None) -> tuple[float | None, float | None]:
    """Minutes waited and served."""
    found = times(
        [(deed, NINE + timedelta(minutes=at)) for deed, at in told],
        starts_at=None if starts is None else NINE + timedelta(minutes=starts),
    )
    return tuple(None if one is None else one / timedelta(minutes=1) for one in (found.waited, found.served))  # type: ignore[return-value]


A, C, R, S, D, M, B, P = (
    Deed.ARRIVED, Deed.CALLED, Deed.RECALLED, Deed.SERVED, Deed.DONE, Deed.MISSED, Deed.BACK, Deed.PASSED_ON,
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
