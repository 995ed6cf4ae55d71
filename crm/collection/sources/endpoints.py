"""The gestionali that this installation may ask, from the environment: an address and its credential belong together.

For an endpoint named `MAGGIOLI`:

    FILODIRETTO_GESTIONALE_MAGGIOLI_URL=https://gestionale.example.it/api
    FILODIRETTO_GESTIONALE_MAGGIOLI_TOKEN_FILE=/run/secrets/maggioli     (or …_TOKEN with the value itself)

The database holds the name alone.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from crm.collection.sources.port import SourceError

PREFIX = "FILODIRETTO_GESTIONALE_"
NAME = re.compile(r"[A-Z0-9_]{1,40}")
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One gestionale."""

    url: str
    token: str = field(repr=False)


def names(environ: Mapping[str, str] | None = None) -> list[str]:
    """The endpoints that are set, for whoever chooses one."""
    environ = os.environ if environ is None else environ
    found = (name[len(PREFIX) : -len("_URL")] for name in environ if name.startswith(PREFIX) and name.endswith("_URL"))
    return sorted(name for name in found if NAME.fullmatch(name))


def endpoint(name: str | None, environ: Mapping[str, str] | None = None) -> Endpoint:
    """The address and the credential of an endpoint. Raises `SourceError` with what is to be set."""
    environ = os.environ if environ is None else environ
    url = environ.get(f"{PREFIX}{name}_URL", "").rstrip("/")
    if name is None or not NAME.fullmatch(name) or not url:
        raise SourceError(f"Il gestionale «{name}» non è configurato: impostare {PREFIX}{name}_URL.", permanent=True)
    parts = urlsplit(url)
    plain = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not (parts.scheme == "https" or plain) or not parts.hostname or parts.username or parts.query:
        raise SourceError(f"{PREFIX}{name}_URL deve essere un indirizzo https senza credenziali.", permanent=True)
    return Endpoint(url, _token(name, environ))


def _token(name: str, environ: Mapping[str, str]) -> str:
    variable = f"{PREFIX}{name}_TOKEN"
    token = environ.get(variable, "")
    if path := environ.get(f"{variable}_FILE"):
        try:
            token = Path(path).read_text(encoding="utf-8").strip()
        except OSError:
            raise SourceError(f"{variable}_FILE: il file non si può leggere.", permanent=True) from None
    if not token or not token.isascii() or not token.isprintable():
        raise SourceError(f"Manca la credenziale: impostare {variable} o {variable}_FILE.", permanent=True)
    return token
