"""The edge under attack: sessions, CSRF, headers, sockets, webhooks, other people's enti."""

import logging
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, func, insert, select, update
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from crm.access import service as access
from crm.access.models import Role, RoleGrant, User, UserSession
from crm.access.permissions import PERMISSIONS, Permission
from crm.core import clock
from crm.core.clock import in_rome
from crm.core.db import Database, Scope
from crm.core.settings import Settings
from crm.enti.models import Closure
from telephony.agents.models import AgentState
from telephony.calls.models import Call, CallEvent
from telephony.carriers.twilio.signature import sign
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, Cast, presence_of
from tests.databases import DatabaseUrls, PostgresServer
from tests.web.conftest import PASSWORD, PUBLIC, TOKEN, Desk, csrf_on, sign_in
from web.app import create_app
from web.wiring import build

pytestmark = pytest.mark.integration


def test_a_page_sends_whoever_is_not_signed_in_to_the_form_and_back(client: TestClient) -> None:
    answer = client.get("/wallboard")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?back=/wallboard")


def test_the_wrong_password_and_the_unknown_user_are_told_the_same(client: TestClient) -> None:
    wrong, unknown = sign_in(client, "anna", "sbagliata"), sign_in(client, "nessuno")
    assert wrong.status_code == unknown.status_code == 401
    assert "Nome utente o password non corretti" in wrong.text
    assert "Nome utente o password non corretti" in unknown.text


@pytest.mark.parametrize("username", ["anna", "nessuno"])
def test_after_five_wrong_passwords_no_process_checks_another_for_a_while(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch, username: str
) -> None:
    """A name that nobody has is answered the same, so that trying tells nothing about who works here."""
    for _ in range(5):
        assert sign_in(client, username, "sbagliata").status_code == 401
    monkeypatch.setattr(access, "matches", pytest.fail)  # whoever tries must not make us compute
    with TestClient(create_app(build(settings)), base_url=PUBLIC, follow_redirects=False) as another_process:
        for browser in (client, another_process):
            refused = sign_in(browser, username, PASSWORD)
            assert refused.status_code == 429
            (until,) = re.findall(r"Riprova dopo le (\d\d:\d\d:\d\d)\.", refused.text)
            retry_after = parsedate_to_datetime(refused.headers["retry-after"])
            assert in_rome(retry_after).strftime("%H:%M:%S") == until
            assert timedelta() < retry_after - datetime.now(UTC) <= timedelta(seconds=30)


def test_a_right_password_after_a_few_wrong_ones_lets_in_and_wipes_the_slate(client: TestClient) -> None:
    for _ in range(3):
        for _ in range(4):
            assert sign_in(client, "anna", "sbagliata").status_code == 401
        assert sign_in(client, "anna").status_code == 303


@pytest.mark.parametrize("change", [{"password_hash": "another"}, {"active": False}])
def test_a_sign_in_whose_password_was_changed_while_it_was_checked_opens_nothing(
    client: TestClient, database: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    check = access.check

    def slowly(known: tuple[int, str | None] | None, password: str) -> int:
        user_id = check(known, password)
        with database.begin(Scope.nothing()) as session:
            session.execute(update(User).where(User.id == user_id).values(change))
        return user_id

    monkeypatch.setattr(access, "check", slowly)
    assert sign_in(client, "anna").status_code == 401
    with database.begin(Scope.nothing()) as session:
        assert session.scalars(select(UserSession.id)).all() == []


def test_a_sign_in_leads_only_to_pages_of_ours(client: TestClient) -> None:
    for evil in ("//evil.example", "https://evil.example", "/\\evil.example"):
        client.cookies.clear()
        page = client.get("/sign-in", params={"back": evil})
        csrf = page.text.split('name="csrf" value="')[1].split('"')[0]
        answer = client.post("/sign-in", data={"username": "sara", "password": PASSWORD, "csrf": csrf, "back": evil})
        assert answer.headers["location"] == "/"


def test_only_a_hash_of_the_session_is_kept_and_it_ends_with_signing_out(
    client: TestClient, database: Database
) -> None:
    sign_in(client, "sara")
    token = client.cookies["filodiretto_session"]
    with database.begin(Scope.nothing()) as session:
        kept = session.execute(select(UserSession.token_hash)).scalars().all()
    assert token not in kept
    client.post("/sign-out", headers={"X-CSRF-Token": csrf_on(client, "/wallboard")})
    client.cookies.set("filodiretto_session", token)
    assert client.get("/wallboard").status_code == 303


def test_a_form_without_its_pages_token_changes_nothing(client: TestClient, database: Database, cast: Cast) -> None:
    sign_in(client, "sara")
    for headers in ({}, {"X-CSRF-Token": "x" * 43}):
        assert client.post("/wallboard/close", headers=headers).status_code == 403
    with database.begin(Scope.of_contract(cast.contract)) as session:
        assert session.execute(select(func.count()).select_from(Closure)).scalar_one() == 0


@pytest.mark.parametrize(
    ("username", "method", "path"),
    [
        ("anna", "post", "/wallboard/close"),
        ("vera", "post", "/wallboard/close"),
        ("vera", "post", "/console/state"),
        ("vera", "post", "/console/device"),
        ("vera", "post", "/console/propose"),
        ("vera", "post", "/console/identify"),
        ("vera", "post", "/console/hang-up"),
        ("vera", "post", "/console/draft"),
        ("vera", "post", "/console/wrap-up"),
        ("vera", "post", "/console/search"),
        ("anna", "get", "/people"),
        ("sara", "get", "/people"),
        ("vera", "get", "/staff"),
        ("anna", "get", "/staff"),
        ("sara", "post", "/imports"),
        ("anna", "post", "/imports"),
        ("sara", "get", "/imports"),
        ("vera", "get", "/console/device"),
    ],
)
def test_a_role_does_no_more_than_its_permissions(client: TestClient, username: str, method: str, path: str) -> None:
    sign_in(client, username)
    headers = {"X-CSRF-Token": csrf_on(client, "/wallboard")}
    fields = {
        "state": "ready", "ready": "true", "call": str(uuid4()), "contact": "1", "next": "ready", "ente": "1",
        "contract": "1",
    }  # fmt: skip
    sent = {"data": fields, "files": {"feed": b"{}"}} if path == "/imports" else {"data": fields}
    answer = client.request(method, path, headers=headers, **(sent if method == "post" else {}))
    assert answer.status_code == 403, answer.text


def test_a_form_that_is_too_large_says_so(client: TestClient) -> None:
    answer = client.post("/sign-in", data={"username": "x" * 70_000, "password": "x"})
    assert (answer.status_code, "troppo grande" in answer.text) == (413, True)


def test_every_answer_carries_the_strict_policy(client: TestClient) -> None:
    for path in ("/sign-in", "/health/live", "/nothing-here"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_pages_have_no_inline_script_or_style(client: TestClient) -> None:
    sign_in(client, "sara")
    for path in ("/wallboard", "/console"):
        html = client.get(path).text
        assert "<script>" not in html
        assert " style=" not in html
        assert " onclick=" not in html


def test_the_viewer_of_empoli_sees_nothing_of_vinci(client: TestClient) -> None:
    """Rule: one query layer."""
    sign_in(client, "vera")
    html = client.get("/wallboard").text
    assert "Empoli" in html
    assert "Vinci" not in html
    assert "Siena" not in html


def test_an_agents_search_stays_within_the_contract(client: TestClient) -> None:
    sign_in(client, "anna")
    headers = {"X-CSRF-Token": csrf_on(client, "/console")}

    def found(text: str) -> str:
        return client.post("/console/search", data={"q": text}, headers=headers).text

    assert "BIANCHI" in found("bianchi")
    assert "NERI" in found("gina neri")
    assert "ROSSI" not in found("rossi luigi")


def test_a_search_is_bounded_by_where_files_may_be_read_not_by_where_calls_are_answered(
    client: TestClient, database: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anna helps out in Siena in a role that answers and reads no files."""
    monkeypatch.setitem(PERMISSIONS, Role.ENTE_VIEWER, frozenset({Permission.CALLS_ANSWER}))
    with database.begin(Scope.nothing()) as session:
        session.execute(
            insert(RoleGrant).values(
                user_id=cast.anna, role=Role.ENTE_VIEWER, ente_id=cast.siena, valid_from=clock.now(session)
            )
        )
    sign_in(client, "anna")
    headers = {"X-CSRF-Token": csrf_on(client, "/console")}
    assert "BIANCHI" in client.post("/console/search", data={"q": "bianchi"}, headers=headers).text
    assert "ROSSI" not in client.post("/console/search", data={"q": "rossi luigi"}, headers=headers).text


@pytest.mark.parametrize(
    ("username", "home"), [("anna", "/console"), ("sara", "/wallboard"), ("vera", "/ente"), (None, "/sign-in")]
)
def test_the_front_door_leads_to_one_s_own_page(client: TestClient, username: str | None, home: str) -> None:
    if username:
        sign_in(client, username)
    assert client.get("/").headers["location"] == home


@pytest.mark.parametrize(
    ("roles", "home"),
    [
        ([Role.DESK_CLERK], "/files"),
        ([Role.FIELD_AGENT], "/door"),
        ([Role.CAMPAIGN_MANAGER], "/files"),
        ([Role.ENTE_VIEWER], "/ente"),
        ([Role.ENTE_APPROVER], "/ente"),
        ([Role.CONTRACT_SUPERVISOR], "/ente"),
        ([Role.ADMINISTRATOR], "/wallboard"),
        ([Role.DESK_CLERK, Role.AGENT], "/console"),
        ([Role.CAMPAIGN_MANAGER, Role.SUPERVISOR], "/wallboard"),
        ([], "/me"),
    ],
)
def test_each_role_begins_where_it_works(
    client: TestClient, database: Database, cast: Cast, roles: list[Role], home: str
) -> None:
    with database.begin(Scope.nothing()) as session:
        session.execute(delete(RoleGrant).where(RoleGrant.user_id == cast.luca))
        for role in roles:
            session.execute(
                insert(RoleGrant).values(
                    user_id=cast.luca, role=role, contract_id=cast.contract, valid_from=clock.now(session)
                )
            )
    sign_in(client, "luca")
    assert client.get("/").headers["location"] == home
    assert client.get(home).status_code == 200


def test_in_a_call_the_search_stays_with_the_contract_of_the_call(desk: Desk, database: Database, cast: Cast) -> None:
    """Anna is a clerk in Siena as well: whoever calls her about Empoli is not looked for there."""
    with database.begin(Scope.nothing()) as session:
        session.execute(
            insert(RoleGrant).values(
                user_id=cast.anna, role=Role.DESK_CLERK, ente_id=cast.siena, valid_from=clock.now(session)
            )
        )
    desk.sit_down()
    assert "ROSSI" in desk.press("search", q="rossi luigi").text
    desk.talks()
    assert "ROSSI" not in desk.press("search", q="rossi luigi").text
    assert "NERI" in desk.press("search", q="gina neri").text


def test_who_reads_files_and_answers_no_calls_does_not_search_in_the_console(
    client: TestClient, database: Database, cast: Cast
) -> None:
    for role in (Role.DESK_CLERK, Role.FIELD_AGENT, Role.CAMPAIGN_MANAGER, Role.ENTE_APPROVER, Role.ADMINISTRATOR):
        with database.begin(Scope.nothing()) as session:
            session.execute(update(RoleGrant).where(RoleGrant.user_id == cast.luca).values(role=role))
        client.cookies.clear()
        sign_in(client, "luca")
        headers = {"X-CSRF-Token": csrf_on(client, "/me")}
        answer = client.post("/console/search", data={"q": "bianchi"}, headers=headers)
        assert (answer.status_code, "BIANCHI" in answer.text) == (403, False), role


def test_a_forged_contact_or_call_is_answered_like_one_that_does_not_exist(client: TestClient, cast: Cast) -> None:
    sign_in(client, "anna")
    headers = {"X-CSRF-Token": csrf_on(client, "/console")}
    call = str(uuid4())
    for contact in (cast.stranger_in_siena, 999_999):
        answer = client.post("/console/propose", data={"call": call, "contact": contact}, headers=headers)
        assert answer.status_code == 409
        answer = client.post("/console/identify", data={"call": call, "contact": contact}, headers=headers)
        assert answer.status_code == 409


def test_nobody_asks_for_a_state_that_only_the_system_gives(client: TestClient, database: Database, cast: Cast) -> None:
    sign_in(client, "anna")
    headers = {"X-CSRF-Token": csrf_on(client, "/console")}
    for wished in ("talking", "nonsense", ""):
        answer = client.post("/console/state", data={"state": wished}, headers=headers)
        assert 400 <= answer.status_code < 500, wished
    assert presence_of(database, cast.anna).state is AgentState.OFFLINE


def test_a_socket_is_refused_to_a_page_of_another_site_and_to_whoever_is_not_signed_in(client: TestClient) -> None:
    for headers in ({"origin": "https://evil.example"}, {"origin": PUBLIC}):
        with client.websocket_connect("/ws/wallboard", headers=headers) as socket, pytest.raises(WebSocketDisconnect):
            socket.receive_text()
    sign_in(client, "vera")
    with (
        client.websocket_connect("/ws/console", headers={"origin": PUBLIC}) as socket,
        pytest.raises(WebSocketDisconnect) as refused,
    ):
        socket.receive_text()
    assert refused.value.code == 4403


def test_a_console_that_connects_again_answers_for_what_its_agent_may_by_now(
    client: TestClient, database: Database, cast: Cast
) -> None:
    sign_in(client, "anna")
    for may in (cast.contract, cast.other_contract):
        with database.begin(Scope.nothing()) as session:
            session.execute(update(RoleGrant).where(RoleGrant.user_id == cast.anna).values(contract_id=may))
        with client.websocket_connect("/ws/console", headers={"origin": PUBLIC}) as socket:
            while "hx-target" not in socket.receive_text():
                pass
            assert presence_of(database, cast.anna).answers_for == [may]


def test_a_live_page_gets_everything_when_it_joins(client: TestClient) -> None:
    sign_in(client, "sara")
    with client.websocket_connect("/ws/wallboard", headers={"origin": PUBLIC}) as socket:
        awaited = {'hx-target="#board"', 'hx-target="#reading-alerts"', '{"now":'}
        while awaited:
            frame = socket.receive_text()
            awaited = {part for part in awaited if part not in frame}


def test_a_webhook_without_a_genuine_signature_does_nothing(client: TestClient, database: Database, cast: Cast) -> None:
    fields = _arrival("CA" + "1" * 32)
    for signature in ("", sign("another token", f"{PUBLIC}/telephony/voice", fields)):
        assert (
            client.post("/telephony/voice", data=fields, headers={"X-Twilio-Signature": signature}).status_code == 403
        )
    with database.begin(Scope.of_contract(cast.contract)) as session:
        assert session.execute(select(func.count()).select_from(Call)).scalar_one() == 0


def test_a_signed_call_is_greeted_and_said_twice_is_one_call(
    client: TestClient, database: Database, cast: Cast
) -> None:
    fields = _arrival("CA" + "2" * 32)
    replies = [_signed(client, "/telephony/voice", fields) for _ in range(3)]
    assert {reply.status_code for reply in replies} == {200}
    assert "Comune di Empoli" in replies[0].text
    assert "<Gather" in replies[0].text
    assert all("<Gather" in reply.text for reply in replies)
    with database.begin(Scope.of_contract(cast.contract)) as session:
        call = session.execute(select(Call)).scalar_one()
        assert (call.ente_id, call.contact_id) == (cast.empoli, cast.mario)
        assert session.execute(select(func.count()).select_from(CallEvent)).scalar_one() == 1


def test_a_number_that_is_not_ours_is_told_so(client: TestClient) -> None:
    reply = _signed(client, "/telephony/voice", _arrival("CA" + "3" * 32) | {"To": "+390000000000"})
    assert "non è attivo" in reply.text


def test_the_logs_hold_neither_numbers_nor_names(
    client: TestClient, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        _signed(client, "/telephony/voice", _arrival("CA" + "4" * 32))
        sign_in(client, "anna")
        token = {"X-CSRF-Token": csrf_on(client, "/console")}
        client.post("/console/search", data={"q": "bianchi"}, headers=token)
        for _ in range(6):
            answer = sign_in(client, "rossi.luigi")
        assert answer.status_code == 429
    out = capsys.readouterr()
    everything = caplog.text + out.out + out.err
    for secret in (MARIO_MOBILE, "BIANCHI", "bianchi", "rossi.luigi", PASSWORD, TOKEN):
        assert secret not in everything


def test_health_and_metrics(client: TestClient) -> None:
    assert client.get("/health/live").json() == {"status": "ok"}
    assert client.get("/health/ready").json() == {"status": "ok"}


def test_a_restart_of_postgresql_costs_no_page_and_no_webhook(
    client: TestClient, postgres: PostgresServer, database_urls: DatabaseUrls
) -> None:
    sign_in(client, "sara")
    ended = _arrival("CA" + "5" * 32) | {"CallStatus": "completed"}  # looked up by the role that routes
    for _ in range(2):
        assert _signed(client, "/telephony/status", ended).status_code == 204
        assert client.get("/wallboard").status_code == 200
        assert postgres.cut_off(database_urls.name) > 0


def _arrival(sid: str) -> dict[str, str]:
    blank = dict.fromkeys(("FromCity", "FromState", "ToCity", "CallerName"), "")
    return {"CallSid": sid, "From": MARIO_MOBILE, "To": EMPOLI_LINE, "CallStatus": "ringing", **blank}


def _signed(client: TestClient, path: str, fields: dict[str, str]) -> Any:
    signature = sign(TOKEN, PUBLIC + path, fields)
    return client.post(path, data=fields, headers={"X-Twilio-Signature": signature})
