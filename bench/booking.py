"""The race through the pages: a thousand citizens who want a hundred places, by HTTP, on two web processes.

Each has an address of his own, as a proxy tells it, goes through the steps, and waits for each page.
"""

import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from bench.agendas import CITIZENS, free_month, given, prepare_office, scope_of
from bench.options import Options
from bench.place import Centre, Place
from bench.results import Result, percentile
from crm.agendas import pace, sites
from crm.agendas.pace import Ask
from tests.cast import principal_of
from web.booking.place import TOO_OFTEN
from web.booking.times import written

WEBS, BROWSERS, LATE = 2, 32, 409
ANSWERS = (303, LATE, 422)  # on to the next step, it is gone or done, or what is wrong
LATER = 10  # of the requests at the first step, as many at each later one
NEAREST = 5
TIMES = re.compile(r'name="time" value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Came:
    """What came of one citizen: whether he has it, how many times he was offered instead, his longest wait (s)."""

    booked: bool
    offered: int
    waited: float


def measure(place: Place, options: Options) -> list[Result]:
    """The race."""
    citizens = 100 if options.quick else CITIZENS
    centre = place.centre("booking")
    office_id, service_id = centre.database.transact(scope_of(centre), lambda s: prepare_office(s, centre))
    open_site(centre)
    wanted, seats = _wanted(centre, office_id, service_id, citizens // 10)
    centre.start_web(WEBS)
    began = time.perf_counter()
    with ThreadPoolExecutor(BROWSERS) as pool:
        came = list(
            pool.map(lambda n: _one(centre, n, wanted[n % len(wanted)], office_id, service_id), range(citizens))
        )
    seconds = time.perf_counter() - began
    booked, lost = sum(one.booked for one in came), [one for one in came if not one.booked]
    exact = booked == seats == given(centre) and all(one.offered == NEAREST for one in lost)
    p95 = percentile([one.waited * 1000 for one in came], 0.95)
    floods = _flood(centre, office_id, service_id, 1_000 if options.quick else 10_000)
    centre.close()
    return [
        *floods,
        Result(
            f"Booking: {citizens:,} citizens race for {seats} places by HTTP, {WEBS} web processes",
            "each given once; others offered the nearest", "–", f"{booked} have one",
            f"{seconds:.1f} s, longest page p95 {p95:.0f} ms", exact,
            {"offered": sum(one.offered == NEAREST for one in lost), "lost": len(lost)},
        )
    ]  # fmt: skip


def open_site(centre: Centre) -> None:
    """Empoli's pages of booking."""
    centre.database.transact(
        scope_of(centre),
        lambda s: sites.save(s, principal_of(s, centre.cast.sara), ente_id=centre.cast.empoli, slug="empoli"),
    )


def _flood(centre: Centre, office_id: int, service_id: int, requests: int) -> list[Result]:
    """So many from one address at each step, while somebody at another asks for a page of times and again."""
    sent = {"service": str(service_id), "office": str(office_id)}
    with httpx.Client(base_url=centre.settings.public_url, timeout=60) as flooding:
        other = {"X-Forwarded-For": "10.9.9.8"}
        looking, flooded = (
            flooding.post("/prenota/empoli", data=sent, headers=other).headers["location"] for _ in range(2)
        )
        at = flooded.removesuffix("/orario")
        wanted = TIMES.findall(flooding.get(f"{at}/orario", headers=other).text)[0]
        person = {"given_name": "Anna", "surname": "Verdi", "email": "anna@example.it"}
        steps: tuple[tuple[Ask, str, dict[str, str], int], ...] = (
            (Ask.BEGIN, "/prenota/empoli", sent, requests),
            (Ask.HOLD, f"{at}/orario", {"time": wanted}, requests // LATER),
            (Ask.WRITE, f"{at}/richiedente", person, requests // LATER),
            (Ask.CODE, f"{at}/codice", {"code": "000000"}, requests // LATER),
            (Ask.BOOK_UNSOLVED, f"{at}/riepilogo", {}, requests // LATER),
        )
        return [_flooded(flooding, looking, *one) for one in steps]


def _flooded(
    flooding: httpx.Client, page_of_times: str, ask: Ask, path: str, fields: dict[str, str], requests: int
) -> Result:  # fmt: skip
    """One step's. Whatever is not refused has an answer that the pages know: on to the next, or why not."""
    served: list[float] = []
    began = time.perf_counter()
    with ThreadPoolExecutor(BROWSERS) as pool:
        told = [
            pool.submit(lambda: flooding.post(path, data=fields, headers={"X-Forwarded-For": "10.9.9.9"}))
            for _ in range(requests)
        ]
        while not told[-1].done():
            asked = time.perf_counter()
            page = flooding.get(page_of_times, headers={"X-Forwarded-For": "10.9.9.8"})
            served.append(time.perf_counter() - asked)
            assert page.status_code == 200, page.status_code
            time.sleep(0.2)
        codes = Counter(one.result().status_code for one in told)
    seconds, most = time.perf_counter() - began, pace.PACES[ask].most
    let = sum(codes[one] for one in ANSWERS)
    return Result(
        f"Booking: {requests:,} requests from one address, {ask.value}",
        f"{min(most, requests)} served, the others 429",
        "–", f"{let} served, {codes[TOO_OFTEN]:,} refused",
        f"{requests / seconds:,.0f} a second; others wait p95 {percentile(served, 0.95) * 1000:.0f} ms",
        codes[TOO_OFTEN] + let == requests and min(most, requests) <= let <= 2 * most,  # ten minutes may begin anew
        {"others": len(served), **{str(one): codes[one] for one in sorted(codes)}},
    )  # fmt: skip


def _wanted(centre: Centre, office_id: int, service_id: int, places: int) -> tuple[list[str], int]:
    """Times that have so many seats together, as the form sends them."""
    found, seats = [], 0
    for one in centre.database.transact(scope_of(centre), lambda s: free_month(s, centre, office_id, service_id)):
        if seats + len(one.seats) <= places:
            found.append(written(one.office_id, one.starts_at))
            seats += len(one.seats)
    return found, seats


def _one(centre: Centre, n: int, wanted: str, office_id: int, service_id: int) -> Came:
    longest = 0.0
    headers = {"X-Forwarded-For": f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"}
    with httpx.Client(base_url=centre.settings.public_url, headers=headers, timeout=60) as client:

        def post(path: str, **fields: str) -> httpx.Response:
            nonlocal longest
            began = time.perf_counter()
            answer = client.post(path, data=fields)
            longest = max(longest, time.perf_counter() - began)
            return answer

        at = post("/prenota/empoli", service=str(service_id), office=str(office_id)).headers["location"]
        at = at.removesuffix("/orario")
        chosen = post(f"{at}/orario", time=wanted)
        if chosen.status_code == LATE:
            return Came(False, len(TIMES.findall(chosen.text)), longest)
        post(f"{at}/richiedente", given_name="Anna", surname="Verdi", email=f"n{n}@example.it")
        done = post(f"{at}/riepilogo")
        return Came("/appuntamento/" in done.headers.get("location", ""), 0, longest)
