"""The gate of a file: what was answered is about one person and one ente; who is known is known as he is."""

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.websockets import WebSocketDisconnect

from crm.access.permissions import Principal
from crm.audit.models import AuditEntry
from crm.contacts import preferences
from crm.contacts.disclosure import RelationKind, Term
from crm.contacts.models import PersonKind, Relation, Source
from crm.core import clock
from crm.core.db import Scope
from tests.web.conftest import Play
from web.wiring import Runtime

pytestmark = pytest.mark.integration


def ids(html: str) -> set[str]:
    """Of everything in the gate that keeps what was put into it."""
    gate = html.split('class="gate"', 1)[1].split("</form>", 1)[0]
    kept = re.findall(r"<(?:select|input)[^>]* hx-morph-skip", gate)
    found = [re.search(r' id="([^"]+)"', one) for one in kept]
    assert all(found), kept
    return {one[1] for one in found if one}


def test_nothing_ticked_for_one_person_is_kept_for_the_next(play: Play) -> None:
    call = play.desk.talks()
    mario = ids(play.desk.page("file"))
    play.desk.press("propose", call=call, contact=play.cast.gina)
    gina = ids(play.desk.page("file"))
    assert len(mario) == len(gina) > 4
    assert not mario & gina


def test_what_mario_answered_does_not_open_ginas_file(play: Play) -> None:
    call = play.desk.talks()
    play.desk.press("propose", call=call, contact=play.cast.gina)
    stale = play.desk.press("identify", call=call, contact=play.cast.mario, right=["name", "born"])
    assert stale.status_code == 409
    assert play.open_rows() == set()
    assert play.desk.press("identify", call=call, right=["name", "born"]).status_code == 422  # of nobody
    assert play.desk.identify(call, right=["name"]).status_code == 204


def test_a_relation_written_while_the_questions_are_asked_can_be_chosen(play: Play, runtime: Runtime) -> None:
    play.desk.talks()
    before = play.desk.page("file")
    guardian = play.relate(play.cast.mario, RelationKind.GUARDIAN, "Lia Bianchi")
    after = play.desk.page("file")
    assert f'<option value="{guardian}">Lia Bianchi' in after
    (was,), (now,) = ([one for one in ids(html) if one.startswith("speaker-")] for html in (before, after))
    assert was != now  # else the list of before would stay
    assert {one for one in ids(before) if one != was} == {one for one in ids(after) if one != now}


def test_the_console_follows_whom_it_proposes(play: Play, runtime: Runtime) -> None:
    play.desk.talks()
    with play.desk.client.websocket_connect("/ws/console", headers={"origin": "http://testserver"}) as socket:
        while "BIANCHI" not in socket.receive_text():
            pass
        told = {"kind": "guardian", "name": "Lia Bianchi"}
        play.desk.client.post(f"/contacts/{play.cast.mario}/relations", data=told, headers=play.desk.headers)
        assert any("Lia Bianchi" in socket.receive_text() for _ in range(8))


def test_the_page_that_opens_a_file_follows_who_may_speak(play: Play) -> None:
    client, mario, headers = play.desk.client, play.cast.mario, {"origin": "http://testserver"}
    page = client.get(f"/files/{mario}").text
    assert f'hx-ws:connect="/ws/gate-{mario}"' in page
    with client.websocket_connect(f"/ws/gate-{mario}", headers=headers) as socket:
        while 'id="gate"' not in (said := socket.receive_text()):
            pass
        assert "Lia Bianchi" not in said
        told = {"kind": "guardian", "name": "Lia Bianchi"}
        client.post(f"/contacts/{mario}/relations", data=told, headers=play.desk.headers)
        assert any("Lia Bianchi" in socket.receive_text() for _ in range(8))
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(f"/ws/gate-{play.cast.stranger_in_siena}", headers=headers) as socket,
    ):
        socket.receive_text()


def test_whoever_is_known_by_name_is_taken_as_he_is(play: Play) -> None:
    def yesterday(session: Session, _: Principal) -> date:
        return clock.business_day(clock.now(session)) - timedelta(days=1)

    term = Term(date(2026, 1, 1), play.work(yesterday))
    ended = play.relate(play.cast.mario, RelationKind.GUARDIAN, "Studio Rossi", term)
    call = play.desk.talks()
    refused = play.desk.identify(call, right=["name"], speaker="new", kind="guardian", name=" studio  ROSSI ")
    assert "non è in corso di validità" in refused.json()["fields"]["speaker"]
    assert play.open_rows() == set()
    with play.database.begin(Scope.of_contract(play.cast.contract)) as session:
        (row,) = session.scalars(select(Relation))
        assert (row.id, row.valid_from, row.valid_to, row.source) == (ended, term.starts, term.ends, Source.TAXPAYER)
    assert play.desk.identify(call, right=["name"], speaker="new", kind="guardian", name="Lia").status_code == 204


def test_the_answers_that_suffice_for_one_ente_do_not_open_another_s_rows(play: Play) -> None:
    in_vinci = play.also(play.cast.vinci, "BNCMRA62A01D403X")
    play.needs(play.cast.vinci, 3)
    call = play.desk.talks()
    assert play.desk.identify(call, right=["name"]).status_code == 204
    assert play.open_rows() == {play.cast.mario}
    page = play.desk.page("file")
    assert "Comune di Vinci" not in page.split("Scheda del contatto")[1]
    assert f'href="/files/{in_vinci}"' in page  # it is said that there is more, and where it is asked for
    with play.database.begin(Scope.of_contract(play.cast.contract)) as session:
        kinds = select(AuditEntry.ente_id).where(AuditEntry.kind.startswith("file."))
        assert set(session.scalars(kinds)) == {play.cast.empoli}
    play.desk.press("retract", call=call, contact=play.cast.mario)
    play.desk.press("propose", call=call, contact=play.cast.mario)
    assert play.desk.identify(call, right=["name", "born", "address"]).status_code == 204
    assert play.open_rows() == {play.cast.mario, in_vinci}


def test_a_merge_hides_neither_a_refusal_of_calls_nor_who_may_speak(play: Play) -> None:
    double = play.also(play.cast.empoli, "BNCMRA62A01D403Y")
    play.merge(play.cast.mario, double)
    play.work(lambda s, by: preferences.do_not_call(s, by, contact_id=double, why="Lavora di notte"))
    guardian = play.relate(double, RelationKind.GUARDIAN, "Lia Bianchi")
    call = play.desk.talks()
    assert f'<option value="{guardian}">' in play.desk.page("file")
    assert play.desk.identify(call, right=["name"], speaker=guardian).status_code == 204
    assert "Lavora di notte" in play.desk.page("file")
    assert "Lavora di notte" in play.desk.client.get(f"/contacts/{play.cast.mario}/card").text


def test_a_sole_trader_is_a_person_whichever_row_comes_first(play: Play) -> None:
    business = play.also(play.cast.empoli, "00975370487", PersonKind.LEGAL)
    play.merge(business, play.cast.mario)
    call = play.desk.talks()
    play.desk.press("propose", call=call, contact=business)
    assert "il contribuente stesso" in play.desk.page("file")
    assert 'value="legal_representative"' not in play.desk.page("file")
    play.relate(business, RelationKind.GUARDIAN, "Lia Bianchi")
    assert play.desk.identify(call, right=["name"]).status_code == 204
