"""Reading questionnaires and interviews. Row-level security bounds it to the reader's contracts and enti."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.core import clock
from crm.core.errors import NotFoundError
from outbound.cati.aapor import Disposition
from outbound.cati.models import (
    Interview,
    InterviewDeed,
    InterviewEvent,
    InterviewState,
    Mode,
    SurveyForm,
    SurveyVersion,
)
from outbound.cati.questionnaire import keypad
from outbound.cati.questionnaire.definition import Questionnaire, restored
from outbound.cati.questionnaire.interview import Answers
from outbound.cati.questionnaire.keypad import Hinders
from outbound.cati.questionnaire.look import Setting

KEPT_FORMS = 64
MOST_OPEN_SHOWN, MOST_OVER_SHOWN = 200, 10


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version of a questionnaire."""

    number: int
    file_name: str
    questions: int
    uploaded_by: str | None
    uploaded_at: datetime
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class FormView:
    """A questionnaire with its versions, the newest first."""

    id: int
    contract_id: int
    ente_id: int | None
    title: str
    current: int | None
    withdrawn_at: datetime | None
    versions: tuple[VersionView, ...]

    @property
    def is_in_use(self) -> bool:
        return self.current is not None and self.withdrawn_at is None


@dataclass(frozen=True, slots=True)
class Line:
    """A questionnaire in the list."""

    id: int
    contract_id: int
    ente_id: int | None
    title: str
    current: int | None
    withdrawn_at: datetime | None
    counts: Mapping[InterviewState, int]


@dataclass(frozen=True, slots=True)
class InterviewLine:
    """An interview in a list."""

    id: UUID
    ente_id: int
    state: InterviewState
    disposition: Disposition | None
    interviewer: str | None
    interviewer_id: int | None
    mode: Mode
    of_survey: bool  # whose cases are given out
    began_at: datetime
    ended_at: datetime | None


def lines(session: Session) -> list[Line]:
    """All questionnaires that the reader may see, with how many interviews there are of each."""
    counted: dict[int, dict[InterviewState, int]] = {}
    rows = session.execute(select(Interview.form_id, Interview.state, func.count()).group_by("form_id", "state"))
    for form_id, state, count in rows:
        counted.setdefault(form_id, {})[state] = count
    forms = session.scalars(select(SurveyForm).order_by(SurveyForm.withdrawn_at.is_not(None), SurveyForm.id.desc()))
    return [
        Line(one.id, one.contract_id, one.ente_id, one.title, one.current, one.withdrawn_at, counted.get(one.id, {}))
        for one in forms
    ]


def form(session: Session, form_id: int) -> FormView:
    """One. Raises `NotFoundError`."""
    row = session.get(SurveyForm, form_id)
    if row is None:
        raise NotFoundError("Questo questionario non esiste.")
    rows = session.execute(
        select(SurveyVersion, User.name)
        .outerjoin(User, User.id == SurveyVersion.uploaded_by)
        .where(SurveyVersion.form_id == form_id)
        .order_by(SurveyVersion.number.desc())
    )
    versions = tuple(
        VersionView(one.number, one.file_name, one.questions, name, one.uploaded_at, one.published_at)
        for one, name in rows
    )
    return FormView(row.id, row.contract_id, row.ente_id, row.title, row.current, row.withdrawn_at, versions)


def usable(session: Session, *, contract_id: int, ente_id: int) -> list[Line]:
    """The questionnaires with which a survey of an ente may be made: in use, of all enti or of this one."""
    return [
        one
        for one in lines(session)
        if one.current is not None and one.withdrawn_at is None and one.contract_id == contract_id
        and one.ente_id in {None, ente_id}
    ]  # fmt: skip


def answered_by_keys(session: Session, contract_id: int) -> list[Line]:
    """The questionnaires of a contract that are in use and may be answered by the keys of a telephone."""
    in_use = (one for one in lines(session) if one.current is not None and one.withdrawn_at is None)
    return [one for one in in_use if one.contract_id == contract_id and by_keys(session, one.id)]


def by_keys(session: Session, form_id: int) -> bool:
    """Whether the version in use may be answered by the keys of a telephone."""
    number = session.scalar(select(SurveyForm.current).where(SurveyForm.id == form_id))
    return number is not None and not keypad.hindrances(questionnaire(session, version_id(session, form_id, number)))


def uploaded(session: Session, form_id: int, number: int) -> tuple[str, bytes]:
    """The file of a version, as it was uploaded: its name and bytes. Raises `NotFoundError`."""
    row = session.execute(
        select(SurveyVersion.file_name, SurveyVersion.content).where(
            SurveyVersion.form_id == form_id, SurveyVersion.number == number
        )
    ).one_or_none()
    if row is None:
        raise NotFoundError("Questa versione non esiste.")
    return row.file_name, row.content


def version_id(session: Session, form_id: int, number: int) -> int:
    """Raises `NotFoundError`."""
    found = session.scalar(
        select(SurveyVersion.id).where(SurveyVersion.form_id == form_id, SurveyVersion.number == number)
    )
    if found is None:
        raise NotFoundError("Questa versione non esiste.")
    return found


def questionnaire(session: Session, of_version: int) -> Questionnaire:
    """What a version asks. Compiled forms never change, so each process keeps the last few. Raises `NotFoundError`."""
    digest = session.scalar(select(SurveyVersion.digest).where(SurveyVersion.id == of_version))
    if digest is None:
        raise NotFoundError("Questa versione non esiste.")
    with _LOCK:
        if digest in _KEPT:
            _KEPT[digest] = found = _KEPT.pop(digest)
            return found
    compiled = session.execute(select(SurveyVersion.compiled).where(SurveyVersion.id == of_version)).scalar_one()
    found = restored(compiled)
    with _LOCK:
        _KEPT[digest] = found
        while len(_KEPT) > KEPT_FORMS:
            del _KEPT[next(iter(_KEPT))]
    return found


def hindrances(session: Session, form_id: int, number: int) -> tuple[tuple[int, Hinders], ...]:
    """What keeps a version from being answered by the keys of a telephone, each with its row in the file."""
    found = keypad.hindrances(questionnaire(session, version_id(session, form_id, number)))
    return keypad.located(uploaded(session, form_id, number)[1], found) if found else ()


_KEPT: dict[str, Questionnaire] = {}
_LOCK = Lock()


def answers(session: Session, interview_id: UUID, at: str = "") -> Answers:
    """What was answered so far."""
    return Answers(_latest(session, [interview_id]).get(interview_id, {}), at)


def answers_of(session: Session, interviews: Sequence[UUID]) -> Mapping[UUID, Answers]:
    """The same of several."""
    found = _latest(session, interviews)
    return {one: Answers(found.get(one, {})) for one in interviews}


def _latest(session: Session, interviews: Sequence[UUID]) -> dict[UUID, dict[str, str]]:
    event = InterviewEvent
    rows = session.execute(
        select(event.interview_id, event.path, event.value)
        .where(event.interview_id.in_(interviews), event.deed == InterviewDeed.ANSWERED)
        .order_by(event.id)
    )
    found: dict[UUID, dict[str, str]] = {}
    for interview_id, path, value in rows:
        found.setdefault(interview_id, {})[path] = value
    return found


def setting(row: Interview, now: datetime) -> Setting:
    """An interview's circumstances at an instant; of one that is over, at its end."""
    return Setting(_wall(row.ended_at or now), _wall(row.began_at), row.seed, row.language)


def fresh(form: Questionnaire, now: datetime) -> Setting:
    """The circumstances of an interview that nobody has begun yet."""
    return Setting(_wall(now), _wall(now), 0, form.default_language)


def _wall(instant: datetime) -> datetime:
    return clock.in_rome(instant).replace(tzinfo=None, microsecond=0)


def interviews(session: Session, form_id: int) -> list[InterviewLine]:
    """Those of a questionnaire that may be gone on with, then the latest that are over."""
    is_over = Interview.state == InterviewState.DONE
    latest = (
        select(Interview, User.name)
        .outerjoin(User, User.id == Interview.interviewer_id)
        .where(Interview.form_id == form_id)
        .order_by(Interview.began_at.desc(), Interview.id)
    )
    rows = (
        *session.execute(latest.where(~is_over).limit(MOST_OPEN_SHOWN)),
        *session.execute(latest.where(is_over).limit(MOST_OVER_SHOWN)),
    )
    return [
        InterviewLine(
            one.id,
            one.ente_id,
            one.state,
            one.disposition,
            name,
            one.interviewer_id,
            one.mode,
            one.campaign_id is not None,
            one.began_at,
            one.ended_at,
        )
        for one, name in rows
    ]


def dispositions(session: Session, form_id: int) -> dict[Disposition, int]:
    """How many cases of a questionnaire stand how; those that run, and have no outcome yet, left out."""
    rows = session.execute(
        select(Interview.disposition, func.count())
        .where(Interview.form_id == form_id, Interview.state != InterviewState.RUNNING)
        .group_by(Interview.disposition)
    )
    return {disposition: count for disposition, count in rows if disposition is not None}
