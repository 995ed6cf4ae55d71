"""What every template keeps to."""

import re

import pytest

from web.edge.templating import HERE

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
