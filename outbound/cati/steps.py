"""What happens to an interview, whoever answers: an interviewer at the telephone (`interviews`), or the person himself
on the web (`online`). Unchecked: those two say who may.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit import service as audit
from crm.core import clock
from crm.core.db import new_id
from crm.core.errors import ConflictError
from crm.timeline import service as timeline
from crm.timeline.models import EntryKind
from outbound.cati import places, queries, surveys
from outbound.cati.aapor import Disposition, Group
from outbound.cati.models import Interview, InterviewDeed, InterviewEvent, InterviewState, Mode, SurveyForm
from outbound.cati.questionnaire import interview as engine
from outbound.cati.questionnaire.definition import Questionnaire
from outbound.cati.questionnaire.interview import Answers, RefusedError
from outbound.cati.questionnaire.look import Setting
from telephony.calls.story import IN_PROGRESS

LEASE = timedelta(minutes=10)  # from the last answer; then somebody else may go on
LONGEST_MS = 86_400_000
STALE = "Questa pagina non era aggiornata: riapri l'intervista per la domanda a cui si è arrivati."


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that was not taken."""

    error: RefusedError


def create(
    session: Session, by: Principal | None, *, form: SurveyForm, ente_id: int, contact_id: int | None,
    campaign_id: int | None, call_id: UUID | None, language: str, mode: Mode = Mode.TELEPHONE,
) -> Interview:  # fmt: skip
    """A new one, with the version that is in use."""
    if form.current is None or form.withdrawn_at is not None:
        raise ConflictError("Questo questionario non è in uso.")
    version_id, now = queries.version_id(session, form.id, form.current), clock.now(session)
    known = queries.questionnaire(session, version_id)
    row = Interview(
        id=new_id(session), ente_id=ente_id, contract_id=form.contract_id, form_id=form.id, version_id=version_id,
        contact_id=contact_id, campaign_id=campaign_id, call_id=call_id, state=InterviewState.RUNNING, mode=mode,
        stratum=surveys.stratum_of(session, campaign_id, contact_id),
        language=language if language in known.languages else known.default_language, seed=secrets.randbelow(2**31),
        at="", revision=0, interviewer_id=_id(by), held_until=now + LEASE, began_at=now,
        shown_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    add(session, row, by, InterviewDeed.BEGAN, value=mode.value)
    audit.note(session, by, kind="interview.begun", ente_id=ente_id, contact_id=contact_id, subject=form.title)
    remember(session, row, by)
    return row


def resumed(session: Session, row: Interview, by: Principal | None, mode: Mode) -> None:
    """Somebody goes on with it: an interviewer, or the person himself. Its place in a quota is for who calls."""
    row.state, row.interviewer_id, row.disposition, row.mode = InterviewState.RUNNING, _id(by), None, mode
    add(session, row, by, InterviewDeed.RESUMED, value=mode.value)


def answered(session: Session, row: Interview, by: Principal | None, said: Sequence[str]) -> Refusal | None:
    """Take the answer to the question that is asked; why not, if it is not taken. Raises `ConflictError` for none."""
    known, answers, setting = state(session, row)
    screen = engine.step(known, answers, setting)
    if screen is None:
        raise ConflictError(STALE)
    try:
        after = engine.answer(known, answers, setting, said)
    except RefusedError as error:
        add(session, row, by, InterviewDeed.REFUSED, path=screen.path, timed=True)
        session.flush()
        return Refusal(error)
    add(session, row, by, InterviewDeed.ANSWERED, path=screen.path, value=after.values[screen.path], timed=True)
    moved(session, row, "")
    keep_place(session, row, by)
    return None


def went(session: Session, row: Interview, by: Principal | None, *, back: bool) -> None:
    """To the question before, or to the one after where this one has its answer."""
    known, answers, setting = state(session, row)
    here = engine.step(known, answers, setting)
    after = (engine.back if back else engine.forward)(known, answers, setting)
    deed = InterviewDeed.WENT_BACK if back else InterviewDeed.WENT_ON
    add(session, row, by, deed, path=here.path if here else "", timed=True)
    moved(session, row, after.at)


def state(session: Session, row: Interview) -> tuple[Questionnaire, Answers, Setting]:
    """The questionnaire, what was answered, and the circumstances."""
    known = queries.questionnaire(session, row.version_id)
    return known, queries.answers(session, row.id, row.at), queries.setting(row, clock.now(session))


def keep_place(session: Session, row: Interview, by: Principal | None) -> None:
    """Of a survey with quotas: its place, or its end, where those who are so are interviewed enough."""
    if row.campaign_id is None:
        return
    known, answers, setting = state(session, row)
    if not places.keep(session, row, engine.given(known, answers, setting)):
        close(session, row, by, Disposition.QUOTA_FILLED, for_good=True)


def close(
    session: Session, row: Interview, by: Principal | None, disposition: Disposition, *, for_good: bool,
    complete: bool = False, wants_after: datetime | None = None,
) -> None:  # fmt: skip
    """End it, for good or until somebody goes on with it; what follows for a survey's case does."""
    row.disposition, row.held_until = disposition, None
    if row.campaign_id is not None:
        if disposition.group not in {Group.I, Group.P}:
            places.give_back(session, row)
        for_good = surveys.followed(session, by, row, for_good=for_good, wants_after=wants_after)
    row.state = InterviewState.DONE if for_good else InterviewState.INTERRUPTED
    row.ended_at = clock.now(session) if for_good else None
    deed = InterviewDeed.FINISHED if for_good and complete else InterviewDeed.BROKE_OFF
    add(session, row, by, deed, value=disposition.value)
    moved(session, row, row.at)
    audit.note(
        session, by, kind="interview.ended", ente_id=row.ente_id, contact_id=row.contact_id,
        after={"disposition": disposition.value},
    )  # fmt: skip
    remember(session, row, by)


def moved(session: Session, row: Interview, at: str) -> None:
    """Another question is on the screen from now on."""
    now = clock.now(session)
    row.at, row.revision, row.shown_at = at, row.revision + 1, now
    if row.state is InterviewState.RUNNING:
        row.held_until = now + LEASE
    session.flush()


def remember(session: Session, row: Interview, by: Principal | None) -> None:
    """On the contact's timeline: which questionnaire, and how it ended; nothing of what was answered."""
    if row.contact_id is None:
        return
    timeline.record(
        session, ente_id=row.ente_id, contact_id=row.contact_id, kind=EntryKind.INTERVIEW, source=row.id,
        occurred_at=row.began_at, author_id=_id(by),
        status=row.disposition.value if row.disposition else IN_PROGRESS,
        detail={"title": session.get_one(SurveyForm, row.form_id).title, "note": ""},
    )  # fmt: skip


def add(
    session: Session, row: Interview, by: Principal | None, deed: InterviewDeed, *, path: str = "", value: str = "",
    timed: bool = False,
) -> None:  # fmt: skip
    """Write down that something happened; `timed`: how long the question was on the screen."""
    now = clock.now(session)
    took = min(int((now - row.shown_at).total_seconds() * 1000), LONGEST_MS) if timed else None
    session.execute(
        insert(InterviewEvent).values(
            interview_id=row.id, ente_id=row.ente_id, deed=deed, path=path, value=value, took_ms=took, at=now,
            interviewer_id=_id(by),
        )
    )  # fmt: skip


def _id(by: Principal | None) -> int | None:
    return by.user_id if by else None
