"""An appointment as calendars have it (RFC 5545, RFC 5546): the same entry however often it is moved."""

from datetime import timedelta

from icalendar import Alarm, Calendar, Event, vCalAddress, vText
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
AROUND = timedelta(days=400)


def of(session: Session, one: AppointmentView, *, link: str, to: str = "") -> bytes:
    """A calendar of this one entry. It names the ente, not what he comes for: others see it on his screen.

    Sent `to` an e-mail address by an office that has one too, it is a request that he has accepted already, or its
    cancellation (RFC 5546, 3.2.2: with organizer and attendee); else an entry to be kept (3.2.1, without attendee).
    """
    office = queries.office(session, one.office_id)
    gone, asks = one.state in GONE, bool(to and office.email)
    calendar = Calendar()
    calendar.add("prodid", "-//Filodiretto//Appuntamenti//IT")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if gone else "REQUEST" if asks else "PUBLISH")
    event = Event()
    event.add("uid", f"appointment-{one.id}@filodiretto")
    event.add("sequence", one.sequence)
    event.add("dtstamp", one.changed_at)
    event.add("dtstart", one.starts_at.astimezone(ROME))
    event.add("dtend", one.ends_at.astimezone(ROME))
    event.add("summary", f"{TITLES[one.language]}: {enti.badges(session)[one.ente_id].name}")
    if office.email:
        event.add("organizer", vCalAddress(f"mailto:{office.email}"))
    if asks:
        accepted = {"PARTSTAT": "ACCEPTED", "RSVP": "FALSE"}
        event.add("attendee", vCalAddress(f"mailto:{to}"), parameters=accepted)
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
    # Of the changes of the clocks those around it: all since 1970 take more than a message keeps.
    day = one.starts_at.astimezone(ROME).date()
    calendar.add_missing_timezones(first_date=day - AROUND, last_date=day + AROUND)
    written: bytes = calendar.to_ical()
    return written
