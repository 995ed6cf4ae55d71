"""What messages hold of a person: where he was written to and in which words; and that he wanted no more of them."""

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from crm.contacts.models import ContactReach
from crm.core.db import table_of
from crm.messages.models import UNDER_WAY, Message, MessageStop
from crm.privacy.holders import Holder, Person, TableHolder

_MESSAGE, _STOP, _REACH = table_of(Message), table_of(MessageStop), table_of(ContactReach)
ON_ITS_WAY = "C'è un messaggio ancora in partenza: la cancellazione si fa quando è andato."


def _addresses(person: Person) -> Select[str]:
    """Where he is reached: erased before his contact, these are still there."""
    return select(_REACH.c.value).where(
        _REACH.c.ente_id == person.ente_id, _REACH.c.contact_id.in_(person.contact_ids)
    )  # fmt: skip


class _Messages(TableHolder):
    """Those to him, and those to his addresses when nobody knew whose they are."""

    def of(self, person: Person) -> tuple[ColumnElement[bool], ...]:
        """His messages."""
        nobodys = _MESSAGE.c.contact_id.is_(None) & _MESSAGE.c.address.in_(_addresses(person))
        return (_MESSAGE.c.ente_id == person.ente_id, or_(_MESSAGE.c.contact_id.in_(person.contact_ids), nobodys))

    def obstacles(self, session: Session, person: Person) -> list[str]:
        """A message under way."""
        going = select(_MESSAGE.c.id).where(*self.of(person), _MESSAGE.c.state.in_(UNDER_WAY)).limit(1)
        return [ON_ITS_WAY] if session.execute(going).first() else []


class _Stops(TableHolder):
    """They name an address, not a contact."""

    def of(self, person: Person) -> tuple[ColumnElement[bool], ...]:
        """Those at his addresses."""
        return (_STOP.c.ente_id == person.ente_id, _STOP.c.address.in_(_addresses(person)))


HOLDERS: tuple[Holder, ...] = (
    _Messages(
        _MESSAGE, "Messaggi", emptied={"address": "", "subject": "", "body": "", "calendar": "", "external_id": None},
        why="Che un messaggio è partito resta contato; indirizzo e parole sono cancellati.",
    ),
    _Stops(_STOP, "Messaggi rifiutati"),
)  # fmt: skip
