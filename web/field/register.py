"""The pages of the register of operations: to read, to print for the police, to correct by a further entry."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.clock import business_day
from crm.core.errors import FieldError, NotFoundError
from crm.enti import queries as enti
from outbound.field.closing import queries
from outbound.field.closing import register as service
from outbound.field.closing.queries import Registered
from web.edge.answers import shown_anew
from web.edge.fields import id_of, period_of
from web.edge.i18n import translations
from web.edge.templating import page
from web.edge.visits import RuntimeDep, Visit, VisitDep
from web.field import papers, tables
from web.field.deeds import ManageDep
from web.reports.files import CSV, File, csv_of
from web.reports.routes import handed_out
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
DAYS = 30


@router.get("/field/register")
def read(
    request: Request, runtime: RuntimeDep, visit: VisitDep, ente: int | None = None, since: str = "", until: str = ""
) -> Response:
    """The entries from a day to a day."""
    first, last, found, _ = _entries(runtime, visit, ente, since, until, taken=False)
    scope = visit.scope(Permission.FIELD_WATCH)
    with runtime.database.begin(scope) as session:
        badges = enti.badges(session, scope.enti or frozenset())
    return page(
        request, "field/register.html", visit.language, visit=visit, csrf=visit.csrf_token, found=found,
        badges=badges, chosen=ente, since=first, until=last, most=queries.SHOWN, outcome=tables.outcome,
        words=service.MOST_WORDS, manages=visit.principal.can(Permission.FIELD_MANAGE),
    )  # fmt: skip


@router.get("/field/register.pdf")
def printed(
    runtime: RuntimeDep, visit: VisitDep, ente: int | None = None, since: str = "", until: str = ""
) -> Response:
    """The same on numbered pages."""
    first, last, found, about = _entries(runtime, visit, ente, since, until, taken=True)
    contents = papers.register(found, about, first, last, clock.start_of_day(last), visit.language)
    return handed_out(File(f"registro-operazioni-{first}-{last}.pdf", "application/pdf", contents))


@router.get("/field/register.csv")
def table(runtime: RuntimeDep, visit: VisitDep, ente: int | None = None, since: str = "", until: str = "") -> Response:
    """The same for a spreadsheet."""
    first, last, found, _ = _entries(runtime, visit, ente, since, until, taken=True)
    contents = csv_of(tables.register(found), visit.language)
    return handed_out(File(f"registro-operazioni-{first}-{last}.csv", CSV, contents))


@router.post("/field/register/correct")
def correct(
    deed: ManageDep, number: Annotated[str, Form(max_length=20)] = "",
    words: Annotated[str, Form(max_length=2_000)] = "",
) -> Response:  # fmt: skip
    """Say what is wrong with an entry."""
    wrong = id_of(number.strip())
    if wrong is None:
        raise FieldError("Scrivi il numero della registrazione.", "number")
    made = deed(service.correct, number=wrong, words=words)
    said = translations(deed.visit.language).gettext("Rettifica registrata con il n. {n}.").format(n=made)
    return shown_anew(said, at="/field/register")


def _entries(
    runtime: Runtime, visit: Visit, ente: int | None, since: str, until: str, *, taken: bool
) -> tuple[date, date, list[Registered], str]:
    scope = visit.scope(Permission.FIELD_WATCH)
    his = scope.enti or frozenset()
    if ente is not None and ente not in his:
        raise NotFoundError("Questo ente non esiste.")
    whose = his if ente is None else frozenset({ente})

    def work(session: Session) -> tuple[date, date, list[Registered], str]:
        first, last = period_of(since, until, today=business_day(clock.now(session)), days=DAYS)
        found = queries.register(
            session, visit.principal, whose, since=first, until=last, limit=None if taken else queries.SHOWN,
            taken=taken,
        )  # fmt: skip
        about = ", ".join(one.name for one in enti.badges(session, whose).values())
        return first, last, found, about

    return runtime.database.transact(scope, work)
