"""How many agents each quarter hour takes, pure: by what is expected, what calls last, what the contract promises."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from crm.levels.agreement import Promise
from crm.levels.formulas import mean_handling_ms
from crm.levels.metering import Counts
from crm.levels.metrics import ANSWERED_WITHIN, WAITING_OVER
from crm.levels.terms import Terms
from telephony.staffing.erlang import Load, Outcome, Target, needed, outcome

QUARTER_S = 900
USUAL_HANDLING_S = 240.0
FEWEST_ABANDONED = 20  # of which a patience can be told
USUAL_SHRINKAGE, USUAL_OCCUPANCY = Decimal("0.25"), Decimal("0.85")


@dataclass(frozen=True, slots=True)
class Basis:
    """By what a need is reckoned. `shrinkage`: the share of paid time in which nobody is there for calls."""

    target: Target
    handling_s: float
    patience_s: float | None
    shrinkage: float
    is_promised: bool = False  # the target is the contract's, else the usual one of the trade: 80 % in 20 s


@dataclass(frozen=True, slots=True)
class Need:
    """Of a quarter hour: agents on the telephone by Erlang C and by A, and how many to plan so that they are there."""

    by_c: int
    by_a: int | None
    plan: int


def target_of(promises: Iterable[Promise], terms: Terms, occupancy: float) -> tuple[Target, bool]:
    """What the contract wants of waits, and whether it says so at all.

    Of a level that limits long waits the rest is what has to be answered in that time.
    """
    wanted = {one.metric: one for one in promises if one.callers is None}
    if (level := wanted.get(ANSWERED_WITHIN)) is not None:
        return Target(float(level.target), terms.within_ms / 1000, occupancy), True
    if (level := wanted.get(WAITING_OVER)) is not None:
        over = float(level.threshold_s) if level.threshold_s is not None else terms.over_ms / 1000
        return Target(1 - float(level.target), over, occupancy), True
    return Target(occupancy=occupancy), False


def handling_of(counts: Counts) -> float:
    """How long a call keeps an agent, in seconds: as measured, else the usual."""
    mean = mean_handling_ms(counts)
    return float(mean) / 1000 if mean else USUAL_HANDLING_S


def patience_of(counts: Counts) -> float | None:
    """For how long callers wait before they give up, on the average, in seconds; none if too few did.

    All the waiting there was, of the answered too, by those who gave up: whoever was answered might have waited longer
    (the estimate of an exponential patience whose end is not always seen; Mandelbaum and Zeltyn, 2007).
    """
    if counts.abandoned < FEWEST_ABANDONED:
        return None
    return (counts.wait_ms + counts.abandoned_wait_ms) / counts.abandoned / 1000


def needs(expected: Sequence[float], basis: Basis) -> list[Need]:
    """What a day's quarter hours take."""
    return [_need(calls, basis) for calls in expected]


def _need(calls: float, basis: Basis) -> Need:
    if calls < 0.05:  # less than a call in five hours
        return Need(0, 0 if basis.patience_s else None, 0)
    calls = round(calls, 1)
    by_c = needed(Load(calls / QUARTER_S, basis.handling_s), basis.target).agents
    by_a = None
    if basis.patience_s:
        by_a = needed(Load(calls / QUARTER_S, basis.handling_s, basis.patience_s), basis.target).agents
    return Need(by_c, by_a, ceil((by_c if by_a is None else by_a) / (1 - basis.shrinkage) - 1e-9))


def with_agents(calls: float, agents: int, basis: Basis) -> Outcome:
    """What so many agents on the telephone would make of a quarter hour."""
    return outcome(Load(calls / QUARTER_S, basis.handling_s, basis.patience_s), agents, basis.target.within_s)
