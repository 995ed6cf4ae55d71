"""Who comes: what he tells of himself, and whether we know him. Nobody is told whether we do."""

import hmac
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from crm.agendas.models import Appointment, AppointmentState
from crm.agendas.rules import Channel
from crm.agendas.times import DAY
from crm.contacts.codice_fiscale import parse_codice_fiscale
from crm.contacts.email import to_email
from crm.contacts.models import Contact, ContactReach, ReachKind, Verification
from crm.contacts.names import name_key
from crm.contacts.phone import spaced, typed_number
from crm.core import clock, secrecy
from crm.core.errors import InvalidError
from crm.messages.models import MessageChannel
from crm.messages.wording import LANGUAGES

LONGEST = {"given_name": 80, "surname": 160, "notes": 400}
COUNTED = (  # as appointments that somebody has, or had
    AppointmentState.BOOKED, AppointmentState.ARRIVED, AppointmentState.CALLED, AppointmentState.SERVING,
    AppointmentState.DONE, AppointmentState.NO_SHOW, AppointmentState.UNSERVED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """What somebody tells of himself, as typed. A company has a surname alone."""

    given_name: str = ""
    surname: str = ""
    codice_fiscale: str = ""
    phone: str = ""
    email: str = ""
    language: str = "it"
    notes: str = ""


def parse(told: Person, channel: Channel, *, by_voice: bool = False) -> Person:
    """The same in the writing in which it is kept. Raises `InvalidError` with what is wrong at each field.

    Away from the desk somebody leaves an address, or nobody could tell him that the office is closed that day. Whoever
    books `by_voice` can spell no name: his number stands for it where we know none.
    """
    wrong: list[InvalidError] = []
    person = replace(
        told, **{name: " ".join(getattr(told, name).split()) for name in ("given_name", "surname", "email")},
        notes=lines(told.notes), language=told.language if told.language in LANGUAGES else "it",
    )  # fmt: skip
    for name, longest in LONGEST.items():
        value = getattr(person, name)
        if len(value) > longest or not all(line.isprintable() for line in value.splitlines()):
            wrong.append(InvalidError("È troppo lungo, o ha caratteri che non si possono scrivere.", field=name))
    phone = (typed_number(told.phone.strip()) or "") if told.phone.strip() else ""
    if by_voice and phone and not person.surname:
        person = replace(person, given_name="", surname=spaced(phone))
    if not person.surname:
        wrong.append(InvalidError("Scrivi il cognome, o il nome della società.", field="surname"))
    code = _parsed(told.codice_fiscale, "codice_fiscale", wrong)
    if not person.given_name and len(code) != 11 and not by_voice:
        wrong.append(InvalidError("Scrivi il nome.", field="given_name"))
    if told.phone.strip() and not phone:
        wrong.append(InvalidError("Il numero di telefono non è valido: ricontrollalo.", field="phone"))
    email = (to_email(person.email) or "") if person.email else ""
    if person.email and (not email or len(email) > 254):
        wrong.append(InvalidError("L'indirizzo e-mail non è valido: ricontrollalo.", field="email"))
    if channel is not Channel.DESK and not told.phone.strip() and not person.email:
        wrong.append(
            InvalidError("Lascia un'e-mail o un numero di telefono, per avvisarti se cambia qualcosa.", field="email")
        )
    if wrong:
        raise InvalidError("Ricontrolla i campi indicati.", parts=wrong)
    return replace(person, codice_fiscale=code, phone=phone, email=email)


def lines(text: str) -> str:
    """Words of several lines as they are kept: tabs and hard spaces, as they are pasted from elsewhere, are spaces."""
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


def reach(told: Person) -> tuple[str | None, str | None]:
    """His e-mail and telephone as they are kept, of what he typed."""
    email, phone = " ".join(told.email.split()), told.phone.strip()
    return (to_email(email) if email else None), (typed_number(phone) if phone else None)


def _parsed(text: str, field: str, wrong: list[InvalidError]) -> str:
    if not text.strip():
        return ""
    try:
        return parse_codice_fiscale(text)
    except InvalidError:
        wrong.append(InvalidError("Il codice fiscale non è valido: ricontrollalo.", field=field))
        return ""


def known_as(session: Session, ente_id: int, person: Person) -> int | None:
    """The contact of the ente that he is: by his codice fiscale; without one, by a telephone verified as that of one
    contact alone who has his name. Whoever books is never told.
    """
    if person.codice_fiscale:
        return session.scalar(
            select(Contact.id).where(
                Contact.ente_id == ente_id, Contact.codice_fiscale == person.codice_fiscale,
                Contact.withdrawn_as_of.is_(None),
            )
        )  # fmt: skip
    owner = _owner(session, ente_id, person.phone) if person.phone else None
    named = name_key(person.surname, person.given_name or None)
    return owner.id if owner is not None and owner.name_key == named else None


def who_calls(session: Session, ente_id: int, phone: str) -> Person:
    """Whoever calls an ente from this number (E.164): the one contact whose verified number it is, else the number
    alone. For those who cannot say who they are; what is told to him must not tell who that contact is.
    """
    owner = _owner(session, ente_id, phone)
    if owner is None:
        return Person(phone=phone)
    return Person(owner.given_name or "", owner.surname, owner.codice_fiscale or "", phone)


def _owner(session: Session, ente_id: int, phone: str) -> Any | None:
    """The contact of the ente whose verified number this is; none where it is that of several."""
    found = session.execute(
        select(Contact.id, Contact.name_key, Contact.given_name, Contact.surname, Contact.codice_fiscale)
        .join(ContactReach, (ContactReach.contact_id == Contact.id) & (ContactReach.ente_id == Contact.ente_id))
        .where(
            Contact.ente_id == ente_id, ContactReach.value == phone, ContactReach.kind == ReachKind.PHONE,
            ContactReach.verification == Verification.VERIFIED, Contact.withdrawn_as_of.is_(None),
        )
        .distinct()
    ).all()  # fmt: skip
    return found[0] if len(found) == 1 else None


def same(person: Person) -> ColumnElement[bool] | None:
    """His appointments: by his codice fiscale, else by telephone, else by e-mail. None: nothing says who he is."""
    if person.codice_fiscale:
        return Appointment.codice_fiscale == person.codice_fiscale
    if person.phone:
        return Appointment.phone == person.phone
    return Appointment.email == person.email if person.email else None


def at_address(person: Person, reached: tuple[MessageChannel, str] | None) -> ColumnElement[bool] | None:
    """His appointments at an address that he has shown to be his; of a family with one address, those of whom he names
    by codice fiscale. None: he has shown none.
    """
    if reached is None:
        return None
    there = (Appointment.email if reached[0] is MessageChannel.EMAIL else Appointment.phone) == reached[1]
    return there & (Appointment.codice_fiscale == person.codice_fiscale) if person.codice_fiscale else there


def repeated(person: Person) -> ColumnElement[bool]:
    """The appointments that say all that he says, name, codice fiscale and addresses: whoever knows as much of somebody
    learns nothing by being told that they are there.
    """
    return and_(
        func.lower(Appointment.surname) == person.surname.lower(),
        func.lower(Appointment.given_name) == person.given_name.lower(),
        *(
            column.is_not_distinct_from(said or None)
            for column, said in (
                (Appointment.codice_fiscale, person.codice_fiscale), (Appointment.phone, person.phone),
                (Appointment.email, person.email),
            )
        ),
    )  # fmt: skip


def mark_of(session: Session, ente_id: int, person: Person) -> bytes | None:
    """A keyed hash of who he is, by what `same` goes by, and of where he is reached: whoever types somebody's codice
    fiscale is not him. None: nothing says who he is.
    """
    said = person.codice_fiscale or person.phone or person.email
    about = f"{ente_id}:{said}:{person.email or person.phone}"
    return secrecy.of(session).mark("appointment.person", about.encode())[:16] if said else None


def alone(session: Session, ente_id: int, person: Person) -> None:
    """Whoever books for the same person at the same moment waits, until this transaction ends."""
    key = f"{ente_id}:{person.codice_fiscale or person.phone or person.email}"
    number = int.from_bytes(hmac.digest(b"appointment", key.encode(), sha256)[:8], signed=True)
    session.execute(select(func.pg_advisory_xact_lock(number)))


def counted(session: Session, his: ColumnElement[bool], at: Appointment) -> tuple[int, int]:
    """How many of the service he has on the day of this appointment, and how many from now on; without this one."""
    day = clock.business_day(at.starts_at)
    today = Appointment.starts_at >= clock.start_of_day(day), Appointment.starts_at < clock.start_of_day(day + DAY)
    on_day, ahead = session.execute(
        select(func.count().filter(*today), func.count().filter(Appointment.starts_at >= clock.now(session))).where(
            Appointment.ente_id == at.ente_id, Appointment.service_id == at.service_id, his,
            Appointment.state.in_(COUNTED), Appointment.id != at.id,
        )
    ).one()  # fmt: skip
    return on_day, ahead
