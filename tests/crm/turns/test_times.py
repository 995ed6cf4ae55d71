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
    assert story((A, 0), (C, 5), (M, 8), (B, 10), (C, 15), (S, 16), (D, 20)) == (15, 4)


def test_whoever_is_passed_on_is_served_twice_and_waited_once() -> None:
    assert story((A, 0), (C, 5), (S, 6), (P, 10), (C, 18), (S, 19), (D, 24)) == (5, 9)
