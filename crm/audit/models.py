"""Audit entries."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Identity, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base


class AuditEntry(Base):
    """One thing that somebody read or changed. Nobody's entries (no ente) are about users and configuration."""

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    contact_id: Mapped[int | None]  # not a foreign key: the entry outlives whom it is about
    kind: Mapped[str] = mapped_column(String(60))  # such as `file.opened`, `user.granted`
    occurred_at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # none: the system itself
    place: Mapped[str] = mapped_column(String(80))  # the workstation
    call_id: Mapped[UUID | None]
    reason: Mapped[str] = mapped_column(String(200))
    detail: Mapped[dict[str, Any]]  # `subject`, `before`, `after`

    __table_args__ = (
        Index("ix_audit_entry_ente_id_occurred_at", "ente_id", "occurred_at"),
        Index("ix_audit_entry_ente_id_contact_id_occurred_at", "ente_id", "contact_id", "occurred_at"),
    )
