"""Threads, what was written in them, their log; what a contract wants of them, and which an agent has in front."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    SmallInteger,
    String,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from telephony.calls.models import ProposedBy


class ThreadState(StrEnum):
    WAITING = "waiting"
    OFFERED = "offered"  # shown to an agent, who may take it
    OPEN = "open"  # an agent has it, and it counts among those he can have
    IDLE = "idle"  # the last word is the agent's, and the citizen has been silent for long: it counts no more
    CLOSED = "closed"


class Closed(StrEnum):
    """How a thread was closed."""

    DONE = "done"  # by its agent
    SILENT = "silent"  # the citizen answered no more
    FULL = "full"  # it was not taken: too many waited
    STOPPED = "stopped"  # he wrote the opt-out word while he waited


class TextThread(Base):
    """A conversation by SMS between a citizen's number and one of ours. `ente_id` is unknown until something tells it.

    One that is written to again within a day of its end goes on.
    """

    __tablename__ = "text_thread"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    line: Mapped[str] = mapped_column(String(16))
    citizen: Mapped[str] = mapped_column(String(16))  # E.164; empty once forgotten
    queue_id: Mapped[int] = mapped_column(ForeignKey("queue.id"))
    domain: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(2))
    priority: Mapped[int] = mapped_column(SmallInteger, default=0)
    metered: Mapped[bool]  # begun while the line was open
    begun_at: Mapped[datetime]

    # What events change: `lifecycle.Thread`.
    state: Mapped[ThreadState] = mapped_column(choice(ThreadState))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    entered_at: Mapped[datetime]  # orders those who wait, and widens who may answer
    not_before: Mapped[datetime | None]  # the line is closed until then
    waiting_since: Mapped[datetime | None]
    waited_ms: Mapped[int] = mapped_column(default=0)  # up to the first taking, while the line was open
    offered_at: Mapped[datetime | None]
    taken_at: Mapped[datetime | None]  # the first time
    answered_at: Mapped[datetime | None]  # an agent wrote, the first time
    wrote_at: Mapped[datetime]  # the citizen, last
    replied_at: Mapped[datetime | None]  # an agent, last
    knows: Mapped[int | None]  # the agent who had it last, or spoke with this citizen last
    meant_for: Mapped[int | None]  # the colleague whom it was passed on to
    missed_by: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list)  # who let it go by, one after another
    missed_at: Mapped[datetime | None]
    reopened: Mapped[int] = mapped_column(SmallInteger, default=0)
    closed_at: Mapped[datetime | None]
    closed: Mapped[Closed | None] = mapped_column(choice(Closed))
    forgotten_at: Mapped[datetime | None]  # since when nothing that was written is kept, nor the number of a stranger
    due_at: Mapped[datetime | None]  # when something happens by itself

    seen_at: Mapped[datetime | None]  # when its agent last had it in front
    draft: Mapped[str] = mapped_column(Text, default="")
    contact_id: Mapped[int | None]
    proposed_by: Mapped[ProposedBy | None] = mapped_column(choice(ProposedBy))
    identified_at: Mapped[datetime | None]
    topic: Mapped[str | None] = mapped_column(String(40))
    disposition: Mapped[str | None] = mapped_column(String(40))
    note: Mapped[str] = mapped_column(Text, default="")

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        Index(
            "uq_text_thread_live", "line", "citizen", unique=True,
            postgresql_where=text("state <> 'closed'"),
        ),
        Index("ix_text_thread_citizen", "citizen", "line", "begun_at"),
        Index("ix_text_thread_waiting", "domain", postgresql_where=text("state = 'waiting'")),
        Index("ix_text_thread_agent_id", "agent_id", postgresql_where=text("state <> 'closed'")),
        Index("ix_text_thread_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_text_thread_begun_at", "contract_id", "begun_at"),
        Index("ix_text_thread_closed", "begun_at", postgresql_where=text("state = 'closed'")),
        Index(
            "ix_text_thread_to_forget", "contract_id", "closed_at",
            postgresql_where=text("forgotten_at IS NULL AND state = 'closed'"),
        ),
        Index("ix_text_thread_contact_id", "contact_id", postgresql_where=text("contact_id IS NOT NULL")),
    )  # fmt: skip


class TextMessage(Base):
    """One thing written. From us without an agent: written by the system. `message_id` is the outbox's row."""

    __tablename__ = "text_message"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    thread_id: Mapped[UUID] = mapped_column(ForeignKey("text_thread.id"))
    contract_id: Mapped[int]
    ente_id: Mapped[int | None]
    inbound: Mapped[bool]
    body: Mapped[str] = mapped_column(String(1600))  # emptied after the days for which it is kept
    media: Mapped[int] = mapped_column(SmallInteger, default=0)  # pictures and the like, which are not taken
    at: Mapped[datetime]
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    external_id: Mapped[str | None] = mapped_column(String(64))  # the carrier's, of what was received
    message_id: Mapped[UUID | None]

    __table_args__ = (
        Index("ix_text_message_thread_id", "thread_id", "id"),
        Index(
            "uq_text_message_external_id", "external_id", unique=True,
            postgresql_where=text("external_id IS NOT NULL"),
        ),
    )  # fmt: skip


class TextEvent(Base):
    """One line of a thread's log, appended once per idempotency key."""

    __tablename__ = "text_event"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    thread_id: Mapped[UUID] = mapped_column(ForeignKey("text_thread.id"))
    contract_id: Mapped[int]
    ente_id: Mapped[int | None]
    key: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(40))
    detail: Mapped[dict[str, Any]]
    at: Mapped[datetime]

    __table_args__ = (Index("uq_text_event_thread_id_key", "thread_id", "key", unique=True),)


class TextReading(Base):
    """Somebody said why, and may read a thread for a while."""

    __tablename__ = "text_reading"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    thread_id: Mapped[UUID] = mapped_column(ForeignKey("text_thread.id"))
    contract_id: Mapped[int]
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    reason: Mapped[str] = mapped_column(String(200))
    began_at: Mapped[datetime]

    __table_args__ = (Index("ix_text_reading_thread_id", "thread_id", "user_id"),)


class TextSetting(Base):
    """What a contract wants of conversations by SMS. Without a row nobody reads what is written to its numbers."""

    __tablename__ = "text_setting"

    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"), primary_key=True, autoincrement=False)
    queue_id: Mapped[int] = mapped_column(ForeignKey("queue.id"))  # of numbers that lead to no queue of their own
    most: Mapped[int] = mapped_column(SmallInteger)  # threads at a time that an agent may have
    beside_calls: Mapped[bool]  # new ones are offered also to who is on the telephone
    most_waiting: Mapped[int | None] = mapped_column(SmallInteger)  # then nobody more is taken; none: no such limit
    idle_min: Mapped[int] = mapped_column(SmallInteger)  # a silent citizen's thread counts no more after so long
    close_h: Mapped[int] = mapped_column(SmallInteger)  # and is closed after so long
    kept_days: Mapped[int] = mapped_column(SmallInteger)  # what was written is kept for so long

    __table_args__ = (
        CheckConstraint("most BETWEEN 1 AND 10", name="most"),
        CheckConstraint("most_waiting BETWEEN 1 AND 500", name="most_waiting"),
        CheckConstraint("idle_min BETWEEN 1 AND 240", name="idle_min"),
        CheckConstraint("close_h BETWEEN 1 AND 72", name="close_h"),
        CheckConstraint("kept_days BETWEEN 1 AND 3650", name="kept_days"),
    )


class TextDesk(Base):
    """Which thread an agent has in front of him, since when."""

    __tablename__ = "text_desk"

    agent_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True, autoincrement=False)
    thread_id: Mapped[UUID | None]
    chosen_at: Mapped[datetime]
