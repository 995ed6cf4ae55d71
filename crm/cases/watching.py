"""What the collection system does about cases: its answers to what was granted are taken into them, and those of which
its feed shows that it is done are closed.
"""

from collections.abc import Collection
from functools import partial

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from crm.cases import running, told
from crm.cases.carrying import TRACES, Stated, carried_out
from crm.cases.gestionale import proposing
from crm.cases.lifecycle import Deed, Standing, State, after
from crm.cases.models import Case, CasePosition, CaseTerm
from crm.cases.terms import TermKind
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.each import total_of_each
from crm.enti import queries as enti
from crm.positions.models import Position
from crm.positions.views import PositionView

AT_ONCE = 200


def look(database: Database) -> int:
    """At the cases of every ente; how many heard an answer or were closed."""
    with database.begin(Scope.nothing()) as session:
        served = sorted(enti.served(session))
    return total_of_each(served, lambda one: database.transact(Scope.of_enti([one]), partial(_look, ente_id=one)))


def _look(session: Session, *, ente_id: int) -> int:
    heard = proposing.hear(session, ente_id=ente_id)
    see(session, ente_id=ente_id)
    return heard + close_carried(session, ente_id=ente_id)


def see(session: Session, *, ente_id: int) -> None:
    """What the feed shows before the citizen was told is waited for no more: the terms that run for it are met."""
    rows = session.execute(
        select(CaseTerm, Case)
        .join(Case, Case.id == CaseTerm.case_id)
        .where(
            CaseTerm.ente_id == ente_id, CaseTerm.kind.in_([TermKind.GESTIONALE_ANSWERS, TermKind.CARRIED]),
            CaseTerm.met_at.is_(None), CaseTerm.dropped_at.is_(None),
            Case.state.not_in([State.AT_GESTIONALE, State.CLOSED]),
        )
        .order_by(CaseTerm.id).limit(AT_ONCE).with_for_update(skip_locked=True)
    ).all()  # fmt: skip
    debts = stated(session, [case.id for _, case in rows])
    for term, case in rows:
        if carried_out(case.topic, clock.business_day(case.received_at), tuple(debts.get(case.id, {}).values())):
            term.met_at = clock.now(session)
            running.recount(session, case)
            told.moved(session, case)


def close_carried(session: Session, *, ente_id: int) -> int:
    """Close what the feed of one ente shows; how many."""
    rows = session.scalars(
        select(Case)
        .where(Case.ente_id == ente_id, Case.state == State.AT_GESTIONALE, Case.topic.in_(list(TRACES)))
        .order_by(Case.id).limit(AT_ONCE).with_for_update(skip_locked=True)
    ).all()  # fmt: skip
    debts = stated(session, [one.id for one in rows])
    return sum(_closed(session, row, tuple(debts.get(row.id, {}).values())) for row in rows)


def stated(session: Session, case_ids: Collection[int]) -> dict[int, dict[str, Stated]]:
    """The debts of these cases as the feed states them, by case and reference; those that it withdrew are not there."""
    same = and_(Position.ente_id == CasePosition.ente_id, Position.reference == CasePosition.reference)
    rows = session.execute(
        select(CasePosition.case_id, Position)
        .join(CasePosition, same)
        .where(CasePosition.case_id.in_(case_ids), Position.withdrawn_as_of.is_(None))
    )
    found: dict[int, dict[str, Stated]] = {}
    for case_id, one in rows:
        view = PositionView.of({name: getattr(one, name) for name in PositionView.__dataclass_fields__})
        steps = tuple((step.kind, step.on) for step in view.steps)
        found.setdefault(case_id, {})[view.reference] = Stated(view.state, steps)
    return found


def _closed(session: Session, row: Case, debts: tuple[Stated, ...]) -> bool:
    if not carried_out(row.topic, clock.business_day(row.received_at), debts):
        return False
    at = clock.now(session)
    row.state = after(row.topic, Standing(row.state, row.outcome), Deed.CARRIED_OUT).state
    row.closed_at = at
    running.done(session, row, Deed.CARRIED_OUT, at)
    row.version += 1
    told.step(session, None, row, Deed.CARRIED_OUT, at, outcome=row.outcome)
    return True
