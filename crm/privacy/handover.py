"""What an ente is handed over when its contract ends: all its rows and documents, and its access log."""

import gzip
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Table, Text, cast, exists, func, literal, select, union_all, update
from sqlalchemy.orm import Session

from crm.audit import queries as log_of
from crm.audit import sealing
from crm.audit import service as audit
from crm.audit.models import AuditSeal, AuditUnsealed
from crm.core import topics
from crm.core.db import Base, Database, Scope, table_of, touch
from crm.core.jobs import Taken
from crm.documents.store import DocumentStore
from crm.privacy import contents, copies
from crm.privacy.holders import plain
from crm.privacy.models import EndState, EnteEnd

# What stays: that the ente was served, who worked for it, the seals, the record of the end itself, and the register of
# operations, which names no taxpayer and is the company's to keep (art. 120 TULPS). The audit's entries go by a
# function of the database's, last of all.
STAYS = frozenset(
    {
        "ente", "ente_end", "role_grant", "ente_exclusion", "staff_notice", "replacement_request", "audit_seal",
        "audit_expiry", "audit_unsealed", "audit_entry", "field_register",
    }
)  # fmt: skip
KEYS = "person_key"  # deleted, never handed over: the log is, opened


def tables() -> list[Table]:
    """The tables that hold an ente's rows and are emptied, those that refer to others first."""
    return [
        one
        for one in reversed(Base.metadata.sorted_tables)
        if "ente_id" in one.columns and one.name not in STAYS
    ]  # fmt: skip


def held(session: Session, ente_id: int) -> set[str]:
    """The names of those in which the ente has rows, asked at once: most are empty."""
    asked = (
        select(literal(one.name)).where(exists(select(one.c.ente_id).where(one.c.ente_id == ente_id)))
        for one in tables()
    )
    return set(session.scalars(union_all(*asked)))


def data_name(end_id: int) -> str:
    """How the files of an end's exports are called."""
    return f"ente-{end_id}-data"


def export(store: DocumentStore, database: Database, job: Taken, end: EnteEnd) -> None:
    """One archive: a file of JSON Lines for each table, the documents, the access log as it reads, and the seals."""
    folder, scope, name = Path(job.argument["folder"]), Scope.of_enti([end.ente_id]), data_name(end.id)
    path = copies.place(folder, name, attempt=job.attempt, suffix=f"-{job.id}.zip")
    wanted = [one for one in tables() if one.name != KEYS]
    counts: dict[str, int] = {}
    seen = database.transact(scope, _seen)
    with database.begin(scope) as session:
        full = held(session, end.ente_id)
    with copies.written(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for table in wanted:
            lines = _lines(database, scope, table, end.ente_id) if table.name in full else ()
            counts[table.name] = _written(archive, table.name, lines, job)
            moved(database, end, len(wanted) + 1, len(counts))
        counts |= contents.hand_over(store, database, job, archive)
        log = _log(database, end.ente_id, through=_sealed(database, end.ente_id))
        counts["access_log"] = _written(archive, "access_log", log, job)
        _written(archive, "seals", _lines(database, scope, table_of(AuditSeal), end.ente_id), job)
    report = {"exported": counts, "seen": seen}
    made = partial(_exported, end=end, job=job, path=path, digest=_digest(path, job.renew), report=report)
    if database.transact(scope, made):
        copies.remove(folder, name, besides=path)
    else:  # withdrawn meanwhile, or another worker's
        path.unlink(missing_ok=True)


def export_log(database: Database, job: Taken, end: EnteEnd) -> int:
    """Write the access log as it stands at the end, after which nothing is added to it; up to which seal it goes."""
    folder, scope, name = Path(job.argument["folder"]), Scope.of_enti([end.ente_id]), f"ente-{end.id}-log"
    while True:
        with database.begin(Scope.nothing()) as session:
            there = session.get_one(EnteEnd, end.id)
        if there.log_through is not None:
            return there.log_through
        path = copies.place(folder, name, attempt=job.attempt, suffix=f"-{job.id}.jsonl.gz")
        through = _sealed(database, end.ente_id)
        with copies.written(path) as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
            for line in _log(database, end.ente_id, through=through):
                packed.write(line)
                job.renew()
        if database.transact(scope, partial(_closed, end_id=end.id, through=through, path=path)):
            copies.remove(folder, name, besides=path)


def moved(database: Database, end: EnteEnd, parts: int, made: int) -> None:
    """How far the work is, whenever it is another twentieth: most tables are small."""
    if made < parts and made * 20 // parts == (made - 1) * 20 // parts:
        return

    def work(session: Session) -> None:
        session.execute(update(EnteEnd).where(EnteEnd.id == end.id).values(parts=parts, parts_made=made))
        touch(session, topics.privacy(end.ente_id))

    database.transact(Scope.nothing(), work)


def _seen(session: Session) -> str:
    """What an export that begins now is sure to see: PostgreSQL's snapshot. What others write comes after it."""
    return str(session.execute(select(cast(func.pg_current_snapshot(), Text))).scalar_one())


def _exported(session: Session, *, end: EnteEnd, job: Taken, path: Path, digest: str, report: dict[str, Any]) -> bool:
    end = session.get_one(EnteEnd, end.id, with_for_update=True, populate_existing=True)
    if end.state is not EndState.EXPORTING or end.job_id != job.id:
        return False
    end.state, end.path, end.sha256, end.report = EndState.EXPORTED, str(path), digest, {**end.report, **report}
    session.flush()
    audit.note(session, None, kind="privacy.end_exported", ente_id=end.ente_id, after={"end": end.id, "sha256": digest})
    touch(session, topics.privacy(end.ente_id))
    return True


def _sealed(database: Database, ente_id: int) -> int:
    """Seal the ente's entries; the number of the last seal."""
    sealing.seal_all(database, ente_id)
    with database.begin(Scope.of_enti([ente_id])) as session:
        last = sealing.last_seal(session, ente_id)
    return last.number if last else 0


def _closed(session: Session, *, end_id: int, through: int, path: Path) -> bool:
    """The log is whole as it was written, unless something was added meanwhile or another worker was first."""
    end = session.get_one(EnteEnd, end_id, with_for_update=True, populate_existing=True)
    last = sealing.last_seal(session, end.ente_id)
    waits = session.execute(select(exists().where(AuditUnsealed.ente_id == end.ente_id))).scalar_one()
    if end.log_through is not None or waits or (last.number if last else 0) != through:
        return False
    end.log_path, end.log_through = str(path), through
    session.flush()
    return True


def _log(database: Database, ente_id: int, *, through: int) -> Iterator[bytes]:
    """The access log with its values opened, as it was sealed."""
    with database.begin(Scope.of_enti([ente_id])) as session:
        after = sealing.kept_through(session, ente_id)
    while True:
        with database.begin(Scope.of_enti([ente_id])) as session:
            seals = sealing.following(session, ente_id, after=after, through=through)
            found = log_of.by_id(session, [one for _, entries in seals for one in entries])
        if not seals:
            return
        yield from (_json({name: plain(getattr(one, name)) for name in one.__dataclass_fields__}) for one in found)
        after = seals[-1][0]


def _lines(database: Database, scope: Scope, table: Table, ente_id: int) -> Iterator[bytes]:
    """The ente's rows of a table, streamed: memory stays flat."""
    with database.begin(scope) as session:
        rows = session.execute(
            select(table).where(table.c.ente_id == ente_id).order_by(*table.primary_key.columns),
            execution_options={"yield_per": 1_000},
        )
        for row in rows.mappings():
            yield _json(plain(row))


def _written(archive: zipfile.ZipFile, name: str, lines: Iterable[bytes], job: Taken) -> int:
    """Write a file of the archive; how many lines it has."""
    count = 0
    with archive.open(f"{name}.jsonl", "w", force_zip64=True) as target:
        for line in lines:
            target.write(line)
            count += 1
            job.renew()
    return count


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def _digest(path: Path, renew: Callable[[], None]) -> str:
    with path.open("rb") as file:
        digest = sha256()
        while block := file.read(1 << 20):
            digest.update(block)
            renew()
    return digest.hexdigest()
