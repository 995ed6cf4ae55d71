"""Batches of letters, each letter, who writes for an ente, and the files that say what became of letters."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
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
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from outbound.letters.postage import Envelope


class BatchState(StrEnum):
    MAKING = "making"
    MADE = "made"
    HANDED_OVER = "handed_over"  # to the printing house: the letters are on their way
    CANCELLED = "cancelled"  # none of them left
    FAILED = "failed"  # its making stopped; it can go on


class LetterState(StrEnum):
    COMPOSED = "composed"  # what it says is settled, its file is not made yet
    MADE = "made"
    HANDED_OVER = "handed_over"
    DELIVERED = "delivered"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"  # made, and then taken out: it may not be sent any more


class LetterOutcome(StrEnum):
    """What the post says of a letter."""

    DELIVERED = "delivered"
    UNKNOWN = "unknown"  # nobody of that name there
    MOVED = "moved"
    INSUFFICIENT = "insufficient"  # the address is not enough, or does not exist
    REFUSED = "refused"
    UNCLAIMED = "unclaimed"  # nobody fetched it: compiuta giacenza
    DECEASED = "deceased"


class ReadingState(StrEnum):
    CHECKED = "checked"  # somebody is to look at it
    APPLYING = "applying"
    APPLIED = "applied"
    DISCARDED = "discarded"


class LetterSender(Base):
    """What stands on the letters of an ente beside what the ente publishes. Empty: the usual."""

    __tablename__ = "letter_sender"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True, autoincrement=False)
    sector: Mapped[str] = mapped_column(String(60))  # of the ente, that writes
    cbill: Mapped[str] = mapped_column(String(5))  # its code in the circuit of the banks
    back: Mapped[str] = mapped_column(String(240))  # to where letters return, line by line
    privacy: Mapped[str] = mapped_column(String(600))
    postal_account: Mapped[str] = mapped_column(String(12), default="", server_default="")
    postal_holder: Mapped[str] = mapped_column(String(50), default="", server_default="")
    postal_permit: Mapped[str] = mapped_column(
        String(60), default="", server_default=""
    )  # of Poste, to print bulletins
    written_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    written_at: Mapped[datetime]


class LetterBatch(Base):
    """Letters that are printed together: of a campaign (`version` of its plan), or else answers to requests under a
    contract. `day` stands on them; `cents`: what they cost in all.
    """

    __tablename__ = "letter_batch"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    campaign_id: Mapped[int | None]
    version: Mapped[int | None] = mapped_column(SmallInteger)
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contract.id"))
    state: Mapped[BatchState] = mapped_column(choice(BatchState))
    day: Mapped[date]
    expected: Mapped[int]  # whose turn it was when it was asked for
    most: Mapped[int]  # letters it may have
    duplex: Mapped[bool]
    prices: Mapped[dict[str, Any]] = mapped_column(JSONB)
    letters: Mapped[int] = mapped_column(default=0)
    left_out: Mapped[int] = mapped_column(default=0)
    pages: Mapped[int] = mapped_column(default=0)
    sheets: Mapped[int] = mapped_column(default=0)
    cents: Mapped[int] = mapped_column(default=0)
    over_budget: Mapped[bool] = mapped_column(default=False)  # the budget ended it
    made_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    made_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]  # when its letters were last judged; none: they are being judged
    taken_at: Mapped[datetime | None]  # when its files were downloaded first
    withdrawn: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # whoever handed it over, or cancelled it
    ended_at: Mapped[datetime | None]
    handed_to: Mapped[str] = mapped_column(String(120), default="")
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))

    __table_args__ = (
        UniqueConstraint("ente_id", "id"),
        ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),
        CheckConstraint("num_nonnulls(campaign_id, contract_id) = 1", name="origin"),
        CheckConstraint("(campaign_id IS NULL) = (version IS NULL)", name="of_plan"),
        # Two batches of a campaign are not made at once: they would share its budget without knowing.
        Index("uq_letter_batch_making", "campaign_id", unique=True, postgresql_where=text("state = 'making'")),
        Index(
            "uq_letter_batch_answers_making",
            "ente_id",
            "contract_id",
            unique=True,
            postgresql_where=text("state = 'making' AND campaign_id IS NULL"),
        ),
        Index("ix_letter_batch_campaign_id", "campaign_id"),
    )


class Letter(Base):
    """One letter. Its file is in the store of documents under `sha256`; until that is made, `content` is what it says.

    `number`: in its batch, from 1; `outcome_on`: the day the post gives. An answer is of no campaign's step.
    """

    __tablename__ = "letter"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    batch_id: Mapped[int]
    number: Mapped[int]
    campaign_id: Mapped[int | None]
    contact_id: Mapped[int]
    step: Mapped[int | None] = mapped_column(SmallInteger)
    state: Mapped[LetterState] = mapped_column(choice(LetterState))
    lines: Mapped[list[str]] = mapped_column(ARRAY(String(60)))  # of the address, the addressee first
    address_id: Mapped[int | None]  # which of his addresses it was
    asked_cents: Mapped[int]
    notices: Mapped[int] = mapped_column(SmallInteger)
    content: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    sha256: Mapped[str | None] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(default=0)  # bytes
    pages: Mapped[int] = mapped_column(SmallInteger, default=0)
    sheets: Mapped[int] = mapped_column(SmallInteger, default=0)
    grams: Mapped[int] = mapped_column(SmallInteger, default=0)
    envelope: Mapped[Envelope | None] = mapped_column(choice(Envelope))
    cents: Mapped[int] = mapped_column(default=0)  # what it costs
    outcome: Mapped[LetterOutcome | None] = mapped_column(choice(LetterOutcome))
    outcome_on: Mapped[date | None]
    withdrawn_at: Mapped[datetime | None]
    why: Mapped[list[str] | None] = mapped_column(ARRAY(String(20)))  # `Reason` or `Fate`, if it was withdrawn

    __table_args__ = (
        UniqueConstraint("ente_id", "id"),
        UniqueConstraint("batch_id", "number"),
        CheckConstraint("(campaign_id IS NULL) = (step IS NULL)", name="of_step"),
        ForeignKeyConstraint(["ente_id", "batch_id"], ["letter_batch.ente_id", "letter_batch.id"]),
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        Index("ix_letter_contact_id", "contact_id"),
        Index("ix_letter_composed", "batch_id", postgresql_where=text("state = 'composed'")),
    )


class LetterAnswer(Base):
    """An answer to a request that goes by post. It waits for a batch until it has a letter there, or is withdrawn (by
    nobody: the request went on without it).

    `id` is the form's, so that sent twice it is one. `address_id` none: it goes where none of his addresses is.
    `step_id`: of the request, by which it was written.
    """

    __tablename__ = "letter_answer"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    case_id: Mapped[int]
    contact_id: Mapped[int]
    lines: Mapped[list[str]] = mapped_column(ARRAY(String(60)))  # of the address, the addressee first
    address_id: Mapped[int | None]
    subject: Mapped[str] = mapped_column(String(120))
    body: Mapped[str] = mapped_column(String(2000))
    step_id: Mapped[int]
    written_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    written_at: Mapped[datetime]
    letter_id: Mapped[UUID | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "case_id"], ["case_request.ente_id", "case_request.id"]),
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        ForeignKeyConstraint(["ente_id", "letter_id"], ["letter.ente_id", "letter.id"]),
        CheckConstraint("withdrawn_at IS NOT NULL OR withdrawn_by IS NULL", name="withdrawn"),
        Index("ix_letter_answer_case_id", "case_id"),
        Index("ix_letter_answer_contact_id", "contact_id"),
        Index("uq_letter_answer_letter_id", "letter_id", unique=True),
        Index(
            "uq_letter_answer_waiting",
            "case_id",
            unique=True,
            postgresql_where=text("letter_id IS NULL AND withdrawn_at IS NULL"),
        ),
    )


class LetterReading(Base):
    """A file that says what became of letters, read and not believed yet. `mistakes`: line and reason of the first."""

    __tablename__ = "letter_reading"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    state: Mapped[ReadingState] = mapped_column(choice(ReadingState))
    name: Mapped[str] = mapped_column(String(120))  # of the file
    read_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    read_at: Mapped[datetime]
    rows: Mapped[int]  # of the file
    known: Mapped[int]  # which say what we know already
    wrong: Mapped[int]
    mistakes: Mapped[list[dict[str, Any]]]
    applied_at: Mapped[datetime | None]
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))

    __table_args__ = (UniqueConstraint("ente_id", "id"),)


class LetterReturn(Base):
    """What a file says of one letter. `address`: where he lives now, by its parts."""

    __tablename__ = "letter_return"

    reading_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    letter_id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    contact_id: Mapped[int]
    outcome: Mapped[LetterOutcome] = mapped_column(choice(LetterOutcome))
    outcome_on: Mapped[date]
    address: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    applied: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "reading_id"], ["letter_reading.ente_id", "letter_reading.id"]),
        ForeignKeyConstraint(["ente_id", "letter_id"], ["letter.ente_id", "letter.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        Index("ix_letter_return_contact_id", "contact_id"),
        Index("ix_letter_return_letter_id", "letter_id"),
    )
