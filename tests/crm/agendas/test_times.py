"""Times of a clock in Rome, what is open, what is free: examples, and what holds of every agenda."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from crm.agendas.plan import Agenda, DeskView, Exceptional, Open, Plan, Window, in_force, is_day_off, open_on
from crm.agendas.rules import Channel, Gone, Limits, against, has_room, may_change
from crm.agendas.slots import Free, Measures, Seat, Taken, by_seat, few, free, misplaced, nearest, spread, starts
from crm.agendas.times import DAY, MINUTE, Stretch, instant, stretch, without
from crm.core.clock import ROME, business_day, in_rome

SPRING, AUTUMN = date(2027, 3, 28), date(2026, 10, 25)  # the nights in which an hour is left out, or twice there
MONDAY = date(2026, 11, 23)
NINE, ONE = time(9), time(13)
TWENTY = Measures(1, 20 * MINUTE, timedelta(), 20 * MINUTE)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ROME).astimezone(UTC)


def a_plan(*windows: Window, **more: object) -> Plan:
    agenda = Agenda(1, 1, date(2026, 1, 1), None, True, windows or (Window(0, NINE, ONE, 1),))
    usual: dict[str, object] = {"desks": (DeskView(1, "1"), DeskView(2, "2")), "agendas": (agenda,), "patron": (11, 30)}
    return Plan(7, **{**usual, **more})  # type: ignore[arg-type]


def whens(opened: list[Open]) -> list[tuple[int, str, str]]:
    return [(one.desk_id, f"{in_rome(one.when.start):%H:%M}", f"{in_rome(one.when.end):%H:%M}") for one in opened]


# -- clocks in Rome ----------------------------------------------------------------------------------------------


def test_an_hour_that_is_left_out_is_no_time_at_all() -> None:
    assert instant(SPRING, time(2, 30)) == datetime(2027, 3, 28, 1, tzinfo=UTC) == instant(SPRING, time(3))
    assert stretch(SPRING, time(2), time(3)).minutes == 0
    assert stretch(SPRING, time(1), time(4)).minutes == 120


def test_an_hour_that_is_there_twice_takes_two() -> None:
    assert instant(AUTUMN, time(2, 30)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # the first of the two
    assert stretch(AUTUMN, time(1), time(4)).minutes == 240
    assert stretch(AUTUMN, time(2), time(2, 30)).minutes == 30


def test_midnight_ends_a_day() -> None:
    assert stretch(MONDAY, time(22), time(0)) == Stretch(at(MONDAY, 22), at(MONDAY + DAY, 0))


stretches = st.builds(
    lambda start, minutes: Stretch(at(MONDAY, 8) + start * MINUTE, at(MONDAY, 8) + (start + minutes) * MINUTE),
    st.integers(0, 600), st.integers(1, 300),
)  # fmt: skip


@given(stretches, st.lists(stretches, max_size=5))
def test_what_is_left_is_what_no_hole_has(one: Stretch, holes: list[Stretch]) -> None:
    left = without(one, holes)

    def minutes(parts: list[Stretch]) -> set[datetime]:
        return {part.start + n * MINUTE for part in parts for n in range(part.minutes)}

    assert minutes(left) == minutes([one]) - minutes(holes)
    assert all(not a.overlaps(b) for a, b in pairwise(left))


# -- what is open ------------------------------------------------------------------------------------------------


def test_a_week_as_it_was_published() -> None:
    plan = a_plan(Window(0, NINE, ONE, 1), Window(0, time(15), time(17), 1, 2), Window(1, NINE, ONE, 2))
    assert whens(open_on(plan, MONDAY)) == [(1, "09:00", "13:00"), (1, "15:00", "17:00")]
    assert whens(open_on(plan, MONDAY + DAY)) == [(2, "09:00", "13:00")]
    assert open_on(plan, MONDAY + 2 * DAY) == []
    assert open_on(plan, date(2025, 12, 29)) == []  # a Monday on which nothing was published yet


def test_nobody_serves_on_holidays_or_the_patron_saints_day_unless_it_is_said() -> None:
    saint = date(2026, 11, 30)
    assert is_day_off(a_plan(), saint)
    assert open_on(a_plan(), saint) == []
    assert open_on(a_plan(), date(2027, 3, 29)) == []  # Easter Monday
    told = Exceptional(1, None, saint, saint, closed=False, opens=time(10), closes=time(12))
    assert whens(open_on(a_plan(exceptions=(told,)), saint)) == [(1, "10:00", "12:00"), (2, "10:00", "12:00")]


def test_a_closure_takes_its_hours_from_one_desk_or_from_all() -> None:
    both = (Window(0, NINE, ONE, 1), Window(0, NINE, ONE, 2))
    meeting = Exceptional(1, None, MONDAY, MONDAY, closed=True, opens=time(11), closes=time(12))
    assert whens(open_on(a_plan(*both, exceptions=(meeting,)), MONDAY)) == [
        (1, "09:00", "11:00"), (1, "12:00", "13:00"), (2, "09:00", "11:00"), (2, "12:00", "13:00"),
    ]  # fmt: skip
    ill = Exceptional(2, 1, MONDAY, MONDAY + 4 * DAY, closed=True)
    assert whens(open_on(a_plan(*both, exceptions=(ill,)), MONDAY)) == [(2, "09:00", "13:00")]
    assert open_on(a_plan(*both, desks=(DeskView(1, "1", active=False),)), MONDAY) == []


def test_the_latest_version_that_covers_a_day_says_how_it_is() -> None:
    always, summer = (
        Agenda(1, 1, date(2026, 1, 1), None, True, ()), Agenda(2, 2, date(2026, 7, 1), date(2026, 8, 31), True, ()),
    )  # fmt: skip
    assert in_force([always, summer], date(2026, 6, 30)) == always
    assert in_force([always, summer], date(2026, 7, 1)) == in_force([always, summer], date(2026, 8, 31)) == summer
    assert in_force([always, summer], date(2026, 9, 1)) == always
    assert in_force([always], date(2025, 1, 1)) is None


def test_a_desk_does_what_both_it_and_the_hour_are_for() -> None:
    desks = (DeskView(1, "1", services=frozenset({1, 2})),)
    opened = open_on(a_plan(Window(0, NINE, ONE, 1, 1, frozenset({2, 3})), desks=desks), MONDAY)
    assert [one.services for one in opened] == [frozenset({2})]
    assert open_on(a_plan(Window(0, NINE, ONE, 1, 1, frozenset({3})), desks=desks), MONDAY) == []


# -- what is free ------------------------------------------------------------------------------------------------


def test_starts_leave_out_what_is_taken_and_what_would_not_end_in_time() -> None:
    opened = [Open(1, 1, frozenset(), stretch(MONDAY, NINE, time(10, 10)))]
    taken = by_seat([Taken(Seat(1), stretch(MONDAY, time(9, 20), time(9, 40)))])
    assert [start for start, _ in starts(opened, taken, TWENTY)] == [at(MONDAY, 9), at(MONDAY, 9, 40)]
    buffered = Measures(1, 20 * MINUTE, 5 * MINUTE, 20 * MINUTE)  # the nine o'clock would need the desk until 9:25
    assert [start for start, _ in starts(opened, taken, buffered)] == [at(MONDAY, 9, 40)]
    assert list(starts([Open(1, 1, frozenset({2}), opened[0].when)], {}, TWENTY)) == []


def test_a_desk_with_two_places_gives_each_time_twice() -> None:
    opened = [Open(1, 2, frozenset(), stretch(MONDAY, NINE, time(9, 40)))]
    taken = by_seat([Taken(Seat(1, 1), stretch(MONDAY, NINE, time(9, 20)))])
    assert free(7, opened, taken, TWENTY) == [
        Free(7, at(MONDAY, 9), at(MONDAY, 9, 20), (Seat(1, 0),)),
        Free(7, at(MONDAY, 9, 20), at(MONDAY, 9, 40), (Seat(1, 0), Seat(1, 1))),
    ]


clocks = st.builds(time, st.integers(0, 23), st.sampled_from((0, 10, 15, 30, 40, 45)))
windows = st.builds(
    Window, st.integers(0, 6), clocks, clocks, st.integers(1, 3), st.integers(1, 3),
    st.frozensets(st.integers(1, 3), max_size=2),
).filter(lambda one: one.opens < one.closes)  # fmt: skip
days = st.sampled_from([SPRING, AUTUMN, MONDAY, date(2026, 12, 25), date(2027, 1, 9)])
exceptions = st.builds(
    lambda desk, day, length, closed, hours: Exceptional(
        1, desk, day, day + length * DAY, closed, *(hours if hours or closed else (NINE, ONE)) or (None, None)
    ),
    st.one_of(st.none(), st.integers(1, 3)), days, st.integers(0, 3), st.booleans(),
    st.one_of(st.none(), st.tuples(clocks, clocks).filter(lambda two: two[0] < two[1])),
)  # fmt: skip
plans = st.builds(
    lambda some, told, observes: Plan(
        7, tuple(DeskView(n, str(n)) for n in (1, 2, 3)),
        (Agenda(1, 1, date(2026, 1, 1), None, observes, tuple(some)),), tuple(told), (11, 30),
    ),
    st.lists(windows, max_size=8), st.lists(exceptions, max_size=3), st.booleans(),
)  # fmt: skip
measures = st.builds(
    lambda service, duration, buffer, step: Measures(service, duration * MINUTE, buffer * MINUTE, step * MINUTE),
    st.integers(1, 3), st.sampled_from((5, 20, 45, 240)), st.sampled_from((0, 5, 30)), st.sampled_from((5, 15, 30)),
)  # fmt: skip


@settings(max_examples=60)
@given(plans, days, st.lists(measures, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_whatever_is_booked_one_after_another_nobody_shares_a_seat_or_comes_when_it_is_closed(
    plan: Plan, day: date, wanted: list[Measures], chance: object
) -> None:
    opened, taken = open_on(plan, day), []
    for n in range(24):
        one = wanted[n % len(wanted)]
        offered = free(plan.office_id, opened, by_seat(taken), one)
        if not offered:
            continue
        chosen = chance.choice(offered)  # type: ignore[attr-defined]
        seat = chance.choice(chosen.seats)  # type: ignore[attr-defined]
        when = Stretch(chosen.starts_at, chosen.ends_at + one.buffer)
        served = Stretch(chosen.starts_at, chosen.ends_at)
        assert not misplaced(opened, Taken(seat, when), one.service_id, served)
        assert all(other.seat != seat or not other.when.overlaps(when) for other in taken)
        assert business_day(chosen.starts_at) == day
        closed = [each for each in plan.exceptions if each.closed and each.first <= day <= each.last]
        for each in closed:
            if each.concerns(seat.desk_id):
                assert not stretch(day, each.opens or time(0), each.closes or time(0)).overlaps(served)
        taken.append(Taken(seat, when))


@given(plans, days, measures)
def test_every_start_that_is_free_is_on_a_whole_minute_and_shown_once(plan: Plan, day: date, one: Measures) -> None:
    offered = free(plan.office_id, open_on(plan, day), {}, one)
    assert [each.starts_at for each in offered] == sorted({each.starts_at for each in offered})
    assert all(
        each.starts_at.second == 0 and each.seats and len(set(each.seats)) == len(each.seats) for each in offered
    )


# -- who may have it ---------------------------------------------------------------------------------------------

LIMITS = Limits(timedelta(hours=2), 30, timedelta(hours=24), 1, 2, 3)
NOW = at(MONDAY, 9)


def test_the_notice_is_kept_at_its_minute() -> None:
    eleven, soon = at(MONDAY, 11), timedelta(microseconds=1)
    assert against(eleven, LIMITS, Channel.WEB, now=NOW) is None
    assert against(eleven, LIMITS, Channel.WEB, now=NOW + soon) is Gone.TOO_SOON
    assert against(eleven, LIMITS, Channel.PHONE, now=NOW + soon) is Gone.TOO_SOON
    assert against(NOW, LIMITS, Channel.DESK, now=NOW) is None  # he is here
    assert against(NOW - MINUTE, LIMITS, Channel.DESK, now=NOW) is Gone.PAST


def test_the_horizon_counts_days_not_hours() -> None:
    assert against(at(MONDAY + 30 * DAY, 23, 50), LIMITS, Channel.WEB, now=NOW) is None
    assert against(at(MONDAY + 31 * DAY, 0), LIMITS, Channel.WEB, now=NOW) is Gone.TOO_FAR


def test_a_change_at_the_minute_of_the_cut_off_is_in_time() -> None:
    tomorrow = at(MONDAY + DAY, 9)
    assert may_change(tomorrow, LIMITS, now=NOW)
    assert not may_change(tomorrow, LIMITS, now=NOW + timedelta(microseconds=1))


def test_a_quota_is_of_minutes() -> None:
    assert has_room(50, capacity=240, given=100, wanted=20)
    assert not has_room(50, capacity=240, given=101, wanted=20)
    assert has_room(None, capacity=0, given=0, wanted=20)
    assert not has_room(0, capacity=240, given=0, wanted=20)


frees = st.builds(
    lambda office, n: Free(office, NOW + n * MINUTE, NOW + (n + 20) * MINUTE, (Seat(1),)),
    st.integers(1, 3), st.integers(0, 9000),
)  # fmt: skip


@given(st.lists(frees, unique=True, max_size=40), st.integers(0, 9000))
def test_no_time_that_is_left_out_is_nearer_than_one_that_is_offered(times: list[Free], minutes: int) -> None:
    wanted = NOW + minutes * MINUTE
    offered = nearest(times, wanted, office_id=1)
    assert offered == sorted(offered, key=lambda one: (one.starts_at, one.office_id))
    assert len(offered) == min(5, len(times))

    def far(one: Free) -> tuple[bool, timedelta]:
        return one.office_id != 1, abs(one.starts_at - wanted)

    assert all(far(one) <= far(other) for one in offered for other in times if other not in offered)


@given(st.lists(frees, unique=True, max_size=60))
def test_of_the_free_times_few_are_told_and_not_all_of_one_day(times: list[Free]) -> None:
    times = sorted(times, key=lambda one: (one.starts_at, one.office_id))
    told = few(times, business_day)
    assert told == sorted(told, key=lambda one: (one.starts_at, one.office_id))
    assert len(set(told)) == len(told) == min(9, len(times))
    assert set(told) <= set(times)
    assert {one.office_id for one in times} == {one.office_id for one in told}  # each office that has one
    assert times[:1] == told[:1]


def test_a_morning_of_tens_of_times_leaves_room_for_the_next_days() -> None:
    mornings = [
        Free(1, at(MONDAY + day * DAY, 9) + slot * 10 * MINUTE, at(MONDAY + day * DAY, 13), (Seat(1),))
        for day in range(4) for slot in range(24)
    ]  # fmt: skip
    said = [f"{in_rome(one.starts_at):%a %H:%M}" for one in few(mornings, business_day)]
    assert said == [f"{day} {hour:02}:00" for day in ("Mon", "Tue", "Wed") for hour in (9, 10, 11)]


@given(st.lists(st.builds(Seat, st.integers(1, 4), st.integers(0, 3)), unique=True, max_size=12), st.integers(0, 99))
def test_those_with_least_to_do_are_tried_first_and_all_are_tried(seats: list[Seat], turn: int) -> None:
    load = {1: 4, 2: 1}
    tried = spread(seats, load, turn)
    assert sorted(tried) == sorted(seats)
    loads = [load.get(one.desk_id, 0) for one in tried]
    assert loads == sorted(loads)
