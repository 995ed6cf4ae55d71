"""External calendars, and when they are busy. Not what for: only the times are kept."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class Trouble(StrEnum):
    """Why a calendar could not be read."""

    AWAY = "away"  # no answer, or not in time
    FORBIDDEN_ADDRESS = "forbidden_address"  # its server is not one that may be asked
    CREDENTIALS = "credentials"
    NOT_THERE = "not_there"
    REFUSED = "refused"  # by its server, in another way
    NO_CALENDAR = "no_calendar"  # what it answers cannot be read
    TOO_MUCH = "too_much"


class ExternalCalendar(Base):
    """A CalDAV calendar of an office, or of one of its desks. The password is encrypted.

    `good_at` is when it was read the last time; since `failing_since` it is not, and what was read then holds.
    """

    __tablename__ = "external_calendar"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    office_id: Mapped[int]
    desk_id: Mapped[int | None]
    name: Mapped[str] = mapped_column(String(60))
    url: Mapped[str] = mapped_column(String(500))
    username: Mapped[str] = mapped_column(String(120))
    password: Mapped[bytes] = mapped_column(LargeBinary)
    made_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    made_at: Mapped[datetime]
    due_at: Mapped[datetime]  # when it is to be read next; while it is being read, until when nobody else does
    good_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    trouble: Mapped[Trouble | None] = mapped_column(choice(Trouble))

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "office_id"], ["office.ente_id", "office.id"]),
        ForeignKeyConstraint(["ente_id", "desk_id"], ["desk.ente_id", "desk.id"]),
        UniqueConstraint("ente_id", "id"),
        CheckConstraint("(failing_since IS NULL) = (trouble IS NULL)", name="failing"),
        Index("ix_external_calendar_office_id", "office_id"),
        Index("ix_external_calendar_due_at", "due_at"),
    )


class BusyTime(Base):
    """A stretch in which a calendar is busy; those of one do not touch each other."""

    __tablename__ = "busy_time"

    calendar_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    office_id: Mapped[int]
    desk_id: Mapped[int | None]
    ends_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(
            ["ente_id", "calendar_id"], ["external_calendar.ente_id", "external_calendar.id"], ondelete="CASCADE"
        ),
        CheckConstraint("starts_at < ends_at", name="order"),
        Index("ix_busy_time_office_id", "office_id", "ends_at"),
    )
