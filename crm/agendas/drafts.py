"""A citizen's way through the steps of a booking: what he has chosen and said so far is kept, encrypted, for two hours.

His link holds a token of the draft and nothing about him. When the time that he holds goes, all else stays.
"""

import hmac
import json
import secrets
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from crm.agendas import booking, codes, holding, people, queries, sites, telling
from crm.agendas.codes import Use
from crm.agendas.errors import HoldGoneError
from crm.agendas.holding import Held
from crm.agendas.models import BookingDraft
from crm.agendas.people import Person
from crm.agendas.rules import Channel
from crm.core import clock, secrecy
from crm.core.db import new_id
from crm.core.errors import ConflictError, FieldError, NotFoundError
from crm.messages import service as messages
from crm.messages.service import Order
from crm.messages.templates import MessageTemplate
from crm.messages.wording import LANGUAGES

KEPT = timedelta(hours=2)
LONGEST_NOTES = 200  # as the Modello Comuni has it
CODE_LIVES = timedelta(minutes=10)
MOST_TRIES, MOST_CODES = 5, 5
_PURPOSE = "booking.draft"
_SPEAKS = "."  # between the token and the language, which is nobody's secret


class DraftGoneError(NotFoundError):
    """Nobody has gone on with it for two hours, or there never was one."""


@dataclass(frozen=True, slots=True)
class Draft:
    """How far somebody is. `held` none: no time is his, or not any more; `expired`: it may be another's any moment."""

    token: str
    service_id: int
    office_id: int
    language: str
    told: Person
    held: Held | None
    expired: bool
    lost: bool  # he had chosen a time
    verified: bool  # a code came back from the address that he left
    code_sent: bool
    managed_by: str | None  # the token of what he has booked

    @property
    def described(self) -> bool:
        """Whether he has said who he is."""
        return bool(self.told.surname)


def begin(
    session: Session, *, ente_id: int, service_id: int, office_id: int, language: str, again: str = ""
) -> str:  # fmt: skip
    """Somebody wants this service at this office; returns the token of his draft. Raises `NotFoundError`.

    `again` is the token of the draft with which he came back to choose anew: he keeps what he has said, and the time
    that he holds if it is of the same service and office.
    """
    wanted = queries.service(session, ente_id, service_id)
    if not wanted.active or office_id not in wanted.offices:
        raise NotFoundError("Questo ufficio non offre questo servizio.")
    row = _come_back(session, ente_id, again)
    if row is None:
        row = BookingDraft(id=new_id(session), ente_id=ente_id)
        session.add(row)
    elif row.hold_id is not None and (row.service_id, row.office_id) != (service_id, office_id):
        holding.release(session, ente_id=ente_id, token=_hold(session, row))
        row.hold_id = None
    row.service_id, row.office_id, row.changed_at = service_id, office_id, clock.now(session)
    row.language = language if language in LANGUAGES else LANGUAGES[0]
    session.flush()
    return _token(session, row)


def language_in(token: str) -> str | None:
    """The language of a draft, as its token says it even once nobody knows of the draft any more. Pure."""
    _, _, language = token.partition(_SPEAKS)
    return language if language in LANGUAGES else None


def read(session: Session, *, ente_id: int, token: str) -> Draft:
    """How far it is. Raises `DraftGoneError`."""
    row = _mine(session, ente_id, token)
    told, held = _told(session, row), None
    if row.hold_id is not None and row.appointment_id is None:
        try:
            held = holding.held(session, ente_id=ente_id, token=codes.token(session, Use.HOLD, ente_id, row.hold_id))
        except HoldGoneError:
            held = None
    booked = row.appointment_id
    return Draft(
        _token(session, row), row.service_id, row.office_id, row.language, told, held,
        expired=held is not None and held.until <= clock.now(session), lost=row.hold_id is not None and held is None,
        verified=row.verified is not None and hmac.compare_digest(row.verified, _address_mark(session, row, told)),
        code_sent=row.code_mark is not None,
        managed_by=codes.token(session, Use.MANAGE, ente_id, booked) if booked else None,
    )  # fmt: skip


def take(session: Session, *, ente_id: int, token: str, office_id: int, starts_at: datetime) -> None:
    """Hold a time in the place of the one that he held. Raises as `holding.hold` does: then he keeps what he had."""
    row = _open(session, ente_id, token)
    before = codes.token(session, Use.HOLD, ente_id, row.hold_id) if row.hold_id else ""
    held = holding.hold(
        session, None, ente_id=ente_id, service_id=row.service_id, office_id=office_id, starts_at=starts_at,
        channel=Channel.WEB, holder=str(row.id), instead=before,
    )  # fmt: skip
    row.hold_id, row.office_id = held.appointment_id, office_id
    session.flush()


def extend(session: Session, *, ente_id: int, token: str) -> None:
    """Hold it for five minutes more. Raises as `holding.extend` does."""
    row = _open(session, ente_id, token)
    holding.extend(session, ente_id=ente_id, token=_hold(session, row))


def speak(session: Session, *, ente_id: int, token: str, language: str) -> str:
    """Go on in another language; the token, which says it."""
    row = _open(session, ente_id, token)
    row.language = language if language in LANGUAGES else LANGUAGES[0]
    session.flush()
    return _token(session, row)


def note(session: Session, *, ente_id: int, token: str, notes: str) -> None:
    """What he adds about his matter. Raises `FieldError`."""
    row = _open(session, ente_id, token)
    notes = people.lines(notes)
    if len(notes) > LONGEST_NOTES or not all(line.isprintable() for line in notes.splitlines()):
        raise FieldError("È troppo lungo, o ha caratteri che non si possono scrivere.", "notes")
    _keep(session, row, replace(_told(session, row), notes=notes))


def jot(session: Session, *, ente_id: int, token: str, **fields: str) -> None:
    """Keep some fields as they are typed, right or wrong: they are looked at when he goes on."""
    row = _open(session, ente_id, token)
    if fields:
        _keep(session, row, replace(_told(session, row), **fields))


def tell(session: Session, *, ente_id: int, token: str, person: Person) -> None:
    """Who he is. Raises `InvalidError` with what is wrong at each field."""
    row = _open(session, ente_id, token)
    person = replace(person, language=row.language, notes=_told(session, row).notes)
    people.parse(person, Channel.WEB)
    needs_code = sites.needs_code(session, ente_id, queries.service(session, ente_id, row.service_id))
    if needs_code and telling.where(*people.reach(person)) is None:
        raise FieldError("Lascia un'e-mail o un cellulare: ti mandiamo un codice per confermare.", "email")
    _keep(session, row, person)


def send_code(session: Session, *, ente_id: int, token: str) -> None:
    """Send six digits to the address that he left; the ones before are void. Raises `ConflictError` for too many."""
    row = _open(session, ente_id, token)
    told = _told(session, row)
    goes_to = telling.where(*people.reach(told))
    if goes_to is None:
        raise FieldError("Lascia un'e-mail o un cellulare: ti mandiamo un codice per confermare.", "email")
    if row.codes_sent >= MOST_CODES:
        raise ConflictError("Ti abbiamo già mandato più codici: ricomincia la prenotazione, o chiamaci.")
    code = f"{secrets.randbelow(10**6):06d}"
    row.code_mark, row.code_until = _code_mark(session, row, told, code), clock.now(session) + CODE_LIVES
    row.code_tries, row.codes_sent = 0, row.codes_sent + 1
    session.flush()
    values: dict[str, Any] = {"code": code, "minutes": str(CODE_LIVES // timedelta(minutes=1))}
    order = Order(
        ente_id, MessageTemplate.ONE_TIME_CODE.value, values, channel=goes_to[0], address=goes_to[1],
        language=row.language,
    )  # fmt: skip
    messages.owe(session, None, order, cause=f"booking:{row.id}:{row.codes_sent}")


def try_code(session: Session, *, ente_id: int, token: str, code: str) -> bool:
    """Whether it is the code; five are tried, for ten minutes. What was tried counts, so this raises nothing."""
    row = _open(session, ente_id, token)
    late = row.code_until is None or row.code_until <= clock.now(session)
    if row.code_mark is None or late or row.code_tries >= MOST_TRIES:
        return False
    row.code_tries += 1
    told = _told(session, row)
    right = hmac.compare_digest(row.code_mark, _code_mark(session, row, told, "".join(code.split())))
    if right:
        row.verified, row.code_mark = _address_mark(session, row, told), None
    session.flush()
    return right


def book(session: Session, *, ente_id: int, token: str, manage_at: str) -> str:
    """Book what he holds; the token with which he manages it. Said twice, it is booked once.

    Raises as `booking.book` does. What he said of himself is then his appointment's alone.
    """
    row = _mine(session, ente_id, token)
    if row.appointment_id is not None:
        return codes.token(session, Use.MANAGE, ente_id, row.appointment_id)
    draft = read(session, ente_id=ente_id, token=token)
    done = booking.book(
        session, None, ente_id=ente_id, hold=_hold(session, row), person=draft.told, manage_at=manage_at,
        verified=draft.verified,
    )  # fmt: skip
    row.appointment_id, row.told, row.verified = done.appointment_id, None, None
    session.flush()
    return done.token


def forget(session: Session) -> int:
    """Delete what nobody goes on with; how many there were."""
    old = BookingDraft.changed_at < clock.now(session) - KEPT
    return len(session.scalars(delete(BookingDraft).where(old).returning(BookingDraft.id)).all())


def _mine(session: Session, ente_id: int, token: str) -> BookingDraft:
    own, speaks, _ = token.partition(_SPEAKS)
    found = codes.read_token(session, Use.DRAFT, ente_id, own) if not speaks or language_in(token) else None
    row = None if found is None else session.get(BookingDraft, found, with_for_update=True, populate_existing=True)
    if row is None or row.ente_id != ente_id or row.changed_at < clock.now(session) - KEPT:
        raise DraftGoneError("Questa prenotazione non è più aperta: ricomincia da capo.")
    return row


def _come_back(session: Session, ente_id: int, token: str) -> BookingDraft | None:
    """His draft, unless it is forgotten or booked by now."""
    try:
        row = _mine(session, ente_id, token)
    except DraftGoneError:
        return None
    return row if row.appointment_id is None else None


def _open(session: Session, ente_id: int, token: str) -> BookingDraft:
    """To be gone on with: what is booked is no draft any more."""
    row = _mine(session, ente_id, token)
    if row.appointment_id is not None:
        raise ConflictError("Questa prenotazione è già confermata.")
    row.changed_at = clock.now(session)
    return row


def _token(session: Session, row: BookingDraft) -> str:
    return f"{codes.token(session, Use.DRAFT, row.ente_id, row.id)}{_SPEAKS}{row.language}"


def _hold(session: Session, row: BookingDraft) -> str:
    if row.hold_id is None:
        raise HoldGoneError
    return codes.token(session, Use.HOLD, row.ente_id, row.hold_id)


def _told(session: Session, row: BookingDraft) -> Person:
    if row.told is None:
        return Person(language=row.language)
    return replace(
        Person(**json.loads(secrecy.of(session).open(_PURPOSE, row.told, about=row.id.bytes))), language=row.language
    )


def _keep(session: Session, row: BookingDraft, person: Person) -> None:
    row.told = secrecy.of(session).seal(_PURPOSE, json.dumps(asdict(person)).encode(), about=row.id.bytes)
    session.flush()


def _address_mark(session: Session, row: BookingDraft, told: Person) -> bytes:
    email, phone = people.reach(told)
    return _mark(session, row.id, f"{email or ''}|{phone or ''}")


def _code_mark(session: Session, row: BookingDraft, told: Person, code: str) -> bytes:
    email, phone = people.reach(told)
    return _mark(session, row.id, f"{email or ''}|{phone or ''}|{code}")


def _mark(session: Session, draft_id: UUID, text: str) -> bytes:
    return secrecy.of(session).mark("booking.code", draft_id.bytes + text.encode())[:16]
