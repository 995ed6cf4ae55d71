"""What is handed out is documented: each column of each file, each field of each answer."""

import inspect
import re
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from tests.web.test_sweep import _routes
from web.api.v1.routes import described
from web.app import create_app
from web.reports.schema import MEANINGS, OTHERS, markdown
from web.reports.sheets import Column, Figure, SheetName
from web.wiring import Runtime

DOCS = Path(__file__).parents[2] / "docs"
WORDED = re.compile(r'\b(?:gettext|say)\(\s*"([^"]+)"')
OF_REPORTS = ("/reports/", "/api/v1/", "/levels/")
NO_TITLES = {"attivo", "sospeso", "attivo/sospeso"}  # what cells say


def test_the_document_is_the_codes() -> None:
    assert (DOCS / "data.md").read_text("utf-8") == markdown(described()), "filodiretto data-schema > docs/data.md"
    assert set(MEANINGS) == set(Column)


def test_each_column_figure_and_field_is_in_it() -> None:
    page = (DOCS / "data.md").read_text("utf-8")
    assert not [one.value for one in (*Column, *SheetName, *Figure) if f"`{one.value}`" not in page]
    for name, schema in described()["components"]["schemas"].items():
        assert f"### {name}\n" in page
        part = page.split(f"### {name}\n")[1].split("### ")[0]
        assert not [field for field in schema.get("properties", ()) if f"`{field}`" not in part]


@pytest.mark.integration
def test_each_table_that_is_taken_away_is_in_it_with_its_titles(runtime: Runtime) -> None:
    """A new one, or a new column of one, has to be written down."""
    routes = [one for one in _routes(create_app(runtime)) if isinstance(one, APIRoute) and one.path.endswith(".csv")]
    told = {address: set(titles) for address, _, titles in OTHERS}
    assert len(routes) >= 10
    for route in routes:
        if route.path.startswith(OF_REPORTS):
            continue
        shape = re.sub(r"\{table\}", "[a-z]+", route.path) if "{table}" in route.path else re.escape(route.path)
        mine = [titles for address, titles in told.items() if re.fullmatch(shape, address)]
        assert mine, f"{route.path} is not documented"
        module = inspect.getmodule(route.endpoint)
        source = inspect.getsource(module if "{table}" in route.path else route.endpoint)  # type: ignore[arg-type]
        known = set().union(*mine)
        lacking = {title for title in WORDED.findall(source) if title[0].isupper()} - known - NO_TITLES
        assert not lacking, f"{route.path}: {lacking}"
