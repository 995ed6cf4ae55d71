"""P12: opening a full taxpayer file (100 positions, 500 entries on the timeline) among a million contacts.

Measured over HTTP, as the role that sees its scope alone: the reason is sent and audited, and the page that answers
is read to its end. The floor is a look-up by primary key through the same connection pool.
"""

import re
import time
from dataclasses import dataclass

from bench.desk import Desk, floor
from bench.full_files import ENTRIES, POSITIONS
from bench.million import million
from bench.options import Options
from bench.place import Place
from bench.results import Result, median, percentile

MOST_MS = 60.0


@dataclass(frozen=True, slots=True)
class Took:
    """Milliseconds of one opening: the reason and its audit, the page, a position of it."""

    asked: float
    page: float
    detail: float
    size: int

    @property
    def opening(self) -> float:
        """Until the file is on the screen."""
        return self.asked + self.page


def measure(place: Place, options: Options) -> list[Result]:
    """Open each full file, one after another, as a supervisor does."""
    centre, filled = million(place, options)
    carrier, web = centre.start_carrier(), centre.start_web(1)
    desk = Desk(centre)
    for contact_id in filled.full[:5]:
        _opens(desk, contact_id)
    took = [_opens(desk, one) for _ in range(options.repeats) for one in filled.full]
    floors = percentile(floor(centre, filled, len(took)), 0.95) * 1000
    place.stop(web, carrier)
    openings, pages, details = ([getattr(one, name) for one in took] for name in ("opening", "page", "detail"))
    p95 = percentile(openings, 0.95)
    told = {"openings_ms": openings, "pages_ms": pages, "details_ms": details, "bytes": took[0].size}
    what = f"P12 open a file of {POSITIONS} positions, {ENTRIES} entries among {filled.count:,}, p95"
    return [
        Result(
            what, f"≤ {MOST_MS:.0f} ms",
            f"{floors:.2f} ms", f"{median(openings):.1f} ms", f"{p95:.1f} ms", p95 <= MOST_MS, told,
        ),
        _aside(f"P12 the page alone ({took[0].size / 1024:.0f} KB), p95", pages),
        _aside("P12 a position of it, opened, p95", details),
    ]  # fmt: skip


def _aside(what: str, times: list[float]) -> Result:
    return Result(what, "–", "–", f"{median(times):.1f} ms", f"{percentile(times, 0.95):.1f} ms", None)


def _opens(desk: Desk, contact_id: int) -> Took:
    """Say why, read the file, open its first position."""
    began = time.perf_counter()
    desk.send("POST", f"/files/{contact_id}/open", {"purpose": "quality", "reason": "misura"})
    asked = time.perf_counter()
    page = desk.send("GET", f"/files/{contact_id}")
    read = time.perf_counter()
    lines = re.findall(r'hx-get="(/files/positions/\d+)"', page)
    if len(lines) != POSITIONS:
        raise RuntimeError(f"P12: {len(lines)} positions on the page.")
    desk.send("GET", lines[0])
    done = time.perf_counter()
    return Took((asked - began) * 1000, (read - asked) * 1000, (done - read) * 1000, len(page))
