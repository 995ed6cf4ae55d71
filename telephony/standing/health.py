"""Whether the carrier answers: asked every few seconds, so that a silence is known before somebody needs it."""

from datetime import datetime

import structlog
from prometheus_client import Gauge
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.core import clock, topics
from crm.core.db import Database, Scope, table_of, touch
from telephony.carriers.port import Carrier, CarrierError
from telephony.standing.models import CarrierStanding

log = structlog.get_logger(__name__)
FAILING = Gauge(
    "filodiretto_carrier_failing", "1 while the carrier does not answer",
    multiprocess_mode="livemostrecent",  # it is asked by the engine that leads, and written by the others never
)  # fmt: skip

IN_A_ROW = 3  # one lost packet is no outage

_STANDING = table_of(CarrierStanding)


class Watch:
    """Asks the carrier whether it is there, and writes down since when it is not."""

    def __init__(self, database: Database, carrier: Carrier, account: str) -> None:
        self._database = database
        self._carrier = carrier
        self._account = account
        self._failures = 0
        self._first: datetime | None = None

    def look(self) -> bool:
        """Ask once; whether it answered."""
        try:
            self._carrier.probe()
        except CarrierError as error:
            self._database.transact(Scope.across_enti(), self._failed)
            log.warning("carrier_silent", error=str(error), in_a_row=self._failures)
            return False
        self._failures, self._first = 0, None
        if self._database.transact(Scope.across_enti(), self._answered):
            log.info("carrier_back")
        FAILING.set(0)
        return True

    def _failed(self, session: Session) -> None:
        self._failures += 1
        self._first = self._first or clock.now(session)
        if self._failures < IN_A_ROW:
            return
        FAILING.set(1)
        written = insert(_STANDING).values(account=self._account, failing_since=self._first)
        since = {"failing_since": written.excluded.failing_since}
        news = _STANDING.c.failing_since.is_(None)
        upsert = written.on_conflict_do_update(index_elements=["account"], set_=since, where=news)
        if session.execute(upsert.returning(_STANDING.c.account)).one_or_none() is not None:
            touch(session, topics.carrier())

    def _answered(self, session: Session) -> bool:
        back = session.execute(
            update(_STANDING)
            .where(_STANDING.c.account == self._account, _STANDING.c.failing_since.is_not(None))
            .values(failing_since=None)
            .returning(_STANDING.c.account)
        ).one_or_none()
        if back is not None:
            touch(session, topics.carrier())
        return back is not None


def failing_since(session: Session) -> datetime | None:
    """Since when the carrier has not answered; none while it does."""
    since: datetime | None = session.execute(select(func.min(_STANDING.c.failing_since))).scalar_one()
    return since
