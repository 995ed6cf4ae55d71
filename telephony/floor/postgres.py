"""The floor in PostgreSQL. The statements are built once; where several rows come, their order is told.

With a hundred webhooks a second, building them would take more processor time than running them. Locks are taken in one
order: call, entry, agent.
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Interval,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from crm.contacts import queries as contacts
from crm.contacts.queries import ContactKey
from crm.core.db import table_of
from crm.files import service as files
from crm.follow_ups import queries as follow_ups
from crm.levels import contract_events
from crm.levels import service as levels
from crm.levels.metering import Account, Measured
from crm.levels.models import ContractEventKind
from crm.levels.queries import Promise
from crm.levels.service import SeenFact
from crm.positions import queries as positions
from crm.timeline import queries as timeline
from crm.timeline.models import EntryKind
from telephony.agents.models import AgentPresence, AgentState
from telephony.agents.presence import Presence
from telephony.callbacks.models import Callback
from telephony.calls import story
from telephony.calls.models import AgentLeg, Call, CallEvent, LegRole, LegState, Phase
from telephony.commands.jobs import Job
from telephony.commands.models import CarrierCommand, CommandKind, CommandState, Timer, TimerKind
from telephony.floor.port import CallRow, DueTimer, Entering, LiveCall, Owner, Talking
from telephony.floor.texts_postgres import PostgresTexts
from telephony.queues import queries as queues
from telephony.queues.models import EntryState, Queue, QueueEntry, QueueMember
from telephony.queues.queries import Crowd
from telephony.queues.routing import FreeAgent, Waiting
from telephony.recording.models import Recording
from telephony.voicemail.models import Voicemail

_CALL, _EVENT, _LEG = table_of(Call), table_of(CallEvent), table_of(AgentLeg)
_ENTRY, _QUEUE, _MEMBER = table_of(QueueEntry), table_of(Queue), table_of(QueueMember)
_CALLBACK, _VOICEMAIL, _RECORDING = table_of(Callback), table_of(Voicemail), table_of(Recording)
_PRESENCE, _TIMER, _COMMAND = table_of(AgentPresence), table_of(Timer), table_of(CarrierCommand)

_THIS_CALL = _CALL.c.id == bindparam("call")
_LOCK_CALL = select(*(_CALL.c[one.name] for one in fields(LiveCall))).where(_THIS_CALL).with_for_update()
_WHOLE_CALL = select(*_CALL.c).where(_THIS_CALL)
_LOCK_WHOLE = _WHOLE_CALL.with_for_update()
_ARRIVE = upsert(_CALL).on_conflict_do_nothing(index_elements=["carrier_sid"]).returning(*_CALL.c)
_OWNERS = select(_CALL.c.id, _CALL.c.contract_id, _CALL.c.ente_id)
_CALL_OF_SID = _OWNERS.where(_CALL.c.carrier_sid == bindparam("sid"))
_OWNER = _OWNERS.where(_THIS_CALL)
_WRITE_CALL = update(_CALL).where(_THIS_CALL)
_QUEUE_UP = (
    update(_CALL)
    .where(_THIS_CALL, _CALL.c.phase == Phase.IVR)
    .values(queue_id=func.coalesce(_CALL.c.queue_id, bindparam("queue")))  # the first that was asked for
    .returning(_CALL.c.contract_id, _CALL.c.ente_id, _CALL.c.contact_id, _CALL.c.ivr)
)  # fmt: skip
_APPEND = (
    upsert(_EVENT).on_conflict_do_nothing(index_elements=["call_id", "key"]).returning(_EVENT.c.id)
)  # fmt: skip

_QUIET_CALLS = (
    select(
        _CALL.c.id, _CALL.c.contract_id, _CALL.c.carrier_sid, _CALL.c.phase, _CALL.c.closing, _CALL.c.leg_id,
        _LEG.c.carrier_sid.label("leg_sid"), _LEG.c.state, _LEG.c.offered_at, _CALL.c.away,
        _CALLBACK.c.leg_id.label("called_leg"),
    )
    .outerjoin(_CALLBACK, _CALLBACK.c.call_id == _CALL.c.id)
    .outerjoin(_LEG, _LEG.c.id == _CALL.c.leg_id)
    .where(
        _CALL.c.phase != Phase.ENDED,
        ~(_CALL.c.away & (_CALL.c.phase == Phase.WAITING)),
        or_(
            _CALL.c.checked_at < bindparam("before"),
            and_(_CALL.c.phase == Phase.JOINING, _CALL.c.checked_at < bindparam("joining_before")),
        ),
    )
    .order_by(_CALL.c.checked_at, _CALL.c.id)
    .limit(bindparam("most"))
)  # fmt: skip
_CHECKED = update(_CALL).where(_CALL.c.id == any_(bindparam("calls", type_=ARRAY(Uuid))))

_THIS_LEG = _LEG.c.id == bindparam("leg")
_ADD_LEG = insert(_LEG)
_TALKING = select(_CALL.c.contract_id, _CALL.c.leg_id, _CALL.c.room_id, _CALL.c.held_since.is_not(None)).where(
    _THIS_CALL, _CALL.c.phase.in_([Phase.TALKING, Phase.OUTSIDE]), _CALL.c.leg_id.is_not(None)
)
_WATCH = and_(
    _LEG.c.call_id == bindparam("call"), _LEG.c.role == LegRole.WATCHER, _LEG.c.state != LegState.ENDED
)  # fmt: skip
_WATCHERS = select(_LEG.c.id, _LEG.c.mode).where(_WATCH).order_by(_LEG.c.offered_at, _LEG.c.id)
_END_WATCHERS = (
    update(_LEG).where(_WATCH).values(state=LegState.ENDED, ended_at=bindparam("at")).returning(_LEG.c.id)
)  # fmt: skip
_WRITE_LEG = update(_LEG).where(_THIS_LEG, _LEG.c.state != LegState.ENDED)
_LEARN_SID = update(_LEG).where(_THIS_LEG, _LEG.c.carrier_sid.is_(None))
_LEG_SID = select(_LEG.c.carrier_sid).where(_THIS_LEG)
_NAME_LEG = update(_LEG).where(_THIS_LEG).returning(_LEG.c.state)

_ADD_ENTRY = upsert(_ENTRY).on_conflict_do_nothing()
_WRITE_ENTRY = update(_ENTRY).where(_ENTRY.c.call_id == bindparam("call"))
_WAITING = select(
    _ENTRY.c.call_id, _ENTRY.c.queue_id, _ENTRY.c.priority, _ENTRY.c.entered_at, _ENTRY.c.ente_id, _ENTRY.c.language,
    _ENTRY.c.knows, _ENTRY.c.meant_for,
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
_MATCH_ALONE = select(func.pg_advisory_xact_lock(func.hashtext(bindparam("domain", type_=Text))))

_THIS_AGENT = _PRESENCE.c.agent_id == bindparam("agent")
_THESE_AGENTS = _PRESENCE.c.agent_id == any_(bindparam("agents", type_=ARRAY(BigInteger)))
_CALL_OF_AGENT = select(_PRESENCE.c.call_id).where(_THIS_AGENT)
_LOCK_AGENT = (
    select(*(_PRESENCE.c[one.name] for one in fields(Presence)), _PRESENCE.c.domain)
    .where(_THIS_AGENT)
    .with_for_update()
)
_WRITE_AGENT = update(_PRESENCE).where(_THIS_AGENT)
_AT_LEAST = func.greatest(_PRESENCE.c.live_until, bindparam("until"))
_ATTEND = update(_PRESENCE).where(_THIS_AGENT).values(live_until=_AT_LEAST).returning(_PRESENCE.c.domain)
_RETURN = (
    update(_PRESENCE)
    .where(_THESE_AGENTS, _PRESENCE.c.live_until < bindparam("at"))
    .values(live_until=bindparam("until"))
    .returning(_PRESENCE.c.agent_id, _PRESENCE.c.domain)
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
_ENROLLED = select(_PRESENCE.c.agent_id).where(_PRESENCE.c.agent_id.in_(bindparam("agents", expanding=True)))
_IN_SERVICE = select(_PRESENCE.c.agent_id).where(
    _THESE_AGENTS,
    _PRESENCE.c.state.not_in([AgentState.OFFLINE, AgentState.PAUSED]),
    _PRESENCE.c.live_until > bindparam("now"),
)

_ARM = insert(_TIMER)
_DISARM = {
    kind: delete(_TIMER).where(column == bindparam("of"), _TIMER.c.kind == kind).returning(true())
    for kind, column in (
        (TimerKind.RING, _TIMER.c.leg_id),
        (TimerKind.CALLBACK, _TIMER.c.call_id),
        (TimerKind.WAIT, _TIMER.c.call_id),
        (TimerKind.RESUME, _TIMER.c.call_id),
        (TimerKind.WRAP_UP, _TIMER.c.agent_id),
    )
}
_PUT_OFF = (
    update(_TIMER)
    .where(_TIMER.c.leg_id == bindparam("leg"), _TIMER.c.kind == TimerKind.RING)
    .values(due_at=_TIMER.c.due_at + bindparam("by", type_=Interval))
)
_DUE = (
    select(_TIMER.c.id, _TIMER.c.contract_id, _TIMER.c.call_id)
    .where(_TIMER.c.due_at <= bindparam("now"))
    .order_by(_TIMER.c.due_at, _TIMER.c.id)
    .limit(bindparam("most"))
)
_TAKE_TIMER = (
    delete(_TIMER)
    .where(_TIMER.c.id == bindparam("timer"))
    .returning(_TIMER.c.kind, _TIMER.c.call_id, _TIMER.c.leg_id, _TIMER.c.agent_id)
)

_UNSETTLED = _COMMAND.c.state.in_([CommandState.OWED, CommandState.UNKNOWN])
_KEEP = update(_COMMAND).where(_COMMAND.c.id == bindparam("command"), _COMMAND.c.state == CommandState.OWED)
_ADD_COMMAND = insert(_COMMAND).returning(_COMMAND.c.id)
_TAKE_OVER = (
    update(_COMMAND)
    .where(
        _COMMAND.c.id.in_(
            select(_COMMAND.c.id)
            .where(_UNSETTLED, _COMMAND.c.lease_until < bindparam("at"))
            .order_by(_COMMAND.c.id)
            .limit(bindparam("most"))
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
    )
    .values(lease_until=bindparam("until"), attempts=_COMMAND.c.attempts + 1)
    .returning(_COMMAND.c.id, _COMMAND.c.call_id)
)
_LOAD = (
    select(
        _COMMAND.c.id, _COMMAND.c.kind, _COMMAND.c.state, _COMMAND.c.attempts, _COMMAND.c.created_at,
        bindparam("now", type_=DateTime(timezone=True)), _COMMAND.c.call_id, _CALL.c.contract_id, _CALL.c.line,
        _CALL.c.carrier_sid, _CALL.c.phase, _CALL.c.leg_id, _COMMAND.c.leg_id, _LEG.c.carrier_sid, _LEG.c.state,
        _LEG.c.agent_id, _QUEUE.c.ring_timeout_s, _LEG.c.role,
        func.coalesce(_LEG.c.number, _PRESENCE.c.rings_at), _CALL.c.room_id,
        _CALLBACK.c.number.label("citizen"), _CALLBACK.c.leg_id.label("called_leg"),
        _CALL.c.ente_id,
    )
    .join(_CALL, _CALL.c.id == _COMMAND.c.call_id)
    .outerjoin(_LEG, _LEG.c.id == _COMMAND.c.leg_id)
    .outerjoin(_PRESENCE, _PRESENCE.c.agent_id == _LEG.c.agent_id)
    .outerjoin(_QUEUE, _QUEUE.c.id == func.coalesce(_CALL.c.in_queue_id, _CALL.c.queue_id))
    .outerjoin(_CALLBACK, _CALLBACK.c.call_id == _CALL.c.id)
    .where(_COMMAND.c.id == bindparam("command"), _UNSETTLED)
)  # fmt: skip
_SETTLE = update(_COMMAND).where(_COMMAND.c.id == bindparam("command"))


class PostgresFloor(PostgresTexts):
    """`Floor` by the statements of one session."""

    __slots__ = ()

    def attempt(self) -> AbstractContextManager[object]:
        return self._session.begin_nested()

    # -- calls --------------------------------------------------------------------------------------------------

    def arrive(self, **values: object) -> CallRow | None:
        return self._session.execute(_ARRIVE, values).one_or_none()

    def call_of_sid(self, carrier_sid: str) -> Owner | None:
        row = self._session.execute(_CALL_OF_SID, {"sid": carrier_sid}).one_or_none()
        return None if row is None else Owner(*row)

    def call_of_agent(self, agent_id: int) -> UUID | None:
        return self._session.execute(_CALL_OF_AGENT, {"agent": agent_id}).scalar_one_or_none()

    def whole_call(self, call_id: UUID, *, lock: bool = False) -> CallRow | None:
        return self._session.execute(_LOCK_WHOLE if lock else _WHOLE_CALL, {"call": call_id}).one_or_none()

    def quiet_calls(
        self, *, before: datetime, joining_before: datetime, at: datetime, limit: int
    ) -> list[tuple[Any, ...]]:
        instants = {"before": before, "joining_before": joining_before, "most": limit}
        rows = self._session.execute(_QUIET_CALLS, instants).all()
        if rows:
            self._session.execute(_CHECKED, {"calls": [row.id for row in rows], "checked_at": at})
        return [tuple(row) for row in rows]

    def lock_call(self, call_id: UUID) -> LiveCall | None:
        row = self._session.execute(_LOCK_CALL, {"call": call_id}).one_or_none()
        return None if row is None else LiveCall(*row)

    def owner(self, call_id: UUID) -> Owner | None:
        row = self._session.execute(_OWNER, {"call": call_id}).one_or_none()
        return None if row is None else Owner(*row)

    def write_call(self, call_id: UUID, /, **values: object) -> None:
        self._session.execute(_WRITE_CALL, {"call": call_id, **values})

    def queue_up(self, call_id: UUID, *, queue_id: int, at: datetime) -> Entering | None:
        values = {"call": call_id, "queue": queue_id, "queued_at": at}
        row = self._session.execute(_QUEUE_UP, values).one_or_none()
        return None if row is None else Entering(*row)

    def attribute(self, call: Owner | LiveCall, ente_id: int | None) -> None:
        for table in (_EVENT, _ENTRY, _LEG, _CALLBACK, _VOICEMAIL, _RECORDING):
            self._session.execute(update(table).where(table.c.call_id == call.id).values(ente_id=ente_id))
        unknown_there = {"contact_id": None, "proposed_by": None}  # a contact belongs to one ente
        self._session.execute(update(Call).where(Call.id == call.id).values(ente_id=ente_id, **unknown_there))
        contract_events.attribute(
            self._session, contract_id=call.contract_id, subject=str(call.id), ente_id=ente_id
        )  # fmt: skip

    def append(
        self, call: Owner | LiveCall, *, key: str, kind: str, detail: Mapping[str, str], at: datetime,
        recorded_at: datetime, repaired: bool,
    ) -> bool:  # fmt: skip
        appended = self._session.execute(
            _APPEND,
            {
                "call_id": call.id, "contract_id": call.contract_id, "ente_id": call.ente_id, "key": key, "kind": kind,
                "detail": dict(detail), "occurred_at": at, "recorded_at": recorded_at, "repaired": repaired,
            },
        )  # fmt: skip
        return appended.scalar_one_or_none() is not None

    # -- legs ---------------------------------------------------------------------------------------------------

    def add_leg(self, call: LiveCall, leg_id: UUID, /, **values: object) -> None:
        of = {"id": leg_id, "call_id": call.id, "contract_id": call.contract_id, "ente_id": call.ente_id}
        self._session.execute(_ADD_LEG, {**of, **values})

    def write_leg(self, leg_id: UUID, /, **values: object) -> None:
        self._session.execute(_WRITE_LEG, {"leg": leg_id, **values})

    def talking(self, call_id: UUID) -> Talking | None:
        row = self._session.execute(_TALKING, {"call": call_id}).one_or_none()
        if row is None:
            return None
        watchers = self._session.execute(_WATCHERS, {"call": call_id})
        contract_id, leg_id, room_id, held = row
        return Talking(contract_id, leg_id, room_id, held, tuple((one, mode) for one, mode in watchers))

    def end_watchers(self, call_id: UUID, *, at: datetime) -> list[UUID]:
        return sorted(self._session.execute(_END_WATCHERS, {"call": call_id, "at": at}).scalars())

    def learn_sid(self, leg_id: UUID, carrier_sid: str) -> None:
        self._session.execute(_LEARN_SID, {"leg": leg_id, "carrier_sid": carrier_sid})

    def name_leg(self, leg_id: UUID, carrier_sid: str) -> LegState:
        state: LegState = self._session.execute(_NAME_LEG, {"leg": leg_id, "carrier_sid": carrier_sid}).scalar_one()
        return state

    def leg_sid(self, leg_id: UUID) -> str | None:
        sid: str | None = self._session.execute(_LEG_SID, {"leg": leg_id}).scalar_one_or_none()
        return sid

    # -- the queue ----------------------------------------------------------------------------------------------

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

    def match_alone(self, domain: str) -> None:
        self._session.execute(_MATCH_ALONE, {"domain": f"match:{domain}"})

    # -- agents -------------------------------------------------------------------------------------------------

    def lock_agent(self, agent_id: int) -> tuple[Presence, str] | None:
        row = self._session.execute(_LOCK_AGENT, {"agent": agent_id}).one_or_none()
        if row is None:
            return None
        *presence, domain = row
        return Presence(*presence), domain

    def write_agent(self, agent_id: int, presence: Presence) -> None:
        values = {one.name: getattr(presence, one.name) for one in _PRESENCE_FIELDS}
        self._session.execute(_WRITE_AGENT, {"agent": agent_id, **values})

    def attend(
        self, agent_id: int, *, until: datetime, answers_for: Collection[int], not_for: Collection[int]
    ) -> str | None:  # fmt: skip
        values = {"agent": agent_id, "until": until, "answers_for": sorted(answers_for), "not_for": sorted(not_for)}
        return self._session.execute(_ATTEND, values).scalar_one_or_none()

    def renew(self, agent_ids: Collection[int], *, at: datetime, until: datetime) -> list[tuple[int, str]]:
        these = {"agents": sorted(agent_ids), "until": until}
        returned = self._session.execute(_RETURN, {"at": at, **these}).all()
        self._session.execute(_RENEW, these)
        return sorted((agent_id, domain) for agent_id, domain in returned)

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

    # -- timers -------------------------------------------------------------------------------------------------

    def arm(
        self, kind: TimerKind, *, call_id: UUID, contract_id: int, due: Iterable[datetime],
        leg_id: UUID | None = None, agent_id: int | None = None,
    ) -> None:  # fmt: skip
        rows = [
            {
                "kind": kind, "due_at": due_at, "call_id": call_id, "contract_id": contract_id, "leg_id": leg_id,
                "agent_id": agent_id,
            }
            for due_at in due
        ]  # fmt: skip
        self._session.execute(_ARM, rows if len(rows) > 1 else rows[0])

    def disarm(self, kind: TimerKind, of: UUID | int) -> bool:
        return self._session.execute(_DISARM[kind], {"of": of}).first() is not None

    def due_timers(self, now: datetime, *, limit: int) -> list[tuple[int, int, UUID]]:
        rows = self._session.execute(_DUE, {"now": now, "most": limit})
        return [(timer_id, contract_id, call_id) for timer_id, contract_id, call_id in rows]

    def take_timer(self, timer_id: int) -> DueTimer | None:
        row = self._session.execute(_TAKE_TIMER, {"timer": timer_id}).one_or_none()
        return None if row is None else DueTimer(*row)

    # -- commands -----------------------------------------------------------------------------------------------

    def add_command(
        self, kind: CommandKind, *, call_id: UUID, leg_id: UUID | None, at: datetime, lease_until: datetime
    ) -> int:  # fmt: skip
        command_id: int = self._session.execute(
            _ADD_COMMAND,
            {
                "kind": kind, "call_id": call_id, "leg_id": leg_id, "state": CommandState.OWED, "attempts": 0,
                "lease_until": lease_until, "created_at": at,
            },
        ).scalar_one()  # fmt: skip
        return command_id

    def take_over(self, at: datetime, *, lease_until: datetime, limit: int) -> list[tuple[int, UUID]]:
        taken = self._session.execute(_TAKE_OVER, {"at": at, "until": lease_until, "most": limit})
        return sorted((command_id, call_id) for command_id, call_id in taken)

    def load(self, command_id: int, now: datetime) -> Job | None:
        row: Any = self._session.execute(_LOAD, {"command": command_id, "now": now}).one_or_none()
        return None if row is None else Job(*row)

    def settle(
        self, command_id: int, state: CommandState, *, error: str | None, lease_until: datetime
    ) -> None:  # fmt: skip
        values = {"command": command_id, "state": state, "error": error, "lease_until": lease_until}
        self._session.execute(_SETTLE, values)

    def put_off(self, command_id: int, leg_id: UUID, *, by: timedelta, lease_until: datetime) -> None:
        self._session.execute(_KEEP, {"command": command_id, "lease_until": lease_until})
        self._session.execute(_PUT_OFF, {"leg": leg_id, "by": by})

    # -- the meter, and what is promised --------------------------------------------------------------------------

    def record(
        self, subject: UUID, *, facts: Iterable[SeenFact], before: tuple[Account, Measured] | None,
        after: tuple[Account, Measured],
    ) -> None:  # fmt: skip
        levels.record(self._session, subject=subject, facts=facts, before=before, after=after)

    def count_alone(self, contract_id: int, ente_id: int | None) -> None:
        contract_events.one_at_a_time(self._session, contract_id, ente_id)

    def emit(
        self, promise: Promise, *, kind: ContractEventKind, subject: str, measured: Decimal, at: datetime,
        ente_id: int | None, queue_id: int | None,
    ) -> None:  # fmt: skip
        contract_events.emit(
            self._session, promise, kind=kind, subject=subject, measured=measured, at=at, ente_id=ente_id,
            queue_id=queue_id,
        )  # fmt: skip

    def withdraw(self, promise: Promise, *, subject: str) -> None:
        contract_events.withdraw(self._session, promise, subject=subject)

    # -- the taxpayer and his file --------------------------------------------------------------------------------

    def reached_at(self, number: str) -> list[ContactKey]:
        return contacts.reached_at(self._session, number)

    def by_notice(self, notice_number: str) -> list[ContactKey]:
        found = positions.by_notice(self._session, notice_number)
        return [ContactKey(one.ente_id, one.contact_id) for one in found]

    def tell(self, call_id: UUID) -> None:
        story.tell(self._session, call_id)

    def close_file(self, call_id: UUID) -> None:
        files.close_for_call(self._session, call_id)

    def who_knows(self, contact_id: int, *, since: datetime) -> int | None:
        same = [one.id for one in contacts.same_person(self._session, contact_id)]
        holders = follow_ups.holders(self._session, same)
        enrolled = frozenset(self._session.scalars(_ENROLLED, {"agents": holders})) if holders else frozenset()
        held = next((one for one in holders if one in enrolled), None)
        return held or timeline.last_author(self._session, same, kind=EntryKind.CALL, since=since)


_PRESENCE_FIELDS = fields(Presence)
