"""The pages of questionnaires and interviews: what people see, what they are refused."""

import io
import re
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import update

from crm.access.models import Role, RoleGrant
from crm.core.db import Database, Scope
from outbound.cati.models import Interview
from outbound.cati.templates import template
from tests.outbound.cati.forms import book
from tests.web.conftest import Desk, csrf_of, let_in

pytestmark = pytest.mark.integration

YN = [{"list_name": "yn", "name": "y", "label": "Sì"}, {"list_name": "yn", "name": "n", "label": "No"}]
SURVEY = [
    {"type": "select_one yn", "name": "ok", "label": "È contento?", "required": "yes", "guidance_hint": "Leggi piano"},
    {"type": "text", "name": "why", "label": "Perché? <b>", "relevant": "${ok} = 'n'"},
    {"type": "rank yn", "name": "order", "label": "In che ordine?"},
]


class Survey:
    """Sara's questionnaire."""

    def __init__(self, desk: Desk, database: Database) -> None:
        self.client, self.cast, self.database = desk.client, desk.stage.cast, database

    def get(self, path: str, who: str = "sara") -> Any:
        self.client.cookies.clear()
        let_in(self.client, who)
        return self.client.get(path)

    def post(self, path: str, who: str = "sara", *, content: bytes | None = None, **fields: Any) -> Any:
        self.client.cookies.clear()
        let_in(self.client, who)
        data = {"csrf": csrf_of(self.client), **fields}
        files = {"file": ("prova.xlsx", content)} if content is not None else None
        return self.client.post(path, data=data, files=files)

    def uploaded(self, content: bytes | None = None) -> str:
        content = content or book(SURVEY, YN, [{"form_title": "Prova <i>"}])
        answer = self.post("/questionnaires", content=content, place=f"{self.cast.contract}:")
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def published(self, content: bytes | None = None) -> str:
        address = self.uploaded(content)
        assert self.post(f"{address}/publish", number="1").status_code == 303
        return address

    def begun(self, address: str, who: str = "anna", **fields: str) -> str:
        answer = self.post(f"{address}/interviews", who, ente=str(self.cast.empoli), **fields)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def says(self, interview: str, who: str = "anna", deed: str = "answer", **fields: Any) -> Any:
        found = re.search(r'name="revision" value="(\d+)"', self.get(interview, who).text)
        assert found is not None
        return self.post(f"{interview}/{deed}", who, revision=found[1], **fields)


@pytest.fixture
def survey(desk: Desk, database: Database) -> Survey:
    return Survey(desk, database)


def test_what_is_wrong_with_a_form_is_told_by_sheet_row_and_column(survey: Survey) -> None:
    content = book([*SURVEY, {"type": "geopoint", "name": "x", "label": "Dove?"}], YN)
    answer = survey.post("/questionnaires", content=content, place=f"{survey.cast.contract}:")
    assert answer.status_code == 422
    assert "Il file ha 1 errore" in answer.text
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", answer.text.split('id="mistakes"')[1].split("</section>")[0])
    assert cells[:3] == ["survey", "5", "A"]
    assert "«geopoint» non serve al telefono" in cells[3]
    answer = survey.post("/questionnaires", content=b"non un file", place=f"{survey.cast.contract}:")
    assert "Non è un file Excel" in answer.text


def test_a_form_is_tried_out_without_anything_being_kept_and_put_to_use(survey: Survey) -> None:
    address = survey.uploaded()
    page = survey.get(address).text
    assert "Non ancora in uso" in page
    assert "Prova &lt;i&gt;" in page
    preview = f"{address}/versions/1/preview"
    first = survey.get(preview).text
    assert "È contento?" in first
    assert "Leggi piano" in first
    state = re.search(r'name="state" value="([^"]*)"', first)
    assert state is not None
    refused = survey.post(preview, deed="answer")
    assert refused.status_code == 422
    assert "Serve una risposta." in refused.text
    second = survey.post(preview, deed="answer", said="n")
    assert "Perché? &lt;b&gt;" in second.text
    for state in ("{[", '"x"', '{"values": {"ok": "\\ud800"}, "at": "ok"}', '{"values": {"zz[99]": 1}, "at": []}'):
        assert survey.post(preview, state=state, deed="back").status_code == 200
    with survey.database.begin(Scope.of_enti([survey.cast.empoli], [survey.cast.contract])) as session:
        assert session.query(Interview).count() == 0
    assert survey.post(f"{address}/publish", number="1").status_code == 303
    assert "In uso, versione 1" in survey.get("/questionnaires", "anna").text


def test_an_interview_goes_from_question_to_question_and_on_with_a_colleague(survey: Survey) -> None:
    address = survey.published()
    one = survey.begun(address)
    page = survey.get(one, "anna").text
    assert 'data-digit="1"' in page
    assert "Comune di Empoli" in page
    assert survey.says(one, said="n").status_code == 303
    assert "Perché?" in survey.get(one, "anna").text
    assert survey.says(one, said="Attesa").status_code == 303
    wrong = survey.says(one, of=["y", "n"], rank=["1", "1"])
    assert wrong.status_code == 422
    assert "Dai a ogni voce un posto diverso." in wrong.text
    assert "La sta facendo un collega" in survey.get(one, "luca").text
    assert survey.post(f"{one}/resume", "luca").status_code == 409
    assert survey.says(one, deed="end", disposition="2.12", for_good="false").status_code == 303
    assert survey.post(f"{one}/resume", "luca").status_code == 303
    assert survey.says(one, "luca", of=["y", "n"], rank=["2", "1"]).status_code == 303
    assert "Tutte le domande hanno una risposta" in survey.get(one, "luca").text
    assert survey.says(one, "luca", deed="end", disposition="1.1", for_good="true").status_code == 303
    assert "Intervista conclusa" in survey.get(one, "luca").text
    rates = survey.get(address).text
    assert "RR1" in rates
    table = load_workbook(io.BytesIO(survey.get(f"{address}/answers.xlsx").content))["Risposte"]
    head, row = table.iter_rows(values_only=True)
    told = dict(zip(head, row, strict=True))
    assert (told["ok"], told["why"], told["order"], told["disposition"]) == ("n", "Attesa", "n y", "1.1")
    for kind in ("answers.csv", "answers.sav", "codebook.xml", "paradata.csv"):
        assert survey.get(f"{address}/{kind}").status_code == 200
    steps = survey.get(f"{address}/paradata.csv").text
    assert "Attesa" not in steps
    assert "broke_off" in steps


def test_back_and_on_again(survey: Survey) -> None:
    one = survey.begun(survey.published())
    survey.says(one, said="y")
    found = re.search(r'name="revision" value="(\d+)"', survey.get(one, "anna").text)
    assert found is not None
    assert survey.post(f"{one}/move", "anna", revision=found[1], deed="back").status_code == 303
    page = survey.get(one, "anna").text
    assert "È contento?" in page
    assert re.search(r'value="y"[^>]*checked', page)
    assert survey.post(f"{one}/move", "anna", revision=found[1], deed="forward").status_code == 409  # a stale page


def test_a_contact_s_interview_needs_a_contact_of_that_ente(survey: Survey) -> None:
    address = survey.published()
    let_in(survey.client, "anna")
    answer = survey.post(
        f"{address}/interviews", "anna", ente=str(survey.cast.empoli), codice_fiscale="RSSMRA80A01H501U"
    )
    assert answer.status_code == 422


def test_nobody_reaches_what_is_not_his(survey: Survey) -> None:
    address = survey.published()
    one = survey.begun(address)
    assert survey.get("/questionnaires", "vera").status_code == 403
    assert survey.get(one, "vera").status_code == 403
    assert survey.get(f"{address}/answers.csv", "anna").status_code == 403
    assert survey.post("/questionnaires", "anna", content=b"", place=f"{survey.cast.contract}:").status_code == 403
    assert survey.post(f"{address}/publish", "anna", number="1").status_code == 403
    foreign = survey.post("/questionnaires", content=book(SURVEY, YN), place=f"{survey.cast.other_contract}:")
    assert foreign.status_code == 403
    assert survey.post(f"{address}/interviews", "anna", ente=str(survey.cast.siena)).status_code in {403, 404}
    with survey.database.begin(Scope.nothing()) as session:
        session.execute(
            update(RoleGrant)
            .where(RoleGrant.user_id == survey.cast.luca)
            .values(contract_id=survey.cast.other_contract, role=Role.SUPERVISOR)
        )
    assert survey.get(address, "luca").status_code == 404
    assert survey.get(one, "luca").status_code == 404
    assert survey.post(f"{one}/resume", "luca").status_code == 404


def test_the_ente_s_approver_takes_its_answers_away_and_no_other_ente_s(survey: Survey) -> None:
    address = survey.published()
    for ente in (survey.cast.empoli, survey.cast.vinci):
        one = survey.post(f"{address}/interviews", "anna", ente=str(ente)).headers["location"]
        survey.says(one, deed="end", disposition="2.112", for_good="true")
    with survey.database.begin(Scope.nothing()) as session:
        session.execute(update(RoleGrant).where(RoleGrant.user_id == survey.cast.vera).values(role=Role.ENTE_APPROVER))
    assert "Metti in uso" not in survey.get(address, "vera").text
    table = survey.get(f"{address}/answers.csv", "vera").text
    assert "Comune di Empoli" in table
    assert "Comune di Vinci" not in table


def test_the_ready_made_form_can_be_uploaded_as_it_is(survey: Survey) -> None:
    content = survey.get("/questionnaires/templates/satisfaction.xlsx").content
    assert content == template("satisfaction")
    address = survey.published(content)
    one = survey.begun(address, language="English (en)")
    assert "on behalf of the municipality" in survey.get(one, "anna").text
    assert survey.says(one, deed="language", language="Italiano (it)").status_code == 303
    assert "per conto del Comune" in survey.get(one, "anna").text
