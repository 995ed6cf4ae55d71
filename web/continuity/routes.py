"""The service's continuity for those who answer for it and for the enti: interruptions, notices, backups, drills."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.access.service import scope_for
from crm.continuity import notices, queries, remarks
from crm.continuity.models import RunKind
from crm.core import clock
from crm.core.clock import ROME
from crm.core.db import Scope
from crm.core.errors import FieldError
from crm.enti import queries as enti
from web.continuity.view import told_within, watched
from web.edge.answers import shown_anew
from web.edge.fields import instant_of
from web.edge.i18n import translations
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep

router = APIRouter(include_in_schema=False)
Text = Annotated[str, Form()]


@router.get("/continuity")
def continuity(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The page."""
    scope, by = _scope(visit), visit.principal
    with runtime.database.begin(scope) as session:
        found = watched(session, _watched(session, scope))
        context: dict[str, Any] = {
            "badges": enti.badges(session, scope.enti), "now": clock.now(session), "said": queries.said(session),
            "since": queries.measured_since(session), "told": told_within(session),
            "followers": queries.followers(session),
            "decides": scope_for(session, by, Permission.PENALTY_DECIDE).enti or frozenset(),
            "backups": queries.runs(session, RunKind.BACKUP), "drills": queries.runs(session, RunKind.DRILL, most=5),
            "too_old": queries.backup_too_old(session),
        }  # fmt: skip
    return page(
        request, "continuity/page.html", visit.language, visit=visit, csrf=visit.csrf_token, found=found,
        contests=by.contracts_for(Permission.PENALTY_CONTEST), publishes=by.can(Permission.CENTRE_CLOSE),
        operates=by.can(Permission.ENTE_MANAGE), **context,
    )  # fmt: skip


@router.post("/continuity/notice")
def publish(runtime: RuntimeDep, visit: ChangeDep, text: Text = "", until: Text = "") -> Response:
    """Say how the service stands; days and hours are Rome's."""
    visit.principal.require(Permission.CENTRE_CLOSE)
    ends = _instant(until)
    runtime.database.transact(
        Scope.nothing(), lambda session: notices.publish(session, visit.principal, text=text, until=ends)
    )
    return shown_anew(translations(visit.language).gettext("Pubblicato."))


@router.post("/continuity/notice/over")
def take_down(runtime: RuntimeDep, visit: ChangeDep) -> Response:
    """It is over."""
    runtime.database.transact(Scope.nothing(), lambda session: notices.take_down(session, visit.principal))
    return shown_anew(translations(visit.language).gettext("Avviso tolto."))


@router.post("/continuity/{interruption_id}/remarks")
def ask(
    runtime: RuntimeDep, visit: ChangeDep, interruption_id: int, contract: Annotated[int, Form()], text: Text = ""
) -> Response:
    """Ask the enti of a contract not to count an interruption."""

    def work(session: Session) -> None:
        remarks.ask(session, visit.principal, contract_id=contract, interruption_id=interruption_id, text=text)

    runtime.database.transact(visit.granted_scope(Permission.PENALTY_CONTEST), work)
    return shown_anew(translations(visit.language).gettext("Chiesto."))


@router.post("/continuity/remarks/{remark_id}/decide")
def decide(
    runtime: RuntimeDep, visit: ChangeDep, remark_id: int, agreed: Annotated[bool, Form()], reason: Text = ""
) -> Response:
    """Agree for one's ente, or not."""

    def work(session: Session) -> None:
        remarks.decide(session, visit.principal, remark_id=remark_id, agreed=agreed, reason=reason)

    runtime.database.transact(visit.scope(Permission.PENALTY_DECIDE), work)
    return shown_anew(translations(visit.language).gettext("Salvato."))


@router.post("/me/service")
def follow(runtime: RuntimeDep, visit: ChangeDep, wanted: Annotated[bool, Form()] = False) -> Response:
    """Whether one wants an e-mail about interruptions."""
    runtime.database.transact(Scope.nothing(), lambda session: notices.follow(session, visit.principal, wanted=wanted))
    return shown_anew(translations(visit.language).gettext("Salvato."))


def _scope(visit: Visit) -> Scope:
    """As for the service levels, which these minutes are part of."""
    watches = visit.principal.can(Permission.ENTE_WATCH)
    return visit.scope(Permission.ENTE_WATCH if watches else Permission.ENTE_MANAGE)


def _watched(session: Session, scope: Scope) -> Iterator[tuple[int, int | None]]:
    yield from ((one, None) for one in sorted(scope.contracts))
    for ente_id in enti.badges(session, scope.enti):
        yield from ((one, ente_id) for one in sorted(enti.contracts_of(session, ente_id) - scope.contracts))


def _instant(text: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        return instant_of(text).replace(tzinfo=ROME)
    except ValueError:
        raise FieldError("La data non va bene: ricontrolla giorno, mese e anno.", "until") from None
