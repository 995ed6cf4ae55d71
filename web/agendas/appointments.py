"""An appointment, for whoever books, moves and cancels it for a citizen on the telephone or at the desk."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.agendas import booking, finding, holding, queries, telling
from crm.agendas.errors import HoldGoneError, SlotGoneError
from crm.agendas.models import AppointmentState
from crm.agendas.people import Person
from crm.agendas.rules import Channel, Gone
from crm.agendas.sites import manage_at
from crm.agendas.slots import Free
from crm.core import clock
from crm.core.errors import FieldError, InvalidError, NotFoundError
from crm.enti.queries import badges
from crm.messages.wording import LANGUAGES
from web.agendas.parts import Box, day_in, ids_in, office_in, show
from web.edge.answers import NO_CONTENT, shown_anew
from web.edge.fields import id_of, instant_of
from web.edge.i18n import translations
from web.edge.templating import fragment
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.wiring import Runtime

router = APIRouter(prefix="/agendas", include_in_schema=False)
DAYS = 7  # of times at once
STAFF = (Channel.PHONE, Channel.DESK)


@router.post("/search")
def search(runtime: RuntimeDep, visit: ChangeDep, text: Box = "") -> Response:
    """Appointments by code or surname. Asked by a form: neither stands in an address."""
    with runtime.database.begin(visit.scope(Permission.APPOINTMENT_READ)) as session:
        found = queries.searched(session, text)
        offices = {one.office_id: queries.office(session, one.office_id) for one in found}
        now = clock.now(session)
    return HTMLResponse(
        fragment("agendas/_found.html", visit.language, found=found, offices=offices, now=now, typed=text.strip())
    )


@router.get("/appointments/{appointment_id}")
def appointment(
    request: Request, runtime: RuntimeDep, visit: VisitDep, appointment_id: UUID, day: str = "", office: str = ""
) -> Response:
    """What it is, what happened with it, and times that it could have instead."""
    scope = visit.scope(Permission.APPOINTMENT_READ)
    with runtime.database.begin(scope) as session:
        one = queries.get(session, appointment_id)
        at = office_in(session, scope, one.office_id)
        service = queries.service(session, one.ente_id, one.service_id)
        today = clock.business_day(clock.now(session))
        first = max(today, day_in(day, clock.business_day(one.starts_at)))
        other = id_of(office) if office else one.office_id
        context: dict[str, Any] = {
            "one": one, "office": at, "ente": badges(session)[one.ente_id], "service": service, "first": first,
            "chosen_office": other, "last": first + timedelta(days=DAYS - 1), "now": clock.now(session),
            "offices": {two: queries.office(session, two).name for two in sorted(service.offices)},
            "events": queries.events(session, one.id),
            "office_pairs": [(two, queries.office(session, two).name) for two in sorted(service.offices)],
        }  # fmt: skip
        may = visit.principal.can(Permission.APPOINTMENT_MANAGE) and one.state.value == "booked"
        times: list[Free] = []
        if may and other in service.offices:
            times = finding.free_times(
                session, ente_id=one.ente_id, service_id=one.service_id, channel=Channel.DESK, first=first,
                last=first + timedelta(days=DAYS - 1), office_id=other, moving=one.id,
            )  # fmt: skip
        context["settles"] = [
            to is AppointmentState.DONE for was, to in sorted(booking.SETTLED)
            if was is one.state and booking.is_over(one.starts_at, now=context["now"])
            and visit.principal.can(Permission.APPOINTMENT_MANAGE)
        ]  # fmt: skip
        context["unsettles"] = visit.principal.can(Permission.APPOINTMENT_MANAGE) and bool(
            booking.said_wrongly(context["events"], now=context["now"])
        )
        context |= {"may": may, "times": _by_day([time for time in times if time.starts_at != one.starts_at])}
    return show(request, visit, "agendas/appointment.html", **context)


@router.post("/appointments/{appointment_id}/move")
def move(runtime: RuntimeDep, visit: ChangeDep, appointment_id: UUID, at: Box = "", reason: Box = "") -> Response:
    """Another time. If somebody was quicker, what is near to it."""
    office_id, starts_at = picked(at)

    def work(session: Session) -> None:
        one = queries.get(session, appointment_id)
        booking.move_to(
            session, visit.principal, ente_id=one.ente_id, appointment_id=one.id, office_id=office_id,
            starts_at=starts_at, channel=Channel.DESK, reason=reason,
            manage_at=manage_at(session, one.ente_id, runtime.settings.public_url),
        )  # fmt: skip

    return _do(runtime, visit, appointment_id, work, translations(visit.language).gettext("Appuntamento spostato."))


@router.post("/appointments/{appointment_id}/cancel")
def cancel(
    runtime: RuntimeDep, visit: ChangeDep, appointment_id: UUID, whose: Box = "citizen", reason: Box = ""
) -> Response:
    """Nobody comes."""
    if whose == "office" and not reason.strip():
        raise FieldError("Scrivi il motivo: resta nella storia dell'appuntamento.", "reason")

    def work(session: Session) -> None:
        one = queries.get(session, appointment_id)
        booking.cancel(
            session, visit.principal, ente_id=one.ente_id, appointment_id=one.id, channel=Channel.PHONE,
            by_office=whose == "office", reason=reason,
            manage_at=manage_at(session, one.ente_id, runtime.settings.public_url),
        )  # fmt: skip

    return _do(runtime, visit, appointment_id, work, translations(visit.language).gettext("Appuntamento annullato."))


@router.post("/appointments/{appointment_id}/restore")
def restore(runtime: RuntimeDep, visit: ChangeDep, appointment_id: UUID) -> Response:
    """The office cancelled it by mistake."""

    def work(session: Session) -> None:
        one = queries.get(session, appointment_id)
        booking.restore(
            session, visit.principal, ente_id=one.ente_id, appointment_id=one.id,
            manage_at=manage_at(session, one.ente_id, runtime.settings.public_url),
        )  # fmt: skip

    return _do(runtime, visit, appointment_id, work, translations(visit.language).gettext("Appuntamento ripreso."))


@router.post("/appointments/{appointment_id}/outcome")
def settle(runtime: RuntimeDep, visit: ChangeDep, appointment_id: UUID, came: Annotated[bool, Form()]) -> Response:
    """Whether he came, said afterwards."""

    def work(session: Session) -> None:
        one = queries.get(session, appointment_id)
        booking.settle(session, visit.principal, ente_id=one.ente_id, appointment_id=one.id, came=came)

    runtime.database.transact(visit.scope(Permission.APPOINTMENT_MANAGE), work)
    return shown_anew(translations(visit.language).gettext("Segnato."))  # nobody is told of it


@router.post("/appointments/{appointment_id}/outcome/undo")
def unsettle(runtime: RuntimeDep, visit: ChangeDep, appointment_id: UUID) -> Response:
    """That was a mistake."""

    def work(session: Session) -> None:
        one = queries.get(session, appointment_id)
        booking.unsettle(session, visit.principal, ente_id=one.ente_id, appointment_id=one.id)

    runtime.database.transact(visit.scope(Permission.APPOINTMENT_MANAGE), work)
    return shown_anew(translations(visit.language).gettext("Annullato: è com'era prima."))


@router.get("/{office_id}/book")
def times(
    request: Request, runtime: RuntimeDep, visit: VisitDep, office_id: int, service: str = "", day: str = "",
    channel: str = "phone",
) -> Response:  # fmt: skip
    """The times of a week for a service, to choose one."""
    scope = visit.scope(Permission.APPOINTMENT_MANAGE)
    with runtime.database.begin(scope) as session:
        office = office_in(session, scope, office_id)
        offered = [
            one for one in queries.services(session, office.ente_id) if one.active and office_id in one.offices
        ]  # fmt: skip
        wanted = next((one for one in offered if str(one.id) == service), offered[0] if offered else None)
        by = _channel(channel)
        first = max(clock.business_day(clock.now(session)), day_in(day, date.min))
        found = finding.free_times(
            session, ente_id=office.ente_id, service_id=wanted.id, channel=by, first=first,
            last=first + timedelta(days=DAYS - 1), office_id=office_id,
        ) if wanted else []  # fmt: skip
        context = {
            "office": office, "ente": badges(session)[office.ente_id], "offered": offered, "wanted": wanted,
            "by": by, "channels": STAFF, "first": first, "last": first + timedelta(days=DAYS - 1),
            "times": _by_day(found),
            "offered_pairs": [(one.id, one.called(visit.language)) for one in offered],
        }  # fmt: skip
    return show(request, visit, "agendas/times.html", **context)


@router.post("/hold")
def hold(runtime: RuntimeDep, visit: ChangeDep, service: Box = "", channel: Box = "phone", at: Box = "") -> Response:
    """Take a time for as long as the form is being filled in."""
    (wanted, starts_at), (service_id,) = picked(at), ids_in([service or "0"])
    scope = visit.scope(Permission.APPOINTMENT_MANAGE)

    def work(session: Session) -> str:
        office = office_in(session, scope, wanted)
        return holding.hold(
            session, visit.principal, ente_id=office.ente_id, service_id=service_id, office_id=wanted,
            starts_at=starts_at, channel=_channel(channel), holder=f"user:{visit.principal.user_id}",
        ).token  # fmt: skip

    try:
        token = runtime.database.transact(scope, work)
    except SlotGoneError as gone:
        return _gone(runtime, visit, gone)
    return Response(status_code=NO_CONTENT, headers={"HX-Redirect": f"/agendas/{wanted}/book/{token}"})


@router.get("/{office_id}/book/{token}")
def form(request: Request, runtime: RuntimeDep, visit: VisitDep, office_id: int, token: str) -> Response:
    """Who comes."""
    scope = visit.scope(Permission.APPOINTMENT_MANAGE)
    with runtime.database.begin(scope) as session:
        office = office_in(session, scope, office_id)
        held = holding.held(session, ente_id=office.ente_id, token=token)
        context = {
            "office": office, "ente": badges(session)[office.ente_id], "held": held,
            "service": queries.service(session, office.ente_id, held.service_id), "languages": LANGUAGES,
        }  # fmt: skip
    return show(request, visit, "agendas/book.html", **context)


@router.post("/{office_id}/book/{token}/extend")
def extend(runtime: RuntimeDep, visit: ChangeDep, office_id: int, token: str) -> Response:
    """Five minutes more."""
    scope = visit.scope(Permission.APPOINTMENT_MANAGE)
    held = runtime.database.transact(
        scope,
        lambda session: holding.extend(session, ente_id=office_in(session, scope, office_id).ente_id, token=token),
    )
    office = {"id": office_id}
    return HTMLResponse(fragment("agendas/_held.html", visit.language, held=held, office=office))


@router.post("/{office_id}/book/{token}")
def book(
    runtime: RuntimeDep, visit: ChangeDep, office_id: int, token: str, given_name: Box = "", surname: Box = "",
    codice_fiscale: Box = "", phone: Box = "", email: Box = "", spoken: Box = "it", notes: Box = "",
    service: Box = "", channel: Box = "phone", wanted: Box = "", at: Box = "",
) -> Response:  # fmt: skip
    """It is his; or somebody else has the time by now, and with what is typed he has another (`at`) by one press."""
    scope = visit.scope(Permission.APPOINTMENT_MANAGE)
    person = Person(given_name, surname, codice_fiscale, phone, email, spoken, notes)

    def instead(session: Session, ente_id: int) -> str:
        (service_id,), (chosen, starts_at) = ids_in([service or "0"]), picked(at)
        return holding.hold(
            session, visit.principal, ente_id=ente_id, service_id=service_id, office_id=chosen, starts_at=starts_at,
            channel=_channel(channel), holder=f"user:{visit.principal.user_id}", instead=token,
        ).token  # fmt: skip

    def work(session: Session) -> UUID:
        ente_id = office_in(session, scope, office_id).ente_id
        return booking.book(
            session, visit.principal, ente_id=ente_id, hold=instead(session, ente_id) if at else token, person=person,
            manage_at=manage_at(session, ente_id, runtime.settings.public_url),
        ).appointment_id  # fmt: skip

    def near(session: Session) -> SlotGoneError:
        """What is near to the time that he held, once nobody knows of the hold any more."""
        (service_id,), (chosen, starts_at) = ids_in([service or "0"]), picked(at or wanted)
        offered = queries.service(session, office_in(session, scope, office_id).ente_id, service_id)
        return SlotGoneError(Gone.TAKEN, finding.alternatives(
            session, offered, channel=_channel(channel), starts_at=starts_at, office_id=chosen
        ))  # fmt: skip

    try:
        made = runtime.database.transact(scope, work)
    except SlotGoneError as gone:
        return _gone(runtime, visit, gone)
    except HoldGoneError:
        return _gone(runtime, visit, runtime.database.transact(scope, near))
    told = translations(visit.language).gettext("Appuntamento prenotato.")
    return shown_anew(told, at=f"/agendas/appointments/{made}")


def _do(runtime: Runtime, visit: Visit, appointment_id: UUID, work: Any, done: str) -> Response:
    """Do it, and say whether the person is told, or somebody has to."""

    def do(session: Session) -> bool:
        work(session)
        return telling.told(session, [queries.get(session, appointment_id)])[appointment_id]

    try:
        told = runtime.database.transact(visit.scope(Permission.APPOINTMENT_MANAGE), do)
    except SlotGoneError as gone:
        return _gone(runtime, visit, gone)
    gettext = translations(visit.language).gettext
    alone = gettext("Non ha un recapito a cui scrivere: avvisa tu la persona.")
    return shown_anew(f"{done} {gettext('La persona è avvisata.') if told else alone}")


def _gone(runtime: Runtime, visit: Visit, gone: SlotGoneError) -> Response:
    """What is said instead of the time, and the times that are near; the buttons are the form's own."""
    with runtime.database.begin(visit.scope(Permission.APPOINTMENT_READ)) as session:
        offices = {one.office_id: queries.office(session, one.office_id).name for one in gone.alternatives}
    return HTMLResponse(
        fragment("agendas/_gone.html", visit.language, words=str(gone), times=gone.alternatives, offices=offices)
    )


def _by_day(times: list[Free]) -> list[tuple[date, list[Free]]]:
    found: dict[date, list[Free]] = {}
    for one in times:
        found.setdefault(clock.business_day(one.starts_at), []).append(one)
    return list(found.items())


def _channel(text: str) -> Channel:
    found = next((one for one in STAFF if one.value == text), None)
    if found is None:
        raise NotFoundError("Questa scelta non esiste: ricarica la pagina.")
    return found


def picked(text: str) -> tuple[int, datetime]:
    """A time of an office, as its button says it: `12/2026-11-24T08:00:00+00:00`."""
    office, _, at = text.partition("/")
    try:
        found = instant_of(at)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or (office_id := id_of(office)) is None:
        raise InvalidError("Scegli un orario.", field="at")
    return office_id, found
