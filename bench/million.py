"""A database with a million taxpayers of twenty enti, filled by COPY: for what is measured among so many.

Written as the superuser, past the policies: what is measured then reads it as the application's role.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from bench.full_files import fill_files
from bench.options import Options
from bench.people import Person, people
from bench.place import Centre, Place
from crm.contacts.names import given_key, name_key, words_of
from crm.contacts.slips import stumps
from crm.positions.numbers import act_key

ENTI = 20
AS_OF = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
FIRST_ID = 1_000  # of the contacts and of their positions, one each
FULL = 60  # files, each opened once a repeat: none is warm because it was just read
EVERY_NTH = 211  # of whom a search is made: coprime to everything the generator repeats

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Filled:
    """Who is there: the enti, all under the cast's contract, and some of the people, spread over all of them."""

    enti: tuple[int, ...]
    count: int
    sample: tuple[Person, ...]
    full: tuple[int, ...]  # the contacts whose files are full


def million(place: Place, options: Options) -> tuple[Centre, Filled]:
    """The centre with its people, filled once a run; a twentieth of them in a quick one."""

    def make() -> tuple[Centre, Filled]:
        centre = place.centre("million")
        return centre, fill(centre, 50_000 if options.quick else 1_000_000)

    return place.once("million", make)


def fill(centre: Centre, count: int) -> Filled:
    """So many people, each with a telephone and a position, as the database's superuser."""
    everybody = list(people(count, enti=ENTI))
    with psycopg.connect(centre.place.postgres.dsn(centre.name)) as connection:
        enti = tuple(enti_of(connection, centre.cast.contract))
        for table, rows in _tables(everybody, enti).items():
            _copy(connection, table, rows)
        words = {word for one in everybody for word in words_of(name_key(one.surname, one.given_name))}
        _copy(connection, "name_stump", ({"stump": s, "word": word} for word in sorted(words) for s in stumps(word)))
        for table in ("contact", "position"):
            last = sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), (SELECT max(id) FROM {}))")
            connection.execute(last.format(sql.Literal(table), sql.Identifier(table)))
        full = range(FIRST_ID, FIRST_ID + count, count // FULL)
        fill_files(connection, list(full))
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
    return Filled(enti, count, tuple(everybody[::EVERY_NTH]), tuple(full))


def enti_of(connection: psycopg.Connection[Any], contract: int) -> Iterator[int]:
    for number in range(ENTI):
        code = f"Z{number:03d}"
        row = connection.execute(
            "INSERT INTO ente (name, short_name, istat_code, cadastral_code, codice_fiscale, province, band,"
            " patron_name, patron_month, patron_day, observes_holidays)"
            " VALUES (%s, %s, %s, %s, %s, 'FI', 1, 'x', 1, 1, false) RETURNING id",
            [f"Comune {code}", code, f"9{number:05d}", code, f"9{number:010d}"],
        ).fetchone()
        assert row is not None
        connection.execute("INSERT INTO contract_ente VALUES (%s, %s)", [contract, row[0]])
        yield row[0]


def _tables(everybody: Sequence[Person], enti: tuple[int, ...]) -> dict[str, Iterable[Row]]:
    """The rows of each table."""

    def each(row: Callable[[int, int, Person], Row]) -> Iterator[Row]:
        return (row(FIRST_ID + number, enti[one.ente], one) for number, one in enumerate(everybody))

    return {"contact": each(_contact), "contact_reach": each(_reach), "position": each(_position)}


def _contact(id_: int, ente_id: int, one: Person) -> Row:
    return {
        "id": id_, "ente_id": ente_id, "codice_fiscale": one.codice_fiscale, "kind": "natural",
        "surname": one.surname, "given_name": one.given_name, "born_on": one.born_on, "language": "it",
        "name_key": name_key(one.surname, one.given_name), "given_key": given_key(one.surname, one.given_name),
        "as_of": AS_OF, "digest": "x",
    }  # fmt: skip


def _reach(id_: int, ente_id: int, one: Person) -> Row:
    return {
        "ente_id": ente_id, "contact_id": id_, "kind": "phone", "value": one.phone, "source": "gestionale",
        "stated": True, "verification": "unverified",
    }  # fmt: skip


def _position(id_: int, ente_id: int, one: Person) -> Row:
    number = f"{2020 + id_ % 7}/{id_}"
    cents = 10_000 + id_ % 90_000
    return {
        "id": id_, "ente_id": ente_id, "contact_id": id_, "reference": f"P-{id_}", "notice_number": one.notice_number,
        "tax": "tari", "year": 2020 + id_ % 7, "act_kind": "ingiunzione", "act_number": number,
        "act_key": act_key(number), "state": "overdue", "tax_cents": cents, "sanctions_cents": 0, "interest_cents": 0,
        "costs_cents": 0, "paid_cents": 0, "residual_cents": cents, "issued_on": AS_OF.date(),
        "notification": "notified", "payments": Jsonb([]), "instalments": Jsonb([]), "acts": Jsonb([]),
        "steps": Jsonb([]), "as_of": AS_OF, "digest": "x",
    }  # fmt: skip


def _copy(connection: psycopg.Connection[Any], table: str, rows: Iterable[Row]) -> None:
    """COPY rows that all have the columns of the first."""
    rows = iter(rows)
    first = next(rows)
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in first)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), columns)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write_row(tuple(first.values()))
        for row in rows:
            copy.write_row(tuple(row.values()))
