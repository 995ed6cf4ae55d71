"""Who takes which call."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from telephony.queues.routing import (
    HEAD,
    PASSED_S,
    Assignment,
    Desk,
    FreeAgent,
    Helper,
    Rules,
    Waiting,
    helpers,
    may_take,
)
from telephony.queues.routing import match as match_at

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
NOTICES, OPERATOR = 1, 2
ANNA, LUCA, MARTA = 7, 8, 9
MARIO, GINA, UGO = UUID(int=1), UUID(int=2), UUID(int=3)


def at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


def waits(call: UUID, since: int, queue: int = NOTICES, priority: int = 0) -> Waiting:
    return Waiting(call, queue, priority, at(since))


def idle(agent: int, since: int, *queues: int, level: int = 1, speaks: str = "") -> FreeAgent:
    return FreeAgent(agent, at(since), dict.fromkeys(queues or (NOTICES,), level), languages=frozenset(speaks.split()))


def desk(seconds: int = 10, *in_service: int, **rules: Any) -> Desk:
    """So many seconds after the start, with these rules for the queue of notices."""
    return Desk(at(seconds), {NOTICES: Rules(**rules)}, frozenset(in_service))


def match(calls: list[Waiting], free: list[FreeAgent]) -> list[Assignment]:
    """As queues without rules of their own are matched."""
    return match_at(calls, free, desk())


def test_the_longest_waiting_caller_gets_the_longest_idle_agent() -> None:
    free = [idle(LUCA, 20), idle(ANNA, 10)]
    assert match([waits(GINA, 5), waits(MARIO, 1)], free) == [Assignment(MARIO, ANNA), Assignment(GINA, LUCA)]


def test_who_was_cut_off_goes_first() -> None:
    assert match([waits(MARIO, 1), waits(GINA, 9, priority=HEAD)], [idle(ANNA, 0)]) == [Assignment(GINA, ANNA)]


def test_a_caller_nobody_free_can_serve_holds_up_nobody_behind_him() -> None:
    calls = [waits(MARIO, 1, NOTICES), waits(GINA, 2, OPERATOR)]
    assert match(calls, [idle(ANNA, 0, OPERATOR)]) == [Assignment(GINA, ANNA)]


def test_the_idle_agent_is_kept_for_the_queue_only_he_serves_when_the_earlier_call_is_his() -> None:
    calls = [waits(MARIO, 1, NOTICES), waits(GINA, 2, OPERATOR)]
    free = [idle(ANNA, 0, NOTICES), idle(LUCA, 5, NOTICES, OPERATOR)]
    assert match(calls, free) == [Assignment(MARIO, ANNA), Assignment(GINA, LUCA)]


def test_no_call_goes_to_whom_its_ente_keeps_away() -> None:
    empoli = Waiting(MARIO, NOTICES, 0, at(1), ente_id=1)
    removed = FreeAgent(ANNA, at(0), {NOTICES: 1}, not_for=frozenset({1}))
    assert match([empoli], [removed]) == []
    assert match([empoli, waits(GINA, 2)], [removed, idle(LUCA, 5)]) == [
        Assignment(MARIO, LUCA),
        Assignment(GINA, ANNA),
    ]


def test_priority_goes_first_and_grows_with_the_wait() -> None:
    calls = [waits(MARIO, 0), waits(GINA, 55, priority=1)]
    assert match_at(calls, [idle(ANNA, 0)], desk(60)) == [Assignment(GINA, ANNA)]
    assert match_at(calls, [idle(ANNA, 0)], desk(60, ages_s=30)) == [Assignment(MARIO, ANNA)]
    ages = [waits(MARIO, 0), waits(GINA, 9_999, priority=HEAD)]
    assert match_at(ages, [idle(ANNA, 0)], desk(10_000, ages_s=1)) == [Assignment(GINA, ANNA)]  # he was cut off


def test_the_best_of_the_free_answers_and_the_others_after_a_while() -> None:
    call, free = [waits(MARIO, 0)], [idle(ANNA, 0, level=2), idle(LUCA, 5)]
    assert match_at(call, free, desk()) == [Assignment(MARIO, LUCA)]
    assert match_at(call, free[:1], desk(19, widens_s=20)) == []
    assert match_at(call, free[:1], desk(20, widens_s=20)) == [Assignment(MARIO, ANNA)]


def test_another_queue_helps_after_a_while_and_comes_last() -> None:
    call, helper = [waits(MARIO, 0)], idle(ANNA, 0, OPERATOR)
    rules = {"helpers": (Helper(OPERATOR, 30),)}
    assert match_at(call, [helper], desk(29, **rules)) == []
    assert match_at(call, [helper], desk(30, **rules)) == [Assignment(MARIO, ANNA)]
    assert match_at(call, [helper, idle(LUCA, 9)], desk(30, **rules)) == [Assignment(MARIO, LUCA)]


def test_help_goes_on_from_queue_to_queue_and_the_nearer_helps_first() -> None:
    far = OPERATOR + 1
    overflows: dict[int, tuple[int | None, int]] = {NOTICES: (OPERATOR, 30), OPERATOR: (far, 40), far: (None, 0)}
    chain = helpers(NOTICES, overflows)
    assert chain == (Helper(OPERATOR, 30), Helper(far, 70))
    call, one, other = [waits(MARIO, 0)], idle(ANNA, 0, far), idle(LUCA, 9, OPERATOR)
    assert match_at(call, [one], desk(69, helpers=chain)) == []
    assert match_at(call, [one], desk(70, helpers=chain)) == [Assignment(MARIO, ANNA)]
    assert match_at(call, [one, other], desk(70, helpers=chain)) == [Assignment(MARIO, LUCA)]
    assert helpers(OPERATOR, overflows | {far: (NOTICES, 5)}) == (Helper(far, 40), Helper(NOTICES, 45))


some_overflows = st.dictionaries(
    st.integers(1, 6), st.tuples(st.none() | st.integers(1, 6), st.integers(0, 60)), max_size=6
)


@given(st.integers(1, 6), some_overflows)
def test_however_queues_help_each_other_no_way_goes_round(
    queue_id: int, overflows: dict[int, tuple[int | None, int]]
) -> None:
    chain = helpers(queue_id, overflows)
    ids = [one.queue_id for one in chain]
    assert len({queue_id, *ids}) == 1 + len(ids)
    assert [one.after_s for one in chain] == sorted(one.after_s for one in chain)
    for before, one in zip([queue_id, *ids], ids, strict=False):
        assert overflows[before][0] == one
    last = overflows.get(ids[-1] if ids else queue_id, (None, 0))[0]
    assert last is None or last in {queue_id, *ids}


def test_a_call_is_kept_for_who_knows_the_caller_while_he_is_in_service() -> None:
    call, free = [Waiting(MARIO, NOTICES, 0, at(0), knows=LUCA)], [idle(ANNA, 0)]
    assert match_at(call, [*free, idle(LUCA, 9)], desk()) == [Assignment(MARIO, LUCA)]
    assert match_at(call, free, desk(19, LUCA, sticky_s=20)) == []
    assert match_at(call, free, desk(19, sticky_s=20)) == [Assignment(MARIO, ANNA)]
    assert match_at(call, free, desk(20, LUCA, sticky_s=20)) == [Assignment(MARIO, ANNA)]


def test_a_language_is_answered_by_who_speaks_it_and_after_a_while_by_anybody() -> None:
    call = [Waiting(MARIO, NOTICES, 0, at(0), language="de")]
    free = [idle(ANNA, 0), idle(LUCA, 5, speaks="en de")]
    assert match_at(call, free, desk()) == [Assignment(MARIO, LUCA)]
    assert match_at(call, free[:1], desk(59)) == []
    assert match_at(call, free[:1], desk(60)) == [Assignment(MARIO, ANNA)]


def passed_by(agent: int, *serving: int) -> tuple[Waiting, dict[int, frozenset[int]]]:
    return Waiting(MARIO, NOTICES, HEAD, at(0), passed_by=agent), {NOTICES: frozenset(serving)}


def test_whoever_passes_a_call_on_to_a_queue_of_his_own_does_not_get_it_back_at_once() -> None:
    call, serving = passed_by(ANNA, ANNA, LUCA)
    free = [idle(ANNA, 0), idle(LUCA, 9, level=3)]
    assert match_at([call], free, Desk(at(1), serving=serving)) == [Assignment(MARIO, LUCA)]
    assert match_at([call], free[:1], Desk(at(PASSED_S - 1), serving=serving)) == []  # Luca will be free soon
    assert match_at([call], free[:1], Desk(at(PASSED_S), serving=serving)) == [Assignment(MARIO, ANNA)]
    assert match_at([call], free, Desk(at(PASSED_S), serving=serving)) == [Assignment(MARIO, LUCA)]


def test_whoever_is_alone_in_service_gets_back_what_he_passed_on() -> None:
    call, serving = passed_by(ANNA, ANNA)
    assert match_at([call], [idle(ANNA, 0)], Desk(at(1), serving=serving)) == [Assignment(MARIO, ANNA)]


some_seconds = st.integers(0, 40)
some_rules = st.builds(
    Rules, ages_s=some_seconds, widens_s=some_seconds, sticky_s=some_seconds, language_s=some_seconds,
    helpers=st.lists(st.builds(Helper, st.just(OPERATOR) | st.just(3), some_seconds), max_size=2).map(tuple),
)  # fmt: skip
some_agents = st.lists(
    st.builds(
        FreeAgent, st.integers(1, 9), some_seconds.map(at),
        st.dictionaries(st.integers(1, 3), st.integers(1, 3), min_size=1),
        languages=st.frozensets(st.sampled_from(["en", "de"])),
    ),
    min_size=1, max_size=6, unique_by=lambda agent: agent.agent_id,
)  # fmt: skip
some_call = st.builds(
    Waiting, st.just(MARIO), st.just(NOTICES), st.integers(0, 9), st.just(at(0)),
    language=st.sampled_from(["it", "en"]), knows=st.none() | st.integers(1, 9),
    passed_by=st.none() | st.integers(1, 9),
)  # fmt: skip


@given(some_call, some_agents, some_rules, st.integers(0, 120), st.frozensets(st.integers(1, 9)))
def test_who_may_answer_only_grows_with_the_wait_and_only_when_a_match_is_due(
    call: Waiting, free: list[FreeAgent], rules: Rules, waited: int, in_service: frozenset[int]
) -> None:
    def fit(seconds: int) -> set[int]:
        now = Desk(at(seconds), {NOTICES: rules}, in_service, {NOTICES: in_service})
        return {agent.agent_id for agent in free if may_take(agent, call, now)}

    def served(seconds: int) -> bool:
        now = Desk(at(seconds), {NOTICES: rules}, in_service, {NOTICES: in_service})
        return bool(match_at([call], free, now))

    assert fit(waited) <= fit(waited + 1)
    if not served(waited) and served(waited + 1):
        assert waited + 1 in {*rules.widenings(call.language, known=call.knows is not None), PASSED_S}


def test_nobody_waiting_or_nobody_free_is_no_match() -> None:
    assert match([], [idle(ANNA, 0)]) == []
    assert match([waits(MARIO, 0)], []) == []


seconds = st.integers(0, 5)  # few values: ties are the interesting case
queue_ids = st.integers(1, 3)
waiting = st.lists(
    st.builds(
        Waiting, st.integers(1, 99).map(lambda n: UUID(int=n)), queue_ids, st.sampled_from([0, 0, HEAD]),
        seconds.map(at),
    ),
    max_size=12, unique_by=lambda call: call.call_id,
)  # fmt: skip
agents = st.lists(
    st.builds(FreeAgent, st.integers(1, 99), seconds.map(at), st.dictionaries(queue_ids, st.just(1), min_size=1)),
    max_size=8, unique_by=lambda agent: agent.agent_id,
)  # fmt: skip


@given(waiting, agents)
def test_no_call_and_no_agent_is_given_away_twice(calls: list[Waiting], free: list[FreeAgent]) -> None:
    made = match(calls, free)
    assert len({one.call_id for one in made}) == len({one.agent_id for one in made}) == len(made)
    queue = {call.call_id: call.queue_id for call in calls}
    serves = {agent.agent_id: agent.queues for agent in free}
    assert all(queue[one.call_id] in serves[one.agent_id] for one in made)


@given(waiting, agents)
def test_nobody_who_came_later_is_served_by_an_agent_that_an_earlier_caller_could_have_had(
    calls: list[Waiting], free: list[FreeAgent]
) -> None:
    served = {one.call_id: one.agent_id for one in match(calls, free)}
    serves = {agent.agent_id: agent.queues for agent in free}
    for left_behind in (call for call in calls if call.call_id not in served):
        for overtaker in (call for call in calls if call.call_id in served):
            later = (-overtaker.priority, overtaker.entered_at) > (-left_behind.priority, left_behind.entered_at)
            assert not (later and left_behind.queue_id in serves[served[overtaker.call_id]])


@given(waiting, agents)
def test_each_call_goes_to_the_longest_idle_of_those_still_free_for_it(
    calls: list[Waiting], free: list[FreeAgent]
) -> None:
    queue = {call.call_id: call.queue_id for call in calls}
    left = {agent.agent_id: agent for agent in free}
    for one in match(calls, free):
        able = [agent for agent in left.values() if queue[one.call_id] in agent.queues]
        assert left.pop(one.agent_id).idle_since == min(agent.idle_since for agent in able)


@given(waiting, agents)
def test_nobody_waits_while_somebody_free_could_answer_him(calls: list[Waiting], free: list[FreeAgent]) -> None:
    made = match(calls, free)
    busy, served = {one.agent_id for one in made}, {one.call_id for one in made}
    for call in calls:
        if call.call_id not in served:
            assert not any(call.queue_id in agent.queues for agent in free if agent.agent_id not in busy)


@given(waiting, agents, st.randoms(use_true_random=False))
def test_the_order_in_which_rows_are_read_decides_nothing(
    calls: list[Waiting], free: list[FreeAgent], chance: object
) -> None:
    shuffled, mixed = list(calls), list(free)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert match(calls, free) == match(shuffled, mixed)
