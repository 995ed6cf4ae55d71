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

import outbound.campaigns.models  # noqa: F401  # these tables refer to its own
from crm.core.db import Base, choice
from outbound.cati.aapor import Disposition
from outbound.cati.sampling import Allocation


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


class Mode(StrEnum):
    """How an interview is led: by an interviewer, or by the person himself."""

    TELEPHONE = "telephone"
    WEB = "web"
    IVR = "ivr"  # by the keys of his telephone


class Interview(Base):
    """A case: somebody is interviewed, or could not be. It ends on the version that it began with.

    `mode`: how it was begun, or last gone on with; `stratum`: its case's, kept when the person is erased.
    `at` is the path of the question gone back to; `revision` grows with each deed: a stale page changes nothing.
    """

    __tablename__ = "interview"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    form_id: Mapped[int] = mapped_column(ForeignKey("survey_form.id"))
    version_id: Mapped[int] = mapped_column(ForeignKey("survey_version.id"))
    contact_id: Mapped[int | None]
    campaign_id: Mapped[int | None]  # the survey that it is of; none: begun by itself
    call_id: Mapped[UUID | None]  # in which it was begun
    quota_id: Mapped[int | None]  # the place that it has in a quota
    state: Mapped[InterviewState] = mapped_column(choice(InterviewState))
    disposition: Mapped[Disposition | None] = mapped_column(choice(Disposition))
    mode: Mapped[Mode] = mapped_column(choice(Mode), default=Mode.TELEPHONE)
    stratum: Mapped[str] = mapped_column(String(80), default="")
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
        ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),
        ForeignKeyConstraint(["ente_id", "quota_id"], ["survey_quota.ente_id", "survey_quota.id"]),
        CheckConstraint("(state = 'done') = (ended_at IS NOT NULL)", name="ended"),
        CheckConstraint("state <> 'done' OR disposition IS NOT NULL", name="disposed"),
        Index("ix_interview_form_id", "form_id", "began_at"),
        Index("ix_interview_contact_id", "contact_id", postgresql_where=text("contact_id IS NOT NULL")),
        Index("ix_interview_interviewer_id", "interviewer_id", postgresql_where=text("state = 'running'")),
        # One case, one interview, whoever opens it.
        Index(
            "uq_interview_campaign_id",
            "campaign_id",
            "contact_id",
            unique=True,
            postgresql_where=text("campaign_id IS NOT NULL AND contact_id IS NOT NULL"),
        ),
        Index("ix_interview_call_id", "call_id", postgresql_where=text("mode = 'ivr' AND state = 'running'")),
        Index("ix_interview_quota_id", "quota_id", postgresql_where=text("quota_id IS NOT NULL")),
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


class SurveySample(Base):
    """How a survey's cases were drawn of its campaign's list; without one, everybody on the list is a case.

    `released`: the reserves, in their order, that are cases by now; `seed`: the same list gives the same sample.
    """

    __tablename__ = "survey_sample"

    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ente_id: Mapped[int]
    by: Mapped[str] = mapped_column(String(80))  # `sampling.By`, or a column of the list's file
    allocation: Mapped[Allocation] = mapped_column(choice(Allocation))
    size: Mapped[int]
    reserves: Mapped[int] = mapped_column(SmallInteger)
    released: Mapped[int] = mapped_column(SmallInteger, default=0)
    seed: Mapped[int] = mapped_column(Integer)
    drawn_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    drawn_at: Mapped[datetime]

    __table_args__ = (ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),)


class SurveyStratum(Base):
    """A stratum: how many of the list are in it, and how many of those are cases. Its base weight is their ratio."""

    __tablename__ = "survey_stratum"

    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    ente_id: Mapped[int]
    population: Mapped[int]
    drawn: Mapped[int]

    __table_args__ = (ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),)


class Asked(StrEnum):
    """Why a case whose conversation is over is given to somebody else once more."""

    CONVERSION = "conversion"  # a refusal: a supervisor lets it be tried once again
    CHECK = "check"  # whether the interview was as it was written down


class SurveyCase(Base):
    """What a survey knows of a case beside its attempts and its interview. `replicate`: 0, or the reserve it is in.

    `refusals` that were not for good; after the second nobody asks again. `not_by`: who is not to have it any more.
    """

    __tablename__ = "survey_case"

    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    contact_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ente_id: Mapped[int]
    stratum: Mapped[str] = mapped_column(String(80), default="")
    replicate: Mapped[int] = mapped_column(SmallInteger, default=0)
    refusals: Mapped[int] = mapped_column(SmallInteger, default=0)
    refused_at: Mapped[datetime | None]
    not_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    asked: Mapped[Asked | None] = mapped_column(choice(Asked))
    wants_after: Mapped[datetime | None]  # the appointment that he made
    wants_agent: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # with whom

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        Index("ix_survey_case_contact_id", "contact_id"),
        Index("ix_survey_case_campaign_id", "campaign_id", "stratum", "replicate"),
    )


class SurveyQuota(Base):
    """A cell: how many interviews of those who are so are wanted. `taken`: places that interviews have, under way too.

    The counter is claimed by one UPDATE, so that two interviews never fill the last place.
    """

    __tablename__ = "survey_quota"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    campaign_id: Mapped[int]
    first: Mapped[str] = mapped_column(String(120))  # `quotas.STRATUM`, or a question's name
    value: Mapped[str] = mapped_column(String(120))
    second: Mapped[str] = mapped_column(String(120), default="")  # empty: of one variable alone
    second_value: Mapped[str] = mapped_column(String(120), default="")
    target: Mapped[int] = mapped_column(Integer)
    taken: Mapped[int] = mapped_column(Integer, default=0)

    __table_args__ = (
        UniqueConstraint("ente_id", "id"),
        UniqueConstraint("campaign_id", "value", "second_value"),
        ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),
        CheckConstraint("taken BETWEEN 0 AND target", name="taken"),
    )


class Found(StrEnum):
    """What calling again an interviewed person showed."""

    CONFIRMED = "confirmed"
    DIFFERS = "differs"  # it took place, and some answers are others
    NEVER_WAS = "never_was"


class SurveyCheck(Base):
    """An interview that was drawn to be verified by somebody else, and what that showed."""

    __tablename__ = "survey_check"

    interview_id: Mapped[UUID] = mapped_column(ForeignKey("interview.id"), primary_key=True)
    ente_id: Mapped[int]
    campaign_id: Mapped[int]
    drawn_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    drawn_at: Mapped[datetime]
    found: Mapped[Found | None] = mapped_column(choice(Found))
    checked_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    checked_at: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),
        Index("ix_survey_check_campaign_id", "campaign_id"),
    )
