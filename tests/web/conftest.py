"""The application in this process, over the real database; Redis may be away."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from crm.access import service as access
from crm.access.models import Role, RoleGrant, User
from crm.access.passwords import hash_password
from crm.access.permissions import Principal
from crm.contacts import merging, relations
from crm.contacts.disclosure import OPEN, RelationKind, Term
from crm.contacts.models import Contact, PersonKind
from crm.core.configuration import changed
from crm.core.db import Database, Scope
from crm.core.settings import Settings, load_settings
from crm.files.models import FileOpening, FileSetting
from crm.tokens import service as tokens
from crm.tokens.models import ApiScope
from telephony.commands.events import CommandWritten
from telephony.queues.events import MatchDue
from tests.cast import AS_OF, Cast, principal_of
from tests.telephony import stage as stages
from tests.telephony.stage import Stage
from web.app import create_app
from web.edge.visits import COOKIE, visit_of
from web.wiring import Runtime, build

T = TypeVar("T")
PUBLIC = "http://testserver"
PASSWORD = "una frase di prova"
TOKEN = "0123456789abcdef0123456789abcdef"
EVERYTHING = tuple(ApiScope)


@pytest.fixture
def environ(database_urls: Any, redis_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment of a test's own installation."""
    return {
        "FILODIRETTO_DATABASE_URL": database_urls.app,
        "FILODIRETTO_DATABASE_ROUTING_URL": database_urls.routing,
        "FILODIRETTO_REDIS_URL": redis_url,
        "FILODIRETTO_MASTER_KEY": "00" * 32,
        "FILODIRETTO_DATA": str(tmp_path / "data"),
        "FILODIRETTO_SECOND_FACTOR": "optional",
        "FILODIRETTO_DATABASE_POOL_SIZE": "8",
        "FILODIRETTO_PUBLIC_URL": PUBLIC,
        "FILODIRETTO_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "FILODIRETTO_TWILIO_AUTH_TOKEN": TOKEN,
        "FILODIRETTO_TWILIO_API_KEY": "SK" + "0" * 32,
        "FILODIRETTO_TWILIO_API_SECRET": "secret",
        "FILODIRETTO_TWILIO_API_URL": "http://127.0.0.1:9",
        "FILODIRETTO_SIMULATOR_URL": "http://127.0.0.1:9",
    }


@pytest.fixture
def settings(environ: dict[str, str]) -> Settings:
    """Settings of a test's own installation."""
    return load_settings(environ)


@pytest.fixture
def runtime(settings: Settings, cast: Cast, database: Database) -> Runtime:
    """A wired process. Everybody's password is the same."""
    with database.begin(Scope.nothing()) as session:
        session.execute(update(User).values(password_hash=hash_password(PASSWORD)))
    return build(settings)


@pytest.fixture
def client(runtime: Runtime, loopback: None) -> Iterator[TestClient]:
    """A browser that follows no redirects."""
    with TestClient(create_app(runtime), base_url=PUBLIC, follow_redirects=False) as client:
        yield client


def in_a_loop(scenario: Coroutine[Any, Any, None]) -> None:
    """Run a scenario in an event loop of its own: the browser of the journeys may hold this thread's."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, scenario).result()


def sign_in(client: TestClient, username: str, password: str = PASSWORD) -> Any:
    """Sign in as a browser does."""
    page = client.get("/sign-in")
    csrf = page.text.split('name="csrf" value="')[1].split('"')[0]
    return client.post("/sign-in", data={"username": username, "password": password, "csrf": csrf, "back": "/"})


def let_in(client: TestClient, username: str) -> None:
    """Somebody is signed in, for whom it does not matter by which pages."""
    runtime = runtime_of(client)
    with runtime.database.begin(Scope.nothing()) as session:
        user_id = session.execute(select(User.id).where(User.username == username)).scalar_one()
        token = access.open_session(session, user_id)
    client.cookies.set(COOKIE, token, domain=f"{client.base_url.host}.local", path="/")


def csrf_of(client: TestClient) -> str:
    """The token that every page of whoever is signed in carries for its forms."""
    visit = visit_of(runtime_of(client), client.cookies.get(COOKIE))
    assert visit is not None
    return visit.csrf_token


def csrf_on(client: TestClient, path: str) -> str:
    """The same, as a page has it."""
    return client.get(path).text.split('X-CSRF-Token": "')[1].split('"')[0]


def runtime_of(client: TestClient) -> Runtime:
    """The parts of the process that this browser asks."""
    envelope: Any = client.app
    runtime: Runtime = envelope._app.state.runtime
    return runtime


@dataclass
class Desk:
    """Anna's console, and the telephone network behind it."""

    client: TestClient
    stage: Stage
    headers: dict[str, str] = field(default_factory=dict)

    def sit_down(self, username: str = "anna") -> None:
        """Sign in and be ready."""
        self.client.cookies.clear()
        let_in(self.client, username)
        self.headers = {"X-CSRF-Token": csrf_of(self.client), "HX-Request": "true"}

    def talks(self) -> UUID:
        """Mario calls and Anna answers."""
        self.stage.ready(self.stage.cast.anna)
        call = self.stage.queues()
        self.stage.talks(call)
        return call

    def press(self, path: str, **fields: Any) -> Any:
        """A button or a form of the console."""
        return self.client.post(f"/console/{path}", data=fields, headers=self.headers)

    def identify(self, call: UUID, **fields: Any) -> Any:
        """It is whom the console proposes."""
        return self.press("identify", call=call, contact=self.stage.call(call).contact_id, **fields)

    def page(self, region: str = "") -> str:
        """The console as it is now, or one of its regions."""
        html = self.client.get("/console").text
        return re.split(r'<(?:section|footer) id="', html.split(f' id="{region}"', 1)[1])[0] if region else html


@pytest.fixture
def desk(client: TestClient, runtime: Runtime, database: Database, cast: Cast) -> Iterator[Desk]:
    """Anna at her console. The stage alone matches and tells the carrier: the process beside it would be faster."""
    runtime.database.on(MatchDue, lambda _: None)
    runtime.database.on(CommandWritten, lambda _: None)
    stage = stages.build(database, cast)
    desk = Desk(client, stage)
    desk.sit_down()
    yield desk
    stage.matcher.close()
    stage.dispatcher.close()


class Play:
    """Anna's desk, with what she and others write down meanwhile. Empoli wants one right answer."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.cast, self.database = desk, desk.stage.cast, desk.stage.database
        self.needs(self.cast.empoli, 1)
        desk.sit_down()

    def work(self, do: Callable[[Session, Principal], T], who: str = "anna") -> T:
        with self.database.begin(Scope.of_contract(self.cast.contract)) as session:
            return do(session, principal_of(session, getattr(self.cast, who)))

    def needs(self, ente_id: int, answers: int) -> None:
        with self.database.begin(Scope.of_enti([ente_id])) as session:
            changed(session)
            session.execute(update(FileSetting).where(FileSetting.ente_id == ente_id).values(answers_needed=answers))

    def also(self, ente_id: int, codice_fiscale: str, kind: PersonKind = PersonKind.NATURAL) -> int:
        """Another row that states Mario."""

        def work(session: Session, _: Principal) -> int:
            row = Contact(
                ente_id=ente_id, codice_fiscale=codice_fiscale, kind=kind, surname="BIANCHI", given_name="MARIO",
                name_key="BIANCHI MARIO", as_of=AS_OF, digest="x",
            )  # fmt: skip
            session.add(row)
            session.flush()
            return row.id

        return self.work(work)

    def merge(self, kept: int, merged: int) -> int:
        return self.work(
            lambda s, sara: merging.merge(s, sara, kept_id=kept, merged_id=merged, reason="Stesso telefono"), "sara"
        )

    def relate(self, contact: int, kind: RelationKind, name: str, term: Term = OPEN) -> int:
        return self.work(lambda s, by: relations.relate(s, by, contact_id=contact, kind=kind, name=name, term=term).id)

    def open_rows(self) -> set[int]:
        with self.database.begin(Scope.of_contract(self.cast.contract)) as session:
            return set(session.scalars(select(FileOpening.contact_id).where(FileOpening.closed_at.is_(None))))


@pytest.fixture
def play(desk: Desk) -> Play:
    return Play(desk)


@dataclass
class Programs:
    """Empoli's programs, which ask with a token."""

    client: Any
    token: str

    def get(self, path: str, **params: Any) -> Any:
        """Ask."""
        return self.client.get(path, params=params, headers={"Authorization": f"Bearer {self.token}"})


@pytest.fixture
def administrator(database: Database, cast: Cast) -> Principal:
    """Sara administers the contract."""
    with database.begin(Scope.nothing()) as session:
        session.execute(update(RoleGrant).where(RoleGrant.user_id == cast.sara).values(role=Role.ADMINISTRATOR))
        return principal_of(session, cast.sara)


@pytest.fixture
def programs(client: Any, database: Database, cast: Cast, administrator: Principal) -> Programs:
    """With a token for everything."""
    return Programs(client, token_of(database, administrator, cast.empoli))


def token_of(database: Database, administrator: Principal, ente_id: int, *scopes: ApiScope) -> str:
    with database.begin(Scope.of_enti([ente_id])) as session:
        return tokens.make(
            session, administrator, ente_id=ente_id, name="cruscotto", scopes=scopes or EVERYTHING, days=90
        )
