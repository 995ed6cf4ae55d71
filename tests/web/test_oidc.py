"""Signing in through an identity provider: a real one (oidc-provider), its rotations and faults, and forged answers."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from crm.access.models import Method, User, UserIdentity, UserSession
from crm.access.passwords import hash_password
from crm.core.db import Database, Scope
from crm.core.settings import SettingsError, load_settings
from tests.cast import Cast
from tests.oidc.server import SECRET, provider, sign_in_there
from tests.web.conftest import PUBLIC, csrf_on
from web.app import create_app
from web.run import claims
from web.sign_in import oidc
from web.wiring import build

pytestmark = pytest.mark.integration
BACK, LOGOUT = f"{PUBLIC}/sign-in/from/prova", f"{PUBLIC}/sign-in"
Start = Callable[..., TestClient]


class Place:
    """Where the provider runs: it can be ended, and started again with other keys or faults."""

    def __init__(self) -> None:
        self.port = claims.free_port()
        self._running = ExitStack()

    def start(self, **environ: str) -> str:
        self._running.close()
        return self._running.enter_context(provider(self.port, BACK, LOGOUT, **environ))

    def end(self) -> None:
        self._running.close()


@pytest.fixture
def place(loopback: None) -> Iterator[Place]:
    place = Place()
    yield place
    place.end()


@pytest.fixture
def open_app(place: Place, environ: dict[str, str], cast: Cast, database: Database, tmp_path: Path) -> Iterator[Start]:
    """Starts our application with this provider in its settings."""
    (tmp_path / "secret").write_text(SECRET + "\n")
    with database.begin(Scope.nothing()) as session:
        session.execute(update(User).values(password_hash=hash_password("una frase di prova")))
    with ExitStack() as opened:

        def start(**options: Any) -> TestClient:
            one = {
                "key": "prova", "label": "Comune di prova", "issuer": f"http://127.0.0.1:{place.port}",
                "client_id": "filodiretto", "client_secret_file": str(tmp_path / "secret"), **options,
            }  # fmt: skip
            settings = load_settings({**environ, "FILODIRETTO_OIDC_PROVIDERS": json.dumps([one])})
            app = create_app(build(settings))
            return opened.enter_context(TestClient(app, base_url=PUBLIC, follow_redirects=False))

        yield start


def link(database: Database, user_id: int, issuer: str, subject: str) -> None:
    with database.begin(Scope.nothing()) as session:
        session.add(
            UserIdentity(
                user_id=user_id, provider="prova", issuer=issuer, subject=subject, linked_at=session.info["now"]
            )
        )  # fmt: skip


def go(client: TestClient, name: str, **changed: str) -> Any:
    """To the provider, sign in there by a name, and back. `changed` parameters are the attacker's."""
    answer = client.get("/sign-in/with/prova", params={"back": "/me"})
    assert answer.status_code == 303, answer.text
    parts = urlsplit(answer.headers["location"])
    asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
    address = urlunsplit(parts._replace(query=urlencode({**asked, **changed})))
    return client.get(sign_in_there(address, name, PUBLIC).removeprefix(PUBLIC))


def test_whoever_is_linked_signs_in_and_is_asked_to_sign_out_there_too(
    place: Place, open_app: Start, database: Database, cast: Cast
) -> None:
    issuer, client = place.start(), open_app()
    link(database, cast.anna, issuer, "anna.rossi")
    assert "Comune di prova" in client.get("/sign-in").text
    answer = go(client, "anna.rossi")
    assert (answer.status_code, answer.headers["location"]) == (303, "/me")
    with database.begin(Scope.nothing()) as session:
        kept = session.execute(select(UserSession)).scalar_one()
    assert (kept.user_id, kept.method, kept.provider) == (cast.anna, Method.PROVIDER, "prova")
    answer = client.post("/sign-out", headers={"X-CSRF-Token": csrf_on(client, "/me")})
    assert answer.headers["location"] == "/sign-in?left=prova"
    assert "/sign-out/at/prova" in client.get("/sign-in?left=prova").text
    there = client.get("/sign-out/at/prova").headers["location"]
    assert there.startswith(f"{issuer}/session/end?client_id=filodiretto&post_logout_redirect_uri=")


def test_a_stranger_is_told_by_what_to_be_linked_and_is_not_let_in(place: Place, open_app: Start) -> None:
    place.start()
    client = open_app()
    answer = go(client, "sconosciuto")
    assert answer.status_code == 401
    assert "nessun utente è collegato a te" in answer.text
    assert "identificativo: sconosciuto" in answer.text
    assert client.get("/me").status_code == 303


def test_a_verified_address_links_once_where_the_settings_say_so(
    place: Place, open_app: Start, database: Database, cast: Cast
) -> None:
    place.start(UNVERIFIED="luca")
    client = open_app(links_by_email=True)
    with database.begin(Scope.nothing()) as session:
        session.execute(update(User).values(email=User.username + "@example.it"))
    assert go(client, "luca").status_code == 401  # an address that nobody verified may be anybody's
    assert go(client, "marta").status_code == 303
    with database.begin(Scope.nothing()) as session:
        found = session.execute(select(UserIdentity.user_id, UserIdentity.subject)).all()
        assert [tuple(row) for row in found] == [(cast.marta, "marta")]
        session.execute(update(User).where(User.id == cast.marta).values(active=False))
    answer = go(client, "marta")
    assert (answer.status_code, "disattivato" in answer.text) == (401, True)


def test_a_newcomer_becomes_a_user_without_roles_where_the_settings_say_so(
    place: Place, open_app: Start, database: Database
) -> None:
    place.start()
    client = open_app(creates_users=True)
    assert go(client, "nuova").status_code == 303
    with database.begin(Scope.nothing()) as session:
        made = session.execute(select(User).where(User.username == "nuova")).scalar_one()
        assert (made.name, made.email, made.password_hash) == ("Nome nuova", "nuova@example.it", None)
    assert "Nessun ruolo ancora" in client.get("/me").text


def test_whoever_needs_a_second_factor_sets_it_up_unless_the_provider_is_trusted_with_it(
    place: Place, open_app: Start, database: Database, cast: Cast, environ: dict[str, str]
) -> None:
    issuer = place.start()
    environ["FILODIRETTO_SECOND_FACTOR"] = "agent"
    link(database, cast.anna, issuer, "anna")
    assert go(open_app(), "anna").headers["location"] == "/sign-in/enrol?back=/me"
    assert go(open_app(trusts_second_factor=True), "anna").headers["location"] == "/me"


def test_keys_may_rotate_while_we_run(
    place: Place, open_app: Start, database: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer, client = place.start(), open_app()
    link(database, cast.anna, issuer, "anna")
    assert go(client, "anna").status_code == 303
    place.start()
    monkeypatch.setattr(oidc, "LOOK_AGAIN_S", 3600.0)
    assert go(client, "anna").status_code == 401  # forgers do not make us ask all the time
    monkeypatch.setattr(oidc, "LOOK_AGAIN_S", 0.0)
    assert go(client, "anna").status_code == 303


@pytest.mark.parametrize("forged", ["nonce", "state", "code_challenge"])
def test_an_answer_to_another_request_is_refused(
    place: Place, open_app: Start, database: Database, cast: Cast, forged: str
) -> None:
    """The provider signs what the attacker asked: its word about another nonce, state or challenge is not ours."""
    issuer, client = place.start(), open_app()
    link(database, cast.anna, issuer, "anna")
    answer = go(client, "anna", **{forged: "x" * 43})
    assert answer.status_code == 401
    assert "non ha confermato chi sei" in answer.text


def test_a_token_that_is_over_is_refused(place: Place, open_app: Start, database: Database, cast: Cast) -> None:
    issuer, client = place.start(EXPIRED="1"), open_app()
    link(database, cast.anna, issuer, "anna")
    answer = go(client, "anna")
    assert answer.status_code == 401
    assert "non ha confermato chi sei" in answer.text


def test_an_answer_without_its_cookie_or_of_another_issuer_or_cancelled_lets_nobody_in(
    place: Place, open_app: Start
) -> None:
    place.start()
    client = open_app()
    assert "ricomincia da qui" in client.get("/sign-in/from/prova?code=x&state=y").text
    for query, said in (
        ("error=access_denied", "annullato"), ("error=server_error", "non ha confermato"),
        ("code=x&iss=https%3A%2F%2Fevil.example", "non ha confermato"), ("code=x", "non ha confermato"), ("", ""),
    ):  # fmt: skip
        asked = client.get("/sign-in/with/prova").headers["location"]
        state = parse_qs(urlsplit(asked).query)["state"][0]
        answer = client.get(f"/sign-in/from/prova?state={state}&{query}")
        assert (answer.status_code, said in answer.text) == (401, True), query
    client.cookies.set("filodiretto_oidc", "00" * 40)
    assert client.get("/sign-in/from/prova?code=x&state=y").status_code == 401
    assert client.get("/sign-in/with/altro").status_code == 404


def test_a_provider_that_is_away_is_told_and_the_password_still_works(place: Place, open_app: Start) -> None:
    client = open_app(timeout_s=0.5)
    answer = client.get("/sign-in/with/prova")
    assert answer.status_code == 401
    assert "non risponde" in answer.text
    assert client.get("/sign-out/at/prova").headers["location"] == "/sign-in"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("nonsense", "must be a list in JSON"),
        ('[{"key": "a"}]', "it is not set"),
        ('[{"key": "a", "label": "A", "issuer": "http://evil.example", "client_id": "x"}]', "https"),
        ('[{"key": "a", "label": "A", "issuer": "https://a", "client_id": "x", "client_secret_file": "/no"}]', "read"),
        ('[{"key": "A B", "label": "A", "issuer": "https://a", "client_id": "x"}]', "pattern"),
    ],
)
def test_settings_that_describe_no_provider_are_refused(environ: dict[str, str], value: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_settings({**environ, "FILODIRETTO_OIDC_PROVIDERS": value})
