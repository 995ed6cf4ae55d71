"""The queue and the agents on the floor in PostgreSQL."""

from collections.abc import Collection, Iterable
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Text,
    and_,
    any_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from crm.core.db import table_of
from telephony.agents.models import AgentFact, AgentPresence, AgentState
from telephony.agents.presence import Presence, Stated
from telephony.floor.port import SERVING, AtDesk, LockedAgent, Standing
from telephony.floor.postgres_part import PostgresPart
from telephony.queues import queries as queues
from telephony.queues.models import EntryState, Queue, QueueEntry, QueueMember
from telephony.queues.queries import Crowd
from telephony.queues.routing import FreeAgent, Waiting

_ENTRY, _QUEUE = table_of(QueueEntry), table_of(Queue)
_MEMBER, _PRESENCE, _FACT = table_of(QueueMember), table_of(AgentPresence), table_of(AgentFact)

_ADD_ENTRY = upsert(_ENTRY).on_conflict_do_nothing()
_WRITE_ENTRY = update(_ENTRY).where(_ENTRY.c.call_id == bindparam("call"))
_WAITING = select(
    _ENTRY.c.call_id, _ENTRY.c.queue_id, _ENTRY.c.priority, _ENTRY.c.entered_at, _ENTRY.c.ente_id, _ENTRY.c.language,
    _ENTRY.c.knows, _ENTRY.c.meant_for, _ENTRY.c.passed_by,
).where(_ENTRY.c.domain == bindparam("domain"), _ENTRY.c.state == EntryState.WAITING)  # fmt: skip
_DOMAIN_OF_WAITING = select(_ENTRY.c.domain).where(
    _ENTRY.c.call_id == bindparam("call"), _ENTRY.c.state == EntryState.WAITING
)
_DOMAINS_WAITING = (
    select(_ENTRY.c.domain)
    .distinct()
    .where(_ENTRY.c.state == EntryState.WAITING, _ENTRY.c.entered_at < bindparam("since"))
    .order_by(_ENTRY.c.domain)
)
_OWN_ENTRY = select(
    _ENTRY.c.contract_id, _ENTRY.c.queue_id, _ENTRY.c.domain, _ENTRY.c.priority, _ENTRY.c.entered_at
).where(_ENTRY.c.call_id == bindparam("call"))
_SERVES_HERE = (
    select(_PRESENCE.c.agent_id)
    .join(_MEMBER, _MEMBER.c.agent_id == _PRESENCE.c.agent_id)
    .where(
        _MEMBER.c.queue_id == bindparam("queue"), _PRESENCE.c.state.in_(sorted(SERVING)),
        _PRESENCE.c.live_until > bindparam("now"), _PRESENCE.c.device.is_not(None) | _PRESENCE.c.rings_at.is_not(None),
        bindparam("contract", type_=BigInteger) == any_(_PRESENCE.c.answers_for),
    )
)  # fmt: skip
_SAME_QUEUE = _ENTRY.c.queue_id == bindparam("queue")
_SAME_AGENTS = exists().where(
    _MEMBER.c.queue_id == _ENTRY.c.queue_id, _MEMBER.c.agent_id == any_(bindparam("agents", type_=ARRAY(BigInteger)))
)
_SERVED_BEFORE = select(func.count().filter(_SAME_QUEUE), func.count().filter(_SAME_QUEUE | _SAME_AGENTS)).where(
    _ENTRY.c.domain == bindparam("domain"), _ENTRY.c.state == EntryState.WAITING,
    or_(
        _ENTRY.c.priority > bindparam("priority"),
        and_(_ENTRY.c.priority == bindparam("priority"), _ENTRY.c.entered_at < bindparam("entered_at")),
    ),
)  # fmt: skip
_MATCH_ALONE = select(func.pg_advisory_xact_lock(func.hashtext(bindparam("domain", type_=Text))))

_AGENT = tuple(_PRESENCE.c[one.name] for one in fields(Presence))
_THIS_AGENT = _PRESENCE.c.agent_id == bindparam("agent")
_THESE_AGENTS = _PRESENCE.c.agent_id == any_(bindparam("agents", type_=ARRAY(BigInteger)))
_LOCK_AGENT = select(*_AGENT, _PRESENCE.c.domain, _PRESENCE.c.live_until).where(_THIS_AGENT).with_for_update()
_WRITE_AGENT = update(_PRESENCE).where(_THIS_AGENT)
_ADD_FACT = insert(_FACT).values(
    agent_id=bindparam("agent"), activity=bindparam("activity"), reason=bindparam("reason"),
    call_id=bindparam("of_call"),
    at=func.greatest(  # whoever waited for the lock has an earlier instant than whoever had it
        bindparam("at", type_=DateTime(timezone=True)),
        select(func.max(_FACT.c.at)).where(_FACT.c.agent_id == bindparam("agent")).scalar_subquery(),
    ),
)  # fmt: skip
_WRITE_AND_STATE = _ADD_FACT.add_cte(
    _WRITE_AGENT.values({one.name: bindparam(f"new_{one.name}") for one in fields(Presence)}).cte("written")
)
_AT_LEAST = func.greatest(_PRESENCE.c.live_until, bindparam("until"))
_AT_DESK = (_PRESENCE.c.agent_id, _PRESENCE.c.domain, *_AGENT)
_BEFORE = (
    select(_PRESENCE.c.agent_id, _PRESENCE.c.live_until).where(_THIS_AGENT).with_for_update().cte("before")
)  # fmt: skip
_ATTEND = (
    update(_PRESENCE)
    .where(_PRESENCE.c.agent_id == _BEFORE.c.agent_id)
    .values(live_until=_AT_LEAST)
    .returning(*_AT_DESK, _BEFORE.c.live_until)
)
_GONE = (
    select(_PRESENCE.c.agent_id, _PRESENCE.c.live_until)
    .where(_THESE_AGENTS, _PRESENCE.c.live_until < bindparam("at"))
    .with_for_update()
    .cte("gone")
)
_RETURN = (
    update(_PRESENCE)
    .where(_PRESENCE.c.agent_id == _GONE.c.agent_id)
    .values(live_until=bindparam("until"))
    .returning(*_AT_DESK, _GONE.c.live_until)
)
_RENEW = update(_PRESENCE).where(_THESE_AGENTS).values(live_until=_AT_LEAST)
_LAPSE = (
    update(_PRESENCE)
    .where(_THIS_AGENT, _PRESENCE.c.live_until > bindparam("until"))
    .values(live_until=bindparam("until"), device=None)
)
_SET_DEVICE = (
    update(_PRESENCE)
    .where(_THIS_AGENT, _PRESENCE.c.device.is_distinct_from(bindparam("its")))
    .values(device=bindparam("its"))
    .returning(_PRESENCE.c.domain)
)
_DROP_ANY = update(_PRESENCE).where(_THIS_AGENT).values(device=None).returning(_PRESENCE.c.domain)
_DROP_DEVICE = _DROP_ANY.where(_PRESENCE.c.device == bindparam("its"))
_SILENT_AGENTS = (
    select(_PRESENCE.c.agent_id)
    .where(_PRESENCE.c.state.in_([AgentState.READY, AgentState.PAUSED]), _PRESENCE.c.live_until < bindparam("since"))
    .order_by(_PRESENCE.c.agent_id)
)
_FREE_AGENTS = (
    select(
        _PRESENCE.c.agent_id, _PRESENCE.c.idle_since, func.array_agg(_MEMBER.c.queue_id),
        func.array_agg(_MEMBER.c.level), _PRESENCE.c.not_for, _PRESENCE.c.speaks,
    )
    .join(_MEMBER, _MEMBER.c.agent_id == _PRESENCE.c.agent_id)
    .join(_QUEUE, and_(_QUEUE.c.id == _MEMBER.c.queue_id, _QUEUE.c.contract_id == any_(_PRESENCE.c.answers_for)))
    .where(
        _PRESENCE.c.domain == bindparam("domain"),
        _PRESENCE.c.state == AgentState.READY,
        _PRESENCE.c.device.is_not(None) | _PRESENCE.c.rings_at.is_not(None),
        _PRESENCE.c.live_until > bindparam("now"),
    )
    .group_by(_PRESENCE.c.agent_id)
)  # fmt: skip
_SERVES = and_(
    _PRESENCE.c.state.not_in([AgentState.OFFLINE, AgentState.PAUSED]), _PRESENCE.c.live_until > bindparam("now")
)
_IN_SERVICE = select(_PRESENCE.c.agent_id).where(_THESE_AGENTS, _SERVES)
_SERVING = (
    select(_MEMBER.c.queue_id, _MEMBER.c.agent_id)
    .join(_QUEUE, _QUEUE.c.id == _MEMBER.c.queue_id)
    .join(_PRESENCE, _PRESENCE.c.agent_id == _MEMBER.c.agent_id)
    .where(
        _MEMBER.c.queue_id == any_(bindparam("queues", type_=ARRAY(BigInteger))),
        _QUEUE.c.contract_id == any_(_PRESENCE.c.answers_for),
        _SERVES,
    )
)


class PostgresQueue(PostgresPart):
    """Who waits, and who may answer."""

    __slots__ = ()

    def add_entry(
        self, call_id: UUID, *, contract_id: int, ente_id: int | None, queue_id: int, domain: str, priority: int,
        at: datetime, language: str, knows: int | None, away: bool = False,
    ) -> None:  # fmt: skip
        self._session.execute(
            _ADD_ENTRY,
            {
                "call_id": call_id, "contract_id": contract_id, "ente_id": ente_id, "queue_id": queue_id,
                "domain": domain, "state": EntryState.WAITING, "priority": priority, "entered_at": at,
                "language": language, "knows": knows, "away": away,
            },
        )  # fmt: skip

    def write_entry(self, call_id: UUID, /, **values: object) -> None:
        self._session.execute(_WRITE_ENTRY, {"call": call_id, **values})

    def waiting(self, domain: str) -> list[Waiting]:
        return [Waiting(*row) for row in self._session.execute(_WAITING, {"domain": domain})]

    def domain_of_waiting(self, call_id: UUID) -> str | None:
        return self._session.execute(_DOMAIN_OF_WAITING, {"call": call_id}).scalar_one_or_none()

    def domains_waiting(self, *, since: datetime) -> list[str]:
        return list(self._session.execute(_DOMAINS_WAITING, {"since": since}).scalars())

    def crowd(self, *, contract_id: int, ente_id: int | None, queue_id: int) -> Crowd:
        return queues.crowd(self._session, contract_id=contract_id, ente_id=ente_id, queue_id=queue_id)

    def standing(self, call_id: UUID, now: datetime) -> Standing | None:
        own: Any = self._session.execute(_OWN_ENTRY, {"call": call_id}).one_or_none()
        if own is None:
            return None
        of = {"contract": own.contract_id, "queue": own.queue_id}
        serving = list(self._session.scalars(_SERVES_HERE, {**of, "now": now}))
        where = {"domain": own.domain, "priority": own.priority, "entered_at": own.entered_at}
        ahead, competing = self._session.execute(
            _SERVED_BEFORE, {**where, "queue": own.queue_id, "agents": serving}
        ).one()
        return Standing(own.contract_id, own.queue_id, ahead, competing, len(serving))

    def match_alone(self, domain: str) -> None:
        self._session.execute(_MATCH_ALONE, {"domain": f"match:{domain}"})

    # -- agents -------------------------------------------------------------------------------------------------

    def lock_agent(self, agent_id: int) -> LockedAgent | None:
        row = self._session.execute(_LOCK_AGENT, {"agent": agent_id}).one_or_none()
        if row is None:
            return None
        *presence, domain, live_until = row
        return LockedAgent(Presence(*presence), domain, live_until)

    def write_agent(self, agent_id: int, presence: Presence, fact: Stated | None) -> None:
        values = {one.name: getattr(presence, one.name) for one in _PRESENCE_FIELDS}
        if fact is None:
            self._session.execute(_WRITE_AGENT, {"agent": agent_id, **values})
        else:
            written = {f"new_{name}": value for name, value in values.items()}
            self._session.execute(_WRITE_AND_STATE, {**_fact(agent_id, fact), **written})

    def state_agent(self, agent_id: int, fact: Stated) -> None:
        self._session.execute(_ADD_FACT, _fact(agent_id, fact))

    def attend(
        self, agent_id: int, *, until: datetime, answers_for: Collection[int], not_for: Collection[int]
    ) -> AtDesk | None:  # fmt: skip
        values = {"agent": agent_id, "until": until, "answers_for": sorted(answers_for), "not_for": sorted(not_for)}
        row = self._session.execute(_ATTEND, values).one_or_none()
        return None if row is None else _at_desk(row)

    def renew(self, agent_ids: Collection[int], *, at: datetime, until: datetime) -> list[AtDesk]:
        these = {"agents": sorted(agent_ids), "until": until}
        returned = self._session.execute(_RETURN, {"at": at, **these}).all()
        self._session.execute(_RENEW, these)
        return sorted(map(_at_desk, returned), key=attrgetter("agent_id"))

    def lapse(self, agent_id: int, *, until: datetime) -> None:
        self._session.execute(_LAPSE, {"agent": agent_id, "until": until})

    def set_device(self, agent_id: int, device: str) -> str | None:
        return self._session.execute(_SET_DEVICE, {"agent": agent_id, "its": device}).scalar_one_or_none()

    def drop_device(self, agent_id: int, device: str | None = None) -> str | None:
        if device is None:
            return self._session.execute(_DROP_ANY, {"agent": agent_id}).scalar_one_or_none()
        return self._session.execute(_DROP_DEVICE, {"agent": agent_id, "its": device}).scalar_one_or_none()

    def silent_agents(self, *, since: datetime) -> list[int]:
        return list(self._session.execute(_SILENT_AGENTS, {"since": since}).scalars())

    def free_agents(self, domain: str, now: datetime) -> list[FreeAgent]:
        rows = self._session.execute(_FREE_AGENTS, {"domain": domain, "now": now})
        return [
            FreeAgent(agent_id, idle, dict(zip(those, levels, strict=True)), frozenset(no), frozenset(speaks))
            for agent_id, idle, those, levels, no, speaks in rows
        ]

    def in_service(self, agent_ids: Collection[int], now: datetime) -> frozenset[int]:
        return frozenset(self._session.scalars(_IN_SERVICE, {"agents": sorted(agent_ids), "now": now}))

    def serving(self, queue_ids: Collection[int], now: datetime) -> dict[int, frozenset[int]]:
        found: dict[int, set[int]] = {}
        for queue_id, agent_id in self._session.execute(_SERVING, {"queues": sorted(queue_ids), "now": now}):
            found.setdefault(queue_id, set()).add(agent_id)
        return {queue_id: frozenset(agents) for queue_id, agents in found.items()}


_PRESENCE_FIELDS = fields(Presence)


def _fact(agent_id: int, fact: Stated) -> dict[str, object]:
    stated = {"at": fact.at, "activity": fact.activity, "reason": fact.reason, "of_call": fact.call_id}
    return {"agent": agent_id, **stated}


def _at_desk(row: Iterable[Any]) -> AtDesk:
    agent_id, domain, *presence, live_until = row
    return AtDesk(agent_id, domain, Presence(*presence), live_until)
