"""Positions, as told by the collection system. Amounts are whole euro cents."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class Tax(StrEnum):
    TARI = "tari"
    IMU = "imu"
    CANONE_UNICO = "canone_unico"
    SANZIONI_CDS = "sanzioni_cds"  # fines under the highway code
    SERVIZI_SCOLASTICI = "servizi_scolastici"


class ActKind(StrEnum):
    AVVISO_PAGAMENTO = "avviso_pagamento"
    SOLLECITO = "sollecito"
    ACCERTAMENTO_ESECUTIVO = "accertamento_esecutivo"
    INGIUNZIONE = "ingiunzione"


class PositionState(StrEnum):
    TO_PAY = "to_pay"
    OVERDUE = "overdue"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    IN_INSTALMENTS = "in_instalments"
    SUSPENDED = "suspended"
    ANNULLED = "annulled"
    RELIEVED = "relieved"  # sgravio
    FERMO = "fermo"
    IPOTECA = "ipoteca"
    PIGNORAMENTO = "pignoramento"
    IN_LITIGATION = "in_litigation"
    INSOLVENCY = "insolvency"


class NotificationState(StrEnum):
    NOT_SENT = "not_sent"
    SENT = "sent"
    NOTIFIED = "notified"
    FAILED = "failed"


class Position(Base):
    """One debt: an act about a tax and a year, its amounts, and where its collection stands."""

    __tablename__ = "position"

    id: Mapped[int] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    contact_id: Mapped[int]
    reference: Mapped[str] = mapped_column(String(60))  # the collection system's own key
    notice_number: Mapped[str | None] = mapped_column(String(18))
    tax: Mapped[Tax] = mapped_column(choice(Tax))
    year: Mapped[int] = mapped_column(SmallInteger)
    act_kind: Mapped[ActKind] = mapped_column(choice(ActKind))
    act_number: Mapped[str] = mapped_column(String(40))
    state: Mapped[PositionState] = mapped_column(choice(PositionState))
    state_on: Mapped[date | None]  # since when: suspended, relieved, fermo registered
    state_note: Mapped[str | None] = mapped_column(String(200))  # why, or on what: a plate, a court
    tax_cents: Mapped[int]
    sanctions_cents: Mapped[int]
    interest_cents: Mapped[int]
    costs_cents: Mapped[int]
    paid_cents: Mapped[int]
    residual_cents: Mapped[int]  # what is still owed, as the collection system computes it
    issued_on: Mapped[date]
    due_on: Mapped[date | None]
    notification: Mapped[NotificationState] = mapped_column(choice(NotificationState))
    notified_on: Mapped[date | None]
    notification_note: Mapped[str | None] = mapped_column(String(200))  # the reason of a failure
    payments: Mapped[list[dict[str, Any]]]  # {"paid_on", "cents", "channel"}
    instalments: Mapped[list[dict[str, Any]]]  # {"number", "due_on", "cents", "paid_on" or null}
    as_of: Mapped[datetime]
    digest: Mapped[str] = mapped_column(String(32))
    withdrawn_as_of: Mapped[datetime | None]  # since when the collection system no longer has it

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        UniqueConstraint("ente_id", "reference"),
        Index("ix_position_ente_id_contact_id", "ente_id", "contact_id"),
        Index("ix_position_notice_number", "notice_number"),
        CheckConstraint(
            "least(tax_cents, sanctions_cents, interest_cents, costs_cents, paid_cents, residual_cents) >= 0",
            name="amounts",
        ),
    )
