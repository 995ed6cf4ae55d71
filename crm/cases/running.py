"""The terms of a case as they run: begun and met by its steps, rested, recounted."""

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.cases import terms
from crm.cases.deadlines import Rest, Span, due_at, shown_day
from crm.cases.gestionale import patience
from crm.cases.lifecycle import Deed
from crm.cases.models import Case, CasePause, CaseTerm
from crm.core import clock
from crm.enti.days import Patron
from crm.enti.models import Ente
from crm.levels import queries as levels
from crm.levels.agreement import Promise


def patron(session: Session, ente_id: int) -> Patron:
    """The day of an ente's patron saint."""
    found = session.get_one(Ente, ente_id)
    return found.patron_month, found.patron_day


def promised(session: Session, contract_id: int, at: datetime) -> dict[str, Promise]:
    """What the contract promised on the day of an instant, by metric."""
    agreed = levels.agreement(session, contract_id, clock.business_day(at))
    return {one.metric: one for one in agreed.levels} if agreed else {}


def done(session: Session, row: Case, deed: Deed, at: datetime) -> None:
    """A deed was done: what it meets is met, what is due from then on begins to run, and all is counted anew."""
    session.flush()
    for one in open_of(session, row.id):
        if row.closed_at is not None and one.kind not in terms.met_by(row.topic, deed):
            one.dropped_at = at
        elif one.kind in terms.met_by(row.topic, deed):
            one.met_at = at
    since = row.received_at if deed is Deed.OPEN else at
    if row.closed_at is None:
        for agreed in terms.begun_by(
            row.topic, deed, promised(session, row.contract_id, at), surety=row.surety,
            own_days=patience.days(session, row.ente_id),
        ):  # fmt: skip
            met = agreed.kind in terms.met_by(row.topic, deed)
            session.add(
                CaseTerm(
                    ente_id=row.ente_id, case_id=row.id, kind=agreed.kind, days=agreed.span.days,
                    working=agreed.span.working, source=agreed.source, by_contract=agreed.by_contract, extended=0,
                    since_at=since, met_at=at if met else None,
                )
            )  # fmt: skip
    session.flush()
    recount(session, row)


def told_longer(session: Session, row: Case, at: datetime) -> None:
    """He is told that his request takes longer, by us and not because he wants it: whether in time counts once, the
    first time, where the contract says so.
    """
    agreed = _longer(session, row)
    if agreed is not None:
        session.add(
            CaseTerm(
                ente_id=row.ente_id, case_id=row.id, kind=agreed.kind, days=agreed.span.days,
                working=agreed.span.working, source=agreed.source, by_contract=True, extended=0,
                since_at=row.received_at, met_at=at,
            )
        )  # fmt: skip
        session.flush()


def longer_until(session: Session, row: Case) -> date | None:
    """The last day on which he may be told so in time; none where that is not promised, or he was told."""
    agreed = _longer(session, row)
    if agreed is None:
        return None
    due = due_at(row.received_at, agreed.span, patron(session, row.ente_id), rests(session, row.id))
    return shown_day(due) if due else None


def _longer(session: Session, row: Case) -> terms.Agreed | None:
    agreed = terms.longer_told(promised(session, row.contract_id, row.opened_at))
    if agreed is None:
        return None
    was = select(CaseTerm.id).where(CaseTerm.case_id == row.id, CaseTerm.kind == agreed.kind)
    return None if session.scalar(was.limit(1)) is not None else agreed


def open_of(session: Session, case_id: int) -> list[CaseTerm]:
    """The terms that run, or rest."""
    return list(
        session.scalars(
            select(CaseTerm)
            .where(CaseTerm.case_id == case_id, CaseTerm.met_at.is_(None), CaseTerm.dropped_at.is_(None))
            .order_by(CaseTerm.id)
        )
    )


def rests(session: Session, case_id: int) -> list[Rest]:
    """When its terms rested, in days."""
    rows = session.scalars(select(CasePause).where(CasePause.case_id == case_id).order_by(CasePause.id))
    return [
        Rest(clock.business_day(one.since_at), clock.business_day(one.until_at) if one.until_at else None)
        for one in rows
    ]


def recount(session: Session, row: Case) -> None:
    """When each of its terms is over, and which is the first; those that are met are told as well."""
    calendar, rested = patron(session, row.ente_id), rests(session, row.id)
    all_of_them = session.scalars(select(CaseTerm).where(CaseTerm.case_id == row.id)).all()
    for one in all_of_them:
        if one.due_at is None or (one.met_at is None and one.dropped_at is None):
            one.due_at = due_at(one.since_at, Span(one.days + one.extended, one.working), calendar, rested)
    running = [one.due_at for one in all_of_them if one.due_at and one.met_at is None and one.dropped_at is None]
    row.due_at = min(running, default=None)
    row.rests = row.closed_at is None and any(one.until is None for one in rested)
    session.flush()
