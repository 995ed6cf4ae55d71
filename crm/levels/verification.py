"""The proof of the counters: computed again from the facts, they are the same."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from operator import attrgetter

from sqlalchemy import func, select, union_all, values
from sqlalchemy.orm import Session

from crm.core.db import table_of
from crm.levels import folding, hours
from crm.levels.metering import MEASURES, NOTHING, Callers, Counts, Spread, hour_of, spread
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
    """A counter that does not say what the facts say. Of an hour, its extremes as well, unless they are unsettled."""

    by_hour: bool
    key: Key
    stored: Counts
    true: Counts
    stored_spread: Spread = NOTHING
    true_spread: Spread = NOTHING


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
    spreads: dict[Key, Spread] = {}
    calls = 0
    for one in replayed(session, contract_id, since, until):
        calls += 1
        key = Key(one.account.quarter, one.account.ente_id or 0, one.account.queue_id or 0, one.account.callers)
        quarters[key] = quarters.get(key, Counts()) + one.counts
        hour = Key(*folding.place_of(one.account))
        spreads[hour] = spreads.get(hour, Spread()) | spread(one.counts)
    by_hour: dict[Key, Counts] = {}
    for key, counts in quarters.items():
        hour = Key(hour_of(key.at), key.ente_id, key.queue_id, key.callers)
        by_hour[hour] = by_hour.get(hour, Counts()) + counts
    differences = _of_quarters(_quarters(session, contract_id, since, until), quarters)
    differences += _of_hours(_hours(session, contract_id, since, until), by_hour, spreads)
    return Verdict(calls, len(quarters) + len(by_hour), tuple(differences))


def correct(session: Session, contract_id: int, verdict: Verdict) -> None:
    """Bring the counters to what the facts say, in the snapshot in which the verdict was found."""
    for by_hour, table in ((False, _COUNTS), (True, _HOURS)):
        wrong = [one for one in verdict.differences if one.by_hour is by_hour]
        names = [column.name for column in table.primary_key]
        for one in wrong:
            key = (contract_id, one.key.at, one.key.ente_id, one.key.queue_id, one.key.callers)
            columns = [table.c[name] for name in (*names, *MEASURES)]
            row = values(*columns, name="wrong").data([(*key, *(one.true - one.stored).values)])
            session.execute(folding.add_to(table, select(*row.c)))
        if by_hour and wrong:
            folding.write(session, contract_id, {astuple(one.key): one.true_spread for one in wrong})


def _of_quarters(stored: Mapping[Key, Counts], true: Mapping[Key, Counts]) -> list[Difference]:
    return [
        Difference(False, key, *both)
        for key in sorted(stored.keys() | true.keys(), key=_order)
        if (both := (stored.get(key, Counts()), true.get(key, Counts()))) and both[0] != both[1]
    ]


def _of_hours(
    stored: Mapping[Key, tuple[Counts, Spread | None]], true: Mapping[Key, Counts], spreads: Mapping[Key, Spread]
) -> list[Difference]:
    found = []
    for key in sorted(stored.keys() | true.keys(), key=_order):
        (was, kept), (counts, spread_) = stored.get(key, (Counts(), Spread())), (
            true.get(key, Counts()), spreads.get(key, Spread())
        )  # fmt: skip
        if was != counts or kept not in {None, spread_}:
            found.append(Difference(True, key, was, counts, spread_ if kept is None else kept, spread_))
    return found


def _quarters(session: Session, contract_id: int, since: datetime, until: datetime) -> dict[Key, Counts]:
    """The counters by quarter hour with the deltas not yet folded; those that are zero left out."""
    parts = [
        select(
            one.c.quarter, func.coalesce(one.c.ente_id, 0).label("ente_id"),
            func.coalesce(one.c.queue_id, 0).label("queue_id"), one.c.callers, *(one.c[name] for name in MEASURES),
        ).where(one.c.contract_id == contract_id, one.c.quarter >= since, one.c.quarter < until)
        for one in (_COUNTS, _DELTAS)
    ]  # fmt: skip
    rows = union_all(*parts).subquery()
    key = (rows.c.quarter, rows.c.ente_id, rows.c.queue_id, rows.c.callers)
    found = session.execute(select(*key, *(func.sum(rows.c[name]) for name in MEASURES)).group_by(*key))
    counted = {Key(*row[:4]): Counts(*(int(value) for value in row[4:])) for row in found}
    return {key: counts for key, counts in counted.items() if counts}


def _hours(
    session: Session, contract_id: int, since: datetime, until: datetime
) -> dict[Key, tuple[Counts, Spread | None]]:
    """The same by the hour, with the extremes; none where they are unsettled."""
    values = {"contract": contract_id, "since": since, "until": until}
    counted = {
        Key(*row[:4]): (Counts(*row[4 : 4 + len(MEASURES)]), None if row.unsettled else hours.spread_of(row))
        for row in session.execute(_BY_PLACE, values)
    }
    return {key: one for key, one in counted.items() if one[0]}


_BY_PLACE = hours.summed(*(hours.COUNTED.c[name] for name in ("hour", "ente_id", "queue_id", "callers")))
_order = attrgetter("at", "ente_id", "queue_id", "callers")


def whole_hours(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    """The period, widened to whole hours."""
    end = hour_of(until)
    return hour_of(since), end if end == until else end + timedelta(hours=1)
