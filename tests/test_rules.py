"""The page of rules and metrics names tests that are there, and that say what they guard."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "rules.md"
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
SAYS = re.compile(r"\b(Rule|Metric): ([^.:;]+)")


def rows() -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """Of each row of the two tables: what kind it is, its name, and the tests that guard it."""
    kind = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            kind = "Metric" if line == "## Metrics" else "Rule"
        if line.startswith("|") and not line.startswith(("|---", "| rule |", "| metric |")):
            yield kind, line.split("|")[1].strip(), NAMED.findall(line)


def docstrings(file: Path) -> dict[str, str]:
    """What each test of a file says of itself."""
    functions = (one for one in ast.walk(ast.parse(file.read_text())) if isinstance(one, ast.FunctionDef))
    return {one.name: " ".join((ast.get_docstring(one) or "").split()) for one in functions}


def said_in(docstring: str) -> set[tuple[str, str]]:
    return {(kind, name.strip()) for kind, name in SAYS.findall(docstring)}


def test_each_rule_and_each_metric_is_guarded_by_tests_that_say_so() -> None:
    missing = []
    for kind, name, tests in rows():
        if name == "Erlang":  # it is measured, not tested
            continue
        assert tests, name
        for file, test in tests:
            said = docstrings(TESTS / file).get(test) if (TESTS / file).exists() else None
            if said is None or (kind, name) not in said_in(said):
                missing.append(f"{file}::{test} {'is not there' if said is None else f'does not say {kind}: {name}.'}")
    assert not missing, "\n".join(missing)


def test_what_a_test_says_that_it_guards_is_on_the_page() -> None:
    known = {(kind, name, file, test) for kind, name, tests in rows() for file, test in tests}
    unknown = [
        f"{file.relative_to(TESTS)}::{test} {kind}: {name}"
        for file in sorted(TESTS.rglob("test_*.py"))
        for test, said in docstrings(file).items()
        for kind, name in said_in(said)
        if (kind, name, str(file.relative_to(TESTS)), test) not in known
    ]
    assert not unknown, "\n".join(unknown)
