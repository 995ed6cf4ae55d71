"""A live page left open for long, fast: its own frames sent again and again with other figures and other rows."""

import re
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import CDPSession, Page, WebSocketRoute

from web.live.hub import frame

FIGURE = re.compile(r"(?<=>)\d+(?=<)")
ROW = re.compile(r"<(tr|li) id=\"[\w-]+\".*?</\1>", re.DOTALL)
AT_ONCE = 25
SHOWN = "ids => Object.fromEntries(ids.map(id => [id, document.getElementById(id).outerHTML]))"


@dataclass(frozen=True, slots=True)
class Size:
    """What a page takes, once its garbage is collected."""

    nodes: int
    listeners: int
    heap: int  # bytes


class Replay:
    """One page whose socket is in our hands."""

    def __init__(self, page: Page, path: str, *regions: str) -> None:
        self._page = page
        self._sockets: list[WebSocketRoute] = []
        page.route_web_socket(re.compile(r"/ws/"), lambda socket: self._sockets.append(socket))  # noqa: PLW0108  # it wants a function
        page.goto(path)
        page.wait_for_function("() => document.readyState === 'complete'")
        while not self._sockets:
            page.wait_for_timeout(20)
        self._regions: dict[str, str] = page.evaluate(SHOWN, list(regions))
        self._devtools: CDPSession = page.context.new_cdp_session(page)
        self._devtools.send("Performance.enable")
        self._sent = 0

    def play(self, frames: int) -> None:
        """So many changes, each with a beat; returns once the page has taken them all."""
        for _ in range(frames):
            self._sent += 1
            changed = {region: varied(html, self._sent) for region, html in self._regions.items()}
            self._sockets[-1].send(frame(changed))
            self._sockets[-1].send(f'{{"now":{1_800_000_000_000 + self._sent * 60_000}}}')
            if self._sent % AT_ONCE == 0:
                self._taken()
        self._taken()

    def size(self) -> Size:
        """How large the page is now."""
        for _ in range(2):
            self._devtools.send("HeapProfiler.collectGarbage")
        found: dict[str, Any] = {
            one["name"]: one["value"] for one in self._devtools.send("Performance.getMetrics")["metrics"]
        }
        return Size(int(found["Nodes"]), int(found["JSEventListeners"]), int(found["JSHeapUsedSize"]))

    def _taken(self) -> None:
        """Until the page shows a mark that was sent after all the rest."""
        mark = f'<p id="{MARK}" hidden>{self._sent}</p>'
        if self._page.locator(f"#{MARK}").count() == 0:
            self._page.evaluate(f"document.body.insertAdjacentHTML('beforeend', '<p id=\"{MARK}\" hidden></p>')")
        self._sockets[-1].send(frame({MARK: mark}))
        self._page.wait_for_function(
            "([id, text]) => document.getElementById(id)?.textContent === text", arg=[MARK, str(self._sent)]
        )


MARK = "replayed"


def varied(html: str, n: int) -> str:
    """A region as it may look at another time: other figures, and some of its rows gone."""
    rows = 0

    def row(found: re.Match[str]) -> str:
        nonlocal rows
        rows += 1
        return "" if (rows + n) % 5 == 0 else found[0]

    return FIGURE.sub(lambda found: str((int(found[0]) + n) % 997), ROW.sub(row, html))
