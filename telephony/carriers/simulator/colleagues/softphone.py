"""A colleague's softphone: registered with the simulator over its own socket, as the console's page does it."""

import asyncio
import json

import structlog
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException

from telephony.carriers.simulator.changes import Changes
from telephony.carriers.simulator.colleagues.backoff import Backoff
from telephony.carriers.simulator.colleagues.browser import Browser
from telephony.carriers.simulator.colleagues.errors import EdgeError, RefusedError, SignedOutError

log = structlog.get_logger(__name__)
KIND = "simulator"
FIRST_S, LONGEST_S = 0.3, 5.0


class Softphone:
    """Keeps itself registered until cancelled. `changes` is told of everything that happens to it."""

    def __init__(self, browser: Browser, changes: Changes) -> None:
        self.registered = False
        self.ringing: str | None = None
        self._browser = browser
        self._changes = changes
        self._socket: ClientConnection | None = None

    async def keep(self) -> None:
        """Register, and again whenever the socket is lost. Raises `SignedOutError` alone."""
        backoff = Backoff(FIRST_S, LONGEST_S)
        while True:
            try:
                await self._register(backoff)
            except SignedOutError:
                raise
            except (EdgeError, WebSocketException, OSError, TimeoutError, ValueError) as error:
                log.debug("colleague.softphone_lost", error=type(error).__name__)
            self._lost()
            await asyncio.sleep(backoff.next_s())

    async def accept(self) -> None:
        """Answer what rings."""
        await self._send("accept")

    async def reject(self) -> None:
        """Leave what rings to somebody else."""
        await self._send("reject")
        self.ringing = None

    async def _register(self, backoff: Backoff) -> None:
        credentials = await self._browser.device()
        if credentials.kind != KIND:
            raise RefusedError("the product's carrier is not a simulator")
        async with self._browser.open_device_socket(credentials) as socket:
            self._socket = socket
            async for text in socket:
                self._hear(text)
                if self.registered:
                    backoff.reset()
                self._changes.notify()

    def _hear(self, text: str | bytes) -> None:
        message = json.loads(text)
        kind, sid = message.get("type"), message.get("call_sid")
        if kind == "registered":
            self.registered = True
        elif kind == "incoming":
            self.ringing = sid
        elif kind in {"cancel", "connected", "ended"} and sid == self.ringing:
            self.ringing = None

    def _lost(self) -> None:
        was, self.registered, self.ringing, self._socket = self.registered, False, None, None
        if was:
            self._changes.notify()

    async def _send(self, kind: str) -> None:
        if self._socket is not None and self.ringing is not None:
            try:
                await self._socket.send(json.dumps({"type": kind, "call_sid": self.ringing}))
            except (WebSocketException, OSError):
                log.debug("colleague.softphone_silent")
