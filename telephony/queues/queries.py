"""Reading queues as they stand now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, bindparam, func, select, tuple_
from sqlalchemy.orm import Session

from crm.core.configuration import kept
from crm.core.db import table_of
from crm.core.errors import NotFoundError
from telephony.agents.models import AgentPresence, AgentState
from telephony.calls.models import Call, Phase
from telephony.queues.models import EntryState, Queue, QueueEntry, QueueMember

_CALL, _ENTRY, _QUEUE = table_of(Call), table_of(QueueEntry), table_of(Queue)
_MEMBER, _PRESENCE = table_of(QueueMember), table_of(AgentPresence)


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue as it was set up."""

    id: int
    contract_id: int
    name: str
    domain: str
    menu_digit: str | None
    menu_label: str | None
    asks_notice: bool
    ring_timeout_s: int
    wrap_up_s: int
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Line:
    """Who waits in one queue for one ente. `since` is when the longest waiting began to wait."""

    queue_id: int | None
    ente_id: int | None
    waiting: int
    since: datetime | None
    talking: int


@dataclass(frozen=True, slots=True)
class Staffing:
    """How many agents are in each state: of each queue, and in all, where each counts once."""

    queues: Mapping[int, Mapping[AgentState, int]]
    all: Mapping[AgentState, int]


@kept
def queues(session: Session, contract_ids: frozenset[int]) -> tuple[QueueView, ...]:
    """The queues of these contracts that are not closed."""
    rows = session.execute(
        select(*(_QUEUE.c[name] for name in QueueView.__dataclass_fields__))
        .where(_QUEUE.c.contract_id.in_(contract_ids), _QUEUE.c.closed_at.is_(None))
        .order_by(_QUEUE.c.id)
    )
    return tuple(QueueView(*row) for row in rows)


@kept
def queue(session: Session, queue_id: int) -> QueueView:
    """One queue. Raises `NotFoundError`."""
    row = session.execute(
        select(*(_QUEUE.c[name] for name in QueueView.__dataclass_fields__)).where(_QUEUE.c.id == queue_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError("Questa coda non esiste.")
    return QueueView(*row)


def open_ids(session: Session, contract_id: int) -> frozenset[int]:
    """The contract's queues that callers may be led to."""
    return frozenset(one.id for one in queues(session, frozenset({contract_id})))


def members(session: Session, contract_id: int) -> dict[int, frozenset[int]]:
    """Who answers in each queue of a contract."""
    found: dict[int, set[int]] = {}
    rows = session.execute(
        select(_MEMBER.c.queue_id, _MEMBER.c.agent_id)
        .join(_QUEUE, _QUEUE.c.id == _MEMBER.c.queue_id)
        .where(_QUEUE.c.contract_id == contract_id)
    )
    for queue_id, agent_id in rows:
        found.setdefault(queue_id, set()).add(agent_id)
    return {queue_id: frozenset(agents) for queue_id, agents in found.items()}


def domains(session: Session, contract_ids: frozenset[int]) -> frozenset[str]:
    """The routing domains in which these contracts' queues are matched."""
    return frozenset(queue.domain for queue in queues(session, contract_ids))


def standing(session: Session, contract_ids: frozenset[int]) -> list[Line]:
    """Who waits and who talks now, by queue and ente. A caller whose agent's telephone rings still waits."""
    return [Line(*row) for row in session.execute(_STANDING, {"contracts": sorted(contract_ids)})]


def staffing(session: Session, contract_ids: frozenset[int]) -> Staffing:
    """How many of the agents who serve these contracts are in each state."""
    by_queue: dict[int, dict[AgentState, int]] = {}
    everywhere: dict[AgentState, int] = {}
    for queue_id, state, count in session.execute(_STAFFING, {"contracts": sorted(contract_ids)}):
        states = everywhere if queue_id is None else by_queue.setdefault(queue_id, {})
        states[state] = count
    return Staffing(by_queue, everywhere)


_OURS = func.any(bindparam("contracts", type_=ARRAY(BigInteger)))
_WAITING = _ENTRY.c.state != EntryState.LEFT
_STANDING = (
    select(
        _CALL.c.queue_id, _CALL.c.ente_id,
        func.count().filter(_WAITING),
        func.min(_CALL.c.waiting_since).filter(_WAITING),
        func.count().filter(_CALL.c.phase == Phase.TALKING),
    )
    .join(_ENTRY, _ENTRY.c.call_id == _CALL.c.id)
    .where(_CALL.c.contract_id == _OURS, _CALL.c.phase != Phase.ENDED)
    .group_by(_CALL.c.queue_id, _CALL.c.ente_id)
)  # fmt: skip
_STAFFING = (
    select(_MEMBER.c.queue_id, _PRESENCE.c.state, func.count(_PRESENCE.c.agent_id.distinct()))
    .join(_PRESENCE, _PRESENCE.c.agent_id == _MEMBER.c.agent_id)
    .join(_QUEUE, _QUEUE.c.id == _MEMBER.c.queue_id)
    .where(_QUEUE.c.contract_id == _OURS)
    .group_by(func.grouping_sets(tuple_(_MEMBER.c.queue_id, _PRESENCE.c.state), tuple_(_PRESENCE.c.state)))
)
