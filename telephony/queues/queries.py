"""Reading queues as they stand now."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Float,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    select,
    text,
    tuple_,
)
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.configuration import kept
from crm.core.db import table_of
from crm.core.errors import NotFoundError
from crm.levels.live import Waiting
from telephony.agents.models import AgentPresence, AgentState
from telephony.calls.models import Call, Phase
from telephony.queues.models import EntryState, Queue, QueueEntry, QueueMember
from telephony.queues.routing import USUAL, Helper, Rules, helpers

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
    priority: int
    ages_s: int
    widens_s: int
    overflow_id: int | None
    overflow_s: int
    sticky_s: int
    language_s: int
    calls_back: bool
    asks_survey: bool
    closed_at: datetime | None
    helpers: tuple[Helper, ...] = ()  # which follow from its overflow and theirs

    @property
    def rules(self) -> Rules:
        """How the queue is routed."""
        return Rules(self.ages_s, self.widens_s, self.helpers, self.sticky_s, self.language_s)


_AS_SET_UP = select(*(_QUEUE.c[name] for name in QueueView.__dataclass_fields__ if name != "helpers"))


@dataclass(frozen=True, slots=True)
class Line:
    """Who waits in one queue for one ente, on the line. `since` is when the longest waiting began to wait."""

    queue_id: int | None
    ente_id: int | None
    waiting: int
    since: datetime | None
    talking: int
    away: int = 0  # to be called back


@dataclass(frozen=True, slots=True)
class WaitingNow:
    """Callers of one kind on the line in one queue of a contract, for one ente; how long the first has waited."""

    contract_id: int
    queue_id: int | None
    of: Waiting


@dataclass(frozen=True, slots=True)
class Crowd:
    """`in_queue` wait for an agent to ring; `of_ente` wait at its whole call centre, those being rung for included."""

    in_queue: int
    of_ente: int


@dataclass(frozen=True, slots=True)
class Staffing:
    """How many agents are in each state: of each queue, and in all, where each counts once."""

    queues: Mapping[int, Mapping[AgentState, int]]
    all: Mapping[AgentState, int]


def queues(session: Session, contract_ids: frozenset[int]) -> tuple[QueueView, ...]:
    """The queues of these contracts that are not closed."""
    return tuple(one for one in with_closed(session, contract_ids) if one.closed_at is None)


@kept
def with_closed(session: Session, contract_ids: frozenset[int]) -> tuple[QueueView, ...]:
    """Every queue of these contracts: of one that is closed the figures stay."""
    return _helped(session.execute(_AS_SET_UP.where(_QUEUE.c.contract_id.in_(contract_ids)).order_by(_QUEUE.c.id)))


@kept
def queue(session: Session, queue_id: int) -> QueueView:
    """One queue. Raises `NotFoundError`."""
    contract_id = session.scalar(select(_QUEUE.c.contract_id).where(_QUEUE.c.id == queue_id))
    if contract_id is None:
        raise NotFoundError("Questa coda non esiste.")
    return next(one for one in with_closed(session, frozenset({contract_id})) if one.id == queue_id)


def open_ids(session: Session, contract_id: int) -> frozenset[int]:
    """The contract's queues that callers may be led to."""
    return frozenset(one.id for one in queues(session, frozenset({contract_id})))


def members(session: Session, contract_id: int) -> dict[int, dict[int, int]]:
    """Who answers in each queue of a contract, and at which level."""
    found: dict[int, dict[int, int]] = {}
    rows = session.execute(
        select(_MEMBER.c.queue_id, _MEMBER.c.agent_id, _MEMBER.c.level)
        .join(_QUEUE, _QUEUE.c.id == _MEMBER.c.queue_id)
        .where(_QUEUE.c.contract_id == contract_id)
    )
    for queue_id, agent_id, level in rows:
        found.setdefault(queue_id, {})[agent_id] = level
    return found


def telephones(session: Session, agent_ids: Collection[int]) -> dict[int, str]:
    """The telephones at which these agents are rung, of those who are not rung in the browser."""
    rows = session.execute(
        select(_PRESENCE.c.agent_id, _PRESENCE.c.rings_at).where(
            _PRESENCE.c.agent_id.in_(agent_ids), _PRESENCE.c.rings_at.is_not(None)
        )
    )
    return {agent_id: number for agent_id, number in rows if number is not None}


def spoken(session: Session, agent_ids: Collection[int]) -> dict[int, frozenset[str]]:
    """The languages that these agents speak beside Italian."""
    rows = session.execute(select(_PRESENCE.c.agent_id, _PRESENCE.c.speaks).where(_PRESENCE.c.agent_id.in_(agent_ids)))
    return {agent_id: frozenset(speaks) for agent_id, speaks in rows}


@kept
def rules(session: Session, domain: str) -> Mapping[int, Rules]:
    """How the queues of a routing domain are routed, where not as usual."""
    found = {view.id: view.rules for view in _helped(session.execute(_AS_SET_UP.where(_QUEUE.c.domain == domain)))}
    return MappingProxyType({queue_id: one for queue_id, one in found.items() if one != USUAL})


def domains(session: Session, contract_ids: frozenset[int]) -> frozenset[str]:
    """The routing domains in which these contracts' queues are matched."""
    return frozenset(queue.domain for queue in queues(session, contract_ids))


def standing(session: Session, contract_ids: frozenset[int]) -> list[Line]:
    """Who waits and who talks now, by queue and ente. A caller whose agent's telephone rings still waits."""
    return [Line(*row) for row in session.execute(_STANDING, {"contracts": sorted(contract_ids)})]


def waiting(session: Session, contract_ids: frozenset[int]) -> list[WaitingNow]:
    """Who waits now, by contract, queue, ente and kind of caller; who is to be called back is not on the line."""
    values = {"contracts": sorted(contract_ids), "now": clock.now(session)}
    return [
        WaitingNow(contract_id, queue_id, Waiting(ente_id, callers, count, max(0, round(longest))))
        for contract_id, queue_id, ente_id, callers, count, longest in session.execute(_WAITING_NOW, values)
    ]


def waiting_by_line(session: Session, contract_id: int) -> dict[str, tuple[int, float]]:
    """How many wait now who called each number, and for how many seconds the longest of them has."""
    rows = session.execute(_WAITING_BY_LINE, {"contract": contract_id, "now": clock.now(session)})
    return {number: (count, max(0.0, longest / 1000)) for number, count, longest in rows}


def crowd(session: Session, *, contract_id: int, ente_id: int | None, queue_id: int) -> Crowd:
    """Who waits now where a caller comes in, he himself included."""
    of_ente = _ENTRY.c.ente_id.is_not_distinct_from(ente_id) & ~_ENTRY.c.away  # who is called back waits elsewhere
    mine = (_ENTRY.c.queue_id == queue_id) & (_ENTRY.c.state == EntryState.WAITING)
    statement = select(func.count().filter(mine), func.count().filter(of_ente)).where(
        _ENTRY.c.contract_id == contract_id,
        text("state <> 'left'"),  # a constant: the index is of these alone
    )
    return Crowd(*session.execute(statement).one())


def staffing(session: Session, contract_ids: frozenset[int]) -> Staffing:
    """How many of the agents who serve these contracts are in each state."""
    by_queue: dict[int, dict[AgentState, int]] = {}
    everywhere: dict[AgentState, int] = {}
    for queue_id, state, count in session.execute(_STAFFING, {"contracts": sorted(contract_ids)}):
        states = everywhere if queue_id is None else by_queue.setdefault(queue_id, {})
        states[state] = count
    return Staffing(by_queue, everywhere)


_OURS = func.any(bindparam("contracts", type_=ARRAY(BigInteger)))
_AWAY = _ENTRY.c.away & (_ENTRY.c.state != EntryState.LEFT) & ~_CALL.c.placed  # whom we call asked for nothing
_WAITING = ~_ENTRY.c.away & (_ENTRY.c.state != EntryState.LEFT)
_IN_QUEUE = func.coalesce(_CALL.c.in_queue_id, _CALL.c.queue_id)  # where it is, not where it is counted
_STANDING = (
    select(
        _IN_QUEUE, _CALL.c.ente_id,
        func.count().filter(_WAITING),
        func.min(_CALL.c.waiting_since).filter(_WAITING),
        func.count().filter(_CALL.c.phase == Phase.TALKING),
        func.count().filter(_AWAY),
    )
    .join(_ENTRY, _ENTRY.c.call_id == _CALL.c.id)
    .where(_CALL.c.contract_id == _OURS, _CALL.c.phase != Phase.ENDED)
    .group_by(_IN_QUEUE, _CALL.c.ente_id)
)  # fmt: skip
_WAITED_MS = (
    _CALL.c.waited_ms
    + func.extract("epoch", bindparam("now", type_=DateTime(timezone=True)) - _CALL.c.waiting_since) * 1000
)
_WAITING_NOW = (
    select(
        _CALL.c.contract_id, _IN_QUEUE, _CALL.c.ente_id, _CALL.c.callers, func.count(),
        func.max(func.coalesce(_WAITED_MS, _CALL.c.waited_ms)),
    )
    .join(_ENTRY, _ENTRY.c.call_id == _CALL.c.id)
    .where(_CALL.c.contract_id == _OURS, _CALL.c.phase != Phase.ENDED, _WAITING)
    .group_by(_CALL.c.contract_id, _IN_QUEUE, _CALL.c.ente_id, _CALL.c.callers)
)  # fmt: skip
_WAITING_BY_LINE = (
    select(_CALL.c.line, func.count(), cast(func.max(func.coalesce(_WAITED_MS, _CALL.c.waited_ms)), Float))
    .join(_ENTRY, _ENTRY.c.call_id == _CALL.c.id)
    .where(_CALL.c.contract_id == bindparam("contract"), _CALL.c.phase != Phase.ENDED, _WAITING)
    .group_by(_CALL.c.line)
)
_SEATED = exists().where(_CALL.c.id == _PRESENCE.c.call_id, _CALL.c.seated, _CALL.c.phase == Phase.JOINING)
_DOING = (  # whoever waits on the line of a campaign is ready
    select(
        _MEMBER.c.queue_id, _PRESENCE.c.agent_id,
        case((_SEATED, literal(AgentState.READY, _PRESENCE.c.state.type)), else_=_PRESENCE.c.state).label("state"),
    )
    .join(_PRESENCE, _PRESENCE.c.agent_id == _MEMBER.c.agent_id)
    .join(_QUEUE, _QUEUE.c.id == _MEMBER.c.queue_id)
    .where(_QUEUE.c.contract_id == _OURS)
    .subquery()
)  # fmt: skip
_STAFFING = select(_DOING.c.queue_id, _DOING.c.state, func.count(_DOING.c.agent_id.distinct())).group_by(
    func.grouping_sets(tuple_(_DOING.c.queue_id, _DOING.c.state), tuple_(_DOING.c.state))
)


def _helped(rows: Iterable[Any]) -> tuple[QueueView, ...]:
    """These queues, each with those that help it."""
    views = [QueueView(*row) for row in rows]
    overflows = {one.id: (one.overflow_id, one.overflow_s) for one in views}
    return tuple(replace(one, helpers=helpers(one.id, overflows)) for one in views)
