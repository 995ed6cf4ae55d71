"""The live board of a campaign, the operator's part in it, and what the carrier tells of its lines."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from crm.access.models import RoleGrant
from crm.core import clock
from crm.core.db import Database, Scope, new_id
from outbound.campaigns import service as lifecycle
from outbound.campaigns.lifecycle import Deed
from outbound.campaigns.models import Attempt
from outbound.campaigns.plan import Mode
from outbound.compliance import windows
from outbound.dialer import queries, service
from outbound.dialer.deciding import Why
from outbound.dialer.models import DialerStay, LineState
from outbound.outcomes.catalogue import OutcomeRules
from telephony.agents import service as agents
from telephony.agents.models import Activity, AgentFact, AgentState
from telephony.calls.models import Call, Phase
from telephony.carriers.twilio.signature import sign
from tests.cast import Cast, principal_of
from tests.outbound.dialing import Dialing, planned
from tests.telephony.fake_carrier import refused
from tests.telephony.stage import Stage
from tests.web.conftest import PUBLIC, TOKEN, csrf_of, let_in

pytestmark = pytest.mark.integration


@pytest.fixture
def dialing(desk: Any, monkeypatch: pytest.MonkeyPatch) -> Dialing:
    """A campaign that runs, whatever the hour."""
    monkeypatch.setattr(windows, "opening", lambda _window, at: at)
    return Dialing(desk.stage, mode=Mode.PREDICTIVE, others=2)


def as_(client: TestClient, username: str) -> dict[str, str]:
    client.cookies.clear()
    let_in(client, username)
    return {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}


def test_the_board_says_how_it_goes_and_why(client: TestClient, dialing: Dialing) -> None:
    """Metric: outbound per hour."""
    cast = dialing.stage.cast
    dialing.seated(cast.anna)
    dialing.turn()
    (line,) = dialing.lines()
    dialing.answers(line)
    as_(client, "sara")
    page = client.get(f"/campaigns/{dialing.campaign}/board")
    assert page.status_code == 200
    for words in ("Quadro dal vivo: Solleciti", "Aspetta", "Con meno di 10 operatori", "obiettivo 50", "La lista"):
        assert words in page.text, words
    now = client.get(f"/campaigns/{dialing.campaign}/board/now")
    assert 'id="dialer"' in now.text
    board = dialing.stage.work(lambda s: queries.board(s, dialing.campaign))
    assert (board.dialed, board.answered, board.met) == (1, 1, 1)
    assert (board.tally.answered, board.tally.abandoned) == (1, 0)
    assert board.tally.bound > 0.03, "of one answer nothing is sure"
    assert board.seats is not None, "the agreement is entered"
    assert board.an_hour is None, "of seconds of work nothing is worked out"
    assert replace(board, staffed_ms=600_000).an_hour == 6
    assert board.occupancy is None, "nor how busy they were"
    assert "si calcola da dieci minuti" in now.text
    dialing.seated(cast.luca)
    dialing.nobody_left()
    assert dialing.stage.work(lambda s: queries.board(s, dialing.campaign)).reason.why is Why.LIST


def test_calls_an_hour_are_of_the_time_that_was_the_campaign_s(dialing: Dialing) -> None:
    """Whoever is with a caller for a third of half an hour worked twenty minutes for it."""
    stage, cast = dialing.stage, dialing.stage.cast
    dialing.seated(cast.anna)
    began = stage.work(clock.now) - timedelta(minutes=60)

    def lived(session: Session) -> None:
        session.execute(update(DialerStay).values(joined_at=began))
        for after, activity in ((0, Activity.READY), (10, Activity.TALKING), (20, Activity.READY)):
            call_id = new_id(session) if activity is Activity.TALKING else None
            at = began + timedelta(minutes=after)
            session.add(AgentFact(agent_id=cast.anna, at=at, activity=activity, call_id=call_id))

    stage.work(lived)
    until = began + timedelta(minutes=30)
    spent = stage.work(lambda s: queries.spent_on(s, dialing.campaign, began, until))
    minute = 60_000
    assert (spent.own_ms, spent.available_ms, spent.busy_ms) == (20 * minute, 20 * minute, 10 * minute)
    assert spent.agents == {cast.anna}
    assert spent.occupancy == Decimal(10) / 30
    assert replace(spent, available_ms=0, busy_ms=10 * minute - 1).occupancy is None


def test_a_supervisor_changes_how_it_is_dialed_and_nobody_else_does(client: TestClient, dialing: Dialing) -> None:
    at = f"/campaigns/{dialing.campaign}/board"
    how = {"mode": "progressive", "least": "4", "inbound_s": "20", "inbound_first": "true"}
    for nobody in ("anna", "vera"):
        headers = as_(client, nobody)
        assert client.post(f"{at}/mode", data=how, headers=headers).status_code == 403
        assert client.post(f"{at}/stop", data={"stopped": "true"}, headers=headers).status_code == 403
        assert client.get(at).status_code == 403
    headers = as_(client, "sara")
    assert client.post(f"{at}/mode", data=how, headers=headers).status_code == 204
    assert client.post(f"{at}/mode", data={**how, "least": "x"}, headers=headers).status_code == 422
    assert client.post(f"{at}/mode", data={**how, "least": "1"}, headers=headers).status_code == 422
    page = client.get(at).text
    assert 'value="4"' in page
    assert client.post(f"{at}/stop", data={"stopped": "true"}, headers=headers).status_code == 204
    assert "Riprendi a chiamare" in client.get(at).text


def test_nobody_of_another_ente_sees_or_joins_it(
    client: TestClient, dialing: Dialing, database: Database, cast: Cast
) -> None:
    with database.begin(Scope.nothing()) as session:
        of_others = RoleGrant.user_id.in_([cast.sara, cast.marta])
        session.execute(update(RoleGrant).where(of_others).values(contract_id=cast.other_contract))
    headers = as_(client, "sara")
    assert client.get(f"/campaigns/{dialing.campaign}/board").status_code == 404
    headers = as_(client, "marta")
    assert client.post(f"/calling/{dialing.campaign}/join", headers=headers).status_code == 404


def test_an_operator_joins_sees_who_rings_and_leaves(client: TestClient, dialing: Dialing) -> None:
    stage, anna = dialing.stage, dialing.stage.cast.anna
    stage.ready(anna)
    headers = as_(client, "anna")
    assert "Partecipa" in client.get("/calling").text
    assert client.post(f"/calling/{dialing.campaign}/join", headers=headers).status_code == 204
    dialing.turn()
    seat = dialing.seat(anna)
    assert "Entra in linea per la campagna" in client.get("/console").text
    stage.answers(seat)
    stage.run()
    dialing.turn()
    page = client.get("/console").text
    assert "In linea per la campagna" in page
    assert "BIANCHI" in page
    assert "Esci dalla campagna" in page
    assert "Vai in pausa" in page, "she may, at once"
    left = client.post("/console/leave-campaign", headers=headers)
    assert (left.status_code, left.headers.get("HX-Refresh")) == (204, None), "she may be speaking: the page stays"
    assert "HX-Refresh" in client.post("/calling/leave", headers=headers).headers
    dialing.turn()
    dialing.turn()
    assert stage.call(seat).phase is Phase.ENDED


def test_whose_line_led_to_a_seat_is_being_joined_and_rings_no_more(client: TestClient, dialing: Dialing) -> None:
    as_(client, "anna")
    dialing.seated(dialing.stage.cast.anna)
    dialing.turn()
    (line,) = dialing.lines()
    dialing.answers(line)
    page = client.get("/console").text
    assert "Ti stiamo collegando" in page
    assert "Il suo telefono squilla" not in page


def test_he_wants_to_be_called_on_thursday(client: TestClient, dialing: Dialing) -> None:
    headers = as_(client, "anna")
    at = f"/calling/{dialing.campaign}/{dialing.stage.cast.mario}/recall"
    dialing.calls_back(dialing.stage.cast.anna)
    day = (dialing.stage.work(clock.now) + timedelta(days=3)).date().isoformat()
    kept = client.post(at, data={"day": day, "hour": "17:00"}, headers=headers)
    assert (kept.status_code, kept.headers.get("HX-Refresh")) == (204, None)
    assert unquote(kept.headers["HX-Notice"]).startswith("Lo richiami tu")
    for wrong in ({"day": "", "hour": ""}, {"day": day, "hour": "presto"}, {"day": "2001-01-01", "hour": "17:00"}):
        assert client.post(at, data=wrong, headers=headers).status_code == 422


def test_who_phones_back_is_said_to_have_been_called(client: TestClient, dialing: Dialing) -> None:
    stage, cast = dialing.stage, dialing.stage.cast
    dialing.seated(cast.anna)
    dialing.turn()
    (line,) = dialing.lines()
    dialing.ends(line, "no-answer")
    me = stage.work(lambda s: principal_of(s, cast.anna))
    stage.work(lambda s: service.leave(s, me))
    dialing.nobody_left()
    dialing.turn()
    dialing.turn()
    call = stage.queues()
    stage.talks(call)
    as_(client, "anna")
    page = client.get("/console").text
    assert "l&#39;ha cercato questa campagna" in page or "l'ha cercato questa campagna" in page
    assert "Solleciti" in page
    stage.work(lambda s: s.execute(update(Call).values(ente_id=cast.vinci, contact_id=None)))
    page = client.get("/console").text
    assert "cercato questa campagna" not in page, "whoever phones Vinci is told nothing of Empoli's campaign"


@pytest.fixture
def carrier(client: TestClient, cast: Cast) -> Callable[..., Any]:
    """The carrier, who signs what it tells."""

    def tells(path: str, **fields: str) -> Any:
        said = {"CallSid": "CA1", "SequenceNumber": "1", "Timestamp": "", **fields}
        url = f"/telephony/{cast.contract}/lines/{path}"
        return client.post(url, data=said, headers={"X-Twilio-Signature": sign(TOKEN, PUBLIC + url, said)})

    return tells


def test_the_carrier_tells_of_a_line_and_nobody_else_does(client: TestClient, dialing: Dialing, carrier: Any) -> None:
    cast = dialing.stage.cast
    (seat,) = dialing.seated(cast.anna)
    dialing.turn()
    (line,) = dialing.lines()
    assert client.post(f"/telephony/{cast.contract}/lines/{line.id}/answered", data={"CallSid": "x"}).status_code == 403
    assert carrier(str(line.id), CallStatus="ringing").status_code == 204
    heard = carrier(f"{line.id}/answered", CallStatus="in-progress").text
    assert f"conf-{dialing.stage.leg(seat)}" in heard
    assert carrier(f"{line.id}/machine", AnsweredBy="human").status_code == 204
    assert carrier(str(line.id), CallStatus="completed", SequenceNumber="3").status_code == 204
    assert dialing.lines()[0].state is LineState.OVER
    assert "<Hangup" in carrier(f"{new_id_of(dialing.stage)}/answered", CallStatus="in-progress").text


def new_id_of(stage: Stage) -> Any:
    return stage.work(new_id)


def test_nobody_pages_through_names_by_asking_for_the_next(client: TestClient, desk: Any, dialing: Dialing) -> None:
    stage = dialing.stage
    planned(stage, dialing.campaign, mode=Mode.PREVIEW)
    stage.ready(stage.cast.anna)
    headers = as_(client, "anna")
    ask = f"/calling/{dialing.campaign}/next"
    first = client.post(ask, headers=headers)
    assert "BIANCHI" in first.text
    assert client.post(ask, headers=headers).status_code == 409
    assert "BIANCHI" in client.get("/calling").text, "loaded anew she has him still"
    let_go = f"/calling/{dialing.campaign}/{stage.cast.mario}/leave"
    assert client.post(let_go, headers=headers).status_code == 422
    assert client.post(let_go, data={"why": "curious"}, headers=headers).status_code == 422
    assert client.post(let_go, data={"why": "known"}, headers=headers).status_code == 200
    assert "BIANCHI" not in client.post(ask, headers=headers).text
    as_(client, "sara")
    assert "lo conosco" in client.get(f"/campaigns/{dialing.campaign}/board").text


def test_who_looks_first_is_rung_once_her_telephone_is_there(client: TestClient, dialing: Dialing) -> None:
    stage, anna = dialing.stage, dialing.stage.cast.anna
    planned(stage, dialing.campaign, mode=Mode.PREVIEW)
    stage.ready(anna)
    me = stage.work(lambda s: principal_of(s, anna))
    headers = as_(client, "anna")
    asked = f"/calling/{dialing.campaign}/{stage.cast.mario}/call"
    assert client.post("/calling/call", headers=headers).status_code == 409, "nobody is before her"
    client.post(f"/calling/{dialing.campaign}/next", headers=headers)
    stage.work(lambda s: agents.forget_device(s, anna))  # her console was closed
    assert client.post(asked, headers=headers).headers["hx-redirect"] == "/console#call"
    console = client.get("/console").text
    assert 'hx-post="/calling/call"' in console
    assert "BIANCHI" in console.upper()
    assert client.post("/calling/call", headers=headers).status_code == 409
    assert stage.presence(anna).state is AgentState.READY
    assert stage.work(lambda s: s.scalars(select(Attempt)).all()) == []
    stage.work(lambda s: agents.set_device(s, me, device="desk", ready=True))
    assert client.post("/calling/call", headers=headers).status_code == 204
    assert stage.presence(anna).state is AgentState.RINGING
    console = client.get("/console").text
    assert "Telefonata da fare" in console
    assert "Ha chiesto di essere richiamato" not in console
    assert "Richiamata" not in console
    assert 'hx-post="/calling/call"' not in console


def test_whom_the_rules_forbid_meanwhile_is_not_called_from_the_console(client: TestClient, dialing: Dialing) -> None:
    stage = dialing.stage
    planned(stage, dialing.campaign, mode=Mode.PREVIEW)
    stage.ready(stage.cast.anna)
    headers = as_(client, "anna")
    client.post(f"/calling/{dialing.campaign}/next", headers=headers)
    me = stage.work(lambda s: principal_of(s, stage.cast.sara))
    stage.work(lambda s: lifecycle.act(s, me, campaign_id=dialing.campaign, deed=Deed.PAUSE, reason=""))
    refused = client.post("/calling/call", headers=headers)
    assert refused.headers["hx-redirect"] == "/calling"
    assert unquote(refused.headers["hx-notice"]).startswith("Non si può chiamare: ")
    assert stage.presence(stage.cast.anna).state is AgentState.READY


def test_what_it_may_cost_who_calls_and_a_carrier_that_refuses_are_on_the_pages(
    client: TestClient, dialing: Dialing
) -> None:
    stage = dialing.stage
    planned(
        stage, dialing.campaign, budget_cents=5, outcomes=OutcomeRules(minute_mills=100), languages=("de",), level=2
    )
    as_(client, "sara")
    board, page = (client.get(f"/campaigns/{dialing.campaign}{more}").text for more in ("/board", ""))
    assert "la spesa massima è raggiunta" in board
    for words in ("non si telefona più", "livello 2 o migliore", "tedesco"):
        assert words in page, words
    planned(stage, dialing.campaign, budget_cents=None)
    as_(client, "anna")
    assert "chiama chi parla le sue lingue" in client.get("/calling").text
    planned(stage, dialing.campaign, languages=(), level=None)
    dialing.seated(stage.cast.anna)
    stage.carrier.ringing.append(refused(code=20003))
    dialing.turn()
    as_(client, "sara")
    assert "Errore 20003" in client.get(f"/campaigns/{dialing.campaign}/board").text
