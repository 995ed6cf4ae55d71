"""What opens a mailbox: a password, or a refresh token for which an authorisation server gives tokens (RFC 6749, 6).

Kept encrypted, bound to its mailbox; opened by whoever is about to connect, and never shown again.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from threading import Lock

import httpx
from sqlalchemy.orm import Session

from crm.core import secrecy
from telephony.mail.errors import MailboxError
from telephony.mail.models import Auth, Mailbox, Trouble

_PURPOSE = "mailbox"
TIMEOUT_S = 10.0
EARLY_S = 60  # before its end a token is got anew
_OK = 200


@dataclass(frozen=True, slots=True)
class Secret:
    """Either `password`; or the rest, which a provider's registration of applications gives."""

    password: str = field(default="", repr=False)
    token_url: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    scope: str = ""


def sealed(session: Session, mailbox_id: int, secret: Secret) -> bytes:
    """The secret as its row keeps it."""
    return secrecy.of(session).seal(_PURPOSE, json.dumps(asdict(secret)).encode(), about=_about(mailbox_id))


def opened(session: Session, row: Mailbox) -> Secret:
    """The secret again."""
    return Secret(**json.loads(secrecy.of(session).open(_PURPOSE, row.secret, about=_about(row.id))))


class Tokens:
    """Access tokens, each got once until shortly before its end."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._lock = now, Lock()
        self._held: dict[Secret, tuple[str, float]] = {}

    def access(self, secret: Secret) -> str:
        """A token that holds for a while. Raises `MailboxError`."""
        with self._lock:
            held = self._held.get(secret)
        if held is not None and held[1] > self._now():
            return held[0]
        token, lasts = _asked(secret)
        with self._lock:
            self._held[secret] = token, self._now() + lasts - EARLY_S
        return token

    def refused(self, secret: Secret) -> None:
        """A server did not take it: next time it is got anew."""
        with self._lock:
            self._held.pop(secret, None)


def credential(auth: Auth, secret: Secret, tokens: Tokens) -> str:
    """What is shown to the server: the password, or a token."""
    return secret.password if auth is Auth.PASSWORD else tokens.access(secret)


def _asked(secret: Secret) -> tuple[str, float]:
    form = {
        "grant_type": "refresh_token", "client_id": secret.client_id, "client_secret": secret.client_secret,
        "refresh_token": secret.refresh_token, "scope": secret.scope,
    }  # fmt: skip
    try:
        answer = httpx.post(
            secret.token_url, data={name: value for name, value in form.items() if value}, timeout=TIMEOUT_S
        )
        said = answer.json()
        if answer.status_code == _OK:
            return str(said["access_token"]), float(said.get("expires_in", 300))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise MailboxError(Trouble.AWAY, f"the token server does not answer: {type(error).__name__}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MailboxError(Trouble.CREDENTIALS, "the token server's answer cannot be read") from error
    raise MailboxError(Trouble.CREDENTIALS, f"the token server answered {answer.status_code}")


def _about(mailbox_id: int) -> bytes:
    return f"mailbox:{mailbox_id}".encode()
