"""P2: a caller enters the queue while an agent is free; how long until the command to ring that agent leaves.

From the database's own instant of the commit that let him in, to the request's arrival at the carrier's stand-in.
"""

import asyncio
import json
import re
import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from bench.client import Connection, Fields, request_bytes
from bench.options import Options
from bench.place import WORKERS, Centre, Place, fetch
from bench.results import Result, median, percentile
from bench.traffic import AGENTS, begin, caller_joined, common, hire, leg_status, prepare, ready
from crm.core.db import Scope
from telephony.agents import service as agents
from telephony.calls.models import Phase
from tests.cast import EMPOLI_LINE, MARIO_MOBILE

CALLS_A_SECOND = 5.0
BACKGROUND = 100.0  # webhooks a second: four notes to each caller who joins
MOST_MS = 50.0
RINGS_FOR_S = 3.0  # longer than the sweep's interval: who is rung by nobody is rung by the sweep
FREE_AGENTS, BUSY = 40, AGENTS - 40

# Each ring with the commit that let its caller in, the beginning of that transaction, the commit of the match.
ENTERED = """
    SELECT l.id::text, extract(epoch FROM pg_xact_commit_timestamp(e.xmin))::float8,
           extract(epoch FROM e.recorded_at)::float8, extract(epoch FROM pg_xact_commit_timestamp(c.xmin))::float8
    FROM agent_leg l JOIN call_event e ON e.call_id = l.call_id AND e.key = 'queued'
    JOIN call_event c ON c.call_id = l.call_id AND c.key = 'claimed:' || l.id
"""


@dataclass(frozen=True, slots=True)
class Ringing:
    """The instants of one ring: the queue entered (the transaction's beginning, its commit), matched, arrived."""

    committed: float
    began: float
    matched: float
    arrived: float


@dataclass(frozen=True, slots=True)
class Line:
    """What a caller's carrier needs to reach us."""

    port: int
    public_url: str
    auth_token: str

    async def post(self, path: str, fields: Fields) -> bytes:
        """One signed webhook; the reply's body."""
        connection = Connection(self.port)
        try:
            status, body = await connection.post(request_bytes(self.public_url, self.auth_token, path, fields))
        finally:
            connection.close()
        if status >= 300:
            raise RuntimeError(f"{path} answered {status}")
        return body


def measure(place: Place, options: Options) -> list[Result]:
    """Calls at 5 a second over a background of 100 webhooks a second."""
    centre = place.centre("p2")
    staff = hire(centre.database, AGENTS, centre.cast.operator)[-FREE_AGENTS:]
    ready(centre.database, staff)
    children = [centre.start_carrier(), centre.start_web(WORKERS), centre.start_engine()]
    seconds = 8 if options.quick else 20
    asyncio.run(_call(centre, staff, 2.0))  # warm
    seen = len(_rings(centre))
    p99s: list[float] = []
    all_rings: list[Ringing] = []
    forgotten = 0
    for _ in range(options.repeats):
        wait = _background(centre, seconds)
        made = asyncio.run(_call(centre, staff, seconds))
        wait()
        rings = _rings(centre)[seen:]
        seen += len(rings)
        forgotten += made - len(rings)
        p99s.append(percentile([one.arrived - one.committed for one in rings], 0.99) * 1000)
        all_rings += rings
    caught = _engine_metric(centre, "filodiretto_sweep_caught_total")
    place.stop(*children)
    centre.close()
    middle = median([one.arrived - one.committed for one in all_rings]) * 1000
    detail: dict[str, Any] = {
        "p99_ms": p99s, "p50_ms": middle, "rings": len(all_rings), "caught": caught,
        "p50_entering_ms": median([one.committed - one.began for one in all_rings]) * 1000,
        "p50_matching_ms": median([one.matched - one.committed for one in all_rings]) * 1000,
        "p50_telling_ms": median([one.arrived - one.matched for one in all_rings]) * 1000,
        "p95_matching_ms": percentile([one.matched - one.committed for one in all_rings], 0.95) * 1000,
        "p95_telling_ms": percentile([one.arrived - one.matched for one in all_rings], 0.95) * 1000,
    }  # fmt: skip
    p99 = median(p99s)
    return [
        Result(
            "P2 caller in the queue → ring at the carrier, p99", f"≤ {MOST_MS:.0f} ms", "–",
            f"{p99:.1f} ms (p50 {middle:.1f})", f"{p99:.1f} ms", p99 <= MOST_MS, detail,
        ),
        Result(
            f"P2 found by the sweep or never rung, of {len(all_rings)}", "0", "–", f"{caught:.0f}, {forgotten}",
            f"{caught + forgotten:.0f}", caught + forgotten == 0,
        ),
    ]  # fmt: skip


def _background(centre: Centre, seconds: int) -> Any:
    noted = prepare(centre.database, centre.cast, Phase.RINGING, BUSY, among=BUSY)
    joining = iter(prepare(centre.database, centre.cast, Phase.JOINING, int(BACKGROUND * seconds / 5) + 1, among=BUSY))
    webhooks = [
        leg_status(noted[n % len(noted)], "ringing", n) if n % 5 else caller_joined(next(joining))
        for n in range(int(BACKGROUND * seconds))
    ]
    return begin(centre, centre.settings.port, webhooks, rate=BACKGROUND, connections=32)


async def _call(centre: Centre, staff: list[int], seconds: float) -> int:
    line = Line(centre.settings.port, centre.settings.public_url, centre.settings.twilio_auth_token.get_secret_value())
    lease = asyncio.create_task(_keep_present(centre, staff))
    began, count = time.perf_counter(), int(CALLS_A_SECOND * seconds)
    async with asyncio.TaskGroup() as callers:
        for n in range(count):
            await asyncio.sleep(max(0.0, began + n / CALLS_A_SECOND - time.perf_counter()))
            callers.create_task(_caller(line))
    lease.cancel()
    return count


async def _caller(line: Line) -> None:
    """Mario calls, asks for an operator, and gives up while the telephone rings."""
    sid = f"CA{uuid4().hex}"
    fields = {**common(), "CallSid": sid, "CallStatus": "ringing", "From": MARIO_MOBILE, "To": EMPOLI_LINE}
    menu = (await line.post("/telephony/voice", fields)).decode()
    found = re.search(r'action="[^"]*?(/telephony/\d+/calls/[^"#]+)', menu)
    assert found, menu
    await line.post(found[1], {**fields, "CallStatus": "in-progress", "Digits": "0"})
    await asyncio.sleep(RINGS_FOR_S)
    await line.post("/telephony/status", {**fields, "CallStatus": "completed", "SequenceNumber": "0"})


async def _keep_present(centre: Centre, staff: list[int]) -> None:
    """What their consoles' sockets do."""
    while True:
        await asyncio.to_thread(_renew, centre, staff)
        await asyncio.sleep(3)


def _renew(centre: Centre, staff: list[int]) -> None:
    with centre.database.begin(Scope.nothing()) as session:
        agents.renew(session, staff)


def _rings(centre: Centre) -> list[Ringing]:
    """The rings in the order of their arrival."""
    instants = {leg: (commit, began, matched) for leg, commit, began, matched in centre.query(ENTERED)}
    arrived = json.loads(fetch(centre.carrier_port, "/rings"))
    return [Ringing(*instants[leg], at) for leg, at in arrived]


def _engine_metric(centre: Centre, name: str) -> float:
    lines = fetch(centre.settings.metrics_port or 0, "/metrics").splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))
