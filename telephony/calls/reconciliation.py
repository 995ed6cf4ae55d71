"""Asking the carrier about calls of which nothing was heard: a callback that is lost stays lost.

What is found is applied as an event like any other, marked as repaired.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Database, Scope
from telephony.calls import service
from telephony.calls.addresses import conference_name
from telephony.calls.events import (
    AgentAnswered,
    CallerJoined,
    CallerLeft,
    CitizenMissed,
    Event,
    LegEnd,
    LegEnded,
    Step,
)
from telephony.calls.models import LegState, Phase
from telephony.calls.service import Heard
from telephony.carriers.port import CUSTOMER, Carrier, CarrierError, Spoken
from telephony.commands.models import CommandKind
from telephony.commands.service import order
from telephony.floor.current import floor
from telephony.floor.port import Dialled
from telephony.ivr.turns import Place

log = structlog.get_logger(__name__)
REPAIRED = Counter("filodiretto_repaired_events", "Events that only reconciliation told", ["kind"])

QUIET = timedelta(seconds=15)  # how long a live call may go unheard of before the carrier is asked
JOIN_QUIET = timedelta(seconds=6)  # the caller should be in the conference long before


@dataclass(frozen=True, slots=True)
class Quiet:
    """A live call of which nothing was heard for a while."""

    call_id: UUID
    contract_id: int
    sid: str
    phase: Phase
    closing: bool
    leg_id: UUID | None
    leg_sid: str | None
    leg_state: LegState | None
    leg_offered_at: datetime | None
    away: bool
    called_leg: UUID | None  # of whose agent a citizen is being called back
    now: datetime


class Reconciler:
    """Compares our live calls with the carrier's. No transaction is open while the carrier is asked."""

    def __init__(self, database: Database, carrier: Carrier) -> None:
        self._database = database
        self._carrier = carrier

    def run(self, limit: int = 20) -> int:
        """Look at the calls that have been quiet for longest; returns how many."""
        calls = self._database.transact(Scope.across_enti(), lambda session: _quiet(session, limit))
        for call in calls:
            with structlog.contextvars.bound_contextvars(call=str(call.call_id)):
                try:
                    self._check(call)
                except CarrierError as error:
                    log.warning("reconcile_failed", error=str(error))
        self._ask_about_dialled(limit)
        return len(calls)

    def _ask_about_dialled(self, limit: int) -> None:
        """What came of a number outside is told once; if that gets lost, the dialled line knows it."""

        def look(session: Session) -> list[Dialled]:
            at = clock.now(session)
            return floor(session).dialled_calls(before=at - QUIET, at=at, limit=limit)

        for call in self._database.transact(Scope.across_enti(), look):
            with structlog.contextvars.bound_contextvars(call=str(call.id)):
                try:
                    spoken = self._carrier.put_through(call.carrier_sid)
                except CarrierError as error:
                    log.warning("reconcile_failed", error=str(error))
                else:
                    self._told_late(call, spoken)

    def _told_late(self, call: Dialled, spoken: Spoken | None) -> None:
        def work(session: Session) -> None:
            if spoken is not None:
                detail = (("seconds", str(spoken.seconds)),)
                key = f"put-through:{Place.restored(call.ivr).step}"
                since = max(spoken.since, call.arrived_at)  # the carrier tells whole seconds
                service.put_through(session, call.id, Heard(key, since, repaired=True, detail=detail))
            floor(session).write_call(call.id, dialled_at=None)

        self._database.transact(Scope.of_contract(call.contract_id), work)
        if spoken is not None:
            REPAIRED.labels("PutThrough").inc()
            log.info("call_repaired", kind="PutThrough", phase=Phase.ENDED.value)

    def _check(self, call: Quiet) -> None:
        if call.away:  # nobody is on the line, or he is just being called
            if call.leg_id is not None and call.leg_sid is not None:
                self._check_leg(call, call.leg_id, call.leg_sid)
            return
        caller = self._carrier.fetch(call.sid)
        if caller is None or not caller.live:
            ended = (caller.ended_at if caller else None) or call.now
            self._repair(call, CallerLeft(ended), f"left:{call.sid}")
            return
        if call.closing:  # the order to hang up got lost
            self._order(call, CommandKind.END_CALLER)
        elif call.leg_id is not None and call.leg_sid is not None:
            self._check_leg(call, call.leg_id, call.leg_sid)

    def _check_leg(self, call: Quiet, leg_id: UUID, leg_sid: str) -> None:
        leg = self._carrier.fetch(leg_sid)
        if leg is None or not leg.live:
            if leg is None and call.leg_offered_at is not None and call.leg_offered_at > call.now - QUIET:
                return  # the carrier's own list lags behind its calls
            end = LegEnd.COMPLETED if call.leg_state is LegState.ANSWERED else LegEnd.FAILED
            ended = (leg.ended_at if leg else None) or call.now
            self._repair(call, LegEnded(ended, leg_id, end), f"leg-ended:{leg_id}")
        elif call.phase in {Phase.RINGING, Phase.OUTSIDE} and leg.status == "in-progress":
            self._repair(call, AgentAnswered(call.now, leg_id), f"leg-answered:{leg_id}")
        elif call.phase is Phase.JOINING:
            if call.away and call.called_leg != leg_id:
                return  # whether his telephone rings is just being found out: his line has no name yet
            inside = self._carrier.labels_in(conference_name(leg_id))
            if CUSTOMER in inside:
                since = None if call.away else inside[CUSTOMER]  # who was called is told since when it rang
                self._repair(call, CallerJoined(since or call.now, leg_id), f"joined:{leg_id}")
            elif call.away:
                self._check_citizen(call, leg_id)
            else:  # the order to connect him got lost
                self._order(call, CommandKind.CONNECT_CALLER)

    def _check_citizen(self, call: Quiet, leg_id: UUID) -> None:
        """Whoever is called back."""
        line = self._carrier.fetch(call.sid)
        if line is None or not line.live:
            self._repair(call, CitizenMissed(call.now, leg_id), f"citizen-missed:{leg_id}")

    def _order(self, call: Quiet, kind: CommandKind) -> None:
        leg_id = call.leg_id if kind is CommandKind.CONNECT_CALLER else None
        self._database.transact(
            Scope.of_contract(call.contract_id),
            lambda session: order(session, kind=kind, call_id=call.call_id, leg_id=leg_id),
        )

    def _repair(self, call: Quiet, event: Event, key: str) -> None:
        """The carrier's clock may be ahead of ours; and while it was asked, time went by."""

        def work(session: Session) -> Step | None:
            at = min(event.at, clock.now(session))
            heard = Heard(key=f"repaired:{key}", at=at, repaired=True)
            return service.apply(session, call.call_id, replace(event, at=at), heard)

        step = self._database.transact(Scope.of_contract(call.contract_id), work)
        if step is not None:
            REPAIRED.labels(type(event).__name__).inc()
            log.info("call_repaired", kind=type(event).__name__, phase=step.state.phase.value)


def _quiet(session: Session, limit: int) -> list[Quiet]:
    at = clock.now(session)
    rows = floor(session).quiet_calls(before=at - QUIET, joining_before=at - JOIN_QUIET, at=at, limit=limit)
    return [Quiet(*(*row, at)) for row in rows]
