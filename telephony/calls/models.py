"""Calls, the log of what happened to each, and the legs that rang agents."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Identity, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from crm.contacts.phone import CallerKind
from crm.core.db import Base, choice
from crm.levels.metering import Callers
from telephony.carriers.port import Taking
from telephony.ivr.models import IvrVersion


class Phase(StrEnum):
    IVR = "ivr"
    WAITING = "waiting"
    RINGING = "ringing"  # an agent's telephone rings for it
    JOINING = "joining"  # the agent answered, the caller is on his way to him
    TALKING = "talking"
    OUTSIDE = "outside"  # passed on to a number outside: an operator has no part in it any more
    ENDED = "ended"


class Outcome(StrEnum):
    """How a call ended, seen from the contract."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"  # entered the queue and never reached an operator
    SELF_SERVED = "self_served"  # the voice menu told him what he wanted to know
    PUT_THROUGH = "put_through"  # the voice menu put him through to an office, where somebody answered
    LEFT_IVR = "left_ivr"  # hung up before asking for an operator
    NOT_REACHED = "not_reached"  # was to be called back, and could not be
    CLOSED = "closed"  # came while the lines were closed
    TURNED_AWAY = "turned_away"  # asked for an operator while the queue was full


class ProposedBy(StrEnum):
    """What suggests who may be calling. A suggestion: the agent establishes identity."""

    CALLER_NUMBER = "caller_number"
    NOTICE_NUMBER = "notice_number"
    AGENT = "agent"


class Consent(StrEnum):
    """What the caller said to having his conversation recorded. Who was not asked, or did not agree, never is."""

    AGREED = "agreed"
    REFUSED = "refused"
    SILENT = "silent"  # asked, he keyed nothing that means yes or no
    WITHDRAWN = "withdrawn"  # agreed, and then told the agent that he would rather not
    VOID = "void"  # agreed, and it holds no more: the call is about another ente, or a pause was not brought about


class Call(Base):
    """A call, from the first webhook to its end. `ente_id` is unknown until something tells it."""

    __tablename__ = "call"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    carrier_sid: Mapped[str] = mapped_column(String(34), unique=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    line: Mapped[str] = mapped_column(String(16))
    caller: Mapped[str | None] = mapped_column(String(16))  # E.164; none when withheld
    placed: Mapped[bool] = mapped_column(default=False, server_default=text("false"))  # by us: `caller` is called
    seated: Mapped[bool] = mapped_column(default=False, server_default=text("false"))  # see `events.CallState`
    caller_kind: Mapped[CallerKind] = mapped_column(choice(CallerKind))
    callers: Mapped[Callers] = mapped_column(choice(Callers))  # the kind it is counted under

    phase: Mapped[Phase] = mapped_column(choice(Phase))
    ivr_version_id: Mapped[int | None] = mapped_column(ForeignKey(IvrVersion.id))  # the flow it began with
    ivr: Mapped[dict[str, Any]]  # `turns.Place`
    keyed: Mapped[bool] = mapped_column(default=False, server_default=text("false"))  # which holds what he keyed
    queue_id: Mapped[int | None] = mapped_column(ForeignKey("queue.id"))  # the first queue: levels count there
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    leg_id: Mapped[UUID | None]
    arrived_at: Mapped[datetime]
    metered: Mapped[bool]  # arrived within the metering hours
    turned_away_at: Mapped[datetime | None]  # the queue was full; he may have been let in since
    self_served_at: Mapped[datetime | None]  # since when the voice menu has told him something of a notice
    dialled_at: Mapped[datetime | None]  # since when the voice menu dials for him, until what came of it is told
    put_through_at: Mapped[datetime | None]  # since when he spoke where the voice menu put him through
    queued_at: Mapped[datetime | None]
    waiting_since: Mapped[datetime | None]
    waited_ms: Mapped[int] = mapped_column(default=0)  # finished stretches of waiting, summed over re-queues
    answered_at: Mapped[datetime | None]
    talking_since: Mapped[datetime | None]
    talked_ms: Mapped[int] = mapped_column(default=0, server_default=text("0"))  # finished stretches, as of waiting
    held_since: Mapped[datetime | None]
    held_ms: Mapped[int] = mapped_column(default=0, server_default=text("0"))  # finished stretches, as of waiting
    room_id: Mapped[UUID | None]  # the leg whose conference it is in, where that is not its own agent's
    party_leg_id: Mapped[UUID | None]  # who is consulted, or passed on to: see `lifecycle.Party`
    party_agent_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    party_joined: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    passed: Mapped[bool] = mapped_column(default=False, server_default=text("false"))  # waits: an agent passed it on
    in_queue_id: Mapped[int | None] = mapped_column(ForeignKey("queue.id"))  # another queue that it was passed on to
    help_since: Mapped[datetime | None]  # the agent asks a supervisor for help
    watched: Mapped[bool] = mapped_column(default=False, server_default=text("false"))  # a supervisor has taken part
    consent: Mapped[Consent | None] = mapped_column(choice(Consent))  # to being recorded; none: he was not asked
    unrecorded_until: Mapped[datetime | None]  # the agent leaves something out of the recording, at most until then
    taking: Mapped[Taking | None] = mapped_column(choice(Taking))  # what the carrier was last told; see `recording`
    parted_at: Mapped[datetime | None]  # the agent, who hung up, was gone
    ended_at: Mapped[datetime | None]
    outcome: Mapped[Outcome | None] = mapped_column(choice(Outcome))
    # He hung up and is called when it is his turn: `telephony.callbacks`. His line is then another.
    away: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    closing: Mapped[bool] = mapped_column(default=False)  # the agent asked to hang up
    checked_at: Mapped[datetime]  # when it was last compared with what the carrier knows

    contact_id: Mapped[int | None]
    proposed_by: Mapped[ProposedBy | None] = mapped_column(choice(ProposedBy))
    identified_at: Mapped[datetime | None]
    topic: Mapped[str | None] = mapped_column(String(40))
    disposition: Mapped[str | None] = mapped_column(String(40))
    note: Mapped[str] = mapped_column(Text, default="")
    wrapped_up_at: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        Index("ix_call_live", "phase", postgresql_where=text("phase <> 'ended'")),
        Index("ix_call_agent_id", "agent_id", "arrived_at"),
        Index("ix_call_caller", "caller", "arrived_at"),
        Index("ix_call_dialled_at", "dialled_at", postgresql_where=text("dialled_at IS NOT NULL")),
        Index("ix_call_keyed", "ended_at", postgresql_where=text("keyed")),
        Index("ix_call_unmetered", "line", "arrived_at", postgresql_where=text("NOT metered")),
        Index("ix_call_taking", "ended_at", postgresql_where=text("taking IS NOT NULL")),
    )


class CallEvent(Base):
    """One line of a call's log, appended once per idempotency key. `repaired`: told by reconciliation."""

    __tablename__ = "call_event"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id"))
    contract_id: Mapped[int]
    ente_id: Mapped[int | None]
    key: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(40))
    detail: Mapped[dict[str, Any]]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    repaired: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (Index("uq_call_event_call_id_key", "call_id", "key", unique=True),)


class LegState(StrEnum):
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"


class LegRole(StrEnum):
    AGENT = "agent"  # answers the call
    PARTY = "party"  # consulted, or passed on to: a colleague, or a number outside
    WATCHER = "watcher"  # a supervisor


class WatchMode(StrEnum):
    """How a supervisor takes part."""

    LISTEN = "listen"  # nobody hears him
    WHISPER = "whisper"  # the agent alone hears him
    BARGE = "barge"  # everybody hears him


class AgentLeg(Base):
    """A telephone rung for a call: an agent's, as a rule. `number`: another than the softphone, E.164 or SIP."""

    __tablename__ = "agent_leg"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id"), index=True)
    contract_id: Mapped[int]
    ente_id: Mapped[int | None]
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    role: Mapped[LegRole] = mapped_column(choice(LegRole), default=LegRole.AGENT, server_default="agent")
    number: Mapped[str | None] = mapped_column(String(80))
    mode: Mapped[WatchMode | None] = mapped_column(choice(WatchMode))
    helps: Mapped[bool] = mapped_column(
        default=False, server_default=text("false")
    )  # a supervisor whom the agent asked for
    carrier_sid: Mapped[str | None] = mapped_column(String(34))
    state: Mapped[LegState] = mapped_column(choice(LegState))
    offered_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(String(40))


class CallSetting(Base):
    """What an ente wants of the conversations about it. Without a row, the defaults."""

    __tablename__ = "call_setting"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True)
    shows_listeners: Mapped[bool] = mapped_column(default=True)  # the agent sees that a supervisor listens
