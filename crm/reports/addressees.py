"""The addresses of an ente's offices to which its monthly reports are announced, whoever else has asked for it."""

from collections.abc import Collection

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.access.users import EMAIL
from crm.audit import service as audit
from crm.core import clock
from crm.core.db import table_of
from crm.core.errors import FieldError
from crm.reports.models import ReportAddressee

MOST = 20
LONGEST = 254
_TABLE = table_of(ReportAddressee)


def addressees(session: Session, ente_ids: Collection[int]) -> dict[int, list[str]]:
    """The addresses of each of these enti, in their order."""
    rows = session.execute(
        select(_TABLE.c.ente_id, _TABLE.c.address)
        .where(_TABLE.c.ente_id.in_(ente_ids))
        .order_by(_TABLE.c.ente_id, _TABLE.c.address)
    )
    found: dict[int, list[str]] = {}
    for ente_id, address in rows:
        found.setdefault(ente_id, []).append(address)
    return found


def add(session: Session, by: Principal, *, ente_id: int, address: str) -> None:
    """Announce the ente's monthly reports there. Said twice it is no error; raises `FieldError` for what is none."""
    require_on(session, by, Permission.REPORT_ADDRESS, ente_id=ente_id)
    address = address.strip().lower()
    field = "address"  # of the form
    if len(address) > LONGEST or not EMAIL.fullmatch(address):
        raise FieldError("L'indirizzo di posta non è scritto bene.", field)
    known = addressees(session, [ente_id]).get(ente_id, [])
    if address in known:
        return
    if len(known) >= MOST:
        raise FieldError("Gli indirizzi sono già troppi: togline uno.", field)
    session.execute(
        insert(_TABLE)
        .values(ente_id=ente_id, address=address, added_by=by.user_id, added_at=clock.now(session))
        .on_conflict_do_nothing()
    )
    audit.note(session, by, kind="report.addressee_added", ente_id=ente_id, subject=address)


def remove(session: Session, by: Principal, *, ente_id: int, address: str) -> None:
    """Announce them there no more."""
    require_on(session, by, Permission.REPORT_ADDRESS, ente_id=ente_id)
    gone = session.execute(
        delete(_TABLE).where(_TABLE.c.ente_id == ente_id, _TABLE.c.address == address).returning(_TABLE.c.address)
    ).all()
    if gone:
        audit.note(session, by, kind="report.addressee_removed", ente_id=ente_id, subject=address)
