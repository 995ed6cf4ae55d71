"""Documents and their contents."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Identity, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice

MAX_BYTES = 50_000_000  # of one document
# Marks an indexed column of digests: contents that it names, of its rows' `ente_id`, stay in the store.
NAMES_CONTENT = "names_content"


class DocumentKind(StrEnum):
    NOTICE = "notice"  # a payment notice as it was sent
    ACT = "act"
    NOTIFICATION_PROOF = "notification_proof"  # return receipt, messenger's report, PEC receipt
    RECEIPT = "receipt"  # of a payment
    PLEADING = "pleading"  # of a litigation
    LETTER_SENT = "letter_sent"
    LETTER_RECEIVED = "letter_received"
    OTHER = "other"


class Scan(StrEnum):
    """What the scanner said of a file."""

    NOT_SCANNED = "not_scanned"  # there is no scanner
    FAILED = "failed"  # it did not answer
    TOO_LARGE = "too_large"  # it takes none of that size
    CLEAN = "clean"
    INFECTED = "infected"


class Document(Base):
    """A document of a taxpayer's file, as the collection system states it. Its contents come apart."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    contact_id: Mapped[int]
    reference: Mapped[str] = mapped_column(String(60))  # the collection system's own key
    position_reference: Mapped[str | None] = mapped_column(String(60))  # of a debt, when it is about one
    kind: Mapped[DocumentKind] = mapped_column(choice(DocumentKind))
    title: Mapped[str] = mapped_column(String(160))
    dated: Mapped[date | None]
    media_type: Mapped[str] = mapped_column(String(80))
    size: Mapped[int] = mapped_column(BigInteger)  # bytes
    sha256: Mapped[str] = mapped_column(String(64), info={NAMES_CONTENT: True})  # of the contents, in hexadecimal
    as_of: Mapped[datetime]
    digest: Mapped[str] = mapped_column(String(32))
    withdrawn_as_of: Mapped[datetime | None]  # since when the collection system no longer has it
    tried_at: Mapped[datetime | None]  # when its contents were last asked for over HTTP, in vain
    trouble: Mapped[str | None] = mapped_column(String(200))  # why they did not come

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        UniqueConstraint("ente_id", "reference"),
        Index("ix_document_ente_id_contact_id", "ente_id", "contact_id"),
        Index("ix_document_ente_id_sha256", "ente_id", "sha256"),
    )


class DocumentContent(Base):
    """Contents that are in the store, under their digest. Two documents of an ente may share them."""

    __tablename__ = "document_content"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True, autoincrement=False)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    received_at: Mapped[datetime]
