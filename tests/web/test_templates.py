"""What every template keeps to."""

import re
from decimal import Decimal

import pytest
from babel.numbers import format_currency
from hypothesis import given
from hypothesis import strategies as st

from web.edge.i18n import LANGUAGES
from web.edge.templating import HERE, environment
from web.shortcuts.keys import Key

TEMPLATES = HERE / "templates"
NAMES = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))
TAG = re.compile(r"<\w[^<>]*\bhx-trigger=[^<>]*>")


def test_a_double_click_acts_once() -> None:
    assert 'hx-sync:inherited="drop"' in (TEMPLATES / "layout.html").read_text("utf-8")


def test_no_script_asks_htmx_for_what_it_does_not_say() -> None:
    """htmx 4 keeps a response's status and headers; `ok` is only fetch's own."""
    for path in (HERE / "static" / "js").glob("*.js"):
        assert "ctx?.response?.ok" not in path.read_text("utf-8"), path.name


@pytest.mark.parametrize("name", NAMES)
def test_of_what_is_typed_the_latest_is_never_dropped(name: str) -> None:
    """A look answers what was typed last; what is written goes after what is being written."""
    for tag in TAG.findall((TEMPLATES / name).read_text("utf-8")):
        if re.search(r'hx-trigger="[^"]*\b(?:input|change|wanted)\b', tag) and "data-detail" not in tag:
            assert re.search(r'hx-sync="(?:replace|queue last)"', tag), tag


@pytest.mark.parametrize("language", LANGUAGES)
@given(cents=st.integers(-(10**12), 10**12) | st.sampled_from((0, -1, 99, 100, 99_999, 100_000, -100_000_000)))
def test_amounts_are_written_as_the_language_writes_them(language: str, cents: int) -> None:
    written = environment(language).filters["euro"](cents)
    assert written == format_currency(Decimal(cents) / 100, "EUR", locale=LANGUAGES[language])


KEY = re.compile(r'data-key="(\w)"|ask\("[^)]*?, "(\w)", _\(')
CONSOLE = ("console/*.html", "contacts/_*.html", "follow_ups/_*.html", "messages/_open.html", "texts/_*.html")
BY_TURNS = frozenset("CIMX")  # they stand in several, of which one is shown


def test_every_key_of_the_console_is_told_and_belongs_to_one_template() -> None:
    told = {key.upper() for key in Key}
    claimed: dict[str, set[str]] = {}
    for path in (path for pattern in CONSOLE for path in TEMPLATES.glob(pattern)):
        for marked, asked in KEY.findall(path.read_text(encoding="utf-8")):
            claimed.setdefault((marked or asked).upper(), set()).add(path.name)
    assert set(claimed) <= told
    assert {key for key, where in claimed.items() if len(where) > 1} <= BY_TURNS
