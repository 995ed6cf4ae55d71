"""One colleague at work: signs in, sits at his console, and comes back from whatever goes wrong."""

import asyncio
import ssl

import structlog

from telephony.carriers.simulator.changes import Changes
from telephony.carriers.simulator.colleagues.backoff import Backoff
from telephony.carriers.simulator.colleagues.browser import Browser
from telephony.carriers.simulator.colleagues.console import Console
from telephony.carriers.simulator.colleagues.duties import Breaks, Duties, Leaves
from telephony.carriers.simulator.colleagues.errors import EdgeError
from telephony.carriers.simulator.colleagues.model import Colleague
from telephony.carriers.simulator.colleagues.roster import Member
from telephony.carriers.simulator.colleagues.softphone import Softphone
from telephony.carriers.simulator.colleagues.writing import Writing

log = structlog.get_logger(__name__)
FIRST_S, LONGEST_S = 0.5, 30.0
SETTLED_S = 60.0
"""A shift that lasted this long was a good one: the next try may come soon."""


class Robot:
    """Logs know him by `number`. `scale` stretches his times (0 makes them vanish)."""

    def __init__(
        self, number: int, of: int, member: Member, mind: Colleague, *, product_url: str, scale: float,
        certificates: ssl.SSLContext | None, leaves: Leaves,
    ) -> None:  # fmt: skip
        self._member, self._mind, self._scale = member, mind, scale
        self._product_url, self._certificates, self._leaves = product_url, certificates, leaves
        self._breaks = Breaks(mind, scale, number - 1, of)
        self._log = log.bind(colleague=number)
        self._away = ""

    async def run(self) -> None:
        """One shift after another, until cancelled. Raises nothing else."""
        backoff = Backoff(FIRST_S, LONGEST_S)
        while True:
            began = asyncio.get_running_loop().time()
            shift = asyncio.create_task(self._shift())  # its own task: no cancellation of ours is lost in its group
            try:
                await asyncio.wait({shift})
            finally:
                shift.cancel()
                await asyncio.gather(shift, return_exceptions=True)
            self._explain(shift.exception())
            if asyncio.get_running_loop().time() - began > SETTLED_S:
                backoff.reset()
            await asyncio.sleep(backoff.next_s())

    async def _shift(self) -> None:
        changes = Changes()
        async with Browser(self._product_url, self._certificates) as browser:
            await browser.sign_in(self._member.username, self._member.password)
            console, phone = Console(browser, changes), Softphone(browser, changes)
            console.screen.show(await browser.console())
            self._log.info("colleague.at_work")
            self._away = ""
            duties = Duties(self._mind, browser, console, phone, changes, self._breaks, self._scale, self._leaves)
            writing = Writing(browser, console.screen, changes, self._scale, self._leaves)
            async with asyncio.TaskGroup() as tasks:
                for work in (console.keep(), phone.keep(), duties.report_device(), duties.work(), writing.work()):
                    tasks.create_task(work)

    def _explain(self, error: BaseException | None) -> None:
        """An absence is said once, however often it is tried again; a defect of ours is said in full."""
        causes = error.exceptions if isinstance(error, BaseExceptionGroup) else [error]
        if defect := next((cause for cause in causes if not isinstance(cause, EdgeError)), None):
            self._log.error("colleague.broken", exc_info=defect)
        elif (reason := str(causes[0])) != self._away:
            self._away = reason
            self._log.info("colleague.away", reason=reason)
