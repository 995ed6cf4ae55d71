"""The live sockets of the pages. The hub renders and pushes; here it is decided who may join which audience."""

import asyncio
import contextlib
from collections import Counter as Tally
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, WebSocket
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocketDisconnect

from crm.access.permissions import Permission, Principal
from crm.core.clock import DatabaseClock
from crm.core.db import Scope
from crm.core.errors import ForbiddenError, NotFoundError
from telephony.agents import service as agents
from web.agendas import routes as agendas
from web.audit import view as audit
from web.cases import live as cases
from web.closures import routes as closures
from web.console import view as console
from web.contacts import view as contacts
from web.desk import routes as desk
from web.duplicates import routes as duplicates
from web.edge.fields import id_of
from web.edge.visits import COOKIE, Visit, visit_of
from web.ente import routes as ente
from web.field import visits as field_visits
from web.files import routes as files
from web.follow_ups import routes as follow_ups
from web.imports import routes as imports
from web.live.hub import Hub, Render
from web.live.threads import to_the_end
from web.mail import live as mail
from web.oversight import broadcasts
from web.oversight import routes as oversight
from web.practice import view as practice
from web.privacy import view as privacy
from web.proposals import routes as proposals
from web.quality import news as quality_news
from web.staff import routes as staff
from web.supervision import routes as supervision
from web.wallboard import routes as wallboard
from web.wiring import Runtime

log = structlog.get_logger(__name__)
router = APIRouter()

LOOK_S = 5.0  # how long a session that ended may still see
SET_CLOCK_S = 30.0
RENEW_S = 4.0  # well within an agent's lease
SIGNED_OUT, FORBIDDEN, ELSEWHERE = 4401, 4403, 4404

Part = tuple[str, Render]  # an audience's key, and what shows it
Joining = Callable[[Runtime, Visit], list[Part]]


def join_console(runtime: Runtime, visit: Visit) -> list[Part]:
    """Every agent is an audience of his own, which his tabs share; the queues he sees as his colleagues do."""
    scope = visit.scope(Permission.CALLS_ANSWER)
    return [
        (f"console:{visit.principal.user_id}:{visit.language}", partial(console.render, runtime, visit)),
        (f"queues:{scope}:{visit.language}", partial(console.render_queues, runtime, scope, visit.language)),
        *supervision.join_help(runtime, visit),
        *quality_news.badge(runtime, visit),
        *field_visits.badge(runtime, visit),
    ]


PAGES: dict[str, Joining] = {
    "console": join_console,
    "wallboard": lambda runtime, visit: [
        *wallboard.join(runtime, visit),
        *audit.badge(runtime, visit),
        *supervision.join_help(runtime, visit),
        *staff.badge(runtime, visit),
        *quality_news.badge(runtime, visit),
        *field_visits.badge(runtime, visit),
    ],
    "supervision": lambda runtime, visit: [
        *supervision.join(runtime, visit),
        *quality_news.badge(runtime, visit),
        *field_visits.badge(runtime, visit),
    ],
    "imports": imports.join,
    "proposals": lambda runtime, visit: [*proposals.join(runtime, visit), *staff.badge(runtime, visit)],
    "closures": lambda runtime, visit: [*closures.join(runtime, visit), *staff.badge(runtime, visit)],
    "ente": lambda runtime, visit: [*ente.join(runtime, visit), *staff.badge(runtime, visit)],
    "access-log": lambda runtime, visit: [*audit.join(runtime, visit), *staff.badge(runtime, visit)],
    "privacy": privacy.join,
    "follow-ups": follow_ups.join_mine,
    "follow-ups-all": follow_ups.join_all,
    "duplicates": duplicates.join,
    "operators": oversight.join,
    "practice": practice.join,
    "broadcasts": broadcasts.join,
    "cases": cases.join,
    "desk": desk.join,
    "offices": desk.join_offices,
    "field-visits": lambda runtime, visit: [*field_visits.join(runtime, visit), *field_visits.badge(runtime, visit)],
}

NUMBERED: dict[str, Callable[[Runtime, Visit, int], list[Part]]] = {  # pages of one thing: `file-12`
    "file": files.join,
    "gate": files.join_gate,
    "contact": contacts.join,
    "ente": lambda runtime, visit, one: [*ente.join(runtime, visit, one), *staff.badge(runtime, visit)],
    "list": follow_ups.join_list,
    "staff": staff.join,
    "case": cases.join_one,
}


def joining(name: str) -> Joining | None:
    """How one joins a page by its name; none when there is no such page."""
    kind, _, number = name.partition("-")
    if kind == "office":  # and a day: `office-12-2026-11-24`
        return lambda runtime, visit: agendas.join(runtime, visit, number)
    if kind == "mail":  # a folder, a mailbox and a correspondence: `mail-open-0-0`
        return lambda runtime, visit: mail.join(runtime, visit, number)
    if kind in NUMBERED and (id_ := id_of(number)) is not None:
        return lambda runtime, visit: NUMBERED[kind](runtime, visit, id_)
    return PAGES.get(name)


async def keep_time(clock: DatabaseClock) -> None:
    """Set the clock that the pages run by, until cancelled."""
    while True:
        try:
            await to_the_end(clock.refresh)
        except SQLAlchemyError:
            log.warning("clock_not_set")  # the last answer stands
        await asyncio.sleep(SET_CLOCK_S)


class Presence:
    """Which agents have a console open here. Their leases are renewed together, in one statement."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._open: Tally[int] = Tally()

    async def opened(self, agent: Principal) -> None:
        """A console of this agent connected."""
        self._open[agent.user_id] += 1
        await run_in_threadpool(self._attend, agent)

    async def closed(self, agent_id: int) -> None:
        """A console of this agent disconnected."""
        self._open[agent_id] -= 1
        if self._open[agent_id] <= 0:
            del self._open[agent_id]
            await run_in_threadpool(self._lapse, agent_id)

    async def run(self) -> None:
        """Renew until cancelled."""
        while True:
            await asyncio.sleep(RENEW_S)
            if self._open:
                try:
                    await to_the_end(self._renew, list(self._open))
                except Exception:
                    log.exception("presence_not_renewed")

    def _attend(self, agent: Principal) -> None:
        with self._runtime.database.begin(Scope.nothing()) as session:
            agents.attend(session, agent)

    def _renew(self, agent_ids: list[int]) -> None:
        with self._runtime.database.begin(Scope.nothing()) as session:
            agents.renew(session, agent_ids)

    def _lapse(self, agent_id: int) -> None:
        with self._runtime.database.begin(Scope.nothing()) as session:
            agents.lapse(session, agent_id)


class Guard:
    """Closes the sockets of whoever signed out, expired, or holds other grants than when he came."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._admitted: dict[WebSocket, tuple[str, Visit]] = {}

    def admit(self, socket: WebSocket, token: str, visit: Visit) -> None:
        """Watch over a socket."""
        self._admitted[socket] = (token, visit)

    def dismiss(self, socket: WebSocket) -> None:
        """Watch no longer."""
        self._admitted.pop(socket, None)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self._look()
            except Exception:
                log.exception("sessions_not_checked")

    async def _look(self) -> None:
        admitted = dict(self._admitted)  # whoever comes while the sessions are read is looked at the next time
        now = await to_the_end(self._visits, {token for token, _ in admitted.values()})
        for socket, (token, visit) in admitted.items():
            if now.get(token) != visit:
                with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                    await socket.close(SIGNED_OUT)

    def _visits(self, tokens: set[str]) -> dict[str, Visit | None]:
        return {token: visit_of(self._runtime, token) for token in tokens}


@router.websocket("/ws/{name}")
async def live(socket: WebSocket, name: str) -> None:
    """A page's live socket: everything at once, then what changes."""
    runtime: Runtime = socket.app.state.runtime
    hub: Hub = socket.app.state.hub
    presence: Presence = socket.app.state.presence
    await socket.accept()
    if not _same_site(socket, runtime.settings.public_url) or (join := joining(name)) is None:
        await socket.close(ELSEWHERE)
        return
    guard: Guard = socket.app.state.guard
    token = socket.cookies.get(COOKIE, "")
    visit = await run_in_threadpool(visit_of, runtime, token)
    if visit is None:
        await socket.close(SIGNED_OUT)
        return
    try:
        parts = await run_in_threadpool(join, runtime, visit)
    except (ForbiddenError, NotFoundError):
        await socket.close(FORBIDDEN)
        return
    agent_id = visit.principal.user_id if name == "console" else None
    guard.admit(socket, token, visit)
    try:
        if agent_id is not None:
            await presence.opened(visit.principal)
        for key, render in parts:
            await hub.join(socket, key, render)
        while True:
            await socket.receive_text()
    except (WebSocketDisconnect, RuntimeError):
        pass
    finally:
        guard.dismiss(socket)
        hub.leave(socket)
        if agent_id is not None:
            await presence.closed(agent_id)


def _same_site(socket: WebSocket, public_url: str) -> bool:
    """Whether the page that opens the socket is ours: browsers send cookies with anybody's."""
    origin = urlsplit(socket.headers.get("origin", "")).netloc
    return origin in {socket.headers.get("host"), urlsplit(public_url).netloc}
