"""The staff's pages of the desk. Each change answers with nothing: what changed is pushed to whoever watches."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.agendas import queries as agendas
from crm.contacts import queries as contacts
from crm.core import topics
from crm.core.db import Scope, touch
from crm.core.errors import ConflictError
from crm.files import queries as files
from crm.files import service as opening_files
from crm.files.models import Purpose
from crm.turns import mistakes, queries, service
from crm.turns.times import Deed
from telephony.calls import conversation
from web.contacts.box import look
from web.desk import view
from web.edge.answers import shown_anew
from web.edge.i18n import translations
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.files.speakers import Answers, answers
from web.live.hub import Render
from web.wiring import Runtime

router = APIRouter(prefix="/desk", include_in_schema=False)
NO_CONTENT = 204
Note = Annotated[str | None, Form()]  # what was typed since the note was last kept
ENDS = frozenset({Deed.DONE, Deed.MISSED, Deed.BACK})  # after which he is at the desk no more


@router.get("")
def desk(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The desk at which one sits; else where one may sit down."""
    about: dict[str, Any] = {"visit": visit, "csrf": visit.csrf_token}
    with runtime.database.begin(visit.scope(Permission.APPOINTMENT_MANAGE)) as session:
        now = view.read(session, visit)
        places = view.choices(session, visit) if now is None else []
    if now is None:
        return page(request, "desk/sit.html", visit.language, places=places, **about)
    regions = view.render(runtime, visit).regions
    return page(request, "desk/page.html", visit.language, regions=regions, view=now, **about)


@router.post("/sit")
def sit(runtime: RuntimeDep, visit: ChangeDep, place: Annotated[int, Form()], ente: Annotated[int, Form()]) -> Response:
    """Take a desk."""
    _change(runtime, visit, partial(service.sit, by=visit.principal, ente_id=ente, desk_id=place))
    return Response(status_code=NO_CONTENT, headers={"HX-Redirect": "/desk"})


@router.post("/leave")
def leave(runtime: RuntimeDep, visit: ChangeDep) -> Response:
    """Get up."""
    _change(runtime, visit, partial(service.leave, by=visit.principal))
    return Response(status_code=NO_CONTENT, headers={"HX-Redirect": "/desk"})


@router.post("/next")
def call_next(runtime: RuntimeDep, visit: ChangeDep) -> Response:
    """Call the next one."""
    _change(runtime, visit, partial(service.call_next, by=visit.principal))
    return Response(status_code=NO_CONTENT)


@router.post("/turns/{turn_id}/step")
def step(
    runtime: RuntimeDep, visit: ChangeDep, turn_id: int, deed: Annotated[Deed, Form()], note: Note = None
) -> Response:  # fmt: skip
    """Call again, serve, finish, did not come, back to the queue. Once he goes, his file closes."""

    def work(session: Session) -> None:
        _keep_note(session, visit, turn_id, note)
        service.step(session, visit.principal, turn_id=turn_id, deed=deed)
        if deed in ENDS:
            _close(session, visit, turn_id)

    _change(runtime, visit, work)
    return Response(status_code=NO_CONTENT)


@router.post("/turns/{turn_id}/undo")
def undo(runtime: RuntimeDep, visit: ChangeDep, turn_id: int, deed: Annotated[Deed, Form()]) -> Response:
    """What was pressed last was a mistake. His file stays closed until he says again who he is."""
    _change(runtime, visit, partial(mistakes.take_back, by=visit.principal, turn_id=turn_id, deed=deed))
    return Response(status_code=NO_CONTENT)


@router.post("/turns/{turn_id}/pass-on")
def pass_on(
    runtime: RuntimeDep, visit: ChangeDep, turn_id: int, service_id: Annotated[int, Form()],
    place: Annotated[int | None, Form()] = None, note: Note = None,
) -> Response:  # fmt: skip
    """Let him wait for another service or desk."""

    def work(session: Session) -> None:
        _keep_note(session, visit, turn_id, note)
        service.pass_on(session, visit.principal, turn_id=turn_id, service_id=service_id, desk_id=place)
        _close(session, visit, turn_id)

    _change(runtime, visit, work)
    return Response(status_code=NO_CONTENT)


@router.post("/tickets")
def ticket(runtime: RuntimeDep, visit: ChangeDep, service_id: Annotated[int, Form()]) -> Response:
    """A number for whoever stands there without one."""

    def work(session: Session) -> str:
        office_id, ente_id = _here(session, visit)
        made = service.take_ticket(
            session, visit.principal, ente_id=ente_id, office_id=office_id, service_id=service_id
        )
        return queries.get(session, made).ticket

    made = _change(runtime, visit, work)
    sentence = translations(visit.language).gettext("Numero dato: %(ticket)s") % {"ticket": made}
    return HTMLResponse(fragment("desk/_given.html", visit.language, sentence=sentence))


@router.post("/arrivals/{appointment_id}")
def arrived(runtime: RuntimeDep, visit: ChangeDep, appointment_id: UUID) -> Response:
    """Whoever has an appointment has come."""

    def work(session: Session) -> None:
        office_id, ente_id = _here(session, visit)
        service.check_in(session, visit.principal, ente_id=ente_id, office_id=office_id, appointment_id=appointment_id)

    _change(runtime, visit, work)
    return Response(status_code=NO_CONTENT)


@router.post("/search")
def search(
    runtime: RuntimeDep, visit: ChangeDep, q: Annotated[str, Form()] = "", follows: Annotated[bool, Form()] = False
) -> Response:
    """Who it may be that stands there."""
    with runtime.database.begin(visit.scope(Permission.APPOINTMENT_MANAGE)) as session:
        now = view.read(session, visit)
    if now is None or now.turn is None:
        raise ConflictError("Chiama prima qualcuno al tuo sportello.")
    readable = visit.scope(Permission.FILE_READ).enti or frozenset()
    with runtime.database.begin(Scope.of_enti(readable & {now.turn.ente_id})) as session:
        found = look(session, visit, q, follows=follows)
    return HTMLResponse(fragment("desk/_results.html", visit.language, look=found, turn=now.turn))


@router.post("/turns/{turn_id}/identify")
def identify(runtime: RuntimeDep, visit: ChangeDep, turn_id: int, contact: Annotated[int, Form()]) -> Response:
    """It is he. His file opens by the questions; that of whoever it was taken for closes."""

    def work(session: Session) -> None:
        _close(session, visit, turn_id)
        service.identify(session, visit.principal, turn_id=turn_id, contact_id=contact)

    _change(runtime, visit, work)
    return Response(status_code=NO_CONTENT)


@router.post("/turns/{turn_id}/close")
def close(runtime: RuntimeDep, visit: ChangeDep, turn_id: int) -> Response:
    """It is somebody else: the file closes, the visit is not his, and who it is can be said anew."""

    def work(session: Session) -> None:
        _close(session, visit, turn_id)
        service.unidentify(session, visit.principal, turn_id=turn_id)

    _change(runtime, visit, work)
    return Response(status_code=NO_CONTENT)


@router.post("/turns/{turn_id}/note")
def note(runtime: RuntimeDep, visit: ChangeDep, turn_id: int, note: Annotated[str, Form()] = "") -> Response:
    """What the visit is about, kept as it is typed."""
    _change(runtime, visit, partial(service.note, by=visit.principal, turn_id=turn_id, text=note))
    return HTMLResponse(fragment("desk/_noted.html", visit.language))


@router.post("/turns/{turn_id}/open")
def open_file(
    runtime: RuntimeDep, visit: ChangeDep, turn_id: int, answers: Annotated[Answers, Depends(answers)]
) -> Response:
    """He has said who he is: his file opens, for as long as he is there."""
    with runtime.database.begin(visit.scope(Permission.APPOINTMENT_MANAGE)) as session:
        now = view.read(session, visit)
    if now is None or now.turn is None or now.turn.id != turn_id or now.turn.contact_id is None:
        raise ConflictError(service.CHANGED)
    contact_id, ticket, office_id = now.turn.contact_id, now.turn.ticket, now.office.id

    def work(session: Session) -> None:
        conversation.keep_to_the_call(session, visit.principal, contact_id=contact_id)
        opening_files.open_file(
            session, visit.principal, contact_id=contact_id, purpose=Purpose.DESK, reason=ticket,
            spoken=answers.spoken(session, visit.principal, contact_id=contact_id),
        )  # fmt: skip
        visit.sent(session)
        touch(session, topics.office(office_id))

    runtime.database.transact(visit.scope(Permission.FILE_READ), work)
    return Response(status_code=NO_CONTENT)


@router.get("/offices")
def offices(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """All offices, live."""
    regions = view.render_offices(runtime, visit).regions
    return page(request, "desk/offices.html", visit.language, visit=visit, csrf=visit.csrf_token, regions=regions)


@router.post("/places/{desk_id}/free")
def relieve(runtime: RuntimeDep, visit: ChangeDep, desk_id: int, ente: Annotated[int, Form()]) -> Response:
    """Free the desk of somebody who has gone."""
    runtime.database.transact(
        visit.scope(Permission.AGENDA_MANAGE),
        partial(service.relieve, by=visit.principal, ente_id=ente, desk_id=desk_id),
    )
    return shown_anew(translations(visit.language).gettext("Lo sportello è libero."))


def join(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """A desk is its clerk's alone: the file depends on before whom it is open."""
    visit.scope(Permission.APPOINTMENT_MANAGE)
    return [(f"desk:{visit.principal.user_id}:{visit.language}", partial(view.render, runtime, visit))]


def join_offices(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """Whoever sees the same offices sees the same."""
    scope = visit.scope(Permission.APPOINTMENT_READ)
    may = visit.principal.can(Permission.AGENDA_MANAGE)
    return [(f"offices:{scope}:{may}:{visit.language}", partial(view.render_offices, runtime, visit))]


def _change(runtime: Runtime, visit: Visit, work: Callable[[Session], Any]) -> Any:
    return runtime.database.transact(visit.scope(Permission.APPOINTMENT_MANAGE), work)


def _here(session: Session, visit: Visit) -> tuple[int, int]:
    seat = queries.seat_of(session, visit.principal.user_id)
    if seat is None:
        raise ConflictError("Scegli prima il tuo sportello.")
    return seat[0], agendas.office(session, seat[0]).ente_id


def _keep_note(session: Session, visit: Visit, turn_id: int, text: str | None) -> None:
    if text is not None:
        service.note(session, visit.principal, turn_id=turn_id, text=text)


def _close(session: Session, visit: Visit, turn_id: int) -> None:
    contact_id = queries.get(session, turn_id).contact_id
    if contact_id is None or not visit.principal.can(Permission.FILE_READ):
        return
    opening = files.opening(session, visit.principal, contact_id=contact_id)
    if opening is not None and opening.call_id is None:
        ids = [one.id for one in contacts.same_person(session, contact_id)]
        opening_files.close_files(session, visit.principal, contact_ids=ids)
