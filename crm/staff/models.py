"""What an ente is told of the people who serve it, and whom it wants replaced."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Identity, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from crm.access.models import Role
from crm.core.db import Base, choice


class StaffChange(StrEnum):
    JOINED = "joined"
    LEFT = "left"
    CHANGED = "changed"  # another role, period, name or qualification
    SUSPENDED = "suspended"  # his account was disabled
    RESUMED = "resumed"
    REMOVED = "removed"  # the ente keeps him away
    READMITTED = "readmitted"
    REPLACED = "replaced"


class StaffNotice(Base):
    """An ente is told that the people who serve it changed. `name` and `qualification` as they were then."""

    __tablename__ = "staff_notice"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    change: Mapped[StaffChange] = mapped_column(choice(StaffChange))
    name: Mapped[str] = mapped_column(String(80))
    qualification: Mapped[str] = mapped_column(String(120))
    role: Mapped[Role | None] = mapped_column(choice(Role))
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]  # the last day
    made_at: Mapped[datetime]
    made_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    seen_at: Mapped[datetime | None]
    seen_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))

    __table_args__ = (Index("ix_staff_notice_ente_id_made_at", "ente_id", "made_at"),)


class ReplacementState(StrEnum):
    ASKED = "asked"
    DONE = "done"
    WITHDRAWN = "withdrawn"


class ReplacementRequest(Base):
    """An ente asks that somebody be replaced. `due_on` is the last day for it."""

    __tablename__ = "replacement_request"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    reason: Mapped[str] = mapped_column(String(400))
    asked_at: Mapped[datetime]
    asked_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    due_on: Mapped[date]
    state: Mapped[ReplacementState] = mapped_column(choice(ReplacementState))
    replaced_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))

    __table_args__ = (
        Index(
            "ix_replacement_request_open", "ente_id", "user_id", unique=True, postgresql_where=text("state = 'asked'")
        ),
    )
