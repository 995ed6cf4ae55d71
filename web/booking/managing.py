"""What somebody has booked: shown by the link that he was sent, moved and cancelled by its buttons alone."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

import segno
from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from crm.agendas import booking, calendars, holding, queries, telling
from crm.agendas.errors import SlotGoneError
from crm.agendas.models import AppointmentState
from crm.agendas.pace import Ask
from crm.agendas.queries import AppointmentView, ServiceView
from crm.agendas.rules import Channel, may_change
from crm.agendas.sites import PATH, Site
from crm.contacts.phone import spaced
from crm.core import clock
from crm.core.errors import ConflictError, DomainError, InvalidError
from crm.enti.details import OfficeView
from crm.messages.models import MessageChannel
from web.booking import times
from web.booking.place import PRIVATE, CitizensRoute, onward, require_pace, shown, site_of, spoken, work
from web.edge.errors import status_of
from web.edge.i18n import chosen_by_citizen, said
from web.edge.visits import RuntimeDep
from web.wiring import Runtime

router = APIRouter(prefix=f"{PATH}/{{slug}}/appuntamento", include_in_schema=False, route_class=CitizensRoute)
Text = Annotated[str, Form()]


@dataclass(frozen=True, slots=True)
class Managed:
    """An appointment as its owner sees it. `may`: whether he may still move or cancel it himself."""

    at: AppointmentView
    service: ServiceView
    office: OfficeView
    bring: tuple[str, ...]
    may: bool
    moves_left: int

    @property
    def stands(self) -> bool:
        """Whether somebody is expected."""
        return self.at.state is AppointmentState.BOOKED

    @property
    def rates(self) -> bool:
        """Whether he is asked how these pages were: he booked on them, and has not said it yet."""
        return self.at.channel is Channel.WEB and self.at.booked_by is None and not self.at.rated

    @property
    def goes_to(self) -> tuple[str, ...]:
        """Where the confirmation went; nowhere, where he left a landline alone."""
        ways = telling.ways(self.at.email, self.at.phone)
        return tuple(address if channel is MessageChannel.EMAIL else spaced(address) for channel, address in ways)

    @property
    def language(self) -> str:
        """In which he is spoken to."""
        return chosen_by_citizen(self.at.language)


@router.get("")
def lost(slug: str, runtime: RuntimeDep) -> Response:
    """Without its token a link shows nothing: a new booking begins."""
    return onward(f"{PATH}/{site_of(runtime, slug).slug}")


@router.get("/{token}")
def appointment(
    request: Request, runtime: RuntimeDep, slug: str, token: str, nuovo: str = "", lang: str = "", stelle: str = ""
) -> Response:  # fmt: skip
    """What is booked, to be kept as a picture; asking changes nothing."""
    site = site_of(runtime, slug)
    return _shown(request, runtime, site, token, new=bool(nuovo), lang=lang, unrated=bool(stelle))


@router.get("/{token}/calendario.ics")
def calendar(runtime: RuntimeDep, slug: str, token: str) -> Response:
    """The same for calendars (RFC 5545)."""
    site = site_of(runtime, slug)
    link = f"{site.manage_at(runtime.settings.public_url)}/{token}"

    def read(session: Session) -> bytes:
        found = _managed(session, site, token)
        return calendars.of(session, found.at, link=link)

    headers = {**PRIVATE, "content-disposition": 'attachment; filename="appuntamento.ics"'}
    return Response(work(runtime, site, read), media_type="text/calendar; charset=utf-8", headers=headers)


@router.post("/{token}/disdici")
def cancel(request: Request, runtime: RuntimeDep, slug: str, token: str) -> Response:
    """He does not come: the time is another's at once."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.CHANGE)

    def write(session: Session) -> None:
        found = booking.managed(session, ente_id=site.ente_id, token=token)
        booking.cancel(
            session, None, ente_id=site.ente_id, appointment_id=found.id,
            manage_at=site.manage_at(runtime.settings.public_url),
        )  # fmt: skip

    with suppress(ConflictError):  # too late, or he has come: the page says so
        work(runtime, site, write)
    return onward(f"{PATH}/{site.slug}/appuntamento/{token}")


@router.get("/{token}/sposta")
def ask_move(
    request: Request, runtime: RuntimeDep, slug: str, token: str, month: str = "", day: str = ""
) -> Response:  # fmt: skip
    """Other times for it."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.TIMES)
    return _moving(request, runtime, site, token, month=month, day=day)


@router.post("/{token}/sposta")
def move(request: Request, runtime: RuntimeDep, slug: str, token: str, time: Text = "") -> Response:
    """It is at another time from now on; or that one is gone, and it stays where it was."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.CHANGE)

    def write(session: Session) -> None:
        office_id, starts_at = times.read(time)
        found = booking.managed(session, ente_id=site.ente_id, token=token)
        held = holding.hold(
            session, None, ente_id=site.ente_id, service_id=found.service_id, office_id=office_id, starts_at=starts_at,
            channel=Channel.WEB, holder=str(found.id),
        )  # fmt: skip
        booking.move(
            session, None, ente_id=site.ente_id, appointment_id=found.id, hold=held.token,
            manage_at=site.manage_at(runtime.settings.public_url),
        )  # fmt: skip

    try:
        work(runtime, site, write)
    except (ConflictError, InvalidError) as error:
        return _moving(request, runtime, site, token, error=error)
    return onward(f"{PATH}/{site.slug}/appuntamento/{token}?nuovo=1")


def _managed(session: Session, site: Site, token: str) -> Managed:
    found = booking.managed(session, ente_id=site.ente_id, token=token)
    service = queries.service(session, site.ente_id, found.service_id)
    may = found.state is AppointmentState.BOOKED and may_change(found.starts_at, service.limits, now=clock.now(session))
    bring = tuple(queries.said(service.bring, found.language).splitlines())
    left = max(0, service.limits.moves - found.moved)
    return Managed(found, service, queries.office(session, found.office_id), bring, may, left)


def _shown(
    request: Request, runtime: Runtime, site: Site, token: str, *, new: bool, lang: str, unrated: bool
) -> Response:  # fmt: skip
    found = work(runtime, site, lambda s: _managed(s, site, token))
    language = spoken(request, lang) if lang else found.language
    return shown(
        request, site, "appointment.html", language, found=found, at=f"{PATH}/{site.slug}/appuntamento/{token}",
        new=new and found.stands, qr=_qr(found.at.code), unrated=unrated,
    )  # fmt: skip


def _qr(code: str) -> str:
    """What the office's kiosk reads, as a picture within the page."""
    return segno.make(code, error="m", micro=False).svg_data_uri(scale=5, light="#fff")


def _moving(
    request: Request, runtime: Runtime, site: Site, token: str, *, month: str = "", day: str = "",
    error: DomainError | None = None,
) -> Response:  # fmt: skip
    def read(session: Session) -> tuple[Managed, times.Choice, dict[int, OfficeView]]:
        found = _managed(session, site, token)
        choice = times.choice(
            session, ente_id=site.ente_id, service_id=found.service.id, office_id=found.office.id, month=month, day=day
        )
        near = error.alternatives if isinstance(error, SlotGoneError) else ()
        return found, choice, {one.office_id: queries.office(session, one.office_id) for one in near}

    found, choice, offices = work(runtime, site, read)
    at = f"{PATH}/{site.slug}/appuntamento/{token}"
    if not found.may or not found.moves_left:
        return onward(at)
    near = error.alternatives if isinstance(error, SlotGoneError) else ()
    return shown(
        request, site, "move.html", found.language, status=status_of(error) if error else 200, found=found, at=at,
        choice=choice, morning=times.with_fields(choice.morning), afternoon=times.with_fields(choice.afternoon),
        near=times.with_fields(near), offices=offices, message=said(found.language, str(error)) if error else "",
    )  # fmt: skip
