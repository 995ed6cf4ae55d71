"""Carrying out what is owed to the carrier: no transaction is open while the carrier is asked.

Ending and redirecting may be repeated. Ringing creates something, so a ring without an answer becomes *unknown*
and the carrier is asked whether it exists; it is never repeated.
"""

import contextlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import structlog
from prometheus_client import Histogram
from sqlalchemy import DateTime, bindparam, select, update
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Database, Scope, table_of
from telephony.callbacks.models import Callback
from telephony.calls import service as calls
from telephony.calls.addresses import Addresses, agent_identity, conference_name
from telephony.calls.lifecycle import CitizenMissed, LegEnd, LegEnded, RingRefused
from telephony.calls.models import AgentLeg, Call, LegState, Phase
from telephony.calls.service import Heard
from telephony.carriers.port import Carrier, CarrierError, Ring
from telephony.commands.events import CommandWritten
from telephony.commands.models import CarrierCommand, CommandKind, CommandState
from telephony.commands.service import WRITER_LEASE, order
from telephony.queues.models import Queue

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

_COMMAND, _CALL = table_of(CarrierCommand), table_of(Call)
_LEG, _QUEUE, _CALLBACK = table_of(AgentLeg), table_of(Queue), table_of(Callback)
_LOAD = (
    select(
        _COMMAND.c.id, _COMMAND.c.kind, _COMMAND.c.state, _COMMAND.c.attempts, _COMMAND.c.created_at,
        bindparam("now", type_=DateTime(timezone=True)), _COMMAND.c.call_id, _CALL.c.contract_id, _CALL.c.line,
        _CALL.c.carrier_sid, _CALL.c.phase, _CALL.c.leg_id, _COMMAND.c.leg_id, _LEG.c.carrier_sid, _LEG.c.state,
        _LEG.c.agent_id, _QUEUE.c.ring_timeout_s, _CALLBACK.c.number,
        _CALLBACK.c.leg_id,
    )
    .join(_CALL, _CALL.c.id == _COMMAND.c.call_id)
    .outerjoin(_LEG, _LEG.c.id == _COMMAND.c.leg_id)
    .outerjoin(_CALLBACK, _CALLBACK.c.call_id == _CALL.c.id)
    .outerjoin(_QUEUE, _QUEUE.c.id == _CALL.c.queue_id)
    .where(
        _COMMAND.c.id == bindparam("command"),
        _COMMAND.c.state.in_([CommandState.OWED, CommandState.UNKNOWN]),
    )
)  # fmt: skip
_SETTLE = update(_COMMAND).where(_COMMAND.c.id == bindparam("command"))
_NAME_LEG = update(_LEG).where(_LEG.c.id == bindparam("leg")).returning(_LEG.c.state)


@dataclass(frozen=True, slots=True)
class Job:
    """A command with all that is needed to carry it out, read in one statement."""

    id: int
    kind: CommandKind
    state: CommandState
    attempts: int
    created_at: datetime
    read_at: datetime
    call_id: UUID
    contract_id: int
    line: str
    caller_sid: str
    phase: Phase
    current_leg: UUID | None
    leg_id: UUID | None
    leg_sid: str | None
    leg_state: LegState | None
    agent_id: int | None
    ring_timeout_s: int | None
    number: str | None  # of a citizen who is to be called back
    called_leg: UUID | None  # for which he is being called, or was

    @property
    def is_moot(self) -> bool:
        """Whether the call has moved on, so that nothing is left to do."""
        match self.kind:
            case CommandKind.RING_AGENT | CommandKind.CALL_BACK:
                needed = Phase.RINGING if self.kind is CommandKind.RING_AGENT else Phase.JOINING
                return not self.may_have_been_sent and not (self.phase is needed and self.current_leg == self.leg_id)
            case CommandKind.CONNECT_CALLER:
                return self.phase is not Phase.JOINING or self.current_leg != self.leg_id
            case CommandKind.REQUEUE_CALLER:
                return self.phase not in {Phase.WAITING, Phase.RINGING}
            case CommandKind.END_CALLER:
                other_attempt = self.leg_id is not None and self.leg_id != self.called_leg
                return self.phase is Phase.ENDED or other_attempt
            case CommandKind.SURVEY:
                return False  # his line is his own: if it is over, the carrier says so
            case CommandKind.END_LEG:
                return self.leg_sid is None  # whoever learns the SID of an ended leg orders its end

    @property
    def may_have_been_sent(self) -> bool:
        """Whether somebody before us may have told the carrier already."""
        return self.state is CommandState.UNKNOWN or self.attempts > 0


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
        due = self._database.transact(Scope.across_enti(), lambda session: _take_over(session, limit))
        futures = [self._pool.submit(self._safely, command_id, call_id) for command_id, call_id in due]
        for future in futures:
            future.result()
        return len(due)

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
            leg = session.execute(_NAME_LEG, {"leg": job.leg_id, "carrier_sid": sid}).scalar_one()
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
    due = (
        select(CarrierCommand.id)
        .where(
            CarrierCommand.state.in_([CommandState.OWED, CommandState.UNKNOWN]),
            CarrierCommand.lease_until < at,
        )
        .order_by(CarrierCommand.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = session.execute(
        update(CarrierCommand)
        .where(CarrierCommand.id.in_(due.scalar_subquery()))
        .values(lease_until=at + WRITER_LEASE, attempts=CarrierCommand.attempts + 1)
        .returning(CarrierCommand.id, CarrierCommand.call_id)
    )
    return sorted((command_id, call_id) for command_id, call_id in taken)


def _settle(
    session: Session, command_id: int, state: CommandState, *, error: str | None = None,
    wait: timedelta = timedelta(),
) -> None:  # fmt: skip
    session.execute(
        _SETTLE,
        {"command": command_id, "state": state, "error": error, "lease_until": clock.now(session) + wait},
    )


def _load(session: Session, command_id: int) -> Job | None:
    row = session.execute(_LOAD, {"command": command_id, "now": clock.now(session)}).one_or_none()
    return None if row is None else Job(*cast("tuple[Any, ...]", row))
