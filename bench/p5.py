"""P5: from a committed event to the frame on 500 wallboards, beside the bare fan-out of a text of the same size."""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import redis

from bench import bare_board
from bench.options import Options
from bench.place import Centre, Place
from bench.results import Result, median, percentile
from bench.traffic import Prepared, prepare
from crm.access.models import Method, UserSession
from crm.core import clock
from crm.core.db import LiveTopic, Scope
from telephony.calls import service
from telephony.calls.models import Phase
from telephony.calls.service import Heard
from web.edge.visits import COOKIE
from web.run import claims
from web.wiring import Runtime, build

SOCKETS = 500
EVERY_S = 0.4
MOST_TIMES, MOST_MS = 3.0, 100.0

Happen = Callable[[], float]  # makes one event happen; the instant of its commit


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of events brought to all sockets."""

    delays: list[float]
    missed: int
    connecting_s: float
    sample: str

    @property
    def p99_ms(self) -> float:
        return percentile(self.delays, 0.99) * 1000


def measure(place: Place, options: Options) -> list[Result]:
    """Ceiling, product, ceiling, each with sockets of its own, as often as asked."""
    centre = place.centre("p5")
    runtime = build(centre.settings)
    cookie = f"{COOKIE}={sign_in(centre)}"
    events, sockets = (8, SOCKETS) if options.quick else (20, SOCKETS)
    port, bare_port = centre.settings.port, claims.free_port()
    children = [
        centre.start_carrier(), centre.start_web(1), centre.start_bare("bench.bare_board:create", bare_port, 1)
    ]  # fmt: skip

    def product() -> Round:
        entering = iter(prepare(centre.database, centre.cast, Phase.IVR, events))
        return _round(
            centre, port, cookie, sockets, events, lambda: _enter(runtime, next(entering), centre.cast.operator)
        )

    def ceiling(sample: str) -> Round:
        with redis.Redis.from_url(centre.settings.redis_url) as client:
            return _round(centre, bare_port, cookie, sockets, events, lambda: _publish(client, sample))

    sample = product().sample  # warm, and the text for the ceiling
    bare_p99s, p99s, ratios, missed, connecting = [], [], [], 0, []
    for _ in range(options.repeats):
        before, ours, after = ceiling(sample), product(), ceiling(sample)
        bare_p99s += [before.p99_ms, after.p99_ms]
        p99s.append(ours.p99_ms)
        ratios.append(ours.p99_ms * 2 / (before.p99_ms + after.p99_ms))
        missed += ours.missed
        connecting.append(ours.connecting_s)
    place.stop(*children)
    runtime.close()
    centre.close()
    ratio, p99 = median(ratios), median(p99s)
    detail: dict[str, Any] = {
        "bare_p99_ms": bare_p99s, "p99_ms": p99s, "ratios": ratios, "missed": missed, "frame": len(sample),
        "connecting_s": connecting,
    }  # fmt: skip
    return [
        Result(
            f"P5 commit → frame on {sockets} wallboards ({len(sample) / 1024:.1f} KB), p99",
            f"≤ {MOST_TIMES:.0f} × and ≤ {MOST_MS:.0f} ms", f"{median(bare_p99s):.1f} ms", f"{p99:.1f} ms",
            f"{ratio:.2f} ×, {p99:.1f} ms", ratio <= MOST_TIMES and p99 <= MOST_MS and not missed, detail,
        ),
        Result(
            f"P5 {sockets} wallboards (re)connect", "–", "–", f"{median(connecting):.1f} s",
            f"{missed} frames missed", None,
        ),
    ]  # fmt: skip


def _round(centre: Centre, port: int, cookie: str, sockets: int, events: int, happen: Happen) -> Round:
    place = centre.place
    folder = place.folder / secrets.token_hex(8)
    folder.mkdir()
    began = time.perf_counter()
    child = place.start("listeners", "bench.listeners", str(port), cookie, str(sockets), str(folder))
    place.wait(child, (folder / "ready").exists, 120)
    connecting = time.perf_counter() - began
    time.sleep(1)
    instants = []
    for _ in range(events):
        instants.append(happen())
        time.sleep(EVERY_S)
    time.sleep(0.5)
    child.terminate()
    place.finish(child, 20)
    return _read(folder / "frames.json", instants, connecting)


def _read(path: Path, instants: list[float], connecting_s: float) -> Round:
    """For each event and socket, the first frame after it: they are far enough apart."""
    told = json.loads(path.read_text(encoding="utf-8"))
    delays, missed = [], 0
    for arrived in told["arrived"]:
        for at, following in zip(instants, [*instants[1:], float("inf")], strict=True):
            first = next((one for one in arrived if at <= one < following), None)
            if first is None:
                missed += 1
            else:
                delays.append(first - at)
    return Round(delays, missed, connecting_s, told["sample"])


def sign_in(centre: Centre) -> str:
    """A session of the supervisor's."""
    token = secrets.token_urlsafe(32)
    with centre.database.begin(Scope.nothing()) as session:
        at = clock.now(session)
        session.add(
            UserSession(
                token_hash=sha256(token.encode()).hexdigest(), user_id=centre.cast.sara, csrf_token="x",
                created_at=at, expires_at=at + timedelta(hours=2), last_seen_at=at, method=Method.PASSWORD,
            )
        )  # fmt: skip
    return token


def _enter(runtime: Runtime, call: Prepared, queue: int) -> float:
    """A caller enters the queue. The instant is taken between the commit and its publication."""
    committed = 0.0

    def noting(topics: list[Any]) -> None:
        nonlocal committed
        committed = time.time()
        runtime.publisher.publish([topic.name for topic in topics])

    runtime.database.on(LiveTopic, noting)
    with runtime.database.begin(Scope.of_contract(call.contract_id)) as session:
        at = clock.now(session)
        service.enter_queue(session, call.id, queue, Heard("queued", at))
    return committed


def _publish(client: Any, text: str) -> float:
    at = time.time()
    client.publish(bare_board.CHANNEL, text)
    return at
