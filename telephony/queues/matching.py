"""Matching callers and agents, each time in a transaction of its own under the routing domain's lock.

Two facts that commit in the same instant cannot see each other's rows; whoever matches second can see both.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import structlog
from prometheus_client import Counter
from sqlalchemy import ARRAY, BigInteger, Text, and_, any_, bindparam, func, select
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Database, Scope, signal, table_of
from crm.core.errors import ConflictError
from telephony.agents.models import AgentPresence, AgentState
from telephony.calls import service as calls
from telephony.calls.lifecycle import AgentClaimed
from telephony.calls.service import Heard
from telephony.queues import queries
from telephony.queues.events import MatchDue
from telephony.queues.models import EntryState, Queue, QueueEntry, QueueMember
from telephony.queues.routing import Assignment, Desk, FreeAgent, Waiting, match

log = structlog.get_logger(__name__)
MAX_ROUNDS = 3  # somebody was faster: look again at who is left, a few times
ASSIGNED = Counter("filodiretto_assignments", "Calls given to agents", ["found_by"])

_PRESENCE, _MEMBER = table_of(AgentPresence), table_of(QueueMember)
_QUEUE, _ENTRY = table_of(Queue), table_of(QueueEntry)
_ONE_AT_A_TIME = select(func.pg_advisory_xact_lock(func.hashtext(bindparam("domain", type_=Text))))
_FREE_AGENTS = (
    select(
        _PRESENCE.c.agent_id, _PRESENCE.c.idle_since, func.array_agg(_MEMBER.c.queue_id),
        func.array_agg(_MEMBER.c.level), _PRESENCE.c.not_for, _PRESENCE.c.speaks,
    )
    .join(_MEMBER, _MEMBER.c.agent_id == _PRESENCE.c.agent_id)
    .join(_QUEUE, and_(_QUEUE.c.id == _MEMBER.c.queue_id, _QUEUE.c.contract_id == any_(_PRESENCE.c.answers_for)))
    .where(
        _PRESENCE.c.domain == bindparam("domain"),
        _PRESENCE.c.state == AgentState.READY,
        _PRESENCE.c.device.is_not(None) | _PRESENCE.c.rings_at.is_not(None),
        _PRESENCE.c.live_until > bindparam("now"),
    )
    .group_by(_PRESENCE.c.agent_id)
)  # fmt: skip
_WAITING = select(
    _ENTRY.c.call_id, _ENTRY.c.queue_id, _ENTRY.c.priority, _ENTRY.c.entered_at, _ENTRY.c.ente_id, _ENTRY.c.language,
    _ENTRY.c.knows, _ENTRY.c.meant_for,
).where(_ENTRY.c.domain == bindparam("domain"), _ENTRY.c.state == EntryState.WAITING)  # fmt: skip
_IN_SERVICE = select(_PRESENCE.c.agent_id).where(
    _PRESENCE.c.agent_id == any_(bindparam("agents", type_=ARRAY(BigInteger))),
    _PRESENCE.c.state.not_in([AgentState.OFFLINE, AgentState.PAUSED]),
    _PRESENCE.c.live_until > bindparam("now"),
)


@dataclass(frozen=True, slots=True)
class Assigned:
    """A call given to an agent, and the leg that will ring him."""

    call_id: UUID
    agent_id: int
    leg_id: UUID


def assign(session: Session, domain: str, *, new_leg: Callable[[], UUID] = uuid4) -> list[Assigned]:
    """Give waiting calls to free agents. The session must be cross-ente (`Scope.across_enti`).

    Nobody waits and nobody is locked out: whoever commits a call from here on asks for a match of his own.
    """
    if not _waiting(session, domain):
        return []
    session.execute(_ONE_AT_A_TIME, {"domain": f"match:{domain}"})
    made: list[Assigned] = []
    for _ in range(MAX_ROUNDS):
        free = _free_agents(session, domain)
        wanted = _matched(session, domain, free) if free else []
        if not wanted:
            break
        done = [_give(session, assignment, new_leg()) for assignment in wanted]
        made += [one for one in done if one is not None]
        if None not in done:
            break
    return made


def widened(session: Session, *, call_id: UUID) -> None:
    """More agents may answer a call than before, if it still waits."""
    waiting = select(_ENTRY.c.domain).where(_ENTRY.c.call_id == call_id, _ENTRY.c.state == EntryState.WAITING)
    if (domain := session.scalar(waiting)) is not None:
        signal(session, MatchDue(domain))


def _matched(session: Session, domain: str, free: list[FreeAgent]) -> list[Assignment]:
    waiting = _waiting(session, domain)
    known = sorted({call.knows for call in waiting if call.knows is not None})
    now = clock.now(session)
    there = session.scalars(_IN_SERVICE, {"agents": known, "now": now}) if known else ()
    return match(waiting, free, Desk(now, queries.rules(session, domain), frozenset(there)))


def _give(session: Session, assignment: Assignment, leg_id: UUID) -> Assigned | None:
    """Give one call to one agent; none when either was faster: the caller gone, the agent on a pause."""
    event = AgentClaimed(clock.now(session), leg_id, assignment.agent_id)
    try:
        with structlog.contextvars.bound_contextvars(call=str(assignment.call_id)), session.begin_nested():
            step = calls.apply(session, assignment.call_id, event, Heard(key=f"claimed:{leg_id}", at=event.at))
    except ConflictError:
        return None
    if step is None or step.state.leg_id != leg_id:
        return None
    return Assigned(assignment.call_id, assignment.agent_id, leg_id)


def domains_with_callers(session: Session, *, for_longer_than: timedelta) -> list[str]:
    """The routing domains in which somebody has waited for longer than a match by event takes."""
    return list(
        session.execute(
            select(QueueEntry.domain)
            .distinct()
            .where(QueueEntry.state == EntryState.WAITING, QueueEntry.entered_at < clock.now(session) - for_longer_than)
        ).scalars()
    )


class Matcher:
    """Runs a match soon after it is asked for, one at a time per process; a second ask meanwhile is one ask."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="match")
        self._asked: set[str] = set()
        self._lock = threading.Lock()

    def ask(self, due: Iterable[MatchDue]) -> None:
        """Match these domains as soon as possible, off the asker's thread."""
        for domain in {one.domain for one in due}:
            with self._lock:
                if domain in self._asked:
                    continue
                self._asked.add(domain)
            self._pool.submit(self._run, domain)

    def match_now(self, domain: str, *, found_by: str) -> list[Assigned]:
        """Match this domain on this thread."""
        made = self._database.transact(Scope.across_enti(), lambda session: assign(session, domain))
        for one in made:
            log.info("call_assigned", call=str(one.call_id), agent=one.agent_id, leg=str(one.leg_id), found_by=found_by)
        if made:
            ASSIGNED.labels(found_by).inc(len(made))
        return made

    def close(self) -> None:
        """Finish the match in hand, then stop."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, domain: str) -> None:
        with self._lock:
            self._asked.discard(domain)  # whoever commits from here on asks again
        try:
            self.match_now(domain, found_by="event")
        except Exception:
            log.exception("match_failed", domain=domain)


def _free_agents(session: Session, domain: str) -> list[FreeAgent]:
    """Who can take a call now, and of which queues: those that he is member of and may answer (`agents.attend`)."""
    rows = session.execute(_FREE_AGENTS, {"domain": domain, "now": clock.now(session)})
    return [
        FreeAgent(agent_id, idle, dict(zip(queues, levels, strict=True)), frozenset(no), frozenset(speaks))
        for agent_id, idle, queues, levels, no, speaks in rows
    ]


def _waiting(session: Session, domain: str) -> list[Waiting]:
    return [Waiting(*row) for row in session.execute(_WAITING, {"domain": domain})]
