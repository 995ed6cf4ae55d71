"""The agreements under which workers may be watched, and who has read them."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, SmallInteger, String, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from crm.monitoring.lock import AgreementKind


class WorkerAgreement(Base):
    """A version of a contract's agreement or authorisation. Never changed: it is withdrawn, or another follows."""

    __tablename__ = "worker_agreement"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    kind: Mapped[AgreementKind] = mapped_column(choice(AgreementKind))
    signed_on: Mapped[date]
    reference: Mapped[str] = mapped_column(String(200))
    uses: Mapped[list[str]] = mapped_column(ARRAY(String(32)))
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    told: Mapped[str] = mapped_column(Text)
    keep_months: Mapped[int] = mapped_column(SmallInteger)
    written_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    written_at: Mapped[datetime]
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_because: Mapped[str] = mapped_column(String(200), default="")

    __table_args__ = (
        CheckConstraint("valid_until >= valid_from", name="days"),
        CheckConstraint("keep_months BETWEEN 1 AND 60", name="keep_months"),
        CheckConstraint("(withdrawn_by IS NULL) = (withdrawn_at IS NULL)", name="withdrawn"),
        Index("ix_worker_agreement_contract_id", "contract_id"),
    )


class WorkerAgreementDocument(Base):
    """The document itself, a PDF, where somebody attached it."""

    __tablename__ = "worker_agreement_document"

    agreement_id: Mapped[int] = mapped_column(ForeignKey("worker_agreement.id"), primary_key=True, autoincrement=False)
    content: Mapped[bytes]


class WorkerAgreementReading(Base):
    """A worker has confirmed that he has read a version: from then on it holds for what he does."""

    __tablename__ = "worker_agreement_reading"

    agreement_id: Mapped[int] = mapped_column(ForeignKey("worker_agreement.id"), primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True, autoincrement=False)
    read_at: Mapped[datetime]
