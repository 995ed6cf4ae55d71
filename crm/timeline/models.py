"""Timeline entries."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Identity, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class EntryKind(StrEnum):
    CALL = "call"
    PROPOSAL = "proposal"
    FOLLOW_UP = "follow_up"
    MESSAGE = "message"
    TEXT = "text"  # a conversation by SMS
    APPOINTMENT = "appointment"
    VISIT = "visit"  # somebody came to a desk
    LETTER = "letter"  # given into somebody's hand
    INTERVIEW = "interview"  # he was asked a questionnaire, or could not be
    PRACTICE = "practice"  # somebody is to be visited, or was
    OUTCOME = "outcome"  # what came of a campaign's conversation with him
    FIELD_VISIT = "field_visit"  # somebody was sent to his door
    CASE = "case"  # a request of his
    MAIL = "mail"  # he wrote to a mailbox, by e-mail or PEC


class TimelineEntry(Base):
    """Something that happened with a contact. `source` is what it is about: a second word on it updates it."""

    __tablename__ = "timeline_entry"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    contact_id: Mapped[int]
    kind: Mapped[EntryKind] = mapped_column(choice(EntryKind))
    source: Mapped[UUID]
    occurred_at: Mapped[datetime]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    status: Mapped[str] = mapped_column(String(40))
    detail: Mapped[dict[str, Any]]  # per kind; for a call: line, waited_ms, topic, disposition, note

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        UniqueConstraint("ente_id", "contact_id", "kind", "source"),
        Index("ix_timeline_entry_of_contact", "contact_id", "occurred_at", "id"),
        Index("ix_timeline_entry_of_ente", "ente_id", "occurred_at", "id"),
    )
