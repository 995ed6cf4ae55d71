"""The signs that pages are there: each `web` leaves one every ten seconds, by the way that a request goes.

Its loop turned, a thread was free, and the database took a row. A loop that stands still, threads that all wait, or a
database that is away leave none. What lies between two signs is found by whoever leaves the next one.
"""

import asyncio
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from crm.continuity import service
from crm.continuity.models import Part
from crm.continuity.spells import EVERY
from crm.core import clock
from crm.core.db import Database, Scope
from web.live.threads import to_the_end

log = structlog.get_logger(__name__)


class Pulse:
    """One process's. `apologise` is said for each caller who could only be told that we do not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._since: datetime | None = None
        self._apologies = 0
        self._away = False

    def apologise(self) -> None:
        """A caller heard the apology from us. It counts where the database was away; else the carrier was wrong."""
        self._apologies += 1

    async def run(self) -> None:
        """Leave signs until cancelled."""
        while True:
            await to_the_end(self.beat)
            await asyncio.sleep(EVERY.total_seconds())

    def beat(self) -> bool:
        """Leave one; whether it could be left."""
        try:
            self._database.transact(Scope.nothing(), self._beat)
        except SQLAlchemyError:
            if not self._away:
                log.warning("sign_not_left")
            self._away = True
            return False
        self._away, self._apologies = False, 0
        return True

    def _beat(self, session: Session) -> None:
        self._since = self._since or clock.now(session)
        went_on = service.beat(session, Part.PAGES)
        if not went_on or (self._away and self._apologies):
            service.review(session, pages_since=self._since, apologies=self._apologies)
