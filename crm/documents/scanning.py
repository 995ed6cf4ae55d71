"""Looking for malware in what somebody sends, with a mail or on a page.

ClamAV's daemon is spoken with by its own protocol (clamd(8), INSTREAM).
"""

import socket
import struct
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog

from crm.documents.models import Scan

log = structlog.get_logger(__name__)
TIMEOUT_S = 20.0
_CHUNK = 1 << 16
_MOST_REPLY = 4_096
_LIMIT = "size limit exceeded"  # its StreamMaxLength
_LIMITS = "Heuristics.Limits.Exceeded"  # its MaxFileSize and others, where AlertExceedsMax is set


@dataclass(frozen=True, slots=True)
class Scanned:
    """What came of it; `virus` as the scanner calls it."""

    scan: Scan
    virus: str = ""


NOT_SCANNED = Scanned(Scan.NOT_SCANNED)


class Scanner:
    """Asks the daemon at `tcp://host:port` or `unix:///path`; with no address nothing is scanned, and it is said so."""

    def __init__(self, address: str | None, *, timeout_s: float = TIMEOUT_S) -> None:
        self._address, self._timeout_s = address, timeout_s

    def scan(self, content: bytes) -> Scanned:
        """Whether a file has something in it. Trouble is an answer, too: nothing waits for the scanner."""
        if self._address is None:
            return NOT_SCANNED
        try:
            with self._connected() as connection:
                try:
                    _send(connection, content)
                except (BrokenPipeError, ConnectionResetError):
                    log.info("file_not_taken_whole")  # it may have said why
                return verdict(_reply(connection))
        except OSError as error:
            log.warning("file_not_scanned", error=type(error).__name__)
            return Scanned(Scan.FAILED)

    def _connected(self) -> socket.socket:
        parts = urlsplit(self._address or "")
        if parts.scheme == "unix":
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(self._timeout_s)
            connection.connect(parts.path)
            return connection
        return socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 3310), timeout=self._timeout_s)


def verdict(reply: str) -> Scanned:
    """What the daemon's answer means, such as `stream: Eicar-Signature FOUND`. Pure."""
    said = reply.partition(":")[2].strip()
    if said == "OK":
        return Scanned(Scan.CLEAN)
    if _LIMIT in reply or said.startswith(_LIMITS):
        return Scanned(Scan.TOO_LARGE)
    if said.endswith(" FOUND"):
        return Scanned(Scan.INFECTED, said.removesuffix(" FOUND")[:120])
    return Scanned(Scan.FAILED)


def _send(connection: socket.socket, content: bytes) -> None:
    connection.sendall(b"zINSTREAM\0")
    for start in range(0, len(content), _CHUNK):
        piece = content[start : start + _CHUNK]
        connection.sendall(struct.pack("!L", len(piece)) + piece)
    connection.sendall(struct.pack("!L", 0))


def _reply(connection: socket.socket) -> str:
    found = b""
    while len(found) < _MOST_REPLY and (piece := connection.recv(_MOST_REPLY)):
        found += piece
        if b"\0" in piece:
            break
    return found.rstrip(b"\0\n").decode("utf-8", "replace")
