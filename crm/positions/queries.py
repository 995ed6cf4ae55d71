"""Reads of positions, as frozen values. Row-level security bounds them to the scope's enti."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

from sqlalchemy import BigInteger, func, select
from sqlalchemy.orm import Session

from crm.positions.models import ActKind, NotificationState, Position, PositionState, Tax


@dataclass(frozen=True, slots=True)
class PaymentView:
    """Money that arrived, in cents."""

    paid_on: date
    cents: int
    channel: str | None


@dataclass(frozen=True, slots=True)
class InstalmentView:
    """One rate of a plan, in cents; `paid_on` is None while it is unpaid."""

    number: int
    due_on: date
    cents: int
    paid_on: date | None


@dataclass(frozen=True, slots=True)
class PositionView:
    """One debt as of an instant. Amounts are whole euro cents."""

    id: int
    ente_id: int
    contact_id: int
    reference: str
    notice_number: str | None
    tax: Tax
    year: int
    act_kind: ActKind
    act_number: str
    state: PositionState
    state_on: date | None
    state_note: str | None
    tax_cents: int
    sanctions_cents: int
    interest_cents: int
    costs_cents: int
    paid_cents: int
    residual_cents: int
    issued_on: date
    due_on: date | None
    notification: NotificationState
    notified_on: date | None
    notification_note: str | None
    payments: tuple[PaymentView, ...]
    instalments: tuple[InstalmentView, ...]
    as_of: datetime

    @classmethod
    def of(cls, row: Position) -> Self:
        """The row as a value."""
        plain = {name: getattr(row, name) for name in cls.__dataclass_fields__}
        return cls(
            **{
                **plain,
                "payments": tuple(_payment(payment) for payment in row.payments),
                "instalments": tuple(_instalment(instalment) for instalment in row.instalments),
            }
        )


def of_contact(session: Session, contact_ids: Collection[int]) -> list[PositionView]:
    """Every position of these contacts: by ente, tax, then the newest year and act first."""
    rows = session.scalars(
        select(Position)
        .where(Position.contact_id.in_(contact_ids), Position.withdrawn_as_of.is_(None))
        .order_by(Position.ente_id, Position.tax, Position.year.desc(), Position.issued_on.desc(), Position.reference)
    )
    return [PositionView.of(row) for row in rows]


def by_notice(session: Session, notice_number: str) -> list[PositionView]:
    """The positions to which a notice number belongs (see `notice.parse_notice_number`), newest first."""
    rows = session.scalars(
        select(Position)
        .where(Position.notice_number == notice_number, Position.withdrawn_as_of.is_(None))
        .order_by(Position.issued_on.desc(), Position.id)
    )
    return [PositionView.of(row) for row in rows]


def sums(session: Session, *, ente_id: int) -> dict[Tax, tuple[int, int, int]]:
    """What an ente's positions come to by tax: how many they are, cents of residual, cents paid."""
    rows = session.execute(
        select(
            Position.tax, func.count(), func.sum(Position.residual_cents).cast(BigInteger),
            func.sum(Position.paid_cents).cast(BigInteger),
        )
        .where(Position.ente_id == ente_id, Position.withdrawn_as_of.is_(None))
        .group_by(Position.tax)
    )  # fmt: skip
    return {tax: (count, residual, paid) for tax, count, residual, paid in rows}


def newer(session: Session, *, ente_id: int, than: datetime) -> int:
    """How many positions of an ente were stated as of later than an instant."""
    wanted = (Position.ente_id == ente_id, Position.withdrawn_as_of.is_(None), Position.as_of > than)
    return session.execute(select(func.count()).select_from(Position).where(*wanted)).scalar_one()


def _payment(value: dict[str, Any]) -> PaymentView:
    return PaymentView(date.fromisoformat(value["paid_on"]), value["cents"], value["channel"])


def _instalment(value: dict[str, Any]) -> InstalmentView:
    paid_on = value["paid_on"]
    return InstalmentView(
        value["number"],
        date.fromisoformat(value["due_on"]),
        value["cents"],
        None if paid_on is None else date.fromisoformat(paid_on),
    )
