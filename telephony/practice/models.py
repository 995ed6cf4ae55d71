"""What is kept of practice. Rows of a user, shown to himself alone; no ente's, and of no taxpayer."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from telephony.practice.story import StoryKey


class PracticeSession(Base):
    """An agent's practice, and the call that he has in it. That he practises now is said by `AgentPresence` alone."""

    __tablename__ = "practice_session"

    agent_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    touched_at: Mapped[datetime]
    call_id: Mapped[UUID | None]  # no row of `call` has it
    story: Mapped[StoryKey | None] = mapped_column(choice(StoryKey))
    rang_at: Mapped[datetime | None]
    steps: Mapped[list[dict[str, Any]]]  # at, deed, what
    topic: Mapped[str | None] = mapped_column(String(32))
    disposition: Mapped[str | None] = mapped_column(String(32))
    note: Mapped[str] = mapped_column(Text)


class PracticeDebrief(Base):
    """How a practice call went: each check by its name, and whether it went well."""

    __tablename__ = "practice_debrief"

    id: Mapped[int] = mapped_column(primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    story: Mapped[StoryKey] = mapped_column(choice(StoryKey))
    at: Mapped[datetime]
    talked_s: Mapped[int]
    wrote_s: Mapped[int]
    findings: Mapped[dict[str, Any]]

    __table_args__ = (Index("ix_practice_debrief_agent_id_at", "agent_id", "at"),)
