"""What an ente wants asked before a file opens; and every opening."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from crm.files.gate import Check

DEFAULT_NEEDED = 2
DEFAULT_PROMISE_H = 24
DEFAULT_KEPT_YEARS = 10  # see `crm.positions.retention`


class Purpose(StrEnum):
    """Why a file is opened."""

    CALL = "call"
    TEXT = "text"  # a conversation by SMS
    DESK = "desk"
    VISIT = "visit"
    WRITTEN_REQUEST = "written_request"
    CASE_CHECK = "case_check"
    QUALITY = "quality"
    ENTE_CONTROL = "ente_control"
    OTHER = "other"


class Interlocutor(StrEnum):
    """Before whom a file is open."""

    TAXPAYER = "taxpayer"
    RELATED = "related"
    NOBODY = "nobody"


class FileSetting(Base):
    """What an ente decides about its taxpayers' files; one without a row has the defaults."""

    __tablename__ = "file_setting"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True, autoincrement=False)
    answers_needed: Mapped[int] = mapped_column(SmallInteger, default=DEFAULT_NEEDED)
    promise_h: Mapped[int] = mapped_column(SmallInteger, default=DEFAULT_PROMISE_H)  # a feed at least every so often
    kept_years: Mapped[int] = mapped_column(SmallInteger, default=DEFAULT_KEPT_YEARS)  # after the last act or payment

    __table_args__ = (
        CheckConstraint("answers_needed BETWEEN 0 AND 10", name="answers_needed"),
        CheckConstraint("promise_h BETWEEN 1 AND 8784", name="promise_h"),
        CheckConstraint("kept_years BETWEEN 0 AND 40", name="kept_years"),
    )


class GateQuestion(Base):
    """A question of an ente's own. An ente that has any asks these, and none of the usual ones."""

    __tablename__ = "gate_question"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    place: Mapped[int] = mapped_column(SmallInteger)  # the order in which they are asked
    key: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(String(200))
    checks: Mapped[Check] = mapped_column(choice(Check))

    __table_args__ = (UniqueConstraint("ente_id", "key"),)


class FileOpening(Base):
    """A file open before somebody, from an instant to another. Each row of a person's union has its own."""

    __tablename__ = "file_opening"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    contact_id: Mapped[int]
    opened_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    purpose: Mapped[Purpose] = mapped_column(choice(Purpose))
    reason: Mapped[str] = mapped_column(String(200))
    call_id: Mapped[UUID | None]
    interlocutor: Mapped[Interlocutor] = mapped_column(choice(Interlocutor))
    relation_id: Mapped[int | None]  # who else was spoken with; not a foreign key: the opening outlives it
    seen: Mapped[dict[str, Any]]  # payments by position when it was opened: what arrives later is news
    gate: Mapped[dict[str, Any]]  # {"right": keys of the questions answered rightly, "told": matters, "sentence"}

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        Index("ix_file_opening_opened_by", "opened_by", "contact_id", "opened_at"),
        Index("ix_file_opening_call_id", "call_id"),
    )
