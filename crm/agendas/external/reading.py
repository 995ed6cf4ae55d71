"""When a calendar is busy, from what its server answers (RFC 4791, RFC 5545). Pure.

Busy is what is not cancelled and not marked as free (TRANSP). Repetitions are told apart with their exceptions; an
all-day entry takes the whole day in Rome, and a time without a zone is one of Rome.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from math import prod
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree

import recurring_ical_events
from icalendar import Calendar

from crm.agendas.external.models import Trouble
from crm.agendas.external.rules import may_happen
from crm.agendas.times import DAY, Stretch, instant
from crm.core.clock import ROME
from crm.core.errors import DomainError

MOST_ENTRIES = 5_000  # in the answer
MOST_STRETCHES = 10_000
MOST_STEPS = 2_000_000  # that are gone through from the beginnings of what repeats, in the whole answer
_DAV, _CALDAV = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
# Less than a day apart is nobody's appointments, but everybody's memory. Each other one's days:
_APART = MappingProxyType({"DAILY": 1, "WEEKLY": 7, "MONTHLY": 28, "YEARLY": 365})
_WITHIN = ("BYHOUR", "BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYMONTH", "BYWEEKNO")  # each makes more of one step
_TOO_FINE = ("BYSECOND", "BYMINUTE")


class UnreadableError(DomainError):
    """A calendar that cannot be read; `trouble` says why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


def asked(since: datetime, until: datetime) -> bytes:
    """The body of the REPORT that asks for what lies between two instants (RFC 4791, 7.8)."""
    first, last = (at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ") for at in (since, until))
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
        "<D:prop><C:calendar-data/></D:prop>"
        '<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">'
        f'<C:time-range start="{first}" end="{last}"/>'
        "</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
    ).encode()


def entries(answer: bytes) -> list[str]:
    """The calendar objects of a multi-status answer. Raises `UnreadableError`."""
    if b"<!DOCTYPE" in answer or b"<!ENTITY" in answer:  # no such answer has any, and entities can be bombs
        raise UnreadableError(Trouble.NO_CALENDAR)
    try:
        root = ElementTree.fromstring(answer)  # noqa: S314  # without entities, see above
    except (ElementTree.ParseError, ValueError, LookupError):
        raise UnreadableError(Trouble.NO_CALENDAR) from None
    if root.tag != f"{_DAV}multistatus":
        raise UnreadableError(Trouble.NO_CALENDAR)
    found = [one.text for one in root.iter(f"{_CALDAV}calendar-data") if one.text]
    if len(found) > MOST_ENTRIES:
        raise UnreadableError(Trouble.TOO_MUCH)
    return found


def busy(objects: Iterable[str], since: datetime, until: datetime) -> list[Stretch]:
    """When these are busy between two instants, in order; what touches is one stretch. Raises `UnreadableError`."""
    found: list[Stretch] = []
    steps = 0
    for text in objects:
        calendar = _calendar(text)
        steps += sum(_steps(event, until) for event in calendar.walk("VEVENT"))
        if steps > MOST_STEPS:
            raise UnreadableError(Trouble.TOO_MUCH)
        if not _happens(calendar, since, until):
            continue
        found += (one for one in _of(calendar, since, until) if one.start < one.end)
        if len(found) > MOST_STRETCHES:
            raise UnreadableError(Trouble.TOO_MUCH)
    return joined(Stretch(max(one.start, since), min(one.end, until)) for one in found)


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """The same moments in as few stretches as there can be, in order."""
    found: list[Stretch] = []
    for one in sorted(stretches):
        if one.start >= one.end:
            continue
        if found and one.start <= found[-1].end:
            found[-1] = Stretch(found[-1].start, max(found[-1].end, one.end))
        else:
            found.append(one)
    return found


def _calendar(text: str) -> Any:
    try:
        return Calendar.from_ical(text)
    except Exception:  # noqa: BLE001  # whatever others write that no library expects
        raise UnreadableError(Trouble.NO_CALENDAR) from None


def _of(calendar: Any, since: datetime, until: datetime) -> Iterator[Stretch]:
    try:
        happens = recurring_ical_events.of(calendar).between(since.astimezone(ROME), until.astimezone(ROME))
        yield from [_stretch(one) for one in happens if _blocks(one)]
    except Exception:  # noqa: BLE001  # as above
        raise UnreadableError(Trouble.NO_CALENDAR) from None


def _steps(event: Any, until: datetime) -> int:
    """How much there is to go through from an entry's beginning on, at most. Raises `UnreadableError`."""
    steps = 0
    for rule in _rules(event):
        often = [str(one).upper() for one in rule.get("FREQ", [])]
        if any(one not in _APART for one in often) or any(len(rule.get(part, [])) > 1 for part in _TOO_FINE):
            raise UnreadableError(Trouble.TOO_MUCH)
        apart = min((_APART[one] for one in often), default=1) * max(1, *rule.get("INTERVAL", [1]))
        within = prod(max(1, len(rule.get(part, []))) for part in _WITHIN)
        steps += max(0, (until.date() - _day(event)).days // apart + 1) * within
    return steps


def _happens(calendar: Any, since: datetime, until: datetime) -> bool:
    """Whether anything in a calendar may lie between two instants. Rules that never do are left out: a library would
    look for them until the year 9999.
    """
    happens = False
    for event in calendar.walk("VEVENT"):
        first, length = _day(event), _length(event)
        after, last = since.date() - length - 2 * DAY, until.date() + 2 * DAY
        rules = _rules(event)
        alive = [rule for rule in rules if _may_happen(rule, first, after, last)]
        if len(alive) < len(rules):
            del event["RRULE"]
            for rule in alive:
                event.add("RRULE", rule)
        happens |= bool(alive) or "RDATE" in event or after <= first <= last
    return happens


def _rules(event: Any) -> list[Any]:
    try:
        found: Any = event.get("RRULE", [])
        rules: list[Any] = found if isinstance(found, list) else [found]
        for rule in rules:
            rule.get("FREQ")  # what is broken says so when it is asked
    except Exception:  # noqa: BLE001  # as above
        raise UnreadableError(Trouble.NO_CALENDAR) from None
    return rules


def _may_happen(rule: Any, start: date, first: date, last: date) -> bool:
    try:
        return may_happen(rule, start, first, last)
    except ValueError:
        raise UnreadableError(Trouble.NO_CALENDAR) from None


def _length(event: Any) -> timedelta:
    try:
        length: timedelta = event.duration
    except Exception:  # noqa: BLE001  # as above
        raise UnreadableError(Trouble.NO_CALENDAR) from None
    return max(timedelta(), length)


def _day(event: Any) -> date:
    try:
        start = event.start
    except Exception:  # noqa: BLE001  # as above
        raise UnreadableError(Trouble.NO_CALENDAR) from None
    return start.date() if isinstance(start, datetime) else start


def _blocks(event: Any) -> bool:
    gone = str(event.get("STATUS", "")).upper() == "CANCELLED"
    return not gone and str(event.get("TRANSP", "OPAQUE")).upper() != "TRANSPARENT"


def _stretch(event: Any) -> Stretch:
    return Stretch(_instant(event.start), _instant(event.end))


def _instant(at: date | datetime) -> datetime:
    if not isinstance(at, datetime):
        return instant(at, time(0))
    if at.tzinfo is None:
        return instant(at.date(), at.time().replace(second=0, microsecond=0)) + timedelta(seconds=at.second)
    return at.astimezone(UTC)
