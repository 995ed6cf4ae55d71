"""An authorisation server (RFC 6749, RFC 7662) as mail providers have one: it gives tokens, and says whose they are."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

CLIENT = ("filodiretto", "segreto dell'applicazione")


@dataclass
class Authorisation:
    """`users`: whose each refresh token is; `renews`: with each token it gives another one, and the old one is over."""

    port: int
    users: dict[str, str] = field(default_factory=dict)
    active: dict[str, str] = field(default_factory=dict)  # access tokens, and whose they are
    renews: bool = False
    lasts: int = 3_600
    given: int = 0

    @property
    def token_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/token"

    def revoke(self) -> None:
        """Nobody's authorisation holds any more."""
        self.users.clear()
        self.active.clear()

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Of a refresh token (RFC 6749, 6)."""
        if (form.get("client_id"), form.get("client_secret")) != CLIENT:
            return 401, {"error": "invalid_client"}
        old = form.get("refresh_token", "")
        if form.get("grant_type") != "refresh_token" or old not in self.users:
            return 400, {"error": "invalid_grant"}
        self.given += 1
        token, user = f"accesso-{self.given}", self.users[old]
        self.active[token] = user
        said = {"access_token": token, "token_type": "Bearer", "expires_in": self.lasts}
        if self.renews:
            said["refresh_token"] = f"rinnovo-{self.given}"
            self.users[f"rinnovo-{self.given}"] = self.users.pop(old)
        return 200, said

    def introspected(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Whose a token is (RFC 7662)."""
        user = self.active.get(form.get("token", ""))
        return 200, {"active": True, "username": user} if user is not None else {"active": False}


@contextmanager
def authorisation(port: int) -> Iterator[Authorisation]:
    """One that answers."""
    made = Authorisation(port)

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            form = {name: values[0] for name, values in parse_qs(text).items()}
            code, said = made.token(form) if self.path == "/token" else made.introspected(form)
            content = json.dumps(said).encode()
            self.send_response(code)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class has it so
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Answers)
    threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.02}).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
