"""P14: the report of a month of a million calls from the hourly fold, beside a scan of as many rows; and its truth.

The facts are written by COPY, the counters by the product's own contribution and fold. What they ought to be is then
computed by one statement over the facts that knows nothing of the product: every measure, every ente, hour and kind of
caller; and the shortest and longest conversation, which no counter has.
"""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from bench.million import enti_of
from bench.options import Options
from bench.place import Centre, Place
from bench.results import Result, median
from crm.core.clock import start_of_day
from crm.core.db import Scope
from crm.levels import folding
from crm.levels.agreement import Period
from crm.levels.judgement import Evidence
from crm.levels.metering import MEASURES, Callers, Measured, contribution, quarter_of
from crm.levels.terms import Terms
from crm.reports import reading
from crm.reports.due import span
from crm.reports.report import Report

FULL, QUICK = 1_000_000, 20_000
MOST_OF_Q = 0.5
AT_ONCE = 20_000  # calls made before they are written
MONTH = span(Period.MONTH, date(2026, 10, 1))
TERMS = Terms()  # the cast's contract counts waits over 40 s, as these do
FACTS = (
    "contract_id", "ente_id", "queue_id", "channel", "subject", "kind", "waited_ms", "occurred_at", "recorded_at",
    "repaired", "callers",
)  # fmt: skip
DELTAS = ("contract_id", "ente_id", "queue_id", "callers", "quarter", *MEASURES)


def measure(place: Place, options: Options) -> list[Result]:
    """The report's query, the scan, the whole making of one report; and each counter against the facts."""
    calls = QUICK if options.quick else FULL
    centre = place.centre("p14")
    enti = _fill(centre, calls)
    began = time.perf_counter()
    _fold(centre)
    folded = time.perf_counter() - began
    scans, reports, wholes, rows = [], [], [], 0
    for _ in range(options.repeats):
        scans.append(_scan(centre))
        took, rows = _hours(centre, enti[0])
        reports.append(took)
        wholes.append(_whole(centre))
    q, report = median(scans), median(reports)
    wrong, compared = _compared(centre, enti)
    began = time.perf_counter()
    found = _made(centre, enti[0])
    making = time.perf_counter() - began
    same_extremes = _extremes(centre, enti[0]) == (
        found.head.talk.shortest_ms, found.head.talk.longest_ms, found.head.wait.shortest_ms,
        found.head.wait.longest_ms,
    )  # fmt: skip
    centre.close()
    return [
        Result(
            f"P14 an ente's month by the hour, of {calls:,} calls", f"≤ {MOST_OF_Q} Q", f"{q * 1000:.1f} ms",
            f"{report * 1000:.1f} ms", f"{report / q:.3f}", report <= MOST_OF_Q * q,
            {
                "scans": scans, "reports": reports, "rows": rows, "enti": len(enti),
                "all_enti_in_the_database_seconds": wholes, "fold_seconds": folded, "making_seconds": making,
            },
        ),
        Result(
            f"P14 counters of {calls:,} calls against their facts", "equal", f"{compared:,}", f"{wrong:,} wrong",
            "equal" if not wrong else "NOT equal", not wrong and compared > 0,
        ),
        Result(
            "P14 shortest and longest against the facts", "equal", "–", f"{making:.1f} s to make the report",
            "equal" if same_extremes else "NOT equal", same_extremes,
        ),
    ]  # fmt: skip


def _fill(centre: Centre, calls: int) -> tuple[int, ...]:
    with psycopg.connect(centre.place.postgres.dsn(centre.name)) as connection:
        enti = tuple(enti_of(connection, centre.cast.contract))
        queues = (centre.cast.notices, centre.cast.operator)
        made = _calls(calls, centre.cast.contract, enti, queues)
        while some := list(islice(made, AT_ONCE)):
            for table, columns, place in (("service_fact", FACTS, 0), ("service_delta", DELTAS, 1)):
                copy = sql.SQL("COPY {} ({}) FROM STDIN").format(
                    sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
                )
                with connection.cursor().copy(copy) as out:
                    for both in some:
                        for row in both[place]:
                            out.write_row(row)
        connection.execute(_FLAT)
    with psycopg.connect(centre.place.postgres.dsn(centre.name), autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
    return enti


def _calls(
    count: int, contract: int, enti: Sequence[int], queues: Sequence[int]
) -> Iterator[tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]]:
    """Each call's facts, and what it adds to the counters; the same ones in each run."""
    dice = random.Random(14)
    midnight = start_of_day(MONTH.first)
    for n in range(count):
        subject = UUID(int=dice.getrandbits(128), version=4)
        at = midnight + timedelta(
            days=dice.randrange(31), milliseconds=round(dice.betavariate(2, 3) * 11 * 3_600_000) + 8 * 3_600_000
        )
        ente, queue, callers = dice.choice(enti), dice.choice(queues), dice.choice(tuple(Callers))
        waited = round(dice.expovariate(1 / 30) * 1000) if n % 50 else 40_000  # some at the threshold itself
        entered, served = dice.random() < 0.96, dice.random() < 0.9
        told = [("received", at, 0)]
        talk = hold = 0
        if entered:
            told.append(("entered", at, 0))
            end = at + timedelta(milliseconds=waited)
            if served:
                told.append(("served", end, waited))
                talk = 5_000 + round(dice.expovariate(1 / 180) * 1000)
                end += timedelta(milliseconds=talk)
                if dice.random() < 0.1:
                    hold = dice.randrange(1, 60_000)
                    told += [("held", end, waited), ("resumed", end + timedelta(milliseconds=hold), waited)]
                    end += timedelta(milliseconds=hold)
            told.append(("left", end, waited))
        else:
            waited = 0
            told.append(("left", at + timedelta(seconds=5), 0))
        measured = Measured(
            received=True, entered=entered, served=entered and served, ended=True, waited_ms=waited, talk_ms=talk,
            hold_ms=hold,
        )  # fmt: skip
        facts = [
            (contract, ente, queue, "phone", subject, kind, ms, instant, instant, False, callers.value)
            for kind, instant, ms in told
        ]
        adds = astuple(contribution(measured, TERMS))
        yield facts, [(contract, ente, queue, callers.value, quarter_of(at), *adds)]


def _fold(centre: Centre) -> None:
    scope = Scope.of_contract(centre.cast.contract)
    while centre.database.transact(scope, lambda session: folding.fold(session, limit=50_000)):
        pass


def _scan(centre: Centre) -> float:
    """Q: reading as many rows as there are calls, by whatever plan the database likes best."""
    with centre.database.begin(Scope.of_contract(centre.cast.contract)) as session:
        connection = session.connection()
        began = time.perf_counter()
        connection.exec_driver_sql("SELECT count(*), sum(talk_ms) FROM flat_call").one()
        return time.perf_counter() - began


def _hours(centre: Centre, ente_id: int) -> tuple[float, int]:
    with centre.database.begin(Scope.of_enti([ente_id])) as session:
        session.connection()
        began = time.perf_counter()
        found = reading.hours(session, centre.cast.contract, ente_id, MONTH.first, MONTH.after)
        return time.perf_counter() - began, len(found)


def _whole(centre: Centre) -> float:
    """All enti at once, in the database alone."""
    with centre.database.begin(Scope.of_contract(centre.cast.contract)) as session:
        connection = session.connection()
        began = time.perf_counter()
        sums = ", ".join(f"sum({name})" for name in MEASURES)
        connection.exec_driver_sql(
            f"SELECT count(*) FROM (SELECT {sums} FROM service_hour WHERE contract_id = {centre.cast.contract}"
            " GROUP BY ente_id, hour) x"
        ).one()
        return time.perf_counter() - began


def _made(centre: Centre, ente_id: int) -> Report:
    with centre.database.snapshot(Scope.of_contract(centre.cast.contract)) as session:
        days = lambda *_: Evidence()  # noqa: E731  # its calls are what is measured
        return reading.read(session, centre.cast.contract, ente_id, MONTH, days, turn=lambda: None)


def _compared(centre: Centre, enti: Sequence[int]) -> tuple[int, int]:
    """How many figures of the report differ from the facts, and how many were compared."""
    truth = {
        (row[0], row[1].astimezone(UTC), row[2]): tuple(map(int, row[3:]))
        for row in centre.query(_TRUTH)
    }  # fmt: skip
    told: dict[tuple[int, datetime, str], tuple[int, ...]] = {}
    for ente_id in enti:
        with centre.database.begin(Scope.of_enti([ente_id])) as session:
            for one in reading.hours(session, centre.cast.contract, ente_id, MONTH.first, MONTH.after):
                told[ente_id, one.start, one.callers.value] = one.counts.values
    wrong = sum(truth.get(key) != told.get(key) for key in truth.keys() | told.keys())
    return wrong, len(truth) * len(MEASURES)


def _extremes(centre: Centre, ente_id: int) -> tuple[int, ...]:
    ((*found,),) = centre.query(
        "SELECT min(talk_ms) FILTER (WHERE served), max(talk_ms) FILTER (WHERE served),"
        " min(wait_ms) FILTER (WHERE served), max(wait_ms) FILTER (WHERE served)"
        f" FROM flat_call WHERE ente_id = {ente_id}"
    )
    return tuple(found)


# A row a call, from the facts alone.
_FLAT = """
    CREATE TABLE flat_call AS
    SELECT subject, ente_id, callers, min(occurred_at) FILTER (WHERE kind = 'received') AS at,
           bool_or(kind = 'entered') AS entered, bool_or(kind = 'served') AS served,
           coalesce(max(waited_ms) FILTER (WHERE kind = 'served'),
               max(waited_ms) FILTER (WHERE kind = 'left')) AS wait_ms,
           coalesce(1000 * extract(epoch FROM max(occurred_at) FILTER (WHERE kind = 'left' )
               - max(occurred_at) FILTER (WHERE kind = 'served'))
               - coalesce(1000 * extract(epoch FROM max(occurred_at) FILTER (WHERE kind = 'resumed')
               - max(occurred_at) FILTER (WHERE kind = 'held')), 0), 0)::int AS talk_ms,
           coalesce(1000 * extract(epoch FROM max(occurred_at) FILTER (WHERE kind = 'resumed')
               - max(occurred_at) FILTER (WHERE kind = 'held')), 0)::int AS hold_ms
    FROM service_fact GROUP BY subject, ente_id, callers;
    GRANT SELECT ON flat_call TO filodiretto_app
"""
# In the order of the measures: received, entered, answered, lost, waited over, wait, answered within, abandoned, of
# them within and short, their wait, handled, talk, hold, wrap-up.
_TRUTH = """
    SELECT ente_id, date_trunc('hour', at), callers, count(*), count(*) FILTER (WHERE entered),
           count(*) FILTER (WHERE served), count(*) FILTER (WHERE entered AND NOT served),
           count(*) FILTER (WHERE entered AND wait_ms > 40000), coalesce(sum(wait_ms) FILTER (WHERE served), 0),
           count(*) FILTER (WHERE served AND wait_ms <= 20000), count(*) FILTER (WHERE entered AND NOT served),
           count(*) FILTER (WHERE entered AND NOT served AND wait_ms <= 20000),
           count(*) FILTER (WHERE entered AND NOT served AND wait_ms <= 5000),
           coalesce(sum(wait_ms) FILTER (WHERE entered AND NOT served), 0), count(*) FILTER (WHERE served),
           coalesce(sum(talk_ms) FILTER (WHERE served), 0), coalesce(sum(hold_ms) FILTER (WHERE served), 0), 0
    FROM flat_call GROUP BY 1, 2, 3
"""
