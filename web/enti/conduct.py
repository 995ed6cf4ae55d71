"""How an ente wants its taxpayers' files handled: what is asked first, who is told what, how fresh the data must be."""

from datetime import date

from fastapi import APIRouter, Request, Response

from crm.access.permissions import Permission
from crm.contacts import narrowing
from crm.contacts.disclosure import BY_MANDATE, GENERAL, Matter, RelationKind, at_best, at_most
from crm.contacts.narrowing import Rules
from crm.core import clock
from crm.core.errors import NotFoundError
from crm.enti import details
from crm.files import administration, queries
from crm.files.gate import USUAL, Check, Question
from crm.files.questions import LONGEST, MOST, Row
from crm.messages import queries as messages
from crm.messages.administration import save_quiet
from telephony.calls import supervision
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.enti.forms import TypedDep, save

router = APIRouter(include_in_schema=False)
SPARE = 2  # empty rows, for questions to add


@router.get("/enti/{ente_id}/files")
def conduct(request: Request, runtime: RuntimeDep, visit: VisitDep, ente_id: int) -> Response:
    """The questions, the freshness and the table, as they stand."""
    scope = visit.scope(Permission.ENTE_MANAGE)
    if ente_id not in (scope.enti or ()):
        raise NotFoundError("Questo ente non esiste.")
    with runtime.database.begin(scope) as session:
        identity = details.identity(session, ente_id)
        gate, (_, promise_h) = queries.gate(session, ente_id), queries.settings(session, ente_id)
        kept_years = queries.kept_years(session, ente_id)
        rules = narrowing.rules_of(session, ente_id)
        today, silence = clock.business_day(clock.now(session)), messages.quiet(session, ente_id)
        shown = supervision.shows_listeners(session, ente_id)
    told = {kind: rules.get(kind, at_most(kind)) for kind in RelationKind}
    return page(
        request, "enti/conduct.html", visit.language, visit=visit, csrf=visit.csrf_token, ente_id=ente_id,
        identity=identity, rows=_rows(gate.questions), needed=gate.needed, own=gate.questions != USUAL,
        promise_h=promise_h, kept_years=kept_years, told=told, silence=silence, shown=shown,
        most={kind: at_most(kind) for kind in RelationKind}, by_mandate=BY_MANDATE, general=GENERAL,
        matters=tuple(Matter), checks=tuple(Check), longest=LONGEST, sentences=_sentences(rules, today),
    )  # fmt: skip


@router.post("/enti/{ente_id}/gate")
def gate(runtime: RuntimeDep, visit: ChangeDep, ente_id: int, fields: TypedDep) -> Response:
    """What is asked before a file opens, and how many right answers open it."""
    rows = {
        number: Row(*(fields.get(f"{name}-{number}", "") for name in ("place", "words", "checks")))
        for number in range(MOST + SPARE)
    }
    return save(
        runtime, visit,
        lambda session: administration.save_gate(
            session, visit.principal, ente_id=ente_id, rows=rows, needed=fields.get("needed", "")
        ),
    )  # fmt: skip


@router.post("/enti/{ente_id}/gate/usual")
def usual(runtime: RuntimeDep, visit: ChangeDep, ente_id: int) -> Response:
    """Back to the usual questions."""
    return save(
        runtime, visit,
        lambda session: administration.ask_as_usual(session, visit.principal, ente_id=ente_id),
    )  # fmt: skip


@router.post("/enti/{ente_id}/freshness")
def freshness(runtime: RuntimeDep, visit: ChangeDep, ente_id: int, fields: TypedDep) -> Response:
    """Every how many hours a feed is promised."""
    return save(
        runtime, visit,
        lambda session: administration.save_promise(
            session, visit.principal, ente_id=ente_id, hours=fields.get("hours", "")
        ),
    )  # fmt: skip


@router.post("/enti/{ente_id}/retention")
def retention(runtime: RuntimeDep, visit: ChangeDep, ente_id: int, fields: TypedDep) -> Response:
    """For how many years nobody is erased."""
    return save(
        runtime, visit,
        lambda session: administration.save_kept_years(
            session, visit.principal, ente_id=ente_id, years=fields.get("years", "")
        ),
    )  # fmt: skip


@router.post("/enti/{ente_id}/quiet")
def quiet(runtime: RuntimeDep, visit: ChangeDep, ente_id: int, fields: TypedDep) -> Response:
    """When nobody is disturbed by messages."""
    return save(
        runtime, visit,
        lambda session: save_quiet(
            session, visit.principal, ente_id=ente_id, starts=fields.get("quiet_from", ""),
            ends=fields.get("quiet_until", ""),
        ),
    )  # fmt: skip


@router.post("/enti/{ente_id}/listening")
def listening(runtime: RuntimeDep, visit: ChangeDep, ente_id: int, fields: TypedDep) -> Response:
    """Whether agents see that a supervisor listens."""
    return save(
        runtime, visit,
        lambda session: supervision.save_setting(
            session, visit.principal, ente_id=ente_id, shows_listeners=bool(fields.get("shown"))
        ),
    )  # fmt: skip


@router.post("/enti/{ente_id}/told")
def told(runtime: RuntimeDep, visit: ChangeDep, ente_id: int, fields: TypedDep) -> Response:
    """What is told in each relation."""
    return save(
        runtime, visit,
        lambda session: narrowing.save_rules(session, visit.principal, ente_id=ente_id, chosen=_chosen(fields)),
    )  # fmt: skip


@router.post("/enti/{ente_id}/told/sentences")
def sentences(runtime: RuntimeDep, visit: ChangeDep, ente_id: int, fields: TypedDep) -> Response:
    """What agents would read, before it is saved."""
    if ente_id not in (visit.scope(Permission.ENTE_MANAGE).enti or ()):
        raise NotFoundError("Questo ente non esiste.")
    shown = _sentences(narrowing.narrowed(_chosen(fields)), clock.business_day(runtime.clock.now()))
    return Response(fragment("enti/_sentences.html", visit.language, sentences=shown), media_type="text/html")


def _rows(questions: tuple[Question, ...]) -> list[Question | None]:
    """The questions, and empty rows for more."""
    return [*questions, *[None] * max(0, min(SPARE, MOST - len(questions)))]


def _chosen(fields: dict[str, str]) -> dict[RelationKind, set[Matter]]:
    """The boxes that are ticked; `<relation>-<matter>` is the name of each."""
    return {kind: {matter for matter in Matter if f"{kind.value}-{matter.value}" in fields} for kind in RelationKind}


def _sentences(rules: Rules, today: date) -> dict[RelationKind, str]:
    return {kind: at_best(kind, today=today, narrowed=rules.get(kind)).sentence for kind in RelationKind}
