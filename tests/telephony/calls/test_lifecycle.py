"""The life cycle under every event in every phase, and under any sequence a carrier may deliver."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.levels.metering import Callers, FactKind, Told, replay
from telephony.calls.events import (
    AgentAnswered,
    AgentClaimed,
    BackAsked,
    CallerJoined,
    CallerLeft,
    CallerQueued,
    CallState,
    ConsultAsked,
    Event,
    HangUpAsked,
    HoldAsked,
    HoldRefused,
    LegEnd,
    LegEnded,
    Move,
    Order,
    Party,
    PartyLeaveAsked,
    PassAsked,
    PassToQueueAsked,
    RingRefused,
    Step,
    TogetherAsked,
    waited_until,
)
from telephony.calls.lifecycle import UNSERVED, WITH_LEG, advance
from telephony.calls.models import Phase
from telephony.commands.models import CommandKind

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
LEGS = tuple(UUID(int=n) for n in range(1, 13))
LEG, OTHER_LEG = LEGS[0], LEGS[1]
ANNA, LUCA = 7, 8
AGENT_OF = {leg: (ANNA, LUCA)[n % 2] for n, leg in enumerate(LEGS)}
RELEASES = frozenset({Move.FREE, Move.MISSED, Move.WRAP_UP, Move.PASSED})
COLLEAGUE = 30


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


# -- every event in every phase ---------------------------------------------------------------------------------

NOW = at(30)  # each state below has waited since 10: twenty seconds, or has waited them already
HERE = {
    Phase.IVR: CallState(Phase.IVR),
    Phase.WAITING: CallState(Phase.WAITING, waiting_since=at(10)),
    Phase.RINGING: CallState(Phase.RINGING, LEG, ANNA, at(10)),
    Phase.JOINING: CallState(Phase.JOINING, LEG, ANNA, at(10)),
    Phase.TALKING: CallState(Phase.TALKING, LEG, ANNA, waited_ms=20_000, served=True),
    Phase.OUTSIDE: CallState(
        Phase.OUTSIDE, LEG, ANNA, waited_ms=20_000, served=True, room_id=LEGS[5], party=Party(LEG, None, joined=True)
    ),
    Phase.ENDED: CallState(Phase.ENDED, LEG, ANNA, waited_ms=20_000, served=True),
}
QUEUED = CallerQueued(NOW)
CLAIMED = AgentClaimed(NOW, OTHER_LEG, LUCA)
ANSWERED, OTHER_ANSWERED = AgentAnswered(NOW, LEG), AgentAnswered(NOW, OTHER_LEG)
JOINED, OTHER_JOINED = CallerJoined(NOW, LEG), CallerJoined(NOW, OTHER_LEG)
NO_ANSWER, TIMED_OUT = LegEnded(NOW, LEG, LegEnd.NO_ANSWER), LegEnded(NOW, LEG, LegEnd.TIMED_OUT)
OTHER_ENDED = LegEnded(NOW, OTHER_LEG, LegEnd.COMPLETED)
REFUSED, OTHER_REFUSED = RingRefused(NOW, LEG), RingRefused(NOW, OTHER_LEG)
HANG_UP, OTHER_HANG_UP = HangUpAsked(NOW, ANNA), HangUpAsked(NOW, LUCA)
LEFT = CallerLeft(NOW)
HOLD, BACK, CONSULT = HoldAsked(NOW, ANNA), BackAsked(NOW, ANNA), ConsultAsked(NOW, ANNA, OTHER_LEG, COLLEAGUE)
TOGETHER, PASS, TO_QUEUE = TogetherAsked(NOW, ANNA), PassAsked(NOW, ANNA), PassToQueueAsked(NOW, ANNA)
REFUSED_HOLD, LEAVES_ROOM = HoldRefused(NOW), PartyLeaveAsked(NOW, COLLEAGUE)
ASKED = (HOLD, BACK, CONSULT, TOGETHER, PASS, TO_QUEUE, REFUSED_HOLD, LEAVES_ROOM)
EVENTS = (
    QUEUED, CLAIMED, ANSWERED, OTHER_ANSWERED, JOINED, OTHER_JOINED, NO_ANSWER, TIMED_OUT, OTHER_ENDED, REFUSED,
    OTHER_REFUSED, HANG_UP, OTHER_HANG_UP, LEFT, *ASKED, HoldAsked(NOW, LUCA), PassToQueueAsked(NOW, LUCA),
)  # fmt: skip

END_LEG, END_OTHER = Order(CommandKind.END_LEG, LEG), Order(CommandKind.END_LEG, OTHER_LEG)
REQUEUE = Order(CommandKind.REQUEUE_CALLER)
RING_OTHER = Order(CommandKind.RING_AGENT, OTHER_LEG)
CONNECT = Order(CommandKind.CONNECT_CALLER, LEG)
ARRANGE = Order(CommandKind.ARRANGE)
Expected = tuple[Phase, tuple[Order, ...], tuple[Move, ...], tuple[FactKind, ...]]

# Whatever is not here changes nothing and orders nothing.
CHANGES: dict[tuple[Phase, Event], Expected] = {
    (Phase.IVR, QUEUED): (Phase.WAITING, (), (), (FactKind.ENTERED,)),
    (Phase.IVR, LEFT): (Phase.ENDED, (), (), (FactKind.LEFT,)),
    (Phase.WAITING, CLAIMED): (Phase.RINGING, (RING_OTHER,), (Move.RING,), ()),
    (Phase.WAITING, LEFT): (Phase.ENDED, (), (), (FactKind.LEFT,)),
    (Phase.RINGING, ANSWERED): (Phase.JOINING, (CONNECT,), (), ()),
    (Phase.RINGING, NO_ANSWER): (Phase.WAITING, (), (Move.MISSED,), ()),
    (Phase.RINGING, TIMED_OUT): (Phase.WAITING, (END_LEG,), (Move.MISSED,), ()),
    (Phase.RINGING, REFUSED): (Phase.WAITING, (), (Move.FREE,), ()),
    (Phase.RINGING, LEFT): (Phase.ENDED, (END_LEG,), (Move.FREE,), (FactKind.LEFT,)),
    (Phase.JOINING, JOINED): (Phase.TALKING, (), (Move.TALK,), (FactKind.SERVED,)),
    (Phase.JOINING, NO_ANSWER): (Phase.WAITING, (REQUEUE,), (Move.FREE,), ()),
    (Phase.JOINING, TIMED_OUT): (Phase.WAITING, (REQUEUE,), (Move.FREE,), ()),
    (Phase.JOINING, LEFT): (Phase.ENDED, (END_LEG,), (Move.FREE,), (FactKind.LEFT,)),
    (Phase.TALKING, NO_ANSWER): (Phase.WAITING, (REQUEUE,), (Move.FREE,), (FactKind.RETURNED,)),
    (Phase.TALKING, TIMED_OUT): (Phase.WAITING, (REQUEUE,), (Move.FREE,), (FactKind.RETURNED,)),
    (Phase.TALKING, HANG_UP): (Phase.TALKING, (Order(CommandKind.END_CALLER), END_LEG), (), ()),
    (Phase.TALKING, LEFT): (Phase.ENDED, (END_LEG,), (Move.WRAP_UP,), (FactKind.LEFT,)),
    (Phase.TALKING, HOLD): (Phase.TALKING, (ARRANGE,), (), (FactKind.HELD,)),
    (Phase.TALKING, CONSULT): (Phase.TALKING, (ARRANGE, RING_OTHER), (Move.RING,), (FactKind.HELD,)),
    (Phase.TALKING, TO_QUEUE): (
        Phase.WAITING,
        (REQUEUE, END_LEG),
        (Move.PASSED,),
        (FactKind.PASSED_ON, FactKind.RETURNED),
    ),
    (Phase.OUTSIDE, NO_ANSWER): (Phase.OUTSIDE, (Order(CommandKind.END_CALLER),), (), ()),
    (Phase.OUTSIDE, TIMED_OUT): (Phase.OUTSIDE, (Order(CommandKind.END_CALLER),), (), ()),
    (Phase.OUTSIDE, LEFT): (Phase.ENDED, (END_LEG,), (), (FactKind.LEFT,)),
    # A leg that answers when it is nobody's any more is ended.
    **{(phase, OTHER_ANSWERED): (phase, (END_OTHER,), (), ()) for phase in Phase},
    **{(phase, ANSWERED): (phase, (END_LEG,), (), ()) for phase in (Phase.IVR, Phase.WAITING)},
}


@pytest.mark.parametrize("event", EVENTS, ids=repr)
@pytest.mark.parametrize("phase", Phase)
def test_what_follows_from_each_event_in_each_phase(phase: Phase, event: Event) -> None:
    step = advance(HERE[phase], event)
    nothing: Expected = (phase, (), (), ())
    moves, facts = tuple(move.move for move in step.moves), tuple(fact.kind for fact in step.facts)
    assert (step.state.phase, step.orders, moves, facts) == CHANGES.get((phase, event), nothing)
    if (phase, event) not in CHANGES:
        assert step.state == HERE[phase]


def test_the_wait_runs_from_the_queue_until_both_are_joined() -> None:
    """Metric: wait."""
    step = advance(HERE[Phase.JOINING], JOINED)
    assert (step.state.waited_ms, step.state.waiting_since, step.state.served) == (20_000, None, True)
    assert [(fact.at, fact.waited_ms) for fact in step.facts] == [(NOW, 20_000)]


@pytest.mark.parametrize("phase", [Phase.WAITING, Phase.RINGING, Phase.JOINING])
def test_whoever_gives_up_has_waited_until_then(phase: Phase) -> None:
    assert advance(HERE[phase], LEFT).facts[0].waited_ms == 20_000


def test_missing_a_ring_does_not_interrupt_the_wait() -> None:
    assert advance(HERE[Phase.RINGING], NO_ANSWER).state == HERE[Phase.WAITING]


def test_a_caller_who_was_cut_off_waits_again_on_top_of_what_he_waited() -> None:
    """Metric: wait."""
    again = advance(HERE[Phase.TALKING], LegEnded(at(100), LEG, LegEnd.COMPLETED)).state
    assert (again.phase, again.waiting_since, again.waited_ms, again.served) == (Phase.WAITING, at(100), 20_000, True)
    assert waited_until(again, at(105)) == 25_000
    assert advance(again, CallerLeft(at(107))).facts[0].waited_ms == 27_000


def test_after_the_agent_hangs_up_his_leg_s_end_does_not_bring_the_caller_back_to_the_queue() -> None:
    closing = advance(HERE[Phase.TALKING], HANG_UP).state
    assert closing.closing
    assert advance(closing, LegEnded(NOW, LEG, LegEnd.COMPLETED)) == Step(replace(closing, parted_at=NOW))
    assert [move.move for move in advance(closing, LEFT).moves] == [Move.WRAP_UP]


def test_a_conversation_that_is_over_is_not_reopened_by_the_end_of_its_leg() -> None:
    """The usual order: the caller hangs up, his call completes, and then the leg we ended says so."""
    over = advance(HERE[Phase.TALKING], LEFT).state
    assert advance(over, LegEnded(NOW, LEG, LegEnd.COMPLETED)) == Step(over)


def test_a_call_that_is_over_remembers_who_spoke_and_forgets_who_only_rang() -> None:
    assert advance(HERE[Phase.TALKING], LEFT).state.agent_id == ANNA
    for phase in (Phase.RINGING, Phase.JOINING):
        over = advance(HERE[phase], LEFT).state
        assert (over.leg_id, over.agent_id) == (None, None)
        assert advance(over, RingRefused(NOW, LEG)) == Step(over)
        assert advance(over, ANSWERED).orders == (END_LEG,)


def test_clocks_that_disagree_never_make_a_negative_wait() -> None:
    assert waited_until(HERE[Phase.WAITING], at(5)) == 0
    assert advance(HERE[Phase.JOINING], CallerJoined(at(5), LEG)).facts[0].waited_ms == 0


@pytest.mark.parametrize("joined_s", [12, 30, 31])
def test_whoever_spoke_was_served_though_his_end_was_told_first(joined_s: int) -> None:
    over = advance(HERE[Phase.JOINING], LEFT)
    late = advance(over.state, CallerJoined(at(joined_s), LEG))
    in_order = advance(HERE[Phase.JOINING], CallerJoined(at(min(joined_s, 30)), LEG)).state
    assert late.state == advance(in_order, LEFT).state
    assert late.orders == late.moves == ()
    assert [(fact.kind, fact.agent_id) for fact in late.facts] == [(FactKind.SERVED, ANNA)]
    assert advance(late.state, CallerJoined(at(joined_s), LEG)) == Step(late.state)
    assert advance(over.state, OTHER_JOINED) == Step(over.state)


@pytest.mark.parametrize("told_first", ["the agent's end", "the caller's end"])
def test_a_conversation_ends_when_the_agent_hangs_up_however_long_the_caller_s_line_goes_on(told_first: str) -> None:
    talking = replace(HERE[Phase.TALKING], talking_since=at(10), closing=True)
    ends: list[Event] = [LegEnded(at(20), LEG, LegEnd.COMPLETED), CallerLeft(at(27))]
    for event in [*(ends if told_first == "the agent's end" else reversed(ends)), *ends]:
        talking = advance(talking, event).state
    assert (talking.phase, talking.talked_ms, talking.ended_at) == (Phase.ENDED, 10_000, at(27))


# -- any sequence -----------------------------------------------------------------------------------------------

ALLOWED = {
    (Phase.IVR, Phase.WAITING), (Phase.WAITING, Phase.RINGING), (Phase.RINGING, Phase.JOINING),
    (Phase.RINGING, Phase.WAITING), (Phase.JOINING, Phase.TALKING), (Phase.JOINING, Phase.WAITING),
    (Phase.TALKING, Phase.WAITING), (Phase.TALKING, Phase.OUTSIDE), (Phase.OUTSIDE, Phase.WAITING),
    *((phase, Phase.ENDED) for phase in Phase), *((phase, phase) for phase in Phase),
}  # fmt: skip

legs = st.sampled_from(LEGS[:4])
agents = st.sampled_from([ANNA, LUCA, COLLEAGUE])
anything = st.one_of(
    st.builds(CallerQueued, st.just(START)),
    st.builds(AgentAnswered, st.just(START), legs),
    st.builds(CallerJoined, st.just(START), legs),
    st.builds(LegEnded, st.just(START), legs, st.sampled_from(LegEnd)),
    st.builds(RingRefused, st.just(START), legs),
    st.builds(HangUpAsked, st.just(START), agents),
    st.builds(HoldRefused, st.just(START)),
    st.builds(PartyLeaveAsked, st.just(START), agents),
)
FITTING, LEAVES = "what fits", "the caller leaves"
ASKS = ("hold", "back", "consult", "consult outside", "together", "pass", "to queue", "answers", "ends")
beats = st.lists(
    st.tuples(
        st.one_of(
            st.just(FITTING), st.just(FITTING), anything, st.sampled_from(ASKS), st.sampled_from(ASKS),
            st.integers(0, 40),  # the event of that number again
            st.sampled_from([FITTING] * 7 + [LEAVES]),
        ),
        st.floats(-30, 60),  # seconds since the event before; told in the wrong order if negative
    ),
    max_size=40,
)  # fmt: skip


def fitting(state: CallState, instant: datetime, claims: int) -> Event:
    """The event that leads a call on; each claim has a leg of its own."""
    leg_id = state.leg_id or LEGS[claims % len(LEGS)]
    match state.phase:
        case Phase.IVR:
            return CallerQueued(instant)
        case Phase.WAITING:
            return AgentClaimed(instant, leg_id, AGENT_OF[leg_id])
        case Phase.RINGING:
            return AgentAnswered(instant, leg_id)
        case Phase.JOINING:
            return CallerJoined(instant, leg_id)
        case Phase.TALKING | Phase.OUTSIDE:
            return LegEnded(instant, leg_id, LegEnd.COMPLETED)
        case Phase.ENDED:
            return LegEnded(instant, leg_id, LegEnd.COMPLETED)


def asked(what: str, state: CallState, instant: datetime, asks: int) -> Event:
    """What the agent in conversation asks for, or the third one does; each consultation has a leg of its own."""
    agent = state.agent_id or ANNA
    party = state.party.leg_id if state.party else LEGS[11]
    match what:
        case "hold":
            return HoldAsked(instant, agent)
        case "back":
            return BackAsked(instant, agent)
        case "consult":
            return ConsultAsked(instant, agent, UUID(int=100 + asks), COLLEAGUE + asks)
        case "consult outside":
            return ConsultAsked(instant, agent, UUID(int=100 + asks))
        case "together":
            return TogetherAsked(instant, agent)
        case "pass":
            return PassAsked(instant, agent)
        case "to queue":
            return PassToQueueAsked(instant, agent)
        case "answers":
            return AgentAnswered(instant, party)
        case _:
            return LegEnded(instant, party, LegEnd.NO_ANSWER)


Story = list[tuple[CallState, Event, Step]]  # what was, what happened, what came of it


def play(script: list[tuple[object, float]]) -> Story:
    """The steps of a story: the caller leaves, and then his last leg ends, as in life."""
    state, instant = CallState(Phase.IVR), START
    told: list[Event] = []
    steps: list[tuple[CallState, Event, Step]] = []
    for beat, seconds in [*script, (LEAVES, 1.0), (FITTING, 1.0)]:
        instant += timedelta(seconds=seconds)
        claims = sum(isinstance(event, AgentClaimed) for event in told)
        event: Event
        match beat:
            case "what fits":
                event = fitting(state, instant, claims)
            case "the caller leaves":
                event = CallerLeft(instant)
            case str():
                event = asked(beat, state, instant, len(told))
            case int():
                if not told or isinstance(told[beat % len(told)], ConsultAsked):
                    continue
                event = told[beat % len(told)]
            case _:
                event = type(beat)(instant, *(getattr(beat, name) for name in type(beat).__slots__[1:]))
        told.append(event)
        step = advance(state, event)
        steps.append((state, event, step))
        state = step.state
    return steps


def the_phase_only_ever_moves_as_allowed(steps: Story) -> None:
    for before, _, step in steps:
        assert (before.phase, step.state.phase) in ALLOWED


def there_is_an_agent_exactly_while_one_rings_joins_or_talks(steps: Story) -> None:
    for before, _, step in steps:
        after = step.state
        spoke = after.phase is Phase.ENDED and after.leg_id is not None
        assert (after.leg_id is None) == (after.agent_id is None)
        assert (after.leg_id is not None) == (after.phase in WITH_LEG or spoke)
        if spoke and before.phase is not Phase.ENDED:
            assert before.phase in {Phase.TALKING, Phase.OUTSIDE}
        assert after.party is None or after.phase in {Phase.TALKING, Phase.OUTSIDE} or not (spoke or after.party.joined)
        assert after.held_since is None or (after.phase is Phase.TALKING and after.talking_since is None)
        assert after.party is None or after.party.agent_id is None or after.phase in {Phase.TALKING, Phase.ENDED}


def the_wait_only_grows(steps: Story) -> None:
    for before, event, step in steps:
        assert 0 <= step.state.waited_ms <= waited_until(step.state, event.at)
        assert before.waited_ms <= step.state.waited_ms or (before.phase is Phase.ENDED and before.agent_id is None)
        assert (step.state.waiting_since is not None) == (step.state.phase in UNSERVED)
        assert before.served <= step.state.served


@given(beats, st.floats(0, 60), st.floats(0, 60))
@settings(max_examples=200)
def test_in_whatever_order_the_last_moments_are_told_they_come_to_the_same(
    script: list[tuple[object, float]], joins_s: float, leaves_s: float
) -> None:
    """The callbacks about a call and about its conference are in no order among each other."""
    for before, event, _ in play(script):
        if before.phase is not Phase.JOINING or before.leg_id is None or before.waiting_since is None:
            continue
        joins = max(event.at, before.waiting_since) + timedelta(seconds=joins_s)
        last = [CallerJoined(joins, before.leg_id), CallerLeft(joins + timedelta(seconds=leaves_s))]
        ends = [advance(advance(before, one).state, other).state for one, other in (last, reversed(last))]
        told, late = (replace(one, waited_ms=0, talked_ms=0) for one in ends)
        assert told == late
        for name in ("waited_ms", "talked_ms"):  # rounded apart
            assert abs(getattr(ends[0], name) - getattr(ends[1], name)) <= 1


def what_is_over_stays_over(steps: Story) -> None:
    for before, event, step in steps:
        if before.phase is Phase.ENDED:
            told = {FactKind.SERVED: CallerJoined, FactKind.PARTED: LegEnded}  # how its last moments were
            assert all(isinstance(event, told[fact.kind]) for fact in step.facts)
            assert (step.state.phase, step.state.ended_at, step.moves) == (Phase.ENDED, before.ended_at, ())
            assert all(order.kind is CommandKind.END_LEG for order in step.orders)
            assert not step.orders or isinstance(event, AgentAnswered)


def the_meter_hears_each_fact_as_often_as_it_happened(steps: Story) -> None:
    facts = [fact for _, _, step in steps for fact in step.facts]
    told = Counter(fact.kind for fact in facts)
    assert told[FactKind.ENTERED] <= 1
    assert told[FactKind.LEFT] == 1
    late = [fact.kind for fact in facts[[fact.kind for fact in facts].index(FactKind.LEFT) + 1 :]]
    assert late in ([], [FactKind.SERVED], [FactKind.PARTED])
    in_time = facts[: len(facts) - len(late)]
    assert all(earlier.waited_ms <= later.waited_ms for earlier, later in pairwise(in_time))
    assert not any(fact.kind in {FactKind.RECEIVED, FactKind.ATTRIBUTED} for fact in facts)


@given(beats)
@settings(max_examples=400)
def test_its_facts_alone_tell_how_long_was_waited_talked_and_held(script: list[tuple[object, float]]) -> None:
    """Metric: AHT. Talk, hold and wrap-up are apart, so that none is counted twice."""
    steps = play(script)
    received = Told(FactKind.RECEIVED, START, 1, None, None, Callers.MOBILE, 0)
    facts = [
        Told(fact.kind, fact.at, 1, None, None, Callers.MOBILE, fact.waited_ms)
        for _, _, step in steps
        for fact in step.facts
    ]
    found = replay([received, *facts])
    assert found is not None
    state, call = steps[-1][2].state, found[1]
    assert (call.talk_ms, call.hold_ms, call.served) == (state.talked_ms, state.held_ms, state.served)
    assert call.waited_ms == state.waited_ms


def every_agent_who_was_rung_is_let_go_exactly_once(steps: Story) -> None:
    busy: set[int] = set()
    for before, _, step in steps:
        for move in step.moves:
            if move.move is Move.RING:
                assert not busy or (before.phase is Phase.TALKING and busy == {before.agent_id})
                busy.add(move.agent_id)
            elif move.move is Move.RELIEVED:
                assert move.agent_id not in busy
            elif move.move in RELEASES:
                busy.remove(move.agent_id)
            else:
                assert move.agent_id in busy
    assert not busy


def no_leg_is_left_ringing(steps: Story) -> None:
    """Each leg that was rung ended by itself, was refused, or its end was ordered."""
    over: set[UUID] = set()
    rung: set[UUID] = set()
    for _, event, step in steps:
        if isinstance(event, LegEnded | RingRefused):
            over.add(event.leg_id)
        for order in step.orders:
            if order.kind is CommandKind.RING_AGENT and order.leg_id:
                rung.add(order.leg_id)
                over.discard(order.leg_id)
            elif order.kind is CommandKind.END_LEG and order.leg_id:
                over.add(order.leg_id)
    assert rung <= over


RULES = (
    the_phase_only_ever_moves_as_allowed,
    there_is_an_agent_exactly_while_one_rings_joins_or_talks,
    the_wait_only_grows,
    what_is_over_stays_over,
    the_meter_hears_each_fact_as_often_as_it_happened,
    every_agent_who_was_rung_is_let_go_exactly_once,
    no_leg_is_left_ringing,
)


@given(beats)
@settings(max_examples=600)
def test_whatever_the_carrier_delivers_each_rule_holds(script: list[tuple[object, float]]) -> None:
    """Stories are told once for all the rules above: telling them takes longer than looking at them."""
    steps = play(script)
    for rule in RULES:
        rule(steps)


@given(beats, st.integers(0, 40))
@settings(max_examples=200)
def test_an_event_told_twice_in_a_row_counts_once(script: list[tuple[object, float]], place: int) -> None:
    """Rule: told twice, done once."""
    steps = play(script)
    _, event, step = steps[place % len(steps)]
    again = advance(step.state, event)
    if not isinstance(event, HangUpAsked) and step.state.phase is not Phase.OUTSIDE:  # ending may be repeated
        assert all(order.kind is CommandKind.END_LEG for order in again.orders)
    if not isinstance(event, AgentClaimed):
        assert again.state == step.state
    assert again.facts == again.moves == ()
