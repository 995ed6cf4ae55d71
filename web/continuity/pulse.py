"""The signs that pages are there: each `web` leaves one every ten seconds, by the way that a request goes.

Its loop turned, a thread was free, and the database took a row. A loop that stands still, threads that all wait, or a
database that is away leave none. What lies between two signs is found by whoever leaves the next one.
"""

import asyncio
import threading
from datetime import datetime
from functools import partial

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
        self._counting = threading.Lock()
        self._away = False

    def apologise(self) -> None:
        """A caller heard the apology from us. It counts where the database was away; else the carrier was wrong."""
        with self._counting:
            self._apologies += 1

    async def run(self) -> None:
        """Leave signs until cancelled."""
        while True:
            await to_the_end(self.beat)
            await asyncio.sleep(EVERY.total_seconds())

    def beat(self) -> bool:
        """Leave one; whether it could be left."""
        with self._counting:
            heard, self._apologies = self._apologies, 0
        try:
            self._database.transact(Scope.nothing(), partial(self._beat, heard=heard))
        except SQLAlchemyError:
            if not self._away:
                log.warning("sign_not_left")
            self._away = True
            with self._counting:
                self._apologies += heard
            return False
        self._away = False
        return True

    def _beat(self, session: Session, *, heard: int) -> None:
        self._since = self._since or clock.now(session)
        went_on = service.beat(session, Part.PAGES)
        if not went_on or (self._away and heard):
            service.review(session, pages_since=self._since, apologies=heard)
