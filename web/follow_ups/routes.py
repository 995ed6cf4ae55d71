"""The pages of follow-ups, and what their buttons do. What follows from an action comes by the live socket; its answer
says what was done, and lets it be taken back.
"""

from collections.abc import Callable
from datetime import date, datetime, time
from functools import partial
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from pydantic import BeforeValidator
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.contacts import queries as contacts
from crm.core import clock
from crm.core.errors import InvalidError, NotFoundError
from crm.drafts.places import FormKind, Place
from crm.enti import queries as enti
from crm.follow_ups import lists, queries, service
from crm.follow_ups.models import FollowUpKind
from crm.follow_ups.queries import FollowUpView
from crm.follow_ups.when import Day, Due, due
from telephony.calls import conversation
from web.drafts.written import Written
from web.edge.fields import NearDay
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.follow_ups.view import DAYS, KINDS, Which, Whose, assignee, choices, contracts, render
from web.live.hub import Render
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
T = TypeVar("T")
Chosen = Annotated[T | None, BeforeValidator(lambda text: text or None), Form()]  # an empty field chooses nothing
FieldText = Annotated[str, Form()]
Did = Literal["made", "done", "cancelled", "postponed", "assigned", "restored"]


@router.get("/follow-ups")
def mine(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """What the visitor has to do."""
    return _page(request, runtime, visit, Which(Whose.MINE))


@router.get("/follow-ups/all")
def everybodys(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """What everybody has to do, for whoever sees to it."""
    return _page(request, runtime, visit, Which(Whose.ALL))


@router.get("/follow-ups/lists/{list_id}")
def of_list(request: Request, runtime: RuntimeDep, visit: VisitDep, list_id: int) -> Response:
    """What stands on a list."""
    return _page(request, runtime, visit, Which(Whose.LIST, list_id))


def join_mine(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """Each one's own."""
    return _join(runtime, visit, Which(Whose.MINE))


def join_all(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """Everybody's."""
    return _join(runtime, visit, Which(Whose.ALL))


def join_list(runtime: Runtime, visit: Visit, list_id: int) -> list[tuple[str, Render]]:
    """A list's."""
    return _join(runtime, visit, Which(Whose.LIST, list_id))


@router.get("/follow-ups/new")
def new(request: Request, runtime: RuntimeDep, visit: VisitDep, contact: int) -> Response:
    """A follow-up made by hand."""
    with runtime.database.begin(visit.scope(Permission.CONTACT_RECORD)) as session:
        same = contacts.same_person(session, contact)
        about = same[0]
        ente = enti.badges(session)[about.ente_id]
        open_ones = queries.of_contacts(session, [one.id for one in same])
        form = _form(session, visit, contact, None)
        at = clock.now(session)
    return page(
        request, "follow_ups/new.html", visit.language, visit=visit, csrf=visit.csrf_token, person=about, ente=ente,
        form=form, follow_ups=open_ones, now=at,
    )  # fmt: skip


@router.get("/follow-ups/form")
def form(runtime: RuntimeDep, visit: VisitDep, contact: int, call: UUID | None = None) -> Response:
    """The form, for a place beside a call or a file."""
    with runtime.database.begin(visit.scope(Permission.CONTACT_RECORD)) as session:
        return _html(_form(session, visit, contact, call))


@router.post("/follow-ups")
def make(
    runtime: RuntimeDep, visit: ChangeDep, contact: Annotated[int, Form()], kind: Annotated[FollowUpKind, Form()],
    day: Annotated[Day, Form()], chosen: Chosen[NearDay] = None, hour: Chosen[time] = None, to: FieldText = "me",
    note: FieldText = "", call: Chosen[UUID] = None,
) -> Response:  # fmt: skip
    """Owe something about a contact."""

    def work(session: Session) -> str:
        when = _due(session, visit, contact, day, chosen, hour, kind)
        made = service.make(
            session, visit.principal, contact_id=contact, kind=kind, due_at=when.at, to=assignee(visit.principal, to),
            note=note, call_id=_own_call(session, visit, call),
        )  # fmt: skip
        visit.sent(session)
        return _told(session, visit, made, "made", at_work=when.at_work)

    return _do(runtime, visit, work)


@router.post("/follow-ups/when")
def when(
    runtime: RuntimeDep, visit: ChangeDep, contact: Annotated[int, Form()], day: Annotated[Day, Form()],
    chosen: Chosen[NearDay] = None, hour: Chosen[time] = None,
) -> Response:  # fmt: skip
    """What the choice so far means, and whether the centre is at work then. Nothing is kept."""
    with runtime.database.begin(visit.scope(Permission.CONTACT_RECORD)) as session:
        try:
            found: Due | None = _due(session, visit, contact, day, chosen, hour)
        except InvalidError:
            found = None  # not complete yet; sending it says what is wrong
    return _html(fragment("follow_ups/when.html", visit.language, due=found))


@router.post("/follow-ups/{follow_up_id}/done")
def done(runtime: RuntimeDep, visit: ChangeDep, follow_up_id: int) -> Response:
    """It has been done."""
    return _change(runtime, visit, follow_up_id, "done", service.done)


@router.post("/follow-ups/{follow_up_id}/cancel")
def cancel(runtime: RuntimeDep, visit: ChangeDep, follow_up_id: int) -> Response:
    """There is nothing to be done any more."""
    return _change(runtime, visit, follow_up_id, "cancelled", service.cancel)


@router.get("/follow-ups/{follow_up_id}/postpone")
def postpone_form(runtime: RuntimeDep, visit: VisitDep, follow_up_id: int) -> Response:
    """The form that asks until when."""
    with runtime.database.begin(visit.scope(Permission.CONTACT_RECORD)) as session:
        one = _get(session, follow_up_id)
    return _html(fragment("follow_ups/postpone.html", visit.language, one=one, days=DAYS))


@router.post("/follow-ups/{follow_up_id}/postpone")
def postpone(
    runtime: RuntimeDep, visit: ChangeDep, follow_up_id: int, day: Annotated[Day, Form()],
    chosen: Chosen[NearDay] = None, hour: Chosen[time] = None,
) -> Response:  # fmt: skip
    """It is due at another instant."""

    def work(session: Session) -> str:
        one = _get(session, follow_up_id)
        when = _due(session, visit, one.contact_id, day, chosen, hour, one.kind)
        service.postpone(session, visit.principal, follow_up_id=follow_up_id, due_at=when.at)
        return _told(session, visit, follow_up_id, "postponed", at_work=when.at_work)

    return _do(runtime, visit, work)


@router.get("/follow-ups/{follow_up_id}/assign")
def assign_form(runtime: RuntimeDep, visit: VisitDep, follow_up_id: int) -> Response:
    """The form that asks whose it shall be."""
    with runtime.database.begin(visit.scope(Permission.CONTACT_RECORD)) as session:
        one = _get(session, follow_up_id)
        offered = choices(session, visit.principal, one.ente_id)
    return _html(fragment("follow_ups/assign.html", visit.language, one=one, offered=offered))


@router.post("/follow-ups/{follow_up_id}/assign")
def assign(runtime: RuntimeDep, visit: ChangeDep, follow_up_id: int, to: FieldText = "") -> Response:
    """It is somebody else's."""
    give = partial(service.assign, to=assignee(visit.principal, to))
    return _change(runtime, visit, follow_up_id, "assigned", give)


@router.post("/follow-ups/{follow_up_id}/undo")
def undo(runtime: RuntimeDep, visit: ChangeDep, follow_up_id: int, changed_at: Annotated[datetime, Form()]) -> Response:
    """Take the last change back."""
    return _change(runtime, visit, follow_up_id, "restored", partial(service.undo, changed_at=changed_at))


@router.post("/follow-ups/lists")
def create_list(
    runtime: RuntimeDep, visit: ChangeDep, contract: Annotated[int, Form()], name: FieldText = ""
) -> Response:
    """Open a list."""

    def work(session: Session) -> int:
        return lists.create(session, visit.principal, contract_id=contract, name=name)

    made = runtime.database.transact(visit.scope(Permission.FOLLOW_UP_MANAGE), work)
    return _go(f"/follow-ups/lists/{made}")


@router.post("/follow-ups/lists/{list_id}/rename")
def rename_list(runtime: RuntimeDep, visit: ChangeDep, list_id: int, name: FieldText = "") -> Response:
    """Call a list otherwise."""

    def work(session: Session) -> None:
        lists.rename(session, visit.principal, list_id=list_id, name=name)

    runtime.database.transact(visit.scope(Permission.FOLLOW_UP_MANAGE), work)
    return _go(f"/follow-ups/lists/{list_id}")


@router.post("/follow-ups/lists/{list_id}/close")
def close_list(runtime: RuntimeDep, visit: ChangeDep, list_id: int) -> Response:
    """Close a list."""

    def work(session: Session) -> None:
        lists.close(session, visit.principal, list_id=list_id)

    runtime.database.transact(visit.scope(Permission.FOLLOW_UP_MANAGE), work)
    return _go("/follow-ups/all")


def _page(request: Request, runtime: Runtime, visit: Visit, which: Which) -> Response:
    regions = render(runtime, visit, which).regions
    managed = visit.principal.contracts_for(Permission.FOLLOW_UP_MANAGE)
    with runtime.database.begin(visit.scope(Permission.CONTACT_RECORD)) as session:
        named = [(one, enti.contract_name(session, one)) for one in sorted(managed)]
        shown = {one.id: one for one in queries.lists(session, contracts(session, visit.principal))}
    return page(
        request, "follow_ups/page.html", visit.language, visit=visit, csrf=visit.csrf_token, regions=regions,
        which=which, managed=named, of_list=shown.get(which.list_id or 0),
        kinds=tuple(FollowUpKind),
    )  # fmt: skip


def _join(runtime: Runtime, visit: Visit, which: Which) -> list[tuple[str, Render]]:
    render(runtime, visit, which)  # whether it is his to see
    key = f"{which.socket}:{visit.principal.user_id}:{visit.language}"
    return [(key, partial(render, runtime, visit, which))]


def _change(runtime: Runtime, visit: Visit, follow_up_id: int, did: Did, change: Callable[..., None]) -> Response:

    def work(session: Session) -> str:
        change(session, visit.principal, follow_up_id=follow_up_id)
        return _told(session, visit, follow_up_id, did)

    return _do(runtime, visit, work)


def _do(runtime: Runtime, visit: Visit, work: Callable[[Session], str]) -> Response:
    return _html(runtime.database.transact(visit.scope(Permission.CONTACT_RECORD), work))


def _told(session: Session, visit: Visit, follow_up_id: int, did: Did, *, at_work: bool = True) -> str:
    """What was done, with what takes it back."""
    one, at = _get(session, follow_up_id), clock.now(session)
    return fragment("follow_ups/told.html", visit.language, one=one, did=did, at_work=at_work, now=at)


def _form(session: Session, visit: Visit, contact_id: int, call_id: UUID | None) -> str:
    about = contacts.get(session, contact_id)
    offered = choices(session, visit.principal, about.ente_id)
    written = Written.of(session, visit, [Place(FormKind.FOLLOW_UP, contact_id)])
    return fragment(
        "follow_ups/form.html", visit.language, contact_id=contact_id, call_id=call_id, offered=offered, kinds=KINDS,
        days=DAYS, written=written,
    )  # fmt: skip


def _due(
    session: Session, visit: Visit, contact_id: int, day: Day, chosen: date | None, hour: time | None,
    kind: FollowUpKind | None = None,
) -> Due:  # fmt: skip
    """By the hours of the lines of the contact's ente."""
    ente_id = contacts.get(session, contact_id).ente_id
    held = contracts(session, visit.principal) & enti.contracts_of(session, ente_id)
    timetable = enti.timetable(session, min(held, default=0), ente_id)
    calls = kind is FollowUpKind.CALL_BACK
    return due(day, chosen=chosen, hour=hour, now=clock.now(session), timetable=timetable, calls=calls)


def _own_call(session: Session, visit: Visit, call_id: UUID | None) -> UUID | None:
    """The call in which it is promised: the visitor's own, or none."""
    call = conversation.current_call(session, visit.principal.user_id) if call_id else None
    return call.id if call is not None and call.id == call_id else None


def _get(session: Session, follow_up_id: int) -> FollowUpView:
    found = queries.get(session, follow_up_id)
    if found is None:
        raise NotFoundError("Questa attività non esiste.")
    return found


def _html(html: str) -> Response:
    return Response(html, media_type="text/html")


def _go(path: str) -> Response:
    return Response(status_code=204, headers={"HX-Redirect": path})
