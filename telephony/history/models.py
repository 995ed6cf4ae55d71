"""Imported calls."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from crm.levels.metering import Callers


class PastOutcome(StrEnum):
    """How a call of another system ended."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    TURNED_AWAY = "turned_away"  # the queue was full
    LEFT_IVR = "left_ivr"
    CLOSED = "closed"  # outside the metering hours: kept, and not counted


class ImportedCall(Base):
    """A call of which another system's records tell. Its id follows from its record, so that it is taken in once."""

    __tablename__ = "imported_call"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    queue_id: Mapped[int | None]
    callers: Mapped[Callers] = mapped_column(choice(Callers))
    outcome: Mapped[PastOutcome] = mapped_column(choice(PastOutcome))
    started_at: Mapped[datetime]
    entered_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime]
    waited_ms: Mapped[int]
    agent: Mapped[str | None] = mapped_column(String(80))  # as the record names him
    agent_id: Mapped[int | None]
