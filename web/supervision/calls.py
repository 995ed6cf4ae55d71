"""From a figure of the live board to its calls: a list and a file, without anything of who called."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.errors import NotFoundError
from crm.enti import queries as enti
from crm.enti.queries import Badge
from crm.levels import queries as levels
from crm.levels import tracing
from crm.levels.agreement import Period
from crm.levels.metering import Callers, ms_between
from crm.levels.terms import in_force
from crm.levels.tracing import Among, Figure, Listed, Traced
from telephony.calls import queries as calls
from telephony.queues import queries as queues
from web.edge.i18n import said
from web.edge.spreadsheets import csv_answer
from web.edge.templating import page
from web.edge.visits import RuntimeDep, Visit, VisitDep
from web.edge.words import word_for
from web.supervision.outcomes import Came, came
from web.supervision.spans import Apart, Live, Span, bounds
from web.supervision.words import HEAD
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
A_PAGE = 100  # calls; the file has them all
MOST_PAGES = 1_000_000
NOBODYS = 0  # of no queue, of no ente


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which figure of which contract, as the address has it. Nobody's name or number is ever in it."""

    contract: int
    figure: Figure | Live | Apart
    span: Span
    queue: int | None
    ente: int | None
    callers: Callers | None

    @property
    def query(self) -> str:
        """The same, as an address."""
        fields = {
            "contract": self.contract, "figure": self.figure.value, "span": self.span.value, "queue": self.queue,
            "ente": self.ente, "callers": self.callers.value if self.callers else None,
        }  # fmt: skip
        return urlencode({name: value for name, value in fields.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Row:
    """One call of the list. Durations in seconds; `waits_since` while it still does."""

    at: datetime
    ente: Badge | None
    queue: str | None
    callers: Callers
    waited_s: float | None
    talked_s: float | None
    came: Came


@dataclass(frozen=True, slots=True)
class Found:
    """The calls behind a figure, or a page of them, and what they are of; `count`: of all."""

    rows: list[Row]
    count: int
    contract: str
    queue: str | None
    ente: Badge | None
    since: datetime | None
    until: datetime | None


def wanted(
    contract: int,
    figure: str,
    span: Span = Span.TODAY,
    queue: int | None = None,
    ente: int | None = None,
    callers: Callers | None = None,
) -> Wanted:
    """What an address asks for. Raises `NotFoundError` for a figure that there is not."""
    kinds: tuple[type[Figure] | type[Live] | type[Apart], ...] = (Figure, Live, Apart)
    found = next((kind(figure) for kind in kinds if figure in set(kind)), None)
    if found is None:
        raise NotFoundError("Questa cifra non c'è.")
    return Wanted(contract, found, span, queue, ente, callers)


def look(runtime: Runtime, visit: Visit, what: Wanted, *, number: int | None = None) -> Found:
    """The calls, all or a page of them, the first of which is 1. A contract that the visitor does not supervise does
    not exist for him.
    """
    scope = visit.scope(Permission.CALLS_WATCH)
    if what.contract not in scope.contracts:
        raise NotFoundError("Questo contratto non c'è.")
    with runtime.database.begin(scope) as session:
        names = {one.id: one.name for one in queues.with_closed(session, frozenset({what.contract}))}
        badges = enti.badges(session, enti.enti_of(session, what.contract))
        if (what.queue or NOBODYS) not in {NOBODYS, *names} or (what.ente or NOBODYS) not in {NOBODYS, *badges}:
            raise NotFoundError("Questa cifra non c'è.")
        since = until = None
        if isinstance(what.figure, Live):
            found = list(_in_hand(session, what, what.figure, names, badges))
            rows, count = _paged(found, number), len(found)
        else:
            at = clock.now(session)
            agreed = levels.agreement(session, what.contract)
            since, until = bounds(what.span, at, agreed.period if agreed else Period.MONTH)
            if isinstance(what.figure, Apart):
                found = list(_shut(session, what, (since, until), badges))
                rows, count = _paged(found, number), len(found)
            else:
                listed = _listed(session, what, what.figure, (since, until), at)
                if number is None:
                    traced = list(tracing.behind(session, listed))
                    count = len(traced)
                else:
                    traced, count = tracing.part(session, listed, skip=(number - 1) * A_PAGE, most=A_PAGE)
                rows = [_row(one, names, badges) for one in traced]
        return Found(
            rows, count, enti.contract_name(session, what.contract), names.get(what.queue or NOBODYS),
            badges.get(what.ente or NOBODYS), since, until,
        )  # fmt: skip


@router.get("/supervision/calls")
def listed(
    request: Request, runtime: RuntimeDep, visit: VisitDep, contract: int, figure: Annotated[str, Query()],
    span: Span = Span.TODAY, queue: int | None = None, ente: int | None = None, callers: Callers | None = None,
    number: Annotated[int, Query(alias="page", ge=1, le=MOST_PAGES)] = 1,
) -> Response:  # fmt: skip
    """The calls behind a figure, a page of them."""
    what = wanted(contract, figure, span, queue, ente, callers)
    found = look(runtime, visit, what, number=number)
    return page(
        request, "supervision/calls.html", visit.language, visit=visit, csrf=visit.csrf_token, what=what, found=found,
        number=number, pages=max(1, -(-found.count // A_PAGE)), is_live=isinstance(what.figure, Live),
        no_queue=what.queue == NOBODYS, no_ente=what.ente == NOBODYS,
    )  # fmt: skip


@router.get("/supervision/calls.csv")
def as_file(
    runtime: RuntimeDep, visit: VisitDep, contract: int, figure: Annotated[str, Query()],
    span: Span = Span.TODAY, queue: int | None = None, ente: int | None = None, callers: Callers | None = None,
) -> Response:  # fmt: skip
    """The same as CSV."""
    what = wanted(contract, figure, span, queue, ente, callers)
    say = visit.language
    rows = (
        (
            clock.in_rome(one.at).strftime("%Y-%m-%d %H:%M:%S"), one.ente.name if one.ente else "", one.queue or "",
            said(say, word_for(one.callers)), _seconds(one.waited_s), _seconds(one.talked_s),
            said(say, word_for(one.came)),
        )
        for one in look(runtime, visit, what).rows
    )  # fmt: skip
    return csv_answer(f"chiamate-{what.figure.value}-{what.span.value}.csv", [said(say, word) for word in HEAD], rows)


def _listed(session: Session, what: Wanted, figure: Figure, period: tuple[datetime, datetime], at: datetime) -> Listed:
    among = Among(
        what.queue or None, what.ente or None, what.callers, no_queue=what.queue == NOBODYS,
        no_ente=what.ente == NOBODYS,
    )  # fmt: skip
    return Listed(what.contract, figure, *period, among, in_force(levels.terms(session, what.contract), at).formula)


def _row(one: Traced, names: dict[int, str], badges: dict[int, Badge]) -> Row:
    call = one.call
    return Row(
        one.received_at, badges.get(one.account.ente_id or NOBODYS), names.get(one.account.queue_id or NOBODYS),
        one.account.callers, None if call.waited_ms is None else call.waited_ms / 1000,
        call.talk_ms / 1000 if call.talk_ms else None, came(call),
    )  # fmt: skip


def _paged(rows: list[Row], number: int | None) -> list[Row]:
    return rows if number is None else rows[(number - 1) * A_PAGE : number * A_PAGE]


def _shut(session: Session, what: Wanted, period: tuple[datetime, datetime], badges: dict[int, Badge]) -> Iterator[Row]:
    for one in calls.found_shut(session, what.contract, *period):
        if what.ente in {None, one.ente_id or NOBODYS} and what.callers in {None, one.callers}:
            yield Row(
                one.arrived_at, badges.get(one.ente_id or NOBODYS), None, one.callers, None, None, Came.FOUND_SHUT
            )


def _in_hand(
    session: Session, what: Wanted, figure: Live, names: dict[int, str], badges: dict[int, Badge]
) -> Iterator[Row]:  # fmt: skip
    at = clock.now(session)
    found = calls.in_hand(
        session, what.contract, talking=figure is Live.TALKING, away=figure is Live.AWAY
    )  # fmt: skip
    for one in found:
        if what.queue not in {None, one.queue_id or NOBODYS} or what.ente not in {None, one.ente_id or NOBODYS}:
            continue
        if what.callers not in {None, one.callers}:
            continue
        waits = one.waited_ms + (ms_between(one.waiting_since, at) if one.waiting_since else 0)
        talks = ms_between(one.talking_since, at) / 1000 if one.talking_since else None
        yield Row(
            one.arrived_at, badges.get(one.ente_id or NOBODYS), names.get(one.queue_id or NOBODYS), one.callers,
            waits / 1000, talks, {Live.WAITING: Came.WAITS, Live.TALKING: Came.TALKS, Live.AWAY: Came.OWED}[figure],
        )  # fmt: skip


def _seconds(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(value).quantize(Decimal("0.01"))
