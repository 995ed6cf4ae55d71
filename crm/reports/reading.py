"""Reading a report's figures: the one place from which page, files and API have them.

Hours come from the counters folded by the hour, days from what was kept when the contract's periods were closed.
"""

from collections.abc import Callable
from datetime import date, timedelta
from functools import reduce
from operator import or_

from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.clock import start_of_day
from crm.enti import closure_queries as closures
from crm.enti import queries as enti
from crm.levels import queries
from crm.levels.closing import Closed, Days, closed_within
from crm.levels.frozen import differences
from crm.levels.hours import by_hour
from crm.levels.judgement import Evidence, judge_all, penalties
from crm.levels.metering import Spread
from crm.levels.models import RemarkState
from crm.levels.remarks import left_out, remarks
from crm.levels.terms import in_force as terms_in_force
from crm.reports.due import Span
from crm.reports.report import (
    Account,
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

ONE_DAY = timedelta(days=1)


def read(
    session: Session, contract_id: int, ente_id: int | None, span: Span, days: Days, *, turn: Callable[[], None]
) -> Report:
    """The report on a period of an ente's, or of a whole contract's, as it is known now.

    The session must be a snapshot that sees the whole contract. `days` tells what is known of days; `turn` is called
    after every two days whose calls had to be gone through, which takes long where there are many.
    """
    of_hours = hours(session, contract_id, ente_id, span.first, span.after, facts=True, turn=turn)
    spread = reduce(or_, (one.spread for one in of_hours if one.spread), Spread())
    closed = closed_within(session, contract_id, span.first, span.last, ente_id=ente_id)
    evidence, now = _evidence(span, closed, days), days(span.first, span.after)
    of_days = days_of(evidence)
    return Report(
        contract_id=contract_id, contract=enti.contract_name(session, contract_id), ente_id=ente_id,
        ente="" if ente_id is None else enti.badges(session)[ente_id].name, period=span.period, first=span.first,
        last=span.last,
        made_at=clock.now(session),
        terms=terms_in_force(queries.terms(session, contract_id), start_of_day(span.last)),
        head=head(total(of_days), spread),
        levels=_levels(session, contract_id, span, closed, evidence),
        accounts=tuple(_account(session, contract_id, ente_id, one) for one in closed),
        interruptions=_interruptions(session, contract_id, ente_id, span),
        service_days=len(evidence.service_days), promised_min=_minutes(evidence.promised),
        failed_min=_minutes(evidence.failed), days=of_days,
        hours=of_hours,
        changed=tuple(differences(evidence, now)),
    )  # fmt: skip


def hours(
    session: Session, contract_id: int, ente_id: int | None, first: date, after: date,
    *, facts: bool = False, turn: Callable[[], None] = lambda: None,
) -> tuple[Hour, ...]:  # fmt: skip
    """The calls of an ente, or of all, by hour and kind of caller; hours without calls left out.

    With `facts`, extremes that are unsettled are read from them: see `by_hour`.
    """
    found = by_hour(session, contract_id, ente_id, start_of_day(first), start_of_day(after), facts=facts, turn=turn)
    return tuple(Hour(one.start, one.callers, one.counts, one.spread) for one in found)


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


def _account(session: Session, contract_id: int, ente_id: int | None, one: Closed) -> Account:
    said = {
        key: mine
        for key, some in remarks(session, contract_id, one.first, one.last + ONE_DAY).items()
        if (mine := [remark for remark in some if ente_id in {None, remark.ente_id}])
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


def _interruptions(session: Session, contract_id: int, ente_id: int | None, span: Span) -> tuple[Interruption, ...]:
    rows = closures.closed(session, contract_id, since=start_of_day(span.first), until=start_of_day(span.after))
    return tuple(
        Interruption(
            row.starts_at, row.ends_at, row.agreed_from is not None, " · ".join(filter(None, (row.number, row.reason)))
        )
        for row in closures.concerning(rows, ente_id, enti.enti_of(session, contract_id))
    )


def _minutes(length: timedelta) -> int:
    return round(length.total_seconds() / 60)
