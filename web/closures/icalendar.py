"""Closures as an iCalendar feed (RFC 5545), pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LONGEST_LINE = 75  # octets, RFC 5545 3.1
OPEN_ENDED = timedelta(days=1)  # a calendar wants an end: as far as one may say that it lasts


@dataclass(frozen=True, slots=True)
class Event:
    """One entry. `uid` is the same at each reading."""

    uid: str
    starts_at: datetime
    ends_at: datetime | None
    title: str
    text: str


def calendar(name: str, events: Iterable[Event], now: datetime) -> str:
    """The whole feed."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Filodiretto//Chiusure//IT", f"X-WR-CALNAME:{escaped(name)}"]
    for event in events:
        ends_at = event.ends_at or max(now, event.starts_at) + OPEN_ENDED
        lines += [
            "BEGIN:VEVENT", f"UID:{event.uid}", f"DTSTAMP:{_stamp(now)}", f"DTSTART:{_stamp(event.starts_at)}",
            f"DTEND:{_stamp(ends_at)}", f"SUMMARY:{escaped(event.title)}", f"DESCRIPTION:{escaped(event.text)}",
            "TRANSP:TRANSPARENT", "END:VEVENT",
        ]  # fmt: skip
    lines.append("END:VCALENDAR")
    return "".join(f"{folded(line)}\r\n" for line in lines)


def escaped(text: str) -> str:
    """A text value (RFC 5545 3.3.11): whatever somebody writes stays one value of one line."""
    text = " ".join(text.split())
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def folded(line: str) -> str:
    """A line in pieces of at most 75 octets, never through a character."""
    pieces, piece, size = [], "", 0
    for char in line:
        width = len(char.encode())
        if size + width > LONGEST_LINE:
            pieces.append(piece)
            piece, size = " ", 1
        piece, size = piece + char, size + width
    return "\r\n".join([*pieces, piece])


def _stamp(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"
