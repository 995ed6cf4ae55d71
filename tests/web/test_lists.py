"""The pages of follow-ups and of possible duplicates: what they show, what their buttons do, and who may not."""

import re
from datetime import date
from html import unescape
from typing import Any
from urllib.parse import unquote

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from crm.core.db import Database, Scope
from crm.duplicates import service as duplicates
from crm.follow_ups import queries
from crm.follow_ups.models import FollowUp
from crm.messages import outbox
from crm.messages import service as messages
from crm.messages.models import Message, MessageChannel, MessageState, Reason
from crm.messages.service import Order
from tests import cast as people
from tests.cast import Cast
from tests.crm.duplicates.test_search import Town, contact
from tests.web.conftest import Desk, csrf_of, let_in

pytestmark = pytest.mark.integration
TOMORROW = {"kind": "call_back", "day": "tomorrow", "to": "me"}


def as_(client: TestClient, username: str, path: str) -> None:
    """Sign somebody in, at a page."""
    client.cookies.clear()
    let_in(client, username)
    client.headers.update({"X-CSRF-Token": csrf_of(client), "HX-Request": "true"})


@pytest.fixture
def anna(client: TestClient, cast: Cast) -> TestClient:
    as_(client, "anna", "/follow-ups")
    return client


def make(client: TestClient, cast: Cast, **fields: Any) -> Any:
    return client.post("/follow-ups", data={**TOMORROW, "contact": cast.mario, **fields})


def made(database: Database, cast: Cast) -> list[FollowUp]:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        return list(session.scalars(select(FollowUp).order_by(FollowUp.id)))


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def test_a_follow_up_is_made_done_and_taken_back(anna: TestClient, database: Database, cast: Cast) -> None:
    assert "Non hai attività da fare" in anna.get("/follow-ups").text
    form = anna.get(f"/follow-ups/new?contact={cast.mario}").text
    assert "Nuova attività per MARIO BIANCHI" in form
    assert "Luca</option>" in form
    assert "Vera</option>" not in form
    told = make(anna, cast, note="Dopo le <b>15</b>")
    assert "Attività annotata" in told.text
    (one,) = made(database, cast)
    page = anna.get("/follow-ups").text
    assert "domani entro le 23:59" in words(page)
    assert "Dopo le &lt;b&gt;15" in page
    told = anna.post(f"/follow-ups/{one.id}/done")
    changed_at = unescape(told.text.split('name="changed_at" value="')[1].split('"')[0])
    assert "Non hai attività da fare" in anna.get("/follow-ups").text
    assert "Tutto come prima" in anna.post(f"/follow-ups/{one.id}/undo", data={"changed_at": changed_at}).text
    assert anna.post(f"/follow-ups/{one.id}/undo", data={"changed_at": changed_at}).status_code == 409
    assert "domani" in words(anna.get("/follow-ups").text)


def test_it_is_postponed_and_handed_over_by_forms_of_its_row(anna: TestClient, database: Database, cast: Cast) -> None:
    make(anna, cast)
    (one,) = made(database, cast)
    assert 'name="chosen"' in anna.get(f"/follow-ups/{one.id}/postpone").text
    later = {"day": "chosen", "chosen": "2027-03-01", "hour": "10:30"}
    assert "1 mar 2027, 10:30" in anna.post(f"/follow-ups/{one.id}/postpone", data=later).text
    assert "Luca</option>" in anna.get(f"/follow-ups/{one.id}/assign").text
    assert "Luca" in anna.post(f"/follow-ups/{one.id}/assign", data={"to": f"user:{cast.luca}"}).text
    assert "Non hai attività da fare" in anna.get("/follow-ups").text
    assert "MARIO BIANCHI" in anna.get(f"/follow-ups/lists/{one.list_id}").text


@pytest.mark.parametrize(("fields", "wrong"), [
    ({"day": "chosen"}, "chosen"), ({"day": "chosen", "chosen": "2020-01-01"}, "chosen"),
    ({"day": "chosen", "chosen": "2020-01-01", "hour": "10:00"}, "hour"), ({"to": "user:x"}, "to"),
    ({"to": "user:99999999"}, "to"), ({"to": "list:99999999"}, "to"), ({"note": "x" * 1001}, "note"),
])  # fmt: skip
def test_what_is_wrong_is_said_at_its_field(
    anna: TestClient, database: Database, cast: Cast, fields: dict[str, str], wrong: str
) -> None:
    refused = make(anna, cast, **fields)
    assert refused.status_code == 422
    assert set(refused.json()["fields"]) == {wrong}
    assert made(database, cast) == []


@pytest.mark.parametrize("fields", [{"kind": "theft"}, {"day": "never"}, {"chosen": "31/12"}, {"contact": "x"}])
def test_what_no_form_of_ours_sends_is_refused(anna: TestClient, cast: Cast, fields: dict[str, str]) -> None:
    assert make(anna, cast, **fields).status_code == 422


def test_what_the_choice_means_is_said_before_it_is_sent(anna: TestClient, cast: Cast) -> None:
    asked = {"contact": cast.mario, "day": "chosen", "chosen": "2027-03-01", "hour": "10:30"}
    assert "Entro: 1 mar 2027, 10:30" in words(anna.post("/follow-ups/when", data=asked).text)
    assert not words(anna.post("/follow-ups/when", data=asked | {"chosen": ""}).text)


def test_another_entes_contact_and_a_forged_id_do_not_exist(anna: TestClient, cast: Cast) -> None:
    theirs = cast.stranger_in_siena
    assert make(anna, cast, contact=theirs).status_code == 404
    for path in (f"/follow-ups/new?contact={theirs}", "/follow-ups/lists/99", "/follow-ups/99/postpone"):
        assert anna.get(path).status_code == 404
    assert anna.post("/follow-ups/99/done").status_code == 404


def test_only_who_sees_to_it_sees_everybodys_and_keeps_lists(anna: TestClient, database: Database, cast: Cast) -> None:
    make(anna, cast)
    assert anna.get("/follow-ups/all").status_code == 403
    assert anna.post("/follow-ups/lists", data={"contract": cast.contract, "name": "x"}).status_code == 403
    as_(anna, "sara", "/follow-ups/all")
    assert "MARIO BIANCHI" in anna.get("/follow-ups/all").text
    opened = anna.post("/follow-ups/lists", data={"contract": cast.contract, "name": "Richiamate"})
    assert opened.headers["hx-redirect"].startswith("/follow-ups/lists/")
    assert anna.post("/follow-ups/lists", data={"contract": cast.other_contract, "name": "x"}).status_code == 403
    anna.cookies.clear()
    let_in(anna, "vera")
    assert anna.get("/follow-ups").status_code == 403


def test_a_message_that_reached_nobody_is_shown_to_who_sees_to_it(
    anna: TestClient, database: Database, cast: Cast
) -> None:  # fmt: skip
    with database.begin(Scope.of_contract(cast.contract)) as session:
        link = {"link": "https://cc.example.it/info/1"}
        order = Order(cast.empoli, "how_to_pay", link, channel=MessageChannel.SMS, address="+393489999999")
        made = messages.owe(session, None, order, cause="x")
        outbox.end(session, session.get_one(Message, made), MessageState.FAILED, Reason.NOT_DELIVERED)
    assert "348 999 9999" not in anna.get("/follow-ups").text
    as_(anna, "sara", "/follow-ups")
    shown = words(anna.get("/follow-ups/all").text)
    assert "Messaggi non arrivati 1" in shown
    assert "SMS +39 348 999 9999" in shown
    assert "partito, ma non recapitato" in shown


def test_in_a_call_a_follow_up_is_taken_beside_the_note(desk: Desk, database: Database) -> None:
    call, cast = desk.talks(), desk.stage.cast
    assert "Annota un" in desk.page("talk")
    form = desk.client.get(f"/follow-ups/form?contact={cast.mario}&call={call}").text
    assert f'name="call" value="{call}"' in form
    told = desk.client.post("/follow-ups", data={**TOMORROW, "contact": cast.mario, "call": call}, headers=desk.headers)
    assert told.status_code == 200
    (one,) = made(database, cast)
    assert one.call_id == call
    assert "Richiamare · domani entro le 23:59 · Anna" in words(desk.page("talk"))
    assert "niente per oggi" in desk.page("queues")
    with database.begin(Scope.of_contract(cast.contract)) as session:
        assert [each.id for each in queries.of_call(session, call)] == [one.id]


def test_a_call_that_is_not_ones_own_is_not_written_down(anna: TestClient, database: Database, cast: Cast) -> None:
    make(anna, cast, call="00000000-0000-0000-0000-000000000001")
    assert made(database, cast)[0].call_id is None


# -- duplicates --------------------------------------------------------------------------------------------------------


@pytest.fixture
def sara(client: TestClient, database: Database, cast: Cast) -> TestClient:
    """Her browser, when Mario has a double that the search found."""
    with database.begin(Scope.of_contract(cast.contract)) as session:
        double = contact(session, cast.empoli, "BNCMRA62A01D40PK", "BIANCHI MARIO", born_on=date(1962, 1, 1))
        principal = people.principal_of(session, cast.sara)
    Town(database, cast, principal, double, 0, 0, 0).search()
    as_(client, "sara", "/duplicates")
    return client


def pair_of(client: TestClient) -> str:
    return client.get("/duplicates").text.split('href="/duplicates/')[1].split('"')[0]


def test_two_are_compared_merged_and_separated_again(sara: TestClient, database: Database, cast: Cast) -> None:
    assert "90 % MARIO BIANCHI BNCMRA62A01D403X · MARIO BIANCHI BNCMRA62A01D40PK" in words(sara.get("/duplicates").text)
    pair = pair_of(sara)
    side_by_side = sara.get(f"/duplicates/{pair}").text
    assert re.search(r'class="differs"><th scope="row">Codice fiscale', side_by_side)
    keep = re.search(r'name="keep" value="(\d+)" checked', side_by_side)
    assert keep is not None
    assert int(keep[1]) == cast.mario
    refused = sara.post(f"/duplicates/{pair}/merge", data={"keep": keep[1], "reason": " "})
    assert set(refused.json()["fields"]) == {"reason"}
    merged = sara.post(f"/duplicates/{pair}/merge", data={"keep": keep[1], "reason": "Stessa persona"})
    assert merged.headers["hx-redirect"] == "/duplicates"
    assert unquote(merged.headers["hx-notice"]).startswith("Uniti in un contatto solo.")
    page = sara.get("/duplicates").text
    assert "Niente da guardare" in page
    (merge,) = re.findall(r"/duplicates/merges/(\d+)/undo", page)
    assert sara.post(f"/duplicates/merges/{merge}/undo").status_code == 204
    assert pair_of(sara) == pair


def test_two_who_are_two_are_kept_apart_and_looked_at_again(sara: TestClient) -> None:
    pair = pair_of(sara)
    assert sara.post(f"/duplicates/{pair}/dismiss").status_code == 204
    page = sara.get("/duplicates").text
    assert "Niente da guardare" in page
    assert f"/duplicates/{pair}/propose-again" in page
    sara.post(f"/duplicates/{pair}/propose-again")
    assert pair_of(sara) == pair


def test_nobody_else_can_be_merged_into_a_pair(sara: TestClient, cast: Cast, database: Database) -> None:
    pair = pair_of(sara)
    for stranger in (cast.gina, cast.stranger_in_siena, 10**9):
        assert sara.post(f"/duplicates/{pair}/merge", data={"keep": stranger, "reason": "x"}).status_code in {404, 422}
    with database.begin(Scope.of_contract(cast.contract)) as session:
        third = contact(session, cast.empoli, "VRDGNN70A01D403Z", "VERDI GIANNI")
    assert sara.post(f"/duplicates/{pair}/merge", data={"keep": third, "reason": "x"}).status_code == 422
    assert pair_of(sara) == pair


def test_who_may_not_look_at_duplicates(sara: TestClient, cast: Cast) -> None:
    pair = pair_of(sara)
    assert sara.get("/duplicates/99999").status_code == 404
    assert sara.post(f"/duplicates/search/{cast.siena}").status_code == 403
    as_(sara, "anna", "/follow-ups")
    for path in ("/duplicates", f"/duplicates/{pair}"):
        assert sara.get(path).status_code == 403
    assert sara.post(f"/duplicates/{pair}/dismiss").status_code == 403


def test_a_search_that_is_under_way_is_shown_with_its_step(sara: TestClient, cast: Cast, database: Database) -> None:
    assert sara.post(f"/duplicates/search/{cast.empoli}").status_code == 204
    assert "passo 1 di 4" in words(sara.get("/duplicates").text)
    with database.begin(Scope.of_contract(cast.contract)) as session:
        assert not duplicates.ask(session, None, ente_id=cast.empoli)
