"""Timers and commands on the floor in PostgreSQL."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Interval, bindparam, delete, func, insert, select, true, update

from crm.core.db import table_of
from telephony.agents.models import AgentPresence
from telephony.callbacks.models import Callback
from telephony.calls.models import AgentLeg, Call
from telephony.commands.jobs import Job
from telephony.commands.models import CarrierCommand, CommandKind, CommandState, Timer, TimerKind
from telephony.floor.port import DueTimer
from telephony.floor.postgres_part import PostgresPart
from telephony.queues.models import Queue

_CALL, _LEG, _QUEUE, _CALLBACK = table_of(Call), table_of(AgentLeg), table_of(Queue), table_of(Callback)
_PRESENCE, _TIMER, _COMMAND = table_of(AgentPresence), table_of(Timer), table_of(CarrierCommand)

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


class PostgresCommands(PostgresPart):
    """What is to be done in time, and what is owed to the carrier."""

    __slots__ = ()

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
