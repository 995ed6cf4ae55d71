"""P16: the centre for an hour, or for ten minutes: 500 agents, 10,000 calls an hour, two `web` processes and an engine.

Callers and agents' telephones are played here; the carrier is its stand-in. Afterwards the counters must say what the
callers lived, no process may have written an error, and memory, open files and connections must be as they were.
"""

import asyncio
import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from sqlalchemy import update

from bench.client import Fields
from bench.options import Options
from bench.p2 import Line
from bench.place import WORKERS, Centre, Place, fetch
from bench.results import Result, median
from bench.traffic import common, hire, ready
from crm.core.configuration import changed
from crm.core.db import Scope
from telephony.agents import service as agents
from telephony.queues.models import Queue
from tests.cast import EMPOLI_LINE
from web.run.processes import Child

AGENTS, CALLS_AN_HOUR = 500, 10_000
TALK_S, WRAP_UP_S = 60.0, 15
GIVES_UP = 0.05  # so many callers hang up while the telephone rings
SAMPLED_S = 2.0
DRIFT = 0.02
FEW = 4  # of what is counted, or MB: a file that is just open is no drift
LOOKS_S = 0.05
NEWS = "/news?rings_seen={}&redirects_seen={}"
CALL = re.compile(r'action="[^"]*?(/telephony/(\d+)/calls/([0-9a-f-]{36})/[^"#]+)')
COUNTED = """
    SELECT coalesce(sum(received), 0), coalesce(sum(answered), 0), coalesce(sum(lost), 0) FROM (
        SELECT received, answered, lost FROM service_count UNION ALL SELECT received, answered, lost FROM service_delta
    ) AS counted
"""
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"


@dataclass(slots=True)
class Lived:
    """What truly happened."""

    received: int = 0
    answered: int = 0
    lost: int = 0


@dataclass(slots=True)
class Network:
    """The carrier's side of the calls under way: who waits to hear of a ring, or of being moved."""

    centre: Centre
    line: Line
    rung: dict[str, asyncio.Future[str]] = field(default_factory=dict)  # by call: where its leg's progress is told
    moved: dict[str, asyncio.Future[None]] = field(default_factory=dict)  # by the caller's SID
    failed: list[str] = field(default_factory=list)

    async def listen(self) -> None:
        """Pass on what the stand-in was told."""
        rings = redirects = 0
        while True:
            news = json.loads(await asyncio.to_thread(fetch, self.centre.carrier_port, NEWS.format(rings, redirects)))
            rings, redirects = rings + len(news["rings"]), redirects + len(news["redirects"])
            for url in news["rings"]:
                if (waits := self.rung.pop(url.split("/calls/")[1][:36], None)) is not None and not waits.done():
                    waits.set_result(urlsplit(url).path)
            for sid in news["redirects"]:
                if (waiting := self.moved.pop(sid, None)) is not None and not waiting.done():
                    waiting.set_result(None)
            await asyncio.sleep(LOOKS_S)

    async def call(self, lived: Lived, dice: random.Random) -> None:
        """A citizen calls, asks for an operator, talks and hangs up; or gives up before."""
        try:
            await self._call(lived, dice)
        except (OSError, RuntimeError, TimeoutError, asyncio.IncompleteReadError) as error:
            self.failed.append(f"{type(error).__name__}: {error}")

    async def _call(self, lived: Lived, dice: random.Random) -> None:
        sid = f"CA{uuid4().hex}"
        fields = {**_now(), "CallSid": sid, "CallStatus": "in-progress", "From": _number(dice), "To": EMPOLI_LINE}
        menu = (await self.line.post("/telephony/voice", fields)).decode()
        lived.received += 1
        found = CALL.search(menu)
        assert found, menu
        loop = asyncio.get_running_loop()
        rung = self.rung[found[3]] = loop.create_future()
        moved = self.moved[sid] = loop.create_future()
        await self.line.post(found[1], {**fields, "Digits": "0"})
        over = {**fields, "CallStatus": "completed", "SequenceNumber": "1"}
        async with asyncio.timeout(60):
            leg = await rung
        told = {"CallSid": f"CA{leg[-32:].replace('-', '')}{uuid4().hex}"[:34], "From": EMPOLI_LINE}
        await self.line.post(leg, {**_now(), **told, "CallStatus": "ringing", "SequenceNumber": "0"})
        await asyncio.sleep(dice.uniform(0.5, 3))
        if dice.random() < GIVES_UP:
            lived.lost += 1
            await self.line.post("/telephony/status", {**over, **_stamp()})
        else:
            await self.line.post(leg, {**_now(), **told, "CallStatus": "in-progress", "SequenceNumber": "1"})
            async with asyncio.timeout(30):
                await moved
            joined = {"StatusCallbackEvent": "participant-join", "ParticipantLabel": "customer", "SequenceNumber": "1"}
            await self.line.post(f"{leg}/conference", {**_now(), "CallSid": sid, **joined})
            lived.answered += 1
            await asyncio.sleep(dice.uniform(0.5, 1.5) * TALK_S)
            await self.line.post("/telephony/status", {**over, **_stamp()})
        await self.line.post(leg, {**_now(), **told, "CallStatus": "completed", "SequenceNumber": "2"})


def measure(place: Place, options: Options) -> list[Result]:
    """So many minutes, the first fifth of which only warms up."""
    seconds = 45.0 if options.quick else options.minutes * 60
    centre = place.centre("p16")
    staff = hire(centre.database, AGENTS, centre.cast.operator)
    with centre.database.begin(Scope.nothing()) as session:
        changed(session)
        session.execute(update(Queue).where(Queue.id == centre.cast.operator).values(wrap_up_s=WRAP_UP_S))
    ready(centre.database, centre.cast.contract, staff)
    children = [centre.start_carrier(), centre.start_web(WORKERS), centre.start_engine()]
    samples: list[dict[str, float]] = []
    lived, failed = asyncio.run(_soak(centre, staff, seconds, lambda: samples.append(_sample(centre, children[1:]))))
    counted = tuple(int(one) for one in centre.query(COUNTED)[0])
    errors = Counter(line for child in children[1:] for line in _errors(child))
    place.stop(*children)
    centre.close()
    true = (lived.received, lived.answered, lived.lost)
    results = [
        Result(
            f"P16 {AGENTS} agents, {CALLS_AN_HOUR:,} calls an hour, {seconds / 60:.0f} min: received, answered, lost",
            "the meter equals the truth", ", ".join(map(str, true)), ", ".join(map(str, counted)), "–",
            counted == true,
        ),
        Result(
            "P16 requests that failed, errors written", "0, 0", "–", f"{len(failed)}, {errors.total()}", "–",
            not failed and not errors, {"failed": failed[:5], "errors": errors.most_common(5)},
        ),
    ]  # fmt: skip
    for what in samples[0]:
        early, late = _ends([one[what] for one in samples])
        drift = late / early - 1 if early else 0.0
        unit = " MB" if what.startswith("memory") else ""
        results.append(
            Result(
                f"P16 {what}, from the second fifth to the last", f"≤ {DRIFT:.0%} more", f"{early:,.0f}{unit}",
                f"{late:,.0f}{unit}", f"{drift:+.1%}", drift <= DRIFT or late - early <= FEW,
            )
        )  # fmt: skip
    return results


async def _soak(
    centre: Centre, staff: list[int], seconds: float, sample: Callable[[], None]
) -> tuple[Lived, list[str]]:  # fmt: skip
    token = centre.settings.twilio_auth_token.get_secret_value()
    network = Network(centre, Line(centre.settings.port, centre.settings.public_url, token))
    lived, dice = Lived(), random.Random(16)
    beside = [
        asyncio.create_task(network.listen()),
        asyncio.create_task(_again(3.0, lambda: _renew(centre, staff))),
        asyncio.create_task(_again(SAMPLED_S, sample)),
    ]
    async with asyncio.TaskGroup() as callers:
        ends = time.perf_counter() + seconds
        while time.perf_counter() < ends:
            callers.create_task(network.call(lived, dice))
            await asyncio.sleep(dice.expovariate(CALLS_AN_HOUR / 3600))
        beside.pop().cancel()  # what is measured is the centre under load
    for task in beside:
        task.cancel()
    return lived, network.failed


async def _again(seconds: float, do: Callable[[], None]) -> None:
    while True:
        await asyncio.to_thread(do)
        await asyncio.sleep(seconds)


def _renew(centre: Centre, staff: list[int]) -> None:
    """What their consoles' sockets do."""
    with centre.database.begin(Scope.nothing()) as session:
        agents.renew(session, staff)


def _sample(centre: Centre, children: list[Child]) -> dict[str, float]:
    """How much of everything is in use: memory that a process shares with nobody, in MB."""
    found = {"connections to the database": float(centre.query(CONNECTIONS)[0][0])}
    for child in children:
        memory = files = 0
        for process in _group(child.pid):
            with suppress(OSError):
                rollup = (process / "smaps_rollup").read_text(encoding="utf-8")
                private = re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+)", rollup, re.MULTILINE)
                memory += sum(map(int, private))
                files += len(os.listdir(process / "fd"))
        found |= {f"memory of {child.program.name}": memory / 1024, f"open files of {child.program.name}": files}
    return found


def _group(pid: int) -> list[Path]:
    """A process and its workers."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text(encoding="utf-8").rpartition(")")[2].split()[2]) == pid:
                found.append(stat.parent)
    return found


def _ends(values: list[float]) -> tuple[float, float]:
    """The middle of the second fifth, and of the last."""
    fifth = max(1, len(values) // 5)
    return median(values[fifth : 2 * fifth] or values), median(values[-fifth:])


def _errors(child: Child) -> list[str]:
    """What a process wrote of errors: their names, with what they are about."""
    found = []
    for line in child.log.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("{") and (said := json.loads(line)).get("level") in {"error", "critical"}:
            last = str(said.get("exception", "")).strip().rpartition("\n")[2][:200]
            found.append(f"{said['event']} {said.get('chore', '')}: {last}")
        elif line.startswith("Traceback"):
            found.append(line)
    return found


def _number(dice: random.Random) -> str:
    return f"+39347{dice.randrange(10**7):07d}"


def _now() -> Fields:
    return {**common(), **_stamp()}


def _stamp() -> Fields:
    return {"Timestamp": format_datetime(datetime.now(UTC))}
