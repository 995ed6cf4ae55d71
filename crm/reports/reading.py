"""Reading a report's figures: the one place from which page, files and API have them.

Hours come from the counters folded by the hour, days from what was kept when the contract's periods were closed.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import reduce
from operator import or_

from sqlalchemy.orm import Session

from crm.continuity import account
from crm.continuity import queries as continuity
from crm.core import clock
from crm.core.clock import start_of_day
from crm.enti import closure_queries as closures
from crm.enti import queries as enti
from crm.enti.downtime import Spell
from crm.levels import later, queries
from crm.levels.agreement import Period, Promise, in_force
from crm.levels.behind import behind
from crm.levels.closing import ONE_DAY, Closed, Days, closed_within, known_by
from crm.levels.closing import closed as levels_closed
from crm.levels.hours import by_hour
from crm.levels.judgement import judge
from crm.levels.known import Evidence
from crm.levels.metering import Spread
from crm.levels.models import RemarkState
from crm.levels.penalties import penalties
from crm.levels.remarks import left_out, remarks
from crm.levels.terms import in_force as terms_in_force
from crm.levels.verdicts import Verdict
from crm.reports.due import Span
from crm.reports.report import (
    Account,
    Hour,
    Interruption,
    Level,
    Over,
    Owed,
    Report,
    Uptime,
    days_of,
    head,
    joined,
    level,
    level_in,
    minutes,
    over,
    stop,
    total,
)

FoundShut = Callable[[Session, int, int | None, datetime, datetime], int]  # of a contract, of an ente, in a period


def read(
    session: Session, contract_id: int, ente_id: int | None, span: Span, days: Days, *, turn: Callable[[], None],
    found_shut: FoundShut | None = None,
) -> Report:  # fmt: skip
    """The report on a period of an ente's, or of a whole contract's, as it is known now.

    The session must be a snapshot that sees the whole contract. `days` tells what is known of days; `turn` is called
    after every two days whose calls had to be gone through, which takes long where there are many. `found_shut` tells
    how many called numbers that were closed.
    """
    at = start_of_day(span.first), start_of_day(span.after)
    of_hours = hours(session, contract_id, ente_id, span.first, span.after, facts=True, turn=turn)
    spread = reduce(or_, (one.spread for one in of_hours if one.spread), Spread())
    closed = closed_within(session, contract_id, span.first, span.last, ente_id=ente_id)
    evidence = _evidence(span, closed, days)
    since = [later.changes(session, contract_id, ente_id, one, days(one.first, one.last + ONE_DAY)) for one in closed]
    of_days = days_of(evidence)
    accounts = [_account(session, contract_id, ente_id, one) for one in closed]
    own = uptime(session, contract_id, ente_id, span.first, span.after)
    return Report(
        contract_id=contract_id, contract=enti.contract_name(session, contract_id), ente_id=ente_id,
        ente="" if ente_id is None else enti.badges(session)[ente_id].name, period=span.period, first=span.first,
        last=span.last,
        made_at=clock.now(session),
        terms=terms_in_force(queries.terms(session, contract_id), start_of_day(span.last)),
        head=head(total(of_days), spread),
        levels=_levels(session, contract_id, ente_id, span, days),
        accounts=tuple(told for told, _ in accounts),
        interruptions=closures_of(session, contract_id, ente_id, span.first, span.after),
        service_days=len(evidence.service_days), promised_min=_minutes(evidence.promised),
        failed_min=_minutes(evidence.failed), days=of_days,
        hours=of_hours,
        changed=tuple(one for some in since for one in some.of_days),
        shifted=tuple(one for some in since for one in some.of_period),
        over=tuple(one for _, some in accounts for one in some),
        stops=None if own is None else own.stops, interrupted_min=None if own is None else own.interrupted_min,
        found_shut=None if found_shut is None else found_shut(session, contract_id, ente_id, *at),
    )  # fmt: skip


def uptime(session: Session, contract_id: int, ente_id: int | None, first: date, after: date) -> Uptime | None:
    """What the system measured on itself in some days, the earliest interruption first; none where it did not yet."""
    begun, period = continuity.measured_since(session), Spell(start_of_day(first), start_of_day(after))
    if begun is None or begun >= min(period.ends_at, clock.now(session)):
        return None
    known = account.known(session, contract_id, ente_id, period)
    hours, pages = account.minutes(session, known, period), account.pages(session, known, period)
    return Uptime(
        begun, minutes(hours.promised), minutes(hours.interrupted),
        {cause: minutes(lost) for cause, lost in hours.lost.items()}, minutes(pages.promised),
        minutes(pages.interrupted), tuple(stop(one) for one in reversed(account.rows(session, known, period))),
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


def _levels(session: Session, contract_id: int, ente_id: int | None, span: Span, days: Days) -> tuple[Level, ...]:
    """Each level in its periods, its contract's or its own, that end in the report's days or run at their end.

    A period that was closed stands as it was closed; the others are judged by what is known of them by the report's
    last day.
    """
    versions = queries.agreements(session, frozenset({contract_id}))
    told = queries.terms(session, contract_id)
    closed: dict[tuple[date, date], Closed | None] = {}
    found: list[Level] = []
    for period, (first, last) in _periods(span):
        until = min(last, span.last)
        agreement = in_force(versions, until)
        if agreement is None:
            continue
        around = agreement.period.around(until)
        whole = around[0], around[1] - ONE_DAY  # with whose closing this period's levels were judged
        if whole not in closed:
            over_by_then = whole[1] <= span.last
            closed[whole] = levels_closed(session, contract_id, *whole, ente_id=ente_id) if over_by_then else None
        terms = terms_in_force(told, start_of_day(until))
        for promise in agreement.levels:
            if (promise.period or agreement.period) is period:
                verdict = _kept(closed[whole], promise, (first, until)) or judge(
                    promise, known_by(days, first, last, until), terms
                )
                found.append(level(verdict, period, first, until))
    current = in_force(versions, span.last)
    places = [one.key for one in current.levels] if current else []
    return tuple(sorted(found, key=lambda one: (_place(one, places), one.last or span.last)))


def _place(one: Level, places: list[tuple[str, str, str]]) -> int:
    """Where a level stands in the agreement; those that are promised no more come last."""
    key = one.metric, one.callers or "", one.service
    return places.index(key) if key in places else len(places)


def _periods(span: Span) -> list[tuple[Period, tuple[date, date]]]:
    """The months, quarters and years that end in a span, or run at its end, the earliest end first."""
    found = [(period, one) for period in Period for one in period.within(span.first, span.last)]
    return sorted(found, key=lambda one: (min(one[1][1], span.last), one[1][0]))


def _kept(kept: Closed | None, promise: Promise, days: tuple[date, date]) -> Verdict | None:
    """How a level stood in these days, as it was closed."""
    if kept is None:
        return None
    period = kept.frozen.agreement.period
    for one in kept.frozen.verdicts:
        if one.promise.key == promise.key:
            was = level_in(one, period, kept.first, kept.last)
            if (was.first, was.last) == days:
                return one
    return None


def _account(
    session: Session, contract_id: int, ente_id: int | None, one: Closed
) -> tuple[Account, list[Over]]:  # fmt: skip
    """What is owed for a closed period, and what stands behind it."""
    said = {
        key: mine
        for key, some in remarks(session, contract_id, one.first, one.last + ONE_DAY).items()
        if (mine := [remark for remark in some if ente_id in {None, remark.ente_id}])
    }
    agreement, verdicts = one.frozen.agreement, one.frozen.verdicts
    out, states = left_out(said, verdicts), [remark.state for some in said.values() for remark in some]
    owed = penalties(agreement, verdicts, excluded=out)
    told = Account(
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
    return told, [over(each, one.first, one.last) for each in behind(agreement, verdicts, said)]


def closures_of(
    session: Session, contract_id: int, ente_id: int | None, first: date, after: date
) -> tuple[Interruption, ...]:  # fmt: skip
    """When the lines of an ente, or of all, were closed in some days that were to be open."""
    rows = closures.closed(session, contract_id, since=start_of_day(first), until=start_of_day(after))
    return tuple(
        Interruption(
            row.starts_at, row.ends_at, row.agreed_from is not None, " · ".join(filter(None, (row.number, row.reason)))
        )
        for row in closures.concerning(rows, ente_id, enti.enti_of(session, contract_id))
    )


def _minutes(length: timedelta) -> int:
    return round(length.total_seconds() / 60)
