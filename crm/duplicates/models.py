"""Pairs of contacts that may be one person, and the search that finds them."""

from datetime import datetime

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
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base
from crm.duplicates.likeness import Why


class DuplicateCandidate(Base):
    """Two contacts that are alike. Whoever looked and saw two persons says so once: it is not proposed again."""

    __tablename__ = "duplicate_candidate"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    one_id: Mapped[int]  # the lower id of the two
    other_id: Mapped[int]
    score: Mapped[int] = mapped_column(SmallInteger)  # 1 to 100 (`crm.duplicates.likeness`)
    why: Mapped[list[Why]] = mapped_column(ARRAY(String(32)))
    found_at: Mapped[datetime]  # by the latest search
    dismissed_at: Mapped[datetime | None]
    dismissed_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "one_id"], ["contact.ente_id", "contact.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["ente_id", "other_id"], ["contact.ente_id", "contact.id"], ondelete="CASCADE"),
        UniqueConstraint("ente_id", "one_id", "other_id"),
        CheckConstraint("one_id < other_id", name="order"),
        Index("ix_duplicate_candidate_other_id", "other_id"),
        Index("ix_duplicate_candidate_score", "ente_id", "score", postgresql_where=text("dismissed_at IS NULL")),
    )


class DuplicateSearch(Base):
    """The latest search of an ente: how far it is, and what it found. `ended_at` is none while it is asked for."""

    __tablename__ = "duplicate_search"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True, autoincrement=False)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"))
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # none: the nightly one
    asked_at: Mapped[datetime]
    step: Mapped[int] = mapped_column(SmallInteger)  # of `crm.duplicates.search.STEPS`, done
    found: Mapped[int]  # pairs so far
    ended_at: Mapped[datetime | None]
    failed: Mapped[bool] = mapped_column(default=False)
