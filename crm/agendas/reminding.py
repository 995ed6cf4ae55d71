"""The day before, whoever booked is reminded: once for each time that it was given, and not when he has just booked."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, cast, select
from sqlalchemy.orm import Session
from sqlalchemy.types import String

from crm.agendas import telling
from crm.agendas.models import Appointment, AppointmentState
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.each import total_of_each
from crm.enti import queries as enti
from crm.messages.models import Message
from crm.messages.templates import MessageTemplate

BEFORE, LATEST = timedelta(hours=24), timedelta(hours=2)
FRESH = timedelta(hours=12)  # who booked or moved it since then knows


def remind(database: Database) -> int:
    """Owe the reminders that are due, of every ente; how many. One ente's trouble is no other's."""
    with database.begin(Scope.nothing()) as session:
        served = enti.served(session)
    with database.begin(Scope.of_enti(served)) as session:
        soon = session.scalars(select(Appointment.ente_id).where(*_due(clock.now(session))).distinct()).all()
    return total_of_each(soon, lambda one: database.transact(Scope.of_enti([one]), owe))


def owe(session: Session) -> int:
    """The same, of those that the session may see."""
    now = clock.now(session)
    kind = MessageTemplate.APPOINTMENT_REMINDER
    cause = "appointment:" + cast(Appointment.id, String) + ":" + cast(Appointment.sequence, String) + f":{kind.value}"
    told = select(Message.id).where(Message.ente_id == Appointment.ente_id, Message.cause == cause).exists()
    due = session.scalars(
        select(Appointment).where(*_due(now), ~told)
        .order_by(Appointment.starts_at).with_for_update(skip_locked=True, of=Appointment)
    ).all()  # fmt: skip
    for row in due:
        telling.remind(session, row)
    return len(due)


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Who is to be reminded, unless he was."""
    return (
        Appointment.state == AppointmentState.BOOKED, Appointment.starts_at > now + LATEST,
        Appointment.starts_at <= now + BEFORE, Appointment.changed_at <= now - FRESH,
        Appointment.email.is_not(None) | Appointment.phone.is_not(None),
    )  # fmt: skip
