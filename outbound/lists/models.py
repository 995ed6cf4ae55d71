"""Lists of contacts, their members, and the rows of a file that became none."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class Origin(StrEnum):
    SEGMENT = "segment"
    FILE = "file"


class ListState(StrEnum):
    BUILDING = "building"  # of a segment, or of a file that is being read
    CHECKED = "checked"  # a file was read; whether it becomes a list, a person decides
    READY = "ready"
    FAILED = "failed"  # `failure` says why
    WITHDRAWN = "withdrawn"  # no campaign may begin with it; those that have it go on
    DELETING = "deleting"


class Why(StrEnum):
    """Why a row of a file became no member."""

    WRONG = "wrong"  # it says nothing by which anybody is known, or says it wrongly
    UNKNOWN = "unknown"  # nobody of the ente's
    SEVERAL = "several"  # more than one, and which is not said
    TWICE = "twice"  # somebody of an earlier row


class ContactList(Base):
    """A list of an ente's contacts: another ente is another controller, and has lists of its own.

    Of a file: its rows are counted by what became of them; `members` are the others.
    """

    __tablename__ = "contact_list"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    name: Mapped[str] = mapped_column(String(80))
    origin: Mapped[Origin] = mapped_column(choice(Origin))
    segment: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # as it was
    file_name: Mapped[str | None] = mapped_column(String(80))
    headings: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))  # of the file's columns
    state: Mapped[ListState] = mapped_column(choice(ListState))
    failure: Mapped[str | None] = mapped_column(String(400))
    members: Mapped[int] = mapped_column(default=0)  # when it was made; people who are erased leave it
    rows: Mapped[int] = mapped_column(default=0)
    wrong: Mapped[int] = mapped_column(default=0)
    unknown: Mapped[int] = mapped_column(default=0)
    several: Mapped[int] = mapped_column(default=0)
    twice: Mapped[int] = mapped_column(default=0)
    made_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    made_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))

    __table_args__ = (
        UniqueConstraint("ente_id", "id"),
        CheckConstraint("(origin = 'segment') = (segment IS NOT NULL)", name="segment"),
    )


class ContactListMember(Base):
    """Who is on a list; written when it is made, and never changed. `given`: what the row of a file said of him."""

    __tablename__ = "contact_list_member"

    list_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    contact_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ente_id: Mapped[int]
    given: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "list_id"], ["contact_list.ente_id", "contact_list.id"]),
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        Index("ix_contact_list_member_contact_id", "contact_id"),
    )


class ContactListRefusal(Base):
    """A row of a file that became no member: the first thousand of a file, the others are counted.

    `line` as a spreadsheet numbers it, `heading` what heads the column; `cells` as they were written, cut short.
    """

    __tablename__ = "contact_list_refusal"

    list_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ente_id: Mapped[int]
    why: Mapped[Why] = mapped_column(choice(Why))
    heading: Mapped[str] = mapped_column(String(60))
    reason: Mapped[str] = mapped_column(String(400))
    cells: Mapped[list[str]] = mapped_column(JSONB)
    codice_fiscale: Mapped[str | None] = mapped_column(String(16))  # where it has a right one

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "list_id"], ["contact_list.ente_id", "contact_list.id"]),
        Index(
            "ix_contact_list_refusal_codice_fiscale", "codice_fiscale",
            postgresql_where=text("codice_fiscale IS NOT NULL"),
        ),
    )  # fmt: skip
