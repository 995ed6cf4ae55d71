"""What `filodiretto simulate` prints."""

import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from web.simulation.course import Outcome, play
from web.simulation.plan import EVERYTHING, Faults, Plan
from web.simulation.plan import troubled as small

MOST_SHOWN = 40


def tell(seed: str, hours: float, agents: int, *, faults: bool, troubled: bool = False) -> int:
    """Play, print, and say whether all was right: 0, or 1.

    `troubled`: the small centre that the tests play by this seed, whatever is said of agents and faults.
    """
    plan = small(int(seed)) if troubled else Plan(
        agents=agents, calls_per_hour=9.0 * agents, holds=0.2, passes=0.05, consults=0.1, calls_back=0.2,
        anonymous=0.1, outside=0.03, texts_per_hour=0.5 * agents,
        faults=EVERYTHING if faults else Faults(),
    )  # fmt: skip
    began = time.perf_counter()
    with silence():
        outcome = play(seed, plan, hours)
    print("\n".join([*outcome.story, "", *figures(outcome)]))
    print(f"({time.perf_counter() - began:.0f} s)", file=sys.stderr)
    return 1 if outcome.wrong else 0


def figures(outcome: Outcome) -> Iterator[str]:
    """A course in figures, and what was found wrong."""
    totals = outcome.totals
    yield f"calls            {totals.calls}"
    yield f"asked for someone {totals.entered}, spoke with someone {totals.answered}, cut off {totals.cut_off}"
    yield f"assignments      {outcome.assigned}"
    yield f"waited           {totals.waited_s / max(1, totals.entered):.1f} s on average"
    yield f"talked           {totals.talked_s / max(1, totals.answered):.1f} s on average"
    yield f"called back      {totals.called_back} of {totals.to_call_back} who asked for it, in {totals.rung} calls"
    yield f"put through      {totals.put_through} to an office outside"
    yield f"by SMS           {totals.texts} conversations, {totals.written} SMS, {totals.replies} by agents"
    yield f"the meter        {totals.counts.answered} answered, {totals.counts.lost} lost"
    yield f"conversations    {_each(outcome.done)}"
    yield f"faults           {_each(outcome.struck)}"
    yield "nothing is wrong" if not outcome.wrong else f"WRONG: {len(outcome.wrong)}"
    yield from outcome.wrong[:MOST_SHOWN]


def _each(counted: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counted.items()) if count) or "–"


@contextmanager
def silence() -> Iterator[None]:
    """The product's log is of no use at thousands of times its pace."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)
