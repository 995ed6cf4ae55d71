"""What appointments hold of a person: who he said he is, and how to reach him. One still ahead stands against erasing
him; of the others it stays that somebody came, and when.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from crm.agendas.models import Appointment, AppointmentState
from crm.contacts.models import Contact
from crm.core.db import table_of
from crm.messages.models import Message
from crm.privacy.holders import Fate, Holder, Person, TableHolder, Went, rows_of

_APPOINTMENT, _CONTACT, _MESSAGE = table_of(Appointment), table_of(Contact), table_of(Message)
AHEAD = "Ha un appuntamento ancora da venire: prima va disdetto."


EMPTIED: dict[str, Any] = {
    "contact_id": None, "given_name": "", "surname": "", "codice_fiscale": None, "phone": None, "email": None,
    "notes": "", "reason": "", "holder": None,
}  # fmt: skip


def empty(session: Session, ente_id: int, ids: Sequence[UUID]) -> int:
    """Take from appointments who came, and from what was written about them to whom and what; how many there were."""
    for one in ids:
        session.execute(
            update(_MESSAGE)
            .where(_MESSAGE.c.ente_id == ente_id, _MESSAGE.c.cause.startswith(f"appointment:{one}:"))
            .values(address="", subject="", body="", calendar="", external_id=None)
        )
    return rows_of(session.execute(update(_APPOINTMENT).where(_APPOINTMENT.c.id.in_(ids)).values(EMPTIED)))


class _Appointments(TableHolder):
    """His own, and those made under his codice fiscale while nobody knew him."""

    def of(self, person: Person) -> tuple[ColumnElement[bool], ...]:
        """The person's rows."""
        codes = select(_CONTACT.c.codice_fiscale).where(
            _CONTACT.c.ente_id == person.ente_id, _CONTACT.c.id.in_(person.contact_ids)
        )
        his = or_(_APPOINTMENT.c.contact_id.in_(person.contact_ids), _APPOINTMENT.c.codice_fiscale.in_(codes))
        return (_APPOINTMENT.c.ente_id == person.ente_id, his)

    def obstacles(self, session: Session, person: Person) -> list[str]:
        """An appointment that he still has."""
        ahead = (_APPOINTMENT.c.state == AppointmentState.BOOKED, _APPOINTMENT.c.starts_at > func.now())
        return [AHEAD] if session.execute(select(_APPOINTMENT.c.id).where(*self.of(person), *ahead)).first() else []

    def erase(self, session: Session, person: Person) -> list[Went]:
        """Empty them, and what was written about them to the addresses that he left."""
        ids = session.scalars(select(_APPOINTMENT.c.id).where(*self.of(person))).all()
        count = empty(session, person.ente_id, ids)
        return [Went(self.title, count, Fate.ANONYMISED, self.why)]


HOLDERS: tuple[Holder, ...] = (
    _Appointments(
        _APPOINTMENT, "Appuntamenti",
        emptied=EMPTIED,
        why="Che qualcuno è venuto, e quando, resta contato.", hidden=frozenset({"holder"}),
    ),
)  # fmt: skip
