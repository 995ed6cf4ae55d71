"""Sara publishes a questionnaire; Anna interviews Mario, Luca goes on; what is saved, refused, erased."""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit.models import AuditEntry
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, ForbiddenError, NotFoundError
from crm.privacy.holders import Person
from crm.timeline.models import EntryKind, TimelineEntry
from outbound.cati import interviews, queries, service, steps
from outbound.cati.aapor import Disposition
from outbound.cati.models import Interview, InterviewDeed, InterviewEvent, InterviewState
from outbound.cati.privacy import HOLDERS
from outbound.cati.questionnaire import interview as engine
from outbound.cati.questionnaire.entries import Refused
from outbound.cati.questionnaire.xlsform import compiled
from tests.cast import Cast, principal_of
from tests.outbound.cati.forms import book

pytestmark = pytest.mark.integration
T = TypeVar("T")

SURVEY = [
    {"type": "select_one yn", "name": "ok", "label": "È contento?", "required": "yes"},
    {"type": "text", "name": "why", "label": "Perché?", "relevant": "${ok} = 'n'"},
    {"type": "integer", "name": "age", "label": "Anni?", "constraint": ". < 120"},
]
YN = [{"list_name": "yn", "name": "y", "label": "Sì"}, {"list_name": "yn", "name": "n", "label": "No"}]


class Centre:
    """What people do, each in a transaction of his own."""

    def __init__(self, database: Database, cast: Cast) -> None:
        self.database, self.cast = database, cast

    def did(self, who: int, work: Callable[[Session, Principal], T], *, enti: list[int] | None = None) -> T:
        contracts = [] if enti is not None else [self.cast.contract]
        scope = Scope.of_enti(enti if enti is not None else [self.cast.empoli, self.cast.vinci], contracts)
        with self.database.begin(scope) as session:
            return work(session, principal_of(session, who))

    def published(self, survey: list[dict[str, object]] = SURVEY) -> int:
        content = book(survey, YN, [{"form_title": "Soddisfazione"}])
        form = compiled(content).form
        assert form is not None

        def work(session: Session, by: Principal) -> int:
            form_id = service.upload(
                session,
                by,
                contract_id=self.cast.contract,
                ente_id=None,
                file_name="s.xlsx",
                content=content,
                form=form,
            )
            service.publish(session, by, form_id=form_id, number=1)
            return form_id

        return self.did(self.cast.sara, work)

    def begun(self, form_id: int, who: int | None = None, ente_id: int | None = None, **more: Any) -> UUID:
        ente = ente_id or self.cast.empoli
        return self.did(
            who or self.cast.anna, lambda s, by: interviews.begin(s, by, form_id=form_id, ente_id=ente, **more)
        )

    def standing(self, interview_id: UUID, who: int | None = None) -> interviews.Standing:
        who = who or self.cast.anna
        return self.did(who, lambda s, by: interviews.standing(s, by, interview_id=interview_id))

    def says(self, interview_id: UUID, *said: str, who: int | None = None) -> steps.Refusal | None:
        revision = self.standing(interview_id, who).revision
        return self.did(
            who or self.cast.anna,
            lambda s, by: interviews.answer(s, by, interview_id=interview_id, revision=revision, said=said),
        )

    def ends(self, interview_id: UUID, disposition: Disposition, *, for_good: bool, who: int | None = None) -> None:
        revision = self.standing(interview_id, who).revision
        self.did(
            who or self.cast.anna,
            lambda s, by: interviews.break_off(
                s, by, interview_id=interview_id, revision=revision, disposition=disposition, for_good=for_good
            ),
        )

    def given(self, interview_id: UUID) -> dict[str, str]:
        def work(session: Session, _by: Principal) -> dict[str, str]:
            row = session.get_one(Interview, interview_id)
            known = queries.questionnaire(session, row.version_id)
            return engine.given(known, queries.answers(session, interview_id), queries.setting(row, row.began_at))

        return self.did(self.cast.sara, work)


@pytest.fixture
def centre(database: Database, cast: Cast) -> Centre:
    return Centre(database, cast)


def screen(standing: interviews.Standing) -> str | None:
    return standing.screen.path if standing.screen else None


def test_each_answer_is_saved_by_itself_and_the_last_one_of_each_question_counts(centre: Centre) -> None:
    one = centre.begun(centre.published(), contact_id=centre.cast.mario)
    centre.says(one, "n")
    centre.says(one, "Attesa")
    standing = centre.standing(one)
    assert (screen(standing), standing.is_mine) == ("age", True)
    centre.did(centre.cast.anna, lambda s, by: interviews.move(s, by, interview_id=one, revision=2, back=True))
    centre.did(centre.cast.anna, lambda s, by: interviews.move(s, by, interview_id=one, revision=3, back=True))
    assert screen(centre.standing(one)) == "ok"
    centre.says(one, "y")
    centre.says(one, "40")
    assert screen(centre.standing(one)) is None
    assert centre.given(one) == {"ok": "y", "age": "40"}
    centre.ends(one, Disposition.COMPLETE, for_good=True)
    assert centre.standing(one).state is InterviewState.DONE


def test_an_answer_that_is_not_taken_is_told_and_leaves_a_trace_without_its_words(centre: Centre) -> None:
    one = centre.begun(centre.published())
    centre.says(one, "y")
    refusal = centre.says(one, "quaranta")
    assert refusal is not None
    assert refusal.error.reason is Refused.NOT_WHOLE
    rows = centre.did(
        centre.cast.anna,
        lambda s, _: s.execute(
            select(InterviewEvent.deed, InterviewEvent.path, InterviewEvent.value, InterviewEvent.took_ms)
            .where(InterviewEvent.interview_id == one)
            .order_by(InterviewEvent.id)
        ).all(),
    )
    assert [row[:3] for row in rows] == [
        (InterviewDeed.BEGAN, "", "telephone"), (InterviewDeed.ANSWERED, "ok", "y"), (InterviewDeed.REFUSED, "age", ""),
    ]  # fmt: skip
    assert all(row.took_ms >= 0 for row in rows[1:])


def test_a_stale_page_changes_nothing(centre: Centre) -> None:
    one = centre.begun(centre.published())
    centre.says(one, "y")
    with pytest.raises(ConflictError):
        centre.did(centre.cast.anna, lambda s, by: interviews.answer(s, by, interview_id=one, revision=0, said=["n"]))
    assert centre.given(one) == {"ok": "y"}


def test_what_was_broken_off_is_gone_on_with_by_a_colleague_where_it_was(centre: Centre) -> None:
    one = centre.begun(centre.published())
    centre.says(one, "n")
    with pytest.raises(ConflictError):
        centre.did(centre.cast.luca, lambda s, by: interviews.resume(s, by, interview_id=one))
    centre.ends(one, Disposition.BREAK_OFF, for_good=False)
    assert centre.standing(one).disposition is Disposition.BREAK_OFF
    centre.did(centre.cast.luca, lambda s, by: interviews.resume(s, by, interview_id=one))
    assert screen(centre.standing(one, centre.cast.luca)) == "why"
    with pytest.raises(ConflictError):
        centre.says(one, "x")  # Anna's page is of before
    centre.says(one, "Attesa", who=centre.cast.luca)
    assert centre.given(one) == {"ok": "n", "why": "Attesa"}


def test_an_interview_that_its_interviewer_left_may_be_taken_over(centre: Centre) -> None:
    one = centre.begun(centre.published())
    centre.did(
        centre.cast.anna, lambda s, _: s.execute(update(Interview).values(held_until=Interview.began_at)) and None
    )
    centre.did(centre.cast.luca, lambda s, by: interviews.resume(s, by, interview_id=one))
    assert centre.standing(one, centre.cast.luca).is_mine


def test_only_what_was_led_to_its_end_is_complete_and_what_is_over_stays_over(centre: Centre) -> None:
    form_id = centre.published()
    one = centre.begun(form_id)
    with pytest.raises(ConflictError):
        centre.ends(one, Disposition.COMPLETE, for_good=True)
    centre.ends(one, Disposition.RESPONDENT_REFUSAL, for_good=True)
    with pytest.raises(ConflictError):
        centre.did(centre.cast.luca, lambda s, by: interviews.resume(s, by, interview_id=one))
    counts = centre.did(centre.cast.sara, lambda s, _: queries.dispositions(s, form_id))
    assert counts == {Disposition.RESPONDENT_REFUSAL: 1}


def test_an_interview_ends_on_the_version_that_it_began_with(centre: Centre) -> None:
    form_id = centre.published()
    one = centre.begun(form_id)
    content = book([{"type": "text", "name": "other", "label": "Altro?"}])
    form = compiled(content).form
    assert form is not None

    def revised(session: Session, by: Principal) -> None:
        number = service.revise(session, by, form_id=form_id, file_name="b.xlsx", content=content, form=form)
        service.publish(session, by, form_id=form_id, number=number)

    centre.did(centre.cast.sara, revised)
    centre.says(one, "y")
    assert screen(centre.standing(one)) == "age"
    assert screen(centre.standing(centre.begun(form_id))) == "other"
    centre.did(centre.cast.sara, lambda s, by: service.withdraw(s, by, form_id=form_id))
    centre.says(one, "40")
    with pytest.raises(ConflictError):
        centre.begun(form_id)


def test_whoever_may_not_uploads_conducts_and_reads_nothing(centre: Centre) -> None:
    form_id = centre.published()
    cast = centre.cast
    with pytest.raises(ForbiddenError):
        centre.did(cast.anna, lambda s, by: service.publish(s, by, form_id=form_id, number=1))
    with pytest.raises(ForbiddenError):
        centre.begun(form_id, who=cast.vera)
    with pytest.raises((ForbiddenError, NotFoundError)):
        centre.begun(form_id, ente_id=cast.siena)
    one = centre.begun(form_id)
    with pytest.raises(NotFoundError):
        centre.did(cast.anna, lambda s, by: interviews.standing(s, by, interview_id=one), enti=[cast.vinci])
    with pytest.raises(NotFoundError):
        centre.did(cast.sara, lambda s, _: queries.form(s, form_id), enti=[cast.siena])


def test_a_person_s_answers_are_copied_and_go_with_him_while_the_outcome_stays(centre: Centre) -> None:
    form_id = centre.published()
    one = centre.begun(form_id, contact_id=centre.cast.mario)
    centre.says(one, "n")
    centre.says(one, "Sono BIANCHI")
    holder, _ = HOLDERS
    mario = Person(centre.cast.empoli, (centre.cast.mario,))
    assert centre.did(centre.cast.sara, lambda s, _: holder.obstacles(s, mario))
    centre.ends(one, Disposition.PARTIAL, for_good=True)
    sections = centre.did(centre.cast.sara, lambda s, _: holder.export(s, mario))
    assert [row["value"] for row in sections[1].rows] == ["n", "Sono BIANCHI"]
    assert not centre.did(centre.cast.sara, lambda s, _: holder.obstacles(s, mario))
    centre.did(centre.cast.sara, lambda s, _: holder.erase(s, mario))
    assert centre.given(one) == {}
    assert centre.did(centre.cast.sara, lambda s, _: queries.dispositions(s, form_id)) == {Disposition.PARTIAL: 1}
    assert centre.did(centre.cast.sara, lambda s, _: s.get_one(Interview, one).contact_id) is None


def test_his_timeline_says_that_he_was_interviewed_and_how_it_ended(centre: Centre) -> None:
    def entries() -> list[tuple[str, str]]:
        return centre.did(
            centre.cast.sara,
            lambda s, _: [
                (one.status, one.detail["title"])
                for one in s.scalars(select(TimelineEntry).where(TimelineEntry.kind == EntryKind.INTERVIEW))
            ],
        )

    centre.begun(form_id := centre.published())
    assert entries() == []  # an interview of nobody that is known
    one = centre.begun(form_id, contact_id=centre.cast.mario)
    assert entries() == [("in_progress", "Soddisfazione")]
    centre.ends(one, Disposition.PARTIAL, for_good=True)
    assert entries() == [("1.2", "Soddisfazione")]


def test_the_access_log_says_who_interviewed_whom(centre: Centre) -> None:
    one = centre.begun(centre.published(), contact_id=centre.cast.mario)
    centre.ends(one, Disposition.BREAK_OFF, for_good=False)
    kinds = centre.did(
        centre.cast.sara,
        lambda s, _: s.execute(
            select(AuditEntry.kind, AuditEntry.contact_id)
            .where(AuditEntry.kind.startswith("interview."))
            .order_by(AuditEntry.id)
        ).all(),
    )
    mario = centre.cast.mario
    assert [tuple(row) for row in kinds] == [("interview.begun", mario), ("interview.ended", mario)]
