"""The kiosk and the waiting room's screen, for whoever has their link; and the page that makes and revokes the links.

Neither has a session: the link is the key, as of a screen on a wall. Neither shows nor takes a name: a code, a number.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response, WebSocket
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.agendas import codes
from crm.agendas import queries as agendas
from crm.core import clock, topics
from crm.core.db import Scope
from crm.core.errors import ConflictError, InvalidError, NotFoundError
from crm.turns import queries, screens, service
from crm.turns.errors import NoNumberError, NotHereError
from crm.turns.models import ScreenKind
from crm.turns.screens import Screen
from web.agendas.view import offices_of
from web.edge.answers import shown_anew
from web.edge.i18n import chosen_by_citizen as ours
from web.edge.i18n import translations
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.live import devices
from web.live.hub import Rendered
from web.screens.words import LANGUAGES, chosen, when, why_not, words
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
SEE_OTHER, UNPROCESSABLE = 303, 422
SHOWN = 5  # calls, on the waiting room's screen
Said = Annotated[str, Query(alias="lang", max_length=2)]


# -- links ----------------------------------------------------------------------------------------------------------


@router.get("/screens")
def all_screens(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The screens of each office, and a form for one more."""
    scope = visit.scope(Permission.AGENDA_MANAGE)
    with runtime.database.begin(scope) as session:
        found = [
            (ente, [(one, screens.of_office(session, one.id)) for one in those])
            for ente, those in offices_of(session, scope.enti or frozenset())
        ]
    return page(
        request, "screens/all.html", visit.language, visit=visit, csrf=visit.csrf_token, found=found,
        kinds=tuple(ScreenKind), languages=LANGUAGES,
    )  # fmt: skip


@router.post("/screens/{office_id}")
def hang(
    runtime: RuntimeDep, visit: ChangeDep, office_id: int, kind: Annotated[ScreenKind, Form()],
    name: Annotated[str, Form()] = "", language: Annotated[str, Form()] = "it",
) -> Response:  # fmt: skip
    """A screen more. Its link is shown this once."""

    def work(session: Session) -> str:
        ente_id = agendas.office(session, office_id).ente_id
        return screens.hang(
            session, visit.principal, ente_id=ente_id, office_id=office_id, kind=kind, name=name,
            language=chosen(language),
        )  # fmt: skip

    token = runtime.database.transact(visit.scope(Permission.AGENDA_MANAGE), work)
    link = f"{runtime.settings.public_url}/{kind.value}/{token}"
    return Response(fragment("screens/made.html", visit.language, link=link, name=name), media_type="text/html")


@router.post("/screens/{screen_id}/revoke")
def revoke(runtime: RuntimeDep, visit: ChangeDep, screen_id: int) -> Response:
    """The link opens nothing any more."""
    runtime.database.transact(
        visit.scope(Permission.AGENDA_MANAGE),
        lambda session: screens.revoke(session, visit.principal, screen_id=screen_id),
    )
    return shown_anew(translations(visit.language).gettext("Revocato."))


# -- the kiosk ------------------------------------------------------------------------------------------------------


@router.get("/kiosk/{token}")
def kiosk(request: Request, runtime: RuntimeDep, token: str, lang: Said = "") -> Response:
    """What one may come for, and where the code of an appointment is typed."""
    return _kiosk(request, runtime, token, lang)


@router.post("/kiosk/{token}/tickets")
def take(
    request: Request, runtime: RuntimeDep, token: str, service_id: Annotated[int, Form()],
    lang: Annotated[str, Form(max_length=2)] = "",
) -> Response:  # fmt: skip
    """A number."""

    def work(session: Session, screen: Screen) -> int:
        return service.take_ticket(
            session, None, ente_id=screen.ente_id, office_id=screen.office_id, service_id=service_id,
            language=chosen(lang or screen.language),
        )  # fmt: skip

    return _given(request, runtime, token, lang, work)


@router.post("/kiosk/{token}/arrivals")
def arrive(
    request: Request, runtime: RuntimeDep, token: str, code: Annotated[str, Form(max_length=300)] = "",
    lang: Annotated[str, Form(max_length=2)] = "",
) -> Response:  # fmt: skip
    """Whoever has an appointment has come: his code, typed, or read from a QR by itself or as the end of a link."""

    def work(session: Session, screen: Screen) -> int:
        read = codes.read_code(re.split(r"[/=]", code.strip())[-1])
        found = agendas.by_code(session, screen.ente_id, read) if read else None
        if found is None:
            raise NotFoundError("Questo appuntamento non esiste.")
        return service.check_in(
            session, None, ente_id=screen.ente_id, office_id=screen.office_id, appointment_id=found.id
        )

    return _given(request, runtime, token, lang, work)


@router.get("/kiosk/{token}/tickets/{turn_id}")
def ticket(request: Request, runtime: RuntimeDep, token: str, turn_id: int, lang: Said = "") -> Response:
    """A number that was given here today: printed by the browser."""
    screen = _opened(runtime, token, ScreenKind.KIOSK)
    if screen is None:
        return devices.gone(request)
    said = chosen(lang or screen.language)
    with runtime.database.begin(Scope.of_enti([screen.ente_id])) as session:
        turn, office = queries.get(session, turn_id), queries.office(session, screen.office_id)
        if turn.office_id != screen.office_id or clock.business_day(turn.arrived_at) != office.day:
            raise NotFoundError("Questo numero non esiste.")
        told = agendas.service(session, screen.ente_id, turn.service_id).called(said)
        where = agendas.office(session, screen.office_id)
    return _public(
        request, "screens/ticket.html", said, token=token, turn=turn, service=told, office=where,
        ahead=queries.ahead_of(office, turn_id),
    )  # fmt: skip


def _kiosk(
    request: Request, runtime: Runtime, token: str, lang: str, *, wrong: str = "", status: int = 200
) -> Response:  # fmt: skip
    screen = _opened(runtime, token, ScreenKind.KIOSK)
    if screen is None:
        return devices.gone(request)
    said = chosen(lang or screen.language)
    with runtime.database.begin(Scope.of_enti([screen.ente_id])) as session:
        office = agendas.office(session, screen.office_id)
        received = queries.received(session, screen.ente_id, screen.office_id)
        offered = [
            (one.id, one.called(said), received.why_not(one.id))
            for one in queries.offered(session, screen.ente_id, screen.office_id)
        ]
        today = clock.business_day(clock.now(session))
        screens.still_there(session, [screen.id])
    return _public(
        request, "screens/kiosk.html", said, status=status, token=token, office=office, services=offered,
        received=received, opens=when(received.opens_at, today, said) if received.opens_at else "",
        languages=LANGUAGES, wrong=wrong,
    )  # fmt: skip


def _given(
    request: Request, runtime: Runtime, token: str, lang: str, work: Callable[[Session, Screen], int]
) -> Response:  # fmt: skip
    screen = _opened(runtime, token, ScreenKind.KIOSK)
    if screen is None:
        return devices.gone(request)
    said, scope = chosen(lang or screen.language), Scope.of_enti([screen.ente_id])
    try:
        made = runtime.database.transact(scope, lambda session: work(session, screen))
    except NoNumberError as none:
        wrong = words(said)[none.why.value]
    except NotHereError as elsewhere:
        with runtime.database.begin(scope) as session:
            there, now = agendas.office(session, elsewhere.found.office_id), clock.now(session)
        wrong = why_not(elsewhere, f"{there.name}, {there.address}", now, said)
    except InvalidError:  # a service that was taken off since the page came
        wrong = words(said)["not_today"]
    except (ConflictError, NotFoundError):
        wrong = words(said)["bad_code"]
    else:
        return RedirectResponse(f"/kiosk/{token}/tickets/{made}?lang={said}", status_code=SEE_OTHER)
    return _kiosk(request, runtime, token, lang, wrong=wrong[:1].upper() + wrong[1:], status=UNPROCESSABLE)


# -- the waiting room -----------------------------------------------------------------------------------------------


@router.get("/room/{token}")
def room(request: Request, runtime: RuntimeDep, token: str) -> Response:
    """Who is called, and where."""
    screen = _opened(runtime, token, ScreenKind.ROOM)
    if screen is None:
        return devices.gone(request)
    with runtime.database.begin(Scope.of_enti([screen.ente_id])) as session:
        office = agendas.office(session, screen.office_id)
    regions = render_room(runtime, screen).regions
    return _public(
        request, "screens/room.html", chosen(screen.language), token=token, screen=screen, office=office,
        regions=regions,
    )  # fmt: skip


def render_room(runtime: Runtime, screen: Screen) -> Rendered:
    """The screen's one region: numbers and desks, and no names."""
    with runtime.database.begin(Scope.of_enti([screen.ente_id])) as session:
        office = queries.office(session, screen.office_id)
        desks = {one.id: one.name for one in agendas.desks(session, screen.office_id)}
    called = queries.called(office)[:SHOWN]
    said = chosen(screen.language)
    html = fragment("screens/_room.html", ours(said), w=words(said), called=called, desks=desks, office=office)
    return Rendered({"room": html}, frozenset({topics.office(screen.office_id), topics.screen(screen.id)}))


@router.websocket("/ws/room/{token}")
async def live(socket: WebSocket, token: str) -> None:
    """The waiting room's live socket; every few seconds it is looked at whether its link still holds."""
    runtime, watch = socket.app.state.runtime, socket.app.state.screens
    await devices.show(
        socket, watch, kind="room", opened=lambda: _opened(runtime, token, ScreenKind.ROOM), render=render_room
    )


def _opened(runtime: Runtime, token: str, kind: ScreenKind) -> Screen | None:
    with runtime.database.begin(Scope.nothing()) as session:
        return screens.opened(session, token, kind)


def _public(request: Request, template: str, said: str, *, status: int = 200, **context: Any) -> Response:
    return devices.shown(request, template, ours(said), status=status, said=said, w=words(said), **context)
