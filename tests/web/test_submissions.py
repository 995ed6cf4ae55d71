"""Citizens write to Empoli without signing in, follow what they sent by its code, and Anna works it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from crm.agendas import sites
from crm.agendas.pace import PACES, Ask
from crm.cases.lifecycle import Topic
from crm.cases.models import Case, CaseDocument
from crm.cases.submissions import keeping
from crm.cases.submissions.models import CaseSender, SubmissionDraft, SubmissionFile
from crm.core import clock
from crm.core.db import Scope
from crm.documents.models import DocumentContent
from crm.messages.models import Message
from tests.cast import Cast, principal_of
from tests.web.conftest import csrf_of, let_in
from web.wiring import Runtime

pytestmark = pytest.mark.integration
BEGIN = "/segnala/empoli"
PDF = b"%PDF-1.7 ricevuta"
PAOLA = {"given_name": "Paola", "surname": "Verdi", "codice_fiscale": "", "email": "paola@example.it", "phone": ""}


class Citizen:
    """Somebody in front of the pages of Empoli, in a browser that runs no script and keeps no cookie."""

    def __init__(self, client: TestClient, runtime: Runtime, cast: Cast) -> None:
        self.client, self.runtime, self.cast = client, runtime, cast

    def work(self, do: Any) -> Any:
        return self.runtime.database.transact(Scope.of_enti([self.cast.empoli], [self.cast.contract]), do)

    def begin(self, topic: str = "complaint", lang: str = "it") -> str:
        answer = self.client.post(BEGIN, data={"topic": topic, "lang": lang})
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"]).removesuffix("/racconto")

    def says(self, at: str, page: str, /, **data: str) -> str:
        answer = self.client.post(f"{at}/{page}", data=data)
        return str(answer.headers.get("location", "")).rpartition("/")[2] or answer.text

    def adds(self, at: str, content: bytes, name: str = "ricevuta.pdf") -> str:
        answer = self.client.post(f"{at}/allegati", data={"do": "add"}, files={"file": (name, content)})
        return str(answer.headers.get("location", "")) or answer.text

    def sends(self, topic: str = "complaint", who: dict[str, str] | None = None) -> tuple[str, str, str]:
        """The page that says that it was sent, its number and its code."""
        at = self.begin(topic)
        assert self.says(at, "racconto", reasons="Lo sportello era chiuso", asked="Scuse") == "allegati"
        assert self.says(at, "allegati") == "contatti"
        assert self.says(at, "contatti", **(who or {})) == "riepilogo"
        assert self.says(at, "riepilogo") == "inviata"
        page = self.client.get(f"{at}/inviata").text
        number, code = re.findall(r'<dd class="code">([^<]+)</dd>', page)
        return page, number, code

    def follows(self, number: str, code: str, status: int = 200) -> str:
        answer = self.client.post(f"{BEGIN}/segui", data={"number": number, "code": code})
        assert answer.status_code == status
        return answer.text

    def acts(self, number: str, code: str, do: str, **files: Any) -> tuple[int, str]:
        at = re.search(r'action="(/segnala/empoli/segui/[^"]+)"', self.follows(number, code))
        assert at is not None
        answer = self.client.post(at[1], data={"number": number, "code": code, "do": do}, files=files or None)
        return answer.status_code, answer.text

    def case(self) -> Case:
        found: Case = self.work(lambda s: s.scalars(select(Case).order_by(Case.id.desc()).limit(1)).one())
        return found


@pytest.fixture
def citizen(client: TestClient, runtime: Runtime, cast: Cast) -> Citizen:
    def opens(session: Session) -> None:
        sites.save(session, principal_of(session, cast.sara), ente_id=cast.empoli, slug="empoli")

    runtime.database.transact(Scope.of_contract(cast.contract), opens)
    return Citizen(client, runtime, cast)


class Anna:
    """At her desk, with the case that came last."""

    def __init__(self, citizen: Citizen) -> None:
        self.citizen = citizen
        let_in(citizen.client, "anna")

    def does(self, path: str, **data: str) -> None:
        case, client = self.citizen.case(), self.citizen.client
        sent = {"csrf": csrf_of(client), "version": str(case.version), **data}
        answer = client.post(f"/cases/{case.id}/{path}", data=sent, headers={"hx-request": "true"})
        assert answer.status_code == 204, answer.text


def test_an_anonymous_report_becomes_a_case_that_its_code_follows(citizen: Citizen) -> None:
    page, number, code = citizen.sends()
    assert "Non ti arriva nessun messaggio" in page
    case = citizen.case()
    assert (case.topic, case.channel.value, case.contact_id, case.opened_by) == (Topic.COMPLAINT, "web", None, None)
    assert case.reasons == "Lo sportello era chiuso"
    assert case.due_at is not None
    seen = citizen.follows(f" {number} ", code.lower())
    assert "presto qualcuno se ne occupa" in seen
    assert "Lo sportello era chiuso" not in seen  # whoever has the code knows what he wrote
    assert "non sono questi" in citizen.follows(number, "CCCCDDDD", 422)
    assert citizen.work(lambda s: s.scalars(select(Message)).all()) == []


def test_an_act_that_he_names_is_added_once_it_is_sure_who_he_is_and_he_sees_nothing_of_it(citizen: Citizen) -> None:
    at = citizen.begin("information")
    citizen.says(at, "racconto", reasons="L'ingiunzione n. 2024/00118 non mi torna", asked="")
    citizen.says(at, "allegati")
    citizen.says(at, "contatti", **PAOLA)
    citizen.says(at, "riepilogo")
    number, code = re.findall(r'<dd class="code">([^<]+)</dd>', citizen.client.get(f"{at}/inviata").text)
    anna, page = Anna(citizen), f"/cases/{citizen.case().id}"
    seen = citizen.client.get(page).text
    assert "ha scritto il numero di un suo avviso o atto" in seen
    assert "debts/named" not in seen  # nobody knows yet who he is
    anna.does("identify", contact_id=str(citizen.cast.mario))
    assert "Ha scritto il numero di un suo atto: 2024/118" in citizen.client.get(page).text
    anna.does("debts/named", reference="E-1")
    assert "debts/named" not in citizen.client.get(page).text
    citizen.client.cookies.clear()
    assert "2024/118" not in citizen.follows(number, code)


def test_whoever_left_an_address_gets_number_and_code_and_nothing_else(citizen: Citizen) -> None:
    _, number, code = citizen.sends("information", PAOLA)
    (told,) = citizen.work(lambda s: s.scalars(select(Message)).all())
    assert told.address == "paola@example.it"
    assert number in told.body
    assert code.replace(" ", "") in told.body
    assert "/segnala/empoli/segui" in told.body
    assert "Verdi" not in told.body
    assert "sportello" not in told.body


def test_what_is_wrong_is_told_beside_the_field_and_nothing_typed_is_lost(citizen: Citizen) -> None:
    assert "Scegli di che cosa" in citizen.client.post(BEGIN, data={}).text
    at = citizen.begin("refund")
    assert "reasons-wrong" in citizen.says(at, "racconto", reasons=" ", asked="Il rimborso")
    assert "Il rimborso" in citizen.client.get(f"{at}/racconto").text
    assert citizen.says(at, "salva", step="racconto", to="allegati", reasons="Pagato due volte") == "allegati"
    assert "codice_fiscale-wrong" in citizen.says(at, "contatti", **PAOLA)
    assert citizen.says(at, "riepilogo") != "inviata"
    german = citizen.client.post(f"{at}/salva", data={"step": "contatti", "lang": "de", **PAOLA}).headers["location"]
    assert 'lang="de"' in citizen.client.get(german).text
    assert "paola@example.it" in citizen.client.get(german).text


def test_sent_twice_it_is_one_case_and_its_draft_knows_nothing_more(citizen: Citizen) -> None:
    at = citizen.begin()
    citizen.says(at, "racconto", reasons="Una buca")
    for _ in range(2):
        assert citizen.says(at, "riepilogo") == "inviata"
    assert len(citizen.work(lambda s: s.scalars(select(Case)).all())) == 1
    assert citizen.work(lambda s: s.scalars(select(SubmissionDraft)).one().told) is None


def test_papers_are_checked_taken_away_and_go_with_the_request(citizen: Citizen) -> None:
    at = citizen.begin()
    citizen.says(at, "racconto", reasons="Ho già pagato")
    assert "PDF, JPEG o PNG" in citizen.adds(at, b"MZ program", "ricevuta.pdf")
    assert citizen.adds(at, PDF).endswith("/allegati")
    assert citizen.adds(at, b"\x89PNG\r\n\x1a\n" + b"x" * 300_000, "<b>foto</b>.png").endswith("/allegati")
    page = citizen.client.get(f"{at}/allegati").text
    assert "ricevuta.pdf" in page
    (first, _) = re.findall(r'name="drop" value="([^"]+)"', page)
    citizen.says(at, "allegati", drop=first)
    assert citizen.says(at, "riepilogo") == "inviata"
    (kept,) = citizen.work(lambda s: s.scalars(select(CaseDocument)).all())
    assert (kept.added_by, kept.media_type, kept.scan) == (None, "image/png", "not_scanned")
    assert citizen.work(lambda s: s.scalars(select(SubmissionFile)).all()) == []
    assert citizen.runtime.documents.read(citizen.cast.empoli, kept.sha256, most=10**7)
    assert citizen.work(lambda s: [one.sha256 for one in s.scalars(select(DocumentContent))]) == [kept.sha256]


def test_nobody_who_has_begun_nothing_sends_more_than_a_form(citizen: Citizen) -> None:
    forged = citizen.begin()[:-10] + "aaaaaaa.it"
    refused = citizen.client.post(f"{forged}/allegati", files={"file": ("x.pdf", PDF * 10_000)})
    assert refused.status_code == 422
    assert "troppo grande" in refused.text


def test_papers_that_are_asked_for_are_sent_by_the_code_and_the_answer_is_read_by_it(citizen: Citizen) -> None:
    _, number, code = citizen.sends("information", PAOLA)
    anna = Anna(citizen)
    assert citizen.acts(number, code, "add", file=("a.pdf", PDF))[0] == 409
    anna.does("pause", reason="papers_missing", papers="La ricevuta del bonifico")
    assert "La ricevuta del bonifico" in citizen.follows(number, code)
    status, page = citizen.acts(number, code, "add", file=("bonifico.pdf", PDF))
    assert status == 200, page
    assert "il documento è arrivato" in page
    assert "ha mandato documenti" in citizen.client.get(f"/cases/{citizen.case().id}").text
    anna.does("resume")
    anna.does("step", deed="take")
    assert "Ce ne stiamo occupando" in citizen.follows(number, code)
    anna.does("step", deed="reply", words="Il pagamento risulta.")
    seen = citizen.follows(number, code)
    assert "Il pagamento risulta." in seen
    assert "Ritira" not in seen
    kinds = citizen.work(lambda s: [one.template for one in s.scalars(select(Message).order_by(Message.made_at))])
    assert kinds == ["case_follow", "case_papers", "case_goes_on", "case_news"]


def test_it_is_taken_back_once(citizen: Citizen) -> None:
    _, number, code = citizen.sends()
    assert "la richiesta è ritirata" in citizen.acts(number, code, "withdraw")[1]
    assert citizen.case().state.value == "closed"


def test_a_typed_codice_fiscale_is_a_proposal_that_anna_confirms_and_then_the_code_shows_no_answer(
    citizen: Citizen,
) -> None:
    mario = citizen.cast.mario
    typed = PAOLA | {"codice_fiscale": "BNCMRA62A01D403X"}
    _, number, code = citizen.sends("complaint", typed)
    anna = Anna(citizen)
    page = citizen.client.get(f"/cases/{citizen.case().id}").text
    assert "Forse è" in page
    assert citizen.case().contact_id is None
    assert "Paola Verdi (dal sito)" in citizen.client.get("/cases").text
    anna.does("identify", contact_id=str(mario))
    assert "dal sito" not in citizen.client.get("/cases").text
    assert citizen.case().contact_id == mario
    anna.does("step", deed="take")
    anna.does("step", deed="reply", words="Deve ancora 120 euro")
    seen = citizen.follows(number, code)
    assert "120 euro" not in seen
    assert "li diciamo solo a lui" in seen


def test_what_nobody_goes_on_with_and_what_is_long_closed_is_forgotten(citizen: Citizen) -> None:
    at = citizen.begin()
    citizen.adds(at, PDF)
    _, number, code = citizen.sends("complaint", PAOLA)
    citizen.acts(number, code, "withdraw")

    def long_ago(session: Session) -> None:
        session.execute(update(SubmissionDraft).values(changed_at=clock.now(session) - timedelta(hours=3)))
        session.execute(update(Case).values(closed_at=clock.now(session) - timedelta(days=400)))

    citizen.work(long_ago)
    assert keeping.forget_all(citizen.runtime.database) == 3  # two drafts, one request
    assert citizen.work(lambda s: s.scalars(select(CaseSender)).all()) == []
    assert citizen.case().reasons == ""
    assert "non c'è più" in citizen.client.get(f"{at}/racconto").text.replace("&#39;", "'")


def test_whoever_tries_codes_is_stopped(citizen: Citizen) -> None:
    for _ in range(PACES[Ask.FOLLOW].most):
        citizen.follows("2026/1", "CCCCDDDD", 422)
    citizen.follows("2026/1", "CCCCDDDD", 429)
