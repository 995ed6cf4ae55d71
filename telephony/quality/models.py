"""Forms, rules of sampling, draws, evaluations, and what is said about them."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Numeric,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class Spread(StrEnum):
    """Over what kinds of conversation a draw is spread."""

    TOPIC = "topic"
    QUEUE = "queue"
    LENGTH = "length"
    OUTCOME = "outcome"


class QualityForm(Base):
    """A version of a contract's form. Never changed: an evaluation is read with the one it was made on."""

    __tablename__ = "quality_form"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    version: Mapped[int] = mapped_column(SmallInteger)
    criteria: Mapped[list[dict[str, Any]]]  # as `scoring.Criterion`
    pass_mark: Mapped[int] = mapped_column(SmallInteger)
    written_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    written_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("contract_id", "version"),
        CheckConstraint("pass_mark BETWEEN 0 AND 100", name="pass_mark"),
    )


class SamplingRule(Base):
    """How many conversations of each agent are drawn a week. Never changed: it ends, and another begins.

    It draws from the weeks that end after it was written, whose seed nobody knows yet.
    """

    __tablename__ = "sampling_rule"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    queue_id: Mapped[int | None] = mapped_column(ForeignKey("queue.id"))  # none: all
    per_agent: Mapped[int] = mapped_column(SmallInteger)
    least_s: Mapped[int] = mapped_column(SmallInteger)  # shorter conversations are not drawn
    spread: Mapped[list[str]] = mapped_column(ARRAY(String(32)))
    evaluators: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))  # none: whoever may
    days: Mapped[int] = mapped_column(SmallInteger)  # to hear and score what was drawn
    written_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    written_at: Mapped[datetime]
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("per_agent BETWEEN 1 AND 20", name="per_agent"),
        CheckConstraint("least_s BETWEEN 0 AND 3600", name="least_s"),
        CheckConstraint("days BETWEEN 1 AND 60", name="days"),
    )


class SampleDraw(Base):
    """A draw: all that could have been drawn, the seed, and what was. Once a rule and week."""

    __tablename__ = "sample_draw"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    rule_id: Mapped[int] = mapped_column(ForeignKey("sampling_rule.id"))
    first: Mapped[date]  # the week's Monday, in Rome
    seed: Mapped[str] = mapped_column(String(64))
    candidates: Mapped[list[Any]] = mapped_column(JSONB)  # [call, agent, [kind]], in the order of the calls' ids
    drawn: Mapped[list[Any]] = mapped_column(JSONB)  # calls
    drawn_at: Mapped[datetime]
    keep_until: Mapped[date]

    __table_args__ = (UniqueConstraint("rule_id", "first"),)


class Evaluation(Base):
    """A conversation that somebody hears and scores. `calibrates`: another's evaluation of the same conversation."""

    __tablename__ = "evaluation"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    evaluator_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    draw_id: Mapped[int | None] = mapped_column(ForeignKey("sample_draw.id", ondelete="SET NULL"))
    form_id: Mapped[int] = mapped_column(ForeignKey("quality_form.id"))
    calibrates: Mapped[UUID | None] = mapped_column(ForeignKey("evaluation.id", ondelete="CASCADE"))
    answers: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # {criterion: {"mark", "note"}}
    comment: Mapped[str] = mapped_column(Text, server_default="")
    score: Mapped[Decimal | None] = mapped_column(Numeric(4, 1))
    passed: Mapped[bool | None]
    assigned_at: Mapped[datetime]
    due_on: Mapped[date]
    submitted_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]  # by the agent
    reply_at: Mapped[datetime | None]  # the first of his replies that the evaluator has not read; none: he has read all
    keep_until: Mapped[date]

    __table_args__ = (
        UniqueConstraint("call_id", "evaluator_id"),
        CheckConstraint("agent_id <> evaluator_id", name="not_himself"),
        CheckConstraint("score BETWEEN 0 AND 100", name="score"),
        CheckConstraint("(passed IS NULL) = (submitted_at IS NULL)", name="submitted"),
        Index("ix_evaluation_evaluator_id", "evaluator_id", "due_on"),
        Index("ix_evaluation_agent_id", "agent_id", "submitted_at"),
        Index("ix_evaluation_reply_at", "evaluator_id", postgresql_where=text("reply_at IS NOT NULL")),
        Index("uq_evaluation_drawn", "call_id", unique=True, postgresql_where=text("calibrates IS NULL")),
    )


class Word(StrEnum):
    """What is said about an evaluation."""

    REPLY = "reply"  # by the agent
    ANSWER = "answer"  # by the evaluator, who leaves the score as it is
    CORRECTION = "correction"  # by the evaluator, who changes it


class EvaluationWord(Base):
    """Something said about an evaluation; only added to. `before`: what a correction changed."""

    __tablename__ = "evaluation_word"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    evaluation_id: Mapped[UUID] = mapped_column(ForeignKey("evaluation.id", ondelete="CASCADE"), index=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    kind: Mapped[Word] = mapped_column(choice(Word))
    said_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    said_at: Mapped[datetime]
    words: Mapped[str] = mapped_column(Text)
    before: Mapped[dict[str, Any] | None]
