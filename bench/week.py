"""A live board that stays open for a week: its page takes as many changes as come in one, and must not grow.

One change a minute with one beat each, 10,080 of them: each brings other figures and lets rows come and go.
"""

import shutil
from typing import Any

from playwright.sync_api import sync_playwright

from bench.options import Options
from bench.p5 import sign_in
from bench.place import Place
from bench.results import Result
from tests.journeys.replay import Replay, Size
from web.edge.visits import COOKIE

MINUTES, QUICK = 7 * 24 * 60, 500
WARM = 200
PARTS = 4
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def measure(place: Place, options: Options) -> list[Result]:
    """The page's size after a while, and after each quarter of the week."""
    centre = place.centre("week")
    child = centre.start_web(1)
    count = QUICK if options.quick else MINUTES
    token = sign_in(centre)
    found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=found)
        context = browser.new_context(base_url=f"http://127.0.0.1:{centre.settings.port}", locale="it-IT")
        context.add_cookies([{"name": COOKIE, "value": token, "domain": "127.0.0.1", "path": "/"}])
        replay = Replay(context.new_page(), "/supervision", "levels", "queues", "supervision", "operators", "lines")
        replay.play(WARM)
        sizes = [replay.size()]
        for _ in range(PARTS):
            replay.play(count // PARTS)
            sizes.append(replay.size())
        browser.close()
    place.stop(child)
    centre.close()
    first, last = sizes[0], sizes[-1]
    detail: dict[str, Any] = {"sizes": [_told(one) for one in sizes]}
    met = (
        last.nodes <= first.nodes * 1.05 and last.listeners <= first.listeners * 1.05 and last.heap <= first.heap * 1.2
    )
    return [
        Result(
            f"a live board after {count} more changes", "nodes, listeners ≤ +5 %, heap ≤ +20 %", _told(first),
            _told(last), f"heap {last.heap / first.heap:.2f} ×, nodes {last.nodes / first.nodes:.2f} ×", met, detail,
        )
    ]  # fmt: skip


def _told(one: Size) -> str:
    return f"{one.nodes} nodes, {one.listeners} listeners, {one.heap / 1e6:.2f} MB"
