"""Voice flows with their versions, what is published of them, and messages for emergencies."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base


class IvrFlow(Base):
    """A flow of a contract's. It is an ente's when that ente's lines lead to it."""

    __tablename__ = "ivr_flow"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    name: Mapped[str] = mapped_column(String(80))

    __table_args__ = (UniqueConstraint("contract_id", "name"),)


class IvrVersion(Base):
    """A version of a flow: a draft until it is published for the first time, and unchangeable from then on.

    One without a flow is a usual one, as it was once, found by its digest.
    """

    __tablename__ = "ivr_version"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    flow_id: Mapped[int | None] = mapped_column(ForeignKey("ivr_flow.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    digest: Mapped[str | None] = mapped_column(String(64), unique=True)
    definition: Mapped[dict[str, Any]]  # `definition.Flow`
    past: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # of a draft: how it was before each change
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    changed_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("flow_id", "number"),
        CheckConstraint("(flow_id IS NULL) = (digest IS NOT NULL)", name="usual"),
    )


class IvrPublication(Base):
    """From `at` on new calls take this version. Going back to an older one is a publication like any other."""

    __tablename__ = "ivr_publication"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    flow_id: Mapped[int] = mapped_column(ForeignKey("ivr_flow.id"))
    version_id: Mapped[int] = mapped_column(ForeignKey("ivr_version.id"))
    at: Mapped[datetime]
    published_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))

    __table_args__ = (Index("ix_ivr_publication_flow_id", "flow_id", "id"),)


class EmergencyMessage(Base):
    """What a contract's callers, or an ente's, hear while it is switched on. `ends`: the call ends after it."""

    __tablename__ = "emergency_message"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    text: Mapped[dict[str, Any]]  # by language
    ends: Mapped[bool]
    switched_on_at: Mapped[datetime | None]  # none: it is off
    switched_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
