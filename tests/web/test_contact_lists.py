"""The pages of lists: making one by conditions, sending a file, and who may do neither."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from starlette.testclient import TestClient

from crm.audit.models import AuditEntry
from crm.core import jobs
from crm.core.db import Database, Scope
from crm.core.errors import InvalidError
from outbound.lists.models import ContactList
from outbound.segments.conditions import Segment
from tests.cast import MARIO_MOBILE, Cast
from tests.outbound.test_lists import RUNNERS
from tests.outbound.test_segments import segments
from tests.web.conftest import csrf_of, let_in
from web.lists.builder import MOST_ROWS, Builder, Row

SHOWING = "0b8c1c1e-6d0b-4f5d-9b0e-0f6f5e1c2d3a"
MARIO = "BNCMRA62A01D403X"


def form(client: TestClient, cast: Cast, **fields: str) -> dict[str, str]:
    """Whoever owes Empoli 200 euro for the TARI."""
    return {
        "csrf": csrf_of(client), "showing": SHOWING, "name": "Chi deve", "ente": str(cast.empoli), "join-0": "",
        "field-0": "tax", "operator-0": "is", "value-0": "tari", "join-1": "", "field-1": "owed",
        "operator-1": "at_least", "value-1": "200", **fields,
    }  # fmt: skip


def work(database: Database, cast: Cast) -> None:
    """The worker does what is owed."""
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        owed = jobs.due(session)
    for job_id, ente_id in owed:
        jobs.run(database, RUNNERS, job_id=job_id, ente_id=ente_id)


@given(segments)
def test_a_form_that_shows_a_segment_comes_to_it_again(segment: Segment) -> None:
    shown = Builder.showing(segment, ente_id=1)
    assert Builder.of(shown.typed()) == shown
    if len(shown.rows) < MOST_ROWS:
        assert shown.segment() == segment


@given(st.lists(st.sampled_from(["add", "drop:0", "drop:1", "alternative:0", "alternative:9", "x"]), max_size=20))
def test_whatever_is_pressed_the_form_stands(deeds: list[str]) -> None:
    shown = Builder.of({"field-0": ["tax"], "value-0": ["tari"]})
    for deed in deeds:
        shown, focus = shown.done(deed)
        assert len(shown.rows) <= MOST_ROWS
        assert focus is None or focus < len(shown.rows)
        assert not (shown.rows and shown.rows[0].alternative)
        assert Builder.of(shown.typed()) == shown


def test_what_is_missing_is_said_beside_its_field() -> None:
    with pytest.raises(InvalidError) as refusal:
        Builder(rows=(Row(), *Builder.of({"field-0": ["owed"], "value-0": ["molti"]}).rows)).segment()
    assert {one.field for one in refusal.value.parts} == {"field-0", "value-1"}


@pytest.mark.integration
def test_a_list_is_made_by_conditions_counted_while_they_are_typed_and_kept_as_a_draft(
    client: TestClient, cast: Cast, database: Database
) -> None:
    let_in(client, "sara")
    assert "Nessuna lista finora" in client.get("/lists").text
    counted = client.post("/lists/new/answer", data=form(client, cast), headers={"hx-request": "true"}).text
    assert '<strong class="num">1</strong> contribuente' in counted
    assert "MARIO" in counted.upper()
    assert "812,00" in counted
    assert "Comune di Empoli: contribuenti con posizioni per «TARI»; che devono in tutto almeno" in counted
    lacking = client.post("/lists/new/answer", data=form(client, cast, **{"value-1": ""}), headers={"hx-request": "1"})
    assert "Completa le condizioni" in lacking.text
    more = client.post("/lists/new/rows", data=form(client, cast, do="add"), headers={"hx-request": "true"}).text
    assert 'id="field-2"' in more
    again = client.get("/lists/new").text
    assert "Ripreso da quanto avevi scritto" in again
    assert 'value="200"' in again
    assert 'id="field-2"' in again
    wrong = client.post("/lists/new", data=form(client, cast, name="", **{"value-1": "x"}), headers={"hx-request": "1"})
    assert (wrong.status_code, set(wrong.json()["fields"])) == (422, {"value-1"})
    made = client.post("/lists/new", data=form(client, cast), headers={"hx-request": "true"})
    at = made.headers["hx-redirect"]
    assert "In preparazione" in client.get(at).text
    work(database, cast)
    ready = client.get(at).text
    assert "Pronta" in ready
    assert "MARIO" in ready.upper()
    assert "Ripreso" not in client.get("/lists/new").text
    assert 'value="200,00"' in client.get(f"/lists/new?like={at.rpartition('/')[2]}").text
    assert client.post(f"{at}/withdraw", data={"csrf": csrf_of(client)}).status_code == 204
    assert "Ritirata" in client.get("/lists").text
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        seen = session.scalars(select(AuditEntry.kind).where(AuditEntry.actor_id == cast.sara)).all()
    assert {"list.made", "list.seen", "list.withdrawn"} <= set(seen)


@pytest.mark.integration
def test_a_file_with_errors_is_explained_and_its_bad_rows_can_be_taken_away(
    client: TestClient, cast: Cast, database: Database
) -> None:
    let_in(client, "sara")
    about = {"csrf": csrf_of(client), "name": "Dal file", "ente": str(cast.empoli)}
    bad = f"codice fiscale;note\r\n{MARIO};sì\r\n=HYPERLINK(1);@x\r\n".encode()
    sent = client.post("/lists/file", data=about, files={"file": ("C:\\elenco.csv", bad)})
    at = sent.headers["hx-redirect"]
    work(database, cast)
    page = client.get(at).text
    assert "Da confermare" in page
    assert "elenco.csv" in page
    assert "deve avere 16 caratteri" in page
    taken = client.get(f"{at}/refused.csv")
    assert "'=HYPERLINK(1)" in taken.text
    assert "'@x" in taken.text
    assert client.post(f"{at}/accept", data={"csrf": csrf_of(client)}).status_code == 204
    assert "Pronta" in client.get(at).text
    assert client.post(f"{at}/accept", data={"csrf": csrf_of(client)}).status_code == 409
    missing = client.post("/lists/file", data=about, headers={"hx-request": "true"})
    assert set(missing.json()["fields"]) == {"file"}


@pytest.mark.integration
def test_nobody_else_sees_lists_or_makes_them(client: TestClient, cast: Cast, database: Database) -> None:
    let_in(client, "sara")
    made = client.post("/lists/new", data=form(client, cast)).headers["hx-redirect"]
    foreign = client.post("/lists/new", data=form(client, cast, ente=str(cast.siena)))
    assert foreign.status_code == 403
    for who in ("anna", "vera"):
        let_in(client, who)
        token = csrf_of(client)
        for path in ("/lists", "/lists/new", "/lists/file", made, f"{made}/state", f"{made}/refused.csv"):
            assert client.get(path).status_code == 403, path
        assert MARIO_MOBILE not in client.get("/lists").text
        for path in ("/lists/new", "/lists/new/answer", f"{made}/withdraw", f"{made}/delete", f"{made}/accept"):
            assert client.post(path, data={**form(client, cast), "csrf": token}).status_code == 403, path
    with database.begin(Scope.of_enti([cast.empoli, cast.vinci, cast.siena])) as session:
        assert len(session.scalars(select(ContactList)).all()) == 1
