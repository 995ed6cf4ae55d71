"""The pages of commission: its conditions, each quarter's statement, the quarter as it stands, an agent's own."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.access.service import scope_for
from crm.core.db import Scope
from crm.core.errors import InvalidError, NotFoundError
from crm.enti import queries as enti
from outbound.field.closing import agreeing, counted, queries
from outbound.field.closing.agreed import MOST_BANDS, Band, Conditions, Part, Phase
from outbound.field.closing.quarters import Quarter
from outbound.field.closing.queries import Month, Settled, Share
from outbound.field.closing.settlement import Line
from web.edge.answers import shown_anew
from web.edge.fields import cents_of, day_of, id_of
from web.edge.i18n import translations
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.field import papers, tables
from web.field.deeds import ApproveDep, ManageDep
from web.field.forms import told_anew
from web.reports import opendocument, workbook
from web.reports.charts import Bar, drawn
from web.reports.files import CSV, MEDIA, File, FileKind, csv_of
from web.reports.routes import handed_out
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
BANDS = 4  # that the form asks for
FILES = (FileKind.PDF, FileKind.XLSX, FileKind.ODS)


@dataclass(frozen=True, slots=True)
class Statement:
    """A settled quarter, as much of it as the visitor may read."""

    settled: Settled
    ente: str
    shares: list[Share]
    lines: list[tuple[int, Line]]
    names: dict[int, str]
    agent_id: int | None


async def typed(request: Request) -> dict[str, list[str]]:
    """All fields of the form; some are there several times."""
    sent = await request.form()
    return {name: [one for one in sent.getlist(name) if isinstance(one, str)] for name in sent}


TypedDep = Annotated[dict[str, list[str]], Depends(typed)]


@router.get("/field/commissions")
def overview(request: Request, runtime: RuntimeDep, visit: VisitDep, ente: int | None = None) -> Response:
    """Conditions, the quarters that are open and those that are settled, of each ente."""
    scope = visit.scope(Permission.FIELD_WATCH)
    his = scope.enti or frozenset()
    if ente is not None and ente not in his:
        raise NotFoundError("Questo ente non esiste.")
    whose = his if ente is None else frozenset({ente})
    with runtime.database.begin(scope) as session:
        badges = enti.badges(session, his)
        standing = {one: counted.standing(session, ente_id=one) for one in sorted(whose)}
        opened = [month for some in standing.values() for each in some.quarters for month in each.months]
        months = queries.both(queries.months(session, whose), opened)
        context: dict[str, Any] = {
            "badges": badges, "whose": [one for one in badges if one in whose], "chosen": ente, "standing": standing,
            "settled": queries.settlements(session, whose), "terms": agreeing.proposals(session, whose),
            "proposes": scope_for(session, visit.principal, Permission.FIELD_MANAGE).enti or frozenset(),
            "decides": scope_for(session, visit.principal, Permission.FIELD_APPROVE).enti or frozenset(),
            "months": months, "chart": _chart(months, visit.language), "parts": Part, "phases": Phase,
            "bands": range(1, BANDS + 1),
        }  # fmt: skip
    return page(request, "field/commissions.html", visit.language, visit=visit, csrf=visit.csrf_token, **context)


@router.get("/field/commissions/mine")
def mine(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """What an agent has earned, and what he will have by now; his own alone."""
    scope = visit.scope(Permission.FIELD_VISIT)
    his = scope.enti or frozenset()
    with runtime.database.begin(scope) as session:
        own = queries.agent_id_of(session, visit.principal)
        found = queries.settlements(session, his)
        shares = queries.shares(session, [one.id for one in found], agent_id=own)
        standing = {one: counted.standing(session, ente_id=one, agent_id=own) for one in sorted(his)}
        opened = [month for some in standing.values() for each in some.quarters for month in each.months]
        months = queries.both(queries.months(session, his, agent_id=own), opened)
        badges = enti.badges(session, his)
    return page(
        request, "field/mine.html", visit.language, visit=visit, csrf=visit.csrf_token, found=found, shares=shares,
        standing=standing, badges=badges, months=months, chart=_chart(months, visit.language),
    )  # fmt: skip


@router.get("/field/commissions/open/{ente_id}/{quarter}")
def opened(request: Request, runtime: RuntimeDep, visit: VisitDep, ente_id: int, quarter: str) -> Response:
    """A quarter that is not settled, as it stands."""
    wanted = Quarter.parse(quarter)
    with runtime.database.begin(_scope(visit)) as session:
        own = queries.whole_or_own(session, visit.principal, ente_id, None)
        stands = counted.standing(session, ente_id=ente_id, agent_id=own)
        found = next((one for one in stands.quarters if one.quarter == str(wanted)), None)
        if found is None:
            raise NotFoundError("Questo trimestre non è aperto, o si sta ancora contando.")
        names = queries.names(session, {one.agent_id for one in found.shares})
        badge = enti.badges(session)[ente_id]
    return page(
        request, "field/statement.html", visit.language, visit=visit, csrf=visit.csrf_token, quarter=str(wanted),
        badge=badge, settled=None, due_on=found.due_on, shares=found.shares, names=names, own=own,
        lines=list(enumerate(found.lines, start=1)), more=found.count - len(found.lines), agent=own,
        counted_at=stands.counted_at,
    )  # fmt: skip


@router.post("/field/commissions/open/{ente_id}/count")
def count_anew(runtime: RuntimeDep, visit: ChangeDep, ente_id: int) -> Response:
    """Have an ente's open quarters counted now."""

    def work(session: Session) -> None:
        queries.whole_or_own(session, visit.principal, ente_id, None)
        counted.ask(session, ente_id=ente_id)

    runtime.database.transact(_scope(visit), work)
    return shown_anew(translations(visit.language).gettext("Si sta contando."))


@router.get("/field/commissions/open/{ente_id}/counting")
def counting(runtime: RuntimeDep, visit: VisitDep, ente_id: int) -> Response:
    """Asked while an ente's quarters are counted: nothing, and once that is done the page anew."""
    with runtime.database.begin(_scope(visit)) as session:
        queries.whole_or_own(session, visit.principal, ente_id, None)
        is_counting = counted.is_counting(session, ente_id=ente_id)
    return Response(status_code=204, headers={} if is_counting else {"HX-Refresh": "true"})


@router.get("/field/commissions/{settlement_id}")
def one(
    request: Request, runtime: RuntimeDep, visit: VisitDep, settlement_id: int, agent: int | None = None
) -> Response:
    """A settled quarter, line by line."""
    found = _statement(runtime, visit, settlement_id, agent)
    return page(
        request, "field/statement.html", visit.language, visit=visit, csrf=visit.csrf_token,
        quarter=found.settled.quarter, badge=_badge(runtime, found.settled.ente_id), settled=found.settled, due_on=None,
        shares=found.shares, names=found.names, own=found.agent_id, lines=found.lines[: queries.SHOWN],
        more=max(0, len(found.lines) - queries.SHOWN), agent=found.agent_id, counted_at=None,
    )  # fmt: skip


@router.get("/field/commissions/{settlement_id}/file.{kind}")
def whole(
    runtime: RuntimeDep, visit: VisitDep, settlement_id: int, kind: FileKind, agent: int | None = None
) -> Response:
    """A statement in one file."""
    found = _statement(runtime, visit, settlement_id, agent)
    its, language = found.settled, visit.language
    name = f"provvigioni-{its.ente_id}-{its.quarter}.{kind.value}"
    if kind is FileKind.PDF:
        contents = papers.statement(
            its, found.ente, found.shares, found.lines, found.names, language, own=found.agent_id is not None
        )
        return handed_out(File(name, MEDIA[kind], contents))
    sheets = (tables.agents(found.shares, found.names), tables.lines(found.lines, found.names))
    title = f"{found.ente} – {its.quarter}"
    if kind is FileKind.XLSX:
        return handed_out(File(name, MEDIA[kind], workbook.of_sheets(sheets, title, its.closed_at, language)))
    if kind is FileKind.ODS:
        return handed_out(File(name, MEDIA[kind], opendocument.of_sheets(sheets, title, its.closed_at, language)))
    raise NotFoundError("Questo file non c'è.")


@router.get("/field/commissions/{settlement_id}/lines.csv")
def table(runtime: RuntimeDep, visit: VisitDep, settlement_id: int, agent: int | None = None) -> Response:
    """Its lines for a spreadsheet."""
    found = _statement(runtime, visit, settlement_id, agent)
    contents = csv_of(tables.lines(found.lines, found.names), visit.language)
    return handed_out(File(f"provvigioni-{found.settled.ente_id}-{found.settled.quarter}.csv", CSV, contents))


@router.post("/field/commissions/terms/{ente_id}")
def propose(deed: ManageDep, ente_id: int, fields: TypedDep) -> Response:
    """Propose conditions to an ente."""
    wanted = read_conditions(fields)
    deed(agreeing.propose, ente_id=ente_id, valid_from=wanted[0], conditions=wanted[1])
    return told_anew("Proposte: ora decide l'ente.", deed.visit)


@router.post("/field/commissions/terms/{terms_id}/decide")
def decide(
    deed: ApproveDep, terms_id: int, accepts: Annotated[bool, Form()] = False,
    reason: Annotated[str, Form(max_length=400)] = "",
) -> Response:  # fmt: skip
    """The ente accepts or refuses them."""
    deed(agreeing.decide, terms_id=terms_id, accepts=accepts, reason=reason)
    return told_anew("Salvato.", deed.visit)


@router.post("/field/commissions/terms/{terms_id}/withdraw")
def withdraw(deed: ManageDep, terms_id: int) -> Response:
    """The company withdraws them."""
    deed(agreeing.withdraw, terms_id=terms_id)
    return told_anew("Ritirate.", deed.visit)


def read_conditions(fields: dict[str, list[str]]) -> tuple[date, Conditions]:
    """What was typed. Raises `InvalidError`, field by field, for what is no number or no day."""
    wrong: list[InvalidError] = []

    def field(name: str) -> str:
        return (fields.get(name) or [""])[0].strip()

    def cents(name: str) -> int | None:
        text = field(name)
        found = cents_of(text) if text else None
        if text and found is None:
            wrong.append(InvalidError("Scrivi un importo in euro.", field=name))
        return found

    bands = []
    for place in range(1, MOST_BANDS + 1):
        if not (text := field(f"rate-{place}")):
            continue
        try:
            per_mille = Decimal(text.replace(",", "."))
        except InvalidOperation:
            per_mille = Decimal("NaN")
        if not per_mille.is_finite():
            wrong.append(InvalidError("Scrivi un numero, come 90 o 92,5.", field=f"rate-{place}"))
            continue
        phase = field(f"phase-{place}")
        bands.append(Band(per_mille, cents(f"up-{place}"), Phase(phase) if phase in set(Phase) else None))
    try:
        valid_from = day_of(field("from"))
    except ValueError:
        valid_from = date.min
        wrong.append(InvalidError("Scegli da quale giorno valgono.", field="from"))
    days = id_of(field("days"))
    if days is None:
        wrong.append(InvalidError("Scrivi un numero di giorni.", field="days"))
    parts = tuple(one for one in Part if one.value in fields.get("parts", ()))
    least = cents("least") or 0
    if wrong:
        raise InvalidError("Le condizioni non sono complete.", parts=wrong)
    return valid_from, Conditions(tuple(bands), parts, days or 0, least)


def _statement(runtime: Runtime, visit: Visit, settlement_id: int, agent: int | None) -> Statement:
    """Raises `NotFoundError`."""
    with runtime.database.begin(_scope(visit)) as session:
        found = queries.settlement(session, settlement_id)
        whose = queries.whole_or_own(session, visit.principal, found.ente_id, agent)
        lines = queries.lines(session, settlement_id, agent_id=whose)
        shares = queries.shares(session, [settlement_id], agent_id=whose).get(settlement_id, [])
        names = queries.names(session, {one.agent_id for one in shares})
        return Statement(found, enti.badges(session)[found.ente_id].name, shares, lines, names, whose)


def _scope(visit: Visit) -> Scope:
    """Of whoever watches; of an agent, where he visits. Raises `ForbiddenError`."""
    for permission in (Permission.FIELD_WATCH, Permission.FIELD_VISIT):
        if visit.principal.can(permission):
            return visit.scope(permission)
    return visit.scope(Permission.FIELD_WATCH)


def _badge(runtime: Runtime, ente_id: int) -> enti.Badge:
    with runtime.database.begin(Scope.nothing()) as session:
        return enti.badges(session)[ente_id]


def _chart(months: list[Month], language: str) -> str:
    """Collected and earned by month, in whole euro; empty where there is nothing."""
    words = translations(language)
    bars = [Bar(f"{one.first:%m/%y}", max(0, one.collected_cents) // 100, max(0, one.commission_cents) // 100)
            for one in months]  # fmt: skip
    return (
        drawn(bars, title=words.gettext("Incassato e provvigioni per mese, in euro"), lost=words.gettext("provvigione"))
        if bars
        else ""
    )
