"""The supervisor's live board: its figures, the calls behind each, and who may look."""

import re
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from crm.access.models import Role, RoleGrant
from crm.core import clock
from crm.core.configuration import changed
from crm.core.db import Database, Scope
from crm.levels import queries as levels
from crm.levels.administration import put
from crm.levels.agreement import Period, Promise
from crm.levels.metering import Measured
from crm.levels.metrics import ANSWERED_WITHIN, LOST
from crm.levels.models import ContractTerms
from crm.levels.terms import USUAL, Formula
from crm.levels.tracing import Figure, Listed, behind
from telephony.ivr import queries as ivr
from telephony.ivr.models import EmergencyMessage
from telephony.lines.models import LineKind, PhoneLine
from telephony.walls.models import WallLook, WallPage
from telephony.walls.queries import Room
from tests.cast import REGIONAL_LINE, STRANGER, Cast, make_ready, promise
from tests.telephony.stage import Stage, build
from tests.web.conftest import csrf_of, let_in, runtime_of
from web.supervision.now import read
from web.supervision.outcomes import Came, came
from web.supervision.spans import Live, Span, bounds
from web.walls import view

pytestmark = pytest.mark.integration

LINK = re.compile(r'<a class="num[^"]*" id="[^"]+" href="(/supervision/calls\?[^"]+)">(\d+)')


@pytest.fixture
def stage(database: Database, cast: Cast) -> Stage:
    return build(database, cast)


def a_morning(stage: Stage) -> None:
    """One is answered and speaks still, one has given up, one waits, one has only heard the menu."""
    make_ready(stage.database, stage.cast.anna)
    stage.talks(stage.queues(sid="CA1"))
    gave_up = stage.queues("+393480000011", sid="CA2")
    stage.caller_leaves(gave_up, after=30)
    stage.queues(STRANGER, REGIONAL_LINE, sid="CA3")
    stage.arrives("+393480000012", sid="CA4")


def test_every_figure_leads_to_as_many_calls_as_it_says(client: Any, stage: Stage) -> None:
    """And to nothing of who called."""
    a_morning(stage)
    let_in(client, "sara")
    page = client.get("/supervision").text
    links = LINK.findall(page)
    assert {"waiting", "talking", "received", "answered", "abandoned", "lost"} <= {
        re.findall(r"figure=(\w+)", one)[0] for one, _ in links
    }
    table = page[page.index('<section id="queues"') : page.index('<section id="lines"')].partition("</table>")[0]
    cells = re.findall(r'<td class="r[^"]*">(.*?)</td>', table, re.DOTALL)
    assert cells
    assert [one for one in cells if "<a " not in one and "—" not in one] == []
    for address, count in links:
        behind_it = client.get(address.replace("&amp;", "&")).text
        assert f'<strong class="num">{count}</strong>' in behind_it, address
        assert behind_it.count("<tr>") == (int(count) + 1 if int(count) else 0), address
        assert "+39348" not in behind_it
        assert "BIANCHI" not in behind_it


def test_the_calls_behind_a_figure_are_a_file_too(client: Any, stage: Stage) -> None:
    a_morning(stage)
    let_in(client, "sara")
    file = client.get(f"/supervision/calls.csv?contract={stage.cast.contract}&figure=abandoned&span=today")
    assert file.headers["content-type"].startswith("text/csv")
    head, *lines = file.text.strip().splitlines()
    assert head.lstrip("\ufeff").startswith("Arrivo;Ente;Coda")
    (line,) = lines
    assert line.endswith("ha rinunciato")
    assert ";30.00;" in line or ";30,00;" in line


def test_a_long_list_is_shown_a_page_at_a_time(client: Any, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.supervision.calls.A_PAGE", 3)
    a_morning(stage)
    let_in(client, "sara")
    address = f"/supervision/calls?contract={stage.cast.contract}&figure=received&span=period"
    first = client.get(address).text
    (further,) = re.findall(r'rel="next" href="([^"]+)"', first)
    last = client.get(further.replace("&amp;", "&")).text
    assert (first.count("<tr>"), last.count("<tr>")) == (4, 2)
    assert "Pagina 2 di 2" in last
    assert 'rel="prev"' in last
    assert 'rel="next"' not in last
    assert "Nessuna chiamata." in client.get(f"{address}&page=99").text
    assert client.get(f"{address}&page=0").status_code == 422


def test_who_does_not_supervise_the_contract_sees_no_call_of_it(client: Any, stage: Stage, database: Database) -> None:
    a_morning(stage)
    cast = stage.cast
    address = f"/supervision/calls?contract={cast.contract}&figure=received&span=today"
    for username in ("anna", "vera"):
        client.cookies.clear()
        let_in(client, username)
        assert client.get(address).status_code == 403
    with database.begin(Scope.nothing()) as session:
        row = {"user_id": cast.luca, "role": Role.SUPERVISOR, "contract_id": cast.other_contract}
        session.execute(insert(RoleGrant), [{**row, "valid_from": clock.now(session)}])
    client.cookies.clear()
    let_in(client, "luca")
    assert client.get(address).status_code == 404
    other = f"/supervision/calls?contract={cast.other_contract}&figure=received&queue={cast.operator}"
    assert client.get(other).status_code == 404


def test_the_board_says_levels_now_in_this_hour_today_and_in_the_period(stage: Stage) -> None:
    a_morning(stage)
    cast = stage.cast
    scope = Scope.of_enti([cast.empoli, cast.vinci], [cast.contract])
    with stage.database.begin(scope) as session:
        (one,) = read(session, scope, frozenset()).contracts
        lost = next(row for row in one.rows if row.figure is Figure.LOST)
        for verdict in (lost.of.now, lost.of.hour, lost.of.today, lost.of.period):
            assert (verdict.part, verdict.whole) == (1, 4)
        assert lost.of.spendable == 0
        assert one.total.today.received == sum(queue.today.received for queue in one.queues) == 4
        at = clock.now(session)
        since, until = bounds(Span.TODAY, at, one.live.agreement.period)  # type: ignore[union-attr]
        assert since <= at < until
        assert len(list(behind(session, Listed(cast.contract, Figure.RECEIVED, since, until)))) == 4


@pytest.mark.parametrize(("formula", "credited"), [(Formula.A, 0), (Formula.D, 1)])
def test_each_share_of_a_level_leads_to_the_calls_that_it_is_made_of(
    client: Any, stage: Stage, formula: Formula, credited: int
) -> None:
    """By formula D whoever gave up within T is counted as answered, and so he is in the list."""
    cast = stage.cast
    with stage.database.begin(Scope.of_contract(cast.contract)) as session:
        promise(session, cast.contract, ANSWERED_WITHIN, 1, op=">=")
        session.add(
            ContractTerms(contract_id=cast.contract, **asdict(replace(USUAL, formula=formula, within_ms=60_000)))
        )
    a_morning(stage)
    scope = Scope.of_enti([cast.empoli, cast.vinci], [cast.contract])
    with stage.database.begin(scope) as session:
        (one,) = read(session, scope, frozenset()).contracts
    let_in(client, "sara")
    board = client.get("/supervision").text.replace("&amp;", "&")
    shown = [row for row in one.rows if row.figure]
    assert {row.figure for row in shown} == {Figure.WAITED_OVER, Figure.LOST, Figure.IN_TIME}
    for row in shown:
        verdicts = {"now": row.of.now, "hour": row.of.hour, "today": row.of.today, "period": row.of.period}
        for span, verdict in verdicts.items():
            address = f"/supervision/calls?contract={cast.contract}&figure={row.figure}&span={span}"
            assert f'href="{address}"' in board
            page = client.get(address).text
            assert f'<strong class="num">{verdict.part}</strong>' in page, address
            if row.figure is Figure.IN_TIME and span in {"today", "period"}:
                assert page.count("ha rinunciato") == credited


def test_a_level_with_a_period_of_its_own_says_so_on_the_board_and_on_a_wall(client: Any, stage: Stage) -> None:
    """The portal's uptime is of a year, among levels of a month."""
    cast = stage.cast
    with stage.database.begin(Scope.of_contract(cast.contract)) as session:
        before = levels.agreement(session, cast.contract)
        assert before is not None
        of_a_year = Promise(cast.contract, LOST, "<", Decimal("0.5"), period=Period.YEAR)
        put(session, replace(before, levels=(*before.levels[:1], of_a_year)))
    a_morning(stage)
    let_in(client, "sara")
    table = client.get("/supervision").text.partition('<section id="levels"')[2].partition("</section>")[0]
    assert table.count("Questo mese") == 1
    assert table.count("quest'anno") == 1
    with stage.database.begin(Scope.of_contract(cast.contract)) as session:
        room = Room(1, cast.contract, "", frozenset(), frozenset(), (WallPage.LEVELS,), 20, "it", WallLook.DARK, None,
                    clock.now(session))  # fmt: skip
    wall = view.render(runtime_of(client), room).regions["wall"]
    assert (wall.count("questo mese"), wall.count("quest'anno")) == (1, 1)


def test_a_supervisor_switches_a_message_for_emergencies_from_the_board(client: Any, stage: Stage) -> None:
    cast = stage.cast
    with stage.database.begin(Scope.of_contract(cast.contract)) as session:
        message = EmergencyMessage(contract_id=cast.contract, ente_id=None, text={"it": "Guasto in corso."}, ends=False)
        session.add(message)
        session.flush()
        address = f"/supervision/emergency/{message.id}"
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    assert "Guasto in corso." in client.get("/supervision").text
    assert client.post(address, data={"on": "true"}, headers=headers).status_code == 204
    with stage.database.begin(Scope.of_contract(cast.contract)) as session:
        assert ivr.emergencies(session, frozenset({cast.contract}))[0].switched_on_at is not None
    assert client.post(address, headers=headers).status_code == 204
    client.cookies.clear()
    let_in(client, "anna")
    assert client.post(address, data={"on": "true"}, headers={"X-CSRF-Token": csrf_of(client)}).status_code == 403


def test_a_number_is_closed_and_reopened_from_the_board(client: Any, stage: Stage) -> None:
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    closing = {"number": REGIONAL_LINE, "reason": "Guasto"}
    with stage.database.begin(Scope.nothing()) as session:
        session.add(PhoneLine(
            number="+390577000999", label="Altro", kind=LineKind.GEOGRAPHIC, contract_id=stage.cast.contract,
            ente_id=None, queue_id=None, flow_id=None, told_at=None, closed_at=None, trouble=None,
        ))  # fmt: skip
        changed(session)
    assert client.post("/supervision/lines/close", data=closing, headers=headers).status_code == 204
    assert "Guasto." in client.get("/supervision").text
    assert client.post("/supervision/lines/reopen", data=closing, headers=headers).status_code == 204
    assert "Guasto." not in client.get("/supervision").text
    client.cookies.clear()
    let_in(client, "anna")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    assert client.post("/supervision/lines/close", data=closing, headers=headers).status_code in {403, 404}


@given(st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_every_call_has_come_to_something(
    entered: bool, served: bool, ended: bool, turned_away: bool, called_back: bool
) -> None:
    call = Measured(
        received=True, entered=entered, served=served, ended=ended, waited_ms=None, turned_away=turned_away,
        called_back=called_back,
    )  # fmt: skip
    over = {Came.ANSWERED, Came.ABANDONED, Came.NOT_REACHED, Came.LEFT_MENU}
    assert (came(call) in over) <= ended
    assert served == (came(call) in {Came.ANSWERED, Came.TALKS})


def test_live_figures_have_names_of_their_own() -> None:
    assert not set(Live) & set(Figure)
