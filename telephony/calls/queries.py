"""Reading the calls that are under way."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on, scope_for
from crm.enti import closure_queries
from crm.levels.metering import Callers
from telephony.calls.models import Call, Phase
from telephony.queues.models import EntryState, QueueEntry


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A call that has not ended: where it is, and since when it waits or talks. It names no agent."""

    id: UUID
    line: str
    queue_id: int | None
    phase: Phase
    arrived_at: datetime
    waiting_since: datetime | None
    answered_at: datetime | None
    contact_id: int | None  # once he is identified, for whoever may know it
    topic: str | None


@dataclass(frozen=True, slots=True)
class InHand:
    """A call that waits, is spoken in, or is owed back: where it stands, and nothing of who calls."""

    id: UUID
    arrived_at: datetime
    ente_id: int | None
    queue_id: int | None
    callers: Callers
    waited_ms: int  # finished stretches
    waiting_since: datetime | None
    talking_since: datetime | None


def in_hand(session: Session, contract_id: int, *, talking: bool, away: bool = False) -> list[InHand]:
    """A contract's calls that are spoken in; or those that wait, on the line or (`away`) to be called back."""
    where = (
        Call.phase == Phase.TALKING
        if talking
        else (QueueEntry.state != EntryState.LEFT) & (QueueEntry.away == away) & ~Call.placed
    )
    rows = session.execute(
        select(
            Call.id, Call.arrived_at, Call.ente_id, func.coalesce(Call.in_queue_id, Call.queue_id), Call.callers,
            Call.waited_ms, Call.waiting_since, Call.talking_since,
        )
        .join(QueueEntry, QueueEntry.call_id == Call.id)
        .where(Call.contract_id == contract_id, Call.phase != Phase.ENDED, where)
        .order_by(Call.arrived_at, Call.id)
    )  # fmt: skip
    return [InHand(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class FoundShut:
    """A call to a number that was closed by itself: in no figure of the service level, which speaks of queues."""

    arrived_at: datetime
    ente_id: int | None
    callers: Callers
    line: str


def found_shut(session: Session, contract_id: int, since: datetime, until: datetime) -> list[FoundShut]:
    """Who called a contract's numbers in a period while they were closed by themselves, in the order of coming."""
    spells = [
        (number, one)
        for number, those in closure_queries.numbers_shut(session, contract_id, since, until).items()
        for one in those
    ]
    if not spells:
        return []
    shut = or_(
        *(
            and_(Call.line == number, Call.arrived_at >= one.starts_at, Call.arrived_at < one.ends_at)
            for number, one in spells
        )
    )
    rows = session.execute(
        select(Call.arrived_at, Call.ente_id, Call.callers, Call.line)
        .where(Call.contract_id == contract_id, Call.metered.is_(False), shut)
        .order_by(Call.arrived_at, Call.id)
    )
    return [FoundShut(*row) for row in rows]


def how_many_found_shut(
    session: Session, contract_id: int, ente_id: int | None, since: datetime, until: datetime
) -> int:  # fmt: skip
    """How many called a number in a period while it was closed by itself: of an ente, at the numbers that serve it,
    without those known to be about another one. The session sees the whole contract.
    """
    found = found_shut(session, contract_id, since, until)
    if ente_id is None or not found:
        return len(found)
    closures = closure_queries.closed(session, contract_id, since=since, until=until)
    its = {one.number for one in closures if one.ente_id in {None, ente_id}}
    return sum(one.line in its and one.ente_id in {None, ente_id} for one in found)


def how_many(session: Session, ente_id: int) -> int:
    """How many calls about an ente have not ended."""
    return session.execute(
        select(func.count()).where(Call.ente_id == ente_id, Call.phase != Phase.ENDED, ~Call.seated)
    ).scalar_one()


def under_way(session: Session, by: Principal, *, ente_id: int) -> list[UnderWay]:
    """The calls about an ente that have not ended, the oldest first. Who calls is told to whoever reads its files.

    Raises `ForbiddenError` for whoever does not watch the ente.
    """
    require_on(session, by, Permission.ENTE_WATCH, ente_id=ente_id)
    personal = ente_id in (scope_for(session, by, Permission.FILE_READ).enti or ())
    rows = session.scalars(
        select(Call)
        .where(Call.ente_id == ente_id, Call.phase != Phase.ENDED, ~Call.seated)
        .order_by(Call.arrived_at, Call.id)
        .execution_options(populate_existing=True)
    )
    return [
        UnderWay(
            call.id, call.line, call.queue_id, call.phase, call.arrived_at, call.waiting_since, call.answered_at,
            call.contact_id if personal and call.identified_at else None, call.topic,
        )
        for call in rows
    ]  # fmt: skip
