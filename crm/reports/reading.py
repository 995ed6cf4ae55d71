"""Reading a report's figures: the one place from which page, files and API have them.

Hours come from the counters folded by the hour, days from what was kept when the contract's periods were closed.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from sqlalchemy import BigInteger, DateTime, Select, bindparam, cast, func, select, union_all
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.clock import start_of_day
from crm.enti import closure_queries as closures
from crm.enti import queries as enti
from crm.levels import queries
from crm.levels.closing import Closed, Days, closed_within
from crm.levels.frozen import differences
from crm.levels.judgement import Evidence, judge_all, penalties
from crm.levels.metering import MEASURES, Counts
from crm.levels.models import RemarkState
from crm.levels.queries import BY_HOUR
from crm.levels.remarks import left_out, remarks
from crm.levels.terms import in_force as terms_in_force
from crm.levels.tracing import replayed
from crm.reports.due import Span
from crm.reports.report import (
    Account,
    Extremes,
    Hour,
    Interruption,
    Level,
    Owed,
    Report,
    days_of,
    head,
    joined,
    level,
    total,
)

ONE_DAY, AT_ONCE = timedelta(days=1), timedelta(days=2)


def read(
    session: Session, contract_id: int, ente_id: int, span: Span, days: Days, *, turn: Callable[[], None]
) -> Report:
    """The report on a period of an ente's, as it is known now.

    The session must be a snapshot that sees the whole contract. `days` tells what is known of days; `turn` is called
    after every two days whose calls were gone through, which takes long where there are many.
    """
    closed = closed_within(session, contract_id, span.first, span.last, ente_id=ente_id)
    evidence, now = _evidence(span, closed, days), days(span.first, span.after)
    of_days = days_of(evidence)
    return Report(
        contract_id=contract_id, contract=enti.contract_name(session, contract_id), ente_id=ente_id,
        ente=enti.badges(session)[ente_id].name, period=span.period, first=span.first, last=span.last,
        made_at=clock.now(session),
        terms=terms_in_force(queries.terms(session, contract_id), start_of_day(span.last)),
        head=head(total(of_days), *_extremes(session, contract_id, ente_id, span, turn)),
        levels=_levels(session, contract_id, span, closed, evidence),
        accounts=tuple(_account(session, contract_id, ente_id, one) for one in closed),
        interruptions=_interruptions(session, contract_id, ente_id, span),
        service_days=len(evidence.service_days), promised_min=_minutes(evidence.promised),
        failed_min=_minutes(evidence.failed), days=of_days,
        hours=hours(session, contract_id, ente_id, span.first, span.after),
        changed=tuple(differences(evidence, now)),
    )  # fmt: skip


def hours(session: Session, contract_id: int, ente_id: int, first: date, after: date) -> tuple[Hour, ...]:
    """The ente's calls from a day to before another, by hour and kind of caller; hours without calls left out."""
    values = {
        "contract": contract_id, "ente": ente_id, "since": start_of_day(first), "until": start_of_day(after),
    }  # fmt: skip
    counted = (Hour(hour, callers, Counts(*sums)) for hour, callers, *sums in session.execute(_BY_HOUR, values))
    return tuple(one for one in counted if one.counts)


def _by_hour() -> Select[*tuple[Any, ...]]:
    """Built once: a statement of thirty columns takes longer to write than to answer."""
    parts = [
        select(hour.label("hour"), table.c.callers, *(table.c[name] for name in MEASURES)).where(
            table.c.contract_id == bindparam("contract"), table.c.ente_id == bindparam("ente"),
            at >= bindparam("since", type_=DateTime(timezone=True)),
            at < bindparam("until", type_=DateTime(timezone=True)),
        )
        for table, at, hour in BY_HOUR
    ]  # fmt: skip
    rows = union_all(*parts).subquery()
    by = (rows.c.hour, rows.c.callers)
    sums = (cast(func.sum(rows.c[name]), BigInteger) for name in MEASURES)
    return select(*by, *sums).group_by(*by).order_by(*by)


_BY_HOUR = _by_hour()


def _evidence(span: Span, closed: list[Closed], days: Days) -> Evidence:
    """What was kept of the closed periods, and what is known now of the days between them."""
    parts, first = [], span.first
    for one in closed:
        if first < one.first:
            parts.append(days(first, one.first))
        parts.append(one.frozen.evidence)
        first = one.last + ONE_DAY
    if first < span.after:
        parts.append(days(first, span.after))
    return joined(parts)


def _extremes(
    session: Session, contract_id: int, ente_id: int, span: Span, turn: Callable[[], None]
) -> tuple[Extremes, Extremes]:
    """The shortest and longest conversation and wait: no counter can have them, so each call is looked at."""
    talk, wait = Extremes(), Extremes()
    day = span.first
    while day < span.after:
        until_day = min(day + AT_ONCE, span.after)
        since, until = start_of_day(day), start_of_day(until_day)
        for one in replayed(session, contract_id, since, until, ente_id=ente_id):
            if one.counts.handled:
                talk = talk.and_also(one.counts.talk_ms)
            if one.counts.answered:
                wait = wait.and_also(one.counts.wait_ms)
        day = until_day
        turn()
    return talk, wait


def _levels(
    session: Session, contract_id: int, span: Span, closed: list[Closed], evidence: Evidence
) -> tuple[Level, ...]:
    """As they were closed, where that was done for just these days; else judged by the evidence of these days."""
    for one in closed:
        if (one.first, one.last) == (span.first, span.last):
            return tuple(level(verdict) for verdict in one.frozen.verdicts)
    agreement = queries.agreement(session, contract_id, span.last)
    if agreement is None:
        return ()
    terms = terms_in_force(queries.terms(session, contract_id), start_of_day(span.last))
    return tuple(level(verdict) for verdict in judge_all(agreement.levels, evidence, terms))


def _account(session: Session, contract_id: int, ente_id: int, one: Closed) -> Account:
    said = {
        key: mine
        for key, some in remarks(session, contract_id, one.first, one.last + ONE_DAY).items()
        if (mine := [remark for remark in some if remark.ente_id == ente_id])
    }
    out, states = left_out(said), [remark.state for some in said.values() for remark in some]
    owed = penalties(one.frozen.agreement, one.frozen.verdicts, excluded=out)
    return Account(
        one.first, one.last, one.closed_at, one.seal,
        tuple(
            Owed(
                penalty.promise.metric, penalty.promise.callers, penalty.promise.service, len(penalty.breaches),
                penalty.per_mille, penalty.euro,
            )
            for penalty in owed
        ),
        len(out), states.count(RemarkState.ASKED), states.count(RemarkState.NOTE),
    )  # fmt: skip


def _interruptions(session: Session, contract_id: int, ente_id: int, span: Span) -> tuple[Interruption, ...]:
    rows = closures.closed(session, contract_id, since=start_of_day(span.first), until=start_of_day(span.after))
    return tuple(
        Interruption(row.starts_at, row.ends_at, row.agreed_from is not None, row.reason)
        for row in rows
        if row.ente_id in {None, ente_id}
    )


def _minutes(length: timedelta) -> int:
    return round(length.total_seconds() / 60)
