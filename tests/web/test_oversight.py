"""The supervisors' page of agents, and what agents and boards show of it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from crm.core import clock
from crm.core.db import Database, Scope
from telephony.agents import service as agents
from telephony.agents.models import Activity, AgentFact, AgentPresence, AgentState, PauseReason
from telephony.standing.health import Watch
from tests.cast import Cast, make_ready, presence_of, principal_of
from tests.telephony.fake_carrier import FakeCarrier
from tests.web.conftest import csrf_of, let_in

pytestmark = pytest.mark.integration


def on_a_break(database: Database, agent: int) -> None:
    """Since twenty minutes ago."""
    make_ready(database, agent)
    with database.begin(Scope.nothing()) as session:
        by = principal_of(session, agent)
        agents.wish(session, by, intended=AgentState.PAUSED, reason=PauseReason.BREAK)
    with database.begin(Scope.nothing()) as session:
        since = clock.now(session) - timedelta(minutes=20)
        session.execute(update(AgentPresence).where(AgentPresence.agent_id == agent).values(since=since))


def test_a_supervisor_limits_a_pause_sees_who_is_over_it_and_puts_him_out_of_service(
    client: Any, database: Database, cast: Cast
) -> None:
    on_a_break(database, cast.anna)
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    limits = f"/operators/limits/{cast.contract}"
    wrong = client.post(limits, data={"limit-break": "x"}, headers=headers)
    assert wrong.json()["fields"] == {"limit-break": "Scrivi i minuti, da 1 a 480, o lascia vuoto."}
    assert client.post(limits, data={"limit-break": "15"}, headers=headers).status_code == 204
    page = client.get("/operators").text
    assert "oltre il limite di 15 min" in page
    assert "in pausa oltre il limite" in client.get("/wallboard").text
    out = f"/operators/{cast.anna}/release"
    assert client.post(out, data={"to": "offline"}, headers=headers).status_code == 204
    assert presence_of(database, cast.anna).state is AgentState.OFFLINE
    assert "in pausa oltre il limite" not in client.get("/wallboard").text


def test_an_agent_reads_his_own_day_and_nobody_else_does(client: Any, database: Database, cast: Cast) -> None:
    """L. 300/1970, art. 4: figures of a single worker are his own."""
    let_in(client, "anna")
    assert "Oggi non sei ancora stato in servizio." in client.get("/me").text
    with database.begin(Scope.nothing()) as session:
        just_now = clock.now(session) - timedelta(milliseconds=10)
        session.execute(insert(AgentFact).values(agent_id=cast.anna, at=just_now, activity=Activity.HOLDING))
    page = client.get("/me").text
    assert "Con il cittadino in attesa" in page
    for other in ("luca", "sara"):
        client.cookies.clear()
        let_in(client, other)
        page = client.get("/me").text
        assert "Con il cittadino in attesa" not in page
        assert ("La tua giornata" in page) == (other == "luca")  # she is nobody's agent


def test_an_agent_sees_his_limit_and_who_put_him_out_of_service(client: Any, database: Database, cast: Cast) -> None:
    on_a_break(database, cast.anna)
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    client.post(f"/operators/limits/{cast.contract}", data={"limit-break": "15"}, headers=headers)
    client.cookies.clear()
    let_in(client, "anna")
    console = client.get("/console").text
    assert "limite 15 min" in console
    assert "superato" in console
    assert client.get("/operators").status_code == 403
    client.cookies.clear()
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    client.post(f"/operators/{cast.anna}/release", data={"to": "offline"}, headers=headers)
    client.cookies.clear()
    let_in(client, "anna")
    assert "ti ha messo fuori servizio" in client.get("/console").text


def test_board_and_console_say_since_when_the_carrier_does_not_answer(
    client: Any, database: Database, cast: Cast
) -> None:
    let_in(client, "anna")
    said = "Il gestore telefonico non risponde dalle"
    assert said not in client.get("/wallboard").text
    carrier = FakeCarrier(silent=True)
    watch = Watch(database, carrier, "AC1")
    for _ in range(3):
        watch.look()
    assert said in client.get("/wallboard").text
    assert said in client.get("/console").text
    carrier.silent = False
    watch.look()
    assert said not in client.get("/wallboard").text
