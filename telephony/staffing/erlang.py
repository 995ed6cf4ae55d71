"""How many agents a load takes, pure: Erlang C, whose callers wait for ever, and Erlang A, whose callers give up.

Erlang C by the recursion of Erlang B (A. K. Erlang, 1917), which neither overflows nor loses digits however many agents
there are. Erlang A (C. Palm, 1946) is the queue M/M/n+M: its states are a chain of births and deaths, and the service
level is exact, but for an integral computed by Simpson's rule.
`make bench ARGS=p3` holds the real routing against the same two formulas.

Rates are a second, times in seconds. An own page of arithmetic, for no library fits: one computes on a server of its
maker, one brings a solver of 300 MB, one takes the service level of Erlang A for an approximation and, of small loads,
an agent too many.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, exp

NEGLIGIBLE = 1e-12
MOST_AGENTS = 2_000
PARTS = 200  # of the time within which calls are to be answered, an even number


@dataclass(frozen=True, slots=True)
class Load:
    """Calls a second, how long one is handled, and for how long callers have patience; none: for ever."""

    per_s: float
    handling_s: float
    patience_s: float | None = None

    @property
    def erlangs(self) -> float:
        return self.per_s * self.handling_s


@dataclass(frozen=True, slots=True)
class Target:
    """A share of the calls answered within so many seconds, and how busy agents may be at the most."""

    share: float = 0.8
    within_s: float = 20.0
    occupancy: float = 0.85


@dataclass(frozen=True, slots=True)
class Outcome:
    """What so many agents make of a load. Without patience and with too few the queue grows for ever: `answered` 0."""

    agents: int
    answered_within: float  # of all who call
    abandoned: float  # of all who call
    wait_s: float | None  # the mean of everybody's, the abandoned included; none: without end
    occupancy: float


def outcome(load: Load, agents: int, within_s: float) -> Outcome:
    """What so many agents make of a load. Raises `ValueError` for numbers that make no sense."""
    if load.per_s < 0 or load.handling_s <= 0 or agents < 0 or (load.patience_s is not None and load.patience_s <= 0):
        raise ValueError("a load is of calls that come, last, and wait")
    if load.per_s == 0:
        return Outcome(agents, 1.0, 0.0, 0.0, 0.0)
    if agents == 0:
        return Outcome(0, 0.0, 1.0 if load.patience_s else 0.0, load.patience_s, 1.0)
    return _impatient(load, load.patience_s, agents, within_s) if load.patience_s else _patient(load, agents, within_s)


def needed(load: Load, target: Target) -> Outcome:
    """The fewest agents with whom the target is met, and what they make of the load; none for no calls."""
    if load.per_s == 0:
        return outcome(load, 0, target.within_s)
    # Fewer could not answer so many, however long they took; and without patience the queue would never end.
    agents = max(1, ceil(load.erlangs * target.share)) if load.patience_s else int(load.erlangs) + 1
    while agents < MOST_AGENTS:
        found = outcome(load, agents, target.within_s)
        if found.answered_within >= target.share and found.occupancy <= target.occupancy:
            return found
        agents += 1
    raise ValueError("no number of agents meets this target")


def erlang_b(agents: int, erlangs: float) -> float:
    """The share of calls that find all agents busy where nobody can wait."""
    blocked = 1.0
    for n in range(1, agents + 1):
        blocked = erlangs * blocked / (n + erlangs * blocked)
    return blocked


def erlang_c(agents: int, erlangs: float) -> float:
    """The share of calls that have to wait; all of them where the agents are too few."""
    if erlangs >= agents:
        return 1.0
    blocked = erlang_b(agents, erlangs)
    return blocked / (1 - erlangs / agents * (1 - blocked))


def _patient(load: Load, agents: int, within_s: float) -> Outcome:
    if load.erlangs >= agents:
        return Outcome(agents, 0.0, 0.0, None, 1.0)
    waits, spare = erlang_c(agents, load.erlangs), (agents - load.erlangs) / load.handling_s
    return Outcome(agents, 1 - waits * exp(-spare * within_s), 0.0, waits / spare, load.erlangs / agents)


@lru_cache(maxsize=4096)
def _impatient(load: Load, patience_s: float, agents: int, within_s: float) -> Outcome:
    leaving, serving = 1 / patience_s, agents / load.handling_s
    # The states from all agents just busy on, beside that one: k callers wait.
    crowd = [1.0]
    while crowd[-1] > NEGLIGIBLE or load.per_s > serving + len(crowd) * leaving:
        crowd.append(crowd[-1] * load.per_s / (serving + len(crowd) * leaving))
    # Erlang B tells how likely that one state is among those in which nobody waits.
    blocked = erlang_b(agents, load.erlangs)
    if not blocked:  # less than the least number there is: nobody ever waits
        return Outcome(agents, 1.0, 0.0, 0.0, load.erlangs / agents)
    whole = 1 / blocked - 1 + sum(crowd)
    queued = sum(k * weight for k, weight in enumerate(crowd)) / whole
    gone = leaving * queued / load.per_s
    # Whoever waits is answered in time if his turn comes before the deadline and before his patience ends: the density
    # of turns over all states, and his patience (Baccelli and Hebuterne, 1981), integrated by Simpson's rule.
    step = within_s / PARTS
    turns = (
        serving * exp(-(serving + leaving) * w + load.per_s / leaving * (1 - exp(-leaving * w)))
        for w in (n * step for n in range(PARTS + 1))
    )
    in_time = sum(turn * (1 if n in {0, PARTS} else 4 if n % 2 else 2) for n, turn in enumerate(turns)) * step / 3
    answered = (1 / blocked - 1 + in_time) / whole
    return Outcome(agents, min(1.0, answered), gone, queued / load.per_s, load.erlangs * (1 - gone) / agents)
