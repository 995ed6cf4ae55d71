"""A day at the centre in an agent's browser and a supervisor's: the board counts it, and so does the test."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from crm.core.clock import in_rome
from tests.journeys.conftest import Centre, Desk, eventually, write_up
from tests.journeys.test_pages import assert_accessible

pytestmark = pytest.mark.journey

SitDown = Callable[..., Desk]
ACTS, PAYMENTS, OPERATOR = "Avvisi e ingiunzioni", "Rate e pagamenti", "Operatore"
KEYS = {ACTS: "1", PAYMENTS: "2", OPERATOR: "0"}
ONE = {"say_digits": "1"}  # a callback, please, to this number
WAITS, TALKS, ANSWERED, ABANDONED, OWED = (
    "in attesa", "in conversazione", "con risposta", "ha rinunciato", "da richiamare"
)  # fmt: skip
NOW = {"waiting": WAITS, "talking": TALKS, "away": OWED}
COLUMNS = {"waiting": 1, "talking": 4, "away": 5, "received": 9, "answered": 10, "abandoned": 11, "lost": 12}
JUST_NOW = timedelta(seconds=5)  # from dialling to being received


@dataclass
class Call:
    """One citizen's call, as the test saw it."""

    sid: str
    queue: str
    placed_at: datetime
    came: str = WAITS


@dataclass
class Day:
    """What the test saw happen since the board showed `before`."""

    centre: Centre
    board: Page
    citizen: dict[str, str]
    before: Counter[tuple[str, str]]
    calls: list[Call] = field(default_factory=list)

    def call(self, queue: str, *script: dict[str, str], came: str = WAITS) -> Call:
        """The citizen calls, and chooses a queue."""
        placed_at = datetime.now(UTC)
        sid = self.centre.call(self.citizen["from"], self.citizen["line"], {"say_digits": KEYS[queue]}, *script)
        self.calls.append(Call(sid, queue, placed_at, came))
        self.is_counted()
        return self.calls[-1]

    def becomes(self, call: Call, came: str) -> None:
        """The call goes on, and the board with it."""
        call.came = came
        self.is_counted()

    def is_counted(self) -> None:
        """The board shows, queue by queue, what there was before and these calls."""
        mine = Counter[tuple[str, str]]()
        for one in self.calls:
            figures = [name for name, came in NOW.items() if one.came == came] + ["received"]
            figures += ["answered"] * (one.came in {TALKS, ANSWERED}) + ["abandoned", "lost"] * (one.came == ABANDONED)
            mine.update((of, figure) for of in (one.queue, "In tutto") for figure in figures)
        expected = +(self.before + mine)
        eventually(lambda: shown(self.board) == expected, f"the board shows {expected}")


def shown(board: Page) -> Counter[tuple[str, str]]:
    """The queues' figures of now and of today; zeros are left out."""
    rows = board.locator(".queues-table tr:has(th[scope=row])").evaluate_all(
        "rows => rows.map(row => [row.querySelector('th').firstChild.textContent.trim(),"
        " ...Array.from(row.querySelectorAll('td'), cell => parseInt(cell.innerText) || 0)])"
    )
    return +Counter({(row[0], figure): row[column] for row in rows for figure, column in COLUMNS.items()})


def answers(day: Day, agent: Page, call: Call) -> None:
    expect(agent.locator("#answer")).to_be_visible()
    agent.keyboard.press("Alt+r")
    expect(agent.locator("#phone")).to_contain_text("Siete in linea")
    day.becomes(call, TALKS)


def takes_leave(day: Day, agent: Page, call: Call, topic: str, disposition: str) -> None:
    agent.keyboard.press("Alt+c")
    write_up(agent, topic, disposition)
    day.becomes(call, ANSWERED)


def test_a_day_is_worked_watched_steered_and_its_figures_are_those_of_its_calls(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    anna, sara = sit_down("anna").ready(), sit_down("sara", "/supervision")
    agent, board = anna.page, sara.page
    board.goto("/alerts/rules")
    board.select_option("[name=kind]", "waiting")
    board.fill("[name=threshold]", "0")
    board.fill("[name=after]", "0")
    board.get_by_role("button", name="Aggiungi la soglia").click()
    rule = board.locator(".rules li", has_text="Persone in attesa")
    expect(rule).to_contain_text("più di 0")
    board.goto("/supervision")
    day = Day(centre, board, citizen, shown(board))

    # the agent has a break, somebody waits, the board alerts, and he gives up
    agent.get_by_role("button", name="Vai in pausa").click()
    expect(agent.locator("#band")).to_have_class(re.compile("is-paused"))
    impatient = day.call(OPERATOR)
    alert = board.locator(".alert-row").first
    alert.get_by_label("Nota").fill("Anna torna subito")
    alert.get_by_role("button", name=re.compile("Prendo nota")).click()
    expect(alert).to_contain_text("ne ha preso nota Sara Conti: «Anna torna subito»")
    centre.hang_up(impatient.sid)
    day.becomes(impatient, ABANDONED)

    # two are answered, one of them with a whisper
    anna.ready()
    first = day.call(OPERATOR)
    answers(day, agent, first)
    takes_leave(day, agent, first, "payment", "answered")
    second = day.call(ACTS)
    answers(day, agent, second)
    agent.keyboard.press("Alt+u")
    talk = board.locator(".conversation[id^=talk-]", has_text="Anna")
    expect(talk).to_contain_text("Chiede aiuto da")
    talk.get_by_role("button", name=re.compile("Suggerisci")).click()
    expect(agent.locator("#phone")).to_contain_text("ti suggerisce: la senti solo tu")
    talk.get_by_role("button", name=re.compile("Esci")).click()
    takes_leave(day, agent, second, "instalments", "request")

    # everybody is told something, and the agent is moved
    board.goto("/broadcasts")
    board.locator("textarea").first.fill("Alle 11 torna il sito dei pagamenti.")
    board.get_by_role("button", name="Invia", exact=True).click()
    told, sent = agent.locator("#broadcasts"), board.locator("#sent article").first
    expect(told).to_contain_text("Alle 11 torna il sito dei pagamenti.")
    expect(sent).to_contain_text("visto, non confermato: Anna")
    assert_accessible(agent)
    assert_accessible(board)
    told.get_by_role("button", name=re.compile("Ho letto")).press("Enter")
    expect(told).to_be_hidden()
    expect(agent.locator("#phone-title")).to_be_focused()
    expect(sent).to_contain_text("Letto da 1")
    board.goto("/supervision")
    board.locator(".operators tr", has_text="Anna").first.get_by_role("link", name=re.compile("Sposta")).click()
    assert_accessible(board)
    board.select_option("#reason", "meeting")
    board.get_by_role("button", name="Metti in pausa").click()
    expect(agent.locator("#released")).to_contain_text("ti ha messo in pausa")
    expect(board.locator("main")).to_contain_text("In pausa")
    board.goto("/supervision")

    patient = day.call(PAYMENTS, ONE, ONE, came=OWED)  # he does not wait: he is called back once she is there again
    anna.ready()
    answers(day, agent, patient)
    takes_leave(day, agent, patient, "payment", "answered")
    third = day.call(PAYMENTS)
    answers(day, agent, third)
    takes_leave(day, agent, third, "litigation", "answered")
    anna.shot("day-agent")
    sara.shot("day-board")

    # from each figure to its calls, and no others
    for figure, of in (("received", day.calls), ("answered", [one for one in day.calls if one.came == ANSWERED]),
                       ("abandoned", [impatient])):  # fmt: skip
        link = board.locator(f'tfoot a[href*="figure={figure}&span=today"]')
        total = shown(board)["In tutto", figure]
        link.click()
        expect(board.locator("main strong.num").first).to_have_text(str(total))
        rows = board.locator("tbody tr")
        expect(rows).to_have_count(total)
        cells = [row.locator("td").all_inner_texts() for row in rows.all()[total - len(of) :]]
        assert [(row[2], row[6]) for row in cells] == [(one.queue, one.came) for one in of]
        for row, one in zip(cells, of, strict=True):
            placed = in_rome(one.placed_at)
            came = datetime.combine(placed.date(), datetime.strptime(row[0], "%H:%M:%S").time(), placed.tzinfo)
            assert placed - timedelta(seconds=1) <= came <= placed + JUST_NOW
        if figure == "received":
            assert_accessible(board)
        board.goto("/supervision")

    board.goto("/alerts/rules")
    rule.get_by_role("button", name=re.compile("Togli")).click()
    expect(rule).to_be_hidden()
    board.wait_for_load_state()
    board.goto("/supervision")
    expect(board.locator(".alert-row")).to_have_count(0)
