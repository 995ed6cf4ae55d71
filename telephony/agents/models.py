"""Presence: one row an agent, the truth about what he is doing; what he did since when, as facts; and sums of them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, SmallInteger, String, false
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class AgentState(StrEnum):
    OFFLINE = "offline"
    READY = "ready"
    PAUSED = "paused"
    RINGING = "ringing"
    TALKING = "talking"
    WRAP_UP = "wrap_up"


class PauseReason(StrEnum):
    BREAK = "break"
    MEETING = "meeting"
    TRAINING = "training"
    BACK_OFFICE = "back_office"
    MISSED_CALL = "missed_call"  # set by the system, visibly: he did not answer


class Activity(StrEnum):
    """What an agent's time goes into: his state, told apart where a contact centre measures it apart."""

    OFFLINE = "offline"
    READY = "ready"
    RINGING = "ringing"
    TALKING = "talking"
    HOLDING = "holding"  # his caller is on hold
    WRAP_UP = "wrap_up"
    PAUSED = "paused"
    AWAY = "away"  # ready or paused by his own word, and his console is not there


class AgentPresence(Base):
    """What an agent is doing, and what he means to do once his call is over.

    `live_until` is a lease that the console's open socket renews; nobody is offered a call past it.
    """

    __tablename__ = "agent_presence"

    agent_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    domain: Mapped[str] = mapped_column(String(40))
    state: Mapped[AgentState] = mapped_column(choice(AgentState))
    since: Mapped[datetime]
    idle_since: Mapped[datetime]  # orders free agents: the longest idle is first
    intended: Mapped[AgentState] = mapped_column(choice(AgentState, name="intended"))  # ready, paused or offline
    pause_reason: Mapped[PauseReason | None] = mapped_column(choice(PauseReason))
    call_id: Mapped[UUID | None] = mapped_column(ForeignKey("call.id"))
    leg_id: Mapped[UUID | None]
    live_until: Mapped[datetime]
    answers_for: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}")  # contracts, see `attend`
    not_for: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}")  # enti that keep him away
    speaks: Mapped[list[str]] = mapped_column(ARRAY(String(2)), server_default="{}")  # beside Italian, ISO 639-1
    rings_at: Mapped[str | None] = mapped_column(String(80))  # a telephone other than the softphone: E.164 or SIP
    device: Mapped[str | None] = mapped_column(String(36))  # which of his telephones is registered
    practising_since: Mapped[datetime | None]  # with simulated callers: then he is out of service
    in_training: Mapped[bool] = mapped_column(server_default=false())  # he may practise alone: then he is as well

    __table_args__ = (
        CheckConstraint(
            "(practising_since IS NULL AND NOT in_training) OR state = 'offline'", name="practises_out_of_service"
        ),
    )


class PauseLimit(Base):
    """For how long a pause of this reason may last, for the agents of a contract."""

    __tablename__ = "pause_limit"

    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"), primary_key=True)
    reason: Mapped[PauseReason] = mapped_column(choice(PauseReason), primary_key=True)
    minutes: Mapped[int] = mapped_column(SmallInteger)


class AgentRelease(Base):
    """The last time a supervisor changed an agent's state for him: he is told until it changes again."""

    __tablename__ = "agent_release"

    agent_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    at: Mapped[datetime]
    was: Mapped[AgentState] = mapped_column(choice(AgentState))


class AgentFact(Base):
    """From this instant on an agent did this. Only added to; where time went is computed from these rows.

    Figures of a single worker are shown to himself alone, until his company enters its agreement (L. 300/1970, art. 4).
    """

    __tablename__ = "agent_fact"

    agent_id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)  # never before an earlier one of his
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    activity: Mapped[Activity] = mapped_column(choice(Activity))
    reason: Mapped[PauseReason | None] = mapped_column(choice(PauseReason, name="reason"))
    call_id: Mapped[UUID | None]


class AgentTime(Base):
    """Where an agent's quarter hour went, in milliseconds: sums of his facts, without the time out of service."""

    __tablename__ = "agent_time"

    agent_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    quarter: Mapped[datetime] = mapped_column(primary_key=True)
    ready_ms: Mapped[int]
    ringing_ms: Mapped[int]
    talking_ms: Mapped[int]
    holding_ms: Mapped[int]
    wrap_up_ms: Mapped[int]
    paused_ms: Mapped[int]
    away_ms: Mapped[int]

    __table_args__ = (Index("ix_agent_time_quarter", "quarter"),)
