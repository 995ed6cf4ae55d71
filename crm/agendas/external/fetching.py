"""Asking a calendar's server, by CalDAV (RFC 4791): one REPORT, bounded in time and size.

The address is typed by people, so it must not lead into the network that the installation stands in: its name is
resolved once, every address that it has must be public, and the connection goes to one of these. Servers within are
named by whoever runs the installation (`FILODIRETTO_CALENDAR_SERVERS`).
"""

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import httpx

from crm.agendas.external import reading
from crm.agendas.external.models import Trouble
from crm.agendas.external.reading import UnreadableError
from crm.agendas.times import Stretch

TIMEOUT = httpx.Timeout(8.0, connect=4.0)
LONGEST_S = 20.0  # of an answer, from the question to its last byte
MOST_BYTES = 8_000_000
MULTI_STATUS = 207
_STATUSES = {401: Trouble.CREDENTIALS, 403: Trouble.CREDENTIALS, 404: Trouble.NOT_THERE, 410: Trouble.NOT_THERE}
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # an IPv4 address in disguise (RFC 6052)
Resolve = Callable[[str, int], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Account:
    """A calendar and who reads it."""

    url: str
    username: str
    password: str


class Servers:
    """Which servers may be asked: any on the web by https, and those `allowed`, origins such as `http://10.0.0.5:5232`."""

    def __init__(self, allowed: str) -> None:
        self._allowed = frozenset(one.strip().rstrip("/") for one in allowed.split(",") if one.strip())

    def takes(self, url: str) -> bool:
        """Whether an address may be typed; where it leads is seen when it is asked."""
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError:
            return False
        if not parts.hostname or parts.username is not None or parts.password is not None or parts.fragment:
            return False
        return parts.scheme == "https" or self.knows(url)

    def knows(self, url: str) -> bool:
        """Whether whoever runs the installation has named the server."""
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}" in self._allowed


def public(address: str) -> bool:
    """Whether an address is one of the public Internet."""
    try:
        at = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(at, ipaddress.IPv6Address):
        if at.ipv4_mapped is not None:
            return public(str(at.ipv4_mapped))
        if at in _TRANSLATED or at.sixtofour is not None or at.teredo is not None:
            return False
    return at.is_global and not at.is_multicast


def resolved(host: str, port: int) -> list[str]:
    """The addresses of a host. Raises `UnreadableError`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnreadableError(Trouble.AWAY) from None
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def fetch(
    account: Account, servers: Servers, since: datetime, until: datetime, *, resolve: Resolve = resolved
) -> list[Stretch]:  # fmt: skip
    """When the calendar is busy between two instants. Raises `UnreadableError`."""
    return reading.busy(reading.entries(_asked(account, servers, reading.asked(since, until), resolve)), since, until)


def _asked(account: Account, servers: Servers, body: bytes, resolve: Resolve) -> bytes:
    url, extensions, host = _pinned(account.url, servers, resolve)
    headers = {
        "Depth": "1",
        "Content-Type": "application/xml; charset=utf-8",
        "Host": host,
        "Accept-Encoding": "identity",
    }
    begun, content = time.monotonic(), bytearray()
    try:
        with (
            httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client,
            client.stream(
                "REPORT", url, content=body, headers=headers, extensions=extensions,
                auth=httpx.BasicAuth(account.username, account.password),
            ) as answer,
        ):  # fmt: skip
            if answer.status_code != MULTI_STATUS:
                raise UnreadableError(_STATUSES.get(answer.status_code, Trouble.REFUSED))
            for chunk in answer.iter_bytes(1 << 16):
                content += chunk
                if len(content) > MOST_BYTES:
                    raise UnreadableError(Trouble.TOO_MUCH)
                if time.monotonic() - begun > LONGEST_S:
                    raise UnreadableError(Trouble.AWAY)
    except (httpx.HTTPError, httpx.InvalidURL):
        raise UnreadableError(Trouble.AWAY) from None
    return bytes(content)


def _pinned(url: str, servers: Servers, resolve: Resolve) -> tuple[httpx.URL, dict[str, str], str]:
    """The address to connect to, with the name that its certificate must bear and that the server is asked under.

    A server that was named is asked as it is written. Of any other, what was looked at is what is connected to:
    looked up once more the name could lead elsewhere.
    """
    if not servers.takes(url):
        raise UnreadableError(Trouble.FORBIDDEN_ADDRESS)
    try:
        at = httpx.URL(url)
    except httpx.InvalidURL:
        raise UnreadableError(Trouble.FORBIDDEN_ADDRESS) from None
    host = at.netloc.decode("ascii")
    if servers.knows(url):
        return at, {}, host
    found = list(resolve(at.host, at.port or 443))
    if not found or not all(public(one) for one in found):
        raise UnreadableError(Trouble.FORBIDDEN_ADDRESS)
    return at.copy_with(host=found[0]), {"sni_hostname": at.raw_host.decode("ascii")}, host
