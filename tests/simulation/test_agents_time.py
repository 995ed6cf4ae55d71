"""Two books about the same hour: where agents' time went, by the facts about them, and what calls took, by theirs."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from telephony.agents.models import Activity
from telephony.agents.presence import Stated
from telephony.agents.times import Times, by_quarter, durations
from telephony.floor.memory import MemoryDatabase
from web.simulation.course import START, Course
from web.simulation.plan import EVERYTHING, Plan
from web.simulation.report import silence

APART_MS = 200  # for each call: the word of it is on its way for as long


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with silence():
        yield


def kept(course: Course) -> dict[int, dict[str, Any]]:
    """The facts about agents, those included that the memory will have let go by the end."""
    assert isinstance(course.database, MemoryDatabase)
    return dict(course.database.floor.agent_facts.rows)


def played(course: Course, seconds: float) -> dict[int, list[Stated]]:
    """The facts of each agent, once it is over."""
    facts: dict[int, dict[str, Any]] = {}
    course.clockwork.every(60, lambda: facts.update(kept(course)))
    outcome = course.play(seconds)
    facts.update(kept(course))
    course.close()
    assert outcome.wrong == []
    told: dict[int, list[Stated]] = {}
    for _, row in sorted(facts.items()):
        told.setdefault(row["agent_id"], []).append(Stated(row["at"], row["activity"]))
    return told


def test_an_hour_of_calls_is_as_long_for_the_agents_as_for_the_calls() -> None:
    """Metric: occupancy. Talk, hold and wrap-up by both books, within what the carrier's word takes."""
    course = Course("hour", Plan(agents=6, calls_per_hour=120, talk_s=90, notes_s=20, holds=0.5))
    told = played(course, 3600)
    end = course.clockwork.now()
    spent = [durations(his, START, end) for his in told.values()]
    assert {sum(his.values()) for his in spent} == {int((end - START).total_seconds() * 1000)}
    counts = course.outcome.totals.counts
    apart = APART_MS * counts.handled
    for activity, ms in (
        (Activity.TALKING, counts.talk_ms), (Activity.HOLDING, counts.hold_ms), (Activity.WRAP_UP, counts.wrap_up_ms),
    ):  # fmt: skip
        assert abs(sum(his[activity] for his in spent) - ms) <= apart
        assert ms > 10 * apart
    quarters = [sum(by_quarter(his, START, end).values(), Times()) for his in told.values()]
    assert sum(one.busy_ms for one in quarters) == sum(
        his[one] for his in spent for one in (Activity.TALKING, Activity.HOLDING, Activity.WRAP_UP)
    )


def test_whatever_goes_wrong_the_facts_of_an_agent_go_forward_and_each_says_something_new() -> None:
    for seed in ("a", "b", "c"):
        plan = Plan(
            agents=4, calls_per_hour=200, talk_s=40, notes_s=15, holds=0.3, passes=0.2, consults=0.3, faults=EVERYTHING
        )
        told = played(Course(seed, plan), 900)
        for his in told.values():
            assert [one.at for one in his] == sorted(one.at for one in his)
            assert all(one.activity is not other.activity for one, other in pairwise(his))
