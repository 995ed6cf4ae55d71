"""Answers to the survey after a call, apart from everything that is known of taxpayers."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class SurveyReason(StrEnum):
    """What the mark was given for, above all."""

    WAIT = "wait"
    CLARITY = "clarity"
    COURTESY = "courtesy"
    SOLUTION = "solution"


class SurveyAnswer(Base):
    """One answer. It names neither call, nor caller, nor operator, and of the instant it keeps the day."""

    __tablename__ = "survey_answer"

    id: Mapped[UUID] = mapped_column(primary_key=True)  # drawn when the question is put; no call keeps it
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    queue_id: Mapped[int | None] = mapped_column(ForeignKey("queue.id"))  # none: the voice flow served him
    day: Mapped[date]  # in Rome
    score: Mapped[int] = mapped_column(SmallInteger)
    reason: Mapped[SurveyReason | None] = mapped_column(choice(SurveyReason))

    __table_args__ = (
        CheckConstraint("score BETWEEN 1 AND 5", name="score"),
        Index("ix_survey_answer_contract_id_day", "contract_id", "day"),
    )
