"""The drafts of forms."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base


class FormDraft(Base):
    """What one person has typed into one form, encrypted. Of a form that was sent it stays for a while which it was:
    what comes late of it is no draft any more.
    """

    __tablename__ = "form_draft"

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    place: Mapped[str] = mapped_column(String(80), primary_key=True)
    ente_id: Mapped[int | None]  # none: about no contact
    contact_id: Mapped[int | None]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # none: it was sent, or given up
    sent: Mapped[UUID | None]  # the form, as it was shown once, of which nothing is kept any more
    saved_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        CheckConstraint("(contact_id IS NULL) = (ente_id IS NULL)", name="of_ente"),
        Index("ix_form_draft_contact_id", "contact_id", postgresql_where=text("contact_id IS NOT NULL")),
        Index("ix_form_draft_saved_at", "saved_at"),
    )
