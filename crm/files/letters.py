"""The relief letter: printed from an open file, and handed to whoever is there."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.contacts import queries as contacts
from crm.contacts.disclosure import Matter
from crm.core import clock
from crm.core.db import new_id
from crm.core.errors import ConflictError, ForbiddenError
from crm.enti import queries as enti
from crm.files import queries as files
from crm.files.models import Purpose
from crm.positions import queries as positions
from crm.positions import relief
from crm.positions.views import PositionView
from crm.timeline import service as timeline
from crm.timeline.models import EntryKind

NEEDED = (Matter.ACTS, Matter.AMOUNTS)  # the letter tells both
PRESENT = frozenset({Purpose.DESK, Purpose.VISIT})  # where there is a hand to put it into


class LetterState(StrEnum):
    """How a letter on a timeline stands."""

    HANDED_OVER = "handed_over"  # into somebody's hand
    SENT = "sent"
    DELIVERED = "delivered"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Letter:
    """What the letter says."""

    ente: str
    name: str
    codice_fiscale: str
    paragraphs: tuple[str, ...]
    act_number: str
    reference: str
    as_of: datetime
    printed_at: datetime


def write(session: Session, by: Principal, *, position_id: int, on: date) -> Letter:
    """The letter about the relief of that day, for printing. Raises `ForbiddenError`, `ConflictError`."""
    found, paragraphs = _authorised(session, by, position_id, on)
    person = contacts.get(session, found.contact_id)
    audit.note(
        session, by, kind="relief_letter.printed", ente_id=found.ente_id, contact_id=found.contact_id,
        subject=f"position:{found.id}", after={"act_number": found.act_number, "on": on.isoformat()},
    )  # fmt: skip
    return Letter(
        _ente(session, found), person.name, person.codice_fiscale, tuple(paragraphs), found.act_number,
        found.reference, found.as_of, clock.now(session),
    )  # fmt: skip


def hand_over(session: Session, by: Principal, *, position_id: int, on: date) -> None:
    """It was given to whoever is at the desk: on his timeline. Raises as `write` does."""
    found, _ = _authorised(session, by, position_id, on)
    opening = files.require_open(session, by, contact_id=found.contact_id)
    if opening.purpose not in PRESENT:
        raise ConflictError("La lettera si consegna a chi è allo sportello, o durante una visita.")
    audit.note(
        session, by, kind="relief_letter.handed_over", ente_id=found.ente_id, contact_id=found.contact_id,
        subject=f"position:{found.id}", after={"act_number": found.act_number, "on": on.isoformat()},
    )  # fmt: skip
    timeline.record(
        session, ente_id=found.ente_id, contact_id=found.contact_id, kind=EntryKind.LETTER, source=new_id(session),
        occurred_at=clock.now(session), author_id=by.user_id, status=LetterState.HANDED_OVER.value,
        detail={"act_number": found.act_number, "on": on.isoformat(), "note": ""},
    )  # fmt: skip


def _authorised(session: Session, by: Principal, position_id: int, on: date) -> tuple[PositionView, list[str]]:
    found = positions.get(session, position_id)
    require_on(session, by, Permission.CONTACT_RECORD, ente_id=found.ente_id)
    opening = files.require_open(session, by, contact_id=found.contact_id)
    if not opening.told[found.contact_id] >= set(NEEDED):
        raise ForbiddenError("Con chi hai identificato non si può parlare di questo.")
    those = relief.reliefs(found, clock.business_day(clock.now(session))).get(on)
    if those is None:
        raise ConflictError("L'ente non ha disposto questo sgravio, o l'ha ritirato: ricarica la pagina.")
    return found, relief.letter(found, those)


def _ente(session: Session, found: PositionView) -> str:
    return enti.badges(session, frozenset({found.ente_id}))[found.ente_id].name
