"""How a colleague answers who writes by SMS, beside whatever else he does: briefly, and one at a time."""

import asyncio
from collections.abc import Callable

import structlog

from telephony.carriers.simulator.changes import Changes
from telephony.carriers.simulator.colleagues.browser import Browser
from telephony.carriers.simulator.colleagues.errors import RefusedError, UnreachableError
from telephony.carriers.simulator.colleagues.screen import Screen

log = structlog.get_logger(__name__)
FRONT, DECLINE, REPLY = "/console/texts/front", "/console/texts/decline", "/console/texts/reply"
CLOSE = "/console/texts/close"
LOOKS_AFTER_S, READS_S, GOES_ON_S = 4.0, 12.0, 45.0
TRY_AGAIN_S = 3.0
ANSWER = "Buongiorno, grazie di averci scritto. Il modulo si trova sul sito, oppure allo sportello, dalle 9 alle 12."


class Writing:
    """Works until cancelled. `leaves`: whether somebody whose number stands in a text is left to people."""

    def __init__(
        self, browser: Browser, screen: Screen, changes: Changes, scale: float, leaves: Callable[[str], bool]
    ) -> None:  # fmt: skip
        self._browser, self._screen, self._changes = browser, screen, changes
        self._scale, self._leaves = scale, leaves

    async def work(self) -> None:
        while True:
            await self._changes.until(lambda: bool(self._screen.buttons(DECLINE)))
            try:
                await self._answer(self._screen.buttons(DECLINE)[0])
            except (RefusedError, UnreachableError, IndexError) as error:
                log.debug("colleague.not_written", reason=str(error))
            await asyncio.sleep(TRY_AGAIN_S * self._scale)

    async def _answer(self, thread: str) -> None:
        if self._leaves(self._screen.text("texts")):  # at once, so that it comes to the person before he gives up
            await self._browser.press(DECLINE, thread=thread)
            return
        await asyncio.sleep(LOOKS_AFTER_S * self._scale)
        await self._browser.press(FRONT, thread=thread)
        await self._browser.press(FRONT)  # his calls stay before him
        await asyncio.sleep(READS_S * self._scale)
        await self._browser.press(REPLY, thread=thread, body=ANSWER, once="colleague", sure="true")
        await asyncio.sleep(GOES_ON_S * self._scale)
        await self._browser.press(CLOSE, thread=thread, topic="other", disposition="answered", note="")
