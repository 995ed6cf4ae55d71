"""Conducting interviews: each answer is saved by itself, and whoever breaks off leaves it to whoever goes on."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import clock
from crm.core.db import new_id
from crm.core.errors import ConflictError, NotFoundError
from crm.enti.queries import enti_of
from crm.timeline import service as timeline
from crm.timeline.models import EntryKind
from outbound.cati import places, queries, surveys
from outbound.cati.aapor import Disposition, Group
from outbound.cati.models import Interview, InterviewDeed, InterviewEvent, InterviewState, SurveyForm
from outbound.cati.questionnaire import interview as engine
from outbound.cati.questionnaire.definition import Questionnaire
from outbound.cati.questionnaire.interview import Answers, RefusedError, Screen
from outbound.cati.questionnaire.look import Setting
from telephony.calls.story import IN_PROGRESS

LEASE = timedelta(minutes=10)  # from the last answer; then a colleague may go on
LONGEST_MS = 86_400_000
STALE = "Questa pagina non era aggiornata: riapri l'intervista per la domanda a cui si è arrivati."
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
    questionnaire: Questionnaire
    screen: Screen | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that was not taken."""

    error: RefusedError


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
    if form.current is None or form.withdrawn_at is not None:
        raise ConflictError("Questo questionario non è in uso.")
    version_id, now = queries.version_id(session, form_id, form.current), clock.now(session)
    known = queries.questionnaire(session, version_id)
    row = Interview(
        id=new_id(session), ente_id=ente_id, contract_id=form.contract_id, form_id=form_id, version_id=version_id,
        contact_id=contact_id, campaign_id=campaign_id, call_id=call_id, state=InterviewState.RUNNING,
        language=language if language in known.languages else known.default_language, seed=secrets.randbelow(2**31),
        at="", revision=0, interviewer_id=by.user_id, held_until=now + LEASE, began_at=now, shown_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    _add(session, row, by, InterviewDeed.BEGAN)
    audit.note(session, by, kind="interview.begun", ente_id=ente_id, contact_id=contact_id, subject=form.title)
    _remember(session, row, by)
    return row.id


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
    _keep_place(session, row, by)
    return interview_id


def standing(session: Session, by: Principal, *, interview_id: UUID) -> Standing:
    """An interview to look at, and to conduct if it is `is_mine`. Raises `NotFoundError`."""
    by.require(Permission.INTERVIEW_CONDUCT)
    row = session.get(Interview, interview_id)
    if row is None:
        raise NotFoundError("Questa intervista non esiste.")
    require_on(session, by, Permission.INTERVIEW_CONDUCT, ente_id=row.ente_id)
    known, answers, setting = _state(session, row)
    screen = engine.step(known, answers, setting) if row.state is not InterviewState.DONE else None
    title = known.title or session.get_one(SurveyForm, row.form_id).title
    return Standing(
        row.id, row.form_id, row.ente_id, title, row.state, row.disposition, row.revision, row.language,
        row.state is InterviewState.RUNNING and row.interviewer_id == by.user_id, row.campaign_id, known, screen,
    )  # fmt: skip


def answer(
    session: Session, by: Principal, *, interview_id: UUID, revision: int, said: Sequence[str]
) -> Refusal | None:
    """Answer the question that is asked; why not, if it is not taken.

    Raises `ConflictError` when the page is not the latest, or the interview is somebody else's by now.
    """
    row = _held(session, by, interview_id, revision)
    known, answers, setting = _state(session, row)
    screen = engine.step(known, answers, setting)
    if screen is None:
        raise ConflictError(STALE)
    try:
        after = engine.answer(known, answers, setting, said)
    except RefusedError as error:
        _add(session, row, by, InterviewDeed.REFUSED, path=screen.path, timed=True)
        session.flush()
        return Refusal(error)
    _add(session, row, by, InterviewDeed.ANSWERED, path=screen.path, value=after.values[screen.path], timed=True)
    _moved(session, row, "")
    _keep_place(session, row, by)
    return None


def move(session: Session, by: Principal, *, interview_id: UUID, revision: int, back: bool) -> None:
    """To the question before, or to the one after where this one has its answer. Raises as `answer`."""
    row = _held(session, by, interview_id, revision)
    known, answers, setting = _state(session, row)
    here = engine.step(known, answers, setting)
    after = (engine.back if back else engine.forward)(known, answers, setting)
    deed = InterviewDeed.WENT_BACK if back else InterviewDeed.WENT_ON
    _add(session, row, by, deed, path=here.path if here else "", timed=True)
    _moved(session, row, after.at)


def speak(session: Session, by: Principal, *, interview_id: UUID, revision: int, language: str) -> None:
    """Go on in another of the questionnaire's languages. Raises as `answer`, and `NotFoundError` for any other."""
    row = _held(session, by, interview_id, revision)
    if language not in queries.questionnaire(session, row.version_id).languages:
        raise NotFoundError("Il questionario non è in questa lingua.")
    row.language = language
    _add(session, row, by, InterviewDeed.LANGUAGE, value=language)
    _moved(session, row, row.at)


def break_off(
    session: Session, by: Principal, *, interview_id: UUID, revision: int, disposition: Disposition, for_good: bool,
    wants_after: datetime | None = None,
) -> None:  # fmt: skip
    """End it before its end, with how it stands; `for_good`: nobody goes on with it. Raises as `answer`.

    `wants_after`: when the person asked to be called again, of a survey. Complete is only what was led to its end:
    raises `ConflictError` while a question is open.
    """
    row = _held(session, by, interview_id, revision)
    known, answers, setting = _state(session, row)
    complete = engine.step(known, answers, setting) is None
    if disposition.group is Group.I and not complete:
        raise ConflictError("Non è completa: mancano ancora delle risposte.")
    _close(
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
    row.state, row.interviewer_id, row.disposition = InterviewState.RUNNING, by.user_id, None
    row.call_id = call_id or row.call_id
    _add(session, row, by, InterviewDeed.RESUMED)
    _moved(session, row, row.at)
    audit.note(session, by, kind="interview.resumed", ente_id=row.ente_id, contact_id=row.contact_id)
    _remember(session, row, by)
    _keep_place(session, row, by)


# -- parts -------------------------------------------------------------------------------------------------------------


def _state(session: Session, row: Interview) -> tuple[Questionnaire, Answers, Setting]:
    known = queries.questionnaire(session, row.version_id)
    return known, queries.answers(session, row.id, row.at), queries.setting(row, clock.now(session))


def _keep_place(session: Session, row: Interview, by: Principal) -> None:
    """Of a survey with quotas: its place, or its end, where those who are so are interviewed enough."""
    if row.campaign_id is None:
        return
    known, answers, setting = _state(session, row)
    if not places.keep(session, row, engine.given(known, answers, setting)):
        _close(session, row, by, Disposition.QUOTA_FILLED, for_good=True)


def _close(
    session: Session, row: Interview, by: Principal, disposition: Disposition, *, for_good: bool,
    complete: bool = False, wants_after: datetime | None = None,
) -> None:  # fmt: skip
    row.disposition, row.held_until = disposition, None
    if row.campaign_id is not None:
        if disposition.group not in {Group.I, Group.P}:
            places.give_back(session, row)
        for_good = surveys.followed(session, by, row, for_good=for_good, wants_after=wants_after)
    row.state = InterviewState.DONE if for_good else InterviewState.INTERRUPTED
    row.ended_at = clock.now(session) if for_good else None
    deed = InterviewDeed.FINISHED if for_good and complete else InterviewDeed.BROKE_OFF
    _add(session, row, by, deed, value=disposition.value)
    _moved(session, row, row.at)
    audit.note(
        session, by, kind="interview.ended", ente_id=row.ente_id, contact_id=row.contact_id,
        after={"disposition": disposition.value},
    )  # fmt: skip
    _remember(session, row, by)


def _locked(session: Session, by: Principal, interview_id: UUID) -> Interview:
    by.require(Permission.INTERVIEW_CONDUCT)
    row = session.get(Interview, interview_id, with_for_update=True)
    if row is None:
        raise NotFoundError("Questa intervista non esiste.")
    require_on(session, by, Permission.INTERVIEW_CONDUCT, ente_id=row.ente_id)
    return row


def _held(session: Session, by: Principal, interview_id: UUID, revision: int) -> Interview:
    """An interview that `by` conducts, as his page shows it; locked."""
    row = _locked(session, by, interview_id)
    if row.state is not InterviewState.RUNNING or row.interviewer_id != by.user_id:
        raise ConflictError(NOT_HELD)
    if row.revision != revision:
        raise ConflictError(STALE)
    return row


def _moved(session: Session, row: Interview, at: str) -> None:
    """Another question is on the screen from now on."""
    now = clock.now(session)
    row.at, row.revision, row.shown_at = at, row.revision + 1, now
    if row.state is InterviewState.RUNNING:
        row.held_until = now + LEASE
    session.flush()


def _remember(session: Session, row: Interview, by: Principal) -> None:
    """On the contact's timeline: which questionnaire, and how it ended; nothing of what was answered."""
    if row.contact_id is None:
        return
    timeline.record(
        session, ente_id=row.ente_id, contact_id=row.contact_id, kind=EntryKind.INTERVIEW, source=row.id,
        occurred_at=row.began_at, author_id=by.user_id,
        status=row.disposition.value if row.disposition else IN_PROGRESS,
        detail={"title": session.get_one(SurveyForm, row.form_id).title, "note": ""},
    )  # fmt: skip


def _add(
    session: Session, row: Interview, by: Principal, deed: InterviewDeed, *, path: str = "", value: str = "",
    timed: bool = False,
) -> None:  # fmt: skip
    now = clock.now(session)
    took = min(int((now - row.shown_at).total_seconds() * 1000), LONGEST_MS) if timed else None
    session.execute(
        insert(InterviewEvent).values(
            interview_id=row.id, ente_id=row.ente_id, deed=deed, path=path, value=value, took_ms=took, at=now,
            interviewer_id=by.user_id,
        )
    )  # fmt: skip
