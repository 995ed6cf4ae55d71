"""A small world: the simulator served for real, a product that records what it is told, softphones, REST."""

import base64
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import jwt
import pytest
import uvicorn
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from twilio.request_validator import RequestValidator
from websockets.sync.client import ClientConnection, connect

from telephony.carriers.simulator.app import create_app
from telephony.carriers.simulator.colleagues.browser import AGENT
from telephony.carriers.simulator.config import Faults, Number, Pace, SimulatorConfig

ACCOUNT, TOKEN = "AC" + "a" * 32, "token-of-the-account"
KEY, SECRET = "SK" + "b" * 32, "secret-of-the-key-long-enough-for-hs256"
LINE = "+390550001111"
CITIZEN = "+393331234567"
PATIENCE_S = 5.0
PACE = Pace(speech=0.0, waits=0.02, repeat_floor_s=0.02)
DESCRIPTION = Path(
    os.environ.get(
        "FILODIRETTO_TWILIO_DESCRIPTION",
        Path(__file__).parents[4] / "shared" / "data" / "twilio_api_v2010.json",
    )
)
EMPTY = "<Response/>"


@dataclass
class Told:
    """One request that the product received."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]


@dataclass
class Product:
    """Answers with the TwiML of `pages` (text, or a function of the parameters); 204 to anything else."""

    server: ThreadingHTTPServer
    url: str
    pages: dict[str, Any] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    badly_signed: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait(self, path: str, count: int = 1, **params: str) -> Told:
        """The `count`-th request to `path` with those parameters, waiting for it if need be."""

        def found() -> list[Told]:
            return [t for t in self.told if t.path == path and params.items() <= t.params.items()]

        with self.changed:
            if not self.changed.wait_for(lambda: len(found()) >= count, PATIENCE_S):
                seen = [(t.path, t.params.get("CallStatus"), t.params.get("StatusCallbackEvent")) for t in self.told]
                raise AssertionError(f"{path} {params} not told {count} times; told {seen}")
        return found()[count - 1]

    def all(self, path: str) -> list[Told]:
        return [told for told in self.told if told.path == path]

    def answer(self, told: Told, url: str, signature: str) -> tuple[int, str, str]:
        params = told.params if told.method == "POST" else {}
        if not RequestValidator(TOKEN).validate(url, params, signature):
            self.badly_signed.append(url)
        with self.changed:
            self.told.append(told)
            self.changed.notify_all()
        page = self.pages.get(told.path)
        if page is None:
            return 204, "", ""
        result = page(told.params) if callable(page) else page
        return result if isinstance(result, tuple) else (200, "text/xml", result)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    product: Product

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length).decode()
        if len(body.encode()) < length:  # the simulator was stopped as it spoke
            return
        self._reply(dict(parse_qsl(body, keep_blank_values=True)))

    def do_GET(self) -> None:
        self._reply(dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True)))

    def _reply(self, params: dict[str, str]) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        told = Told(self.command, urlsplit(self.path).path, params, headers)
        url = self.product.url + self.path
        status, content_type, text = self.product.answer(told, url, headers.get("x-twilio-signature", ""))
        self.send_response(status)
        if status != 204:
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(text.encode())))
        self.end_headers()
        if status != 204:
            self.wfile.write(text.encode())

    def log_message(self, *_args: Any) -> None:
        """Quiet."""


@dataclass
class Phone:
    """An agent's softphone."""

    socket: ClientConnection

    def expect(self, kind: str) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.socket.recv(timeout=PATIENCE_S))
        assert message["type"] == kind, message
        return message

    def say(self, kind: str, call_sid: str) -> None:
        self.socket.send(json.dumps({"type": kind, "call_sid": call_sid}))

    def silent(self, seconds: float = 0.1) -> bool:
        try:
            self.socket.recv(timeout=seconds)
        except TimeoutError:
            return True
        return False


@dataclass
class World:
    """Everything a scenario needs."""

    product: Product
    url: str
    http: httpx.Client
    description: OpenAPI | None
    sockets: ExitStack = field(default_factory=ExitStack)

    def rest(self, method: str, path: str, status: int = 200, **fields: Any) -> dict[str, Any]:
        """A REST request as the account; its successful reply is checked against Twilio's description."""
        full = f"/2010-04-01/Accounts/{ACCOUNT}{path}"
        options: dict[str, Any] = {"data" if method == "POST" else "params": fields} if fields else {}
        response = self.http.request(method, full, **options)
        assert response.status_code == status, response.text
        if status < 300 and self.description is not None:
            self._conforms(method, full, fields, response)
        return response.json() if response.content else {}

    def _conforms(self, method: str, path: str, fields: dict[str, Any], response: httpx.Response) -> None:
        assert self.description is not None
        basic = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        request = MockRequest(
            "https://api.twilio.com", method.lower(), path, args=fields if method == "GET" else {},
            headers={"Authorization": f"Basic {basic}"},
        )  # fmt: skip
        mime = response.headers.get("content-type", "application/json")
        reply = MockResponse(response.content, response.status_code, dict(response.headers), mime)
        self.description.validate_response(request, reply)

    def call_in(self, *script: dict[str, Any], to: str = LINE) -> str:
        body = {"from": CITIZEN, "to": to, "script": list(script)}
        response = self.http.post("/simulator/calls", json=body)
        assert response.status_code == 201, response.text
        return str(response.json()["sid"])

    def see(self, sid: str) -> dict[str, Any]:
        view: dict[str, Any] = self.http.get(f"/simulator/calls/{sid}").json()
        return view

    def until(self, sid: str, true: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_S
        while not true(view := self.see(sid)):
            assert time.monotonic() < deadline, view
            time.sleep(0.01)
        return view

    def hang_up(self, sid: str) -> None:
        self.http.post(f"/simulator/calls/{sid}/hangup")

    def phone(self, identity: str = "agent1", **overrides: Any) -> Phone:
        """A softphone that has registered."""
        phone = Phone(self.open("/device?token=" + access_token(identity, **overrides)))
        phone.expect("registered")
        return phone

    def colleague(self, identity: str) -> Phone:
        """A softphone of one of the simulator's own colleagues."""
        phone = Phone(self.open("/device?token=" + access_token(identity), user_agent_header=AGENT))
        phone.expect("registered")
        return phone

    def open(self, path: str, **options: Any) -> ClientConnection:
        options = {"open_timeout": PATIENCE_S, "close_timeout": 1, "proxy": None} | options
        return self.sockets.enter_context(connect(self.url.replace("http", "ws", 1) + path, **options))

    def address(self, path: str) -> str:
        return self.product.url + path


def access_token(identity: str, *, secret: str = SECRET, expires_in: float = 600, cty: str = "") -> str:
    now = int(time.time())
    grants = {"identity": identity, "voice": {"incoming": {"allow": True}}}
    claims = {"iss": KEY, "sub": ACCOUNT, "nbf": now, "exp": now + expires_in, "grants": grants}
    return jwt.encode(claims, secret, "HS256", {"cty": cty or "twilio-fpa;v=1"})


@pytest.fixture(scope="session")
def description() -> OpenAPI | None:
    """Twilio's own description, trimmed to the resources that the simulator has; None where it is absent."""
    if not DESCRIPTION.exists():
        return None
    whole = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    wanted = (
        "/Calls.json",
        "/Calls/{Sid}.json",
        "/Calls/{CallSid}/Recordings",
        "/Conferences",
        "/IncomingPhoneNumbers.json",
        "/Messages.json",
        "/Messages/{Sid}.json",
    )
    whole["paths"] = {path: item for path, item in whole["paths"].items() if any(w in path for w in wanted)}
    # Null while the conference lives, says its documentation; the description forgot to say nullable.
    whole["components"]["schemas"]["conference_enum_reason_conference_ended"]["nullable"] = True
    whole["components"]["schemas"]["conference_enum_reason_conference_ended"]["enum"].append(None)
    return OpenAPI.from_dict(whole)


@pytest.fixture
def product(socket_enabled: None) -> Iterator[Product]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {}))
    server.daemon_threads = True
    made = Product(server, f"http://127.0.0.1:{server.server_port}")
    server.RequestHandlerClass.product = made  # type: ignore[attr-defined]
    thread = threading.Thread(target=lambda: server.serve_forever(0.01), daemon=True)
    thread.start()
    yield made
    server.shutdown()
    thread.join(PATIENCE_S)
    server.server_close()
    assert made.badly_signed == []


@pytest.fixture
def make_world(product: Product, description: OpenAPI | None) -> Iterator[Callable[..., World]]:
    """Worlds with the faults or configuration a test asks for."""
    stops: list[Callable[[], None]] = []

    def make(faults: Faults | None = None, **changes: Any) -> World:
        listener = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        number = Number(LINE, product.url + "/voice", status_callback=product.url + "/number-status")
        config = SimulatorConfig(
            ACCOUNT, TOKEN, KEY, SECRET, url, numbers=(number,), pace=PACE, faults=faults or Faults(),
        )  # fmt: skip
        server = uvicorn.Server(
            uvicorn.Config(create_app(replace(config, **changes)), log_config=None, access_log=False,
                           ws="websockets-sansio", timeout_graceful_shutdown=1)
        )  # fmt: skip
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]), daemon=True)
        thread.start()
        http = httpx.Client(base_url=url, auth=(ACCOUNT, TOKEN), timeout=PATIENCE_S, trust_env=False, verify=False)
        world = World(product, url, http, description)

        def stop() -> None:
            world.sockets.close()
            http.close()
            server.should_exit = True
            thread.join(PATIENCE_S)
            listener.close()
            assert not thread.is_alive()

        stops.append(stop)
        wait_until_live(http)
        return world

    yield make
    for stop in stops:
        stop()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()


def wait_until_live(http: httpx.Client) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            assert http.get("/health/live").status_code == 200
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        else:
            return
