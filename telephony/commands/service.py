"""Writing commands and timers, in the transaction of their cause."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, delete, insert
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import signal, table_of
from telephony.commands.events import CommandWritten
from telephony.commands.models import CarrierCommand, CommandKind, CommandState, Timer, TimerKind

WRITER_LEASE = timedelta(seconds=8)  # longer than the longest carrier time-out; then the engine takes over

_COMMANDS, _TIMERS = table_of(CarrierCommand), table_of(Timer)
_ADD_COMMAND = insert(_COMMANDS).returning(_COMMANDS.c.id)
_ADD_TIMER = insert(_TIMERS)
_DISARM_RING = delete(_TIMERS).where(_TIMERS.c.leg_id == bindparam("leg"), _TIMERS.c.kind == TimerKind.RING)

_DISARM_CALLBACK = delete(_TIMERS).where(_TIMERS.c.call_id == bindparam("call"), _TIMERS.c.kind == TimerKind.CALLBACK)
_DISARM_WAIT = (
    delete(_TIMERS)
    .where(_TIMERS.c.call_id == bindparam("call"), _TIMERS.c.kind == TimerKind.WAIT)
    .returning(_TIMERS.c.id)
)


def order(session: Session, *, kind: CommandKind, call_id: UUID, leg_id: UUID | None) -> None:
    """Owe the carrier a command. It is leased to this process, which carries it out after the commit."""
    at = clock.now(session)
    command_id = session.execute(
        _ADD_COMMAND,
        {
            "kind": kind, "call_id": call_id, "leg_id": leg_id, "state": CommandState.OWED, "attempts": 0,
            "lease_until": at + WRITER_LEASE, "created_at": at,
        },
    ).scalar_one()  # fmt: skip
    signal(session, CommandWritten(command_id, call_id))


def arm_ring(session: Session, *, call_id: UUID, contract_id: int, leg_id: UUID, due_at: datetime) -> None:
    """Give up on an agent who has not answered by then, whatever the carrier says or does not say."""
    session.execute(
        _ADD_TIMER,
        {
            "kind": TimerKind.RING, "due_at": due_at, "call_id": call_id, "contract_id": contract_id,
            "leg_id": leg_id, "agent_id": None,
        },
    )  # fmt: skip


def arm_wrap_up(session: Session, *, agent_id: int, call_id: UUID, contract_id: int, due_at: datetime) -> None:
    """End an agent's wrap-up then."""
    session.execute(
        _ADD_TIMER,
        {
            "kind": TimerKind.WRAP_UP, "due_at": due_at, "call_id": call_id, "contract_id": contract_id,
            "leg_id": None, "agent_id": agent_id,
        },
    )  # fmt: skip


def arm_wait(session: Session, *, call_id: UUID, contract_id: int, due_at: datetime) -> None:
    """From then on this caller has waited for too long."""
    session.execute(
        _ADD_TIMER,
        {
            "kind": TimerKind.WAIT, "due_at": due_at, "call_id": call_id, "contract_id": contract_id,
            "leg_id": None, "agent_id": None,
        },
    )  # fmt: skip


def disarm_wait(session: Session, *, call_id: UUID) -> bool:
    """The caller waits no more; false when the time had run out before (or none was set)."""
    return session.execute(_DISARM_WAIT, {"call": call_id}).one_or_none() is not None


def arm_widening(session: Session, *, call_id: UUID, contract_id: int, due: Iterable[datetime]) -> None:
    """Have a match made at these instants, if the call still waits by then."""
    session.execute(
        _ADD_TIMER,
        [
            {
                "kind": TimerKind.WIDEN, "due_at": due_at, "call_id": call_id, "contract_id": contract_id,
                "leg_id": None, "agent_id": None,
            }
            for due_at in due
        ],
    )  # fmt: skip


def arm_callback(session: Session, *, call_id: UUID, contract_id: int, due_at: datetime) -> None:
    """Look at a callback again then, and not before."""
    disarm_callback(session, call_id=call_id)
    session.execute(
        _ADD_TIMER,
        {
            "kind": TimerKind.CALLBACK, "due_at": due_at, "call_id": call_id, "contract_id": contract_id,
            "leg_id": None, "agent_id": None,
        },
    )  # fmt: skip


def disarm_callback(session: Session, *, call_id: UUID) -> None:
    """A callback is over, or is looked at now."""
    session.execute(_DISARM_CALLBACK, {"call": call_id})


def disarm_ring(session: Session, *, leg_id: UUID) -> None:
    """The leg answered or ended: its timer has no reason any more."""
    session.execute(_DISARM_RING, {"leg": leg_id})
