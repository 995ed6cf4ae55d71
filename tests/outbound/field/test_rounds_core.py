"""A day's rounds as a problem: what is said before anybody tries, what keeps and what breaks, what the solver finds."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from outbound.field.rounds.changes import Change, Changed, changes
from outbound.field.rounds.checking import Breach, breaches
from outbound.field.rounds.places import Leg, Pace, Place, leg, straight_m
from outbound.field.rounds.problem import (
    Fault,
    Pause,
    Problem,
    Round,
    Stop,
    Trouble,
    Visit,
    Why,
    Window,
    Worker,
    plannable,
    stated,
    troubles,
)
from outbound.field.rounds.settings import Settings
from outbound.field.rounds.solving import Limits, cost, solve
from outbound.field.rounds.timing import timed

HOUR = 3600
EMPOLI, VINCI = Place(43.7189, 10.9455, "Empoli"), Place(43.7835, 10.9228, "Vinci")
ALL_DAY = (Window(9 * HOUR, 18 * HOUR),)
FABIO = Worker(1, 9 * HOUR, 18 * HOUR, EMPOLI, EMPOLI)
LIA = replace(FABIO, key=2)


def door(key: int, **about: object) -> Stop:
    """A home of Vinci, which either of both may visit."""
    usual = {"place": VINCI, "windows": ALL_DAY, "length": 1200, "may": frozenset({1, 2})}
    return Stop(key=key, **(usual | about))  # type: ignore[arg-type]


def of(stops: list[Stop], *workers: Worker) -> Problem:
    return stated(workers or (FABIO, LIA), stops, Pace())


# -- ways -----------------------------------------------------------------------------------------------------------


def test_from_empoli_to_vinci_it_is_seven_kilometres_as_the_crow_flies() -> None:
    assert straight_m(EMPOLI, VINCI) == pytest.approx(7_410, abs=60)


def test_between_towns_one_gets_on_faster_than_in_one() -> None:
    near = replace(VINCI, area="Empoli")
    pace = Pace(detour=1.0, town_kmh=20, country_kmh=60)
    assert leg(EMPOLI, near, pace).seconds == pytest.approx(3 * leg(EMPOLI, VINCI, pace).seconds, abs=3)


def test_what_was_measured_counts_before_what_is_computed_in_its_direction_alone() -> None:
    problem = stated([FABIO], [door(7)], Pace(), {("A1", "P7"): Leg(60, 900)})
    there, back = problem.travel[problem.start(0)][problem.node(0)], problem.travel[problem.node(0)][problem.end(0)]
    assert there == Leg(60, 900)
    assert back == leg(VINCI, EMPOLI, Pace())


def test_an_hour_for_visits_ends_early_enough_for_the_visit() -> None:
    found = Settings().windows(residential=False, weekday=0)
    assert found == (Window(9 * HOUR, 12 * HOUR), Window(14 * HOUR + 1800, 17 * HOUR + 1800))
    later = Settings().windows(residential=False, weekday=0, after=13 * HOUR)
    assert later == (Window(14 * HOUR + 1800, 17 * HOUR + 1800),)


# -- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stop", "fault"),
    [
        (door(1, place=None), Fault.NO_PLACE),
        (door(1, windows=()), Fault.EMPTY_WINDOW),
        (door(1, windows=(Window(12 * HOUR, 11 * HOUR),)), Fault.EMPTY_WINDOW),
        (door(1, at=3 * HOUR), Fault.EMPTY_WINDOW),  # nobody is visited at three in the morning, whoever fixed it
        (door(1, may=frozenset({9})), Fault.NOBODY_MAY),
        (door(1, may=frozenset({1}), agent=2), Fault.NOBODY_MAY),
        (door(1, windows=(Window(20 * HOUR, 21 * HOUR),)), Fault.OUT_OF_HOURS),
        (door(1, place=Place(37.5, 15.1, "Catania")), Fault.TOO_FAR),
    ],
)
def test_what_cannot_be_planned_is_said_and_the_rest_is_planned(stop: Stop, fault: Fault) -> None:
    problem = of([stop, door(2)])
    assert troubles(problem) == (Trouble(fault, stop=1),)
    found = solve(problem, Limits(0.3))
    assert found.left_out == {1: fault}
    assert [visit.stop for one in found.rounds for visit in one.visits] == [2]


def test_two_visits_fixed_at_the_same_hour_with_one_agent_clash_and_are_both_left_out() -> None:
    problem = of([door(1, agent=1, at=10 * HOUR), door(2, agent=1, at=10 * HOUR + 60), door(3)])
    assert troubles(problem) == (Trouble(Fault.PINS_CLASH, stop=1, other=2),)
    assert solve(problem, Limits(0.3)).left_out == {1: Fault.PINS_CLASH, 2: Fault.PINS_CLASH}


def test_an_agent_without_hours_has_no_round_and_takes_nobodys_place() -> None:
    problem = of([door(1)], replace(FABIO, ends=9 * HOUR), LIA)
    assert troubles(problem) == (Trouble(Fault.NO_HOURS, agent=1),)
    found = solve(problem, Limits(0.3))
    assert [(one.agent, len(one.visits)) for one in found.rounds] == [(1, 0), (2, 1)]


def test_a_break_longer_than_its_time_is_said() -> None:
    problem = of([door(1)], replace(FABIO, pause=Pause(12 * HOUR, 13 * HOUR, 2 * HOUR)))
    assert troubles(problem)[0] == Trouble(Fault.PAUSE_TOO_LONG, agent=1)


def test_nobody_and_nothing_make_no_round() -> None:
    assert solve(stated([], [door(1)], Pace()), Limits(0.1)).left_out == {1: Fault.NOBODY_MAY}
    assert solve(of([]), Limits(0.1)).rounds == (Round(1), Round(2))


def test_who_has_as_many_visits_as_he_can_have_is_the_reason() -> None:
    problem = of([door(1, priority=2), door(2)], replace(FABIO, most=1))
    found = solve(problem, Limits(0.3))
    assert found.left_out == {2: Why.FULL}


def test_where_there_is_time_for_one_alone_the_more_urgent_is_visited() -> None:
    quick = replace(FABIO, begins=9 * HOUR, ends=10 * HOUR + 600)
    problem = of([door(1), door(2, priority=3, place=replace(VINCI, latitude=43.79))], quick)
    assert solve(problem, Limits(0.3)).left_out == {1: Why.NO_TIME}
    insisted = of([door(1, must=True), door(2, priority=3, place=replace(VINCI, latitude=43.79))], quick)
    assert solve(insisted, Limits(0.3)).left_out == {2: Why.NO_TIME}


# -- checking -------------------------------------------------------------------------------------------------------


def test_each_breach_is_found() -> None:
    problem = of([door(1), door(2, may=frozenset({2})), door(3, agent=2, at=10 * HOUR)], replace(FABIO, most=1), LIA)
    fine = timed(problem, 1, [1])
    assert breaches(problem, (fine,)) == ()

    def found(one: Round, *more: Round) -> set[Breach]:
        return {each.breach for each in breaches(problem, (one, *more))}

    first = fine.visits[0]
    assert found(replace(fine, agent=9)) == {Breach.UNKNOWN}
    assert found(fine, timed(problem, 2, [1])) == {Breach.TWICE}
    assert Breach.NOT_HIS in found(timed(problem, 1, [2]))
    assert Breach.MOVED in found(timed(problem, 1, [3]))
    early = replace(first, begins=8 * HOUR, arrives=8 * HOUR, leaves=8 * HOUR + 1200)
    assert found(replace(fine, visits=(early,), begins=7 * HOUR)) == {Breach.LATE, Breach.OUT_OF_HOURS}
    assert Breach.TOO_SHORT in found(replace(fine, visits=(replace(first, leaves=first.begins + 60),)))
    assert Breach.IMPOSSIBLE in found(replace(fine, begins=first.begins))
    assert Breach.TOO_MANY in found(timed(problem, 1, [1, 2]))


def test_a_break_needs_its_time_and_a_day_that_is_over_before_needs_none() -> None:
    resting = replace(FABIO, pause=Pause(12 * HOUR, 14 * HOUR, HOUR))
    short, whole = of([door(1)], resting), of([door(n) for n in range(15)], resting)
    assert breaches(short, (timed(short, 1, [1]),)) == ()
    assert timed(short, 1, [1]).pause is None
    walked = timed(whole, 1, list(range(15)))
    assert walked.pause is not None
    assert breaches(whole, (walked,)) == ()
    assert {one.breach for one in breaches(whole, (replace(walked, pause=None),))} == {Breach.NO_PAUSE}


# -- the solver -----------------------------------------------------------------------------------------------------

places = st.builds(
    Place, st.floats(43.65, 43.80), st.floats(10.85, 11.05), st.sampled_from(["Empoli", "Vinci"])
)  # fmt: skip
quarters = st.integers(8 * 4, 19 * 4).map(lambda n: n * 900)
spans = st.tuples(quarters, st.integers(0, 20)).map(lambda it: Window(it[0], min(it[0] + it[1] * 900, 20 * HOUR)))
pauses = st.none() | st.tuples(st.integers(11, 13), st.integers(1, 3), st.sampled_from([1800, 3600])).map(
    lambda it: Pause(it[0] * HOUR, (it[0] + it[1]) * HOUR, it[2])
)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Days of one to three agents and up to ten doors, some of them fixed, some without a place."""
    agents = draw(st.integers(1, 3))
    workers = [
        Worker(
            key, draw(st.integers(7, 10)) * HOUR, draw(st.integers(10, 19)) * HOUR, start,
            start if draw(st.booleans()) else None, draw(pauses), draw(st.none() | st.integers(1, 4)),
        )
        for key in range(1, agents + 1)
        for start in [draw(st.none() | places)]
    ]  # fmt: skip
    keys = st.sampled_from([one.key for one in workers])
    stops = [
        Stop(
            key, draw(places | st.none()) if key == 0 else draw(places),
            tuple(draw(st.lists(spans, min_size=1, max_size=2))), draw(st.integers(5, 60)) * 60,
            frozenset(draw(st.sets(keys, min_size=1))), draw(st.integers(0, 3)), draw(st.booleans()),
            draw(st.none() | keys), draw(st.none() | quarters),
        )
        for key in range(draw(st.integers(0, 10)))
    ]  # fmt: skip
    return stated(workers, stops, Pace())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems())
def test_whatever_the_day_the_rounds_found_can_be_walked_and_nothing_fixed_moves(problem: Problem) -> None:
    found = solve(problem, Limits(0.05))
    assert breaches(problem, found.rounds) == ()
    served = {visit.stop: (one.agent, visit.begins) for one in found.rounds for visit in one.visits}
    assert served.keys() | found.left_out.keys() == {one.key for one in problem.stops}
    assert not served.keys() & found.left_out.keys()
    for stop in problem.stops:
        if stop.key in served:
            agent, begins = served[stop.key]
            assert stop.agent in (None, agent)
            assert stop.at in (None, begins)
    assert found.cost == cost(problem, found.rounds)
    assert [one.agent for one in found.rounds] == [one.key for one in problem.workers]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems())
def test_searched_on_from_rounds_it_is_never_worse(problem: Problem) -> None:
    first = solve(problem, Limits(0.05))
    assume(any(one.visits for one in first.rounds))
    assert solve(problem, Limits(0.05), before=first.rounds).cost <= first.cost


@given(problems())
def test_what_is_left_of_a_day_without_what_cannot_be_planned_can_be(problem: Problem) -> None:
    rest = plannable(problem, troubles(problem))
    assert not [one for one in troubles(rest) if one.fault is not Fault.PINS_CLASH or one.stop is None]


@settings(deadline=None)
@given(problems(), st.randoms(use_true_random=False))
def test_a_round_walked_in_any_order_is_never_early_nor_two_things_at_once(problem: Problem, draw: object) -> None:
    order = [one.key for one in problem.stops if one.place is not None]
    draw.shuffle(order)  # type: ignore[attr-defined]
    walked = timed(problem, 1, order)
    index = 0
    at, free = problem.start(index), walked.begins
    for visit in walked.visits:
        node = problem.node(next(i for i, one in enumerate(problem.stops) if one.key == visit.stop))
        assert free + problem.travel[at][node].seconds <= visit.arrives <= visit.begins <= visit.leaves
        at, free = node, visit.leaves
    assert [visit.stop for visit in walked.visits] == order
    assert walked.ends >= free


# -- what is told again ---------------------------------------------------------------------------------------------


def test_what_is_different_is_told_and_minutes_are_not() -> None:
    before, now = {1: 36_000, 2: 40_000, 3: 44_000, 4: 50_000}, {2: 40_300, 3: 42_000, 4: 52_000, 5: 54_000}
    assert list(changes(before, now)) == [
        Changed(Change.REMOVED, 1), Changed(Change.EARLIER, 3), Changed(Change.LATER, 4), Changed(Change.ADDED, 5),
    ]  # fmt: skip


def test_a_visit_knows_its_hours() -> None:
    walked = timed(of([door(1, windows=(Window(10 * HOUR, 11 * HOUR),))]), 1, [1])
    assert walked.visits == (Visit(1, 10 * HOUR, 10 * HOUR, 10 * HOUR + 1200),)
    assert walked.begins == 10 * HOUR - leg(EMPOLI, VINCI, Pace()).seconds
