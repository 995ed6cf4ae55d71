"""What a trainee does in practice. He alone: nothing here takes another's number.

Who practises is out of service, by a constraint of the database: no real call is offered to him meanwhile. Locks are
taken in the order agent, practice.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.core import clock, topics
from crm.core.db import new_id, touch
from crm.core.errors import ConflictError
from telephony.agents import presence
from telephony.agents import service as agents
from telephony.agents.models import AgentPresence
from telephony.calls import conversation
from telephony.practice import queries
from telephony.practice.course import Course, Step, after
from telephony.practice.debrief import Written, debrief
from telephony.practice.models import PracticeDebrief, PracticeSession
from telephony.practice.story import Deed, StoryKey

IDLE = timedelta(minutes=30)  # after which practice that nobody goes on with ends itself
KEPT = timedelta(days=365)
OVER = "Non sei più in prova: ricomincia."


def begin(session: Session, by: Principal) -> None:
    """Go out of service, to practise. Raises `ConflictError` while there is a real call."""
    by.require(Permission.CALLS_ANSWER)
    at = clock.now(session)
    already = agents.change(session, by.user_id, lambda now: presence.practise(now, at)).practising_since != at
    fresh: dict[str, Any] = {
        "touched_at": at, "call_id": None, "story": None, "rang_at": None, "steps": [], "topic": None,
        "disposition": None, "note": "",
    }  # fmt: skip
    row = insert(PracticeSession).values(agent_id=by.user_id, **fresh)
    if already:  # pressed twice, or in another tab: what goes on there goes on
        session.execute(row.on_conflict_do_nothing())
    else:
        session.execute(row.on_conflict_do_update(index_elements=["agent_id"], set_=fresh))


def end(session: Session, by: Principal) -> None:
    """Practise no longer. A call that is not finished is let go, and nothing of it is kept."""
    by.require(Permission.CALLS_ANSWER)
    _end(session, by.user_id)


def ring(session: Session, by: Principal, *, story: StoryKey | None = None) -> None:
    """Be called: by this story's caller, or by the first one that he has not finished yet."""
    row = _practice(session, by)
    if row.call_id is not None and _course(row).saved_at is None:
        raise ConflictError("Hai già una chiamata di prova: finiscila prima.")
    row.story = story or queries.next_story(queries.kept(session, by.user_id))
    row.call_id, row.rang_at, row.steps = new_id(session), clock.now(session), []
    row.topic = row.disposition = None
    row.note = ""
    _touched(session, row)


def act(session: Session, by: Principal, *, call_id: UUID, deed: Deed, what: str = "") -> None:
    """Do one thing in the call. Raises `ConflictError` and `InvalidError` as `course.after` does."""
    _take(session, _of_call(session, by, call_id), deed, what)


def identify(
    session: Session, by: Principal, *, call_id: UUID, person_id: int, right: Collection[str], himself: bool
) -> None:  # fmt: skip
    """The file opens before who answered rightly. Nobody in practice has a mandate of somebody else's."""
    row = _of_call(session, by, call_id)
    if _course(row).proposed != person_id:
        raise ConflictError(conversation.ANOTHER)
    if not himself:
        raise ConflictError("Chi chiama non ha mostrato nessuna delega: il fascicolo resta chiuso.")
    _take(session, row, Deed.IDENTIFY, ",".join(sorted(right)))


def draft(session: Session, by: Principal, *, call_id: UUID, topic: str, disposition: str, note: str) -> None:
    """Keep what is written so far."""
    row = _of_call(session, by, call_id)
    if _course(row).saved_at is not None:  # it comes after the saving, and says nothing new
        return
    if _write(row, topic=topic, disposition=disposition, note=note):
        _touched(session, row)


def save(session: Session, by: Principal, *, call_id: UUID, topic: str, disposition: str, note: str) -> None:
    """The notes are done: how the call went is kept for the trainee. Raises `InvalidError` as in a real call."""
    row = _of_call(session, by, call_id)
    _write(row, topic=topic, disposition=disposition, note=note)
    if not _course(row).over:
        raise ConflictError("La chiamata è ancora in corso.")
    conversation.check_complete(row.topic, row.disposition)
    now = _take(session, row, Deed.SAVE, "")
    told = debrief(now, Written(row.topic, row.disposition, row.note))
    session.add(
        PracticeDebrief(
            agent_id=by.user_id, story=now.story.key, at=clock.now(session), talked_s=int(told.talked.total_seconds()),
            wrote_s=int(told.wrote.total_seconds()), findings={one.value: well for one, well in told.findings.items()},
        )
    )  # fmt: skip
    session.flush()


def forget(session: Session, by: Principal) -> None:
    """The trainee wants nothing kept of how he practised."""
    by.require(Permission.CALLS_ANSWER)
    session.execute(delete(PracticeDebrief).where(PracticeDebrief.agent_id == by.user_id))
    touch(session, topics.agent(by.user_id))


def tidy(session: Session) -> int:
    """End practice that nobody goes on with, let go of what was kept for long enough; how many were ended."""
    at = clock.now(session)
    forgotten = session.scalars(
        select(AgentPresence.agent_id)
        .outerjoin(PracticeSession, PracticeSession.agent_id == AgentPresence.agent_id)
        .where(
            AgentPresence.practising_since < at - IDLE,
            PracticeSession.touched_at.is_(None) | (PracticeSession.touched_at < at - IDLE),
        )
        .order_by(AgentPresence.agent_id)
    ).all()
    for agent_id in forgotten:
        _end(session, agent_id)
    session.execute(delete(PracticeDebrief).where(PracticeDebrief.at < at - KEPT))
    return len(forgotten)


# -- parts ----------------------------------------------------------------------------------------------------


def _end(session: Session, agent_id: int) -> None:
    agents.change(session, agent_id, presence.end_practice)
    session.execute(delete(PracticeSession).where(PracticeSession.agent_id == agent_id))
    touch(session, topics.agent(agent_id))


def _practice(session: Session, by: Principal) -> PracticeSession:
    """His own practice, locked. Raises `ConflictError` when it is over."""
    by.require(Permission.CALLS_ANSWER)
    row = session.execute(
        select(PracticeSession)
        .join(AgentPresence, AgentPresence.agent_id == PracticeSession.agent_id)
        .where(PracticeSession.agent_id == by.user_id, AgentPresence.practising_since.is_not(None))
        .with_for_update(of=PracticeSession)
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if row is None:
        raise ConflictError(OVER)
    return row


def _of_call(session: Session, by: Principal, call_id: UUID) -> PracticeSession:
    row = _practice(session, by)
    if row.call_id != call_id:
        raise ConflictError("Questa chiamata di prova non c'è più.")
    return row


def _take(session: Session, row: PracticeSession, deed: Deed, what: str) -> Course:
    step = Step(clock.now(session), deed, what)
    now = after(_course(row), step)
    row.steps = [*row.steps, {"at": step.at.isoformat(), "deed": deed.value, "what": what}]
    _touched(session, row)
    return now


def _course(row: PracticeSession) -> Course:
    found = queries.course(row)
    assert found is not None
    return found


def _write(row: PracticeSession, *, topic: str, disposition: str, note: str) -> bool:
    """What is written; whether the topic is another, and so its script."""
    values = conversation.written(topic=topic, disposition=disposition, note=note)
    changed = row.topic != values["topic"]
    row.topic, row.disposition, row.note = values["topic"], values["disposition"], note
    return changed


def _touched(session: Session, row: PracticeSession) -> None:
    row.touched_at = clock.now(session)
    session.flush()
    touch(session, topics.agent(row.agent_id))
