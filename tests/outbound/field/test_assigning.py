"""Sharing practices out: everybody as many, near to where he goes, nobody with a tie."""

from hypothesis import given, settings
from hypothesis import strategies as st

from outbound.field.places.placing import Point
from outbound.field.practices.assigning import Hand, Left, Task, Why, share

EMPOLI, VINCI = Point(43.7186, 10.9455), Point(43.7873, 10.9256)
points = st.builds(Point, st.floats(43.5, 44), st.floats(10.5, 11.5))
tasks = st.builds(
    Task, st.integers(1, 400), st.sampled_from(["Empoli 50053", "Vinci 50059"]), st.none() | points,
    st.integers(0, 2), st.integers(0, 100_000), st.frozensets(st.integers(1, 6), max_size=6),
    st.frozensets(st.integers(1, 6), max_size=2),
)  # fmt: skip
hands = st.builds(Hand, st.integers(1, 6), st.integers(0, 20), st.lists(points, max_size=3).map(tuple))


def test_each_goes_where_he_goes_anyway() -> None:
    some = [Task(n, "Empoli", EMPOLI) for n in range(4)] + [Task(n, "Vinci", VINCI) for n in range(4, 8)]
    found = share(some, [Hand(1, 1, (VINCI,)), Hand(2, 1, (EMPOLI,))], most=50)
    assert {one.practice_id for one in found.given if one.agent_id == 1} == {4, 5, 6, 7}
    assert {one.why for one in found.given} == {Why.NEAREST}
    assert {one.km for one in found.given} == {0.0}


def test_nobody_is_sent_whom_a_tie_excludes_and_a_doubt_comes_last() -> None:
    tied = Task(1, "Empoli", EMPOLI, excluded=frozenset({2}))
    doubtful = Task(2, "Empoli", EMPOLI, doubtful=frozenset({2}))
    found = share([tied, doubtful], [Hand(1, 0, (VINCI,)), Hand(2, 0, (EMPOLI,))], most=50)
    assert next((one.practice_id, one.agent_id) for one in found.given) == (1, 1)
    everybody = share([Task(1, "Empoli", EMPOLI, excluded=frozenset({1, 2}))], [Hand(1), Hand(2)], most=50)
    assert everybody.left == {1: Left.ALL_TIED}
    assert share([tied], [], most=50).left == {1: Left.NOBODY}


def test_who_is_not_placed_goes_with_those_of_his_area_else_to_whoever_has_least() -> None:
    there = [Task(n, "Vinci", VINCI) for n in range(3)]
    found = share([*there, Task(9, "Vinci")], [Hand(1, 1, (VINCI,)), Hand(2, 1, (EMPOLI,))], most=50)
    assert next(one.km for one in found.given if one.practice_id == 9) == 0.0
    found = share([Task(9, "Nowhere")], [Hand(1, 5), Hand(2, 1)], most=50)
    assert [(one.agent_id, one.why, one.km) for one in found.given] == [(2, Why.LOAD, None)]


@given(
    st.lists(tasks, max_size=40, unique_by=lambda one: one.id),
    st.lists(hands, max_size=5, unique_by=lambda one: one.id),
    st.integers(1, 30),
)
@settings(max_examples=200, deadline=None)
def test_whatever_there_is_to_share(some: list[Task], agents: list[Hand], most: int) -> None:
    """Each practice goes to one agent or says why to none; no tie, no overload; order does not matter."""
    found = share(some, agents, most=most)
    given_to = {one.practice_id: one.agent_id for one in found.given}
    assert given_to.keys() | found.left.keys() == {one.id for one in some}
    assert not given_to.keys() & found.left.keys()
    excluded = {one.id: one.excluded for one in some}
    assert not [one for one, agent in given_to.items() if agent in excluded[one]]
    for agent in agents:
        mine = sum(one == agent.id for one in given_to.values())
        assert found.load[agent.id] == agent.load + mine
        assert mine == 0 or agent.load + mine <= most
    assert share(some[::-1], agents[::-1], most=most) == found
