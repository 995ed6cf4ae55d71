"""Cases in the browser: Anna registers Mario's request, Vera decides it for the ente, Sara shares out."""

from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from crm.access.models import EnteExclusion, Role, RoleGrant
from crm.audit.models import AuditEntry
from crm.cases import together
from crm.cases.models import Case, CaseDocument
from crm.cases.scanning import scan_again
from crm.core import clock
from crm.core.configuration import changed
from crm.core.db import Scope
from crm.documents.models import Scan
from crm.documents.scanning import Scanner
from tests.cast import Cast
from tests.telephony.mail.clamd import EICAR, clamd
from tests.web.conftest import PUBLIC, csrf_of, let_in
from web.wiring import Runtime

pytestmark = pytest.mark.integration
FRAGMENT = {"hx-request": "true"}


class Desk:
    """Who comes to the pages, and what he sends."""

    def __init__(self, client: TestClient, runtime: Runtime, cast: Cast) -> None:
        self.client, self.runtime, self.cast = client, runtime, cast

    def comes(self, username: str) -> None:
        self.client.cookies.clear()
        let_in(self.client, username)

    def sends(self, path: str, status: int = 204, **data: object) -> str:
        files = data.pop("files", None)
        answer = self.client.post(
            path, data={"csrf": csrf_of(self.client), **data}, headers=FRAGMENT, files=files  # type: ignore[arg-type]
        )  # fmt: skip
        assert answer.status_code == status, answer.text
        return answer.headers.get("hx-redirect", "") or answer.text

    def sees(self, path: str, status: int = 200) -> str:
        answer = self.client.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    def case(self) -> Case:
        with self.runtime.database.begin(Scope.of_enti([self.cast.empoli])) as session:
            return session.scalars(select(Case).order_by(Case.id.desc()).limit(1)).one()

    def steps(self, deed: str, status: int = 204, **data: object) -> str:
        case = self.case()
        return self.sends(f"/cases/{case.id}/step", status, deed=deed, version=case.version, **data)


@pytest.fixture
def desk(client: TestClient, runtime: Runtime, cast: Cast) -> Desk:
    def decides(session: Session) -> None:
        changed(session)
        session.execute(update(RoleGrant).where(RoleGrant.user_id == cast.vera).values(role=Role.ENTE_APPROVER))

    runtime.database.transact(Scope.nothing(), decides)
    return Desk(client, runtime, cast)


def test_a_request_from_the_file_to_the_ente_s_decision_and_the_answer(desk: Desk) -> None:
    desk.comes("anna")
    new = desk.sees(f"/cases/new?contact={desk.cast.mario}")
    assert "BIANCHI" in new
    assert 'value="E-1"' in new
    wrong = desk.sends("/cases", 422, contact=desk.cast.mario, topic="relief", channel="phone")
    assert "reasons" in wrong
    at = desk.sends(
        "/cases", contact=desk.cast.mario, topic="relief", channel="phone", reasons="<b>Ha già pagato</b>",
        asked="Lo sgravio", references="E-1",
    )  # fmt: skip
    page = desk.sees(at)
    assert "&lt;b&gt;Ha già pagato&lt;/b&gt;" in page
    assert "Prendi in carico" in page
    assert "L. 241/1990" in page  # this contract promises nothing about relief
    desk.steps("take")
    desk.steps("authorise", 409, outcome="granted")
    desk.steps("send_sheet")
    assert "persona ha cambiato" in desk.sends(f"{at}/step", 409, deed="take", version=1)
    desk.comes("vera")
    assert "Tocca all'ente" in desk.sees("/cases")
    assert "1 richiesta da decidere" in desk.sees("/cases/news")
    assert "Autorizza" in desk.sees(at)
    desk.steps("authorise", outcome="partly", words="Solo per il 2023")
    desk.comes("anna")
    assert "protocollo" in desk.steps("reply", 422, words="Accolta in parte")
    desk.sends(f"{at}/protocol", version=desk.case().version, number="40/2026", day="2026-11-20")
    desk.steps("reply", words="Accolta in parte")
    assert "Aspetta il gestionale" in desk.sees(at)
    with desk.runtime.database.begin(Scope.of_enti([desk.cast.empoli])) as session:
        kinds = set(session.scalars(select(AuditEntry.kind).where(AuditEntry.contact_id == desk.cast.mario)))
    assert {"case.open", "case.authorise", "case.reply", "case.looked", "message.owed"} <= kinds


def test_board_list_calendar_and_file_show_what_is_open_and_siena_sees_none_of_it(desk: Desk) -> None:
    desk.comes("anna")
    at = desk.sends("/cases", contact=desk.cast.mario, topic="complaint", channel="phone", reasons="=SUM(A1)")
    label = f"{desk.case().year}/{desk.case().number}"
    for path in ("/cases", "/cases/list?whose=nobodys&order=newest", f"/cases/list?number={desk.case().number}"):
        assert label in desk.sees(path)
    assert "Settimana dal" in desk.sees("/cases/due")
    assert "Reclamo" in desk.sees("/cases/list.csv")
    assert "Richieste già aperte" in desk.sees(f"/cases/new?contact={desk.cast.mario}")
    desk.sends(f"{at}/assign", version=1, owner="me")
    assert label in desk.sees("/cases?whose=mine")
    desk.sees("/cases/sharing", 403)
    assert "hidden" in desk.sees("/cases/news")
    desk.sends("/cases", contact=desk.cast.mario, topic="access", channel="pec", reasons="x", received_on="2026-01-10")
    desk.sends(f"/cases/{desk.case().id}/assign", version=1, owner="me")
    assert "1 richiesta da guardare" in desk.sees("/cases/news")
    with desk.runtime.database.begin(Scope.of_enti([desk.cast.siena], [desk.cast.other_contract])) as session:
        assert session.scalars(select(Case)).all() == []


def test_terms_rest_and_are_extended_by_the_page(desk: Desk) -> None:
    desk.comes("anna")
    at = desk.sends("/cases", contact=desk.cast.mario, topic="access", channel="pec", reasons="La relata")
    desk.sends(f"{at}/pause", version=1, reason="papers_missing")
    assert "mancano documenti" in desk.sees(at)
    desk.sends(f"{at}/resume", version=2)
    page = desk.sees(at)
    term = page.split('name="term_id"')[1].split('<option value="')[1].split('"')[0]
    assert "days" in desk.sends(f"{at}/extend", 422, version=3, reason="complex", term_id=term, days="x")
    desk.sends(f"{at}/extend", version=3, reason="complex", term_id=term, days="10")
    assert "10 di proroga" in desk.sees(at)


def test_files_are_taken_by_what_they_are_and_read_back(desk: Desk) -> None:
    desk.comes("anna")
    at = desk.sends("/cases", contact=desk.cast.mario, topic="forms", channel="desk", reasons="Il modulo")
    bad = {"files": {"file": ("a.pdf", b"<script>", "application/pdf")}}
    assert "PDF" in desk.sends(f"{at}/documents", 422, **bad)  # type: ignore[arg-type]
    pdf = b"%PDF-1.7 prova"
    good = {"files": {"file": ('..\\"ricevuta".pdf', pdf, "text/html")}}
    desk.sends(f"{at}/documents", **good)  # type: ignore[arg-type]
    with desk.runtime.database.begin(Scope.of_enti([desk.cast.empoli])) as session:
        found = session.scalars(select(CaseDocument)).one()
    answer = desk.client.get(f"/cases/documents/{found.id}")
    assert (answer.content, answer.headers["content-type"]) == (pdf, "application/pdf")
    assert "ricevuta" in found.name
    assert '"' not in found.name


def test_a_file_about_which_the_scanner_said_nothing_is_looked_at_again_and_not_opened_with_a_virus(
    desk: Desk, loopback: None
) -> None:
    desk.comes("anna")
    at = desk.sends("/cases", contact=desk.cast.mario, topic="forms", channel="desk", reasons="Il modulo")
    for content in (b"%PDF-1.7 " + EICAR, b"%PDF-1.7 buono"):
        desk.sends(f"{at}/documents", files={"file": ("a.pdf", content)})

    def work(do: Any) -> Any:
        return desk.runtime.database.transact(Scope.of_enti([desk.cast.empoli]), do)

    work(lambda s: s.execute(update(CaseDocument).values(scan=Scan.FAILED)))
    again = partial(scan_again, desk.runtime.database, desk.runtime.documents)
    with clamd() as daemon:
        scanner = Scanner(daemon.address, timeout_s=2)
        assert [again(scanner), again(scanner)] == [2, 0]
    work(lambda s: s.execute(update(CaseDocument).where(CaseDocument.scan == Scan.CLEAN).values(scan=Scan.FAILED)))
    assert again(scanner) == 0, "it does not answer any more"
    infected = work(lambda s: s.scalars(select(CaseDocument.id).where(CaseDocument.scan == Scan.INFECTED)).one())
    desk.sees(f"/cases/documents/{infected}", 403)
    page = desk.sees(at)
    assert f"/cases/documents/{infected}" not in page
    assert page.count("/cases/documents/") == 1


def test_sara_says_who_works_on_what_and_shares_out(desk: Desk) -> None:
    desk.comes("anna")
    desk.sends("/cases", contact=desk.cast.mario, topic="relief", channel="phone", reasons="Ha pagato")
    desk.comes("sara")
    contract, case = desk.cast.contract, desk.case().id
    assert "nessuno segue questo argomento" in desk.sees("/cases/sharing")
    desk.sends(f"/cases/workers/{contract}/{desk.cast.luca}", topics=["relief"], most="5")
    page = desk.sees("/cases/sharing")
    assert f'name="case-{case}" value="{desk.cast.luca}"' in page
    desk.sends(f"/cases/sharing/{contract}", **{f"case-{case}": str(desk.cast.luca)})
    assert desk.case().owner_id == desk.cast.luca
    desk.sends(f"/cases/{case}/assign", version=desk.case().version, owner=str(desk.cast.marta))
    assert desk.case().owner_id == desk.cast.marta


def test_sara_forms_a_team_and_gives_it_a_case_that_luca_takes_and_anna_does_not(desk: Desk) -> None:
    desk.comes("anna")
    at = desk.sends("/cases", contact=desk.cast.mario, topic="relief", channel="phone", reasons="Ha pagato")
    assert "Delle mie squadre" not in desk.sees("/cases")
    desk.sends(f"/cases/teams/of/{desk.cast.contract}", 403, name="Mia", members=str(desk.cast.anna))
    desk.comes("sara")
    form = f"/cases/teams/of/{desk.cast.contract}"
    assert "name" in desk.sends(form, 422, members=str(desk.cast.luca))
    desk.sends(form, name="Sgravi & rimborsi", members=str(desk.cast.luca), topics="refund")
    page = desk.sees("/cases/sharing")
    team = page.split('hx-post="/cases/teams/')[1].split('"')[0]
    assert "Sgravi &amp; rimborsi" in page
    assert "squadra" in desk.sends(f"{at}/assign", 422, version=1, owner="team-x")
    desk.sends(f"{at}/assign", version=1, owner=f"team-{team}")
    assert "squadra Sgravi &amp; rimborsi" in desk.sees(f"/cases?team={team}")
    desk.comes("anna")
    assert "La seguo io" not in desk.sees(at)
    desk.comes("luca")
    assert "La seguo io" in desk.sees(at)
    assert "Sgravi &amp; rimborsi" in desk.sees("/cases?whose=teams")
    desk.sends(f"{at}/assign", version=2, owner="me")
    assert "Luca · squadra Sgravi &amp; rimborsi" in desk.sees(at)
    assert "Sgravi & rimborsi" in desk.sees("/cases/list.csv")
    desk.comes("sara")
    desk.sends(f"/cases/teams/{team}", name="Sgravi", members=[str(desk.cast.luca), str(desk.cast.marta)])
    assert "2 persone" in desk.sees("/cases/sharing")

    def kept(session: Session) -> None:
        changed(session)
        away = {"user_id": desk.cast.sara, "ente_id": desk.cast.empoli, "made_by": desk.cast.vera}
        session.add(EnteExclusion(**away, reason="Parente", made_at=clock.now(session)))

    desk.runtime.database.transact(Scope.nothing(), kept)
    desk.sees(at, 404)
    desk.sends(f"/cases/teams/{team}/close")  # cases that she may not see are freed as well
    assert (desk.case().owner_id, desk.case().team_id) == (desk.cast.luca, None)


def test_a_plan_of_instalments_is_tried_by_the_law_and_by_the_ente_s_own_rules(desk: Desk) -> None:
    desk.comes("anna")
    at = desk.sends(
        "/cases", contact=desk.cast.mario, topic="instalments", channel="phone", reasons="Ha perso il lavoro",
        references="E-1", instalments="6",
    )  # fmt: skip
    wrong = {"contact": desk.cast.mario, "topic": "refund", "channel": "phone", "reasons": "Ha pagato due volte"}
    assert "instalments" in desk.sends("/cases", 422, **wrong, instalments="6")
    assert 'name="count" type="text" value="6"' in desk.sees(f"{at}/instalments")
    desk.steps("take")
    assert "instalments" in desk.steps("decide", 422, outcome="granted", words="Va bene", instalments="1")
    desk.steps("decide", outcome="granted", words="Va bene", instalments="8")
    assert "Rate concesse" in desk.sees(at)
    page = desk.sees(f"{at}/instalments")
    assert 'name="count" type="text" value="8"' in page
    assert "L. 160/2019" in page
    assert "Piano di prova" in page
    assert "le rate sono da" in desk.sees(f"{at}/instalments?count=119&rate=2,5")
    desk.sees(f"/cases/instalments/{desk.cast.empoli}", 403)
    desk.comes("sara")
    form = f"/cases/instalments/{desk.cast.empoli}"
    assert "non ha regole sue" in desk.sees(form)
    bands = {
        f"{name}-{n}": value
        for n, up_to in enumerate(("100,00", "500,00", "3000,00", "6000,00", "20000,00", ""))
        for name, value in (("up_to", up_to), ("least", "1"), ("most", "40"))
    }
    assert "rate" in desk.sends(form, 422, **bands, rate="x", smallest="50")
    desk.sends(form, **bands, rate="2,5", smallest="50")
    assert "Regole dell'ente." in desk.sees(f"{at}/instalments")
    desk.sends(form, law="1")
    assert "L. 160/2019" in desk.sees(f"{at}/instalments")


def test_a_page_that_shows_itself_anew_is_read_once(desk: Desk) -> None:
    """What the script asks for when something changes is no reading: the person has it open."""
    desk.comes("anna")
    at = desk.sends("/cases", contact=desk.cast.mario, topic="information", channel="phone", reasons="Una copia")

    def read(*kinds: str) -> list[int]:
        with desk.runtime.database.begin(Scope.of_enti([desk.cast.empoli])) as session:
            rows = list(session.scalars(select(AuditEntry.kind).where(AuditEntry.kind.in_(kinds))))
        return [rows.count(one) for one in kinds]

    def anew(path: str) -> None:
        assert desk.client.get(path, headers={"x-refresh": "1"}).status_code == 200

    anew(at)
    assert read("case.looked") == [1]  # he has not opened it: whoever only says so is noted
    desk.sees(at)
    desk.sees("/cases")
    for path in (at, "/cases", at, "/cases"):
        anew(path)
    assert read("case.looked", "case.listed") == [2, 1]
    desk.sees(at)
    desk.comes("luca")
    anew(at)
    assert read("case.looked") == [4]
    with desk.runtime.database.begin(Scope.of_enti([desk.cast.empoli])) as session:
        session.get_one(Case, desk.case().id).heard_at = clock.now(session)
    anew(at)
    assert desk.case().heard_at is not None  # a page that nobody looks at has told nobody
    desk.sees(at)
    assert desk.case().heard_at is None


def test_the_debts_of_a_case_are_changed_on_its_page(desk: Desk) -> None:
    desk.comes("anna")
    at = desk.sends("/cases", contact=desk.cast.mario, topic="relief", channel="phone", reasons="Ha pagato")
    assert "Cambia le posizioni" in desk.sees(at)
    assert "why" in desk.sends(f"{at}/debts", 422, version=1, references="E-1")
    desk.sends(f"{at}/debts", version=1, references="E-1", why="L'ha detto dopo")
    page = desk.sees(at)
    assert "Posizioni cambiate" in page
    assert "Aggiunte: 2024/118. L&#39;ha detto dopo" in page
    desk.comes("vera")
    assert "Cambia le posizioni" not in desk.sees(at)


def test_who_writes_about_a_case_is_seen_by_whoever_looks_at_it_and_by_nobody_once_he_is_done(desk: Desk) -> None:
    desk.comes("anna")
    desk.sends("/cases", contact=desk.cast.mario, topic="information", channel="phone", reasons="Chiede una copia")
    case = desk.case()
    desk.sends(f"/cases/{case.id}/begin")
    with desk.client.websocket_connect(f"/ws/case-{case.id}", headers={"origin": PUBLIC}) as own:
        assert "sta scrivendo" not in own.receive_text()
    desk.comes("luca")
    with desk.client.websocket_connect(f"/ws/case-{case.id}", headers={"origin": PUBLIC}) as others:
        assert "Anna" in others.receive_text()
    desk.comes("anna")
    desk.steps("take")
    with desk.runtime.database.begin(Scope.of_enti([desk.cast.empoli])) as session:
        assert not together.now(session, case.id).busy
    desk.comes("vera")
    desk.sends(f"/cases/{case.id + 1}/begin", 404)
