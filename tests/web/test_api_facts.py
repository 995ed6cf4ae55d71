"""An ente analyses its service: calls one by one, marks, closures, continuity; equal to pages, files and reports."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from openpyxl import load_workbook
from sqlalchemy import select

from crm.access.permissions import Principal
from crm.audit.models import AuditEntry
from crm.continuity.models import Cause, Interruption, Part, ServiceSpell
from crm.core.clock import start_of_day
from crm.core.db import Database, Scope
from crm.enti.consent import ClosureStanding
from crm.enti.models import Closure
from crm.levels import remarks, service
from crm.levels.agreement import Period
from crm.levels.closing import close_due
from crm.levels.metering import Account, Callers, Counts, FactKind, Measured, quarter_of
from crm.levels.metrics import LONGEST_WAIT
from crm.levels.models import ContractEvent, ContractEventKind
from crm.levels.service import SeenFact
from crm.reports import reading
from crm.reports.due import span
from crm.reports.report import Report, stored
from crm.tokens.models import ApiScope
from telephony.surveys.models import SurveyAnswer
from tests.cast import Cast, principal_of, promise
from tests.crm.reports.conftest import GOLDEN, TENTH, play
from tests.web.conftest import Programs, let_in, token_of
from web.api.v1.routes import described
from web.levels.view import days_of
from web.reports.sheets import sheets

pytestmark = pytest.mark.integration
MONTH = {"first": "2026-10-01", "last": "2026-10-31"}
OCTOBER = span(Period.MONTH, date(2026, 10, 1))


@pytest.fixture
def october(database: Database, cast: Cast) -> list[UUID]:
    """Empoli's golden calls, and one that came in before its ente was known; a closure, an interruption, six marks."""
    found = play(database, cast, *GOLDEN)
    unknown, at = uuid4(), TENTH + timedelta(days=2)
    account = Account(cast.contract, None, cast.operator, Callers.LANDLINE, quarter_of(at))
    begun = Measured(received=True, entered=True, served=False, ended=False, waited_ms=None)
    over = Measured(received=True, entered=True, served=True, ended=True, waited_ms=4_000, talk_ms=56_000)
    known = Account(cast.contract, cast.empoli, cast.operator, Callers.LANDLINE, quarter_of(at))
    with database.begin(Scope.of_contract(cast.contract)) as session:
        arrived = [SeenFact(kind, at, 0, repaired=False) for kind in (FactKind.RECEIVED, FactKind.ENTERED)]
        service.record(session, subject=unknown, facts=arrived, before=None, after=(account, begun))
        told = ((FactKind.ATTRIBUTED, 2), (FactKind.SERVED, 4), (FactKind.LEFT, 60))
        facts = [SeenFact(kind, at + timedelta(seconds=n), 4_000, repaired=False) for kind, n in told]
        service.record(session, subject=unknown, facts=facts, before=(account, begun), after=(known, over))
        session.add_all(
            [
                Closure(
                    contract_id=cast.contract, ente_id=ente_id, starts_at=TENTH, ends_at=TENTH + timedelta(hours=1),
                    reason="Lavori", declared_by=cast.sara, declared_at=TENTH, standing=ClosureStanding.EMERGENCY,
                )
                for ente_id in (cast.empoli, cast.vinci)
            ]
        )  # fmt: skip
        session.add_all(
            SurveyAnswer(
                id=uuid4(), contract_id=cast.contract, ente_id=ente_id, queue_id=cast.operator, day=TENTH.date(),
                score=mark,
            )
            for ente_id, marks in ((cast.empoli, (5, 5, 4, 3, 1, 5)), (cast.vinci, (2,)))
            for mark in marks
        )  # fmt: skip
    with database.begin(Scope.nothing()) as session:
        began = datetime(2026, 10, 6, 8, 30, tzinfo=UTC)
        session.add(ServiceSpell(part=Part.PAGES, began_at=start_of_day(OCTOBER.first), last_at=began))
        for at, minutes in ((began, 31), (began + timedelta(days=1), 5)):
            ended = at + timedelta(minutes=minutes)
            session.add(Interruption(cause=Cause.PAGES, began_at=at, ended_at=ended, found_at=ended, told_at=ended))
    return [*found, unknown]


def report_of(database: Database, cast: Cast) -> Report:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        days = days_of(session, cast.contract, cast.empoli)
        return reading.read(session, cast.contract, cast.empoli, OCTOBER, days, turn=lambda: None)


def test_calls_come_page_by_page_and_sum_up_to_the_hours(
    database: Database, cast: Cast, programs: Programs, october: list[UUID]
) -> None:
    """Rule: one query layer. Each call once, whatever the page's size, with nothing of who called or answered."""
    (hours,) = programs.get("/api/v1/hours", **MONTH).json()
    for most in (1, 2, 500):
        found, after = [], ""
        while True:
            answer = programs.get("/api/v1/calls", **MONTH, most=most, after=after).json()
            assert len(answer["calls"]) <= most
            found += answer["calls"]
            after = answer["next"]
            if after is None:
                break
        assert {UUID(one["id"]) for one in found} == set(october) - {october[5]}  # the sixth is Vinci's
        assert len(found) == 6
        assert [one["received_at"] for one in found] == sorted(one["received_at"] for one in found)
        for hour in hours["hours"]:
            start = datetime.fromisoformat(hour["start"])
            mine = [
                Counts(**one["counts"])
                for one in found
                if datetime.fromisoformat(one["received_at"]).replace(minute=0, second=0, microsecond=0) == start
                and one["callers"] == hour["callers"]
            ]
            assert sum(mine, Counts()) == Counts(**hour["counts"])
    assert set(found[0]) == {
        "id", "received_at", "callers", "queue_id", "queue", "outcome", "waited_ms", "counts"
    }  # fmt: skip
    assert [one["outcome"] for one in found].count("abandoned") == 2
    whole = report_of(database, cast)
    assert sum((Counts(**one["counts"]) for one in found), Counts()).received == whole.head.received
    for wrong in ("x", "20261006T080500.000000Z_x", "_", "²_1"):
        assert programs.get("/api/v1/calls", **MONTH, after=wrong).status_code == 422


def test_nobody_reads_another_entes_calls_nor_without_being_allowed_to(
    client: Any, database: Database, cast: Cast, administrator: Principal, programs: Programs, october: list[UUID]
) -> None:
    """Attack."""
    vinci = Programs(client, token_of(database, administrator, cast.vinci))
    assert [UUID(one["id"]) for one in vinci.get("/api/v1/calls", **MONTH).json()["calls"]] == [october[5]]
    levels = Programs(client, token_of(database, administrator, cast.empoli, ApiScope.LEVELS, ApiScope.REPORTS))
    assert levels.get("/api/v1/calls", **MONTH).status_code == 403
    calls = Programs(client, token_of(database, administrator, cast.empoli, ApiScope.CALLS))
    for path in ("/api/v1/surveys?month=2026-10-01", "/api/v1/levels", "/api/v1/reports"):
        assert calls.get(path).status_code == 403
    assert programs.get("/api/v1/calls", **MONTH, contract=cast.other_contract).status_code == 404
    assert programs.get("/api/v1/calls", first="2026-10-31", last="2026-10-01").status_code == 422
    assert programs.get("/api/v1/calls", **MONTH, most=0).status_code == 422
    for path in ("closures", "continuity", "calls"):
        assert Programs(client, "").get(f"/api/v1/{path}", **MONTH).status_code == 401
    (few,) = vinci.get("/api/v1/surveys", month="2026-10-15").json()
    assert (few["answers"], few["mean"], few["scores"]) == (1, None, None)  # of so few no mark is told


def test_marks_closures_and_continuity_are_those_of_the_pages_and_of_the_report(
    client: Any, database: Database, cast: Cast, programs: Programs, october: list[UUID]
) -> None:
    """Rule: one query layer."""
    kept = stored(report_of(database, cast))
    (closures,) = programs.get("/api/v1/closures", **MONTH).json()
    assert closures["closures"] == kept["interruptions"]
    assert len(closures["closures"]) == 1  # Vinci's is not Empoli's
    (continuity,) = programs.get("/api/v1/continuity", **MONTH).json()
    uptime = continuity["uptime"]
    assert uptime["stops"] == kept["stops"]
    assert uptime["interrupted_min"] == kept["interrupted_min"]
    assert [(one["minutes"], one["over_30_min"], one["counts"]) for one in uptime["stops"]] == [
        ("31.000", True, True), ("5.000", False, True)
    ]  # fmt: skip
    assert Decimal(uptime["pages_interrupted_min"]) == 36
    (before,) = programs.get("/api/v1/continuity", first="2026-09-01", last="2026-09-30").json()
    assert before["uptime"] is None
    (marks,) = programs.get("/api/v1/surveys", month="2026-10-31").json()
    assert (marks["answers"], marks["scores"]) == (6, {"5": 3, "4": 1, "3": 1, "1": 1})
    let_in(client, "vera")
    row = client.get("/surveys", params={"month": "2026-10"}).text.split("<tbody>")[1]
    assert f"{marks['mean']:.1f}".replace(".", ",") in row
    api = OpenAPI.from_dict(described())
    for path, params in (
        ("calls", MONTH), ("closures", MONTH), ("continuity", MONTH), ("surveys", {"month": "2026-10-01"}),
    ):  # fmt: skip
        answer = programs.get(f"/api/v1/{path}", **params)
        api.validate_response(
            MockRequest("http://testserver", "get", f"/api/v1/{path}", args=dict(params)),
            MockResponse(answer.content, status_code=200, content_type=answer.headers["content-type"]),
        )


def test_what_stands_behind_a_penalty_is_the_same_on_the_page_in_files_and_by_the_api(
    client: Any, database: Database, cast: Cast, programs: Programs, october: list[UUID]
) -> None:
    """Rule: a list behind each euro."""
    with database.begin(Scope.of_contract(cast.contract)) as session:
        promise(session, cast.contract, LONGEST_WAIT, 300)
        for place in (0, 1):
            session.add(
                ContractEvent(
                    contract_id=cast.contract, ente_id=cast.empoli, queue_id=cast.operator,
                    kind=ContractEventKind.WAIT_OVER, metric=LONGEST_WAIT, subject=str(october[place]),
                    limit=Decimal(300), measured=Decimal("321.5"), occurred_at=TENTH, recorded_at=TENTH,
                )
            )  # fmt: skip
        session.flush()
        sara = principal_of(session, cast.sara)
        remarks.say(
            session, sara, contract_id=cast.contract, metric=LONGEST_WAIT, subject=str(october[0]), text="=1+1 Guasto.",
            leave_out=True,
        )  # fmt: skip
    close_due(database, days_of)
    let_in(client, "vera")
    asked = {"metric": LONGEST_WAIT, "begins": "2026-10-01", "ente": cast.empoli}
    at = f"/levels/{cast.contract}"
    page = client.get(f"{at}/calls", params=asked).text
    assert page.count("321,5 s") == 2
    assert "over.xlsx?metric=" in page
    rows = list(
        csv.reader(io.StringIO(client.get(f"{at}/over.csv", params=asked).text.lstrip("\ufeff")), delimiter=";")
    )
    call, measured = rows[0].index("Chiamata"), rows[0].index("Misurato")
    assert [(row[call], Decimal(row[measured].replace(",", "."))) for row in rows[1:]] == [
        (str(one), Decimal("321.5")) for one in october[:2]
    ]
    assert "'=1+1 Guasto." in client.get(f"{at}/remarks.csv", params=asked).text
    book = load_workbook(io.BytesIO(client.get(f"{at}/over.xlsx", params=asked).content))
    assert [sheet.max_row for sheet in book] == [3, 2]
    assert client.get(f"{at}/over.ods", params=asked).content[:2] == b"PK"
    (told,) = programs.get("/api/v1/levels", begins="2026-10-01").json()
    over = [one for one in told["over"] if one["metric"] == LONGEST_WAIT]
    assert [one["call"] for one in over] == [str(one) for one in october[:2]]
    assert over[0]["said"][0]["words"] == "=1+1 Guasto."
    report = report_of(database, cast)
    assert stored(report)["over"] == told["over"]
    tables = {one.name.value: one.rows for one in sheets(report)}
    assert (len(tables["over"]), len(tables["remarks"]), len(tables["stops"])) == (2, 1, 2)
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        taken = session.scalars(select(AuditEntry).where(AuditEntry.kind == "penalty.exported")).all()
    assert len(taken) == 4
    assert client.get(f"{at}/over.csv", params={"metric": LONGEST_WAIT}).status_code == 404  # the whole contract
    assert client.get(f"{at}/over.csv", params={**asked, "ente": cast.vinci}).status_code == 404
    assert client.get(f"{at}/over.csv", params={**asked, "own": "2026-09-01"}).status_code == 404
    let_in(client, "anna")
    assert client.get(f"{at}/over.csv", params=asked).status_code == 403
