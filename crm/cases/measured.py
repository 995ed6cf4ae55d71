"""What contracts promise of cases, as it came: how many days each term took, and the complaints that came in."""

from collections import defaultdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from crm.cases.deadlines import Rest, Span, counting, shown_day, taken
from crm.cases.lifecycle import Outcome, Topic
from crm.cases.models import Case, CasePause, CaseTerm
from crm.core import clock
from crm.core.clock import business_day, start_of_day
from crm.core.db import table_of
from crm.enti.days import Patron
from crm.enti.models import Ente
from crm.levels.known import Complaint, Complaints, TermTaken

_T, _C, _P = table_of(CaseTerm), table_of(Case), table_of(CasePause)


def terms_of_period(
    session: Session, contract_id: int, first: date, after: date, *, ente_id: int | None = None
) -> tuple[TermTaken, ...]:
    """The terms by a contract's levels whose last day is from `first` to before `after`: how many days each took.

    Of what is still owed as many as have passed, once it is late; days by which a term was extended do not count. What
    rests, and what is not wanted any more, is not among them.
    """
    rows = session.execute(
        select(_T, _C.c.ente_id.label("whose"))
        .join(_C, _C.c.id == _T.c.case_id)
        .where(
            *_of(contract_id, ente_id), _T.c.by_contract, _T.c.dropped_at.is_(None),
            _T.c.due_at > start_of_day(first), _T.c.due_at <= start_of_day(after),
        )
        .order_by(_T.c.due_at, _T.c.id)
    ).all()  # fmt: skip
    now = clock.now(session)
    kept = [row for row in rows if row.met_at is not None or row.due_at <= now]
    rests, patrons = _rests(session, {row.case_id for row in kept}), _patrons(session, {row.whose for row in kept})
    return tuple(
        TermTaken(row.id, row.whose, row.source, shown_day(row.due_at), _days(row, patrons[row.whose], rests, now))
        for row in kept
    )


def complaints_of_period(
    session: Session, contract_id: int, first: date, after: date, *, ente_id: int | None = None
) -> Complaints | None:
    """Those that came in from `first` to before `after`, but for those that were withdrawn; none while no case was ever
    registered, when nobody knows.
    """
    began = _C.c.opened_at < start_of_day(after)
    if not session.scalar(select(exists().where(_C.c.contract_id == contract_id, began))):
        return None
    rows = session.execute(
        select(_C.c.id, _C.c.ente_id, _C.c.received_at)
        .where(
            *_of(contract_id, ente_id), _C.c.topic == Topic.COMPLAINT,
            _C.c.outcome.is_distinct_from(Outcome.WITHDRAWN), _C.c.received_at >= start_of_day(first),
            _C.c.received_at < start_of_day(after),
        )
        .order_by(_C.c.received_at, _C.c.id)
    )  # fmt: skip
    return Complaints(tuple(Complaint(row.id, row.ente_id, business_day(row.received_at)) for row in rows))


def _of(contract_id: int, ente_id: int | None) -> list[Any]:
    return [_C.c.contract_id == contract_id, *([] if ente_id is None else [_C.c.ente_id == ente_id])]


def _days(row: Any, patron: Patron, rests: dict[int, list[Rest]], now: datetime) -> int:
    until = business_day(row.met_at or now)
    counts = counting(Span(row.days, row.working), patron)
    passed = taken(business_day(row.since_at), until, counts, rests[row.case_id])
    return max(0, passed - int(row.extended))


def _rests(session: Session, case_ids: set[int]) -> dict[int, list[Rest]]:
    found: dict[int, list[Rest]] = defaultdict(list)
    for row in session.execute(select(_P.c.case_id, _P.c.since_at, _P.c.until_at).where(_P.c.case_id.in_(case_ids))):
        until = business_day(row.until_at) if row.until_at else None
        found[row.case_id].append(Rest(business_day(row.since_at), until))
    return found


def _patrons(session: Session, enti: set[int]) -> dict[int, Patron]:
    rows = session.execute(select(Ente.id, Ente.patron_month, Ente.patron_day).where(Ente.id.in_(enti)))
    return {row.id: (row.patron_month, row.patron_day) for row in rows}
