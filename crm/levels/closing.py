"""Closing a contract's periods: each is kept with its formula and its inputs, for the contract and for each ente."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.clock import business_day, start_of_day
from crm.core.db import Database, Scope
from crm.core.each import total_of_each
from crm.enti.queries import coverage
from crm.levels import queries
from crm.levels.agreement import Agreement, in_force
from crm.levels.frozen import Frozen, restored, seal, stored
from crm.levels.judgement import Evidence, Verdict, judge
from crm.levels.models import ClosedPeriod
from crm.levels.terms import Terms
from crm.levels.terms import in_force as terms_in_force

SETTLED = timedelta(hours=3)  # after a period's end: its last calls are over, and what was told late has come
LOOKED_BACK = 3  # periods, for a system that was away
ONE_DAY = timedelta(days=1)

Days = Callable[[date, date], Evidence]  # what is known from a day to before another
Read = Callable[[Session, int, int | None], Days]  # of a contract, and of one of its enti alone


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed period, with when it was closed and the seal of what is kept of it."""

    closed_at: datetime
    seal: str
    frozen: Frozen
    first: date
    last: date


def close_due(database: Database, read: Read) -> int:
    """Close each contract's periods that have ended; how many were closed. Closed before, a period stays as it is."""
    with database.begin(Scope.nothing()) as session:
        contracts = sorted(coverage(session))
    return total_of_each(
        contracts, lambda one: database.transact(Scope.of_contract(one), partial(_close, contract_id=one, read=read))
    )


def closed(session: Session, contract_id: int, first: date, last: date, *, ente_id: int | None = None) -> Closed | None:
    """What was kept of the period of these days; none while it is not closed."""
    whose = ClosedPeriod.ente_id.is_(None) if ente_id is None else ClosedPeriod.ente_id == ente_id
    row = session.scalar(
        select(ClosedPeriod).where(
            ClosedPeriod.contract_id == contract_id, ClosedPeriod.first == first, ClosedPeriod.last == last, whose
        )
    )  # fmt: skip
    return None if row is None else Closed(row.closed_at, row.seal, restored(row.kept), row.first, row.last)


def closed_within(
    session: Session, contract_id: int, first: date, last: date, *, ente_id: int | None
) -> list[Closed]:  # fmt: skip
    """The closed periods of an ente, or of the contract, between two days, none over another: the longer stands."""
    rows = session.scalars(
        select(ClosedPeriod)
        .where(
            ClosedPeriod.contract_id == contract_id, ClosedPeriod.ente_id.is_not_distinct_from(ente_id),
            ClosedPeriod.first >= first, ClosedPeriod.last <= last,
        )
        .order_by(ClosedPeriod.first, ClosedPeriod.last.desc())
    )  # fmt: skip
    found: list[Closed] = []
    for row in rows:
        if not found or row.first > found[-1].last:
            found.append(Closed(row.closed_at, row.seal, restored(row.kept), row.first, row.last))
    return found


def judged(agreement: Agreement, terms: Terms, day: date, days: Days) -> tuple[Verdict, ...]:
    """How each level stands on a day: in the agreement's period around it, or in its own."""
    return tuple(judge(one, days(*(one.period or agreement.period).around(day)), terms) for one in agreement.levels)


def _close(session: Session, *, contract_id: int, read: Read) -> int:
    now = clock.now(session)
    versions = queries.agreements(session, frozenset({contract_id}))
    made = 0
    for first, last in _ended(versions, now):
        these = ClosedPeriod.contract_id == contract_id, ClosedPeriod.first == first, ClosedPeriod.last == last
        done = set(session.scalars(select(ClosedPeriod.ente_id).where(*these)))
        for ente_id in (None, *sorted(coverage(session)[contract_id])):
            if ente_id not in done:
                frozen = _frozen(session, contract_id, last, read(session, contract_id, ente_id))
                row = {"contract_id": contract_id, "ente_id": ente_id, "first": first, "last": last, "closed_at": now}
                kept = insert(ClosedPeriod).values(**row, seal=seal(frozen), kept=stored(frozen))
                made += len(session.execute(kept.on_conflict_do_nothing().returning(ClosedPeriod.id)).all())
    return made


def _frozen(session: Session, contract_id: int, last: date, days: Days) -> Frozen:
    agreement = queries.agreement(session, contract_id, last)
    assert agreement is not None
    terms = terms_in_force(queries.terms(session, contract_id), start_of_day(last))
    return Frozen(agreement, terms, days(*agreement.period.around(last)), judged(agreement, terms, last, days))


def _ended(versions: tuple[Agreement, ...], now: datetime) -> Iterator[tuple[date, date]]:
    """The first and last days of the latest periods that have settled, by the agreement in force as each ended."""
    day = business_day(now)
    for _ in range(LOOKED_BACK):
        current = in_force(versions, day)
        if current is None:
            return
        first, after = current.period.around(day)
        if start_of_day(after) + SETTLED <= now:
            yield first, after - ONE_DAY
        day = first - ONE_DAY
