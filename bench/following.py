"""The next contact of a campaign, chosen from as many as its list has: claimed, judged, and his, in one transaction."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg

from bench.lists import fill
from bench.options import Options
from bench.place import Centre, Place
from bench.results import Result, median, percentile
from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.collection.models import ImportRun, ImportState
from crm.core.db import Database, Scope
from outbound.campaigns import contacts, service
from outbound.campaigns.lifecycle import Deed
from outbound.campaigns.plan import Phase, Plan
from tests.cast import EMPOLI_LINE

QUICK, WITHIN_MS, CHOSEN, AT_ONCE = 20_000, 10.0, 1_000, 8
NOON = datetime(2026, 11, 24, 11, tzinfo=UTC)  # a Tuesday
LISTED = """INSERT INTO contact_list (ente_id, name, origin, state, made_by, made_at, members, rows, wrong, unknown,
                                      several, twice)
            VALUES (%(ente)s, 'x', 'file', 'ready', %(by)s, now(), 0, 0, 0, 0, 0, 0) RETURNING id"""
MEMBERS = """INSERT INTO contact_list_member (list_id, contact_id, ente_id)
             SELECT %(list)s, id, ente_id FROM contact WHERE ente_id = %(ente)s AND id >= 1000"""


def measure(place: Place, options: Options) -> list[Result]:
    """One operator after the other, and eight at once."""
    many = QUICK if options.quick else options.contacts
    centre = place.centre("following")
    database = Database(
        centre.settings.database_url, centre.settings.database_routing_url, pool_size=AT_ONCE, clock=lambda: NOON
    )
    database.transact(Scope.of_enti([centre.cast.empoli]), lambda session: session.add(_heard(centre.cast.empoli)))
    list_id = _listed(centre, many)
    campaign_id, admitted_s = _started(centre, database, list_id)
    with psycopg.connect(centre.place.postgres.dsn(centre.name), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    agents = [_agent(centre, one) for one in (centre.cast.anna, centre.cast.luca)]
    scope = Scope.of_enti([centre.cast.empoli], [centre.cast.contract])

    def choose(n: int) -> float:
        began = time.perf_counter()
        chosen = database.transact(
            scope, lambda session: contacts.next_contact(session, agents[n % 2], campaign_id=campaign_id)
        )
        assert chosen is not None
        return (time.perf_counter() - began) * 1000

    for n in range(50):
        choose(n)
    alone = [choose(n) for n in range(CHOSEN)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        together = list(pool.map(choose, range(CHOSEN)))
    database.dispose()
    centre.close()
    p95 = percentile(alone, 0.95)
    detail = {"contacts": many, "admitted_s": admitted_s, "alone_ms": alone, "together_ms": together}
    return [
        Result(
            f"next contact of {many:,}", f"p95 ≤ {WITHIN_MS:.0f} ms", "", f"median {median(alone):.1f} ms",
            f"{p95:.1f} ms; {AT_ONCE} at once {percentile(together, 0.95):.1f}", p95 <= WITHIN_MS, detail,
        ),
        Result(
            f"{many:,} contacts of a list made a campaign's", "", "", f"{many / admitted_s:,.0f}/s",
            f"{admitted_s:.1f} s", None, {},
        ),
    ]  # fmt: skip


def _heard(ente_id: int) -> ImportRun:
    """The collection system was heard an hour ago."""
    at = dict.fromkeys(("as_of", "started_at", "moved_at", "ended_at"), NOON - timedelta(hours=1))
    return ImportRun(ente_id=ente_id, file_name="x", file_bytes=1, totals=[], state=ImportState.DONE, **at)


def _listed(centre: Centre, many: int) -> int:
    with psycopg.connect(centre.place.postgres.dsn(centre.name)) as connection:
        fill(connection, centre.cast.empoli, 1_000, many)
        of = {"ente": centre.cast.empoli, "by": centre.cast.sara}
        made = connection.execute(LISTED, of).fetchone()
        assert made is not None
        connection.execute(MEMBERS, {**of, "list": made[0]})
        return int(str(made[0]))


def _started(centre: Centre, database: Database, list_id: int) -> tuple[int, float]:
    """The campaign, and the seconds in which the list's members became its contacts."""
    cast, scope = centre.cast, Scope.of_enti([centre.cast.empoli], [centre.cast.contract])
    sara = Principal(cast.sara, "", "it", frozenset({Held(Role.SUPERVISOR, None, cast.contract)}))
    vera = Principal(cast.vera, "", "it", frozenset({Held(Role.ENTE_APPROVER, cast.empoli, None)}))
    plan = replace(Plan(), queue_id=cast.operator, line=EMPOLI_LINE, scripts={Phase.PERSONAL: "x"})
    campaign_id = database.transact(
        scope,
        lambda session: service.begin(
            session, sara, ente_id=cast.empoli, contract_id=cast.contract, list_id=list_id, name="x", plan=plan
        ),
    )
    for by, deed in ((sara, Deed.SUBMIT), (vera, Deed.APPROVE), (sara, Deed.START)):
        with database.begin(scope) as session:
            service.act(session, by, campaign_id=campaign_id, deed=deed)
    began = time.perf_counter()
    database.transact(scope, lambda session: contacts.admit(session, campaign_id=campaign_id))
    return campaign_id, time.perf_counter() - began


def _agent(centre: Centre, user_id: int) -> Principal:
    return Principal(user_id, "", "it", frozenset({Held(Role.AGENT, None, centre.cast.contract)}))
