"""A campaign of SMS to so many people, through the simulator: judged one by one, written down, sent, and confirmed by
its callbacks to the web process; one of those who send is killed midway.

Counted are, at the simulator: to how many people an SMS went, and to whom twice; in the database: who has an attempt.
"""

import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import psycopg

from bench.lists import fill
from bench.options import Options
from bench.place import Centre, Place, answers, cpu_seconds
from bench.results import Result
from bench.sms_sending import TEN
from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.collection.models import ImportRun, ImportState
from crm.core import clock
from crm.core.db import Database, Scope
from outbound.campaigns import admission, service
from outbound.campaigns.lifecycle import Deed
from outbound.campaigns.plan import Channel, Phase, Plan, Step
from outbound.compliance.rules import Written
from outbound.lists.models import ContactList, ListState, Origin
from outbound.messages.text import Words
from web.run import claims

QUICK = 500
SENDERS = 2
PATIENCE_S = 3 * 3600
UNANSWERED = 10  # at most as many as a killed sender had in its hands may never have left (decision 0018)
PLAN = Plan(
    steps=(Step(Channel.SMS),), hours=("",) * 7, fresh_hours=720, consent_to_messages=False,
    messages={Written.SMS: {Phase.PERSONAL: Words(body="{ente}: buongiorno {nome}, ci chiami al {telefono}.")}},
    prices={Written.SMS: 365},
)  # fmt: skip


def measure(place: Place, options: Options) -> list[Result]:
    """From the start of the campaign to the last callback."""
    many = QUICK if options.quick else options.messages
    centre, told = place.centre("sms"), place.folder / "sms-to.txt"
    _prepare(centre, many)
    network_url = f"http://{claims.LOOPBACK}:{centre.carrier_port}"
    environ = centre.environ | {"FILODIRETTO_CARRIER": "simulator", "FILODIRETTO_SIMULATOR_URL": network_url}
    simulated = environ | {"FILODIRETTO_PORT": str(centre.carrier_port), "FILODIRETTO_SIMULATOR_WAITS": "0.2"}
    network = place.start("simulator", "bench.sms_network", str(told), environ=simulated)
    place.wait(network, lambda: answers(centre.carrier_port, "/simulator/setup"))
    web = centre.start_web()
    place.finish(place.start("lines", "web.cli", "provision", environ=environ))
    began = time.time()
    children = [
        place.start(role, "bench.sms_sending", role, str(began), environ=environ)
        for role in ("owe", *["send"] * SENDERS)
    ]
    place.wait(children[0], lambda: _sent(told) >= many // 2, PATIENCE_S)
    children[1].kill()  # SIGKILL, with messages in its hands
    children[1] = place.start("send", "bench.sms_sending", "send", str(began), environ=environ)
    most = many * 9 // 10  # after which those are waited for that the killed one had in its hands, for 90 s
    place.wait(children[0], lambda: _sent(told) >= most, PATIENCE_S)
    rate = most / (time.time() - began)
    place.wait(children[0], lambda: _open(centre) == 0, PATIENCE_S)
    seconds = time.time() - began
    each = {"network": network, "web": web, "owe": children[0], "send": children[2]}
    cpu_ms = {name: round(1_000 * cpu_seconds(child) / many, 2) for name, child in each.items()}
    place.stop(*children)
    went = Counter(told.read_text(encoding="utf-8").split())
    twice = sum(n > 1 for n in went.values())
    states = dict(centre.query("SELECT state, count(*) FROM message GROUP BY state"))
    attempts = int(centre.query("SELECT count(*) FROM written_attempt WHERE begun")[0][0])
    not_written = many - attempts
    never = attempts - len(went)
    detail = {
        "rate": rate,
        "seconds": seconds,
        "states": states,
        "twice": twice,
        "never": never,
        "attempts": attempts,
        "cpu_ms": cpu_ms,
    }
    centre.close()
    return [
        Result(
            f"{many:,} SMS of a campaign through the simulator", "–", "–", f"{rate:,.0f}/s",
            f"{seconds:,.0f} s, delivered {states.get('delivered', 0):,}; CPU ms each {cpu_ms}", None, detail,
        ),
        Result("the same: sent twice", "0", "–", f"{twice}", f"{sum(went.values()):,} taken", twice == 0),
        Result(
            "the same: without an attempt; never left the killed sender", f"0; ≤ {UNANSWERED}", "–",
            f"{not_written}; {never}", f"{attempts:,} attempts", not_written == 0 and 0 <= never <= UNANSWERED,
        ),
    ]  # fmt: skip


def _prepare(centre: Centre, many: int) -> None:
    """So many people who owe, a list of them, a campaign that runs on Tuesday at ten."""
    ente_id = centre.cast.empoli
    with psycopg.connect(centre.place.postgres.dsn(centre.name)) as connection:
        fill(connection, ente_id, 1_000, many)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
    urls = centre.settings.database_url, centre.settings.database_routing_url
    database = Database(*urls, pool_size=2, clock=lambda: TEN)
    scope = Scope.of_enti([ente_id], [centre.cast.contract])
    runs = Principal(centre.cast.sara, "", "it", frozenset({Held(Role.CAMPAIGN_MANAGER, None, centre.cast.contract)}))
    decides = Principal(centre.cast.vera, "", "it", frozenset({Held(Role.ENTE_APPROVER, ente_id, None)}))
    with database.begin(scope) as session:
        heard = dict.fromkeys(("as_of", "started_at", "moved_at", "ended_at"), TEN - timedelta(hours=1))
        session.add(ImportRun(ente_id=ente_id, file_name="x", file_bytes=1, totals=[], state=ImportState.DONE, **heard))
        on = ContactList(
            ente_id=ente_id, name="x", origin=Origin.FILE, state=ListState.READY, made_by=runs.user_id,
            made_at=clock.now(session), members=many, rows=0, wrong=0, unknown=0, several=0, twice=0,
        )  # fmt: skip
        session.add(on)
        session.flush()
        list_id = on.id
    with psycopg.connect(centre.place.postgres.dsn(centre.name)) as connection:
        connection.execute(
            "INSERT INTO contact_list_member (list_id, contact_id, ente_id)"
            " SELECT %s, id, ente_id FROM contact WHERE ente_id = %s AND id >= 1000",
            [list_id, ente_id],
        )
    with database.begin(scope) as session:
        about = {"ente_id": ente_id, "contract_id": centre.cast.contract, "list_id": list_id}
        campaign = service.begin(session, runs, **about, name="x", plan=PLAN)
        service.act(session, runs, campaign_id=campaign, deed=Deed.SUBMIT)
        service.act(session, decides, campaign_id=campaign, deed=Deed.APPROVE)
        service.act(session, runs, campaign_id=campaign, deed=Deed.START)
        admission.admit(session, campaign_id=campaign)
    database.dispose()


def _sent(told: Path) -> int:
    time.sleep(0.5)
    return told.read_bytes().count(b"\n") if told.exists() else 0


def _open(centre: Centre) -> int:
    """Whose turn is still to come, and messages of which it is not yet known what became."""
    time.sleep(1)
    waiting = "SELECT count(*) FROM campaign_contact WHERE state IN ('ready', 'later')"
    under_way = "SELECT count(*) FROM message WHERE state IN ('owed', 'sending', 'unknown', 'sent')"
    return int(centre.query(f"SELECT ({waiting}) + ({under_way})")[0][0])  # constants
