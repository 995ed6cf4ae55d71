"""P14: the report of a month of a million calls from the hourly fold, beside a scan of as many rows; and its truth.

The facts are written by COPY, the counters by the product's own contribution and fold. What they ought to be is then
computed by one statement over the facts that knows nothing of the product: every measure, the shortest and the longest
conversation and wait, of every ente, hour and kind of caller; and of two reports, an ente's and the contract's, the
figures of the month, of each day in Rome, and the shares that are held against the contract's levels.
"""

import os
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import reduce
from itertools import islice
from operator import or_
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
from crm.levels.metering import MEASURES, Callers, Extremes, Measured, contribution, quarter_of
from crm.levels.metrics import LOST, WAITING_OVER
from crm.levels.terms import Terms
from crm.reports import queries as reports
from crm.reports import reading
from crm.reports.due import span
from crm.reports.report import Report, seal, stored
from web.levels.view import days_of
from web.reports import files
from web.reports.sheets import SheetName

FULL, QUICK = 1_000_000, 20_000
MOST_OF_Q = 0.5
MADE_WITHIN = 5.0  # seconds, the report and all of its files
AT_ONCE = 20_000  # calls made before they are written
MONTH = span(Period.MONTH, date(2026, 10, 1))
TERMS = Terms()  # the cast's contract counts waits over 40 s, as these do
FACTS = (
    "contract_id", "ente_id", "queue_id", "channel", "subject", "kind", "waited_ms", "occurred_at", "recorded_at",
    "repaired", "callers",
)  # fmt: skip
DELTAS = ("contract_id", "ente_id", "queue_id", "callers", "quarter", *MEASURES)


def measure(place: Place, options: Options) -> list[Result]:
    """The report's query beside the scan, the making of one report with its files, each counter against the facts.

    What is folded leaves dead rows behind, which autovacuum removes within a minute; here it is done at once, and said
    how long the query took before. Scan and query take turns, so that what else the machine does slows both.
    """
    calls = QUICK if options.quick else FULL
    centre = place.centre("p14")
    enti = _fill(centre, calls)
    began = time.perf_counter()
    _fold(centre)
    folded = time.perf_counter() - began
    unvacuumed = median([_hours(centre, enti[0])[0] for _ in range(options.repeats)])
    _vacuum(centre)
    turns = [(_scan(centre), _hours(centre, enti[0])) for _ in range(options.repeats * 4)]
    ratio = median([report / scan for scan, (report, _) in turns])
    q, report = median([scan for scan, _ in turns]), median([one for _, (one, _) in turns])
    wrong, compared = _compared(centre, enti)
    made, whole = _made(centre, enti[0]), _made(centre, None)
    from_facts = _from_facts(centre, enti[0], made)
    told, off = _held_against(centre, ((enti[0], made.report), (None, whole.report)))
    centre.close()
    return [
        Result(
            f"P14 an ente's month by the hour, of {calls:,} calls", f"≤ {MOST_OF_Q} Q", f"{q * 1000:.1f} ms",
            f"{report * 1000:.1f} ms", f"{ratio:.3f}", ratio <= MOST_OF_Q,
            {
                "turns": [(scan, one) for scan, (one, _) in turns], "rows": turns[0][1][1], "enti": len(enti),
                "unvacuumed_seconds": unvacuumed, "fold_seconds": folded, "load": os.getloadavg(),
            },
        ),
        Result(
            f"P14 counters and extremes of {calls:,} calls against their facts", "equal", f"{compared:,}",
            f"{wrong:,} wrong", "equal" if not wrong else "NOT equal", not wrong and compared > 0,
        ),
        Result(
            "P14 the figures, days and shares of two reports against the facts", "equal", f"{told:,}",
            f"{off:,} wrong", "equal" if not off else "NOT equal", not off and told > 0,
        ),
        Result(
            "P14 the report of an ente's month with all of its files", f"≤ {MADE_WITHIN:.0f} s",
            f"{from_facts:.1f} s from the facts", f"{made.read:.2f} s read, {made.written:.2f} s written",
            f"{made.whole:.2f} s", made.whole <= MADE_WITHIN, _told(made),
        ),
        Result(
            "P14 the same of the whole contract", f"≤ {MADE_WITHIN:.0f} s", "–",
            f"{whole.read:.2f} s read, {whole.written:.2f} s written", f"{whole.whole:.2f} s",
            whole.whole <= MADE_WITHIN, _told(whole),
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


def _vacuum(centre: Centre) -> None:
    """As autovacuum does within the minute."""
    with psycopg.connect(centre.place.postgres.dsn(centre.name), autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) service_delta, service_hour, service_count")


@dataclass(frozen=True, slots=True)
class Made:
    """A report, and how long it took in seconds: read from the database, written with its files."""

    report: Report
    read: float
    written: float
    bytes: int

    @property
    def whole(self) -> float:
        """All of it."""
        return self.read + self.written


def _told(made: Made) -> dict[str, float]:
    return {"read": made.read, "written": made.written, "bytes": made.bytes}


def _made(centre: Centre, ente_id: int | None) -> Made:
    """Everything that the job and whoever downloads all files has to wait for."""
    contract = centre.cast.contract
    began = time.perf_counter()
    with centre.database.snapshot(Scope.of_contract(contract)) as session:
        found = reading.read(
            session, contract, ente_id, MONTH, days_of(session, contract, ente_id), turn=lambda: None
        )  # fmt: skip
    read = time.perf_counter()
    version = reports.Made(
        1, contract, ente_id, MONTH.period, MONTH.first, MONTH.last, 1, 1, found.made_at, None, seal(found)
    )
    stored(found)
    written = [files.whole(version, found, kind, "it") for kind in files.FileKind]
    written += [files.table(version, found, name, "it") for name in SheetName]
    done = time.perf_counter()
    return Made(found, read - began, done - read, sum(len(one.contents) for one in written))


def _from_facts(centre: Centre, ente_id: int, made: Made) -> float:
    """How long it takes to find the same extremes in the facts, as of hours that are not settled."""
    began = time.perf_counter()
    with centre.database.snapshot(Scope.of_contract(centre.cast.contract)) as session:
        since, until = start_of_day(MONTH.first), start_of_day(MONTH.after)
        spread = reduce(or_, folding.spreads(session, centre.cast.contract, since, until, ente_id=ente_id).values())
    head = made.report.head
    assert spread.talk == Extremes(head.talk.shortest_ms, head.talk.longest_ms)
    assert spread.wait == Extremes(head.wait.shortest_ms, head.wait.longest_ms)
    return time.perf_counter() - began


def _compared(centre: Centre, enti: Sequence[int]) -> tuple[int, int]:
    """How many figures of the report differ from the facts, and how many were compared."""
    truth = {
        (row[0], row[1].astimezone(UTC), row[2]): (*map(int, row[3:-4]), *row[-4:])
        for row in centre.query(_TRUTH)
    }  # fmt: skip
    told: dict[tuple[int, datetime, str], tuple[int | None, ...]] = {}
    for ente_id in enti:
        with centre.database.begin(Scope.of_enti([ente_id])) as session:
            for one in reading.hours(session, centre.cast.contract, ente_id, MONTH.first, MONTH.after):
                assert one.spread is not None
                extremes = (
                    one.spread.talk.shortest_ms, one.spread.talk.longest_ms, one.spread.wait.shortest_ms,
                    one.spread.wait.longest_ms,
                )  # fmt: skip
                told[ente_id, one.start, one.callers.value] = (*one.counts.values, *extremes)
    wrong = sum(truth.get(key) != told.get(key) for key in truth.keys() | told.keys())
    return wrong, len(truth) * (len(MEASURES) + 4)


def _held_against(centre: Centre, made: Sequence[tuple[int | None, Report]]) -> tuple[int, int]:
    """How many figures of these reports were held against the facts, and how many are others."""
    told = wrong = 0
    for ente_id, report in made:
        (truth,) = centre.query(_MONTH.format(ente="true" if ente_id is None else f"ente_id = {ente_id:d}"))
        head, shares = report.head, {one.metric: one.measured for one in report.levels}
        figures = (
            head.received, head.handled, head.lost, head.talk.total_ms, head.talk.shortest_ms, head.talk.mean_ms,
            head.talk.longest_ms, head.wait.mean_ms, head.wait.longest_ms, _millionths(shares[WAITING_OVER]),
            _millionths(shares[LOST]),
        )  # fmt: skip
        days = {
            (one.day, one.callers.value): (
                one.counts.received,
                one.counts.lost,
                one.counts.waited_over,
                one.counts.talk_ms,
            )
            for one in report.days
        }
        by_day = {
            (row[0], row[1]): tuple(map(int, row[2:]))
            for row in centre.query(_DAYS.format(ente="true" if ente_id is None else f"ente_id = {ente_id:d}"))
        }
        told += len(figures) + 4 * len(by_day)
        wrong += sum(one != int(other) for one, other in zip(figures, truth, strict=True))
        wrong += sum(days.get(key) != by_day.get(key) for key in days.keys() | by_day.keys())
    return told, wrong


def _millionths(share: Decimal | None) -> int | None:
    return None if share is None else round(share * 1_000_000)


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
# them within and short, their wait, handled, talk, hold, wrap-up; and the extremes of talk and wait.
_TRUTH = """
    SELECT ente_id, date_trunc('hour', at), callers, count(*), count(*) FILTER (WHERE entered),
           count(*) FILTER (WHERE served), count(*) FILTER (WHERE entered AND NOT served),
           count(*) FILTER (WHERE entered AND wait_ms > 40000), coalesce(sum(wait_ms) FILTER (WHERE served), 0),
           count(*) FILTER (WHERE served AND wait_ms <= 20000), count(*) FILTER (WHERE entered AND NOT served),
           count(*) FILTER (WHERE entered AND NOT served AND wait_ms <= 20000),
           count(*) FILTER (WHERE entered AND NOT served AND wait_ms <= 5000),
           coalesce(sum(wait_ms) FILTER (WHERE entered AND NOT served), 0), count(*) FILTER (WHERE served),
           coalesce(sum(talk_ms) FILTER (WHERE served), 0), coalesce(sum(hold_ms) FILTER (WHERE served), 0), 0,
           min(talk_ms) FILTER (WHERE served), max(talk_ms) FILTER (WHERE served),
           min(wait_ms) FILTER (WHERE served), max(wait_ms) FILTER (WHERE served)
    FROM flat_call GROUP BY 1, 2, 3
"""
# In the order of the report's figures; means to the millisecond, shares of those received in millionths.
_MONTH = """
    SELECT count(*), count(*) FILTER (WHERE served), count(*) FILTER (WHERE entered AND NOT served),
           sum(talk_ms) FILTER (WHERE served), min(talk_ms) FILTER (WHERE served),
           round(avg(talk_ms) FILTER (WHERE served)), max(talk_ms) FILTER (WHERE served),
           round(avg(wait_ms) FILTER (WHERE served)), max(wait_ms) FILTER (WHERE served),
           round(1000000.0 * count(*) FILTER (WHERE entered AND wait_ms > 40000) / count(*)),
           round(1000000.0 * count(*) FILTER (WHERE entered AND NOT served) / count(*))
    FROM flat_call WHERE {ente}
"""
_DAYS = """
    SELECT (at AT TIME ZONE 'Europe/Rome')::date, callers, count(*), count(*) FILTER (WHERE entered AND NOT served),
           count(*) FILTER (WHERE entered AND wait_ms > 40000), coalesce(sum(talk_ms) FILTER (WHERE served), 0)
    FROM flat_call WHERE {ente} GROUP BY 1, 2
"""
