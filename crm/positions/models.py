"""Positions, as told by the collection system. Amounts are whole euro cents."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from crm.positions.numbers import KEY_LENGTH, act_key


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


class NotificationChannel(StrEnum):
    RACCOMANDATA = "raccomandata"  # registered letter
    ATTI_GIUDIZIARI = "atti_giudiziari"  # registered letter for judicial acts (L. 890/1982)
    MESSO = "messo"  # the municipality's own messenger
    PEC = "pec"
    SEND = "send"  # the national notification platform
    ORDINARY_MAIL = "ordinary_mail"


class StepKind(StrEnum):
    """What may happen to a debt after its act."""

    REMINDER = "reminder"
    INTIMATION = "intimation"  # avviso di intimazione, when a year has passed since the notification
    SUSPENSION = "suspension"
    ANNULMENT = "annulment"
    RELIEF = "relief"  # sgravio, of the whole or of a part
    REFUND = "refund"
    FERMO_NOTICE = "fermo_notice"  # preavviso di fermo
    FERMO = "fermo"
    IPOTECA_NOTICE = "ipoteca_notice"  # preavviso di ipoteca
    IPOTECA = "ipoteca"
    PIGNORAMENTO = "pignoramento"
    LITIGATION = "litigation"
    INSOLVENCY = "insolvency"


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
    # By `crm.positions.numbers`, compared byte by byte: whatever way the number is written, it is found.
    act_key: Mapped[str] = mapped_column(
        String(KEY_LENGTH, collation="C"), default=lambda made: act_key(made.get_current_parameters()["act_number"])
    )
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
    # The rest of the statement, as JSON; what each holds is said by the views in `crm.positions.views`.
    payments: Mapped[list[dict[str, Any]]]
    instalments: Mapped[list[dict[str, Any]]]
    acts: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    steps: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    plan: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    # What stands on the notice as it was issued; none: nobody told, and it was not seen before anything happened.
    printed: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    as_of: Mapped[datetime]
    digest: Mapped[str] = mapped_column(String(32))
    withdrawn_as_of: Mapped[datetime | None]  # since when the collection system no longer has it

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        UniqueConstraint("ente_id", "reference"),
        Index("ix_position_ente_id_contact_id", "ente_id", "contact_id"),
        Index("ix_position_notice_number", "notice_number"),
        Index("ix_position_act_key", "act_key"),
        # How many acts fall due, or were notified, on a day: of a million positions 0.03 s instead of 0.4.
        Index("ix_position_ente_id_due_on", "ente_id", "due_on", postgresql_where=text("withdrawn_as_of IS NULL")),
        Index(
            "ix_position_ente_id_notified_on",
            "ente_id",
            "notified_on",
            postgresql_where=text("withdrawn_as_of IS NULL"),
        ),
        CheckConstraint(
            "least(tax_cents, sanctions_cents, interest_cents, costs_cents, paid_cents, residual_cents) >= 0",
            name="amounts",
        ),
    )


class PositionAlias(Base):
    """Another number by which a position is known: of an earlier act, of an instalment's notice.

    A table of its own, because most positions have none, and no list within a row is searched under row policies.
    """

    __tablename__ = "position_alias"

    ente_id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(60), primary_key=True)
    key: Mapped[str] = mapped_column(String(KEY_LENGTH, collation="C"), primary_key=True)

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "reference"], ["position.ente_id", "position.reference"], ondelete="CASCADE"),
        Index("ix_position_alias_key", "key"),
    )
