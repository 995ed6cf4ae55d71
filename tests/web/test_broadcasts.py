"""A supervisor moves agents and writes to them; they see it, and say that they have read it."""

import re
from typing import Any

import pytest
from sqlalchemy import insert

from crm.access.models import Role, RoleGrant
from crm.core import clock
from crm.core.db import Database, Scope
from crm.monitoring.lock import Lock
from telephony.agents.models import AgentState
from telephony.broadcasts import queries
from telephony.queues import queries as queues
from tests.cast import Cast, lock_again, make_ready, may_be_watched, presence_of
from tests.web.conftest import csrf_of, let_in

pytestmark = pytest.mark.integration


def enters(client: Any, username: str) -> dict[str, str]:
    """Somebody signs in; what his page sends with each press."""
    client.cookies.clear()
    let_in(client, username)
    return {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}


def sent(database: Database, cast: Cast) -> list[queries.Sent]:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        return queries.sent(session, [cast.contract])


def elsewhere(database: Database, cast: Cast) -> None:
    """Luca supervises Siena's contract, of which neither Anna nor anything here is."""
    with database.begin(Scope.nothing()) as session:
        row = {"user_id": cast.luca, "role": Role.SUPERVISOR, "contract_id": cast.other_contract}
        session.execute(insert(RoleGrant), [{**row, "valid_from": clock.now(session)}])


def test_what_a_supervisor_writes_stands_on_the_consoles_until_it_is_read(
    client: Any, database: Database, cast: Cast
) -> None:
    sara = enters(client, "sara")
    empty = client.post(f"/broadcasts/{cast.contract}", data={"words": "  "}, headers=sara)
    assert "words" in empty.json()["fields"]
    words = "Il sito dei pagamenti torna alle 11."
    assert client.post(f"/broadcasts/{cast.contract}", data={"words": words}, headers=sara).status_code == 204
    (one,) = sent(database, cast)
    assert one.unseen
    assert one.unseen.count == 3
    anna = enters(client, "anna")
    assert words in client.get("/console").text
    address = f"/console/broadcasts/{one.id}"
    assert client.post(f"{address}/seen", headers=anna).status_code == 204
    (one,) = sent(database, cast)
    assert (one.seen, one.unseen) == (queries.Receipts(1, ("Anna",)), queries.Receipts(2, ("Luca", "Marta")))
    assert client.post(f"{address}/read", headers=anna).status_code == 204
    assert words not in client.get("/console").text
    assert sent(database, cast)[0].read == queries.Receipts(1, ("Anna",))
    sara = enters(client, "sara")
    assert words in client.get("/broadcasts").text
    assert client.post(f"/broadcasts/{one.id}/withdraw", headers=sara).status_code == 204
    enters(client, "luca")
    assert words not in client.get("/console").text


def test_who_has_read_is_not_named_while_single_figures_are_locked(client: Any, database: Database, cast: Cast) -> None:
    """L. 300/1970, art. 4: it would tell of each when he looked. Of fewer than three, not even how many."""
    sara = enters(client, "sara")
    client.post(f"/broadcasts/{cast.contract}", data={"words": "Il sito torna alle 11."}, headers=sara)
    client.post(f"/operators/{cast.anna}/queues/{cast.contract}", data={f"queue-{cast.notices}": "1"}, headers=sara)
    few = {"words": "Solo al centralino.", "queue": str(cast.operator)}
    client.post(f"/broadcasts/{cast.contract}", data=few, headers=sara)
    to_two, to_all = sent(database, cast)
    enters(client, "anna")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    client.post(f"/console/broadcasts/{to_all.id}/read", headers=headers)
    enters(client, "sara")
    assert "non ancora visto: Luca, Marta" in client.get("/broadcasts").text
    with database.begin(Scope.nothing()) as session:  # Marta has not read the agreement that holds
        may_be_watched(session, cast.contract, unread=frozenset({cast.marta}))
    to_two, to_all = sent(database, cast)
    assert to_all.read == queries.Receipts(1, ())  # but for one, all named would name the one
    assert to_all.locks == {Lock.NOT_READ}
    assert (to_two.read, to_two.agents) == (None, 2)
    lock_again(database)
    page = client.get("/broadcasts").text
    assert "Bloccato." in page
    assert not {"Luca", "Marta"} & set(re.findall(r"\w+", page[page.index('id="sent"') :]))


def test_one_queue_is_written_to_and_nobody_else_reads_it(client: Any, database: Database, cast: Cast) -> None:
    sara = enters(client, "sara")
    place = f"/operators/{cast.anna}/queues/{cast.contract}"
    assert client.post(place, data={f"queue-{cast.notices}": "2"}, headers=sara).status_code == 204
    with database.begin(Scope.nothing()) as session:
        members = queues.members(session, cast.contract)
    assert members[cast.notices][cast.anna] == 2
    assert cast.anna not in members[cast.operator]
    assert cast.luca in members[cast.operator]
    to_operator = {"words": "Solo per chi è al centralino.", "queue": str(cast.operator)}
    assert client.post(f"/broadcasts/{cast.contract}", data=to_operator, headers=sara).status_code == 204
    (one,) = sent(database, cast)
    assert one.unseen
    assert one.unseen.count == 2
    anna = enters(client, "anna")
    assert "centralino" not in client.get("/console").text
    assert client.post(f"/console/broadcasts/{one.id}/read", headers=anna).status_code == 404


def test_an_agent_s_page_moves_him(client: Any, database: Database, cast: Cast) -> None:
    make_ready(database, cast.anna)
    sara = enters(client, "sara")
    page = client.get(f"/operators/{cast.anna}").text
    assert "Metti in pausa" in page
    out = {"to": "paused", "reason": "meeting", "anew": "true"}
    assert client.post(f"/operators/{cast.anna}/release", data=out, headers=sara).status_code == 204
    assert presence_of(database, cast.anna).state is AgentState.PAUSED
    forged = {"queue-999": "1"}
    place = f"/operators/{cast.anna}/queues/{cast.contract}"
    assert client.post(place, data=forged, headers=sara).status_code == 422
    assert client.post(place, data={f"queue-{cast.notices}": "9"}, headers=sara).status_code == 422


def test_nobody_moves_or_writes_to_another_contract_s_agents(client: Any, database: Database, cast: Cast) -> None:
    elsewhere(database, cast)
    luca = enters(client, "luca")
    assert client.get(f"/operators/{cast.anna}").status_code == 404
    place = f"/operators/{cast.anna}/queues/{cast.contract}"
    assert client.post(place, data={f"queue-{cast.notices}": "1"}, headers=luca).status_code in {403, 404}
    assert client.post(f"/broadcasts/{cast.contract}", data={"words": "Ciao"}, headers=luca).status_code == 403
    sara = enters(client, "sara")
    client.post(f"/broadcasts/{cast.contract}", data={"words": "Ciao"}, headers=sara)
    (one,) = sent(database, cast)
    luca = enters(client, "luca")
    assert client.post(f"/broadcasts/{one.id}/withdraw", headers=luca).status_code == 404
    anna = enters(client, "anna")
    assert client.post(f"/broadcasts/{cast.contract}", data={"words": "Ciao"}, headers=anna).status_code == 403
    assert client.get(f"/operators/{cast.luca}").status_code == 403
