"""Mails: how many a second are taken, beside bare parsing of the very same; the inbox with as many as there may be."""

import time
from datetime import UTC, datetime
from email import message_from_bytes
from uuid import uuid4

import psycopg

from bench import mail_rush
from bench.mail_letters import mail, told
from bench.options import Options
from bench.place import Centre, Place
from bench.results import Result, percentile
from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.core.db import Database, Scope
from crm.core.secrecy import Secrecy, new_key
from crm.documents.store import FolderStore
from telephony.mail import boxes, queries
from telephony.mail.fetching import Fetcher
from telephony.mail.queries import Folder

TAKEN, QUICK = 1_000, 20_000
LOOKS = 60
WITHIN_MS = 300.0


def measure(place: Place, options: Options) -> list[Result]:
    """A thousand mails taken; then the inbox of a million; then a thousand from a real server."""
    rows = QUICK if options.quick else options.rows
    centre = place.centre("mails")
    settings = centre.settings
    database = Database(settings.database_url, settings.database_routing_url, pool_size=4, secrecy=Secrecy(new_key()))
    by = Principal(centre.cast.sara, "Sara", "it", frozenset({Held(Role.SUPERVISOR, None, centre.cast.contract)}))
    scope = Scope.of_contract(centre.cast.contract)
    with database.begin(scope) as session:
        mailbox_id = boxes.add(session, by, told(centre))
    results = [_taken(centre, database, mailbox_id)]
    with psycopg.connect(centre.place.postgres.dsn(centre.name), autocommit=True) as connection:
        _fill(connection, centre, mailbox_id, rows)
        connection.execute("VACUUM ANALYZE")
    results += [_looked(database, by, scope, mailbox_id, folder, rows) for folder in (Folder.OPEN, Folder.CLOSED)]
    database.dispose()
    centre.close()
    return results + mail_rush.measure(place, options)


def _taken(centre: Centre, database: Database, mailbox_id: int) -> Result:
    mails = [mail(n) for n in range(TAKEN)]
    start = time.perf_counter()
    for one in mails:
        message_from_bytes(one)
    bare = TAKEN / (time.perf_counter() - start)
    fetcher = Fetcher(database, FolderStore(centre.settings.data / "mails"))
    leased = fetcher.lease(mailbox_id, centre.cast.contract, uuid4())
    assert leased is not None
    at = datetime.now(UTC)
    start, worked = time.perf_counter(), time.process_time()
    taken = fetcher.bring(leased, ((one, at) for one in mails))
    mine = taken / (time.perf_counter() - start)
    cpu_ms = (time.process_time() - worked) * 1000 / taken  # of ours, which others on the machine hardly change
    fetcher.release(leased)
    what = f"{taken:,} mails taken, each kept, committed and acknowledged"
    said = f"{mine / bare:.1%}, {cpu_ms:.1f} ms CPU each"
    detail = {"bare": bare, "mine": mine, "cpu_ms": cpu_ms}
    return Result(what, "–", f"{bare:,.0f}/s parsed", f"{mine:,.0f}/s", said, None, detail)


def _looked(
    database: Database, by: Principal, scope: Scope, mailbox_id: int, folder: Folder, rows: int
) -> Result:  # fmt: skip
    """A page of the list, and what waits in each mailbox, as the inbox reads them."""
    spent, after = [], None
    for _ in range(LOOKS):
        start = time.perf_counter()
        with database.begin(scope) as session:
            shown = [one.id for one in queries.boxes_of(session, by)]
            found = queries.listed(session, by, folder, boxes=shown, after=after)
        spent.append((time.perf_counter() - start) * 1000)
        last = found[-1] if len(found) == queries.PAGE else None  # at its end it begins anew
        after = (last.answer_by or last.last_at, last.id) if last else None
    assert mailbox_id in shown
    p95 = percentile(spent, 0.95)
    return Result(
        f"inbox of {rows:,} conversations, {folder.value}", f"≤ {WITHIN_MS:.0f} ms", "–", f"p95 {p95:.1f} ms", "",
        p95 <= WITHIN_MS, {"spent": spent},
    )  # fmt: skip


def _fill(connection: psycopg.Connection[tuple[object, ...]], centre: Centre, mailbox_id: int, rows: int) -> None:
    """So many conversations, one in a hundred open."""
    connection.execute(
        """
        INSERT INTO mail_thread (id, contract_id, ente_id, mailbox_id, code, subject, snippet, correspondent,
                                 correspondent_name, state, begun_at, last_at, waiting_since, answer_by, closed_at,
                                 mails, attachments, trouble, version)
        SELECT gen_random_uuid(), %(contract)s, %(ente)s, %(box)s, 'B-' || n, 'Oggetto ' || n, 'Buongiorno',
               'a' || n || '@example.it', 'A ' || n, CASE WHEN n %% 100 = 0 THEN 'open' ELSE 'closed' END,
               at, at, CASE WHEN n %% 100 = 0 THEN at END, CASE WHEN n %% 100 = 0 THEN at + interval '3 days' END,
               CASE WHEN n %% 100 > 0 THEN at END, 1, 0, false, 1
        FROM (SELECT n, now() - n * interval '20 seconds' AS at FROM generate_series(1, %(rows)s) AS n) AS made
        """,
        {"contract": centre.cast.contract, "ente": centre.cast.empoli, "box": mailbox_id, "rows": rows},
    )
