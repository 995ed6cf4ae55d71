"""Conducting interviews: each answer is saved by itself, and whoever breaks off leaves it to whoever goes on."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import clock
from crm.core.errors import ConflictError, NotFoundError
from crm.enti.queries import enti_of
from outbound.cati import access, queries, steps, surveys
from outbound.cati.aapor import Disposition, Group
from outbound.cati.models import Interview, InterviewDeed, InterviewState, Mode, SurveyForm
from outbound.cati.questionnaire import interview as engine
from outbound.cati.questionnaire.definition import Questionnaire
from outbound.cati.questionnaire.interview import Screen
from telephony.recording import pausing

CONSENT = "record"  # in the column `appearance` of the question whether the conversation may be recorded
NOT_HELD = "L'intervista è passata a un collega, o è stata interrotta: riprendila dall'elenco."


@dataclass(frozen=True, slots=True)
class Standing:
    """An interview as its interviewer sees it. Without a screen every question has its answer."""

    id: UUID
    form_id: int
    ente_id: int
    title: str
    state: InterviewState
    disposition: Disposition | None
    revision: int
    language: str
    is_mine: bool
    campaign_id: int | None  # the survey that it is of
    call_id: UUID | None  # in which it was begun, or gone on with
    questionnaire: Questionnaire
    screen: Screen | None


def begin(
    session: Session, by: Principal, *, form_id: int, ente_id: int, contact_id: int | None = None, language: str = "",
    campaign_id: int | None = None, call_id: UUID | None = None,
) -> UUID:  # fmt: skip
    """A new interview for an ente, in one of the questionnaire's languages (else its own); its id.

    Of a survey it is begun by `take`.

    Raises `ConflictError` where the questionnaire is not in use, `NotFoundError` for an ente it is not for.
    """
    require_on(session, by, Permission.INTERVIEW_CONDUCT, ente_id=ente_id)
    form = session.get(SurveyForm, form_id)
    if form is None or ente_id not in enti_of(session, form.contract_id) or form.ente_id not in {None, ente_id}:
        raise NotFoundError("Questo questionario non esiste.")
    return steps.create(
        session, by, form=form, ente_id=ente_id, contact_id=contact_id, campaign_id=campaign_id, call_id=call_id,
        language=language,
    ).id  # fmt: skip


def take(session: Session, by: Principal, *, campaign_id: int, contact_id: int) -> UUID:
    """Interview a survey's case: its interview goes on where it was left, or begins. Raises as `begin` and `resume`."""
    found, form_id = surveys.get(session, campaign_id)
    interview_id, call_id = surveys.opened(session, by, campaign_id=campaign_id, contact_id=contact_id)
    if interview_id is not None:
        resume(session, by, interview_id=interview_id, call_id=call_id)
        return interview_id
    try:
        with session.begin_nested():
            interview_id = begin(
                session, by, form_id=form_id, ente_id=found.ente_id, contact_id=contact_id, campaign_id=campaign_id,
                call_id=call_id,
            )  # fmt: skip
    except IntegrityError:  # one case, one interview: a unique index says so
        raise ConflictError("Un collega sta facendo questa intervista.") from None
    row = session.get_one(Interview, interview_id)
    steps.keep_place(session, row, by)
    return interview_id


def standing(session: Session, by: Principal, *, interview_id: UUID) -> Standing:
    """An interview to look at, and to conduct if it is `is_mine`. Raises `NotFoundError`."""
    by.require(Permission.INTERVIEW_CONDUCT)
    row = session.get(Interview, interview_id)
    if row is None:
        raise NotFoundError("Questa intervista non esiste.")
    _require(session, by, row)
    known, answers, setting = steps.state(session, row)
    screen = engine.step(known, answers, setting) if row.state is not InterviewState.DONE else None
    title = known.title or session.get_one(SurveyForm, row.form_id).title
    return Standing(
        row.id, row.form_id, row.ente_id, title, row.state, row.disposition, row.revision, row.language,
        row.state is InterviewState.RUNNING and row.interviewer_id == by.user_id, row.campaign_id, row.call_id, known,
        screen,
    )  # fmt: skip


def answer(
    session: Session, by: Principal, *, interview_id: UUID, revision: int, said: Sequence[str]
) -> steps.Refusal | None:
    """Answer the question that is asked; why not, if it is not taken.

    Raises `ConflictError` when the page is not the latest, or the interview is somebody else's by now.
    """
    row = _held(session, by, interview_id, revision)
    refusal = steps.answered(session, row, by, said)
    if refusal is None and row.call_id is not None:
        _record(session, row, by)
    return refusal


def move(session: Session, by: Principal, *, interview_id: UUID, revision: int, back: bool) -> None:
    """To the question before, or to the one after where this one has its answer. Raises as `answer`."""
    steps.went(session, _held(session, by, interview_id, revision), by, back=back)


def speak(session: Session, by: Principal, *, interview_id: UUID, revision: int, language: str) -> None:
    """Go on in another of the questionnaire's languages. Raises as `answer`, and `NotFoundError` for any other."""
    row = _held(session, by, interview_id, revision)
    if language not in queries.questionnaire(session, row.version_id).languages:
        raise NotFoundError("Il questionario non è in questa lingua.")
    row.language = language
    steps.add(session, row, by, InterviewDeed.LANGUAGE, value=language)
    steps.moved(session, row, row.at)


def break_off(
    session: Session, by: Principal, *, interview_id: UUID, revision: int, disposition: Disposition, for_good: bool,
    wants_after: datetime | None = None,
) -> None:  # fmt: skip
    """End it before its end, with how it stands; `for_good`: nobody goes on with it. Raises as `answer`.

    `wants_after`: when the person asked to be called again, of a survey. Complete is only what was led to its end:
    raises `ConflictError` while a question is open.
    """
    row = _held(session, by, interview_id, revision)
    known, answers, setting = steps.state(session, row)
    complete = engine.step(known, answers, setting) is None
    if disposition.group is Group.I and not complete:
        raise ConflictError("Non è completa: mancano ancora delle risposte.")
    steps.close(
        session, row, by, disposition, for_good=for_good, complete=complete,
        wants_after=surveys.appointment(session, wants_after),
    )  # fmt: skip


def resume(session: Session, by: Principal, *, interview_id: UUID, call_id: UUID | None = None) -> None:
    """Go on with an interview that was broken off, or that its interviewer has left for longer than `LEASE`.

    Raises `ConflictError` while a colleague conducts it, and when it is over.
    """
    row = _locked(session, by, interview_id)
    now = clock.now(session)
    if row.state is InterviewState.DONE:
        raise ConflictError("Questa intervista è conclusa.")
    is_led = row.state is InterviewState.RUNNING and row.held_until is not None and row.held_until > now
    if is_led and row.interviewer_id != by.user_id:
        raise ConflictError("Un collega sta facendo questa intervista.")
    row.call_id = call_id or row.call_id
    steps.resumed(session, row, by, Mode.TELEPHONE)
    steps.moved(session, row, row.at)
    audit.note(session, by, kind="interview.resumed", ente_id=row.ente_id, contact_id=row.contact_id)
    steps.remember(session, row, by)
    steps.keep_place(session, row, by)


def _record(session: Session, row: Interview, by: Principal) -> None:
    """Whether the conversation may be recorded is what the question marked `record` says: its first choice agrees."""
    known, answers, _ = steps.state(session, row)
    asked = [one for one in known.questions() if CONSENT in one.appearance.split() and one.kind.has_choices]
    given = answers.values.get(asked[0].name) if asked else None
    call_id = row.call_id
    if not given or call_id is None or not known.lists.get(asked[0].choices):
        return
    with suppress(ConflictError), session.begin_nested():  # an answer is kept, whatever has become of the call
        pausing.agree(session, by, call_id=call_id, agrees=given == known.lists[asked[0].choices][0].name)


# -- parts -------------------------------------------------------------------------------------------------------------


def _locked(session: Session, by: Principal, interview_id: UUID) -> Interview:
    by.require(Permission.INTERVIEW_CONDUCT)
    row = session.get(Interview, interview_id, with_for_update=True)
    if row is None:
        raise NotFoundError("Questa intervista non esiste.")
    _require(session, by, row)
    return row


def _require(session: Session, by: Principal, row: Interview) -> None:
    """Raise `ForbiddenError` unless `by` interviews for its ente and, of a survey's case, was given it."""
    if row.campaign_id is None:
        require_on(session, by, Permission.INTERVIEW_CONDUCT, ente_id=row.ente_id)
        return
    its = {"campaign_id": row.campaign_id, "contact_id": row.contact_id or 0}
    access.require(session, by, ente_id=row.ente_id, **its)


def _held(session: Session, by: Principal, interview_id: UUID, revision: int) -> Interview:
    """An interview that `by` conducts, as his page shows it; locked."""
    row = _locked(session, by, interview_id)
    if row.state is not InterviewState.RUNNING or row.interviewer_id != by.user_id:
        raise ConflictError(NOT_HELD)
    if row.revision != revision:
        raise ConflictError(steps.STALE)
    return row
