"""The application in this process, over the real database; Redis may be away."""

import asyncio
import re
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from crm.access.models import User
from crm.access.passwords import hash_password
from crm.core.db import Database, Scope
from crm.core.settings import Settings, load_settings
from telephony.commands.events import CommandWritten
from telephony.queues.events import MatchDue
from tests.cast import Cast
from tests.telephony import stage as stages
from tests.telephony.stage import Stage
from web.app import create_app
from web.wiring import Runtime, build

PUBLIC = "http://testserver"
PASSWORD = "una frase di prova"
TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def environ(database_urls: Any, redis_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment of a test's own installation."""
    return {
        "FILODIRETTO_DATABASE_URL": database_urls.app,
        "FILODIRETTO_DATABASE_ROUTING_URL": database_urls.routing,
        "FILODIRETTO_REDIS_URL": redis_url,
        "FILODIRETTO_DATA": str(tmp_path / "data"),
        "FILODIRETTO_MASTER_KEY": "00" * 32,
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


def csrf_of(client: TestClient, path: str) -> str:
    """The token that a page carries for its forms."""
    return client.get(path).text.split('X-CSRF-Token": "')[1].split('"')[0]


@dataclass
class Desk:
    """Anna's console, and the telephone network behind it."""

    client: TestClient
    stage: Stage
    headers: dict[str, str] = field(default_factory=dict)

    def sit_down(self, username: str = "anna") -> None:
        """Sign in and be ready."""
        self.client.cookies.clear()
        sign_in(self.client, username)
        self.headers = {"X-CSRF-Token": csrf_of(self.client, "/console"), "HX-Request": "true"}

    def talks(self) -> UUID:
        """Mario calls and Anna answers."""
        self.stage.ready(self.stage.cast.anna)
        call = self.stage.queues()
        self.stage.talks(call)
        return call

    def press(self, path: str, **fields: Any) -> Any:
        """A button or a form of the console."""
        return self.client.post(f"/console/{path}", data=fields, headers=self.headers)

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
