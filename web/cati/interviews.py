"""The page of an interview: one question at a time, each answer saved by itself."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.contacts import queries as contacts
from crm.contacts.codice_fiscale import parse_codice_fiscale
from crm.core import clock
from crm.core.errors import FieldError
from crm.enti import queries as enti
from outbound.cati import interviews
from outbound.cati.aapor import Disposition, Group
from outbound.cati.interviews import Standing
from outbound.cati.questionnaire.xlsform import code_of
from telephony.recording import queries as recordings
from web.cati.questions import SaidField, buttons, reason, sent, shown
from web.edge.fields import instant_of
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep

router = APIRouter(include_in_schema=False)
CONDUCT = Permission.INTERVIEW_CONDUCT
RevisionField = Annotated[int, Form()]
DayField = Annotated[str, Form(max_length=20)]


@router.post("/questionnaires/{form_id}/interviews")
def begin(
    runtime: RuntimeDep, visit: ChangeDep, form_id: int, ente: Annotated[int, Form()],
    language: Annotated[str, Form()] = "", codice_fiscale: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Begin an interview; with a codice fiscale it is a contact's."""
    code = parse_codice_fiscale(codice_fiscale) if codice_fiscale.strip() else ""

    def work(session: Session) -> UUID:
        contact_id = contacts.with_code(session, ente_id=ente, codice_fiscale=code) if code else None
        if code and contact_id is None:
            raise FieldError("Questo ente non ha nessun contatto con questo codice fiscale.", "codice_fiscale")
        return interviews.begin(
            session, visit.principal, form_id=form_id, ente_id=ente, contact_id=contact_id, language=language
        )

    return _to(runtime.database.transact(visit.scope(CONDUCT), work))


@router.get("/interviews/{interview_id}")
def conduct(request: Request, runtime: RuntimeDep, visit: VisitDep, interview_id: UUID) -> Response:
    """The question that is asked now."""
    with runtime.database.begin(visit.scope(CONDUCT)) as session:
        return _page(request, session, visit, interview_id)


@router.post("/interviews/{interview_id}/answer")
def answer(
    request: Request, runtime: RuntimeDep, visit: ChangeDep, interview_id: UUID, revision: RevisionField,
    said: SaidField = [], of: SaidField = [], rank: SaidField = [],  # noqa: B006  # FastAPI copies them
) -> Response:  # fmt: skip
    """Save an answer; then the next question, or this one again and why."""

    def work(session: Session) -> Response | None:
        refusal = interviews.answer(
            session, visit.principal, interview_id=interview_id, revision=revision, said=sent(said, of, rank)
        )
        if refusal is None:
            return None
        wrong = reason(refusal.error, visit.language)
        return _page(request, session, visit, interview_id, wrong=wrong, typed=said, places=rank)

    return runtime.database.transact(visit.scope(CONDUCT), work) or _to(interview_id)


@router.post("/interviews/{interview_id}/move")
def move(
    runtime: RuntimeDep, visit: ChangeDep, interview_id: UUID, revision: RevisionField, deed: Annotated[str, Form()]
) -> Response:  # fmt: skip
    """Back to the question before, or on to the one after."""

    def work(session: Session) -> None:
        interviews.move(session, visit.principal, interview_id=interview_id, revision=revision, back=deed != "forward")

    runtime.database.transact(visit.scope(CONDUCT), work)
    return _to(interview_id)


@router.post("/interviews/{interview_id}/language")
def speak(
    runtime: RuntimeDep, visit: ChangeDep, interview_id: UUID, revision: RevisionField,
    language: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Go on in another language."""

    def work(session: Session) -> None:
        interviews.speak(session, visit.principal, interview_id=interview_id, revision=revision, language=language)

    runtime.database.transact(visit.scope(CONDUCT), work)
    return _to(interview_id)


@router.post("/interviews/{interview_id}/end")
def end(
    runtime: RuntimeDep, visit: ChangeDep, interview_id: UUID, revision: RevisionField,
    disposition: Annotated[Disposition, Form()], for_good: Annotated[bool, Form()] = False, day: DayField = "",
    hour: DayField = "",
) -> Response:  # fmt: skip
    """End it with its outcome, for good or until somebody goes on with it: `day` and `hour` say when he asked for."""
    wants_after = _instant(day, hour)

    def work(session: Session) -> None:
        interviews.break_off(
            session, visit.principal, interview_id=interview_id, revision=revision, disposition=disposition,
            for_good=for_good, wants_after=None if for_good else wants_after,
        )  # fmt: skip

    runtime.database.transact(visit.scope(CONDUCT), work)
    return _to(interview_id)


@router.post("/interviews/{interview_id}/resume")
def resume(runtime: RuntimeDep, visit: ChangeDep, interview_id: UUID) -> Response:
    """Go on with it."""
    runtime.database.transact(
        visit.scope(CONDUCT),
        lambda session: interviews.resume(session, visit.principal, interview_id=interview_id),
    )
    return _to(interview_id)


def _instant(day: str, hour: str) -> datetime | None:
    """When somebody asked to be called, on Rome's clock; none where no day is chosen. Raises `FieldError`."""
    if not day.strip():
        return None
    try:
        return instant_of(f"{day.strip()}T{hour.strip() or '09:00'}").replace(tzinfo=clock.ROME).astimezone(UTC)
    except ValueError:
        raise FieldError("Scegli un giorno e un'ora.", "day") from None


def _page(
    request: Request, session: Session, visit: Visit, interview_id: UUID, *, wrong: str = "",
    typed: list[str] | None = None, places: list[str] | None = None,
) -> Response:  # fmt: skip
    standing: Standing = interviews.standing(session, visit.principal, interview_id=interview_id)
    screen = standing.screen
    return page(
        request, "cati/interview.html", visit.language, status=422 if wrong else 200, visit=visit,
        csrf=visit.csrf_token, one=standing, screen=screen, badge=enti.badges(session).get(standing.ente_id),
        wrong=wrong, code=code_of(standing.language), buttons=buttons(screen, typed) if screen else (),
        places=places or [], shown=(shown(screen) if typed is None else " ".join(typed)) if screen else "",
        ends=[(group, [d for d in Disposition if d.group is group]) for group in Group if group is not Group.I],
        complete=Disposition.COMPLETE, recorded=_recorded(session, visit, standing),
    )  # fmt: skip


def _recorded(session: Session, visit: Visit, standing: Standing) -> bool:
    """Whether the conversation is there to be heard, for whoever may."""
    may = standing.call_id is not None and visit.principal.can(Permission.RECORDING_LISTEN)
    return may and standing.call_id is not None and bool(recordings.of_call(session, standing.call_id))


def _to(interview_id: UUID) -> Response:
    return RedirectResponse(f"/interviews/{interview_id}", status_code=303)
