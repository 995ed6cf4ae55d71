"""P12: opening a full taxpayer file (100 positions, 500 entries on the timeline) among a million contacts.

Measured over HTTP, as the role that sees its scope alone: the reason is sent and audited, and the page that answers
is read to its end. The floor is a look-up by primary key through the same connection pool.
"""

import http.client
import re
import time
from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy import select

from bench.crowd import ENTRIES, POSITIONS, gather
from bench.options import Options
from bench.place import Centre, Place
from bench.results import Result, median, percentile
from crm.access import service as access
from crm.contacts.models import Contact
from crm.core.db import Scope
from web.edge.visits import COOKIE

CONTACTS, QUICK_CONTACTS = 1_000_000, 20_000
FULL = 60  # files, each opened once a repeat: none is warm because it was just read
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
    centre = place.centre("p12")
    count = QUICK_CONTACTS if options.quick else CONTACTS
    began = time.perf_counter()
    ids = gather(centre, count, FULL)
    print(f"  {count:,} contacts in {time.perf_counter() - began:.0f} s", flush=True)
    carrier, web = centre.start_carrier(), centre.start_web(1)
    browser = Browser(centre)
    for contact_id in ids[:5]:
        browser.opens(contact_id)
    took = [browser.opens(one) for _ in range(1 if options.quick else options.repeats) for one in ids]
    floor = _floor(centre, ids)
    place.stop(web, carrier)
    centre.close()
    openings, pages, details = ([getattr(one, name) for one in took] for name in ("opening", "page", "detail"))
    p95 = percentile(openings, 0.95)
    told = {"contacts": count, "openings_ms": openings, "pages_ms": pages, "details_ms": details, "bytes": took[0].size}
    return [
        Result(
            f"P12 open a file of {POSITIONS} positions, {ENTRIES} entries among {count:,}, p95", f"≤ {MOST_MS:.0f} ms",
            f"{floor:.2f} ms", f"{median(openings):.1f} ms", f"{p95:.1f} ms", p95 <= MOST_MS, told,
        ),
        _aside(f"P12 the page alone ({took[0].size / 1024:.0f} KB), p95", pages),
        _aside("P12 a position of it, opened, p95", details),
    ]  # fmt: skip


def _aside(what: str, times: list[float]) -> Result:
    return Result(what, "–", "–", f"{median(times):.1f} ms", f"{percentile(times, 0.95):.1f} ms", None)


class Browser:
    """Sara's, signed in, on one kept-alive connection."""

    def __init__(self, centre: Centre) -> None:
        with centre.database.begin(Scope.nothing()) as session:
            token = access.open_session(session, centre.cast.sara)
        self._connection = http.client.HTTPConnection("127.0.0.1", centre.settings.port, timeout=30)
        self._headers = {"Cookie": f"{COOKIE}={token}"}
        csrf = re.search(r'X-CSRF-Token": "([^"]+)"', self._send("GET", "/files"))
        assert csrf is not None
        self._headers |= {"X-CSRF-Token": csrf[1], "Content-Type": "application/x-www-form-urlencoded"}

    def opens(self, contact_id: int) -> Took:
        """Say why, read the file, open its first position."""
        began = time.perf_counter()
        self._send("POST", f"/files/{contact_id}/open", urlencode({"purpose": "quality", "reason": "misura"}))
        asked = time.perf_counter()
        page = self._send("GET", f"/files/{contact_id}")
        read = time.perf_counter()
        lines = re.findall(r'hx-get="(/files/positions/\d+)"', page)
        if len(lines) != POSITIONS:
            raise RuntimeError(f"P12: {len(lines)} positions on the page.")
        self._send("GET", lines[0])
        done = time.perf_counter()
        return Took((asked - began) * 1000, (read - asked) * 1000, (done - read) * 1000, len(page))

    def _send(self, method: str, path: str, body: str | None = None) -> str:
        self._connection.request(method, path, body, self._headers)
        response = self._connection.getresponse()
        text = response.read().decode()
        if response.status >= 300:
            raise RuntimeError(f"P12: {method} {path} answered {response.status}.")
        return text


def _floor(centre: Centre, ids: list[int]) -> float:
    """The 95th percentile of a contact by its primary key, in milliseconds."""
    times = []
    with centre.database.begin(Scope.of_contract(centre.cast.contract)) as session:
        for one in ids * 4:
            began = time.perf_counter()
            session.execute(select(Contact.id, Contact.surname).where(Contact.id == one)).one()
            times.append((time.perf_counter() - began) * 1000)
    return percentile(times, 0.95)
