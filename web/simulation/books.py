"""Whether the product's books agree with what truly happened, and whether anything was left lying about."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from crm.levels.metering import Account, Counts, Measured, contribution, ms_between
from crm.levels.terms import USUAL
from telephony.agents.models import AgentState
from telephony.agents.presence import RESTING
from telephony.calls.lifecycle import WITH_LEG
from telephony.calls.models import Phase
from telephony.queues.models import EntryState
from web.simulation.people import Citizen

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Left:
    """What is on the floor: rows of the tables of the same names. `commands` are those not settled."""

    calls: Sequence[Row]
    agents: Sequence[Row]
    entries: Sequence[Row]
    timers: Sequence[Row]
    commands: Sequence[Row]


@dataclass(slots=True)
class Totals:
    """What the citizens lived, in all."""

    calls: int = 0
    entered: int = 0
    answered: int = 0
    cut_off: int = 0
    waited_s: float = 0.0
    talked_s: float = 0.0
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
    figures = {
        "waited": (waited, waited_s(citizen), moved_s),
        "talked": (talked, citizen.talked_s, moved_s),
        "waited and talked": (waited + talked, waited_s(citizen) + citizen.talked_s, 0.0),
        "ended at": ((call["ended_at"] - start).total_seconds(), line.ended, 0.0),
    }
    for what, (written, lived, more_s) in figures.items():
        if abs(written - lived) > tolerance_s + more_s:
            yield f"{name}: {what} {written:.2f} s, in truth {lived:.2f} s"


def waited_s(citizen: Citizen) -> float:
    """How long he was in queues: at first, and after each conversation that was cut off."""
    assert citizen.line is not None
    assert citizen.line.ended is not None
    if citizen.entered is None:
        return 0.0
    if not citizen.talks:
        return citizen.line.ended - citizen.entered
    gaps = sum(after.since - (before.until or after.since) for before, after in pairwise(citizen.talks))
    last = None if citizen.dismissed else citizen.talks[-1].until
    return citizen.talks[0].since - citizen.entered + gaps + (citizen.line.ended - (last or citizen.line.ended))


def counted(call: Row) -> Counts:
    """What a call adds to the counters, by its row."""
    ended, wrapped_up = call["ended_at"], call["wrapped_up_at"]
    measured = Measured(
        received=call["metered"], entered=call["queued_at"] is not None, served=call["answered_at"] is not None,
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
