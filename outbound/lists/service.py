"""Making lists, taking a file's over, withdrawing them, letting them go. What is made of each stands in `tasks`."""

from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import clock, jobs, topics
from crm.core.db import Base, table_of, touch
from crm.core.errors import ConflictError, FieldError, NotFoundError
from outbound.lists.models import ContactList, ContactListMember, ContactListRefusal, ListState, Origin
from outbound.lists.sheets import named
from outbound.segments.conditions import Segment

BUILD, CHECK, DELETE = "lists.build", "lists.check", "lists.delete"  # the kinds of their jobs
LONGEST_NAME = 80
MOVED_ON = "Questa lista è cambiata nel frattempo: ricarica la pagina."
USED = "Una campagna usa questa lista: si può eliminare quando la campagna non c'è più."
_OF_LISTS = {table_of(one).name for one in (ContactListMember, ContactListRefusal)}


def make(session: Session, by: Principal, *, ente_id: int, name: str, segment: Segment) -> int:
    """Make a list of whomever a segment means now; a worker builds it. Returns the list.

    Raises `ForbiddenError`, as all that people may ask for here, unless `by` may make lists for the ente.
    """
    require_on(session, by, Permission.LIST_MANAGE, ente_id=ente_id)
    made = _new(session, by, ente_id, name, Origin.SEGMENT)
    made.segment = segment.as_json()
    session.add(made)
    session.flush()
    made.job_id = jobs.enqueue(session, ente_id=ente_id, kind=BUILD, argument={"list": made.id})
    audit.note(
        session, by, kind="list.made", ente_id=ente_id, subject=made.name,
        after={"list": made.id, "segment": made.segment},
    )  # fmt: skip
    return _changed(session, made)


def take_in(session: Session, by: Principal, *, ente_id: int, name: str, path: Path, file_name: str) -> int:
    """Have the file at `path` read and matched; nothing becomes a list before somebody says so. Returns the list."""
    require_on(session, by, Permission.LIST_MANAGE, ente_id=ente_id)
    made = _new(session, by, ente_id, name, Origin.FILE)
    made.file_name = named(file_name, 80)
    session.add(made)
    session.flush()
    argument = {"list": made.id, "path": str(path)}
    made.job_id = jobs.enqueue(session, ente_id=ente_id, kind=CHECK, argument=argument)
    audit.note(
        session, by, kind="list.file_sent", ente_id=ente_id, subject=made.name,
        after={"list": made.id, "file": made.file_name},
    )  # fmt: skip
    return _changed(session, made)


def accept(session: Session, by: Principal, *, list_id: int) -> None:
    """What was found in a file becomes the list. Raises `ConflictError` when nobody was, or it is no more to decide."""
    found = _locked(session, by, list_id, ListState.CHECKED)
    if not found.members:
        raise ConflictError("Nel file non c'è nessun contribuente di questo ente: la lista sarebbe vuota.")
    found.state, found.ready_at = ListState.READY, clock.now(session)
    audit.note(
        session, by, kind="list.file_accepted", ente_id=found.ente_id, subject=found.name,
        after={"list": list_id, "members": found.members},
    )  # fmt: skip
    _changed(session, found)


def took_refused(session: Session, by: Principal, *, list_id: int) -> None:
    """Somebody takes the rows away that made nobody a member: they name people."""
    found = session.get_one(ContactList, list_id)
    require_on(session, by, Permission.LIST_MANAGE, ente_id=found.ente_id)
    audit.note(
        session, by, kind="list.refused_taken", ente_id=found.ente_id, subject=found.name, after={"list": list_id}
    )


def withdraw(session: Session, by: Principal, *, list_id: int) -> None:
    """No campaign may begin with it any more. Those that run go on: its rows stay for as long as anything uses them."""
    found = _locked(session, by, list_id, ListState.READY)
    found.state, found.withdrawn_at = ListState.WITHDRAWN, clock.now(session)
    audit.note(session, by, kind="list.withdrawn", ente_id=found.ente_id, subject=found.name, after={"list": list_id})
    _changed(session, found)


def remove(session: Session, by: Principal, *, list_id: int) -> None:
    """Let go of a list that was withdrawn, failed, or of a file that becomes none; a worker deletes its rows.

    Raises `ConflictError` while anything uses it, and for a list that is ready: that one is withdrawn first.
    """
    found = _locked(session, by, list_id, ListState.WITHDRAWN, ListState.FAILED, ListState.CHECKED)
    if is_used(session, list_id=list_id):
        raise ConflictError(USED)
    found.state = ListState.DELETING
    found.job_id = jobs.enqueue(session, ente_id=found.ente_id, kind=DELETE, argument={"list": list_id})
    audit.note(
        session, by, kind="list.deleted", ente_id=found.ente_id, subject=found.name,
        after={"list": list_id, "members": found.members},
    )  # fmt: skip
    _changed(session, found)


def is_used(session: Session, *, list_id: int) -> bool:
    """Whether any row names it besides its own: of a campaign, by a foreign key that keeps it from being deleted."""
    id_ = table_of(ContactList).c.id
    naming = [
        column
        for table in Base.metadata.sorted_tables
        if table.name not in _OF_LISTS
        for column in table.c
        if column.references(id_)
    ]
    return any(session.execute(select(one).where(one == list_id).limit(1)).first() for one in naming)


def usable(session: Session, *, ente_id: int, list_id: int) -> ContactList:
    """A list with which something of the ente's may begin, held so until the end of the transaction.

    For whoever refers to it by a foreign key: neither a withdrawal nor its deletion comes between. Raises
    `ConflictError` for one that is not ready, `NotFoundError`.
    """
    found = session.scalars(
        select(ContactList)
        .where(ContactList.id == list_id, ContactList.ente_id == ente_id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotFoundError("Questa lista non c'è.")
    if found.state is not ListState.READY:
        raise ConflictError("Questa lista non è pronta, oppure è stata ritirata: scegline un'altra.")
    return found


def close(session: Session, *, list_id: int, state: ListState, failure: str | None = None, members: int = 0) -> None:
    """End the making of a list, unless it has ended; what was found of a file is counted beside."""
    ended = session.execute(
        update(ContactList)
        .where(ContactList.id == list_id, ContactList.state == ListState.BUILDING)
        .values(
            state=state, failure=failure, members=members,
            ready_at=clock.now(session) if state is ListState.READY else None,
        )
        .returning(ContactList.ente_id, ContactList.name)
    ).one_or_none()  # fmt: skip
    if ended is not None:
        after = {"list": list_id, "state": state.value, "members": members}
        audit.note(session, None, kind="list.built", ente_id=ended.ente_id, subject=ended.name, after=after)
        touch(session, topics.lists(ended.ente_id))


def delete_row(session: Session, *, list_id: int) -> None:
    """Delete a list whose rows are gone. One that a campaign has begun to use meanwhile stays, without its members."""
    try:
        with session.begin_nested():
            session.execute(table_of(ContactList).delete().where(table_of(ContactList).c.id == list_id))
    except IntegrityError:
        raise ConflictError(USED) from None


def _new(session: Session, by: Principal, ente_id: int, name: str, origin: Origin) -> ContactList:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise FieldError(f"Scrivi un nome, di al massimo {LONGEST_NAME} caratteri.", "name")
    return ContactList(
        ente_id=ente_id, name=name, origin=origin, state=ListState.BUILDING, made_by=by.user_id,
        made_at=clock.now(session), members=0, rows=0, wrong=0, unknown=0, several=0, twice=0,
    )  # fmt: skip


def _locked(session: Session, by: Principal, list_id: int, *states: ListState) -> ContactList:
    found = session.get(ContactList, list_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFoundError("Questa lista non c'è.")
    require_on(session, by, Permission.LIST_MANAGE, ente_id=found.ente_id)
    if found.state not in states:
        raise ConflictError(MOVED_ON)
    return found


def _changed(session: Session, changed: ContactList) -> int:
    session.flush()
    touch(session, topics.lists(changed.ente_id))
    return changed.id
