"""P7: webhooks, each sent five times and shuffled, to the whole centre over its real database, while processes die.

An answered webhook was promised: it is in its call's log, once. What came of all of them was counted once: a call has
one fact of each kind, and the counters say what the calls say. A process is killed (SIGKILL) every few seconds.
"""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator
from typing import Any

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bench.client import Connection, Fields, request_bytes
from bench.options import Options
from bench.p8 import Running, start
from bench.place import Place
from bench.results import Result
from bench.traffic import AGENTS, Prepared, caller_joined, common, leg_status, prepare
from crm.core.db import Database, Scope
from telephony.calls.models import Phase

VICTIMS = ("web", "web-2", "engine", "worker", "redis", "postgres")
TIMES, CONNECTIONS = 5, 16
EACH = 5  # webhooks a call
AT_ONCE = 400  # calls, among whose webhooks it is shuffled
KILLS_EVERY_S = (3.0, 8.0)
PATIENCE_S = 15.0
BACK_S = 60.0  # at the most, until a server that was killed is there again
PAUSE_S = 0.05  # after a connection that was refused

Webhook = tuple[str, str, str, Fields]  # call, key in its log, path, form

WRITTEN = "SELECT call_id::text, key FROM call_event"
TWICE = """
    SELECT count(*) FROM (
        SELECT 1 FROM service_fact WHERE kind IN ('served', 'left') GROUP BY subject, kind HAVING count(*) > 1
    ) AS twice
"""
CALLS = """
    SELECT count(*) FILTER (WHERE answered_at IS NOT NULL),
           count(*) FILTER (WHERE phase = 'ended' AND answered_at IS NULL) FROM call
"""
COUNTED = """
    SELECT coalesce(sum(answered), 0), coalesce(sum(lost), 0) FROM (
        SELECT answered, lost FROM service_count UNION ALL SELECT answered, lost FROM service_delta
    ) AS counted
"""


def measure(place: Place, options: Options) -> list[Result]:
    """So many webhooks, a fifth of them calls."""
    wanted = 500 if options.quick else options.webhooks
    running, database, people = start(place, "p7", AGENTS)
    answered: set[tuple[str, str]] = set()
    sent: set[tuple[str, str]] = set()
    dice, killed, began = random.Random(7), 0, time.perf_counter()
    left = wanted // EACH
    while left:
        _until_back(database)
        calls = prepare(database, people, Phase.RINGING, min(left, AT_ONCE))
        left -= len(calls)
        webhooks = [one for call in calls for one in _of(call)] * TIMES
        dice.shuffle(webhooks)
        sent |= {(call, key) for call, key, _, _ in webhooks}
        killed += asyncio.run(_send(running, webhooks, answered, dice))
        database.dispose()  # its server may have died
    took = time.perf_counter() - began
    found = _found(running, answered)
    running.simulator.close()
    lost, twice, calls_say, counters_say = found
    detail: dict[str, Any] = {
        "seconds": took, "kills": killed, "never_answered": len(sent - answered), "calls": calls_say,
        "counters": counters_say,
    }  # fmt: skip
    return [
        Result(
            f"P7 {len(sent)} webhooks × {TIMES}, shuffled, {killed} kills: answered and lost, applied twice",
            "0, 0", "–", f"{lost}, {twice}", f"{len(answered)} answered; {took:.0f} s",
            not lost and not twice and killed > 0, detail,
        ),
        Result(
            "P7 calls answered and lost, by the calls and by the counters", "equal",
            f"{calls_say[0]}, {calls_say[1]}", f"{counters_say[0]}, {counters_say[1]}", "–", calls_say == counters_say,
        ),
    ]  # fmt: skip


def _until_back(database: Database) -> None:
    """The last kill may have been PostgreSQL's: it is started again by itself, which takes a moment."""
    until = time.monotonic() + BACK_S
    while True:
        try:
            with database.begin(Scope.nothing()) as session:
                session.execute(text("SELECT 1"))
        except OperationalError:
            if time.monotonic() > until:
                raise
            database.dispose()
            time.sleep(PAUSE_S)
        else:
            return


def _of(call: Prepared) -> Iterator[Webhook]:
    """What the carrier tells of a call, and the key of each in the log."""
    for number, status in enumerate(("ringing", "in-progress", "completed"), 1):
        path, fields = leg_status(call, status, number)
        yield str(call.id), f"leg:{call.leg_id}:{fields['CallSid']}:{status}:{number}", path, fields
    path, fields = caller_joined(call)
    yield str(call.id), f"conference:{call.leg_id}:{fields['SequenceNumber']}", path, fields
    over = {**common(), "CallSid": call.sid, "CallStatus": "completed", "SequenceNumber": "9"}
    yield str(call.id), f"caller:{call.sid}:completed:9", "/telephony/status", over


async def _send(
    running: Running, webhooks: list[Webhook], answered: set[tuple[str, str]], dice: random.Random
) -> int:  # fmt: skip
    """Send them once each; which were answered is added. How many processes were killed meanwhile."""
    settings, queue = running.settings, iter(webhooks)

    async def connection() -> None:
        line = Connection(running.web_port)
        for call, key, path, fields in queue:
            request = request_bytes(
                settings["FILODIRETTO_PUBLIC_URL"], settings["FILODIRETTO_TWILIO_AUTH_TOKEN"], path, fields
            )  # fmt: skip
            try:
                async with asyncio.timeout(PATIENCE_S):
                    status, _ = await line.post(request)
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                line.close()
                line = Connection(running.web_port)
                await asyncio.sleep(PAUSE_S)
            else:
                if status < 300:
                    answered.add((call, key))
        line.close()

    killed: list[str] = []
    killing = asyncio.create_task(_kill(running, dice, killed))
    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    killing.cancel()
    return len(killed)


async def _kill(running: Running, dice: random.Random, killed: list[str]) -> None:
    """One after the other; whoever is just being started is left alone."""
    while True:
        await asyncio.sleep(dice.uniform(*KILLS_EVERY_S))
        victim = dice.choice(VICTIMS)
        with contextlib.suppress(OSError, StopIteration, ValueError):
            os.kill(running.pid(victim), signal.SIGKILL)
            killed.append(victim)


def _found(
    running: Running, answered: set[tuple[str, str]]
) -> tuple[int, int, tuple[int, int], tuple[int, int]]:  # fmt: skip
    """How many answered webhooks are in no log, or were counted twice; what calls and counters say."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with psycopg.connect(running.postgres_dsn, connect_timeout=5) as connection:
                written = {(call, key) for call, key in connection.execute(WRITTEN)}
                twice = connection.execute(TWICE).fetchone()
                calls, counters = connection.execute(CALLS).fetchone(), connection.execute(COUNTED).fetchone()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)  # it is just starting again
        else:
            assert twice is not None
            assert calls is not None
            assert counters is not None
            return len(answered - written), twice[0], (calls[0], calls[1]), (int(counters[0]), int(counters[1]))
