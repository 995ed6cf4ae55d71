"""What a waiting caller can be told: who is before him, and how long it may take; and how often that came true."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import any_, exists, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from crm.core import clock
from crm.levels import queries as levels
from crm.levels.queries import Announced
from telephony.agents.models import AgentPresence, AgentState
from telephony.queues.expected import FEWEST, Pace, Range, expected
from telephony.queues.models import EntryState, QueueEntry, QueueMember

LATELY = (timedelta(hours=2), timedelta(days=7))  # the first of these in which enough calls were handled
SERVING = (AgentState.READY, AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP)


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
    own = session.execute(select(QueueEntry).where(QueueEntry.call_id == call_id)).scalar_one_or_none()
    if own is None:
        return Outlook(0, None)
    serving = _serving(session, own)
    before: Any = or_(
        QueueEntry.priority > own.priority,
        (QueueEntry.priority == own.priority) & (QueueEntry.entered_at < own.entered_at),
    )
    theirs = exists().where(QueueMember.queue_id == QueueEntry.queue_id, QueueMember.agent_id.in_(serving))
    mine = QueueEntry.queue_id == own.queue_id
    ahead, competing = session.execute(
        select(func.count().filter(mine), func.count().filter(mine | theirs)).where(
            QueueEntry.domain == own.domain, QueueEntry.state == EntryState.WAITING, before
        )
    ).one()
    pace = _pace(session, own.contract_id, own.queue_id)
    return Outlook(ahead, expected(ahead=competing, pace=pace, agents=len(serving)))


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


def _serving(session: Session, own: QueueEntry) -> list[int]:
    """The agents in service who answer in this queue."""
    member, there = aliased(QueueMember), AgentPresence
    return list(
        session.execute(
            select(there.agent_id)
            .join(member, member.agent_id == there.agent_id)
            .where(
                member.queue_id == own.queue_id, there.state.in_(SERVING), there.live_until > clock.now(session),
                there.device.is_not(None), literal(own.contract_id) == any_(there.answers_for),
            )
        ).scalars()
    )  # fmt: skip


def _pace(session: Session, contract_id: int, queue_id: int) -> Pace:
    pace = Pace(0, 0)
    for period in LATELY:
        counts = levels.handled_since(session, contract_id, queue_id, clock.now(session) - period)
        pace = Pace(counts.handled, (counts.talk_ms + counts.hold_ms + counts.wrap_up_ms) / 1000)
        if pace.handled >= FEWEST:
            break
    return pace
