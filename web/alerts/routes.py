"""The alerts with their history, the thresholds, and the browsers in which a supervisor is told."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Header, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import clock, topics
from crm.core.db import Scope
from crm.core.errors import FieldError, InvalidError
from crm.enti import queries as enti
from crm.levels import queries as levels
from telephony.alerts import queries, service, webpush
from telephony.alerts.judging import OF_A_LEVEL, OF_A_LINE, OF_A_QUEUE, AlertKind
from telephony.alerts.measures import Threshold
from telephony.alerts.pushing import PushServices
from telephony.alerts.queries import Raised, Which
from telephony.lines import queries as lines
from telephony.queues import queries as queues
from telephony.queues.figures import untold
from web.alerts.saying import say
from web.edge.answers import shown_anew
from web.edge.fields import chosen, period_of
from web.edge.i18n import translations
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.live.hub import Render, Rendered
from web.wiring import Runtime, vapid_key

router = APIRouter(include_in_schema=False)
NO_CONTENT = 204
WORKER = Path(__file__).parent.parent / "static" / "js" / "push_worker.js"
DAYS = 30  # of the history, unless asked otherwise
FieldText = Annotated[str, Form()]


@dataclass(frozen=True, slots=True)
class Told:
    """An alert and its sentence."""

    of: Raised
    words: str


def render(runtime: Runtime, scope: Scope, language: str) -> Rendered:
    """The alerts that stand, at the head of the live board."""
    with runtime.database.begin(scope) as session:
        found = _told(session, queries.standing(session, scope.contracts), language)
    html = fragment("alerts/standing.html", language, alerts=found)
    return Rendered({"alerts": html}, frozenset(topics.alerts(one) for one in scope.contracts))


def join(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """Whoever is told of the same contracts' alerts sees the same."""
    scope = visit.scope(Permission.BOARD_MANAGE)
    return [(f"alerts:{sorted(scope.contracts)}:{visit.language}", partial(render, runtime, scope, visit.language))]


@router.get("/alerts")
def alerts(
    request: Request, runtime: RuntimeDep, visit: VisitDep, which: Which = Which.ALL, since: str = "",
    until: str = "", contract: str = "",
) -> Response:  # fmt: skip
    """What was raised, and who took notice. Without a contract, of each of the visitor's."""
    scope, one = visit.scope(Permission.BOARD_MANAGE), chosen(contract)
    with runtime.database.begin(scope) as session:
        today = clock.business_day(clock.now(session))
        first, last = period_of(since, until, today=today, days=DAYS)
        found = queries.history(
            session, scope.contracts if one is None else scope.contracts & {one}, which=which,
            since=clock.start_of_day(first), until=clock.start_of_day(last + timedelta(days=1)),
        )  # fmt: skip
        shown = _told(session, found, visit.language)
        names = {id_: enti.contract_name(session, id_) for id_ in sorted(scope.contracts)}
    return page(
        request, "alerts/history.html", visit.language, visit=visit, csrf=visit.csrf_token, alerts=shown, which=which,
        first=first, last=last, choices=tuple(Which), names=names, contract=one,
        has_more=len(found) == queries.MOST_SHOWN,
    )  # fmt: skip


@router.post("/alerts/{alert_id}/acknowledge")
def acknowledge(
    runtime: RuntimeDep, visit: ChangeDep, alert_id: int, note: FieldText = "", anew: Annotated[bool, Form()] = False
) -> Response:
    """Somebody takes notice."""
    runtime.database.transact(
        visit.granted_scope(Permission.BOARD_MANAGE),
        lambda session: service.acknowledge(session, visit.principal, alert_id=alert_id, note=note),
    )
    return shown_anew(translations(visit.language).gettext("Salvato.")) if anew else Response(status_code=NO_CONTENT)


@router.get("/alerts/rules")
def rules(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The thresholds, and the browsers."""
    scope = visit.scope(Permission.BOARD_MANAGE)
    with runtime.database.begin(scope) as session:
        contracts = [
            (one, enti.contract_name(session, one), queries.rules(session, [one]),
             queues.queues(session, frozenset({one})), levels.promises(session, frozenset({one})),
             lines.of_contract(session, one), untold(session, queues.staffing(session, frozenset({one}))))
            for one in sorted(scope.contracts)
        ]  # fmt: skip
        names = {one.id: one.name for one in queues.with_closed(session, scope.contracts)}
        browsers = queries.browsers(session, visit.principal)
    return page(
        request, "alerts/rules.html", visit.language, visit=visit, csrf=visit.csrf_token, contracts=contracts,
        kinds=tuple(AlertKind), of_a_level=OF_A_LEVEL, of_a_queue=OF_A_QUEUE, queues=names, browsers=browsers,
        key=webpush.public_text(vapid_key(runtime.settings)),
    )  # fmt: skip


@router.post("/alerts/rules/{contract_id}")
def add(
    runtime: RuntimeDep, visit: ChangeDep, contract_id: int, kind: Annotated[AlertKind, Form()],
    threshold: FieldText = "0", after: FieldText = "0", queue: FieldText = "", line: FieldText = "",
    metric: FieldText = "",
    by_mail: Annotated[bool, Form()] = False, by_push: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    """A threshold more. `metric` is a level's, with `:` and whose calls where it is of some alone."""
    name, _, callers = metric.partition(":")
    queue_id = int(queue) if queue.isascii() and queue.isdecimal() and len(queue) < 12 else None
    of = Threshold(
        kind, _number(threshold, "threshold"), queue_id if kind in OF_A_QUEUE else None, name, callers,
        line if kind in OF_A_LINE else "",
    )  # fmt: skip
    runtime.database.transact(
        visit.granted_scope(Permission.BOARD_MANAGE),
        lambda session: service.add_rule(
            session, visit.principal, contract_id=contract_id, of=of, after_s=int(_number(after, "after")),
            by_mail=by_mail, by_push=by_push,
        ),
    )  # fmt: skip
    return shown_anew(translations(visit.language).gettext("Salvato."))


@router.post("/alerts/rules/{rule_id}/remove")
def remove(runtime: RuntimeDep, visit: ChangeDep, rule_id: int) -> Response:
    """A threshold less."""
    runtime.database.transact(
        visit.granted_scope(Permission.BOARD_MANAGE),
        lambda session: service.end_rule(session, visit.principal, rule_id=rule_id),
    )
    return shown_anew(translations(visit.language).gettext("Tolta."))


@router.get("/push-worker.js")
def worker() -> Response:
    """The service worker: of the whole site, so it is served from its root."""
    return FileResponse(WORKER, media_type="text/javascript", headers={"cache-control": "no-cache"})


@router.post("/alerts/browsers")
def subscribe(
    runtime: RuntimeDep, visit: ChangeDep, endpoint: FieldText = "", p256dh: FieldText = "", auth: FieldText = "",
    user_agent: Annotated[str, Header()] = "",
) -> Response:  # fmt: skip
    """Tell this user in this browser."""
    try:
        webpush.checked_keys(p256dh, auth)
    except webpush.KeysError:
        raise InvalidError("Il browser non ha dato le sue chiavi: riprova.") from None
    if len(endpoint) > 600 or not PushServices(runtime.settings.push_services).takes(endpoint):
        raise InvalidError("Questo browser usa un servizio di notifiche che non conosciamo.")

    def work(session: Session) -> None:
        service.subscribe(
            session, visit.principal, endpoint=endpoint, p256dh=p256dh, auth=auth, browser=_browser(user_agent)
        )

    runtime.database.transact(visit.scope(Permission.BOARD_MANAGE), work)
    return JSONResponse({})


@router.post("/alerts/browsers/{subscription_id}/remove")
def unsubscribe(runtime: RuntimeDep, visit: ChangeDep, subscription_id: int) -> Response:
    """Tell him there no more."""
    runtime.database.transact(
        visit.scope(Permission.BOARD_MANAGE),
        lambda session: service.unsubscribe(session, visit.principal, subscription_id=subscription_id),
    )
    return shown_anew(translations(visit.language).gettext("Tolto."))


def _told(session: Session, found: list[Raised], language: str) -> list[Told]:
    return [Told(one, say(session, one.rule, one.measured, language)) for one in found]


def _number(text: str, field: str) -> Decimal:
    try:
        value = Decimal(text.strip().replace(",", ".") or "0")
    except InvalidOperation:
        raise FieldError("Scrivi un numero.", field=field) from None
    if not value.is_finite() or abs(value) > 1_000_000 or value != value.to_integral_value():
        raise FieldError("Scrivi un numero intero.", field=field)
    return value


def _browser(user_agent: str) -> str:
    """A browser's name and its system's, for whoever has several; nothing more is kept of it."""
    names = ("Edg", "Firefox", "Chrome", "Safari")
    name = next((one for one in names if f"{one}/" in user_agent), "Browser")
    system = next((one for one in ("Windows", "Android", "iPhone", "Mac", "Linux") if one in user_agent), "")
    return " · ".join(one for one in (name.replace("Edg", "Edge"), system) if one)
