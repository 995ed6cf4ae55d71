"""The life cycle while nobody is on the line: every event in every phase of a callback."""

import pytest

from crm.levels.metering import Counts, EndedBy, FactKind, Measured, contribution
from crm.levels.terms import USUAL
from telephony.calls.events import (
    CallbackAsked,
    CallbackGivenUp,
    CallerQueued,
    CallState,
    CitizenMissed,
    Event,
    LegEnd,
    LegEnded,
    Move,
    Order,
)
from telephony.calls.lifecycle import advance
from telephony.calls.models import Phase
from telephony.commands.models import CommandKind
from tests.telephony.calls.test_lifecycle import (
    ANNA,
    ANSWERED,
    CLAIMED,
    END_LEG,
    END_OTHER,
    EVENTS,
    JOINED,
    LEFT,
    LEG,
    NO_ANSWER,
    NOW,
    OTHER_ANSWERED,
    OTHER_LEG,
    REFUSED,
    RING_OTHER,
    TIMED_OUT,
    at,
)  # fmt: skip

Expected = tuple[Phase, bool, tuple[Order, ...], tuple[Move, ...], tuple[FactKind, ...]]

AWAY = {
    Phase.WAITING: CallState(Phase.WAITING, waited_ms=20_000, away=True),
    Phase.RINGING: CallState(Phase.RINGING, LEG, ANNA, waited_ms=20_000, away=True),
    Phase.JOINING: CallState(Phase.JOINING, LEG, ANNA, waited_ms=20_000, away=True),
    Phase.ENDED: CallState(Phase.ENDED, waited_ms=20_000, away=True),
}
ASKED, GIVEN_UP = CallbackAsked(NOW), CallbackGivenUp(NOW)
MISSED, OTHER_MISSED = CitizenMissed(NOW, LEG), CitizenMissed(NOW, OTHER_LEG)
STOP = Order(CommandKind.END_CALLER, LEG)

# Whatever is not here changes nothing and orders nothing; above all the end of the line that he gave up.
CHANGES: dict[tuple[Phase, Event], Expected] = {
    (Phase.WAITING, CLAIMED): (Phase.RINGING, True, (RING_OTHER,), (Move.RING,), ()),
    (Phase.WAITING, GIVEN_UP): (Phase.ENDED, True, (), (), (FactKind.LEFT,)),
    (Phase.RINGING, ANSWERED): (Phase.JOINING, True, (Order(CommandKind.CALL_BACK, LEG),), (), ()),
    (Phase.RINGING, NO_ANSWER): (Phase.WAITING, True, (), (Move.MISSED,), ()),
    (Phase.RINGING, TIMED_OUT): (Phase.WAITING, True, (END_LEG,), (Move.MISSED,), ()),
    (Phase.RINGING, REFUSED): (Phase.WAITING, True, (), (Move.FREE,), ()),
    (Phase.JOINING, JOINED): (Phase.TALKING, False, (), (Move.TALK,), (FactKind.SERVED,)),
    (Phase.JOINING, NO_ANSWER): (Phase.WAITING, True, (STOP,), (Move.FREE,), ()),
    (Phase.JOINING, TIMED_OUT): (Phase.WAITING, True, (STOP,), (Move.FREE,), ()),
    (Phase.JOINING, MISSED): (Phase.WAITING, True, (END_LEG,), (Move.FREE,), ()),
    **{(phase, OTHER_ANSWERED): (phase, True, (END_OTHER,), (), ()) for phase in Phase},
    **{(phase, ANSWERED): (phase, True, (END_LEG,), (), ()) for phase in (Phase.WAITING, Phase.ENDED)},
}


@pytest.mark.parametrize("event", [*EVENTS, ASKED, GIVEN_UP, MISSED, OTHER_MISSED], ids=repr)
@pytest.mark.parametrize("phase", AWAY)
def test_what_follows_from_each_event_while_nobody_is_on_the_line(phase: Phase, event: Event) -> None:
    step = advance(AWAY[phase], event)
    moves, facts = tuple(move.move for move in step.moves), tuple(fact.kind for fact in step.facts)
    expected = CHANGES.get((phase, event), (phase, True, (), (), ()))
    assert (step.state.phase, step.state.away, step.orders, moves, facts) == expected
    if (phase, event) not in CHANGES:
        assert step.state == AWAY[phase]
    assert step.state.waited_ms == 20_000  # whoever is away does not wait on the line


@pytest.mark.parametrize("phase", Phase)
def test_only_who_waits_can_ask_for_it_and_only_who_is_away_is_missed(phase: Phase) -> None:
    here = CallState(phase, LEG, ANNA, at(10)) if phase is not Phase.WAITING else CallState(phase, waiting_since=at(10))
    for event in (MISSED, GIVEN_UP):
        assert advance(here, event).state == here
    step = advance(here, ASKED)
    if phase is not Phase.WAITING:
        assert step.state == here
        return
    assert (step.state.away, step.state.waiting_since, step.state.waited_ms) == (True, None, 20_000)
    assert [(fact.kind, fact.waited_ms) for fact in step.facts] == [(FactKind.CALLBACK, 20_000)]


def test_who_comes_in_to_be_called_back_never_waits() -> None:
    step = advance(CallState(Phase.IVR), CallerQueued(NOW, away=True))
    assert (step.state.phase, step.state.away, step.state.waiting_since) == (Phase.WAITING, True, None)
    assert [fact.kind for fact in step.facts] == [FactKind.ENTERED, FactKind.CALLBACK]


def test_giving_up_is_the_systems_doing() -> None:
    (fact,) = advance(AWAY[Phase.WAITING], GIVEN_UP).facts
    assert fact.ended_by is EndedBy.SYSTEM


def test_once_joined_he_is_a_caller_like_any_other() -> None:
    talking = advance(AWAY[Phase.JOINING], JOINED).state
    assert advance(talking, LEFT).state.phase is Phase.ENDED
    dropped = advance(talking, LegEnded(at(60), LEG, LegEnd.COMPLETED))
    assert dropped.orders == (Order(CommandKind.REQUEUE_CALLER),)


@pytest.mark.parametrize(
    ("ended", "served", "turned_away", "counts"),
    [
        (False, False, False, Counts(received=1, entered=1)),
        (False, False, True, Counts(received=1, entered=1)),
        (True, False, False, Counts(received=1, entered=1, lost=1)),
        (True, False, True, Counts(received=1, entered=1, lost=1)),
        (True, True, True, Counts(received=1, entered=1, answered=1, answered_within=1, handled=1)),
    ],
)
def test_a_callback_is_no_abandonment_and_is_lost_once_it_failed(
    ended: bool, served: bool, turned_away: bool, counts: Counts
) -> None:
    """Metric: abandoned. Metric: lost. A callback not fulfilled; a queue callback is not an abandonment."""
    call = Measured(
        received=True, entered=True, served=served, ended=ended, waited_ms=0, turned_away=turned_away, called_back=True
    )  # fmt: skip
    assert contribution(call, USUAL) == counts
