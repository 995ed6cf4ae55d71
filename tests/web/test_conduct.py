"""How an ente wants its files handled, set on its page: it holds for the very next caller, and for that ente alone."""

import json
import re
from datetime import time
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from crm.access.models import Role
from crm.audit import queries as audit
from crm.audit.queries import Wanted
from crm.contacts import narrowing
from crm.contacts.disclosure import Matter, RelationKind, at_most
from crm.contacts.models import DisclosureRule
from crm.core.db import Database, Scope
from crm.files import queries
from crm.files.gate import USUAL
from crm.messages import queries as messages
from tests.cast import Cast
from tests.web.conftest import Desk
from tests.web.test_proposals import Browser, becomes

pytestmark = pytest.mark.integration

QUESTIONS = {
    "place-0": "2", "words-0": "Data di nascita", "checks-0": "born",
    "place-1": "1", "words-1": "Qual è <b>l'ultima</b> lettera ricevuta?", "checks-1": "act",
    "place-2": "3", "words-2": "Dove abita?", "checks-2": "address", "needed": "2",
}  # fmt: skip


@pytest.fixture
def admin(client: TestClient, cast: Cast, database: Database) -> Browser:
    becomes(database, cast.sara, Role.ADMINISTRATOR, contract_id=cast.contract)
    return Browser(client, "sara", "/enti")


def told(**less: set[Matter]) -> dict[str, str]:
    """The boxes as a browser sends them: all that the table allows, but for these relations."""
    kept = {kind: less.get(kind.value, at_most(kind)) for kind in RelationKind}
    return {f"{kind.value}-{matter.value}": "1" for kind, matters in kept.items() for matter in matters}


def noted(database: Database, cast: Cast, kind: str) -> list[tuple[Any, Any]]:
    """Before and after, the oldest first."""
    with database.begin(Scope.of_enti([cast.empoli, cast.vinci])) as session:
        wanted = Wanted(frozenset({cast.empoli, cast.vinci}), kinds=(kind,))
        rows = audit.some(session, wanted, after=None, limit=50)
    assert {row.ente_id for row in rows} <= {cast.empoli}
    return [(row.before, row.after) for row in reversed(rows)]


def test_the_gate_is_written_and_holds_for_the_next_caller(
    desk: Desk, admin: Browser, cast: Cast, database: Database
) -> None:
    at = f"/enti/{cast.empoli}"
    assert f'href="{at}/files"' in admin.get(at)
    page = admin.get(f"{at}/files")
    assert "si fanno quelle abituali" in page
    assert f'value="{USUAL[0].text}"' in page
    assert admin.post(f"{at}/gate", **QUESTIONS)[0] == 204
    page = admin.get(f"{at}/files")
    assert "&lt;b&gt;l&#39;ultima&lt;/b&gt;" in page
    assert "si fanno quelle abituali" not in page
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        asked = queries.gate(session, cast.empoli)
        assert queries.gate(session, cast.vinci).questions == USUAL
    assert [one.text for one in asked.questions] == [QUESTIONS["words-1"], QUESTIONS["words-0"], QUESTIONS["words-2"]]
    ((before, after),) = noted(database, cast, "gate.changed")
    assert before["questions"][0]["key"] == "name"
    assert [one["key"] for one in after["questions"]] == [one.key for one in asked.questions]
    assert after["needed"] == 2

    desk.sit_down()
    call = desk.talks()
    keys = re.findall(r'name="right" value="([\w-]+)"', desk.page("file"))
    assert keys == [one.key for one in asked.questions]
    assert desk.identify(call, right=["name", keys[0]]).status_code == 422
    assert desk.identify(call, right=keys[:2]).status_code == 204


def test_the_usual_questions_come_back(admin: Browser, cast: Cast, database: Database) -> None:
    at = f"/enti/{cast.empoli}"
    assert admin.post(f"{at}/gate", **QUESTIONS)[0] == 204
    assert admin.post(f"{at}/gate/usual")[0] == 204
    assert "si fanno quelle abituali" in admin.get(f"{at}/files")
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert (queries.gate(session, cast.empoli).questions, queries.gate(session, cast.empoli).needed) == (USUAL, 2)
    (_, (before, after)) = noted(database, cast, "gate.changed")
    assert (len(before["questions"]), len(after["questions"])) == (3, 5)


@pytest.mark.parametrize(
    ("path", "fields", "wrong"),
    [
        ("gate", QUESTIONS | {"needed": "3"}, ["needed"]),
        ("gate", QUESTIONS | {"words-5": "Dove ABITA?", "checks-5": "other"}, ["words-5"]),
        ("gate", QUESTIONS | {"place-2": "terzo", "checks-0": "blood"}, ["checks-0", "place-2", "needed"]),
        ("gate", {}, ["needed"]),
        ("freshness", {"hours": "0"}, ["hours"]),
        ("freshness", {"hours": "8785"}, ["hours"]),
        ("freshness", {"hours": "un giorno"}, ["hours"]),
        ("freshness", {}, ["hours"]),
        ("retention", {"years": "41"}, ["years"]),
        ("retention", {"years": "-1"}, ["years"]),
        ("retention", {"years": "dieci"}, ["years"]),
        ("told", {"heir-contact_data": "1"}, ["heir-contact_data"]),
        ("told", {"partner-plans": "1", "partner-documents": "1"}, ["partner-documents", "partner-plans"]),
        ("told/sentences", {"partner-plans": "1"}, ["partner-plans"]),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_changes_nothing(
    admin: Browser, cast: Cast, database: Database, path: str, fields: dict[str, str], wrong: list[str]
) -> None:
    status, answer = admin.post(f"/enti/{cast.empoli}/{path}", **fields)
    assert (status, list(json.loads(answer)["fields"])) == (422, wrong)
    for kind in ("gate.changed", "freshness.changed", "disclosure.changed"):
        assert noted(database, cast, kind) == []


def test_the_promise_is_the_ente_s_and_leaves_the_gate_as_it_is(admin: Browser, cast: Cast, database: Database) -> None:
    at = f"/enti/{cast.empoli}"
    admin.post(f"{at}/gate", **QUESTIONS)
    assert admin.post(f"{at}/freshness", hours=" 72 ")[0] == 204
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert queries.settings(session, cast.empoli) == (2, 72)
        assert queries.settings(session, cast.vinci)[1] == 24
    assert noted(database, cast, "freshness.changed") == [({"hours": 24}, {"hours": 72})]
    assert admin.post(f"{at}/retention", years=" 5 ")[0] == 204
    assert noted(database, cast, "retention.changed") == [({"years": 0}, {"years": 5})]


def test_an_ente_tells_less_and_the_agent_reads_it(admin: Browser, cast: Cast, database: Database) -> None:
    at = f"/enti/{cast.empoli}"
    less = told(guardian={Matter.ACTS})
    status, sentences = admin.post(f"{at}/told/sentences", **less)
    assert (status, noted(database, cast, "disclosure.changed")) == (200, [])
    assert "Puoi parlare di atti e informazioni generali; non di importi" in sentences
    assert "Puoi parlare di atti e informazioni generali" not in admin.get(f"{at}/files")
    assert admin.post(f"{at}/told", **less)[0] == 204
    page = admin.get(f"{at}/files")
    assert "Puoi parlare di atti e informazioni generali; non di importi" in page
    assert (
        'name="guardian-acts" value="1" aria-label="Genitore, tutore o amministratore di sostegno: Atti" checked'
        in (page)
    )
    assert 'name="heir-contact_data"' not in page
    with database.begin(Scope.of_enti([cast.empoli, cast.vinci])) as session:
        rules = narrowing.rules(session, [cast.empoli, cast.vinci])
    assert rules == {(cast.empoli, RelationKind.GUARDIAN): {Matter.ACTS, Matter.PROCEDURE}}
    assert admin.post(f"{at}/told", **told())[0] == 204
    assert noted(database, cast, "disclosure.changed") == [
        ({}, {"guardian": ["acts", "procedure"]}),
        ({"guardian": ["acts", "procedure"]}, {}),
    ]


def test_nobody_else_and_no_other_ente(admin: Browser, client: TestClient, cast: Cast, database: Database) -> None:
    forms = {
        "gate": QUESTIONS,
        "gate/usual": {},
        "freshness": {"hours": "9"},
        "retention": {"years": "9"},
        "told": told(),
        "told/sentences": told(),
    }
    assert client.get(f"/enti/{cast.siena}/files").status_code == 404
    assert client.get("/enti/999999/files").status_code == 404
    for path, fields in forms.items():
        for ente in (cast.siena, 999_999):
            assert admin.post(f"/enti/{ente}/{path}", **fields)[0] in {403, 404}, (path, ente)
    unsigned = client.post(f"/enti/{cast.empoli}/gate", data=QUESTIONS, headers={"hx-request": "true"})
    assert unsigned.status_code == 403  # without the page's token
    anna = Browser(client, "anna", "/console")
    assert client.get(f"/enti/{cast.empoli}/files").status_code == 403
    for path, fields in forms.items():
        assert anna.post(f"/enti/{cast.empoli}/{path}", **fields)[0] == 403, path
    with database.begin(Scope.of_enti([cast.siena, cast.empoli])) as session:
        for ente in (cast.siena, cast.empoli):
            assert queries.gate(session, ente).questions == USUAL
            assert queries.settings(session, ente)[1] == 24


def test_raw_sql_in_another_ente_s_name_is_refused(cast: Cast, database: Database) -> None:
    """What an ente asks is no secret, but nobody else writes it; what it tells is its own."""
    at = {"e": cast.empoli}
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        session.add(DisclosureRule(ente_id=cast.empoli, relation=RelationKind.HEIR, matters=[Matter.ACTS]))
    with database.begin(Scope.of_enti([cast.siena])) as session:
        session.execute(text("UPDATE file_setting SET promise_h = 1 WHERE ente_id = :e"), at)
        session.execute(text("DELETE FROM disclosure_rule"))
        assert session.execute(text("SELECT * FROM disclosure_rule")).all() == []
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert queries.settings(session, cast.empoli)[1] == 24
        assert narrowing.rules_of(session, cast.empoli) == {RelationKind.HEIR: {Matter.ACTS}}


def test_an_ente_says_when_nobody_is_disturbed(admin: Browser, cast: Cast, database: Database) -> None:
    at = f"/enti/{cast.empoli}"
    assert 'value="21:00"' in admin.get(f"{at}/files")
    assert admin.post(f"{at}/quiet", quiet_from="19:30", quiet_until="09:00")[0] == 204
    assert admin.post(f"{at}/quiet", quiet_from="19:00", quiet_until="9:00")[0] == 422  # not an hour as it is written
    for wrong in ({"quiet_from": "08:00", "quiet_until": "21:00"}, {"quiet_from": "x\x00", "quiet_until": "25:00"}, {}):
        assert admin.post(f"{at}/quiet", **wrong)[0] == 422
    with database.begin(Scope.of_contract(cast.contract)) as session:
        empoli, vinci = messages.quiet(session, cast.empoli), messages.quiet(session, cast.vinci)
    assert (empoli.starts, empoli.ends) == (time(19, 30), time(9))
    assert (vinci.starts, vinci.ends) == (time(21), time(8))
    ((before, after),) = noted(database, cast, "quiet_hours.changed")
    assert (before["quiet_from"], after["quiet_from"]) == ("21:00", "19:30")
    assert admin.post(f"/enti/{cast.siena}/quiet", quiet_from="19:30", quiet_until="09:00")[0] in {403, 404}
