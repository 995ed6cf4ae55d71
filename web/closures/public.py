"""Closures for everybody: a page without signing in, JSON and a calendar to subscribe to."""

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Scope
from crm.core.errors import NotFoundError
from crm.enti import closure_queries, queries
from crm.enti.closure_queries import Published
from crm.enti.queries import Badge
from web.closures.icalendar import Event, calendar
from web.edge.templating import page
from web.edge.visits import COOKIE, RuntimeDep, visit_of
from web.sign_in.parts import spoken

router = APIRouter(include_in_schema=False)
FRESH_S = 60


@router.get("/closures")
def closures(request: Request, runtime: RuntimeDep, ente: str | None = None) -> Response:
    """What is closed, and when; of all enti or (`ente`, a codice catastale) of one."""
    visit = visit_of(runtime, request.cookies.get(COOKIE))
    language = visit.language if visit else spoken(request)
    with runtime.database.begin(Scope.nothing()) as session:
        found, badges = _read(session, ente), queries.badges(session)
        now = clock.now(session)
        code = ente.upper() if ente else ""
    return page(request, "closures/public.html", language, closures=found, badges=badges, now=now, code=code)


@router.get("/closures.json")
def as_json(runtime: RuntimeDep, ente: str | None = None) -> dict[str, Any]:
    """The same for programs. `ends_at` is null while nobody knows; `number`: closed is this one alone, in E.164."""
    with runtime.database.begin(Scope.nothing()) as session:
        found, badges = _read(session, ente), queries.badges(session)
        codes = {one: queries.cadastral_code(session, one) for one in badges}
        as_of = clock.now(session)
    return {
        "as_of": as_of.isoformat(timespec="seconds"),
        "closures": [
            {
                "ente": codes[one.ente_id], "name": badges[one.ente_id].name, "starts_at": one.starts_at.isoformat(),
                "ends_at": one.ends_at.isoformat() if one.ends_at else None, "message": one.message,
                "number": one.number,
            }
            for one in found
        ],
    }  # fmt: skip


@router.get("/closures.ics")
def as_calendar(runtime: RuntimeDep, ente: str | None = None) -> Response:
    """The same for calendars."""
    with runtime.database.begin(Scope.nothing()) as session:
        found, badges = _read(session, ente), queries.badges(session)
        now = clock.now(session)
    text = calendar("Chiusure del centro di contatto", [_event(one, badges[one.ente_id]) for one in found], now)
    return Response(
        text, media_type="text/calendar; charset=utf-8", headers={"cache-control": f"public, max-age={FRESH_S}"}
    )


def _read(session: Session, ente: str | None) -> list[Published]:
    found = closure_queries.published(session)
    if ente is None:
        return found
    code = ente.upper()
    wanted = next((one for one in queries.badges(session) if queries.cadastral_code(session, one) == code), None)
    if wanted is None:
        raise NotFoundError("Nessun ente ha questo codice.")
    return [one for one in found if one.ente_id == wanted]


def _event(one: Published, ente: Badge) -> Event:
    what = "centro di contatto" if one.number is None else f"numero {one.number}"
    title = f"{ente.name}: {what} chiuso"
    return Event(f"closure-{one.id}-{one.ente_id}@filodiretto", one.starts_at, one.ends_at, title, one.message)
