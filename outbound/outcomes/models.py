"""Outcomes as they were given."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from outbound.outcomes.catalogue import Said


class OutcomeGiven(Base):
    """What an agent said came of a conversation. `deeds`: what was done because of it, by which it is taken back."""

    __tablename__ = "outcome_given"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    campaign_id: Mapped[int]
    contact_id: Mapped[int]
    attempt_id: Mapped[UUID] = mapped_column(ForeignKey("attempt.id"))
    call_id: Mapped[UUID]
    said: Mapped[Said] = mapped_column(choice(Said))
    given_at: Mapped[datetime]
    given_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    call_after: Mapped[datetime | None]  # when he wants to be called
    note: Mapped[str] = mapped_column(String(200))  # who told it, or who is at that number
    deeds: Mapped[dict[str, Any]]
    undone_at: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        # One stands of each attempt.
        Index("uq_outcome_given_attempt_id", "attempt_id", unique=True, postgresql_where=text("undone_at IS NULL")),
        Index("ix_outcome_given_campaign_id", "campaign_id", "given_at"),
        Index("ix_outcome_given_contact_id", "contact_id", "given_at"),
    )
