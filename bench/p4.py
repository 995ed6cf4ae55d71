"""P4: assignments in virtual time while processes die: none double, nobody stranded."""

import time

from bench.options import Options
from bench.place import Place
from bench.results import Result
from web.simulation.course import play
from web.simulation.plan import Faults, Plan
from web.simulation.report import silence

AGENTS, PER_AGENT = 50, 20.0  # calls an hour
DIES = 0.02


def measure(_place: Place, options: Options) -> list[Result]:
    """As many assignments as the options ask for, over the store in memory."""
    wanted = 300 if options.quick else options.assignments
    faults = Faults(killed=DIES, killed_waiting=DIES, unanswered=DIES, dropped=DIES, twice=DIES, missed=DIES)
    plan = Plan(
        agents=AGENTS, calls_per_hour=AGENTS * PER_AGENT, talk_s=90, notes_s=15, patience_s=120, menu=False,
        faults=faults,
    )  # fmt: skip
    began = time.perf_counter()
    with silence():
        outcome = play("p4", plan, wanted / (AGENTS * PER_AGENT))
    took = time.perf_counter() - began
    return [
        Result(
            "P4 assignments while processes die", "0 double, 0 stranded", "–", f"{outcome.assigned} assignments",
            f"{len(outcome.wrong)} wrong; {took:.0f} s", not outcome.wrong, {"wrong": outcome.wrong[:10]},
        )
    ]  # fmt: skip
