"""The contact centre's clock: timers, commands left behind by a crash, silent consoles, lost callbacks, counters.

Everything is claimed row by row, so two engines do no harm; one leads, by a lock that PostgreSQL frees when its
connection dies, and another takes over within a tick.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from crm.audit import sealing
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.heartbeats import LEADS, WAITS, Pulse
from crm.enti.models import Contract
from crm.levels import contract_events, folding
from crm.levels.metering import hour_of
from telephony.agents import service as agents
from telephony.agents import tally
from telephony.callbacks import service as callbacks
from telephony.calls import conversation
from telephony.calls.reconciliation import Reconciler
from telephony.calls.service import lock_call, waited_too_long
from telephony.commands.dispatcher import Dispatcher, ring_timed_out
from telephony.commands.models import TimerKind
from telephony.floor.current import floor
from telephony.queues.matching import Matcher, domains_with_callers, widened
from telephony.recording import pausing
from telephony.texts import service as texts

log = structlog.get_logger(__name__)
CAUGHT = Counter("filodiretto_sweep_caught", "What a sweep had to catch; expected to stay at zero", ["what"])

TICK_S = 0.2
PATIENCE_S = 600  # a patient chore that takes longer will never end: the carrier's own time-outs are of seconds
OVERLOOKED = timedelta(seconds=1)
LOOKED_BACK = timedelta(hours=24)  # by an engine that has just begun to lead
SILENCE = timedelta(seconds=10)  # past an agent's lease, before he is put out of service
_LEADER = func.hashtext("filodiretto:engine")


@dataclass(frozen=True, slots=True)
class Chore:
    """Something done again every `every_s` seconds.

    One that may take its time, as a carrier does, is `patient`: it runs beside the others.
    """

    name: str
    every_s: float
    do: Callable[[], object]
    patient: bool = False


class Engine:
    """Runs the chores while it leads. It leaves a sign of life at each turn, unless a chore holds it up."""

    def __init__(
        self,
        database: Database,
        matcher: Matcher,
        dispatcher: Dispatcher,
        reconciler: Reconciler,
        *more: Chore,
    ) -> None:
        self._database = database
        self._matcher = matcher
        self._connection: Connection | None = None
        self._leads = False
        self._stalled = False
        self._judged: dict[int, datetime] = {}  # up to which hour, by contract
        self._beside = ThreadPoolExecutor(max_workers=4, thread_name_prefix="chore")
        self._running: dict[str, tuple[Future[None], float]] = {}
        self._pulse = Pulse(database, "engine")
        self.chores = (
            Chore("timers", TICK_S, self.fire_timers),
            Chore("commands", 0.5, dispatcher.sweep, patient=True),
            Chore("texts", 1, self.fire_threads),
            Chore("match", 2, self.sweep_queues),
            Chore("silent_agents", 2, self.retire_silent),
            Chore("reconcile", 2, reconciler.run, patient=True),
            Chore("fold", 5, self.fold_counters),
            Chore("agents_time", 60, self.tally_agents, patient=True),
            Chore("agents_time_kept", 3600, self.forget_agents, patient=True),
            Chore("seal", 1, self.seal_audit, patient=True),
            *more,
        )

    def run(self, stop: threading.Event) -> None:
        """Lead, or wait to lead, until told to stop. A database that went away is waited for."""
        due = dict.fromkeys((chore.name for chore in self.chores), 0.0)
        while not stop.wait(TICK_S):
            if self.leads():
                now = time.monotonic()
                for chore in self.chores:
                    if now >= due[chore.name]:
                        due[chore.name] = now + chore.every_s
                        self._begin(chore)
            self._beat()
        self._beside.shutdown(wait=False, cancel_futures=True)
        self.resign()
        self._pulse.stop()

    def leads(self) -> bool:
        """Whether this engine holds the leader's lock, trying to take it if not."""
        try:
            if self._connection is None:
                self._connection = self._database.routing_engine.connect()
                self._connection.execution_options(isolation_level="AUTOCOMMIT")
            if self._leads:
                self._connection.execute(text("SELECT 1"))
            elif self._connection.execute(select(func.pg_try_advisory_lock(_LEADER))).scalar_one():
                self._leads = True
                log.info("engine_leads")
        except SQLAlchemyError:
            log.warning("engine_lost_database")
            self.resign()
        return self._leads

    def resign(self) -> None:
        """Let another engine lead: the lock goes with the connection."""
        connection, self._connection, self._leads = self._connection, None, False
        if connection is not None:
            connection.invalidate()
            connection.close()

    def fire_timers(self) -> int:
        """Do what is due; a timer's row goes in the same transaction as its effect."""
        with self._database.begin(Scope.across_enti()) as session:
            due = floor(session).due_timers(clock.now(session), limit=200)
        for timer_id, contract_id, call_id in due:
            with structlog.contextvars.bound_contextvars(call=str(call_id)):
                self._fire(timer_id, contract_id, call_id)
        return len(due)

    def _fire(self, timer_id: int, contract_id: int, call_id: UUID) -> None:
        work = partial(_fire, timer_id=timer_id, call_id=call_id)
        try:
            kind = self._database.transact(Scope.of_contract(contract_id), work)
        except Exception:
            log.exception("timer_failed", timer=timer_id)  # the others still fire
        else:
            if kind is not None:
                log.info("timer_fired", kind=kind.value)

    def fire_threads(self) -> int:
        """Do what is due with conversations by SMS: an offer that ran out, a citizen who has long been silent."""
        with self._database.begin(Scope.across_enti()) as session:
            due = floor(session).due_threads(clock.now(session), limit=200)
        for thread_id, contract_id in due:
            with structlog.contextvars.bound_contextvars(thread=str(thread_id)):
                try:
                    self._database.transact(Scope.of_contract(contract_id), partial(texts.fire, thread_id=thread_id))
                except Exception:
                    log.exception("thread_failed")  # the others still fire
        return len(due)

    def sweep_queues(self) -> int:
        """The safety net under matching by event: it counts what it catches."""
        with self._database.begin(Scope.across_enti()) as session:
            domains = domains_with_callers(session, for_longer_than=OVERLOOKED)
        caught = sum(len(self._matcher.match_now(domain, found_by="sweep")) for domain in domains)
        if caught:
            CAUGHT.labels("assignment").inc(caught)
            log.warning("sweep_caught", assignments=caught)
        return caught

    def retire_silent(self) -> None:
        """Agents whose console fell silent are shown as such."""
        self._database.transact(Scope.across_enti(), lambda session: agents.retire_silent(session, after=SILENCE))

    def fold_counters(self) -> None:
        """Fold each contract's deltas into its counters, in its scope, and judge the hours that are over."""
        with self._database.begin(Scope.nothing()) as session:
            contracts = list(session.execute(select(Contract.id)).scalars())
            hour = hour_of(clock.now(session))
        for contract_id in contracts:
            judged = self._judged.get(contract_id, hour - LOOKED_BACK)
            self._database.transact(
                Scope.of_contract(contract_id), partial(_fold, contract_id=contract_id, since=judged, until=hour)
            )
            self._judged[contract_id] = hour

    def tally_agents(self) -> int:
        """Sum up where the agents' quarter hours went."""
        return self._database.transact(Scope.nothing(), tally.tally)

    def forget_agents(self) -> int:
        """Let go of facts about agents that were kept for long enough."""
        return self._database.transact(Scope.nothing(), tally.forget)

    def seal_audit(self) -> None:
        """Seal the audit's entries of the last second, chain by chain."""
        sealing.seal_pending(self._database)

    def _beat(self) -> None:
        """This turn is done. While a chore beside it does not end, that is no sign of life: it is not done again."""
        stuck = self._stuck()
        if not stuck:
            self._pulse.beat(LEADS if self._leads else WAITS)
        elif not self._stalled:
            log.error("chores_stalled", chores=stuck)
        self._stalled = bool(stuck)

    def _stuck(self) -> list[str]:
        since = time.monotonic() - PATIENCE_S
        return [name for name, (running, begun) in self._running.items() if begun < since and not running.done()]

    def _begin(self, chore: Chore) -> None:
        if not chore.patient:
            self._do(chore)
            return
        running = self._running.get(chore.name)
        if running is None or running[0].done():
            self._running[chore.name] = (self._beside.submit(self._do, chore), time.monotonic())

    def _do(self, chore: Chore) -> None:
        try:
            chore.do()
        except Exception:
            log.exception("chore_failed", chore=chore.name)


def _fold(session: Session, *, contract_id: int, since: datetime, until: datetime) -> None:
    """Fold; then judge the hours that ended since, and recent ones that something has just been learnt about.

    Not those of long ago: another system's imported calls are nobody's news.
    """
    hours = folding.fold(session)
    while since < until:
        hours.add(since)
        since += clock.HOUR
    contract_events.judge_hours(session, contract_id, {one for one in hours if one >= until - LOOKED_BACK})


def _fire(session: Session, *, timer_id: int, call_id: UUID) -> TimerKind | None:
    """What the timer was for; none when it has no reason any more."""
    lock_call(session, call_id)
    timer = floor(session).take_timer(timer_id)
    if timer is None:
        return None
    match timer.kind:
        case TimerKind.RING if timer.leg_id is not None:
            ring_timed_out(session, call_id=timer.call_id, leg_id=timer.leg_id)
        case TimerKind.WRAP_UP if timer.agent_id is not None:
            conversation.run_out(session, call_id=timer.call_id, agent_id=timer.agent_id)
        case TimerKind.WAIT:
            waited_too_long(session, timer.call_id)
        case TimerKind.CALLBACK:
            callbacks.review(session, timer.call_id)
        case TimerKind.RESUME:
            pausing.run_out(session, timer.call_id)
        case TimerKind.WIDEN:
            widened(session, call_id=timer.call_id)
    return timer.kind
