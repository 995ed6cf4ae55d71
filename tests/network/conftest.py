"""The whole way of a call: the product over the real database, and the simulated carrier, both over HTTP.

Both run in threads of this process. The engine does not run by itself: a scenario lets time pass and has it look.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import httpx
import pytest
import uvicorn
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.settings import load_settings
from crm.levels import queries as levels
from crm.levels.metering import Counts, hour_of
from crm.levels.verification import Verdict, verify
from telephony.agents import service as agents
from telephony.calls.addresses import agent_identity
from telephony.calls.models import AgentLeg, Call, Phase
from telephony.carriers.simulator.app import create_app as create_simulator
from telephony.carriers.simulator.config import Pace, SimulatorConfig
from telephony.engine import Engine
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, Cast, make_ready, presence_of
from web.app import create_app
from web.wiring import Runtime, build

T = TypeVar("T")
PATIENCE_S = 12.0
MOVED = {"timer": "due_at", "carrier_command": "lease_until", "call": "checked_at"}
TOKEN = "0123456789abcdef0123456789abcdef"
PACE = Pace(speech=0.0, waits=0.05, repeat_floor_s=0.5)


@dataclass
class Softphone:
    """An agent's telephone at the simulator, which picks up by itself unless it is told not to."""

    socket: ClientConnection
    answers: bool = True
    rung: list[str] = field(default_factory=list)

    def listen(self) -> None:
        with_it = self.socket
        try:
            for message in with_it:
                told = json.loads(message)
                if told["type"] == "incoming":
                    self.rung.append(told["call_sid"])
                    if self.answers:
                        with_it.send(json.dumps({"type": "accept", "call_sid": told["call_sid"]}))
        except ConnectionClosed:
            return


@dataclass
class Network:
    """A product, a carrier, and what happens between them."""

    runtime: Runtime
    engine: Engine
    http: httpx.Client
    cast: Cast
    database: Database
    url: str
    open: ExitStack

    # -- what goes wrong --------------------------------------------------------------------------------------

    def faults(self, **wanted: object) -> None:
        assert self.http.put("/simulator/faults", json=wanted).status_code == 200

    def inject(self, fault: str, **more: object) -> int:
        made = self.http.post("/simulator/injections", json={"fault": fault, **more})
        assert made.status_code == 201, made.text
        return int(made.json()["id"])

    def withdraw(self, injection: int) -> None:
        assert self.http.delete(f"/simulator/injections/{injection}").status_code == 204

    # -- who does what ----------------------------------------------------------------------------------------

    def sits_down(self, agent: int) -> Softphone:
        """An agent is at his console, ready, his telephone registered at the carrier."""
        with self.database.begin(Scope.nothing()) as session:
            at = clock.now(session)
        token = self.runtime.carrier.device(agent_identity(agent), at).token
        address = self.url.replace("http", "ws", 1) + f"/device?token={token}"
        phone = Softphone(self.open.enter_context(connect(address, close_timeout=1, proxy=None)))
        threading.Thread(target=phone.listen, daemon=True).start()
        make_ready(self.database, agent)
        return phone

    def calls(self, *script: dict[str, object], from_: str = MARIO_MOBILE) -> str:
        """A citizen calls, and asks for an operator unless a script says otherwise."""
        steps = list(script) or [{"say_digits": "0"}]
        placed = self.http.post("/simulator/calls", json={"from": from_, "to": EMPOLI_LINE, "script": steps})
        assert placed.status_code == 201, placed.text
        return str(placed.json()["sid"])

    def hangs_up(self, sid: str) -> None:
        self.http.post(f"/simulator/calls/{sid}/hangup")

    # -- time passes, and the engine looks --------------------------------------------------------------------

    def looks(self, seconds: float = 20) -> None:
        """So much time passes for everything that is due, and the engine does all that it does."""
        for table, column in MOVED.items():
            with self.database.begin(Scope.across_enti()) as session:
                session.execute(
                    text(f"UPDATE {table} SET {column} = {column} - make_interval(secs => :s)"), {"s": seconds}
                )
        self.tends()
        self.engine.fire_timers()
        self.runtime.dispatcher.sweep()
        self.runtime.reconciler.run()
        self.engine.sweep_queues()

    def tends(self) -> None:
        """What the open consoles' sockets do."""
        with self.database.begin(Scope.nothing()) as session:
            agents.renew(session, [self.cast.anna, self.cast.luca])

    def until(self, true: Callable[[], Any], *, looking: bool = False) -> None:
        """Wait until it is so, the engine looking now and then if wanted."""
        deadline, look = time.monotonic() + PATIENCE_S, time.monotonic() + 0.7
        while not true():
            assert time.monotonic() < deadline, (self.all_calls(), self.http.get("/simulator/calls").json())
            time.sleep(0.03)
            if looking and time.monotonic() > look:
                self.looks()
                look = time.monotonic() + 0.7

    # -- what can be seen -------------------------------------------------------------------------------------

    def work(self, do: Callable[[Session], T]) -> T:
        return self.database.transact(Scope.of_contract(self.cast.contract), do)

    def call(self, sid: str) -> Call | None:
        return self.work(lambda s: s.execute(select(Call).where(Call.carrier_sid == sid)).scalar_one_or_none())

    def all_calls(self) -> list[tuple[str, Phase]]:
        return self.work(lambda s: [(one.carrier_sid, one.phase) for one in s.execute(select(Call)).scalars()])

    def legs(self) -> list[AgentLeg]:
        return self.work(lambda s: list(s.execute(select(AgentLeg).order_by(AgentLeg.offered_at)).scalars()))

    def phase(self, sid: str) -> Phase | None:
        call = self.call(sid)
        return call.phase if call else None

    def seen(self, sid: str) -> dict[str, Any]:
        """The carrier's own view of a call."""
        view: dict[str, Any] = self.http.get(f"/simulator/calls/{sid}").json()
        return view

    def heard(self, sid: str) -> list[str]:
        """What the caller heard, in words."""
        return [line["text"] for line in self.seen(sid)["transcript"] if line["kind"] == "say"]

    def live(self) -> list[str]:
        """The carrier's live calls."""
        return [one["sid"] for one in self.http.get("/simulator/calls").json()["calls"]]

    def state(self, agent: int) -> str:
        return presence_of(self.database, agent).state.value

    def counted(self) -> Counts:
        since = clock.start_of_day(clock.business_day(self.work(clock.now)))
        rows = self.work(lambda s: levels.tally_since(s, frozenset({self.cast.contract}), since).rows)
        return sum(rows.values(), Counts())

    def proof(self) -> Verdict:
        """The counters, computed again from the facts."""
        with self.database.snapshot(Scope.of_contract(self.cast.contract)) as session:
            until = hour_of(clock.now(session)) + timedelta(hours=1)
            return verify(session, self.cast.contract, until - timedelta(hours=3), until)


@pytest.fixture
def network(
    database: Database, cast: Cast, database_urls: Any, redis_url: str, tmp_path: Any, loopback: None
) -> Iterator[Network]:
    """The product on one port, the carrier on another, Mario's number known to both."""
    web, carrier = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    public, url = (f"http://127.0.0.1:{one.getsockname()[1]}" for one in (web, carrier))
    settings = load_settings(
        {
            "FILODIRETTO_DATABASE_URL": database_urls.app,
            "FILODIRETTO_DATABASE_ROUTING_URL": database_urls.routing,
            "FILODIRETTO_REDIS_URL": redis_url,
            "FILODIRETTO_MASTER_KEY": "00" * 32,
            "FILODIRETTO_DATA": str(tmp_path / "data"),
            "FILODIRETTO_DATABASE_POOL_SIZE": "12",
            "FILODIRETTO_PUBLIC_URL": public,
            "FILODIRETTO_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "FILODIRETTO_TWILIO_AUTH_TOKEN": TOKEN,
            "FILODIRETTO_TWILIO_API_KEY": "SK" + "0" * 32,
            "FILODIRETTO_TWILIO_API_SECRET": "secret-long-enough-for-the-signature-of-tokens",
            "FILODIRETTO_TWILIO_API_URL": url,
            "FILODIRETTO_SIMULATOR_URL": url,
            "FILODIRETTO_CARRIER_TIMEOUT_S": "1.5",
        }
    )
    runtime = build(settings)
    config = SimulatorConfig(
        settings.twilio_account_sid, TOKEN, settings.twilio_api_key,
        settings.twilio_api_secret.get_secret_value(), url, pace=PACE, device_grace_s=0.1,
    )  # fmt: skip
    with ExitStack() as stack:
        stack.callback(runtime.database.dispose)
        stack.callback(runtime.dispatcher._pool.shutdown)  # what was under way when the process ended
        for app, listener in ((create_simulator(config), carrier), (create_app(runtime), web)):
            stack.enter_context(serving(app, listener))
        http = stack.enter_context(httpx.Client(base_url=url, timeout=5, trust_env=False, verify=False))
        runtime.provisioner.run()
        engine = Engine(runtime.database, runtime.matcher, runtime.dispatcher, runtime.reconciler)
        yield Network(runtime, engine, http, cast, database, url, stack)


class serving:  # noqa: N801  # reads as what it does
    """An application, answering on an open socket until the end."""

    def __init__(self, app: Any, listener: socket.socket) -> None:
        self._server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, access_log=False, ws="websockets-sansio", timeout_graceful_shutdown=1)
        )
        self._listener = listener
        self._thread = threading.Thread(target=lambda: self._server.run(sockets=[listener]), daemon=True)

    def __enter__(self) -> None:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            time.sleep(0.01)

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(8)
        self._listener.close()
