"""Sources, decisions and reconciliations on their pages."""

import csv
import io
import json
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from crm.audit.models import AuditEntry
from crm.collection import limits, presence
from crm.collection.limits import Limits
from crm.collection.models import CollectionSource, ImportRun, Reconciliation
from crm.core.db import Database, Scope
from crm.core.spreadsheet import harmless
from crm.positions.models import Position
from tests.cast import Cast
from tests.crm.conftest import HEADER, ROSSI, TARI
from tests.web.conftest import csrf_of, let_in
from tests.web.test_imports import page, run_id, send, shown, uploads, works

pytestmark = pytest.mark.integration
__all__ = ["page", "uploads"]  # fixtures


def feed(*records: dict[str, Any], as_of: str = "2026-11-20T10:00:00+01:00", totals: str = "812.00") -> str:
    kinds = [record["record"] for record in records]
    told = {"record": "totals", "tax": "tari", "positions": 1, "residual": totals, "paid": "0"}
    end = {"record": "end", "taxpayers": kinds.count("taxpayer"), "positions": kinds.count("position")}
    return "".join(json.dumps(line) + "\n" for line in (HEADER | {"as_of": as_of}, *records, told, end))


def form(cast: Cast, **changes: Any) -> dict[str, Any]:
    return {
        "ente": cast.empoli, "name": "Cartella", "kind": "folder", "when": "every", "every_min": "30", "active": "true"
    } | changes  # fmt: skip


def source(database: Database, cast: Cast) -> CollectionSource:
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        return session.scalars(select(CollectionSource)).one()


def test_a_source_is_set_up_changed_and_read_from_the_page(page: TestClient, database: Database, cast: Cast) -> None:
    assert page.post("/imports/sources", data=form(cast)).status_code == 303
    made = source(database, cast)
    assert "ogni 30 minuti" in page.get("/imports").text
    assert page.post(f"/imports/sources/{made.id}", data=form(cast, when="daily", at="05:45")).status_code == 303
    assert "ogni giorno alle 05:45" in page.get("/imports").text
    assert page.post(f"/imports/sources/{made.id}/read").status_code == 204
    assert page.post(f"/imports/sources/{made.id}/read").status_code == 409
    works(database, cast)
    assert "Nulla di nuovo" in page.get(f"/imports/sources/{made.id}").text


def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(page: TestClient, cast: Cast) -> None:
    answer = page.post("/imports/sources", data=form(cast, name=" ", kind="http", endpoint="EVIL", every_min="0"))
    assert answer.status_code == 422
    for field in ("name", "endpoint", "every_min"):
        assert f'id="{field}-wrong"' in answer.text
    assert "Scegli uno dei gestionali configurati." in answer.text
    answer = page.post("/imports/sources", data=form(cast, name="Mia", every_min="tanti"))
    assert "Scrivi quanti minuti, in cifre." in answer.text
    assert 'value="Mia"' in answer.text
    assert 'value="tanti"' in answer.text
    for at in (":30", "6:3", "²:00", "24:00"):
        answer = page.post("/imports/sources", data=form(cast, when="daily", at=at))
        assert (answer.status_code, 'id="at-wrong"' in answer.text) == (422, True)


def test_another_ente_s_are_not_there(page: TestClient, database: Database, cast: Cast) -> None:
    with database.begin(Scope.of_enti([cast.siena])) as session:
        theirs = CollectionSource(ente_id=cast.siena, kind="folder", name="Siena", failures=0)
        session.add(theirs)
        session.flush()
    assert "Siena" not in page.get("/imports").text
    assert page.get(f"/imports/sources/{theirs.id}").status_code == 404
    assert page.post(f"/imports/sources/{theirs.id}/read").status_code == 404
    assert page.post("/imports/sources", data=form(cast, ente=cast.siena)).status_code == 403
    assert page.get("/imports/reconciliations/99").status_code == 404
    assert page.get("/imports/99/refused.csv").status_code == 404
    assert page.post("/imports/99/withdraw").status_code == 404


def test_neither_agents_nor_ente_viewers_see_them(page: TestClient, cast: Cast) -> None:
    for who in ("anna", "vera"):
        let_in(page, who)
        for path in ("/imports/sources/new", "/imports/reconciliations"):
            assert page.get(path).status_code == 403


def test_a_person_decides_what_a_full_feed_withdraws(
    page: TestClient, database: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "HELD_ROWS", 0)
    send(page, cast.empoli, feed(ROSSI, TARI))
    works(database, cast)
    send(page, cast.empoli, feed(ROSSI, as_of="2026-11-21T01:00:00+01:00"))
    works(database, cast)
    seen = shown(page)
    assert "Attende una decisione" in seen
    assert "TARI" in seen
    run = run_id(database, cast)
    assert page.post(f"/imports/{run}/withdraw").status_code == 204
    works(database, cast)
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        gone = session.scalars(select(Position.reference).where(Position.withdrawn_as_of.is_not(None))).all()
        assert "T-1" in gone
        assert session.get_one(ImportRun, run).decided_by == cast.sara
    assert "tolti" in shown(page)


def test_figures_that_do_not_agree_are_told_to_the_administrator(
    page: TestClient, database: Database, cast: Cast
) -> None:
    send(page, cast.empoli, feed(ROSSI, TARI, totals="800.00"))
    works(database, cast)
    assert "i conti del gestionale e i nostri non tornano" in page.get("/imports").text
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        report = session.scalars(select(Reconciliation)).one()
    assert "I conti non tornano" in page.get("/imports/reconciliations").text
    assert "differisce" in page.get(f"/imports/reconciliations/{report.id}").text
    table = page.get(f"/imports/reconciliations/{report.id}/table.csv")
    assert table.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(table.content.decode("utf-8-sig")), delimiter=";"))
    assert rows[0][:4] == ["Tributo", "posizioni, gestionale", "residuo, gestionale", "pagato, gestionale"]
    assert ["800,00" in row for row in rows].count(True) == 1


def test_refused_lines_are_downloaded_and_no_cell_is_a_formula(
    page: TestClient, database: Database, cast: Cast
) -> None:
    send(page, cast.empoli, feed(ROSSI | {"codice_fiscale": '=HYPERLINK("x")'}, ROSSI))
    works(database, cast)
    answer = page.get(f"/imports/{run_id(database, cast)}/refused.csv")
    assert answer.headers["content-disposition"].startswith("attachment")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    assert rows[1][:2] == ["2", "rifiutata"]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "  =1"])
def test_a_text_that_a_spreadsheet_would_compute_is_shown(text: str) -> None:
    assert harmless(text) == f"'{text}"


def test_other_texts_and_numbers_are_left_alone() -> None:
    assert (harmless("Rossi"), harmless(-5)) == ("Rossi", "-5")


def limits_of(database: Database, cast: Cast) -> tuple[Limits, Limits]:
    with database.begin(Scope.of_enti([cast.empoli, cast.vinci])) as session:
        found = limits.limits(session, [cast.empoli, cast.vinci])
    return found[cast.empoli], found[cast.vinci]


def test_each_ente_has_its_own_bounds_of_what_is_withdrawn_unasked(
    page: TestClient, database: Database, cast: Cast
) -> None:
    at = f"/imports/limits/{cast.empoli}"
    assert "Quando un flusso completo aspetta conferma" in page.get("/imports").text
    assert f'id="percent-{cast.empoli}" name="percent" inputmode="numeric" maxlength="4" value="10"' in (
        page.get("/imports/limits").text
    )
    for percent, rows in (("25", "4000"), ("0", "0")):
        assert page.post(at, data={"percent": percent, "rows": rows}).status_code == 204
        assert limits_of(database, cast) == (Limits(int(percent), int(rows)), Limits(10, 100))
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.kind == "feed.limits_changed")).all()
    assert [one.ente_id for one in noted] == [cast.empoli] * 2

    send(page, cast.empoli, feed(ROSSI, TARI))
    works(database, cast)
    run = run_id(database, cast)
    assert f"/imports/{run}/withdraw" in page.get("/imports").text  # Mario's one position is beyond nought


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"percent": "101", "rows": "5"}, ["percent"]),
        ({"percent": "-1", "rows": "5"}, ["percent"]),
        ({"percent": "1.5", "rows": "5"}, ["percent"]),
        ({"percent": "10", "rows": "10000001"}, ["rows"]),
        ({"percent": "10", "rows": "1e3"}, ["rows"]),
        ({}, ["percent", "rows"]),
    ],
)
def test_absurd_bounds_are_refused_at_their_field(
    page: TestClient, database: Database, cast: Cast, fields: dict[str, str], wrong: list[str]
) -> None:
    answer = page.post(f"/imports/limits/{cast.empoli}", data=fields, headers={"hx-request": "true"})
    assert (answer.status_code, list(answer.json()["fields"])) == (422, wrong)
    assert limits_of(database, cast) == (Limits(), Limits())


def test_nobody_else_sets_the_bounds(page: TestClient, database: Database, cast: Cast) -> None:
    chosen = {"percent": "100", "rows": "0"}
    for ente in (cast.siena, 999_999):
        assert page.post(f"/imports/limits/{ente}", data=chosen).status_code == 403
    assert "Ente 3" not in page.get("/imports/limits").text
    page.cookies.clear()
    let_in(page, "anna")
    page.headers["X-CSRF-Token"] = csrf_of(page)
    assert page.get("/imports/limits").status_code == 403
    assert page.post(f"/imports/limits/{cast.empoli}", data=chosen).status_code == 403
    assert limits_of(database, cast) == (Limits(), Limits())
