"""Reading services, plans of offices, and appointments."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from crm.agendas.codes import read_code
from crm.agendas.models import (
    GIVEN,
    AgendaState,
    AgendaWindow,
    Appointment,
    AppointmentEvent,
    AppointmentSetting,
    AppointmentState,
    BookableService,
    ChannelQuota,
    Desk,
    OfficeAgenda,
    OfficeException,
    ServiceClerk,
    ServiceOffice,
)
from crm.agendas.plan import Agenda, DeskView, Exceptional, Plan, Window
from crm.agendas.rules import Channel, Limits
from crm.agendas.slots import Measures
from crm.contacts.names import full_name
from crm.core import clock
from crm.core.configuration import kept
from crm.core.db import table_of
from crm.core.errors import NotFoundError
from crm.enti.details import OfficeView
from crm.enti.models import Ente, Office

MOST_FOUND, LEAST_TYPED, SEARCHED_BACK = 30, 2, timedelta(days=30)
KEPT_DAYS = 90
_OF_ALL = Mapping[str, str]
_ROW = table_of(Appointment)
NOT_HELD = Appointment.state != AppointmentState.HELD


@dataclass(frozen=True, slots=True)
class ServiceView:
    """What people come for. Texts by language."""

    id: int
    ente_id: int
    active: bool
    name: _OF_ALL
    description: _OF_ALL
    bring: _OF_ALL
    measures: Measures
    limits: Limits
    needs_code: bool
    offices: frozenset[int]
    rank: int = 0
    by_voice: bool = True
    walk_ins: int | None = None  # numbers that a kiosk gives for it a day; none: any

    def called(self, language: str) -> str:
        """Its name in a language, else in Italian."""
        return said(self.name, language)


@dataclass(frozen=True, slots=True)
class AppointmentView:
    """An appointment, for whoever may see it."""

    id: UUID
    ente_id: int
    office_id: int
    desk_id: int
    desk: str
    place: int
    service_id: int
    state: AppointmentState
    channel: Channel
    starts_at: datetime
    ends_at: datetime
    code: str
    contact_id: int | None
    given_name: str
    surname: str
    codice_fiscale: str | None
    phone: str | None
    email: str | None
    language: str
    notes: str
    reason: str
    moved: int
    sequence: int
    booked_at: datetime
    booked_by: int | None
    changed_at: datetime
    rated: bool = False

    @property
    def name(self) -> str:
        """As people say it."""
        return full_name(self.surname, self.given_name) or "—"  # his data are erased


def said(texts: Mapping[str, str], language: str) -> str:
    """A text in a language; where it is not written, in Italian."""
    return texts.get(language) or texts.get("it", "")


# -- what is published ----------------------------------------------------------------------------------------------


@kept
def services(session: Session, ente_id: int) -> tuple[ServiceView, ...]:
    """An ente's services in their order, those that are no longer offered, too."""
    offered: dict[int, set[int]] = {}
    for one in session.execute(
        select(ServiceOffice.service_id, ServiceOffice.office_id).where(ServiceOffice.ente_id == ente_id)
    ):
        offered.setdefault(one.service_id, set()).add(one.office_id)
    rows = session.scalars(
        select(BookableService).where(BookableService.ente_id == ente_id)
        .order_by(BookableService.rank, BookableService.id)
    )  # fmt: skip
    return tuple(_service(row, frozenset(offered.get(row.id, ()))) for row in rows)


def service(session: Session, ente_id: int, service_id: int) -> ServiceView:
    """One of them. Raises `NotFoundError`."""
    found = next((one for one in services(session, ente_id) if one.id == service_id), None)
    if found is None:
        raise NotFoundError("Questo servizio non esiste.")
    return found


@kept
def office(session: Session, office_id: int) -> OfficeView:
    """An office; its week is that of its agenda, not here. Raises `NotFoundError`."""
    row = session.get(Office, office_id)
    if row is None:
        raise NotFoundError("Questo ufficio non esiste.")
    return OfficeView(
        row.id, row.ente_id, row.name, row.address, row.phone, row.email, row.competent_for, row.accessibility, ()
    )


@kept
def plan(session: Session, office_id: int) -> Plan:
    """When the desks of an office are open, as published. Raises `NotFoundError`."""
    of_office = office(session, office_id)
    ente = session.get_one(Ente, of_office.ente_id)
    agendas = session.scalars(
        select(OfficeAgenda).where(
            OfficeAgenda.office_id == office_id, OfficeAgenda.state == AgendaState.PUBLISHED
        )
    ).all()  # fmt: skip
    exceptions = session.scalars(
        select(OfficeException).where(OfficeException.office_id == office_id).order_by(OfficeException.id)
    )
    return Plan(
        office_id, desks(session, office_id), tuple(as_agenda(session, one) for one in agendas),
        tuple(as_exceptional(one) for one in exceptions), (ente.patron_month, ente.patron_day),
    )  # fmt: skip


@kept
def desks(session: Session, office_id: int) -> tuple[DeskView, ...]:
    """The desks of an office in their order, those that are no longer used, too."""
    rows = session.scalars(select(Desk).where(Desk.office_id == office_id).order_by(Desk.rank, Desk.id))
    return tuple(DeskView(row.id, row.name, row.active, frozenset(row.services)) for row in rows)


@kept
def quotas(session: Session, office_id: int) -> Mapping[Channel, int]:
    """How many per cent of an office's day the channels may give away, of those that may not all."""
    rows = session.scalars(select(ChannelQuota).where(ChannelQuota.office_id == office_id))
    return MappingProxyType({row.channel: row.share for row in rows})


@kept
def kept_days(session: Session, ente_id: int) -> int:
    """For how many days after his appointment an ente keeps who it was that came, if he is on no file."""
    row = session.get(AppointmentSetting, ente_id)
    return KEPT_DAYS if row is None else row.kept_days


def clerks(session: Session, ente_id: int) -> dict[int, frozenset[int]]:
    """Who may serve each service that names somebody, by the service's id."""
    found: dict[int, set[int]] = {}
    for row in session.scalars(select(ServiceClerk).where(ServiceClerk.ente_id == ente_id)):
        found.setdefault(row.service_id, set()).add(row.user_id)
    return {service_id: frozenset(users) for service_id, users in found.items()}


def may_serve(named: Mapping[int, frozenset[int]], service_id: int, user_id: int) -> bool:
    """Whether somebody is among the `clerks` who serve a service; where nobody is named, everybody is. Pure."""
    return service_id not in named or user_id in named[service_id]


def draft(session: Session, office_id: int) -> Agenda | None:
    """The agenda of an office that is being prepared."""
    own = (OfficeAgenda.office_id == office_id, OfficeAgenda.state == AgendaState.DRAFT)
    row = session.scalars(select(OfficeAgenda).where(*own)).one_or_none()
    return None if row is None else as_agenda(session, row)


def as_agenda(session: Session, row: OfficeAgenda) -> Agenda:
    """An agenda with its week."""
    windows = session.scalars(
        select(AgendaWindow).where(AgendaWindow.agenda_id == row.id)
        .order_by(AgendaWindow.weekday, AgendaWindow.opens, AgendaWindow.id)
    )  # fmt: skip
    return Agenda(
        row.id, row.version, row.valid_from, row.valid_to, row.observes_holidays,
        tuple(
            Window(one.weekday, one.opens, one.closes, one.desk_id, one.places, frozenset(one.services))
            for one in windows
        ),
    )  # fmt: skip


def as_exceptional(row: OfficeException) -> Exceptional:
    """Days that are otherwise."""
    return Exceptional(row.id, row.desk_id, row.first, row.last, row.closed, row.opens, row.closes, row.words)


def _service(row: BookableService, offices: frozenset[int]) -> ServiceView:
    minutes = {name: timedelta(minutes=getattr(row, name)) for name in ("duration", "buffer", "step")}
    limits = Limits(
        timedelta(minutes=row.notice), row.horizon_days, timedelta(minutes=row.cutoff), row.per_day, row.ahead,
        row.moves,
    )  # fmt: skip
    return ServiceView(
        row.id, row.ente_id, row.active, MappingProxyType(row.name), MappingProxyType(row.description),
        MappingProxyType(row.bring), Measures(row.id, **minutes), limits, row.needs_code, offices, row.rank,
        row.by_voice, row.walk_ins,
    )  # fmt: skip


# -- what people have -----------------------------------------------------------------------------------------------


def given(session: Session, office_ids: Collection[int], first: date, last: date) -> Sequence[Any]:
    """What is given away of these offices on these days: id, office, desk, place, times, channel, until when held."""
    columns = (
        _ROW.c.id, _ROW.c.office_id, _ROW.c.desk_id, _ROW.c.place, _ROW.c.starts_at, _ROW.c.ends_at, _ROW.c.free_at,
        _ROW.c.channel, _ROW.c.held_until,
    )  # fmt: skip
    return session.execute(
            select(*columns).where(
                _ROW.c.office_id.in_(office_ids), _ROW.c.starts_at >= clock.start_of_day(first),
                _ROW.c.starts_at < clock.start_of_day(last + timedelta(days=1)), text(GIVEN),
            )).all()  # fmt: skip


def get(session: Session, appointment_id: UUID) -> AppointmentView:
    """An appointment that was booked. Raises `NotFoundError`."""
    found = _views(session, Appointment.id == appointment_id)
    if not found:
        raise NotFoundError("Questo appuntamento non esiste.")
    return found[0]


def several(session: Session, appointment_ids: Collection[UUID]) -> Mapping[UUID, AppointmentView]:
    """Those of these appointments that were booked."""
    return {one.id: one for one in _views(session, Appointment.id.in_(appointment_ids))}


def by_code(session: Session, ente_id: int, code: str) -> AppointmentView | None:
    """The appointment of an ente with this code, as `codes.read_code` returns it."""
    return next(iter(_views(session, Appointment.ente_id == ente_id, Appointment.code == code)), None)


def of_phone(session: Session, ente_ids: Collection[int], phone: str) -> list[AppointmentView]:
    """What is booked from now on at these enti by whoever left this number (E.164), in order."""
    return _views(
        session, Appointment.ente_id.in_(ente_ids), Appointment.phone == phone,
        Appointment.state == AppointmentState.BOOKED, Appointment.starts_at >= clock.now(session),
    )  # fmt: skip


def of_office(session: Session, office_id: int, first: date, last: date) -> list[AppointmentView]:
    """The appointments of an office on these days, in order; the cancelled ones, too."""
    return _views(
        session, Appointment.office_id == office_id, Appointment.starts_at >= clock.start_of_day(first),
        Appointment.starts_at < clock.start_of_day(last + timedelta(days=1)),
    )  # fmt: skip


def searched(session: Session, text: str) -> list[AppointmentView]:
    """The appointments with this code, else those of people whose surname begins so; the next ones first, then those of
    the last weeks. At most `MOST_FOUND`.
    """
    if (code := read_code(text)) is not None and (found := _views(session, Appointment.code == code)):
        return found
    surname = " ".join(text.split()).lower()
    if len(surname) < LEAST_TYPED:
        return []
    now = clock.now(session)
    found = _views(
        session, Appointment.starts_at >= now - SEARCHED_BACK,
        func.lower(Appointment.surname).startswith(surname, autoescape=True),
    )  # fmt: skip
    return sorted(found, key=lambda one: (one.ends_at < now, abs(one.starts_at - now)))[:MOST_FOUND]


def ahead(session: Session, office_id: int) -> list[AppointmentView]:
    """What is booked at an office from now on."""
    return _views(
        session, Appointment.office_id == office_id, Appointment.starts_at >= clock.now(session),
        Appointment.state == AppointmentState.BOOKED,
    )  # fmt: skip


def of_contacts(session: Session, contact_ids: Collection[int]) -> list[AppointmentView]:
    """The appointments of these contacts, in order."""
    return _views(session, Appointment.contact_id.in_(contact_ids))


def events(session: Session, appointment_id: UUID) -> list[AppointmentEvent]:
    """What happened with an appointment, in order."""
    rows = select(AppointmentEvent).where(AppointmentEvent.appointment_id == appointment_id)
    return list(session.scalars(rows.order_by(AppointmentEvent.id)))


def _views(session: Session, *conditions: ColumnElement[bool]) -> list[AppointmentView]:
    rows = session.execute(
        select(Appointment, Desk.name)
        .join(Desk, Desk.id == Appointment.desk_id)
        .where(NOT_HELD, *conditions)
        .order_by(Appointment.starts_at, Desk.rank, Appointment.place, Appointment.id)
    )
    return [_view(row, desk) for row, desk in rows]


def _view(row: Appointment, desk: str) -> AppointmentView:
    named: dict[str, Any] = {
        name: getattr(row, name)
        for name in AppointmentView.__dataclass_fields__
        if name not in {"desk", "code", "booked_at", "booked_by"}
    }
    return AppointmentView(
        **named, desk=desk, code=row.code or "", booked_at=row.booked_at or row.made_at, booked_by=row.made_by
    )
