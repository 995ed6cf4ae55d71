"""Links by which the staff follow agendas in calendars of their own: the page that makes and revokes them, and the
calendar itself, for whoever has the link.
"""

from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.agendas import queries
from crm.agendas.feeds import service
from crm.core.db import Scope
from crm.core.errors import NotFoundError
from crm.enti.queries import badges
from web.agendas.parts import Box, show
from web.agendas.view import offices_of
from web.edge.answers import shown_anew
from web.edge.fields import id_of
from web.edge.i18n import translations
from web.edge.templating import fragment
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep

router = APIRouter(include_in_schema=False)
NOT_FOUND, NOT_MODIFIED = 404, 304


@router.get("/agendas/calendars")
def calendars(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The links in force, and a form for one more."""
    scope = visit.scope(Permission.APPOINTMENT_READ)
    with runtime.database.begin(scope) as session:
        feeds = [(one, service.title(session, one)) for one in service.in_force(session, visit.principal)]
        choices = [
            choice
            for ente, offices in offices_of(session, scope.enti or frozenset())
            for choice in (
                *(
                    [(f"{ente.id}", visit.principal.name, ente)]
                    if service.serves(session, visit.principal, ente.id)
                    else []
                ),
                *(
                    each
                    for office in offices
                    for each in (
                        (f"{ente.id}/{office.id}", office.name, ente),
                        *(
                            (f"{ente.id}/{office.id}/{desk.id}", f"{office.name}, {desk.name}", ente)
                            for desk in queries.desks(session, office.id)
                            if desk.active
                        ),
                    )
                ),
            )
        ]
        known = badges(session)
    mine = [one for one in feeds if one[0].user_id == visit.principal.user_id]
    others = [one for one in feeds if one[0].user_id != visit.principal.user_id]
    return show(request, visit, "agendas/calendars.html", mine=mine, others=others, choices=choices, enti=known)


@router.post("/agendas/calendars")
def make(runtime: RuntimeDep, visit: ChangeDep, which: Box = "", name: Box = "") -> Response:
    """A link more. It is shown this once."""
    ente_id, office_id, desk_id = _which(which)

    def work(session: Session) -> str:
        return service.make(
            session, visit.principal, ente_id=ente_id, office_id=office_id, desk_id=desk_id, name=name
        )  # fmt: skip

    token = runtime.database.transact(visit.scope(Permission.APPOINTMENT_READ), work)
    link = f"{runtime.settings.public_url}/calendar/{token}.ics"
    return HTMLResponse(fragment("agendas/_calendar_made.html", visit.language, link=link, name=name))


@router.post("/agendas/calendars/{feed_id}/revoke")
def revoke(runtime: RuntimeDep, visit: ChangeDep, feed_id: int) -> Response:
    """The link shows nothing any more."""
    runtime.database.transact(
        visit.scope(Permission.APPOINTMENT_READ),
        lambda session: service.revoke(session, visit.principal, feed_id=feed_id),
    )
    return shown_anew(translations(visit.language).gettext("Revocato."))


@router.get("/calendar/{token}.ics")
def calendar(
    runtime: RuntimeDep, token: str, if_none_match: Annotated[str | None, Header()] = None
) -> Response:  # fmt: skip
    """The appointments of a link, as calendars read them. Asked anew with its ETag, it says that nothing changed."""
    ente_id = service.ente_named(token)
    if ente_id is None:
        return Response(status_code=NOT_FOUND)
    with runtime.database.begin(Scope.of_enti([ente_id])) as session:
        feed = service.opened(session, token)
        found = service.shown(session, feed, at=f"{runtime.settings.public_url}/agendas/appointments") if feed else b""
    if feed is None:
        return Response(status_code=NOT_FOUND)
    tag = f'"{sha256(found).hexdigest()[:32]}"'
    headers = {
        "etag": tag, "cache-control": "private, no-cache", "referrer-policy": "no-referrer", "x-robots-tag": "noindex",
    }  # fmt: skip
    if tag in (one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")):
        return Response(status_code=NOT_MODIFIED, headers=headers)
    return Response(found, media_type="text/calendar; charset=utf-8", headers=headers)


def _which(text: str) -> tuple[int, int | None, int | None]:
    """What a link is to show, as the form says it: `ente`, `ente/office` or `ente/office/desk`."""
    found = [id_of(one) for one in text.split("/")]
    if not 1 <= len(found) <= 3 or None in found:
        raise NotFoundError("Questa scelta non esiste: ricarica la pagina.")
    ente_id, office_id, desk_id = (*found, None, None)[:3]
    assert ente_id is not None
    return ente_id, office_id, desk_id
