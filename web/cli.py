"""The `filodiretto` command: one sub-command per process, and what an operator does by hand."""

import gc
import os
import socket
import sys
import threading
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
import uvicorn
from prometheus_client import start_http_server
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from uvicorn.supervisors import Multiprocess

from crm.core import heartbeats, logs
from crm.core.db import Scope
from crm.core.heartbeats import FRESH
from crm.core.settings import CarrierKind, Settings, SettingsError, load_settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
log = structlog.get_logger(__name__)
STARTED_WITHIN_S = 30  # a busy machine needs seconds to import a worker, which must not be ended for that
STOP_WITHIN_S = 2


def _settings() -> Settings:
    try:
        return load_settings()
    except SettingsError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None


def _begin(process: str) -> Settings:
    settings = _settings()
    logs.configure(json=settings.log_json, process=process)
    return settings


@app.command()
def run(
    port: int = 8000,
    simulator_port: int = 8001,
    gestionale_port: int = 0,
    postgres_port: int = 5455,
    redis_port: int = 6455,
    demo: bool = True,
) -> None:
    """Run the whole contact centre on this machine, with its own PostgreSQL and Redis, and demo data."""
    from web.demo.accounts import DEMO_USERS  # noqa: PLC0415  # only this command needs them
    from web.run import supervisor  # noqa: PLC0415

    def announce() -> list[str]:
        shown = [user for user in DEMO_USERS if not user.robot]
        return [f"  {user.username:<20} {user.password}   {user.name} ({user.role.value})" for user in shown]

    options = supervisor.RunOptions(
        port=port, simulator_port=simulator_port, gestionale_port=gestionale_port, postgres_port=postgres_port,
        redis_port=redis_port, demo=demo, announce=announce,
    )  # fmt: skip
    raise typer.Exit(supervisor.run(options))


@app.command()
def web(workers: int = 1) -> None:
    """Serve pages, sockets and webhooks."""
    settings = _begin("web")
    _serve("web.cli:web_app", settings, workers=workers)


def web_app() -> Any:
    """The ASGI factory of one web process."""
    _loading()
    from web.app import create_app  # noqa: PLC0415  # a process imports what it runs, and starts the faster
    from web.wiring import build  # noqa: PLC0415

    settings = _begin("web")
    app = create_app(build(settings))
    _loaded()
    return app


@app.command()
def engine() -> None:
    """Run the contact centre's clock: timers, owed commands, reconciliation."""
    _loading()
    from crm.audit import searches, watch  # noqa: PLC0415
    from crm.audit.sealing import let_all_go, log_heads  # noqa: PLC0415
    from crm.privacy.tasks import expire  # noqa: PLC0415
    from telephony.calls.oversight import pauses_passed  # noqa: PLC0415
    from telephony.calls.strays import Strays  # noqa: PLC0415
    from telephony.engine import Chore, Engine  # noqa: PLC0415
    from telephony.recording.keeping import RecordingKeeper  # noqa: PLC0415
    from telephony.standing.health import Watch  # noqa: PLC0415
    from telephony.texts.keeping import forget as forget_texts  # noqa: PLC0415
    from telephony.voicemail.keeping import Keeper  # noqa: PLC0415
    from web.wiring import build  # noqa: PLC0415

    settings = _begin("engine")
    if settings.metrics_port is not None:
        start_http_server(settings.metrics_port, addr=settings.host)
    runtime = build(settings)
    stop = _stop_event()
    more = [
        Chore("unusual_reading", 60, partial(watch.look, runtime.database), patient=True),
        Chore(
            "audit_retention", 3600, partial(let_all_go, runtime.database, months=settings.audit_months), patient=True
        ),
        Chore("searches", 10, partial(searches.close, runtime.database)),
        Chore("texts_kept", 3600, partial(forget_texts, runtime.database), patient=True),
        Chore("audit_heads", 3600, partial(log_heads, runtime.database), patient=True),
        Chore("copies", 600, partial(expire, runtime.database), patient=True),
    ]
    strays = Strays(runtime.database, runtime.carrier, runtime.addresses)
    watch_carrier = Watch(runtime.database, runtime.carrier, settings.twilio_account_sid)
    more += [
        Chore("pauses", 5, partial(runtime.database.transact, Scope.nothing(), pauses_passed)),
        Chore("strays", 20, strays.run, patient=True),
        Chore("carrier", 5, watch_carrier.look, patient=True),
    ]
    # A simulator may start after us, and forgets when it restarts.
    lines = runtime.provisioner.run if settings.carrier is CarrierKind.SIMULATOR else runtime.provisioner.catch_up
    more.append(Chore("provision", 5, lines, patient=True))
    messages = Keeper(runtime.database, runtime.carrier, runtime.documents)
    more.append(Chore("voicemail", 3, messages.run, patient=True))
    recordings = RecordingKeeper(runtime.database, runtime.carrier, runtime.documents)
    more.append(Chore("recordings", 3, recordings.run, patient=True))
    leader = Engine(runtime.database, runtime.matcher, runtime.dispatcher, runtime.reconciler, *more)
    _loaded()
    leader.run(stop)
    runtime.close()


@app.command()
def worker() -> None:
    """Do background jobs."""
    from web.worker.main import run_worker  # noqa: PLC0415

    run_worker(_begin("worker"))


@app.command()
def beat() -> None:
    """Keep the background schedule."""
    from web.worker.main import run_beat  # noqa: PLC0415

    settings = _begin("beat")
    run_beat(settings, str(settings.data / "celerybeat-schedule"))


@app.command()
def simulate(
    seed: str = "1",
    hours: float = 8.0,
    agents: int = 50,
    faults: Annotated[bool, typer.Option(help="With everything that may go wrong.")] = True,
) -> None:
    """Play a centre's hours in virtual time, from a seed, and say what came of it."""
    try:
        from web.simulation.report import tell  # noqa: PLC0415  # needs what only developers have
    except ModuleNotFoundError as missing:
        print(f"simulate needs the developers' packages ({missing.name} is not installed): run `make setup`.")
        raise typer.Exit(2) from None

    raise typer.Exit(tell(seed, hours, agents, faults=faults))


@app.command()
def simulator() -> None:
    """Stand in for the telephone network."""
    from telephony.carriers.simulator.app import serve  # noqa: PLC0415
    from telephony.carriers.simulator.config import ConfigError, SimulatorConfig  # noqa: PLC0415

    settings = _begin("simulator")
    try:
        config = SimulatorConfig.from_settings(settings, os.environ)
    except ConfigError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    serve(config, host=settings.host, port=settings.port, fd=_listening_fd())


@app.command()
def gestionale() -> None:
    """Stand in for a collection system that answers over HTTP, with the demonstration's feeds."""
    from crm.collection.simulator.app import Gestionale, serve  # noqa: PLC0415
    from crm.collection.sources import endpoints  # noqa: PLC0415
    from crm.collection.sources.port import SourceError  # noqa: PLC0415
    from web.demo.sources import ENDPOINT  # noqa: PLC0415

    settings = _begin("gestionale")
    try:
        token = endpoints.endpoint(ENDPOINT).token
    except SourceError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    standing_in = Gestionale.of_folder(token, settings.data, at_once=True)
    serve(standing_in, host=settings.host, port=settings.port, fd=_listening_fd())


@app.command()
def migrate() -> None:
    """Bring the database to this version."""
    from web.migrations.running import upgrade  # noqa: PLC0415

    settings = _begin("migrate")
    if settings.database_owner_url is None:
        print("FILODIRETTO_DATABASE_OWNER_URL: needed to migrate.", file=sys.stderr)
        raise typer.Exit(2)
    upgrade(settings.database_owner_url)


@app.command()
def seed() -> None:
    """Fill an empty database with the demonstration's data; a second time does nothing."""
    from web.demo.centre import seed_demo  # noqa: PLC0415

    settings = _begin("seed")
    from crm.core import secrecy  # noqa: PLC0415
    from crm.core.db import Database  # noqa: PLC0415

    database = Database(
        settings.database_url, settings.database_routing_url, pool_size=4, secrecy=secrecy.from_settings(settings)
    )
    seed_demo(database, data_dir=settings.data, today=_today(database))
    database.dispose()


@app.command("import-collection")
def import_collection(file: Path, ente: Annotated[str | None, typer.Option(help="Codice catastale")] = None) -> None:
    """Read a collection feed; killed at any point, the same command goes on where it was."""
    from web.imports.terminal import import_with_progress  # noqa: PLC0415
    from web.wiring import build  # noqa: PLC0415

    settings = _settings()
    logs.configure(json=settings.log_json, process="import")
    runtime = build(settings)
    try:
        code = import_with_progress(runtime.database, file, ente_code_expected=ente)
    finally:
        runtime.close()
    raise typer.Exit(code)


@app.command("export-proposals")
def export_proposals(
    ente: Annotated[str, typer.Argument(help="Codice catastale")],
    into: Annotated[Path, typer.Option(help="Folder")] = Path(),
) -> None:
    """Put the proposals that an ente approved into a feed for the collection system, and write it to a folder."""
    from web.proposals.terminal import export  # noqa: PLC0415
    from web.wiring import build  # noqa: PLC0415

    runtime = build(_begin("export"))
    try:
        code = export(runtime.database, ente, into)
    finally:
        runtime.close()
    raise typer.Exit(code)


@app.command("acknowledge-proposals")
def acknowledge_proposals(ente: Annotated[str, typer.Argument(help="Codice catastale")], file: Path) -> None:
    """Take in what the collection system answers to proposals; the same file again changes nothing."""
    from web.proposals.terminal import acknowledge  # noqa: PLC0415
    from web.wiring import build  # noqa: PLC0415

    runtime = build(_begin("acknowledge"))
    try:
        code = acknowledge(runtime.database, ente, file)
    finally:
        runtime.close()
    raise typer.Exit(code)


@app.command("store-documents")
def store_documents(path: Path, ente: Annotated[str, typer.Option(help="Codice catastale")]) -> None:
    """Take in the contents of documents: a zip or a folder. Killed at any point, the same command goes on."""
    from web.files.terminal import store_with_report  # noqa: PLC0415
    from web.wiring import build  # noqa: PLC0415

    settings = _settings()
    logs.configure(json=settings.log_json, process="store-documents")
    runtime = build(settings)
    try:
        code = store_with_report(runtime, path, ente)
    finally:
        runtime.close()
    raise typer.Exit(code)


@app.command("verify-audit")
def verify_audit(
    ente: Annotated[str | None, typer.Option(help="Codice catastale, or - for entries of no ente; else all")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only what was sealed from this day on")] = None,
    head: Annotated[
        list[str] | None, typer.Option(help="A head written down earlier, as printed here: CODE:NUMBER:DIGEST")
    ] = None,
) -> None:
    """Compute the seals of the audit again; exit code 1 and the first broken entry where they do not agree."""
    from web.audit.terminal import HeadError, verify_chains  # noqa: PLC0415
    from web.wiring import build  # noqa: PLC0415

    runtime = build(_begin("verify-audit"))
    try:
        sound = verify_chains(runtime.database, ente_code=ente, since=since, heads=head or [])
    except HeadError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    finally:
        runtime.close()
    raise typer.Exit(0 if sound else 1)


@app.command("import-calls")
def import_calls(
    file: Path,
    contract: Annotated[str | None, typer.Option(help="The contract's name, where there are several")] = None,
    refused: Annotated[Path | None, typer.Option(help="Where refused rows go; else beside the file")] = None,
) -> None:
    """Take in another system's call records (docs/import-calls.md); the same file again adds nothing."""
    from web.levels.history import import_with_progress  # noqa: PLC0415
    from web.wiring import build  # noqa: PLC0415

    settings = _settings()
    logs.configure(json=settings.log_json, process="import-calls")
    runtime = build(settings)
    try:
        code = import_with_progress(runtime.database, file, contract=contract, refused=refused)
    finally:
        runtime.close()
    raise typer.Exit(code)


@app.command("verify-levels")
def verify_levels(
    contract: Annotated[str | None, typer.Option(help="The contract's name; else all")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only calls that arrived from then on")] = None,
    until: Annotated[datetime | None, typer.Option(help="Only calls that arrived before then")] = None,
    correct: Annotated[bool, typer.Option(help="Bring the counters to what the facts say")] = False,
) -> None:
    """Compute the counters again from the facts; exit code 1 and each difference where they are not equal."""
    from web.levels.terminal import ContractError  # noqa: PLC0415
    from web.levels.terminal import verify_levels as verify  # noqa: PLC0415
    from web.wiring import build  # noqa: PLC0415

    runtime = build(_begin("verify-levels"))
    try:
        sound = verify(runtime.database, contract=contract, since=since, until=until, mend=correct)
    except ContractError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    finally:
        runtime.close()
    raise typer.Exit(0 if sound else 1)


@app.command("check-waits")
def check_waits(
    contract: Annotated[str | None, typer.Option(help="The contract's name; else all")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only what was announced from then on")] = None,
    until: Annotated[datetime | None, typer.Option(help="Only what was announced before then")] = None,
) -> None:
    """Compare the waits that callers were told with those that came true; exit code 1 where fewer than 7 in 10 did."""
    from web.levels.terminal import ContractError  # noqa: PLC0415
    from web.levels.terminal import check_waits as check  # noqa: PLC0415
    from web.wiring import build  # noqa: PLC0415

    runtime = build(_begin("check-waits"))
    try:
        kept = check(runtime.database, contract=contract, since=since, until=until)
    except ContractError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    finally:
        runtime.close()
    raise typer.Exit(0 if kept else 1)


@app.command("try-call")
def try_call(
    number: Annotated[str, typer.Argument(help="One of our numbers")],
    caller: Annotated[str, typer.Option("--from", help="The caller's number; else it is withheld")] = "",
    at: Annotated[datetime | None, typer.Option(help="When, in Rome; else now")] = None,
    full: Annotated[bool, typer.Option("--full", help="The queues hold all that they may")] = False,
    uncalled: Annotated[bool, typer.Option("--uncalled", help="The caller asked never to be called")] = False,
) -> None:
    """Place a call in words through a line's voice flow: lines of standard input are keys, words, or silence."""
    from crm.core.clock import ROME  # noqa: PLC0415
    from web.voice.terminal import try_call as play  # noqa: PLC0415
    from web.wiring import build  # noqa: PLC0415

    runtime = build(_begin("try-call"))
    instant = at.replace(tzinfo=at.tzinfo or ROME) if at else None
    answers = (line.rstrip("\n") for line in sys.stdin)
    try:
        code = play(
            runtime.database, number, caller=caller, at=instant, answers=answers, full=full, calls_back=not uncalled
        )
    finally:
        runtime.close()
    raise typer.Exit(code)


@app.command()
def provision() -> None:
    """Point this installation's numbers, at the carrier, to this installation."""
    from web.wiring import build  # noqa: PLC0415

    runtime = build(_begin("provision"))
    print(f"{runtime.provisioner.run()} numbers.")
    runtime.close()


@app.command()
def apology() -> None:
    """Print what callers hear while this installation does not answer, for whoever hosts it (FALLBACK_URL)."""
    from telephony.calls.apology import APOLOGY  # noqa: PLC0415
    from web.wiring import carrier_of  # noqa: PLC0415

    print(carrier_of(_settings()).render(APOLOGY))


@app.command()
def permissions() -> None:
    """Print the table of roles and permissions, as docs/permissions.md holds it."""
    from crm.access.table import markdown  # noqa: PLC0415

    print(markdown(), end="")


@app.command()
def administrator(
    username: str,
    contract: Annotated[str, typer.Option(help="The contract to be administered; made when there is none")],
    name: Annotated[str, typer.Option(help="Name and surname")] = "",
) -> None:
    """Make the first administrator of a contract, or let one in again: prints a link, good once."""
    from crm.core import secrecy  # noqa: PLC0415
    from crm.core.db import Database  # noqa: PLC0415
    from crm.core.errors import DomainError  # noqa: PLC0415
    from web.people.first import first_administrator  # noqa: PLC0415

    settings = _begin("administrator")
    database = Database(
        settings.database_url, settings.database_routing_url, pool_size=2, secrecy=secrecy.from_settings(settings)
    )
    try:
        token = first_administrator(database, username=username, name=name or username, contract=contract)
    except DomainError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    finally:
        database.dispose()
    print(f"{settings.public_url}/welcome/{token}")


@app.command()
def check() -> None:
    """Say whether settings, database and Redis are as they should be."""
    import redis  # noqa: PLC0415

    from crm.core.db import Database  # noqa: PLC0415

    settings = _settings()
    database = Database(settings.database_url, settings.database_routing_url, pool_size=2)
    problems = []
    try:
        for scope in (Scope.nothing(), Scope.across_enti()):
            with database.begin(scope) as session:
                session.execute(text("SELECT 1 FROM call LIMIT 1"))
    except SQLAlchemyError as error:
        problems.append(f"PostgreSQL: {str(error).splitlines()[0]}")
    try:
        redis.Redis.from_url(settings.redis_url, socket_timeout=2, socket_connect_timeout=2).ping()
    except redis.RedisError as error:
        problems.append(f"Redis: {error}")
    database.dispose()
    print("\n".join(problems) or "ok")
    raise typer.Exit(1 if problems else 0)


@app.command()
def alive(
    process: Annotated[str, typer.Argument(help="engine, worker or beat")],
    within: Annotated[float, typer.Option(help="Seconds since its last sign of life")] = FRESH.total_seconds(),
) -> None:
    """Say whether the loop of a process of this machine turns, by its last sign of life."""
    from crm.core.db import Database  # noqa: PLC0415

    settings = _settings()
    database = Database(settings.database_url, settings.database_routing_url, pool_size=1)
    try:
        with database.begin(Scope.nothing()) as session:
            here = [sign for sign in heartbeats.signs(session) if sign.is_of(process, heartbeats.host())]
    except SQLAlchemyError as error:
        print(f"PostgreSQL: {str(error).splitlines()[0]}")
        raise typer.Exit(1) from None
    finally:
        database.dispose()
    if not here:
        print(f"{process}: no sign of life.")
        raise typer.Exit(1)
    age = here[0].age.total_seconds()  # the freshest comes first
    print(f"{process}: last sign of life {age:.0f} s ago.")
    raise typer.Exit(0 if age <= within else 1)


def main() -> None:
    """The entry point."""
    app()


def _loading() -> None:
    """What is imported stays: to search it for garbage meanwhile would take a fifth of the start."""
    gc.disable()


def _loaded() -> None:
    """Everything is imported and stays: to search it for garbage would stop the process for 0.1 s, every so often."""
    gc.collect()
    gc.freeze()
    gc.enable()


def _serve(factory: str, settings: Settings, *, workers: int) -> None:
    fd = _listening_fd()
    config = uvicorn.Config(
        factory, factory=True, host=settings.host, port=settings.port, workers=workers, log_config=None,
        access_log=False,
        ws_ping_interval=5, ws_ping_timeout=10,
        ws_per_message_deflate=False,  # it would compress the same frame once for every socket
        timeout_graceful_shutdown=STOP_WITHIN_S, server_header=False, timeout_worker_healthcheck=STARTED_WITHIN_S,
        proxy_headers=True, forwarded_allow_ips=settings.trusted_proxies, ws_max_size=65_536, backlog=2048,
    )  # fmt: skip
    sockets = [socket.socket(fileno=fd)] if fd is not None else [config.bind_socket()]
    if workers > 1:
        Multiprocess(config, sockets).run()
    else:
        uvicorn.Server(config).run(sockets=sockets)


def _listening_fd() -> int | None:
    given = os.environ.get("FILODIRETTO_LISTEN_FD")
    return int(given) if given else None


def _stop_event() -> threading.Event:
    import signal  # noqa: PLC0415

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _today(database: Any) -> Any:
    from crm.core import clock  # noqa: PLC0415

    with database.begin(Scope.nothing()) as session:
        now: datetime = clock.now(session)
    return clock.business_day(now)


if __name__ == "__main__":
    main()
