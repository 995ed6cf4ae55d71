"""Many wallboards, a process of its own: `python -m bench.listeners PORT COOKIE COUNT FOLDER`.

It makes FOLDER/ready once all show their first frame and, told to end, writes FOLDER/frames.json: when each arrived.
Beats are not frames. They offer compression, as browsers do.
"""

import asyncio
import json
import signal
import sys
import time
from pathlib import Path

import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

FRAME = "<hx-partial"
AT_ONCE = 20  # connecting


async def listen(port: int, cookie: str, count: int, folder: Path) -> None:
    """Connect, listen, tell."""
    origin = Origin(f"http://127.0.0.1:{port}")
    gate = asyncio.Semaphore(AT_ONCE)
    arrived: list[list[float]] = [[] for _ in range(count)]
    sample = ""
    shown = asyncio.Semaphore(0)

    async def open_one() -> ClientConnection:
        async with gate:
            return await connect(
                f"ws://127.0.0.1:{port}/ws/wallboard", origin=origin, additional_headers={"Cookie": cookie},
                open_timeout=60, ping_interval=None, max_queue=None,
            )  # fmt: skip

    async def follow(socket: ClientConnection, times: list[float]) -> None:
        nonlocal sample
        async for message in socket:
            at = time.time()
            if isinstance(message, str) and message.startswith(FRAME):
                times.append(at)
                sample = message
                if len(times) == 1:
                    shown.release()

    sockets = await asyncio.gather(*(open_one() for _ in range(count)))
    tasks = [asyncio.create_task(follow(*pair)) for pair in zip(sockets, arrived, strict=True)]
    for _ in range(count):
        await shown.acquire()
    (folder / "ready").touch()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    for task in tasks:
        task.cancel()
    new = folder / "frames.new"
    new.write_text(json.dumps({"arrived": arrived, "sample": sample}), encoding="utf-8")
    new.rename(folder / "frames.json")


if __name__ == "__main__":
    uvloop.run(listen(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])))
