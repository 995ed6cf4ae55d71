"""The product in virtual time: whatever goes wrong, nobody is forgotten and the meter tells the truth.

Guards the rules of contact centres: no call in two places, no agent with two calls, no caller forgotten, no agent
stuck, every timer fired or cancelled, and figures that equal what happened.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from crm.core.configuration import changed
from crm.core.db import Database, Scope
from telephony.queues.models import Queue
from tests.cast import EMPOLI_LINE, settle
from tests.simulation.stored import look
from web.simulation.centre import Numbers
from web.simulation.course import Course, play
from web.simulation.plan import EVERYTHING, KINDS, Faults, Plan, troubled
from web.simulation.report import figures, silence

HOURS = 1 / 20
SEEDS = range(120)
IN_A_ROW = 12  # so many seeds are one test
AT_LEAST = 2


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with silence():
        yield


@pytest.mark.parametrize("first", SEEDS[::IN_A_ROW])
def test_whatever_goes_wrong_nobody_is_forgotten_and_the_meter_tells_the_truth(first: int) -> None:
    for seed in range(first, first + IN_A_ROW):
        assert play(str(seed), troubled(seed), HOURS).wrong == [], (
            f"make simulate SEED={seed} HOURS={HOURS} ARGS=--troubled"
        )


@pytest.mark.parametrize("fault", KINDS)
def test_each_fault_happens_and_alone_it_harms_nobody(fault: str) -> None:
    """A fault that is drawn no more would make the others prove nothing."""
    faults = Faults(**{fault: 0.3})
    outcome = play(f"one {fault}", Plan(agents=3, calls_per_hour=200, talk_s=30, notes_s=15, faults=faults), 2 * HOURS)
    assert outcome.wrong == []
    assert outcome.struck[fault] >= AT_LEAST


@pytest.mark.parametrize(
    ("more", "deeds"),
    [({"holds": 1.0}, {"hold", "back"}), ({"passes": 1.0}, {"pass_to_queue", "pass_to"}),
     ({"consults": 1.0}, {"consult", "pass_on", "back"})],
)  # fmt: skip
def test_conversations_are_held_passed_on_and_consulted_about(more: dict[str, float], deeds: set[str]) -> None:
    outcome = play("talk", Plan(agents=6, calls_per_hour=100, talk_s=150, notes_s=15, **more), 10 * HOURS)
    assert outcome.wrong == []
    assert all(outcome.done[deed] >= AT_LEAST for deed in deeds), outcome.done


def test_who_asks_to_be_called_back_keeps_his_place_and_is_called_until_he_is_reached() -> None:
    """contact-centre.md: a queue callback keeps its place and is no abandonment; it is fulfilled, retried or lost."""
    plan = Plan(agents=3, calls_per_hour=150, talk_s=60, calls_back=0.7, answers=0.5, anonymous=0.2, patience_s=400)
    outcome = play("back", plan, 20 * HOURS)
    assert outcome.wrong == []
    told = outcome.totals
    assert told.to_call_back >= told.called_back > 10
    assert told.rung > told.called_back, "somebody was called more than once"
    assert outcome.done["machine"] >= 1


def test_whoever_writes_is_read_once_and_answered() -> None:
    """contact-centre.md: nothing that was taken in is lost, doubled or left without an answer."""
    faults = Faults(twice=0.2, late=0.2, disorder=0.2, killed=0.1, browser=0.05, missed=0.2)
    plan = Plan(agents=4, calls_per_hour=60, talk_s=60, texts_per_hour=120, faults=faults)
    outcome = play("texts", plan, 10 * HOURS)
    assert outcome.wrong == []
    assert outcome.totals.texts > 20
    assert outcome.totals.replies >= outcome.totals.texts
    assert all(outcome.done[deed] >= AT_LEAST for deed in ("take", "reply", "close"))


def test_whoever_is_put_through_outside_is_written_down_so_whatever_gets_lost() -> None:
    """contact-centre.md: of a call of which nothing was heard the carrier is asked; figures equal what happened."""
    faults = Faults(dropped=0.3, unreachable=0.1, killed=0.1, worst=0.1, web=0.1)
    plan = Plan(agents=3, calls_per_hour=200, talk_s=30, outside=0.6, faults=faults)
    outcome = play("outside", plan, 6 * HOURS)
    assert outcome.wrong == []
    assert outcome.totals.put_through > 10


def test_a_seed_comes_out_the_same_again() -> None:
    plan = Plan(agents=3, calls_per_hour=120, talk_s=60, notes_s=15, faults=EVERYTHING)
    first, again = (list(figures(play("once", plan, HOURS))) for _ in range(2))
    assert first == again


def test_another_seed_is_another_day() -> None:
    plan = Plan(agents=3, calls_per_hour=120, talk_s=60)
    one, other = (play(seed, plan, HOURS).totals for seed in ("one", "other"))
    assert one != other


def test_an_hour_without_trouble_serves_everybody_who_has_patience() -> None:
    plan = Plan(agents=4, calls_per_hour=60, talk_s=60, patience_s=None)
    course = Course("calm", plan)
    outcome = course.play(900)
    course.close()
    assert outcome.wrong == []
    assert outcome.totals.answered == outcome.totals.calls == outcome.assigned > 5


@pytest.mark.integration
@pytest.mark.parametrize("seed", SEEDS[::40])
def test_the_same_over_the_database(seed: int, database_urls: Any) -> None:
    plan = replace(
        troubled(seed), answers=1.0, texts_per_hour=0.0
    )  # a quarter of an hour between attempts costs much here
    assert play(str(seed), plan, HOURS / 2, store=_settled(database_urls), look=look).wrong == []


def _settled(urls: Any) -> Any:
    def store(
        plan: Plan, clock: Callable[[], datetime], new_id: Callable[[], UUID]
    ) -> tuple[Database, Numbers]:  # fmt: skip
        database = Database(urls.app, urls.routing, pool_size=2, clock=clock, new_id=new_id)
        cast = settle(database)
        with database.begin(Scope.nothing()) as session:
            changed(session)
            session.execute(update(Queue).values(calls_back=plan.calls_back > 0))
        return database, Numbers(cast.contract, EMPOLI_LINE, (cast.anna, cast.luca, cast.marta))

    return store
