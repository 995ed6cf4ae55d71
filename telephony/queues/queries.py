"""Reading queues as they stand now."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from telephony.agents.models import AgentPresence, AgentState
from telephony.calls.models import Call, Phase
from telephony.queues.models import EntryState, Queue, QueueEntry, QueueMember


@dataclass(frozen=True, slots=True)
class Line:
    """Who waits in one queue for one ente. `since` is when the longest waiting began to wait."""

    queue_id: int | None
    ente_id: int | None
    waiting: int
    since: datetime | None
    talking: int


def standing(session: Session, contract_ids: frozenset[int]) -> list[Line]:
    """Who waits and who talks now, by queue and ente. A caller whose agent's telephone rings still waits."""
    waiting = QueueEntry.state != EntryState.LEFT
    rows = session.execute(
        select(
            Call.queue_id, Call.ente_id,
            func.count().filter(waiting),
            func.min(Call.waiting_since).filter(waiting),
            func.count().filter(Call.phase == Phase.TALKING),
        )
        .join(QueueEntry, QueueEntry.call_id == Call.id)
        .where(Call.contract_id.in_(contract_ids), Call.phase != Phase.ENDED)
        .group_by(Call.queue_id, Call.ente_id)
    )  # fmt: skip
    return [Line(*row) for row in rows]


def queues(session: Session, contract_ids: frozenset[int]) -> list[Queue]:
    """The queues of these contracts."""
    return list(session.execute(select(Queue).where(Queue.contract_id.in_(contract_ids)).order_by(Queue.id)).scalars())


def staffing(session: Session, contract_ids: frozenset[int]) -> dict[int, dict[AgentState, int]]:
    """By queue: how many of its agents are in each state."""
    rows = session.execute(
        select(QueueMember.queue_id, AgentPresence.state, func.count())
        .join(AgentPresence, AgentPresence.agent_id == QueueMember.agent_id)
        .join(Queue, Queue.id == QueueMember.queue_id)
        .where(Queue.contract_id.in_(contract_ids))
        .group_by(QueueMember.queue_id, AgentPresence.state)
    )
    by_queue: dict[int, dict[AgentState, int]] = {}
    for queue_id, state, count in rows:
        by_queue.setdefault(queue_id, {})[state] = count
    return by_queue


def agents_by_state(session: Session, contract_ids: frozenset[int]) -> dict[AgentState, int]:
    """How many agents of these contracts are in each state, each counted once."""
    rows = session.execute(
        select(AgentPresence.state, func.count(AgentPresence.agent_id.distinct()))
        .join(QueueMember, QueueMember.agent_id == AgentPresence.agent_id)
        .join(Queue, Queue.id == QueueMember.queue_id)
        .where(Queue.contract_id.in_(contract_ids))
        .group_by(AgentPresence.state)
    )
    return {row[0]: row[1] for row in rows}


def domains(session: Session, contract_ids: frozenset[int]) -> frozenset[str]:
    """The routing domains in which these contracts' queues are matched."""
    rows = session.execute(select(Queue.domain).where(Queue.contract_id.in_(contract_ids)).distinct())
    return frozenset(rows.scalars())
