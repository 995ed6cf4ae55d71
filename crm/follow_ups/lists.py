"""The lists of a contract: a follow-up stands on one, whoever it belongs to, so that it is never lost with a person."""

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.core import topics
from crm.core.db import touch
from crm.core.errors import ConflictError, InvalidError, NotFoundError
from crm.enti import queries as enti
from crm.follow_ups.models import FollowUp, FollowUpList, FollowUpState

FIRST_NAME = "Da fare"  # of the list that a contract has before somebody makes others
MAX_NAME = 80


def create(session: Session, by: Principal, *, contract_id: int, name: str) -> int:
    """Open a list, or again one that was closed. Returns its id."""
    by.require(Permission.FOLLOW_UP_MANAGE, contract_id=contract_id)
    name = _name(name)
    row = session.scalars(_called(contract_id, name)).one_or_none()
    if row is not None and row.active:
        raise InvalidError("C'è già un elenco con questo nome.", field="name")
    if row is None:
        row = FollowUpList(contract_id=contract_id, name=name, active=True)
        session.add(row)
    row.active = True
    session.flush()
    _tell(session, by, row, "follow_up_list.opened")
    return row.id


def rename(session: Session, by: Principal, *, list_id: int, name: str) -> None:
    """Call a list otherwise."""
    row, name = _managed(session, by, list_id), _name(name)
    other = session.scalars(_called(row.contract_id, name)).one_or_none()
    if other is not None and other.id != list_id:
        raise InvalidError("C'è già un elenco con questo nome.", field="name")
    row.name = name
    session.flush()
    _tell(session, by, row, "follow_up_list.renamed")


def close(session: Session, by: Principal, *, list_id: int) -> None:
    """Close a list on which nothing is left. Raises `ConflictError` when something is, or it is the only one."""
    row = _managed(session, by, list_id)
    left = select(FollowUp.id).where(FollowUp.list_id == list_id, FollowUp.state == FollowUpState.OPEN).limit(1)
    if session.execute(left).first() is not None:
        raise ConflictError("L'elenco ha ancora attività da fare: prima affidale a un altro elenco.")
    others = select(FollowUpList.id).where(
        FollowUpList.contract_id == row.contract_id, FollowUpList.active, FollowUpList.id != list_id
    )
    if session.execute(others.limit(1)).first() is None:
        raise ConflictError("È l'unico elenco del contratto: prima creane un altro.")
    row.active = False
    session.flush()
    _tell(session, by, row, "follow_up_list.closed")


def first_for(session: Session, by: Principal | None, *, ente_id: int) -> int:
    """The list on which stands what nobody put on another: the oldest of the contract under which `by` works there,
    or, made by nobody, of the ente's oldest contract.
    """
    covering = enti.contracts_of(session, ente_id)
    his = by.contracts_for(Permission.CONTACT_RECORD) if by else frozenset()
    contract_id = min(his & covering or covering, default=None)
    if contract_id is None:
        raise ConflictError("Questo ente non ha un contratto: non ci sono elenchi di attività.")
    first = (
        select(FollowUpList.id)
        .where(FollowUpList.contract_id == contract_id, FollowUpList.active)
        .order_by(FollowUpList.id)
        .limit(1)
    )
    found = session.execute(first).scalar_one_or_none()
    if found is None:
        new = {"contract_id": contract_id, "name": FIRST_NAME, "active": True}
        session.execute(insert(FollowUpList).values(new).on_conflict_do_nothing())
        found = session.execute(first).scalar_one()
    return found


def _called(contract_id: int, name: str) -> Select[FollowUpList]:
    return select(FollowUpList).where(FollowUpList.contract_id == contract_id, FollowUpList.name == name)


def _managed(session: Session, by: Principal, list_id: int) -> FollowUpList:
    """Locked: what is put on it meanwhile would be lost with it."""
    by.require(Permission.FOLLOW_UP_MANAGE)
    row = session.get(FollowUpList, list_id, with_for_update=True, populate_existing=True)
    if row is None or row.contract_id not in by.contracts_for(Permission.FOLLOW_UP_MANAGE):
        raise NotFoundError("Questo elenco non esiste.")
    return row


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > MAX_NAME:
        raise InvalidError("Scrivi un nome, di al massimo 80 caratteri.", field="name")
    return name


def _tell(session: Session, by: Principal, row: FollowUpList, kind: str) -> None:
    after = {"list": row.id, "name": row.name, "active": row.active}
    audit.note(session, by, kind=kind, ente_id=None, subject=f"contract:{row.contract_id}", after=after)
    touch(session, topics.follow_ups(row.contract_id))
