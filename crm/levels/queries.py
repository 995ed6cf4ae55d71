"""Reading the counters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any

from sqlalchemy import ARRAY, BigInteger, DateTime, Select, bindparam, func, select, tuple_, union_all
from sqlalchemy.orm import Session

from crm.core.configuration import kept
from crm.core.db import table_of
from crm.enti.models import ContractLevel
from crm.levels.metering import MEASURES, Counts
from crm.levels.models import ServiceCount, ServiceDelta


@dataclass(frozen=True, slots=True)
class Promise:
    """A level of a contract, as it was agreed."""

    contract_id: int
    metric: str
    op: str
    target: Decimal
    threshold_s: Decimal | None


@kept
def promises(session: Session, contract_ids: frozenset[int]) -> tuple[Promise, ...]:
    """The levels of these contracts."""
    rows = session.execute(
        select(
            ContractLevel.contract_id, ContractLevel.metric, ContractLevel.op, ContractLevel.target,
            ContractLevel.threshold_s,
        )
        .where(ContractLevel.contract_id.in_(contract_ids))
        .order_by(ContractLevel.contract_id, ContractLevel.id)
    )  # fmt: skip
    return tuple(Promise(*row) for row in rows)


@dataclass(frozen=True, slots=True)
class Tally:
    """The counters of some contracts: by (ente, queue), and by hour, hours without calls left out."""

    rows: Mapping[tuple[int | None, int | None], Counts]
    hours: tuple[tuple[datetime, Counts], ...]


def tally_since(session: Session, contract_ids: frozenset[int], since: datetime) -> Tally:
    """The counters of these contracts since an instant; deltas not yet folded included.

    One statement, hence one snapshot: a fold that commits meanwhile counts nothing twice.
    """
    rows: dict[tuple[int | None, int | None], Counts] = {}
    hours: list[tuple[datetime, Counts]] = []
    found = session.execute(_TALLY, {"contracts": sorted(contract_ids), "since": since})
    for is_hour, hour, ente_id, queue_id, *values in found:
        counts = Counts(*(int(value) for value in values))
        if is_hour:
            hours.append((hour, counts))
        else:
            rows[ente_id, queue_id] = counts
    return Tally(rows, tuple(sorted(hours, key=itemgetter(0))))


def _tally() -> Select[*tuple[Any, ...]]:
    parts = [
        select(
            func.date_trunc("hour", table.c.quarter).label("hour"),
            func.nullif(table.c.ente_id, 0).label("ente_id"), func.nullif(table.c.queue_id, 0).label("queue_id"),
            *(table.c[name] for name in MEASURES),
        ).where(
            table.c.contract_id == func.any(bindparam("contracts", type_=ARRAY(BigInteger))),
            table.c.quarter >= bindparam("since", type_=DateTime(timezone=True)),
        )
        for table in (table_of(ServiceCount), table_of(ServiceDelta))
    ]  # fmt: skip
    rows = union_all(*parts).subquery()
    hour, place = rows.c.hour, (rows.c.ente_id, rows.c.queue_id)
    return select(
        func.grouping(rows.c.hour) == 0, hour, *place, *(func.sum(rows.c[name]) for name in MEASURES)
    ).group_by(func.grouping_sets(tuple_(hour), tuple_(*place)))


_TALLY = _tally()
