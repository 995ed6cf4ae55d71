"""What stands in for ClamAV's daemon: it takes a stream piece by piece (clamd(8), INSTREAM), and keeps none of it."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

EICAR = b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE"


@dataclass
class Clamd:
    """`most`: bytes of a stream that it takes; `seen`: how many it was sent each time."""

    address: str
    most: int
    seen: list[int] = field(default_factory=list)


@contextlib.contextmanager
def clamd(most: int = 100_000_000) -> Iterator[Clamd]:
    """One that answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Clamd(f"tcp://127.0.0.1:{listener.getsockname()[1]}", most)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    with client, client.makefile("rb") as stream:
                        client.sendall(_answer(made, stream) + b"\0")

        threading.Thread(target=serve, daemon=True).start()
        yield made
        listener.shutdown(socket.SHUT_RDWR)  # whoever waits for somebody to come is told


def _answer(daemon: Clamd, stream: IO[bytes]) -> bytes:
    assert stream.read(10) == b"zINSTREAM\0"
    daemon.seen.append(0)
    found, before = False, b""
    while length := struct.unpack("!L", stream.read(4))[0]:
        piece = stream.read(length)
        daemon.seen[-1] += length
        if daemon.seen[-1] > daemon.most:
            return b"INSTREAM size limit exceeded. ERROR"
        found, before = found or EICAR in before + piece, piece[-len(EICAR) :]
    return b"stream: Eicar-Signature FOUND" if found else b"stream: OK"
