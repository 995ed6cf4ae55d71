"""What opens a mailbox: a password, or a refresh token for which an authorisation server gives tokens (RFC 6749, 6).

Kept encrypted, bound to its mailbox; opened by whoever is about to connect, and never shown again.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from threading import Lock

import httpx
from sqlalchemy.orm import Session

from crm.core import secrecy
from telephony.mail.errors import MailboxError
from telephony.mail.models import Auth, Mailbox, Trouble

_PURPOSE = "mailbox"
TIMEOUT_S = 10.0
EARLY_S = 60  # before its end a token is got anew
_OK, _TOO_MANY, _OURS_NO_MORE = 200, 429, 500


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


def renewed(session: Session, mailbox_id: int, old: Secret, new: Secret) -> None:
    """The authorisation server gave another refresh token, which replaces the old one (RFC 6749, 6). What somebody has
    written meanwhile stays.
    """
    row = session.get(Mailbox, mailbox_id, with_for_update=True, populate_existing=True)
    if row is not None and opened(session, row) == old:
        row.secret = sealed(session, mailbox_id, new)
        session.flush()


Keep = Callable[[Secret, Secret], None]  # what opened a mailbox, and what does from now on


class Tokens:
    """Access tokens, each got once until shortly before its end."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._lock = now, Lock()
        self._held: dict[Secret, tuple[str, float]] = {}
        self._newer: dict[Secret, Secret] = {}

    def access(self, secret: Secret, keep: Keep) -> str:
        """A token that holds for a while; `keep` is called with what is shown next time. Raises `MailboxError`."""
        with self._lock:
            secret = self._latest(secret)
            held = self._held.get(secret)
        if held is not None and held[1] > self._now():
            return held[0]
        token, lasts, refresh_token = _asked(secret)
        newer = replace(secret, refresh_token=refresh_token)
        with self._lock:
            self._held[newer] = token, self._now() + lasts - EARLY_S
            if newer != secret:
                self._newer[secret] = newer
        if newer != secret:
            keep(secret, newer)
        return token

    def refused(self, secret: Secret) -> None:
        """A server did not take it: next time it is got anew."""
        with self._lock:
            self._held.pop(self._latest(secret), None)

    def _latest(self, secret: Secret) -> Secret:
        while secret in self._newer:
            secret = self._newer[secret]
        return secret


def credential(auth: Auth, secret: Secret, tokens: Tokens, keep: Keep) -> str:
    """What is shown to the server: the password, or a token."""
    return secret.password if auth is Auth.PASSWORD else tokens.access(secret, keep)


def _asked(secret: Secret) -> tuple[str, float, str]:
    """A token, for how many seconds it holds, and the refresh token from now on."""
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
            newer = said.get("refresh_token") or secret.refresh_token
            return str(said["access_token"]), float(said.get("expires_in", 300)), str(newer)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise MailboxError(Trouble.AWAY, f"the token server does not answer: {type(error).__name__}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MailboxError(Trouble.TOKEN, "the token server's answer cannot be read") from error
    passing = answer.status_code >= _OURS_NO_MORE or answer.status_code == _TOO_MANY
    raise MailboxError(Trouble.AWAY if passing else Trouble.TOKEN, f"the token server answered {answer.status_code}")


def _about(mailbox_id: int) -> bytes:
    return f"mailbox:{mailbox_id}".encode()
