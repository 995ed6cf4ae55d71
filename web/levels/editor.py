"""Writing a contract's levels: a version from a day on, begun from what is in force, or from a preset."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.errors import InvalidError, NotFoundError
from crm.enti.queries import contract_name
from crm.levels import administration, queries
from crm.levels.agreement import OPS, Agreement, Period, Promise
from crm.levels.metering import Callers
from crm.levels.metrics import METRICS, Each, MetricName, Unit
from crm.levels.presets import PRESETS, agreement_from, compared
from crm.levels.terms import Denominator, Formula, Terms, in_force
from web.edge.answers import shown_anew
from web.edge.fields import day_of
from web.edge.i18n import translations
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.enti.forms import TypedDep
from web.levels.versions import history

router = APIRouter(include_in_schema=False)
EMPTY_ROWS = 3
MOST_ROWS = administration.MOST_LEVELS + EMPTY_ROWS
HUNDRED = Decimal(100)
T = TypeVar("T", Period, Each, Formula, Denominator)


@dataclass(frozen=True, slots=True)
class Row:
    """A level as its fields hold it."""

    metric: str = ""
    op: str = "<="
    target: str = ""
    threshold: str = ""
    callers: str = ""
    service: str = ""
    period: str = ""
    share_of_days: str = ""
    tolerated: bool = False
    penalty: str = ""
    each: str = ""
    group: str = ""


@router.get("/enti/contracts/{contract_id}/levels")
def edit(request: Request, runtime: RuntimeDep, visit: VisitDep, contract_id: int, preset: str = "") -> Response:
    """The form, filled with what is in force, or with the levels of a preset."""
    scope = visit.scope(Permission.ENTE_MANAGE)
    if contract_id not in visit.principal.contracts_for(Permission.ENTE_MANAGE):
        raise NotFoundError("Questo contratto non c'è.")
    with runtime.database.begin(scope) as session:
        today = clock.business_day(clock.now(session))
        current = queries.agreement(session, contract_id)
        versions = history(queries.written(session, contract_id), current, today)
        shown = current or Agreement(contract_id, today, Period.MONTH, ())
        if preset in PRESETS:
            shown = agreement_from(preset, shown)
        terms = in_force(queries.terms(session, contract_id), clock.now(session))
        name = contract_name(session, contract_id)
    rows = [_row(one) for one in shown.levels] + [Row()] * EMPTY_ROWS
    changes = compared(current.levels if current else (), shown.levels)
    return page(
        request, "levels/edit.html", visit.language, visit=visit, csrf=visit.csrf_token, contract_id=contract_id,
        contract=name, shown=shown, rows=rows, terms=terms, versions=versions, current=current, today=today,
        presets=PRESETS, chosen=preset, metrics=tuple(MetricName), units=METRICS, ops=tuple(OPS),
        periods=tuple(Period), eaches=tuple(Each), callers=tuple(Callers), formulas=tuple(Formula),
        denominators=tuple(Denominator), net_value=_written(shown.net_value),
        changes=changes if preset in PRESETS else [], begins=current.period.around(today)[1] if current else today,
    )  # fmt: skip


@router.post("/enti/contracts/{contract_id}/levels")
def write(runtime: RuntimeDep, visit: ChangeDep, contract_id: int, fields: TypedDep) -> Response:
    """A version of what the contract promises."""
    agreement, terms, places = _read(contract_id, fields)

    def work(session: Session) -> None:
        administration.write(session, visit.principal, agreement, terms)

    try:
        runtime.database.transact(visit.granted_scope(Permission.ENTE_MANAGE), work)
    except InvalidError as error:
        parts = [InvalidError(str(one), field=_at_its_place(one.field, places)) for one in error.parts]
        raise InvalidError(str(error), field=error.field, parts=parts) from error
    return shown_anew(
        translations(visit.language).gettext("Livelli scritti."), at=f"/enti/contracts/{contract_id}/levels"
    )


@router.post("/enti/contracts/{contract_id}/levels/{agreement_id}/remove")
def remove(runtime: RuntimeDep, visit: ChangeDep, contract_id: int, agreement_id: int) -> Response:
    """A version that has not begun yet is not to begin."""

    def work(session: Session) -> None:
        administration.withdraw(session, visit.principal, contract_id=contract_id, agreement_id=agreement_id)

    runtime.database.transact(visit.granted_scope(Permission.ENTE_MANAGE), work)
    return shown_anew(translations(visit.language).gettext("Livelli tolti."))


def _row(one: Promise) -> Row:
    is_share = one.metric in METRICS and METRICS[one.metric].unit is Unit.SHARE
    return Row(
        one.metric, one.op, _written(one.target * HUNDRED if is_share else one.target), _written(one.threshold_s),
        one.callers or "", one.service, one.period.value if one.period else "",
        _written(one.share_of_days * HUNDRED if one.share_of_days else None), one.tolerated_excluded,
        _written(one.penalty_per_mille), one.penalty_each.value if one.penalty_each else "", one.penalty_group,
    )  # fmt: skip


def _written(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():f}".replace(".", ",")


def _read(contract_id: int, fields: Mapping[str, str]) -> tuple[Agreement, Terms, list[int]]:
    """What was typed, and at which place each level stands. Raises `InvalidError` with what cannot be read."""
    wrong: list[InvalidError] = []
    levels, places = [], []
    for place in range(MOST_ROWS):
        if fields.get(f"metric-{place}", ""):
            levels.append(_level(contract_id, fields, place, wrong))
            places.append(place)
    agreement = Agreement(
        contract_id, _day(fields, wrong), _choice(Period, fields, "period", wrong) or Period.MONTH, tuple(levels),
        _number(fields, "net_value", wrong), fields.get("preset", "") if fields.get("preset", "") in PRESETS else "",
    )  # fmt: skip
    seconds = {name: _number(fields, name, wrong) or Decimal(0) for name in ("within", "short", "over")}
    terms = Terms(
        formula=_choice(Formula, fields, "formula", wrong) or Formula.A,
        denominator=_choice(Denominator, fields, "denominator", wrong) or Denominator.RECEIVED,
        within_ms=int(seconds["within"] * 1000),
        short_ms=int(seconds["short"] * 1000),
        over_ms=int(seconds["over"] * 1000),
    )
    if any(not 0 <= value <= 3600 for value in seconds.values()):
        wrong.append(InvalidError("I secondi vanno da 0 a 3600.", field="within"))
    if wrong:
        raise InvalidError("I livelli non sono scritti bene.", parts=wrong)
    return agreement, terms, places


def _level(contract_id: int, fields: Mapping[str, str], place: int, wrong: list[InvalidError]) -> Promise:
    metric = fields[f"metric-{place}"]
    target = _number(fields, f"target-{place}", wrong)
    if target is None and not any(one.field == f"target-{place}" for one in wrong):
        wrong.append(InvalidError("Scrivi il limite.", field=f"target-{place}"))
    level = Promise(
        contract_id, metric, fields.get(f"op-{place}", ""), target or Decimal(0),
        _number(fields, f"threshold-{place}", wrong), fields.get(f"callers-{place}") or None,
        " ".join(fields.get(f"service-{place}", "").split())[:80], _choice(Period, fields, f"own-{place}", wrong),
        _hundredth(_number(fields, f"share_of_days-{place}", wrong)), f"tolerated-{place}" in fields,
        _number(fields, f"penalty-{place}", wrong), _choice(Each, fields, f"each-{place}", wrong),
        " ".join(fields.get(f"group-{place}", "").split())[:20],
    )  # fmt: skip
    if metric in METRICS and METRICS[metric].unit is Unit.SHARE:
        level = replace(level, target=level.target / HUNDRED)
    return level


def _hundredth(value: Decimal | None) -> Decimal | None:
    return None if value is None else value / HUNDRED


def _number(fields: Mapping[str, str], name: str, wrong: list[InvalidError]) -> Decimal | None:
    typed = fields.get(name, "").strip().replace(",", ".")
    if not typed:
        return None
    try:
        value = Decimal(typed)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value) >= Decimal(10) ** 12:
        wrong.append(InvalidError("Scrivi un numero, come 20 o 0,5.", field=name))
        return None
    return value


def _choice(kind: type[T], fields: Mapping[str, str], name: str, wrong: list[InvalidError]) -> T | None:
    typed = fields.get(name, "")
    if not typed:
        return None
    try:
        return kind(typed)
    except ValueError:
        wrong.append(InvalidError("Scegli una voce dell'elenco.", field=name))
        return None


def _day(fields: Mapping[str, str], wrong: list[InvalidError]) -> date:
    try:
        return day_of(fields.get("valid_from", ""))
    except ValueError:
        wrong.append(InvalidError("Scegli il giorno da cui valgono.", field="valid_from"))
        return date.min


def _at_its_place(field: str, places: list[int]) -> str:
    """The field of a level as the form names it: empty rows stand between those that were written."""
    name, dash, place = field.rpartition("-")
    return f"{name}-{places[int(place)]}" if dash and place.isdecimal() and int(place) < len(places) else field
