"""Making and revoking the links of screens, and the screens themselves."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response, WebSocket
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core.db import Scope
from crm.core.errors import FieldError
from crm.enti import queries as enti
from telephony.queues import queries as queues
from telephony.walls import queries, service
from telephony.walls.models import WallLook, WallPage
from telephony.walls.queries import Room
from telephony.walls.service import Setting
from web.edge.answers import shown_anew
from web.edge.i18n import LANGUAGES, translations
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.live import devices
from web.walls import view
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)


@router.get("/walls")
def walls(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The rooms with a screen, and a form for one more."""
    scope = visit.scope(Permission.BOARD_MANAGE)
    with runtime.database.begin(scope) as session:
        contracts = [
            (one, enti.contract_name(session, one), queries.rooms(session, frozenset({one})),
             queues.queues(session, frozenset({one})), enti.badges(session, enti.enti_of(session, one)))
            for one in sorted(scope.contracts)
        ]  # fmt: skip
    return page(
        request, "walls/rooms.html", visit.language, visit=visit, csrf=visit.csrf_token, contracts=contracts,
        pages=tuple(WallPage), looks=tuple(WallLook), languages=tuple(LANGUAGES),
    )  # fmt: skip


@router.post("/walls/{contract_id}")
def hang(
    runtime: RuntimeDep, visit: ChangeDep, contract_id: int, name: Annotated[str, Form()] = "",
    queue: Annotated[list[int] | None, Form()] = None, ente: Annotated[list[int] | None, Form()] = None,
    pages: Annotated[list[WallPage] | None, Form()] = None, seconds: Annotated[str, Form()] = "20",
    language: Annotated[str, Form()] = "it", look: Annotated[WallLook, Form()] = WallLook.DARK,
) -> Response:  # fmt: skip
    """A screen more. Its link is shown this once."""
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) < 5):
        raise FieldError("I secondi vanno da 5 a 600.", field="seconds")
    setting = Setting(
        name, frozenset(queue or ()), frozenset(ente or ()), tuple(one for one in WallPage if one in (pages or ())),
        int(seconds), language if language in LANGUAGES else "it", look,
    )  # fmt: skip

    def work(session: Session) -> tuple[str, list[Room]]:
        token = service.hang(session, visit.principal, contract_id=contract_id, setting=setting)
        return token, queries.rooms(session, frozenset({contract_id}))

    token, rooms = runtime.database.transact(visit.granted_scope(Permission.BOARD_MANAGE), work)
    link = f"{runtime.settings.public_url}/wall/{token}"
    return HTMLResponse(
        fragment("walls/made.html", visit.language, link=link, name=name, id=contract_id, rooms=rooms)
    )  # fmt: skip


@router.post("/walls/{wall_id}/revoke")
def revoke(runtime: RuntimeDep, visit: ChangeDep, wall_id: int) -> Response:
    """The link opens nothing any more."""
    runtime.database.transact(
        visit.granted_scope(Permission.BOARD_MANAGE),
        lambda session: service.revoke(session, visit.principal, wall_id=wall_id),
    )
    return shown_anew(translations(visit.language).gettext("Revocato."))


@router.get("/wall/{token}")
def wall(request: Request, runtime: RuntimeDep, token: str) -> Response:
    """A room's screen, for whoever has its link: no session, no cookie."""
    room = _room(runtime, token)
    if room is None:
        return devices.gone(request)
    regions = view.render(runtime, room).regions
    return devices.shown(request, "walls/page.html", room.language, room=room, regions=regions, token=token)


@router.websocket("/ws/wall/{token}")
async def live(socket: WebSocket, token: str) -> None:
    """A screen's live socket; every few seconds it is looked at whether its link still holds."""
    runtime, watch = socket.app.state.runtime, socket.app.state.walls
    await devices.show(socket, watch, kind="wall", opened=lambda: _room(runtime, token), render=view.render)


def _room(runtime: Runtime, token: str) -> Room | None:
    with runtime.database.begin(Scope.nothing()) as session:
        return queries.opened(session, token)
