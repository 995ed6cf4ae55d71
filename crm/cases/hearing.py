"""Who asked for something writes again: whoever looks after his case is told, until he has looked."""

from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.cases import having, rights, told
from crm.cases.lifecycle import Deed, State, Who
from crm.cases.models import Case
from crm.core import clock, topics
from crm.core.db import touch


def heard(session: Session, *, case_id: int) -> Case | None:
    """Something came that belongs to a case, while it is open; the case. Its terms and its version stay as they are."""
    row = session.get(Case, case_id, with_for_update=True, populate_existing=True)
    if row is None or row.state is State.CLOSED:
        return None
    at = clock.now(session)
    row.heard_at = row.heard_at or at
    told.step(session, None, row, Deed.HEAR, at)
    return row


def looked(session: Session, by: Principal, row: Case) -> None:
    """Whoever has it looks at it: he knows. Of one that nobody has taken up, whoever may looks."""
    if row.heard_at is None or Who.OPERATOR not in rights.parts(session, by, row.ente_id):
        return
    if row.owner_id == by.user_id or having.may_take(session, row, by.user_id):
        row.heard_at = None
        session.flush()
        touch(session, topics.cases(row.ente_id))
