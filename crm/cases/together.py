"""Two on one case: who writes something about it says so, and whoever else looks sees it for a while."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Principal
from crm.cases import rights, told
from crm.cases.models import Case, CasePosition, CaseStep
from crm.core import clock
from crm.core.errors import ForbiddenError, NotFoundError
from crm.positions.models import Position

BUSY = timedelta(minutes=3)  # after he last wrote something


@dataclass(frozen=True, slots=True)
class Now:
    """How a case stands, for whoever looks at it: `stamp` differs once there is something else to see."""

    ente_id: int
    stamp: str
    busy_id: int | None
    busy: str  # his name; empty: nobody


def begin(session: Session, by: Principal, *, case_id: int) -> None:
    """He writes something about it, unless somebody else does. Raises `ForbiddenError` for who may take no step."""
    row = _row(session, case_id, lock=True)
    if not rights.parts(session, by, row.ente_id):
        raise ForbiddenError("Non lavori a questa richiesta.")
    at = clock.now(session)
    if row.busy_id in {None, by.user_id} or row.busy_at is None or row.busy_at < at - BUSY:
        seen = row.busy_id == by.user_id and row.busy_at is not None and row.busy_at >= at - BUSY
        row.busy_id, row.busy_at = by.user_id, at
        session.flush()
        if not seen:
            told.moved(session, row)


def now(session: Session, case_id: int) -> Now:
    """How it stands. Raises `NotFoundError`."""
    row = _row(session, case_id)
    last = session.scalar(select(func.max(CaseStep.id)).where(CaseStep.case_id == case_id))
    busy = row.busy_id if row.busy_at and row.busy_at >= clock.now(session) - BUSY else None
    name = access.named(session, [busy])[busy] if busy is not None else ""
    same = and_(Position.ente_id == CasePosition.ente_id, Position.reference == CasePosition.reference)
    stated = session.scalar(
        select(func.max(Position.as_of)).join(CasePosition, same).where(CasePosition.case_id == case_id)
    )
    stamp = f"{row.version}.{last or 0}.{row.protocol_number}.{stated.timestamp() if stated else 0}"
    return Now(row.ente_id, stamp, busy, name)


def last_step(session: Session) -> int:
    """The last step of all cases of the scope; 0: there is none."""
    return session.scalar(select(func.max(CaseStep.id))) or 0


def _row(session: Session, case_id: int, *, lock: bool = False) -> Case:
    row = session.get(Case, case_id, with_for_update=lock or None, populate_existing=True)
    if row is None:
        raise NotFoundError("Questa richiesta non c'è.")
    return row
