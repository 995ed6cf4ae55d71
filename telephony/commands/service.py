"""Writing commands and timers, in the transaction of their cause."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import signal
from telephony.commands.events import CommandWritten
from telephony.commands.models import CommandKind, TimerKind
from telephony.floor.current import floor

WRITER_LEASE = timedelta(seconds=8)  # longer than the longest carrier time-out; then the engine takes over


def order(session: Session, *, kind: CommandKind, call_id: UUID, leg_id: UUID | None) -> None:
    """Owe the carrier a command. It is leased to this process, which carries it out after the commit."""
    at = clock.now(session)
    command_id = floor(session).add_command(
        kind, call_id=call_id, leg_id=leg_id, at=at, lease_until=at + WRITER_LEASE
    )  # fmt: skip
    signal(session, CommandWritten(command_id, call_id))


def arm_ring(session: Session, *, call_id: UUID, contract_id: int, leg_id: UUID, due_at: datetime) -> None:
    """Give up on an agent who has not answered by then, whatever the carrier says or does not say."""
    floor(session).arm(TimerKind.RING, call_id=call_id, contract_id=contract_id, leg_id=leg_id, due=[due_at])


def arm_wrap_up(session: Session, *, agent_id: int, call_id: UUID, contract_id: int, due_at: datetime) -> None:
    """End an agent's wrap-up then."""
    floor(session).arm(TimerKind.WRAP_UP, call_id=call_id, contract_id=contract_id, agent_id=agent_id, due=[due_at])


def arm_wait(session: Session, *, call_id: UUID, contract_id: int, due_at: datetime) -> None:
    """From then on this caller has waited for too long."""
    floor(session).arm(TimerKind.WAIT, call_id=call_id, contract_id=contract_id, due=[due_at])


def disarm_wait(session: Session, *, call_id: UUID) -> bool:
    """The caller waits no more; false when the time had run out before (or none was set)."""
    return floor(session).disarm(TimerKind.WAIT, call_id)


def arm_widening(session: Session, *, call_id: UUID, contract_id: int, due: Iterable[datetime]) -> None:
    """Have a match made at these instants, if the call still waits by then."""
    floor(session).arm(TimerKind.WIDEN, call_id=call_id, contract_id=contract_id, due=due)


def arm_callback(session: Session, *, call_id: UUID, contract_id: int, due_at: datetime) -> None:
    """Look at a callback again then, and not before."""
    disarm_callback(session, call_id=call_id)
    floor(session).arm(TimerKind.CALLBACK, call_id=call_id, contract_id=contract_id, due=[due_at])


def disarm_callback(session: Session, *, call_id: UUID) -> None:
    """A callback is over, or is looked at now."""
    floor(session).disarm(TimerKind.CALLBACK, call_id)


def arm_resume(session: Session, *, call_id: UUID, contract_id: int, due_at: datetime) -> None:
    """Record again from then on, unless the agent says so before, or asks for longer."""
    disarm_resume(session, call_id=call_id)
    floor(session).arm(TimerKind.RESUME, call_id=call_id, contract_id=contract_id, due=[due_at])


def disarm_resume(session: Session, *, call_id: UUID) -> None:
    """Nothing is left out of a recording any more."""
    floor(session).disarm(TimerKind.RESUME, call_id)


def disarm_ring(session: Session, *, leg_id: UUID) -> None:
    """The leg answered or ended: its timer has no reason any more."""
    floor(session).disarm(TimerKind.RING, leg_id)


def disarm_wrap_up(session: Session, *, agent_id: int) -> None:
    """The agent is done with his notes."""
    floor(session).disarm(TimerKind.WRAP_UP, agent_id)
