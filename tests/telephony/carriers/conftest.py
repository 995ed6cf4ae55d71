"""Twilio's REST API, as far as a test needs it: a real server that remembers what it was asked."""

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from telephony.carriers.twilio.carrier import TwilioCarrier

ACCOUNT, TOKEN = "AC" + "a" * 32, "token-of-the-account"
KEY, SECRET = "SK" + "b" * 32, "secret-of-the-key-long-enough-for-hs256"
PREFIX = "/elsewhere"  # the server's own base path, which replaces https://api.twilio.com
ROOT = f"/2010-04-01/Accounts/{ACCOUNT}"
CONFERENCE, CALL, NUMBER = "CF" + "c" * 32, "CA" + "d" * 32, "PN" + "e" * 32
DESCRIPTION = Path(
    os.environ.get(
        "FILODIRETTO_TWILIO_DESCRIPTION",
        Path(__file__).parents[4] / "shared" / "data" / "twilio_api_v2010.json",
    )
)


@dataclass(frozen=True)
class Asked:
    """One request, as it came over the wire."""

    method: str
    path: str  # below the prefix, without query
    query: list[tuple[str, str]]
    form: list[tuple[str, str]]
    body: bytes
    headers: dict[str, str]


@dataclass
class Twilio:
    """Answers each (method, path below the account) with a status and a JSON body; 404 to anything else."""

    server: ThreadingHTTPServer
    replies: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)  # of every answer
    hangs_up: bool = False  # reads the request, and closes the connection without a word

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{PREFIX}"

    def reply(self, asked: Asked) -> tuple[int, Any]:
        self.asked.append(asked)
        missing = 404, {"code": 20404, "message": "not found", "more_info": "", "status": 404}
        return self.replies.get((asked.method, asked.path.removeprefix(ROOT)), missing)

    def fails(self, status: int, code: int | None = None) -> None:
        """Every request to end or move the call fails like this."""
        error = {"code": code, "message": "…", "more_info": "…", "status": status}
        self.replies["POST", f"/Calls/{CALL}.json"] = (status, error)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    twilio: Twilio

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        parts = urlsplit(self.path)
        assert parts.path.startswith(PREFIX)
        asked = Asked(
            self.command, parts.path.removeprefix(PREFIX), parse_qsl(parts.query, keep_blank_values=True),
            parse_qsl(body.decode(), keep_blank_values=True), body,
            {name.lower(): value for name, value in self.headers.items()},
        )  # fmt: skip
        status, answer = self.twilio.reply(asked)
        if self.twilio.hangs_up:
            self.close_connection = True
            return
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        for name, value in self.twilio.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_DELETE = do_GET  # noqa: N815

    def log_message(self, *_args: Any) -> None:
        """Quiet."""


@pytest.fixture
def twilio(loopback: None) -> Iterator[Twilio]:
    """A server that speaks as much of Twilio's API as a test teaches it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {}))
    server.daemon_threads = True
    made = Twilio(server)
    server.RequestHandlerClass.twilio = made  # type: ignore[attr-defined]
    thread = threading.Thread(target=lambda: server.serve_forever(0.01), daemon=True)
    thread.start()
    yield made
    server.shutdown()
    thread.join(5)
    server.server_close()


def carrier_at(api_url: str | None, *, timeout_s: float = 5, device_url: str | None = None) -> TwilioCarrier:
    """The carrier, on the API at this address."""
    return TwilioCarrier(
        account_sid=ACCOUNT, auth_token=TOKEN, api_key=KEY, api_secret=SECRET, timeout_s=timeout_s, api_url=api_url,
        device_url=device_url,
    )  # fmt: skip


@pytest.fixture
def carrier(twilio: Twilio) -> TwilioCarrier:
    """The carrier under test."""
    return carrier_at(twilio.url)
