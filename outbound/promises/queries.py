"""Reading promises."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Select, func, literal, select
from sqlalchemy.orm import Session

from crm.core.clock import ROME
from crm.core.db import table_of
from outbound.promises.judging import PromiseState
from outbound.promises.models import PaymentPromise

_P = table_of(PaymentPromise)


@dataclass(frozen=True, slots=True)
class PromiseView:
    """A promise as it stands. Cents."""

    id: int
    due_on: date
    cents: int
    state: PromiseState
    paid_cents: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How many promises, what was promised, and what was paid in their days."""

    number: int
    cents: int
    paid_cents: int


def held(contact_ids: ColumnElement[Any]) -> Select[int, datetime]:
    """Selects those of these contacts whose promises are open, and the instant at which the last of them is over: until
    then nobody calls about a debt.
    """
    until = func.max(_P.c.due_on + _P.c.grace_days) + 1
    return (
        select(_P.c.contact_id, func.timezone(ROME.key, until.cast(DateTime)))
        .where(_P.c.contact_id == contact_ids, _P.c.state == PromiseState.OPEN)
        .group_by(_P.c.contact_id)
    )  # fmt: skip


def held_until(session: Session, contact_id: int) -> datetime | None:
    """The same of one of them."""
    return next((until for _, until in session.execute(held(literal(contact_id)))), None)


def kept_since(session: Session, *, campaign_id: int, contact_id: int, day: date) -> bool:
    """Whether it turned out on this day or later that he kept what he had promised in a campaign."""
    kept = select(_P.c.id).where(
        _P.c.campaign_id == campaign_id, _P.c.contact_id == contact_id, _P.c.state == PromiseState.KEPT,
        _P.c.judged_on >= day,
    )  # fmt: skip
    return session.scalar(kept.limit(1)) is not None


def of_outcomes(session: Session, outcome_ids: Collection[UUID]) -> Mapping[UUID, PromiseView]:
    """Those that were told in these outcomes."""
    rows = session.execute(
        select(_P.c.outcome_id, _P.c.id, _P.c.due_on, _P.c.cents, _P.c.state, _P.c.paid_cents).where(
            _P.c.outcome_id.in_(outcome_ids)
        )
    )
    return {row[0]: PromiseView(*row[1:]) for row in rows}


def tally(session: Session, campaign_id: int) -> dict[PromiseState, Tally]:
    """A campaign's promises by how they stand; those written by mistake are none."""
    rows = session.execute(
        select(_P.c.state, func.count(), func.sum(_P.c.cents), func.sum(_P.c.paid_cents))
        .where(_P.c.campaign_id == campaign_id, _P.c.state != PromiseState.WITHDRAWN)
        .group_by(_P.c.state)
    )
    found = {state: Tally(number, int(cents), int(paid)) for state, number, cents, paid in rows}
    return {state: found[state] for state in PromiseState if state in found}
