"""Wishes of whoever waits for a time, and the times that each was offered."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class Part(StrEnum):
    """The part of the day that suits somebody."""

    ANY = "any"
    MORNING = "morning"
    AFTERNOON = "afternoon"


class WishState(StrEnum):
    """How a wish stands."""

    WAITING = "waiting"
    SERVED = "served"  # he has an appointment: one that was offered, or one that he found himself
    LEFT = "left"  # he said so, or somebody of the staff for him
    OVER = "over"  # the last day on which he could come went by
    SILENT = "silent"  # he answered none of the last offers, or cannot be written to


class Outcome(StrEnum):
    """What came of an offer."""

    OPEN = "open"
    TAKEN = "taken"
    REFUSED = "refused"
    MISSED = "missed"  # nobody answered in time
    WITHDRAWN = "withdrawn"  # the wish ended otherwise


class BookingWish(Base):
    """What somebody waits for. `offices`, `weekdays` (0 is Monday): none named is any; `until`: the last day."""

    __tablename__ = "booking_wish"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    service_id: Mapped[int]
    offices: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list)
    weekdays: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger), default=list)
    part: Mapped[Part] = mapped_column(choice(Part))
    until: Mapped[date]
    state: Mapped[WishState] = mapped_column(choice(WishState))
    mark: Mapped[bytes] = mapped_column(LargeBinary(16))  # a keyed hash of who he is: one wish a person and service
    contact_id: Mapped[int | None]
    given_name: Mapped[str] = mapped_column(String(80))
    surname: Mapped[str] = mapped_column(String(160))
    codice_fiscale: Mapped[str | None] = mapped_column(String(16))
    phone: Mapped[str | None] = mapped_column(String(20))
    email: Mapped[str | None] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(2))
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "service_id"], ["bookable_service.ente_id", "bookable_service.id"]),
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        UniqueConstraint("ente_id", "id"),
        CheckConstraint("(state = 'waiting') = (ended_at IS NULL)", name="ended"),
        Index(
            "ix_booking_wish_waiting", "ente_id", "service_id", "mark", unique=True,
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("ix_booking_wish_ended_at", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
        Index("ix_booking_wish_contact_id", "contact_id", postgresql_where=text("contact_id IS NOT NULL")),
    )  # fmt: skip


class BookingOffer(Base):
    """A time that is held for whoever waits, until `until`; none is offered to one person twice. It names nobody."""

    __tablename__ = "booking_offer"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    wish_id: Mapped[UUID]
    hold_id: Mapped[UUID]  # the appointment that holds the time, and became his if he took it
    office_id: Mapped[int]
    starts_at: Mapped[datetime]
    outcome: Mapped[Outcome] = mapped_column(choice(Outcome))
    made_at: Mapped[datetime]
    until: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "wish_id"], ["booking_wish.ente_id", "booking_wish.id"]),
        ForeignKeyConstraint(["ente_id", "office_id"], ["office.ente_id", "office.id"]),
        UniqueConstraint("wish_id", "office_id", "starts_at"),
        Index("ix_booking_offer_open", "wish_id", unique=True, postgresql_where=text("outcome = 'open'")),
        Index("ix_booking_offer_until", "until", postgresql_where=text("outcome = 'open'")),
    )
