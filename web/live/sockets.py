"""The live sockets of the pages. The hub renders and pushes; here it is decided who may join which audience."""

import asyncio
import contextlib
import time
from collections import Counter as Tally
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, WebSocket
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocketDisconnect

from crm.access.permissions import Permission, Principal
from crm.core.db import Scope
from crm.core.errors import ForbiddenError
from telephony.agents import service as agents
from web.console import view as console
from web.edge.visits import COOKIE, Visit, visit_of
from web.imports import routes as imports
from web.live.hub import Hub, Render
from web.wallboard import routes as wallboard
from web.wiring import Runtime

log = structlog.get_logger(__name__)
router = APIRouter()

BEAT_S = 1.0
LOOK_S = 5.0  # how long a session that ended may still see
RENEW_S = 4.0  # well within an agent's lease
SIGNED_OUT, FORBIDDEN, ELSEWHERE = 4401, 4403, 4404

Joining = Callable[[Runtime, Visit], tuple[str, Render]]


def join_console(runtime: Runtime, visit: Visit) -> tuple[str, Render]:
    """Every agent is an audience of his own; his tabs share it."""
    visit.principal.require(Permission.CALLS_ANSWER)
    return f"console:{visit.principal.user_id}:{visit.language}", partial(console.render, runtime, visit)


PAGES: dict[str, Joining] = {
    "console": join_console,
    "wallboard": wallboard.join,
    "imports": imports.join,
}


class Presence:
    """Which agents have a console open here. Their leases are renewed together, in one statement."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._open: Tally[int] = Tally()

    async def opened(self, agent: Principal) -> None:
        """A console of this agent connected."""
        self._open[agent.user_id] += 1
        await run_in_threadpool(self._attend, agent)

    async def closed(self, agent_id: int) -> None:
        """A console of this agent disconnected."""
        self._open[agent_id] -= 1
        if self._open[agent_id] <= 0:
            del self._open[agent_id]
            await run_in_threadpool(self._lapse, agent_id)

    async def run(self) -> None:
        """Renew until cancelled."""
        while True:
            await asyncio.sleep(RENEW_S)
            if self._open:
                try:
                    await run_in_threadpool(self._renew, list(self._open))
                except Exception:
                    log.exception("presence_not_renewed")

    def _attend(self, agent: Principal) -> None:
        with self._runtime.database.begin(Scope.nothing()) as session:
            agents.attend(session, agent)

    def _renew(self, agent_ids: list[int]) -> None:
        with self._runtime.database.begin(Scope.nothing()) as session:
            agents.renew(session, agent_ids)

    def _lapse(self, agent_id: int) -> None:
        with self._runtime.database.begin(Scope.nothing()) as session:
            agents.lapse(session, agent_id)


class Guard:
    """Closes the sockets of whoever signed out, expired, or holds other grants than when he came."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._admitted: dict[WebSocket, tuple[str, Visit]] = {}

    def admit(self, socket: WebSocket, token: str, visit: Visit) -> None:
        """Watch over a socket."""
        self._admitted[socket] = (token, visit)

    def dismiss(self, socket: WebSocket) -> None:
        """Watch no longer."""
        self._admitted.pop(socket, None)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self._look()
            except Exception:
                log.exception("sessions_not_checked")

    async def _look(self) -> None:
        tokens = {token for token, _ in self._admitted.values()}
        now = await run_in_threadpool(self._visits, tokens)
        for socket, (token, visit) in list(self._admitted.items()):
            if now.get(token) != visit:
                with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                    await socket.close(SIGNED_OUT)

    def _visits(self, tokens: set[str]) -> dict[str, Visit | None]:
        return {token: visit_of(self._runtime, token) for token in tokens}


@router.websocket("/ws/{name}")
async def live(socket: WebSocket, name: str) -> None:
    """A page's live socket: everything at once, then what changes, and a beat every second."""
    runtime: Runtime = socket.app.state.runtime
    hub: Hub = socket.app.state.hub
    presence: Presence = socket.app.state.presence
    await socket.accept()
    if not _same_site(socket, runtime.settings.public_url) or name not in PAGES:
        await socket.close(ELSEWHERE)
        return
    guard: Guard = socket.app.state.guard
    token = socket.cookies.get(COOKIE, "")
    visit = await run_in_threadpool(visit_of, runtime, token)
    if visit is None:
        await socket.close(SIGNED_OUT)
        return
    try:
        key, render = await run_in_threadpool(PAGES[name], runtime, visit)
    except ForbiddenError:
        await socket.close(FORBIDDEN)
        return
    agent_id = visit.principal.user_id if name == "console" else None
    beating = asyncio.create_task(_beat(socket))
    guard.admit(socket, token, visit)
    try:
        if agent_id is not None:
            await presence.opened(visit.principal)
        await hub.join(socket, key, render)
        while True:
            await socket.receive_text()
    except (WebSocketDisconnect, RuntimeError):
        pass
    finally:
        beating.cancel()
        guard.dismiss(socket)
        hub.leave(socket)
        if agent_id is not None:
            await presence.closed(agent_id)


async def _beat(socket: WebSocket) -> None:
    """Tell the page the server's time: its clocks run by it, and its silence is noticed."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await socket.send_text(f'{{"now":{time.time() * 1000:.0f}}}')
            await asyncio.sleep(BEAT_S)


def _same_site(socket: WebSocket, public_url: str) -> bool:
    """Whether the page that opens the socket is ours: browsers send cookies with anybody's."""
    origin = urlsplit(socket.headers.get("origin", "")).netloc
    return origin in {socket.headers.get("host"), urlsplit(public_url).netloc}
