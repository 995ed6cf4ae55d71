"""Reading what is known of a contract's period: one place from which screens, files and reports take their figures."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, cast, func, select, union_all
from sqlalchemy.orm import Session

from crm.cases import measured as measured_cases
from crm.continuity import queries as continuity
from crm.continuity import spells
from crm.continuity.models import RunKind
from crm.core import clock
from crm.core.clock import business_day, start_of_day
from crm.enti import closure_queries as closures
from crm.enti import downtime
from crm.enti import queries as enti
from crm.enti.downtime import Spell
from crm.levels.known import AtDesks, Breach, Continuity, Evidence
from crm.levels.metering import MEASURES, Callers, Counts, FactKind
from crm.levels.models import ContractEvent, ContractEventKind, ServiceFact
from crm.levels.queries import BY_HOUR
from crm.turns import queries as turns

PER_CALL = (ContractEventKind.QUEUE_OVER, ContractEventKind.WAIT_OVER)


def of_period(
    session: Session, contract_id: int, first: date, after: date, *, ente_id: int | None = None
) -> Evidence:  # fmt: skip
    """What is known of the days from `first` to before `after`; of one ente's calls alone, if one is named.

    Minutes of service are promised and lost from when the system measures itself: of before, nothing is known.
    """
    timetable = enti.timetable(session, contract_id, ente_id)
    period = Spell(start_of_day(first), start_of_day(after))
    so_far = Spell(period.starts_at, max(period.starts_at, min(clock.now(session), period.ends_at)))
    begun = continuity.measured_since(session) or so_far.ends_at
    measured = Spell(max(so_far.starts_at, min(begun, so_far.ends_at)), so_far.ends_at)
    rows = closures.closed(session, contract_id, since=period.starts_at, until=period.ends_at)
    its = closures.concerning(rows, ente_id, enti.enti_of(session, contract_id))
    stopped, agreed = closures.stops(its, period.ends_at)
    away, not_counted, known = _continuity(session, contract_id, ente_id, so_far, begun)
    stopped, agreed = [*stopped, *away], [*agreed, *not_counted]
    return Evidence(
        service_days=tuple(downtime.service_days(timetable, agreed, period=period)),
        days=_days(session, contract_id, period, ente_id),
        breaches=_breaches(session, contract_id, period, ente_id),
        promised=downtime.promised(timetable, agreed, period=measured),
        failed=downtime.lost(timetable, stopped, agreed, period=measured),
        continuity=known,
        desks=_desks(session, contract_id, first, after, ente_id),
        terms=measured_cases.terms_of_period(session, contract_id, first, after, ente_id=ente_id),
        complaints=measured_cases.complaints_of_period(session, contract_id, first, after, ente_id=ente_id),
    )


def _desks(session: Session, contract_id: int, first: date, after: date, ente_id: int | None) -> AtDesks | None:
    """What happened at the desks of the enti's offices."""
    whose = enti.enti_of(session, contract_id) if ente_id is None else frozenset({ente_id})
    days = turns.counter_days(session, whose, first, after)
    lead = turns.longest_lead(session, whose, first, after)
    if not days and lead is None:
        return None
    return AtDesks(
        {day: one.longest_s for day, one in days.items()}, sum(one.served for one in days.values()),
        sum(one.served_s for one in days.values()), lead, turns.longest_waits(session, whose, first, after),
    )  # fmt: skip


def _continuity(
    session: Session, contract_id: int, ente_id: int | None, so_far: Spell, begun: datetime
) -> tuple[list[Spell], list[Spell], Continuity | None]:  # fmt: skip
    """When nobody of ours was there, what of it the ente agreed not to count, and what the system knows of itself."""
    if begun >= so_far.ends_at:
        return [], [], None
    now, agreed = so_far.ends_at, continuity.not_counted(session, contract_id, ente_id)
    found = continuity.outages(session, since=so_far.starts_at, until=so_far.ends_at)
    counted = [one for one in found if one.id not in agreed]
    left_out = [one.spell(now) for one in found if one.id in agreed]
    measured = Spell(max(begun, so_far.starts_at), so_far.ends_at)
    pages = [one for one in counted if one.cause in spells.OURS]
    own = spells.minutes(spells.ALWAYS, pages, left_out, period=measured, now=now)
    drill = continuity.last_good(session, RunKind.DRILL, before=so_far.ends_at)
    return (
        [one.spell(now) for one in counted],
        left_out,
        Continuity(
            interruptions=tuple(_rounded(one.spell(now).length, 60) for one in counted),
            notices=tuple(_rounded((one.told_at or now) - one.began_at, 3600) for one in counted),
            pages=own.promised,
            pages_failed=own.interrupted,
            restored=None if drill is None else _rounded(timedelta(seconds=drill.detail["seconds"]), 3600),
        ),
    )


def _rounded(length: timedelta, seconds: int) -> Decimal:
    return round(Decimal(length // timedelta(milliseconds=1)) / 1000 / seconds, 3)


def _days(
    session: Session, contract_id: int, period: Spell, ente_id: int | None
) -> dict[date, dict[Callers, Counts]]:  # fmt: skip
    parts = [
        select(
            cast(func.timezone("Europe/Rome", hour), Date).label("day"), table.c.callers,
            *(table.c[name] for name in MEASURES),
        ).where(
            table.c.contract_id == contract_id, at >= period.starts_at, at < period.ends_at,
            *_of_ente(table.c.ente_id, ente_id),
        )
        for table, at, hour in BY_HOUR
    ]  # fmt: skip
    rows = union_all(*parts).subquery()
    by = (rows.c.day, rows.c.callers)
    found: dict[date, dict[Callers, Counts]] = {}
    for day, callers, *values in session.execute(
        select(*by, *(func.sum(rows.c[name]) for name in MEASURES)).group_by(*by)
    ):
        found.setdefault(day, {})[callers] = Counts(*(int(value) for value in values))
    return found


def _breaches(session: Session, contract_id: int, period: Spell, ente_id: int | None) -> tuple[Breach, ...]:
    rows = session.execute(
        select(
            ContractEvent.metric, ContractEvent.subject, ContractEvent.occurred_at, ContractEvent.measured,
            ContractEvent.ente_id, ContractEvent.queue_id,
        )
        .where(
            ContractEvent.contract_id == contract_id, ContractEvent.kind.in_(PER_CALL),
            ContractEvent.withdrawn_at.is_(None), ContractEvent.occurred_at >= period.starts_at,
            ContractEvent.occurred_at < period.ends_at, *_of_ente(ContractEvent.ente_id, ente_id),
        )
        .order_by(ContractEvent.occurred_at, ContractEvent.id)
    ).all()  # fmt: skip
    whose = callers_of(session, {UUID(row.subject) for row in rows})
    return tuple(
        Breach(
            row.metric, row.subject, business_day(row.occurred_at), row.occurred_at, row.measured,
            whose.get(UUID(row.subject), Callers.LANDLINE), row.ente_id, row.queue_id,
        )
        for row in rows
    )  # fmt: skip


def callers_of(session: Session, calls: Collection[UUID]) -> dict[UUID, Callers]:
    """From which kind of telephone these calls came."""
    if not calls:
        return {}
    rows = session.execute(
        select(ServiceFact.subject, ServiceFact.callers)
        .where(ServiceFact.subject.in_(calls), ServiceFact.kind == FactKind.RECEIVED)
        .distinct()
    )
    return dict(rows.all())


def _of_ente(column: Any, ente_id: int | None) -> list[ColumnElement[bool]]:
    return [] if ente_id is None else [column == ente_id]
