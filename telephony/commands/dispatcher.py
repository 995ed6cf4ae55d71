"""Carrying out what is owed to the carrier: no transaction is open while the carrier is asked.

Ending and redirecting may be repeated. Ringing creates something, so a ring without an answer becomes *unknown*
and the carrier is asked whether it exists; it is never repeated.

Rings leave no faster than the account may place calls: one that is too early waits, and so does its agent's time to
answer.
"""

import contextlib
import random
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from time import monotonic
from uuid import UUID

import structlog
from prometheus_client import Histogram
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Database, Scope
from telephony.calls import recorded, room
from telephony.calls import service as calls
from telephony.calls.addresses import Addresses, agent_identity, conference_name
from telephony.calls.events import CitizenMissed, HoldRefused, LegEnd, LegEnded, RingRefused
from telephony.calls.models import LegRole, LegState
from telephony.calls.service import Heard
from telephony.carriers.port import CUSTOMER, Carrier, CarrierError, Ring, Taken, Taking
from telephony.commands.events import CommandWritten, Ready
from telephony.commands.jobs import CREATES, Job
from telephony.commands.models import CommandKind, CommandState
from telephony.commands.readiness import keep, load, make_ready
from telephony.commands.service import WRITER_LEASE, order
from telephony.floor.current import floor
from telephony.standing import pace
from telephony.standing.pace import UNPACED, Pace

log = structlog.get_logger(__name__)
LEFT_AFTER = Histogram(
    "filodiretto_command_delay_seconds", "From a command's commit to its departure", ["kind"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)  # fmt: skip

RETRY_AFTER = timedelta(seconds=2)  # before the carrier is asked again what became of a ring
MAX_ATTEMPTS = 5
CITIZEN_RINGS_S = 25  # so long is waited for somebody who is called back
FRESH_S = 0.5  # a command that was read longer ago is read again: its call may have moved on
ARRANGED_AGAIN = 5
SETTLE = timedelta(seconds=3)  # how long an unknown ring may take to show itself at the carrier
LOOKS_AGAIN = (timedelta(seconds=5), timedelta(seconds=10))  # for a citizen's: its lists lag behind, and he may answer

Later = Callable[[timedelta, Callable[[], object]], None]


class Dispatcher:
    """Carries out commands in an executor of its own, so that a slow carrier cannot eat the request threads."""

    def __init__(
        self, database: Database, carrier: Carrier, addresses: Addresses, *, paced: Pace = UNPACED, threads: int = 16,
        later: Later | None = None, dice: random.Random | None = None,
    ) -> None:  # fmt: skip
        """`later` is told what to do after a while, and the dice spread those who failed together."""
        self._database = database
        self._carrier = carrier
        self._addresses = addresses
        self._paced = paced
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="carrier")
        self._later = later or self._in_the_pool
        self._refusals = 0  # of rings, in a row
        self._dice = dice or random.Random()  # noqa: S311  # no secret

    def send(self, written: Iterable[CommandWritten]) -> None:
        """Carry out commands that were just committed."""
        for one in written:
            self._pool.submit(self._safely, one, monotonic())

    def sweep(self, limit: int = 50) -> int:
        """Take over commands whose lease has run out: their process died, or their retry is due."""
        due = self.take_over(limit)
        now = monotonic()
        futures = [self._pool.submit(self._safely, CommandWritten(*one), now) for one in due]
        for future in futures:
            future.result()
        return len(due)

    def take_over(self, limit: int = 50) -> list[tuple[int, UUID]]:
        """Lease such commands; with their calls."""
        return self._database.transact(Scope.across_enti(), lambda session: _take_over(session, limit))

    def close(self) -> None:
        """Begin nothing more. What was being told to the carrier is settled by whoever takes it over."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _safely(self, written: CommandWritten, since: float) -> None:
        with structlog.contextvars.bound_contextvars(call=str(written.call_id)):
            try:
                self.begin(written, waited_s=monotonic() - since)
            except Exception:  # its lease runs out; the engine takes over
                log.exception("command_failed", command=written.command_id)

    def begin(self, written: CommandWritten, *, waited_s: float = 0.0) -> None:
        """Carry out a command that was committed so many seconds ago."""
        if written.ready is None:
            self.carry_out(written.command_id)
        elif waited_s < FRESH_S:
            self._begin(written.ready)
        else:
            self._in_turn(written.command_id)

    def carry_out(self, command_id: int, *, tries: int = 0) -> None:
        """Carry out one command and write down what became of it.

        `tries`: how often the carrier did nothing of it so far.
        """
        ready = self._database.transact(
            Scope.across_enti(), lambda session: make_ready(session, command_id, self._paced)
        )  # fmt: skip
        if ready is not None:
            self._begin(ready, tries=tries)

    def _begin(self, ready: Ready, *, tries: int = 0) -> None:
        job, wait = ready.job, ready.wait
        if not wait:
            self._carry_out(job, tries)
            return
        log.info("ring_waits", leg=str(job.leg_id), ms=round(wait.total_seconds() * 1000))
        self._later(wait, partial(self._in_turn, job.id, tries=tries))

    def _in_turn(self, command_id: int, *, tries: int = 0) -> None:
        """Carry out a command that has had its turn, some time ago."""
        job = self._database.transact(Scope.across_enti(), lambda session: load(session, command_id))
        if job is not None:
            self._carry_out(job, tries)

    def _in_the_pool(self, wait: timedelta, work: Callable[[], object]) -> None:
        timer = threading.Timer(wait.total_seconds(), self._submit, [work])
        timer.daemon = True  # a process that ends leaves what waits to the engine
        timer.start()

    def _submit(self, work: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # closed meanwhile
            self._pool.submit(_logged, work)

    def _carry_out(self, job: Job, tries: int) -> None:
        if job.is_moot:
            log.info("command_moot", kind=job.kind.value)
            self._settle(job, CommandState.DONE)
        elif job.kind in CREATES:
            self._ring(job, tries)
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
                self._failed(job, error)
            else:
                log.warning("command_owed_again", kind=job.kind.value, error=str(error), attempt=job.attempts + 1)
                wait = error.retry_after or pace.back_off(job.attempts + 1, self._dice)
                self._settle(job, CommandState.OWED, error=str(error), wait=wait)
        else:
            log.info("command_carried_out", kind=job.kind.value)
            self._settle(job, CommandState.DONE)

    def _tell(self, job: Job) -> None:
        match job.kind:
            case CommandKind.CONNECT_CALLER if job.may_have_been_sent and self._is_connected(job):
                return
            case CommandKind.CONNECT_CALLER | CommandKind.REQUEUE_CALLER:
                self._carrier.redirect(job.caller_sid, self._addresses.resume(job.contract_id, job.call_id))
            case CommandKind.SURVEY:
                self._carrier.redirect(job.caller_sid, self._addresses.survey(job.contract_id, job.call_id))
            case CommandKind.END_CALLER:
                self._carrier.end(job.caller_sid)
            case CommandKind.END_LEG:
                assert job.leg_sid is not None
                self._carrier.end(job.leg_sid)
            case CommandKind.ARRANGE:
                self._arrange(job)
            case CommandKind.RECORD:
                self._record(job)
            case CommandKind.RING_AGENT | CommandKind.CALL_BACK:
                raise AssertionError("a ring is not repeatable")

    def _is_connected(self, job: Job) -> bool:
        """Whether somebody before us has connected the caller: told again, he would be taken out, and put in again."""
        return job.leg_id is not None and CUSTOMER in self._carrier.labels_in(conference_name(job.leg_id))

    def _arrange(self, job: Job) -> None:
        """Until what the carrier was told is still what is wanted: two orders may overtake each other."""
        told = None
        for _ in range(ARRANGED_AGAIN):
            wanted = self._database.transact(
                Scope.across_enti(), lambda session: room.wanted(session, job.call_id, self._addresses)
            )
            if wanted is None or wanted == told:
                return
            self._carrier.arrange(wanted)
            told = wanted

    def _record(self, job: Job) -> None:
        """As `_arrange`."""
        last: Taking | None = None
        for _ in range(ARRANGED_AGAIN):
            work = partial(recorded.told, call_id=job.call_id, last=last)
            wanted = self._database.transact(Scope.of_contract(job.contract_id), work)
            if wanted is None:
                return
            status_url = self._addresses.taken(job.contract_id, job.call_id)
            self._carrier.record(Taken(job.caller_sid, wanted, status_url))
            last = wanted

    def _failed(self, job: Job, error: CarrierError) -> None:
        """It cannot be done: whoever seems to be on hold is not, and the agent must know."""

        def work(session: Session) -> None:
            if job.kind is CommandKind.ARRANGE:
                at = clock.now(session)
                calls.apply(session, job.call_id, HoldRefused(at), Heard(f"arrange-failed:{job.id}", at))
            elif job.kind is CommandKind.RECORD:
                recorded.refused(session, job.call_id)
            _settle(session, job.id, CommandState.FAILED, error=str(error))

        self._database.transact(Scope.of_contract(job.contract_id), work)

    # -- ringing --------------------------------------------------------------------------------------------

    def _ring(self, job: Job, tries: int) -> None:
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
            elif error.undone and tries + 1 < MAX_ATTEMPTS:
                self._again(job, error, tries + 1)
            else:
                self._refused_at_once(job, error)
        else:
            self._refusals = 0
            self._rung(job, sid)

    def _refused_at_once(self, job: Job, error: CarrierError) -> None:
        """Its call goes to somebody at once, the first time. A carrier that refuses everything is not asked as fast as
        it refuses: then each refusal waits longer than the one before.
        """
        self._refusals += 1
        if self._refusals == 1:
            self._refused(job, error)
            return
        wait = pace.back_off(self._refusals - 1, self._dice)
        self._database.transact(Scope.across_enti(), lambda session: keep(session, job, wait))
        self._later(wait, partial(self._refused, job, error))

    def _again(self, job: Job, error: CarrierError, tries: int) -> None:
        """Nothing was done: wait, together with whoever else would place a call, and ask again.

        Here and not in the engine's sweep, which could not know that nothing was done. Should this process die
        meanwhile, the sweep looks for the ring and gives the call to somebody again.
        """
        wait = error.retry_after or pace.back_off(tries, self._dice)
        log.warning("ring_tried_again", leg=str(job.leg_id), error=str(error), attempt=tries)

        def work(session: Session) -> None:
            pace.hold(session, self._paced, wait)
            keep(session, job, wait)

        self._database.transact(Scope.across_enti(), work)
        self._later(wait, partial(self.carry_out, job.id, tries=tries))

    def _reconcile(self, job: Job, ring: Ring) -> None:
        """Nobody answered for this ring, or whoever sent it died: ask the carrier whether it exists."""
        try:
            sid = job.rings_as or self._carrier.find_ring(ring)
        except CarrierError as error:
            if job.attempts + 1 >= MAX_ATTEMPTS:
                self._refused(job, error)
            else:
                self._settle(job, CommandState.UNKNOWN, error=str(error), wait=RETRY_AFTER)
            return
        if sid is None and job.kind is CommandKind.CALL_BACK and job.attempts <= len(LOOKS_AGAIN):
            self._settle(job, CommandState.UNKNOWN, wait=LOOKS_AGAIN[job.attempts - 1])
        elif sid is None:
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
        if self._ended(sid):  # else it is found again, and ended then
            self._settle(job, CommandState.DONE)

    def let_go(self, sid: str) -> None:
        """A citizen's telephone rings, and nobody waits for him any more: soon it does not."""
        self._later(timedelta(), partial(self._ended, sid))

    def _ended(self, sid: str) -> bool:
        try:
            self._carrier.end(sid)
        except CarrierError as error:
            log.warning("line_stays", sid=sid, error=str(error))
        else:
            return True
        return False

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
        if job.kind is CommandKind.CALL_BACK:
            return Ring(
                leg_id=job.leg_id, conference=conference_name(job.leg_id), agent="", number=job.citizen, citizen=True,
                caller_id=job.caller_id, timeout_s=CITIZEN_RINGS_S,
                status_url=self._addresses.citizen(job.contract_id, job.call_id, job.leg_id),
                conference_url=self._addresses.conference(job.contract_id, job.call_id, job.leg_id),
            )  # fmt: skip
        in_room = job.room or job.leg_id
        watches = job.role is LegRole.WATCHER
        status = self._addresses.watcher if watches else self._addresses.leg
        return Ring(
            leg_id=job.leg_id, conference=conference_name(in_room),
            agent="" if job.agent_id is None else agent_identity(job.agent_id),
            caller_id=job.caller_id, timeout_s=job.ring_timeout_s or 20,
            status_url=status(job.contract_id, job.call_id, job.leg_id),
            conference_url=self._addresses.conference(job.contract_id, job.call_id, in_room),
            number=job.number, heard=not watches, tones=job.agent_id is None,
        )  # fmt: skip

    def _settle(
        self, job: Job, state: CommandState, *, error: str | None = None, wait: timedelta = timedelta()
    ) -> None:
        self._database.transact(
            Scope.across_enti(), lambda session: _settle(session, job.id, state, error=error, wait=wait)
        )


def ring_timed_out(session: Session, *, call_id: UUID, leg_id: UUID) -> None:
    """Our own timer says that this agent has not answered, whatever the carrier says or does not say.

    While nobody knows of a call to his telephone, it is no fault of his.
    """
    at = clock.now(session)
    if floor(session).leg_sid(leg_id) is None:
        calls.apply(session, call_id, RingRefused(at, leg_id), Heard(f"never-rang:{leg_id}", at))
        return
    calls.apply(session, call_id, LegEnded(at, leg_id, LegEnd.TIMED_OUT), Heard(f"timeout:{leg_id}", at))


def _take_over(session: Session, limit: int) -> list[tuple[int, UUID]]:
    at = clock.now(session)
    return floor(session).take_over(at, lease_until=at + WRITER_LEASE, limit=limit)


def _logged(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:
        log.exception("command_failed")  # its lease runs out; the engine takes over


def _settle(
    session: Session, command_id: int, state: CommandState, *, error: str | None = None,
    wait: timedelta = timedelta(),
) -> None:  # fmt: skip
    floor(session).settle(command_id, state, error=error, lease_until=clock.now(session) + wait)
