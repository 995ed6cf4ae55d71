"""The load client, a process of its own: signed webhooks over kept-alive connections.

    python -m bench.client JOB RESULT

Closed loop (`rate` none): each connection sends its next request when the last is answered. Open loop: request n
leaves at n / rate, however the others fare, and its latency counts from then.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import uvloop

from telephony.carriers.twilio.signature import sign

Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class Job:
    """What to send, where, how fast."""

    port: int
    public_url: str  # what the signature covers
    auth_token: str
    requests: list[tuple[str, Fields]]  # path, form
    connections: int = 16
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a job."""

    seconds: float
    latencies: list[float]
    failed: int

    @property
    def rate(self) -> float:
        """Answered requests a second."""
        return len(self.latencies) / self.seconds

    @classmethod
    def read(cls, path: Path) -> Self:
        return cls(**json.loads(path.read_text(encoding="utf-8")))


class Connection:
    """One kept-alive HTTP connection, just able enough."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, request: bytes) -> tuple[int, bytes]:
        """Send a whole request; its status and body."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        _, found, rest = head.partition(b"content-length:")
        body = await reader.readexactly(int(rest.split(b"\r\n", 1)[0])) if found else b""
        return int(head[9:12]), body

    def close(self) -> None:
        """Hang up."""
        if self._streams:
            self._streams[1].close()


def request_bytes(public_url: str, auth_token: str, path: str, fields: Fields) -> bytes:
    """A signed webhook as it goes over the wire."""
    body = urlencode(fields).encode()
    host = public_url.split("://")[1]
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"User-Agent: TwilioProxy/1.1\r\nAccept: */*\r\nContent-Length: {len(body)}\r\n"
        f"X-Twilio-Signature: {sign(auth_token, public_url + path, fields)}\r\n\r\n"
    ).encode() + body


async def run(job: Job) -> Done:
    """Send everything."""
    requests = [request_bytes(job.public_url, job.auth_token, path, fields) for path, fields in job.requests]
    queue = iter(enumerate(requests))
    latencies: list[float] = []
    failed = 0
    began = time.perf_counter()

    async def connection() -> None:
        nonlocal failed
        line = Connection(job.port)
        for number, request in queue:
            due = time.perf_counter()
            if job.rate:
                due = began + number / job.rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
            status, _ = await line.post(request)
            latencies.append(time.perf_counter() - due)
            failed += status >= 300
        line.close()

    await asyncio.gather(*(connection() for _ in range(job.connections)))
    return Done(time.perf_counter() - began, latencies, failed)


def main(job_path: str, result_path: str) -> None:
    """The process."""
    job: dict[str, Any] = json.loads(Path(job_path).read_text(encoding="utf-8"))
    done = uvloop.run(run(Job(**job)))
    new = Path(result_path + ".new")
    new.write_text(json.dumps(asdict(done)), encoding="utf-8")
    new.rename(result_path)


if __name__ == "__main__":
    main(*sys.argv[1:])
