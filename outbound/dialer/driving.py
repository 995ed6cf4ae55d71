"""Carrying out what is decided: who is rung, who is called, what is given up. A chore of the engine.

Everything is a row before the carrier is told, and nothing is kept between two turns: another engine goes on where this
one died. A line of which nobody knows whether the carrier was told is looked for there, and never dialed again.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.collection.sources.lookups import Lookups
from crm.core import clock, topics
from crm.core.db import Database, Scope, table_of, touch
from crm.core.each import total_of_each
from crm.core.errors import ConflictError
from crm.enti.queries import coverage
from outbound.campaigns import contacts, judging, running
from outbound.campaigns.models import Attempt
from outbound.campaigns.plan import Mode
from outbound.campaigns.running import Running
from outbound.cati.turns import kept_for
from outbound.compliance.rules import Reason, Verdict
from outbound.dialer import desk, fit, gaps, lines, recalls
from outbound.dialer.deciding import Decision, Desk, SeatState, decide
from outbound.dialer.models import LEASE, RINGS_S, DialerLine, DialerSetting, DialerStay, LineState
from outbound.outcomes import queries as outcomes
from telephony.calls import seats
from telephony.calls.addresses import Addresses
from telephony.calls.seats import Seat
from telephony.calls.service import Heard
from telephony.carriers.port import Carrier, CarrierError, Dial
from telephony.floor.current import floor
from telephony.lines import queries as phone_lines
from telephony.standing import pace
from telephony.standing.pace import UNPACED, Pace

log = structlog.get_logger(__name__)
AT_ONCE = 20  # calls that leave in one turn, at the most
AHEAD = (4, 2, 60)  # people about whom the gestionale is asked: so many, and more for each operator, at the most
QUIET = timedelta(seconds=RINGS_S + 15)  # after which a line that rings should have ended
SPOKEN = timedelta(seconds=90)  # after which whoever found nobody should have hung up
NOBODY = UUID(int=0)
_STAY, _LINE, _A = table_of(DialerStay), table_of(DialerLine), table_of(Attempt)


@dataclass(frozen=True, slots=True)
class Owed:
    """A call that the carrier is to place. `wait`: its turn comes so much later."""

    line_id: UUID
    contract_id: int
    number: str
    shown: str
    hears_machines: bool
    wait: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Quiet:
    """A line of which nothing was heard for too long."""

    line_id: UUID
    contract_id: int
    sid: str | None
    number: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Todo:
    """What is to be told to the carrier once it is written, and about whom of which ente the gestionale is asked."""

    ask: tuple[tuple[int, int], ...] = ()
    owed: tuple[Owed, ...] = ()
    end: tuple[str, ...] = ()
    quiet: tuple[Quiet, ...] = ()


class Dialer:
    """Looks at every campaign with operators on it, or lines under way. No transaction is open while it dials."""

    def __init__(
        self, database: Database, carrier: Carrier, addresses: Addresses, *, paced: Pace = UNPACED, threads: int = 8,
        lookups: Lookups | None = None,
    ) -> None:  # fmt: skip
        self._lookups, self._asking = lookups, dict[tuple[int, int], Future[None]]()
        self._asks = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="lookup")
        self._database, self._carrier, self._addresses, self._paced = database, carrier, addresses, paced
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="dial")
        self._closed = threading.Event()

    def run(self) -> int:
        """One turn; how many calls it placed."""
        with self._database.begin(Scope.nothing()) as session:
            contracts = sorted(coverage(session))
        return total_of_each(contracts, self._turn)

    def close(self) -> None:
        """Place nothing more; what was owed is looked for by whoever comes next."""
        self._closed.set()
        for each in (self._pool, self._asks):
            each.shutdown(wait=False, cancel_futures=True)

    def asked(self) -> None:
        """Wait for the gestionali that are being asked."""
        wait_for(self._asking.values())

    def _turn(self, contract_id: int) -> int:
        scope = Scope.of_contract(contract_id)
        with self._database.begin(scope) as session:
            campaigns = _under_way(session, contract_id)
        placed = 0
        for campaign_id in campaigns:
            todo = self._database.transact(scope, partial(turn, campaign_id=campaign_id, paced=self._paced))
            self._ask(todo.ask)
            list(self._pool.map(self._end, todo.end))
            placed += len(list(self._pool.map(self._dial, todo.owed)))
            for one in todo.quiet:
                self._find(one)
        return placed

    def _ask(self, about: Sequence[tuple[int, int]]) -> None:
        """Nobody waits for a gestionale here: whoever it was asked about is called at a later turn."""
        self._asking = {one: future for one, future in self._asking.items() if not future.done()}
        for ente_id, contact_id in about:
            if self._lookups is not None and (ente_id, contact_id) not in self._asking:
                asked = self._asks.submit(self._look_up, self._lookups, ente_id, contact_id)
                self._asking[ente_id, contact_id] = asked

    def _look_up(self, lookups: Lookups, ente_id: int, contact_id: int) -> None:
        try:
            lookups.ask(ente_id=ente_id, contact_id=contact_id)
        except Exception:
            log.exception("lookup_broken", ente=ente_id)  # he keeps his place, and is asked about at a later turn

    def _end(self, sid: str) -> None:
        try:
            self._carrier.end(sid)
        except CarrierError as error:
            log.warning("line_stays", sid=sid, error=str(error))  # it rings out, and nobody is let in

    def _dial(self, one: Owed) -> None:
        try:
            if one.wait and self._closed.wait(one.wait.total_seconds()):  # about a second, see `_at_most`
                return
            sid = self._carrier.dial(self._asked(one))
        except CarrierError as error:
            if error.unknown:
                log.warning("line_unknown", line=str(one.line_id))  # its lease runs out, and it is looked for
                return
            log.warning("line_refused", line=str(one.line_id), error=str(error), code=error.code)
            self._settled(one.contract_id, partial(lines.refused, line_id=one.line_id, code=error.code))
        except Exception:
            log.exception("line_failed", line=str(one.line_id))  # as if it were unknown
        else:
            self._rung(one.contract_id, one.line_id, sid)

    def _rung(self, contract_id: int, line_id: UUID, sid: str) -> None:
        """The carrier calls a line by this name; for nothing, if it was given up meanwhile."""
        if self._database.transact(Scope.of_contract(contract_id), partial(_rings, line_id=line_id, sid=sid)):
            self._end(sid)

    def _asked(self, one: Owed) -> Dial:
        to, which = self._addresses, (one.contract_id, one.line_id)
        return Dial(
            number=one.number, caller_id=one.shown, timeout_s=RINGS_S, answer_url=to.line_answered(*which),
            status_url=to.line(*which), fallback_url=to.apology(),
            machine_url=to.machine(*which) if one.hears_machines else None,
        )  # fmt: skip

    def _find(self, one: Quiet) -> None:
        """Ask the carrier what became of a line of which nothing was heard, or whether it exists."""
        try:
            if one.sid is None:
                live = (its for its in self._carrier.live_calls() if its.placed and its.to == one.number)
                sid = next((its.sid for its in live if its.since >= one.at - LEASE), None)
                if sid is None:
                    self._settled(one.contract_id, partial(lines.lost, line_id=one.line_id))
                else:
                    self._rung(one.contract_id, one.line_id, sid)
                return
            call = self._carrier.fetch(one.sid)
        except CarrierError as error:
            log.warning("line_not_found", line=str(one.line_id), error=str(error))
            return
        if call is not None and call.live:
            return
        status, sid = call.status if call is not None else "failed", one.sid

        def over(session: Session) -> None:
            heard = Heard(f"repaired:line:{one.line_id}", clock.now(session), True, (("status", status),))
            lines.told(session, one.line_id, sid, status, heard)

        self._settled(one.contract_id, over)

    def _settled(self, contract_id: int, work: Callable[[Session], object]) -> None:
        self._database.transact(Scope.of_contract(contract_id), work)


def turn(session: Session, *, campaign_id: int, paced: Pace = UNPACED) -> Todo:
    """Decide for one campaign, write it down, and say what the carrier is to be told."""
    row = session.get(DialerSetting, campaign_id, with_for_update=True, populate_existing=True)
    if row is None:
        return Todo()
    campaign, now = running.get(session, campaign_id), clock.now(session)
    desk.folded(session, row, now)
    how = desk.chosen(campaign, row)
    seen = desk.read(session, campaign, how, now, at_most=_at_most(paced))
    decision = decide(seen)
    _let_leave(session, campaign, seen)
    for agent_id in decision.open:
        if fit.lack(session, campaign, agent_id) is not None:  # his queues, or the plan, are others now
            lines.left_alone(session, [agent_id])
        elif outcomes.owing(session, agent_id) is None:  # how the last one ended is said first
            _open(session, campaign, agent_id, now)
    for call_id in decision.release:
        seats.release(session, call_id)
    ended = _drop(session, decision)
    owed = _claim(session, campaign, how.hears_machines, decision, seen)
    gaps.keep(session, campaign, seen, decision, owed=len(owed))
    quiet = _quiet(session, campaign_id, now)
    ask = tuple((campaign.ente_id, one) for one in _to_ask(session, campaign, seen, now))
    return Todo(ask, tuple(_in_turn(session, one, paced) for one in owed), tuple(ended), tuple(quiet))


def _under_way(session: Session, contract_id: int) -> list[int]:
    on = select(_STAY.c.campaign_id).where(_STAY.c.contract_id == contract_id, _STAY.c.left_at.is_(None))
    ringing = select(_LINE.c.campaign_id).where(_LINE.c.contract_id == contract_id, _LINE.c.state != LineState.OVER)
    return sorted(session.scalars(on.union(ringing)))


def _at_most(paced: Pace) -> int:
    return AT_ONCE if paced.per_second is None else max(1, min(AT_ONCE, int(paced.per_second)))


def _let_leave(session: Session, campaign: Running, seen: Desk) -> None:
    """Whoever wanted to leave, or went out of service, and has no seat any more, is not on the campaign."""
    gone = [*desk.out_of_service(session, campaign.id), *_leaving(session, campaign.id, seen)]
    if gone:
        lines.left_alone(session, gone)
        touch(session, topics.campaigns(campaign.ente_id), *(topics.agent(one) for one in gone))


def _leaving(session: Session, campaign_id: int, seen: Desk) -> list[int]:
    seated = {one.agent_id for one in seen.seats if one.state is SeatState.LEAVING}
    which = _STAY.c.campaign_id == campaign_id, _STAY.c.left_at.is_(None), _STAY.c.leaving
    return [one for one in session.scalars(select(_STAY.c.agent_id).where(*which)) if one not in seated]


def _open(session: Session, campaign: Running, agent_id: int, now: datetime) -> None:
    assert campaign.plan.queue_id is not None
    seat = Seat(
        agent_id, campaign.ente_id, campaign.contract_id, campaign.plan.line, campaign.plan.queue_id
    )  # fmt: skip
    call_id = None
    try:
        with session.begin_nested():
            call_id = seats.open_seat(session, seat)
    except ConflictError as error:
        log.info("seat_not_opened", agent=agent_id, why=str(error))  # a caller was faster, mostly
    which = _STAY.c.agent_id == agent_id, _STAY.c.left_at.is_(None)
    session.execute(update(_STAY).where(*which).values(opened_at=now, **({"call_id": call_id} if call_id else {})))


def _drop(session: Session, decision: Decision) -> list[str]:
    """Give lines up; those that the carrier knows by name are to be ended, the others once they have one."""
    if not decision.drop:
        return []
    which = _LINE.c.id.in_(decision.drop), _LINE.c.answered_at.is_(None), _LINE.c.state != LineState.OVER
    rows = session.execute(update(_LINE).where(*which).values(dropped=True).returning(_LINE.c.carrier_sid))
    return [sid for (sid,) in rows if sid is not None]


def _to_ask(session: Session, campaign: Running, seen: Desk, now: datetime) -> list[int]:
    """Those who come next, about whom the gestionale is asked while operators are busy."""
    if not seen.runs or seen.mode is Mode.PREVIEW or not seen.present:
        return []
    ahead = min(AHEAD[0] + AHEAD[1] * seen.present, AHEAD[2])
    next_ones = [*recalls.soon(session, campaign.id, now), *contacts.nearest(session, campaign=campaign, limit=ahead)]
    return contacts.to_ask(session, campaign=campaign, contact_ids=list(dict.fromkeys(next_ones)), ahead=True)


def _claim(
    session: Session,
    campaign: Running,
    hears_machines: bool,
    decision: Decision,
    seen: Desk,
) -> list[Owed]:
    """The next ones, judged at this instant; nobody while none is left."""
    owed: list[Owed] = []
    free = [one.agent_id for one in seen.seats if one.state is SeatState.WAITING]
    taken = {one.for_agent for one in seen.ringing} | set(decision.dial)
    now = clock.now(session)
    for wanted in decision.dial:
        agent_id = wanted
        chosen = recalls.due(session, campaign, agent_id, now, asked=True) if agent_id is not None else None
        if agent_id is None:
            agent_id, chosen = _kept(session, campaign, [one for one in free if one not in taken], now)
        chosen = chosen or contacts.claim(session, campaign=campaign, agent_id=agent_id, asked=True)
        if chosen is None or chosen.verdict.number is None:
            break
        number = chosen.verdict.number
        if chosen.verdict.operator_first and agent_id is None:  # one has to be there for him alone
            agent_id = next((one for one in free if one not in taken), None)
        busy = floor(session).open_callback(contract_id=campaign.contract_id, number=number, other_than=NOBODY)
        if busy is not None or (chosen.verdict.operator_first and agent_id is None):
            judging.put_aside(session, campaign, chosen.contact_id, Verdict(number, (Reason.CLAIMED,)), now)
            continue
        taken.add(agent_id)
        owed.append(_line(session, campaign, chosen, agent_id, hears_machines))
    return owed


def _kept(
    session: Session, campaign: Running, agents: Sequence[int], now: datetime
) -> tuple[int | None, contacts.Chosen | None]:  # fmt: skip
    """Somebody whom one of these operators alone is to have, who wait in their seats: who asked for him at this hour,
    and of a survey who refused another one. His line is that operator's own.
    """
    for one in recalls.waited_for(session, campaign.id, agents, now):
        if (chosen := recalls.due(session, campaign, one, now, asked=True)) is not None:
            return one, chosen
    for one in agents if campaign.plan.form_id is not None else ():
        for contact_id in kept_for(session, campaign_id=campaign.id, agent_id=one, now=now):
            chosen = contacts.claim_one(session, campaign=campaign, contact_id=contact_id, agent_id=one, asked=True)
            if chosen is not None:
                return one, chosen
    return None, None


def _line(
    session: Session, campaign: Running, chosen: contacts.Chosen, agent_id: int | None, hears_machines: bool
) -> Owed:
    number, now = chosen.verdict.number, clock.now(session)
    assert number is not None
    line_id = contacts.begun(session, campaign=campaign, chosen=chosen, agent_id=agent_id)
    recalls.done(session, campaign.id, chosen.contact_id, now)
    session.add(
        DialerLine(
            id=line_id, ente_id=campaign.ente_id, contract_id=campaign.contract_id, campaign_id=campaign.id,
            for_agent=agent_id, state=LineState.OWED, at=now, lease_until=now + LEASE,
        )
    )  # fmt: skip
    session.flush()
    touch(session, topics.campaigns(campaign.ente_id), *([topics.agent(agent_id)] if agent_id else []))
    shown = phone_lines.caller_id_of(session, campaign.contract_id, campaign.ente_id, campaign.plan.line)
    return Owed(line_id, campaign.contract_id, number, shown, hears_machines)


def _in_turn(session: Session, one: Owed, paced: Pace) -> Owed:
    """It leaves when the account may place it. The turn's row is locked until the commit: this comes last."""
    wait = pace.reserve(session, paced)
    if wait:
        later = _LINE.c.lease_until + wait
        session.execute(update(_LINE).where(_LINE.c.id == one.line_id).values(lease_until=later))
    return replace(one, wait=wait)


def _quiet(session: Session, campaign_id: int, now: datetime) -> Sequence[Quiet]:
    """Lines of which something should have been heard; not again before a while."""
    unsent = (_LINE.c.state == LineState.OWED) & (_LINE.c.lease_until < now)
    rung = (_LINE.c.state == LineState.RINGING) & (_LINE.c.at < now - QUIET) & (_LINE.c.lease_until < now)
    spoken = (
        (_LINE.c.state == LineState.ANSWERED) & _LINE.c.call_id.is_(None) & (_LINE.c.answered_at < now - SPOKEN)
        & (_LINE.c.lease_until < now)
    )  # fmt: skip
    rows = session.execute(
        select(_LINE.c.id, _LINE.c.contract_id, _LINE.c.carrier_sid, _A.c.number, _LINE.c.at)
        .join(_A, _A.c.id == _LINE.c.id)
        .where(_LINE.c.campaign_id == campaign_id, unsent | rung | spoken)
        .limit(AT_ONCE)
    ).all()
    if rows:
        again = update(_LINE).where(_LINE.c.id.in_([row.id for row in rows])).values(lease_until=now + 2 * LEASE)
        session.execute(again)
    return [Quiet(*row) for row in rows]


def _rings(session: Session, line_id: UUID, sid: str) -> bool:
    """The carrier knows this line by this name; whether it was given up meanwhile."""
    lines.accepted(session, line_id)
    row = session.get(DialerLine, line_id, with_for_update=True, populate_existing=True)
    if row is None:
        return True
    row.carrier_sid = row.carrier_sid or sid
    if row.state is LineState.OWED:
        row.state = LineState.RINGING
    return row.dropped and row.answered_at is None
