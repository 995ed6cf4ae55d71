"""Parts of the product that are away for a while: what is asked of them meanwhile is not done."""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from crm.core.db import Database, Scope
from web.simulation.network import Network

LOOKS_S = 10.0  # how often a part may go away
LONGEST_S = 8.0  # agents' leases last longer
WEB, DATABASE = "web", "database"


class AwayError(OSError):
    """Nobody answers there."""


class Outages:
    """Which parts are away, drawn from the seed: `web`, its pages and webhooks; `database`, for everybody."""

    def __init__(self, network: Network, seed: str) -> None:
        self._network, self._draw = network, random.Random(f"{seed}:outages")
        self._until: dict[str, float] = {}
        self._over = False

    def begin(self) -> None:
        """From now on."""
        if any(getattr(self._network.plan.faults, part) for part in (WEB, DATABASE)):
            self._network.clockwork.every(LOOKS_S, self._look)

    def end(self) -> None:
        """Everybody is there from now on."""
        self._until.clear()
        self._over = True

    def is_away(self, part: str) -> bool:
        """Whether a part is away at this instant."""
        return self._network.clockwork.seconds < self._until.get(part, 0.0)

    def let_through(self) -> None:
        """Raise `AwayError` for a request to the web process."""
        if self.is_away(WEB):
            raise AwayError

    def guard(self, database: Database) -> None:
        """No transaction begins while the database is away."""
        begin: Callable[[Scope], AbstractContextManager[Session]] = database.begin

        @contextmanager
        def guarded(scope: Scope) -> Iterator[Session]:
            if self.is_away(DATABASE):
                raise OperationalError("", None, AwayError())
            with begin(scope) as session:
                yield session

        setattr(database, "begin", guarded)  # noqa: B010  # a method, for this one database

    def _look(self) -> None:
        for part in (WEB, DATABASE):
            if not self._over and self._network.strikes(part):
                self._until[part] = self._network.clockwork.seconds + self._draw.uniform(1.0, LONGEST_S)


def unless_away(work: Callable[[], Any]) -> Any:
    """Do something; nothing, where a part is away that it needs."""
    try:
        return work()
    except (AwayError, OperationalError):
        return None
