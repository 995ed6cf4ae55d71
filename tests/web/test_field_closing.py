"""The pages of what stays of a practice: who reads what, and what comes as a file."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from crm.access.models import Role, RoleGrant, User
from crm.audit.models import AuditEntry
from crm.collection.models import FeedMode, ImportRun, ImportState
from crm.core.configuration import changed
from crm.core.db import Database, Scope
from crm.positions.models import Position
from outbound.field.closing import listening, register, reports, settling
from outbound.field.closing.agreed import Band, Conditions, TermsState, stored
from outbound.field.closing.models import CommissionTerms, PracticeReport, RegisterEntry, Settlement
from outbound.field.practices.lifecycle import Closed, State
from tests.cast import Cast
from tests.outbound.field import people
from tests.outbound.field.closing.conftest import a_practice
from tests.web.conftest import csrf_of, let_in

pytestmark = pytest.mark.integration
PAID = datetime(2026, 2, 3, 9, tzinfo=UTC)
CONDITIONS = {
    "from": "2030-01-01", "rate-1": "92,5", "up-1": "1.000,00", "phase-1": "request", "parts": ["tax", "sanctions"],
    "days": "45", "least": "5",
}  # fmt: skip


@dataclass
class Place:
    """A settled quarter of Empoli's with one payment of 100 euro, and the report of its practice."""

    client: TestClient
    database: Database
    cast: Cast
    settlement: int
    report: int

    def get(self, path: str, status: int = 200) -> str:
        """A page."""
        answer = self.client.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    def post(self, path: str, status: int = 204, **fields: Any) -> Any:
        """A form."""
        headers = {"X-CSRF-Token": csrf_of(self.client), "HX-Request": "true"}
        answer = self.client.post(path, data=fields, headers=headers)
        assert answer.status_code == status, answer.text
        return answer

    def kinds(self) -> list[str]:
        """What the audit has of it."""
        with self.database.begin(Scope.of_enti([self.cast.empoli])) as session:
            found = session.scalars(select(AuditEntry.kind).where(AuditEntry.kind.like("field.%")))
            return [*found]


@pytest.fixture
def place(client: TestClient, database: Database, cast: Cast) -> Place:
    """See the class. Anna is a field agent of Empoli's, Vera decides for it."""
    empoli = Scope.of_enti([cast.empoli])

    def people_too(session: Session) -> None:
        changed(session)
        at = datetime(2020, 1, 1, tzinfo=UTC)
        fabio = User(username="fabio", name="Fabio")
        session.add(fabio)
        session.flush()
        for user, role in ((fabio.id, Role.FIELD_AGENT), (cast.vera, Role.ENTE_APPROVER)):
            session.add(RoleGrant(user_id=user, role=role, ente_id=cast.empoli, valid_from=at))

    with database.begin(Scope.nothing()) as session:
        people_too(session)
        fabio = session.scalars(select(User.id).where(User.username == "fabio")).one()

    def work(session: Session) -> tuple[int, int]:
        agent = people.an_agent(session, fabio, cast.sara)
        practice = a_practice(session, cast, 1, ["E-1"], cast.sara)
        mandate = people.a_mandate(session, practice, agent, cast.sara)
        mandate.valid_from, mandate.valid_to, mandate.accepted_at = date(2026, 2, 1), date(2026, 3, 31), PAID
        register.mandate_given(session, mandate_id=mandate.id)
        position = session.scalars(select(Position).where(Position.reference == "E-1")).one()
        position.payments = [
            {"paid_on": "2026-02-03", "cents": 10_000, "channel": None, "registered_on": "2026-02-05"},
            {"paid_on": "2026-02-04", "cents": 700, "channel": None, "registered_on": "2026-05-05"},
        ]
        position.digest = "y"
        session.add(
            CommissionTerms(
                ente_id=cast.empoli, valid_from=date(2026, 1, 1), state=TermsState.ACCEPTED,
                conditions=stored(Conditions((Band(Decimal(90)),))), proposed_at=PAID, proposed_by=cast.sara,
                decided_at=PAID, decided_by=cast.vera, reason="",
            )
        )  # fmt: skip
        session.execute(
            insert(ImportRun).values(
                ente_id=cast.empoli, file_name="x", file_bytes=1, state=ImportState.DONE, mode=FeedMode.FULL,
                as_of=datetime(2026, 5, 3, tzinfo=UTC), started_at=PAID, moved_at=PAID, totals=[], unreadable=0,
            )
        )  # fmt: skip
        practice.state, practice.closed, practice.closed_at = State.CLOSED, Closed.PROMISED, PAID
        session.flush()
        listening.hear_due(session, ente_id=cast.empoli)
        made = settling.close_next(session, ente_id=cast.empoli)
        assert made is not None
        return made, reports.make(session, practice_id=practice.id, at=PAID)

    return Place(client, database, cast, *database.transact(empoli, work))


def test_the_ente_reads_the_statement_line_by_line_with_the_reason_of_what_earns_nothing(place: Place) -> None:
    let_in(place.client, "vera")
    page = place.get("/field/commissions")
    assert "2026-1" in page
    assert "aperto, si liquida dal" in page
    statement = place.get(f"/field/commissions/{place.settlement}")
    assert "9,00" in statement
    assert "registrato dall&#39;ente oltre i giorni previsti" in statement
    assert "Fabio Lotti" in statement
    opened = place.get(f"/field/commissions/open/{place.cast.empoli}/2026-2")
    assert "nessun pagamento" in opened
    for wrong in (f"open/{place.cast.empoli}/2026-1", f"open/{place.cast.siena}/2026-2", "999", "open/1/x"):
        place.get(f"/field/commissions/{wrong}", 404)


@pytest.mark.parametrize(("kind", "begins"), [("pdf", b"%PDF"), ("xlsx", b"PK"), ("ods", b"PK")])
def test_a_statement_is_taken_away_in_each_kind_of_file(place: Place, kind: str, begins: bytes) -> None:
    let_in(place.client, "vera")
    answer = place.client.get(f"/field/commissions/{place.settlement}/file.{kind}")
    assert answer.content.startswith(begins)
    place.get(f"/field/commissions/{place.settlement}/file.json", 404)
    table = place.get(f"/field/commissions/{place.settlement}/lines.csv")
    assert "E-1" in table
    assert "9,00" in table


def test_an_agent_reads_his_own_lines_and_nothing_of_a_report_or_the_register(place: Place) -> None:
    let_in(place.client, "fabio")
    assert "9,00" in place.get("/field/commissions/mine")
    assert "9,00" in place.get(f"/field/commissions/{place.settlement}")
    place.get(f"/field/commissions/{place.settlement}?agent=999", 404)
    for closed in ("/field/commissions", "/field/reports", f"/field/reports/{place.report}", "/field/register",
                   "/field/register.pdf"):  # fmt: skip
        place.get(closed, 403)


def test_whoever_does_not_watch_visits_reads_nothing(place: Place) -> None:
    let_in(place.client, "anna")
    for path in ("", "/mine", f"/{place.settlement}"):
        place.get(f"/field/commissions{path}", 403)
    place.post(f"/field/commissions/terms/{place.cast.empoli}", 403, **CONDITIONS)


def test_the_company_proposes_and_the_ente_decides(place: Place) -> None:
    let_in(place.client, "sara")
    path = f"/field/commissions/terms/{place.cast.empoli}"
    wrong = place.post(path, 422, **{**CONDITIONS, "rate-1": "x", "up-1": "y", "from": "", "days": "-1"})
    assert set(wrong.json()["fields"]) == {"rate-1", "from", "days"}
    assert "from" in place.post(path, 422, **{**CONDITIONS, "from": "2026-01-01"}).json()["fields"]
    place.post(path, **CONDITIONS)
    with place.database.begin(Scope.of_enti([place.cast.empoli])) as session:
        made = session.scalars(select(CommissionTerms.id).where(CommissionTerms.state == TermsState.PROPOSED)).one()
    assert "92,5" in place.get("/field/commissions")
    place.post(f"/field/commissions/terms/{made}/decide", 403, accepts="true")
    let_in(place.client, "vera")
    assert "reason" in place.post(f"/field/commissions/terms/{made}/decide", 422).json()["fields"]
    place.post(f"/field/commissions/terms/{made}/decide", accepts="true")
    place.post(f"/field/commissions/terms/{made}/decide", 409, accepts="true")
    assert {"field.terms_proposed", "field.terms_accepted"} <= set(place.kinds())


def test_a_report_is_read_taken_away_and_corrected_by_a_further_edition(place: Place) -> None:
    let_in(place.client, "vera")
    listed = place.get("/field/reports?since=2026-02-01&until=2026-02-28")
    assert "Pratica n. 1" in listed
    assert place.get("/field/reports").count("Pratica n. 1") > 0, "without days, those in which something was closed"
    assert "Nessuna pratica chiusa" in place.get("/field/reports?since=2026-01-01&until=2026-01-31")
    page = place.get(f"/field/reports/{place.report}")
    assert "BIANCHI MARIO" in page
    assert "come fu fatta" in page
    assert "Correggi con una nuova edizione" not in page
    assert place.client.get(f"/field/reports/{place.report}/file.pdf").content.startswith(b"%PDF")
    data = json.loads(place.get(f"/field/reports/{place.report}/file.json"))
    assert data["closed"] == "promised"
    assert "BIANCHI" not in place.get("/field/reports.csv?since=2026-02-01&until=2026-02-28")
    place.post(f"/field/reports/{place.report}/correct", 403, reason="x")
    let_in(place.client, "sara")
    assert "reason" in place.post(f"/field/reports/{place.report}/correct", 422).json()["fields"]
    place.post(f"/field/reports/{place.report}/correct", reason="mancava un pagamento")
    with place.database.begin(Scope.of_enti([place.cast.empoli])) as session:
        last = session.scalars(select(PracticeReport.id).order_by(PracticeReport.id.desc())).first()
    assert "mancava un pagamento" in place.get(f"/field/reports/{last}")
    assert "ultima edizione" in place.get(f"/field/reports/{place.report}")
    assert {"field.report_read", "field.reports_taken", "field.report_corrected"} <= set(place.kinds())


def test_the_register_is_read_printed_and_corrected_and_each_reading_is_noted(place: Place) -> None:
    let_in(place.client, "sara")
    page = place.get("/field/register")
    assert "mandato conferito" in page
    assert "BIANCHI" not in page
    assert place.client.get("/field/register.pdf").content.startswith(b"%PDF")
    assert "Comune di Empoli" in place.get("/field/register.csv")
    assert set(place.post("/field/register/correct", 422, number="x").json()["fields"]) == {"number"}
    place.post("/field/register/correct", 404, number="999", words="x")
    place.post("/field/register/correct", number="1", words="l'importo era un altro")
    assert "importo era un altro" in place.get("/field/register")
    assert {"field.register_read", "field.register_taken", "field.register_corrected"} <= set(place.kinds())
    wrong = place.client.get("/field/register?since=x")
    assert wrong.status_code == 422


def test_in_english_too(place: Place) -> None:
    let_in(place.client, "vera")
    with place.database.begin(Scope.nothing()) as session:
        session.get_one(User, place.cast.vera).language = "en"
    assert "Commission" in place.get("/field/commissions")
    with place.database.begin(Scope.of_enti([place.cast.empoli])) as session:
        assert session.scalars(select(Settlement.lines)).one() == 2
        assert session.scalars(select(RegisterEntry.number)).all()
