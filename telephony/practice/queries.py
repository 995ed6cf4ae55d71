"""Reading one's own practice."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from telephony.agents.models import AgentPresence
from telephony.practice.course import Course, Step, course_of
from telephony.practice.debrief import Written
from telephony.practice.models import PracticeDebrief, PracticeSession
from telephony.practice.stories import STORIES
from telephony.practice.story import Check, Deed, StoryKey
from telephony.queues.models import Queue, QueueMember


@dataclass(frozen=True, slots=True)
class Practice:
    """Somebody's practice as it is now; without a call before the first one."""

    since: datetime
    row: PracticeSession
    course: Course | None
    written: Written


@dataclass(frozen=True, slots=True)
class Kept:
    """How often a story was finished, and what is to be looked at again since the last time."""

    times: int
    last: datetime
    again: tuple[Check, ...]


def current(session: Session, agent_id: int) -> Practice | None:
    """What an agent practises now, if he does."""
    found = session.execute(
        select(AgentPresence.practising_since, PracticeSession)
        .join(PracticeSession, PracticeSession.agent_id == AgentPresence.agent_id)
        .where(AgentPresence.agent_id == agent_id, AgentPresence.practising_since.is_not(None))
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        return None
    since, row = found
    assert since is not None
    return Practice(since, row, course(row), Written(row.topic, row.disposition, row.note))


def course(row: PracticeSession) -> Course | None:
    """The call of a practice, from what was done in it."""
    if row.story is None or row.rang_at is None:
        return None
    steps = (Step(datetime.fromisoformat(one["at"]), Deed(one["deed"]), one["what"]) for one in row.steps)
    return course_of(STORIES[row.story], row.rang_at, steps)


def kept(session: Session, agent_id: int) -> Mapping[StoryKey, Kept]:
    """What is kept of the stories that an agent has finished."""
    rows = session.execute(
        select(PracticeDebrief).where(PracticeDebrief.agent_id == agent_id).order_by(PracticeDebrief.at)
    ).scalars()
    found: dict[StoryKey, Kept] = {}
    for row in rows:
        again = tuple(Check(name) for name, well in row.findings.items() if not well and name in set(Check))
        before = found.get(row.story)
        found[row.story] = Kept(before.times + 1 if before else 1, row.at, again)
    return found


def next_story(done: Mapping[StoryKey, Kept]) -> StoryKey:
    """The first one that was not finished yet; then the one that is longest ago."""
    fresh = next((one for one in STORIES if one not in done), None)
    return fresh or min(done, key=lambda one: done[one].last)


def practising(session: Session, contract_ids: frozenset[int]) -> int:
    """How many of the agents of these contracts' queues practise now."""
    members = (
        select(QueueMember.agent_id)
        .join(Queue, Queue.id == QueueMember.queue_id)
        .where(Queue.contract_id.in_(contract_ids))
    )
    return session.execute(
        select(func.count()).where(AgentPresence.agent_id.in_(members), AgentPresence.practising_since.is_not(None))
    ).scalar_one()
