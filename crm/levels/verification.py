"""The proof of the counters: computed again from the facts, they are the same."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from sqlalchemy import Table, exists, func, select, union_all, values
from sqlalchemy.orm import Session

from crm.core.db import table_of
from crm.levels import queries, service
from crm.levels.metering import MEASURES, Account, Callers, Counts, FactKind, Told, contribution, hour_of, replay
from crm.levels.models import ServiceCount, ServiceDelta, ServiceFact, ServiceHour
from crm.levels.terms import Terms, in_force

AT_ONCE = 10_000  # facts on their way from the database

_FACT, _DELTAS = table_of(ServiceFact), table_of(ServiceDelta)
_COUNTS, _HOURS = table_of(ServiceCount), table_of(ServiceHour)
_TOLD = tuple(
    _FACT.c[name] for name in ("kind", "occurred_at", "contract_id", "ente_id", "queue_id", "callers", "waited_ms")
)


@dataclass(frozen=True, slots=True)
class Key:
    """One counter: of a quarter hour or of an hour. Zero stands for an ente or a queue not known."""

    at: datetime
    ente_id: int
    queue_id: int
    callers: Callers


@dataclass(frozen=True, slots=True)
class Difference:
    """A counter that does not say what the facts say."""

    by_hour: bool
    key: Key
    stored: Counts
    true: Counts


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of computing the counters again."""

    calls: int
    counters: int
    differences: tuple[Difference, ...]


def verify(session: Session, contract_id: int, since: datetime, until: datetime) -> Verdict:
    """Compare the counters of the calls that arrived in a period of whole hours with what their facts make of them.

    The session must be a snapshot (`Database.snapshot`): facts and counters are read one after the other. Only what
    its scope covers is compared.
    """
    quarters: dict[Key, Counts] = {}
    calls = 0
    versions = queries.terms(session, contract_id)
    for account, counts in replayed(session, contract_id, since, until, versions):
        calls += 1
        key = Key(account.quarter, account.ente_id or 0, account.queue_id or 0, account.callers)
        quarters[key] = quarters.get(key, Counts()) + counts
    hours: dict[Key, Counts] = {}
    for key, counts in quarters.items():
        hour = Key(hour_of(key.at), key.ente_id, key.queue_id, key.callers)
        hours[hour] = hours.get(hour, Counts()) + counts
    differences = [
        Difference(by_hour, key, stored.get(key, Counts()), true.get(key, Counts()))
        for by_hour, table, true in ((False, _COUNTS, quarters), (True, _HOURS, hours))
        for stored in (_stored(session, table, contract_id, since, until),)
        for key in sorted(stored.keys() | true.keys(), key=attrgetter("at", "ente_id", "queue_id", "callers"))
        if stored.get(key, Counts()) != true.get(key, Counts())
    ]
    return Verdict(calls, len(quarters) + len(hours), tuple(differences))


def correct(session: Session, contract_id: int, verdict: Verdict) -> None:
    """Bring the counters to what the facts say, in the snapshot in which the verdict was found."""
    for by_hour, table in ((False, _COUNTS), (True, _HOURS)):
        wrong = [one for one in verdict.differences if one.by_hour is by_hour]
        names = [column.name for column in table.primary_key]
        for one in wrong:
            key = (contract_id, one.key.at, one.key.ente_id, one.key.queue_id, one.key.callers)
            columns = [table.c[name] for name in (*names, *MEASURES)]
            row = values(*columns, name="wrong").data([(*key, *(one.true - one.stored).values)])
            session.execute(service.add_to(table, select(*row.c)))


def replayed(
    session: Session, contract_id: int, since: datetime, until: datetime, versions: Iterable[Terms],
    *, ente_id: int | None = None,
) -> Iterator[tuple[Account, Counts]]:  # fmt: skip
    """Each call that arrived in a period: where it counts, and what it adds there. By its facts alone.

    With an ente, those that count for it.
    """
    received = select(_FACT.c.subject).where(
        _FACT.c.contract_id == contract_id, _FACT.c.kind == FactKind.RECEIVED, _FACT.c.occurred_at >= since,
        _FACT.c.occurred_at < until,
    )  # fmt: skip
    if ente_id is not None:
        its = _FACT.alias("its")
        received = received.where(exists().where(its.c.subject == _FACT.c.subject, its.c.ente_id == ente_id))
    rows = session.execute(
        select(_FACT.c.subject, *_TOLD)
        .where(_FACT.c.subject.in_(received))
        .order_by(_FACT.c.subject, _FACT.c.id)
        .execution_options(yield_per=AT_ONCE)
    )
    for _, facts in groupby(rows, key=attrgetter("subject")):
        stands = replay(Told(*fact[1:]) for fact in facts)
        if stands is not None:
            account, call = stands
            if ente_id is None or account.ente_id == ente_id:
                yield account, contribution(call, in_force(versions, account.quarter))


def _stored(
    session: Session, table: Table, contract_id: int, since: datetime, until: datetime
) -> Mapping[Key, Counts]:  # fmt: skip
    """The counters of a table with the deltas not yet folded; those that are zero left out."""
    deltas = func.date_trunc("hour", _DELTAS.c.quarter) if table is _HOURS else _DELTAS.c.quarter
    parts = [
        select(
            at.label("at"), func.coalesce(one.c.ente_id, 0).label("ente_id"),
            func.coalesce(one.c.queue_id, 0).label("queue_id"), one.c.callers, *(one.c[name] for name in MEASURES),
        ).where(one.c.contract_id == contract_id, column >= since, column < until)
        for one, column, at in (
            (table, *2 * (table.c.hour if table is _HOURS else table.c.quarter,)),
            (_DELTAS, _DELTAS.c.quarter, deltas),
        )
    ]  # fmt: skip
    rows = union_all(*parts).subquery()
    key = (rows.c.at, rows.c.ente_id, rows.c.queue_id, rows.c.callers)
    found = session.execute(select(*key, *(func.sum(rows.c[name]) for name in MEASURES)).group_by(*key))
    counted = {Key(*row[:4]): Counts(*(int(value) for value in row[4:])) for row in found}
    return {key: counts for key, counts in counted.items() if counts}


def whole_hours(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    """The period, widened to whole hours."""
    end = hour_of(until)
    return hour_of(since), end if end == until else end + timedelta(hours=1)
