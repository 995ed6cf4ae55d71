"""Articles, scripts and note templates with their versions; and whether an article was useful, without who said so."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class PieceKind(StrEnum):
    """What it is for."""

    ARTICLE = "article"  # read by the agent
    SCRIPT = "script"  # said, step by step; one without a topic is how every call begins
    NOTE = "note"  # put into the note of a call
    REPLY = "reply"  # to a mail


class KnowledgePiece(Base):
    """Something written for all enti of a contract, or for one. `current` is the version that agents see.

    `topic` is a code of calls' topics; empty: whatever the call is about. `review_by`: until when its editors stand
    by it without having looked again. Neither contract, ente nor kind ever change.
    """

    __tablename__ = "knowledge_piece"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    kind: Mapped[PieceKind] = mapped_column(choice(PieceKind))
    topic: Mapped[str] = mapped_column(String(40), default="")
    current: Mapped[int | None] = mapped_column(SmallInteger)
    published_at: Mapped[datetime | None]
    review_by: Mapped[date | None]
    retired_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("(current IS NULL) = (published_at IS NULL)", name="published"),
        Index("ix_knowledge_piece_contract_id", "contract_id", "kind", "topic"),
        Index(
            "uq_knowledge_piece_script", "contract_id", "ente_id", "topic", unique=True,
            postgresql_nulls_not_distinct=True, postgresql_where=text("kind = 'script' AND retired_at IS NULL"),
        ),
    )  # fmt: skip


class KnowledgeVersion(Base):
    """A version: a draft until it is published for the first time, and unchangeable from then on."""

    __tablename__ = "knowledge_version"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    piece_id: Mapped[int] = mapped_column(ForeignKey("knowledge_piece.id"))
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    title: Mapped[str] = mapped_column(String(120))
    keywords: Mapped[str] = mapped_column(String(200), default="")  # other words by which it is looked for
    body: Mapped[str] = mapped_column(Text)
    written_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    written_at: Mapped[datetime]
    published_at: Mapped[datetime | None]  # for the first time
    words: Mapped[str] = mapped_column(TSVECTOR, deferred=True)  # what it is found by: `asking.found_by`

    __table_args__ = (UniqueConstraint("piece_id", "number"),)


class KnowledgeVote(Base):
    """Somebody found a version useful, or not and why. Of whom and when nothing is kept but the day."""

    __tablename__ = "knowledge_vote"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    piece_id: Mapped[int] = mapped_column(ForeignKey("knowledge_piece.id"), index=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    useful: Mapped[bool]
    why: Mapped[str] = mapped_column(String(200), default="")
    day: Mapped[date]
