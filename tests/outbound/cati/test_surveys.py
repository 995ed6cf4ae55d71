"""A survey as its people live it: drawn, called, interviewed, refused and asked again, full, verified, reckoned."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, update

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.audit.models import AuditEntry
from crm.contacts.models import Collected, Consent, ConsentText
from crm.contacts.models import Purpose as Consented
from crm.core.db import Scope
from crm.core.errors import ConflictError, FieldError, ForbiddenError, InvalidError, NotFoundError
from crm.privacy.holders import Person
from outbound.campaigns import admission, contacts, ripening
from outbound.campaigns.lifecycle import Deed
from outbound.campaigns.models import CampaignContact, ContactState
from outbound.campaigns.plan import Plan, Purpose
from outbound.cati import checking, drawing, figures, interviews, online, places, quota_setting, service, surveys
from outbound.cati.aapor import Disposition
from outbound.cati.exports import reading
from outbound.cati.models import Found, Interview, InterviewState, SurveyCase, SurveyQuota
from outbound.cati.privacy import HOLDERS
from outbound.cati.questionnaire.xlsform import compiled
from outbound.cati.quotas import STRATUM
from outbound.cati.sampling import Allocation, By
from outbound.compliance.rules import Ended, Reason
from outbound.lists.models import ContactList, ContactListMember
from tests.cast import EMPOLI_LINE, Cast, add_contact, lock_again, principal_of
from tests.databases import DatabaseUrls
from tests.outbound.cati.forms import book
from tests.outbound.test_campaigns import DAY, HOUR, NOON, Office

pytestmark = pytest.mark.integration
YN = [{"list_name": "yn", "name": "y", "label": "Sì"}, {"list_name": "yn", "name": "n", "label": "No"}]
SURVEY = [
    {"type": "select_one yn", "name": "pays", "label": "Paga da solo?", "required": "yes", "appearance": "verify"},
    {"type": "select_one yn", "name": "ok", "label": "È contento?", "required": "yes"},
]
PEOPLE = 6
CODE, PHONE = "RSSMRA80A0{}D403X", "+3934811122{}0"


class Survey(Office):
    """Sara's office, with six people of Empoli on a list, a questionnaire in use and the survey of it."""

    def __init__(self, urls: DatabaseUrls, cast: Cast) -> None:
        super().__init__(urls, cast)
        with self.database.begin(self.scope) as session:
            self.marta = principal_of(session, cast.marta)
        self.people = [
            self.work(
                lambda s, n=n: add_contact(s, cast.empoli, f"RSSMRA80A0{n}D403X", "ROSSI", "MARIA", PHONE.format(n))
            )
            for n in range(1, PEOPLE + 1)
        ]
        self.form = self.published()
        self.plan = Plan(
            purpose=Purpose.SURVEY, queue_id=cast.operator, line=EMPOLI_LINE, form_id=self.form, vary_hours=False
        )

    def published(self) -> int:
        content = book(SURVEY, YN, [{"form_title": "Soddisfazione"}])
        form = compiled(content).form
        assert form is not None

        def work(session: Any) -> int:
            of = {"contract_id": self.cast.contract, "ente_id": None}
            form_id = service.upload(session, self.sara, **of, file_name="s.xlsx", content=content, form=form)
            service.publish(session, self.sara, form_id=form_id, number=1)
            return form_id

        return int(self.work(work))

    def starts(self, *people: int) -> int:
        return self.run(*(people or self.people), plan=self.plan, name="Indagine")

    def draft(self) -> int:
        return self.begin(*self.people, plan=self.plan, name="Indagine")

    def ripens(self, campaign: int, later: timedelta = timedelta()) -> None:
        self.now += later
        self.work(lambda s: ripening.ripen(s, campaign_id=campaign))

    def reached(self, by: Principal, campaign: int) -> tuple[int, UUID]:
        """The next one, who answers: his interview is begun, or goes on."""
        chosen = self.next(by, campaign)
        assert chosen is not None
        self.dial(by, campaign, chosen.contact_id)
        of = {"campaign_id": campaign, "contact_id": chosen.contact_id}
        return chosen.contact_id, self.work(lambda s: interviews.take(s, by, **of))

    def tries(self, by: Principal, campaign: int, ended: Ended) -> int:
        chosen = self.next(by, campaign)
        attempt, _ = self.dial(by, campaign, chosen.contact_id)
        self.work(lambda s: contacts.ended(s, attempt_id=attempt, ended=ended, operator=False))
        return int(chosen.contact_id)

    def says(self, by: Principal, interview: UUID, *said: str) -> None:
        for one in said:
            revision = self.work(lambda s: s.get(Interview, interview).revision)
            of = {"interview_id": interview, "revision": revision, "said": [one]}
            self.work(lambda s: interviews.answer(s, by, **of))  # noqa: B023

    def ends(self, by: Principal, interview: UUID, disposition: Disposition, **how: Any) -> None:
        revision = self.work(lambda s: s.get(Interview, interview).revision)
        of = {"interview_id": interview, "revision": revision, "disposition": disposition, "for_good": True, **how}
        self.work(lambda s: interviews.break_off(s, by, **of))

    def completes(self, by: Principal, campaign: int, *said: str) -> tuple[int, UUID]:
        contact, interview = self.reached(by, campaign)
        self.says(by, interview, *(said or ("y", "y")))
        self.ends(by, interview, Disposition.COMPLETE)
        return contact, interview

    def interview(self, interview: UUID) -> Any:
        row = select(Interview.state, Interview.disposition, Interview.quota_id, Interview.interviewer_id)
        return self.work(lambda s: s.execute(row.where(Interview.id == interview)).one())

    def taken(self, campaign: int) -> list[tuple[int, int]]:
        return [(one.taken, one.target) for one in self.work(lambda s: places.cells(s, campaign))]

    def quotas(self, campaign: int, targets: dict[tuple[str, str], int], **of: Any) -> None:
        of = {"first": "pays", "targets": targets, **of}
        self.work(lambda s: quota_setting.save(s, self.sara, campaign_id=campaign, **of))


@pytest.fixture
def survey(database_urls: DatabaseUrls, cast: Cast) -> Iterator[Survey]:
    made = Survey(database_urls, cast)
    yield made
    made.database.dispose()


# -- a case, from the list to its end ----------------------------------------------------------------------------------


def test_the_call_opens_the_interview_and_its_end_ends_the_case(survey: Survey) -> None:
    campaign = survey.starts()
    contact, interview = survey.completes(survey.anna, campaign)
    assert survey.contact(campaign, contact).state is ContactState.DONE
    assert survey.interview(interview)[:2] == (InterviewState.DONE, Disposition.COMPLETE)
    assert Reason.SPOKEN_TODAY in survey.why_not(campaign, contact), "it was a conversation"
    others = {survey.next(one, campaign).contact_id for one in (survey.anna, survey.luca)}
    assert contact not in others
    assert len(others) == 2


def test_a_survey_needs_a_questionnaire_and_is_nothing_of_a_campaign_without_one(survey: Survey, cast: Cast) -> None:
    plain = survey.begin(plan=replace(survey.plan, form_id=None))
    with pytest.raises(InvalidError) as lacking:
        survey.act(survey.sara, plain, Deed.SUBMIT)
    assert [one.field for one in lacking.value.parts] == ["form_id"]
    of = {"campaign_id": plain, "contact_id": cast.mario}
    with pytest.raises(NotFoundError):
        survey.work(lambda s: interviews.take(s, survey.anna, **of))


def test_one_case_has_one_interview_though_two_open_it(survey: Survey) -> None:
    campaign = survey.starts()
    contact, interview = survey.reached(survey.anna, campaign)
    of = {"campaign_id": campaign, "contact_id": contact}
    with pytest.raises(ConflictError):
        survey.work(lambda s: interviews.take(s, survey.sara, **of))
    assert survey.work(lambda s: interviews.take(s, survey.anna, **of)) == interview
    with pytest.raises(ForbiddenError):
        survey.work(lambda s: interviews.take(s, survey.vera, **of))


def test_an_interviewer_opens_the_cases_that_he_was_given_and_whoever_looks_is_noted(survey: Survey) -> None:
    campaign = survey.starts(survey.people[0])
    contact, of = survey.people[0], {"campaign_id": campaign, "contact_id": survey.people[0]}

    def seen() -> list[int]:
        its = (AuditEntry.kind == "interview.case_seen", AuditEntry.contact_id == contact)
        return survey.work(lambda s: list(s.scalars(select(AuditEntry.actor_id).where(*its).order_by(AuditEntry.id))))

    for do in (surveys.case, interviews.take):
        with pytest.raises(ForbiddenError):
            survey.work(lambda s: do(s, survey.luca, **of))  # noqa: B023
    assert seen() == []
    survey.next(survey.luca, campaign)
    assert survey.work(lambda s: surveys.case(s, survey.luca, **of)).contact_id == contact, "it is his to call"
    survey.work(lambda s: contacts.let_go(s, survey.luca, **of))
    _, interview = survey.reached(survey.anna, campaign)
    survey.says(survey.anna, interview, "y")
    with pytest.raises(ForbiddenError):
        survey.work(lambda s: interviews.standing(s, survey.luca, interview_id=interview))
    survey.ends(survey.anna, interview, Disposition.BREAK_OFF, for_good=False)
    with pytest.raises(ForbiddenError):
        survey.work(lambda s: interviews.resume(s, survey.luca, interview_id=interview))
    with pytest.raises(ForbiddenError):
        survey.work(lambda s: checking.record(s, survey.luca, **of, found=Found.CONFIRMED))
    assert survey.work(lambda s: interviews.standing(s, survey.sara, interview_id=interview)).disposition
    survey.work(lambda s: surveys.case(s, survey.sara, **of))
    assert seen() == [survey.cast.luca, survey.cast.anna, survey.cast.sara]
    survey.now += timedelta(days=1)
    assert survey.work(lambda s: surveys.case(s, survey.anna, **of)), "she led it"


def test_an_appointment_is_kept_by_whoever_made_it_if_he_can(survey: Survey) -> None:
    campaign = survey.starts(survey.people[0])
    contact, interview = survey.reached(survey.anna, campaign)
    when = survey.now + DAY + 3 * HOUR
    with pytest.raises(FieldError):
        survey.ends(survey.anna, interview, Disposition.NEVER_AVAILABLE, for_good=False, wants_after=survey.now - HOUR)
    survey.ends(survey.anna, interview, Disposition.NEVER_AVAILABLE, for_good=False, wants_after=when)
    assert survey.contact(campaign, contact)[::2] == (ContactState.LATER, when), "his wish, not the usual delay"
    survey.ripens(campaign, DAY + 3 * HOUR)
    assert survey.next(survey.luca, campaign) is None
    assert survey.next(survey.anna, campaign).contact_id == contact
    survey.work(lambda s: contacts.let_go(s, survey.anna, campaign_id=campaign, contact_id=contact))
    survey.now += timedelta(minutes=31)
    assert survey.next(survey.luca, campaign).contact_id == contact, "she did not come"


def test_a_refusal_is_asked_again_once_when_a_supervisor_says_so_and_by_another(survey: Survey) -> None:
    campaign = survey.starts(survey.people[0])
    contact, interview = survey.reached(survey.anna, campaign)
    survey.ends(survey.anna, interview, Disposition.RESPONDENT_REFUSAL, for_good=False)
    assert survey.contact(campaign, contact).state is ContactState.DONE, "nobody calls before a supervisor has decided"
    waiting = survey.work(lambda s: [one.contact_id for one in surveys.refusals(s, campaign)])
    assert waiting == [contact]
    of = {"campaign_id": campaign, "contact_id": contact}
    with pytest.raises(ForbiddenError):
        survey.work(lambda s: surveys.convert(s, survey.anna, **of))
    due = survey.work(lambda s: surveys.convert(s, survey.sara, **of))
    assert due >= NOON + 7 * DAY
    with pytest.raises(ConflictError):
        survey.work(lambda s: surveys.convert(s, survey.sara, **of))
    survey.ripens(campaign, 6 * DAY)
    assert survey.next(survey.luca, campaign) is None
    survey.ripens(campaign, DAY)
    assert survey.next(survey.anna, campaign) is None, "she asked already"
    with pytest.raises(ConflictError):
        survey.work(lambda s: interviews.take(s, survey.anna, **of))
    assert survey.reached(survey.luca, campaign) == (contact, interview)
    survey.ends(survey.luca, interview, Disposition.RESPONDENT_REFUSAL, for_good=False)
    assert survey.interview(interview)[0] is InterviewState.DONE, "a second time is for good"
    assert survey.work(lambda s: surveys.refusals(s, campaign)) == []


def test_who_refuses_for_good_is_never_asked_again(survey: Survey) -> None:
    campaign = survey.starts(survey.people[0])
    contact, interview = survey.reached(survey.anna, campaign)
    survey.ends(survey.anna, interview, Disposition.RESPONDENT_REFUSAL)
    with pytest.raises(ConflictError):
        survey.work(lambda s: surveys.convert(s, survey.sara, campaign_id=campaign, contact_id=contact))
    assert survey.contact(campaign, contact).state is ContactState.DONE
    other = survey.starts(survey.people[0])
    assert survey.next(survey.luca, other) is None
    assert Reason.NO_CONSENT in survey.why_not(other, contact), "no survey of the ente's, not this one alone"
    plain = survey.run(contact, name="Solleciti")
    assert Reason.NO_CONSENT not in survey.why_not(plain, contact), "what is no survey calls on"


def test_whoever_withdrew_his_consent_to_surveys_is_called_for_none_until_he_gives_it_again(survey: Survey) -> None:
    person, ente = survey.people[0], survey.cast.empoli
    for when, given in ((0, True), (1, False), (2, True)):
        at = survey.now + timedelta(minutes=when)

        def say(session: Any, at: Any = at, given: bool = given) -> None:
            text = session.scalars(select(ConsentText).where(ConsentText.ente_id == ente)).one_or_none()
            if text is None:
                text = ConsentText(
                    ente_id=ente, purpose=Consented.SURVEY, version=1, text="Acconsento.", published_at=at
                )
                session.add(text)
                session.flush()
            of = {"ente_id": ente, "contact_id": person, "text_id": text.id, "recorded_by": survey.cast.anna}
            session.add(Consent(**of, given=given, collected=Collected.SPOKEN, occurred_at=at))

        survey.work(say)
        campaign = survey.starts(person)
        assert (Reason.NO_CONSENT in survey.why_not(campaign, person)) is not given


# -- quotas ------------------------------------------------------------------------------------------------------------


def test_whose_quota_is_full_is_thanked_and_counts_as_4_80(survey: Survey) -> None:
    campaign = survey.starts()
    survey.quotas(campaign, {("y", ""): 1, ("n", ""): 1})
    survey.completes(survey.anna, campaign, "y", "y")
    contact, interview = survey.reached(survey.anna, campaign)
    survey.says(survey.anna, interview, "y")
    assert survey.interview(interview)[:3] == (InterviewState.DONE, Disposition.QUOTA_FILLED, None)
    assert survey.contact(campaign, contact).state is ContactState.DONE
    assert survey.taken(campaign) == [(1, 1), (0, 1)]


def test_two_interviewers_ask_for_the_last_place_at_one_instant_and_one_gets_it(survey: Survey) -> None:
    campaign = survey.starts()
    survey.quotas(campaign, {("y", ""): 1})
    led = [(by, survey.reached(by, campaign)[1]) for by in (survey.anna, survey.luca, survey.marta)]
    gate = threading.Barrier(len(led))

    def answers(by: Principal, interview: UUID) -> None:
        gate.wait()
        of = {"interview_id": interview, "revision": 0, "said": ["y"]}
        survey.work(lambda s: interviews.answer(s, by, **of))

    threads = [threading.Thread(target=answers, args=one) for one in led]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    states = sorted(survey.interview(interview)[0].value for _, interview in led)
    assert states == ["done", "done", "running"]
    assert survey.taken(campaign) == [(1, 1)]


def test_a_place_is_given_back_by_who_breaks_off_or_answers_otherwise(survey: Survey) -> None:
    campaign = survey.starts()
    survey.quotas(campaign, {("y", ""): 1, ("n", ""): 5})
    _, interview = survey.reached(survey.anna, campaign)
    survey.says(survey.anna, interview, "y")
    assert survey.taken(campaign) == [(1, 1), (0, 5)]
    survey.work(lambda s: interviews.move(s, survey.anna, interview_id=interview, revision=1, back=True))
    survey.says(survey.anna, interview, "n")
    assert survey.taken(campaign) == [(0, 1), (1, 5)]
    survey.ends(survey.anna, interview, Disposition.BREAK_OFF, for_good=False)
    assert survey.taken(campaign) == [(0, 1), (0, 5)]


def test_a_place_of_an_interview_that_somebody_left_goes_to_the_next(survey: Survey) -> None:
    campaign = survey.starts()
    survey.quotas(campaign, {("y", ""): 1})
    _, left = survey.reached(survey.anna, campaign)
    survey.says(survey.anna, left, "y")
    survey.now += timedelta(minutes=41)
    _, other = survey.reached(survey.luca, campaign)
    survey.says(survey.luca, other, "y")
    assert survey.interview(other)[0] is InterviewState.RUNNING
    assert survey.taken(campaign) == [(1, 1)]
    survey.says(survey.anna, left, "y")  # she is back: there is no place for her any more
    assert survey.interview(left)[1] is Disposition.QUOTA_FILLED


def test_targets_change_while_it_runs_and_never_below_what_is_there(survey: Survey) -> None:
    campaign = survey.starts()
    survey.quotas(campaign, {("y", "y"): 2, ("y", "n"): 2}, second="ok")
    survey.completes(survey.anna, campaign, "y", "y")
    with pytest.raises(InvalidError):
        survey.quotas(campaign, {("y", "y"): 0, ("y", "n"): 2}, second="ok")
    with pytest.raises(ConflictError):
        survey.quotas(campaign, {("y", ""): 9})
    survey.quotas(campaign, {("y", "y"): 1, ("y", "n"): 7}, second="ok")
    assert survey.taken(campaign) == [(1, 1), (0, 7)]
    with pytest.raises(FieldError):
        survey.quotas(campaign, {("y", "maybe"): 1}, second="ok")
    of = {"campaign_id": campaign, "first": "pays", "targets": {}}
    with pytest.raises(ForbiddenError):
        survey.work(lambda s: quota_setting.save(s, survey.anna, **of))


# -- samples -----------------------------------------------------------------------------------------------------------


def given(survey: Survey, campaign: int) -> None:
    """The list's file says who is of the town's centre: four of six."""

    def work(session: Any) -> None:
        session.execute(update(ContactList).values(headings=["Zona"]))
        for n, contact in enumerate(survey.people):
            zone = {"Zona": "Centro" if n < 4 else "Frazioni"}
            session.execute(update(ContactListMember).where(ContactListMember.contact_id == contact).values(given=zone))

    survey.work(work)


def drawn(survey: Survey, campaign: int, **how: Any) -> Any:
    how = {"strata": "Zona", "allocation": Allocation.EQUAL, "size": 2, **how}
    return survey.work(lambda s: drawing.draw(s, survey.sara, campaign_id=campaign, **how))


def cases(survey: Survey, campaign: int) -> list[tuple[str, int, int]]:
    its = select(SurveyCase.stratum, SurveyCase.replicate, func.count()).where(SurveyCase.campaign_id == campaign)
    rows = its.group_by(SurveyCase.stratum, SurveyCase.replicate).order_by(SurveyCase.stratum, SurveyCase.replicate)
    return [tuple(row) for row in survey.work(lambda s: s.execute(rows).all())]


def test_a_sample_in_strata_its_reserves_and_its_weights(survey: Survey) -> None:
    campaign = survey.draft()
    given(survey, campaign)
    sample = drawn(survey, campaign, reserves=1, seed=7)
    assert [(one.name, one.population, one.drawn, one.weight) for one in sample.strata] == [
        ("Centro", 4, 1, Fraction(4)), ("Frazioni", 2, 1, Fraction(2)),
    ]  # fmt: skip
    assert cases(survey, campaign) == [("Centro", 0, 1), ("Centro", 1, 1), ("Frazioni", 0, 1), ("Frazioni", 1, 1)]
    whom = select(SurveyCase.contact_id).order_by(SurveyCase.contact_id)
    first = survey.work(lambda s: s.scalars(whom).all())
    drawn(survey, campaign, reserves=1, seed=7)
    assert survey.work(lambda s: s.scalars(whom).all()) == first, "the same seed draws the same people"
    survey.act(survey.sara, campaign, Deed.SUBMIT)
    survey.act(survey.vera, campaign, Deed.APPROVE)
    survey.act(survey.sara, campaign, Deed.START)
    survey.work(lambda s: admission.admit(s, campaign_id=campaign))
    count = select(func.count()).select_from(CampaignContact)
    assert survey.work(lambda s: s.scalar(count)) == 2
    with pytest.raises(ConflictError):
        drawn(survey, campaign)
    assert survey.work(lambda s: drawing.release(s, survey.sara, campaign_id=campaign)) == 2
    assert survey.work(lambda s: s.scalar(count)) == 4
    assert [one.weight for one in survey.work(lambda s: drawing.sample(s, campaign)).strata] == [2, 1]
    with pytest.raises(ConflictError):
        survey.work(lambda s: drawing.release(s, survey.sara, campaign_id=campaign))


def test_every_way_to_make_strata_is_tried_and_what_makes_none_is_refused(survey: Survey) -> None:
    campaign = survey.draft()
    for one in By:
        found = survey.work(
            lambda s, by=one: drawing.populations(s, survey.sara, campaign_id=campaign, strata=by.value)
        )
        assert sum(found.values()) == PEOPLE, one
        assert drawn(survey, campaign, strata=one.value, size=3).size == 3
    with pytest.raises(NotFoundError):
        drawn(survey, campaign, strata="'; DROP TABLE contact")
    with pytest.raises(FieldError):
        drawn(survey, campaign, strata=By.NOTHING.value, size=PEOPLE + 1)
    with pytest.raises(ForbiddenError):
        survey.work(lambda s: drawing.populations(s, survey.anna, campaign_id=campaign, strata="kind"))


def test_whose_stratum_is_furthest_from_its_quota_is_called_first_and_of_a_full_one_nobody(survey: Survey) -> None:
    campaign = survey.draft()
    given(survey, campaign)
    drawn(survey, campaign, size=6, allocation=Allocation.PROPORTIONAL)
    survey.quotas(campaign, {("Centro", ""): 2, ("Frazioni", ""): 1}, first=STRATUM)
    survey.act(survey.sara, campaign, Deed.SUBMIT)
    survey.act(survey.vera, campaign, Deed.APPROVE)
    survey.act(survey.sara, campaign, Deed.START)
    survey.work(lambda s: admission.admit(s, campaign_id=campaign))
    centre = set(survey.people[:4])
    survey.work(lambda s: quota_setting.rank(s, campaign))
    assert survey.completes(survey.anna, campaign)[0] in centre
    assert survey.work(lambda s: quota_setting.rank(s, campaign)) == 3
    assert survey.tries(survey.anna, campaign, Ended.NO_ANSWER) not in centre, "100 from the target, against 50"
    assert survey.completes(survey.anna, campaign)[0] not in centre
    assert survey.completes(survey.anna, campaign)[0] in centre
    assert survey.taken(campaign) == [(2, 2), (1, 1)]
    assert survey.next(survey.anna, campaign) is None, "nobody is called whose stratum has all that are wanted"
    survey.work(lambda s: quota_setting.rank(s, campaign))
    assert survey.next(survey.anna, campaign) is None, "and nobody is looked at for it"
    more = update(SurveyQuota).where(SurveyQuota.value == "Centro").values(target=3)
    survey.work(lambda s: (s.execute(more), quota_setting.rank(s, campaign)))
    assert survey.next(survey.anna, campaign).contact_id in centre


# -- what came of it ---------------------------------------------------------------------------------------------------


def test_every_case_of_the_sample_has_its_disposition(survey: Survey) -> None:
    campaign = survey.starts()
    survey.completes(survey.anna, campaign)
    survey.tries(survey.anna, campaign, Ended.BUSY)
    survey.tries(survey.luca, campaign, Ended.NO_ANSWER)
    _, interview = survey.reached(survey.luca, campaign)
    survey.ends(survey.luca, interview, Disposition.RESPONDENT_REFUSAL)
    survey.reached(survey.anna, campaign)  # under way: as its attempts say
    found = survey.work(lambda s: figures.dispositions(s, campaign))
    assert sum(found.values()) == PEOPLE
    assert found == {
        Disposition.COMPLETE: 1, Disposition.BUSY: 1, Disposition.NO_ANSWER: 1, Disposition.RESPONDENT_REFUSAL: 1,
        Disposition.TECHNICAL: 1, Disposition.NOT_ATTEMPTED: 1,
    }  # fmt: skip
    rows = survey.work(lambda s: list(figures.sheet(s, survey.sara, campaign_id=campaign)))
    assert len(rows) == PEOPLE
    assert {row[2] for row in rows} == {"1.000000"}
    with pytest.raises(ForbiddenError):
        survey.work(lambda s: list(figures.sheet(s, survey.anna, campaign_id=campaign)))


def test_what_interviewers_did_is_shown_where_an_agreement_allows_it(survey: Survey) -> None:
    campaign = survey.starts()
    survey.completes(survey.anna, campaign)
    survey.tries(survey.luca, campaign, Ended.BUSY)
    look: Callable[[Any], Any] = lambda s: figures.interviewers(s, survey.sara, campaign_id=campaign)  # noqa: E731
    anna, luca = survey.work(look)
    assert (anna.work.attempts, anna.work.complete, luca.work.attempts, luca.work.complete) == (1, 1, 1, 0)
    lock_again(survey.database)
    assert [(one.locked, one.work.attempts) for one in survey.work(look)] == [(True, 0), (True, 0)]


def test_an_interview_is_verified_by_another_who_hears_what_was_answered(survey: Survey) -> None:
    campaign = survey.starts(survey.people[0])
    contact, interview = survey.completes(survey.anna, campaign, "y", "n")
    of = {"campaign_id": campaign, "contact_id": contact}
    assert survey.work(lambda s: checking.draw(s, survey.sara, campaign_id=campaign, percent=10)) == 1
    assert survey.work(lambda s: checking.draw(s, survey.sara, campaign_id=campaign, percent=100)) == 0
    survey.ripens(campaign, 3 * DAY)
    assert survey.next(survey.anna, campaign) is None, "not her own"
    chosen = survey.next(survey.luca, campaign)
    assert chosen.contact_id == contact
    survey.dial(survey.luca, campaign, contact)
    assert survey.work(lambda s: surveys.case(s, survey.luca, **of)).check
    asked = survey.work(lambda s: checking.remembered(s, interview))
    assert [(one.label, one.answer) for one in asked] == [("Paga da solo?", "Sì")], "what the form marks"
    with pytest.raises(ConflictError):
        survey.work(lambda s: checking.record(s, survey.anna, **of, found=Found.CONFIRMED))
    survey.work(lambda s: checking.record(s, survey.luca, **of, found=Found.DIFFERS))
    assert survey.work(lambda s: checking.counts(s, campaign)) == {Found.DIFFERS: 1}
    assert survey.contact(campaign, contact).state is ContactState.DONE
    with pytest.raises(ConflictError):
        survey.work(lambda s: checking.record(s, survey.luca, **of, found=Found.CONFIRMED))


def test_another_ente_s_interviewer_opens_no_case(survey: Survey, cast: Cast) -> None:
    campaign = survey.starts()
    of = {"campaign_id": campaign, "contact_id": survey.people[0]}
    survey.scope = Scope.of_enti([cast.siena])
    with pytest.raises(NotFoundError):
        survey.work(lambda s: interviews.take(s, survey.anna, **of))


# -- on the web --------------------------------------------------------------------------------------------------------


def link(survey: Survey, campaign: int, contact: int) -> str:
    of = {"ente_id": survey.cast.empoli, "campaign_id": campaign, "contact_id": contact}
    address: str = survey.work(lambda s: online.address(s, **of, public_url="https://x.it/"))
    return address.removeprefix("https://x.it/indagine/")


def writes(survey: Survey, token: str, *said: str) -> None:
    for one in said:
        revision = survey.work(lambda s: online.sheet(s, token)).revision
        assert survey.work(lambda s: online.answer(s, token, revision=revision, said=[one])) is None  # noqa: B023


def test_somebody_answers_by_his_own_link_and_the_telephone_leaves_him_alone(survey: Survey) -> None:
    survey.plan = replace(survey.plan, by_web=True)
    campaign = survey.starts()
    contact = survey.people[0]
    token = link(survey, campaign, contact)
    assert survey.work(lambda s: online.sheet(s, token)).screen.path == "pays"
    assert survey.work(lambda s: s.scalar(select(func.count()).select_from(Interview))) == 0, "looking begins nothing"
    writes(survey, token, "y")
    with pytest.raises(ConflictError):
        survey.work(lambda s: online.answer(s, token, revision=0, said=["y"]))
    survey.work(lambda s: online.back(s, token, revision=1))
    writes(survey, token, "n", "y")
    sheet = survey.work(lambda s: online.sheet(s, token))
    assert (sheet.screen, sheet.full) == (None, False)
    assert survey.contact(campaign, contact).state is ContactState.DONE
    assert survey.work(lambda s: figures.dispositions(s, campaign))[Disposition.COMPLETE] == 1
    with pytest.raises(ConflictError):
        survey.work(lambda s: online.answer(s, token, revision=sheet.revision, said=["y"]))


def test_a_link_is_forged_broken_too_old_or_of_a_survey_that_does_not_allow_it(survey: Survey) -> None:
    plain = survey.starts()
    with pytest.raises(ConflictError):
        survey.work(lambda s: online.sheet(s, link(survey, plain, survey.people[0])))
    survey.plan = replace(survey.plan, by_web=True)
    campaign = survey.run(*survey.people[:2], plan=survey.plan, name="Altra")
    token = link(survey, campaign, survey.people[0])
    for wrong in (token[:-1] + ("a" if token[-1] != "a" else "b"), token[:-4], "", "è" * 40, token[8:] + token[:8]):
        with pytest.raises(NotFoundError):
            survey.work(lambda s, wrong=wrong: online.sheet(s, wrong))
    with pytest.raises(ConflictError):
        survey.work(lambda s: online.sheet(s, link(survey, campaign, survey.people[5])))  # not of this survey
    survey.act(survey.sara, campaign, Deed.PAUSE)
    with pytest.raises(ConflictError):
        survey.work(lambda s: online.sheet(s, token))
    survey.act(survey.sara, campaign, Deed.RESUME)
    survey.now += 31 * DAY
    with pytest.raises(ConflictError):
        survey.work(lambda s: online.sheet(s, token))


def test_the_web_and_the_telephone_do_not_ask_one_person_at_once(survey: Survey) -> None:
    survey.plan = replace(survey.plan, by_web=True)
    campaign = survey.starts(survey.people[0])
    token = link(survey, campaign, survey.people[0])
    contact, interview = survey.reached(survey.anna, campaign)
    survey.says(survey.anna, interview, "y")
    with pytest.raises(ConflictError):
        survey.work(lambda s: online.sheet(s, token))
    survey.ends(survey.anna, interview, Disposition.NEVER_AVAILABLE, for_good=False)
    writes(survey, token, "y")
    assert survey.interview(interview)[:2] == (InterviewState.DONE, Disposition.COMPLETE)
    assert survey.contact(campaign, contact).state is ContactState.DONE


def test_of_whom_is_erased_the_interview_keeps_its_stratum_and_its_weight(survey: Survey) -> None:
    campaign = survey.draft()
    survey.work(
        lambda s: drawing.draw(
            s, survey.sara, campaign_id=campaign, strata=By.KIND.value, allocation=Allocation.PROPORTIONAL, size=3,
            seed=1,
        )
    )  # fmt: skip
    survey.act(survey.sara, campaign, Deed.SUBMIT)
    survey.act(survey.vera, campaign, Deed.APPROVE)
    survey.act(survey.sara, campaign, Deed.START)
    survey.work(lambda s: admission.admit(s, campaign_id=campaign))
    contact, _ = survey.completes(survey.anna, campaign)
    empoli = Principal(survey.cast.vera, "", "it", frozenset({Held(Role.ENTE_APPROVER, survey.cast.empoli, None)}))

    def files() -> tuple[list[Any], list[Any], list[str]]:
        def look(session: Any) -> Any:
            of = reading.of_survey(session, empoli, campaign)
            data = reading.answers(session, empoli, of, what="csv")
            sheet = list(figures.sheet(session, empoli, campaign_id=campaign))
            return [(c.stratum, c.weight, c.mode) for c in data.cases], sheet, sorted(data.cases[0].values)

        return survey.work(look)

    weighed, before, said = files()
    assert weighed == [("natural", 2.0, "telephone")]
    assert said == ["ok", "pays"]
    for holder in HOLDERS:
        survey.work(lambda s: holder.erase(s, Person(survey.cast.empoli, (contact,))))  # noqa: B023
    survey.work(lambda s: s.execute(delete(CampaignContact).where(CampaignContact.contact_id == contact)))
    weighed, after, said = files()
    assert (weighed, said) == ([("natural", 2.0, "telephone")], [])
    assert len(after) == len(before)
    assert after[-1][1:6] == ["natural", "2.000000", "", "1.1", "I"]
