"""The proof of the counters: computed again from the facts, they are the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter

from sqlalchemy import Table, func, select, union_all, values
from sqlalchemy.orm import Session

from crm.core.db import table_of
from crm.levels import service
from crm.levels.metering import MEASURES, Callers, Counts, hour_of
from crm.levels.models import ServiceCount, ServiceDelta, ServiceHour
from crm.levels.tracing import replayed

_DELTAS, _COUNTS, _HOURS = table_of(ServiceDelta), table_of(ServiceCount), table_of(ServiceHour)


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
    for one in replayed(session, contract_id, since, until):
        calls += 1
        key = Key(one.account.quarter, one.account.ente_id or 0, one.account.queue_id or 0, one.account.callers)
        quarters[key] = quarters.get(key, Counts()) + one.counts
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
