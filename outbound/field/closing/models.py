"""Conditions of commission, what was told of payments, settlements with their lines, reports, and the register.

Amounts are whole euro cents. Nothing here is changed once it is written, but conditions that are decided on.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    Numeric,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from outbound.field.closing.agreed import Phase, TermsState
from outbound.field.closing.chain import Operation
from outbound.field.closing.commission import Why
from outbound.field.closing.ledger import Change


class CommissionTerms(Base):
    """Conditions that the company proposes and the ente decides on."""

    __tablename__ = "field_terms"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    valid_from: Mapped[date]
    state: Mapped[TermsState] = mapped_column(choice(TermsState))
    conditions: Mapped[dict[str, Any]]  # `agreed.Conditions`
    proposed_at: Mapped[datetime]
    proposed_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    reason: Mapped[str] = mapped_column(String(400), default="", server_default="")  # refused

    __table_args__ = (
        UniqueConstraint("ente_id", "id"),
        Index("uq_field_terms_proposed", "ente_id", unique=True, postgresql_where=text("state = 'proposed'")),
    )


class DebtHeard(Base):
    """The last statement about a practice's position that was listened to."""

    __tablename__ = "field_debt_heard"

    ente_id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(60), primary_key=True)
    practice_id: Mapped[int]
    digest: Mapped[str] = mapped_column(String(32))
    withdrawn_as_of: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "practice_id"], ["field_practice.ente_id", "field_practice.id"]),
    )  # fmt: skip


class PaymentEvent(Base):
    """What was newly said of a payment, as of a day, and when it was heard. `practice_id`: the first about it."""

    __tablename__ = "field_payment_event"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    practice_id: Mapped[int]
    reference: Mapped[str] = mapped_column(String(60))
    key: Mapped[str] = mapped_column(String(40))
    change: Mapped[Change] = mapped_column(choice(Change))
    as_of: Mapped[date]
    heard_at: Mapped[datetime]
    paid_on: Mapped[date]
    cents: Mapped[int]
    registered_on: Mapped[date]
    granted_on: Mapped[date | None]
    phase: Mapped[Phase] = mapped_column(choice(Phase))
    tax_cents: Mapped[int]
    sanctions_cents: Mapped[int]
    interest_cents: Mapped[int]
    costs_cents: Mapped[int]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "practice_id"], ["field_practice.ente_id", "field_practice.id"]),
        Index("ix_field_payment_event_ente_id_reference", "ente_id", "reference"),
        Index("ix_field_payment_event_practice_id", "practice_id"),
    )


class Settlement(Base):
    """A quarter of an ente, settled. `known_on`: the last day of which the collection system had told everything."""

    __tablename__ = "field_settlement"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    quarter: Mapped[str] = mapped_column(String(6))
    closed_at: Mapped[datetime]
    known_on: Mapped[date]
    lines: Mapped[int]
    collected_cents: Mapped[int]
    earning_cents: Mapped[int]
    commission_cents: Mapped[int]
    seal: Mapped[str] = mapped_column(String(64))

    __table_args__ = (UniqueConstraint("ente_id", "id"), UniqueConstraint("ente_id", "quarter"))


class SettlementLine(Base):
    """A payment in a settlement. `reference` is empty once its taxpayer was erased; the digest stays what it was."""

    __tablename__ = "field_settlement_line"

    settlement_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ente_id: Mapped[int]
    reference: Mapped[str] = mapped_column(String(60))
    key: Mapped[str] = mapped_column(String(40))
    practice_id: Mapped[int]
    practice_number: Mapped[int]
    mandate_id: Mapped[UUID]
    agent_id: Mapped[int] = mapped_column(ForeignKey("field_agent.id"))
    paid_on: Mapped[date]
    registered_on: Mapped[date]
    why: Mapped[Why] = mapped_column(choice(Why))
    cents: Mapped[int]
    within_cents: Mapped[int]
    counted_cents: Mapped[int]
    per_mille: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    commission_cents: Mapped[int]
    version_id: Mapped[int | None]
    back: Mapped[bool]
    original: Mapped[str] = mapped_column(String(24))
    digest: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "settlement_id"], ["field_settlement.ente_id", "field_settlement.id"]),
        ForeignKeyConstraint(["ente_id", "practice_id"], ["field_practice.ente_id", "field_practice.id"]),
        ForeignKeyConstraint(["ente_id", "version_id"], ["field_terms.ente_id", "field_terms.id"]),
        Index("ix_field_settlement_line_practice_id", "practice_id"),
        Index("ix_field_settlement_line_agent_id", "agent_id"),
    )


class OpenQuarter(Base):
    """A quarter that is not settled, as it stood when it was counted (`counted`); of all agents (0), or of one."""

    __tablename__ = "field_open_quarter"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True, autoincrement=False)
    quarter: Mapped[str] = mapped_column(String(6), primary_key=True)
    agent_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    took_ms: Mapped[int]
    value: Mapped[str] = mapped_column(Text)  # `counted.Figures` as JSON


class PracticeReport(Base):
    """What became of a practice, as it is handed to the ente. A correction is a further edition, and says why."""

    __tablename__ = "field_report"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    practice_id: Mapped[int]
    edition: Mapped[int] = mapped_column(SmallInteger)
    made_at: Mapped[datetime]
    made_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # none: with the practice's closing
    reason: Mapped[str] = mapped_column(String(600), default="", server_default="")
    seal: Mapped[str] = mapped_column(String(64))
    kept: Mapped[dict[str, Any]]  # `report.Report`; empty once the taxpayer was erased

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "practice_id"], ["field_practice.ente_id", "field_practice.id"]),
        UniqueConstraint("practice_id", "edition"),
        CheckConstraint("edition = 1 OR made_by IS NOT NULL", name="edition"),
        Index("ix_field_report_ente_id_made_at", "ente_id", "made_at"),
    )


class RegisterHead(Base):
    """Where the register ends: one row, under whose lock an entry has its number, so that none is left out."""

    __tablename__ = "field_register_head"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    number: Mapped[int]
    digest: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (CheckConstraint("id = 1", name="one"),)


class RegisterEntry(Base):
    """An entry of the company's register of operations (art. 120 TULPS). See `chain.Entry`."""

    __tablename__ = "field_register"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    client: Mapped[str] = mapped_column(String(120))
    client_code: Mapped[str] = mapped_column(String(11))
    at: Mapped[datetime]
    operation: Mapped[Operation] = mapped_column(choice(Operation))
    subject: Mapped[str] = mapped_column(String(60), unique=True)
    practice: Mapped[int | None]
    agent: Mapped[int | None]
    cents: Mapped[int | None]
    fee_per_mille: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    fee_cents: Mapped[int | None]
    outcome: Mapped[str] = mapped_column(String(40))
    words: Mapped[str] = mapped_column(String(400))
    corrects: Mapped[int | None]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    mark: Mapped[bytes] = mapped_column(LargeBinary)  # the digest's, under the master key

    __table_args__ = (
        CheckConstraint("(operation = 'correction') = (corrects IS NOT NULL)", name="corrects"),
        CheckConstraint("corrects < number", name="earlier"),
        Index("ix_field_register_ente_id_at", "ente_id", "at"),
    )
