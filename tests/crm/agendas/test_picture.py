"""A day as a table: every minute of every place once, whatever is given away."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from crm.agendas.picture import Given, What, seats_of, table
from crm.agendas.plan import Agenda, Open, Window, from_now_on
from crm.agendas.slots import Seat
from crm.agendas.times import Stretch
from crm.agendas.week import received

NINE = datetime(2026, 11, 23, 8, tzinfo=UTC)
STEP, DAY, MONDAY = timedelta(minutes=10), timedelta(days=1), date(2026, 11, 23)


def stretch(first: int, last: int) -> Stretch:
    return Stretch(NINE + first * STEP, NINE + last * STEP)


def test_a_day_with_a_gap_an_appointment_and_one_that_is_outside() -> None:
    opened = [Open(1, 1, frozenset(), stretch(0, 6)), Open(2, 1, frozenset(), stretch(2, 4))]
    had = [Given(Seat(1), stretch(1, 3), "Paola"), Given(Seat(2), stretch(5, 6), "Ugo")]
    rows = table(seats_of([1, 2], opened, had), opened, had)
    found = [
        [(cell.what, cell.rows, cell.given, cell.outside) if cell else None for cell in row.cells] for row in rows
    ]  # fmt: skip
    assert found == [
        [(What.FREE, 1, None, False), (What.CLOSED, 2, None, False)],
        [(What.GIVEN, 2, "Paola", False), None],
        [None, (What.FREE, 2, None, False)],
        [(What.FREE, 3, None, False), None],
        [None, (What.CLOSED, 1, None, False)],
        [None, (What.GIVEN, 1, "Ugo", True)],
    ]


windows = st.builds(
    Window, weekday=st.integers(0, 6), opens=st.times(max_value=time(11, 59)).map(lambda one: one.replace(second=0)),
    closes=st.sampled_from([time(12), time(18), time(0)]), desk_id=st.integers(1, 3),
)  # fmt: skip


@given(st.lists(windows, max_size=12))
def test_the_hours_in_words_are_those_of_all_desks_together(some: list[Window]) -> None:
    told = {day: hours for days, hours in received(some) for day in days}
    assert {*told} == {one.weekday for one in some}
    for minute in range(0, 24 * 60, 7):
        for day in range(7):
            opened = any(
                one.opens.hour * 60 + one.opens.minute <= minute < (one.closes.hour or 24) * 60
                for one in some if one.weekday == day
            )  # fmt: skip
            assert opened == any(start <= minute < end for start, end in told.get(day, ()))
    assert all(one[1] < other[0] for hours in told.values() for one, other in pairwise(hours))


def test_days_with_the_same_hours_are_told_together() -> None:
    some = [Window(day, time(9), time(13), desk) for day in (0, 1, 3) for desk in (1, 2)]
    some += [Window(3, time(15), time(17, 30), 1), Window(1, time(12), time(13), 3)]
    assert received(some) == [((0, 1), ((540, 780),)), ((3,), ((540, 780), (900, 1050)))]


spans = st.tuples(st.integers(0, 30), st.integers(1, 8)).map(lambda two: (two[0], two[0] + two[1]))


@given(st.lists(st.tuples(st.integers(1, 3), spans), max_size=6), st.lists(st.tuples(st.integers(1, 3), spans)))
def test_every_minute_of_every_place_is_there_once(
    opens: list[tuple[int, tuple[int, int]]], wanted: list[tuple[int, tuple[int, int]]]
) -> None:
    opened = [Open(desk, 1, frozenset(), stretch(*span)) for desk, span in opens]
    had: list[Given[int]] = []
    for n, (desk, span) in enumerate(wanted):
        if not any(one.seat.desk_id == desk and one.when.overlaps(stretch(*span)) for one in had):
            had.append(Given(Seat(desk), stretch(*span), n))
    seats = seats_of([1, 2, 3], opened, had)
    rows = table(seats, opened, had)
    for column in range(len(seats)):
        cells = [row.cells[column] for row in rows if row.cells[column]]
        assert sum(cell.rows for cell in cells if cell) == len(rows)
        assert all(a.when.end == b.when.start for a, b in pairwise(cells) if a and b)
    shown = [cell.given for row in rows for cell in row.cells if cell and cell.what is What.GIVEN]
    assert sorted(one for one in shown if one is not None) == [one.what for one in sorted(had, key=lambda x: x.what)]


def test_only_the_agendas_that_still_count_are_shown() -> None:
    def agenda(version: int, first: date, last: date | None = None) -> Agenda:
        return Agenda(version, version, first, last, True, ())

    old, usual, summer = agenda(1, MONDAY), agenda(2, MONDAY + DAY), agenda(3, MONDAY + 9 * DAY, MONDAY + 20 * DAY)
    assert from_now_on([old, usual, summer], MONDAY) == [old, usual, summer]
    assert from_now_on([old, usual, summer], MONDAY + DAY) == [usual, summer]
    assert from_now_on([old, usual, summer], MONDAY + 21 * DAY) == [usual]
    assert from_now_on([], MONDAY) == []
