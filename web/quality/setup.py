"""What is drawn, and by which form it is scored; and how each draw can be computed again."""

import re
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from crm.access import queries as access
from crm.access.permissions import Permission
from crm.core.db import Scope
from crm.core.errors import InvalidError, NotFoundError
from crm.enti import queries as enti
from telephony.quality import forms, queries
from telephony.quality.forms import Rule
from telephony.quality.models import Spread
from telephony.quality.scoring import Criterion, Scale
from telephony.queues import queries as queues
from web.edge.answers import shown_anew
from web.edge.fields import id_of
from web.edge.i18n import translations
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.enti.forms import TypedDep

router = APIRouter(include_in_schema=False)
EMPTY_ROWS = 2
KEY = re.compile(r"[a-z0-9-]{1,40}", re.ASCII)
MOST_ROWS = forms.MOST_CRITERIA + EMPTY_ROWS


@router.get("/quality/setup/{contract_id}")
def setup(request: Request, runtime: RuntimeDep, visit: VisitDep, contract_id: int) -> Response:
    """The rules and the form of a contract."""
    scope = visit.scope(Permission.QUALITY_MANAGE)
    if contract_id not in visit.principal.contracts_for(Permission.QUALITY_MANAGE):
        raise NotFoundError("Questo contratto non c'è.")
    with runtime.database.begin(scope) as session:
        context: dict[str, Any] = {
            "name": enti.contract_name(session, contract_id), "form": forms.form(session, contract_id),
            "rules": forms.rules(session, contract_id), "draws": queries.draws(session, contract_id),
            "queues": {one.id: one.name for one in queues.with_closed(session, frozenset({contract_id}))},
            "able": access.able(session, Permission.QUALITY_EVALUATE, contract_id=contract_id),
            "locks": queries.locks(session, visit.principal),
        }  # fmt: skip
    return page(
        request, "quality/setup.html", visit.language, visit=visit, csrf=visit.csrf_token, contract_id=contract_id,
        spreads=tuple(Spread), scales=tuple(Scale), empty=EMPTY_ROWS, **context,
    )  # fmt: skip


@router.post("/quality/setup/{contract_id}/rules")
def begin(
    runtime: RuntimeDep, visit: ChangeDep, contract_id: int, fields: TypedDep,
    evaluators: Annotated[list[int] | None, Form()] = None,
) -> Response:  # fmt: skip
    """A rule begins."""
    queue, least, per, days = (fields.get(name, "").strip() for name in ("queue", "least_s", "per_agent", "days"))
    wanted = Rule(
        queue_id=(id_of(queue) or 0) if queue else None, per_agent=_number(per), least_s=_number(least),
        spread=frozenset(one for one in Spread if fields.get(f"spread-{one.value}")),
        evaluators=frozenset(evaluators or ()), days=_number(days),
    )  # fmt: skip
    runtime.database.transact(
        visit.granted_scope(Permission.QUALITY_MANAGE),
        lambda session: forms.begin_rule(session, visit.principal, contract_id=contract_id, wanted=wanted),
    )
    return shown_anew(
        translations(visit.language).gettext("Regola scritta: la prima estrazione è alla fine della settimana.")
    )


@router.post("/quality/rules/{rule_id}/end")
def end(runtime: RuntimeDep, visit: ChangeDep, rule_id: int) -> Response:
    """A rule ends."""
    runtime.database.transact(
        visit.granted_scope(Permission.QUALITY_MANAGE),
        lambda session: forms.end_rule(session, visit.principal, rule_id=rule_id),
    )
    return shown_anew(translations(visit.language).gettext("Non estrae più."))


@router.post("/quality/setup/{contract_id}/form")
def write(runtime: RuntimeDep, visit: ChangeDep, contract_id: int, fields: TypedDep) -> Response:
    """A version of the form."""
    places = [place for place in range(MOST_ROWS) if fields.get(f"words-{place}", "").strip()]
    criteria = [_criterion(fields, place) for place in places]
    limit = fields.get("pass_mark", "").strip()

    try:
        runtime.database.transact(
            visit.granted_scope(Permission.QUALITY_MANAGE),
            lambda session: forms.write_form(
                session, visit.principal, contract_id=contract_id, criteria=criteria,
                pass_mark=_number(limit),
            ),
        )  # fmt: skip
    except InvalidError as error:
        parts = [InvalidError(str(one), field=_at_its_place(one.field, places)) for one in error.parts]
        raise InvalidError(str(error), parts=parts) from error
    return shown_anew(translations(visit.language).gettext("Scheda scritta: vale dalla prossima estrazione."))


@router.get("/quality/draws/{draw_id}")
def draw(request: Request, runtime: RuntimeDep, visit: VisitDep, draw_id: int) -> Response:
    """A draw, with all that is needed to compute it again; for those it drew from, too."""
    with runtime.database.begin(Scope.nothing()) as session:
        found = queries.one_draw(session, visit.principal, draw_id)
        rule = forms.rule(session, found.rule_id)
    by = visit.principal
    manages = found.contract_id in by.contracts_for(Permission.QUALITY_MANAGE)
    # How many conversations each had is no part of the proof: agents are numbered anew, and each sees his own.
    numbers: dict[int, int] = {}
    for _, agent_id, _ in found.candidates:
        numbers.setdefault(agent_id, len(numbers) + 1)
    rows = [
        (call, numbers[agent_id], kind, call in found.drawn)
        for call, agent_id, kind in found.candidates
        if manages or agent_id == by.user_id
    ]
    return page(
        request, "quality/draw.html", visit.language, visit=visit, csrf=visit.csrf_token, draw=found, rule=rule,
        rows=rows, manages=manages,
    )  # fmt: skip


def _number(typed: str) -> int:
    """What stands in a field; -1, which nothing allows, for no number."""
    found = id_of(typed)
    return -1 if found is None else found


def _criterion(fields: dict[str, str], place: int) -> Criterion:
    scale = fields.get(f"scale-{place}", "")
    key = fields.get(f"key-{place}", "")
    return Criterion(
        key if KEY.fullmatch(key) else f"n{place}-{secrets.token_hex(3)}",
        " ".join(fields.get(f"words-{place}", "").split()),
        " ".join(fields.get(f"help-{place}", "").split()), Scale(scale) if scale in set(Scale) else Scale.YES_NO,
        _number(fields.get(f"weight-{place}", "").strip()),
        bool(fields.get(f"critical-{place}")),
    )  # fmt: skip


def _at_its_place(field: str, places: list[int]) -> str:
    """The field of the form as it was sent, in which rows may be empty."""
    name, _, row = field.partition("-")
    return f"{name}-{places[int(row)]}" if row and places else field
