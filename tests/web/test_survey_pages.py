"""A survey's pages: Sara prepares it and looks at it, Anna leads its cases, its person answers on the web."""

import re
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from crm.cases.models import Case
from crm.core import clock
from crm.core.db import Scope
from crm.follow_ups.models import FollowUp
from outbound.campaigns import admission
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import Attempt, Campaign, CampaignContact, CampaignVersion, ContactState
from outbound.campaigns.plan import Plan, Purpose, kept, parsed
from outbound.cati import online, surveys
from outbound.cati.models import Interview, SurveyQuota
from outbound.compliance import windows
from outbound.lists.models import ContactList, ContactListMember, ListState, Origin
from telephony.calls.models import Call
from tests.cast import EMPOLI_LINE, lock_again
from tests.outbound.cati.forms import book
from tests.web.conftest import Desk, runtime_of
from tests.web.test_questionnaires import Survey, survey

__all__ = ["survey"]

pytestmark = pytest.mark.integration
YN = [{"list_name": "yn", "name": "y", "label": "Sì"}, {"list_name": "yn", "name": "n", "label": "No"}]
QUESTIONS = [
    {"type": "select_one yn", "name": "ok", "label": "È contento?", "required": "yes", "guidance_hint": "Con calma"},
    {"type": "integer", "name": "age", "label": "Anni?", "constraint": ". < 120"},
]


def a_list(survey: Survey) -> int:
    def work(session: Any) -> int:
        of = {"ente_id": survey.cast.empoli}
        made = ContactList(
            **of, name="Serviti", origin=Origin.FILE, state=ListState.READY, made_by=survey.cast.sara, members=1,
            made_at=clock.now(session),
        )  # fmt: skip
        session.add(made)
        session.flush()
        session.add(ContactListMember(list_id=made.id, contact_id=survey.cast.mario, **of))
        return int(made.id)

    return survey.database.transact(Scope.of_enti([survey.cast.empoli]), work)


def scoped(survey: Survey, work: Any) -> Any:
    return survey.database.transact(Scope.of_enti([survey.cast.empoli], [survey.cast.contract]), work)


def running(survey: Survey, **plan: Any) -> str:
    """A survey that runs, with Mario in it; its address."""
    form = int(survey.published(book(QUESTIONS, YN, [{"form_title": "Prova"}])).rsplit("/", 1)[1])
    list_id = a_list(survey)

    def work(session: Any) -> int:
        now, of = clock.now(session), {"ente_id": survey.cast.empoli}
        made = Campaign(
            **of, contract_id=survey.cast.contract, list_id=list_id, name="Indagine", state=State.RUNNING, version=1,
            made_by=survey.cast.sara, made_at=now, changed_at=now, started_at=now,
        )  # fmt: skip
        session.add(made)
        session.flush()
        known = Plan(purpose=Purpose.SURVEY, form_id=form, queue_id=survey.cast.operator, line=EMPOLI_LINE)
        written = {"written_by": survey.cast.sara, "written_at": now}
        session.add(CampaignVersion(**of, campaign_id=made.id, number=1, plan=kept(replace(known, **plan)), **written))
        session.flush()
        admission.admit(session, campaign_id=made.id)
        return int(made.id)

    return f"/campaigns/{scoped(survey, work)}"


def gives(survey: Survey, campaign: str, *people: int) -> str:
    """Mario's case is given to each of these in turn, the last one has it; its address."""
    number = int(campaign.rsplit("/", 1)[1])
    for one in people:
        its = update(CampaignContact).where(CampaignContact.campaign_id == number).values(claimed_by=one)
        scoped(survey, lambda s: s.execute(its))  # noqa: B023
    return f"/survey-cases/{number}/{survey.cast.mario}"


def test_the_half_year_s_survey_is_prepared_in_one_step(survey: Survey) -> None:
    page = survey.get("/questionnaires")
    assert "Nuova indagine di soddisfazione" in page.text
    assert survey.post("/questionnaires/satisfaction").status_code == 422
    answer = survey.post("/questionnaires/satisfaction", list_id=str(a_list(survey)))
    assert answer.status_code == 204
    edit = answer.headers["hx-redirect"]
    rows = scoped(survey, lambda s: s.execute(select(Campaign.name, CampaignVersion.plan).join(CampaignVersion)).all())
    ((name, plan),) = rows
    assert re.fullmatch(r"Soddisfazione, [12]° semestre \d{4}", name)
    assert parsed(plan).purpose is Purpose.SURVEY
    assert "Indagine di soddisfazione" in survey.get(edit).text
    again = survey.post("/questionnaires/satisfaction", list_id=str(a_list(survey)))
    assert again.status_code == 204
    assert survey.get("/questionnaires").text.count(">Indagine di soddisfazione</a>") == 1, "it is in use already"
    assert survey.post("/questionnaires/satisfaction", "anna", list_id="1").status_code == 403


def test_sample_and_quotas_are_written_on_their_forms(survey: Survey) -> None:
    at = running(survey)
    assert "Nessuna quota" in survey.get(f"{at}/survey").text
    form = survey.get(f"{at}/survey/quotas?first=ok").text
    assert 'name="cell:y:"' in form
    wrong = survey.post(f"{at}/survey/quotas", first="ok", **{"cell:y:": "molti"})
    assert wrong.status_code == 422
    assert survey.post(f"{at}/survey/quotas", first="ok", **{"cell:y:": "3", "cell:n:": ""}).status_code == 204
    (quota,) = scoped(survey, lambda s: s.scalars(select(SurveyQuota)).all())
    assert (quota.value, quota.target, quota.taken) == ("y", 3, 0)
    assert "0 / 3" in survey.get(f"{at}/survey/now").text
    assert survey.get(f"{at}/survey/sample?by=kind").status_code == 200
    late = survey.post(f"{at}/survey/sample", by="kind", allocation="equal", size="1")
    assert late.status_code == 409, "it has begun"
    assert survey.get(f"{at}/survey", "anna").status_code == 403
    assert survey.get("/campaigns/9999/survey").status_code == 404


def test_a_case_from_its_page_to_its_appointment_its_refusal_and_its_conversion(survey: Survey) -> None:
    at = running(survey)
    case = gives(survey, at, survey.cast.anna)
    assert "BIANCHI" in survey.get(case, "anna").text.upper()
    for who in ("vera", "luca"):
        assert survey.get(case, who).status_code == 403
    assert survey.get(f"/survey-cases/{at.rsplit('/', 1)[1]}/{survey.cast.gina}").status_code == 404
    interview = survey.post(f"{case}/interview", "anna").headers["location"]
    wrong = survey.says(interview, deed="end", disposition="2.21", for_good="false", day="2026-13-40")
    assert wrong.status_code == 422
    assert survey.says(interview, deed="end", disposition="2.112", for_good="false").status_code == 303
    page = survey.get(f"{at}/survey").text
    assert "Si può richiamare" in page
    assert survey.post(f"{at}/survey/refusals/{survey.cast.mario}", "anna").status_code == 403
    assert survey.post(f"{at}/survey/refusals/{survey.cast.mario}").status_code == 204
    assert survey.post(f"{at}/survey/refusals/{survey.cast.mario}").status_code == 409
    assert survey.post(f"{case}/interview", "anna").status_code == 409, "she was refused already"
    assert survey.post(f"{case}/interview", "luca").status_code == 403
    gives(survey, at, survey.cast.luca)
    assert survey.post(f"{case}/interview", "luca").headers["location"] == interview


def test_an_interview_is_led_verified_and_counted(survey: Survey) -> None:
    at = running(survey)
    case = gives(survey, at, survey.cast.anna)
    interview = survey.post(f"{case}/interview", "anna").headers["location"]
    survey.says(interview, said="y")
    survey.says(interview, said="40")
    survey.says(interview, deed="end", disposition="1.1", for_good="true")
    assert survey.post(f"{at}/survey/checks", percent="0").status_code == 422
    assert survey.post(f"{at}/survey/checks", percent="10").status_code == 204
    gives(survey, at, survey.cast.luca)
    page = survey.get(case, "luca").text
    assert "È contento?" in page
    assert survey.post(f"{case}/check", "anna", found="confirmed").status_code == 409
    assert survey.post(f"{case}/check", "luca", found="confirmed").status_code == 303
    page = survey.get(f"{at}/survey").text
    assert "Anna" in page
    lock_again(survey.database)
    assert "solo con un accordo" in survey.get(f"{at}/survey").text
    cases = survey.get(f"{at}/survey/cases.csv").text
    of_form = f"/questionnaires/{re.search(r'/questionnaires/([0-9]+)', survey.get(f'{at}/survey').text)[1]}"
    for name in ("answers.csv", "answers.xlsx", "answers.sav", "codebook.xml", "paradata.csv"):
        whole, own = survey.get(f"{of_form}/{name}"), survey.get(f"{at}/survey/{name}")
        assert (whole.status_code, own.status_code) == (200, 200)
        assert survey.get(f"{at}/survey/{name}", "anna").status_code == 403
    assert survey.get("/campaigns/x/survey/answers.csv").status_code in {404, 422}
    lines = survey.get(f"{at}/survey/answers.csv").text.splitlines()
    assert ";Indagine;;1;1;1.1;telephone;" in lines[1]
    assert "RR1" in survey.get(f"{at}/survey/codebook.xml").text
    sums = survey.get(f"{at}/survey/rates.csv").text.splitlines()
    assert {"disposition;1.1;1", "rate;RR1;1.000000", "complete;telephone;1"} <= set(sums)
    assert cases.splitlines()[1] == "1;;1.000000;0;1.1;I;0;telephone"
    assert survey.get(f"{at}/survey/cases.csv", "anna").status_code == 403


def test_from_the_claim_to_the_call_the_console_leads_to_the_case(
    survey: Survey, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "opening", lambda _window, at: at)
    campaign = int(running(survey).rsplit("/", 1)[1])
    desk.sit_down()
    desk.stage.ready(survey.cast.anna)
    card = desk.client.post(f"/calling/{campaign}/next", headers=desk.headers)
    assert "BIANCHI" in card.text.upper()
    called = desk.client.post(f"/calling/{campaign}/{survey.cast.mario}/call", headers=desk.headers)
    assert called.headers["hx-redirect"] == "/console"
    desk.stage.run()
    call_id = scoped(survey, lambda s: s.scalars(select(Attempt.call_id)).one())
    desk.stage.answers(call_id)
    desk.stage.run()
    desk.stage.joins(call_id)
    case = f"/survey-cases/{campaign}/{survey.cast.mario}"
    assert f'href="{case}"' in desk.page()
    assert survey.post(f"{case}/interview", "anna").status_code == 303
    led = scoped(survey, lambda s: s.scalars(select(Interview)).one())
    assert (led.call_id, led.campaign_id) == (call_id, campaign)
    assert 'id="topic"' not in desk.page(), "the interview says what came of it"
    desk.stage.caller_leaves(call_id)
    assert survey.post("/console/wrap-up", "anna", call=str(call_id)).status_code in {204, 303}
    assert scoped(survey, lambda s: s.get_one(Call, call_id).disposition) == "answered"
    other = {"contact_id": survey.cast.mario, "call_id": uuid4()}
    assert scoped(survey, lambda s: surveys.of_call(s, **other)) is None


def test_what_somebody_wants_besides_is_a_request_to_the_ente(survey: Survey) -> None:
    case = gives(survey, running(survey), survey.cast.anna)
    assert "Chiede qualcos" in survey.get(case, "anna").text
    at = f"{case}/wish"
    told = {"wish": "complaint", "words": "Allo sportello nessuno rispondeva"}
    assert survey.post(at, "luca", **told).status_code == 403
    assert survey.post(at, "anna", wish="complaint", words=" ").status_code == 422
    for _ in range(2):
        assert survey.post(at, "anna", **told).status_code == 204
    assert survey.post(at, "anna", wish="complaint", words="E anche la fila").status_code == 204
    assert survey.post(at, "anna", wish="call_back", words="Dopo le 17").status_code == 204
    cases = scoped(survey, lambda s: s.execute(select(Case.topic, Case.reasons).order_by(Case.id)).all())
    assert [tuple(one) for one in cases] == [("complaint", told["words"]), ("complaint", "E anche la fila")]
    (owed,) = scoped(survey, lambda s: s.scalars(select(FollowUp)).all())
    assert (owed.kind, owed.note) == ("call_back", "Dopo le 17")


def test_somebody_answers_on_the_web_without_signing_in(survey: Survey) -> None:
    campaign = int(running(survey, by_web=True).rsplit("/", 1)[1])
    of = {"ente_id": survey.cast.empoli, "campaign_id": campaign, "contact_id": survey.cast.mario}
    address = (
        runtime_of(survey.client)
        .database.transact(
            Scope.of_enti([survey.cast.empoli]), lambda s: online.address(s, **of, public_url="https://x.it")
        )
        .removeprefix("https://x.it")
    )
    survey.client.cookies.clear()
    page = survey.client.get(address)
    assert page.status_code == 200
    assert "È contento?" in page.text
    assert "Con calma" not in page.text, "for interviewers alone"
    assert "BIANCHI" not in page.text.upper(), "nobody's name"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert survey.client.post(address, data={"revision": "0", "said": "y"}).status_code == 303
    stale = survey.client.post(address, data={"revision": "0", "said": "n"})
    assert stale.status_code == 303, "to the page that is up to date"
    wrong = survey.client.post(address, data={"revision": "1", "said": "200"})
    assert wrong.status_code == 422
    assert survey.client.post(address, data={"revision": "1", "go": "back"}).status_code == 303
    assert survey.client.post(address, data={"revision": "2", "said": "n"}).status_code == 303
    assert survey.client.post(address, data={"revision": "3", "said": "50"}).status_code == 303
    assert "Grazie" in survey.client.get(address).text
    (row,) = scoped(survey, lambda s: s.scalars(select(Interview)).all())
    assert (row.state.value, row.disposition.value, row.interviewer_id) == ("done", "1.1", None)
    assert scoped(survey, lambda s: s.scalar(select(CampaignContact.state))) is ContactState.DONE
    for broken in (address[:-3], "/indagine/x", "/indagine/" + "a" * 48):
        answer = survey.client.get(broken)
        assert answer.status_code == 404, broken
        assert "link" in answer.text
