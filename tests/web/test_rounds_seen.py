"""A day's rounds in Chromium: in light and dark, changed with the keyboard alone, narrow, on paper, on a map."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from starlette.testclient import TestClient

from tests.journeys.test_pages import assert_accessible_in_both_looks
from tests.outbound.field.test_rounds import Planning, planning
from tests.web.conftest import PUBLIC, let_in, runtime_of

__all__ = ("planning",)  # the fixture
pytestmark = [pytest.mark.integration, pytest.mark.journey]
TILE = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\r"
    b"IDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa75\x81\x84\x00\x00\x00\x00IEND\xaeB`\x82"
)


@pytest.fixture
def page(client: TestClient, chromium: Browser) -> Iterator[Page]:
    """A page whose requests the test's own client makes, with its session; tiles come from nowhere."""

    def ask(route: Route) -> None:
        request = route.request
        if not request.url.startswith(PUBLIC):
            route.fulfill(status=200, content_type="image/png", body=TILE)
            return
        answer = client.request(
            request.method, request.url.removeprefix(PUBLIC), content=request.post_data_buffer,
            headers={k: v for k, v in request.headers.items() if k in {"x-csrf-token", "hx-request", "content-type"}},
        )  # fmt: skip
        route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.content)

    with chromium.new_context(viewport={"width": 1366, "height": 768}, locale="it-IT") as context:
        context.route("**/*", ask)
        yield context.new_page()


def test_a_day_is_looked_at_and_changed_by_keyboard(page: Page, client: TestClient, planning: Planning) -> None:
    let_in(client, "sara")
    at = f"{PUBLIC}/field/rounds/{planning.begun()}"
    planning.searched()
    for path in ("/field/rounds", f"{at.removeprefix(PUBLIC)}/choose", at.removeprefix(PUBLIC)):
        page.goto(PUBLIC + path)
        page.locator("main details").evaluate_all("all => all.forEach(one => { one.open = true; })")
        assert_accessible_in_both_looks(page)
    order = planning.orders()[planning.fabio]
    page.goto(at)
    page.locator(f"#down-{order[0]}").focus()
    page.keyboard.press("Enter")
    expect(page.locator(f"tr:has(#pin-{order[0]}) td").first).to_have_text("A2")
    expect(page.locator(f"#down-{order[0]}")).to_be_focused()
    assert planning.orders()[planning.fabio][:2] == [order[1], order[0]]
    page.locator(f"#pin-{order[0]}").press("Enter")
    expect(page.locator(f"#pin-{order[0]}")).to_have_text("Fissa")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto(f"{at}/sheet/{planning.fabio}")
    page.emulate_media(media="print")
    expect(page.locator("tbody tr")).to_have_count(7)
    assert_accessible_in_both_looks(page)


def test_with_tiles_there_is_a_map_with_each_door(page: Page, client: TestClient, planning: Planning) -> None:
    let_in(client, "sara")
    plan = planning.begun()
    planning.searched()
    runtime = runtime_of(client)
    tiles = {"map_tiles": "https://tiles.example.it/{z}/{x}/{y}.png", "map_attribution": "OpenStreetMap"}
    object.__setattr__(runtime, "settings", runtime.settings.model_copy(update=tiles))
    broken: list[str] = []
    page.on("console", lambda said: broken.append(said.text) if said.type == "error" else None)
    page.goto(f"{PUBLIC}/field/rounds/{plan}")
    expect(page.locator(".rounds-pin")).to_have_count(7)
    expect(page.locator(".leaflet-tile").first).to_be_attached()
    expect(page.locator(".leaflet-control-attribution")).to_contain_text("OpenStreetMap")
    assert [said for said in broken if "Opener-Policy" not in said] == []  # which plain http has none of
    assert_accessible_in_both_looks(page)
