"""Deleting all that is held of an ente whose contract ended: files and documents first, then rows, last its log."""

from functools import cache, partial
from pathlib import Path

from sqlalchemy import ForeignKey, Table, delete, func, select, text, update
from sqlalchemy.orm import Session

from crm.access.models import RoleGrant
from crm.audit import sealing
from crm.collection import privacy as collection
from crm.core import clock, configuration, topics
from crm.core.db import Base, Database, Scope, touch
from crm.core.jobs import Job, Taken
from crm.documents.store import DocumentStore
from crm.enti.models import ContractEnte
from crm.privacy import contents, copies, handover
from crm.privacy.models import EndState, EnteEnd, PersonExport
from crm.privacy.service import copy_name

CHUNK = 5_000
ONLY_ADDED_TO = frozenset({"call_event", "service_fact"})  # deleted by a function of the database's
# Written by the end itself: its job, and the keys of persons of whom the log speaks.
OF_THE_END = frozenset({Job.__tablename__, handover.KEYS})


def begin(database: Database, *, end_id: int, ente_id: int) -> bool:
    """Begin to delete, or go on. False: something came after the export, which is to be made and confirmed anew."""
    return database.transact(Scope.of_enti([ente_id]), partial(_begin, end_id=end_id))


def delete_all(store: DocumentStore, database: Database, job: Taken, end: EnteEnd) -> None:
    """Everything, a few thousand rows a transaction; then the access log, handed over first."""
    folder, scope, wanted = Path(job.argument["folder"]), Scope.of_enti([end.ente_id]), handover.tables()
    contents.forget(store, database, job)
    _forget_files(database, scope, end.ente_id, folder)
    with database.begin(scope) as session:
        full = handover.held(session, end.ente_id)
    for place, table in enumerate(wanted):
        while table.name in full and database.transact(
            scope, partial(_chunk, end_id=end.id, table=table, job_id=job.id)
        ):
            job.renew()
        handover.moved(database, end, len(wanted) + 1, place + 1)
    through = handover.export_log(database, job, end)
    while database.transact(scope, partial(sealing.let_ended_go, chain=end.ente_id, through=through)):
        job.renew()
    copies.remove(folder, handover.data_name(end.id))
    if end.path:
        Path(end.path).unlink(missing_ok=True)
    database.transact(scope, partial(_finish, end_id=end.id))


def uncover(session: Session, ente_id: int) -> list[int]:
    """No contract covers the ente any more; which ones did."""
    configuration.changed(session)
    gone = delete(ContractEnte).where(ContractEnte.ente_id == ente_id).returning(ContractEnte.contract_id)
    return sorted(session.scalars(gone))


def _begin(session: Session, *, end_id: int) -> bool:
    end = _locked(session, end_id)
    if "deleted" in end.report:
        return True
    if _is_newer(session, end):
        if end.path:
            Path(end.path).unlink(missing_ok=True)
        end.state, end.path, end.report = EndState.EXPORTING, None, {"anew": True}
        end.confirmed_by = end.confirmed_at = end.taken_by = end.taken_at = None
        session.flush()
        touch(session, topics.privacy(end.ente_id))
        return False
    at = clock.now(session)
    end.contracts = sorted({*end.contracts, *uncover(session, end.ente_id)})  # somebody may have put it back
    session.execute(
        update(RoleGrant)
        .where(RoleGrant.ente_id == end.ente_id, RoleGrant.valid_to.is_(None) | (RoleGrant.valid_to > at))
        .values(valid_to=at)
    )
    end.report = {**end.report, "deleted": {}}
    session.flush()
    return True


def _is_newer(session: Session, end: EnteEnd) -> bool:
    """Whether any row was written by a transaction that the export may not have seen."""
    if (seen := end.report.get("seen")) is None:
        return True
    now = int(session.execute(select(func.pg_current_xact_id())).scalar_one())
    asked = " OR ".join(_NEWER.format(table=one.name) for one in handover.tables() if one.name not in OF_THE_END)
    known = {"ente": end.ente_id, "now": now, "seen": seen}
    return bool(session.execute(text(f"SELECT {asked}"), known).scalar_one())


# `xmin` has 32 bits, a snapshot 64: the age says which it was. Those frozen long ago were seen by everybody.
_NEWER = """
    EXISTS (
        SELECT FROM {table} WHERE ente_id = :ente
        AND NOT pg_visible_in_snapshot(greatest(:now - age(xmin), 3)::text::xid8, CAST(:seen AS pg_snapshot))
    )
"""


def _forget_files(database: Database, scope: Scope, ente_id: int, folder: Path) -> None:
    """Remove feeds and persons' copies from the disk, before the rows that name them."""
    with database.begin(scope) as session:
        collection.forget_files(session, ente_id=ente_id)
        persons = session.execute(select(PersonExport.id, PersonExport.path).where(PersonExport.ente_id == ente_id))
        mine = [(copy_name(export_id), path) for export_id, path in persons]
    for name, path in mine:
        copies.remove(folder, name)
        if path:
            Path(path).unlink(missing_ok=True)


def _chunk(session: Session, *, end_id: int, table: Table, job_id: int) -> int:
    """Delete some rows of a table and count them in the report, in one transaction."""
    ente_id = session.execute(select(EnteEnd.ente_id).where(EnteEnd.id == end_id)).scalar_one()
    if table.name in ONLY_ADDED_TO:
        gone: int = session.execute(select(func.forget_ended(table.name, ente_id, CHUNK))).scalar_one()
    else:
        _unhook(session, table, ente_id)
        spared = " AND id <> :job" if table.name == Job.__tablename__ else ""
        gone = session.execute(
            text(
                f"DELETE FROM {table.name} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table.name}"  # noqa: S608  # ours
                f" WHERE ente_id = :ente{spared} LIMIT :most))"
            ),
            {"ente": ente_id, "most": CHUNK, **({"job": job_id} if spared else {})},
        ).rowcount  # type: ignore[attr-defined]
    if gone:
        _count(session, end_id, table.name, gone)
    return gone


def _unhook(session: Session, table: Table, ente_id: int) -> None:
    """Rows that name no ente but belong to one of this table's, such as a call's timers."""
    for key in _hooks(table):
        theirs = select(key.column).where(table.c.ente_id == ente_id)
        session.execute(delete(key.parent.table).where(key.parent.in_(theirs)))


@cache
def _hooks(table: Table) -> list[ForeignKey]:
    """What refers to this table from tables that name no ente."""
    return [key for other in _of_no_ente() for key in other.foreign_keys if key.column.table is table]


@cache
def _of_no_ente() -> list[Table]:
    return [one for one in Base.metadata.sorted_tables if "ente_id" not in one.columns]


def _finish(session: Session, *, end_id: int) -> None:
    end = _locked(session, end_id)
    last = sealing.last_seal(session, end.ente_id)
    head = f"{last.number}:{last.digest.hex()}" if last else ""
    end.state, end.done_at, end.path = EndState.DONE, clock.now(session), None
    end.report = {**end.report, "head": head}
    session.flush()
    touch(session, topics.privacy(end.ente_id))


def _count(session: Session, end_id: int, name: str, gone: int) -> None:
    end = _locked(session, end_id)
    deleted = dict(end.report["deleted"])
    deleted[name] = deleted.get(name, 0) + gone
    end.report = {**end.report, "deleted": deleted}
    session.flush()


def _locked(session: Session, end_id: int) -> EnteEnd:
    return session.get_one(EnteEnd, end_id, with_for_update=True, populate_existing=True)
