"""What citizens write on the pages until they send it, and who they say they are."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.cases.lifecycle import Topic
from crm.contacts.phone import takes_sms
from crm.core.db import Base, choice
from crm.documents.models import NAMES_CONTENT, Scan
from crm.messages.models import MessageChannel


class SubmissionDraft(Base):
    """What somebody has written so far; forgotten two hours after he last did. `told` is encrypted.

    `case_id`: what became of it, once it is sent: sent again, it is the same.
    """

    __tablename__ = "submission_draft"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    topic: Mapped[Topic] = mapped_column(choice(Topic))
    language: Mapped[str] = mapped_column(String(2))
    told: Mapped[bytes | None]
    case_id: Mapped[int | None]
    changed_at: Mapped[datetime]

    __table_args__ = (Index("ix_submission_draft_ente_id_changed_at", "ente_id", "changed_at"),)


class SubmissionFile(Base):
    """A file of a draft: its contents are in the store, and go with it unless it is sent."""

    __tablename__ = "submission_file"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    draft_id: Mapped[UUID] = mapped_column(ForeignKey("submission_draft.id"))
    name: Mapped[str] = mapped_column(String(120))
    media_type: Mapped[str] = mapped_column(String(80))
    size: Mapped[int]  # bytes
    sha256: Mapped[str] = mapped_column(String(64), info={NAMES_CONTENT: True})
    scan: Mapped[Scan] = mapped_column(choice(Scan))
    added_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_submission_file_draft_id", "draft_id"),
        Index("ix_submission_file_ente_id_sha256", "ente_id", "sha256"),
    )


class CaseSender(Base):
    """Who sent a case from the pages, as he says himself: nothing of it is verified. `page`: where he follows it."""

    __tablename__ = "case_sender"

    case_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ente_id: Mapped[int]
    language: Mapped[str] = mapped_column(String(2))
    given_name: Mapped[str] = mapped_column(String(80))
    surname: Mapped[str] = mapped_column(String(160))
    codice_fiscale: Mapped[str] = mapped_column(String(16))
    email: Mapped[str] = mapped_column(String(254))
    phone: Mapped[str] = mapped_column(String(30))
    page: Mapped[str] = mapped_column(String(160))

    __table_args__ = (ForeignKeyConstraint(["ente_id", "case_id"], ["case_request.ente_id", "case_request.id"]),)

    @property
    def reached_at(self) -> tuple[MessageChannel, str] | None:
        """Where he is written to: by e-mail, else by SMS; none where he left no such address."""
        if self.email:
            return MessageChannel.EMAIL, self.email
        return (MessageChannel.SMS, self.phone) if self.phone and takes_sms(self.phone) else None
