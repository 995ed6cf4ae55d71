"""What citizens wrote, and no webhook told: the carrier's lists are gone through.

A carrier tells of an SMS once, and twice more where nobody answers. While we are away for longer than that, or should
all of it get lost, somebody would wait for an answer whom nobody has read.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.contacts.phone import to_e164
from crm.core import clock
from crm.core.db import Database, Scope
from crm.messages.words import means
from telephony.calls.reconciliation import REPAIRED
from telephony.carriers.port import Carrier, Written
from telephony.lines import queries as lines
from telephony.lines.queries import LineView
from telephony.texts import reception
from telephony.texts.models import TextMessage
from telephony.texts.reception import Received

log = structlog.get_logger(__name__)

Told = tuple[Written, LineView]

LAG = timedelta(seconds=30)  # for so long its webhook may be on its way
FIRST = timedelta(hours=12)  # so far back the first look goes: a night that we were away
OVERLAP = timedelta(minutes=15)  # and each one behind the look before it: a carrier's list lags


class Missed:
    """Looks through what was written to our numbers. No transaction is open while the carrier is asked."""

    def __init__(self, database: Database, carrier: Carrier) -> None:
        self._database = database
        self._carrier = carrier
        self._looked_at: datetime | None = None
        self._seen: frozenset[str] = frozenset()  # of the look before: what need not be looked at again

    def run(self) -> int:
        """Receive what was missed; how many SMS that were. Raises `CarrierError`, and looks as far back next time."""
        with self._database.begin(Scope.nothing()) as session:
            now = clock.now(session)
            ours = [one for one in lines.all_lines(session) if lines.in_use(session, one.number) is not None]
        since = now - FIRST if self._looked_at is None else self._looked_at - OVERLAP
        told = [(one, line) for line in ours for one in self._carrier.written_to(line.number, since=since)]
        told.sort(key=lambda one: one[0].at)
        settled = [one for one in told if one[0].at < now - LAG]
        found = 0
        for contract_id in sorted({line.contract_id for line in ours}):
            new = [one for one in settled if one[1].contract_id == contract_id and one[0].sid not in self._seen]
            found += self._take_in(contract_id, new, (one for one in told if one[1].contract_id == contract_id))
        self._seen = frozenset(one.sid for one, _ in settled)
        self._looked_at = now
        return found

    def _take_in(self, contract_id: int, new: Iterable[Told], told: Iterable[Told]) -> int:
        """Of the words by which somebody stops messages, or wants them again, his last one counts: also one so new that
        its webhook may be on its way.
        """
        by_citizen = [(citizen, one, line) for one, line in new if (citizen := to_e164(one.sender)) is not None]
        last = {to_e164(one.sender): one.sid for one, _ in told if means(one.body) is not None}
        found = 0
        for citizen, one, line in by_citizen:
            meant = means(one.body)
            if meant is not None and last[citizen] != one.sid:
                continue

            def work(
                session: Session, citizen: str = citizen, one: Written = one, line: LineView = line,
                meant: bool | None = meant,
            ) -> bool:  # fmt: skip
                if meant is not None:
                    reception.opt(session, contract_id=contract_id, citizen=citizen, stops=meant)
                    return False
                return _receive(session, citizen, one, line)

            found += self._database.transact(Scope.of_contract(contract_id), work)
        return found


def _receive(session: Session, citizen: str, one: Written, line: LineView) -> bool:
    """Take in what is not known yet; whether it was."""
    if session.scalar(select(TextMessage.id).where(TextMessage.external_id == one.sid)) is not None:
        return False
    text = Received(one.sid, citizen, reception.readable(one.body), one.media)
    if not (text.body or text.media) or not reception.receive(session, text, line):
        return False
    REPAIRED.labels("Text").inc()
    log.info("text_found", contract=line.contract_id)
    return True
