"""Reading what agents did, and where their time went: to themselves, in sums, and singly where that was agreed."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    Select,
    bindparam,
    cast,
    func,
    literal,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.core import clock
from crm.core.db import table_of
from crm.levels.formulas import occupancy
from telephony.agents.models import Activity, AgentFact, AgentPresence, AgentTime
from telephony.agents.presence import Stated
from telephony.agents.times import MEASURES, OCCUPIED, Times, durations
from telephony.queues.models import Queue, QueueMember

FEWEST = 3  # the sum of fewer agents would be a figure of a single one to whoever knows the others

_FACT, _TIME, _PRESENCE = table_of(AgentFact), table_of(AgentTime), table_of(AgentPresence)
_MEMBER, _QUEUE = table_of(QueueMember), table_of(Queue)


@dataclass(frozen=True, slots=True)
class Staffed:
    """Where the time of several agents went, and of how many that were on calls or ready for one."""

    times: Times = field(default_factory=Times)
    agents: int = 0

    @property
    def occupancy(self) -> Decimal | None:
        """The share of their time that calls took; none where it would tell of single ones."""
        return occupancy(self.times.busy_ms, self.times.ready_ms) if self.agents >= FEWEST else None


@dataclass(frozen=True, slots=True)
class StaffedBy:
    """The time of the agents of each queue, whatever they did in it; and of all of them, where each counts once."""

    all: Staffed = field(default_factory=Staffed)
    queues: Mapping[int, Staffed] = field(default_factory=dict)


def facts(session: Session, since: datetime, until: datetime) -> dict[int, list[Stated]]:
    """The facts of every agent in a period, in the order of their coming, with the last one of before."""
    return _by_agent(session.execute(_FACTS, {"since": since, "until": until}))


def facts_of(
    session: Session, agent_ids: Collection[int], since: datetime, until: datetime
) -> dict[int, list[Stated]]:  # fmt: skip
    """The same of these agents alone."""
    values = {"agents": sorted(agent_ids), "since": since, "until": until}
    return _by_agent(session.execute(_FACTS_OF, values))


def _by_agent(rows: Iterable[Any]) -> dict[int, list[Stated]]:
    found: dict[int, list[Stated]] = {}
    for agent_id, at, activity, reason, call_id in rows:
        found.setdefault(agent_id, []).append(Stated(at, activity, reason, call_id))
    return found


def can_ring(session: Session, agent_id: int) -> bool:
    """Whether an agent has a telephone now: his console is open with one that is registered, or he has one of his own.

    Read from the database alone, for whoever wants to ring him; a match asks the floor.
    """
    its = _PRESENCE.c.device.is_not(None) | _PRESENCE.c.rings_at.is_not(None)
    there = its & (_PRESENCE.c.live_until > clock.now(session))
    return bool(session.scalar(select(there).where(_PRESENCE.c.agent_id == agent_id)))


def own_day(session: Session, by: Principal) -> dict[Activity, int] | None:
    """What whoever asks has done today, in milliseconds, of himself alone; none for who is no agent."""
    now = clock.now(session)
    since = clock.start_of_day(clock.business_day(now))
    rows = session.execute(_OWN, {"agent": by.user_id, "since": since, "until": now}).all()
    his = [Stated(at, activity, reason, call_id) for _, at, activity, reason, call_id in rows]
    return durations(his, since, now) if his else None


def staffed_since(session: Session, contract_ids: frozenset[int], since: datetime) -> StaffedBy:
    """Where the time of these contracts' agents went since an instant, the start of a quarter hour.

    The quarter hours of an agent are whole: what he did for other contracts is in them. They are as of the last time
    that they were summed up, a minute ago at most.
    """
    queues: dict[int, Staffed] = {}
    everywhere = Staffed()
    rows = session.execute(_STAFFED, {"contracts": sorted(contract_ids), "since": since})
    for queue_id, count, *values in rows:
        one = Staffed(Times(*(int(value or 0) for value in values)), count)
        if queue_id is None:
            everywhere = one
        else:
            queues[queue_id] = one
    return StaffedBy(everywhere, queues)


def spent_since(session: Session, agent_ids: Collection[int], since: datetime) -> dict[int, Times]:
    """Where the time of single agents went since an instant, the start of a quarter hour; as of a minute ago at most.

    For whoever has asked `telephony.queues.figures` whether it may be shown.
    """
    sums = (func.sum(_TIME.c[name]) for name in MEASURES)
    rows = session.execute(
        select(_TIME.c.agent_id, *sums)
        .where(_TIME.c.agent_id.in_(agent_ids), _TIME.c.quarter >= since)
        .group_by(_TIME.c.agent_id)
    )
    return {agent_id: Times(*(int(value or 0) for value in values)) for agent_id, *values in rows}


def _facts(of: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    columns = (_FACT.c.agent_id, _FACT.c.at, _FACT.c.activity, _FACT.c.reason, _FACT.c.call_id, _FACT.c.id)
    start, end = (bindparam(name, type_=DateTime(timezone=True)) for name in ("since", "until"))
    before = select(*columns).where(_FACT.c.agent_id == _PRESENCE.c.agent_id, _FACT.c.at <= start)
    last = before.order_by(_FACT.c.at.desc(), _FACT.c.id.desc()).limit(1).lateral("last")
    within = select(*columns).where(_FACT.c.agent_id == _PRESENCE.c.agent_id, _FACT.c.at > start, _FACT.c.at < end)
    each = within.lateral("each")
    rows = union_all(
        *(select(*part.c).select_from(_PRESENCE.join(part, true())).where(of) for part in (last, each))
    ).subquery()  # fmt: skip
    return select(*(rows.c[one.name] for one in columns[:-1])).order_by(rows.c.agent_id, rows.c.at, rows.c.id)


def _staffed() -> Select[*tuple[Any, ...]]:
    """By queue, and of all agents: whoever is member of several counts in each, and once in all."""
    ours = _QUEUE.c.contract_id == func.any(bindparam("contracts", type_=ARRAY(BigInteger)))
    members = select(_MEMBER.c.agent_id, _MEMBER.c.queue_id).join(_QUEUE, _QUEUE.c.id == _MEMBER.c.queue_id).where(ours)
    everybody = (
        select(_MEMBER.c.agent_id, cast(null(), BigInteger)).join(_QUEUE, _QUEUE.c.id == _MEMBER.c.queue_id).where(ours)
    )
    of = union_all(members, everybody.distinct()).subquery()
    spent = (
        select(_TIME.c.agent_id, *(func.sum(_TIME.c[name]).label(name) for name in MEASURES))
        .where(_TIME.c.quarter >= bindparam("since", type_=DateTime(timezone=True)))
        .group_by(_TIME.c.agent_id)
        .subquery()
    )
    counts = sum((spent.c[name] for name in OCCUPIED), start=literal(0)) > 0
    return (
        select(of.c.queue_id, func.count().filter(counts), *(func.sum(spent.c[name]) for name in MEASURES))
        .join(spent, spent.c.agent_id == of.c.agent_id)
        .group_by(of.c.queue_id)
    )


_FACTS, _OWN = _facts(true()), _facts(_PRESENCE.c.agent_id == bindparam("agent"))
_FACTS_OF = _facts(_PRESENCE.c.agent_id == func.any(bindparam("agents", type_=ARRAY(BigInteger))))
_STAFFED = _staffed()
