"""Listening to what the collection system tells of payments on practices' debts: a chore of the engine.

A position holds its payments as the last statement has them, and not since when. Each change is written down as it is
heard, so that a quarter can be reckoned again by what was known when it was closed.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.clock import business_day
from crm.core.db import Database, Scope, table_of
from crm.core.each import total_of_each
from crm.enti import queries as enti
from crm.positions.models import Position
from outbound.field.closing import ledger
from outbound.field.closing.agreed import PHASES
from outbound.field.closing.ledger import Event, Key, Payment, Statement, Told
from outbound.field.closing.models import DebtHeard, PaymentEvent
from outbound.field.practices.models import Practice, PracticeDebt

AT_ONCE = 500
_P, _H, _E = table_of(Position), table_of(DebtHeard), table_of(PaymentEvent)
_D, _PRACTICE = table_of(PracticeDebt), table_of(Practice)


def hear_all(database: Database) -> int:
    """Listen to what is new of every ente; how many statements."""
    with database.begin(Scope.nothing()) as session:
        served = sorted(enti.served(session))
    return total_of_each(served, lambda one: _hear_ente(database, one))


def _hear_ente(database: Database, ente_id: int) -> int:
    done = 0
    while count := database.transact(Scope.of_enti([ente_id]), lambda session: hear_due(session, ente_id=ente_id)):
        done += count
    return done


def hear_due(session: Session, *, ente_id: int) -> int:
    """The same of one ente, some at a time: positions that were told otherwise since they were last listened to."""
    lock = func.pg_advisory_xact_lock(func.hashtextextended("field_payments", ente_id))
    session.execute(select(lock))
    first = (
        select(
            _D.c.reference, func.min(_D.c.practice_id).label("practice_id"),
            func.min(_PRACTICE.c.opened_at).label("opened_at"),
        )
        .join(_PRACTICE, _PRACTICE.c.id == _D.c.practice_id)
        .where(_D.c.ente_id == ente_id).group_by(_D.c.reference).subquery()
    )  # fmt: skip
    rows: Sequence[Any] = session.execute(
        select(
            _P.c.reference, _P.c.as_of, _P.c.digest, _P.c.withdrawn_as_of, _P.c.payments, _P.c.instalments, _P.c.plan,
            _P.c.act_kind, _P.c.tax_cents, _P.c.sanctions_cents, _P.c.interest_cents, _P.c.costs_cents,
            first.c.practice_id, first.c.opened_at,
        )
        .join(first, first.c.reference == _P.c.reference)
        .outerjoin(_H, (_H.c.ente_id == ente_id) & (_H.c.reference == _P.c.reference))
        .where(
            _P.c.ente_id == ente_id,
            or_(
                _H.c.digest.is_(None), _H.c.digest != _P.c.digest,
                _H.c.withdrawn_as_of.is_distinct_from(_P.c.withdrawn_as_of),
            ),
        )
        .order_by(_P.c.reference).limit(AT_ONCE)
    ).all()  # fmt: skip
    if not rows:
        return 0
    before = _known(session, ente_id, [row.reference for row in rows])
    at = clock.now(session)
    found = [
        _stored(ente_id, row.practice_id, at, one)
        for row in rows
        for one in ledger.hear(before[row.reference], statement_of(row), business_day(row.opened_at))
    ]
    if found:
        session.execute(_E.insert(), found)
    _remember(session, ente_id, rows)
    return len(rows)


def statement_of(row: Any) -> Statement:
    """A position as it was told."""
    plan = row.plan or {}
    lapsed = _day(plan.get("lapsed_on"))
    paid = tuple(
        Told(date.fromisoformat(one["paid_on"]), one["cents"], _day(one.get("registered_on"))) for one in row.payments
    )
    rates = tuple(
        Told(on, one["cents"])
        for one in row.instalments
        if (on := _day(one.get("paid_on"))) is not None and (lapsed is None or on <= lapsed)
    )
    return Statement(
        row.reference, business_day(row.withdrawn_as_of or row.as_of), paid, rates, _day(plan.get("granted_on")),
        (row.tax_cents, row.sanctions_cents, row.interest_cents, row.costs_cents), PHASES[row.act_kind],
        row.withdrawn_as_of is not None,
    )  # fmt: skip


def events(session: Session, *, ente_id: int, by: datetime) -> list[Event]:
    """What was heard of an ente's payments by an instant, in the order in which it was."""
    rows = session.execute(select(_E).where(_E.c.ente_id == ente_id, _E.c.heard_at <= by).order_by(_E.c.id))
    return [_event(row) for row in rows]


def _known(session: Session, ente_id: int, references: Sequence[str]) -> dict[str, dict[Key, Payment]]:
    rows = session.execute(select(_E).where(_E.c.ente_id == ente_id, _E.c.reference.in_(references)).order_by(_E.c.id))
    found: dict[str, dict[Key, Payment]] = defaultdict(dict)
    for at, payment in ledger.known((_event(row) for row in rows), date.max).items():
        found[at[0]][at] = payment
    return found


def _event(row: Any) -> Event:
    parts = (row.tax_cents, row.sanctions_cents, row.interest_cents, row.costs_cents)
    gone = row.change if row.change in ledger.GONE else None
    payment = Payment(
        row.reference, row.key, row.paid_on, row.cents, row.registered_on, row.phase, parts, row.granted_on, gone
    )
    return Event(row.change, row.as_of, payment)


def _stored(ente_id: int, practice_id: int, at: datetime, event: Event) -> dict[str, Any]:
    one = event.payment
    tax, sanctions, interest, costs = one.parts
    return {
        "ente_id": ente_id, "practice_id": practice_id, "reference": one.reference, "key": one.key,
        "change": event.change, "as_of": event.on, "heard_at": at, "paid_on": one.paid_on, "cents": one.cents,
        "registered_on": one.registered_on, "granted_on": one.granted_on, "phase": one.phase, "tax_cents": tax,
        "sanctions_cents": sanctions, "interest_cents": interest, "costs_cents": costs,
    }  # fmt: skip


def _remember(session: Session, ente_id: int, rows: Sequence[Any]) -> None:
    statement = insert(_H)
    new = statement.excluded
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["ente_id", "reference"],
            set_={"digest": new.digest, "withdrawn_as_of": new.withdrawn_as_of, "practice_id": new.practice_id},
        ),
        [
            {
                "ente_id": ente_id, "reference": row.reference, "practice_id": row.practice_id, "digest": row.digest,
                "withdrawn_as_of": row.withdrawn_as_of,
            }
            for row in rows
        ],
    )  # fmt: skip


def _day(told: str | None) -> date | None:
    return None if told is None else date.fromisoformat(told)
