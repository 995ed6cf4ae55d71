"""Closing and reopening the lines of a contract from the wallboard."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select
from starlette.testclient import TestClient

from crm.access.models import EnteExclusion, Role, RoleGrant
from crm.audit.models import AuditEntry
from crm.core import clock
from crm.core.db import Database, Scope
from crm.enti import queries as enti
from crm.enti.models import Closure
from tests.cast import Cast, open_week
from tests.web.conftest import csrf_of, let_in

pytestmark = pytest.mark.integration

CLOSE, REOPEN = "Chiudi il centro", "Riapri il centro"


def switches(client: TestClient) -> str:
    """The part of the board that closes and reopens."""
    return client.get("/wallboard").text.split('<div class="switches">')[1].split("</main>")[0]


def offered(html: str) -> set[int]:
    """The contracts that can be closed."""
    return {int(one) for one in re.findall(r'(?:<option|type="hidden" name="contract") value="(\d+)"', html)}


def press(client: TestClient, action: str, contract: int) -> int:
    headers = {"X-CSRF-Token": csrf_of(client)}
    answer: Any = client.post(f"/wallboard/{action}", data={"contract": contract}, headers=headers)
    return int(answer.status_code)


def closed(database: Database, cast: Cast) -> set[int]:
    with database.begin(Scope.nothing()) as session:
        both = enti.switches(session, frozenset({cast.contract, cast.other_contract}))
    return {one.contract_id for one in both if one.closed}


def grant(database: Database, user: int, role: Role, contract: int) -> None:
    with database.begin(Scope.nothing()) as session:
        session.execute(
            insert(RoleGrant).values(user_id=user, role=role, contract_id=contract, valid_from=clock.now(session))
        )


def test_sara_closes_her_only_contract_after_a_confirmation_and_opens_it_again(
    client: TestClient, database: Database, cast: Cast
) -> None:
    let_in(client, "sara")
    html = switches(client)
    assert re.search(rf"<summary>{CLOSE}</summary>.*Conferma la chiusura", html, re.DOTALL)
    assert (offered(html), REOPEN in html) == ({cast.contract}, False)
    assert press(client, "close", cast.contract) == 204
    assert press(client, "close", cast.contract) == 409
    assert (CLOSE in switches(client), REOPEN in switches(client)) == (False, True)
    assert press(client, "reopen", cast.contract) == 204
    assert closed(database, cast) == set()


def test_what_was_closed_without_asking_is_read_by_the_ente_and_whoever_oversees_the_contract(
    client: TestClient, database: Database, cast: Cast
) -> None:
    let_in(client, "sara")
    press(client, "close", cast.contract)
    for role, ente, contract in (
        (Role.ENTE_VIEWER, cast.empoli, None), (Role.CONTRACT_SUPERVISOR, None, cast.contract),
        (Role.ENTE_VIEWER, cast.siena, None),
    ):  # fmt: skip
        with database.begin(Scope.nothing()) as session:
            session.execute(delete(RoleGrant).where(RoleGrant.user_id == cast.vera))
            held = {"role": role, "ente_id": ente, "contract_id": contract, "valid_from": clock.now(session)}
            session.execute(insert(RoleGrant).values(user_id=cast.vera, **held))
        let_in(client, "vera")
        page = client.get("/closures/plan").text.split('id="lost"')[1]
        assert ("ancora chiuso" in page, "Comune di Empoli" in page) == ((ente != cast.siena,) * 2)
        assert ("Chiusure non approvate, questo mese" in client.get("/ente").text) is (ente == cast.empoli)


def test_a_supervisor_of_two_contracts_chooses_which_one_to_close(
    client: TestClient, database: Database, cast: Cast
) -> None:
    grant(database, cast.sara, Role.SUPERVISOR, cast.other_contract)
    let_in(client, "sara")
    assert offered(switches(client)) == {cast.contract, cast.other_contract}
    assert press(client, "close", cast.other_contract) == 204
    assert closed(database, cast) == {cast.other_contract}
    html = switches(client)
    assert offered(html) == {cast.contract}
    assert f"{REOPEN}: Siena" in html


def test_whom_an_ente_keeps_away_still_closes_the_contract_and_asks_for_closures(
    client: TestClient, database: Database, cast: Cast
) -> None:
    with database.begin(Scope.nothing()) as session:
        session.add(
            EnteExclusion(
                user_id=cast.sara, ente_id=cast.empoli, reason="Così", made_by=cast.vera, made_at=clock.now(session)
            )
        )
        day = clock.business_day(clock.now(session) + timedelta(days=2)).isoformat()
    let_in(client, "sara")
    assert press(client, "close", cast.contract) == 204
    assert press(client, "reopen", cast.contract) == 204
    headers = {"X-CSRF-Token": csrf_of(client)}
    asked = {
        "contract": cast.contract, "ente": cast.empoli, "starts_on": day, "starts": "09:00",
        "ends_on": day, "ends": "12:00", "reason": "Lavori", "message": "chiusi per lavori",
    }  # fmt: skip
    assert client.post("/closures/propose", data=asked, headers=headers).status_code == 204
    with database.begin(Scope.of_contract(cast.contract)) as session:
        proposal = session.scalars(select(Closure.proposal).where(Closure.ente_id == cast.empoli)).one()
        told = set(session.scalars(select(AuditEntry.kind).where(AuditEntry.ente_id == cast.empoli)))
    assert told == {"centre.closed", "centre.reopened", "closure.proposed"}
    assert client.post(f"/closures/{proposal}/take-back", headers=headers).status_code == 204


@pytest.mark.parametrize("elsewhere", [None, Role.AGENT])
def test_a_contract_that_is_not_hers_to_close_is_neither_offered_nor_closed(
    client: TestClient, database: Database, cast: Cast, elsewhere: Role | None
) -> None:
    if elsewhere:
        grant(database, cast.sara, elsewhere, cast.other_contract)
    let_in(client, "sara")
    assert offered(switches(client)) == {cast.contract}
    for action in ("close", "reopen"):
        assert press(client, action, cast.other_contract) == 403
    assert closed(database, cast) == set()


def test_what_the_hours_have_closed_nobody_is_offered_to_reopen(
    client: TestClient, database: Database, cast: Cast
) -> None:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        session.add(open_week(cast.contract, ""))
    let_in(client, "sara")
    assert "Il centro è chiuso." in client.get("/wallboard").text
    assert (CLOSE in switches(client), REOPEN in switches(client)) == (True, False)


@pytest.mark.parametrize("username", ["anna", "vera"])
def test_whoever_may_not_close_sees_no_switch(client: TestClient, username: str) -> None:
    let_in(client, username)
    html = client.get("/wallboard").text
    assert CLOSE not in html
    assert REOPEN not in html
