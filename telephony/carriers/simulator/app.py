"""The simulator as an ASGI application, and the program that serves it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from telephony.carriers.simulator import citizens_api, faults_api, sockets, texts_api
from telephony.carriers.simulator.colleagues.team import Team
from telephony.carriers.simulator.config import SimulatorConfig
from telephony.carriers.simulator.courtesy import left_to_people
from telephony.carriers.simulator.errors import RestError, not_found
from telephony.carriers.simulator.exchange import API_VERSION, Exchange
from telephony.carriers.simulator.rest import (
    account,
    calls,
    conferences,
    messages,
    numbers,
    participants,
    recordings,
)
from telephony.carriers.simulator.traffic_driver import TrafficDriver

log = structlog.get_logger(__name__)
STATIC = Path(__file__).parent / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def create_app(config: SimulatorConfig) -> FastAPI:
    """One exchange, its REST API, its sockets and its pages. State lives with the application's lifespan."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        exchange = app.state.exchange = Exchange(config)
        driver = TrafficDriver(exchange)
        driver.start()
        team = Team(config, partial(left_to_people, exchange))
        team.start()
        box = None
        if config.mail_port is not None:
            from telephony.carriers.simulator.post import open_box  # noqa: PLC0415  # where there is such a server alone

            box = open_box(
                exchange.mail, partial(_tell_from_a_thread, asyncio.get_running_loop(), exchange),
                host=config.mail_host, port=config.mail_port,
            )  # fmt: skip
        log.info("simulator.started", numbers=len(exchange.numbers.all()), traffic=config.traffic.on)
        yield
        if box is not None:
            box.stop()
        await driver.close()
        await team.close()
        await exchange.close()

    app = FastAPI(title="Filodiretto simulator", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.add_middleware(SecureHeaders)
    app.exception_handler(RestError)(_refuse)
    app.exception_handler(HTTPException)(_not_found)
    for module in (
        calls, participants, conferences, numbers, messages, recordings, account, citizens_api, faults_api,
        texts_api, sockets,
    ):  # fmt: skip
        app.router.routes.extend(module.router.routes)  # `include_router` would make each anew
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.get("/health/live")(_live)
    app.get("/", include_in_schema=False)(_caller_page)
    app.get("/calls", include_in_schema=False)(_calls_page)
    app.get("/messages", include_in_schema=False)(_messages_page)
    if config.apology is not None:
        hosted = Response(config.apology, media_type="text/xml")
        app.api_route("/bins/apology", methods=["GET", "POST"], include_in_schema=False)(lambda: hosted)
    return app


def _tell_from_a_thread(loop: asyncio.AbstractEventLoop, exchange: Exchange) -> None:
    loop.call_soon_threadsafe(exchange.changes.notify)


def serve(config: SimulatorConfig, *, host: str, port: int, fd: int | None = None) -> None:
    """Serve until a signal says stop; `fd` is an already bound socket that a supervisor hands over."""
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(config), host=host, port=port, fd=fd, log_config=None, access_log=False,
            ws="websockets-sansio", ws_ping_interval=10.0, ws_ping_timeout=10.0, timeout_graceful_shutdown=2,
            timeout_keep_alive=30,
            log_level="warning",  # its news of opened sockets would write tokens into the log
        )
    )  # fmt: skip
    server.run()


async def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RestError)
    return JSONResponse(dict(error.body()), status_code=error.status, headers=error.headers)


async def _not_found(request: Request, error: Exception) -> Response:
    """An address that the REST API does not have is refused in its own words."""
    assert isinstance(error, HTTPException)
    if request.url.path.startswith(f"/{API_VERSION}/") and error.status_code == 404:
        return JSONResponse(dict(not_found(request.url.path).body()), status_code=404)
    return JSONResponse({"detail": error.detail}, status_code=error.status_code)


class SecureHeaders:
    """Adds the same headers to every HTTP response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


async def _live() -> dict[str, str]:
    return {"status": "ok"}


async def _caller_page() -> FileResponse:
    return FileResponse(STATIC / "caller.html")


async def _messages_page() -> FileResponse:
    return FileResponse(STATIC / "messages.html")


async def _calls_page() -> FileResponse:
    return FileResponse(STATIC / "calls.html")
