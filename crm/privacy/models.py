"""Requests of persons, who was erased, contracts that end, and breaches."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Identity, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class ExportState(StrEnum):
    WAITING = "waiting"
    READY = "ready"
    TAKEN = "taken"  # downloaded, once; the file is gone
    EXPIRED = "expired"  # nobody came for it in time
    STOPPED = "stopped"  # given up after repeated trouble of ours


class PersonExport(Base):
    """A copy of everything about a person (art. 15 and 20 GDPR), made in the background and downloaded once."""

    __tablename__ = "person_export"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    contact_id: Mapped[int]  # not a foreign key: the request outlives the person
    state: Mapped[ExportState] = mapped_column(choice(ExportState))
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))
    asked_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    asked_at: Mapped[datetime]
    parts: Mapped[int]  # how many there are
    parts_made: Mapped[int]
    path: Mapped[str | None] = mapped_column(String(400))
    bytes: Mapped[int | None]
    expires_at: Mapped[datetime | None]
    taken_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    taken_at: Mapped[datetime | None]


class ErasureState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"  # something stands against it; `outcome` says what
    STOPPED = "stopped"


class PersonErasure(Base):
    """A person erased on request (art. 17 GDPR): what went and what stays, which is the certificate."""

    __tablename__ = "person_erasure"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    contact_id: Mapped[int]  # not a foreign key, as above
    state: Mapped[ErasureState] = mapped_column(choice(ErasureState))
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))
    asked_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    asked_at: Mapped[datetime]
    protocol: Mapped[str] = mapped_column(String(80))  # of the request; no name
    done_at: Mapped[datetime | None]
    outcome: Mapped[dict[str, Any]]  # "went": [{title, rows, fate, why}], "obstacles": [reasons]


class ErasedPerson(Base):
    """Somebody who was erased, known by a keyed hash of his codice fiscale alone: no feed brings him back unnoticed."""

    __tablename__ = "erased_person"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True)
    mark: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    erasure_id: Mapped[int] = mapped_column(ForeignKey("person_erasure.id"))
    erased_at: Mapped[datetime]


class EndState(StrEnum):
    EXPORTING = "exporting"
    EXPORTED = "exported"  # to be handed over
    HANDED_OVER = "handed_over"  # downloaded: somebody else may confirm
    DELETING = "deleting"
    DONE = "done"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"


class EnteEnd(Base):
    """The end of a contract for an ente: its data handed over and deleted, its access log with them.

    Asked for by one person, confirmed by another after the hand-over. It names no taxpayer and stands outside
    row-level security: the policies that let the entries of an ended ente go read it.
    """

    __tablename__ = "ente_end"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    state: Mapped[EndState] = mapped_column(choice(EndState))
    job_id: Mapped[int | None]
    reason: Mapped[str] = mapped_column(String(200))
    asked_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    asked_at: Mapped[datetime]
    path: Mapped[str | None] = mapped_column(String(400))
    log_path: Mapped[str | None] = mapped_column(String(400))  # the access log up to the end
    sha256: Mapped[str | None] = mapped_column(String(64))
    parts: Mapped[int] = mapped_column(default=0)
    parts_made: Mapped[int] = mapped_column(default=0)
    taken_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    taken_at: Mapped[datetime | None]
    confirmed_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    confirmed_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    contracts: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))  # that covered the ente until the end was asked for
    log_through: Mapped[int | None]  # the last seal of which the log has the entries: it is closed
    log_taken_at: Mapped[datetime | None]  # for the first time
    # "exported", "deleted": rows by table; "seen": the snapshot that the export began with; "anew":
    # there was one; "head": of the audit's chain
    report: Mapped[dict[str, Any]]

    __table_args__ = (
        CheckConstraint("confirmed_by <> asked_by", name="two_persons"),
        CheckConstraint("(confirmed_by IS NULL) = (confirmed_at IS NULL)", name="confirmed"),
        Index(
            "uq_ente_end_ente_id", "ente_id", unique=True, postgresql_where=text("state NOT IN ('withdrawn', 'done')")
        ),
    )


class Risk(StrEnum):
    """For the rights and freedoms of natural persons (art. 33 and 34 GDPR)."""

    UNKNOWN = "unknown"
    UNLIKELY = "unlikely"  # the Garante need not be told
    RISK = "risk"
    HIGH = "high"  # the persons are told, too


class Breach(Base):
    """A breach of personal data, as art. 33(5) GDPR has it documented. One row an ente: each is a controller."""

    __tablename__ = "breach"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    what: Mapped[str] = mapped_column(Text)
    happened_at: Mapped[datetime | None]
    known_at: Mapped[datetime]  # when the controller became aware: the 72 hours begin
    persons: Mapped[int | None]  # about how many
    data: Mapped[str] = mapped_column(Text)  # which categories
    consequences: Mapped[str] = mapped_column(Text)
    measures: Mapped[str] = mapped_column(Text)
    risk: Mapped[Risk] = mapped_column(choice(Risk))
    ente_told_at: Mapped[datetime | None]  # by us, its processor: art. 33(2)
    garante_told_at: Mapped[datetime | None]
    late_reason: Mapped[str] = mapped_column(Text)  # art. 33(1): after the 72 hours the reasons go along
    persons_told_at: Mapped[datetime | None]  # art. 34
    persons_not_told: Mapped[str] = mapped_column(Text)  # why not, where the risk is high: art. 34(3)
    closed_at: Mapped[datetime | None]
    recorded_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    recorded_at: Mapped[datetime]
