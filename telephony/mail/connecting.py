"""A mailbox's folder by IMAP (RFC 3501, IDLE RFC 2177): the one module that knows the library.

`IMAPClient` rather than others: it gives any part of any message by its UID, as it came, and parses what servers
answer; `imap-tools` reads whole messages alone and parses them its own way. Nothing is written: the folder is opened
to be read (EXAMINE), and bodies are peeked at. Every step ends within the time-out.
"""

import contextlib
import ssl
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeVar

from imapclient import IMAPClient
from imapclient.exceptions import CapabilityError, IMAPClientAbortError, IMAPClientError, LoginError

from telephony.mail.errors import MailboxError
from telephony.mail.models import Auth, Tls, Trouble
from telephony.messages.mail import LOOPBACK

TIMEOUT_S = 30.0
CHUNK = 1_000_000  # bytes of a message asked for at a time
_AWAY = "[UNAVAILABLE]"  # RFC 5530, 3: whoever it asks about users does not answer
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Account:
    """Where a mailbox is and what opens it."""

    host: str
    port: int
    tls: Tls
    username: str
    auth: Auth
    credential: str
    folder: str = "INBOX"


@dataclass(frozen=True, slots=True)
class Listed:
    """A message in the folder: `at` when it reached it."""

    uid: int
    size: int
    at: datetime


class Inbox:
    """An open folder. Raises `MailboxError`."""

    def __init__(self, account: Account, *, timeout_s: float = TIMEOUT_S) -> None:
        if account.tls is Tls.NONE and account.host not in LOOPBACK:
            raise MailboxError(Trouble.INSECURE, "a password leaves this machine encrypted alone")
        self._client = _tried(lambda: _connected(account, timeout_s), "connecting")
        try:
            _tried(lambda: _signed_in(self._client, account), "signing in")
            found = self._select(account.folder)
            self.can_idle = bool(_tried(lambda: self._client.has_capability("IDLE"), "capabilities"))
        except MailboxError:
            self.close()
            raise
        self.uidvalidity = int(found[b"UIDVALIDITY"])

    def _select(self, folder: str) -> dict[bytes, Any]:
        try:
            found: dict[bytes, Any] = _tried(lambda: self._client.select_folder(folder, readonly=True), "select")
        except MailboxError as error:
            raise MailboxError(
                Trouble.NO_FOLDER if error.trouble is Trouble.REFUSED else error.trouble, str(error)
            ) from error
        if b"UIDVALIDITY" not in found:
            raise MailboxError(Trouble.REFUSED, "the server gives no UIDVALIDITY")
        return found

    def after(self, uid: int) -> list[int]:
        """The UIDs above this one, in their order. `n:*` names the last message even when it is below."""
        found = _tried(lambda: self._client.search(["UID", f"{uid + 1}:*"]), "search")
        return sorted(one for one in found if one > uid)

    def listed(self, uids: Collection[int], *, now: datetime) -> list[Listed]:
        """Size and arrival of these; those that are gone meanwhile are left out. Of one of which the server does not
        know when it came, it is `now`.
        """
        found = _tried(lambda: self._client.fetch(list(uids), ["RFC822.SIZE", "INTERNALDATE"]), "fetch")
        return [
            Listed(uid, int(row[b"RFC822.SIZE"]), _instant(row.get(b"INTERNALDATE")) or now)
            for uid, row in sorted(found.items()) if b"RFC822.SIZE" in row
        ]  # fmt: skip

    def contents(self, uids: Collection[int]) -> dict[int, bytes]:
        """These messages, whole."""
        found = _tried(lambda: self._client.fetch(list(uids), ["BODY.PEEK[]"]), "fetch")
        return {uid: row[b"BODY[]"] for uid, row in found.items() if row.get(b"BODY[]") is not None}

    def pieces(self, uid: int) -> Iterator[bytes]:
        """A message, a piece at a time."""
        start = 0
        while True:
            asked = f"BODY.PEEK[]<{start}.{CHUNK}>"
            row = _tried(lambda: self._client.fetch([uid], [asked]), "fetch").get(uid, {})  # noqa: B023  # called at once
            piece = row.get(f"BODY[]<{start}>".encode()) or b""
            if piece:
                yield piece
            start += len(piece)
            if len(piece) < CHUNK:
                return

    def wait(self, seconds: float) -> None:
        """Until something happens in the folder, or for so long; a server that tells nothing of its own is asked."""
        if not self.can_idle:
            _tried(self._client.noop, "noop")
            return
        _tried(self._client.idle, "idle")
        try:
            _tried(lambda: self._client.idle_check(timeout=seconds), "idle")
        finally:
            _tried(self._client.idle_done, "idle")

    def wake(self) -> None:
        """Whoever waits stops waiting: called from another thread, when the process ends."""
        with contextlib.suppress(OSError, AttributeError):
            self._client.shutdown()

    def close(self) -> None:
        """Leave; whatever the server says to it."""
        with contextlib.suppress(OSError, IMAPClientError, AttributeError):
            self._client.logout()
        self.wake()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close() if kind is None else self.wake()


def _connected(account: Account, timeout_s: float) -> Any:
    context = None if account.tls is Tls.NONE else ssl.create_default_context()
    client = IMAPClient(
        account.host, account.port, ssl=account.tls is Tls.TLS, timeout=timeout_s,
        ssl_context=context if account.tls is Tls.TLS else None,
    )  # fmt: skip
    client.normalise_times = False
    if account.tls is Tls.STARTTLS:
        try:
            client.starttls(context)
        except BaseException:
            with contextlib.suppress(OSError):
                client.shutdown()
            raise
    return client


def _signed_in(client: Any, account: Account) -> None:
    if account.auth is Auth.PASSWORD:
        client.login(account.username, account.credential)
    elif client.has_capability("AUTH=OAUTHBEARER") and not client.has_capability("AUTH=XOAUTH2"):  # RFC 7628
        client.oauthbearer_login(account.username, account.credential)
    else:
        client.oauth2_login(account.username, account.credential)


def _tried(step: Callable[[], T], what: str) -> T:
    """What a step gives; whatever goes wrong in it, as a `MailboxError`."""
    try:
        return step()
    except LoginError as error:  # so the library calls a connection that is cut meanwhile, too
        cut = isinstance(error.__context__, IMAPClientAbortError | OSError) or _AWAY in str(error)
        raise MailboxError(Trouble.AWAY if cut else Trouble.CREDENTIALS, what) from error
    except ssl.SSLCertVerificationError as error:
        raise MailboxError(Trouble.INSECURE, f"{what}: {error.verify_message}") from error
    except (CapabilityError, IMAPClientError) as error:
        away = isinstance(error, IMAPClientAbortError)
        raise MailboxError(Trouble.AWAY if away else Trouble.REFUSED, f"{what}: {type(error).__name__}") from error
    except (OSError, EOFError) as error:
        raise MailboxError(Trouble.AWAY, f"{what}: {type(error).__name__}") from error
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:  # what no server should answer
        raise MailboxError(Trouble.REFUSED, f"{what}: {type(error).__name__}") from error


def _instant(value: object) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
