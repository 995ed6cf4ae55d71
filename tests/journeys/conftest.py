"""The whole product, running as `make run` starts it, and real browsers in front of it."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from playwright.sync_api import Browser, Page, StorageState, expect
from psycopg import sql

from crm.continuity import runs
from crm.continuity.models import RunKind
from crm.core import secrecy
from crm.core.db import Database, Scope
from crm.enti.calendar import Hours, Timetable, next_opening
from tests.oidc.server import SECRET
from tests.servers import open_loopback
from web.demo.accounts import DEMO_PASSWORD
from web.demo.centre import LINES
from web.demo.recorded import RECORDS
from web.run import claims, embedded, prepare
from web.run.processes import stop
from web.run.supervisor import DATABASE

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / ".artifacts"
PATIENCE_MS = 30_000
STARTS_S = 400  # a run gives up by itself before (`RunOptions.ready_within_s`), and says why
BUSY = {"ringing", "talking", "wrap_up"}  # states of an agent who cannot go home
MORNING = Timetable(tuple(Hours(day, time_of_day(10), time_of_day(10, 1)) for day in range(5)), patron=(5, 22))
expect.set_options(timeout=PATIENCE_MS)


_STARTED = contextlib.ExitStack()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """A centre that nobody calls any more would take its share of the machine from the other tests."""
    if nextitem is None or ROOT / "tests" / "journeys" not in nextitem.path.parents:
        _STARTED.close()


@dataclass
class Centre:
    """A running contact centre: no citizens or colleagues but those of the test."""

    web: str
    simulator: str
    data: Path
    process: subprocess.Popen[str]
    issuer_port: int  # where an identity provider is looked for
    placed: list[str] = field(default_factory=list)  # the calls of this journey

    @contextlib.contextmanager
    def database(self) -> Iterator[psycopg.Connection]:
        """What the product stores, as its owner sees it."""
        port = int((self.data / "postgres" / "postmaster.pid").read_text().splitlines()[3])
        server = embedded.Postgres(self.data, port, embedded.credentials(self.data).postgres)
        with psycopg.connect(server.dsn(DATABASE), autocommit=True) as connection:
            yield connection

    def environ(self) -> dict[str, str]:
        """In which a command of the product finds this centre."""
        known = embedded.credentials(self.data)
        port = int((self.data / "postgres" / "postmaster.pid").read_text().splitlines()[3])
        servers = embedded.Postgres(self.data, port, known.postgres), embedded.Redis(self.data, 0, known.redis)
        its = {
            "FILODIRETTO_PUBLIC_URL": self.web,
            "FILODIRETTO_DATA": str(self.data),
            "FILODIRETTO_SIMULATOR_URL": self.simulator,
            "FILODIRETTO_TWILIO_API_URL": self.simulator,
        }
        return {**_outside(), **known.twilio(), **embedded.settings(*servers, known.roles, DATABASE), **its}

    @contextlib.contextmanager
    def product(self, clock: Callable[[], datetime] | None = None) -> Iterator[Database]:
        """The same as the product's processes have it: for what they do by themselves, now or at another time."""
        port = int((self.data / "postgres" / "postmaster.pid").read_text().splitlines()[3])
        database = _database(self.data, port, secrecy=_secrecy(self.data), clock=clock)
        try:
            yield database
        finally:
            database.dispose()

    def call(self, caller: str, line: str, *script: dict[str, Any]) -> str:
        """A citizen calls; returns the call's SID at the simulator."""
        answer = httpx.post(
            f"{self.simulator}/simulator/calls", json={"from": caller, "to": line, "script": list(script)}, timeout=10
        )
        assert answer.status_code == 201, answer.text
        self.placed.append(str(answer.json()["sid"]))
        return self.placed[-1]

    def heard(self, sid: str) -> list[str]:
        """What this citizen has heard so far."""
        return [one["text"] for one in self.state(sid)["transcript"] if one["kind"] == "say"]

    def state(self, sid: str) -> dict[str, Any]:
        """A citizen's call as the simulator has it."""
        found: dict[str, Any] = httpx.get(f"{self.simulator}/simulator/calls/{sid}", timeout=10).json()
        return found

    def rings(self) -> list[str]:
        """The calls on which somebody's telephone rings whom the product calls."""
        calls = httpx.get(f"{self.simulator}/simulator/calls", timeout=10).json()["calls"]
        outside = [one for one in calls if one["direction"] != "inbound" and not one["to"].startswith("client:")]
        return [one["sid"] for one in outside if one["status"] == "ringing"]

    def pick_up(self, sid: str) -> bool:
        """One of them answers; false: it rang no more."""
        return httpx.post(f"{self.simulator}/simulator/calls/{sid}/answer", timeout=10).is_success

    def nobody_answers(self) -> None:
        """From now on whoever is called lets it ring."""
        self._answered_after(600)

    def everybody_answers(self) -> None:
        """From now on whoever is called picks up, as is usual."""
        self._answered_after(2)

    def _answered_after(self, seconds: float) -> None:
        book = {"number": "", "answer_after_s": seconds}
        httpx.put(f"{self.simulator}/simulator/callees", json=book, timeout=10).raise_for_status()

    def press(self, sid: str, digits: str) -> None:
        """The citizen presses keys."""
        httpx.post(f"{self.simulator}/simulator/calls/{sid}/digits", json={"digits": digits}, timeout=10)

    def hang_up(self, sid: str) -> None:
        """The citizen hangs up."""
        httpx.post(f"{self.simulator}/simulator/calls/{sid}/hangup", timeout=10)

    def counted(self, name: str) -> float:
        """A metric of all processes, whichever `web` answers."""
        lines = httpx.get(f"{self.web}/metrics", timeout=30).text.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))

    def pid(self, name: str) -> int:
        """The process id of one of the processes, as the supervisor recorded it."""
        rows = json.loads((self.data / "processes.json").read_text())
        return int(next(row[0] for row in rows if row[3] == name))

    def kill(self, name: str) -> None:
        """SIGKILL a process, at once."""
        os.kill(self.pid(name), signal.SIGKILL)


def eventually(check: Callable[[], bool], what: str, seconds: float = 40) -> None:
    """Wait for something to become true; `what` says what never did."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError, OSError):
            if check():
                return
        time.sleep(0.05)
    pytest.fail(f"never: {what}")


@contextlib.contextmanager
def _begun(command: list[str], environ: dict[str, str], log: Path) -> Iterator[subprocess.Popen[str]]:
    """A run that has said that it is there, until it is told to stop."""
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, *command], env=environ, cwd=ROOT, stdout=output, stderr=output, text=True
        )
    try:
        eventually(lambda: "is running" in log.read_text() or process.poll() is not None, "the centre runs", STARTS_S)
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)  # a disk that is busy holds up whoever is to end


def _outside() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("FILODIRETTO_")}


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as a first run leaves it that came no further than its programs: made once for all workers."""
    open_loopback()
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "prepared"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    data, fresh = folder / "data", folder / "fresh"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not data.exists():
            shutil.rmtree(fresh, ignore_errors=True)  # of a worker that came no further
            ports = [str(claims.free_port()) for _ in range(4)]
            command = ["-m", "tests.journeys.prepared", str(fresh), *ports]
            with _begun(command, _outside(), folder / "run.out"):
                _backed_up(fresh, int(ports[2]))
            eventually(lambda: not _works_in(fresh / "postgres"), "nobody writes any more")
            fresh.rename(data)
    return data


def _backed_up(data: Path, port: int) -> None:
    """The day's backup is there, and was tried: a centre that has just been made would make and try its own."""
    server = embedded.Postgres(data, port, embedded.credentials(data).postgres)
    database = _database(data, port)
    with database.begin(Scope.nothing()) as session:
        for kind in RunKind:
            run = runs.begin(session, kind, archive="filodiretto.age")
            runs.end(session, run, {"seconds": 9, "bytes": 4_000_000, "rows": 50_000, "copied": None}, good=True)
    database.dispose()
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("CHECKPOINT")  # else its end, for which there are two seconds, would begin with one


def _database(data: Path, port: int, **options: Any) -> Database:
    known = embedded.credentials(data)
    server = embedded.Postgres(data, port, known.postgres)
    roles = ((prepare.APP, known.app), (prepare.ROUTING, known.routing))
    return Database(
        *(server.dsn(DATABASE, *role).replace(":", "+psycopg:", 1) for role in roles), pool_size=2, **options
    )


def _secrecy(data: Path) -> secrecy.Secrecy:
    return secrecy.Secrecy(bytes.fromhex((data / secrecy.FILE).read_text()))


def _set_ahead(data: Path, port: int, log: Path, by: timedelta) -> None:
    """The product reads one clock, the database's, by one function: here another of its name is found before it."""
    server = embedded.Postgres(data, port, embedded.credentials(data).postgres)
    child = embedded.start(server, log)
    with psycopg.connect(server.dsn(DATABASE), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA ahead")
        connection.execute("GRANT USAGE ON SCHEMA ahead TO PUBLIC")
        body = f"SELECT pg_catalog.clock_timestamp() + make_interval(secs => {int(by.total_seconds())})"
        made = "CREATE FUNCTION ahead.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS {}"
        connection.execute(sql.SQL(made).format(sql.Literal(body)))
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET search_path = public, ahead, pg_catalog").format(sql.Identifier(DATABASE))
        )
    stop([child], 20)
    eventually(lambda: not _works_in(data / "postgres"), "nobody writes any more")


def _works_in(folder: Path) -> bool:
    """Whether a server that was killed still has a process."""
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if one.cwd() == str(folder):
                return True
    return False


@pytest.fixture(scope="session")
def centre(tmp_path_factory: pytest.TempPathFactory, prepared: Path) -> Centre:
    """Started once for all journeys, stopped after the last with Ctrl-C's signal."""
    return _STARTED.enter_context(running(tmp_path_factory, prepared))


def ten_o_clock() -> datetime:
    """Of the next day on which people may be called in Livorno."""
    found = next_opening(MORNING, datetime.now(UTC))
    assert found is not None
    return found


@pytest.fixture(scope="session")
def centre_at_ten(tmp_path_factory: pytest.TempPathFactory, prepared: Path) -> Centre:
    """Another, at ten in the morning of a working day whenever the tests run, for journeys that telephone people.

    The product reads the clock of the database alone, which is set ahead there, and so is the carrier's. The machine
    and the browsers stay in their time.
    """
    return _STARTED.enter_context(running(tmp_path_factory, prepared, ahead=ten_o_clock() - datetime.now(UTC)))


@contextlib.contextmanager
def running(
    tmp_path_factory: pytest.TempPathFactory, prepared: Path, *, ahead: timedelta | None = None
) -> Iterator[Centre]:
    """A centre of its own; its clock, which is the database's, and the carrier's may be ahead of this machine's."""
    open_loopback()
    data = tmp_path_factory.mktemp("centre") / "data"
    data.parent.chmod(0o755)
    subprocess.run(["cp", "-a", str(prepared), str(data)], check=True)  # whose files they are is kept
    *ports, issuer_port = (claims.free_port() for _ in range(5))
    if ahead is not None:
        _set_ahead(data, ports[2], data.parent / "postgres.out", ahead)
    secret = data.parent / "oidc-secret"
    secret.write_text(SECRET, encoding="utf-8")
    organisation = {
        "key": "prova", "label": "Comune di prova", "issuer": f"http://127.0.0.1:{issuer_port}",
        "client_id": "filodiretto", "client_secret_file": str(secret),
    }  # fmt: skip
    options = [
        f"{name}={port}"
        for name, port in zip(("--port", "--simulator-port", "--postgres-port", "--redis-port"), ports, strict=True)
    ]
    environ = {
        **_outside(),
        "FILODIRETTO_DATA": str(data),
        "FILODIRETTO_OIDC_PROVIDERS": json.dumps([organisation]),
        "FILODIRETTO_SIMULATOR_TRAFFIC": "off",
        "FILODIRETTO_SIMULATOR_COLLEAGUES": "",
        "FILODIRETTO_SIMULATOR_SPEECH": "0.05",
        "FILODIRETTO_SIMULATOR_WAITS": "0.2",
        "FILODIRETTO_SIMULATOR_GRACE_S": "20",  # 4 s: a page that opens again on a busy machine is in time
        "FILODIRETTO_SIMULATOR_AHEAD_S": str(ahead.total_seconds() if ahead else 0),
    }
    command = ["-m", "web.cli", "run", *options]
    try:
        with _begun(command, environ, data.parent / "run.out") as process:
            web, simulator, *_ = (f"http://127.0.0.1:{port}" for port in ports)
            running = Centre(web, simulator, data, process, issuer_port)
            numbers = f"{simulator}/simulator/setup"
            eventually(lambda: bool(httpx.get(numbers, timeout=5).json()["numbers"]), "the numbers are provisioned")
            yield running
    finally:
        SHOTS.mkdir(exist_ok=True)
        shutil.copytree(
            data / "logs", SHOTS / "logs" / os.environ.get("PYTEST_XDIST_WORKER", "main"), dirs_exist_ok=True
        )


@pytest.fixture(autouse=True)
def nobody_is_left(centre: Centre, loopback: None) -> Iterator[None]:
    """A journey that fails leaves no caller behind for the next one."""
    yield
    while centre.placed:
        centre.hang_up(centre.placed.pop())


@dataclass
class Desk:
    """One person's browser."""

    page: Page
    centre: Centre
    problems: list[str]

    def ready(self) -> "Desk":
        """Press *ready*, once the telephone is there. It rings at once when somebody waits already."""
        expect(self.page.locator("#device")).to_have_attribute("data-device", "ready")
        if self.page.locator("#go-ready").is_visible():
            self.page.locator("#go-ready").click()
        expect(self.page.locator("#band")).to_have_class(re.compile("is-(ready|ringing)"))
        return self

    def shot(self, name: str) -> None:
        """A picture for whoever looks at it afterwards."""
        SHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png")


@pytest.fixture(scope="session")
def signed_in() -> dict[str, StorageState]:
    """The cookies of whoever has signed in before, by username."""
    return {}


@pytest.fixture
def sit_down(
    centre: Centre, chromium: Browser, signed_in: dict[str, StorageState], loopback: None
) -> Iterator[Callable[..., Desk]]:
    """Somebody in a browser of his own, who signs in unless his session still holds. At the end agents go off duty,
    and no page had an error."""
    desks: list[tuple[str, Desk]] = []

    def sign_in(username: str, path: str = "", width: int = 1366, height: int = 768) -> Desk:
        context = chromium.new_context(
            base_url=centre.web, viewport={"width": width, "height": height}, locale="it-IT",
            timezone_id="Europe/Rome", storage_state=signed_in.get(username), reduced_motion="reduce",
        )  # fmt: skip
        page = context.new_page()
        desk = Desk(page, centre, [])
        page.on("pageerror", lambda error: desk.problems.append(str(error)))
        page.on("console", lambda message: _note(desk, message.type, message.text))
        page.goto(path or "/")
        if "/sign-in" in page.url:
            give_credentials(page, username)
            signed_in[username] = {"cookies": context.storage_state()["cookies"], "origins": []}
        expect(page.locator("[data-live]").first).to_have_attribute("data-live", "on")
        desks.append((username, desk))
        return desk

    yield sign_in
    for username, desk in desks:
        _clear_away(username, desk)
        desk.page.context.close()
    assert [problem for _, desk in desks for problem in desk.problems] == []


def give_credentials(page: Page, username: str) -> None:
    """Sign in on the page that asks for it."""
    page.fill("#username", username)
    page.fill("#password", DEMO_PASSWORD)
    page.click("main button.primary")
    page.wait_for_url(lambda url: "sign-in" not in url)


def _clear_away(username: str, desk: Desk) -> None:
    """Whoever is on duty goes home; one whom a journey that failed leaves in a call, or in its notes, ends it first."""
    page = desk.page
    if page.is_closed() or not page.locator("#band").count():
        return
    while desk.centre.placed:
        desk.centre.hang_up(desk.centre.placed.pop())
    save = page.locator("#save-ready")
    if page.locator("#band").get_attribute("data-state") in BUSY:
        page.goto("/console")
        if "/sign-in" in page.url:
            give_credentials(page, username)
        expect(page.locator("#band")).to_have_attribute("data-state", re.compile("ready|paused|offline|wrap_up"))
    if save.is_visible():
        page.select_option("#topic", "payment")
        page.select_option("#disposition", "answered")
        save.click()
        expect(save).not_to_be_visible()
    if page.locator("#go-offline").count():
        page.locator("#go-offline").click()


def _note(desk: Desk, kind: str, text: str) -> None:
    passing = ("WebSocket connection", "ERR_CONNECTION", "Failed to load resource")  # the server was restarted
    if kind == "error" and not any(part in text for part in passing):
        desk.problems.append(text)


@pytest.fixture
def citizen(centre: Centre) -> dict[str, str]:
    """A taxpayer who calls from his own telephone, and the line of his ente, which asks nobody about recording."""
    return taxpayer(centre, but=RECORDS)


@pytest.fixture
def recorded_citizen(centre: Centre) -> dict[str, str]:
    """One of the ente that records conversations."""
    return taxpayer(centre, only=RECORDS)


def taxpayer(centre: Centre, *, but: str = "", only: str = "") -> dict[str, str]:
    lines = {code: geographic for code, _, geographic in LINES if code != but and only in {"", code}}
    for one in json.loads((centre.data / "callers.json").read_text()):
        is_company = re.search(r" S\.\w\.\w\.$", one["name"])  # for which somebody else speaks
        if one["notice_number"] and one.get("ente") in lines and one["name"] and not is_company:
            return {**one, "line": lines[one["ente"]]}
    raise AssertionError("the demo has no such caller")


def today(board: Page) -> dict[str, int]:
    """Today's figures, as the wallboard shows them."""
    texts = board.locator(".today li").all_inner_texts()
    received, answered, lost = (int(re.findall(r"\d+", text)[0]) for text in texts)
    return {"received": received, "answered": answered, "lost": lost}


def identify(page: Page) -> None:
    """Ask two questions, tick their answers, and confirm."""
    for answer in page.locator('input[name="right"]').all()[:2]:
        answer.check()
    page.keyboard.press("Alt+i")


def write_up(page: Page, topic: str = "payment", disposition: str = "answered") -> None:
    """Choose topic and outcome, save, and be ready again."""
    expect(page.locator("#save-ready")).to_be_visible()
    page.select_option("#topic", topic)
    page.select_option("#disposition", disposition)
    page.keyboard.press("Alt+s")
    expect(page.locator("#band")).to_have_class(re.compile("is-ready"))
