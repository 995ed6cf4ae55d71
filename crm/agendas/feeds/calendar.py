"""Appointments as a calendar that others' programs follow (RFC 5545, RFC 7986). Pure.

Calendars lie open on telephones and with their makers: an entry says when, where, for which service, and the initial of
the surname. Who it is stands behind its address, for whoever is signed in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from icalendar import Calendar, Event, vText

from crm.core.clock import ROME

EVERY = timedelta(minutes=15)  # how often programs are asked to look again
ZONES_FROM = date(2026, 1, 1)  # before any entry: the rules of Roman time are not told from the beginning


@dataclass(frozen=True, slots=True)
class Entry:
    """An appointment, as little of it as a calendar needs. `initial` is empty once his data are erased."""

    id: UUID
    sequence: int
    changed_at: datetime
    starts_at: datetime
    ends_at: datetime
    service: str
    initial: str
    office: str
    desk: str


def written(name: str, entries: Iterable[Entry], *, at: str) -> bytes:
    """The calendar; the same bytes for the same appointments. `at`: the address before an appointment's id."""
    calendar = Calendar()
    calendar.add("prodid", "-//Filodiretto//Agenda//IT")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar["name"] = calendar["x-wr-calname"] = vText(name)  # the second for programs that do not know RFC 7986
    calendar.add("refresh-interval", EVERY, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT15M")
    for one in entries:
        event = Event()
        event.add("uid", f"appointment-{one.id}@filodiretto")
        event.add("sequence", one.sequence)
        event.add("dtstamp", one.changed_at)
        event.add("dtstart", one.starts_at.astimezone(ROME))
        event.add("dtend", one.ends_at.astimezone(ROME))
        event.add("summary", f"{one.service} · {one.initial}." if one.initial else one.service)
        event.add("location", f"{one.office}, {one.desk}")
        event.add("url", f"{at}/{one.id}")
        event.add("class", "PRIVATE")
        calendar.add_component(event)
    calendar.add_missing_timezones(first_date=ZONES_FROM)
    found: bytes = calendar.to_ical()
    return found
