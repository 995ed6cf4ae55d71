"""Queues, their members and the calls that wait in them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class Queue(Base):
    """Where calls about one matter wait. Its routing domain is the set of agents and queues matched together."""

    __tablename__ = "queue"

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    name: Mapped[str] = mapped_column(String(60))
    domain: Mapped[str] = mapped_column(String(40))
    menu_digit: Mapped[str | None] = mapped_column(String(1))  # the key that leads here from the menu
    menu_label: Mapped[str | None] = mapped_column(String(80))  # "informazioni su avvisi e ingiunzioni"
    asks_notice: Mapped[bool] = mapped_column(default=False)  # an unknown caller is asked his notice number
    ring_timeout_s: Mapped[int] = mapped_column(SmallInteger, default=20)
    wrap_up_s: Mapped[int] = mapped_column(SmallInteger, default=60)
    priority: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    # What follows is `routing.Rules`.
    ages_s: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    widens_s: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    overflow_id: Mapped[int | None] = mapped_column(ForeignKey("queue.id"))
    overflow_s: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    sticky_s: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    language_s: Mapped[int] = mapped_column(SmallInteger, default=60, server_default="60")
    calls_back: Mapped[bool] = mapped_column(default=False, server_default=text("false"))  # offered while one waits
    asks_survey: Mapped[bool] = mapped_column(default=False, server_default=text("false"))  # after a conversation
    closed_at: Mapped[datetime | None]  # nobody is led here any more; its figures stay

    __table_args__ = (
        Index(
            "uq_queue_contract_id_menu_digit", "contract_id", "menu_digit", unique=True,
            postgresql_where=text("closed_at IS NULL AND menu_digit IS NOT NULL"),
        ),
    )  # fmt: skip


class QueueMember(Base):
    """An agent who may answer a queue's calls, and how well: level 1 is the best."""

    __tablename__ = "queue_member"

    queue_id: Mapped[int] = mapped_column(ForeignKey("queue.id"), primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    level: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")


class EntryState(StrEnum):
    WAITING = "waiting"
    OFFERED = "offered"  # claimed for an agent whose telephone rings
    ASIDE = "aside"  # to be called back, and not just now
    LEFT = "left"  # served or gone


class QueueEntry(Base):
    """A call in a queue. `priority` orders before `entered_at`; who was cut off waits again at the head."""

    __tablename__ = "queue_entry"

    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id"), primary_key=True)
    contract_id: Mapped[int]
    ente_id: Mapped[int | None]
    queue_id: Mapped[int] = mapped_column(ForeignKey("queue.id"))
    domain: Mapped[str] = mapped_column(String(40))
    state: Mapped[EntryState] = mapped_column(choice(EntryState))
    priority: Mapped[int] = mapped_column(SmallInteger, default=0)
    entered_at: Mapped[datetime]
    language: Mapped[str] = mapped_column(String(2), default="it", server_default="it")  # the caller's, ISO 639-1
    away: Mapped[bool] = mapped_column(default=False, server_default=text("false"))  # nobody is on the line
    knows: Mapped[int | None]  # the agent who spoke with this caller last
    meant_for: Mapped[int | None]  # the colleague whom an agent passed it on to, for a while
    passed_by: Mapped[int | None]  # the agent who passed it on to the queue

    __table_args__ = (
        Index(
            "ix_queue_entry_order", "domain", text("priority DESC"), "entered_at",
            postgresql_where=text("state <> 'left'"),
        ),
    )  # fmt: skip
