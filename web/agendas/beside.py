"""An appointment booked beside an open file: the first free times, one of them held, and it is his; or taken back.

The file stays where it is. Who comes is whose file it is; what is asked for is where the confirmation goes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.agendas import booking, finding, holding, queries, telling
from crm.agendas.errors import HoldGoneError, SlotGoneError
from crm.agendas.holding import Held
from crm.agendas.people import Person
from crm.agendas.queries import ServiceView
from crm.agendas.rules import Channel
from crm.agendas.sites import manage_at
from crm.agendas.slots import MOST_TOLD, Free, few
from crm.contacts import queries as contacts
from crm.contacts.disclosure import Matter
from crm.contacts.models import ReachKind, Verification
from crm.contacts.phone import takes_sms
from crm.contacts.queries import ContactView
from crm.core import clock
from crm.core.errors import FieldError, InvalidError, NotFoundError
from crm.drafts.places import FormKind, Place
from crm.enti import queries as enti
from crm.enti.queries import Badge
from crm.files import queries as files
from crm.files.models import Purpose
from crm.files.queries import Opening
from crm.messages.models import MessageChannel
from crm.messages.queries import facts
from telephony.calls import conversation
from web.agendas.appointments import picked
from web.agendas.parts import Box, day_in
from web.drafts.written import Written
from web.edge.fields import id_of
from web.edge.templating import fragment
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.wiring import Runtime

router = APIRouter(prefix="/beside/appointments", include_in_schema=False)
WEEKS = timedelta(days=14)  # looked through at once, until there are enough
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WRITTEN = {MessageChannel.EMAIL: "email", MessageChannel.SMS: "sms"}
NOBODY_TOLD = "Scrivi un'e-mail o un numero di telefono, per avvisare la persona se cambia qualcosa."


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is chosen so far, as it was sent."""

    service: str = ""
    office: str = ""
    first: str = ""
    at: str = ""
    hold: str = ""


def chosen(service: str = "", office: str = "", first: str = "") -> Chosen:
    """Of an address."""
    return Chosen(service, office, first)


def sent(service: Box = "", office: Box = "", first: Box = "", at: Box = "", hold: Box = "") -> Chosen:
    """Of a form."""
    return Chosen(service, office, first, at, hold)


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose file it is, and who hears it."""

    contact: ContactView
    opening: Opening
    same: tuple[tuple[int, Badge], ...]  # his row in each ente that receives by appointment
    services: tuple[ServiceView, ...]

    @property
    def channel(self) -> Channel:
        """Whoever is at the desk takes the desk's share of the times."""
        return Channel.DESK if self.opening.purpose is Purpose.DESK else Channel.PHONE


@dataclass(frozen=True, slots=True)
class Reached:
    """Where he can be told. `how`: email, sms, or phone, which takes no message; `calling`: he calls from there now."""

    how: str
    value: str
    verified: bool = False
    calling: bool = False

    @property
    def chosen(self) -> str:
        """As the form sends it."""
        return f"{self.how}:{self.value}"


@dataclass(frozen=True, slots=True)
class Times:
    """What can be had. `words` say why this is asked again; `until` is the last day that was looked at."""

    whose: Whose
    service: ServiceView | None
    offices: tuple[tuple[int, str], ...]  # that offer it
    office_id: int | None
    first: date
    until: date
    free: tuple[Free, ...]
    words: str = ""


@router.get("/{contact_id}")
def begin(
    runtime: RuntimeDep, visit: VisitDep, contact_id: int, wanted: Annotated[Chosen, Depends(chosen)]
) -> Response:
    """The first free times; or the form as it was left, while its time is still held."""
    place = Place(FormKind.APPOINTMENT, contact_id)
    with runtime.database.begin(visit.scope(Permission.APPOINTMENT_MANAGE)) as session:
        whose = _whose(session, visit, contact_id)
        written = Written.of(session, visit, [place])
        left = written.single(place).get("hold", "")
        if left and wanted == Chosen():
            try:
                held = holding.held(session, ente_id=whose.contact.ente_id, token=left)
                if held.until <= clock.now(session):
                    raise HoldGoneError
                return _html(_held(session, visit, whose, held))
            except HoldGoneError as gone:
                return _html(_times(session, visit, whose, wanted, words=str(gone)))
        return _html(_times(session, visit, whose, wanted))


@router.post("/{contact_id}/hold")
def hold(runtime: RuntimeDep, visit: ChangeDep, contact_id: int, wanted: Annotated[Chosen, Depends(sent)]) -> Response:
    """He takes one of them: it is his for as long as the form is filled in."""
    office_id, starts_at = picked(wanted.at)

    def work(session: Session) -> str:
        whose = _whose(session, visit, contact_id)
        service = _service(whose, wanted.service)
        if service is None:
            raise NotFoundError("Questo servizio non esiste.")
        held = holding.hold(
            session, visit.principal, ente_id=whose.contact.ente_id, service_id=service.id, office_id=office_id,
            starts_at=starts_at, channel=whose.channel, holder=f"user:{visit.principal.user_id}",
        )  # fmt: skip
        return _held(session, visit, whose, held)

    return _or_others(runtime, visit, contact_id, wanted, work)


@router.post("/{contact_id}/extend")
def extend(
    runtime: RuntimeDep, visit: ChangeDep, contact_id: int, wanted: Annotated[Chosen, Depends(sent)]
) -> Response:
    """Five minutes more."""

    def work(session: Session) -> str:
        whose = _whose(session, visit, contact_id)
        held = holding.extend(session, ente_id=whose.contact.ente_id, token=wanted.hold)
        return fragment("agendas/_beside_countdown.html", visit.language, held=held, whose=whose)

    return _or_others(runtime, visit, contact_id, wanted, work, anew=True)


@router.post("/{contact_id}/other")
def other(runtime: RuntimeDep, visit: ChangeDep, contact_id: int, wanted: Annotated[Chosen, Depends(sent)]) -> Response:
    """Another time: the one that was held is free again. What is typed stays a draft."""

    def work(session: Session) -> str:
        whose = _whose(session, visit, contact_id)
        holding.release(session, ente_id=whose.contact.ente_id, token=wanted.hold)
        return _times(session, visit, whose, wanted)

    return _html(runtime.database.transact(visit.scope(Permission.APPOINTMENT_MANAGE), work))


@router.post("/{contact_id}/give-up")
def give_up(
    runtime: RuntimeDep, visit: ChangeDep, contact_id: int, wanted: Annotated[Chosen, Depends(sent)]
) -> Response:
    """No appointment after all."""

    def work(session: Session) -> None:
        whose = _whose(session, visit, contact_id)
        holding.release(session, ente_id=whose.contact.ente_id, token=wanted.hold)

    runtime.database.transact(visit.scope(Permission.APPOINTMENT_MANAGE), work)
    return HTMLResponse("")


@router.post("/{contact_id}")
def book(
    runtime: RuntimeDep, visit: ChangeDep, contact_id: int, wanted: Annotated[Chosen, Depends(sent)], to: Box = "",
    other: Box = "", notes: Box = "",
) -> Response:  # fmt: skip
    """It is his, and he is told where he wants."""

    def work(session: Session) -> str:
        whose = _whose(session, visit, contact_id)
        ente_id = whose.contact.ente_id
        booked = booking.book(
            session, visit.principal, ente_id=ente_id, hold=wanted.hold, contact_id=whose.contact.id,
            person=_person(session, visit, whose, to, other, notes),
            manage_at=manage_at(session, ente_id, runtime.settings.public_url),
        )  # fmt: skip
        visit.sent(session)
        one = queries.get(session, booked.appointment_id)
        return fragment(
            "agendas/_beside_booked.html", visit.language, one=one, told=telling.told(session, [one])[one.id],
            office=queries.office(session, one.office_id), service=queries.service(session, ente_id, one.service_id),
        )  # fmt: skip

    try:
        return _or_others(runtime, visit, contact_id, wanted, work)
    except InvalidError as error:
        parts = error.parts or (error,)
        if any(part.field in {"phone", "email"} for part in parts):
            said = next(str(part) for part in parts if part.field in {"phone", "email"})
            raise FieldError(said, "other") from None
        raise


@router.post("/of/{appointment_id}/cancel")
def cancel(runtime: RuntimeDep, visit: ChangeDep, appointment_id: UUID) -> Response:
    """It was a mistake, or he thinks better of it."""

    def work(session: Session) -> str:
        one = queries.get(session, appointment_id)
        booking.cancel(
            session, visit.principal, ente_id=one.ente_id, appointment_id=one.id, channel=Channel.PHONE,
            manage_at=manage_at(session, one.ente_id, runtime.settings.public_url),
        )  # fmt: skip
        told = telling.told(session, [queries.get(session, one.id)])[one.id]
        return fragment("agendas/_beside_cancelled.html", visit.language, one=one, told=told)

    return _html(runtime.database.transact(visit.scope(Permission.APPOINTMENT_MANAGE), work))


def _or_others(
    runtime: Runtime, visit: Visit, contact_id: int, wanted: Chosen, work: Callable[[Session], str], *,
    anew: bool = False,
) -> Response:  # fmt: skip
    """Do it; when somebody else has the time, or it took too long, the nearest ones that can be had.

    `anew`: the answer belongs in a part of the form alone, and takes the place of all of it then.
    """
    scope = visit.scope(Permission.APPOINTMENT_MANAGE)
    try:
        return _html(runtime.database.transact(scope, work))
    except (SlotGoneError, HoldGoneError) as gone:
        near = gone.alternatives if isinstance(gone, SlotGoneError) else ()
        with runtime.database.begin(scope) as session:
            html = _times(session, visit, _whose(session, visit, contact_id), wanted, words=str(gone), near=near)
    return HTMLResponse(html, headers={"HX-Retarget": "#propose", "HX-Reswap": "innerHTML"} if anew else {})


def _whose(session: Session, visit: Visit, contact_id: int) -> Whose:
    """Raises `ForbiddenError` while the file is closed, or of an ente for which the visitor may not book."""
    opening = files.require_open(session, visit.principal, contact_id=contact_id)
    same = [one for one in contacts.same_person(session, contact_id) if one.id in opening.contact_ids]
    badges = enti.badges(session)
    offered = {one.id: _offered(session, one.ente_id) for one in same}
    receiving = tuple((one.id, badges[one.ente_id]) for one in same if offered[one.id])
    return Whose(same[0], opening, receiving, offered[same[0].id])


def _offered(session: Session, ente_id: int) -> tuple[ServiceView, ...]:
    return tuple(one for one in queries.services(session, ente_id) if one.active and one.offices)


def _service(whose: Whose, text: str) -> ServiceView | None:
    """The service chosen, else the first."""
    return next((one for one in whose.services if str(one.id) == text), next(iter(whose.services), None))


def _times(
    session: Session, visit: Visit, whose: Whose, wanted: Chosen, *, words: str = "", near: Sequence[Free] = ()
) -> str:
    service, today = _service(whose, wanted.service), clock.business_day(clock.now(session))
    first = max(today, day_in(wanted.first, today, "first"))
    offices = [queries.office(session, one) for one in sorted(service.offices)] if service else []
    office_id = next((one.id for one in offices if one.id == id_of(wanted.office)), None)
    free, until = (list(near), first) if near else _free(session, whose, service, office_id, first)
    times = Times(
        whose, service, tuple((one.id, one.name) for one in offices), office_id, first, until,
        tuple(few(free, clock.business_day)), words,
    )  # fmt: skip
    return fragment("agendas/_beside.html", visit.language, times=times, letters=LETTERS)


def _free(
    session: Session, whose: Whose, service: ServiceView | None, office_id: int | None, first: date
) -> tuple[list[Free], date]:
    """The free times from a day on, over as many weeks as it takes for some to choose among; and the last day seen."""
    found: list[Free] = []
    if service is None:
        return found, first
    end = clock.business_day(clock.now(session)) + timedelta(days=service.limits.horizon_days)
    last = first
    while first <= end and len(found) < MOST_TOLD:
        last = min(first + WEEKS, end)
        found += finding.free_times(
            session, ente_id=whose.contact.ente_id, service_id=service.id, channel=whose.channel, first=first,
            last=last, office_id=office_id,
        )  # fmt: skip
        first = last + timedelta(days=1)
    return found, last


def _held(session: Session, visit: Visit, whose: Whose, held: Held) -> str:
    contact = whose.contact
    place = Place(FormKind.APPOINTMENT, contact.id)
    return fragment(
        "agendas/_beside_held.html", visit.language, whose=whose, held=held, reached=_reached(session, visit, whose),
        service=queries.service(session, contact.ente_id, held.service_id),
        office=queries.office(session, held.office_id), needs_address=whose.channel is not Channel.DESK,
        written=Written.of(session, visit, [place]),
    )  # fmt: skip


def _reached(session: Session, visit: Visit, whose: Whose) -> tuple[Reached, ...]:
    """Where he can be told, the best first: where he is known to be written to, the mobile that he calls from, and
    telephones that take no message; as far as whoever listens may hear of it.
    """
    contact, found = whose.contact, list[Reached]()
    if Matter.CONTACT_DATA in whose.opening.told[contact.id]:
        written = (one for one in facts(session, contact)[0].addresses if one.channel in WRITTEN)
        found += [Reached(WRITTEN[one.channel], one.value, verified=one.verified) for one in written]
        good = (one for one in contact.reaches if one.verification is not Verification.WRONG)
        found += [
            Reached("phone", one.value) for one in good if one.kind is ReachKind.PHONE and not takes_sms(one.value)
        ]
    call = conversation.current_call(session, visit.principal.user_id)
    calling = call.caller if call is not None and call.id == whose.opening.call_id else None
    if calling and takes_sms(calling) and calling not in {one.value for one in found}:
        found.insert(sum(one.how != "phone" for one in found), Reached("sms", calling, calling=True))
    return tuple(found)


def _person(session: Session, visit: Visit, whose: Whose, to: str, other: str, notes: str) -> Person:
    """He whose file it is. Raises `FieldError`."""
    contact, other = whose.contact, other.strip()
    known = next((one for one in _reached(session, visit, whose) if one.chosen == to), None)
    if to and known is None:
        raise FieldError("Questo recapito non è più nella scheda: scegline un altro.", "to")
    if not other and known is None and whose.channel is not Channel.DESK:
        raise FieldError(NOBODY_TOLD, "other")
    value = other or (known.value if known else "")
    email, phone = (value, "") if "@" in value else ("", value)
    return Person(
        contact.given_name or "", contact.surname, contact.codice_fiscale, phone, email,
        facts(session, contact)[1], notes,
    )  # fmt: skip


def _html(text: str) -> Response:
    return HTMLResponse(text)
