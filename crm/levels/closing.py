"""Closing a contract's periods: each is kept with its formula and its inputs, for the contract and for each ente."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
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
from crm.levels.agreement import Agreement, Period, Promise, in_force
from crm.levels.frozen import Frozen, Part, needed, restored, seal, stored
from crm.levels.judgement import judge
from crm.levels.known import Evidence
from crm.levels.models import ClosedPeriod
from crm.levels.terms import Terms
from crm.levels.terms import in_force as terms_in_force
from crm.levels.verdicts import Verdict

SETTLED = timedelta(hours=3)  # after a period's end: its last calls are over, and what was told late has come
LOOKED_BACK = 3  # periods, this one among them, that are looked at though nothing was closed yet
ONE_DAY = timedelta(days=1)

Days = Callable[[date, date], Evidence]  # what is known from a day to before another
Read = Callable[[Session, int, int | None], Days]  # of a contract, and of one of its enti alone


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed period, with when it was closed and the seal of what is kept of it; `reason`: of a further version."""

    closed_at: datetime
    seal: str
    frozen: Frozen
    first: date
    last: date
    version: int = 1
    reason: str = ""


def close_due(database: Database, read: Read) -> int:
    """Close each contract's periods that have ended; how many were closed. Closed before, a period stays as it is."""
    with database.begin(Scope.nothing()) as session:
        contracts = sorted(coverage(session))
    return total_of_each(
        contracts, lambda one: database.transact(Scope.of_contract(one), partial(_close, contract_id=one, read=read))
    )


def closed(session: Session, contract_id: int, first: date, last: date, *, ente_id: int | None = None) -> Closed | None:
    """What was kept of the period of these days, in its newest version; none while it is not closed."""
    row = session.scalar(
        select(ClosedPeriod)
        .where(
            ClosedPeriod.contract_id == contract_id, ClosedPeriod.ente_id.is_not_distinct_from(ente_id),
            ClosedPeriod.first == first, ClosedPeriod.last == last,
        )
        .order_by(ClosedPeriod.version.desc())
        .limit(1)
    )  # fmt: skip
    return None if row is None else _of_row(row)


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
        .order_by(ClosedPeriod.first, ClosedPeriod.last.desc(), ClosedPeriod.version.desc())
    )  # fmt: skip
    found: list[Closed] = []
    for row in rows:
        if not found or row.first > found[-1].last:
            found.append(_of_row(row))
    return found


def judged(
    agreement: Agreement, terms: Terms, first: date, last: date, days: Days, *, until: date | None = None
) -> tuple[Verdict, ...]:
    """How each level stood in the agreement's period of these days; or in each of its own periods that ended in it, or
    ran at its end. `until`: of a period that runs on, nothing is looked at that came after this day.
    """
    found = []
    for one in agreement.levels:
        if one.period in {None, agreement.period}:
            found.append(judge(one, days(first, last + ONE_DAY), terms))
            continue
        for own in one.period.within(first, until or last):
            evidence = known_by(days, *own, until)
            found.append(replace(judge(one, evidence, terms), span=(own[0], min(own[1], until or own[1]))))
    return tuple(found)


def known_by(days: Days, first: date, last: date, until: date | None) -> Evidence:
    """What is known of a period by the end of a day; its service days are those of the whole."""
    whole = days(first, last + ONE_DAY)
    if until is None or until >= last:
        return whole
    return replace(days(first, until + ONE_DAY), service_days=whole.service_days)


def frozen_of(agreement: Agreement, terms: Terms, first: date, last: date, days: Days) -> Frozen:
    """All that is kept of a period: its levels judged by what `days` tells, and by what each was."""
    verdicts = judged(agreement, terms, first, last, days, until=last)
    parts = tuple(
        Part(period, *own, needed(known_by(days, own[0], period.around(own[0])[1] - ONE_DAY, last), promises))
        for (period, own), promises in _own(verdicts).items()
    )
    return Frozen(agreement, terms, days(first, last + ONE_DAY), verdicts, parts)


def _own(verdicts: Iterable[Verdict]) -> dict[tuple[Period, tuple[date, date]], list[Promise]]:
    """The levels that are judged by the same period of their own."""
    found: dict[tuple[Period, tuple[date, date]], list[Promise]] = {}
    for one in verdicts:
        if one.span is not None and one.promise.period is not None:
            found.setdefault((one.promise.period, one.span), []).append(one.promise)
    return found


def _of_row(row: ClosedPeriod) -> Closed:
    return Closed(row.closed_at, row.seal, restored(row.kept), row.first, row.last, row.version, row.reason)


def _close(session: Session, *, contract_id: int, read: Read) -> int:
    now = clock.now(session)
    versions = queries.agreements(session, frozenset({contract_id}))
    done = done_of(session, contract_id)
    made = 0
    for first, last in due(versions, now, done):
        for ente_id in (None, *sorted(coverage(session)[contract_id])):
            if ente_id not in done.get((first, last), ()):
                frozen = frozen_now(session, contract_id, first, last, read(session, contract_id, ente_id))
                row = {"contract_id": contract_id, "ente_id": ente_id, "first": first, "last": last, "closed_at": now}
                kept = insert(ClosedPeriod).values(**row, seal=seal(frozen), kept=stored(frozen))
                made += len(session.execute(kept.on_conflict_do_nothing().returning(ClosedPeriod.id)).all())
    return made


def done_of(session: Session, contract_id: int) -> dict[tuple[date, date], set[int | None]]:
    """The closed periods of a contract: of which enti each is, and (none) of the whole."""
    found: dict[tuple[date, date], set[int | None]] = {}
    for first, last, ente_id in session.execute(
        select(ClosedPeriod.first, ClosedPeriod.last, ClosedPeriod.ente_id)
        .where(ClosedPeriod.contract_id == contract_id)
        .distinct()
    ):
        found.setdefault((first, last), set()).add(ente_id)
    return found


def frozen_now(session: Session, contract_id: int, first: date, last: date, days: Days) -> Frozen:
    """The same as it is known now, by what was promised when the period ended."""
    agreement = queries.agreement(session, contract_id, last)
    assert agreement is not None
    terms = terms_in_force(queries.terms(session, contract_id), start_of_day(last))
    return frozen_of(agreement, terms, first, last, days)


def due(
    versions: tuple[Agreement, ...], now: datetime, done: Collection[tuple[date, date]] = ()
) -> Iterator[tuple[date, date]]:
    """The first and last days of the periods that are closed by now, or about to be: the latest that have settled, by
    the agreement in force as each ended; and, however long nobody was there to close it, each since the first of those
    `done` that is not among them. Pure.
    """
    day, begun = business_day(now), min((first for first, _ in done), default=None)
    looked = 0
    while looked < LOOKED_BACK or (begun is not None and day >= begun):
        current = in_force(versions, day)
        if current is None:
            return
        first, after = current.period.around(day)
        lately = looked < LOOKED_BACK
        if start_of_day(after) + SETTLED <= now and (lately or (first, after - ONE_DAY) not in done):
            yield first, after - ONE_DAY
        day = first - ONE_DAY
        looked += 1
