"""Beside an open file: what he asked for goes to him by SMS or e-mail; looked at before, taken back for seconds."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Form, Response
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse

from crm.access.permissions import Permission
from crm.contacts import queries as contacts
from crm.contacts.disclosure import Matter
from crm.contacts.queries import ContactView
from crm.core import clock
from crm.core.errors import FieldError
from crm.drafts.places import FormKind, Place
from crm.enti import queries as enti
from crm.enti.queries import Badge
from crm.files import queries as files
from crm.files.queries import Opening
from crm.messages import queries, service
from crm.messages.models import MessageChannel
from crm.messages.rules import Address, Withheld
from crm.messages.service import Order, Prepared
from crm.messages.templates import HOW_TO_PAY, MessageTemplate
from crm.messages.wording import LANGUAGES, spoken
from crm.positions import queries as positions
from crm.positions.payable import Payable, payable_now
from web.drafts.written import Written
from web.edge.templating import fragment
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
FieldText = Annotated[str, Form(max_length=300)]


@dataclass(frozen=True, slots=True)
class Typed:
    """What is chosen in the form; `once` is the form's own, so that pressed twice it sends once."""

    to: str = ""
    notice: str = ""
    language: str = ""
    once: str = ""


@dataclass(frozen=True, slots=True)
class FormView:
    """What can be chosen. Each address with why nothing may be sent there, if so."""

    contact: ContactView
    same: tuple[tuple[int, Badge], ...]  # the person's row in each ente, to be chosen among
    addresses: tuple[tuple[Address, Prepared], ...]
    notices: tuple[Payable, ...]
    language: str
    once: UUID


def typed(
    to: FieldText = "", notice: FieldText = "", language: FieldText = "", once: FieldText = ""
) -> Typed:  # fmt: skip
    """The form's fields."""
    return Typed(to, notice, language, once)


TypedDep = Annotated[Typed, Depends(typed)]


@router.get("/messages/form/{contact_id}")
def form(runtime: RuntimeDep, visit: VisitDep, contact_id: int) -> Response:
    """To whom, in which language, about which notice."""
    with runtime.database.begin(visit.scope(Permission.CONTACT_RECORD)) as session:
        opening = _opened(session, visit, contact_id)
        same = contacts.same_person(session, contact_id)
        contact, badges = same[0], enti.badges(session)
        facts, language = queries.facts(session, contact)
        fit = [one for one in facts.addresses if one.channel in HOW_TO_PAY.channels]
        orders = [(one, _order(runtime, contact, Typed(), one, None)) for one in fit]
        view = FormView(
            contact,
            tuple((one.id, badges[one.ente_id]) for one in same if one.id in opening.contact_ids),
            tuple((one, service.prepare(session, order)) for one, order in orders),
            _notices(session, contact_id, opening), spoken(language), uuid4(),
        )  # fmt: skip
        written = Written.of(session, visit, [Place(FormKind.MESSAGE, contact_id)])
    return HTMLResponse(
        fragment("messages/_form.html", visit.language, view=view, languages=LANGUAGES, written=written)
    )


@router.post("/messages/preview/{contact_id}")
def preview(runtime: RuntimeDep, visit: ChangeDep, contact_id: int, typed: TypedDep) -> Response:
    """The message as it would go out."""
    with runtime.database.begin(visit.scope(Permission.CONTACT_RECORD)) as session:
        order, _ = _ordered(session, runtime, visit, contact_id, typed)
        ready = service.prepare(session, order)
    return HTMLResponse(fragment("messages/_preview.html", visit.language, ready=ready, withheld=_withheld(ready)))


@router.post("/messages/send/{contact_id}")
def send(runtime: RuntimeDep, visit: ChangeDep, contact_id: int, typed: TypedDep) -> Response:
    """Owe it, with some seconds to take it back."""

    def work(session: Session) -> UUID:
        order, opening = _ordered(session, runtime, visit, contact_id, typed)
        ready = service.prepare(session, order)
        if isinstance(ready.decision, Withheld):
            raise FieldError("A questo recapito non si può scrivere: guarda perché nell'anteprima.", "to")
        visit.sent(session)
        cause = f"file:{visit.principal.user_id}:{_once(typed)}"
        return service.owe(
            session, visit.principal, order, cause=cause, delay=service.UNDO, call_id=opening.call_id
        )  # fmt: skip

    made = runtime.database.transact(visit.scope(Permission.CONTACT_RECORD), work)
    seconds = int(service.UNDO.total_seconds())
    return HTMLResponse(fragment("messages/_sent.html", visit.language, message=made, seconds=seconds))


@router.post("/messages/{message_id}/cancel")
def cancel(runtime: RuntimeDep, visit: ChangeDep, message_id: UUID) -> Response:
    """Take it back."""

    def work(session: Session) -> None:
        service.cancel(session, visit.principal, message_id=message_id)

    runtime.database.transact(visit.scope(Permission.CONTACT_RECORD), work)
    return HTMLResponse(fragment("messages/_cancelled.html", visit.language))


@router.get("/messages/closed")
def closed() -> Response:
    """Nothing is left to be pressed: the timeline tells the rest."""
    return HTMLResponse("")


def _opened(session: Session, visit: Visit, contact_id: int) -> Opening:
    """The file must be open, and before somebody who may hear where the taxpayer is reached."""
    return files.require_open(session, visit.principal, contact_id=contact_id, matter=Matter.CONTACT_DATA)


def _ordered(
    session: Session, runtime: Runtime, visit: Visit, contact_id: int, typed: Typed
) -> tuple[Order, Opening]:  # fmt: skip
    opening = _opened(session, visit, contact_id)
    channel, _, value = typed.to.partition(":")
    if channel not in {one.value for one in HOW_TO_PAY.channels} or not value:
        raise FieldError("Scegli a quale recapito.", "to")
    if typed.language not in {"", *LANGUAGES}:
        raise FieldError("Scegli una lingua dell'elenco.", "language")
    notice = None
    if typed.notice:
        notice = next(
            (one for one in _notices(session, contact_id, opening) if one.notice_number == typed.notice), None
        )
        if notice is None:
            raise FieldError("Questo avviso non è, o non è più, da pagare: scegline un altro.", "notice")
    contact = contacts.get(session, contact_id)
    return _order(runtime, contact, typed, Address(MessageChannel(channel), value), notice), opening


def _order(runtime: Runtime, contact: ContactView, typed: Typed, to: Address, notice: Payable | None) -> Order:
    values: dict[str, object] = {"link": f"{runtime.settings.public_url}/info/{contact.ente_id}"}
    if notice is not None:
        values |= {"notice": notice.notice_number, "amount": notice.cents}
    return Order(
        contact.ente_id, MessageTemplate.HOW_TO_PAY.value, values, contact_id=contact.id, channel=to.channel,
        address=to.value, language=typed.language or None,
    )  # fmt: skip


def _notices(session: Session, contact_id: int, opening: Opening) -> tuple[Payable, ...]:
    """What can be paid by a notice number, as far as whoever listens may hear of it."""
    if not {Matter.AMOUNTS, Matter.ACTS, Matter.PAYMENTS} <= opening.told[contact_id]:
        return ()
    today = clock.business_day(clock.now(session))
    found = (one for position in positions.of_contact(session, [contact_id]) for one in payable_now(position, today))
    return tuple(one for one in found if one.notice_number)


def _once(typed: Typed) -> UUID:
    try:
        return UUID(typed.once)
    except ValueError:
        raise FieldError("Ricarica la pagina e riprova.", "to") from None


def _withheld(ready: Prepared) -> Withheld | None:
    return ready.decision if isinstance(ready.decision, Withheld) else None
