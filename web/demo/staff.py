"""The register's story in the demonstration: the enti were told who began, and Empoli asks for a replacement."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import Role, RoleGrant, User
from crm.access.permissions import Held, Principal
from crm.enti.models import Ente
from crm.staff import notices, service
from crm.staff.models import StaffChange, StaffNotice

REPLACED, ASKED_BY = "simone", "dirigente-empoli"
REASON = "Due cittadini hanno segnalato risposte sbrigative: chiediamo un'altra persona."


def tell_story(session: Session, *, contract_id: int, ente_code: str) -> None:
    """Once: a second time it does nothing. The session sees the contract's enti."""
    if session.execute(select(StaffNotice.id).limit(1)).first() is not None:
        return
    rows = session.execute(
        select(User, RoleGrant)
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .where(RoleGrant.contract_id == contract_id)
        .order_by(User.id)
    )
    for user, grant in rows.all():
        notices.tell(session, None, user=user, grant=grant, change=StaffChange.JOINED)
    ente_id = session.execute(select(Ente.id).where(Ente.cadastral_code == ente_code)).scalar_one()
    ids = {name: _id(session, name) for name in (REPLACED, ASKED_BY)}
    approver = Principal(ids[ASKED_BY], "", "it", frozenset({Held(Role.ENTE_APPROVER, ente_id, None)}))
    latest = select(StaffNotice.id).where(StaffNotice.ente_id == ente_id).order_by(StaffNotice.id.desc())
    service.see_notices(
        session, approver, ente_id=ente_id, up_to=session.execute(latest.offset(2).limit(1)).scalar_one()
    )
    service.ask_replacement(session, approver, ente_id=ente_id, user_id=ids[REPLACED], reason=REASON)


def _id(session: Session, username: str) -> int:
    return session.execute(select(User.id).where(User.username == username)).scalar_one()
