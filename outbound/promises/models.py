"""Promises to pay and the positions that each is about. Amounts are whole euro cents."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Identity, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from outbound.promises.judging import PromiseState


class PaymentPromise(Base):
    """Somebody said that he would pay so much by a day. `paid_cents` in its days, by what `known_at` was known."""

    __tablename__ = "payment_promise"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    campaign_id: Mapped[int | None]  # none: made at the door, in a practice of no campaign's
    contact_id: Mapped[int]
    outcome_id: Mapped[UUID] = mapped_column(unique=True)  # in which it was told
    made_on: Mapped[date]
    due_on: Mapped[date]
    grace_days: Mapped[int] = mapped_column(SmallInteger)
    cents: Mapped[int]
    state: Mapped[PromiseState] = mapped_column(choice(PromiseState))
    paid_cents: Mapped[int] = mapped_column(default=0)
    known_at: Mapped[datetime | None]
    judged_on: Mapped[date | None]
    made_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        CheckConstraint("cents > 0 AND due_on >= made_on", name="terms"),
        Index("ix_payment_promise_campaign_id", "campaign_id"),
        Index("ix_payment_promise_contact_id", "contact_id"),
        Index(
            "ix_payment_promise_due_on",
            "ente_id",
            "due_on",
            postgresql_where=text("state NOT IN ('kept', 'withdrawn')"),
        ),
    )


class PromisePosition(Base):
    """A position that a promise is about, as it was then. `live`: the promise is open, and the position no other's."""

    __tablename__ = "promise_position"

    promise_id: Mapped[int] = mapped_column(
        ForeignKey("payment_promise.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    reference: Mapped[str] = mapped_column(String(60), primary_key=True)
    ente_id: Mapped[int]
    due_cents: Mapped[int]
    before_cents: Mapped[int]
    live: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (
        Index("uq_promise_position_live", "ente_id", "reference", unique=True, postgresql_where=text("live")),
    )
