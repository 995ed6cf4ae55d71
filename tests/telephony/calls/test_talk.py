"""What those in conversation ask for, in every state in which a caller may be with an agent."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from crm.levels.metering import FactKind
from telephony.calls.events import (
    AgentAnswered,
    BackAsked,
    CallerLeft,
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
    TogetherAsked,
)
from telephony.calls.lifecycle import advance
from telephony.calls.models import Phase
from telephony.commands.models import CommandKind

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
LEG, PARTY, NEW = (UUID(int=n) for n in (1, 2, 3))
ANNA, LUCA = 7, 8
NOW = START + timedelta(seconds=30)

TALKS = CallState(Phase.TALKING, LEG, ANNA, served=True, talking_since=START)
HOLDS = CallState(Phase.TALKING, LEG, ANNA, served=True, held_since=START)
CASES: dict[str, CallState] = {
    "talks": TALKS,
    "holds": HOLDS,
    "rings a colleague": CallState(Phase.TALKING, LEG, ANNA, served=True, held_since=START, party=Party(PARTY, LUCA)),
    "rings outside": CallState(Phase.TALKING, LEG, ANNA, served=True, held_since=START, party=Party(PARTY)),
    "consults": CallState(
        Phase.TALKING, LEG, ANNA, served=True, held_since=START, party=Party(PARTY, LUCA, joined=True)
    ),
    "consults outside": CallState(
        Phase.TALKING, LEG, ANNA, served=True, held_since=START, party=Party(PARTY, None, joined=True)
    ),
    "all three": CallState(
        Phase.TALKING, LEG, ANNA, served=True, talking_since=START, party=Party(PARTY, LUCA, joined=True)
    ),
    "outside, rings": CallState(Phase.OUTSIDE, PARTY, ANNA, served=True, room_id=LEG, party=Party(PARTY)),
}
EVENTS: dict[str, Event] = {
    "hold": HoldAsked(NOW, ANNA),
    "hold refused": HoldRefused(NOW),
    "back": BackAsked(NOW, ANNA),
    "consult": ConsultAsked(NOW, ANNA, NEW, LUCA),
    "together": TogetherAsked(NOW, ANNA),
    "pass": PassAsked(NOW, ANNA),
    "to queue": PassToQueueAsked(NOW, ANNA),
    "he leaves": PartyLeaveAsked(NOW, LUCA),
    "answers": AgentAnswered(NOW, PARTY),
    "no answer": LegEnded(NOW, PARTY, LegEnd.NO_ANSWER),
    "timed out": LegEnded(NOW, PARTY, LegEnd.TIMED_OUT),
    "refused": RingRefused(NOW, PARTY),
    "drops": LegEnded(NOW, LEG, LegEnd.COMPLETED),
    "hang up": HangUpAsked(NOW, ANNA),
    "caller leaves": CallerLeft(NOW),
}

ARRANGE, REQUEUE, END_CALLER = (
    Order(kind) for kind in (CommandKind.ARRANGE, CommandKind.REQUEUE_CALLER, CommandKind.END_CALLER)
)
END_LEG, END_PARTY = Order(CommandKind.END_LEG, LEG), Order(CommandKind.END_LEG, PARTY)
RING_NEW = Order(CommandKind.RING_AGENT, NEW)
HELD, RESUMED, PASSED, SERVED, RETURNED, LEFT = (
    FactKind.HELD, FactKind.RESUMED, FactKind.PASSED_ON, FactKind.SERVED, FactKind.RETURNED, FactKind.LEFT
)  # fmt: skip
Moves = dict[int, Move]
Expected = tuple[str | Phase, tuple[Order, ...], Moves, tuple[FactKind, ...]]

# The state after: one of the cases above, or a phase. Whatever is not here changes nothing and orders nothing.
A_FREE, A_NOTES, B_FREE = {ANNA: Move.FREE}, {ANNA: Move.WRAP_UP}, {LUCA: Move.FREE}
CHANGES: dict[tuple[str, str], Expected] = {
    ("talks", "hold"): ("holds", (ARRANGE,), {}, (HELD,)),
    ("talks", "consult"): (Phase.TALKING, (ARRANGE, RING_NEW), {LUCA: Move.RING}, (HELD,)),
    ("talks", "to queue"): (Phase.WAITING, (REQUEUE, END_LEG), {ANNA: Move.PASSED}, (PASSED, RETURNED)),
    ("talks", "drops"): (Phase.WAITING, (REQUEUE,), A_FREE, (RETURNED,)),
    ("talks", "hang up"): (Phase.TALKING, (END_CALLER, END_LEG), {}, ()),
    ("talks", "caller leaves"): (Phase.ENDED, (END_LEG,), A_NOTES, (LEFT,)),
    ("holds", "hold refused"): ("talks", (), {}, (RESUMED,)),
    ("holds", "back"): ("talks", (ARRANGE,), {}, (RESUMED,)),
    ("holds", "consult"): (Phase.TALKING, (RING_NEW,), {LUCA: Move.RING}, ()),
    ("holds", "to queue"): (Phase.WAITING, (REQUEUE, END_LEG), {ANNA: Move.PASSED}, (RESUMED, PASSED, RETURNED)),
    ("holds", "drops"): (Phase.WAITING, (REQUEUE,), A_FREE, (RETURNED,)),
    ("holds", "hang up"): (Phase.TALKING, (END_CALLER, END_LEG), {}, ()),
    ("holds", "caller leaves"): (Phase.ENDED, (END_LEG,), A_NOTES, (LEFT,)),
    ("rings a colleague", "back"): ("talks", (ARRANGE, END_PARTY), B_FREE, (RESUMED,)),
    ("rings a colleague", "answers"): ("consults", (), {LUCA: Move.TALK}, ()),
    ("rings a colleague", "no answer"): ("holds", (), {LUCA: Move.MISSED}, ()),
    ("rings a colleague", "timed out"): ("holds", (END_PARTY,), {LUCA: Move.MISSED}, ()),
    ("rings a colleague", "refused"): ("holds", (), B_FREE, ()),
    ("rings a colleague", "he leaves"): ("holds", (END_PARTY,), B_FREE, ()),
    ("rings a colleague", "drops"): (Phase.WAITING, (REQUEUE, END_PARTY), A_FREE | B_FREE, (RETURNED,)),
    ("rings outside", "back"): ("talks", (ARRANGE, END_PARTY), {}, (RESUMED,)),
    ("rings outside", "pass"): ("outside, rings", (ARRANGE, END_LEG), A_NOTES, (RESUMED, PASSED)),
    ("rings outside", "answers"): ("consults outside", (), {}, ()),
    ("rings outside", "no answer"): ("holds", (), {}, ()),
    ("rings outside", "timed out"): ("holds", (END_PARTY,), {}, ()),
    ("rings outside", "refused"): ("holds", (), {}, ()),
    ("consults", "back"): ("talks", (ARRANGE, END_PARTY), B_FREE, (RESUMED,)),
    ("consults", "together"): ("all three", (ARRANGE,), {}, (RESUMED,)),
    ("consults", "pass"): (Phase.TALKING, (ARRANGE, END_LEG), {ANNA: Move.PASSED}, (RESUMED, PASSED, SERVED)),
    ("consults", "he leaves"): ("holds", (END_PARTY,), B_FREE, ()),
    ("consults", "drops"): (Phase.WAITING, (REQUEUE, END_PARTY), A_FREE | B_FREE, (RETURNED,)),
    ("consults outside", "back"): ("talks", (ARRANGE, END_PARTY), {}, (RESUMED,)),
    ("consults outside", "together"): (Phase.TALKING, (ARRANGE,), {}, (RESUMED,)),
    ("consults outside", "pass"): (Phase.OUTSIDE, (ARRANGE, END_LEG), A_NOTES, (RESUMED, PASSED)),
    ("all three", "hold"): ("consults", (ARRANGE,), {}, (HELD,)),
    ("all three", "back"): ("talks", (END_PARTY,), B_FREE, ()),
    ("all three", "pass"): (Phase.TALKING, (END_LEG,), {ANNA: Move.PASSED}, (PASSED, SERVED)),
    ("all three", "he leaves"): ("talks", (END_PARTY,), B_FREE, ()),
    ("all three", "drops"): (Phase.TALKING, (), A_FREE, (PASSED, SERVED)),  # the other two go on
    ("outside, rings", "answers"): (Phase.OUTSIDE, (), {}, ()),
    ("outside, rings", "no answer"): (Phase.WAITING, (REQUEUE,), {ANNA: Move.RELIEVED}, (RETURNED,)),
    ("outside, rings", "timed out"): (Phase.WAITING, (REQUEUE, END_PARTY), {ANNA: Move.RELIEVED}, (RETURNED,)),
    ("outside, rings", "refused"): (Phase.WAITING, (REQUEUE,), {ANNA: Move.RELIEVED}, (RETURNED,)),
    ("outside, rings", "caller leaves"): (Phase.ENDED, (END_PARTY,), {}, (LEFT,)),
}
for case in ("consults", "all three"):
    for event in ("no answer", "timed out"):  # a leg that was answered does not ring: it is simply over
        ended = (END_PARTY,) if event == "timed out" else ()
        CHANGES[case, event] = ("holds" if case == "consults" else "talks", ended, B_FREE, ())
for event in ("no answer", "timed out"):
    CHANGES["consults outside", event] = ("holds", (END_PARTY,) if event == "timed out" else (), {}, ())
for case in ("rings outside", "consults outside"):
    CHANGES[case, "drops"] = (Phase.WAITING, (REQUEUE, END_PARTY), A_FREE, (RETURNED,))
for case in ("rings a colleague", "rings outside", "consults", "consults outside", "all three"):
    with_luca = {} if "outside" in case else B_FREE
    CHANGES[case, "hang up"] = (Phase.TALKING, (END_CALLER, END_LEG, END_PARTY), {}, ())
    CHANGES[case, "caller leaves"] = (Phase.ENDED, (END_LEG, END_PARTY), A_NOTES | with_luca, (LEFT,))
    if case != "all three":
        CHANGES[case, "hold refused"] = (Phase.TALKING, (), {}, (RESUMED,))
for case in ("talks", "holds"):  # a leg that is nobody's any more is ended
    CHANGES[case, "answers"] = (case, (END_PARTY,), {}, ())


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("case", CASES)
def test_what_follows_from_each_event_in_each_case(case: str, event: str) -> None:
    before = CASES[case]
    step = advance(before, EVENTS[event])
    moves = {move.agent_id: move.move for move in step.moves}
    facts = tuple(fact.kind for fact in step.facts)
    after, *expected = CHANGES.get((case, event), (case, (), {}, ()))
    assert [step.orders, moves, facts] == expected
    if isinstance(after, Phase):
        assert step.state.phase is after
        return
    like = CASES[after]
    assert (step.state.phase, step.state.leg_id, step.state.party) == (like.phase, like.leg_id, like.party)
    assert (step.state.held_since is None) == (like.held_since is None)
    if (case, event) not in CHANGES:
        assert step.state == before


def test_who_takes_the_call_over_is_its_agent_in_the_room_where_the_caller_is() -> None:
    taken = advance(CASES["consults"], EVENTS["pass"]).state
    assert (taken.agent_id, taken.leg_id, taken.room, taken.party) == (LUCA, PARTY, LEG, None)
    assert (taken.held_ms, taken.talked_ms, taken.talking_since) == (30_000, 0, NOW)
    assert advance(taken, LegEnded(NOW, LEG, LegEnd.COMPLETED)).state == taken  # Anna's leg ends, as ordered


def test_hold_and_conversation_are_measured_apart() -> None:
    """Metric: AHT. It is talk + hold + wrap-up; a held minute is no minute of conversation."""
    held = advance(TALKS, EVENTS["hold"]).state
    back = advance(held, BackAsked(NOW + timedelta(seconds=60), ANNA)).state
    over = advance(back, CallerLeft(NOW + timedelta(seconds=70))).state
    assert (over.talked_ms, over.held_ms) == (40_000, 60_000)
    assert advance(held, CallerLeft(NOW + timedelta(seconds=5))).state.held_ms == 5_000


def test_a_caller_whom_nobody_answers_outside_waits_again_and_is_not_said_to_be_cut_off() -> None:
    again = advance(CASES["outside, rings"], EVENTS["no answer"]).state
    assert (again.phase, again.passed, again.agent_id, again.waiting_since) == (Phase.WAITING, True, None, NOW)
    assert not advance(TALKS, EVENTS["drops"]).state.passed


@pytest.mark.parametrize("what", ["hold", "back", "consult", "together", "pass", "to queue"])
def test_only_the_agent_of_the_call_can_ask(what: str) -> None:
    asked = EVENTS[what]
    other = type(asked)(asked.at, LUCA, *(getattr(asked, name) for name in type(asked).__slots__[2:]))
    assert advance(CASES["consults"], other).state == CASES["consults"]
