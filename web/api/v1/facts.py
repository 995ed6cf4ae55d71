"""The API's endpoints for the ente's own analysis: its calls one by one, marks, closures, continuity."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.clock import start_of_day
from crm.core.db import Scope
from crm.core.errors import InvalidError, NotFoundError
from crm.enti import queries as enti
from crm.levels import tracing
from crm.levels.agreement import later
from crm.levels.metering import Callers, Counts
from crm.reports import reading
from crm.reports.report import Interruption, Uptime
from telephony.queues import queries as queues
from telephony.surveys import queries as surveys
from telephony.surveys.models import SurveyReason
from web.api.v1.admission import CallsDep, WatchesDep
from web.api.v1.answers import ANSWERS, PREFIX
from web.edge.fields import NearDay
from web.edge.visits import RuntimeDep
from web.supervision.outcomes import Came, came

MOST_DAYS = 366
MOST_CALLS = 1000  # in one answer
NOTED = "%Y%m%dT%H%M%S.%fZ"

router = APIRouter(prefix=PREFIX, responses=dict(ANSWERS))
FirstDay = Annotated[NearDay, Query(description="The first day, in Rome")]
LastDay = Annotated[NearDay, Query(description="The last day, at most 366 after the first")]


@dataclass(frozen=True, slots=True)
class CallOut:
    """A call, without anything of who called or who answered. `counts`: what it adds to the hour of its arrival."""

    id: UUID
    received_at: datetime
    callers: Callers
    queue_id: int | None
    queue: str | None
    outcome: Came
    waited_ms: int | None
    counts: Counts


@dataclass(frozen=True, slots=True)
class CallsOut:
    """Some calls of a contract in the order of their coming, as they are known now. `next`: pass it as `after` for
    those that follow; none where there are no more.
    """

    contract_id: int
    first: date
    last: date
    as_of: datetime
    calls: tuple[CallOut, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class SurveyOut:
    """What callers of a queue said in a month; without a queue, those whom the voice menu served. Of fewer than five
    answers nothing but their number is told.
    """

    queue: str | None
    answers: int
    mean: float | None
    satisfied: float | None
    scores: dict[int, int] | None
    reasons: dict[SurveyReason, int] | None


@dataclass(frozen=True, slots=True)
class ClosuresOut:
    """The times in which the lines of a contract were closed that were to be open."""

    contract_id: int
    first: date
    last: date
    closures: tuple[Interruption, ...]


@dataclass(frozen=True, slots=True)
class ContinuityOut:
    """What the system measured on itself; `uptime` is none for days before it began to."""

    contract_id: int
    first: date
    last: date
    as_of: datetime
    uptime: Uptime | None


@router.get("/calls", operation_id="calls")
def calls(
    runtime: RuntimeDep, token: CallsDep, first: FirstDay, last: LastDay,
    contract: Annotated[int | None, Query(description="Needed where several contracts serve the ente")] = None,
    after: Annotated[str, Query(max_length=80, description="The `next` of the answer before")] = "",
    most: Annotated[int, Query(ge=1, le=MOST_CALLS, description="How many to look at")] = 500,
) -> CallsOut:  # fmt: skip
    """The calls of some days one by one, page by page. Fewer than `most` may come with a `next`."""
    since, until = _days(first, last)
    with runtime.database.begin(Scope.of_enti([token.ente_id])) as session:
        contract_id = _contract(session, token.ente_id, contract)
    # What a call was before its ente was known is seen with the contract alone; of what is found, the ente's is told.
    with runtime.database.begin(Scope.of_contract(contract_id)) as session:
        found = tracing.page(session, contract_id, token.ente_id, since, until, after=_read(after), most=most)
        names = {one.id: one.name for one in queues.with_closed(session, frozenset({contract_id}))}
        as_of = clock.now(session)
    told = tuple(
        CallOut(
            one.subject, one.received_at, one.account.callers, one.account.queue_id,
            names.get(one.account.queue_id or 0), came(one.call), one.call.waited_ms, one.counts,
        )
        for one in found.calls
    )  # fmt: skip
    return CallsOut(contract_id, first, last, as_of, told, None if found.next is None else _written(found.next))


@router.get("/surveys", operation_id="surveys")
def marks(
    runtime: RuntimeDep, token: WatchesDep,
    month: Annotated[NearDay, Query(description="A day of the month; of whole months alone, so that no mark is one's")],
) -> list[SurveyOut]:  # fmt: skip
    """What callers thought of the service in a month, queue by queue."""
    first = month.replace(day=1)
    with runtime.database.begin(Scope.of_enti([token.ente_id])) as session:
        found = [one for one in surveys.said(session, first, later(first, 1)) if one.ente_id == token.ente_id]
    return [
        SurveyOut(
            one.queue, one.answers, None if one.mean is None else float(one.mean),
            None if one.satisfied is None else float(one.satisfied),
            dict(one.scores) if one.is_shown else None, dict(one.reasons) if one.is_shown else None,
        )
        for one in found
    ]  # fmt: skip


@router.get("/closures", operation_id="closures")
def closures(runtime: RuntimeDep, token: WatchesDep, first: FirstDay, last: LastDay) -> list[ClosuresOut]:
    """The closures of some days, contract by contract: those that the ente agreed to, and the others."""
    _days(first, last)
    with runtime.database.begin(Scope.of_enti([token.ente_id])) as session:
        return [
            ClosuresOut(
                one, first, last, reading.closures_of(session, one, token.ente_id, first, last + timedelta(days=1))
            )
            for one in sorted(enti.contracts_of(session, token.ente_id))
        ]  # fmt: skip


@router.get("/continuity", operation_id="continuity")
def continuity(runtime: RuntimeDep, token: WatchesDep, first: FirstDay, last: LastDay) -> list[ContinuityOut]:
    """Minutes of service and of interruption, and each interruption, contract by contract."""
    _days(first, last)
    with runtime.database.begin(Scope.of_enti([token.ente_id])) as session:
        after = last + timedelta(days=1)
        return [
            ContinuityOut(
                one, first, last, clock.now(session), reading.uptime(session, one, token.ente_id, first, after)
            )
            for one in sorted(enti.contracts_of(session, token.ente_id))
        ]  # fmt: skip


def _days(first: date, last: date) -> tuple[datetime, datetime]:
    if not first <= last <= first + timedelta(days=MOST_DAYS):
        raise InvalidError("Il periodo va dal primo all'ultimo giorno, al massimo 366.")
    return start_of_day(first), start_of_day(last + timedelta(days=1))


def _contract(session: Session, ente_id: int, wanted: int | None) -> int:
    ours = sorted(enti.contracts_of(session, ente_id))
    if wanted is None and len(ours) > 1:
        raise InvalidError("Più contratti servono l'ente: scegli quale.")
    if wanted is not None and wanted not in ours:
        raise NotFoundError("Questo contratto non c'è.")
    return ours[0] if wanted is None else wanted


def _written(last: tuple[datetime, UUID]) -> str:
    return f"{last[0].astimezone(UTC).strftime(NOTED)}_{last[1]}"


def _read(text: str) -> tuple[datetime, UUID] | None:
    if not text:
        return None
    at, _, subject = text.partition("_")
    try:
        return datetime.strptime(at, NOTED).replace(tzinfo=UTC), UUID(subject)
    except ValueError:
        raise InvalidError("Il segno «after» non è di questa lista.") from None
