"""What a waiting caller can be told: who is before him, and how long it may take; and how often that came true."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from crm.core import clock
from crm.levels import queries as levels
from crm.levels.queries import Announced
from telephony.floor.current import floor
from telephony.queues.expected import FEWEST, Pace, Range, expected

LATELY = (timedelta(hours=2), timedelta(days=7))  # the first of these in which enough calls were handled


@dataclass(frozen=True, slots=True)
class Outlook:
    """`ahead` are served before him in his queue; `wait` is none while nothing can be said of it."""

    ahead: int
    wait: Range | None


@dataclass(frozen=True, slots=True)
class Kept:
    """How often what was announced came true: the wait from then on was as long as said, shorter or longer.

    Those who hung up or had themselves called back are not judged: nobody knows for how long they would have waited.
    """

    judged: int = 0
    within: int = 0
    shorter: int = 0
    longer: int = 0


def outlook(session: Session, call_id: UUID) -> Outlook:
    """How a caller stands now."""
    stands = floor(session).standing(call_id, clock.now(session))
    if stands is None:
        return Outlook(0, None)
    _, pace = _lately(session, stands.contract_id, stands.queue_id)
    return Outlook(stands.ahead, expected(ahead=stands.competing, pace=pace, agents=stands.agents))


@dataclass(frozen=True, slots=True)
class Grounds:
    """From what a wait is expected: who is before a newcomer, who serves, and how it went lately."""

    ahead: int
    agents: int
    lately: timedelta
    pace: Pace

    @property
    def wait(self) -> Range | None:
        """What he would be told."""
        return expected(ahead=self.ahead, pace=self.pace, agents=self.agents)


def for_newcomer(session: Session, *, contract_id: int, queue_id: int, waiting: int, agents: int) -> Grounds:
    """What is known of the wait of somebody who came into a queue now, behind so many who wait there."""
    return Grounds(waiting, agents, *_lately(session, contract_id, queue_id))


def kept(announced: Iterable[Announced]) -> Kept:
    """Compare what was announced with what came true. Pure."""
    within = shorter = longer = 0
    for one in announced:
        if one.waited_s < one.from_s:
            shorter += 1
        elif one.to_s is not None and one.waited_s > one.to_s:
            longer += 1
        else:
            within += 1
    return Kept(within + shorter + longer, within, shorter, longer)


def kept_by_queue(session: Session, contract_id: int, since: datetime, until: datetime) -> dict[int, Kept]:
    """How often what was announced in a period came true, by queue."""
    by_queue: dict[int, list[Announced]] = {}
    for one in levels.announced(session, contract_id, since, until):
        by_queue.setdefault(one.queue_id, []).append(one)
    return {queue_id: kept(those) for queue_id, those in sorted(by_queue.items())}


def _lately(session: Session, contract_id: int, queue_id: int) -> tuple[timedelta, Pace]:
    period, pace = LATELY[0], Pace(0, 0)
    for period in LATELY:
        counts = floor(session).handled_since(contract_id, queue_id, clock.now(session) - period)
        pace = Pace(counts.handled, counts.handling_ms / 1000)
        if pace.handled >= FEWEST:
            break
    return period, pace
