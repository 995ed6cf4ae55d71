"""Visits as the agents' telephones told them. Device and server time are kept: a telephone's clock may be wrong."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from outbound.field.visits.door import Outcome, Whom


class Visit(Base):
    """A visit, under the id that the telephone gave it. `began_at`, `ended_at`: instants set right by how far the
    telephone's clock was off (`off_s`, seconds, positive: fast); `device_began_at` as it showed them. `faults`: what
    was not as it has to be (`door.Fault`), with the deed's place. Position, in degrees, at check-in alone.
    """

    __tablename__ = "field_visit"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    practice_id: Mapped[int]
    mandate_id: Mapped[UUID | None]  # none: nobody had one any more
    agent_id: Mapped[int] = mapped_column(ForeignKey("field_agent.id"))
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    device_began_at: Mapped[datetime]
    off_s: Mapped[int]
    received_at: Mapped[datetime]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    accuracy_m: Mapped[int | None]
    distance_m: Mapped[int | None]  # from where the practice was placed
    whom: Mapped[Whom | None] = mapped_column(choice(Whom))
    spoke_with: Mapped[str] = mapped_column(String(160), default="", server_default="")
    capacity: Mapped[str] = mapped_column(String(120), default="", server_default="")
    outcome: Mapped[Outcome | None] = mapped_column(choice(Outcome))
    note: Mapped[str] = mapped_column(String(1000), default="", server_default="")
    number: Mapped[int] = mapped_column(SmallInteger)  # of the practice's visits, from 1
    deeds: Mapped[list[dict[str, Any]]]  # each with its device time
    faults: Mapped[list[dict[str, Any]]]
    signs: Mapped[list[dict[str, Any]]]  # what speaks for a doubt: a clock off, a position that cannot be

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "practice_id"], ["field_practice.ente_id", "field_practice.id"]),
        ForeignKeyConstraint(["ente_id", "mandate_id"], ["field_mandate.ente_id", "field_mandate.id"]),
        UniqueConstraint("ente_id", "id"),
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="place"),
        Index("ix_field_visit_practice_id", "practice_id"),
        Index("ix_field_visit_agent_id", "agent_id", "began_at"),
    )
