"""Reading the counters."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session

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


def promises(session: Session, contract_ids: frozenset[int]) -> list[Promise]:
    """The levels of these contracts."""
    rows = session.execute(
        select(
            ContractLevel.contract_id, ContractLevel.metric, ContractLevel.op, ContractLevel.target,
            ContractLevel.threshold_s,
        )
        .where(ContractLevel.contract_id.in_(contract_ids))
        .order_by(ContractLevel.contract_id, ContractLevel.id)
    )  # fmt: skip
    return [Promise(*row) for row in rows]


def counts_since(
    session: Session, contract_ids: frozenset[int], since: datetime
) -> dict[tuple[int | None, int | None], Counts]:
    """The counters of these contracts since an instant, by (ente, queue); deltas not yet folded included.

    One statement, hence one snapshot: a fold that commits meanwhile counts nothing twice.
    """
    parts = [
        select(
            func.nullif(table.ente_id, 0).label("ente_id"), func.nullif(table.queue_id, 0).label("queue_id"),
            *(getattr(table, name) for name in MEASURES),
        ).where(table.contract_id.in_(contract_ids), table.quarter >= since)
        for table in (ServiceCount, ServiceDelta)
    ]  # fmt: skip
    rows = union_all(*parts).subquery()
    sums = [func.sum(rows.c[name]) for name in MEASURES]
    grouped = session.execute(select(rows.c.ente_id, rows.c.queue_id, *sums).group_by(rows.c.ente_id, rows.c.queue_id))
    return {(ente, queue): Counts(*(int(value) for value in values)) for ente, queue, *values in grouped}


def hourly(session: Session, contract_ids: frozenset[int], since: datetime) -> list[tuple[datetime, Counts]]:
    """The counters of these contracts since an instant, hour by hour; hours without calls are left out."""
    parts = [
        select(
            func.date_trunc("hour", table.quarter).label("hour"), *(getattr(table, name) for name in MEASURES)
        ).where(table.contract_id.in_(contract_ids), table.quarter >= since)
        for table in (ServiceCount, ServiceDelta)
    ]
    rows = union_all(*parts).subquery()
    sums = [func.sum(rows.c[name]) for name in MEASURES]
    grouped = session.execute(select(rows.c.hour, *sums).group_by(rows.c.hour).order_by(rows.c.hour))
    return [(hour, Counts(*(int(value) for value in values))) for hour, *values in grouped]
