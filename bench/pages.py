"""The citizens' pages as Lighthouse judges them on a slow phone: its mobile profile, with a processor four times slower
and slow 4G (1.6 Mb/s, 150 ms there and back). `npm ci --prefix bench/lighthouse` installs it, once.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx

from bench.agendas import prepare_office, scope_of
from bench.booking import TIMES, open_site
from bench.options import Options
from bench.place import Centre, Place
from bench.results import Result, median
from bench.week import CHROMIUM
from web.run.processes import RunError

LIGHTHOUSE = Path(__file__).parent / "lighthouse" / "node_modules" / "lighthouse" / "cli" / "index.js"
ACCESSIBLE, FAST, PAINTED_MS = 100, 90, 2500
RUNS, LONGEST_S = 3, 180


def measure(place: Place, options: Options) -> list[Result]:
    """Each step of a booking, and what follows it; the middle of three runs."""
    browser = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    node = shutil.which("node")
    if browser is None or node is None or not LIGHTHOUSE.exists():
        print("Lighthouse needs Node, Chromium and: npm ci --prefix bench/lighthouse", file=sys.stderr)
        return []
    centre = place.centre("pages")
    office_id, service_id = centre.database.transact(scope_of(centre), lambda s: prepare_office(s, centre))
    open_site(centre)
    centre.start_web(1)
    results = []
    for name, path in _pages(centre, office_id, service_id).items():
        address = centre.settings.public_url + path
        runs = [_judged(node, browser, address) for _ in range(1 if options.quick else RUNS)]
        accessible, fast, painted = (median([run[n] for run in runs]) for n in range(3))
        results.append(
            Result(
                f"Citizens' pages: {name}, on a slow phone",
                f"accessibility {ACCESSIBLE}, performance {FAST}, LCP {PAINTED_MS / 1000:.1f} s", "–",
                f"{accessible:.0f}, {fast:.0f}", f"LCP {painted / 1000:.2f} s",
                accessible >= ACCESSIBLE and fast >= FAST and painted <= PAINTED_MS,
                {"runs": [list(run) for run in runs]},
            )
        )  # fmt: skip
    centre.close()
    return results


def _pages(centre: Centre, office_id: int, service_id: int) -> dict[str, str]:
    """The addresses of a booking under way, and of one that is done."""

    def to_the_end(client: httpx.Client, *, done: bool) -> str:
        def post(path: str, **fields: str) -> str:
            answer = client.post(path, data=fields)
            assert answer.is_redirect, answer.text
            return str(answer.headers["location"])

        at = post("/prenota/empoli", service=str(service_id), office=str(office_id)).removesuffix("/orario")
        post(f"{at}/orario", time=TIMES.findall(client.get(f"{at}/orario").text)[0])
        post(f"{at}/richiedente", given_name="Anna", surname="Verdi", email="anna@example.it")
        return post(f"{at}/riepilogo").partition("?")[0] if done else at

    with httpx.Client(base_url=centre.settings.public_url, timeout=60) as client:
        at, booked = to_the_end(client, done=False), to_the_end(client, done=True)
        rating = client.post(f"{booked}/valuta", data={"stars": "4"}).headers["location"]
    steps = ("orario", "dettagli", "richiedente", "riepilogo", "attesa")
    return {
        "services": "/prenota/empoli", **{step: f"{at}/{step}" for step in steps}, "appointment": booked,
        "moving": f"{booked}/sposta", "rating": rating,
    }  # fmt: skip


def _judged(node: str, browser: str, address: str, tries: int = 3) -> tuple[float, float, float]:
    """Accessibility and performance (0–100), and the largest paint in milliseconds. Now and then no browser starts."""
    told = subprocess.run(  # our own arguments
        [
            node, str(LIGHTHOUSE), address, "--quiet", "--output=json", "--only-categories=performance,accessibility",
            "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
        ],
        env={**os.environ, "CHROME_PATH": browser}, capture_output=True, check=False, timeout=LONGEST_S,
    )  # fmt: skip
    found = json.loads(told.stdout or "{}")
    if told.returncode and tries > 1:
        return _judged(node, browser, address, tries - 1)
    if told.returncode:
        why = found.get("runtimeError", {}).get("message") or told.stderr.decode()[-500:]
        raise RunError(f"Lighthouse could not look at {address}: {why}")
    accessible, fast = (100 * found["categories"][name]["score"] for name in ("accessibility", "performance"))
    return accessible, fast, found["audits"]["largest-contentful-paint"]["numericValue"]
