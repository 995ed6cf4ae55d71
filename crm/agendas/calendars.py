"""An appointment as calendars have it (RFC 5545, RFC 5546): the same entry however often it is moved."""

from datetime import timedelta

from icalendar import Alarm, Calendar, Event, vText
from sqlalchemy.orm import Session

from crm.agendas import queries
from crm.agendas.models import AppointmentState
from crm.agendas.queries import AppointmentView
from crm.core.clock import ROME
from crm.enti import queries as enti

TITLES = {"it": "Appuntamento", "en": "Appointment", "de": "Termin"}
CODES = {"it": "Codice", "en": "Code", "de": "Code"}
GONE = frozenset({AppointmentState.CANCELLED_BY_CITIZEN, AppointmentState.CANCELLED_BY_OFFICE})
BEFORE = timedelta(hours=2)


def of(session: Session, one: AppointmentView, *, link: str) -> bytes:
    """A calendar of this one entry. It names the ente, not what he comes for: others see it on his screen."""
    office = queries.office(session, one.office_id)
    gone = one.state in GONE
    calendar = Calendar()
    calendar.add("prodid", "-//Filodiretto//Appuntamenti//IT")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if gone else "REQUEST")
    event = Event()
    event.add("uid", f"appointment-{one.id}@filodiretto")
    event.add("sequence", one.sequence)
    event.add("dtstamp", one.changed_at)
    event.add("dtstart", one.starts_at.astimezone(ROME))
    event.add("dtend", one.ends_at.astimezone(ROME))
    event.add("summary", f"{TITLES[one.language]}: {enti.badges(session)[one.ente_id].name}")
    if office.email:
        event.add("organizer", f"mailto:{office.email}")
    event["location"] = vText(office.address)
    event.add("description", f"{CODES[one.language]} {one.code}\n{link}")
    event.add("url", link)
    event.add("status", "CANCELLED" if gone else "CONFIRMED")
    if not gone:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", TITLES[one.language])
        alarm.add("trigger", -BEFORE)
        event.add_component(alarm)
    calendar.add_component(event)
    calendar.add_missing_timezones()
    written: bytes = calendar.to_ical()
    return written
