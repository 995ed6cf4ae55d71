"""Reading a file for a list, in the background: whom its rows mean, and what is wrong with the others.

Nobody is on a list before a person has seen what came of it. A reading that was killed is done anew, whole.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from crm.contacts import matching
from crm.core import clock, topics
from crm.core.db import Database, Scope, table_of, touch
from crm.core.errors import InvalidError
from crm.core.jobs import Job, JobState, LeaseLostError, Runner, Taken
from crm.core.recordset import incoming
from crm.positions import queries as positions
from crm.privacy.holders import rows_of
from outbound.lists import service
from outbound.lists.columns import By, Columns, Key, Wrong
from outbound.lists.models import ContactList, ContactListMember, ContactListRefusal, ListState, Why
from outbound.lists.sheets import FileRefusedError, Line, read
from outbound.lists.tasks import clear

BATCH = 2_000
KEPT = 1_000  # rows that are kept with their reasons; the others are counted
UPLOADS = "list-uploads"  # within FILODIRETTO_DATA: files that were sent, each until it was read
ON_ITS_WAY = timedelta(days=1)  # a file that was kept so lately may still be sent
REASONS_KEPT = timedelta(days=30)
GONE = "Il file non c'è più: caricalo di nuovo."
BROKEN = "La lettura si è fermata per un guasto del sistema, non del file: elimina la lista e caricalo di nuovo."
UNREADABLE = "La riga non si legge: una cella non finisce, o contiene caratteri che nessun testo ha."
UNKNOWN = {
    By.CODE: "Nessun contribuente di questo ente ha questo codice fiscale.",
    By.NOTICE: "Nessuna posizione di questo ente ha questo codice avviso.",
    By.PHONE: "Nessun contribuente di questo ente ha questo telefono.",
}
SEVERAL = "Più contribuenti corrispondono: serve il codice fiscale."
TWICE = "Lo stesso contribuente è già in una riga precedente."
_NAMES = ["list_id", "contact_id", "ente_id", "given"]
_LIST, _MEMBER, _REFUSAL = table_of(ContactList), table_of(ContactListMember), table_of(ContactListRefusal)


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that makes nobody a member."""

    line: Line
    why: Why
    heading: str
    reason: str
    codice_fiscale: str | None = None
    person: int | None = None  # whom it means all the same


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a file has been read."""

    rows: int = 0
    members: int = 0
    refused: Mapping[Why, int] = field(default_factory=dict)

    def and_then(self, rows: int, members: int, refused: Iterable[Refused]) -> "Reading":
        """After some more rows."""
        counts = Counter(self.refused) + Counter(one.why for one in refused)
        return Reading(self.rows + rows, self.members + members, counts)


def run_check(database: Database, job: Taken) -> None:
    """Read a file (`path`) for a list (`list`), and remove it once that is over."""
    list_id, path, scope = job.argument["list"], Path(job.argument["path"]), Scope.of_enti([job.ente_id])
    while left := database.transact(scope, lambda session: _emptied(session, list_id)):
        job.renew()
    if left is None:  # it is read, or gone
        remove(path)
        return
    try:
        members = _read(database, job, list_id, path)
    except FileRefusedError as refusal:
        reason = str(refusal)
        database.transact(
            scope, lambda session: service.close(session, list_id=list_id, state=ListState.FAILED, failure=reason)
        )
    else:
        database.transact(
            scope, lambda session: service.close(session, list_id=list_id, state=ListState.CHECKED, members=members)
        )
    remove(path)


def gave_up(session: Session, job: Taken) -> None:
    """The last attempt failed: the list is shown as failed, and its file goes."""
    service.close(session, list_id=job.argument["list"], state=ListState.FAILED, failure=BROKEN)
    remove(Path(job.argument["path"]))


def remove(path: Path) -> None:
    """Remove a file that was sent. Doing it twice changes nothing."""
    path.unlink(missing_ok=True)


def _emptied(session: Session, list_id: int) -> int | None:
    """Take away what an earlier attempt has written; how many rows. None: there is nothing to read any more."""
    found = session.get(ContactList, list_id, with_for_update=True, populate_existing=True)
    if found is None or found.state is not ListState.BUILDING:
        return None
    _advance(session, list_id, Reading())
    return clear(session, list_id=list_id)


def _read(database: Database, job: Taken, list_id: int, path: Path) -> int:
    if not path.exists():
        raise FileRefusedError(GONE)
    lines, scope = read(path), Scope.of_enti([job.ente_id])
    columns, reading = _columns(next(lines, None)), Reading()
    database.transact(scope, partial(_begin, list_id=list_id, columns=columns))
    while batch := list(islice(lines, BATCH)):
        taking = Taking(job.ente_id, list_id, columns, reading, batch)
        reading = database.transact(scope, partial(_take, taking=taking))
        job.renew()
    return reading.members


def _begin(session: Session, *, list_id: int, columns: Columns) -> None:
    session.execute(update(_LIST).where(_LIST.c.id == list_id).values(headings=list(columns.headings)))


def _columns(first: Line | None) -> Columns:
    try:
        return Columns.of(first.cells if first else ())
    except InvalidError as error:
        raise FileRefusedError(str(error)) from None


@dataclass(frozen=True, slots=True)
class Taking:
    """Some rows to be matched, and what was read before them."""

    ente_id: int
    list_id: int
    columns: Columns
    before: Reading
    batch: Sequence[Line]


def _take(session: Session, *, taking: Taking) -> Reading:
    """Match some rows and write what comes of it. Raises `LeaseLostError` when another worker reads the file."""
    _hold(session, taking)
    columns = taking.columns
    wanted = {line.number: _key(columns, line) for line in taking.batch}
    found = _matched(session, taking.ente_id, [one for one in wanted.values() if isinstance(one, Key)])
    meant: dict[int, Line] = {}
    refused: list[Refused] = []
    for line in taking.batch:
        key = wanted[line.number]
        if isinstance(key, Wrong):
            refused.append(Refused(line, Why.WRONG, key.heading, key.reason))
            continue
        people = found.get(key, set())
        person = next(iter(people), None)
        if len(people) > 1:
            refused.append(_refused(columns, line, key, Why.SEVERAL, SEVERAL))
        elif person is None:
            refused.append(_refused(columns, line, key, Why.UNKNOWN, UNKNOWN[key.by]))
        elif meant.setdefault(person, line) is not line:
            refused.append(_refused(columns, line, key, Why.TWICE, TWICE, person))
    new = _written(session, taking, meant)
    for person, line in meant.items():
        key = wanted[line.number]
        if person not in new and isinstance(key, Key):
            refused.append(_refused(columns, line, key, Why.TWICE, TWICE, person))
    _note(session, taking, sorted(refused, key=lambda one: one.line.number))
    reading = taking.before.and_then(len(taking.batch), len(new), refused)
    _advance(session, taking.list_id, reading)
    return reading


def _hold(session: Session, taking: Taking) -> None:
    """Lock the list as this reading has left it."""
    as_left = (_LIST.c.state == ListState.BUILDING, _LIST.c.rows == taking.before.rows)
    held = select(_LIST.c.id).where(_LIST.c.id == taking.list_id, *as_left).with_for_update()
    if session.execute(held).one_or_none() is None:
        raise LeaseLostError


def _refused(
    columns: Columns, line: Line, key: Key, why: Why, reason: str, person: int | None = None
) -> Refused:  # fmt: skip
    heading = next(columns.headings[place] for by, place in columns.keys if by is key.by)
    return Refused(line, why, heading, reason, key.value if key.by is By.CODE else None, person)


def _key(columns: Columns, line: Line) -> Key | Wrong:
    return Wrong("", UNREADABLE) if line.broken else columns.key(line.cells)


def _matched(session: Session, ente_id: int, keys: Iterable[Key]) -> dict[Key, set[int]]:
    """Who the keys belong to; of those merged into another, that other."""
    values: dict[By, set[str]] = {by: set() for by in By}
    for key in keys:
        values[key.by].add(key.value)
    found: dict[Key, set[int]] = {}
    for by, look in (
        (By.CODE, matching.by_codes), (By.NOTICE, positions.owners_of_notices), (By.PHONE, matching.by_phones)
    ):  # fmt: skip
        if values[by]:
            of_value = look(session, values[by], ente_id=ente_id)
            found |= {Key(by, value): people for value, people in of_value.items()}
    everybody = {person for people in found.values() for person in people}
    standing = matching.standing_for(session, everybody, ente_id=ente_id)
    return {key: {standing.get(one, one) for one in people} for key, people in found.items()}


def _written(session: Session, taking: Taking, meant: Mapping[int, Line]) -> set[int]:
    """Write the members; which of them were new."""
    if not meant:
        return set()
    rows = [
        {
            "list_id": taking.list_id, "contact_id": person, "ente_id": taking.ente_id,
            "given": taking.columns.given(line.cells),
        }
        for person, line in meant.items()
    ]  # fmt: skip
    told = incoming(_MEMBER, _NAMES, rows)
    new = upsert(_MEMBER).from_select(_NAMES, select(*(told.c[name] for name in _NAMES)))
    return set(session.scalars(new.on_conflict_do_nothing().returning(_MEMBER.c.contact_id)))


def _note(session: Session, taking: Taking, refused: Sequence[Refused]) -> None:
    kept = refused[: max(0, KEPT - sum(taking.before.refused.values()))]
    if kept:
        codes = matching.codes_of(session, {one.person for one in kept if one.person is not None})
        session.execute(
            insert(_REFUSAL),
            [
                {
                    "list_id": taking.list_id, "line": one.line.number, "ente_id": taking.ente_id, "why": one.why,
                    "heading": one.heading, "reason": one.reason, "cells": list(one.line.cells),
                    "codice_fiscale": codes.get(one.person or 0, one.codice_fiscale),
                }
                for one in kept
            ],
        )  # fmt: skip


def _advance(session: Session, list_id: int, reading: Reading) -> None:
    """Say how far it has come."""
    counts = {why.value: reading.refused.get(why, 0) for why in Why}
    values = {"rows": reading.rows, "members": reading.members, **counts}
    moved = update(_LIST).where(_LIST.c.id == list_id).values(values).returning(_LIST.c.ente_id)
    touch(session, topics.lists(session.execute(moved).scalar_one()))


def sweep(session: Session, *, uploads: Path) -> int:
    """Remove files that nobody will read, and rows of files whose reasons were there for a month; how many.

    `session` sees every ente. Whoever was killed between keeping a file and the commit left one.
    """
    alive = (Job.kind == service.CHECK, Job.state.in_([JobState.WAITING, JobState.RUNNING]))
    wanted = set(session.scalars(select(Job.argument["path"].astext).where(*alive)))
    at = clock.now(session)
    before = (at - ON_ITS_WAY).timestamp()
    lost = [one for one in uploads.glob("*") if one.stat().st_mtime < before and str(one.resolve()) not in wanted]
    for one in lost:
        remove(one)
    decided = select(_LIST.c.id).where(_LIST.c.state != ListState.CHECKED, _LIST.c.made_at < at - REASONS_KEPT)
    return len(lost) + rows_of(session.execute(delete(_REFUSAL).where(_REFUSAL.c.list_id.in_(decided))))


CHECKER = Runner(run_check, gave_up)
