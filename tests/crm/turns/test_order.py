"""In which order people are called: appointments by their time, walk-ins before long, nobody never."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from crm.turns.order import EARLY, LATE, PATIENCE, Waiting, for_desk, in_order

NINE = datetime(2026, 11, 23, 8, tzinfo=UTC)
TARI, RATE = 1, 2


def minutes(number: int) -> datetime:
    return NINE + timedelta(minutes=number)


def names(waiting: list[Waiting], now: int) -> list[int]:
    return [one.id for one in in_order(waiting, now=minutes(now))]


def test_an_appointment_whose_time_has_come_goes_before_walk_ins() -> None:
    walk_in, booked = Waiting(1, minutes(0), TARI), Waiting(2, minutes(5), TARI, starts_at=minutes(10))
    assert names([walk_in, booked], 4) == [1, 2]
    assert names([walk_in, booked], 5) == [2, 1]


def test_whoever_has_waited_for_twenty_minutes_goes_before_later_appointments() -> None:
    walk_in, booked = Waiting(1, minutes(0), TARI), Waiting(2, minutes(0), TARI, starts_at=minutes(30))
    assert names([walk_in, booked], 25) == [1, 2]


def test_whoever_comes_too_late_for_his_appointment_waits_as_one_without() -> None:
    in_time = Waiting(1, minutes(25), TARI, starts_at=minutes(10))
    late = Waiting(2, minutes(26), TARI, starts_at=minutes(10))
    walk_in = Waiting(3, minutes(20), TARI)
    assert names([late, walk_in, in_time], 27) == [1, 3, 2]


def test_a_desk_calls_whom_it_serves_and_whoever_was_passed_on_to_it() -> None:
    waiting = [Waiting(1, minutes(0), RATE), Waiting(2, minutes(1), TARI), Waiting(3, minutes(0), TARI, desk_id=8)]
    tari = for_desk(waiting, desk_id=7, services=[TARI], now=minutes(2))
    assert tari is not None
    assert tari.id == 2
    other = for_desk(waiting, desk_id=8, services=[], now=minutes(2))
    assert other is not None
    assert other.id == 3
    assert for_desk(waiting, desk_id=9, services=[], now=minutes(2)) is None


offsets = st.integers(0, 240)


@st.composite
def rooms(draw: st.DrawFn) -> tuple[list[Waiting], int]:
    """Who waits, and how late it is."""
    now = draw(offsets)
    came = draw(st.lists(st.tuples(st.integers(0, now), st.none() | offsets), max_size=12))
    waiting = [
        Waiting(n, minutes(at), TARI, starts_at=None if start is None else minutes(start))
        for n, (at, start) in enumerate(came)
    ]
    return waiting, now


@given(rooms(), st.randoms())
def test_the_order_is_of_everybody_and_of_nothing_else(room: tuple[list[Waiting], int], random: object) -> None:
    waiting, now = room
    ordered = in_order(waiting, now=minutes(now))
    shuffled = list(waiting)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert in_order(shuffled, now=minutes(now)) == ordered
    assert sorted(one.id for one in ordered) == [one.id for one in waiting]


@given(rooms())
def test_nobody_is_overtaken_once_he_has_waited_long_enough(room: tuple[list[Waiting], int]) -> None:
    """Whoever goes before a walk-in that has waited for `PATIENCE` had an appointment by then, or came before him."""
    waiting, now = room
    ordered = in_order(waiting, now=minutes(now))
    for place, one in enumerate(ordered):
        if one.kept is None and minutes(now) - one.arrived_at >= PATIENCE:
            for before in ordered[:place]:
                if before.kept is None:
                    assert before.arrived_at <= one.arrived_at
                else:
                    assert before.kept <= one.arrived_at + PATIENCE + EARLY


@given(rooms())
def test_appointments_are_called_in_the_order_of_their_times(room: tuple[list[Waiting], int]) -> None:
    waiting, now = room
    kept = [one.kept for one in in_order(waiting, now=minutes(now)) if one.kept is not None]
    assert kept == sorted(kept)
    assert all(one.kept is None or one.arrived_at - one.kept <= LATE for one in waiting)
