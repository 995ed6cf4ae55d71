"""Reading the counters."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import reduce
from operator import add, itemgetter
from typing import Any

from sqlalchemy import ARRAY, BigInteger, DateTime, Select, bindparam, func, select, tuple_, union_all
from sqlalchemy.orm import Session, aliased

from crm.access.models import User
from crm.core import clock
from crm.core.configuration import kept
from crm.core.db import table_of
from crm.levels.agreement import AGREED_OF_A_LEVEL, Agreement, Promise
from crm.levels.agreement import in_force as agreed
from crm.levels.metering import MEASURES, Callers, Counts, FactKind
from crm.levels.metrics import WAITING_OVER
from crm.levels.models import (
    ContractAgreement,
    ContractLevel,
    ContractTerms,
    ServiceCount,
    ServiceDelta,
    ServiceFact,
    ServiceHour,
)
from crm.levels.terms import USUAL, Terms


@kept
def agreements(session: Session, contract_ids: frozenset[int]) -> tuple[Agreement, ...]:
    """What these contracts promise, every version of it, in the order of contracts and days; the withdrawn left out."""
    heads = session.scalars(
        select(ContractAgreement)
        .where(ContractAgreement.contract_id.in_(contract_ids), ContractAgreement.withdrawn_at.is_(None))
        .order_by(ContractAgreement.contract_id, ContractAgreement.valid_from, ContractAgreement.id)
    ).all()
    levels = _levels(session, contract_ids)
    return tuple(_agreement(head, levels) for head in heads)


@dataclass(frozen=True, slots=True)
class Written:
    """A version of what a contract promises, with who wrote it when, and what became of it.

    `replaced_at`: when another one of the same day took its place; `withdrawn_at`: before its day had come.
    """

    agreement: Agreement
    written_by: str | None  # none: it came with the contract
    written_at: datetime
    replaced_at: datetime | None
    withdrawn_by: str | None
    withdrawn_at: datetime | None


def written(session: Session, contract_id: int) -> list[Written]:
    """Every version that was ever written, the latest day first, and of one day the one written last."""
    writer, withdrawer = aliased(User), aliased(User)
    rows = session.execute(
        select(ContractAgreement, writer.name, withdrawer.name)
        .outerjoin(writer, writer.id == ContractAgreement.written_by)
        .outerjoin(withdrawer, withdrawer.id == ContractAgreement.withdrawn_by)
        .where(ContractAgreement.contract_id == contract_id)
        .order_by(ContractAgreement.valid_from.desc(), ContractAgreement.id.desc())
    ).all()
    levels = _levels(session, frozenset({contract_id}))
    found: list[Written] = []
    for head, by, withdrawn_by in rows:
        later = found[-1] if found and found[-1].agreement.valid_from == head.valid_from else None
        found.append(
            Written(
                _agreement(head, levels), by, head.written_at, later.written_at if later else None, withdrawn_by,
                head.withdrawn_at,
            )
        )  # fmt: skip
    return found


def _levels(session: Session, contract_ids: frozenset[int]) -> dict[int, list[ContractLevel]]:
    """The levels of these contracts, by the version that they belong to."""
    of_these = select(ContractAgreement.id).where(ContractAgreement.contract_id.in_(contract_ids))
    rows = session.scalars(
        select(ContractLevel).where(ContractLevel.agreement_id.in_(of_these)).order_by(ContractLevel.id)
    )
    found: dict[int, list[ContractLevel]] = {}
    for row in rows:
        found.setdefault(row.agreement_id, []).append(row)
    return found


def _agreement(head: ContractAgreement, levels: Mapping[int, list[ContractLevel]]) -> Agreement:
    return Agreement(
        head.contract_id, head.valid_from, head.period,
        tuple(
            Promise(head.contract_id, *(getattr(row, name) for name in AGREED_OF_A_LEVEL))
            for row in levels.get(head.id, ())
        ),
        head.net_value, head.preset, head.id,
    )  # fmt: skip


def agreement(session: Session, contract_id: int, day: date | None = None) -> Agreement | None:
    """What a contract promises on a day, else today; none if it promises nothing."""
    return agreed(agreements(session, frozenset({contract_id})), day or clock.business_day(clock.now(session)))


def promises(session: Session, contract_ids: frozenset[int], day: date | None = None) -> tuple[Promise, ...]:
    """The levels of these contracts on a day, else today."""
    current = (agreement(session, one, day) for one in sorted(contract_ids))
    return tuple(promise for one in current if one is not None for promise in one.levels)


@kept
def terms(session: Session, contract_id: int) -> tuple[Terms, ...]:
    """How this contract's figures are computed, each version from its instant on, the first of all from ever.

    A contract without any has the usual ones, with the threshold of its level where it promises one. Where its first
    version has terms of its own, calls that came before them were measured by the usual ones.
    """
    rows = session.execute(
        select(ContractTerms.agreement_id, *(getattr(ContractTerms, name) for name in Terms.__dataclass_fields__))
        .outerjoin(ContractAgreement, ContractAgreement.id == ContractTerms.agreement_id)
        .where(ContractTerms.contract_id == contract_id, ContractAgreement.withdrawn_at.is_(None))
        .order_by(ContractTerms.valid_from, ContractTerms.id)
    ).all()
    first = next(iter(agreements(session, frozenset({contract_id}))), None)
    levels = first.levels if first is not None and all(row.agreement_id != first.id for row in rows) else ()
    over = next((one.threshold_s for one in levels if one.metric == WAITING_OVER), None)
    usual = USUAL if over is None else replace(USUAL, over_ms=int(over * 1000))
    return (usual, *(Terms(*row[1:]) for row in rows))


def is_counted(session: Session, contract_id: int, since: datetime) -> bool:
    """Whether any call of a contract was counted since the start of an hour."""
    return any(
        session.scalar(select(select(table).where(table.c.contract_id == contract_id, at >= since).exists()))
        for table, at, _ in BY_HOUR
    )


@dataclass(frozen=True, slots=True)
class Tally:
    """The counters of some contracts: by (ente, queue), and by hour, hours without calls left out."""

    rows: Mapping[tuple[int | None, int | None], Counts]
    hours: tuple[tuple[datetime, Counts], ...]


def tally_since(session: Session, contract_ids: frozenset[int], since: datetime) -> Tally:
    """The counters of these contracts since an instant, the start of an hour; deltas not yet folded included.

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


def hours_by_callers(
    session: Session, contract_id: int, hours: Collection[datetime]
) -> dict[datetime, dict[Callers, Counts]]:
    """The counters of some hours, by kind of caller."""
    parts = [
        select(hour.label("hour"), table.c.callers, *(table.c[name] for name in MEASURES)).where(
            table.c.contract_id == contract_id, at >= min(hours), at < max(hours) + clock.HOUR
        )
        for table, at, hour in BY_HOUR
    ]
    rows = union_all(*parts).subquery()
    found: dict[datetime, dict[Callers, Counts]] = {}
    by = (rows.c.hour, rows.c.callers)
    for hour, callers, *values in session.execute(
        select(*by, *(func.sum(rows.c[name]) for name in MEASURES)).group_by(*by)
    ):
        found.setdefault(hour, {})[callers] = Counts(*(int(value) for value in values))
    return found


def quarters_by_callers(session: Session, contract_id: int, since: datetime) -> dict[datetime, dict[Callers, Counts]]:
    """The counters of the quarter hours since an instant, by kind of caller; deltas not yet folded included."""
    parts = [
        select(table.c.quarter, table.c.callers, *(table.c[name] for name in MEASURES)).where(
            table.c.contract_id == contract_id, table.c.quarter >= since
        )
        for table in (_QUARTERS, _DELTAS)
    ]
    rows = union_all(*parts).subquery()
    by = (rows.c.quarter, rows.c.callers)
    found: dict[datetime, dict[Callers, Counts]] = {}
    for quarter, callers, *values in session.execute(
        select(*by, *(func.sum(rows.c[name]) for name in MEASURES)).group_by(*by)
    ):
        found.setdefault(quarter, {})[callers] = Counts(*(int(value) for value in values))
    return found


def by_quarter(
    session: Session, contract_id: int, since: datetime, until: datetime, measures: Collection[str],
    *, ente_id: int | None, queue_id: int | None, callers: Callers | None,
) -> list[tuple[datetime, int]]:  # fmt: skip
    """The quarter hours of a period in which the sum of some measures is not zero, and that sum, in their order;
    deltas not yet folded included. Of an ente, a queue, a kind of caller; none: of all, 0: of those not known.
    """
    parts = []
    for table in (_QUARTERS, _DELTAS):
        of = [
            func.coalesce(column, 0) == wanted
            for column, wanted in ((table.c.ente_id, ente_id), (table.c.queue_id, queue_id))
            if wanted is not None
        ]
        if callers is not None:
            of.append(table.c.callers == callers)
        both = reduce(add, (table.c[name] for name in measures))
        parts.append(
            select(table.c.quarter, both.label("total")).where(
                table.c.contract_id == contract_id, table.c.quarter >= since, table.c.quarter < until, *of
            )
        )
    rows = union_all(*parts).subquery()
    total = func.sum(rows.c.total)
    found = session.execute(
        select(rows.c.quarter, total).group_by(rows.c.quarter).having(total != 0).order_by(rows.c.quarter)
    )
    return [(quarter, int(count)) for quarter, count in found]


def handled_since(session: Session, contract_id: int, queue_id: int, since: datetime) -> Counts:
    """A queue's counters since an instant, to the quarter of an hour; deltas not yet folded included."""
    values = {"contract": contract_id, "queue": queue_id, "since": since}
    return Counts(*(int(one or 0) for one in session.execute(_LATELY, values).one()))


@dataclass(frozen=True, slots=True)
class Announced:
    """A wait that was announced to a caller who was answered, and what he waited from then on; in seconds."""

    queue_id: int
    from_s: int
    to_s: int | None
    waited_s: float


def announced(session: Session, contract_id: int, since: datetime, until: datetime) -> list[Announced]:
    """The waits announced in a period to whoever was answered, with what came true."""
    told, served = aliased(ServiceFact), aliased(ServiceFact)
    rows = session.execute(
        select(told.queue_id, told.announced_from_s, told.announced_s, func.min(served.waited_ms) - told.waited_ms)
        .join(served, (served.subject == told.subject) & (served.kind == FactKind.SERVED) & (served.id > told.id))
        .where(
            told.contract_id == contract_id, told.kind == FactKind.ANNOUNCED, told.announced_from_s.is_not(None),
            told.occurred_at >= since, told.occurred_at < until,
        )
        .group_by(told.id)
        .order_by(told.id)
    )  # fmt: skip
    return [Announced(queue_id or 0, from_s or 0, to_s, ms / 1000) for queue_id, from_s, to_s, ms in rows]


_HOURS, _QUARTERS, _DELTAS = table_of(ServiceHour), table_of(ServiceCount), table_of(ServiceDelta)
BY_HOUR = (  # where the counters are by the hour, folded and not: the table, its instant, the hour of that
    (_HOURS, _HOURS.c.hour, _HOURS.c.hour),
    (_DELTAS, _DELTAS.c.quarter, func.date_trunc("hour", _DELTAS.c.quarter)),
)


def _tally() -> Select[*tuple[Any, ...]]:
    parts = [
        select(
            hour.label("hour"),
            func.nullif(table.c.ente_id, 0).label("ente_id"), func.nullif(table.c.queue_id, 0).label("queue_id"),
            *(table.c[name] for name in MEASURES),
        ).where(
            table.c.contract_id == func.any(bindparam("contracts", type_=ARRAY(BigInteger))),
            at >= bindparam("since", type_=DateTime(timezone=True)),
        )
        for table, at, hour in BY_HOUR
    ]  # fmt: skip
    rows = union_all(*parts).subquery()
    place = (rows.c.ente_id, rows.c.queue_id)
    return select(
        func.grouping(rows.c.hour) == 0, rows.c.hour, *place, *(func.sum(rows.c[name]) for name in MEASURES)
    ).group_by(func.grouping_sets(tuple_(rows.c.hour), tuple_(*place)))


_TALLY = _tally()


def _lately() -> Select[*tuple[Any, ...]]:
    parts = [
        select(*(table.c[name] for name in MEASURES)).where(
            table.c.contract_id == bindparam("contract"), table.c.queue_id == bindparam("queue"),
            table.c.quarter >= bindparam("since", type_=DateTime(timezone=True)),
        )
        for table in (_QUARTERS, _DELTAS)
    ]  # fmt: skip
    rows = union_all(*parts).subquery()
    return select(*(func.sum(rows.c[name]) for name in MEASURES))


_LATELY = _lately()
