"""Reading a file of civic numbers: streamed into the database at once; what there was of its towns goes."""

from collections.abc import Iterable, Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.core import clock
from crm.core.errors import InvalidError
from outbound.field.places.civic_file import MOST_MISTAKES, Row, Wrong, rows
from outbound.field.places.models import CivicFile

LONGEST_NAME = 120
_COPY = "COPY civic_incoming FROM STDIN"
_FORGET = text(
    "DELETE FROM civic_street WHERE town IN (SELECT DISTINCT town FROM civic_incoming WHERE file_id = :file)"
)
_STREETS = text(
    "INSERT INTO civic_street (file_id, town, key, name, latitude, longitude, numbers)"
    " SELECT :file, town, key, min(street), avg(latitude), avg(longitude), count(DISTINCT (number, suffix))"
    " FROM civic_incoming WHERE file_id = :file GROUP BY town, key"
)
# A number that is written twice is where it was written first.
_NUMBERS = text(
    "INSERT INTO civic_number (street_id, number, suffix, postcode, latitude, longitude)"
    " SELECT DISTINCT ON (s.id, i.number, i.suffix) s.id, i.number, i.suffix, i.postcode, i.latitude, i.longitude"
    " FROM civic_incoming i JOIN civic_street s ON s.town = i.town AND s.key = i.key AND s.file_id = i.file_id"
    " WHERE i.file_id = :file ORDER BY s.id, i.number, i.suffix, i.line"
)
_TOWNS = text("SELECT DISTINCT town FROM civic_incoming WHERE file_id = :file ORDER BY town")
# Of rows that were copied a moment ago the planner knows nothing, and would look each one up among all of them.
_BY_HASH = text("SELECT set_config('enable_nestloop', 'off', true)")
_DONE = text("DELETE FROM civic_incoming WHERE file_id = :file")


def read(session: Session, by: Principal, *, name: str, lines: Iterable[str], town: str = "") -> int:
    """Take the civic numbers of a file; the file's id. `town`: where the file names none.

    Raises `InvalidError` when it cannot be read, or holds no number that can be.
    """
    by.require(Permission.FIELD_MANAGE)
    wrong: list[list[object]] = []
    row = CivicFile(
        name=name[:LONGEST_NAME], towns=[], rows=0, refused=0, mistakes=[], read_at=clock.now(session),
        read_by=by.user_id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    counts = {"rows": 0, "refused": 0}
    raw = session.connection().connection.driver_connection
    assert raw is not None
    with raw.cursor() as cursor, cursor.copy(_COPY) as copy:
        for line, one in enumerate(_good(rows(lines, town=town), wrong, counts)):
            at = (one.at.latitude, one.at.longitude)
            copy.write_row((row.id, line, one.town, one.key, one.street, one.number, one.suffix, one.postcode, *at))
    if not counts["rows"]:
        why = f" La prima riga scartata: {wrong[0][1]}" if wrong else ""
        raise InvalidError(f"Nel file non c'è nessun numero civico che si legga.{why}", field="file")
    its = {"file": row.id}
    row.towns = list(session.scalars(_TOWNS, its))
    row.rows, row.refused, row.mistakes = counts["rows"], counts["refused"], wrong
    session.flush()
    for statement in (_BY_HASH, _FORGET, _STREETS, _NUMBERS, _DONE):
        session.execute(statement, its)
    audit.note(
        session, by, kind="civic_file.read", ente_id=None, subject=row.name,
        after={"rows": row.rows, "refused": row.refused, "towns": row.towns},
    )  # fmt: skip
    return row.id


def _good(found: Iterator[Row | Wrong], wrong: list[list[object]], counts: dict[str, int]) -> Iterator[Row]:
    for one in found:
        if isinstance(one, Row):
            counts["rows"] += 1
            yield one
            continue
        counts["refused"] += 1
        if len(wrong) < MOST_MISTAKES:
            wrong.append([one.line, one.why])
