"""The pages of an evaluation and of a draw in a real Chromium, which asks the application in this process."""

import os
import shutil
from collections.abc import Iterator
from uuid import UUID

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, sync_playwright
from sqlalchemy import select
from starlette.testclient import TestClient

from telephony.quality.models import SampleDraw
from tests.web.conftest import PUBLIC, Desk
from tests.web.test_proposals import Browser
from tests.web.test_quality import conversation, given
from web.wiring import Runtime

__all__ = ("conversation",)  # the fixture
pytestmark = [pytest.mark.integration, pytest.mark.journey]
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture
def page(client: TestClient, loopback: None) -> Iterator[Page]:
    """A page whose requests the test's own client makes, with its session."""

    def ask(route: Route) -> None:
        answer = client.get(route.request.url.removeprefix(PUBLIC))
        route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.content)

    own = os.environ.get("FILODIRETTO_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=own, args=["--no-sandbox", "--disable-gpu"])
        shown = browser.new_page(viewport={"width": 1366, "height": 768}, locale="it-IT")
        shown.route("**/*", ask)
        yield shown
        browser.close()


def test_an_evaluation_and_its_draw_are_accessible_in_light_and_in_dark(
    desk: Desk, runtime: Runtime, conversation: UUID, client: TestClient, page: Page
) -> None:
    evaluation = given(desk)
    draw = desk.stage.work(lambda s: s.scalars(select(SampleDraw.id)).one())
    for username, path in (("sara", f"/quality/{evaluation}"), ("sara", f"/quality/draws/{draw}"),
                           ("anna", f"/quality/draws/{draw}")):  # fmt: skip
        Browser(client, username, path)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            answer = page.goto(f"{PUBLIC}{path}")
            assert answer is not None
            assert answer.status == 200
            found = Axe().run(page, options=WCAG).response["violations"]
            assert [(path, scheme, one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
