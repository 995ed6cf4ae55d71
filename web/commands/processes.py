"""The processes, and what stands in for others."""

import gc
import os
import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import typer
import uvicorn
from uvicorn.supervisors import Multiprocess

from crm.core.db import Scope
from crm.core.settings import CarrierKind, Settings
from web import metrics
from web.commands.common import app, begin, saying

STARTED_WITHIN_S = 30  # a busy machine needs seconds to import a worker, which must not be ended for that
STOP_WITHIN_S = 2


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
    from web.run import copies, supervisor  # noqa: PLC0415

    def announce() -> list[str]:
        shown = [user for user in DEMO_USERS if not user.robot]
        return [f"  {user.username:<20} {user.password}   {user.name} ({user.role.value})" for user in shown]

    options = supervisor.RunOptions(
        port=port, simulator_port=simulator_port, gestionale_port=gestionale_port, postgres_port=postgres_port,
        redis_port=redis_port, demo=demo, announce=announce, load=_load if copies.POSSIBLE else None,
    )  # fmt: skip
    raise typer.Exit(supervisor.run(options))


def _load() -> Callable[[str], object]:
    """What nearly all programs need is imported once; what is left each imports."""
    _loading()
    import web.app  # noqa: PLC0415
    import web.worker.main  # noqa: F401, PLC0415

    _loaded()
    return lambda name: app([name])


@app.command()
def web(workers: int = 1) -> None:
    """Serve pages, sockets and webhooks."""
    settings = begin("web")
    _serve("web.commands.processes:web_app", settings, workers=workers)


def web_app() -> Any:
    """The ASGI factory of one web process."""
    _loading()
    from web.app import create_app  # noqa: PLC0415  # a process imports what it runs, and starts the faster
    from web.wiring import build  # noqa: PLC0415

    settings = begin("web")
    app = create_app(build(settings))
    _loaded()
    return app


@app.command()
def engine() -> None:
    """Run the contact centre's clock: timers, owed commands, reconciliation."""
    _loading()
    from crm.agendas.doubles import tell_all as tell_doubles  # noqa: PLC0415
    from crm.agendas.external.fetching import Servers  # noqa: PLC0415
    from crm.agendas.external.service import read_due as read_calendars  # noqa: PLC0415
    from crm.agendas.keeping import forget as forget_holds  # noqa: PLC0415
    from crm.agendas.keeping import forget_people  # noqa: PLC0415
    from crm.agendas.reminding import remind  # noqa: PLC0415
    from crm.agendas.sites import manage_at  # noqa: PLC0415
    from crm.agendas.wishes.offering import offer_all  # noqa: PLC0415
    from crm.audit import searches, watch  # noqa: PLC0415
    from crm.audit.sealing import let_all_go, log_heads  # noqa: PLC0415
    from crm.cases.asking import adopt_all  # noqa: PLC0415
    from crm.cases.protocol.registering import ask_again as register_again  # noqa: PLC0415
    from crm.cases.scanning import scan_again  # noqa: PLC0415
    from crm.cases.submissions.keeping import forget_all as forget_submissions  # noqa: PLC0415
    from crm.cases.warning import warn_all  # noqa: PLC0415
    from crm.cases.watching import look as look_at_gestionale  # noqa: PLC0415
    from crm.continuity.spells import EVERY  # noqa: PLC0415
    from crm.drafts.service import forget_old as forget_drafts  # noqa: PLC0415
    from crm.levels.closing import close_due  # noqa: PLC0415
    from crm.levels.folding import settle_all  # noqa: PLC0415
    from crm.privacy.tasks import expire  # noqa: PLC0415
    from crm.reports.service import owe_due  # noqa: PLC0415
    from crm.turns.ending import end_days, mark_absent  # noqa: PLC0415
    from crm.turns.sampling import sample_due as sample_first_free  # noqa: PLC0415
    from outbound.campaigns.ripening import ripen_all  # noqa: PLC0415
    from outbound.cati.quota_setting import rank_all  # noqa: PLC0415
    from outbound.dialer.calling import settle_all as settle_attempts  # noqa: PLC0415
    from outbound.dialer.driving import Dialer  # noqa: PLC0415
    from outbound.dialer.staffing import fold_all as count_outbound  # noqa: PLC0415
    from outbound.field.agents.leaving import forget_all as forget_agents  # noqa: PLC0415
    from outbound.field.agents.warning import warn_all as warn_unfit  # noqa: PLC0415
    from outbound.field.closing.listening import hear_all as hear_payments  # noqa: PLC0415
    from outbound.field.closing.settling import close_all as settle_quarters  # noqa: PLC0415
    from outbound.field.practices.tidying import tidy_all  # noqa: PLC0415
    from outbound.field.practices.turns import open_all  # noqa: PLC0415
    from outbound.field.visits.asking import owe_all as ask_ahead  # noqa: PLC0415
    from outbound.messages.sending import ask_unheard  # noqa: PLC0415
    from outbound.outcomes.service import let_go_all as let_go_held  # noqa: PLC0415
    from outbound.promises.service import judge_all as judge_promises  # noqa: PLC0415
    from telephony.alerts.pushing import Pusher, PushServices  # noqa: PLC0415
    from telephony.alerts.service import look_at_all  # noqa: PLC0415
    from telephony.calls.oversight import pauses_passed  # noqa: PLC0415
    from telephony.calls.strays import Strays  # noqa: PLC0415
    from telephony.calls.supervision import end_locked_anywhere  # noqa: PLC0415
    from telephony.engine import Chore, Engine  # noqa: PLC0415
    from telephony.ivr.keeping import forget as forget_digits  # noqa: PLC0415
    from telephony.mail.enclosing import forget_old as forget_enclosures  # noqa: PLC0415
    from telephony.mail.fetching import Fetcher  # noqa: PLC0415
    from telephony.mail.trust import anchors_in  # noqa: PLC0415
    from telephony.mail.watching import Watch as MailWatch  # noqa: PLC0415
    from telephony.practice.service import tidy as tidy_practice  # noqa: PLC0415
    from telephony.quality.sampling import run as draw_conversations  # noqa: PLC0415
    from telephony.recording.keeping import RecordingKeeper  # noqa: PLC0415
    from telephony.sounds.keeping import SoundKeeper  # noqa: PLC0415
    from telephony.staffing.service import make_due  # noqa: PLC0415
    from telephony.standing.health import Watch  # noqa: PLC0415
    from telephony.standing.pace import Pace  # noqa: PLC0415
    from telephony.texts.keeping import forget as forget_texts  # noqa: PLC0415
    from telephony.texts.missed import Missed  # noqa: PLC0415
    from telephony.voicemail.keeping import SHELF  # noqa: PLC0415
    from web.alerts.saying import say  # noqa: PLC0415
    from web.backup.schedule import Schedule, tasks  # noqa: PLC0415
    from web.continuity.watch import look as watch_service  # noqa: PLC0415
    from web.levels.view import days_of  # noqa: PLC0415
    from web.wiring import build, vapid_key  # noqa: PLC0415

    settings = begin("engine")
    if settings.metrics_port is not None:
        metrics.serve(settings.metrics_port, settings.host)
    runtime = build(settings)
    stop = _stop_event()

    def periods() -> None:
        """What is over is closed, and the reports of it are owed at once."""
        try:
            close_due(runtime.database, days_of)
        finally:
            owe_due(runtime.database)

    more = [
        Chore("unusual_reading", 60, partial(watch.look, runtime.database), patient=True),
        Chore(
            "audit_retention", 3600, partial(let_all_go, runtime.database, months=settings.audit_months), patient=True
        ),
        Chore("searches", 10, partial(searches.close, runtime.database)),
        Chore("digits_kept", 60, partial(forget_digits, runtime.database), patient=True),
        Chore("reminders", 60, partial(remind, runtime.database), patient=True),
        Chore(
            "calendars", 15, partial(read_calendars, runtime.database, Servers(settings.calendar_servers)), patient=True
        ),
        Chore(
            "waiting_list",
            30,
            partial(offer_all, runtime.database, partial(manage_at, public_url=settings.public_url)),
            patient=True,
        ),
        Chore(
            "doubles",
            60,
            partial(tell_doubles, runtime.database, partial(manage_at, public_url=settings.public_url)),
            patient=True,
        ),
        Chore("holds", 60, partial(forget_holds, runtime.database), patient=True),
        Chore("appointments_kept", 3600, partial(forget_people, runtime.database), patient=True),
        Chore("agents_kept", 3600, partial(forget_agents, runtime.database), patient=True),
        Chore("enclosures_kept", 3600, partial(forget_enclosures, runtime.database), patient=True),
        Chore("drafts_kept", 3600, partial(forget_drafts, runtime.database), patient=True),
        Chore("submissions_kept", 600, partial(forget_submissions, runtime.database), patient=True),
        Chore("desk_days", 60, partial(end_days, runtime.database), patient=True),
        Chore("absent", 900, partial(mark_absent, runtime.database), patient=True),
        Chore("first_free", 300, partial(sample_first_free, runtime.database), patient=True),
        Chore("texts_kept", 3600, partial(forget_texts, runtime.database), patient=True),
        Chore("audit_heads", 3600, partial(log_heads, runtime.database), patient=True),
        Chore("copies", 600, partial(expire, runtime.database), patient=True),
        Chore("forecasts", 600, partial(make_due, runtime.database), patient=True),
        Chore("extremes", 60, partial(settle_all, runtime.database), patient=True),
        Chore("periods", 600, periods, patient=True),
        Chore("attempts", 2, partial(settle_attempts, runtime.database)),
        Chore("campaign_messages", 1, runtime.campaigns.send_all, patient=True),
        Chore("campaign_receipts", 60, partial(ask_unheard, runtime.database), patient=True),
        Chore("outbound_days", 60, partial(count_outbound, runtime.database), patient=True),
        Chore("campaigns", 10, partial(ripen_all, runtime.database), patient=True),
        Chore("case_terms", 60, partial(warn_all, runtime.database), patient=True),
        Chore(
            "case_files_scanned",
            300,
            partial(scan_again, runtime.database, runtime.documents, runtime.scanner),
            patient=True,
        ),
        Chore("promised_cases", 600, partial(adopt_all, runtime.database), patient=True),
        Chore("case_registrations", 30, partial(register_again, runtime.database), patient=True),
        Chore("cases_carried_out", 60, partial(look_at_gestionale, runtime.database), patient=True),
        Chore("visit_turns", 30, partial(open_all, runtime.database), patient=True),
        Chore("visit_mandates", 600, partial(tidy_all, runtime.database), patient=True),
        Chore(
            "unfit_terms",
            600,
            partial(warn_unfit, runtime.database, lambda one: f"{settings.public_url}/field/agents/{one}"),
            patient=True,
        ),
        Chore("visits_checked", 600, partial(ask_ahead, runtime.database), patient=True),
        Chore("promises", 30, partial(judge_promises, runtime.database), patient=True),
        Chore("field_payments", 30, partial(hear_payments, runtime.database), patient=True),
        Chore("field_quarters", 600, partial(settle_quarters, runtime.database), patient=True),
        Chore("held_contacts", 60, partial(let_go_held, runtime.database), patient=True),
        Chore("quotas", 60, partial(rank_all, runtime.database), patient=True),
    ]
    paced = Pace(settings.twilio_account_sid, settings.pace)
    dialer = Dialer(runtime.database, runtime.carrier, runtime.addresses, paced=paced, lookups=runtime.lookups)
    more.append(Chore("dialer", 0.5, dialer.run, patient=True))
    public = settings.public_url
    contact = f"mailto:{settings.mail_from}" if settings.mail_from else public
    pusher = Pusher(runtime.database, vapid_key(settings), PushServices(settings.push_services), contact, say)
    more += [
        Chore(
            "alerts",
            5,
            partial(look_at_all, runtime.database, days_of, say, lambda one: f"{public}/alerts#alert-{one}"),
            patient=True,
        ),
        Chore("pushes", 2, pusher.run, patient=True),
    ]
    strays = Strays(runtime.database, runtime.carrier, runtime.addresses)
    missed = Missed(runtime.database, runtime.carrier)
    watch_carrier = Watch(runtime.database, runtime.carrier, settings.twilio_account_sid)
    more += [
        Chore("pauses", 5, partial(runtime.database.transact, Scope.nothing(), pauses_passed)),
        Chore("practice", 60, partial(runtime.database.transact, Scope.nothing(), tidy_practice)),
        Chore("quality", 600, partial(draw_conversations, runtime.database), patient=True),
        Chore("listeners", 5, partial(end_locked_anywhere, runtime.database)),
        Chore("strays", 20, strays.run, patient=True),
        Chore("missed_texts", 60, missed.run, patient=True),
        Chore("carrier", 5, watch_carrier.look, patient=True),
    ]
    # A simulator may start after us, and forgets when it restarts.
    lines = runtime.provisioner.run if settings.carrier is CarrierKind.SIMULATOR else runtime.provisioner.catch_up
    more.append(Chore("provision", 5, lines, patient=True))
    more.append(Chore("continuity", EVERY.total_seconds(), partial(watch_service, runtime.database), patient=True))
    backups = Schedule(runtime.database, tasks(settings))
    if settings.database_backup_url is not None:
        more.append(Chore("backup", 60, backups.look, patient=True))
    messages = SoundKeeper(runtime.database, runtime.carrier, runtime.documents, SHELF)
    more.append(Chore("voicemail", 3, messages.run, patient=True))
    recordings = RecordingKeeper(runtime.database, runtime.carrier, runtime.documents)
    more.append(Chore("recordings", 3, recordings.run, patient=True))
    fetcher = Fetcher(
        runtime.database, runtime.documents, scanner=runtime.scanner, anchors=anchors_in(settings.pec_anchors)
    )
    mails = threading.Thread(target=MailWatch(fetcher).run, args=(stop,), name="mails")
    mails.start()  # whether this engine leads or not: each mailbox has a lease of its own
    leader = Engine(runtime.database, runtime.matcher, runtime.dispatcher, runtime.reconciler, *more)
    _loaded()
    leader.run(stop)
    mails.join()
    dialer.close()
    pusher.close()
    backups.close()
    runtime.close()


@app.command()
def worker() -> None:
    """Do background jobs."""
    settings = begin("worker")
    with metrics.together():  # those that its pool forks do the work
        _loading()
        from web.worker.main import run_worker  # noqa: PLC0415

        _loaded()
        if settings.metrics_port is not None:
            metrics.serve(settings.metrics_port, settings.host)
        run_worker(settings)


@app.command()
def beat() -> None:
    """Keep the background schedule."""
    from web.worker.schedule import run_beat  # noqa: PLC0415

    settings = begin("beat")
    run_beat(settings, str(settings.data / "celerybeat-schedule"))


@app.command()
def simulate(
    seed: str = "1",
    hours: float = 8.0,
    agents: int = 50,
    faults: Annotated[bool, typer.Option(help="With everything that may go wrong.")] = True,
    troubled: Annotated[bool, typer.Option(help="The small centre that the tests play by this number.")] = False,
) -> None:
    """Play a centre's hours in virtual time, from a seed, and say what came of it."""
    try:
        from web.simulation.report import tell  # noqa: PLC0415  # needs what only developers have
    except ModuleNotFoundError as missing:
        print(f"simulate needs the developers' packages ({missing.name} is not installed): run `make setup`.")
        raise typer.Exit(2) from None

    raise typer.Exit(tell(seed, hours, agents, faults=faults, troubled=troubled))


@app.command()
def simulator() -> None:
    """Stand in for the telephone network."""
    from telephony.carriers.simulator.app import serve  # noqa: PLC0415
    from telephony.carriers.simulator.config import ConfigError, SimulatorConfig  # noqa: PLC0415

    settings = begin("simulator")
    with saying(ConfigError):
        config = SimulatorConfig.from_settings(settings, os.environ)
    serve(config, host=settings.host, port=settings.port, fd=_listening_fd())


@app.command("protocol-office")
def protocol_office(
    token: Annotated[str, typer.Argument(help="By which it knows us; else that of the demonstration.")] = "",
    port: int = 8600,
) -> None:  # fmt: skip
    """Stand in for an ente's protocol system: numbers for cases, for trying out."""
    from crm.cases.protocol import port as protocol  # noqa: PLC0415
    from crm.cases.protocol.simulator.app import Office, serve  # noqa: PLC0415
    from web.demo.places import OVERSEEN  # noqa: PLC0415

    settings = begin("protocol-office")
    with saying(protocol.ProtocolError):
        known = protocol.endpoint(OVERSEEN) if not token else None
    if not token and known is None:
        print("Say by which TOKEN it knows us, or set FILODIRETTO_PROTOCOL_D403_URL and its token.")
        raise typer.Exit(2)
    office = Office(token or (known.token if known else ""), settings.data / "protocol-office.jsonl")
    serve(office, host="127.0.0.1", port=port, fd=_listening_fd())


@app.command()
def gestionale() -> None:
    """Stand in for a collection system that answers over HTTP, with the demonstration's feeds."""
    from crm.collection.simulator.app import Gestionale, serve  # noqa: PLC0415
    from crm.collection.sources import endpoints  # noqa: PLC0415
    from crm.collection.sources.port import SourceError  # noqa: PLC0415
    from web.demo.sources import ENDPOINT  # noqa: PLC0415

    settings = begin("gestionale")
    with saying(SourceError):
        token = endpoints.endpoint(ENDPOINT).token
    standing_in = Gestionale.of_folder(token, settings.data, at_once=True)
    serve(standing_in, host=settings.host, port=settings.port, fd=_listening_fd())


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
        with metrics.together():
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
