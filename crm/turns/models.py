"""Turns with what happened with them, who sits at which desk, screens of offices, and the first free appointments."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from crm.turns.times import Deed


class TurnState(StrEnum):
    WAITING = "waiting"
    CALLED = "called"
    SERVING = "serving"
    DONE = "done"
    NO_SHOW = "no_show"
    CLOSED = "closed"  # the day ended before he was served
    WITHDRAWN = "withdrawn"  # the number was given by mistake: it is nobody's


class ScreenKind(StrEnum):
    """What stands in a waiting room."""

    KIOSK = "kiosk"  # whoever comes says so, and gets a ticket
    ROOM = "room"  # who is called, and where


class Turn(Base):
    """Somebody who is at an office today, with an appointment or without. At a desk there is one at a time."""

    __tablename__ = "turn"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    office_id: Mapped[int]
    service_id: Mapped[int]
    day: Mapped[date]
    letter: Mapped[str] = mapped_column(String(1))
    number: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[TurnState] = mapped_column(choice(TurnState))
    appointment_id: Mapped[UUID | None]
    contact_id: Mapped[int | None]
    language: Mapped[str] = mapped_column(String(2), default="it")
    arrived_at: Mapped[datetime]
    starts_at: Mapped[datetime | None]  # of the appointment
    for_desk: Mapped[int | None]  # passed on to this one alone
    desk_id: Mapped[int | None]  # where he is called, or was last
    clerk_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    calls: Mapped[int] = mapped_column(SmallInteger, default=0)
    called_at: Mapped[datetime | None]  # the last time
    serving_since: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    # Folded from what happened, see `crm.turns.times`:
    waited_s: Mapped[int | None]
    served_s: Mapped[int | None]
    note: Mapped[str] = mapped_column(String(2000), default="")  # by whoever served him

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "office_id"], ["office.ente_id", "office.id"]),
        ForeignKeyConstraint(["ente_id", "service_id"], ["bookable_service.ente_id", "bookable_service.id"]),
        ForeignKeyConstraint(["ente_id", "desk_id"], ["desk.ente_id", "desk.id"]),
        ForeignKeyConstraint(["ente_id", "for_desk"], ["desk.ente_id", "desk.id"]),
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        UniqueConstraint("office_id", "day", "letter", "number"),
        UniqueConstraint("appointment_id"),
        CheckConstraint("state NOT IN ('called', 'serving') OR desk_id IS NOT NULL", name="at_a_desk"),
        Index(
            "ix_turn_one_at_a_desk", "desk_id", "day", unique=True,
            postgresql_where=text("state IN ('called', 'serving')"),
        ),
        Index("ix_turn_ente_id", "ente_id", "day"),
        Index("ix_turn_contact_id", "contact_id", postgresql_where=text("contact_id IS NOT NULL")),
    )  # fmt: skip


class TurnEvent(Base):
    """What happened with a turn. Never altered; it names nobody who came."""

    __tablename__ = "turn_event"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    turn_id: Mapped[int]
    deed: Mapped[Deed] = mapped_column(choice(Deed))
    at: Mapped[datetime]
    by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # none: he himself, at the kiosk
    desk_id: Mapped[int | None]
    detail: Mapped[dict[str, Any]]  # of a passing on: `service_id`, `desk_id`; of a retraction: `deed`, `apart`

    __table_args__ = (Index("ix_turn_event_turn_id", "turn_id", "id"),)


class DeskSeat(Base):
    """Who sits at a desk, for the day on which he sat down. One at a desk, and nobody at two."""

    __tablename__ = "desk_seat"

    desk_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ente_id: Mapped[int]
    office_id: Mapped[int]
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), unique=True)
    day: Mapped[date]
    since: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "desk_id"], ["desk.ente_id", "desk.id"]),
        ForeignKeyConstraint(["ente_id", "office_id"], ["office.ente_id", "office.id"]),
    )


class OfficeScreen(Base):
    """A screen in an office's waiting room, opened by whoever has its link, which is kept as a hash."""

    __tablename__ = "office_screen"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    office_id: Mapped[int] = mapped_column(ForeignKey("office.id"))
    kind: Mapped[ScreenKind] = mapped_column(choice(ScreenKind))
    name: Mapped[str] = mapped_column(String(60))
    language: Mapped[str] = mapped_column(String(2))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    made_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_office_screen_office_id", "office_id"),)


class FirstFree(Base):
    """When, as of a day, the first appointment could be had. Without one within the horizon, `first` is none."""

    __tablename__ = "first_free"

    office_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    service_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    first: Mapped[date | None]
    working_days: Mapped[int] = mapped_column(SmallInteger)  # until then; without one see `sampling`
    sampled_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "office_id"], ["office.ente_id", "office.id"]),
        ForeignKeyConstraint(["ente_id", "service_id"], ["bookable_service.ente_id", "bookable_service.id"]),
        Index("ix_first_free_ente_id", "ente_id", "day"),
    )
