"""The form beside an open file: what is known now, what it should be; kept as a draft, taken back within a minute."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse

from crm.access.permissions import Permission
from crm.access.service import require_on, scope_for
from crm.audit import service as audit
from crm.contacts import queries as contacts
from crm.contacts.disclosure import Matter
from crm.contacts.queries import ContactView
from crm.core.errors import FieldError
from crm.drafts.places import FormKind, Place
from crm.enti import queries as enti
from crm.enti.queries import Badge
from crm.files import queries as files
from crm.positions import queries as positions
from crm.positions.views import PositionView
from crm.proposals import queries, service
from crm.proposals.service import REGRET, Made, Told
from crm.proposals.stated import values_now
from crm.proposals.subjects import (
    ADDRESS_PARTS,
    ADDRESSES,
    DAYS,
    SEVERAL,
    Problem,
    ProposalKind,
    Subject,
    Value,
    shown,
    subjects_of,
)
from web.audit.stored import flat
from web.audit.stored import said as stored
from web.drafts.written import Written
from web.edge.fields import day_of, id_of
from web.edge.templating import fragment
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
FIELDS = ("what", "instead_of", "value", *ADDRESS_PARTS, "position", "problem", "since", "note", "evidence", "call")
TYPES = {Subject.PHONE: "tel", Subject.EMAIL: "email", Subject.PEC: "email", Subject.DIGITAL_DOMICILE: "email"}


@dataclass(frozen=True, slots=True)
class FormView:
    """What the form shows. `now` are the present values of the subject chosen; `fields` what is typed so far."""

    kind: ProposalKind
    contact: ContactView
    same: tuple[tuple[int, Badge], ...]  # the person's row in each ente, to be chosen among
    subjects: tuple[Subject, ...]
    subject: Subject
    now: tuple[Value, ...]
    positions: tuple[PositionView, ...]
    fields: dict[str, str]

    @property
    def is_address(self) -> bool:
        return self.subject in ADDRESSES

    @property
    def several(self) -> bool:
        """Whether a new one may stand beside those there are."""
        return self.subject in SEVERAL

    @property
    def input_type(self) -> str:
        return "date" if self.subject in DAYS else TYPES.get(self.subject, "text")

    def typed(self, name: str) -> str:
        """What is typed so far in a field."""
        return self.fields.get(name, "")


async def typed(request: Request) -> dict[str, str]:
    """The form's fields, whichever of them were sent."""
    sent = await request.form()
    return {name: value for name in FIELDS if isinstance(value := sent.get(name), str)}


TypedDep = Annotated[dict[str, str], Depends(typed)]


@router.get("/proposals/form/{kind}/{contact_id}")
def show(
    runtime: RuntimeDep, visit: VisitDep, kind: ProposalKind, contact_id: int, call: UUID | None = None
) -> Response:
    """Open the form, with what its writer had typed before."""

    def work(session: Session) -> str:
        place = Place(FormKind(kind.value), contact_id)
        fields = Written.of(session, visit, [place]).single(place)
        if call is not None:
            fields["call"] = str(call)
        return _form(session, visit, kind, contact_id, fields)

    return _html(runtime, visit, work)


@router.post("/proposals/form/{kind}/{contact_id}")
def change(runtime: RuntimeDep, visit: ChangeDep, kind: ProposalKind, contact_id: int, fields: TypedDep) -> Response:
    """Another subject was chosen: the same form with its fields. Posted, because it carries what is typed."""

    def work(session: Session) -> str:
        kept = {name: text for name, text in fields.items() if name not in {"value", "instead_of", *ADDRESS_PARTS}}
        return _form(session, visit, kind, contact_id, kept)

    return _html(runtime, visit, work)


@router.post("/proposals/make/{kind}/{contact_id}")
def make(runtime: RuntimeDep, visit: ChangeDep, kind: ProposalKind, contact_id: int, fields: TypedDep) -> Response:
    """Make the proposal, and offer to take it back for a minute."""
    report = _correction if kind is ProposalKind.CORRECTION else _problem

    def work(session: Session) -> str:
        made = report(session, visit, contact_id, fields)
        visit.sent(session)
        view = queries.get(session, made.proposal_id)
        seconds = int(REGRET.total_seconds())
        return fragment("proposals/_made.html", visit.language, made=made, one=view, seconds=seconds)

    return _html(runtime, visit, work)


@router.get("/proposals/closed")
def closed(_visit: VisitDep) -> Response:
    """The minute is over: nothing stands in the place of the offer."""
    return HTMLResponse("")


@router.post("/proposals/{proposal_id}/take-back")
def take_back(
    runtime: RuntimeDep, visit: ChangeDep, proposal_id: UUID, voice: Annotated[int | None, Form()] = None
) -> Response:
    """Whoever made it thinks better of it."""

    def work(session: Session) -> str:
        service.take_back(session, visit.principal, proposal_id=proposal_id, voice_id=voice)
        return fragment("proposals/_taken_back.html", visit.language)

    return _html(runtime, visit, work)


def _correction(session: Session, visit: Visit, contact_id: int, fields: dict[str, str]) -> Made:
    now = values_now(contacts.get(session, contact_id))
    subject = _member(Subject, fields.get("what", ""), "what", "Scegli quale dato correggere.")
    instead_of = next((one for one in now.get(subject, ()) if shown(one) == fields.get("instead_of")), None)
    return service.propose_correction(
        session, visit.principal, contact_id=contact_id, subject=subject, instead_of=instead_of, fields=fields,
        told=_told(fields),
    )  # fmt: skip


def _problem(session: Session, visit: Visit, contact_id: int, fields: dict[str, str]) -> Made:
    position, since = fields.get("position", ""), fields.get("since", "")
    return service.report_problem(
        session, visit.principal, contact_id=contact_id, position_id=id_of(position),
        problem=_member(Problem, fields.get("problem", ""), "problem", "Scegli che cosa è successo."),
        since=_day(since) if since else None, told=_told(fields),
    )  # fmt: skip


def _told(fields: dict[str, str]) -> Told:
    return Told(fields.get("note", ""), fields.get("evidence", ""), _uuid(fields.get("call", "")))


def _form(session: Session, visit: Visit, kind: ProposalKind, contact_id: int, fields: dict[str, str]) -> str:
    person = contacts.same_person(session, contact_id)
    contact = person[0]
    require_on(session, visit.principal, Permission.PROPOSAL_MAKE, ente_id=contact.ente_id)
    matter = Matter.CONTACT_DATA if kind is ProposalKind.CORRECTION else Matter.ACTS
    files.require_open(session, visit.principal, contact_id=contact.id, matter=matter)
    audit.note(
        session, visit.principal, kind="proposal.form_opened", ente_id=contact.ente_id, contact_id=contact.id,
        call_id=_uuid(fields.get("call", "")),
    )  # fmt: skip
    subjects = subjects_of(contact.kind)
    chosen = next((one for one in subjects if one.value == fields.get("what")), Subject.PHONE)
    badges = enti.badges(session)
    served = scope_for(session, visit.principal, Permission.PROPOSAL_MAKE).enti or ()
    same = [one for one in person if one.ente_id in served]
    view = FormView(
        kind=kind, contact=contact, same=tuple((one.id, badges[one.ente_id]) for one in same), subjects=subjects,
        subject=chosen, now=values_now(contact).get(chosen, ()),
        positions=tuple(positions.of_contact(session, [contact.id])), fields=fields,
    )  # fmt: skip
    return fragment(
        "proposals/_form.html",
        visit.language,
        view=view,
        problems=tuple(Problem),
        shown=shown,
        parts=ADDRESS_PARTS,
        said=lambda value: flat(stored("value", shown(value), visit.language)),
    )


def _html(runtime: Runtime, visit: Visit, work: Callable[[Session], str]) -> Response:
    return HTMLResponse(runtime.database.transact(visit.scope(Permission.PROPOSAL_MAKE), work))


def _member(kind: type[Any], text: str, field: str, message: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise FieldError(message, field=field) from None


def _day(text: str) -> date:
    try:
        return day_of(text)
    except ValueError:
        raise FieldError("Non è una data: scegli giorno, mese e anno.", field="since") from None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
