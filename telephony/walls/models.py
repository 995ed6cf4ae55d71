"""Rooms with a screen on the wall."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, SmallInteger, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class WallPage(StrEnum):
    """What a screen shows in turn."""

    NOW = "now"  # who waits, who is there, today
    LEVELS = "levels"
    QUEUES = "queues"
    ENTI = "enti"


class WallLook(StrEnum):
    DARK = "dark"
    LIGHT = "light"


class Wall(Base):
    """A room's screen: of one contract, of some of its queues and enti or of all, in turn, for so long each.

    The link is kept as a hash: whoever made it saw it once. Whoever has it sees figures, and nothing of any person.
    """

    __tablename__ = "wall"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    name: Mapped[str] = mapped_column(String(60))
    queue_ids: Mapped[list[Any]] = mapped_column(JSONB)  # empty: all
    ente_ids: Mapped[list[Any]] = mapped_column(JSONB)
    pages: Mapped[list[Any]] = mapped_column(JSONB)  # `WallPage`, in their order
    seconds: Mapped[int] = mapped_column(SmallInteger)
    language: Mapped[str] = mapped_column(String(2))
    look: Mapped[WallLook] = mapped_column(choice(WallLook))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)  # SHA-256 of the link's token
    made_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    made_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]  # the last time that a screen with it was there
    revoked_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("seconds BETWEEN 5 AND 600", name="seconds"),)
