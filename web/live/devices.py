"""Screens without a session but with a link: on walls, in waiting rooms. What they are shown, and when they go dark."""

import asyncio
import contextlib
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, Protocol, TypeVar

import structlog
from fastapi import Request, Response, WebSocket
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocketDisconnect

from crm.core.db import Scope
from web.edge.templating import page
from web.live.hub import Hub, Rendered
from web.live.threads import to_the_end
from web.wiring import Runtime

log = structlog.get_logger(__name__)
LOOK_S = 5.0  # how long a revoked link may still show
REVOKED = 4410
NOT_FOUND = 404


class Device(Protocol):
    """What a link opens."""

    @property
    def id(self) -> int:
        """Unique among those of its kind."""


D = TypeVar("D", bound=Device)


class DeviceWatch:
    """Writes down which screens of one kind are on, and closes those whose links were revoked.

    `still_there` writes it down in a transaction of nobody's, and says whose links hold.
    """

    def __init__(self, runtime: Runtime, still_there: Callable[[Session, Collection[int]], set[int]]) -> None:
        self._runtime = runtime
        self._still_there = still_there
        self._open: dict[WebSocket, int] = {}

    def admit(self, socket: WebSocket, device_id: int) -> None:
        """A screen has come."""
        self._open[socket] = device_id

    def dismiss(self, socket: WebSocket) -> None:
        """It has gone."""
        self._open.pop(socket, None)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self._open:
                try:
                    await self.look()
                except Exception:
                    log.exception("devices_not_checked")

    async def look(self) -> None:
        """Look once."""
        those = dict(self._open)  # whoever comes meanwhile is looked at the next time
        held = await to_the_end(self._held, set(those.values()))
        for socket, device_id in those.items():
            if device_id not in held:
                with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                    await socket.close(REVOKED)

    def _held(self, ids: set[int]) -> set[int]:
        return self._runtime.database.transact(Scope.nothing(), lambda session: self._still_there(session, sorted(ids)))


async def show(
    socket: WebSocket, watch: DeviceWatch, *, kind: str, opened: Callable[[], D | None],
    render: Callable[[Runtime, D], Rendered],
) -> None:  # fmt: skip
    """A screen's live socket, until it goes or its link is revoked. `kind` tells its regions from those of others."""
    runtime: Runtime = socket.app.state.runtime
    hub: Hub = socket.app.state.hub
    await socket.accept()
    device = await run_in_threadpool(opened)
    if device is None:
        await socket.close(REVOKED)
        return
    watch.admit(socket, device.id)
    try:
        await hub.join(socket, f"{kind}:{device.id}", partial(render, runtime, device))
        while True:
            await socket.receive_text()
    except (WebSocketDisconnect, RuntimeError):
        pass
    finally:
        watch.dismiss(socket)
        hub.leave(socket)


def shown(request: Request, template: str, language: str, *, status: int = 200, **context: Any) -> Response:
    """A page for whoever has its link, which no search engine and no other site gets to know."""
    answer = page(request, template, language, status=status, **context)
    answer.headers["x-robots-tag"] = "noindex"
    answer.headers["referrer-policy"] = "no-referrer"  # the link is the key
    return answer


def gone(request: Request) -> Response:
    """The link is wrong, or was revoked."""
    return page(request, "walls/gone.html", "it", status=NOT_FOUND)
