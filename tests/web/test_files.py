"""The taxpayer's file on the page: behind its gate, with reasons, for whom it is open and nobody else."""

import re
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, func, select, text, update
from starlette.testclient import TestClient

from crm.access.models import Role, RoleGrant
from crm.audit import queries as audit
from crm.audit.models import AuditEntry
from crm.audit.queries import Wanted
from crm.collection.models import (
    CollectionSource,
    FeedMode,
    ImportRun,
    ImportState,
    ReadingOutcome,
    SourceKind,
    SourceReading,
)
from crm.contacts import service as contacts
from crm.contacts.disclosure import RelationKind
from crm.contacts.models import Contact, DisclosureRule, PersonKind
from crm.core.configuration import changed
from crm.core.db import Database, Scope
from crm.documents import service as documents
from crm.documents.models import Document, DocumentKind
from crm.documents.store import StoreError
from crm.enti.models import PaymentWay
from crm.files.gate import Check
from crm.files.models import FileOpening, FileSetting, GateQuestion
from crm.positions.models import Position, PositionState
from crm.timeline import service as timeline
from crm.timeline.models import EntryKind, TimelineEntry
from tests.cast import NOTICE, Cast
from tests.web.conftest import Desk, csrf_of, let_in
from web.files.entries import shown
from web.wiring import Runtime

pytestmark = pytest.mark.integration


@dataclass
class Reader:
    """Somebody who reads files without a call."""

    client: TestClient
    database: Database
    cast: Cast
    runtime: Runtime
    headers: dict[str, str] = field(default_factory=dict)

    def sit_down(self, username: str) -> "Reader":
        self.client.cookies.clear()
        let_in(self.client, username)
        self.headers = {"X-CSRF-Token": csrf_of(self.client), "HX-Request": "true"}
        return self

    def opens(self, contact: int, **fields: Any) -> Any:
        return self.client.post(f"/files/{contact}/open", data=fields, headers=self.headers)

    def sees(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text

    def position(self, reference: str = "E-1") -> int:
        with self.database.begin(Scope.of_contract(self.cast.contract)) as session:
            return session.execute(select(Position.id).where(Position.reference == reference)).scalar_one()

    def audited(self) -> list[tuple[str, int | None, int | None, str]]:
        with self.database.begin(Scope.of_contract(self.cast.contract)) as session:
            wanted = Wanted(frozenset({self.cast.empoli, self.cast.vinci}))
            noted = audit.some(session, wanted, after=None, limit=500)
            files = [one for one in reversed(noted) if one.kind.startswith("file.")]
            return [(one.kind, one.ente_id, one.contact_id, one.reason) for one in files]

    def needs(self, answers: int, *questions: str) -> None:
        """What Empoli wants of whoever calls."""
        with self.database.begin(Scope.of_enti([self.cast.empoli])) as session:
            changed(session)
            session.execute(
                update(FileSetting).where(FileSetting.ente_id == self.cast.empoli).values(answers_needed=answers)
            )
            for place, key in enumerate(questions):
                session.add(
                    GateQuestion(
                        ente_id=self.cast.empoli, place=place, key=key, text=f"{key}?", checks=Check.OTHER
                    )
                )  # fmt: skip


@pytest.fixture
def reader(client: TestClient, runtime: Runtime, database: Database, cast: Cast) -> Reader:
    return Reader(client, database, cast, runtime).sit_down("sara")


DEBT = ("812,00", "2024/118", "ngiunzione", "TARI")  # nothing of a debt is in a page that has these not


def test_before_the_gate_no_amount_and_no_act_leaves_the_server(desk: Desk, reader: Reader) -> None:
    reader.needs(2)
    desk.sit_down()
    call = desk.talks()
    page = desk.page("file")
    assert "BIANCHI" in page
    assert not [word for word in DEBT if word in page]
    assert desk.client.get(f"/files/positions/{reader.position()}").status_code == 403
    assert desk.client.get(f"/files/{desk.stage.cast.mario}/timeline").status_code == 403
    assert not [word for word in DEBT if word in desk.page()]

    refused = desk.identify(call, right=["born"])
    assert refused.status_code == 422
    assert refused.json()["fields"] == {"right": "Manca una risposta esatta: fai un'altra domanda."}
    assert desk.identify(call, right=["born", "born", "made-up"]).status_code == 422
    assert not [word for word in DEBT if word in desk.page()]
    assert desk.identify(call, right=["born", "name"]).status_code == 204
    assert "812,00" in desk.page("file")
    assert "restano da pagare 812,00 euro" in desk.client.get(f"/files/positions/{reader.position()}").text


def test_an_ente_asks_its_own_questions(desk: Desk, reader: Reader) -> None:
    reader.needs(1, "luogo", "prima-rata")
    desk.sit_down()
    call = desk.talks()
    page = desk.page("file")
    assert re.findall(r'name="right" value="([\w-]+)"', page) == ["luogo", "prima-rata"]
    assert desk.identify(call, right=["name"]).status_code == 422
    assert desk.identify(call, right=["luogo"]).status_code == 204


def test_a_question_is_text_whatever_its_signs(desk: Desk, reader: Reader) -> None:
    hostile = "Quota 50% <b hx-get='/x'>"
    reader.needs(1, hostile, "Quota (50%)")
    desk.sit_down()
    desk.talks()
    for page in (desk.page("file"), reader.sit_down("sara").sees(f"/files/{reader.cast.mario}")):
        assert "Quota (50%)?" in page
        assert "&lt;b hx-get=" in page
        assert "<b hx-get" not in page


def test_who_will_not_answer_and_who_is_somebody_else_are_told_apart(desk: Desk, reader: Reader) -> None:
    reader.needs(2)
    desk.sit_down()
    call, mario = desk.talks(), desk.stage.cast.mario
    assert desk.press("turn-away", call=call, contact=mario, outcome="refused").status_code == 204
    page = desk.page("file")
    assert "Non vuole rispondere" in page
    assert "BIANCHI" in page
    assert desk.press("turn-away", call=call, contact=mario, outcome="wrong_person").status_code == 204
    assert "BIANCHI" not in desk.page("file")
    assert desk.press("turn-away", call=call, contact=mario, outcome="wrong_person").status_code == 409
    assert [kind for kind, *_ in reader.audited()] == ["file.gate", "file.gate"]
    assert desk.stage.log(call).count("GateRefused") == 2


def test_a_call_that_is_over_closes_the_file(desk: Desk, reader: Reader) -> None:
    desk.sit_down()
    call = desk.talks()
    desk.identify(call)
    position = f"/files/positions/{reader.position()}"
    assert desk.client.get(position).status_code == 200
    desk.stage.caller_leaves(call)
    assert desk.client.get(position).status_code == 200  # while he writes about it
    desk.press("wrap-up", call=call, topic="payment", disposition="answered")
    assert desk.client.get(position).status_code == 403
    assert reader.audited() == [
        ("file.opened", reader.cast.empoli, reader.cast.mario, "call"),
        ("file.gate", reader.cast.empoli, reader.cast.mario, ""),
    ]


def test_a_supervisor_says_why_and_it_is_recorded(reader: Reader) -> None:
    mario = reader.cast.mario
    before = reader.sees(f"/files/{mario}")
    assert not [word for word in DEBT if word in before]
    assert "Perché apri il fascicolo" in before
    assert reader.opens(mario, purpose="other").json()["fields"] == {"reason": "Scrivi perché apri il fascicolo."}
    opened = reader.opens(mario, purpose="quality", reason=" reclamo  n. 7 ")
    assert opened.headers["hx-redirect"] == f"/files/{mario}"
    assert "812,00" in reader.sees(f"/files/{mario}")
    assert reader.audited() == [
        ("file.gate_shown", reader.cast.empoli, mario, ""),
        ("file.opened", reader.cast.empoli, mario, "quality: reclamo n. 7"),
    ]
    reader.client.post(f"/files/{mario}/close", headers=reader.headers)
    assert "812,00" not in reader.sees(f"/files/{mario}")


def test_whoever_walks_from_one_closed_file_to_the_next_leaves_a_trace_on_each(reader: Reader) -> None:
    for contact_id in (reader.cast.mario, reader.cast.gina, reader.cast.mario):
        reader.sees(f"/files/{contact_id}")
    assert [(kind, contact) for kind, _, contact, _ in reader.audited()] == [
        ("file.gate_shown", reader.cast.mario), ("file.gate_shown", reader.cast.gina),
    ]  # fmt: skip


def test_an_open_file_is_its_readers_alone_and_for_an_hour(reader: Reader) -> None:
    mario, position = reader.cast.mario, f"/files/positions/{reader.position()}"
    reader.opens(mario, purpose="quality")
    assert reader.client.get(position).status_code == 200
    reader.sit_down("anna")
    assert reader.client.get(position).status_code == 403
    reader.sit_down("sara")
    assert reader.client.get(position).status_code == 200
    with reader.database.begin(Scope.of_contract(reader.cast.contract)) as session:
        session.execute(update(FileOpening).values(opened_at=FileOpening.opened_at - timedelta(minutes=61)))
    assert reader.client.get(position).status_code == 403


def test_at_the_desk_whoever_is_there_answers_first(reader: Reader) -> None:
    reader.needs(2)
    mario = reader.cast.mario
    assert reader.opens(mario, purpose="desk").status_code == 422
    assert reader.opens(mario, purpose="desk", right=["name", "address"]).status_code == 204
    assert [kind for kind, *_ in reader.audited()] == ["file.opened", "file.gate"]


def test_an_ente_reads_its_own_for_a_reason_and_asks_nobody(reader: Reader) -> None:
    reader.needs(2)
    mario, gina = reader.cast.mario, reader.cast.gina
    reader.sit_down("vera")
    assert 'value="ente_control"' in reader.sees(f"/files/{mario}")
    assert 'value="desk"' not in reader.sees(f"/files/{mario}")
    assert reader.opens(mario, purpose="desk", right=["name", "born"]).status_code == 403
    assert reader.opens(mario, purpose="call").status_code == 422
    assert reader.opens(mario, purpose="ente_control").status_code == 204
    assert "812,00" in reader.sees(f"/files/{mario}")
    for path in (f"/files/{gina}", f"/files/{gina}/timeline", f"/files/positions/{reader.position('V-1')}"):
        assert reader.client.get(path).status_code == 404 if "timeline" not in path else 403, path
    assert reader.opens(gina, purpose="ente_control").status_code == 404


def test_a_forged_contact_or_position_is_nobodys(reader: Reader) -> None:
    with reader.database.begin(Scope.of_contract(reader.cast.other_contract)) as session:
        theirs = session.execute(select(Position.id).where(Position.reference == "S-1")).scalar_one()
    for path in (f"/files/{reader.cast.stranger_in_siena}", f"/files/positions/{theirs}", "/files/999999"):
        assert reader.client.get(path).status_code == 404
    assert reader.opens(reader.cast.stranger_in_siena, purpose="quality").status_code == 404
    assert reader.client.get("/files/1e5").status_code == 422


def test_who_may_not_read_files_does_not_search_either(reader: Reader) -> None:
    with reader.database.begin(Scope.nothing()) as session:
        session.execute(update(RoleGrant).where(RoleGrant.user_id == reader.cast.sara).values(role=Role.ADMINISTRATOR))
    for path in ("/files", f"/files/{reader.cast.mario}", f"/files/positions/{reader.position()}"):
        assert reader.client.get(path).status_code == 403
    assert reader.client.post("/files/search", data={"q": "bianchi"}, headers=reader.headers).status_code == 403


def test_names_a_slip_away_are_asked_for_after_those_named_as_typed(reader: Reader) -> None:
    def asks(**fields: str) -> str:
        return str(reader.client.post("/files/search", data=fields, headers=reader.headers).text)

    with reader.database.begin(Scope.of_contract(reader.cast.contract)) as session:
        contacts.learn_words(session, {"BIANCHI", "MARIO"})
    follows = '"follows": "true", "q": "bianchi mario"'
    first = asks(q=" bianchi mario")
    assert ("BIANCHI" in first, follows in first, "Nomi simili" in first) == (True, True, False)
    assert asks(q="bianchi mario", follows="true").strip() == ""
    mistaken = asks(q="bianci mario")
    assert ("BIANCHI" in mistaken, "Nessuno si chiama proprio così" in mistaken, "follows" in mistaken) == (
        True, True, False,
    )  # fmt: skip
    again = asks(q="bianci mario", follows="true")  # by hand
    assert ("BIANCHI" in again, "Nomi simili" in again, "follows" in again) == (True, True, False)


def test_the_file_unites_a_persons_enti_and_each_hears_of_it(reader: Reader) -> None:
    with reader.database.begin(Scope.of_contract(reader.cast.contract)) as session:
        code = session.execute(select(Contact.codice_fiscale).where(Contact.id == reader.cast.gina)).scalar_one()
        session.execute(update(Contact).where(Contact.id == reader.cast.mario).values(codice_fiscale=code))
    reader.opens(reader.cast.mario, purpose="quality")
    page = reader.sees(f"/files/{reader.cast.mario}")
    assert page.index("Comune di Empoli") < page.index("Comune di Vinci")
    assert {ente for _, ente, *_ in reader.audited()} == {reader.cast.empoli, reader.cast.vinci}
    detail = reader.sees(f"/files/positions/{reader.position('V-1')}")
    assert "3010 0000 0000 0123 73" in detail  # in groups of four
    assert '<svg viewBox="0 0 41 41"' in detail
    reader.sit_down("vera")
    reader.opens(reader.cast.mario, purpose="ente_control")
    assert "Comune di Vinci" not in reader.sees(f"/files/{reader.cast.mario}")
    assert reader.client.get(f"/files/positions/{reader.position('V-1')}").status_code == 404
    assert NOTICE not in reader.sees(f"/files/{reader.cast.mario}")


def test_of_what_was_annulled_nothing_is_shown_as_still_to_pay(reader: Reader) -> None:
    with reader.database.begin(Scope.of_contract(reader.cast.contract)) as session:
        session.execute(update(Position).values(state=PositionState.ANNULLED, tax_cents=80_000, residual_cents=81_200))
    reader.opens(reader.cast.mario, purpose="quality")
    for path in (f"/files/{reader.cast.mario}", f"/files/positions/{reader.position()}"):
        assert "812,00" not in reader.sees(path)


def test_a_plan_that_lapsed_is_called_so_and_its_missed_rates_late(reader: Reader) -> None:
    rates = [
        {"number": 1, "due_on": "2025-01-31", "cents": 40_600, "paid_on": "2025-01-30"},
        {"number": 2, "due_on": "2025-02-28", "cents": 40_600},
        {"number": 3, "due_on": "2125-03-31", "cents": 40_600},
    ]
    with reader.database.begin(Scope.of_contract(reader.cast.contract)) as session:
        lapsed = {"granted_on": "2025-01-02", "lapsed_on": "2025-09-01"}
        session.execute(
            update(Position)
            .where(Position.reference == "E-1")
            .values(state=PositionState.IN_INSTALMENTS, instalments=rates, plan=lapsed)
        )
    reader.opens(reader.cast.mario, purpose="quality")
    listed = reader.sees(f"/files/{reader.cast.mario}")
    assert "Rateizzazione decaduta" in listed
    assert "Rateizzata" not in listed
    assert "di cui scaduti" in listed
    plan = re.search(
        r'(?s)<table class="instalments">.*?</table>', reader.sees(f"/files/positions/{reader.position()}")
    )
    assert plan
    assert re.findall(r"<tr class=\"(late|)\"><td>(\d)", plan[0]) == [("", "1"), ("late", "2"), ("", "3")]
    assert plan[0].count("in ritardo") == 1


def test_data_older_than_promised_are_called_stale(reader: Reader) -> None:
    with reader.database.begin(Scope.of_contract(reader.cast.contract)) as session:
        fresh = session.execute(select(func.now())).scalar_one() - timedelta(hours=23)
        session.execute(update(Position).values(as_of=fresh))
        session.execute(update(Contact).values(as_of=fresh))
    reader.opens(reader.cast.mario, purpose="quality")
    assert "non aggiornati" not in reader.sees(f"/files/{reader.cast.mario}")
    with reader.database.begin(Scope.of_contract(reader.cast.contract)) as session:
        session.execute(update(Position).values(as_of=fresh - timedelta(hours=2)))
    assert "non aggiornati" in reader.sees(f"/files/{reader.cast.mario}")


FEED = {"file_name": "f", "file_bytes": 1, "mode": FeedMode.INCREMENTAL, "totals": []}


@pytest.mark.parametrize(
    ("row", "kind", "stale"),
    [
        (ImportRun(**FEED, state=ImportState.DONE), None, False),
        (ImportRun(**FEED, state=ImportState.FAILED, failure="Non è un flusso."), None, True),
        (SourceReading(outcome=ReadingOutcome.NOTHING_NEW), SourceKind.HTTP, False),
        (SourceReading(outcome=ReadingOutcome.NOTHING_NEW), SourceKind.FOLDER, True),  # an empty inbox tells nothing
        (SourceReading(outcome=ReadingOutcome.FAILED), SourceKind.HTTP, True),
    ],
)
def test_what_a_feed_of_changes_does_not_name_is_as_fresh_as_the_feed(
    reader: Reader, row: ImportRun | SourceReading, kind: SourceKind | None, stale: bool
) -> None:
    with reader.database.begin(Scope.of_contract(reader.cast.contract)) as session:
        at = session.execute(select(func.now())).scalar_one() - timedelta(hours=1)
        session.execute(update(Position).values(as_of=at - timedelta(days=2)))
        session.execute(update(Contact).values(as_of=at - timedelta(days=2)))
        row.ente_id, row.started_at, row.ended_at = reader.cast.empoli, at, at
        if isinstance(row, ImportRun):
            row.as_of = row.moved_at = at
        else:
            source = CollectionSource(ente_id=row.ente_id, kind=kind, name="fonte")
            session.add(source)
            session.flush()
            row.source_id = source.id
        session.add(row)
    reader.opens(reader.cast.mario, purpose="quality")
    assert ("non aggiornati" in reader.sees(f"/files/{reader.cast.mario}")) == stale


def test_a_payment_that_arrives_while_the_file_is_open_is_news(reader: Reader) -> None:
    reader.opens(reader.cast.mario, purpose="quality")
    assert "È arrivato un pagamento" not in reader.sees(f"/files/{reader.cast.mario}")
    paid = [{"paid_on": "2026-11-20", "cents": 12_345, "channel": "pagoPA"}]
    with reader.database.begin(Scope.of_contract(reader.cast.contract)) as session:
        session.execute(update(Position).where(Position.reference == "E-1").values(payments=paid, digest="y"))
    page = reader.sees(f"/files/{reader.cast.mario}")
    assert re.search(r"È arrivato un pagamento di <strong class=\"num\">123,45\s€</strong>, del 20 nov 2026", page)
    assert "nuovo pagamento" in page
    reader.opens(reader.cast.mario, purpose="quality")  # opened anew, it is known
    assert "È arrivato un pagamento" not in reader.sees(f"/files/{reader.cast.mario}")


def test_html_in_what_was_told_is_text(reader: Reader) -> None:
    hostile = "<script>alert(1)</script>"
    with reader.database.begin(Scope.of_contract(reader.cast.contract)) as session:
        session.execute(update(Contact).values(surname=hostile))
        session.execute(
            update(Position).values(
                state_note=hostile, act_number=hostile,
                acts=[{"kind": "sollecito", "number": hostile, "issued_on": "2020-01-01"}],
                steps=[{"kind": kind, "on": "2021-01-01", "note": hostile} for kind in ("fermo", "unheard-of")],
            )
        )  # fmt: skip
    reader.opens(reader.cast.mario, purpose="quality")
    for path in (f"/files/{reader.cast.mario}", f"/files/positions/{reader.position()}"):
        page = reader.sees(path)
        assert hostile not in page
        assert "&lt;script&gt;" in page


def test_a_proposed_number_is_written_as_everywhere_else() -> None:
    told = {"kind": "correction", "what": "phone", "now": "", "proposed": "+393331234567", "act_number": "",
            "note": "lo dice lui", "reason": ""}  # fmt: skip
    entry = TimelineEntry(
        id=1, ente_id=1, kind=EntryKind.PROPOSAL, occurred_at=datetime(2026, 1, 1, tzinfo=UTC), status="made",
        detail=told,
    )  # fmt: skip
    assert shown(entry, None).told["note"] == "+39 333 123 4567. lo dice lui"


def test_a_timeline_goes_on_page_by_page_and_is_filtered(reader: Reader) -> None:
    first = datetime(2026, 1, 1, 10, tzinfo=UTC)
    with reader.database.begin(Scope.of_contract(reader.cast.contract)) as session:
        for day in range(45):
            timeline.record(
                session, ente_id=reader.cast.empoli, contact_id=reader.cast.mario, kind=EntryKind.CALL,
                source=uuid4(), occurred_at=first + timedelta(days=day // 2), author_id=None, status="answered",
                detail={"identified": True, "waited_ms": 0, "talked_s": 9, "topic": None, "disposition": None,
                        "note": f"nota-{day:02d}"},
            )  # fmt: skip
    path = f"/files/{reader.cast.mario}"
    reader.opens(reader.cast.mario, purpose="quality")
    seen: list[str] = []
    part = reader.sees(path)
    for _ in range(5):
        seen += re.findall(r"nota-\d\d", part)
        found = re.search(r'name="after" value="([^"]+)"', part)
        if found is None:
            break
        part = reader.client.get(f"{path}/timeline", params={"after": found[1]}).text
    assert seen == [f"nota-{day:02d}" for day in reversed(range(45))]
    some = reader.client.get(f"{path}/timeline", params={"since": "2026-01-03", "until": "2026-01-03"}).text
    assert re.findall(r"nota-\d\d", some) == ["nota-05", "nota-04"]
    none = reader.client.get(f"{path}/timeline", params={"ente": reader.cast.vinci}).text
    assert "nota" not in none
    assert "Nessun contatto con questi filtri" in none
    again = reader.client.get(f"{path}/timeline", params={"least": 41}).text  # what is shown, asked for anew
    assert len(re.findall(r"nota-\d\d", again)) == 41
    assert reader.client.get(f"{path}/timeline", params={"least": 501}).status_code == 422
    for wrong in ("x", "2026-01-01T00:00:00~1", "2026-01-01T00:00:00+00:00~x", "~"):
        assert reader.client.get(f"{path}/timeline", params={"after": wrong}).status_code == 422
    assert reader.client.get(f"{path}/timeline", params={"kind": "", "ente": "", "since": ""}).status_code == 200


def test_a_timeline_is_left_alone_until_it_changes_and_is_another_in_another_opening(reader: Reader) -> None:
    def of_list() -> tuple[str, str]:
        page = reader.sees(f"/files/{reader.cast.mario}")
        assert "Nessun contatto finora" in page or "nota-1" in page
        found = re.search(r'<ol id="(timeline-[\w-]+)" data-version="(\w+)"[^>]* hx-morph-skip-children', page)
        assert found is not None
        return found[1], found[2]

    reader.opens(reader.cast.mario, purpose="quality")
    before = of_list()
    assert of_list() == before
    with reader.database.begin(Scope.of_contract(reader.cast.contract)) as session:
        timeline.record(
            session, ente_id=reader.cast.empoli, contact_id=reader.cast.mario, kind=EntryKind.CALL, source=uuid4(),
            occurred_at=datetime(2026, 1, 1, tzinfo=UTC), author_id=None, status="answered",
            detail={"identified": True, "waited_ms": 0, "talked_s": 9, "topic": None, "disposition": None,
                    "note": "nota-1"},
        )  # fmt: skip
    after = of_list()
    assert (after[0], after[1] != before[1]) == (before[0], True)
    reader.opens(reader.cast.mario, purpose="quality")
    assert of_list()[0] != before[0]


def test_the_queries_of_a_file_do_not_grow_with_it(reader: Reader) -> None:
    path = f"/files/{reader.cast.mario}"
    reader.opens(reader.cast.mario, purpose="quality")
    runtime = reader.runtime
    asked: list[str] = []
    event.listen(runtime.database.app_engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
    reader.sees(path)
    asked.clear()
    reader.sees(path)
    few = len(asked)
    columns = ", ".join(c.name for c in Position.__table__.columns if c.name not in {"id", "reference"})
    with reader.database.begin(Scope.of_contract(reader.cast.contract)) as session:
        session.execute(
            text(
                f"INSERT INTO position (reference, {columns}) SELECT 'G-' || n, {columns} FROM position,"
                " generate_series(1, 99) n WHERE reference = 'E-1'"
            )
        )
    asked.clear()
    assert reader.sees(path).count('<details id="position-') == 100
    assert len(asked) == few <= 25, "\n".join(asked)


def test_the_ways_to_pay_are_the_ente_s_own_and_the_general_ones_where_it_has_none(reader: Reader) -> None:
    with reader.database.begin(Scope.of_enti([reader.cast.empoli])) as session:
        session.execute(text("UPDATE position SET notice_number = '301000000000012373' WHERE reference = 'E-1'"))
    reader.opens(reader.cast.mario, purpose="quality")
    position = f"/files/positions/{reader.position()}"
    assert "Si paga con il codice avviso o il QR" in reader.sees(position)
    with reader.database.begin(Scope.of_enti([reader.cast.empoli, reader.cast.vinci])) as session:
        changed(session)
        for place, words in enumerate(("Allo sportello di <b>via Roma</b>", "Con pagoPA")):
            session.add(PaymentWay(ente_id=reader.cast.empoli, place=place, words=words))
        session.add(PaymentWay(ente_id=reader.cast.vinci, place=0, words="In contanti a Vinci"))
    shown = reader.sees(position)
    assert "<li>Allo sportello di &lt;b&gt;via Roma&lt;/b&gt;</li><li>Con pagoPA</li>" in shown
    assert "Si paga con il codice avviso o il QR" not in shown
    assert "Vinci" not in shown


def test_whoever_acts_for_the_taxpayer_hears_what_his_title_opens(desk: Desk, reader: Reader) -> None:
    reader.needs(1)
    desk.sit_down()
    call = desk.talks()
    position = f"/files/positions/{reader.position()}"
    refused = desk.identify(call, right="name", speaker="new", kind="accountant", name="Rag. Verdi")
    assert "Manca il mandato scritto" in refused.json()["fields"]["speaker"]
    wrong = desk.identify(call, right="name", speaker="new", kind="heir", name="")
    assert "name" in wrong.json()["fields"]
    assert desk.identify(call, right="name", speaker="new", kind="cugino", name="X").status_code == 422
    assert desk.identify(call, right="name", speaker="99999").status_code == 404
    assert not [word for word in DEBT if word in desk.page("file")]
    assert desk.identify(call, speaker="new", kind="guardian", name="Lia Bianchi").status_code == 422

    with reader.database.begin(Scope.of_contract(reader.cast.contract)) as session:
        rule = DisclosureRule(
            ente_id=reader.cast.empoli, relation=RelationKind.GUARDIAN, matters=["procedure", "acts", "payments"]
        )
        session.add(rule)
    assert desk.identify(call, right="name", speaker="new", kind="guardian", name="Lia Bianchi").status_code == 204
    page = desk.page("file")
    assert "2024/118" in page
    assert "812,00" not in page
    assert "+39 348 000 0001" not in page
    assert "Ha titolo per lui." in page
    detail = desk.client.get(position).text
    assert "Notificata il 3 settembre 2024" in detail
    assert "€" not in detail
    assert "euro" not in detail


def test_nobody_is_a_company_and_the_dead_do_not_call(desk: Desk, reader: Reader) -> None:
    desk.sit_down()
    call = desk.talks()
    with reader.database.begin(Scope.of_contract(reader.cast.contract)) as session:
        session.execute(update(Contact).where(Contact.id == reader.cast.mario).values(kind=PersonKind.LEGAL))
    refused = desk.identify(call)
    assert "legale rappresentante" in refused.json()["fields"]["speaker"]
    assert 'value="">Scegli…' in desk.page("file")
    assert desk.identify(
        call, speaker="new", kind="legal_representative", name="Ada Neri"
    ).status_code == 204  # fmt: skip
    assert "812,00" in desk.page("file")


def test_a_document_is_opened_from_an_open_file_alone(reader: Reader) -> None:
    contents = "àè".encode()
    digest = sha256(contents).hexdigest()
    with reader.database.begin(Scope.of_contract(reader.cast.contract)) as session:
        for reference, kind, title in (("D-1", "text/plain", 'Avviso "TARI"\r\nX: y'), ("D-2", "text/html", "Pagina")):
            session.add(
                Document(
                    ente_id=reader.cast.empoli, contact_id=reader.cast.mario, reference=reference,
                    position_reference="E-1", kind=DocumentKind.NOTICE, title=title, dated=None, media_type=kind,
                    size=len(contents), sha256=digest, as_of=datetime(2026, 1, 1, tzinfo=UTC), digest="x",
                )
            )  # fmt: skip
        session.flush()
        plain, page = session.scalars(select(Document.id).order_by(Document.id)).all()
    path = f"/files/documents/{plain}"
    assert reader.client.get(path).status_code == 403
    reader.opens(reader.cast.mario, purpose="quality")
    assert reader.client.get(path).status_code == 409
    assert "non ancora ricevuto" in reader.sees(f"/files/positions/{reader.position()}")
    source = reader.runtime.settings.data / "source"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(contents)
    reader.runtime.documents.put(reader.cast.empoli, digest, source)
    with reader.database.begin(Scope.of_enti([reader.cast.empoli])) as session:
        documents.receive(session, ente_id=reader.cast.empoli, sha256=digest)
    got = reader.client.get(path)
    assert (got.status_code, got.text) == (200, "àè")
    assert got.headers["content-disposition"] == "inline; filename*=UTF-8''Avviso--TARI---X--y.txt"
    assert "sandbox" in got.headers["content-security-policy"]
    assert (got.headers["x-content-type-options"], got.headers["cache-control"]) == ("nosniff", "no-store")
    hostile = reader.client.get(f"/files/documents/{page}")
    assert hostile.headers["content-type"] == "application/octet-stream"
    assert hostile.headers["content-disposition"].startswith("attachment")
    assert [kind for kind, *_ in reader.audited()] == ["file.opened"]
    with reader.database.begin(Scope.of_enti([reader.cast.empoli])) as session:
        opened = session.scalars(select(AuditEntry.contact_id).where(AuditEntry.kind == "document.opened")).all()
    assert opened == [reader.cast.mario, reader.cast.mario]
    reader.sit_down("anna")
    assert reader.client.get(path).status_code == 403


def test_whoever_imports_brings_documents_for_his_enti_alone(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reader.client.get("/files/documents").status_code == 403
    upload = {"archive": ("d.zip", b"PK", "application/zip")}
    fields = {"ente": str(reader.cast.empoli)}
    assert reader.client.post("/files/documents", data=fields, files=upload, headers=reader.headers).status_code == 403
    with reader.database.begin(Scope.nothing()) as session:
        session.execute(update(RoleGrant).where(RoleGrant.user_id == reader.cast.sara).values(role=Role.ADMINISTRATOR))
    reader.client.get("/files/documents")
    broken = reader.client.post("/files/documents", data=fields, files=upload, headers=reader.headers)
    assert (broken.status_code, broken.json()["message"]) == (422, "L'archivio zip è danneggiato: rigenerarlo.")
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("a", b"")
    upload = {"archive": ("d.zip", archive.getvalue(), "application/zip")}

    def away(*_: object, **__: object) -> None:
        raise StoreError("away", permanent=False)

    monkeypatch.setattr("crm.documents.intake._take", away)
    answer = reader.client.post("/files/documents", data=fields, files=upload, headers=reader.headers)
    assert (answer.status_code, "non risponde" in answer.json()["message"]) == (409, True)
    with reader.database.begin(Scope.of_enti([reader.cast.empoli])) as session:
        kinds = session.scalars(select(AuditEntry.kind).where(AuditEntry.kind == "documents.brought")).all()
    assert len(kinds) == 2
    fields = {"ente": str(reader.cast.siena)}
    assert reader.client.post("/files/documents", data=fields, files=upload, headers=reader.headers).status_code == 403
