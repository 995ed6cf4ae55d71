"""Follow-ups and the lists of a contract to which they belong."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class FollowUpKind(StrEnum):
    CALL_BACK = "call_back"
    SEND = "send"
    CHECK = "check"
    CASE = "case"
    APPOINTMENT = "appointment"


class FollowUpState(StrEnum):
    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


class FollowUpList(Base):
    """Where the people of a contract find what nobody in person has to do yet."""

    __tablename__ = "follow_up_list"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    name: Mapped[str] = mapped_column(String(80))
    active: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (UniqueConstraint("contract_id", "name"),)


class FollowUp(Base):
    """Something to be done about a contact by an instant, by its owner or by whoever works on its list."""

    __tablename__ = "follow_up"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    contact_id: Mapped[int]
    list_id: Mapped[int] = mapped_column(ForeignKey("follow_up_list.id"))
    kind: Mapped[FollowUpKind] = mapped_column(choice(FollowUpKind))
    state: Mapped[FollowUpState] = mapped_column(choice(FollowUpState), default=FollowUpState.OPEN)
    due_at: Mapped[datetime]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # none: the list's
    note: Mapped[str] = mapped_column(String(1000))
    call_id: Mapped[UUID | None]  # in which it was promised
    made_at: Mapped[datetime]
    made_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # none: the system
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    changed_at: Mapped[datetime | None]  # for the last time
    before: Mapped[dict[str, Any] | None]  # what that change replaced: it can be taken back, once

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed"),
        Index("ix_follow_up_contact_id", "contact_id", "due_at"),
        Index("ix_follow_up_call_id", "call_id", postgresql_where=text("call_id IS NOT NULL")),
        Index("ix_follow_up_owner_id", "owner_id", "due_at", postgresql_where=text("state = 'open'")),
        Index("ix_follow_up_list_id", "list_id", "due_at", postgresql_where=text("state = 'open'")),
    )
