"""Page, files and API of a report say the same; nobody reads another ente's; what is downloaded opens."""

import csv
import io
import re
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from odfdo import Document
from openpyxl import load_workbook
from sqlalchemy import select

from crm.core import jobs
from crm.core.db import Database, Scope
from crm.levels.agreement import Period
from crm.levels.behind import Paid
from crm.levels.known import Evidence
from crm.levels.metering import Callers
from crm.levels.metrics import LONGEST_WAIT
from crm.levels.models import RemarkState
from crm.messages import outbox
from crm.messages import service as messages
from crm.messages.models import MessageChannel
from crm.messages.service import Order
from crm.reports import queries, reading
from crm.reports.due import span
from crm.reports.models import ReportWish, ServiceReport
from crm.reports.queries import MAKE
from crm.reports.report import Over, Said, seal, stored, without_remarks
from crm.reports.service import cause_of
from tests.cast import Cast
from tests.crm.reports.conftest import GOLDEN, play
from tests.web.conftest import Programs, csrf_of, let_in
from web.levels.view import days_of
from web.reports.mail import enclosed
from web.reports.pdf import MOST_ROWS, written
from web.reports.sheets import SheetName
from web.reports.words import WORDS

pytestmark = pytest.mark.integration
OCTOBER = span(Period.MONTH, date(2026, 10, 1))
MADE_AT = datetime(2026, 11, 1, 3, tzinfo=UTC)


@pytest.fixture
def report_ids(database: Database, cast: Cast) -> dict[int, int]:
    """October's reports, by ente."""
    play(database, cast, *GOLDEN)
    found = {}
    for ente_id in (cast.empoli, cast.vinci):
        with database.begin(Scope.of_contract(cast.contract)) as session:
            days = days_of(session, cast.contract, ente_id)
            one = reading.read(session, cast.contract, ente_id, OCTOBER, days, turn=lambda: None)
            row = ServiceReport(
                contract_id=cast.contract, ente_id=ente_id, period=Period.MONTH, first=one.first, last=one.last,
                version=1, made_at=MADE_AT, seal=seal(one), kept=stored(one),
            )  # fmt: skip
            session.add(row)
            session.flush()
            found[ente_id] = row.id
    return found


def workbook(contents: bytes, tab: str) -> list[list[Any]]:
    """A tab of an Excel file, without its head."""
    page = load_workbook(io.BytesIO(contents), data_only=True)[tab]
    return [list(row) for row in page.iter_rows(min_row=2, values_only=True)]


def spreadsheet(contents: bytes, tab: str) -> list[list[Any]]:
    """The same of an OpenDocument file."""
    table = Document(io.BytesIO(contents)).body.get_table(name=tab)
    return [list(row) for row in table.get_values()[1:]]


def test_page_files_and_api_say_the_same(
    client: Any, cast: Cast, report_ids: dict[int, int], programs: Programs
) -> None:
    """Rule: one query layer."""
    let_in(client, "vera")
    at = f"/reports/{report_ids[cast.empoli]}"
    page = client.get(at).text
    told = client.get(f"{at}/file.json").json()
    assert told == programs.get(f"/api/v1{at}").json()
    head, hours = told["report"]["head"], told["report"]["hours"]
    assert (head["received"], head["handled"], head["lost"]) == (5, 3, 2)
    figures = re.findall(r'<dt>([^<]+)</dt><dd class="num">([^<]+)</dd>', page)
    assert dict(figures) == {"ricevute": "5", "gestite": "3", "con risposta": "3", "perse": "2"}
    assert re.findall(r'<td class="num r">(\d+:\d\d)</td>', page.split("Attesa prima")[0]) == ["0:03", "1:02", "2:05"]
    hour_tab, excel, open_ = WORDS[SheetName][SheetName.HOURS], *(
        client.get(f"{at}/file.{kind}").content for kind in ("xlsx", "ods")
    )  # fmt: skip
    rows = list(csv.reader(io.StringIO(client.get(f"{at}/hours.csv").text.removeprefix("\ufeff")), delimiter=";"))
    assert programs.get(f"/api/v1{at}/hours.csv").content == client.get(f"{at}/hours.csv").content
    columns = rows[0]
    for place, one in enumerate(hours):
        counts = one["counts"]
        for title, name in (("Ricevute", "received"), ("Perse", "lost"), ("Conversazione (s)", "talk_ms")):
            column = columns.index(title)
            of_csv = Decimal(rows[place + 1][column].replace(",", "."))
            of_excel = Decimal(str(workbook(excel, hour_tab)[place][column]))
            of_open = Decimal(str(spreadsheet(open_, hour_tab)[place][column]))
            assert of_csv == of_excel == of_open == Decimal(counts[name]) / (1000 if name == "talk_ms" else 1)
    live = programs.get("/api/v1/hours", first="2026-10-01", last="2026-10-31").json()
    assert live[0]["hours"] == hours
    assert workbook(excel, hour_tab)[0][0] == datetime(2026, 10, 6)  # a day, as Excel has it
    assert isinstance(workbook(excel, hour_tab)[0][4], int)


def test_the_pdf_is_tagged_and_says_its_language_and_title(client: Any, cast: Cast, report_ids: dict[int, int]) -> None:
    let_in(client, "vera")
    answer = client.get(f"/reports/{report_ids[cast.empoli]}/file.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    for mark in (b"/MarkInfo", b"/StructTreeRoot", b"/Lang"):
        assert mark in answer.content
    assert b"pdfuaid:part" in answer.content


def test_by_mail_it_goes_whole_but_for_what_people_wrote(
    database: Database, cast: Cast, report_ids: dict[int, int]
) -> None:
    """To an office without an account. Nothing of taxpayers is in it, nor who noted what of a call."""
    report_id = report_ids[cast.empoli]
    said = Said(RemarkState.ASKED, "parole di Sara", "Sara Sarti", MADE_AT, "Vera Vanni", MADE_AT, "perché sì")
    call = Over(
        OCTOBER.first, OCTOBER.last, LONGEST_WAIT, None, "", OCTOBER.first, "0" * 8, MADE_AT, Callers.MOBILE,
        cast.empoli, None, Decimal("300.001"), Paid.OWED, Decimal("0.3"), Decimal(30), (said,),
    )  # fmt: skip
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        _, report = queries.get(session, report_id)
        noted = replace(report, over=(call,) * (MOST_ROWS + 7), found_shut=3)
        row = ServiceReport(
            contract_id=cast.contract, ente_id=cast.empoli, period=Period.MONTH, first=report.first, last=report.last,
            version=2, made_at=MADE_AT, seal=seal(noted), kept=stored(noted),
        )  # fmt: skip
        session.add(row)
        session.flush()
        cause = cause_of(row.id, "1")
        message_id = messages.owe(
            session, None,
            Order(
                cast.empoli, "report_ready", {"first": report.first, "last": report.last, "link": "https://a.example.it/1"},
                channel=MessageChannel.EMAIL, address="tributi@example.it", language="it",
            ),
            cause=cause,
        )  # fmt: skip
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        one = outbox.lease(session, message_id)
    assert one is not None
    paper, book = enclosed(database, one)
    assert (paper.media_type, book.name.endswith("-v2.xlsx")) == ("application/pdf", True)
    assert paper.contents.startswith(b"%PDF-")
    tabs = load_workbook(io.BytesIO(book.contents))
    cells = {str(cell) for page in tabs for row in page.iter_rows(values_only=True) for cell in row}
    printed = written(without_remarks(noted), "it", seal=seal(noted), version=2)
    whole = written(noted, "it", seal=seal(noted), version=2)
    for words in ("parole di Sara", "Sara Sarti", "Vera Vanni"):
        assert words not in str(printed)
        assert words in str(whole)
        assert not any(words in cell for cell in cells)
    assert workbook(book.contents, WORDS[SheetName][SheetName.OVER])[0][11] == 300.001
    over = next(one for one in printed["sections"] if one["title"] == WORDS[SheetName][SheetName.OVER])
    assert (len(over["rows"]), over["more"]) == (MOST_ROWS, "Altre 7 righe sono nei file.")


def test_an_empty_month_makes_files_all_the_same(database: Database, cast: Cast) -> None:
    from crm.reports.queries import Made  # noqa: PLC0415
    from web.reports import files  # noqa: PLC0415

    with database.begin(Scope.of_contract(cast.contract)) as session:
        one = reading.read(
            session, cast.contract, cast.vinci, OCTOBER, lambda *_: Evidence(), turn=lambda: None
        )  # fmt: skip
    made = Made(1, 1, 1, Period.MONTH, one.first, one.last, 1, 1, MADE_AT, None, seal(one))
    for language in ("it", "en"):
        for kind in files.FileKind:
            assert files.whole(made, one, kind, language).contents
        for name in SheetName:
            assert files.table(made, one, name, language).contents


def test_what_somebody_typed_is_no_formula_in_any_file(
    client: Any, database: Database, cast: Cast, report_ids: dict[int, int]
) -> None:
    """Attack: the reason of a closure."""
    evil = '=HYPERLINK("http://evil.example","x")<&\x00'
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        row = session.get_one(ServiceReport, report_ids[cast.empoli])
        session.expunge(row)
        reason = {"starts_at": "2026-10-02T08:00:00Z", "ends_at": None, "agreed": False, "reason": evil[:-1]}
        kept = {**row.kept, "interruptions": [reason]}
        session.add(
            ServiceReport(
                contract_id=cast.contract, ente_id=cast.empoli, period=Period.MONTH, first=row.first, last=row.last,
                version=2, made_at=MADE_AT, seal="x", kept=kept,
            )
        )  # fmt: skip
        session.flush()
        newest = session.scalars(select(ServiceReport.id).where(ServiceReport.version == 2)).one()
    let_in(client, "vera")
    at, tab = f"/reports/{newest}", WORDS[SheetName][SheetName.INTERRUPTIONS][:31]
    excel, open_ = (client.get(f"{at}/file.{kind}").content for kind in ("xlsx", "ods"))
    page = load_workbook(io.BytesIO(excel))[tab]
    assert page.cell(2, 4).data_type == "s"
    assert page.cell(2, 4).value == evil[:-1]
    assert spreadsheet(open_, tab)[0][3] == evil[:-1]
    assert b"table:formula" not in zipfile.ZipFile(io.BytesIO(open_)).read("content.xml")
    assert "'=HYPERLINK" in client.get(f"{at}/interruptions.csv").text
    assert "<&" not in client.get(at).text
    assert client.get(f"{at}/file.pdf").status_code == 200


def test_another_entes_report_does_not_exist(client: Any, cast: Cast, report_ids: dict[int, int]) -> None:
    """Attack: Vera watches Empoli."""
    let_in(client, "vera")
    at = f"/reports/{report_ids[cast.vinci]}"
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    for path in ("", "/file.pdf", "/file.json", "/hours.csv"):
        assert client.get(at + path).status_code == 404
    assert client.get(f"/reports?ente={cast.vinci}").status_code == 404
    assert client.post(f"{at}/anew", headers=headers).status_code in {403, 404}
    assert client.post(f"/reports/wishes/{cast.vinci}", headers=headers).status_code == 403
    assert "Vinci" not in client.get("/reports").text
    let_in(client, "anna")
    for path in ("/reports", f"/reports/{report_ids[cast.empoli]}", f"/reports/{report_ids[cast.empoli]}/file.pdf"):
        assert client.get(path).status_code == 403


def test_whoever_holds_the_contract_reads_its_report_of_all_enti_and_no_ente_does(
    client: Any, database: Database, cast: Cast, report_ids: dict[int, int]
) -> None:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        one = reading.read(
            session, cast.contract, None, OCTOBER, days_of(session, cast.contract, None), turn=lambda: None
        )  # fmt: skip
        row = ServiceReport(
            contract_id=cast.contract, ente_id=None, period=Period.MONTH, first=one.first, last=one.last, version=1,
            made_at=MADE_AT, seal=seal(one), kept=stored(one),
        )  # fmt: skip
        session.add(row)
        session.flush()
        at = f"/reports/{row.id}"
    let_in(client, "sara")
    assert "tutti gli enti" in client.get("/reports").text
    assert "<h1>Toscana: ottobre 2026</h1>" in client.get(at).text
    for path in ("/file.pdf", "/file.xlsx", "/file.ods", "/hours.csv"):
        assert client.get(at + path).content
    told = client.get(f"{at}/file.json").json()["report"]
    assert (told["ente_id"], told["ente"], told["head"]["received"]) == (None, "", 6)
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    assert client.post(f"{at}/anew", headers=headers).status_code == 204
    assert "Toscana, tutti gli enti, ottobre 2026" in client.get("/reports").text
    let_in(client, "vera")
    assert client.get(at).status_code == 404
    assert "tutti gli enti" not in client.get("/reports").text
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    assert client.post(f"{at}/anew", headers=headers).status_code == 404


def test_vera_wants_an_email_and_has_it_made_again(
    client: Any, database: Database, cast: Cast, report_ids: dict[int, int]
) -> None:
    let_in(client, "vera")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    wish = f"/reports/wishes/{cast.empoli}"
    assert client.post(wish, data={"wanted": "true"}, headers=headers).status_code == 204
    assert client.post(wish, data={"wanted": "true"}, headers=headers).status_code == 204
    assert "Non avvisarmi più" in client.get("/reports").text
    assert client.post(wish, headers=headers).status_code == 204
    at = f"/reports/{report_ids[cast.empoli]}"
    assert client.post(f"{at}/anew", headers=headers).status_code == 204
    assert client.post(f"{at}/anew", headers=headers).status_code == 409
    assert "si sta preparando" in client.get("/reports").text
    assert "Una nuova versione si sta preparando" in client.get(at).text
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert not session.scalars(select(ReportWish)).all()
        assert session.scalars(select(jobs.Job.kind).where(jobs.Job.kind == MAKE)).all() == [MAKE]
    assert f'href="{at}"' in client.get(f"/ente?ente={cast.empoli}").text
