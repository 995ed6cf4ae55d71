"""How much an agent does from the ring until he is ready again: counted, and told in `docs/console.md`."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Centre, Desk

pytestmark = pytest.mark.journey
SitDown = Callable[..., Desk]
DOCS = Path(__file__).parents[2] / "docs" / "console.md"
ROW = re.compile(r"^\| (\w[^|]*?) \| (\d+) \| (\d+) \|$", re.MULTILINE)
# What the person does, and nothing that follows from it: a key held for another is no keystroke of its own, and a click
# that a key makes has no `detail`.
COUNTER = """
window.effort = {keys: 0, clicks: 0};
if (!window.isCounted) {
const held = new Set(["Alt", "Shift", "Control", "Meta"]);
addEventListener("keydown", (e) => e.isTrusted && !e.repeat && !held.has(e.key) && (window.effort.keys += 1), true);
addEventListener("pointerdown", (e) => e.isTrusted && (window.effort.clicks += 1), true);
}
window.isCounted = true;
"""


@pytest.fixture
def documented() -> dict[str, tuple[int, int]]:
    """Keystrokes and clicks, by what is done."""
    return {what: (int(keys), int(clicks)) for what, keys, clicks in ROW.findall(DOCS.read_text(encoding="utf-8"))}


@pytest.fixture
def anna(sit_down: SitDown) -> Iterator[Page]:
    desk = sit_down("anna").ready()
    yield desk.page
    assert desk.problems == []


def rings(centre: Centre, page: Page, citizen: dict[str, str]) -> None:
    """Mario calls; from here on it is counted."""
    expect(page.locator("#band")).to_have_class(re.compile("is-ready"))
    centre.call(citizen["from"], citizen["line"], {"say_digits": "1"})
    expect(page.locator("#answer")).to_be_visible()
    page.evaluate(COUNTER)


def done(page: Page) -> tuple[int, int]:
    """He is ready again: keystrokes and clicks it took."""
    expect(page.locator("#band")).to_have_class(re.compile("is-ready"))
    counted = page.evaluate("window.effort")
    return counted["keys"], counted["clicks"]


def books(page: Page) -> tuple[int, int]:
    """An appointment, beside what else he does: counted by itself."""
    before = page.evaluate("window.effort")
    page.keyboard.press("Alt+5")
    expect(page.locator(".times-told button").first).to_be_focused()
    page.keyboard.press("2")
    expect(page.get_by_role("button", name="Prenota", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".appointment-made")).to_contain_text("Prenotato")
    after = page.evaluate("window.effort")
    page.evaluate("(before) => { window.effort = before; }", before)
    page.keyboard.press("Alt+z")  # and takes it back, so that the next one finds the same
    expect(page.locator("#propose")).to_contain_text("Appuntamento annullato")
    page.evaluate("(before) => { window.effort = before; }", before)
    return after["keys"] - before["keys"], after["clicks"] - before["clicks"]


def in_line(page: Page) -> None:
    expect(page.locator("#phone")).to_contain_text("Siete in linea")


def over(page: Page) -> None:
    expect(page.locator("#disposition")).to_be_focused()


def test_what_a_call_takes_is_what_the_documentation_says(
    centre: Centre, anna: Page, citizen: dict[str, str], documented: dict[str, tuple[int, int]]
) -> None:
    counted: dict[str, tuple[int, int]] = {}
    keyboard = anna.keyboard

    rings(centre, anna, citizen)
    keyboard.press("Alt+r")
    in_line(anna)
    keyboard.press("Alt+1")
    keyboard.press("p")
    keyboard.press("Alt+c")
    over(anna)
    keyboard.press("i")
    keyboard.press("Alt+s")
    counted["A general question, by keyboard"] = done(anna)

    rings(centre, anna, citizen)
    keyboard.press("Alt+r")
    in_line(anna)
    expect(anna.locator("#file-title")).to_be_focused()
    while not anna.locator('input[name="right"]').first.evaluate("one => one === document.activeElement"):
        keyboard.press("Tab")
    keyboard.press("Space")
    keyboard.press("Tab")
    keyboard.press("Space")
    keyboard.press("Alt+i")
    expect(anna.locator("#file")).to_contain_text("identificato")
    counted["In the call, an appointment from the open file, by keyboard"] = books(anna)
    keyboard.press("Alt+1")
    keyboard.press("r")
    expect(anna.locator(".script summary")).to_have_text("Rate: come se ne parla")
    keyboard.press("Alt+3")
    keyboard.press("1")
    expect(anna.locator("#note")).to_have_value(re.compile("Chiede di pagare a rate"))
    keyboard.press("Alt+c")
    expect(anna.locator("#save-ready")).to_be_visible()  # he stays in the note, which may not be finished
    keyboard.press("Alt+2")
    keyboard.press("i")
    keyboard.press("Alt+s")
    counted["Identified, script, note from a template, by keyboard"] = done(anna)

    rings(centre, anna, citizen)
    anna.locator("#answer").click()
    in_line(anna)
    for answer in anna.locator('input[name="right"]').all()[:2]:
        answer.check()
    anna.locator("#identify").click()
    expect(anna.locator("#file")).to_contain_text("identificato")
    keyboard.press("Alt+1")
    keyboard.press("r")
    expect(anna.locator("#topic")).to_have_value("instalments")
    anna.locator(".templates summary").click()
    anna.locator(".templates button").first.click()
    anna.locator("#hang-up").click()
    over(anna)
    keyboard.press("i")
    anna.locator("#save-ready").click()
    counted["The same by mouse, topic and outcome by their letters"] = done(anna)

    assert counted == documented
