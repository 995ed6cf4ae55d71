"""What a protocol system is asked and answers, whoever makes it; and which ones this installation may ask.

An ente's is named in the environment by its codice catastale, so that nobody can have a credential sent elsewhere:

    FILODIRETTO_PROTOCOL_D403_URL=https://protocollo.example.it/api
    FILODIRETTO_PROTOCOL_D403_TOKEN_FILE=/run/secrets/protocollo-d403     (or …_TOKEN with the value itself)

An ente without one has its numbers written by hand.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from uuid import UUID

PREFIX = "FILODIRETTO_PROTOCOL_"
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class ProtocolError(Exception):
    """It was not registered. The message is an Italian sentence fit for a screen.

    `permanent`: asking again gives the same, until somebody changes something.
    """

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request, as it is registered. `key`: the same at every attempt; `sender`: none where nobody knows him."""

    key: UUID
    subject: str
    received_at: datetime
    sender: str | None
    sender_code: str | None  # codice fiscale


@dataclass(frozen=True, slots=True)
class Registered:
    """The number that it has, and of which day."""

    number: str
    day: date


class Registry(Protocol):
    """A protocol system. Not called within a transaction."""

    def register(self, incoming: Incoming) -> Registered:
        """Register something; with the same key again it gives the same number. Raises `ProtocolError`."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an ente's is, and by what it knows us."""

    url: str
    token: str = field(repr=False)


def endpoint(ente_code: str, environ: Mapping[str, str] | None = None) -> Endpoint | None:
    """That of an ente, by its codice catastale; none where none is set. Raises `ProtocolError` for a wrong one."""
    environ = os.environ if environ is None else environ
    name = f"{PREFIX}{ente_code}"
    url = environ.get(f"{name}_URL", "").rstrip("/")
    if not url:
        return None
    parts = urlsplit(url)
    plain = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not (parts.scheme == "https" or plain) or not parts.hostname or parts.username or parts.query:
        raise ProtocolError(f"{name}_URL deve essere un indirizzo https senza credenziali.", permanent=True)
    return Endpoint(url, _token(f"{name}_TOKEN", environ))


def _token(variable: str, environ: Mapping[str, str]) -> str:
    token = environ.get(variable, "")
    if path := environ.get(f"{variable}_FILE"):
        try:
            token = Path(path).read_text(encoding="utf-8").strip()
        except OSError:
            raise ProtocolError(f"{variable}_FILE: il file non si può leggere.", permanent=True) from None
    if not token or not token.isascii() or not token.isprintable():
        raise ProtocolError(f"Manca la credenziale: impostare {variable} o {variable}_FILE.", permanent=True)
    return token
