"""The ceiling of P5: whatever is published on a Redis channel goes to every socket, and nothing else happens."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import redis.asyncio as redis
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from crm.core.settings import load_settings

CHANNEL = "bench:board"
FIRST = "<hx-partial></hx-partial>"


def create() -> FastAPI:
    """The application."""
    settings = load_settings()
    sockets: set[WebSocket] = set()

    async def follow() -> None:
        async with redis.Redis.from_url(settings.redis_url) as client, client.pubsub() as subscription:
            await subscription.subscribe(CHANNEL)
            async for message in subscription.listen():
                if message["type"] == "message":
                    text = message["data"].decode()
                    for socket in list(sockets):
                        await socket.send_text(text)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(follow())
        yield
        task.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.get("/ready")
    async def ready() -> int:
        return len(sockets)

    @app.websocket("/ws/wallboard")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(FIRST)
        sockets.add(socket)
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await socket.receive_text()
        sockets.discard(socket)

    return app
