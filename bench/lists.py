"""Lists: one built in the database of as many contacts as the ente has, beside COPY of the very same rows; the live
count while a segment is being made; a file read row by row.

COPY goes into the same table with the same indexes and keys, as the superuser. Both leave their rows there, and take
turns.
"""

import os
import time
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import text
from stdnum.it import codicefiscale

from bench.options import Options
from bench.place import Centre, Place
from bench.results import Result, median
from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.core.db import Scope
from crm.core.jobs import Taken
from outbound.lists import checking, service, tasks
from outbound.lists.queries import one
from outbound.segments.conditions import Condition, Field, Operator, Segment
from outbound.segments.counting import Count, count

QUICK = 20_000
COUNTED = 100_000  # contacts of the ente in which is counted
LEAST_SHARE, WITHIN_MS = 0.15, 300.0
UNHURRIED_MS = 60_000
OF_POSITIONS = (
    Condition(Field.TAX, Operator.IS, ("tari",)),
    Condition(Field.DUE_DAYS, Operator.AT_LEAST, 90),
    Condition(Field.NOTIFICATION, Operator.IS, ("notified",)),
)
OWING = (*OF_POSITIONS, Condition(Field.OWED, Operator.AT_LEAST, 20_000))
ASKED = {
    "everybody": (),
    "positions": OF_POSITIONS,
    "owing and to be reached": (
        *OWING,
        Condition(Field.REACHED_BY, Operator.IS, ("mobile",)),
        Condition(Field.NO_CALLS, Operator.IS, False),
        Condition(Field.CONTACT_DAYS, Operator.AT_LEAST, 30),
    ),
    "a street": (*OWING, Condition(Field.STREET, Operator.IS, ("via roma",))),
}


def measure(place: Place, options: Options) -> list[Result]:
    """Building beside COPY, counts, and a file."""
    rows, counted = (QUICK, QUICK) if options.quick else (options.rows, COUNTED)
    centre = place.centre("lists")
    with psycopg.connect(centre.place.postgres.dsn(centre.name)) as connection:
        fill(connection, centre.cast.empoli, 1_000, rows)
        fill(connection, centre.cast.vinci, 1_000 + rows, counted)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
    copied, built, shares = [], [], []
    for _ in range(options.repeats):
        before = _copied(centre)
        built.append(_built(centre, rows))
        copied += [before, _copied(centre)]
        shares.append((copied[-2] + copied[-1]) / 2 / built[-1])
    results = [
        Result(
            f"a list of {rows:,} contacts built", f"≥ {LEAST_SHARE} of COPY", f"{rows / median(copied):,.0f}/s",
            f"{rows / median(built):,.0f}/s", f"{median(shares):.3f}", median(shares) >= LEAST_SHARE,
            {"copied": copied, "built": built, "shares": shares},
        )
    ]  # fmt: skip
    results += [_count(centre, centre.cast.vinci, name, asked, counted, options) for name, asked in ASKED.items()]
    if rows > counted:
        results.append(_count(centre, centre.cast.empoli, "owing", OWING, rows, options, promised=False))
    results.append(_file(centre, min(rows, COUNTED)))
    centre.close()
    return results


def fill(connection: psycopg.Connection[tuple[object, ...]], ente_id: int, first: int, many: int) -> None:
    """So many contacts of an ente, each with two positions, a mobile number and an address; half owe the TARI."""
    people = "generate_series(%(first)s::bigint, %(last)s::bigint) AS n"
    for statement in (
        f"""INSERT INTO contact (id, ente_id, codice_fiscale, kind, surname, name_key, language, as_of, digest)
            SELECT n, %(ente)s, lpad(n::text, 16, 'A'), 'natural', 'S' || n, 'S' || n, 'it', now(), 'x'
            FROM {people}""",
        f"""INSERT INTO contact_reach (ente_id, contact_id, kind, value, source, stated, verification)
            SELECT %(ente)s, n, 'phone', '+39348' || lpad(n::text, 7, '0'), 'gestionale', true, 'unverified'
            FROM {people}""",
        f"""INSERT INTO contact_address (ente_id, contact_id, kind, street, country, place_key, source, stated,
                                         verification)
            SELECT %(ente)s, n, 'residence', 'x', 'IT', (ARRAY['VIA ROMA ', 'VIA MAZZINI '])[1 + n %% 2] || n,
                   'gestionale', true, 'unverified' FROM {people}""",
        f"""INSERT INTO position (ente_id, contact_id, reference, tax, year, act_kind, act_number, act_key, state,
                                  tax_cents, sanctions_cents, interest_cents, costs_cents, paid_cents, residual_cents,
                                  issued_on, due_on, notification, payments, instalments, acts, steps, as_of, digest)
            SELECT %(ente)s, n, n || '-' || m, CASE WHEN (n + m) %% 4 < 2 THEN 'tari' ELSE 'imu' END, 2023,
                   'ingiunzione', '1', '1', 'overdue', 1, 0, 0, 0, 0, 10000 + n %% 30000, '2023-01-01', '2023-06-01',
                   CASE WHEN n %% 5 > 0 THEN 'notified' ELSE 'failed' END, '[]', '[]', '[]', '[]', now(), 'x'
            FROM {people}, generate_series(1, 2) AS m""",
    ):
        connection.execute(statement, {"ente": ente_id, "first": first, "last": first + many - 1})


def _manager(centre: Centre) -> Principal:
    grant = Held(Role.CAMPAIGN_MANAGER, None, centre.cast.contract)
    return Principal(centre.cast.sara, "", "it", frozenset({grant}))


def _built(centre: Centre, rows: int) -> float:
    """The seconds of the worker's job."""
    ente_id, manager = centre.cast.empoli, _manager(centre)
    scope = Scope.of_enti([ente_id])
    everybody = Segment(((Condition(Field.POSITIONS, Operator.AT_LEAST, 1),),))
    made = centre.database.transact(
        scope, lambda session: service.make(session, manager, ente_id=ente_id, name="x", segment=everybody)
    )
    began = time.perf_counter()
    tasks.run_build(centre.database, Taken(0, ente_id, {"list": made}, lambda: None))
    seconds = time.perf_counter() - began
    with centre.database.begin(scope) as session:
        assert rows <= one(session, manager, made).members <= rows + 1  # and one of the cast
    return seconds


def _copied(centre: Centre) -> float:
    """The seconds that COPY takes for such rows."""
    held = BytesIO()
    with psycopg.connect(centre.place.postgres.dsn(centre.name)) as connection:
        made = connection.execute(
            "INSERT INTO contact_list (ente_id, name, origin, state, made_by, made_at, members, rows, wrong, unknown,"
            " several, twice) SELECT %s, 'x', 'file', 'ready', %s, now(), 0, 0, 0, 0, 0, 0 RETURNING id",
            [centre.cast.empoli, centre.cast.sara],
        ).fetchone()
        assert made is not None
        out = sql.SQL(
            "COPY (SELECT {}::bigint, id, ente_id, NULL::jsonb FROM contact WHERE ente_id = {}) TO STDOUT (FORMAT binary)"  # noqa: E501
        )
        with connection.cursor().copy(out.format(sql.Literal(made[0]), sql.Literal(centre.cast.empoli))) as copy:
            for chunk in copy:
                held.write(chunk)
        connection.commit()
        began = time.perf_counter()
        into = "COPY contact_list_member (list_id, contact_id, ente_id, given) FROM STDIN (FORMAT binary)"
        with connection.cursor().copy(into) as copy:
            copy.write(held.getvalue())
        connection.commit()
        return time.perf_counter() - began


def _count(
    centre: Centre, ente_id: int, name: str, asked: tuple[Condition, ...], many: int, options: Options, *,
    promised: bool = True,
) -> Result:  # fmt: skip
    """The live count, as the form has it made: the processor's time that it takes of one backend, by itself.

    On a machine that others use too the time on the wall says how many they are; it is reported.
    """
    segment = Segment(tuple((one,) for one in asked))
    wall, found = [], Count(None, exact=False)
    with centre.database.begin(Scope.of_enti([centre.cast.empoli, centre.cast.vinci])) as session:
        pid = session.scalar(
            text("SELECT pg_backend_pid() FROM set_config('max_parallel_workers_per_gather', '0', true)")
        )
        count(session, segment, ente_id=ente_id, patience_ms=UNHURRIED_MS)
        before = processor_ms(pid)
        for _ in range(options.repeats):
            began = time.perf_counter()
            found = count(session, segment, ente_id=ente_id, patience_ms=UNHURRIED_MS)
            wall.append((time.perf_counter() - began) * 1000)
        spent = (processor_ms(pid) - before) / options.repeats
    return Result(
        f"count among {many:,}: {name}", f"≤ {WITHIN_MS:.0f} ms" if promised else "–", "–", f"{found.people:,}",
        f"{spent:.0f} ms ({median(wall):.0f} on the wall)", spent <= WITHIN_MS if promised else None, {"wall": wall},
    )  # fmt: skip


def processor_ms(pid: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def _file(centre: Centre, many: int) -> Result:
    """A CSV of which every second row is wrong, read and matched."""
    ente_id, path = centre.cast.empoli, centre.place.folder / "list.csv"
    code = codicefiscale.compact("BNCMRA62A01D403X")
    path.write_text("cf;note\n" + "".join(f"{code if n % 2 else 'x'};{n}\n" for n in range(many)), encoding="utf-8")
    manager, scope = _manager(centre), Scope.of_enti([ente_id])
    made = centre.database.transact(
        scope,
        lambda session: service.take_in(
            session, manager, ente_id=ente_id, name="x", path=path, file_name="list.csv"
        ),
    )  # fmt: skip
    began = time.perf_counter()
    checking.run_check(centre.database, Taken(0, ente_id, {"list": made, "path": str(path)}, lambda: None))
    seconds = time.perf_counter() - began
    with centre.database.begin(scope) as session:
        found = one(session, manager, made)
    counts = f"{found.wrong:,} wrong, {found.twice:,} twice"
    all_there = found.rows == many and found.wrong + found.twice + found.members == many
    return Result(
        f"a file of {many:,} rows", "each accounted for", "–", f"{many / seconds:,.0f}/s", counts, all_there,
        {"time": str(timedelta(seconds=seconds))},
    )  # fmt: skip
