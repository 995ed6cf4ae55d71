"""The colleagues of this simulator: who they are, from the file; started and stopped together."""

import asyncio
import ssl
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import structlog

from telephony.carriers.simulator.colleagues.duties import Leaves
from telephony.carriers.simulator.colleagues.model import Colleague, Habits
from telephony.carriers.simulator.colleagues.robot import Robot
from telephony.carriers.simulator.colleagues.roster import Member, read_roster
from telephony.carriers.simulator.config import SimulatorConfig

log = structlog.get_logger(__name__)
WRITTEN_WITHIN_S = 60
STOP_WITHIN_S = 2.0


class Team:
    """Nobody, unless the configuration names a file."""

    def __init__(self, config: SimulatorConfig, leaves: Leaves) -> None:
        self._config = config
        self._leaves = leaves
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        if self._config.colleagues.file is not None:
            self._hire(self._assemble(self._config.colleagues.file), "colleagues")

    async def close(self) -> None:
        """Stop them as they are; who takes too long to hang up his sockets is not waited for."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_WITHIN_S)

    async def _assemble(self, file: Path) -> None:
        await _until_written(file)
        members = await asyncio.to_thread(read_roster, file)
        secure = self._config.colleagues.product_url.startswith("https")
        certificates = await asyncio.to_thread(ssl.create_default_context) if secure else None
        for number, member in enumerate(members, start=1):
            self._hire(self._robot(number, len(members), member, certificates).run(), f"colleague {number}")
        log.info("colleagues.started", count=len(members))

    def _robot(self, number: int, of: int, member: Member, certificates: ssl.SSLContext | None) -> Robot:
        config = self._config
        mind = Colleague(f"{config.traffic.seed}:{member.username}", Habits(talk_s=config.colleagues.talk_s))
        return Robot(
            number, of, member, mind, product_url=config.colleagues.product_url,
            scale=config.pace.waits * member.pace, certificates=certificates, leaves=self._leaves,
        )  # fmt: skip

    def _hire(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _until_written(file: Path) -> None:
    """The demonstration's data may still be on their way."""
    for _ in range(WRITTEN_WITHIN_S):
        if file.exists():
            return
        await asyncio.sleep(1)
