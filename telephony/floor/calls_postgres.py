"""Calls and their legs on the floor in PostgreSQL."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, and_, any_, bindparam, case, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from crm.core.db import table_of
from crm.levels import contract_events
from telephony.agents.models import AgentPresence
from telephony.callbacks.models import Callback
from telephony.calls.models import AgentLeg, Call, CallEvent, LegRole, LegState, Phase
from telephony.commands.models import CarrierCommand, CommandKind
from telephony.floor.port import CallRow, Dialled, Entering, KnownLines, LiveCall, Owner, Talking
from telephony.floor.postgres_part import PostgresPart
from telephony.queues.models import QueueEntry
from telephony.recording.models import Recording
from telephony.voicemail.models import Voicemail

_CALL, _EVENT, _LEG, _ENTRY = table_of(Call), table_of(CallEvent), table_of(AgentLeg), table_of(QueueEntry)
_CALLBACK, _VOICEMAIL, _RECORDING = table_of(Callback), table_of(Voicemail), table_of(Recording)
_PRESENCE, _COMMAND = table_of(AgentPresence), table_of(CarrierCommand)

_THIS_CALL = _CALL.c.id == bindparam("call")
_LOCK_CALL = select(*(_CALL.c[one.name] for one in fields(LiveCall))).where(_THIS_CALL).with_for_update()
_WHOLE_CALL = select(*_CALL.c).where(_THIS_CALL)
_LOCK_WHOLE = _WHOLE_CALL.with_for_update()
_ARRIVE = upsert(_CALL).on_conflict_do_nothing(index_elements=["carrier_sid"]).returning(*_CALL.c)
_OWNERS = select(_CALL.c.id, _CALL.c.contract_id, _CALL.c.ente_id)
_CALL_OF_SID = _OWNERS.where(_CALL.c.carrier_sid == bindparam("sid"))
_CALL_OF_AGENT = select(_PRESENCE.c.call_id).where(_PRESENCE.c.agent_id == bindparam("agent"))
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
_NOTED_AT = select(_EVENT.c.occurred_at).where(
    _EVENT.c.call_id == bindparam("call"), _EVENT.c.key == bindparam("key")
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
            and_(_CALL.c.phase == Phase.JOINING, ~_CALL.c.seated, _CALL.c.checked_at < bindparam("joining_before")),
        ),
    )
    .order_by(_CALL.c.checked_at, _CALL.c.id)
    .limit(bindparam("most"))
)  # fmt: skip
_CHECKED = update(_CALL).where(_CALL.c.id == any_(bindparam("calls", type_=ARRAY(Uuid))))

_SIDS = bindparam("sids", type_=ARRAY(Text))
_KNOWN_CALLERS = select(_CALL.c.carrier_sid, case((_CALL.c.phase == Phase.ENDED, _CALL.c.ended_at))).where(
    _CALL.c.carrier_sid == any_(_SIDS)
)
_KNOWN_LEGS = select(_LEG.c.carrier_sid, case((_LEG.c.state == LegState.ENDED, _LEG.c.ended_at))).where(
    _LEG.c.carrier_sid == any_(_SIDS)
)
_SURVEYED = (
    select(_CALL.c.carrier_sid)
    .join(_COMMAND, _COMMAND.c.call_id == _CALL.c.id)
    .where(_CALL.c.carrier_sid == any_(_SIDS), _COMMAND.c.kind == CommandKind.SURVEY)
)

_DIALLED = (
    select(_CALL.c.id, _CALL.c.contract_id, _CALL.c.carrier_sid, _CALL.c.arrived_at, _CALL.c.ivr)
    .where(_CALL.c.dialled_at < bindparam("before"), _CALL.c.phase == Phase.ENDED)
    .order_by(_CALL.c.dialled_at, _CALL.c.id)
    .limit(bindparam("most"))
)
_ASKED_FOR = update(_CALL).where(_CALL.c.id == any_(bindparam("calls", type_=ARRAY(Uuid))))

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


class PostgresCalls(PostgresPart):
    """Calls with their logs, and legs."""

    __slots__ = ()

    def arrive(self, **values: object) -> CallRow | None:
        return self._session.execute(_ARRIVE, values).one_or_none()

    def call_of_sid(self, carrier_sid: str) -> Owner | None:
        row = self._session.execute(_CALL_OF_SID, {"sid": carrier_sid}).one_or_none()
        return None if row is None else Owner(*row)

    def known_lines(self, carrier_sids: Collection[str]) -> KnownLines:
        these = {"sids": list(carrier_sids)}
        return KnownLines(
            dict(tuple(row) for row in self._session.execute(_KNOWN_CALLERS, these)),
            dict(tuple(row) for row in self._session.execute(_KNOWN_LEGS, these)),
            frozenset(self._session.scalars(_SURVEYED, these)),
        )

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

    def dialled_calls(self, *, before: datetime, at: datetime, limit: int) -> list[Dialled]:
        rows = self._session.execute(_DIALLED, {"before": before, "most": limit}).all()
        if rows:
            self._session.execute(_ASKED_FOR, {"calls": [row.id for row in rows], "dialled_at": at})
        return [Dialled(*row) for row in rows]

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

    def noted_at(self, call_id: UUID, key: str) -> datetime | None:
        at: datetime | None = self._session.execute(_NOTED_AT, {"call": call_id, "key": key}).scalar_one_or_none()
        return at

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
