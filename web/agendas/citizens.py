"""What the staff see of the citizens' pages of an ente: who waits for a time, their ratings, their settings."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.agendas import queries, sites
from crm.agendas.ratings import service as ratings
from crm.agendas.sites import Link
from crm.agendas.wishes import queries as wishes
from crm.agendas.wishes import service as waiting
from crm.core.db import Scope
from crm.core.errors import NotFoundError
from crm.enti.queries import badges
from web.agendas.parts import show, uuid_in
from web.edge.answers import shown_anew
from web.edge.i18n import translations
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.enti.forms import TypedDep

router = APIRouter(prefix="/agendas", include_in_schema=False)
Box = Annotated[str, Form()]


@router.get("/waiting/{ente_id}")
def waiting_list(request: Request, runtime: RuntimeDep, visit: VisitDep, ente_id: int) -> Response:
    """Who waits, in order, with what each was offered; and who waits no more."""
    scope = _scope(visit.scope(Permission.APPOINTMENT_READ), ente_id)
    with runtime.database.begin(scope) as session:
        known, ended = wishes.of_ente(session, ente_id), wishes.ended(session, ente_id)
        context = {
            "ente": badges(session)[ente_id], "waiting": known, "ended": ended,
            "services": {one.id: one for one in queries.services(session, ente_id)},
            "offices": {
                one: queries.office(session, one) for wish in (*known, *ended) for one in wish.offices
            },
        }  # fmt: skip
    return show(request, visit, "agendas/waiting.html", **context)


@router.post("/waiting/{ente_id}/remove")
def remove(runtime: RuntimeDep, visit: ChangeDep, ente_id: int, wish: Box = "") -> Response:
    """Somebody is taken off, as he asked on the telephone."""
    wish_id = uuid_in(wish)

    def work(session: Session) -> None:
        if sites.of_ente(session, ente_id) is None:
            raise NotFoundError("Questo ente non esiste.")
        manage_at = sites.manage_at(session, ente_id, runtime.settings.public_url)
        waiting.remove(session, visit.principal, ente_id=ente_id, wish_id=wish_id, manage_at=manage_at)

    runtime.database.transact(visit.scope(Permission.APPOINTMENT_MANAGE), work)
    return shown_anew(translations(visit.language).gettext("Tolto dalla lista."))


@router.get("/ratings/{ente_id}")
def rated(request: Request, runtime: RuntimeDep, visit: VisitDep, ente_id: int) -> Response:
    """How people found the pages, month by month and service by service."""
    scope = _scope(visit.scope(Permission.APPOINTMENT_READ), ente_id)
    with runtime.database.begin(scope) as session:
        context = {
            "ente": badges(session)[ente_id], "months": ratings.of_ente(session, ente_id), "most": ratings.MOST,
            "services": {one.id: one for one in queries.services(session, ente_id)},
        }  # fmt: skip
    return show(request, visit, "agendas/ratings.html", **context)


@router.get("/site/{ente_id}")
def site(request: Request, runtime: RuntimeDep, visit: VisitDep, ente_id: int) -> Response:
    """The citizens' pages: their address, who may show them, what is asked, what their foot leads to."""
    scope = _scope(visit.scope(Permission.AGENDA_MANAGE), ente_id)
    with runtime.database.begin(scope) as session:
        found = sites.of_ente(session, ente_id)
        context = {
            "ente": badges(session)[ente_id], "site": found, "links": tuple(Link),
            "address": found.address(runtime.settings.public_url) if found else "",
        }  # fmt: skip
    return show(request, visit, "agendas/site.html", **context)


@router.post("/site/{ente_id}")
def save_site(runtime: RuntimeDep, visit: ChangeDep, ente_id: int, fields: TypedDep) -> Response:
    """They are opened, or changed."""
    told = {name: fields.get(name, "") for name in ("slug", "host", "framed_by")}
    links = {one.value: fields.get(one.value, "") for one in Link}
    runtime.database.transact(
        visit.scope(Permission.AGENDA_MANAGE),
        lambda session: sites.save(
            session,
            visit.principal,
            ente_id=ente_id,
            **told,
            needs_code=bool(fields.get("needs_code")),
            links=links,
            public_url=runtime.settings.public_url,
        ),
    )
    return shown_anew(translations(visit.language).gettext("Salvato."))


def _scope(scope: Scope, ente_id: int) -> Scope:
    if ente_id not in (scope.enti or ()):
        raise NotFoundError("Questo ente non esiste.")
    return scope
