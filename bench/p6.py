"""P6: Redis and sockets are cut, again and again, each time with something to be missed; every page is then the truth.

Half of the cuts take away the subscription through which the process hears what changed, half the pages' own sockets.
A caller enters the queue while they are cut. From the instant of reconnecting it is measured how long it takes until
each page says how many wait, as the database does.
"""

import asyncio
import re
import time
from dataclasses import dataclass, field
from typing import Any

import redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from bench.options import Options
from bench.p5 import sign_in
from bench.place import Centre, Place
from bench.results import Result, percentile
from bench.traffic import Prepared, prepare
from crm.core import clock
from crm.core.db import Scope
from telephony.calls import service
from telephony.calls.models import Phase
from telephony.calls.service import Heard
from web.edge.visits import COOKIE
from web.live.publisher import CHANNEL
from web.wiring import Runtime, build

CUTS, QUICK_CUTS = 1_000, 40
WITHIN_S = 1.0
GIVE_UP_S = 10.0
PAGES = {
    "wallboard": re.compile(r'<h2>In attesa</h2><p class="big num">(\d+)'),
    "supervision": re.compile(r'<tfoot>.*?figure=waiting&amp;span=now">(\d+)', re.DOTALL),
}  # fmt: skip
EACH = 5


@dataclass
class Client:
    """One page: what it shows, and since when it has been connected again."""

    url: str
    shows: re.Pattern[str]
    headers: dict[str, str]
    origin: Origin
    waiting: int = -1
    shown_at: float = 0.0
    connected_at: float = 0.0
    socket: ClientConnection | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Follow the page, and connect at once again whenever it is cut."""
        while True:
            try:
                self.socket = await connect(
                    self.url, origin=self.origin, additional_headers=self.headers, ping_interval=None, max_queue=None
                )
                self.connected_at = time.monotonic()
                async for message in self.socket:
                    if isinstance(message, str) and (found := self.shows.search(message)):
                        self.waiting, self.shown_at = int(found[1]), time.monotonic()
                        self.changed.set()
            except (OSError, ConnectionClosed):
                await asyncio.sleep(0.01)

    async def reaches(self, waiting: int, deadline: float) -> float | None:
        """When the page said so; none when it never did."""
        while self.waiting != waiting:
            self.changed.clear()
            try:
                async with asyncio.timeout(max(0, deadline - time.monotonic())):
                    await self.changed.wait()
            except TimeoutError:
                return None
        return self.shown_at


def measure(place: Place, options: Options) -> list[Result]:
    """Cut, let something happen, look; a thousand times."""
    centre = place.centre("p6")
    runtime = build(centre.settings)
    children = [centre.start_carrier(), centre.start_web(1)]
    cuts = QUICK_CUTS if options.quick else CUTS
    cookie = f"{COOKIE}={sign_in(centre)}"
    took, wrong = asyncio.run(_play(centre, runtime, cookie, cuts))
    place.stop(*children)
    runtime.close()
    centre.close()
    late = {kind: sum(seconds > WITHIN_S for seconds in those) for kind, those in took.items()}
    detail: dict[str, Any] = {"cuts": cuts, "late": late}
    return [
        Result(
            f"P6 {kind} cut → {len(PAGES) * EACH} pages equal to the database, after reconnecting",
            f"all ≤ {WITHIN_S:.0f} s", "–", f"p99 {percentile(those, 0.99):.2f} s", f"longest {max(those):.2f} s",
            max(those) <= WITHIN_S and not wrong, {**detail, "never": wrong},
        )
        for kind, those in took.items()
    ]  # fmt: skip


async def _play(centre: Centre, runtime: Runtime, cookie: str, cuts: int) -> tuple[dict[str, list[float]], int]:
    host = f"127.0.0.1:{centre.settings.port}"
    clients = [
        Client(f"ws://{host}/ws/{name}", shows, {"Cookie": cookie}, Origin(f"http://{host}"))
        for name, shows in PAGES.items()
        for _ in range(EACH)
    ]
    following = [asyncio.create_task(one.run()) for one in clients]
    calls = iter(prepare(centre.database, centre.cast, Phase.IVR, cuts + 1))
    took: dict[str, list[float]] = {"Redis": [], "socket": []}
    wrong = 0
    with redis.Redis.from_url(centre.settings.redis_url) as client:
        await asyncio.to_thread(_enter, runtime, next(calls), centre.cast.operator)
        deadline = time.monotonic() + GIVE_UP_S
        if None in [await one.reaches(1, deadline) for one in clients]:
            raise RuntimeError("the pages never showed the first caller")
        for n in range(cuts):
            kind = "Redis" if n % 2 else "socket"
            if kind == "Redis":
                client.client_kill_filter(_type="pubsub")
            else:
                for one in clients:
                    if one.socket is not None:
                        one.socket.transport.abort()
            await asyncio.to_thread(_enter, runtime, next(calls), centre.cast.operator)
            heard_at = await _heard_again(client) if kind == "Redis" else 0.0
            deadline = time.monotonic() + GIVE_UP_S
            shown = [await one.reaches(n + 2, deadline) for one in clients]
            wrong += sum(at is None for at in shown)
            took[kind] += [
                max(0.0, at - max(heard_at, one.connected_at if kind == "socket" else 0.0))
                for at, one in zip(shown, clients, strict=True)
                if at is not None
            ]
    for task in following:
        task.cancel()
    truth = centre.query("SELECT count(*) FROM queue_entry WHERE state <> 'left' AND NOT away")[0][0]
    return took, wrong + sum(one.waiting != truth for one in clients)


async def _heard_again(client: Any) -> float:
    """When the process listens to Redis again."""
    while not client.pubsub_numsub(CHANNEL)[0][1]:
        await asyncio.sleep(0.002)
    return time.monotonic()


def _enter(runtime: Runtime, call: Prepared, queue: int) -> None:
    """A caller enters the queue; whoever watches is told through Redis, as by any process of the product."""
    with runtime.database.begin(Scope.of_contract(call.contract_id)) as session:
        service.enter_queue(session, call.id, queue, Heard("queued", clock.now(session)))
