"""P8: any one process is killed at once (SIGKILL) while webhooks come at 50 a second and callers wait.

The whole contact centre runs as `make run` starts it, with the simulator as the telephone network. How long until
at least nine tenths of the webhooks' rate are answered again, and whether any of the callers was dropped. PostgreSQL
has three times its own restart. A webhook that meets a broken connection is sent again, as the carrier does.
"""

import asyncio
import itertools
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg

from bench.client import Connection, request_bytes
from bench.options import Options
from bench.place import Place, answers
from bench.results import Result, median
from bench.traffic import Prepared, hire, leg_status, prepare
from crm.core.db import Database
from telephony.calls.models import Phase
from tests import cast
from tests.cast import EMPOLI_LINE
from web.run import claims, embedded
from web.run.supervisor import DATABASE

VICTIMS = ("web", "engine", "worker", "beat", "redis", "postgres")
RATE = 50.0
CALLERS = 12
SHARE = 0.9
WITHIN_S = 2.0
BEFORE_S, AFTER_S = 3.0, 12.0
RETRY_S, PATIENCE_S = 0.1, 15.0  # the carrier's own


@dataclass(frozen=True, slots=True)
class Running:
    """The contact centre under measurement."""

    web_port: int
    simulator: httpx.Client
    settings: dict[str, str]
    folder: Any
    postgres_dsn: str

    def pid(self, name: str) -> int:
        rows = json.loads((self.folder / "processes.json").read_text(encoding="utf-8"))
        return int(next(row[0] for row in rows if row[3] == name))

    def live(self) -> set[str]:
        return {one["sid"] for one in self.simulator.get("/simulator/calls").json()["calls"]}

    def queued(self) -> int:
        return sum(one["place"] == "queue" for one in self.simulator.get("/simulator/calls").json()["calls"])


def measure(place: Place, options: Options) -> list[Result]:
    """Kill each in turn, a few times."""
    running, database, people = start(place, "p8", CALLERS)
    noted = prepare(database, people, Phase.RINGING, CALLERS, among=CALLERS)
    database.dispose()
    callers = _callers(running)
    back: dict[str, list[float]] = {victim: [] for victim in VICTIMS}
    allowed: dict[str, list[float]] = {victim: [] for victim in VICTIMS}
    dropped = failed = 0
    numbers = itertools.count()
    for _, victim in itertools.product(range(1 if options.quick else min(options.repeats, 3)), VICTIMS):
        seconds, own, lost = asyncio.run(_kill(running, victim, noted, numbers))
        back[victim].append(seconds)
        allowed[victim].append(3 * own if victim == "postgres" else WITHIN_S)
        failed += lost
        gone = callers - running.live()
        dropped += len(gone)
        callers -= gone
    running.simulator.close()
    results = [
        Result(
            f"P8 {victim} killed → {SHARE:.0%} of the webhooks' rate back", f"≤ {median(allowed[victim]):.1f} s", "–",
            f"{median(back[victim]):.2f} s", f"{median(back[victim]):.2f} s",
            median(back[victim]) <= median(allowed[victim]), {"seconds": back[victim], "allowed": allowed[victim]},
        )
        for victim in VICTIMS
    ]  # fmt: skip
    results.append(
        Result(
            f"P8 callers dropped of {CALLERS}, webhooks never answered", "0, 0", "–", f"{dropped}, {failed}",
            str(dropped + failed), dropped + failed == 0,
        )
    )  # fmt: skip
    return results


async def _kill(
    running: Running, victim: str, noted: list[Prepared], numbers: Iterator[int]
) -> tuple[float, float, int]:  # fmt: skip
    """Seconds until the rate is back, seconds of PostgreSQL's own restart, webhooks never answered."""
    began = time.perf_counter()
    answered: list[float] = []
    lost = 0
    idle: list[Connection] = []

    async def one(number: int) -> None:
        nonlocal lost
        path, fields = leg_status(noted[number % len(noted)], "ringing", number)
        token = running.settings["FILODIRETTO_TWILIO_AUTH_TOKEN"]
        request = request_bytes(running.settings["FILODIRETTO_PUBLIC_URL"], token, path, fields)
        deadline = time.perf_counter() + PATIENCE_S
        while time.perf_counter() < deadline:
            line = idle.pop() if idle else Connection(running.web_port)
            try:
                async with asyncio.timeout(PATIENCE_S):
                    status, _ = await line.post(request)
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                line.close()
            else:
                idle.append(line)
                if status < 300:
                    answered.append(time.perf_counter() - began)
                    return
            await asyncio.sleep(RETRY_S)
        lost += 1

    async def offer() -> None:
        async with asyncio.TaskGroup() as group:
            for n in range(int(RATE * (BEFORE_S + AFTER_S))):
                await asyncio.sleep(max(0.0, began + n / RATE - time.perf_counter()))
                group.create_task(one(next(numbers)))

    offering = asyncio.create_task(offer())
    await asyncio.sleep(BEFORE_S)
    old = running.pid(victim)
    os.kill(old, signal.SIGKILL)
    killed = time.perf_counter() - began
    own = await asyncio.to_thread(_own_restart, running, victim, old)
    await offering
    for line in idle:
        line.close()
    return _back_after(answered, killed), own, lost


def _back_after(answered: list[float], killed: float) -> float:
    """From the kill to the first second in which enough are answered again; nothing when there was none too few."""

    def enough(start: float) -> bool:
        return sum(start <= at < start + 1 for at in answered) >= SHARE * RATE

    starts = [killed + step / 10 for step in range(int((AFTER_S - 2) * 10))]
    short = next((n for n, start in enumerate(starts[: int(WITHIN_S * 10)]) if not enough(start)), None)
    if short is None:
        return 0.0
    return next((start - killed for start in starts[short:] if enough(start)), AFTER_S)


def _own_restart(running: Running, victim: str, old: int) -> float:
    """How long PostgreSQL itself takes to answer again; nothing for others."""
    began = time.perf_counter()
    while victim == "postgres" and time.perf_counter() - began < AFTER_S:
        try:
            if running.pid(victim) != old:
                with psycopg.connect(running.postgres_dsn, connect_timeout=1) as connection:
                    connection.execute("SELECT 1")
                return time.perf_counter() - began
        except (psycopg.OperationalError, StopIteration, ValueError):
            pass
        time.sleep(0.02)
    return 0.0


def start(place: Place, name: str, agents: int) -> tuple[Running, Database, cast.Cast]:
    """The whole contact centre, as `make run` starts it, with the cast and so many more agents in its database."""
    folder = place.folder / name
    folder.mkdir()
    folder.chmod(0o711)
    ports = {name: claims.free_port() for name in ("port", "simulator-port", "postgres-port", "redis-port")}
    environ = {
        "FILODIRETTO_DATA": str(folder), "FILODIRETTO_SIMULATOR_TRAFFIC": "off",
        "FILODIRETTO_SIMULATOR_SPEECH": "0.1", "FILODIRETTO_LOG_JSON": "true",
    }  # fmt: skip
    command = [f"--{name}={port}" for name, port in ports.items()]
    child = place.start("run", "web.cli", "run", "--no-demo", *command, environ=environ)
    place.wait(child, lambda: "is running" in child.log.read_text(encoding="utf-8"), 120)
    known = embedded.credentials(folder)
    postgres = embedded.Postgres(folder, ports["postgres-port"], known.postgres)
    redis = embedded.Redis(folder, ports["redis-port"], known.redis)
    settings = {
        **embedded.settings(postgres, redis, known.roles, DATABASE), **known.twilio(),
        "FILODIRETTO_PUBLIC_URL": f"http://{claims.LOOPBACK}:{ports['port']}",
    }  # fmt: skip
    database = Database(
        settings["FILODIRETTO_DATABASE_URL"], settings["FILODIRETTO_DATABASE_ROUTING_URL"], pool_size=2
    )  # fmt: skip
    people = cast.settle(database)
    hire(database, agents)
    simulator = httpx.Client(
        base_url=f"http://{claims.LOOPBACK}:{ports['simulator-port']}", timeout=10, trust_env=False, verify=False
    )
    place.wait(child, lambda: _leads(simulator), 60)
    place.wait(child, lambda: answers(ports["port"], "/health/ready"))
    return Running(ports["port"], simulator, settings, folder, postgres.dsn(DATABASE)), database, people


def _leads(simulator: httpx.Client) -> bool:
    return any(one["number"] == EMPOLI_LINE for one in simulator.get("/simulator/setup").json()["numbers"])


def _callers(running: Running) -> set[str]:
    """They wait in the queue, and nobody answers: what they hear is asked for again and again."""
    for n in range(CALLERS):
        placed = {"from": f"+3934700000{n:02}", "to": EMPOLI_LINE, "script": [{"say_digits": "0"}]}
        running.simulator.post("/simulator/calls", json=placed).raise_for_status()
    deadline = time.monotonic() + 30
    while running.queued() < CALLERS and time.monotonic() < deadline:
        time.sleep(0.1)
    live = running.live()
    assert len(live) == CALLERS, f"{len(live)} callers wait"
    return live
