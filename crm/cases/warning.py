"""Terms that run out are told before they are over: to a case's owner, then to whoever manages cases, once each."""

from functools import partial

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crm.cases import having, told
from crm.cases.escalation import Told, now_told
from crm.cases.lifecycle import Deed, State
from crm.cases.models import Case, CaseTerm
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.each import total_of_each
from crm.enti import queries as enti

AT_ONCE = 500


def warn_all(database: Database) -> int:
    """Of every ente; how many were told."""
    with database.begin(Scope.nothing()) as session:
        served = sorted(enti.served(session))
    return total_of_each(
        served, lambda one: database.transact(Scope.of_enti([one]), partial(warn, ente_id=one))
    )  # fmt: skip


def warn(session: Session, *, ente_id: int) -> int:
    """The same of one ente. A case that nobody has, nor a team with people, is told at once to whoever manages them."""
    at = clock.now(session)
    rows = session.execute(
        select(CaseTerm, Case)
        .join(Case, Case.id == CaseTerm.case_id)
        .where(
            CaseTerm.ente_id == ente_id, CaseTerm.met_at.is_(None), CaseTerm.dropped_at.is_(None),
            CaseTerm.due_at.is_not(None), Case.state != State.CLOSED,
            or_(CaseTerm.owner_told_at.is_(None), CaseTerm.supervisor_told_at.is_(None)),
        )
        .order_by(CaseTerm.due_at, CaseTerm.id).limit(AT_ONCE).with_for_update(skip_locked=True)
    ).all()  # fmt: skip
    return sum(_warn(session, term, case) for term, case in rows if term.since_at < at)


def _warn(session: Session, term: CaseTerm, case: Case) -> int:
    at = clock.now(session)
    assert term.due_at is not None
    knows = {Told.OWNER: term.owner_told_at, Told.SUPERVISOR: term.supervisor_told_at}
    before = frozenset(one for one, when in knows.items() if when is not None)
    whom = now_told(term.since_at, term.due_at, at, before=before)
    if Told.OWNER in whom:
        term.owner_told_at = at
        if not having.followers(session, case):  # there is nobody else to tell
            whom |= {Told.SUPERVISOR} - before
    if Told.SUPERVISOR in whom:
        term.supervisor_told_at = at
    for one in sorted(whom):
        told.step(session, None, case, Deed.WARN, at, words=one.value, term=term.kind.value)
    return len(whom)
