"""A position as a frozen value, with everything that the collection system told of it. Amounts are whole cents.

What is stored as JSON was checked when it was read from the feed. It is read here as it is found: what an older
edition of the format did not have is absent, and what is unknown to this one is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Self, TypeVar

from crm.positions.models import (
    ActKind,
    NotificationChannel,
    NotificationState,
    PositionState,
    StepKind,
    Tax,
)

Told = Mapping[str, Any]
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class PaymentView:
    """Money that arrived. `receipt` is the reference of a document."""

    paid_on: date
    cents: int
    channel: str | None
    notice_number: str | None = None
    receipt: str | None = None


@dataclass(frozen=True, slots=True)
class InstalmentView:
    """One rate of a plan; `paid_on` is None while it is unpaid."""

    number: int
    due_on: date
    cents: int
    paid_on: date | None
    notice_number: str | None = None


@dataclass(frozen=True, slots=True)
class NotificationView:
    """One attempt to serve an act. `proof` is the reference of a document; `reason` why it failed."""

    channel: NotificationChannel | None
    sent_on: date | None
    outcome: NotificationState
    on: date | None
    reason: str | None
    proof: str | None


@dataclass(frozen=True, slots=True)
class ActView:
    """An act issued about the debt; the last one is the position's own."""

    kind: ActKind
    number: str
    issued_on: date
    notifications: tuple[NotificationView, ...]


@dataclass(frozen=True, slots=True)
class StepView:
    """Something that happened to the debt, until a day or still."""

    kind: StepKind
    on: date
    until: date | None
    cents: int | None
    authority: str | None
    reference: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class PlanView:
    """The plan that the instalments belong to."""

    granted_on: date
    lapsed_on: date | None
    reference: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class PrintedView:
    """What stands on the notice as it was issued."""

    cents: int
    due_on: date | None


@dataclass(frozen=True, slots=True)
class PositionView:
    """One debt as of an instant."""

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
    digest: str = ""
    acts: tuple[ActView, ...] = ()
    steps: tuple[StepView, ...] = ()
    plan: PlanView | None = None
    printed: PrintedView | None = None  # none: not known

    @classmethod
    def of(cls, told: Told) -> Self:
        """What is stored, by column; without acts and steps it is the position in brief."""
        return cls(
            **{
                **told,
                "payments": tuple(payment(one) for one in told["payments"]),
                "instalments": tuple(_instalment(one) for one in told["instalments"]),
                "acts": tuple(act for one in told.get("acts", ()) if (act := _act(one))),
                "steps": tuple(step for one in told.get("steps", ()) if (step := _step(one))),
                "plan": _plan(told["plan"]) if told["plan"] else None,
                "printed": _printed(told["printed"]) if told["printed"] else None,
            }
        )


def payment(told: Told) -> PaymentView:
    """A payment, as it is stored."""
    return PaymentView(
        date.fromisoformat(told["paid_on"]), told["cents"], told["channel"], told.get("notice_number"),
        told.get("receipt"),
    )  # fmt: skip


def _instalment(told: Told) -> InstalmentView:
    return InstalmentView(
        told["number"], date.fromisoformat(told["due_on"]), told["cents"], _day(told, "paid_on"),
        told.get("notice_number"),
    )  # fmt: skip


def _act(told: Told) -> ActView | None:
    kind = _member(ActKind, told["kind"])
    if kind is None:
        return None
    notifications = tuple(_notification(one) for one in told.get("notifications", ()))
    return ActView(kind, told["number"], date.fromisoformat(told["issued_on"]), notifications)


def _notification(told: Told) -> NotificationView:
    return NotificationView(
        _member(NotificationChannel, told.get("channel")), _day(told, "sent_on"),
        _member(NotificationState, told["outcome"]) or NotificationState.SENT, _day(told, "on"), told.get("reason"),
        told.get("proof"),
    )  # fmt: skip


def _step(told: Told) -> StepView | None:
    kind = _member(StepKind, told["kind"])
    if kind is None:
        return None
    return StepView(
        kind, date.fromisoformat(told["on"]), _day(told, "until"), told.get("cents"), told.get("authority"),
        told.get("reference"), told.get("note"),
    )  # fmt: skip


def _plan(told: Told) -> PlanView:
    granted = date.fromisoformat(told["granted_on"])
    return PlanView(granted, _day(told, "lapsed_on"), told.get("reference"), told.get("note"))


def _printed(told: Told) -> PrintedView:
    return PrintedView(told["cents"], _day(told, "due_on"))


def _day(told: Told, name: str) -> date | None:
    value = told.get(name)
    return None if value is None else date.fromisoformat(value)


def _member(kind: type[E], value: str | None) -> E | None:
    found: E | None = kind._value2member_map_.get(value)  # type: ignore[assignment]
    return found
