"""A seat's life, under every event: until somebody is let in it concerns its operator alone."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from telephony.calls.events import (
    AgentAnswered,
    AgentClaimed,
    CallbackGivenUp,
    CallerJoined,
    CallerLeft,
    CallerQueued,
    CallState,
    CitizenMissed,
    Event,
    HangUpAsked,
    HoldAsked,
    LegEnd,
    LegEnded,
    MachineAnswered,
    Move,
    RingRefused,
    SeatLeft,
    SeatTaken,
)
from telephony.calls.lifecycle import advance
from telephony.calls.models import Phase
from telephony.commands.models import CommandKind

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LEG, OTHER, ANNA = UUID(int=1), UUID(int=2), 7
TO_CITIZENS = {CommandKind.CALL_BACK, CommandKind.CONNECT_CALLER, CommandKind.REQUEUE_CALLER, CommandKind.END_CALLER}
RELEASES = {Move.FREE, Move.MISSED, Move.WRAP_UP, Move.PASSED}


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def opened() -> CallState:
    """She is being rung into her seat."""
    state = CallState(Phase.IVR, seated=True)
    for event in (CallerQueued(NOON, away=True), AgentClaimed(NOON, LEG, ANNA)):
        state = advance(state, event).state
    return state


def test_she_answers_and_nobody_is_called_for_her_by_it() -> None:
    step = advance(opened(), AgentAnswered(at(2), LEG))
    assert (step.state.phase, step.state.seated, step.orders) == (Phase.JOINING, True, ())
    taken = advance(step.state, SeatTaken(at(30), LEG)).state
    assert (taken.phase, taken.seated, taken.away) == (Phase.JOINING, False, True)
    talks = advance(taken, CallerJoined(at(31), LEG))
    assert talks.state.phase is Phase.TALKING
    assert [one.move for one in talks.moves] == [Move.TALK]


def test_a_seat_is_taken_once_and_by_whom_it_waits_for() -> None:
    waits = advance(opened(), AgentAnswered(at(2), LEG)).state
    assert advance(waits, SeatTaken(at(3), OTHER)).state == waits
    assert advance(opened(), SeatTaken(at(3), LEG)).state == opened(), "she has not answered yet"
    taken = advance(waits, SeatTaken(at(3), LEG)).state
    assert advance(taken, SeatTaken(at(4), LEG)).state == taken
    assert advance(taken, SeatLeft(at(4))).state == taken, "somebody is on his way: it is no empty seat any more"


def events() -> st.SearchStrategy[Event]:
    leg, when = st.sampled_from([LEG, OTHER]), st.floats(0, 60).map(at)
    return st.one_of(
        st.builds(AgentAnswered, when, leg), st.builds(CallerJoined, when, leg), st.builds(SeatTaken, when, leg),
        st.builds(SeatLeft, when), st.builds(LegEnded, when, leg, st.sampled_from(LegEnd)),
        st.builds(RingRefused, when, leg), st.builds(CallerLeft, when), st.builds(CitizenMissed, when, leg),
        st.builds(CallbackGivenUp, when), st.builds(HangUpAsked, when, st.just(ANNA)),
        st.builds(HoldAsked, when, st.just(ANNA)), st.builds(MachineAnswered, when, st.just(ANNA)),
    )  # fmt: skip


@given(st.lists(events(), max_size=12))
def test_whatever_comes_she_is_let_go_once_and_an_empty_seat_calls_nobody(told: list[Event]) -> None:
    state, hers = opened(), True
    for event in told:
        before, step = state, advance(state, event)
        state = step.state
        if before.seated:
            assert not {one.kind for one in step.orders} & TO_CITIZENS
            assert state.phase in {Phase.RINGING, Phase.JOINING, Phase.ENDED}
        for one in step.moves:
            if one.move in RELEASES:
                assert hers, "she is let go once"
                hers = False
        assert not (before.phase is Phase.ENDED and state.phase is not Phase.ENDED), "what is over is over"
    if state.seated:
        assert state.phase in {Phase.RINGING, Phase.JOINING}
        assert hers
