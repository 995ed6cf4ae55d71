"""The agreement on watching workers, on the pages: entering it, reading it, and what is locked without it."""

import json
import re
from typing import Any

import pytest
from sqlalchemy import delete, insert

from crm.access.models import Role, RoleGrant, User
from crm.core.db import Database, Scope, table_of
from telephony.agents import service as agents
from telephony.calls.models import WatchMode
from telephony.queues import queries as queues
from telephony.queues.figures import untold
from telephony.queues.models import QueueMember
from tests.cast import AS_OF, DOMAIN, Cast, lock_again, make_ready
from tests.web.conftest import Desk, csrf_of, let_in
from tests.web.test_proposals import Browser, becomes
from tests.web.test_recordings import REASON, as_, kept, wants
from web.wallboard import board
from web.wiring import Runtime

pytestmark = pytest.mark.integration
TYPED = {
    "kind": "union", "reference": "Accordo aziendale, prot. 118", "signed_on": "2026-01-12", "valid_from": "2026-01-12",
    "valid_until": "", "keep_months": "12", "use-listening": "1", "use-figures": "1",
    "told": "Si ascolta chi è in servizio, e lo si vede sulla console.",
}  # fmt: skip


def test_it_is_entered_read_by_the_agent_and_withdrawn(
    client: Any, locked_centre: Database, runtime: Runtime, cast: Cast
) -> None:
    becomes(locked_centre, cast.vera, Role.ADMINISTRATOR, contract_id=cast.contract)
    admin, at = Browser(client, "vera", "/monitoring"), f"/monitoring/{cast.contract}"
    assert "bloccato" in admin.get("/monitoring")
    status, said = admin.post(at, **{**TYPED, "reference": "", "signed_on": "ieri"})
    assert status == 422
    assert {"signed_on", "reference"} <= set(json.loads(said)["fields"])
    assert admin.post(at, **TYPED)[0] == 204
    page = admin.get(at)
    assert "consentito" in page
    assert "0 operatori su 4" in page
    assert admin.post(f"/monitoring/{cast.other_contract}", **TYPED)[0] == 403
    agreement = max(int(one) for one in re.findall(r"/monitoring/agreements/(\d+)/withdraw", page))
    client.cookies.clear()
    let_in(client, "anna")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    mine = client.get("/me").text
    assert "Ho letto" in mine
    assert "lo si vede sulla console" in mine
    assert client.post(f"/me/monitoring/{agreement}/read", headers=headers).status_code == 204
    mine = client.get("/me").text
    assert "Ho letto" not in mine
    assert client.post(f"/monitoring/agreements/{agreement}/withdraw", data={"because": "x" * 9}, headers=headers
    ).status_code == 403  # fmt: skip
    client.cookies.clear()
    admin = Browser(client, "vera", "/monitoring")
    assert "1 operatori su 4" in admin.get(at)
    assert admin.post(f"/monitoring/agreements/{agreement}/withdraw", because="")[0] == 422
    assert admin.post(f"/monitoring/agreements/{agreement}/withdraw", because="Disdetto dalle RSU")[0] == 204
    assert "Disdetto dalle RSU" in admin.get(at)


def test_where_it_is_locked_each_page_says_so_and_nothing_is_done(desk: Desk, runtime: Runtime, cast: Cast) -> None:
    """Rule: no watching without an agreement."""
    call = desk.talks()
    lock_again(runtime.database)
    client = desk.client
    headers = as_(desk, "sara")
    page = client.get("/supervision").text
    assert "l&#39;accordo è stato revocato" in page
    assert "Anna" not in page
    assert "supervision/watch" not in page
    for mode in WatchMode:
        answer = client.post("/supervision/watch", data={"call": str(call), "mode": mode.value}, headers=headers)
        assert answer.status_code == 403
    page = client.get("/operators").text
    assert "Bloccato." in page
    assert "Anna" not in page
    assert "In conversazione <strong" in page
    as_(desk, "anna")
    assert "Nessuno ti ascolta" in client.get("/me").text


def test_of_a_queue_of_two_it_is_not_told_how_many_are_ready_while_that_is_locked(
    desk: Desk, runtime: Runtime, cast: Cast
) -> None:
    """Rule: no watching without an agreement."""
    contract = Scope.of_contract(cast.contract)

    def told() -> set[bool]:
        with runtime.database.begin(contract) as session:
            staffing = queues.staffing(session, frozenset({cast.contract}))
            few = {one for one, states in staffing.queues.items() if sum(states.values()) < 3}
            assert few
            shown = {row.name: row.ready is not None for row in board.read(session, contract).queues if row.name}
            of_few = {queues.queue(session, one).name for one in few}
            all_together = (board.read(session, contract).agents is not None, None not in untold(session, staffing))
            return {
                *all_together,
                *(shown[one] for one in of_few),
                *(one not in untold(session, staffing) for one in few),
            }

    with runtime.database.begin(contract) as session:
        session.execute(delete(QueueMember).where(QueueMember.agent_id != cast.anna))
    as_(desk, "sara")
    assert told() == {True}
    ready = re.compile(r"\d pront[oi] su \d")
    assert ready.search(desk.client.get("/supervision").text)
    lock_again(runtime.database)
    assert told() == {False}
    assert not ready.search(desk.client.get("/supervision").text)
    assert "direbbe di uno solo" in desk.client.get("/supervision").text


def test_a_recording_is_heard_for_a_complaint_and_not_to_judge_the_work(desk: Desk, runtime: Runtime) -> None:
    wants(desk.stage)
    call, one = kept(desk, runtime)
    at, client = f"/recordings/{call}", desk.client
    headers = as_(desk, "sara")
    work = {"heard_for": "work", "reason": "Verifica di novembre"}
    assert "Anna" in client.get("/recordings").text
    assert client.post(at, data={"reason": REASON}, headers=headers).status_code == 422
    assert client.post(at, data=work, headers=headers).status_code == 204
    assert client.get(f"{at}/{one}/sound").status_code == 200
    lock_again(runtime.database)
    assert client.get(f"{at}/{one}/sound").status_code == 403, "withdrawn, what was begun is over"
    assert "Anna" not in client.get("/recordings").text
    page = client.get(at).text
    assert re.search(r'value="work"[^>]* disabled', page)
    assert "<dd>Anna" not in page
    assert client.post(at, data=work, headers=headers).status_code == 403
    assert client.post(at, data={"heard_for": "complaint", "reason": REASON}, headers=headers).status_code == 204
    assert client.get(f"{at}/{one}/sound").status_code == 200


def test_nobody_is_shown_who_has_not_read_it(client: Any, database: Database, runtime: Runtime, cast: Cast) -> None:
    """Luca's colleagues have read it, he has not: he alone is in a sum."""

    with database.begin(Scope.of_contract(cast.contract)) as session:
        nina = User(username="nina", name="Nina")
        session.add(nina)
        session.flush()
        session.execute(
            insert(table_of(RoleGrant)).values(
                user_id=nina.id, role=Role.AGENT, contract_id=cast.contract, valid_from=AS_OF
            )
        )
        agents.enrol(session, agent_id=nina.id, domain=DOMAIN)
        session.add(QueueMember(queue_id=cast.operator, agent_id=nina.id))
    make_ready(database, cast.anna)
    let_in(client, "sara")
    page = client.get("/operators").text
    assert "Anna" in page
    assert "Nina" not in page
    assert "1 operatore non si vede." in page
    assert "Fuori servizio <strong" not in page, "so few would be single ones"
    board_page = client.get("/supervision").text
    assert not re.search(r'href="/supervision/agents\?state', board_page), "the sum less the others would be Nina's"
    assert "direbbe di uno solo" in board_page
    with database.begin(Scope.of_contract(cast.contract)) as session:
        staffing = queues.staffing(session, frozenset({cast.contract}))
        assert untold(session, staffing) == set(), "where nobody is shown singly, it is a sum of four"
        assert board.read(session, Scope.of_contract(cast.contract)).agents is not None
    lock_again(database)
    assert re.search(r'href="/supervision/agents\?state', client.get("/supervision").text)
