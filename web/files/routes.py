"""The taxpayer's file: looked for, opened for a reason, read, closed. What a call opens is read from here as well."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BeforeValidator
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.contacts import queries as contacts
from crm.contacts.disclosure import Matter
from crm.contacts.queries import ContactView
from crm.core import clock, topics
from crm.enti import queries as enti
from crm.files import queries as files
from crm.files import service
from crm.files.models import Purpose
from crm.files.service import SPEAKS
from crm.positions import queries as positions
from crm.timeline.models import EntryKind
from crm.timeline.queries import Filter
from telephony.calls import conversation
from web.contacts.box import look
from web.edge.fields import NearDay
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.files.speakers import Answers, answers, offered
from web.files.view import TaxpayerFile, read_detail, read_file, read_timeline
from web.live.hub import Render, Rendered
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
FieldText = Annotated[str, Form()]
T = TypeVar("T")
Chosen = Annotated[T | None, BeforeValidator(lambda text: text or None), Query()]  # an empty field chooses nothing
MOST_SHOWN = 500  # entries of a timeline at once
NO_CONTENT = 204


@router.get("/files")
def search_page(request: Request, visit: VisitDep) -> Response:
    """One box, for whoever may read files."""
    visit.principal.require(Permission.FILE_READ)
    return page(request, "files/search.html", visit.language, visit=visit, csrf=visit.csrf_token)


@router.post("/files/search")
def search(
    runtime: RuntimeDep, visit: ChangeDep, q: FieldText = "", follows: Annotated[bool, Form()] = False
) -> Response:
    """Who it may be. Posted, so that no name stands in an address."""
    with runtime.database.begin(visit.scope(Permission.FILE_READ)) as session:
        found = look(session, visit, q, follows=follows)
    return HTMLResponse(fragment("files/_results.html", visit.language, look=found))


@router.get("/files/positions/{position_id}")
def position(runtime: RuntimeDep, visit: VisitDep, position_id: int) -> Response:
    """A position, opened: only while the file is."""
    with runtime.database.begin(visit.scope(Permission.FILE_READ)) as session:
        found = positions.get(session, position_id)
        opening = files.require_open(session, visit.principal, contact_id=found.contact_id, matter=Matter.ACTS)
        detail = read_detail(session, found, opening)
    return Response(
        fragment("files/_position.html", visit.language, detail=detail, visit=visit), media_type="text/html"
    )


@router.get("/files/{contact_id}")
def file(request: Request, runtime: RuntimeDep, visit: VisitDep, contact_id: int) -> Response:
    """The file if it is open, else the question why it should be."""
    about: dict[str, Any] = {"visit": visit, "csrf": visit.csrf_token}
    with runtime.database.begin(visit.scope(Permission.FILE_READ)) as session:
        person = contacts.same_person(session, contact_id)
        contact = person[0]
        about["ente"] = enti.badges(session)[contact.ente_id]
        opening = files.opening(session, visit.principal, contact_id=contact_id)
        if opening is None:
            about["purposes"] = service.purposes(session, visit.principal, ente_id=contact.ente_id)
            about["regions"] = _gate(session, visit, person).regions
            service.show_gate(session, visit.principal, person)
        found = read_file(session, visit.principal, person, opening) if opening else None
    if opening is None:
        speaking = {one.value for one in SPEAKS}
        return page(request, "files/open.html", visit.language, person=contact, speaking=speaking, **about)
    return page(
        request, "files/page.html", visit.language, regions=_shown(visit, contact_id, found).regions,
        contact_id=contact_id, purpose=opening.purpose, reason=opening.reason, at=opening.opened_at,
        ends=opening.ends_at, **about,
    )  # fmt: skip


@router.post("/files/{contact_id}/open")
def open_file(
    runtime: RuntimeDep, visit: ChangeDep, contact_id: int, purpose: Annotated[Purpose, Form()],
    answers: Annotated[Answers, Depends(answers)], reason: FieldText = "",
) -> Response:  # fmt: skip
    """Open it: the reason is recorded, and the answers of whoever is there."""

    def work(session: Session) -> None:
        spoken = None
        conversation.keep_to_the_call(session, visit.principal, contact_id=contact_id)
        if purpose in SPEAKS:
            spoken = answers.spoken(session, visit.principal, contact_id=contact_id)
        service.open_file(
            session, visit.principal, contact_id=contact_id, purpose=purpose, reason=reason, spoken=spoken
        )

    runtime.database.transact(visit.scope(Permission.FILE_READ), work)
    return Response(status_code=NO_CONTENT, headers={"HX-Redirect": f"/files/{contact_id}"})


@router.post("/files/{contact_id}/close")
def close_file(runtime: RuntimeDep, visit: ChangeDep, contact_id: int) -> Response:
    """Done with it."""

    def work(session: Session) -> None:
        opening = files.opening(session, visit.principal, contact_id=contact_id)
        if opening is not None and opening.call_id is None:
            service.close_files(session, visit.principal, contact_ids=opening.contact_ids)

    runtime.database.transact(visit.scope(Permission.FILE_READ), work)
    return RedirectResponse("/files", status_code=303)


@router.get("/files/{contact_id}/timeline")
def timeline(
    runtime: RuntimeDep, visit: VisitDep, contact_id: int, kind: Chosen[EntryKind] = None, ente: Chosen[int] = None,
    since: Chosen[NearDay] = None, until: Chosen[NearDay] = None, after: Annotated[str, Query(max_length=80)] = "",
    least: Annotated[int, Query(ge=0, le=MOST_SHOWN)] = 0,
) -> Response:  # fmt: skip
    """A part of the timeline: filtered, and from where the last part ended; or anew, as much as is shown."""
    only = Filter(
        kinds=frozenset({kind} if kind else ()), ente_id=ente, since=clock.start_of_day(since) if since else None,
        until=clock.start_of_day(until + timedelta(days=1)) if until else None,
    )  # fmt: skip
    with runtime.database.begin(visit.scope(Permission.FILE_READ)) as session:
        opening = files.require_open(session, visit.principal, contact_id=contact_id)
        part = read_timeline(session, contact_id, opening, only=only, after=after, least=least)
    return Response(fragment("files/_timeline.html", visit.language, part=part, visit=visit), media_type="text/html")


def render(runtime: Runtime, visit: Visit, contact_id: int) -> Rendered:
    """The file's one region; a word that it is closed, once it is."""
    with runtime.database.begin(visit.scope(Permission.FILE_READ)) as session:
        opening = files.opening(session, visit.principal, contact_id=contact_id)
        found = (
            read_file(session, visit.principal, contacts.same_person(session, contact_id), opening) if opening else None
        )
    return _shown(visit, contact_id, found)


def _shown(visit: Visit, contact_id: int, found: TaxpayerFile | None) -> Rendered:
    may_propose = visit.principal.can(Permission.PROPOSAL_MAKE)
    html = fragment(
        "files/file.html", visit.language, file=found, contact_id=contact_id, may_propose=may_propose, visit=visit
    )
    watched = {topics.contact(one) for one in (found.contact_ids if found else (contact_id,))}
    return Rendered({"file": html}, frozenset(watched))


def render_gate(runtime: Runtime, visit: Visit, contact_id: int) -> Rendered:
    """What is asked before the file opens: the one region of the page that opens it."""
    with runtime.database.begin(visit.scope(Permission.FILE_READ)) as session:
        return _gate(session, visit, contacts.same_person(session, contact_id))


def _gate(session: Session, visit: Visit, same: Sequence[ContactView]) -> Rendered:
    gate = files.gate(session, same[0].ente_id)
    html = fragment("files/gate.html", visit.language, person=same[0], gate=gate, speakers=offered(session, same))
    return Rendered({"gate": html}, frozenset(topics.contact(one.id) for one in same))


def join_gate(runtime: Runtime, visit: Visit, contact_id: int) -> list[tuple[str, Render]]:
    """The questions, whose speakers are those known now. What is shown depends on which rows its reader may see."""
    with runtime.database.begin(visit.scope(Permission.FILE_READ)) as session:
        service.show_gate(session, visit.principal, contacts.same_person(session, contact_id))
    key = f"gate:{contact_id}:{visit.principal.user_id}:{visit.language}"
    return [(key, partial(render_gate, runtime, visit, contact_id))]


def join(runtime: Runtime, visit: Visit, contact_id: int) -> list[tuple[str, Render]]:
    """An open file is its reader's alone: it depends on before whom it is open."""
    with runtime.database.begin(visit.scope(Permission.FILE_READ)) as session:
        files.require_open(session, visit.principal, contact_id=contact_id)
    key = f"file:{contact_id}:{visit.principal.user_id}:{visit.language}"
    return [(key, partial(render, runtime, visit, contact_id))]
