"""Carrying out what is owed to the carrier: no transaction is open while the carrier is asked.

Ending and redirecting may be repeated. Ringing creates something, so a ring without an answer becomes *unknown*
and the carrier is asked whether it exists; it is never repeated.
"""

import contextlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import structlog
from prometheus_client import Histogram
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Database, Scope
from telephony.calls import service as calls
from telephony.calls.addresses import Addresses, agent_identity, conference_name
from telephony.calls.lifecycle import CitizenMissed, LegEnd, LegEnded, RingRefused
from telephony.calls.models import LegState
from telephony.calls.service import Heard
from telephony.carriers.port import Carrier, CarrierError, Ring
from telephony.commands.events import CommandWritten
from telephony.commands.jobs import Job
from telephony.commands.models import CommandKind, CommandState
from telephony.commands.service import WRITER_LEASE, order
from telephony.floor.current import floor

log = structlog.get_logger(__name__)
LEFT_AFTER = Histogram(
    "filodiretto_command_delay_seconds", "From a command's commit to its departure", ["kind"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)  # fmt: skip

RETRY_AFTER = timedelta(seconds=2)
MAX_ATTEMPTS = 5
CITIZEN_RINGS_S = 25  # so long is waited for somebody who is called back
CREATES = frozenset({CommandKind.RING_AGENT, CommandKind.CALL_BACK})
SETTLE = timedelta(seconds=3)  # how long an unknown ring may take to show itself at the carrier


class Dispatcher:
    """Carries out commands in an executor of its own, so that a slow carrier cannot eat the request threads."""

    def __init__(self, database: Database, carrier: Carrier, addresses: Addresses, *, threads: int = 16) -> None:
        self._database = database
        self._carrier = carrier
        self._addresses = addresses
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="carrier")

    def send(self, written: Iterable[CommandWritten]) -> None:
        """Carry out commands that were just committed."""
        for one in written:
            self._pool.submit(self._safely, one.command_id, one.call_id)

    def sweep(self, limit: int = 50) -> int:
        """Take over commands whose lease has run out: their process died, or their retry is due."""
        due = self.take_over(limit)
        futures = [self._pool.submit(self._safely, command_id, call_id) for command_id, call_id in due]
        for future in futures:
            future.result()
        return len(due)

    def take_over(self, limit: int = 50) -> list[tuple[int, UUID]]:
        """Lease such commands; with their calls."""
        return self._database.transact(Scope.across_enti(), lambda session: _take_over(session, limit))

    def close(self) -> None:
        """Begin nothing more. What was being told to the carrier is settled by whoever takes it over."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _safely(self, command_id: int, call_id: UUID) -> None:
        with structlog.contextvars.bound_contextvars(call=str(call_id)):
            try:
                self.carry_out(command_id)
            except Exception:
                log.exception("command_failed", command=command_id)  # its lease runs out; the engine takes over

    def carry_out(self, command_id: int) -> None:
        """Carry out one command and write down what became of it."""
        job = self._database.transact(Scope.across_enti(), lambda session: _load(session, command_id))
        if job is not None:
            self._carry_out(job)

    def _carry_out(self, job: Job) -> None:
        if job.is_moot:
            log.info("command_moot", kind=job.kind.value)
            self._settle(job, CommandState.DONE)
        elif job.kind in CREATES:
            self._ring(job)
        else:
            self._repeatable(job)

    def _repeatable(self, job: Job) -> None:
        try:
            self._tell(job)
        except CarrierError as error:
            if error.gone:
                self._settle(job, CommandState.DONE)
            elif error.permanent or job.attempts + 1 >= MAX_ATTEMPTS:
                log.error("carrier_refused", kind=job.kind.value, error=str(error), code=error.code)
                if job.kind is CommandKind.SURVEY:  # he is alone in the conference: nobody else would end it
                    with contextlib.suppress(CarrierError):
                        self._carrier.end(job.caller_sid)
                self._settle(job, CommandState.FAILED, error=str(error))
            else:
                log.warning("command_owed_again", kind=job.kind.value, error=str(error), attempt=job.attempts + 1)
                self._settle(job, CommandState.OWED, error=str(error), wait=RETRY_AFTER)
        else:
            log.info("command_carried_out", kind=job.kind.value)
            self._settle(job, CommandState.DONE)

    def _tell(self, job: Job) -> None:
        match job.kind:
            case CommandKind.CONNECT_CALLER | CommandKind.REQUEUE_CALLER:
                self._carrier.redirect(job.caller_sid, self._addresses.resume(job.contract_id, job.call_id))
            case CommandKind.SURVEY:
                self._carrier.redirect(job.caller_sid, self._addresses.survey(job.contract_id, job.call_id))
            case CommandKind.END_CALLER:
                self._carrier.end(job.caller_sid)
            case CommandKind.END_LEG:
                assert job.leg_sid is not None
                self._carrier.end(job.leg_sid)
            case CommandKind.RING_AGENT | CommandKind.CALL_BACK:
                raise AssertionError("a ring is not repeatable")

    # -- ringing --------------------------------------------------------------------------------------------

    def _ring(self, job: Job) -> None:
        ring = self._ring_of(job)
        if job.may_have_been_sent:
            self._reconcile(job, ring)
            return
        try:
            LEFT_AFTER.labels(job.kind.value).observe((job.read_at - job.created_at).total_seconds())
            sid = self._carrier.ring(ring)
        except CarrierError as error:
            if error.unknown:
                log.warning("ring_unknown", leg=str(job.leg_id))
                self._settle(job, CommandState.UNKNOWN, error=str(error), wait=SETTLE)
            else:
                self._refused(job, error)
        else:
            self._rung(job, sid)

    def _reconcile(self, job: Job, ring: Ring) -> None:
        """Nobody answered for this ring, or whoever sent it died: ask the carrier whether it exists."""
        try:
            sid = (job.leg_sid if job.kind is CommandKind.RING_AGENT else None) or self._carrier.find_ring(ring)
        except CarrierError as error:
            if job.attempts + 1 >= MAX_ATTEMPTS:
                self._refused(job, error)
            else:
                self._settle(job, CommandState.UNKNOWN, error=str(error), wait=RETRY_AFTER)
            return
        if sid is None:
            self._refused(job, CarrierError("La chiamata non è mai partita.", permanent=True))
        else:
            log.info("ring_found", leg=str(job.leg_id))
            self._rung(job, sid)

    def _rung(self, job: Job, sid: str) -> None:
        log.info("command_carried_out", kind=job.kind.value, leg=str(job.leg_id))
        if job.kind is CommandKind.CALL_BACK:
            self._called(job, sid)
            return

        def work(session: Session) -> None:
            assert job.leg_id is not None
            leg = floor(session).name_leg(job.leg_id, sid)
            _settle(session, job.id, CommandState.DONE)
            if leg is LegState.ENDED:  # the caller gave up while the ring was on its way
                order(session, kind=CommandKind.END_LEG, call_id=job.call_id, leg_id=job.leg_id)

        self._database.transact(Scope.across_enti(), work)

    def _called(self, job: Job, sid: str) -> None:
        """A citizen's telephone rings; for nothing, if his operator has gone meanwhile."""
        leg_id = job.leg_id
        assert leg_id is not None

        def work(session: Session) -> bool:
            wanted = calls.on_line(session, job.call_id, leg_id, sid)
            _settle(session, job.id, CommandState.DONE if wanted else CommandState.UNKNOWN)
            return wanted

        if self._database.transact(Scope.of_contract(job.contract_id), work):
            return
        try:
            self._carrier.end(sid)
        except CarrierError as error:  # it is found again, and ended then
            log.warning("command_owed_again", kind=job.kind.value, error=str(error))
        else:
            self._settle(job, CommandState.DONE)

    def _refused(self, job: Job, error: CarrierError) -> None:
        log.error("ring_refused", leg=str(job.leg_id), error=str(error), code=error.code)
        leg_id = job.leg_id
        assert leg_id is not None

        def work(session: Session) -> None:
            at = clock.now(session)
            refused = RingRefused if job.kind is CommandKind.RING_AGENT else CitizenMissed
            calls.apply(session, job.call_id, refused(at, leg_id), Heard(f"refused:{job.kind.value}:{leg_id}", at))
            _settle(session, job.id, CommandState.FAILED, error=str(error))

        self._database.transact(Scope.of_contract(job.contract_id), work)

    def _ring_of(self, job: Job) -> Ring:
        assert job.leg_id is not None
        assert job.agent_id is not None
        if job.kind is CommandKind.CALL_BACK:
            return Ring(
                leg_id=job.leg_id, conference=conference_name(job.leg_id), agent="", number=job.number,
                caller_id=job.line, timeout_s=CITIZEN_RINGS_S,
                status_url=self._addresses.citizen(job.contract_id, job.call_id, job.leg_id),
                conference_url=self._addresses.conference(job.contract_id, job.call_id, job.leg_id),
            )  # fmt: skip
        return Ring(
            leg_id=job.leg_id, conference=conference_name(job.leg_id), agent=agent_identity(job.agent_id),
            caller_id=job.line, timeout_s=job.ring_timeout_s or 20,
            status_url=self._addresses.leg(job.contract_id, job.call_id, job.leg_id),
            conference_url=self._addresses.conference(job.contract_id, job.call_id, job.leg_id),
        )  # fmt: skip

    def _settle(
        self, job: Job, state: CommandState, *, error: str | None = None, wait: timedelta = timedelta()
    ) -> None:
        self._database.transact(
            Scope.across_enti(), lambda session: _settle(session, job.id, state, error=error, wait=wait)
        )


def ring_timed_out(session: Session, *, call_id: UUID, leg_id: UUID) -> None:
    """Our own timer says that this agent has not answered, whatever the carrier says or does not say."""
    at = clock.now(session)
    calls.apply(session, call_id, LegEnded(at, leg_id, LegEnd.TIMED_OUT), Heard(f"timeout:{leg_id}", at))


def _take_over(session: Session, limit: int) -> list[tuple[int, UUID]]:
    at = clock.now(session)
    return floor(session).take_over(at, lease_until=at + WRITER_LEASE, limit=limit)


def _settle(
    session: Session, command_id: int, state: CommandState, *, error: str | None = None,
    wait: timedelta = timedelta(),
) -> None:  # fmt: skip
    floor(session).settle(command_id, state, error=error, lease_until=clock.now(session) + wait)


def _load(session: Session, command_id: int) -> Job | None:
    return floor(session).load(command_id, clock.now(session))
