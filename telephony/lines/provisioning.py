"""Telling the carrier where our numbers lead."""

import structlog
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Database, Scope
from telephony.calls.addresses import Addresses
from telephony.carriers.port import Carrier, CarrierError
from telephony.lines.models import PhoneLine

log = structlog.get_logger(__name__)
LONGEST = 200


class Provisioner:
    """Points every line of ours, at the carrier, to this installation."""

    def __init__(self, database: Database, carrier: Carrier, addresses: Addresses) -> None:
        self._database = database
        self._carrier = carrier
        self._addresses = addresses

    def run(self) -> int:
        """Provision all lines; returns how many. Raises `CarrierError`."""
        numbers = self._lines()
        for number, label in numbers:
            self._provision(number, label)
        return len(numbers)

    def catch_up(self) -> int:
        """Provision the lines of which the carrier does not know yet; returns how many.

        Why it refuses one stays with the line, until somebody saves it again; what passes is tried again.
        """
        new = self._lines(PhoneLine.told_at.is_(None), PhoneLine.trouble.is_(None))
        for number, label in new:
            try:
                self._provision(number, label)
            except CarrierError as error:
                if not error.permanent:
                    raise
                log.warning("line_refused", number=number, code=error.code)
                self._write(number, trouble=str(error)[:LONGEST])
        return len(new)

    def _lines(self, *wanted: ColumnElement[bool]) -> list[tuple[str, str]]:
        with self._database.begin(Scope.across_enti()) as session:
            rows = session.execute(select(PhoneLine.number, PhoneLine.label).where(*wanted).order_by(PhoneLine.number))
            return [(number, label) for number, label in rows]

    def _provision(self, number: str, label: str) -> None:
        self._carrier.provision(
            number,
            voice_url=self._addresses.voice(),
            fallback_url=self._addresses.apology(),
            status_url=self._addresses.status(),
            message_url=self._addresses.texts(),
            label=label,
        )
        self._write(number)

    def _write(self, number: str, trouble: str | None = None) -> None:
        def work(session: Session) -> None:
            told_at = clock.now(session) if trouble is None else None
            news = PhoneLine.told_at.is_(None) if trouble is None else PhoneLine.trouble.is_distinct_from(trouble)
            session.execute(
                update(PhoneLine).where(PhoneLine.number == number, news).values(told_at=told_at, trouble=trouble)
            )

        self._database.transact(Scope.across_enti(), work)
