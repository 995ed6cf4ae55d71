"""Of which agents single figures may be shown: each of the contracts for which one answers has a say."""

from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.monitoring import queries as monitoring
from crm.monitoring.lock import Lock, Use
from telephony.agents.models import AgentState
from telephony.agents.queries import FEWEST
from telephony.queues.models import Queue, QueueMember
from telephony.queues.queries import Staffing


def untold(session: Session, staffing: Staffing) -> frozenset[int | None]:
    """The queues of so few agents that how many are in each state would tell of a single one, whose figures are locked;
    none among them: so would all agents together.
    """
    sums: list[tuple[int | None, Mapping[AgentState, int]]] = [*staffing.queues.items(), (None, staffing.all)]
    few = [one for one, states in sums if sum(states.values()) < FEWEST]
    if not few:
        return frozenset()
    return frozenset(of for queue_id, _ in _locked(session, staffing) for of in (queue_id, None) if of in few)


def told_beside(session: Session, staffing: Staffing) -> bool:
    """Whether how many of all agents are in each state may stand beside those who are shown one by one: the sum less
    these is the others', who must be none, or enough.
    """
    return len({agent_id for _, agent_id in _locked(session, staffing)}) not in range(1, FEWEST)


def _locked(session: Session, staffing: Staffing) -> list[tuple[int, int]]:
    """The agents whose figures are locked, by each of their queues."""
    members = select(QueueMember.queue_id, QueueMember.agent_id).where(QueueMember.queue_id.in_(staffing.queues))
    rows = session.execute(members).all()
    locked = figures_locked(session, {row.agent_id for row in rows})
    return [(row.queue_id, row.agent_id) for row in rows if locked[row.agent_id] is not None]


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
