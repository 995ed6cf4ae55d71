"""Matching callers and agents, each time in a transaction of its own under the routing domain's lock.

Two facts that commit in the same instant cannot see each other's rows; whoever matches second can see both.
"""

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Database, Scope, new_id, signal
from crm.core.errors import ConflictError
from telephony.calls import service as calls
from telephony.calls.events import AgentClaimed
from telephony.calls.service import Heard
from telephony.commands.readiness import make_all_ready
from telephony.floor.current import floor
from telephony.queues import queries
from telephony.queues.events import MatchDue
from telephony.queues.routing import Assignment, Desk, FreeAgent, match
from telephony.standing.pace import UNPACED, Pace
from telephony.texts import matching as texts

log = structlog.get_logger(__name__)
MAX_ROUNDS = 3  # somebody was faster: look again at who is left, a few times
ASSIGNED = Counter("filodiretto_assignments", "Calls given to agents", ["found_by"])


@dataclass(frozen=True, slots=True)
class Assigned:
    """A call given to an agent, and the leg that will ring him."""

    call_id: UUID
    agent_id: int
    leg_id: UUID


def assign(session: Session, domain: str) -> list[Assigned]:
    """Give waiting calls to free agents, then offer waiting threads. The session must be cross-ente.

    Nobody waits and nobody is locked out: whoever commits a call from here on asks for a match of his own.
    """
    made = _assign_calls(session, domain)
    texts.assign(session, domain)
    return made


def _assign_calls(session: Session, domain: str) -> list[Assigned]:
    if not floor(session).waiting(domain):
        return []
    floor(session).match_alone(domain)
    made: list[Assigned] = []
    for _ in range(MAX_ROUNDS):
        free = floor(session).free_agents(domain, clock.now(session))
        wanted = _matched(session, domain, free) if free else []
        if not wanted:
            break
        done = [_give(session, assignment, new_id(session)) for assignment in wanted]
        made += [one for one in done if one is not None]
        if None not in done:
            break
    return made


def widened(session: Session, *, call_id: UUID) -> None:
    """More agents may answer a call than before, if it still waits."""
    if (domain := floor(session).domain_of_waiting(call_id)) is not None:
        signal(session, MatchDue(domain))


def _matched(session: Session, domain: str, free: list[FreeAgent]) -> list[Assignment]:
    waiting = floor(session).waiting(domain)
    known = {call.knows for call in waiting if call.knows is not None}
    now = clock.now(session)
    there = floor(session).in_service(known, now) if known else frozenset()
    passed = {call.queue_id for call in waiting if call.passed_by is not None}
    serving = floor(session).serving(passed, now) if passed else {}
    return match(waiting, free, Desk(now, queries.rules(session, domain), there, serving))


def _give(session: Session, assignment: Assignment, leg_id: UUID) -> Assigned | None:
    """Give one call to one agent; none when either was faster: the caller gone, the agent on a pause."""
    event = AgentClaimed(clock.now(session), leg_id, assignment.agent_id)
    try:
        with structlog.contextvars.bound_contextvars(call=str(assignment.call_id)), floor(session).attempt():
            step = calls.apply(session, assignment.call_id, event, Heard(key=f"claimed:{leg_id}", at=event.at))
    except ConflictError:
        return None
    if step is None or step.state.leg_id != leg_id:
        return None
    return Assigned(assignment.call_id, assignment.agent_id, leg_id)


def domains_with_callers(session: Session, *, for_longer_than: timedelta) -> list[str]:
    """The routing domains in which somebody has waited for longer than a match by event takes."""
    return floor(session).domains_waiting(since=clock.now(session) - for_longer_than)


class Matcher:
    """Runs a match soon after it is asked for, one at a time per process; a second ask meanwhile is one ask."""

    def __init__(self, database: Database, *, paced: Pace = UNPACED) -> None:
        """`paced`: how fast rings may leave."""
        self._database = database
        self._paced = paced
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

        def work(session: Session) -> list[Assigned]:
            done = assign(session, domain)
            make_all_ready(session, self._paced)
            return done

        made = self._database.transact(Scope.across_enti(), work)
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
