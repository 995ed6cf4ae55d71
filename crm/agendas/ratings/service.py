"""Rating the pages of booking, once an appointment was booked there; and what was said, by service and month.

The appointment keeps that it was rated, the rating keeps what was said, and nothing leads from one to the other.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.agendas import codes
from crm.agendas.codes import Use
from crm.agendas.models import Appointment, AppointmentState
from crm.agendas.ratings.models import Because, BookingRating
from crm.core import clock
from crm.core.errors import FieldError, NotFoundError

MOST, GOOD = 5, 4  # stars; from how many on it is asked what was good
LONGEST = 200
LIKED = (Because.CLEAR, Because.COMPLETE, Because.SURE, Because.SMOOTH, Because.OTHER)
MISSED = (Because.UNCLEAR, Because.INCOMPLETE, Because.UNSURE, Because.TROUBLE, Because.OTHER)
MONTHS = 13


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of whoever gave so many stars; none of `answers`: he has said it."""

    stars: int
    answers: tuple[Because, ...]

    @property
    def good(self) -> bool:
        """Whether he is asked what he liked."""
        return self.stars >= GOOD


@dataclass
class Month:
    """What was said of a service in a month. `stars`: how many gave so many."""

    month: date
    service_id: int
    stars: Counter[int] = field(default_factory=Counter)
    because: Counter[Because] = field(default_factory=Counter)
    words: list[tuple[int, str]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many rated."""
        return self.stars.total()

    @property
    def mean(self) -> float:
        """Their stars, on average."""
        return sum(stars * count for stars, count in self.stars.items()) / self.count


def answers(stars: int) -> tuple[Because, ...]:
    """What whoever gave so many stars chooses among. Pure."""
    return LIKED if stars >= GOOD else MISSED


def rate(session: Session, *, ente_id: int, token: str, stars: int) -> str | None:
    """He gives stars, by the link of his appointment; the token by which he says why. None: he has done so before.

    Raises `NotFoundError`, or `FieldError` for a number of stars that there is not.
    """
    if not 1 <= stars <= MOST:
        raise FieldError("Scegli da 1 a 5 stelle.", "stars")
    found = codes.read_token(session, Use.MANAGE, ente_id, token)
    row = None if found is None else session.get(Appointment, found, with_for_update=True, populate_existing=True)
    if row is None or row.ente_id != ente_id or row.state is AppointmentState.HELD:
        raise NotFoundError("Questo appuntamento non esiste.")
    if row.rated:
        return None
    row.rated = True
    month = clock.business_day(clock.now(session)).replace(day=1)
    made = BookingRating(id=uuid4(), ente_id=ente_id, service_id=row.service_id, month=month, stars=stars)
    session.add(made)
    session.flush()
    return codes.token(session, Use.RATING, ente_id, made.id)


def asked(session: Session, *, ente_id: int, token: str) -> Asked:
    """What is asked next. Raises `NotFoundError`."""
    row = _rating(session, ente_id, token)
    return Asked(row.stars, answers(row.stars) if row.because is None else ())


def explain(session: Session, *, ente_id: int, token: str, because: str, words: str) -> None:
    """Why, and a few words. Said once; raises `FieldError`."""
    row = _rating(session, ente_id, token)
    if row.because is not None:
        return
    words = " ".join(words.split())
    if because not in answers(row.stars):
        raise FieldError("Scegli una risposta.", "because")
    if len(words) > LONGEST or not words.isprintable():
        raise FieldError("È troppo lungo, o ha caratteri che non si possono scrivere.", "words")
    row.because, row.words = Because(because), words
    session.flush()


def of_ente(session: Session, ente_id: int) -> list[Month]:
    """The last thirteen months, the latest first; words by number of stars, which tells of no order in time."""
    rows = session.scalars(select(BookingRating).where(BookingRating.ente_id == ente_id))
    found: dict[tuple[date, int], Month] = {}
    for row in rows:
        one = found.setdefault((row.month, row.service_id), Month(row.month, row.service_id))
        one.stars[row.stars] += 1
        if row.because is not None:
            one.because[row.because] += 1
        if row.words:
            one.words.append((row.stars, row.words))
    for one in found.values():
        one.words.sort()
    months = sorted({month for month, _ in found}, reverse=True)[:MONTHS]
    return sorted(
        (one for one in found.values() if one.month in months), key=lambda one: (-one.month.toordinal(), one.service_id)
    )


def _rating(session: Session, ente_id: int, token: str) -> BookingRating:
    found = codes.read_token(session, Use.RATING, ente_id, token)
    row = None if found is None else session.get(BookingRating, found, with_for_update=True, populate_existing=True)
    if row is None or row.ente_id != ente_id:
        raise NotFoundError("Questa pagina non esiste.")
    return row
