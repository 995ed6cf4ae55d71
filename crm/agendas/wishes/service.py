"""Waiting for a time, answering what is offered, and leaving: by links of which nothing is stored."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.agendas import booking, codes, finding, people, queries, sites, telling
from crm.agendas.codes import Use
from crm.agendas.errors import FreeAlreadyError, OfferGoneError, TooManyError
from crm.agendas.people import Person
from crm.agendas.rules import Channel
from crm.agendas.slots import Free
from crm.agendas.wishes import offering
from crm.agendas.wishes.models import BookingOffer, BookingWish, Outcome, Part, WishState
from crm.agendas.wishes.order import Waiting, suits
from crm.audit import service as audit
from crm.core import clock
from crm.core.db import new_id
from crm.core.errors import FieldError, NotFoundError
from crm.messages import service as messages
from crm.messages.service import Order
from crm.messages.templates import MessageTemplate

LONGEST = timedelta(days=90)  # how far away the last day may be
USUAL = timedelta(days=30)
NEAREST = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """What suits somebody. None of `offices` or `weekdays` (0 is Monday): any."""

    until: date
    offices: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    part: Part = Part.ANY


def wish(
    session: Session, *, ente_id: int, service_id: int, wanted: Wanted, person: Person, manage_at: str
) -> str:  # fmt: skip
    """Put somebody on the list; the token of his wish, by which he sees it and leaves.

    Raises `InvalidError` with what is wrong at each field, `FreeAlreadyError` where something that suits him is free,
    `TooManyError` where he waits for this service already.
    """
    service = queries.service(session, ente_id, service_id)
    if not service.active or not wanted.offices <= service.offices:
        raise NotFoundError("Questo ufficio non offre questo servizio.")
    person = people.parse(person, Channel.WEB)
    goes_to = telling.where(person.email, person.phone)
    if goes_to is None:
        raise FieldError("Lascia un'e-mail o un cellulare: ti scriviamo lì quando si libera un posto.", "email")
    today = clock.business_day(clock.now(session))
    if not today <= wanted.until <= today + LONGEST:
        raise FieldError("Scegli un giorno da oggi a 90 giorni da oggi.", "until")
    if not wanted.weekdays <= frozenset(range(7)):
        raise NotFoundError("Questo giorno non esiste.")
    people.alone(session, ente_id, person)
    mark = people.mark_of(session, ente_id, person)
    assert mark is not None  # he left an address
    own = (BookingWish.ente_id == ente_id, BookingWish.service_id == service_id, BookingWish.mark == mark)
    if session.scalar(select(BookingWish.id).where(*own, BookingWish.state == WishState.WAITING)) is not None:
        raise TooManyError("Sei già in lista per questo servizio: usa il collegamento che ti abbiamo mandato.")
    row = BookingWish(
        id=new_id(session), ente_id=ente_id, service_id=service_id, offices=sorted(wanted.offices),
        weekdays=sorted(wanted.weekdays), part=wanted.part, until=wanted.until, state=WishState.WAITING, mark=mark,
        contact_id=people.known_as(session, ente_id, person), given_name=person.given_name, surname=person.surname,
        codice_fiscale=person.codice_fiscale or None, phone=person.phone or None, email=person.email or None,
        language=person.language, made_at=clock.now(session),
    )  # fmt: skip
    if free := _free_already(session, row):
        raise FreeAlreadyError(free)
    session.add(row)
    session.flush()
    token = codes.token(session, Use.WISH, ente_id, row.id)
    values = {"link": f"{sites.beside(manage_at, sites.WISH)}/{token}"}
    order = Order(
        ente_id, MessageTemplate.WAITING_JOINED.value, values, channel=goes_to[0], address=goes_to[1],
        language=row.language,
    )  # fmt: skip
    messages.owe(session, None, order, cause=f"wish:{row.id}:joined")
    audit.note(
        session, None, kind="booking_wish.made", ente_id=ente_id, contact_id=row.contact_id, subject=f"wish:{row.id}"
    )
    return token


def take(session: Session, *, ente_id: int, token: str, manage_at: str) -> str:
    """The time that was offered is his; the token with which he manages the appointment. Said twice, it is once.

    Raises `OfferGoneError` when it is offered no more, or as `booking.book` does.
    """
    one = _offer(session, ente_id, token)
    if one.outcome is Outcome.TAKEN:
        return codes.token(session, Use.MANAGE, ente_id, one.hold_id)
    row = _open(session, one)
    person = Person(
        row.given_name, row.surname, row.codice_fiscale or "", row.phone or "", row.email or "", row.language
    )
    done = booking.book(
        session, None, ente_id=ente_id, hold=codes.token(session, Use.HOLD, ente_id, one.hold_id), person=person,
        manage_at=manage_at, verified=True,  # the link came to the address that he left
    )  # fmt: skip
    return done.token


def refuse(session: Session, *, ente_id: int, token: str, manage_at: str) -> None:
    """He waits for another; the next one is offered it. Twice is once."""
    one = _offer(session, ente_id, token)
    if one.outcome is Outcome.OPEN:
        offering.close(session, one, Outcome.REFUSED)
        _pass_on(session, one, manage_at)


def leave(session: Session, *, ente_id: int, token: str, manage_at: str) -> None:
    """He waits no more; by the link of his wish, or of an offer. Twice is once."""
    found = codes.read_token(session, Use.WISH, ente_id, token)
    row = _wish(session, ente_id, found if found is not None else _offer(session, ente_id, token).wish_id)
    _end(session, row, manage_at)


def remove(session: Session, by: Principal, *, ente_id: int, wish_id: UUID, manage_at: str) -> None:
    """Somebody of the staff takes a person off the list, as he asked. Twice is once."""
    require_on(session, by, Permission.APPOINTMENT_MANAGE, ente_id=ente_id)
    row = _wish(session, ente_id, wish_id)
    if row.state is WishState.WAITING:
        _end(session, row, manage_at)
        audit.note(
            session, by, kind="booking_wish.removed", ente_id=ente_id, contact_id=row.contact_id,
            subject=f"wish:{row.id}",
        )  # fmt: skip


def _free_already(session: Session, row: BookingWish) -> list[Free]:
    times = finding.free_times(
        session, ente_id=row.ente_id, service_id=row.service_id, channel=Channel.WEB,
        first=clock.business_day(row.made_at), last=row.until,
    )  # fmt: skip
    waiting = Waiting(
        row.id, row.service_id, row.made_at, row.until, frozenset(row.offices), frozenset(row.weekdays), row.part
    )
    return [one for one in times if suits(waiting, one)][:NEAREST]


def _end(session: Session, row: BookingWish, manage_at: str) -> None:
    if row.state is WishState.WAITING and (open_one := offering.withdraw(session, row, WishState.LEFT)) is not None:
        _pass_on(session, open_one, manage_at)


def _pass_on(session: Session, one: BookingOffer, manage_at: str) -> None:
    offering.offer(session, ente_id=one.ente_id, manage_at=manage_at, freed=one.starts_at, office_id=one.office_id)


def _open(session: Session, one: BookingOffer) -> BookingWish:
    row = _wish(session, one.ente_id, one.wish_id)
    if one.outcome is not Outcome.OPEN or one.until <= clock.now(session) or row.state is not WishState.WAITING:
        raise OfferGoneError
    return row


def _offer(session: Session, ente_id: int, token: str) -> BookingOffer:
    found = codes.read_token(session, Use.OFFER, ente_id, token)
    row = None if found is None else session.get(BookingOffer, found, with_for_update=True, populate_existing=True)
    if row is None or row.ente_id != ente_id:
        raise NotFoundError("Questo posto non esiste.")
    return row


def _wish(session: Session, ente_id: int, wish_id: UUID) -> BookingWish:
    row = session.get(BookingWish, wish_id, with_for_update=True, populate_existing=True)
    if row is None or row.ente_id != ente_id:
        raise NotFoundError("Questa richiesta non esiste.")
    return row
