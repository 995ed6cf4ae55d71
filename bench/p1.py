"""P1: durable webhooks, from the signature to the commit, at two web processes."""

import json
from collections.abc import Callable
from dataclasses import astuple, dataclass
from functools import partial

from bench.client import Done, Fields
from bench.options import Options
from bench.place import WORKERS, Centre, Place, cpu_seconds
from bench.results import Result, median, percentile
from bench.traffic import AGENTS, Prepared, caller_joined, hire, leg_status, prepare, send
from telephony.calls.models import Phase
from web.run import claims
from web.run.processes import Child

Webhooks = Callable[[int], list[tuple[str, Fields]]]
RATE = 100.0
LEAST, MOST_MS = 0.5, 50.0


@dataclass(frozen=True, slots=True)
class Kind:
    """A webhook that is measured. `promised` ones decide; `requests` is how many make one throughput figure."""

    name: str
    what: str
    webhooks: Webhooks
    requests: int
    promised: bool = True


@dataclass(frozen=True, eq=False, slots=True)
class Side:
    """The product or its ceiling."""

    port: int
    child: Child


def measure(place: Place, options: Options) -> list[Result]:
    """Throughput by a closed loop, interleaved with the ceiling's; latency by an open loop at 100 a second."""
    centre = place.centre("p1")
    hire(centre.database, AGENTS)
    rehearsed = [prepare(centre.database, centre.cast, phase, 1)[0] for phase in (Phase.RINGING, Phase.JOINING)]
    named = json.dumps([astuple(one) for one in rehearsed], default=str)
    bare_port = claims.free_port()
    carrier, web = centre.start_carrier(), centre.start_web(WORKERS)
    bare = centre.start_bare("bench.bare_webhooks:create", bare_port, WORKERS, {"BENCH_CALLS": named})
    sides = Side(bare_port, bare), Side(centre.settings.port, web)
    results = []
    for kind in _kinds(centre, options):
        results += _measure(centre, kind, *sides, options)
    place.stop(web, bare, carrier)
    centre.close()
    return results


def _kinds(centre: Centre, options: Options) -> list[Kind]:
    fresh = partial(prepare, centre.database, centre.cast)
    noted = fresh(Phase.RINGING, 400)
    numbers = iter(range(1, 10_000_000))

    def ringing(count: int) -> list[tuple[str, Fields]]:
        return [leg_status(noted[n % len(noted)], "ringing", next(numbers)) for n in range(count)]

    def each(webhook: Callable[[Prepared], tuple[str, Fields]], phase: Phase, count: int) -> list[tuple[str, Fields]]:
        return [webhook(call) for call in fresh(phase, count)]

    def answered(call: Prepared) -> tuple[str, Fields]:
        return leg_status(call, "in-progress", 2)

    scale = 4 if options.quick else 1
    return [
        Kind("ringing", "status noted", ringing, 1600 // scale),
        Kind("joined", "caller joined", partial(each, caller_joined, Phase.JOINING), 800 // scale),
        Kind(
            "answered", "agent answered, carrier told", partial(each, answered, Phase.RINGING),
            600 // scale, promised=False,
        ),
    ]  # fmt: skip


def _measure(centre: Centre, kind: Kind, bare: Side, product: Side, options: Options) -> list[Result]:
    for side in (bare, product):
        _checked(centre, kind, side, kind.requests)  # every connection has prepared its statements
    sides = (bare, product)
    rates: dict[Side, list[float]] = {side: [] for side in sides}
    cpu: dict[Side, list[float]] = {side: [] for side in sides}
    late: dict[Side, list[float]] = {side: [] for side in sides}
    ratios = []
    for _ in range(options.repeats):
        for side in (bare, product, bare):
            before = cpu_seconds(side.child)
            rates[side].append(_checked(centre, kind, side, kind.requests).rate)
            cpu[side].append((cpu_seconds(side.child) - before) * 1000 / kind.requests)
        ratios.append(rates[product][-1] * 2 / sum(rates[bare][-2:]))
        for side in sides:
            done = _checked(centre, kind, side, int(RATE) * (3 if options.quick else 6), rate=RATE)
            late[side].append(percentile(done.latencies, 0.99) * 1000)
    ratio, p99 = median(ratios), median(late[product])
    floor, spent = median(cpu[bare]), median(cpu[product])
    detail = {
        "ratios": ratios,
        **{
            name: {"per_s": rates[side], "p99_ms": late[side], "cpu_ms": cpu[side]}
            for name, side in (("ceiling", bare), ("product", product))
        },
    }
    promise = kind.promised or None
    return [
        Result(
            f"P1 {kind.what}, closed loop, 16 connections", f"≥ {LEAST}" if promise else "–",
            f"{median(rates[bare]):,.0f}/s", f"{median(rates[product]):,.0f}/s", f"{ratio:.2f}",
            promise and ratio >= LEAST, detail,
        ),
        Result(
            f"P1 {kind.what}, processor time", "–", f"{floor:.1f} ms", f"{spent:.1f} ms", f"{floor / spent:.2f}", None
        ),
        Result(
            f"P1 {kind.what}, p99 at {RATE:.0f}/s", f"≤ {MOST_MS:.0f} ms" if promise else "–",
            f"{median(late[bare]):.1f} ms", f"{p99:.1f} ms", f"{p99:.1f} ms", promise and p99 <= MOST_MS,
        ),
    ]  # fmt: skip


def _checked(centre: Centre, kind: Kind, side: Side, count: int, rate: float | None = None) -> Done:
    """Send, and see that every webhook left its event: neither side may win by doing nothing."""
    webhooks = kind.webhooks(count)
    before = _events(centre)
    done = send(centre, side.port, webhooks, rate=rate, connections=64 if rate else 16)
    written = _events(centre) - before
    if done.failed or written != count:
        raise RuntimeError(f"P1 {kind.name}: {done.failed} of {count} failed, {written} events written.")
    return done


def _events(centre: Centre) -> int:
    return int(centre.query("SELECT count(*) FROM call_event")[0][0])
