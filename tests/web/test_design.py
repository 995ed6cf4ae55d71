"""The design: one set of colours for light and dark, and a page that shows all components."""

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.web.conftest import csrf_of, let_in

pytestmark = pytest.mark.integration
CSS = Path(__file__).parents[2] / "web" / "static" / "css"
COLOUR = re.compile(r"(?P<what>background|background-color|border-color|fill)\s*:\s*(?P<colour>#[0-9a-fA-F]{3,8})\b")
ALWAYS = {  # on what has one colour in light and in dark: bands, ringing, what is pinned to the edge
    ".logo", ".alert-badge", ".band.is-ringing", ".muted-bar button", ".switch summary", ".band-actions .primary",
    '.live[data-live="on"] .live-dot',
    ".door canvas", ".door-qr svg, .door-debts svg",  # a signature, and what scanners read: black on white
    ".mail-html iframe",  # a page that somebody else has drawn
}  # fmt: skip


@pytest.mark.parametrize("sheet", sorted(CSS.glob("*.css")), ids=lambda one: one.name)
def test_a_sheet_takes_its_colours_from_the_tokens_so_that_it_is_dark_where_the_page_is(sheet: Path) -> None:
    rules = re.findall(
        r"([^{}]+)\{([^{}]*)\}", re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
    )
    fixed = {
        selector.strip()
        for selector, body in rules
        if COLOUR.search(body) and not selector.strip().startswith(":root") and selector.strip() not in ALWAYS
    }
    assert not fixed


def test_the_living_page_shows_every_component_in_both_looks(client: TestClient) -> None:
    let_in(client, "anna")
    shown = client.get("/design").text
    macros = re.findall(r"macro (\w+)", (CSS.parents[1] / "templates" / "_ui.html").read_text(encoding="utf-8"))
    page = "".join(one.read_text(encoding="utf-8") for one in (CSS.parents[1] / "templates" / "design").glob("*.html"))
    unseen = {name for name in macros if not name.startswith("_") and f"ui.{name}(" not in page}
    assert unseen == {"around"}  # is in each field
    ids = re.findall(r' id="([^"]+)"', shown)
    assert len(ids) == len(set(ids))
    assert 'class="in-light"' in shown
    assert 'class="in-dark"' in shown


def test_a_browser_keeps_its_colours_until_it_is_told_to_follow_the_device(client: TestClient) -> None:
    let_in(client, "anna")
    assert "data-theme" not in client.get("/me").text
    csrf = csrf_of(client)
    for theme in ("dark", "light"):
        assert client.post("/me/theme", data={"theme": theme, "csrf": csrf}).headers["location"] == "/me"
        assert f'data-theme="{theme}"' in client.get("/me").text
    client.post("/me/theme", data={"theme": "device", "csrf": csrf})
    assert "data-theme" not in client.get("/me").text
    client.cookies.set("theme", '"><script>')
    assert "<script>" not in client.get("/me").text.split("<head>")[0]
