"""The pages of people and access: steps of signing in, users, one's own page, the register of the staff."""

import re
from collections.abc import Iterator

import pyotp
import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from crm.access import service as access
from crm.access import users
from crm.access.authority import Subject
from crm.access.models import Role, RoleGrant, SecondFactor, User, UserSession
from crm.access.users import Person
from crm.audit.models import AuditEntry
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError
from crm.core.settings import load_settings
from crm.staff import queries
from crm.staff import service as staff
from tests.cast import Cast, principal_of
from tests.web.conftest import PASSWORD, PUBLIC, csrf_on, sign_in
from web.app import create_app
from web.people.first import first_administrator
from web.wiring import Runtime, build

pytestmark = pytest.mark.integration
PHRASE = "mare di carta nel vento"


@pytest.fixture
def ada(database: Database, cast: Cast, runtime: Runtime) -> int:
    """An administrator of the contract of Empoli and Vinci, who signs in as everybody does."""
    return made(database, cast, "ada", Role.ADMINISTRATOR, Subject(contract_id=cast.contract))


@pytest.fixture
def piero(database: Database, cast: Cast, runtime: Runtime) -> int:
    """Decides for Empoli."""
    return made(database, cast, "piero", Role.ENTE_APPROVER, Subject(ente_id=cast.empoli))


def made(database: Database, cast: Cast, username: str, role: Role, on: Subject) -> int:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        user_id = users.create(session, None, person=Person(username, username.title()))
        users.grant(session, None, user_id=user_id, role=role, on=on)
        shared = session.execute(select(User.password_hash).where(User.id == cast.anna)).scalar_one()
        session.execute(update(User).where(User.id == user_id).values(password_hash=shared))
    return user_id


def csrf_in(text: str) -> str:
    return text.split('name="csrf" value="')[1].split('"', maxsplit=1)[0]


def field_error(text: str, name: str) -> str:
    (said,) = re.findall(rf'id="{name}-error"[^>]*>([^<]*)<', text)
    return said


@pytest.fixture
def strict(environ: dict[str, str], runtime: Runtime, loopback: None) -> Iterator[TestClient]:
    """The same installation, in which agents cannot do without a second factor."""
    settings = load_settings({**environ, "FILODIRETTO_SECOND_FACTOR": "agent,administrator"})
    with TestClient(create_app(build(settings)), base_url=PUBLIC, follow_redirects=False) as client:
        yield client


def test_anna_must_set_up_a_second_factor_before_anything_else_and_without_scripts(
    strict: TestClient, database: Database, cast: Cast
) -> None:
    answer = sign_in(strict, "anna")
    assert answer.headers["location"] == "/sign-in/enrol?back=/"
    assert strict.get("/console").headers["location"] == "/sign-in?back=/console"
    page = strict.get("/sign-in/enrol").text
    secret = re.findall(r'<code class="key">([A-Z2-7 ]+)</code>', page)[0].replace(" ", "")
    assert "data:image/svg+xml" in page
    wrong = strict.post("/sign-in/enrol", data={"code": "000000", "csrf": csrf_in(page)})
    assert (wrong.status_code, "ora del telefono" in field_error(wrong.text, "code")) == (422, True)
    assert secret in wrong.text.replace(" ", "")
    assert strict.post("/sign-in/enrol", data={"code": "000000", "csrf": "x"}).status_code == 403
    codes = strict.post("/sign-in/enrol", data={"code": pyotp.TOTP(secret).now(), "csrf": csrf_in(page)})
    recovery = re.findall(r"<li><code>([a-z0-9]{5}-[a-z0-9]{5})</code></li>", codes.text)
    assert len(recovery) == 10
    assert strict.get("/console").status_code == 200
    strict.cookies.clear()
    assert sign_in(strict, "anna").headers["location"] == "/sign-in/code?back=/"
    assert strict.get("/sign-in/enrol").headers["location"].startswith("/sign-in?")  # it is not the step that is due
    page = strict.get("/sign-in/code").text
    again = strict.post("/sign-in/code", data={"code": "000000", "csrf": csrf_in(page)})
    assert "non è giusto" in field_error(again.text, "code")
    done = strict.post("/sign-in/code", data={"code": recovery[0], "csrf": csrf_in(page), "back": "//evil.example"})
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert strict.get("/console").status_code == 200


def test_a_password_that_is_good_no_longer_is_changed_before_anything_else(
    client: TestClient, database: Database, cast: Cast
) -> None:
    with database.begin(Scope.nothing()) as session:
        session.execute(update(User).where(User.id == cast.anna).values(password_expired=True))
    assert sign_in(client, "anna").headers["location"] == "/sign-in/password?back=/"
    page = client.get("/sign-in/password").text
    other = {"password": PHRASE, "repeated": "altro", "csrf": csrf_in(page)}
    refused = client.post("/sign-in/password", data=other)
    assert "non sono uguali" in field_error(refused.text, "repeated")
    done = client.post("/sign-in/password", data={**other, "repeated": PHRASE})
    assert done.headers["location"] == "/"
    assert client.get("/me").status_code == 200


def test_codes_are_limited_like_passwords(client: TestClient, database: Database, cast: Cast) -> None:
    with database.begin(Scope.nothing()) as session:
        session.add(SecondFactor(user_id=cast.anna, secret=b"x" * 40, confirmed_at=session.info["now"], last_step=0))
    with database.begin(Scope.nothing()) as session:
        for _ in range(5):
            access.attempt_code(session, user_id=cast.anna, address="testclient")
    sign_in(client, "anna")
    page = client.get("/sign-in/code").text
    refused = client.post("/sign-in/code", data={"code": "123456", "csrf": csrf_in(page)})
    assert refused.status_code == 429
    assert re.search(r"Riprova dopo le \d\d:\d\d:\d\d", refused.text)


def test_a_day_beyond_the_calendars_end_is_said_at_its_field(client: TestClient, ada: int, cast: Cast) -> None:
    sign_in(client, "ada")
    headers = {"X-CSRF-Token": csrf_on(client, "/people"), "hx-request": "true"}
    role = {"role": "agent", "on": f"contract:{cast.contract}", "ends_on": "9999-12-31"}
    answer = client.post(f"/people/{cast.anna}/grants", data=role, headers=headers)
    assert (answer.status_code, set(answer.json()["fields"])) == (422, {"ends_on"})
    related = {"contact": cast.mario, "kind": "heir", "name": "Ugo", "valid_from": "9999-12-31"}
    answer = client.post(f"/contacts/{cast.mario}/relations", data=related, headers=headers)
    assert (answer.status_code, set(answer.json()["fields"])) == (422, {"valid_from"})


def test_an_administrator_makes_a_user_who_chooses_a_password_by_a_link_used_once(
    client: TestClient, ada: int, database: Database
) -> None:
    sign_in(client, "ada")
    headers = {"X-CSRF-Token": csrf_on(client, "/people"), "hx-request": "true"}
    wrong = client.post("/people", data={"username": "due parole", "name": ""}, headers=headers)
    assert (wrong.status_code, set(wrong.json()["fields"])) == (422, {"username", "name"})
    answer = client.post("/people", data={"username": "bruno", "name": "Bruno <b>Fabbri</b>"}, headers=headers)
    page = answer.headers["hx-redirect"]
    assert "Bruno &lt;b&gt;Fabbri&lt;/b&gt;" in client.get(page).text
    html = client.post(f"{page}/link", headers=headers).text
    (link,) = re.findall(r'value="http://testserver(/welcome/[^"]+)"', html)
    client.cookies.clear()
    assert "Bruno" in client.get(link).text
    common = client.post(link, data={"password": "passwordpassword", "repeated": "passwordpassword"})
    assert "facili da indovinare" in field_error(common.text, "password")
    other = client.post(link, data={"password": PHRASE, "repeated": "altro"})
    assert "non sono uguali" in field_error(other.text, "repeated")
    assert client.post(link, data={"password": PHRASE, "repeated": PHRASE}).status_code == 200
    assert client.get(link).status_code == client.post(link, data={"password": "x", "repeated": "x"}).status_code == 404
    assert sign_in(client, "bruno", PHRASE).status_code == 303
    assert client.get("/").headers["location"] == "/me"


def test_pages_of_a_user_work_without_scripts_too(client: TestClient, ada: int, cast: Cast) -> None:
    sign_in(client, "ada")
    csrf = csrf_on(client, "/people")
    answer = client.post(
        f"/people/{cast.vera}/grants", data={"csrf": csrf, "role": "agent", "on": f"contract:{cast.contract}"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"/people/{cast.vera}")
    assert "operatore" in client.get(f"/people/{cast.vera}").text
    assert "Bruno" not in client.post("/people/search", data={"csrf": csrf, "text": "ver"}).text
    assert "Vera" in client.post("/people/search", data={"csrf": csrf, "text": "ver"}).text


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"role": "capo", "on": "ente:1"}, "role"),
        ({"role": "agent", "on": "luna:1"}, "on"),
        ({"role": "agent", "on": ""}, "on"),
        ({"role": "agent", "on": "ente:1", "starts_on": "31/02/2027"}, "starts_on"),
        ({"role": "agent", "on": "ente:1", "ends_on": "2020-01-01"}, "ends_on"),
    ],
)
def test_what_is_wrong_with_a_grant_is_said_at_its_field(
    client: TestClient, ada: int, cast: Cast, data: dict[str, str], field: str
) -> None:
    sign_in(client, "ada")
    headers = {"X-CSRF-Token": csrf_on(client, "/people"), "hx-request": "true"}
    data = {key: value.replace("ente:1", f"ente:{cast.empoli}") for key, value in data.items()}
    answer = client.post(f"/people/{cast.vera}/grants", data=data, headers=headers)
    assert (answer.status_code, set(answer.json()["fields"])) == (422, {field})


def test_forged_ids_of_others_do_not_exist(client: TestClient, ada: int, piero: int, cast: Cast) -> None:
    sign_in(client, "ada")
    headers = {"X-CSRF-Token": csrf_on(client, "/people"), "hx-request": "true"}
    assert client.get("/people/999999").status_code == 404
    assert client.get(f"/staff/{cast.siena}").status_code == 404
    assert client.get(f"/staff/{cast.siena}/register.csv").status_code == 404
    assert client.post("/people/grants/999999/revoke", headers=headers).status_code == 404
    refused = client.post(
        f"/people/{cast.vera}/grants", data={"role": "agent", "on": f"ente:{cast.siena}"}, headers=headers
    )
    assert refused.status_code == 403
    sign_in(client, "piero")
    assert client.get(f"/staff/{cast.vinci}").status_code == 404
    headers["X-CSRF-Token"] = csrf_on(client, f"/staff/{cast.empoli}")
    stolen = client.post(f"/staff/{cast.vinci}/remove", data={"user": cast.anna, "reason": "x"}, headers=headers)
    assert stolen.status_code == 403


def test_piero_removes_anna_and_her_page_is_no_longer_hers(
    client: TestClient, piero: int, ada: int, database: Database, cast: Cast
) -> None:
    sign_in(client, "anna")
    hers = client.cookies["filodiretto_session"]
    sign_in(client, "piero")
    headers = {"X-CSRF-Token": csrf_on(client, f"/staff/{cast.empoli}"), "hx-request": "true"}
    no_reason = client.post(f"/staff/{cast.empoli}/remove", data={"user": cast.anna}, headers=headers)
    assert no_reason.json()["fields"] == {"reason": "Scrivi il motivo."}
    gone = client.post(f"/staff/{cast.empoli}/remove", data={"user": cast.anna, "reason": "Sgarbata"}, headers=headers)
    assert gone.headers["hx-redirect"] == f"/staff/{cast.empoli}?removed={cast.anna}"
    shown = client.get(f"/staff/{cast.empoli}?removed={cast.anna}").text
    assert "Sgarbata" in shown
    assert "Anna da adesso non vede più" in shown
    sign_in(client, "ada")
    assert "Comune di Empoli lo tiene lontano dal" in client.get(f"/people/{cast.anna}").text
    client.cookies.set("filodiretto_session", hers)
    found = client.post("/console/search", data={"q": "bianchi"}, headers={"X-CSRF-Token": csrf_on(client, "/console")})
    assert "BIANCHI" not in found.text


def test_what_the_ente_asks_for_is_on_the_company_s_register_at_once(
    client: TestClient, piero: int, ada: int, cast: Cast
) -> None:
    headers = {"origin": "http://testserver"}
    sign_in(client, "ada")
    with client.websocket_connect(f"/ws/staff-{cast.empoli}", headers=headers) as socket:
        while 'id="register"' not in (said := socket.receive_text()):
            pass
        assert "Non risponde" not in said
        client.cookies.clear()
        sign_in(client, "piero")
        his = {"X-CSRF-Token": csrf_on(client, f"/staff/{cast.empoli}"), "hx-request": "true"}
        asked = {"user": cast.luca, "reason": "Non risponde"}
        assert client.post(f"/staff/{cast.empoli}/replacements", data=asked, headers=his).status_code == 204
        assert any("Non risponde" in socket.receive_text() for _ in range(8))
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(f"/ws/staff-{cast.vinci}", headers=headers) as socket,
    ):
        socket.receive_text()


def test_whoever_decides_for_the_ente_hears_of_its_staff_where_he_works(
    client: TestClient, piero: int, ada: int, cast: Cast, database: Database
) -> None:
    headers = {"origin": "http://testserver"}
    sign_in(client, "piero")
    assert 'id="staff-news"' in client.get("/ente").text  # empty until the live page says
    his = {"X-CSRF-Token": csrf_on(client, f"/staff/{cast.empoli}"), "hx-request": "true"}
    for waiting in (told(database, cast), 0):
        with client.websocket_connect(f"/ws/ente-{cast.empoli}", headers=headers) as socket:
            while 'id="staff-news"' not in (said := socket.receive_text()):
                pass
        assert f"{waiting} novità sul personale" in said
        assert (" hidden>" in said) == (not waiting)
        assert client.post(f"/staff/{cast.empoli}/seen", data={"up_to": 10**6}, headers=his).status_code == 204
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        decides, runs = (principal_of(session, one) for one in (piero, ada))
        staff.remove(session, decides, ente_id=cast.empoli, user_id=cast.luca, reason="Sgarbato")
        (gone,) = queries.removed(session, decides, cast.empoli)
        staff.ask_readmission(session, runs, exclusion_id=gone.id, reason="Ha seguito un corso")
        assert [(one.notices, one.readmissions) for one in queries.news(session, decides)] == [(1, 1)]
        assert queries.news(session, runs) == []  # who decides is told, nobody else
    window = client.get("/ente").text
    assert "1 cambiamento da leggere" in window
    assert "1 riammissione da decidere" in window
    sign_in(client, "ada")
    assert 'id="staff-news"' not in client.get("/people").text


def told(database: Database, cast: Cast) -> int:
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        return len(queries.notices(session, frozenset({cast.empoli}), limit=100, unseen_only=True))


def test_the_register_is_a_spreadsheet_without_formulas(
    client: TestClient, piero: int, database: Database, cast: Cast
) -> None:
    with database.begin(Scope.nothing()) as session:
        session.execute(update(User).where(User.id == cast.luca).values(name="=HYPERLINK(1)", qualification="@x"))
    sign_in(client, "piero")
    answer = client.get(f"/staff/{cast.empoli}/register.csv")
    assert answer.content.startswith(b"\xef\xbb\xbfEnte;Nome;")
    assert "'=HYPERLINK(1);'@x;operatore" in answer.text
    assert "Gina" not in answer.text


def test_one_s_own_page(client: TestClient, runtime: Runtime, database: Database, cast: Cast) -> None:
    sign_in(client, "anna")
    first = client.cookies["filodiretto_session"]
    client.cookies.delete("filodiretto_session")
    client.get("/sign-in", headers={"user-agent": "x"})
    sign_in(client, "anna")
    page = client.get("/me").text
    assert page.count("questo browser") == 1
    headers = {"X-CSRF-Token": csrf_on(client, "/me"), "hx-request": "true"}
    wrong = client.post("/me/password", data={"current": "no", "password": PHRASE, "repeated": PHRASE}, headers=headers)
    assert wrong.json()["fields"] == {"current": "La password di adesso non è giusta."}
    right = {"current": PASSWORD, "password": PHRASE, "repeated": PHRASE}
    assert client.post("/me/password", data=right, headers=headers).headers["hx-redirect"] == "/me?done=password"
    assert "password è stata cambiata" in client.get("/me?done=password").text
    with database.begin(Scope.nothing()) as session:
        assert access.resume(session, first) is None
        assert len(session.execute(select(UserSession.id).where(UserSession.user_id == cast.anna)).all()) == 1
    shown = client.post("/me/second-factor", data={"current": PHRASE}, headers=headers).text
    secret = re.findall(r'<code class="key">([A-Z2-7 ]+)</code>', shown)[0].replace(" ", "")
    done = client.post("/me/second-factor/confirm", data={"code": pyotp.TOTP(secret).now()}, headers=headers)
    codes = re.findall(r"<li><code>([a-z0-9-]{11})</code></li>", done.text)
    assert len(codes) == 10
    off = client.post("/me/second-factor/off", data={"code": "000000"}, headers=headers)
    assert set(off.json()["fields"]) == {"code"}
    off = client.post("/me/second-factor/off", data={"code": codes[0]}, headers=headers)
    assert off.headers["hx-redirect"] == "/me"


def test_the_audit_names_the_workstation(client: TestClient, ada: int, database: Database, cast: Cast) -> None:
    agent = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36"
    client.headers["user-agent"] = agent
    sign_in(client, "ada")
    headers = {"X-CSRF-Token": csrf_on(client, "/people")}
    client.post(f"/people/{cast.anna}/sign-out", headers=headers)
    with database.begin(Scope.nothing()) as session:
        entry = session.execute(select(AuditEntry).where(AuditEntry.kind == "user.sessions_ended")).scalar_one()
    assert (entry.actor_id, entry.place) == (ada, "testclient · Chrome su Windows")


def test_grants_of_nobody_are_shown_to_nobody(client: TestClient, ada: int, database: Database, cast: Cast) -> None:
    other = made(database, cast, "siena-admin", Role.AGENT, Subject(contract_id=cast.contract))
    with database.begin(Scope.nothing()) as session:
        session.execute(update(RoleGrant).where(RoleGrant.user_id == other).values(contract_id=cast.other_contract))
    sign_in(client, "ada")
    assert "siena-admin" not in client.get("/people").text
    assert client.get(f"/people/{other}").status_code == 404


def test_the_first_administrator_is_made_from_the_command_line(database: Database, runtime: Runtime) -> None:
    token = first_administrator(database, username="Capo", name="Ada Capo", contract="Nuovo contratto")
    with database.begin(Scope.nothing()) as session:
        user = users.whose_link(session, token)
        assert user is not None
        assert user.username == "capo"
    assert first_administrator(database, username="capo", name="", contract="Nuovo contratto") != token
    with pytest.raises(ConflictError):
        first_administrator(database, username="anna", name="", contract="Nuovo contratto")
