"""Whether the collection system has done what a case was granted, as its feed states the debt. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from crm.cases.lifecycle import Topic
from crm.positions.models import PositionState, StepKind


@dataclass(frozen=True, slots=True)
class Trace:
    """What shows it: the debt stands so, or this happened to it since the request came in."""

    states: frozenset[PositionState]
    steps: frozenset[StepKind]


_GONE = Trace(
    frozenset({PositionState.RELIEVED, PositionState.ANNULLED}), frozenset({StepKind.RELIEF, StepKind.ANNULMENT})
)
TRACES: Mapping[Topic, Trace] = MappingProxyType(
    {
        Topic.INSTALMENTS: Trace(frozenset({PositionState.IN_INSTALMENTS}), frozenset()),
        Topic.RELIEF: _GONE,
        Topic.ANNULMENT: _GONE,
        Topic.SELF_CORRECTION: _GONE,
        Topic.REFUND: Trace(frozenset(), frozenset({StepKind.REFUND})),
        Topic.SUSPENSION: Trace(frozenset({PositionState.SUSPENDED}), frozenset({StepKind.SUSPENSION})),
    }
)


@dataclass(frozen=True, slots=True)
class Stated:
    """A debt as it was stated last: how it stands, and what happened to it on which day."""

    state: PositionState
    steps: tuple[tuple[StepKind, date], ...] = ()


def carried_out(topic: Topic, since: date, debts: tuple[Stated, ...]) -> bool:
    """Whether all the debts of a case show it; of a case without debts, or of another topic, nothing can be seen."""
    trace = TRACES.get(topic)
    if trace is None or not debts:
        return False
    return all(
        one.state in trace.states or any(kind in trace.steps and on >= since for kind, on in one.steps)
        for one in debts
    )  # fmt: skip
