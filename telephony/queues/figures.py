"""Of which agents single figures may be shown: each of the contracts for which one answers has a say."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.monitoring import queries as monitoring
from crm.monitoring.lock import Lock, Use
from telephony.agents.queries import FEWEST
from telephony.queues.models import Queue, QueueMember
from telephony.queues.queries import Staffing


def untold(session: Session, staffing: Staffing) -> frozenset[int]:
    """The queues of so few agents that how many are ready would tell of a single one, whose figures are locked."""
    few = [one for one, states in staffing.queues.items() if sum(states.values()) < FEWEST]
    if not few:
        return frozenset()
    members = select(QueueMember.queue_id, QueueMember.agent_id).where(QueueMember.queue_id.in_(few))
    rows = session.execute(members).all()
    locked = figures_locked(session, {row.agent_id for row in rows})
    return frozenset(row.queue_id for row in rows if locked[row.agent_id] is not None)


def figures_locked(session: Session, agent_ids: Collection[int]) -> dict[int, Lock | None]:
    """Why the states and figures of each of these agents are locked; none: they may be shown.

    His time is one whatever the contract, so all of them must allow it; locked for whoever answers in no queue.
    """
    rows = session.execute(
        select(QueueMember.agent_id, Queue.contract_id)
        .distinct()
        .join(Queue, Queue.id == QueueMember.queue_id)
        .where(QueueMember.agent_id.in_(agent_ids))
    ).all()
    answering = {row.agent_id for row in rows}
    found: dict[int, Lock | None] = {one: None if one in answering else Lock.NONE for one in agent_ids}
    for contract_id in sorted({row.contract_id for row in rows}):
        his = {row.agent_id for row in rows if row.contract_id == contract_id}
        locks = monitoring.locks(session, Use.FIGURES, contract_id=contract_id, agent_ids=his)
        for agent_id, why in locks.items():
            found[agent_id] = found[agent_id] or why
    return found
