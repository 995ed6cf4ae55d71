"""Audit entries, what seals them, and the keys of the personal values in them."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice

NOBODYS = 0  # the chain of entries that belong to no ente


class AuditEntry(Base):
    """One thing that somebody read or changed. Nobody's entries (no ente) are about users and configuration.

    What an entry about a person says of him is in `secret`, under his own key (`crm.audit.keys`); `reason` and
    `detail` are then empty.
    """

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
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)  # the same and `reason`, encrypted

    __table_args__ = (
        Index("ix_audit_entry_ente_id_occurred_at", "ente_id", "occurred_at"),
        Index("ix_audit_entry_ente_id_contact_id_occurred_at", "ente_id", "contact_id", "occurred_at"),
        Index("ix_audit_entry_actor_id_occurred_at", "actor_id", "occurred_at"),
        Index("ix_audit_entry_occurred_at_id", "occurred_at", "id"),
        CheckConstraint("secret IS NULL OR (ente_id IS NOT NULL AND contact_id IS NOT NULL)", name="secret"),
    )


class PersonKey(Base):
    """The key of a person's values in the audit, itself encrypted. Without it nobody reads them any more."""

    __tablename__ = "person_key"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(primary_key=True)  # not a foreign key, as in the entries
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)


class AuditUnsealed(Base):
    """An entry that no seal holds yet. A trigger writes the row with the entry; the seal takes it.

    So a seal holds exactly what was committed, in whatever order: identifiers are given before the commit.
    """

    __tablename__ = "audit_unsealed"

    entry_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))


class AuditSeal(Base):
    """The n-th batch of a chain's entries. See `crm.audit.chain` for the digest."""

    __tablename__ = "audit_seal"

    chain: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # the ente's id, or `NOBODYS`
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # 1, 2, 3, …
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    sealed_at: Mapped[datetime]
    entries: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    hashes: Mapped[bytes] = mapped_column(LargeBinary)  # 32 bytes an entry
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    mark: Mapped[bytes] = mapped_column(LargeBinary)  # the digest's, under the master key

    __table_args__ = (
        CheckConstraint("chain = coalesce(ente_id, 0)", name="chain"),
        CheckConstraint("cardinality(entries) > 0", name="entries"),
        CheckConstraint("octet_length(hashes) = 32 * cardinality(entries)", name="hashes"),
    )


class ExpiryReason(StrEnum):
    RETENTION = "retention"  # older than entries are kept
    CONTRACT_ENDED = "contract_ended"  # handed over to the ente


class AuditExpiry(Base):
    """Up to which seal a chain's entries were let go of, and why. The seals themselves stay."""

    __tablename__ = "audit_expiry"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    chain: Mapped[int]
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    through: Mapped[int]  # the number of the last seal concerned
    entries: Mapped[int]  # how many went
    reason: Mapped[ExpiryReason] = mapped_column(choice(ExpiryReason))
    at: Mapped[datetime]
    mark: Mapped[bytes] = mapped_column(LargeBinary)  # of all this and of the seal's digest, under the master key

    __table_args__ = (CheckConstraint("chain = coalesce(ente_id, 0)", name="chain"),)


class SearchTally(Base):
    """Somebody's searches for persons of an ente within the last minute, until they become an entry."""

    __tablename__ = "search_tally"

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True)
    since: Mapped[datetime]
    place: Mapped[str] = mapped_column(String(80))  # the workstation
    searches: Mapped[int]
    shown: Mapped[int]  # persons, each time they were


class ReadingRule(StrEnum):
    HOUR = "hour"  # more files without a call within an hour than anybody may open unnoticed
    DAY = "day"  # the same within a day
    UNUSUAL = "unusual"  # many more than his own and his colleagues' usual day
    SEARCHES = "searches"  # more searches among an ente's taxpayers within an hour than anybody makes by hand


class ReadingAlert(Base):
    """Somebody opened unusually many files without a call, or searched unusually often; a supervisor looks into it."""

    __tablename__ = "reading_alert"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    day: Mapped[date]
    rule: Mapped[ReadingRule] = mapped_column(choice(ReadingRule))
    count: Mapped[int]  # different files, of all enti; or searches, of this one
    usual: Mapped[int]  # what was expected at most
    raised_at: Mapped[datetime]
    seen_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    seen_at: Mapped[datetime | None]
    explanation: Mapped[str] = mapped_column(String(400), default="")

    __table_args__ = (UniqueConstraint("ente_id", "user_id", "day", "rule"),)
