"""Who may go on watching: a live page is closed when its session is over, and not before."""

from dataclasses import replace
from typing import Any, cast

import pytest
from starlette.websockets import WebSocket

from crm.access.permissions import Principal
from tests.web.conftest import in_a_loop
from web.edge.visits import Visit
from web.live import sockets
from web.live.sockets import SIGNED_OUT, Guard

pytestmark = pytest.mark.usefixtures("loopback")  # an event loop talks to itself

ANNA = Visit(Principal(1, "Anna", "it", frozenset()), "token", "it")


class Page:
    """The server's end of one page's socket."""

    closed: int | None = None

    async def close(self, code: int) -> None:
        self.closed = code

    @property
    def socket(self) -> WebSocket:
        return cast("WebSocket", self)


def look(guard: Guard) -> None:
    in_a_loop(guard._look())  # one round, without its waiting


def test_whoever_signed_out_is_closed_and_whoever_did_not_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions: dict[str, Visit | None] = {"anna's": ANNA, "ended": None}
    monkeypatch.setattr(sockets, "visit_of", lambda _runtime, token: sessions[token])
    guard, anna, gone = Guard(cast("Any", None)), Page(), Page()
    guard.admit(anna.socket, "anna's", ANNA)
    guard.admit(gone.socket, "ended", ANNA)
    look(guard)
    assert (anna.closed, gone.closed) == (None, SIGNED_OUT)


def test_a_page_is_closed_when_a_contract_of_its_visitor_covers_another_ente(monkeypatch: pytest.MonkeyPatch) -> None:
    then, now = replace(ANNA, coverage={1: frozenset({7})}), replace(ANNA, coverage={1: frozenset({7, 8})})
    monkeypatch.setattr(sockets, "visit_of", lambda _runtime, _token: now)
    guard, before, since = Guard(cast("Any", None)), Page(), Page()
    guard.admit(before.socket, "anna's", then)
    guard.admit(since.socket, "anna's", now)
    look(guard)
    assert (before.closed, since.closed) == (SIGNED_OUT, None)


def test_whoever_comes_while_the_sessions_are_read_is_not_taken_for_signed_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guard, first, late = Guard(cast("Any", None)), Page(), Page()

    def read(_runtime: Any, _token: str) -> Visit:
        guard.admit(late.socket, "his own", ANNA)
        return ANNA

    monkeypatch.setattr(sockets, "visit_of", read)
    guard.admit(first.socket, "anna's", ANNA)
    look(guard)
    assert late.closed is None
