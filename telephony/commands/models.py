"""Commands still owed to the carrier, and timers still to fire. They hold ids, never personal data."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Identity, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class CommandKind(StrEnum):
    RING_AGENT = "ring_agent"
    CONNECT_CALLER = "connect_caller"
    REQUEUE_CALLER = "requeue_caller"
    END_CALLER = "end_caller"
    END_LEG = "end_leg"
    CALL_BACK = "call_back"
    SURVEY = "survey"
    RECORD = "record"  # bring about whether the caller's line is recorded: see `calls.recorded`
    ARRANGE = "arrange"  # bring about how everybody is in the conversation: held, muted, coached


class CommandState(StrEnum):
    OWED = "owed"  # leased to whoever wrote it until `lease_until`, then to the engine
    UNKNOWN = "unknown"  # sent, and no answer told whether it was done: to be reconciled, not repeated
    DONE = "done"
    FAILED = "failed"


class CarrierCommand(Base):
    """Something the carrier has to be told."""

    __tablename__ = "carrier_command"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    kind: Mapped[CommandKind] = mapped_column(choice(CommandKind))
    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id"), index=True)
    leg_id: Mapped[UUID | None]
    state: Mapped[CommandState] = mapped_column(choice(CommandState))
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    lease_until: Mapped[datetime]
    created_at: Mapped[datetime]
    error: Mapped[str | None] = mapped_column(String(200))

    __table_args__ = (
        Index("ix_carrier_command_owed", "lease_until", postgresql_where=text("state IN ('owed', 'unknown')")),
    )


class TimerKind(StrEnum):
    RING = "ring"  # an agent has not answered
    WRAP_UP = "wrap_up"  # an agent's time to finish his notes is over
    WAIT = "wait"  # a caller has waited for longer than the contract allows
    CALLBACK = "callback"  # a callback is to be looked at again
    RESUME = "resume"  # what an agent leaves out of a recording is over
    WIDEN = "widen"  # more agents may answer a call that has waited for so long


class Timer(Base):
    """Something that happens at an instant unless its row is gone by then."""

    __tablename__ = "timer"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    kind: Mapped[TimerKind] = mapped_column(choice(TimerKind))
    due_at: Mapped[datetime] = mapped_column(index=True)
    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id"))
    contract_id: Mapped[int]
    leg_id: Mapped[UUID | None]
    agent_id: Mapped[int | None]
