"""From each figure of the live board to what makes it: agents, their time, an expected wait, calls counted apart."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from crm.access.models import Role, RoleGrant
from crm.core import clock
from crm.core.db import Database, Scope, table_of
from telephony.agents.models import AgentState, AgentTime
from telephony.agents.queries import FEWEST
from telephony.calls.oversight import Hidden
from telephony.ivr import queries as ivr
from tests.cast import EMPOLI_LINE, REGIONAL_LINE, STRANGER, Cast, lock_again, make_ready
from tests.telephony.stage import Stage, build
from tests.web.conftest import csrf_of, let_in
from web.supervision.facts import unseen

pytestmark = pytest.mark.integration
NUMBER = re.compile(r'<strong class="num">(\d+)</strong> qui sotto(?:, <strong class="num">(\d+)</strong> che non)?')


@pytest.fixture
def stage(database: Database, cast: Cast) -> Stage:
    return build(database, cast)


def behind(page: str) -> int:
    """How many agents a page of facts accounts for."""
    found = NUMBER.search(page)
    assert found, page
    return int(found[1]) + int(found[2] or 0)


@pytest.mark.parametrize("locked", [False, True])
def test_each_number_of_agents_leads_to_as_many(client: Any, stage: Stage, *, locked: bool) -> None:
    """One by one where the agreement allows it, in a sum where it does not; never fewer or more than the figure."""
    make_ready(stage.database, stage.cast.anna)
    make_ready(stage.database, stage.cast.luca)
    stage.talks(stage.queues())
    if locked:
        lock_again(stage.database)
    let_in(client, "sara")
    board = client.get("/supervision").text
    states = re.findall(r'href="(/supervision/agents\?state=\w+)"><span[^>]*></span><strong class="num">(\d+)', board)
    assert len(states) >= 2
    for address, count in states:
        page = client.get(address).text
        assert behind(page) == int(count), address
        assert ("Bloccato." in page) is locked
        assert ("Anna" in page.partition("<main")[2]) <= (not locked)
    whole = re.findall(r'href="(/supervision/agents\?contract=[^"]+)">\d+ pront[oi] su (\d+)', board)
    assert whole
    for address, _ in whole:
        assert behind(client.get(address.replace("&amp;", "&")).text) == 3


def test_occupancy_leads_to_the_times_that_it_is_made_of(client: Any, stage: Stage) -> None:
    with stage.database.begin(Scope.nothing()) as session:
        quarter = clock.start_of_day(clock.business_day(clock.now(session)))
        rows = [
            {"agent_id": one, "quarter": quarter, "talking_ms": 400_000, "holding_ms": 50_000, "wrap_up_ms": 50_000,
             "ready_ms": 500_000, "ringing_ms": 0, "paused_ms": 0, "away_ms": 0}
            for one in (stage.cast.anna, stage.cast.luca, stage.cast.marta)
        ]  # fmt: skip
        session.execute(insert(table_of(AgentTime)), rows)
    let_in(client, "sara")
    assert "50%" in client.get("/supervision").text.replace(" ", "").replace("\xa0", "")
    page = client.get("/supervision/agents").text
    for part in ("0:20:00", "0:02:30", "0:25:00", "Occupazione di 3 operatori"):
        assert part in page
    assert "0:16:40" in client.get("/operators").text  # how long each of them was in service
    lock_again(stage.database)
    assert "0:16:40" not in client.get("/operators").text


def test_an_expected_wait_leads_to_the_conversations_that_it_is_made_of(client: Any, stage: Stage) -> None:
    cast = stage.cast
    make_ready(stage.database, cast.anna)
    call = stage.queues(STRANGER, REGIONAL_LINE)
    stage.talks(call)
    stage.caller_leaves(call)
    let_in(client, "sara")
    page = client.get(f"/supervision/expected?contract={cast.contract}&queue={cast.operator}").text
    ((address, count),) = re.findall(
        r'<a class="num[^"]*" id="[^"]+" href="(/supervision/calls\?[^"]+handled[^"]+)">(\d+)', page
    )
    assert count == "1"
    assert '<strong class="num">1</strong>' in client.get(address.replace("&amp;", "&")).text
    assert "negli ultimi sette giorni" in page  # two hours alone say too little


def test_who_called_a_closed_number_stands_apart_and_can_be_listed(client: Any, stage: Stage) -> None:
    cast = stage.cast
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    closing = {"number": EMPOLI_LINE, "reason": "Guasto"}
    assert client.post("/supervision/lines/close", data=closing, headers=headers).status_code == 204
    stage.announced(STRANGER, EMPOLI_LINE, sid="CAshut")
    stage.queues(STRANGER, REGIONAL_LINE, sid="CAother")
    board = client.get("/supervision").text
    ((address, count),) = re.findall(r'href="(/supervision/calls\?[^"]+found_shut[^"]+)">(\d+)', board)
    assert count == "1"
    page = client.get(address.replace("&amp;", "&")).text
    assert '<strong class="num">1</strong>' in page
    assert "il numero era chiuso" in page
    arrived = re.search(r'figure=received&amp;span=today">(\d+)<span[^>]*> in tutto', board)
    assert arrived
    assert arrived[1] == "1"  # the other one
    plan = client.get("/closures/plan").text
    assert "1 chiamata l'ha trovato chiuso" in plan.replace("&#39;", "'")
    assert "Sara" in plan
    client.cookies.clear()
    assert "Un numero è chiuso ora:" in client.get("/closures").text
    assert client.get("/closures.json").json()["closures"][0]["number"] == EMPOLI_LINE
    stage.database.transact(Scope.nothing(), lambda s: s.execute(
        insert(RoleGrant), [{"user_id": cast.luca, "role": Role.ENTE_APPROVER, "ente_id": cast.empoli,
                             "valid_from": clock.now(s)}],
    ))  # fmt: skip
    let_in(client, "luca")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    ((address),) = re.findall(r'hx-post="(/closures/\d+/decide)" hx-vals', client.get("/closures/plan").text)
    assert client.post(address, data={"approve": "true"}, headers=headers).status_code == 204
    assert "Annulla la decisione" in client.get("/closures/plan").text


def test_a_message_for_emergencies_is_written_and_switched_on_at_once_on_the_board(client: Any, stage: Stage) -> None:
    cast = stage.cast
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    fields = {"contract": cast.contract, "it": "Il sito è fermo.", "ente": cast.empoli}
    empty = client.post("/supervision/emergency", data={**fields, "it": ""}, headers=headers)
    assert list(empty.json()["fields"]) == ["it"]
    foreign = client.post("/supervision/emergency", data={**fields, "ente": cast.siena}, headers=headers)
    assert list(foreign.json()["fields"]) == ["ente"]
    assert client.post("/supervision/emergency", data=fields, headers=headers).status_code == 204
    with stage.database.begin(Scope.of_contract(cast.contract)) as session:
        (message,) = ivr.emergencies(session, frozenset({cast.contract}))
    assert (message.ente_id, message.switched_by) == (cast.empoli, cast.sara)
    board = client.get("/supervision").text
    assert "acceso" in board
    assert "Spegni" in board
    elsewhere = client.post("/supervision/emergency", data={**fields, "contract": cast.other_contract}, headers=headers)
    assert elsewhere.status_code == 403
    client.cookies.clear()
    let_in(client, "anna")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    assert client.post("/supervision/emergency", data=fields, headers=headers).status_code == 403


def test_who_does_not_oversee_finds_no_facts(client: Any, stage: Stage) -> None:
    cast = stage.cast
    places = (
        f"/supervision/agents?contract={cast.contract}", f"/supervision/agents?contract={cast.contract}&queue=1",
        f"/supervision/expected?contract={cast.contract}&queue={cast.operator}",
    )  # fmt: skip
    let_in(client, "vera")
    assert {client.get(one).status_code for one in places} == {403}
    with stage.database.begin(Scope.nothing()) as session:
        row = {"user_id": cast.luca, "role": Role.SUPERVISOR, "contract_id": cast.other_contract}
        session.execute(insert(RoleGrant), [{**row, "valid_from": clock.now(session)}])
    client.cookies.clear()
    let_in(client, "luca")
    assert {client.get(one).status_code for one in places} == {404}
    mixed = f"/supervision/expected?contract={cast.other_contract}&queue={cast.operator}"
    assert client.get(mixed).status_code == 404


@given(
    st.dictionaries(st.sampled_from(AgentState), st.integers(0, 9)), st.integers(0, 3),
    st.sampled_from([None, *AgentState]),
)  # fmt: skip
def test_of_so_few_that_are_hidden_no_state_is_told(
    states: dict[AgentState, int], practising: int, state: AgentState | None
) -> None:
    many = sum(states.values())
    told = states if many >= FEWEST else {}
    found = unseen(Hidden(many, told, practising, frozenset()), state)
    assert (found is None) == (state is not None and 0 < many < FEWEST)
    if state is None:
        assert found == many
