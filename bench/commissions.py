"""Commission: a quarter of 100,000 payments on 20,000 mandates: heard, shown while it is open, settled, verified."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import psycopg
from sqlalchemy.orm import Session

from bench.lists import fill
from bench.options import Options
from bench.place import Place
from bench.results import Result
from crm.collection.models import FeedMode, ImportRun, ImportState
from crm.core.db import Database, Scope
from crm.core.secrecy import Secrecy
from outbound.field.closing import listening, settling, verification
from outbound.field.closing.agreed import Band, Conditions, TermsState, stored
from outbound.field.closing.models import CommissionTerms
from tests.cast import Cast
from tests.outbound.field import people

T = TypeVar("T")
MANY, QUICK, FIRST, EACH = 20_000, 400, 100_000, 5
MOST_S = 60.0  # to settle a quarter, and to verify it: a chore and a command
SHOWN_S = 15.0  # its page while it is open
BEGAN, TOLD = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 5, 3, tzinfo=UTC)
PRACTICES = (
    """INSERT INTO field_practice (ente_id, number, contact_id, origin, state, cents, residential, street, postcode,
                                    town, agent_id, opened_at, closed_at, closed)
       SELECT %(ente)s, id - %(first)s + 1, id, 'ente', 'closed', 100000, true, '', '', 'Empoli', %(agent)s, %(began)s,
              %(began)s, 'promised'
       FROM contact WHERE id >= %(first)s""",
    """INSERT INTO field_practice_debt (practice_id, reference, ente_id, cents)
       SELECT d.id, p.reference, d.ente_id, 50000
       FROM field_practice d JOIN position p ON p.contact_id = d.contact_id""",
    """INSERT INTO field_mandate (id, ente_id, practice_id, agent_id, state, valid_from, valid_to, cents, most_visits,
                                   may_photograph, given_at, given_by, accepted_at, ended_at)
       SELECT gen_random_uuid(), ente_id, id, agent_id, 'ended', '2026-01-02', '2026-03-20', 100000, 3, false,
              %(began)s, %(by)s, %(began)s, %(began)s
       FROM field_practice""",
    """UPDATE position SET payments = (
           SELECT jsonb_agg(jsonb_build_object('paid_on', (DATE '2026-01-05' + (contact_id * 7 + n * 13)::int %% 84),
                            'cents', 1000 + (contact_id * 31 + n) %% 9000, 'channel', NULL, 'registered_on',
                            DATE '2026-01-05' + (contact_id * 7 + n * 13)::int %% 84 + n * 8))
           FROM generate_series(1, CASE WHEN reference LIKE '%%-1' THEN 3 ELSE 2 END) AS n), digest = 'paid'
       WHERE contact_id >= %(first)s""",
)


def measure(place: Place, options: Options) -> list[Result]:
    """Each step once: what is settled is not settled again."""
    many = QUICK if options.quick else MANY
    centre = place.centre("commissions")
    cast, settings = centre.cast, centre.settings
    database = Database(settings.database_url, settings.database_routing_url, secrecy=Secrecy(bytes(32)))
    agent = _transact(database, cast, lambda session: _agreed(session, cast))
    with psycopg.connect(place.postgres.dsn(centre.name), autocommit=True) as connection:
        fill(connection, cast.empoli, FIRST, many)
        values = {"ente": cast.empoli, "first": FIRST, "agent": agent, "began": BEGAN, "by": cast.sara}
        for statement in PRACTICES:
            connection.execute(statement, values)
        connection.execute("VACUUM ANALYZE")
    payments = many * EACH
    statements, heard_s = _timed(lambda: listening.hear_all(database))
    ente = cast.empoli
    shown, shown_s = _timed(lambda: _transact(database, cast, lambda one: settling.opened(one, ente_id=ente)))
    settled, settled_s = _timed(lambda: _transact(database, cast, lambda one: settling.close_next(one, ente_id=ente)))
    found, verified_s = _timed(
        lambda: _transact(database, cast, lambda one: verification.settlements(one, ente_id=ente))
    )
    assert statements == 2 * many, "every position is listened to"
    assert len(shown[0].lines) == found.entries == payments, "every payment has its line"
    assert settled is not None
    assert found.broken is None, found
    database.dispose()
    centre.close()
    return [
        _result(f"{payments:,} payments heard", payments, heard_s, None),
        _result(f"an open quarter of {payments:,} shown", payments, shown_s, SHOWN_S),
        _result(f"a quarter of {payments:,} settled", payments, settled_s, MOST_S),
        _result("the same verified", payments, verified_s, MOST_S),
    ]


def _agreed(session: Session, cast: Cast) -> int:
    agent = people.an_agent(session, cast.anna, cast.sara)
    session.add(
        CommissionTerms(
            ente_id=cast.empoli, valid_from=date(2026, 1, 1), state=TermsState.ACCEPTED,
            conditions=stored(Conditions((Band(Decimal("92.5")),), registration_days=30)), proposed_at=BEGAN,
            proposed_by=cast.sara, decided_at=BEGAN, decided_by=cast.vera, reason="",
        )
    )  # fmt: skip
    session.add(
        ImportRun(
            ente_id=cast.empoli, file_name="x", file_bytes=1, state=ImportState.DONE, mode=FeedMode.FULL, as_of=TOLD,
            started_at=TOLD, moved_at=TOLD, ended_at=TOLD, totals=[],
        )
    )  # fmt: skip
    session.flush()
    return agent.id


def _transact(database: Database, cast: Cast, work: Callable[[Session], T]) -> T:
    return database.transact(Scope.of_enti([cast.empoli], [cast.contract]), work)


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    made: Any = work()
    return made, time.perf_counter() - began


def _result(what: str, payments: int, took_s: float, most_s: float | None) -> Result:
    target = "–" if most_s is None else f"≤ {most_s:.0f} s"
    met = None if most_s is None else took_s <= most_s
    return Result(what, target, "–", f"{payments / took_s:,.0f}/s", f"{took_s:.1f} s", met, {"took_s": took_s})
