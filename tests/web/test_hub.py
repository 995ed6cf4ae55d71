"""The hub: who is sent what, and what becomes of whoever does not take it."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from starlette.websockets import WebSocket

from tests.web.conftest import in_a_loop
from web.live import hub as hubs
from web.live.hub import Hub, Rendered, frame

pytestmark = pytest.mark.usefixtures("loopback")  # an event loop talks to itself


class Page:
    """The server's end of one page's socket."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.takes = True
        self.gone = False
        self.closed: int | None = None

    async def send_text(self, text: str) -> None:
        if self.gone:
            raise RuntimeError("closed")
        if not self.takes:
            await asyncio.Event().wait()
        self.got.append(text)

    async def close(self, code: int) -> None:
        self.closed = code

    @property
    def socket(self) -> WebSocket:
        return cast("WebSocket", self)


class Board:
    """Something to look at: two regions, rendered whenever asked."""

    def __init__(self) -> None:
        self.regions = {"head": "<p id='head'>1</p>", "rows": "<p id='rows'>1</p>"}
        self.rendered = 0
        self.broken = False

    def __call__(self) -> Rendered:
        self.rendered += 1
        if self.broken:
            raise OSError("the database is away")
        return Rendered(dict(self.regions), frozenset({"board:1"}))


def play(scenario: Callable[[Hub], Any]) -> None:
    """Run a scenario, which must not take longer than its hub's time-outs."""

    async def run() -> None:
        async with asyncio.timeout(10):
            await scenario(Hub(now=lambda: 12.5))

    in_a_loop(run())


async def settle() -> None:
    """Let the hub finish what it began."""
    while waiting := [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]:
        await asyncio.wait(waiting)


def test_whoever_joins_gets_everything_and_then_what_changed() -> None:
    async def scenario(hub: Hub) -> None:
        page, board = Page(), Board()
        await hub.join(page.socket, "board", board)
        assert page.got == [frame(board.regions)]
        board.regions["rows"] = "<p id='rows'>2</p>"
        await hub.heard({"board:1"})
        await settle()
        assert page.got[1:] == [frame({"rows": "<p id='rows'>2</p>"})]

    play(scenario)


def test_those_who_see_the_same_are_rendered_for_once() -> None:
    async def scenario(hub: Hub) -> None:
        pages, board = [Page() for _ in range(5)], Board()
        for page in pages:
            await hub.join(page.socket, "board", board)
        board.regions["rows"] = "<p id='rows'>2</p>"
        await hub.heard({"board:1"})
        await settle()
        assert board.rendered == 2
        assert {tuple(page.got[1:]) for page in pages} == {(frame({"rows": "<p id='rows'>2</p>"}),)}

    play(scenario)


def test_a_page_of_two_parts_is_sent_each_part_by_itself() -> None:
    async def scenario(hub: Hub) -> None:
        anna, luca, mine, queues = Page(), Page(), Board(), Board()
        queues.regions = {"queues": "<p id='queues'>0</p>"}
        await hub.join(anna.socket, "console:anna", mine)
        await hub.join(anna.socket, "queues", queues)
        await hub.join(luca.socket, "queues", queues)
        queues.regions = {"queues": "<p id='queues'>1</p>"}
        await hub.heard({"board:1"})
        await settle()
        changed = frame(queues.regions)
        assert (anna.got[-1], luca.got[-1]) == (changed, changed)
        assert anna.got.count(changed) == 1
        hub.leave(anna.socket)
        queues.regions = {"queues": "<p id='queues'>2</p>"}
        await hub.heard({"board:1"})
        await settle()
        assert (anna.got[-1], luca.got[-1]) == (changed, frame(queues.regions))

    play(scenario)


def test_what_does_not_concern_it_is_not_looked_at() -> None:
    async def scenario(hub: Hub) -> None:
        board = Board()
        await hub.join(Page().socket, "board", board)
        await hub.heard({"board:2"})
        await settle()
        assert board.rendered == 1

    play(scenario)


@pytest.mark.parametrize("how", ["gone", "stuck"])
def test_whoever_does_not_take_a_frame_is_dropped_and_the_others_get_theirs(
    monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(hubs, "SLOW_S", 0.01)

    async def scenario(hub: Hub) -> None:
        first, bad, last, board = Page(), Page(), Page(), Board()
        for page in (first, bad, last):
            await hub.join(page.socket, "board", board)
        bad.gone, bad.takes = how == "gone", how != "stuck"
        board.regions["rows"] = "<p id='rows'>2</p>"
        await hub.heard({"board:1"})
        await settle()
        assert len(first.got) == len(last.got) == 2
        assert (len(bad.got), bad.closed) == (1, hubs.TRY_AGAIN_LATER)
        await hub.heard({"board:1"})
        await settle()
        assert len(bad.got) == 1

    play(scenario)


def test_a_look_that_failed_is_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "RETRY_S", 0.01)

    async def scenario(hub: Hub) -> None:
        page, board = Page(), Board()
        await hub.join(page.socket, "board", board)
        board.broken = True
        board.regions["rows"] = "<p id='rows'>2</p>"
        await hub.heard({"board:1"})
        await settle()
        assert len(page.got) == 1
        board.broken = False
        while len(page.got) == 1:
            await asyncio.sleep(0)
        assert page.got[1] == frame({"rows": "<p id='rows'>2</p>"})

    play(scenario)


def test_whoever_cannot_be_shown_anything_leaves_nothing_behind() -> None:
    async def scenario(hub: Hub) -> None:
        page, board = Page(), Board()
        board.broken = True
        with pytest.raises(OSError, match="away"):
            await hub.join(page.socket, "board", board)
        rendered = board.rendered
        await hub.lost()
        await settle()
        assert board.rendered == rendered

    play(scenario)


def test_every_page_hears_the_time_once_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "BEAT_S", 0.02)

    async def scenario(hub: Hub) -> None:
        pages, board = [Page() for _ in range(2 * hubs.BEAT_PARTS + 3)], Board()
        for page in pages:
            await hub.join(page.socket, "board", board)
        beating = asyncio.create_task(hub.beat())
        while any(len(page.got) == 1 for page in pages):
            await asyncio.sleep(0)
        beating.cancel()
        assert {page.got[1] for page in pages} == {'{"now":12500}'}
        assert max(len(page.got) for page in pages) <= 3

    play(scenario)
