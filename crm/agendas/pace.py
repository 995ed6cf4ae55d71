"""How often one place may ask for something without signing in, and the puzzle that whoever asks a lot has solved.

The puzzle (proof of work) costs a browser part of a second and tells nobody anything; who has no JavaScript solves
none, and books less often.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.attempts import place_of
from crm.agendas.models import BookingPace
from crm.core import clock, secrecy
from crm.core.db import table_of

PUZZLE_BITS = 15
LONGEST_ANSWER = 20
_ROW = table_of(BookingPace)
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


class Ask(StrEnum):
    """What is asked for."""

    BEGIN = "begin"
    TIMES = "times"
    HOLD = "hold"  # a time, or for longer
    WRITE = "write"  # what somebody tells of himself
    BOOK = "book"
    BOOK_UNSOLVED = "book_unsolved"  # without the puzzle's answer
    CODE = "code"
    CHANGE = "change"
    RATE = "rate"
    SURVEY = "survey"  # a page of a questionnaire, or an answer
    FILE = "file"
    SEND = "send"  # a request to the ente
    SEND_UNSOLVED = "send_unsolved"
    FOLLOW = "follow"  # a request, by its number and code


@dataclass(frozen=True, slots=True)
class Pace:
    """So many within so long. A library or an office has one address for all who sit there."""

    most: int
    within: timedelta


_TEN = timedelta(minutes=10)
PACES = {
    Ask.BEGIN: Pace(60, _TEN), Ask.TIMES: Pace(300, _TEN), Ask.HOLD: Pace(90, _TEN),
    Ask.WRITE: Pace(300, _TEN), Ask.BOOK: Pace(30, _TEN), Ask.BOOK_UNSOLVED: Pace(5, _TEN), Ask.CODE: Pace(10, _TEN),
    Ask.CHANGE: Pace(60, _TEN), Ask.RATE: Pace(30, _TEN), Ask.SURVEY: Pace(300, _TEN),
    Ask.FILE: Pace(60, _TEN), Ask.SEND: Pace(20, _TEN), Ask.SEND_UNSOLVED: Pace(5, _TEN), Ask.FOLLOW: Pace(20, _TEN),
}  # fmt: skip


def stretch_of(at: datetime, within: timedelta) -> datetime:
    """When the stretch began that an instant lies in; stretches of one length follow upon each other. Pure."""
    return at - (at - _EPOCH) % within


def solved(puzzle: str, answer: str) -> bool:
    """Whether an answer solves a puzzle: SHA-256 of both begins with fifteen bits of nothing. Pure."""
    if not answer.isascii() or not answer.isdecimal() or len(answer) > LONGEST_ANSWER:
        return False
    found = sha256(f"{puzzle}:{answer}".encode()).digest()
    return int.from_bytes(found[:4]) >> (32 - PUZZLE_BITS) == 0


def allowed(session: Session, *, ente_id: int, address: str, ask: Ask) -> bool:
    """Count it, and whether it may be. Past the limit nothing is written any more: refusing costs a read."""
    pace, key = PACES[ask], f"{ente_id}:{ask.value}:{place_of(address)}"
    mark = secrecy.of(session).mark("booking.pace", key.encode())[:16]
    since = stretch_of(clock.now(session), pace.within)
    mine = (_ROW.c.ente_id == ente_id, _ROW.c.mark == mark, _ROW.c.since == since)
    if (session.scalar(select(_ROW.c.asked).where(*mine)) or 0) >= pace.most:
        return False
    counted = insert(_ROW).values(ente_id=ente_id, mark=mark, since=since, asked=1)
    counted = counted.on_conflict_do_update(
        index_elements=["ente_id", "mark", "since"], set_={"asked": _ROW.c.asked + 1}
    )
    return bool(session.scalars(counted.returning(_ROW.c.asked)).one() <= pace.most)


def forget(session: Session) -> None:
    """What was counted an hour ago says nothing."""
    session.execute(delete(_ROW).where(_ROW.c.since < clock.now(session) - timedelta(hours=1)))
