"""P4: assignments in virtual time while processes die: none double, nobody stranded. In memory, and over PostgreSQL."""

import time
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy import update

from bench.options import Options
from bench.place import Centre, Place
from bench.results import Result
from bench.traffic import hire
from crm.core.configuration import changed
from crm.core.db import Database, Scope
from telephony.queues.models import Queue
from tests.cast import EMPOLI_LINE
from tests.simulation.stored import look
from web.simulation.centre import Numbers
from web.simulation.course import Course, Look, Outcome, Store
from web.simulation.memory import in_memory
from web.simulation.plan import Faults, Plan
from web.simulation.report import silence

AGENTS, PER_AGENT = 50, 20.0  # calls an hour
DIES = 0.02
FAULTS = Faults(killed=DIES, killed_waiting=DIES, unanswered=DIES, dropped=DIES, twice=DIES, missed=DIES)
STORED_AGENTS, STORED_PER_AGENT = 100, 40.0  # over PostgreSQL a virtual second costs, whoever calls in it


def measure(place: Place, options: Options) -> list[Result]:
    """As many assignments as the options ask for, over each store. The whole product is away now and then, too."""
    wanted = 300 if options.quick else options.assignments
    plan = Plan(
        agents=AGENTS, calls_per_hour=AGENTS * PER_AGENT, talk_s=90, notes_s=15, patience_s=120, menu=False,
        faults=FAULTS,
    )  # fmt: skip
    results = [_measure("P4 assignments while processes die", plan, wanted, options.seed, in_memory, None)]
    stored = 100 if options.quick else options.stored
    if stored:
        centre = place.centre("p4")
        plan = Plan(
            agents=STORED_AGENTS, calls_per_hour=STORED_AGENTS * STORED_PER_AGENT, talk_s=45, notes_s=10,
            patience_s=120, menu=False, faults=FAULTS,
        )  # fmt: skip
        results.append(_measure("P4 the same over PostgreSQL", plan, stored, options.seed, _stored(centre), look))
        centre.close()
    return results


def _measure(what: str, plan: Plan, wanted: int, seed: str, store: Store, read: Look | None) -> Result:
    began = time.perf_counter()
    with silence():
        outcome = _play(plan, wanted / plan.calls_per_hour, seed, store, read)
    took = time.perf_counter() - began
    enough = outcome.assigned >= wanted / 2  # some give up
    return Result(
        what, "0 double, 0 stranded", "–", f"{outcome.assigned} assignments",
        f"{len(outcome.wrong)} wrong; {took:.0f} s", not outcome.wrong and enough,
        {"wrong": outcome.wrong[:10], "faults": dict(outcome.struck)},
    )  # fmt: skip


def _play(plan: Plan, hours: float, seed: str, store: Store, read: Look | None) -> Outcome:
    course = Course(f"p4{seed}", plan, store, read)
    if read is not None:  # in memory it looks around by itself
        course.clockwork.every(LOOKS_S, course.look_around)
    try:
        return course.play(hours * 3600)
    finally:
        course.close()


LOOKS_S = 60.0


def _stored(centre: Centre) -> Store:
    def store(
        plan: Plan, clock: Callable[[], datetime], new_id: Callable[[], UUID]
    ) -> tuple[Database, Numbers]:  # fmt: skip
        settings = centre.settings
        database = Database(
            settings.database_url, settings.database_routing_url, pool_size=2, clock=clock, new_id=new_id
        )  # fmt: skip
        both = (centre.cast.notices, centre.cast.operator)  # as in memory: nobody waits where nobody serves
        agents = hire(database, plan.agents, *both)
        with database.begin(Scope.nothing()) as session:
            changed(session)
            served = {"wrap_up_s": plan.wrap_up_s, "ring_timeout_s": plan.ring_timeout_s}
            session.execute(update(Queue).where(Queue.id.in_(both)).values(**served))
        return database, Numbers(centre.cast.contract, EMPOLI_LINE, tuple(agents))

    return store
