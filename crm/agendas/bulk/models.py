"""Changes of many appointments, and what becomes of each. They name nobody."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class BulkKind(StrEnum):
    MOVE = "move"
    CANCEL = "cancel"


class BulkState(StrEnum):
    PREPARED = "prepared"  # proposed; nothing has happened
    RUNNING = "running"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"


class ItemState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    LEFT = "left"  # as it is: `why`
    UNDONE = "undone"
    KEPT = "kept"  # it could not be undone: `why`


class BulkChange(Base):
    """A change of many appointments of an office."""

    __tablename__ = "bulk_change"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    office_id: Mapped[int]
    kind: Mapped[BulkKind] = mapped_column(choice(BulkKind))
    state: Mapped[BulkState] = mapped_column(choice(BulkState))
    reason: Mapped[str] = mapped_column(String(200))
    made_at: Mapped[datetime]
    made_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "office_id"], ["office.ente_id", "office.id"]),
        UniqueConstraint("ente_id", "id"),
        Index("ix_bulk_change_office_id", "office_id", "made_at"),
    )


class BulkItem(Base):
    """An appointment of such a change: where it was, where it is to go (none: no time was found), what became of it."""

    __tablename__ = "bulk_item"

    change_id: Mapped[UUID] = mapped_column(primary_key=True)
    appointment_id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    rank: Mapped[int] = mapped_column(SmallInteger)
    was_at: Mapped[datetime]
    was_desk_id: Mapped[int]
    to_at: Mapped[datetime | None]
    to_desk_id: Mapped[int | None]
    state: Mapped[ItemState] = mapped_column(choice(ItemState), default=ItemState.WAITING)
    why: Mapped[str] = mapped_column(String(200), default="")

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "change_id"], ["bulk_change.ente_id", "bulk_change.id"]),
        CheckConstraint("(to_at IS NULL) = (to_desk_id IS NULL)", name="aim"),
    )
