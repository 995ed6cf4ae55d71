"""Questionnaires with their versions, and interviews with everything that happened in them."""

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
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from outbound.cati.aapor import Disposition


class SurveyForm(Base):
    """A questionnaire for all enti of a contract, or for one. `current` is the version that interviews begin with.

    Neither contract nor ente ever change. Once withdrawn no interview begins; those that run go on.
    """

    __tablename__ = "survey_form"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    title: Mapped[str] = mapped_column(String(200))
    current: Mapped[int | None] = mapped_column(SmallInteger)
    published_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("(current IS NULL) = (published_at IS NULL)", name="published"),
        Index("ix_survey_form_contract_id", "contract_id"),
    )


class SurveyVersion(Base):
    """A version: the file as it was uploaded, and what was compiled of it. It never changes but for its publication."""

    __tablename__ = "survey_version"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    form_id: Mapped[int] = mapped_column(ForeignKey("survey_form.id"))
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    title: Mapped[str] = mapped_column(String(200))
    file_name: Mapped[str] = mapped_column(String(200))
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of what was compiled
    compiled: Mapped[dict[str, Any]] = mapped_column(deferred=True)
    questions: Mapped[int] = mapped_column(SmallInteger)
    uploaded_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    uploaded_at: Mapped[datetime]
    published_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    published_at: Mapped[datetime | None]  # for the first time

    __table_args__ = (UniqueConstraint("form_id", "number"),)


class InterviewState(StrEnum):
    """How an interview stands."""

    RUNNING = "running"  # somebody conducts it
    INTERRUPTED = "interrupted"  # it may be gone on with
    DONE = "done"


class Interview(Base):
    """A case: somebody is interviewed, or could not be. It ends on the version that it began with.

    `at` is the path of the question gone back to; `revision` grows with each deed: a stale page changes nothing.
    """

    __tablename__ = "interview"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    form_id: Mapped[int] = mapped_column(ForeignKey("survey_form.id"))
    version_id: Mapped[int] = mapped_column(ForeignKey("survey_version.id"))
    contact_id: Mapped[int | None]
    state: Mapped[InterviewState] = mapped_column(choice(InterviewState))
    disposition: Mapped[Disposition | None] = mapped_column(choice(Disposition))
    language: Mapped[str] = mapped_column(String(80))
    seed: Mapped[int] = mapped_column(Integer)  # of shuffles and of what is drawn
    at: Mapped[str] = mapped_column(String(120), default="")
    revision: Mapped[int] = mapped_column(Integer, default=0)
    interviewer_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    held_until: Mapped[datetime | None]  # the interviewer's lease; nobody else may answer before
    began_at: Mapped[datetime]
    shown_at: Mapped[datetime]  # since when the question that is asked has been on the screen
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        CheckConstraint("(state = 'done') = (ended_at IS NOT NULL)", name="ended"),
        CheckConstraint("state <> 'done' OR disposition IS NOT NULL", name="disposed"),
        Index("ix_interview_form_id", "form_id", "began_at"),
        Index("ix_interview_contact_id", "contact_id", postgresql_where=text("contact_id IS NOT NULL")),
        Index("ix_interview_interviewer_id", "interviewer_id", postgresql_where=text("state = 'running'")),
    )


class InterviewDeed(StrEnum):
    """What happened in an interview."""

    BEGAN = "began"
    ANSWERED = "answered"
    REFUSED = "refused"  # an answer that was not taken; what it was is not kept
    WENT_BACK = "went_back"
    WENT_ON = "went_on"
    LANGUAGE = "language"  # another was chosen; `value` is which
    BROKE_OFF = "broke_off"  # `value` is the disposition
    RESUMED = "resumed"
    FINISHED = "finished"


class InterviewEvent(Base):
    """One thing that happened: answers are kept by the last one of each path. Never changed; erased with the person."""

    __tablename__ = "interview_event"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    interview_id: Mapped[UUID] = mapped_column(ForeignKey("interview.id"))
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    deed: Mapped[InterviewDeed] = mapped_column(choice(InterviewDeed))
    path: Mapped[str] = mapped_column(String(120), default="")
    value: Mapped[str] = mapped_column(Text, default="")
    took_ms: Mapped[int | None] = mapped_column(Integer)  # on the screen until then
    at: Mapped[datetime]
    interviewer_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))

    __table_args__ = (Index("ix_interview_event_interview_id", "interview_id", "id"),)
