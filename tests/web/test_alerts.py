"""Thresholds raise alerts, which are told on the board, by mail and in browsers, once; whoever takes notice says so."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from crm.access.models import EnteExclusion, Role, RoleGrant, User
from crm.core import clock
from crm.core.db import Database, Scope
from crm.messages.models import Message
from telephony.alerts import measures, queries, service, webpush
from telephony.alerts.judging import CALM, AlertKind
from telephony.alerts.measures import Threshold
from telephony.alerts.models import Alert, AlertRule, PushNotice, PushState, PushSubscription
from telephony.alerts.pushing import Pusher, PushServices
from telephony.queues.models import QueueMember
from tests.cast import EMPOLI_LINE, REGIONAL_LINE, Cast, lock_again, make_ready
from tests.telephony.alerts.browser import Browser
from tests.telephony.stage import Stage, build
from tests.web.conftest import csrf_of, let_in
from web.alerts.saying import say
from web.levels.view import days_of

pytestmark = pytest.mark.integration
KEY = webpush.private_key(b"\x07" * 32)
ZERO = Decimal(0)


class PushService:
    """A push service's stand-in: takes what is posted, checks who sends, and passes it on to no one."""

    def __init__(self) -> None:
        self.answers: list[int] = []  # of the next posts; 201 afterwards
        self.taken: list[tuple[dict[str, str], bytes]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = service.answers.pop(0) if service.answers else 201
                if status == 201:
                    service.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def push(loopback: None) -> Iterator[PushService]:
    found = PushService()
    yield found
    found.close()


@pytest.fixture
def stage(database: Database, cast: Cast) -> Stage:
    return build(database, cast)


@pytest.fixture
def pusher(database: Database, push: PushService) -> Iterator[Pusher]:
    made = Pusher(database, KEY, PushServices(push.origin), "mailto:centro@example.it", say)
    yield made
    made.close()


def looks(database: Database, cast: Cast) -> int:
    def work(session: Session) -> int:
        return service.look(
            session, contract_id=cast.contract, read=days_of, say=say, link_to="https://cc.example.it/alerts#{}".format
        )

    return database.transact(Scope.of_contract(cast.contract), work)


def a_rule(database: Database, cast: Cast, **values: Any) -> int:
    """More than nobody waits, from now on."""
    usual = {
        "queue_id": None,
        "kind": AlertKind.WAITING,
        "threshold": 0,
        "after_s": 0,
        "by_mail": True,
        "by_push": True,
    }
    with database.begin(Scope.nothing()) as session:
        session.execute(update(User).where(User.id == cast.sara).values(email="sara@example.it"))
        row = AlertRule(contract_id=cast.contract, made_by=cast.sara, made_at=clock.now(session), **{**usual, **values})
        session.add(row)
        session.flush()
        return row.id


def a_browser(database: Database, cast: Cast, push: PushService) -> Browser:
    """Sara's."""
    browser = Browser()
    with database.begin(Scope.nothing()) as session:
        row = {"user_id": cast.sara, "endpoint": f"{push.origin}/sara", "browser": "Firefox"}
        keys = {"p256dh": browser.p256dh, "auth": browser.auth_text, "made_at": clock.now(session)}
        session.execute(insert(PushSubscription).values(**row, **keys))
    return browser


def notices(database: Database) -> list[PushNotice]:
    with database.begin(Scope.nothing()) as session:
        return list(session.scalars(select(PushNotice)))


def later(database: Database, by: timedelta) -> None:
    """What is owed is due so much sooner."""
    with database.begin(Scope.nothing()) as session:
        session.execute(update(PushNotice).values(due_at=PushNotice.due_at - by))


def test_a_threshold_is_told_once_by_mail_and_to_the_browser_that_alone_can_read_it(
    stage: Stage, push: PushService, pusher: Pusher
) -> None:
    database, cast = stage.database, stage.cast
    a_rule(database, cast)
    browser = a_browser(database, cast, push)
    assert looks(database, cast) == 0
    stage.queues()
    assert looks(database, cast) == 1
    assert looks(database, cast) == 0
    with database.begin(Scope.of_contract(cast.contract)) as session:
        (mail,) = session.scalars(select(Message)).all()
        assert mail.address == "sara@example.it"
        assert "1 persone in attesa" in mail.body
        assert "BIANCHI" not in mail.body
    assert (pusher.run(), pusher.run()) == (1, 0)
    ((headers, body),) = push.taken
    told = json.loads(browser.reads(body) or b"")
    assert told["text"] == "Toscana: 1 persone in attesa, la soglia è 0."
    assert (headers["content-encoding"], headers["urgency"]) == ("aes128gcm", "high")
    assert headers["topic"] == f"alert-{told['alert']}"
    assert headers["authorization"].endswith(webpush.public_text(KEY))
    assert [one.state for one in notices(database)] == [PushState.SENT]


def test_a_push_service_in_trouble_is_asked_again_and_a_browser_that_is_gone_never(
    stage: Stage, push: PushService, pusher: Pusher
) -> None:
    database, cast = stage.database, stage.cast
    rule = a_rule(database, cast)
    a_browser(database, cast, push)
    stage.queues()
    looks(database, cast)
    push.answers = [503, 410]
    assert pusher.run() == 0
    assert [one.state for one in notices(database)] == [PushState.OWED]
    assert pusher.run() == 0  # not before its time
    assert push.answers == [410]
    later(database, timedelta(minutes=1))
    assert pusher.run() == 0
    assert [(one.state, one.attempts) for one in notices(database)] == [(PushState.FAILED, 2)]
    with database.begin(Scope.nothing()) as session:
        assert session.scalar(select(func.count()).where(PushSubscription.ended_at.is_(None))) == 0
        session.execute(update(Alert).where(Alert.rule_id == rule).values(cleared_at=clock.now(session)))
    looks(database, cast)
    assert len(notices(database)) == 1  # nobody more to be told


def test_who_dies_while_sending_leaves_it_to_another_and_who_may_no_more_is_not_told(
    stage: Stage, push: PushService, pusher: Pusher
) -> None:
    database, cast = stage.database, stage.cast
    a_rule(database, cast)
    a_browser(database, cast, push)
    stage.queues()
    looks(database, cast)
    database.transact(Scope.nothing(), pusher._take)  # and the process is gone
    assert pusher.run() == 0
    later(database, timedelta(minutes=1))
    with database.begin(Scope.nothing()) as session:
        session.execute(
            update(RoleGrant).where(RoleGrant.user_id == cast.sara).values(valid_to=clock.now(session))
        )  # fmt: skip
    assert pusher.run() == 0
    assert [one.state for one in notices(database)] == [PushState.FAILED]
    assert not push.taken


def test_whom_one_of_the_enti_keeps_away_is_told_nothing(stage: Stage, push: PushService, pusher: Pusher) -> None:
    database, cast = stage.database, stage.cast
    a_rule(database, cast)
    a_browser(database, cast, push)
    with database.begin(Scope.of_contract(cast.contract)) as session:
        kept = {"user_id": cast.sara, "ente_id": cast.empoli, "reason": "x", "made_by": cast.vera}
        session.execute(insert(EnteExclusion).values(**kept, made_at=clock.now(session)))
    stage.queues()
    looks(database, cast)
    pusher.run()
    assert not push.taken
    with database.begin(Scope.of_contract(cast.contract)) as session:
        assert session.scalars(select(Message)).all() == []


def test_an_alert_is_over_after_a_calm_minute_and_stays_in_the_history(
    client: Any, stage: Stage, database: Database
) -> None:
    cast = stage.cast
    rule = a_rule(database, cast, by_mail=False, by_push=False)
    call = stage.queues()
    looks(database, cast)
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    assert "1 persone in attesa" in client.get("/supervision").text
    with database.begin(Scope.nothing()) as session:
        (alert,) = queries.standing(session, [cast.contract])
    answer = client.post(f"/alerts/{alert.id}/acknowledge", data={"note": "Arriva Luca"}, headers=headers)
    assert answer.status_code == 204
    assert "«Arriva Luca»" in client.get("/supervision").text
    stage.caller_leaves(call)
    looks(database, cast)
    with database.begin(Scope.nothing()) as session:
        assert queries.standing(session, [cast.contract])  # not at the first look
        session.execute(
            update(AlertRule).where(AlertRule.id == rule).values(calm_since=AlertRule.calm_since - CALM)
        )  # fmt: skip
    looks(database, cast)
    assert "1 persone in attesa" not in client.get("/supervision").text
    history = client.get("/alerts?which=all").text
    assert "Arriva Luca" in history
    assert "in corso" not in history.split("<tbody>")[1]
    assert "Nessuna segnalazione" in client.get("/alerts?which=standing").text


def test_a_supervisor_writes_thresholds_and_chooses_browsers(client: Any, cast: Cast, database: Database) -> None:
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    address = f"/alerts/rules/{cast.contract}"
    fine = {"kind": "longest", "threshold": "120", "after": "0", "queue": str(cast.notices), "by_push": "true"}
    assert client.post(address, data=fine, headers=headers).status_code == 204
    for wrong, field in (
        ({"threshold": "-1"}, "threshold"), ({"threshold": "1e9"}, "threshold"), ({"after": "9999"}, "after"),
        ({"queue": "999"}, "queue"), ({"kind": "spendable"}, "metric"), ({"threshold": "x"}, "threshold"),
        ({"line": EMPOLI_LINE}, "line"), ({"line": "+390577000000", "queue": ""}, "line"),
        ({"kind": "ready", "threshold": ""}, "threshold"),
    ):  # fmt: skip
        answer = client.post(address, data={**fine, **wrong}, headers=headers)
        assert list(answer.json()["fields"]) == [field], wrong
    page = client.get("/alerts/rules").text
    assert "120" in page
    browser = Browser()
    keys = {"p256dh": browser.p256dh, "auth": browser.auth_text}
    elsewhere = {"endpoint": "https://intranet.example.it/", **keys}
    assert client.post("/alerts/browsers", data=elsewhere, headers=headers).status_code == 422
    known = {"endpoint": "https://fcm.googleapis.com/fcm/send/1", **keys}
    assert client.post("/alerts/browsers", data={**known, "auth": "x"}, headers=headers).status_code == 422
    assert client.post("/alerts/browsers", data=known, headers=headers).status_code == 200
    assert client.post("/alerts/browsers", data=known, headers=headers).status_code == 200
    with database.begin(Scope.nothing()) as session:
        (one,) = session.scalars(select(PushSubscription)).all()
        (rule,) = queries.rules(session, [cast.contract])
    assert client.get("/push-worker.js").headers["content-type"].startswith("text/javascript")
    client.cookies.clear()
    let_in(client, "anna")
    anna = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    for path in (f"/alerts/rules/{rule.id}/remove", f"/alerts/browsers/{one.id}/remove", "/alerts/browsers", address):
        assert client.post(path, data={**known, **fine}, headers=anna).status_code == 403, path
    assert client.get("/alerts").status_code == client.get("/alerts/rules").status_code == 403
    with database.begin(Scope.nothing()) as session:
        row = {"user_id": cast.luca, "role": Role.SUPERVISOR, "contract_id": cast.other_contract}
        session.execute(insert(RoleGrant), [{**row, "valid_from": clock.now(session)}])
    client.cookies.clear()
    let_in(client, "luca")
    luca = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    for path in (f"/alerts/rules/{rule.id}/remove", f"/alerts/browsers/{one.id}/remove"):
        assert client.post(path, headers=luca).status_code == 404, path
    assert client.post(address, data=fine, headers=luca).status_code == 403


def test_the_history_of_a_period_says_what_stands_since_whenever_and_that_there_is_more(
    client: Any, cast: Cast, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = a_rule(database, cast)
    with database.begin(Scope.nothing()) as session:
        at, of = clock.now(session), {"rule_id": rule, "contract_id": cast.contract, "measured": ZERO, "note": ""}
        raised = [(timedelta(days=40), None), *((timedelta(hours=n), at) for n in range(1, 4))]
        session.execute(insert(Alert), [{**of, "raised_at": at - ago, "cleared_at": over} for ago, over in raised])
    let_in(client, "sara")

    def rows(query: str) -> int:
        answer = client.get(f"/alerts?{query}")
        assert answer.status_code == 200, query
        return int(answer.text.count('<tr id="alert-'))

    assert [rows(query) for query in ("", "which=standing", "since=&until=&contract=", "contract=999")] == [3, 1, 3, 0]
    assert "per le altre scegli" not in client.get("/alerts").text
    monkeypatch.setattr(queries, "MOST_SHOWN", 2)
    assert "Qui le ultime 2" in client.get("/alerts").text
    for wrong in ("since=0001-01-01", "until=9999-12-31", "since=2026-11-20&until=2026-11-01", "until=ieri"):
        assert client.get(f"/alerts?{wrong}").status_code == 422, wrong


def test_a_level_that_is_missed_is_told_as_the_form_proposes_it(client: Any, stage: Stage, database: Database) -> None:
    """The form's threshold, which a level does not need, is left as it stood there."""
    cast = stage.cast
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    fields = {"kind": "level", "threshold": "5", "after": "0", "metric": "share_of_received_calls_lost"}
    assert client.post(f"/alerts/rules/{cast.contract}", data=fields, headers=headers).status_code == 204
    assert looks(database, cast) == 0
    stage.caller_leaves(stage.queues(), after=30)
    assert looks(database, cast) == 1
    assert "oggi è mancato" in client.get("/supervision").text


def test_an_alert_tells_of_no_single_agent_while_that_is_locked(client: Any, stage: Stage, database: Database) -> None:
    """Rule: no watching without an agreement."""
    cast, contract = stage.cast, Scope.of_contract(stage.cast.contract)
    ours = {cast.anna, cast.luca, cast.marta}
    a_rule(database, cast, kind=AlertKind.READY, threshold=1, queue_id=cast.operator)

    def answer(agents: set[int]) -> None:
        with database.begin(contract) as session:
            session.execute(delete(QueueMember).where(QueueMember.queue_id == cast.operator))
            session.add_all(QueueMember(queue_id=cast.operator, agent_id=one) for one in agents)

    def stands() -> bool:
        """Looked at long enough for what is no more to be over."""
        for _ in range(2):
            looks(database, cast)
            with database.begin(contract) as session:
                session.execute(update(AlertRule).values(calm_since=AlertRule.calm_since - 2 * CALM))
        let_in(client, "sara")
        return "alert-row" in client.get("/supervision").text

    answer(ours)
    assert stands(), "of three nobody is ready"
    answer({cast.anna, cast.luca})
    assert stands(), "of two, whose figures are open"
    lock_again(database)
    assert not stands()
    assert "direbbe di uno solo" in client.get("/alerts/rules").text
    answer(set())
    assert stands(), "nobody answers there: it tells of no one"
    answer(ours)
    assert stands()
    assert "direbbe di uno solo" not in client.get("/alerts/rules").text


def test_figures_of_thresholds_are_those_of_the_board(stage: Stage) -> None:
    cast = stage.cast
    make_ready(stage.database, cast.anna)
    stage.queues()
    gone = stage.queues("+393480000011", sid="CA2")
    stage.caller_leaves(gone, after=30)
    with stage.database.begin(Scope.of_contract(cast.contract)) as session:
        facts = measures.read(session, cast.contract, days_of(session, cast.contract, None))
        of = partial(measures.measured, facts=facts)
        assert of(Threshold(AlertKind.WAITING, ZERO)) == 1
        assert of(Threshold(AlertKind.WAITING, ZERO, cast.notices)) == 0
        assert of(Threshold(AlertKind.READY, ZERO)) == 1
        facts = measures.read(session, cast.contract, None, by_line=True)
        of_line = partial(measures.measured, facts=facts)
        for line, many in ((EMPOLI_LINE, 1), (REGIONAL_LINE, 0)):
            assert of_line(Threshold(AlertKind.WAITING, ZERO, line=line)) == many
            assert bool(of_line(Threshold(AlertKind.LONGEST, ZERO, line=line))) is bool(many)
        lost = "share_of_received_calls_lost"
        assert of(Threshold(AlertKind.LEVEL, ZERO, metric=lost)) == 1
        assert of(Threshold(AlertKind.SPENDABLE, ZERO, metric=lost)) == 0
        assert of(Threshold(AlertKind.SPENDABLE, Decimal(7), metric="none")) == 7  # promised no more: nothing is passed
        assert of(Threshold(AlertKind.CARRIER, ZERO)) == 0
        assert of(Threshold(AlertKind.WALL, Decimal(60))) == 60
