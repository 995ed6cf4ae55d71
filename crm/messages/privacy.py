"""What messages hold of a person: where he was written to and in which words; and that he wanted no more of them."""

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from crm.contacts import queries as contacts
from crm.core.db import table_of
from crm.messages.models import Message, MessageState, MessageStop
from crm.privacy.holders import Fate, Holder, Person, Section, TableHolder, Went, plain, rows_of

_MESSAGE, _STOP = table_of(Message), table_of(MessageStop)
_UNDER_WAY = (MessageState.OWED, MessageState.SENDING, MessageState.UNKNOWN)
ON_ITS_WAY = "C'è un messaggio ancora in partenza: la cancellazione si fa quando è andato."


class _Messages(TableHolder):
    def obstacles(self, session: Session, person: Person) -> list[str]:
        """A message under way."""
        going = select(_MESSAGE.c.id).where(*self.of(person), _MESSAGE.c.state.in_(_UNDER_WAY)).limit(1)
        return [ON_ITS_WAY] if session.execute(going).first() else []


class _Stops:
    """They name an address, not a contact: his are those at his own."""

    tables = frozenset({_STOP.name})
    title = "Messaggi rifiutati"

    def export(self, session: Session, person: Person) -> list[Section]:
        """Where and since when he wants none."""
        rows = session.execute(select(_STOP).where(*self._of(session, person))).mappings()
        return [Section(_STOP.name, self.title, [plain(row) for row in rows])]

    def obstacles(self, session: Session, person: Person) -> list[str]:  # noqa: ARG002  # others have some
        """None."""
        return []

    def erase(self, session: Session, person: Person) -> list[Went]:
        """Delete them with his addresses."""
        return [
            Went(self.title, rows_of(session.execute(delete(_STOP).where(*self._of(session, person)))), Fate.DELETED)
        ]

    def _of(self, session: Session, person: Person) -> tuple[ColumnElement[bool], ...]:
        his = {reach.value for one in person.contact_ids for reach in contacts.get(session, one).reaches}
        return (_STOP.c.ente_id == person.ente_id, _STOP.c.address.in_(his))


HOLDERS: tuple[Holder, ...] = (
    _Messages(
        _MESSAGE, "Messaggi", emptied={"address": "", "subject": "", "body": "", "external_id": None},
        why="Che un messaggio è partito resta contato; indirizzo e parole sono cancellati.",
    ),
    _Stops(),
)  # fmt: skip
