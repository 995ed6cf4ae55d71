"""What a contract agrees besides its levels: written by hand, or begun from a preset, beside what is there."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.conditions import queries, service
from crm.conditions.agreed import (
    Arrangement,
    Conditions,
    Number,
    NumberKind,
    Reinforcement,
    Week,
    differences,
    hours_in,
)
from crm.core.errors import InvalidError, NotFoundError
from crm.enti.hours import DAYS
from crm.enti.queries import badges, contract_name, enti_of
from crm.levels.agreement import Period
from crm.levels.metering import Callers
from crm.levels.presets import PRESETS, arrangement_from
from telephony.lines import queries as lines
from telephony.queues import queries as queues
from web.edge.answers import shown_anew
from web.edge.fields import id_of
from web.edge.i18n import translations
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.enti.forms import TypedDep

router = APIRouter(include_in_schema=False)


@router.get("/enti/contracts/{contract_id}/conditions")
def edit(request: Request, runtime: RuntimeDep, visit: VisitDep, contract_id: int, preset: str = "") -> Response:
    """The form, filled with what holds, or with what a preset proposes; what would change says what it is now."""
    if contract_id not in visit.principal.contracts_for(Permission.ENTE_MANAGE):
        raise NotFoundError("Questo contratto non c'è.")
    chosen = preset if preset in PRESETS else ""
    with runtime.database.begin(visit.scope(Permission.ENTE_MANAGE)) as session:
        now = queries.arrangement(session, contract_id)
        shown = arrangement_from(chosen, now) if chosen else now
        context: dict[str, Any] = {
            "name": contract_name(session, contract_id), "versions": queries.versions(session, contract_id),
            "writers": queries.writers(session, contract_id), "numbers": _numbers(session, contract_id),
            "covered": list(badges(session, enti_of(session, contract_id)).values()),
            "missing": _missing_queues(session, contract_id, shown.conditions),
        }  # fmt: skip
    return page(
        request, "conditions/page.html", visit.language, visit=visit, csrf=visit.csrf_token, contract_id=contract_id,
        now=now, shown=shown, changes=differences(now, shown), presets=PRESETS, chosen=chosen,
        open_hours=hours_in(shown.hours), kinds=tuple(NumberKind),
        callers=tuple(Callers), periods=tuple(Period), **context,
    )  # fmt: skip


@router.post("/enti/contracts/{contract_id}/conditions")
def write(runtime: RuntimeDep, visit: ChangeDep, contract_id: int, fields: TypedDep) -> Response:
    """They hold from today on."""
    wanted, preset = _read(fields), fields.get("preset", "")

    def work(session: Session) -> None:
        service.write(
            session, visit.principal, contract_id=contract_id, wanted=wanted,
            preset=preset if preset in PRESETS else "",
        )  # fmt: skip

    runtime.database.transact(visit.granted_scope(Permission.ENTE_MANAGE), work)
    return shown_anew(
        translations(visit.language).gettext("Condizioni scritte."), at=f"/enti/contracts/{contract_id}/conditions"
    )


def _numbers(session: Session, contract_id: int) -> dict[NumberKind, list[str]]:
    """The numbers that the contract has, by their kind."""
    found: dict[NumberKind, list[str]] = {kind: [] for kind in NumberKind}
    for one in lines.of_contract(session, contract_id):
        found[NumberKind(one.kind.value)].append(one.number)
    return found


def _missing_queues(session: Session, contract_id: int, said: Conditions) -> list[str]:
    there = {one.name.casefold() for one in queues.queues(session, frozenset({contract_id}))}
    return [one for one in said.queues if one.casefold() not in there]


def _read(fields: Mapping[str, str]) -> Arrangement:
    """What was typed. Raises `InvalidError`, a part for each field that cannot be read."""
    wrong: list[InvalidError] = []
    extra = None
    if "extra" in fields:
        days = {name: _whole(fields, name, wrong) or 0 for name in ("before", "after", "operators")}
        extra = Reinforcement(**days, due=" ".join(fields.get("due", "").split()))
    said = Conditions(
        numbers=tuple(_number(kind, fields) for kind in NumberKind if f"number-{kind}" in fields),
        queues=tuple(name for line in fields.get("queues", "").splitlines() if (name := " ".join(line.split()))),
        staffed=_week(fields, "staffed"), desks=_week(fields, "desks"),
        weekly_hours=_whole(fields, "weekly_hours", wrong), desk_hours=_whole(fields, "desk_hours", wrong),
        reports=tuple(one for one in Period if f"report-{one}" in fields), reinforcement=extra,
    )  # fmt: skip
    replacement = _whole(fields, "replacement_days", wrong)
    if wrong:
        raise InvalidError("Ricontrolla i campi indicati.", parts=wrong)
    return Arrangement(_week(fields, "day"), replacement or 0, said)


def _week(fields: Mapping[str, str], name: str) -> Week:
    return tuple(fields.get(f"{name}-{day}", "").strip() for day in range(DAYS))


def _number(kind: NumberKind, fields: Mapping[str, str]) -> Number:
    callers = fields.get(f"callers-{kind}", "")
    return Number(kind, Callers(callers) if callers in set(Callers) else None, f"pays-{kind}" in fields)


def _whole(fields: Mapping[str, str], name: str, wrong: list[InvalidError]) -> int | None:
    """A whole number; none where nothing was typed."""
    text = fields.get(name, "").strip()
    found = id_of(text) if text else None
    if text and found is None:
        wrong.append(InvalidError("Scrivi un numero intero.", field=name))
    return found
