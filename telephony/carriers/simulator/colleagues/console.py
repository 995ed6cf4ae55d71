"""A colleague's console: its screen, kept up to date by the live socket that also keeps him present."""

import asyncio

import structlog
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException

from telephony.carriers.simulator.changes import Changes
from telephony.carriers.simulator.colleagues.backoff import Backoff
from telephony.carriers.simulator.colleagues.browser import Browser
from telephony.carriers.simulator.colleagues.errors import SignedOutError
from telephony.carriers.simulator.colleagues.screen import Screen

log = structlog.get_logger(__name__)
SILENCE_S = 10.0
"""The server beats every second: a socket silent for longer is as good as lost."""
FIRST_S, LONGEST_S = 0.3, 5.0
SENT_AWAY = range(4400, 4500)


class Console:
    """`screen` is what the product last showed; `openings` counts how often the socket was opened."""

    def __init__(self, browser: Browser, changes: Changes) -> None:
        self.screen = Screen()
        self.openings = 0
        self._browser = browser
        self._changes = changes

    async def keep(self) -> None:
        """Follow the live socket, and open it again whenever it is lost. Raises `SignedOutError` alone."""
        backoff = Backoff(FIRST_S, LONGEST_S)
        while True:
            try:
                async with self._browser.open_console_socket() as socket:
                    await self._follow(socket, backoff)
            except ConnectionClosed as closed:
                if closed.rcvd is not None and closed.rcvd.code in SENT_AWAY:
                    raise SignedOutError(f"socket closed with {closed.rcvd.code}") from None
            except (WebSocketException, OSError, TimeoutError) as error:
                log.debug("colleague.console_lost", error=type(error).__name__)
            await asyncio.sleep(backoff.next_s())

    async def _follow(self, socket: ClientConnection, backoff: Backoff) -> None:
        shown = False
        while True:
            text = str(await asyncio.wait_for(socket.recv(decode=True), SILENCE_S))
            if text.startswith("{"):  # the beat
                continue
            self.screen.show(text)
            if not shown:
                shown = True
                self.openings += 1
                backoff.reset()
            self._changes.notify()
