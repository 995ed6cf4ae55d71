"""WebSockets: agents' softphones, and the live views of calls."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

import structlog
from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from telephony.carriers.simulator.access import citizen_allowed
from telephony.carriers.simulator.changes import Changes
from telephony.carriers.simulator.colleagues.browser import AGENT as ROBOT
from telephony.carriers.simulator.config import origin
from telephony.carriers.simulator.devices import Phone
from telephony.carriers.simulator.exchange import Exchange
from telephony.carriers.simulator.tokens import Grant, TokenError, read_token
from telephony.carriers.simulator.views import call_view, overview

log = structlog.get_logger(__name__)
router = APIRouter()

BAD_TOKEN = 4401
BAD_ORIGIN = 4403
UNKNOWN = 4404
HEARTBEAT_S = 15.0


@router.websocket("/device")
async def device(socket: WebSocket) -> None:
    """A softphone: registered by its access token, gone when the socket is."""
    exchange: Exchange = socket.app.state.exchange
    await socket.accept()
    if not _known_origin(socket, exchange):
        await socket.close(BAD_ORIGIN, "origin not allowed")
        return
    try:
        grant = _grant(socket, exchange)
    except TokenError as error:
        await socket.close(BAD_TOKEN, str(error)[:100])
        return
    robot = socket.headers.get("user-agent") == ROBOT
    phone = exchange.devices.register(grant.identity, robot=robot)
    exchange.changes.notify()
    try:
        await _first_of(_send(socket, phone), _receive(socket, exchange, phone), _expiry(socket, grant))
    finally:
        exchange.devices.unregister(phone)
        exchange.changes.notify()


@router.websocket("/simulator/calls/{sid}/live")
async def call_live(socket: WebSocket, sid: str) -> None:
    """One call, sent whole each time it changes."""
    exchange: Exchange = socket.app.state.exchange
    call = exchange.calls.get(sid)
    await socket.accept()
    if call is None or not _may_watch(socket, exchange):
        await socket.close(UNKNOWN)
        return
    await _first_of(_stream(socket, call.changes, lambda: call_view(call)), _until_closed(socket))


@router.websocket("/simulator/live")
async def all_live(socket: WebSocket) -> None:
    """Every live call, sent at most four times a second."""
    exchange: Exchange = socket.app.state.exchange
    await socket.accept()
    if not _may_watch(socket, exchange):
        await socket.close(BAD_ORIGIN)
        return
    await _first_of(_stream(socket, exchange.changes, lambda: overview(exchange), every_s=1.0), _until_closed(socket))


def _grant(socket: WebSocket, exchange: Exchange) -> Grant:
    config = exchange.config
    return read_token(
        socket.query_params.get("token", ""),
        account_sid=config.account_sid, api_key=config.api_key, api_secret=config.api_secret,
    )  # fmt: skip


def _known_origin(socket: WebSocket, exchange: Exchange) -> bool:
    """Browsers always say where the page came from; programs need not."""
    came_from = socket.headers.get("origin")
    config = exchange.config
    return came_from is None or came_from in {*config.allowed_origins, origin(config.public_url)}


def _may_watch(socket: WebSocket, exchange: Exchange) -> bool:
    given = socket.query_params.get("token")
    came_from, host = socket.headers.get("origin"), socket.headers.get("host", "")
    peer = socket.client.host if socket.client else ""
    same_site = came_from is None or came_from.partition("://")[2] == host
    return same_site and citizen_allowed(exchange.config, peer, given)


async def _send(socket: WebSocket, phone: Phone) -> None:
    while True:
        await socket.send_json(await phone.outbox.get())


async def _receive(socket: WebSocket, exchange: Exchange, phone: Phone) -> None:
    while True:
        try:
            message = await socket.receive_json()
        except ValueError:
            phone.tell("error", message="not JSON")
            continue
        if isinstance(message, dict):
            exchange.devices.receive(phone, message)


async def _expiry(socket: WebSocket, grant: Grant) -> None:
    """An expired token ends the registration, as Twilio's does."""
    await asyncio.sleep(max(0.0, grant.expires - time.time()))
    await socket.close(BAD_TOKEN, "token expired")


async def _stream(
    socket: WebSocket, changes: Changes, view: Callable[[], Any], *, every_s: float = HEARTBEAT_S
) -> None:
    while True:
        seen = changes.count
        await socket.send_json(view())
        await asyncio.sleep(0.05)
        if changes.count == seen:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changes.wait(), every_s)


async def _until_closed(socket: WebSocket) -> None:
    while True:
        await socket.receive_text()


async def _first_of(*work: Any) -> None:
    """Run until any of them ends, then stop the others; a disconnection is an ordinary end."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception) and not _disconnection(result):
                log.error("socket.broken", error=repr(result))


def _disconnection(error: Exception) -> bool:
    return isinstance(error, WebSocketDisconnect | RuntimeError | OSError)
