"""Cases that wait for the collection system are closed once its feed shows that what was granted is done."""

from functools import partial

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from crm.cases import running, told
from crm.cases.carrying import TRACES, Stated, carried_out
from crm.cases.lifecycle import Deed, Standing, State, after
from crm.cases.models import Case, CasePosition
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.each import total_of_each
from crm.enti import queries as enti
from crm.positions.models import Position
from crm.positions.views import PositionView

AT_ONCE = 200


def close_all(database: Database) -> int:
    """Of every ente; how many were closed."""
    with database.begin(Scope.nothing()) as session:
        served = sorted(enti.served(session))
    return total_of_each(
        served, lambda one: database.transact(Scope.of_enti([one]), partial(close_carried, ente_id=one))
    )  # fmt: skip


def close_carried(session: Session, *, ente_id: int) -> int:
    """The same of one ente."""
    rows = session.scalars(
        select(Case)
        .where(Case.ente_id == ente_id, Case.state == State.AT_GESTIONALE, Case.topic.in_(list(TRACES)))
        .order_by(Case.id).limit(AT_ONCE).with_for_update(skip_locked=True)
    ).all()  # fmt: skip
    return sum(_closed(session, row) for row in rows)


def _closed(session: Session, row: Case) -> bool:
    same = and_(Position.ente_id == CasePosition.ente_id, Position.reference == CasePosition.reference)
    found = session.scalars(
        select(Position)
        .join(CasePosition, same)
        .where(CasePosition.case_id == row.id, Position.withdrawn_as_of.is_(None))
    ).all()
    views = [PositionView.of({name: getattr(one, name) for name in PositionView.__dataclass_fields__}) for one in found]
    debts = tuple(Stated(one.state, tuple((step.kind, step.on) for step in one.steps)) for one in views)
    if not carried_out(row.topic, clock.business_day(row.received_at), debts):
        return False
    at = clock.now(session)
    row.state = after(row.topic, Standing(row.state, row.outcome), Deed.CARRIED_OUT).state
    row.closed_at = at
    running.done(session, row, Deed.CARRIED_OUT, at)
    row.version += 1
    told.step(session, None, row, Deed.CARRIED_OUT, at, outcome=row.outcome)
    return True
