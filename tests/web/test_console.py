"""The agent's console: what its page shows as a call goes on, and what its buttons do."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from crm.core.db import Database
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, Cast
from tests.telephony.stage import Stage, build
from tests.web.conftest import csrf_of, sign_in

pytestmark = pytest.mark.integration


@dataclass
class Desk:
    """Anna's console, and the telephone network behind it."""

    client: TestClient
    stage: Stage
    headers: dict[str, str] = field(default_factory=dict)

    def sit_down(self, username: str = "anna") -> None:
        """Sign in and be ready."""
        self.client.cookies.clear()
        sign_in(self.client, username)
        self.headers = {"X-CSRF-Token": csrf_of(self.client, "/console"), "HX-Request": "true"}

    def talks(self) -> UUID:
        """Mario calls and Anna answers."""
        self.stage.ready(self.stage.cast.anna)
        call = self.stage.queues()
        self.stage.talks(call)
        return call

    def press(self, path: str, **fields: Any) -> Any:
        """A button or a form of the console."""
        return self.client.post(f"/console/{path}", data=fields, headers=self.headers)

    def page(self, region: str = "") -> str:
        """The console as it is now, or one of its regions."""
        html = self.client.get("/console").text
        return re.split(r'<(?:section|footer) id="', html.split(f' id="{region}"', 1)[1])[0] if region else html


@pytest.fixture
def desk(client: TestClient, database: Database, cast: Cast) -> Iterator[Desk]:
    """Anna at her console."""
    stage = build(database, cast)
    desk = Desk(client, stage)
    desk.sit_down()
    yield desk
    stage.matcher.close()
    stage.dispatcher.close()


def test_a_file_that_was_opened_by_mistake_is_closed_again(desk: Desk) -> None:
    call, mario = desk.talks(), desk.stage.cast.mario
    assert desk.press("identify", call=call).status_code == 204
    assert "€" in desk.page("file")
    assert 'hx-post="/console/retract"' in desk.page("file")
    assert desk.press("retract", call=call, contact=mario).status_code == 204
    closed = desk.page("file")
    assert "€" not in closed
    assert "non era lui/lei" in closed
    assert 'hx-post="/console/search"' in closed

    desk.press("propose", call=call, contact=mario)  # it was him after all, and the mistake is told
    desk.press("identify", call=call)
    assert "Fascicolo aperto per errore" not in desk.page("file")  # this very call is his again
    again = desk.stage.queues(MARIO_MOBILE, EMPOLI_LINE, sid="CAagain")
    assert desk.press("retract", call=again, contact=mario).status_code == 409


def test_a_mistake_is_told_to_whoever_opens_the_file_later(desk: Desk) -> None:
    call, mario = desk.talks(), desk.stage.cast.mario
    desk.press("identify", call=call)
    desk.press("retract", call=call, contact=mario)
    desk.stage.caller_leaves(call)
    desk.press("wrap-up", call=call, topic="payment", disposition="answered", note="Segreto", next="ready")
    later = desk.stage.queues(sid="CAlater")
    desk.stage.talks(later)
    desk.press("identify", call=later)
    file = desk.page("file")
    assert "Fascicolo aperto per errore" in file
    assert "Segreto" not in file


def test_the_file_writes_telephones_as_the_rest_of_the_page_does(desk: Desk) -> None:
    call = desk.talks()
    desk.press("identify", call=call)
    assert "+39 348 000 0001" in desk.page("phone")
    assert "+39 348 000 0001" in desk.page("file")
    assert MARIO_MOBILE not in desk.page()
