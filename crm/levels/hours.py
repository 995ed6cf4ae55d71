"""A contract's calls by the hour: what reports say of them, and `/api/v1`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, DateTime, Select, Subquery, bindparam, cast, func, select, union_all
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import table_of
from crm.levels import folding
from crm.levels.folding import EXTREMES
from crm.levels.metering import MEASURES, Callers, Counts, Extremes, Spread
from crm.levels.models import ServiceDelta, ServiceHour
from crm.levels.queries import BY_HOUR

READ_AT_ONCE = timedelta(days=2)  # of hours that have to be read from their facts
Key = tuple[datetime, Callers]

_HOURS, _DELTAS = table_of(ServiceHour), table_of(ServiceDelta)


@dataclass(frozen=True, slots=True)
class HourOf:
    """The calls that arrived in one hour, from one kind of telephone, with the extremes of their durations.

    `spread` is none where it is unsettled and the facts were not to be read.
    """

    start: datetime
    callers: Callers
    counts: Counts
    spread: Spread | None


def by_hour(
    session: Session, contract_id: int, ente_id: int | None, since: datetime, until: datetime,
    *, facts: bool, turn: Callable[[], None] = lambda: None,
) -> list[HourOf]:  # fmt: skip
    """The calls of one ente, or of all, in a period of whole hours; hours without calls left out.

    Deltas not yet folded are included. With `facts`, extremes that are unsettled are read from them, in a snapshot that
    sees the whole contract: of a call that came in before its ente was known, an ente sees the end alone. `turn` is
    called after every two days of that.
    """
    values = {"contract": contract_id, "since": since, "until": until}
    statement = _WHOLE if ente_id is None else _OF_ENTE.params(ente=ente_id)
    rows = [row for row in session.execute(statement, values) if any(row[2 : 2 + len(MEASURES)])]
    lost = sorted({row.hour for row in rows if row.unsettled})
    read = dict(_from_facts(session, contract_id, ente_id, lost, turn)) if facts else {}
    unknown = Spread() if facts else None
    return [
        HourOf(
            row.hour, row.callers, Counts(*row[2 : 2 + len(MEASURES)]),
            read.get((row.hour, row.callers), unknown) if row.unsettled else spread_of(row),
        )
        for row in rows
    ]  # fmt: skip


def _from_facts(
    session: Session, contract_id: int, ente_id: int | None, hours: list[datetime], turn: Callable[[], None]
) -> Iterator[tuple[Key, Spread]]:
    """The extremes of some hours, in their order, and of what lies between those that are close together."""
    first = 0
    while first < len(hours):
        after = next((n for n in range(first, len(hours)) if hours[n] >= hours[first] + READ_AT_ONCE), len(hours))
        found: dict[Key, Spread] = {}
        until = hours[after - 1] + clock.HOUR
        for place, one in folding.spreads(session, contract_id, hours[first], until, ente_id=ente_id).items():
            key = place[0], place[3]
            found[key] = found.get(key, Spread()) | one
        yield from found.items()
        first = after
        turn()


def spread_of(row: Any) -> Spread:
    """The extremes in a row of `COUNTED`, or of sums of it."""
    return Spread(
        Extremes(row.shortest_talk_ms, row.longest_talk_ms), Extremes(row.shortest_wait_ms, row.longest_wait_ms)
    )


def _counted() -> Subquery:
    folded = *(_HOURS.c[name] for name in EXTREMES), _HOURS.c.unsettled
    unfolded = (
        *(folding.told(_DELTAS.c, one).label(name) for name, one in EXTREMES.items()),
        folding.takes_back(_DELTAS.c),
    )
    more = (
        (_HOURS.c.ente_id, _HOURS.c.queue_id, folded),
        (func.coalesce(_DELTAS.c.ente_id, 0), func.coalesce(_DELTAS.c.queue_id, 0), unfolded),
    )
    parts = [
        select(
            hour.label("hour"), ente.label("ente_id"), queue.label("queue_id"), table.c.callers,
            *(table.c[name] for name in MEASURES), *extremes,
        ).where(
            table.c.contract_id == bindparam("contract"), at >= bindparam("since", type_=DateTime(timezone=True)),
            at < bindparam("until", type_=DateTime(timezone=True)),
        )
        for (table, at, hour), (ente, queue, extremes) in zip(BY_HOUR, more, strict=True)
    ]  # fmt: skip
    return union_all(*parts).subquery()


def summed(*by: Any) -> Select[*tuple[Any, ...]]:
    """`COUNTED`, its measures and extremes summed up by some of its columns, which come first, then the measures."""
    sums = (cast(func.sum(COUNTED.c[name]), BigInteger).label(name) for name in MEASURES)
    extremes = (one.of(COUNTED.c[name]).label(name) for name, one in EXTREMES.items())
    return select(*by, *sums, *extremes, func.bool_or(COUNTED.c.unsettled).label("unsettled")).group_by(*by)


# The hours of a contract's period, folded or not, with their extremes. Statements of so many columns are built once:
# that takes longer than to answer them.
COUNTED = _counted()
_KEY = COUNTED.c.hour, COUNTED.c.callers
_WHOLE = summed(*_KEY).order_by(*_KEY)
_OF_ENTE = _WHOLE.where(COUNTED.c.ente_id == bindparam("ente"))
