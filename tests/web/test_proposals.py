"""Proposals and closures over HTTP: who gets in, what stands at which field, what another ente never sees."""

import json
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, update
from starlette.testclient import TestClient

from crm.access.models import Role, RoleGrant
from crm.audit import service as audit
from crm.audit.models import AuditEntry
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.errors import ForbiddenError
from crm.enti.models import Closure
from crm.files import service as files
from crm.files.models import Purpose
from crm.follow_ups import service as follow_ups
from crm.follow_ups.models import FollowUpKind
from crm.follow_ups.service import To
from crm.positions.models import Position
from crm.proposals import exports
from crm.proposals.acknowledgements import NOT_READ, Answer
from crm.proposals.models import Proposal
from crm.timeline import queries as timeline
from telephony.calls import queries as calls
from tests.cast import Cast, principal_of
from tests.web.conftest import csrf_of, let_in
from web.wiring import Runtime

pytestmark = pytest.mark.integration


def becomes(database: Database, user_id: int, role: Role, **where: int) -> None:
    """Somebody's role from now on."""
    with database.begin(Scope.nothing()) as session:
        session.execute(update(RoleGrant).where(RoleGrant.user_id == user_id).values(valid_to=clock.now(session)))
        session.execute(
            insert(RoleGrant).values(
                user_id=user_id, role=role, valid_from=clock.now(session) - timedelta(seconds=1), **where
            )
        )


class Browser:
    """Somebody's browser, with the token of his pages."""

    def __init__(self, client: TestClient, username: str, path: str) -> None:
        client.cookies.clear()
        let_in(client, username)
        self.client = client
        self.headers = {"X-CSRF-Token": csrf_of(client), "hx-request": "true"}

    def post(self, path: str, **fields: object) -> tuple[int, str]:
        answer = self.client.post(path, data=fields, headers=self.headers)
        return answer.status_code, answer.text

    def get(self, path: str) -> str:
        return str(self.client.get(path, headers={"accept": "text/html"}).text)


def opened(database: Database, cast: Cast) -> None:
    """Anna has Mario's file open."""
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        anna = principal_of(session, cast.anna)
        files.open_file(session, anna, contact_id=cast.mario, purpose=Purpose.QUALITY, reason="")


def proposed(database: Database, cast: Cast) -> Proposal:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        return session.scalars(select(Proposal)).one()


def test_anna_proposes_ada_approves_and_the_feed_goes_and_comes_back(
    client: TestClient, cast: Cast, database: Database
) -> None:
    anna = Browser(client, "anna", "/proposals")
    at = f"/proposals/form/correction/{cast.mario}"
    assert client.get(at).status_code == 403  # before the file is open, nothing of it is shown
    opened(database, cast)
    assert "Proponi una correzione" in anna.get(at)
    status, text = anna.post(f"/proposals/make/correction/{cast.mario}", what="phone", value="12", note="<b>ciao</b>")
    assert (status, list(json.loads(text)["fields"])) == (422, ["value"])
    anna.headers |= {"X-Draft": f"correction/{cast.mario}", "X-Draft-Showing": str(uuid4())}
    assert anna.post("/drafts", what="phone", value="0571 7001")[0] == 204
    assert 'value="0571 7001"' in anna.get(at)
    status, text = anna.post(
        f"/proposals/make/correction/{cast.mario}", what="phone", value="0571 700123", note="<b>ciao</b>"
    )
    assert status == 200
    assert "Annulla l'invio" in text.replace("&#39;", "'")
    assert 'value="0571 7001"' not in anna.get(at)  # it is sent
    one = proposed(database, cast)
    assert "&lt;b&gt;ciao" in anna.get("/proposals")

    becomes(database, cast.vera, Role.ENTE_APPROVER, ente_id=cast.empoli)
    ada = Browser(client, "vera", "/proposals")
    page = ada.get("/proposals")
    assert ("BNCMRA62A01D403X" in page, "in aggiunta a" in page, "non c'è<" in page) == (True, True, False)
    assert "BIANCHI" in ada.get(f"/proposals/{one.id}/file")
    status, text = ada.post("/proposals/decide", proposal=str(one.id), approve="false")
    assert (status, list(json.loads(text)["fields"])) == (422, ["reason"])
    assert ada.post("/proposals/decide", proposal=str(one.id), approve="true")[0] == 204
    assert "Annulla la decisione" in ada.get("/proposals")
    assert ada.post(f"/proposals/{one.id}/undo")[0] == 204
    assert ada.post(f"/proposals/{one.id}/undo")[0] == 409
    assert ada.post("/proposals/decide", proposal=str(one.id), approve="true")[0] == 204
    assert ada.post("/proposals/export", ente=cast.empoli)[0] == 403

    becomes(database, cast.sara, Role.ADMINISTRATOR, contract_id=cast.contract)
    admin = Browser(client, "sara", "/proposals")
    assert admin.post("/proposals/export", ente=cast.empoli)[0] == 204
    assert admin.post("/proposals/export", ente=cast.empoli)[0] == 422
    feed = re.findall(r"/proposals/exports/(\d+)", admin.get("/proposals"))[0]
    content = client.get(f"/proposals/exports/{feed}")
    assert content.headers["content-disposition"] == 'attachment; filename="proposte-D403-0001.jsonl"'
    assert json.loads(content.text.splitlines()[1])["id"] == str(one.id)
    answers = (
        '{"record":"acknowledgements","version":1,"ente":"D403"}\n'
        f'{{"record":"acknowledgement","id":"{one.id}","outcome":"accepted","at":"2026-01-01T00:00:00Z"}}\n'
        '{"record":"end","acknowledgements":1}\n'
    )
    sent = client.post(
        "/proposals/acknowledgements", data={"ente": cast.empoli}, files={"file": answers.encode()},
        headers=admin.headers,
    )  # fmt: skip
    assert "Accettate: 1." in sent.text
    assert "Riscontri non presi" not in admin.get("/proposals")
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        refused = [Answer(2, one.id, refusal=NOT_READ), Answer(3, refusal=NOT_READ)]
        exports.keep_refused(session, ente_id=cast.empoli, refused=refused)
    text = admin.get("/proposals")
    assert ("Riscontri non presi" in text, f"<code>{one.id}</code>" in text) == (True, True)


def test_changing_the_subject_keeps_what_is_typed_and_shows_its_fields(
    client: TestClient, cast: Cast, database: Database
) -> None:
    opened(database, cast)
    anna = Browser(client, "anna", "/proposals")
    status, text = anna.post(f"/proposals/form/correction/{cast.mario}", what="residence", note="Ha traslocato")
    assert status == 200
    assert 'name="street"' in text
    assert "Ha traslocato" in text


def test_a_problem_names_its_act(client: TestClient, cast: Cast, database: Database) -> None:
    anna = Browser(client, "anna", "/proposals")
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        position = session.scalars(select(Position.id)).one()
    at = f"/proposals/make/notification_problem/{cast.mario}"
    for fields, wrong in (({}, "problem"), ({"problem": "moved"}, "position"), ({"problem": "x"}, "problem")):
        status, text = anna.post(at, **fields)
        assert (status, list(json.loads(text)["fields"])) == (422, [wrong])
    status, text = anna.post(at, problem="moved", position=position, since="ieri")
    assert (status, list(json.loads(text)["fields"])) == (422, ["since"])
    for nobodys in ("9" * 5_000, "9" * 30, "²"):
        status, text = anna.post(at, problem="moved", position=nobodys)
        assert (status, list(json.loads(text)["fields"])) == (422, ["position"])
    status, text = anna.post(at, problem="moved", position=position)
    assert (status, "2024/118" in text) == (200, True)
    one = proposed(database, cast)
    becomes(database, cast.vera, Role.ENTE_APPROVER, ente_id=cast.empoli)
    known = Browser(client, "vera", "/proposals").get(f"/proposals/{one.id}/file")
    assert "n. 2024/118 emess" in known
    assert "348" not in known  # how to reach him does not say how the act was served


def test_a_reason_is_a_refusals_and_the_newest_decision_comes_first(
    client: TestClient, cast: Cast, database: Database
) -> None:
    opened(database, cast)
    anna = Browser(client, "anna", "/proposals")
    for number in ("0571 700123", "0571 700124"):
        anna.post(f"/proposals/make/correction/{cast.mario}", what="phone", value=number)
    with database.begin(Scope.of_contract(cast.contract)) as session:
        older, newer = session.scalars(select(Proposal.id).order_by(Proposal.made_at, Proposal.value_key))
    becomes(database, cast.vera, Role.ENTE_APPROVER, ente_id=cast.empoli)
    vera = Browser(client, "vera", "/proposals")
    vera.post("/proposals/decide", proposal=str(newer), approve="false", reason="È di un altro")
    vera.post("/proposals/decide", proposal=str(older), approve="true", reason="È di un altro")
    page = vera.get("/proposals")
    assert page.index(f'id="decided-{older}"') < page.index(f'id="decided-{newer}"')
    assert page.count("È di un altro") == 1
    with database.begin(Scope.of_contract(cast.contract)) as session:
        reasons = session.execute(
            select(AuditEntry.kind, AuditEntry.reason).where(AuditEntry.kind.like("proposal.%ed"))
        ).all()
    assert ("proposal.approved", "") in reasons


@pytest.mark.parametrize(
    "path",
    ["/proposals/form/correction/{siena}", "/proposals/form/notification_problem/{siena}", "/proposals/form/x/1"],
)
def test_anothers_taxpayer_does_not_exist(client: TestClient, cast: Cast, path: str) -> None:
    anna = Browser(client, "anna", "/proposals")
    answer = client.get(path.format(siena=cast.stranger_in_siena), headers=anna.headers)
    assert answer.status_code in {404, 422}
    assert "ROSSI" not in answer.text


def test_whoever_watches_reads_and_decides_nothing(client: TestClient, cast: Cast, database: Database) -> None:
    anna = Browser(client, "anna", "/proposals")
    anna.post(f"/proposals/make/correction/{cast.mario}", what="phone", value="0571 700123")
    one = proposed(database, cast)
    vera = Browser(client, "vera", "/proposals")
    page = vera.get("/proposals")
    assert "BNCMRA62A01D403X" in page
    assert 'type="checkbox"' not in page
    assert vera.post("/proposals/decide", proposal=str(one.id), approve="true")[0] == 403
    becomes(database, cast.vera, Role.CONTRACT_SUPERVISOR, contract_id=cast.contract)
    regional = Browser(client, "vera", "/ente")
    assert 'href="/proposals"' not in regional.get("/ente")
    assert client.get("/proposals").status_code == 403
    becomes(database, cast.vera, Role.ENTE_APPROVER, ente_id=cast.siena)
    senese = Browser(client, "vera", "/proposals")
    assert "BNCMRA62A01D403X" not in senese.get("/proposals")
    assert senese.post("/proposals/decide", proposal=str(one.id), approve="true")[0] == 404
    assert senese.client.get(f"/proposals/{one.id}/file").status_code == 404


def ask(sara: Browser, cast: Cast, **changed: object) -> tuple[int, str]:
    fields: dict[str, object] = {
        "contract": cast.contract, "ente": [cast.empoli, cast.vinci], "starts_on": "2027-01-04", "starts": "08:00",
        "ends_on": "2027-01-04", "ends": "18:00", "reason": "Lavori", "message": "chiusi per lavori",
    }  # fmt: skip
    return sara.post("/closures/propose", **(fields | changed))


def test_sara_asks_the_ente_approves_and_everybody_reads_it(client: TestClient, cast: Cast, database: Database) -> None:
    sara = Browser(client, "sara", "/closures/plan")
    for changed, wrong in (({"starts_on": ""}, "starts"), ({"ends_on": "2026-13-01"}, "ends"), ({"ente": []}, "ente")):
        status, text = ask(sara, cast, **changed)
        assert (status, list(json.loads(text)["fields"])) == (422, [wrong])
    assert ask(sara, cast)[0] == 204
    assert "Da approvare" in sara.get("/closures/plan")
    assert "Chiusure non approvate" in sara.get("/closures/plan")
    becomes(database, cast.vera, Role.ENTE_APPROVER, ente_id=cast.empoli)
    with database.begin(Scope.of_contract(cast.contract)) as session:
        rows = {row.ente_id: row.id for row in session.scalars(select(Closure))}
    ada = Browser(client, "vera", "/closures/plan")
    assert "Comune di Vinci" not in ada.get("/closures/plan")
    assert ada.post(f"/closures/{rows[cast.vinci]}/decide", approve="true")[0] == 404
    assert ada.post(f"/closures/{rows[cast.empoli]}/decide", approve="true")[0] == 204

    assert ada.post(f"/closures/{rows[cast.empoli]}/undo")[0] == 204
    assert client.get("/closures.json").json()["closures"] == []
    assert ada.post(f"/closures/{rows[cast.empoli]}/undo")[0] == 409
    assert ada.post(f"/closures/{rows[cast.empoli]}/decide", approve="true")[0] == 204
    assert "Annulla la decisione" in ada.get("/closures/plan")

    client.cookies.clear()
    page = client.get("/closures", headers={"accept": "text/html"}).text
    assert "Comune di Empoli" in page
    assert "Comune di Vinci" not in page
    (one,) = client.get("/closures.json").json()["closures"]
    assert (one["ente"], one["starts_at"], one["message"]) == (
        "D403",
        "2027-01-04T07:00:00+00:00",
        "Chiusi per lavori.",
    )
    assert "DTSTART:20270104T070000Z" in client.get("/closures.ics").text
    assert client.get("/closures.json?ente=m059").json()["closures"] == []
    assert client.get("/closures.json?ente=Z999").status_code == 404
    assert client.get("/closures/plan", headers={"accept": "text/html"}).status_code == 303
    sara = Browser(client, "sara", "/me")
    client.post("/language", data={"language": "en", "back": "/closures"}, headers=sara.headers)
    assert '<html lang="en">' in sara.get("/closures")


def test_the_entes_window_is_its_own(client: TestClient, cast: Cast, database: Database, runtime: Runtime) -> None:
    vera = Browser(client, "vera", "/ente")
    page = vera.get("/ente")
    assert "Comune di Empoli" in page
    assert "Registro degli accessi" not in page
    assert re.search(r"<strong>Anna</strong>\s*<span[^>]*>operatore<", page)
    assert re.search(r"<strong>Vera</strong>\s*<span[^>]*>ente, in sola lettura<", page)
    assert page.count("<strong>Vera</strong>") == 1
    assert client.get(f"/ente?ente={cast.vinci}").status_code == 404
    assert client.get(f"/ente?ente={cast.siena}").status_code == 404
    becomes(database, cast.vera, Role.ENTE_APPROVER, ente_id=cast.empoli)
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        anna, due = principal_of(session, cast.anna), clock.now(session) + timedelta(days=1)
        follow_ups.make(session, anna, contact_id=cast.mario, kind=FollowUpKind.CALL_BACK, due_at=due, to=To(cast.anna))
        audit.note(session, anna, kind="line.led", ente_id=cast.empoli, subject="+390571000001")
    window = Browser(client, "vera", "/ente").get("/ente")
    assert "Registro degli accessi" in window
    assert "Attività · Da fare · Richiamare" in window
    assert "Ha scritto un&#39;attività" in window
    assert "Ha cambiato il percorso vocale" not in window  # which concerns no taxpayer
    becomes(database, cast.vera, Role.CONTRACT_SUPERVISOR, contract_id=cast.contract)
    with database.begin(Scope.of_enti([cast.empoli])) as session:  # whatever the page does
        begun = clock.now(session) - timedelta(days=1)
        vera_now = principal_of(session, cast.vera)
        assert all(one.contact_id is None for one in calls.under_way(session, vera_now, ente_id=cast.empoli))
        with pytest.raises(ForbiddenError):
            timeline.of_ente(session, vera_now, ente_id=cast.empoli, since=begun, limit=9)
        with pytest.raises(ForbiddenError):
            calls.under_way(session, anna, ente_id=cast.empoli)
    board = Browser(client, "vera", "/ente")
    assert "Comune di Vinci" in board.get("/ente")
    one = board.get(f"/ente?ente={cast.vinci}")
    assert "Chi ha accesso oggi" in one
    own = board.get(f"/ente?ente={cast.empoli}")
    assert "Attività · Da fare · Richiamare" in own  # how it stands, with nobody's name
    assert "BIANCHI" not in own
    assert f"/files/{cast.mario}" not in own
    assert client.get(f"/ente?ente={cast.siena}").status_code == 404
    assert Browser(client, "anna", "/proposals").client.get("/ente").status_code == 403


def test_a_look_through_the_windows_socket_is_noted_and_one_with_its_page(
    client: TestClient, cast: Cast, database: Database
) -> None:
    vera = Browser(client, "vera", "/ente")  # who has seen the page
    with client.websocket_connect("/ws/ente", headers={"origin": "http://testserver"}) as socket:
        assert 'id="window"' in socket.receive_text()
    assert looks(database, cast, cast.vera) == 1
    Browser(vera.client, "sara", "/me")
    with client.websocket_connect(f"/ws/ente-{cast.empoli}", headers={"origin": "http://testserver"}) as socket:
        assert 'id="window"' in socket.receive_text()
    assert looks(database, cast, cast.sara) == 1


def looks(database: Database, cast: Cast, user_id: int) -> int:
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        mine = AuditEntry.kind == "ente.window_opened", AuditEntry.actor_id == user_id
        return len(session.scalars(select(AuditEntry.id).where(*mine)).all())


def test_the_live_socket_of_anothers_window_is_closed(client: TestClient, cast: Cast) -> None:
    Browser(client, "vera", "/ente")
    headers = {"origin": "http://testserver"}
    with client.websocket_connect(f"/ws/ente-{cast.empoli}", headers=headers) as socket:
        assert 'id="window"' in socket.receive_text()
    for name in (f"ente-{cast.siena}", "ente-x", "ente-" + "9" * 30):
        with pytest.raises(Exception), client.websocket_connect(f"/ws/{name}", headers=headers) as socket:  # noqa: B017
            socket.receive_text()
