"""Ratings. They are nobody's: of whom, and when in the month, is written nowhere."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class Because(StrEnum):
    """The answers of the Modello Comuni (italia/design-comuni-docs, «Valutazione dell'esperienza d'uso»)."""

    CLEAR = "clear"
    COMPLETE = "complete"
    SURE = "sure"
    SMOOTH = "smooth"
    UNCLEAR = "unclear"
    INCOMPLETE = "incomplete"
    UNSURE = "unsure"
    TROUBLE = "trouble"
    OTHER = "other"


class BookingRating(Base):
    """How easy somebody found it to book a service, in a month (its first day)."""

    __tablename__ = "booking_rating"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    service_id: Mapped[int]
    month: Mapped[date]
    stars: Mapped[int] = mapped_column(SmallInteger)
    because: Mapped[Because | None] = mapped_column(choice(Because))
    words: Mapped[str] = mapped_column(String(200), default="")

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "service_id"], ["bookable_service.ente_id", "bookable_service.id"]),
        CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),
        CheckConstraint("month = date_trunc('month', month)", name="month"),
        Index("ix_booking_rating_ente_id", "ente_id", "month"),
    )
