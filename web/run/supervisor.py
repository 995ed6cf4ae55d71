"""Starts everything on one machine, keeps it running, and stops it without leaving anything behind.

One thread: it starts a child, looks at all of them ten times a second, and starts those again that ended."""

import contextlib
import functools
import http
import http.client
import os
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from web.run import claims, embedded, processes
from web.run.prepare import BACKUP_URL, prepare_database
from web.run.processes import Child, Program, RunError

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "filodiretto"
STEPS = {"migrate": "Updating the database", "seed": "Preparing the demo data"}
LISTEN_FD = "FILODIRETTO_LISTEN_FD"
METRICS = "PROMETHEUS_MULTIPROC_DIR"  # as prometheus_client calls it
PROTOCOL = "protocol-office"  # of the ente whose cases the demonstration shows
SECOND_WEB = "web-2"  # pages and callers do not wait while the other one starts again
SLOW_S = 20  # after which it is said that something takes its time
MOST_DEATHS = 3  # of a program that has not answered yet: it never will


def default_data() -> Path:
    """Where the embedded servers keep their files."""
    return Path(os.environ.get("FILODIRETTO_DATA", ROOT / ".data")).resolve()


def _own_command(name: str) -> list[str]:
    return [sys.executable, "-m", "web.cli", name]


@dataclass(frozen=True)
class RunOptions:
    """What a person may choose; the callables let tests run stand-ins."""

    data: Path = field(default_factory=default_data)
    port: int = 8000
    simulator_port: int = 8001
    gestionale_port: int = 0
    """Of the stand-in for a gestionale, in a demo; 0 stands for any free one."""
    postgres_port: int = 5455
    redis_port: int = 6455
    demo: bool = True
    ready_within_s: float = 300
    """For each server, and for the pages. It only ends a run of which nothing comes: a busy machine, or a database that
    recovers, may take minutes, and a program that cannot run says so by dying.
    """
    command: Callable[[str], list[str]] = _own_command
    load: Callable[[], Callable[[str], object]] | None = None
    """Loads the product, once for all programs; what it returns runs one of them, by name, in a copy of this process.
    Without it each is a process that loads what it needs.
    """
    announce: Callable[[], Iterable[str]] = tuple
    """The last lines on the terminal, such as the demo's users."""

    def listeners(self) -> dict[str, tuple[int, str]]:
        """The programs that are called; another carrier than the simulator needs no simulator."""
        simulated = os.environ.get("FILODIRETTO_CARRIER", "simulator") == "simulator"
        web, simulator = (self.port, "--port"), (self.simulator_port, "--simulator-port")
        gestionale = (self.gestionale_port or claims.free_port(), "--gestionale-port")
        return (
            {"web": web}
            | ({"simulator": simulator} if simulated else {})
            | ({"gestionale": gestionale, PROTOCOL: (claims.free_port(), "")} if self.demo else {})
        )


def run(options: RunOptions) -> int:
    """Run the contact centre until Ctrl-C or SIGTERM; the exit code."""
    try:
        with contextlib.ExitStack() as held:
            held.enter_context(claims.data_folder(options.data))
            if count := processes.stop_leftovers(options.data / "processes.json"):
                _say(f"Stopped {count} processes that a killed run had left.")
            stopped = held.enter_context(claims.stop_signals())
            sockets = held.enter_context(claims.listening(options.listeners()))
            return Supervisor(options, sockets, stopped).run()
    except RunError as error:
        print(error, file=sys.stderr)
        return 1


class Interrupted(Exception):  # noqa: N818  # not an error: somebody pressed Ctrl-C
    """The set-up was asked to stop."""


@dataclass
class Post:
    """A place in the team, held by one child after another."""

    program: Program
    child: Child
    failures: int = 0
    deaths: int = 0
    due: float | None = None


class Supervisor:
    """The state of one run."""

    def __init__(self, options: RunOptions, sockets: dict[str, socket.socket], stopped: Callable[[], bool]) -> None:
        self._options = options
        self._sockets = sockets
        self._stopped = stopped
        self._logs = options.data / "logs"
        self._record = options.data / "processes.json"
        self._servers: list[Post] = []
        self._programs: list[Post] = []
        self._loaded: Callable[[str], object] | None = None

    def run(self) -> int:
        """Start, watch, stop."""
        began = time.monotonic()
        try:
            environ = self._start_servers()
            for name, text in STEPS.items():
                if name != "seed" or self._options.demo:
                    self._step(name, text, environ)
            self._start_programs(environ)
            self._wait_until_ready()
            self._announce(environ, time.monotonic() - began)
            while not self._stopped():
                self._tend()
        except Interrupted:
            pass
        finally:
            self._stop()
        return 0

    def _start_servers(self) -> dict[str, str]:
        options, known = self._options, embedded.credentials(self._options.data)
        claims.require_port(options.postgres_port, "PostgreSQL", "--postgres-port")
        claims.require_port(options.redis_port, "Redis", "--redis-port")
        postgres = embedded.Postgres(options.data, options.postgres_port, known.postgres)
        redis_server = embedded.Redis(options.data, options.redis_port, known.redis)
        _say("Starting PostgreSQL and Redis")
        for server in (postgres, redis_server):
            server.initialise()
            self._servers.append(self._post(server.program()))
        environ = self._settings(known)
        self._load(environ)
        self._wait(postgres.answers, "PostgreSQL does not answer", "postgres")
        self._wait(redis_server.answers, "Redis does not answer", "redis")
        prepare_database(postgres.dsn(), DATABASE, known.roles)
        servers = embedded.settings(postgres, redis_server, known.roles, DATABASE)
        return {**environ, **servers}

    def _load(self, environ: dict[str, str]) -> None:
        """While the servers start. Whether programs count together is decided as they are loaded."""
        if self._options.load is not None:
            os.environ[METRICS] = environ.get(METRICS, os.environ.get(METRICS, ""))
            self._loaded = self._options.load()

    def _settings(self, known: embedded.Credentials) -> dict[str, str]:
        """The demo's settings, less those that the person has set (a Twilio account, a public address)."""
        ours = {
            **known.twilio(),
            "FILODIRETTO_PUBLIC_URL": _address(self._options.port),
            "FILODIRETTO_PORT": str(self._options.port),
            "FILODIRETTO_DEMO": str(self._options.demo).lower(),
            "FILODIRETTO_SECOND_FACTOR": "optional" if self._options.demo else "required",
            "FILODIRETTO_LOG_JSON": "false",
            "FILODIRETTO_DATA": str(self._options.data),
            METRICS: str(self._metrics()),
        }
        if "simulator" in self._sockets:
            ours["FILODIRETTO_TWILIO_API_URL"] = _address(self._options.simulator_port)
            ours["FILODIRETTO_SIMULATOR_URL"] = _address(self._options.simulator_port)
            ours["FILODIRETTO_FALLBACK_URL"] = f"{_address(self._options.simulator_port)}/bins/apology"
            ours |= self._simulated() | self._mail()
        if "gestionale" in self._sockets:
            ours["FILODIRETTO_GESTIONALE_DEMO_URL"] = _address(self._port("gestionale"))
            ours["FILODIRETTO_GESTIONALE_DEMO_TOKEN"] = secrets.token_hex(16)
        if PROTOCOL in self._sockets:
            ours["FILODIRETTO_PROTOCOL_D403_URL"] = _address(self._port(PROTOCOL))
            ours["FILODIRETTO_PROTOCOL_D403_TOKEN"] = secrets.token_hex(16)
        return {n: v for n, v in ours.items() if n not in os.environ and f"{n}_FILE" not in os.environ}

    def _metrics(self) -> Path:
        """Where the programs count together; nothing of an earlier run is in it."""
        folder = self._options.data / "metrics"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def _mail(self) -> dict[str, str]:
        """The mail server that stands in for a real one, unless the person has set a real one."""
        if any(f"FILODIRETTO_SMTP_URL{file}" in os.environ for file in ("", "_FILE")):
            return {}
        port = claims.free_port()
        return {
            "FILODIRETTO_SIMULATOR_MAIL_PORT": str(port),
            "FILODIRETTO_SMTP_URL": f"smtp://127.0.0.1:{port}",
            "FILODIRETTO_MAIL_FROM": "non-rispondere@filodiretto.example",
        }

    def _simulated(self) -> dict[str, str]:
        """What the simulator plays: where its numbers lead, and in a demo the citizens and the colleagues."""
        data, port = self._options.data, self._options.port
        played = {
            "NUMBERS": str(data / "numbers.json"),
            "ORIGINS": f"http://localhost:{port}",
            "APOLOGY": str(self._apology()),
        }
        if self._options.demo:
            played |= {
                "TRAFFIC": "on",
                "RATE": "360",
                "TALK_S": "60",
                "CALLERS": str(data / "callers.json"),
                "COLLEAGUES": str(data / "colleagues.json"),
            }
        return {f"FILODIRETTO_SIMULATOR_{name}": value for name, value in played.items()}

    def _apology(self) -> Path:
        """What callers hear when nothing of ours answers; the carrier hosts it."""
        from telephony.calls.apology import APOLOGY  # noqa: PLC0415  # where a carrier is played alone
        from telephony.carriers.twilio.markup import render  # noqa: PLC0415

        self._options.data.mkdir(parents=True, exist_ok=True)
        path = self._options.data / "apology.xml"
        path.write_text(render(APOLOGY), encoding="utf-8")
        return path

    def _step(self, name: str, text: str, environ: dict[str, str]) -> None:
        _say(text)
        child = Child(self._program(name, environ), processes.rotate(self._logs / f"{name}.log"))
        try:
            while (code := child.poll()) is None:
                self._tend()
                if self._stopped():
                    raise Interrupted
        finally:
            child.kill()
        if code:
            raise RunError(f"{_tail(child.log)}`{name}` {processes.reason(code)}: read {child.log}.")

    def _start_programs(self, environ: dict[str, str]) -> None:
        names = ["web", SECOND_WEB, "engine", "worker", "beat"]
        names = [*(name for name in ("simulator", "gestionale", PROTOCOL) if name in self._sockets), *names]
        for name in names:
            self._programs.append(self._post(self._program(name, environ)))

    def _port(self, name: str) -> int:
        port: int = self._sockets[name].getsockname()[1]
        return port

    def _program(self, name: str, environ: dict[str, str]) -> Program:
        what = "web" if name == SECOND_WEB else name
        listener = self._sockets.get(what)
        command = tuple(self._options.command(what))
        loaded = functools.partial(self._loaded, what) if self._loaded else None
        if name != "engine":  # it alone has backups made
            environ = {variable: value for variable, value in environ.items() if variable != BACKUP_URL}
        if listener is None:
            return Program(name, command, environ, cwd=ROOT, loaded=loaded)
        number = listener.fileno()
        listens = {**environ, LISTEN_FD: str(number)}
        return Program(name, command, listens, cwd=ROOT, files=(number,), loaded=loaded)

    def _post(self, program: Program) -> Post:
        log = processes.rotate(self._logs / f"{program.name}.log")
        post = Post(program, Child(program, log))
        self._write_record([*self._posts(), post])
        return post

    def _posts(self) -> list[Post]:
        return [*self._servers, *self._programs]

    def _write_record(self, posts: Iterable[Post]) -> None:
        processes.record(self._record, [post.child for post in posts])

    def _tend(self) -> None:
        """Start again whoever ended: at once the first time, later the more often it dies young."""
        now = time.monotonic()
        for post in self._posts():
            if post.due is None and (code := post.child.poll()) is not None:
                post.deaths += 1
                post.failures = 1 if now - post.child.started > 10 else post.failures + 1
                wait = min(5.0, 0.25 * 2**post.failures) if post.failures > 1 else 0.0
                post.due = now + wait
                again = f"starting it again in {wait:.1f} s" if wait else "started again"
                _say(f"{post.program.name} {processes.reason(code)}: {again} (log: {post.child.log})")
            if post.due is not None and now >= post.due:
                post.child, post.due = Child(post.program, post.child.log), None
                self._write_record(self._posts())
        time.sleep(0.1)

    def _wait(self, condition: Callable[[], bool], complaint: str, name: str) -> None:
        began, seconds, told = time.monotonic(), self._options.ready_within_s, False
        log = self._logs / f"{name}.log"
        (post,) = (one for one in self._posts() if one.program.name == name)
        while not condition():
            if post.deaths >= MOST_DEATHS:
                raise RunError(f"{_tail(log)}{complaint}, and {name} has ended {post.deaths} times: read {log}.")
            waited = time.monotonic() - began
            if waited > seconds:
                raise RunError(f"{_tail(log)}{complaint} within {seconds:.0f} s: read {log}.")
            if waited > SLOW_S and not told:
                told = True
                _say(f"{complaint} yet: waiting up to {seconds:.0f} s (log: {log})")
            if self._stopped():
                raise Interrupted
            self._tend()

    def _wait_until_ready(self) -> None:
        port = self._options.port
        _say("Starting the contact centre")
        self._wait(lambda: _is_ok(port, "/health/ready"), "The pages do not answer", "web")

    def _announce(self, environ: dict[str, str], seconds: float) -> None:
        public = environ.get("FILODIRETTO_PUBLIC_URL") or os.environ.get("FILODIRETTO_PUBLIC_URL", "")
        lines = [
            "",
            f"Filodiretto is running (ready in {seconds:.0f} s).",
            "",
            f"  Console          {public}/console",
            f"  Wallboard        {public}/wallboard",
        ]
        if "simulator" in self._sockets:
            lines.append(f"  Call the centre  {_address(self._options.simulator_port)}/")
        if "gestionale" in self._sockets:
            lines.append(f"  Gestionale       {_address(self._port('gestionale'))}/")
        lines += ["", *self._options.announce(), "", f"Logs: {self._logs}. Ctrl-C stops everything."]
        _say("\n".join(lines))

    def _stop(self) -> None:
        """Programs first, then the servers they use; at most five seconds in all."""
        if not self._posts():
            return
        late = processes.stop((post.child for post in self._programs), 2.5)
        late += processes.stop((post.child for post in self._servers), 2.0)
        self._record.unlink(missing_ok=True)
        _say("\nStopped." + (f" {', '.join(late)} had to be killed." if late else ""))


def _say(text: str) -> None:
    print(text, flush=True)


def _address(port: int) -> str:
    return f"http://{claims.LOOPBACK}:{port}"


def _tail(log: Path) -> str:
    with contextlib.suppress(OSError):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
        return "".join(f"  | {line}\n" for line in lines)
    return ""


def _is_ok(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(claims.LOOPBACK, port, timeout=2)  # never through a proxy
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
