"""Whether the product's books agree with what truly happened, and whether anything was left lying about."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from crm.core.clock import in_rome
from crm.enti.calendar import Timetable, calls_back
from crm.levels.metering import Account, Counts, Measured, contribution, ms_between
from crm.levels.terms import USUAL
from telephony.agents.models import AgentState
from telephony.agents.presence import RESTING
from telephony.callbacks.models import CallbackState
from telephony.callbacks.rules import AGAIN_AFTER, MOST_ATTEMPTS
from telephony.calls.lifecycle import WITH_LEG
from telephony.calls.models import Phase
from telephony.queues.models import EntryState
from telephony.texts.models import ThreadState
from web.simulation.citizens import Answer, Citizen
from web.simulation.writers import Writer

Row = Mapping[str, Any]
SLACK_S = 60.0  # from the beginning of a call to what came of it


@dataclass(frozen=True, slots=True)
class Left:
    """What is on the floor: rows of the tables of the same names. `commands` are those not settled."""

    calls: Sequence[Row]
    agents: Sequence[Row]
    entries: Sequence[Row]
    timers: Sequence[Row]
    commands: Sequence[Row]
    callbacks: Sequence[Row]


@dataclass(slots=True)
class Totals:
    """What the citizens lived, in all."""

    calls: int = 0
    entered: int = 0
    answered: int = 0
    cut_off: int = 0
    waited_s: float = 0.0
    talked_s: float = 0.0
    to_call_back: int = 0
    called_back: int = 0
    put_through: int = 0  # to a number outside, where somebody answered
    rung: int = 0  # how often somebody was called back
    texts: int = 0  # conversations by SMS,
    written: int = 0  # what was written in them, on both sides,
    replies: int = 0  # and by agents
    counts: Counts = field(default_factory=Counts)  # the product's calls, as the meter should have counted them


def disagreements(
    call: Row, citizen: Citizen, start: Any, tolerance_s: float, unheard_s: float, moved_s: float = 0.0
) -> Iterator[str]:  # fmt: skip
    """In what a call is written down otherwise than it happened. `unheard_s`, `moved_s`: see `Course`."""
    line = citizen.line
    assert line is not None
    name = f"call {line.ordinal}"
    if line.ended is None or call["phase"] is not Phase.ENDED:
        return
    spoke = any(one.since is not None for line in citizen.lines for one in line.outside)
    if spoke is not (call["put_through_at"] is not None) or call["dialled_at"] is not None:
        yield f"{name}: put through {call['put_through_at']}, dialled {call['dialled_at']}, in truth {spoke}"
    told = (call["queued_at"] is not None, call["answered_at"] is not None)
    true = (citizen.entered is not None, bool(citizen.talks))
    if told == (True, False) and citizen.talked_s < unheard_s:
        return
    for what, said, was in zip(("entered", "answered"), told, true, strict=True):
        if said is not was:
            yield f"{name}: {what} {said}, in truth {was}"
    if told != true:
        return
    waited, talked = call["waited_ms"] / 1000, (call["talked_ms"] + call["held_ms"]) / 1000
    # A conversation that is taken for none: he is called again. Or its end: his line outlives the agent's.
    unheard = unheard_s if citizen.agreed or citizen.dismissed else 0.0
    figures = {
        "waited": (waited, citizen.waited_s, moved_s),
        "talked": (talked, citizen.talked_s, moved_s + unheard),
        "waited and talked": (waited + talked, citizen.waited_s + citizen.talked_s, unheard),
    }
    if not citizen.away:
        figures["ended at"] = ((call["ended_at"] - start).total_seconds(), line.ended, 0.0)
    for what, (written, lived, more_s) in figures.items():
        if abs(written - lived) > tolerance_s + more_s:
            yield f"{name}: {what} {written:.2f} s, in truth {lived:.2f} s"


def about_callback(
    call: Row, callback: Row | None, entry: Row | None, citizen: Citizen, start: datetime, *, strict: bool
) -> Iterator[str]:
    """In what a callback is written down otherwise than it happened, or was not as it should be. `strict`: nothing went
    wrong but that people did not answer.
    """
    name = f"callback {citizen.lines[0].ordinal}"
    if callback is None or not citizen.agreed:
        yield f"{name}: written down {callback is not None}, agreed {bool(citizen.agreed)}"
        return
    tries, served = [came for _, came in citizen.rung], callback["state"] is CallbackState.FULFILLED
    missed = sum(came is not Answer.HIMSELF for came in tries)
    if strict and served is not bool(citizen.talks):
        yield f"{name}: {callback['state']}, in truth {'' if citizen.talks else 'not '}reached"
    if callback["state"] is CallbackState.GIVEN_UP:
        expired = callback["ended_at"] >= callback["expires_at"]
        if not expired and callback["attempts"] < MOST_ATTEMPTS:
            yield f"{name}: given up after {callback['attempts']} attempts"
    if strict and (callback["attempts"] != missed or (Answer.BUSY in tries and not missed)):
        yield f"{name}: {callback['attempts']} attempts, in truth {missed} that did not reach him"
    for at, _ in citizen.rung:
        rang = start + timedelta(seconds=at)
        if not calls_back(Timetable(()), rang):
            yield f"{name}: called on {in_rome(rang):%A at %H:%M}"
    after = [since - before for (before, came), (since, _) in pairwise(citizen.rung) if came is not Answer.HIMSELF]
    if strict and any(gap < AGAIN_AFTER.total_seconds() - SLACK_S for gap in after):
        yield f"{name}: called again after {min(after):.0f} s"
    if entry is not None and len(citizen.waits) == 1 and entry["entered_at"] != call["queued_at"]:
        yield f"{name}: has lost its place"


def about_texts(writers: Iterable[Writer], threads: Mapping[str, Row], told: Iterable[Row]) -> Iterator[str]:
    """What was written by SMS and is not kept once, or was not answered, or is kept and was never written."""
    kept = Counter((row["external_id"], row["thread_id"]) for row in told if row["inbound"])
    for writer in writers:
        thread = threads.get(writer.number)
        if thread is None:
            if writer.heard:
                yield f"nothing is known of what {writer.number} wrote"
            continue
        if thread["state"] is not ThreadState.CLOSED:
            yield f"the conversation with {writer.number} is {thread['state']}"
        if thread["replied_at"] is None or thread["wrote_at"] > thread["replied_at"]:
            yield f"{writer.number} was not answered"
        if len(writer.automatic) > 1 + thread["reopened"] + writer.answers:
            yield f"{writer.number} was answered {len(writer.automatic)} times by nobody"
        for sid in writer.wrote:
            count = kept.pop((sid, thread["id"]), 0)
            if count != (sid in writer.heard):
                yield f"{sid} is kept {count} times"
    yield from (f"{sid} was never written" for sid, _ in kept)


def counted(call: Row) -> Counts:
    """What a call adds to the counters, by its row."""
    ended, wrapped_up = call["ended_at"], call["wrapped_up_at"]
    measured = Measured(
        received=call["metered"], called_back=call["away"], turned_away=call["turned_away_at"] is not None,
        entered=call["queued_at"] is not None, served=call["answered_at"] is not None,
        ended=call["phase"] is Phase.ENDED, waited_ms=call["waited_ms"], talk_ms=call["talked_ms"],
        hold_ms=call["held_ms"],
        wrap_up_ms=ms_between(ended, wrapped_up) if ended and wrapped_up else 0,
    )  # fmt: skip
    return contribution(measured, USUAL)


def summed(counts: Mapping[Account, Counts]) -> Counts:
    """All the counters."""
    return sum(counts.values(), Counts())


def in_two_places(calls: Iterable[Row], agents: Iterable[Row]) -> Iterator[str]:
    """Calls and agents that do not belong to each other as both say."""
    busy: dict[int, Row] = {}
    for call in calls:
        if call["phase"] in WITH_LEG:
            if call["agent_id"] in busy:
                yield f"agent {call['agent_id']} has two calls"
            busy[call["agent_id"]] = call
            if call["party_agent_id"] is not None:
                busy[call["party_agent_id"]] = call
    for agent in agents:
        his = busy.get(agent["agent_id"])
        if his is not None and agent["call_id"] != his["id"]:
            yield f"agent {agent['agent_id']} is {agent['state']}, and a call is with him"
        if his is None and agent["state"] in {AgentState.RINGING, AgentState.TALKING}:
            yield f"agent {agent['agent_id']} is {agent['state']} without a call"


def left_lying(left: Left) -> Iterator[str]:
    """What is not over although everybody has gone home."""
    yield from (f"call {row['carrier_sid'][-4:]} is {row['phase']}" for row in left.calls if row["ended_at"] is None)
    for row in left.agents:
        if row["state"] not in RESTING or row["call_id"] is not None:
            yield f"agent {row['agent_id']} is {row['state']}"
    yield from (f"an entry is {row['state']}" for row in left.entries if row["state"] is not EntryState.LEFT)
    yield from (f"a timer is set: {row['kind']}" for row in left.timers)
    yield from (f"a command is owed: {row['kind']} {row['state']}" for row in left.commands)
    still = (row for row in left.callbacks if row["state"] is CallbackState.OPEN)
    yield from (f"somebody is still to be called back at {row['number']}" for row in still)
