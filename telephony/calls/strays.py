"""The carrier's live calls of which we know nothing, or which we hold as over.

A call that was never announced to us, or was forgotten, is received anew; one that we hold as over is ended, its
caller with an apology; a telephone that rings for nobody falls silent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Database, Scope
from telephony.calls.addresses import Addresses
from telephony.calls.reconciliation import REPAIRED
from telephony.carriers.port import Carrier, CarrierError, LiveCall
from telephony.floor.current import floor
from telephony.lines import queries as lines

log = structlog.get_logger(__name__)

LAG = timedelta(seconds=20)  # a carrier's list may be that far behind its calls, and we behind both
SURVEY = timedelta(minutes=2)  # for so long a caller may answer it, whose call is over for all others
LONGEST_RING = timedelta(seconds=90)  # within it, a ring of which nobody knows yet is looked for by who ordered it
AT_ONCE = 50  # so many are set right in one look; the rest in the next


class Verdict(StrEnum):
    """What is to be done about a live call of the carrier's."""

    LEAVE = "leave"
    ADOPT = "adopt"  # ours, and never announced: it is received now
    APOLOGISE = "apologise"  # its caller is on the line, and we hold it as over
    END = "end"  # a telephone that rings, or is open, for nobody


@dataclass(frozen=True, slots=True)
class Known:
    """What we know: the end of each caller's call and of each agent's leg (none while it lives), and our numbers."""

    callers: Mapping[str, datetime | None]
    legs: Mapping[str, datetime | None]
    lines: frozenset[str]


def judge(one: LiveCall, known: Known, now: datetime) -> Verdict:
    """What to do about one live call. Whatever is young is left alone: lists lag behind."""
    for ends, done in ((known.callers, Verdict.APOLOGISE if one.answered else Verdict.END), (known.legs, Verdict.END)):
        if one.sid in ends:
            ended_at = ends[one.sid]
            return done if ended_at is not None and ended_at < now - LAG else Verdict.LEAVE
    if one.inbound:
        lost = one.to in known.lines and one.answered and one.since < now - LAG
        return Verdict.ADOPT if lost else Verdict.LEAVE
    orphan = one.placed and one.from_ in known.lines and one.since < now - LONGEST_RING
    return Verdict.END if orphan else Verdict.LEAVE


class Strays:
    """Looks through the carrier's live calls. No transaction is open while the carrier is asked."""

    def __init__(self, database: Database, carrier: Carrier, addresses: Addresses) -> None:
        self._database = database
        self._carrier = carrier
        self._addresses = addresses

    def run(self) -> int:
        """Set right what is astray; how many there were."""
        live = self._carrier.live_calls()
        known, now = self._database.transact(Scope.across_enti(), lambda session: _known(session, live))
        found = [(one, verdict) for one in live if (verdict := judge(one, known, now)) is not Verdict.LEAVE]
        for one, verdict in found[:AT_ONCE]:
            try:
                self._set_right(one, verdict)
            except CarrierError as error:
                if not error.gone:  # it ended meanwhile
                    log.warning("stray_stays", sid=one.sid, verdict=verdict.value, error=str(error))
            else:
                REPAIRED.labels(f"stray_{verdict.value}").inc()
                log.info("stray_found", sid=one.sid, verdict=verdict.value)
        return len(found)

    def _set_right(self, one: LiveCall, verdict: Verdict) -> None:
        match verdict:
            case Verdict.ADOPT:
                self._carrier.redirect(one.sid, self._addresses.adopted(one.since))
            case Verdict.APOLOGISE:
                self._carrier.redirect(one.sid, self._addresses.apology())
            case _:
                self._carrier.end(one.sid)


def _known(session: Session, live: list[LiveCall]) -> tuple[Known, datetime]:
    found = floor(session).known_lines([one.sid for one in live])
    callers = {
        sid: ended + SURVEY if ended is not None and sid in found.surveyed else ended
        for sid, ended in found.callers.items()
    }
    return Known(callers, found.legs, lines.numbers(session)), clock.now(session)
