"""The hub: sockets grouped in audiences, each rendered once when a topic of it changes, and pushed directly.

An audience is everybody who would see exactly the same; a page may belong to several, one for each part that it
shares with others. Pages are cut into regions; only those whose HTML changed are sent. Whoever joins gets all of
them, so a reconnect repairs whatever was missed.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from prometheus_client import Gauge
from starlette.websockets import WebSocket, WebSocketDisconnect

from web.live.threads import to_the_end

log = structlog.get_logger(__name__)
SOCKETS = Gauge("filodiretto_live_sockets", "Live pages connected", multiprocess_mode="livesum")

TRY_AGAIN_LATER = 1013
RETRY_S = 1.0
LOOK_AGAIN_S = 30.0
SLOW_S = 1.0  # a client that takes longer to accept a frame is dropped; it reconnects with a snapshot
BEAT_S = 1.0
BEAT_PARTS = 20  # not everybody at once: a frame that must go out meanwhile waits for one part at most


@dataclass(frozen=True, slots=True)
class Rendered:
    """An audience's regions (element id → HTML), and the topics after which they must be rendered again."""

    regions: Mapping[str, str]
    topics: frozenset[str]


Render = Callable[[], Rendered]


@dataclass(eq=False, slots=True)
class Audience:
    """Sockets that see the same. `render` opens a transaction of its own; it runs in a thread."""

    key: str
    render: Render
    members: set[WebSocket] = field(default_factory=set)
    shown: Mapping[str, str] = field(default_factory=dict)
    topics: frozenset[str] = frozenset()
    dirty: bool = False
    joining: int = 0
    stale: bool = True  # something was heard since it was last rendered
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)


class Hub:
    """All live sockets of this process. Used from its event loop alone; holds no database session."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` is the time that beats tell, in seconds since 1970."""
        self._audiences: dict[str, Audience] = {}
        self._sockets: dict[WebSocket, list[Audience]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._now = now

    async def join(self, socket: WebSocket, key: str, render: Render) -> None:
        """Add a socket to one more audience and send it everything.

        `render` is the newest joiner's: grants change.
        """
        audience = self._audiences.setdefault(key, Audience(key, render))
        audience.joining += 1
        try:
            async with audience.busy:
                audience.render = render
                if audience.stale or not audience.members:
                    await self._look(audience)
                if socket not in self._sockets:
                    SOCKETS.inc()
                    self._sockets[socket] = []
                self._sockets[socket].append(audience)
                audience.members.add(socket)
                await self._send([socket], frame(audience.shown))
        finally:
            audience.joining -= 1
            self._forget_empty(audience)

    def leave(self, socket: WebSocket) -> None:
        """Forget a socket."""
        audiences = self._sockets.pop(socket, [])
        if audiences:
            SOCKETS.dec()
        for audience in audiences:
            audience.members.discard(socket)
            self._forget_empty(audience)

    def _forget_empty(self, audience: Audience) -> None:
        if not audience.members and not audience.joining:
            self._audiences.pop(audience.key, None)

    async def beat(self) -> None:
        """Tell every page the time once a second, until cancelled: its clocks run by it, its silence is noticed."""
        for part in itertools.cycle(range(BEAT_PARTS)):
            await asyncio.sleep(BEAT_S / BEAT_PARTS)
            await self._send(list(self._sockets)[part::BEAT_PARTS], self._beat())

    def _beat(self) -> str:
        return f'{{"now":{self._now() * 1000:.0f}}}'

    async def run(self) -> None:
        """Look at everything again from time to time, until cancelled: days end, lines open, a signal gets lost."""
        while True:
            await asyncio.sleep(LOOK_AGAIN_S)
            await self.lost()

    async def finish(self) -> None:
        """Let what is being rendered end while the database is still there."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=SLOW_S)

    async def heard(self, topics: set[str]) -> None:
        """Topics changed: render and push the audiences that follow them."""
        for audience in self._audiences.values():
            # While it is being rendered it is not known yet what it follows: look once more afterwards.
            if audience.busy.locked() or not audience.topics.isdisjoint(topics):
                self._refresh(audience)

    async def lost(self) -> None:
        """Something may have been missed: look at everything again."""
        for audience in self._audiences.values():
            self._refresh(audience)

    def _refresh(self, audience: Audience) -> None:
        """Render at once when idle; while busy, once more afterwards, however often it was asked."""
        audience.stale = True
        if audience.dirty:
            return
        audience.dirty = True
        self._later(self._render_and_push(audience))

    async def _render_and_push(self, audience: Audience) -> None:
        async with audience.busy:
            audience.dirty = False
            try:
                await self._look(audience)
            except Exception:
                log.exception("render_failed", audience=audience.key)
                asyncio.get_running_loop().call_later(RETRY_S, self._refresh, audience)

    async def _look(self, audience: Audience) -> None:
        """Render, and push what changed to whoever is there."""
        audience.stale = False
        try:
            rendered = await to_the_end(audience.render)
        except BaseException:
            audience.stale = True
            raise
        changed = _changed(audience.shown, rendered.regions)
        audience.shown, audience.topics = rendered.regions, rendered.topics
        if changed:
            await self._send(list(audience.members), frame(changed))

    async def _send(self, sockets: Iterable[WebSocket], text: str) -> None:
        """Send one after another, and drop whoever does not take it: when he comes back he gets everything.

        A task or a time-out for each would cost more than the sending, so the time-out is everybody's; whoever
        is being sent to when it runs out has used it up.
        """
        left = iter(sockets)
        socket = None
        while True:
            try:
                async with asyncio.timeout(SLOW_S):
                    for socket in left:
                        await socket.send_text(text)
                return
            except (TimeoutError, WebSocketDisconnect, RuntimeError):
                if socket is None:
                    return
                self.leave(socket)
                self._later(_close(socket))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _close(socket: WebSocket) -> None:
    with contextlib.suppress(Exception):  # it may be gone already
        async with asyncio.timeout(SLOW_S):
            await socket.close(TRY_AGAIN_LATER)


def frame(regions: Mapping[str, str]) -> str:
    """One message that brings several regions up to date."""
    return "".join(
        f'<hx-partial hx-target="#{region}" hx-swap="outerMorph">{html}</hx-partial>'
        for region, html in regions.items()
    )


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    return {region: html for region, html in after.items() if before.get(region) != html}
