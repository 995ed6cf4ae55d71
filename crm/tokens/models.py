"""Tokens of the read API."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ARRAY, ForeignKey, Identity, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base


class ApiScope(StrEnum):
    """What a token may read."""

    REPORTS = "reports"  # reports and their files
    LEVELS = "levels"  # how levels stand now and in closed periods, calls by the hour, marks, closures, continuity
    CALLS = "calls"  # calls one by one, without who called or answered


class ApiToken(Base):
    """A token of one ente's. It reads that ente's figures and nothing else."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    name: Mapped[str] = mapped_column(String(80))
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of the secret, which has 256 bits of its own
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String(20)))
    made_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    full_at: Mapped[datetime | None]  # when it may be used at its full rate again: `limit.take`
    revoked_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    revoked_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("ente_id", "digest"),)
