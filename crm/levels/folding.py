"""Folding the deltas into the counters, and reading the extremes of an hour from its facts where they were lost.

A delta that adds one answered call, or one conversation, tells how long it took: minima and maxima fold as sums do.
What is taken back again (a call turns out to be about another ente, its caller waits once more) leaves the sums right,
but not them: its hour is *unsettled*, and read from the facts again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, bindparam, case, delete, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from crm.core.db import Database, Scope, table_of
from crm.core.each import total_of_each
from crm.enti.queries import coverage
from crm.levels.metering import MEASURES, Account, Callers, Spread, hour_of, spread
from crm.levels.models import ServiceCount, ServiceDelta, ServiceHour
from crm.levels.tracing import replayed


@dataclass(frozen=True, slots=True)
class Extreme:
    """How a column of extremes folds: of many rows, of two values; and of which measures a delta tells one."""

    of: Callable[[Any], ColumnElement[Any]]
    both: Callable[[Any, Any], ColumnElement[Any]]
    count: str
    total: str


EXTREMES: Mapping[str, Extreme] = MappingProxyType(
    {
        "shortest_talk_ms": Extreme(func.min, func.least, "handled", "talk_ms"),
        "longest_talk_ms": Extreme(func.max, func.greatest, "handled", "talk_ms"),
        "shortest_wait_ms": Extreme(func.min, func.least, "answered", "wait_ms"),
        "longest_wait_ms": Extreme(func.max, func.greatest, "answered", "wait_ms"),
    }
)
SETTLED_AT_ONCE = timedelta(days=1)
MOST_SETTLED = 10  # times so much in one turn, of each contract
Place = tuple[datetime, int, int, Callers]  # an hour's key without its contract; 0 is an ente or a queue not known

_COUNTS, _HOURS = table_of(ServiceCount), table_of(ServiceHour)


def fold(session: Session, *, limit: int = 5_000) -> set[datetime]:
    """Move unfolded deltas into the counters by quarter hour and by hour; returns the hours that changed.

    One statement: a delta is either still there or already counted, never both and never neither.
    """
    doomed = select(ServiceDelta.id).order_by(ServiceDelta.id).limit(limit).with_for_update(skip_locked=True)
    moved = delete(ServiceDelta).where(ServiceDelta.id.in_(doomed)).returning(ServiceDelta).cte("moved")

    def summed(instant: Any, *more: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
        keys = [
            moved.c.contract_id, instant, func.coalesce(moved.c.ente_id, 0), func.coalesce(moved.c.queue_id, 0),
            moved.c.callers,
        ]  # fmt: skip
        return select(*keys, *(func.sum(moved.c[name]) for name in MEASURES), *more).group_by(*keys)

    extremes = [one.of(told(moved.c, one)) for one in EXTREMES.values()]
    hour = summed(func.date_trunc("hour", moved.c.quarter), *extremes, func.bool_or(takes_back(moved.c)))
    quarters = add_to(_COUNTS, summed(moved.c.quarter)).returning(true()).cte("quarters")
    hours = add_to(_HOURS, hour, extremes=True).returning(_HOURS.c.hour)
    return set(session.execute(hours.add_cte(quarters)).scalars())


def add_to(table: Table, source: Select[*tuple[Any, ...]], *, extremes: bool = False) -> Insert:
    """Add figures to the counters of a table; its key comes first in `source`, then the measures.

    With `extremes`, they follow, and whether something was taken back.
    """
    key = [column.name for column in table.primary_key]
    more = [*EXTREMES, "unsettled"] if extremes else []
    added = upsert(table).from_select([*key, *MEASURES, *more], source, include_defaults=False)
    values: dict[str, ColumnElement[Any]] = {name: table.c[name] + added.excluded[name] for name in MEASURES}
    if extremes:
        for name, one in EXTREMES.items():
            values[name] = one.both(table.c[name], added.excluded[name])
        values["unsettled"] = or_(table.c.unsettled, added.excluded.unsettled)
    return added.on_conflict_do_update(index_elements=key, set_=values)


def told(columns: Any, extreme: Extreme) -> ColumnElement[Any]:
    """How long the call of a delta took, where it adds just one."""
    return case((columns[extreme.count] == 1, columns[extreme.total]))


def takes_back(columns: Any) -> ColumnElement[bool]:
    """Whether a delta does anything else to the durations than to add one; several are those of imported calls."""
    pairs = dict.fromkeys((one.count, one.total) for one in EXTREMES.values())
    return or_(*(case((columns[count] == 0, columns[total] != 0), else_=columns[count] != 1) for count, total in pairs))


def settle_all(database: Database) -> int:
    """Settle what is unsettled, the latest first; how many hours of a place that were."""
    with database.begin(Scope.nothing()) as session:
        contracts = sorted(coverage(session))
    return total_of_each(contracts, partial(_settle_some, database))


def _settle_some(database: Database, contract_id: int) -> int:
    done = 0
    for _ in range(MOST_SETTLED):
        settled = database.transact(Scope.of_contract(contract_id), partial(settle, contract_id=contract_id))
        if not settled:
            break
        done += settled
    return done


def settle(session: Session, *, contract_id: int) -> int:
    """Read the extremes of the latest unsettled day from the facts again; how many hours of a place that were.

    The rows are locked first: what is folded later is folded into what was read.
    """
    unsettled = _HOURS.c.contract_id == contract_id, _HOURS.c.unsettled
    last = session.scalar(select(func.max(_HOURS.c.hour)).where(*unsettled))
    if last is None:
        return 0
    until = last + timedelta(hours=1)
    since = until - SETTLED_AT_ONCE
    key = [_HOURS.c.hour, _HOURS.c.ente_id, _HOURS.c.queue_id, _HOURS.c.callers]
    locked = select(*key).where(*unsettled, _HOURS.c.hour >= since, _HOURS.c.hour < until)
    places: list[Place] = [tuple(row) for row in session.execute(locked.order_by(*key).with_for_update())]
    if places:
        found = spreads(session, contract_id, since, until)
        write(session, contract_id, {place: found.get(place, Spread()) for place in places})
    return len(places)


def spreads(
    session: Session, contract_id: int, since: datetime, until: datetime, *, ente_id: int | None = None
) -> dict[Place, Spread]:
    """The extremes of the hours of a period, by the facts."""
    found: dict[Place, Spread] = {}
    for one in replayed(session, contract_id, since, until, ente_id=ente_id):
        place = place_of(one.account)
        found[place] = found.get(place, Spread()) | spread(one.counts)
    return found


def write(session: Session, contract_id: int, found: Mapping[Place, Spread]) -> None:
    """Write the extremes of some hours of a place, whatever they were; they are settled then."""
    each = [
        {
            "contract": contract_id, "at": hour, "ente": ente_id, "queue": queue_id, "by": callers,
            "shortest_talk_ms": one.talk.shortest_ms, "longest_talk_ms": one.talk.longest_ms,
            "shortest_wait_ms": one.wait.shortest_ms, "longest_wait_ms": one.wait.longest_ms,
        }
        for (hour, ente_id, queue_id, callers), one in found.items()
    ]  # fmt: skip
    session.connection().execute(_WRITE, each)


def place_of(account: Account) -> Place:
    """Under which hour's counters a call is."""
    return hour_of(account.quarter), account.ente_id or 0, account.queue_id or 0, account.callers


_WRITE = (
    update(_HOURS)
    .where(
        _HOURS.c.contract_id == bindparam("contract"), _HOURS.c.hour == bindparam("at"),
        _HOURS.c.ente_id == bindparam("ente"), _HOURS.c.queue_id == bindparam("queue"),
        _HOURS.c.callers == bindparam("by"),
    )
    .values(unsettled=False, **{name: bindparam(name) for name in EXTREMES})
)  # fmt: skip
