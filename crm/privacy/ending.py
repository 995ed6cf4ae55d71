"""The end of a contract for an ente: its data exported, handed over, confirmed by a second person, deleted.

Nothing is deleted before the export was downloaded and somebody else than who asked confirmed. The access log goes
with the data: the entries are handed over and deleted, the seals stay, so that whoever has the log can prove it.
"""

import gzip
import json
import os
import zipfile
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Table, delete, func, select, text, update
from sqlalchemy.orm import Session

from crm.access.models import RoleGrant
from crm.access.permissions import Permission, Principal
from crm.access.service import scope_for
from crm.audit import queries as log_of
from crm.audit import sealing
from crm.audit import service as audit
from crm.audit.models import AuditEntry, AuditSeal, ExpiryReason
from crm.audit.queries import Wanted
from crm.core import clock, configuration, jobs, topics
from crm.core.db import Base, Database, Scope, table_of, touch
from crm.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from crm.core.jobs import Job, Runner, Taken
from crm.documents.store import DocumentStore
from crm.enti.models import ContractEnte
from crm.privacy import contents
from crm.privacy.holders import plain
from crm.privacy.models import EndState, EnteEnd
from crm.privacy.service import entitled

END = "privacy.end"
MAX_REASON = 200
CHUNK = 5_000
# What stays: that the ente was served, who worked for it, the seals, and the record of the end itself. The audit's
# entries go by a function of the database's, last of all.
STAYS = frozenset(
    {
        "ente", "ente_end", "role_grant", "ente_exclusion", "staff_notice", "replacement_request", "audit_seal",
        "audit_expiry", "audit_unsealed", "audit_entry",
    }
)  # fmt: skip
ONLY_ADDED_TO = frozenset({"call_event", "service_fact"})  # deleted by the same function
WORKING = (EndState.EXPORTING, EndState.DELETING)


def ask(session: Session, by: Principal, *, ente_id: int, reason: str, folder: Path) -> int:
    """The contract ends: export everything."""
    entitled(session, by, ente_id)
    reason = " ".join(reason.split())
    if not reason:
        raise InvalidError("Scrivi perché il contratto finisce.", field="reason")
    if len(reason) > MAX_REASON:
        raise InvalidError("Il motivo è troppo lungo: al massimo 200 caratteri.", field="reason")
    if session.execute(_open().where(EnteEnd.ente_id == ente_id)).first() is not None:
        raise ConflictError("Per questo ente la fine del contratto è già in corso.")
    end = EnteEnd(
        ente_id=ente_id, state=EndState.EXPORTING, reason=reason, asked_by=by.user_id, asked_at=clock.now(session),
        report={}, parts=0, parts_made=0,
    )  # fmt: skip
    session.add(end)
    session.flush()
    _work(session, end, folder)
    audit.note(session, by, kind="privacy.end_asked", ente_id=ente_id, reason=reason, after={"end": end.id})
    return end.id


def take(session: Session, by: Principal, *, end_id: int) -> Path:
    """Hand the export over. It may be downloaded again until everything is deleted."""
    end = _locked(session, end_id)
    entitled(session, by, end.ente_id)
    if end.state not in {EndState.EXPORTED, EndState.HANDED_OVER} or end.path is None:
        raise ConflictError("L'esportazione non è pronta, o i dati sono già stati cancellati.")
    end.state, end.taken_by, end.taken_at = EndState.HANDED_OVER, by.user_id, clock.now(session)
    session.flush()
    audit.note(session, by, kind="privacy.end_taken", ente_id=end.ente_id, after={"end": end.id, "sha256": end.sha256})
    touch(session, topics.privacy(end.ente_id))
    return Path(end.path)


def confirm(session: Session, by: Principal, *, end_id: int, typed: str, name: str, folder: Path) -> None:
    """A second person confirms, by typing the ente's name: now everything is deleted."""
    end = _locked(session, end_id)
    entitled(session, by, end.ente_id)
    if end.state is not EndState.HANDED_OVER:
        raise ConflictError("Prima i dati vanno scaricati e consegnati all'ente.")
    if end.asked_by == by.user_id:
        raise ForbiddenError("Conferma una persona diversa da chi ha chiesto la cancellazione.")
    if typed.strip().casefold() != name.casefold():
        raise InvalidError("Scrivi il nome dell'ente, com'è scritto qui sopra.", field="typed")
    end.state, end.confirmed_by, end.confirmed_at = EndState.DELETING, by.user_id, clock.now(session)
    session.flush()
    audit.note(session, by, kind="privacy.end_confirmed", ente_id=end.ente_id, after={"end": end.id})
    _work(session, end, folder)


def withdraw(session: Session, by: Principal, *, end_id: int) -> Path | None:
    """The contract goes on after all. Returns the export, to be removed."""
    end = _locked(session, end_id)
    entitled(session, by, end.ente_id)
    if end.state in {EndState.DELETING, EndState.DONE, EndState.WITHDRAWN} or end.confirmed_at is not None:
        raise ConflictError("La cancellazione è già cominciata, o la richiesta è già chiusa.")
    path, end.path, end.state = end.path, None, EndState.WITHDRAWN
    session.flush()
    audit.note(session, by, kind="privacy.end_withdrawn", ente_id=end.ente_id, after={"end": end.id})
    touch(session, topics.privacy(end.ente_id))
    return Path(path) if path else None


def try_again(session: Session, by: Principal, *, end_id: int, folder: Path) -> None:
    """Go on with what stopped: from where it was."""
    end = _locked(session, end_id)
    entitled(session, by, end.ente_id)
    if end.state is not EndState.STOPPED:
        return
    end.state = EndState.DELETING if end.confirmed_at else EndState.EXPORTING
    session.flush()
    _work(session, end, folder)


def ends(session: Session, by: Principal) -> list[EnteEnd]:
    """The ends that concern `by`, the newest first: of the enti he looks after, and those he took part in."""
    by.require(Permission.PRIVACY_MANAGE)
    scope = scope_for(session, by, Permission.PRIVACY_MANAGE)
    his = EnteEnd.ente_id.in_(scope.enti or ()) | (EnteEnd.asked_by == by.user_id)
    statement = select(EnteEnd).where(his | (EnteEnd.confirmed_by == by.user_id)).order_by(EnteEnd.id.desc())
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def one(session: Session, by: Principal, end_id: int) -> EnteEnd:
    """One of them. Raises `NotFoundError`."""
    found = next((each for each in ends(session, by) if each.id == end_id), None)
    if found is None:
        raise NotFoundError("Questa richiesta non esiste.")
    return found


# -- the work -----------------------------------------------------------------------------------------------------


def runner(store: DocumentStore) -> Runner:
    """Carries an end out. The contents of documents are in `store`."""
    return Runner(partial(run, store), gave_up)


def run(store: DocumentStore, database: Database, job: Taken) -> None:
    """Export, or delete: whatever is due."""
    with database.begin(Scope.nothing()) as session:
        end = session.get_one(EnteEnd, job.argument["end"])
    if end.job_id != job.id:
        return
    if end.state is EndState.EXPORTING:
        _export(store, database, job, end)
    elif end.state is EndState.DELETING:
        _delete(store, database, job, end)


def gave_up(session: Session, job: Taken) -> None:
    """The last attempt failed: it stops where it is."""
    stopped = update(EnteEnd).where(EnteEnd.id == job.argument["end"], EnteEnd.state.in_(WORKING))
    session.execute(stopped.values(state=EndState.STOPPED))
    touch(session, topics.privacy(job.ente_id))


def tables() -> list[Table]:
    """The tables that hold an ente's rows and are emptied, those that refer to others first."""
    return [
        one
        for one in reversed(Base.metadata.sorted_tables)
        if "ente_id" in one.columns and one.name not in STAYS
    ]  # fmt: skip


def _export(store: DocumentStore, database: Database, job: Taken, end: EnteEnd) -> None:
    """One archive: a file of JSON Lines for each table, the documents, the access log as it reads, and the seals."""
    folder, scope = Path(job.argument["folder"]), Scope.of_enti([end.ente_id])
    folder.mkdir(parents=True, exist_ok=True)
    path, half = folder / f"ente-{end.id}.zip", folder / f"ente-{end.id}.half"
    wanted = [one for one in tables() if one.name != "person_key"]
    counts: dict[str, int] = {}
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for table in wanted:
                with archive.open(f"{table.name}.jsonl", "w", force_zip64=True) as target:
                    counts[table.name] = 0
                    for line in _lines(database, scope, table, end.ente_id):
                        target.write(line)
                        counts[table.name] += 1
                        job.renew()
                _moved(database, end, len(wanted) + 1, len(counts))
            counts |= contents.hand_over(store, database, job, archive)
            with archive.open("access_log.jsonl", "w", force_zip64=True) as target:
                counts["access_log"] = 0
                for line in _log_lines(database, end.ente_id):
                    target.write(line)
                    counts["access_log"] += 1
                    job.renew()
            archive.writestr("seals.jsonl", b"".join(_lines(database, scope, table_of(AuditSeal), end.ente_id)))
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
    digest = _digest(path)
    database.transact(scope, partial(_exported, end=end, path=path, digest=digest, counts=counts))


def _exported(session: Session, *, end: EnteEnd, path: Path, digest: str, counts: dict[str, int]) -> None:
    session.execute(
        update(EnteEnd)
        .where(EnteEnd.id == end.id, EnteEnd.state == EndState.EXPORTING)
        .values(state=EndState.EXPORTED, path=str(path), sha256=digest, report={"exported": counts})
    )
    audit.note(session, None, kind="privacy.end_exported", ente_id=end.ente_id, after={"end": end.id, "sha256": digest})
    touch(session, topics.privacy(end.ente_id))


def _delete(store: DocumentStore, database: Database, job: Taken, end: EnteEnd) -> None:
    """Everything, a few thousand rows a transaction; then the access log, handed over first."""
    scope, wanted = Scope.of_enti([end.ente_id]), tables()
    database.transact(scope, partial(_dismiss, ente_id=end.ente_id))
    contents.forget(store, database, job)
    for place, table in enumerate(wanted):
        while database.transact(scope, partial(_chunk, end_id=end.id, table=table, job_id=job.id)):
            job.renew()
        _moved(database, end, len(wanted) + 1, place + 1)
    log_path = Path(job.argument["folder"]) / f"ente-{end.id}-access-log.jsonl.gz"
    while database.transact(scope, partial(sealing.seal, chain=end.ente_id)):
        job.renew()
    if not log_path.exists():
        half = log_path.with_suffix(".half")
        with gzip.GzipFile(os.fspath(half), "wb", mtime=0) as file:
            for line in _log_lines(database, end.ente_id):
                file.write(line)
        half.chmod(0o600)
        half.replace(log_path)
    while database.transact(scope, partial(_forget_log, ente_id=end.ente_id)):
        job.renew()
    database.transact(scope, partial(_finish, end_id=end.id, log_path=log_path))
    if end.path:
        Path(end.path).unlink(missing_ok=True)


def _dismiss(session: Session, *, ente_id: int) -> None:
    """Nobody serves the ente any more: its grants end, no contract covers it."""
    at = clock.now(session)
    session.execute(
        update(RoleGrant)
        .where(RoleGrant.ente_id == ente_id, RoleGrant.valid_to.is_(None) | (RoleGrant.valid_to > at))
        .values(valid_to=at)
    )
    configuration.changed(session)
    session.execute(delete(ContractEnte).where(ContractEnte.ente_id == ente_id))


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
    for other in Base.metadata.sorted_tables:
        if "ente_id" in other.columns:
            continue
        for key in other.foreign_keys:
            if key.column.table is table:
                theirs = select(key.column).where(table.c.ente_id == ente_id)
                session.execute(delete(other).where(key.parent.in_(theirs)))


def _forget_log(session: Session, *, ente_id: int) -> int:
    while sealing.seal(session, ente_id):
        pass
    gone: int = session.execute(select(func.forget_ended(AuditEntry.__tablename__, ente_id, CHUNK))).scalar_one()
    if gone:
        last = sealing.last_seal(session, ente_id)
        assert last is not None
        reason = ExpiryReason.CONTRACT_ENDED
        sealing.note_expiry(session, ente_id, through=last.number, entries=gone, reason=reason)
    return gone


def _finish(session: Session, *, end_id: int, log_path: Path) -> None:
    end = _locked(session, end_id)
    last = sealing.last_seal(session, end.ente_id)
    head = f"{last.number}:{last.digest.hex()}" if last else ""
    end.state, end.done_at, end.path, end.log_path = EndState.DONE, clock.now(session), None, str(log_path)
    end.report = {**end.report, "head": head}
    session.flush()
    touch(session, topics.privacy(end.ente_id))


def _count(session: Session, end_id: int, name: str, gone: int) -> None:
    end = _locked(session, end_id)
    deleted = dict(end.report.get("deleted", {}))
    deleted[name] = deleted.get(name, 0) + gone
    end.report = {**end.report, "deleted": deleted}
    session.flush()


def _lines(database: Database, scope: Scope, table: Table, ente_id: int) -> Iterator[bytes]:
    """The ente's rows of a table, streamed: memory stays flat."""
    with database.begin(scope) as session:
        rows = session.execute(
            select(table).where(table.c.ente_id == ente_id).order_by(*table.primary_key.columns),
            execution_options={"yield_per": 1_000},
        )
        for row in rows.mappings():
            yield _json(plain(row))


def _log_lines(database: Database, ente_id: int) -> Iterator[bytes]:
    """The access log with its values opened, the newest first."""
    after = None
    while True:
        with database.begin(Scope.of_enti([ente_id])) as session:
            found = log_of.some(session, Wanted(frozenset({ente_id})), after=after, limit=500)
        for one in found:
            yield _json({name: plain(getattr(one, name)) for name in one.__dataclass_fields__})
        if len(found) < 500:
            return
        after = found[-1].cursor


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _moved(database: Database, end: EnteEnd, parts: int, made: int) -> None:
    def work(session: Session) -> None:
        session.execute(update(EnteEnd).where(EnteEnd.id == end.id).values(parts=parts, parts_made=made))
        touch(session, topics.privacy(end.ente_id))

    database.transact(Scope.nothing(), work)


def _work(session: Session, end: EnteEnd, folder: Path) -> None:
    argument = {"end": end.id, "folder": str(folder)}
    end.job_id = jobs.enqueue(session, ente_id=end.ente_id, kind=END, argument=argument)
    end.parts, end.parts_made = 0, 0
    session.flush()
    touch(session, topics.privacy(end.ente_id))


def _open() -> Any:
    return select(EnteEnd.id).where(EnteEnd.state.not_in([EndState.DONE, EndState.WITHDRAWN]))


def _locked(session: Session, end_id: int) -> EnteEnd:
    end = session.get(EnteEnd, end_id, with_for_update=True, populate_existing=True)
    if end is None:
        raise NotFoundError("Questa richiesta non esiste.")
    return end
