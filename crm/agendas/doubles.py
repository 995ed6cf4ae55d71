"""Who has more appointments for a service than it allows is told so where only he reads it (docs/booking.md).

Whoever books on the web without showing that an address is his is refused nothing by what others have booked, or he
would learn it. Afterwards those whose appointments were there before are written to, at the addresses that they left.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.agendas import people, queries, telling
from crm.agendas.models import Appointment, AppointmentDeed, AppointmentEvent, AppointmentState
from crm.agendas.people import Person
from crm.agendas.rules import Channel, Limits
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.each import total_of_each
from crm.enti import queries as enti

LATELY = timedelta(hours=1)  # since when somebody may have booked: an engine that stood still comes back before
_BOOKED = Appointment.state == AppointmentState.BOOKED


def tell_all(database: Database, manage_at: Callable[[Session, int], str]) -> int:
    """Owe what is to be said, of every ente; how many were told."""
    with database.begin(Scope.nothing()) as session:
        served = sorted(enti.served(session))
    return total_of_each(
        served, lambda one: database.transact(Scope.of_enti([one]), partial(tell, ente_id=one, manage_at=manage_at))
    )


def tell(session: Session, ente_id: int, manage_at: Callable[[Session, int], str]) -> int:
    """The same of one ente. Each appointment is told of once, whatever is booked after it."""
    now = clock.now(session)
    lately = (AppointmentEvent.ente_id == ente_id, AppointmentEvent.at > now - LATELY)
    fresh = session.scalars(
        select(Appointment).join(AppointmentEvent, AppointmentEvent.appointment_id == Appointment.id)
        .where(
            *lately, AppointmentEvent.deed == AppointmentDeed.BOOKED, _BOOKED, Appointment.channel == Channel.WEB,
            Appointment.made_by.is_(None), Appointment.starts_at > now,
        )
        .order_by(Appointment.booked_at, Appointment.id)
    ).all()  # fmt: skip
    told = 0
    for one in fresh:
        limits = queries.service(session, ente_id, one.service_id).limits
        for other in _before(session, one, limits):
            told += telling.tell_of_double(session, other, manage_at=manage_at(session, ente_id))
    return told


def _before(session: Session, one: Appointment, limits: Limits) -> list[Appointment]:
    """The appointments of the same person that were there before this one, if it is one too many."""
    his = people.same(Person(codice_fiscale=one.codice_fiscale or "", phone=one.phone or "", email=one.email or ""))
    if his is None:
        return []
    found = session.scalars(
        select(Appointment).where(
            Appointment.ente_id == one.ente_id, Appointment.service_id == one.service_id, his, _BOOKED,
            Appointment.starts_at > clock.now(session), Appointment.id != one.id,
            Appointment.booked_at <= one.booked_at,
        ).order_by(Appointment.booked_at, Appointment.id)
    ).all()  # fmt: skip
    day = clock.business_day(one.starts_at)
    same_day = sum(clock.business_day(other.starts_at) == day for other in found)
    return list(found) if len(found) >= limits.ahead or same_day >= limits.per_day else []
