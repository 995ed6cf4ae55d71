"""Trying out a plan of instalments beside a case, and the ente's own rules about them."""

from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from pydantic import BeforeValidator
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.cases import rights, told, views
from crm.cases.gestionale import patience
from crm.cases.instalments import rules as instalments
from crm.cases.instalments.plans import LOCAL, Band, Rate, Rules, Scheme, allowed, plan
from crm.cases.lifecycle import Who
from crm.cases.models import Case
from crm.core import clock
from crm.core.errors import FieldError, InvalidError
from crm.enti import queries as enti
from web.cases.words import NOT_A_RATE, NOT_WHOLE, TOO_FAR
from web.edge.fields import NearDay, cents_of, id_of
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.field.forms import TypedDep, told_anew

router = APIRouter(prefix="/cases", include_in_schema=False)
NONE = BeforeValidator(lambda text: text or None)


@router.get("/{case_id}/instalments")
def tried(
    request: Request, runtime: RuntimeDep, visit: VisitDep, case_id: int, scheme: Scheme = Scheme.ENTE,
    count: Annotated[str, Query(max_length=4)] = "", first: Annotated[NearDay | None, NONE, Query()] = None,
    rate: Annotated[str, Query(max_length=8)] = "", proven: bool = False,
) -> Response:  # fmt: skip
    """The plan that comes of it: as many instalments as there may be, unless somebody says how many."""

    def work(session: Session) -> dict[str, Any]:
        one = views.one(session, case_id)
        told.note(session, visit.principal, session.get_one(Case, case_id), "case.plan_tried")
        today = clock.business_day(clock.now(session))
        rules, owed = instalments.of_scheme(session, one.ente_id, scheme, proven=proven), instalments.owed(
            session, case_id
        )  # fmt: skip
        wrong: dict[str, str] = {}
        yearly = _rate(rate, rules.rate, wrong)
        begins = first or _next_month(today)
        if begins < today.replace(day=1) or begins > today + timedelta(days=366):
            wrong["first"] = TOO_FAR
        may = allowed(rules, owed.cents)
        begun = one.instalments_granted or one.instalments_asked
        usual = min(max(begun or may.most, may.least), may.most)
        wanted = id_of(count.strip()) if count.strip() else usual
        if wanted is None:
            wrong["count"] = NOT_WHOLE
        rates: tuple[Rate, ...] = ()
        if not wrong and wanted is not None and owed.cents:
            try:
                rates = plan(
                    owed.cents, taxed=owed.taxed, count=wanted, begins=today, first=begins,
                    rules=Rules(rules.bands, yearly, rules.smallest),
                )  # fmt: skip
            except InvalidError as error:
                wrong |= {part.field: str(part) for part in error.parts}
        return {
            "one": one, "ente": enti.badges(session)[one.ente_id], "owed": owed, "may": may, "rates": rates,
            "scheme": scheme, "schemes": Scheme, "count": count or usual, "first": begins, "rate": yearly,
            "beyond": begun if begun != usual and not count.strip() else None, "proven": proven, "wrong": wrong,
            "own": instalments.own(session, one.ente_id) is not None,
            "manages": Who.SUPERVISOR in rights.parts(session, visit.principal, one.ente_id),
        }  # fmt: skip

    return _page(
        request, visit, "cases/plan.html", **runtime.database.transact(visit.scope(Permission.CASE_READ), work)
    )  # fmt: skip


@router.get("/instalments/{ente_id}")
def rules(request: Request, runtime: RuntimeDep, visit: VisitDep, ente_id: int) -> Response:
    """The ente's own rules."""

    def work(session: Session) -> dict[str, Any]:
        rights.require(session, visit.principal, Who.SUPERVISOR, ente_id)
        own = instalments.own(session, ente_id)
        return {
            "ente": enti.badges(session)[ente_id], "own": own is not None, "rules": own or LOCAL,
            "days": patience.days(session, ente_id), "most_days": patience.MOST,
        }  # fmt: skip

    return _page(
        request, visit, "cases/rules.html", **runtime.database.transact(visit.scope(Permission.CASE_MANAGE), work)
    )  # fmt: skip


@router.post("/instalments/{ente_id}")
def write(runtime: RuntimeDep, visit: ChangeDep, ente_id: int, fields: TypedDep) -> Response:
    """Write them; `law`: the law's again."""
    new = None if "law" in fields else _rules(fields)
    runtime.database.transact(
        visit.scope(Permission.CASE_MANAGE),
        lambda session: instalments.write(session, visit.principal, ente_id=ente_id, new=new),
    )
    return told_anew("Regole delle rate scritte.", visit)


@router.post("/gestionale/{ente_id}")
def wait(runtime: RuntimeDep, visit: ChangeDep, ente_id: int, gestionale_days: Annotated[str, Form()] = "") -> Response:
    """How many days the ente gives its collection system."""
    new = id_of(gestionale_days.strip())
    if new is None:
        raise FieldError(NOT_WHOLE, "gestionale_days")
    runtime.database.transact(
        visit.scope(Permission.CASE_MANAGE),
        lambda session: patience.write(session, visit.principal, ente_id=ente_id, new=new),
    )
    return told_anew("Giorni del gestionale scritti.", visit)


def _rules(fields: dict[str, str]) -> Rules:
    wrong: list[InvalidError] = []

    def whole(name: str) -> int:
        found = id_of(fields.get(name, "").strip())
        if found is None:
            wrong.append(InvalidError("Un numero intero.", field=name))
        return found or 0

    def cents(name: str) -> int:
        found = cents_of(fields.get(name, ""))
        if found is None:
            wrong.append(InvalidError("Un importo in euro, per esempio 500,00.", field=name))
        return found or 0

    last = len(LOCAL.bands) - 1
    bands = tuple(
        Band(None if n == last else cents(f"up_to-{n}"), whole(f"least-{n}"), whole(f"most-{n}"))
        for n in range(len(LOCAL.bands))
    )
    try:
        rate = Decimal(fields.get("rate", "").strip().replace(",", ".") or "0")
    except InvalidOperation:
        rate = Decimal(-1)
    smallest = cents("smallest")
    if wrong:
        raise InvalidError("Qualcosa non va: guarda i campi segnati.", parts=wrong)
    return Rules(bands, rate if rate.is_finite() else Decimal(-1), smallest)


def _rate(text: str, usual: Decimal, wrong: dict[str, str]) -> Decimal:
    if not text.strip():
        return usual
    try:
        found = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        found = Decimal(-1)
    if not found.is_finite() or not 0 <= found <= 20:
        wrong["rate"] = NOT_A_RATE
        return usual
    return found


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _page(request: Request, visit: Visit, template: str, **context: Any) -> Response:
    return page(request, template, visit.language, visit=visit, csrf=visit.csrf_token, **context)
