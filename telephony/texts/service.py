"""What happens to a thread: locked, logged once, folded through the pure life cycle, written back."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from crm.core import clock, topics
from crm.core.db import signal, table_of, touch
from telephony.agents.models import AgentState
from telephony.floor.current import floor
from telephony.queues import queries as queues
from telephony.queues.events import MatchDue
from telephony.texts import lifecycle, settings
from telephony.texts.lifecycle import REOPENED_WITHIN, WITH_AGENT, AgentGone, Event, LiveThread, Patience, Thread
from telephony.texts.models import Closed, TextEvent, TextMessage, TextReading, TextThread, ThreadState

_NOBODY_ASKS = Patience(settings.OFFER_S, 900, 8 * 3600)  # where a contract has stopped holding conversations
_TABLES = tuple(table_of(model) for model in (TextThread, TextMessage, TextEvent, TextReading))


def begin(session: Session, thread_id: UUID, **values: object) -> bool:
    """A number writes that has no thread: it waits. False when another one was faster."""
    if not floor(session).add_thread(id=thread_id, **values):
        return False
    live = floor(session).lock_thread(thread_id)
    assert live is not None
    floor(session).log_thread(live, key="begun", kind="Begun", detail={}, at=live.thread.wrote_at)
    _plan(session, live, live.thread)
    _announce(session, live, None, live.thread)
    return True


def apply(
    session: Session, thread_id: UUID, event: Event, *, key: str, detail: Mapping[str, str] | None = None
) -> LiveThread | None:  # fmt: skip
    """Fold one event into a thread; the thread as it is then. The same key once. None: there is no such thread."""
    live = floor(session).lock_thread(thread_id)
    if live is None:
        return None
    after = lifecycle.advance(live.thread, event)
    said = {**(detail or {}), **_agent_of(event)}
    kind = type(event).__name__
    if not floor(session).log_thread(live, key=key, kind=kind, detail=said, at=event.at) or after == live.thread:
        return live
    changed = {
        one.name: _stored(getattr(after, one.name))
        for one in fields(Thread)
        if getattr(after, one.name) != getattr(live.thread, one.name)
    }
    lost = live.thread.state in WITH_AGENT and (after.agent_id != live.thread.agent_id)
    if lost or (live.thread.state is ThreadState.CLOSED):  # whoever goes on establishes anew with whom he writes
        changed["identified_at"] = None
    floor(session).write_thread(thread_id, **changed)
    if lost or after.state is ThreadState.CLOSED:
        floor(session).close_file(thread_id)
    _plan(session, live, after)
    told = after.state not in {live.thread.state, ThreadState.OFFERED}  # offered in a match, which sees no timeline
    if live.contact_id is not None and told:
        floor(session).tell_thread(thread_id)
    _announce(session, live, live.thread, after)
    return floor(session).lock_thread(thread_id)


def fire(session: Session, thread_id: UUID) -> None:
    """It is time for something to happen by itself."""
    live = floor(session).lock_thread(thread_id)
    if live is None:
        return
    at = clock.now(session)
    event = _gone(session, live, at) or lifecycle.happens(live.thread, _patience(session, live), at)
    if event is not None:
        apply(session, thread_id, event, key=f"{type(event).__name__}:{at.isoformat()}")
        return
    _plan(session, live, live.thread)
    if live.thread.state is ThreadState.WAITING:
        signal(session, MatchDue(live.thread.domain))


def goes_on(live: LiveThread, at: datetime) -> bool:
    """Whether what is written now belongs to this thread, though it may be closed."""
    now = live.thread
    if now.closed_at is None:
        return True
    return now.closed is not Closed.FULL and at - now.closed_at < REOPENED_WITHIN


def attribute(session: Session, live: LiveThread, ente_id: int | None) -> None:
    """It is about this ente, or about none that is known: so is what was written, and the log."""
    if live.ente_id == ente_id:
        return
    thread, *parts = _TABLES
    for table in parts:
        session.execute(update(table).where(table.c.thread_id == live.id).values(ente_id=ente_id))
    forgets = {"contact_id": None, "proposed_by": None}  # a contact belongs to one ente
    session.execute(update(thread).where(thread.c.id == live.id).values(ente_id=ente_id, **forgets))


def note(session: Session, live: LiveThread, kind: str, *, key: str, detail: Mapping[str, str]) -> None:
    """Append to a thread's log what changes nothing of its state."""
    floor(session).log_thread(live, key=key, kind=kind, detail=detail, at=clock.now(session))


def _plan(session: Session, live: LiveThread, after: Thread) -> None:
    """Write when something next happens by itself."""
    rules = queues.queue(session, after.queue_id).rules
    widenings = rules.widenings(live.language, known=after.knows is not None)
    at = clock.now(session)
    due_at = lifecycle.due(after, _patience(session, live), widenings, at)
    floor(session).write_thread(live.id, due_at=due_at)


def _gone(session: Session, live: LiveThread, at: datetime) -> Event | None:
    """That whoever has the thread is out of service, if he is."""
    if live.thread.agent_id is None or live.thread.state not in {ThreadState.OFFERED, ThreadState.OPEN}:
        return None
    found = floor(session).lock_agent(live.thread.agent_id)
    out = found is None or found[0].state is AgentState.OFFLINE
    return AgentGone(at, live.thread.agent_id) if out else None


def _patience(session: Session, live: LiveThread) -> Patience:
    wanted = settings.of_contract(session, live.contract_id)
    return wanted.patience if wanted is not None else _NOBODY_ASKS


def _announce(session: Session, live: LiveThread, before: Thread | None, after: Thread) -> None:
    touch(session, topics.board(live.contract_id))
    for agent_id in {one.agent_id for one in (before, after) if one is not None and one.agent_id is not None}:
        touch(session, topics.agent(agent_id))
    waits = after.state is ThreadState.WAITING and after != before
    busy = {ThreadState.OFFERED, ThreadState.OPEN}
    frees = before is not None and before.state in busy and after.state not in busy
    if waits or frees:  # who is free for one more is given one at once
        signal(session, MatchDue(after.domain))


def _stored(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _agent_of(event: Event) -> dict[str, str]:
    agent_id = getattr(event, "agent_id", None)
    return {} if agent_id is None else {"agent": str(agent_id)}
