"""A survey answered by the keys of a telephone, as the carrier tells of it: Mario calls, or is passed on to it."""

import re
from dataclasses import replace
from html import unescape
from typing import Any
from xml.etree import ElementTree

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core.db import Scope
from crm.core.errors import FieldError
from outbound.campaigns import contacts
from outbound.campaigns import service as campaigns
from outbound.campaigns.models import CampaignContact, ContactState
from outbound.campaigns.plan import Plan, Purpose
from outbound.cati import codes
from outbound.cati.models import Interview, InterviewState, Mode, SurveyCase
from outbound.compliance import windows
from outbound.compliance.rules import Reason
from telephony.calls.models import Call
from telephony.ivr.definition import Flow, Goodbye, Questions, ToQueue
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, STRANGER, principal_of
from tests.outbound.cati.forms import book
from tests.telephony.calls.test_full_queue import follows
from tests.web.conftest import PUBLIC, Desk
from tests.web.test_booking_by_voice import Line
from tests.web.test_questionnaires import Survey, survey
from tests.web.test_survey_pages import QUESTIONS, YN, a_list, running, scoped

__all__ = ["survey"]
pytestmark = pytest.mark.integration


class Caller(Line):
    """A call that is led where the carrier is told to go on."""

    def tells(self, url: str, *, signature: str | None = None, **fields: str) -> str:
        heard = super().tells(url, signature=signature, **fields)
        self.before = ""
        while self.status == 200 and heard and (way := ElementTree.fromstring(heard).find("Redirect")) is not None:
            self.before += " ".join(ElementTree.fromstring(heard).itertext())
            heard = super().tells(str(way.text).removeprefix(PUBLIC).split("#")[0])
        return heard

    def hash(self, digits: str = "") -> str:
        self.heard = self.tells(self.asked(), Digits=digits, FinishedOnKey="#")
        return self.said


class Centre:
    """A survey that may be answered by keys, and Empoli's line that leads to its questionnaire."""

    def __init__(self, survey: Survey, desk: Desk) -> None:
        self.survey, self.desk = survey, desk
        self.at = running(survey, by_ivr=True)
        self.campaign = int(self.at.rsplit("/", 1)[1])
        self.form = int(str(re.search(r"/questionnaires/([0-9]+)", survey.get(f"{self.at}/survey").text)[1]))

    def leads(self, **how: Any) -> None:
        flow = Flow(
            start="domande", operator="operatore",
            nodes={
                "domande": Questions(questionnaire=self.form, next="fine", otherwise="operatore", **how),
                "fine": Goodbye(text={"it": "Arrivederci."}),
                "operatore": ToQueue(queue=self.survey.cast.operator),
            },
        )  # fmt: skip
        follows(self.desk.stage, flow, cap=None)

    def calls(self, caller: str = MARIO_MOBILE, sid: str = "CA" + "5" * 32) -> Caller:
        return Caller(self.survey.client, self.survey.database, sid=sid, caller=caller)

    def interviews(self) -> list[Interview]:
        return list(scoped(self.survey, lambda s: s.scalars(select(Interview).order_by(Interview.began_at)).all()))

    def call(self) -> Call:
        with self.survey.database.begin(Scope.of_contract(self.survey.cast.contract)) as session:
            return session.scalars(select(Call).order_by(Call.arrived_at.desc())).first()


@pytest.fixture
def centre(survey: Survey, desk: Desk) -> Centre:
    return Centre(survey, desk)


def test_who_calls_from_his_number_answers_his_case_and_it_counts_as_such(centre: Centre) -> None:
    centre.leads()
    line = centre.calls()
    assert "È contento? Sì: prema 1. No: prema 2." in line.said
    assert "BIANCHI" not in line.said.upper()
    where = line.asked()
    assert line.keys("7").startswith("Questa scelta non esiste.")
    assert line.keys("1").startswith("Anni? Digiti il numero e poi cancelletto. Se preferisce non rispondere")
    late = line.tells(where, Digits="2")
    assert ElementTree.fromstring(late)[0].attrib["action"] == ElementTree.fromstring(line.heard)[0].attrib["action"]
    assert line.hash("200").startswith("Questa risposta non va bene.")
    assert line.keys("*").startswith("È contento?")
    line.keys("2")
    end = line.hash("44")
    assert end == "Grazie: il questionario è finito. Arrivederci."
    (one,) = centre.interviews()
    assert (one.mode, one.state, one.disposition, one.interviewer_id) == (Mode.IVR, InterviewState.DONE, "1.1", None)
    assert one.contact_id == centre.survey.cast.mario
    assert scoped(centre.survey, lambda s: s.scalar(select(CampaignContact.state))) is ContactState.DONE
    call = centre.call()
    assert (call.waiting_since, call.keyed, call.ivr["kept"]) == (None, False, {}), (
        "no queue, and no digits in the call"
    )
    answers = centre.survey.get(f"{centre.at}/survey/answers.csv").text.splitlines()
    assert ";1.1;ivr;" in answers[1]
    assert answers[1].endswith(";n;44")
    assert "complete;ivr;1" in centre.survey.get(f"{centre.at}/survey/rates.csv").text
    steps = centre.survey.get(f"{centre.at}/survey/paradata.csv").text.splitlines()[1:]
    assert {one.rsplit(";", 1)[1] for one in steps} == {"ivr"}
    again = centre.calls(sid="CA" + "6" * 32)
    assert "<Enqueue" in again.heard, "he has answered: an operator"


def test_who_hangs_up_has_refused_nothing_and_goes_on_where_he_was(centre: Centre) -> None:
    centre.leads()
    line = centre.calls()
    line.keys("1")
    line.hangs_up()
    (one,) = centre.interviews()
    assert (one.state, one.disposition) == (InterviewState.INTERRUPTED, "2.12")
    assert scoped(centre.survey, lambda s: s.scalar(select(SurveyCase.refusals))) == 0
    again = centre.calls(sid="CA" + "6" * 32)
    assert "Anni?" in again.said
    assert "È contento?" not in again.said
    assert again.hash() == "Grazie: il questionario è finito. Arrivederci.", "it need not be answered"
    (one,) = centre.interviews()
    assert (one.state, one.disposition) == (InterviewState.DONE, "1.1")


def test_no_campaign_calls_who_is_answering_by_keys(centre: Centre) -> None:
    cast = centre.survey.cast

    def reasons() -> set[Reason]:
        def work(session: Any) -> Any:
            sara = principal_of(session, cast.sara)
            return contacts.explain(session, sara, campaign_id=centre.campaign, contact_ids=[cast.mario])

        return set(scoped(centre.survey, work)[cast.mario].reasons)

    centre.leads()
    assert Reason.CLAIMED not in reasons()
    line = centre.calls()
    line.keys("1")
    assert Reason.CLAIMED in reasons()
    line.hangs_up()
    assert Reason.CLAIMED not in reasons()


def test_who_keys_nothing_twice_or_zero_goes_on_to_an_operator(centre: Centre) -> None:
    centre.leads()
    line = centre.calls()
    assert line.keys("").startswith("Non ho ricevuto la sua risposta. È contento?")
    line.keys("")
    assert "<Enqueue" in line.heard
    assert centre.interviews()[0].state is InterviewState.INTERRUPTED
    line.hangs_up()
    other = centre.calls(sid="CA" + "6" * 32)
    other.keys("0")
    assert "<Enqueue" in other.heard
    assert other.said.startswith("La metto in contatto")


def test_a_stranger_keys_the_code_that_he_was_sent_or_answers_without_a_name(centre: Centre) -> None:
    centre.leads(by_code=True, anonymous=True)
    of = {"campaign_id": centre.campaign, "contact_id": centre.survey.cast.mario}
    sent = scoped(centre.survey, lambda s: codes.code(s, **of))
    wrong = f"{(int(sent[:6]) + 1) % 10**6:06}{sent[6:]}"
    line = centre.calls(STRANGER)
    assert line.said.startswith("Digiti il codice personale")
    assert line.hash(wrong).startswith("Questo codice non è valido")
    assert "È contento?" in line.hash(sent)
    line.hangs_up()
    assert [one.contact_id for one in centre.interviews()] == [centre.survey.cast.mario]
    other = centre.calls(STRANGER, sid="CA" + "6" * 32)
    assert other.hash().startswith("Le risposte restano senza nome. Risponda con i tasti")
    other.keys("1")
    other.hash("30")
    nobody = centre.interviews()[1]
    assert (nobody.contact_id, nobody.campaign_id, nobody.state) == (None, None, InterviewState.DONE)
    for n in range(7, 9):
        guesser = centre.calls(STRANGER, sid=f"CA{n}" + "6" * 31)
        for _ in range(2):
            guesser.hash(wrong)
    last = centre.calls(STRANGER, sid="CA" + "9" * 32)
    assert last.hash(sent).startswith("Questo codice non è valido"), "too many were wrong: none is looked at"


def test_nobody_but_the_carrier_answers_and_no_line_asks_what_is_not_allowed(centre: Centre) -> None:
    centre.leads()
    line = centre.calls()
    where = line.asked()
    line.tells(where, signature="", Digits="1")
    assert line.status == 403
    other = where.replace(f"/{centre.survey.cast.contract}/calls/", f"/{centre.survey.cast.other_contract}/calls/")
    with pytest.raises(Exception, match=r".*"):  # another contract's webhook sees no such call
        line.tells(other, Digits="1")
    line.hangs_up()
    assert line.tells(where, Digits="1").count("Gather") == 0, "the call is over"
    assert centre.survey.post(f"/questionnaires/{centre.form}/withdraw").status_code in {204, 303}
    assert centre.interviews()[0].state is InterviewState.INTERRUPTED


def test_whoever_is_called_and_agrees_is_passed_on_to_it(
    centre: Centre, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "opening", lambda _window, at: at)
    mario = centre.survey.cast.mario
    desk.sit_down()
    desk.stage.ready(centre.survey.cast.anna)
    desk.client.post(f"/calling/{centre.campaign}/next", headers=desk.headers)
    desk.client.post(f"/calling/{centre.campaign}/{mario}/call", headers=desk.headers)
    desk.stage.run()
    call_id = centre.call().id
    desk.stage.answers(call_id)
    desk.stage.run()
    desk.stage.joins(call_id)
    keys = f"/survey-cases/{centre.campaign}/{mario}/keys"
    page = desk.page()
    assert keys in page
    assert "Parlo con MARIO BIANCHI?" in page or "Parlo con Mario Bianchi?" in page, "we call him: who he is we know"
    assert centre.survey.post(keys, "luca", call=str(call_id)).status_code == 409, "not his conversation"
    assert centre.survey.post(keys, "anna", call=str(call_id)).status_code == 204
    assert centre.survey.post(keys, "anna", call=str(call_id)).status_code == 409
    desk.stage.run()
    line = Caller.__new__(Caller)
    line.client, line.database, line.sid = centre.survey.client, centre.survey.database, centre.call().carrier_sid
    line.heard = line.tells(f"/telephony/{centre.survey.cast.contract}/calls/{call_id}/survey")
    assert line.said.startswith("Risponda con i tasti del telefono.")
    assert "È contento?" in line.said
    line.keys("1")
    assert line.hash("30") == "Grazie: il questionario è finito."
    assert "<Hangup" in line.heard
    (one,) = centre.interviews()
    assert (one.mode, one.disposition, one.call_id) == (Mode.IVR, "1.1", call_id)
    desk.stage.passes(61)
    desk.stage.engine.fire_timers()
    page = desk.page("talk")
    assert "lo dice l'intervista" in unescape(page), "her time for the notes is over"
    assert 'id="topic"' not in page
    assert centre.survey.post("/console/complete", "anna", call=str(call_id)).status_code == 204
    assert (centre.call().topic, centre.call().disposition) == ("other", "answered")


def test_a_plan_allows_it_only_where_keys_can_answer_and_the_page_says_which_row_hinders(centre: Centre) -> None:
    rows = [*QUESTIONS, {"type": "text", "name": "why", "label": "Perché?"}]
    page = centre.survey.get(centre.survey.published(book(rows, YN, [{"form_title": "Con parole"}])))
    assert "riga 4" in page.text
    assert "la risposta non si può dare con i tasti" in page.text


def test_a_survey_whose_questionnaire_keys_cannot_answer_is_not_written_so(survey: Survey) -> None:
    words = [{"type": "text", "name": "why", "label": "Perché?"}]
    form = int(survey.published(book(words, [], [{"form_title": "A parole"}])).rsplit("/", 1)[1])
    cast, list_id = survey.cast, a_list(survey)
    of = {"ente_id": cast.empoli, "contract_id": cast.contract, "list_id": list_id, "name": "Indagine"}
    known = Plan(purpose=Purpose.SURVEY, form_id=form, queue_id=cast.operator, line=EMPOLI_LINE)

    def write(session: Session, plan: Plan) -> None:
        sara = principal_of(session, cast.sara)
        draft = campaigns.begin(session, sara, **of)
        campaigns.write(session, sara, campaign_id=draft, name="Indagine", plan=plan)

    with pytest.raises(FieldError, match="Non si può compilare con i tasti") as refused:
        scoped(survey, lambda s: write(s, replace(known, by_ivr=True)))
    assert [one.field for one in refused.value.parts] == ["by_ivr"]
    scoped(survey, lambda s: write(s, known))
