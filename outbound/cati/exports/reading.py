"""What a survey's files are made of, read in one snapshot. Who may read is checked here, and noted."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import clock
from crm.enti.queries import badges
from outbound.campaigns.models import Campaign
from outbound.cati import drawing as samples
from outbound.cati import queries, surveys
from outbound.cati.exports.dataset import Case, Dataset, dataset
from outbound.cati.models import Interview, InterviewDeed, InterviewEvent, InterviewState, Mode, SurveyVersion
from outbound.cati.questionnaire.interview import given

STEPS = ("interview", "step", "deed", "path", "seconds", "at", "interviewer", "mode")


@dataclass(frozen=True, slots=True)
class Of:
    """Of what somebody takes files away: a questionnaire with all of its interviews, or one survey with its own."""

    title: str
    form_id: int
    campaign_id: int | None

    @property
    def its(self) -> tuple[ColumnElement[bool], ...]:
        """Its interviews that are over or were broken off, as a condition."""
        mine = [Interview.form_id == self.form_id, Interview.state != InterviewState.RUNNING]
        return (*mine, Interview.campaign_id == self.campaign_id) if self.campaign_id is not None else tuple(mine)


def of_form(session: Session, by: Principal, form_id: int) -> Of:
    """All of a questionnaire, as far as the scope reaches. Raises `NotFoundError`."""
    by.require(Permission.INTERVIEW_EXPORT)
    return Of(queries.form(session, form_id).title, form_id, None)


def of_survey(session: Session, by: Principal, campaign_id: int) -> Of:
    """One survey. Raises `NotFoundError` for a campaign that is none, `ForbiddenError` for another ente's."""
    found, form_id = surveys.get(session, campaign_id)
    require_on(session, by, Permission.INTERVIEW_EXPORT, ente_id=found.ente_id)
    return Of(session.get_one(Campaign, campaign_id).name, form_id, campaign_id)


def answers(session: Session, by: Principal, of: Of, *, what: str) -> Dataset:
    """Every interview that is over or was broken off. `what` is noted in the enti's access logs."""
    held = session.execute(
        select(Interview, SurveyVersion.number)
        .join(SurveyVersion, SurveyVersion.id == Interview.version_id)
        .where(*of.its)
        .order_by(Interview.began_at, Interview.id)
    ).all()
    said = queries.answers_of(session, [row.id for row, _ in held])
    took = session.execute(
        select(InterviewEvent.interview_id, func.sum(InterviewEvent.took_ms))
        .where(InterviewEvent.interview_id.in_([row.id for row, _ in held]))
        .group_by(InterviewEvent.interview_id)
    )
    lasted = {interview_id: int(total or 0) for interview_id, total in took}
    names, now = badges(session), clock.now(session)
    drawn = samples.of_interviews(session, of.form_id)
    known = {row.version_id: queries.questionnaire(session, row.version_id) for row, _ in held}
    cases = []
    for number, (row, version) in enumerate(held, 1):
        asked, circumstances = known[row.version_id], queries.setting(row, now)
        cases.append(
            Case(
                number, names[row.ente_id].name if row.ente_id in names else "", version,
                row.disposition.value if row.disposition else "", row.mode.value, row.language, circumstances.began,
                lasted.get(row.id, 0) // 1000, asked, given(asked, said[row.id], circumstances),
                *drawn.get(row.id, samples.NONE),
            )
        )  # fmt: skip
    for ente_id in sorted({row.ente_id for row, _ in held}):
        audit.note(session, by, kind="interview.exported", ente_id=ente_id, subject=of.title, after={"kind": what})
    return dataset(of.title, [known[one] for one in sorted(known)], cases)


def steps(session: Session, by: Principal, of: Of) -> Iterator[list[object]]:
    """Everything that happened, step by step, without what was answered: deed, question, seconds, when.

    Interviewers are told apart within an interview, and not named.
    """
    held = session.execute(
        select(Interview.id, Interview.ente_id).where(*of.its).order_by(Interview.began_at, Interview.id)
    ).all()
    numbers = {row.id: number for number, row in enumerate(held, 1)}
    for ente_id in sorted({row.ente_id for row in held}):
        audit.note(
            session, by, kind="interview.exported", ente_id=ente_id, subject=of.title, after={"kind": "paradata"}
        )
    events = session.scalars(
        select(InterviewEvent).where(InterviewEvent.interview_id.in_(numbers)).order_by(InterviewEvent.id)
    ).all()
    by_interview = sorted(events, key=lambda one: (numbers[one.interview_id], one.id))
    return _told(by_interview, numbers)


def _told(events: list[InterviewEvent], numbers: dict[object, int]) -> Iterator[list[object]]:
    last, step, mode, people = None, 0, "", dict[int | None, int]()
    for one in events:
        if one.interview_id != last:
            last, step, mode, people = one.interview_id, 0, "", {}
        if one.deed in {InterviewDeed.BEGAN, InterviewDeed.RESUMED}:
            mode = one.value or _unsaid(one)
        step += 1
        at = clock.in_rome(one.at).replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")
        seconds = f"{one.took_ms / 1000:.3f}" if one.took_ms is not None else ""
        value = one.value if one.deed in {InterviewDeed.BROKE_OFF, InterviewDeed.FINISHED} else ""
        yield [
            numbers[one.interview_id], step, one.deed.value, one.path or value, seconds, at,
            people.setdefault(one.interviewer_id, len(people) + 1), mode,
        ]  # fmt: skip


def _unsaid(one: InterviewEvent) -> str:
    """How an interview was led of which that was not written down yet."""
    return (Mode.WEB if one.interviewer_id is None else Mode.TELEPHONE).value
