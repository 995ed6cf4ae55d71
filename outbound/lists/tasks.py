"""Building lists and deleting them, in the background. A job's row is leased; a killed one is done anew, whole."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import delete, insert, literal, select
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Database, Scope, table_of
from crm.core.jobs import LeaseLostError, Runner, Taken
from crm.privacy.holders import rows_of
from outbound.lists import service
from outbound.lists.models import ContactList, ContactListMember, ContactListRefusal, ListState
from outbound.segments.conditions import Segment
from outbound.segments.counting import swiftly
from outbound.segments.sql import About, members

BROKEN = "La lista non è stata creata, per un guasto del sistema: eliminala e creala di nuovo."
CHUNK = 20_000  # rows deleted in a transaction
RENEWED_EVERY_S = 20.0
COUNTED = {"preserve_rowcount": True}  # of an INSERT, too
_LIST, _MEMBER, _REFUSAL = table_of(ContactList), table_of(ContactListMember), table_of(ContactListRefusal)


def run_build(database: Database, job: Taken) -> None:
    """Write the members of a list (`list`) and make it ready, in one transaction: killed, nothing of it is there."""
    with renewed(job):
        database.transact(Scope.of_enti([job.ente_id]), lambda session: build(session, list_id=job.argument["list"]))


def build(session: Session, *, list_id: int) -> None:
    """One INSERT of whomever the segment means now."""
    found = session.get(ContactList, list_id, with_for_update=True, populate_existing=True)
    if found is None or found.state is not ListState.BUILDING:
        return
    swiftly(session)
    about = About(found.ente_id, clock.now(session))
    chosen = members(Segment.of(found.segment), about).subquery()
    rows = select(literal(list_id), chosen.c.contact_id, literal(found.ente_id))
    written = session.execute(
        insert(_MEMBER).from_select(["list_id", "contact_id", "ente_id"], rows), execution_options=COUNTED
    )
    service.close(session, list_id=list_id, state=ListState.READY, members=rows_of(written))


def run_delete(database: Database, job: Taken) -> None:
    """Delete a list's rows, some thousands a transaction, and then the list; begun again, it goes on."""
    list_id, scope = job.argument["list"], Scope.of_enti([job.ente_id])
    while database.transact(scope, lambda session: clear(session, list_id=list_id)):
        job.renew()
    database.transact(scope, lambda session: service.delete_row(session, list_id=list_id))


def clear(session: Session, *, list_id: int) -> int:
    """Delete some of what belongs to a list; how many rows."""
    gone = 0
    for table, key in ((_MEMBER, _MEMBER.c.contact_id), (_REFUSAL, _REFUSAL.c.line)):
        some = select(key).where(table.c.list_id == list_id).order_by(key).limit(CHUNK)
        gone += rows_of(session.execute(delete(table).where(table.c.list_id == list_id, key.in_(some))))
    return gone


def gave_up(session: Session, job: Taken) -> None:
    """The last attempt failed: the list is shown as failed."""
    service.close(session, list_id=job.argument["list"], state=ListState.FAILED, failure=BROKEN)


@contextmanager
def renewed(job: Taken) -> Iterator[None]:
    """Keep the lease while one long statement runs."""
    done = threading.Event()

    def keep() -> None:
        while not done.wait(RENEWED_EVERY_S):
            try:
                job.renew()
            except LeaseLostError:
                return  # whoever has it waits for the list's row, and finds it made

    thread = threading.Thread(target=keep, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


BUILDER = Runner(run_build, gave_up)
DELETER = Runner(run_delete)
