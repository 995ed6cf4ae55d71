"""The first administrator of a contract, from the command line: nobody is there yet who could make him."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access import users
from crm.access.authority import Subject
from crm.access.models import Role, RoleGrant, User
from crm.access.service import in_force
from crm.access.users import Person
from crm.core.configuration import changed
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError
from crm.enti.models import Contract


def first_administrator(database: Database, *, username: str, name: str, contract: str) -> str:
    """The token of a link for an administrator of this contract, who is made when there is none of this name.

    Raises `ConflictError` for a user who is there and administers no contract of this name: whoever may run this may
    do anything, but should not do it by a slip of the finger.
    """
    contract_id = database.transact(Scope.nothing(), lambda session: _contract(session, contract))

    def work(session: Session) -> str:
        known = session.execute(select(User.id).where(User.username == username.strip().lower())).scalar_one_or_none()
        if known is None:
            known = users.create(session, None, person=Person(username, name))
            users.grant(session, None, user_id=known, role=Role.ADMINISTRATOR, on=Subject(contract_id=contract_id))
        elif not _administers(session, known, contract_id):
            raise ConflictError("Questo utente c'è già e non è amministratore del contratto.")
        return users.make_link(session, None, user_id=known)

    return database.transact(Scope.of_contract(contract_id), work)


def _contract(session: Session, name: str) -> int:
    found = session.execute(select(Contract.id).where(Contract.name == name)).scalar_one_or_none()
    if found is None:
        changed(session)
        made = Contract(name=name)
        session.add(made)
        session.flush()
        found = made.id
    return found


def _administers(session: Session, user_id: int, contract_id: int) -> bool:
    held = select(RoleGrant.id).where(
        RoleGrant.user_id == user_id, RoleGrant.role == Role.ADMINISTRATOR, RoleGrant.contract_id == contract_id,
        *in_force(session),
    )  # fmt: skip
    return session.execute(held).first() is not None
