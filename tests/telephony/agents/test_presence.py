"""An agent's presence: what he does, and what he means to do."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.errors import ConflictError
from telephony.agents import presence
from telephony.agents.models import AgentState, PauseReason
from telephony.agents.presence import RESTING, Presence

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
CALL, LEG = UUID(int=1), UUID(int=2)
READY = Presence(AgentState.READY, START, START, AgentState.READY)
BUSY = (AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP)


def at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


def ringing() -> Presence:
    return presence.ring(READY, CALL, LEG, at(10))


def talking() -> Presence:
    return presence.talk(ringing(), at(20))


def wrapping_up() -> Presence:
    return presence.wrap_up(talking(), at(30))


@pytest.mark.parametrize("now", [READY, replace(READY, state=AgentState.PAUSED, intended=AgentState.PAUSED)])
def test_whoever_goes_to_practise_is_out_of_service_until_he_ends_it(now: Presence) -> None:
    practises = presence.practise(now, at(5))
    assert (practises.state, practises.practising_since) == (AgentState.OFFLINE, at(5))
    assert presence.practise(practises, at(9)) == practises
    back = presence.wish(presence.end_practice(practises), AgentState.READY, None, at(60))
    assert (back.state, back.practising_since) == (AgentState.READY, None)


@pytest.mark.parametrize("busy", [ringing, talking, wrapping_up])
def test_nobody_practises_or_is_trained_in_a_call(busy: Callable[[], Presence]) -> None:
    with pytest.raises(ConflictError):
        presence.practise(busy(), at(40))
    with pytest.raises(ConflictError):
        presence.train(busy(), at(40), on=True)


@given(
    st.sampled_from([presence.practise, partial(presence.train, on=True)]),
    st.lists(st.sampled_from(sorted(RESTING)), max_size=6),
)
def test_whatever_he_asks_for_no_call_can_ring_him_meanwhile(
    begin: Callable[[Presence, datetime], Presence], asked: list[AgentState]
) -> None:
    now = begin(READY, at(1))
    for n, intended in enumerate(asked):
        with contextlib.suppress(ConflictError):
            now = presence.wish(now, intended, None, at(2 + n))
        assert now.state is AgentState.OFFLINE
        with pytest.raises(ConflictError):
            presence.ring(now, CALL, LEG, at(50))


def test_a_shift_begins_when_he_says_he_is_ready() -> None:
    offline = Presence(AgentState.OFFLINE, START, START, AgentState.OFFLINE)
    now = presence.wish(offline, AgentState.READY, None, at(5))
    assert now == Presence(AgentState.READY, at(5), at(5), AgentState.READY)


def test_a_call_takes_him_through_ringing_talking_and_wrap_up_and_back_to_ready_last_in_turn() -> None:
    assert (ringing().state, ringing().call_id, ringing().leg_id) == (AgentState.RINGING, CALL, LEG)
    assert (talking().state, talking().since, talking().call_id) == (AgentState.TALKING, at(20), CALL)
    assert (wrapping_up().state, wrapping_up().call_id, wrapping_up().leg_id) == (AgentState.WRAP_UP, CALL, None)
    over = presence.wrapped_up(wrapping_up(), at(90))
    assert over == Presence(AgentState.READY, at(90), at(90), AgentState.READY)


@pytest.mark.parametrize("busy", [ringing(), talking(), wrapping_up()], ids=lambda busy: busy.state)
def test_a_pause_asked_for_during_a_call_is_kept_until_it_is_over(busy: Presence) -> None:
    asked = presence.wish(busy, AgentState.PAUSED, PauseReason.BREAK, at(40))
    assert (asked.state, asked.since, asked.call_id) == (busy.state, busy.since, busy.call_id)
    after = presence.wrapped_up(asked, at(50))
    assert (after.state, after.pause_reason, after.since) == (AgentState.PAUSED, PauseReason.BREAK, at(50))


@pytest.mark.parametrize("busy", [ringing(), talking()], ids=lambda busy: busy.state)
def test_going_home_during_a_call_takes_effect_after_it(busy: Presence) -> None:
    asked = presence.wish(busy, AgentState.OFFLINE, None, at(40))
    assert asked.state is busy.state
    assert presence.wrapped_up(presence.wrap_up(asked, at(50)), at(60)).state is AgentState.OFFLINE


def test_changing_his_mind_during_a_call_keeps_the_last_wish() -> None:
    break_first = presence.wish(talking(), AgentState.PAUSED, PauseReason.BREAK, at(21))
    ready_after_all = presence.wish(break_first, AgentState.READY, None, at(22))
    assert (ready_after_all.intended, ready_after_all.pause_reason) == (AgentState.READY, None)
    assert presence.free(ready_after_all, at(23)).state is AgentState.READY


def test_saying_ready_in_wrap_up_is_kept_until_the_notes_are_done() -> None:
    now = presence.wish(wrapping_up(), AgentState.READY, None, at(40))
    assert (now.state, now.intended) == (AgentState.WRAP_UP, AgentState.READY)
    assert presence.wrapped_up(now, at(50)).state is AgentState.READY


def test_not_answering_is_a_pause_everybody_sees_until_he_says_ready() -> None:
    """Rule: a pause, not an exile."""
    missed = presence.missed(ringing(), at(30))
    assert (missed.state, missed.pause_reason, missed.call_id) == (AgentState.PAUSED, PauseReason.MISSED_CALL, None)
    back = presence.wish(missed, AgentState.READY, None, at(60))
    assert (back.state, back.pause_reason, back.idle_since) == (AgentState.READY, None, at(60))


def test_who_was_rung_for_nothing_keeps_his_turn() -> None:
    freed = presence.free(ringing(), at(15))
    assert (freed.state, freed.idle_since, freed.call_id, freed.leg_id) == (AgentState.READY, START, None, None)


def test_who_asked_for_a_break_while_it_rang_for_nothing_gets_it() -> None:
    """Rule: the intention is kept."""
    asked = presence.wish(ringing(), AgentState.PAUSED, PauseReason.MEETING, at(11))
    assert presence.free(asked, at(15)).state is AgentState.PAUSED


@pytest.mark.parametrize("nonsense", BUSY)
def test_nobody_can_ask_to_be_busy(nonsense: AgentState) -> None:
    with pytest.raises(ConflictError):
        presence.wish(READY, nonsense, None, START)


@pytest.mark.parametrize("state", sorted(RESTING))
def test_a_reason_belongs_to_a_pause_alone(state: AgentState) -> None:
    asked = presence.wish(READY, state, PauseReason.TRAINING, at(1))
    assert asked.pause_reason is (PauseReason.TRAINING if state is AgentState.PAUSED else None)


wishes = st.tuples(st.sampled_from(sorted(RESTING)), st.sampled_from([None, *PauseReason]))


@given(st.sampled_from([READY, ringing(), talking(), wrapping_up()]), st.lists(wishes, max_size=6))
def test_wishes_never_take_him_out_of_a_conversation(
    now: Presence, asked: list[tuple[AgentState, PauseReason | None]]
) -> None:
    for n, (intended, reason) in enumerate(asked):
        after = presence.wish(now, intended, reason, at(100 + n))
        assert after.intended is intended
        assert after.state in RESTING if now.state in RESTING else after.state in {now.state, AgentState.READY}
        if now.state in {AgentState.RINGING, AgentState.TALKING}:
            assert replace(after, intended=now.intended, pause_reason=now.pause_reason) == now
        now = after
    rested = presence.wrapped_up(now, at(200))
    assert (rested.state, rested.call_id, rested.leg_id) == (now.intended, None, None)


# From each state, by each thing that may happen to him, to which; None: it is refused. Busy, he means to be ready.
PAIRS = {
    "ring":       {"offline": None, "ready": "ringing", "paused": None, "ringing": None, "talking": None,
                   "wrap_up": None},
    "talk":       dict.fromkeys(AgentState, "talking"),  # what the carrier says is so, whatever was thought before
    "wrap_up":    dict.fromkeys(AgentState, "wrap_up"),
    "missed":     dict.fromkeys(AgentState, "paused"),
    "free":       {"offline": "offline", "ready": "ready", "paused": "paused", "ringing": "ready",
                   "talking": "ready", "wrap_up": "ready"},  # where he means to go
    "wrapped_up": {"offline": "offline", "ready": "ready", "paused": "paused", "ringing": "ready",
                   "talking": "ready", "wrap_up": "ready"},  # where he means to go
    "ready":      {"offline": "ready", "ready": "ready", "paused": "ready", "ringing": "ringing", "talking": "talking",
                   "wrap_up": "wrap_up"},
    "pause":      {"offline": "paused", "ready": "paused", "paused": "paused", "ringing": "ringing",
                   "talking": "talking", "wrap_up": "wrap_up"},
    "leave":      {"offline": "offline", "ready": "offline", "paused": "offline", "ringing": "ringing",
                   "talking": "talking", "wrap_up": "wrap_up"},
    "practise":   {"offline": "offline", "ready": "offline", "paused": "offline", "ringing": None, "talking": None,
                   "wrap_up": None},
    "train":      {"offline": "offline", "ready": "offline", "paused": "offline", "ringing": None, "talking": None,
                   "wrap_up": None},
}  # fmt: skip
HAPPENS: dict[str, Callable[[Presence], Presence]] = {
    "ring": lambda now: presence.ring(now, CALL, LEG, at(60)),
    "talk": lambda now: presence.talk(now, at(60)),
    "wrap_up": lambda now: presence.wrap_up(now, at(60)),
    "missed": lambda now: presence.missed(now, at(60)),
    "free": lambda now: presence.free(now, at(60)),
    "wrapped_up": lambda now: presence.wrapped_up(now, at(60)),
    "ready": lambda now: presence.wish(now, AgentState.READY, None, at(60)),
    "pause": lambda now: presence.wish(now, AgentState.PAUSED, PauseReason.BREAK, at(60)),
    "leave": lambda now: presence.wish(now, AgentState.OFFLINE, None, at(60)),
    "practise": lambda now: presence.practise(now, at(60)),
    "train": lambda now: presence.train(now, at(60), on=True),
}


@pytest.mark.parametrize("what", HAPPENS)
@pytest.mark.parametrize("state", AgentState)
def test_from_each_state_each_thing_leads_where_it_should(state: AgentState, what: str) -> None:
    """Issue: every state pair of the agent."""
    call = None if state in RESTING else CALL
    leg = LEG if state in {AgentState.RINGING, AgentState.TALKING} else None
    now = Presence(state, START, START, state if state in RESTING else AgentState.READY, call_id=call, leg_id=leg)
    expected = PAIRS[what][state]
    if expected is None:
        with pytest.raises(ConflictError):
            HAPPENS[what](now)
        return
    then = HAPPENS[what](now)
    assert then.state == expected
    if then.state in RESTING:
        assert (then.call_id, then.leg_id) == (None, None)
    elif then.state == state and what not in {"talk", "wrap_up"}:
        assert then.since == START, "nothing has happened to him"


def test_the_table_knows_every_state() -> None:
    assert all(set(row) == set(AgentState) for row in PAIRS.values())
