"""What lists hold of a person: that he is on one, and what a file said of him."""

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from crm.contacts import queries as contacts
from crm.core.db import table_of
from crm.privacy.holders import Fate, Holder, Person, Section, TableHolder, Went, plain, rows_of
from outbound.lists.models import ContactListMember, ContactListRefusal

_REFUSAL = table_of(ContactListRefusal)
REFUSED = "Righe di file che non sono in nessuna lista"


class _Refused:
    """Rows of files that name him by his codice fiscale and yet made nobody a member, such as those written twice."""

    tables = frozenset({_REFUSAL.name})

    def export(self, session: Session, person: Person) -> list[Section]:
        """The rows, as they were written."""
        rows = session.execute(select(_REFUSAL).where(*self._his(session, person))).mappings()
        return [Section(_REFUSAL.name, REFUSED, [plain(row) for row in rows])]

    def obstacles(self, session: Session, person: Person) -> list[str]:  # noqa: ARG002  # a protocol's
        """None."""
        return []

    def erase(self, session: Session, person: Person) -> list[Went]:
        """The rows go; that there were so many is counted with their list."""
        gone = session.execute(delete(_REFUSAL).where(*self._his(session, person)))
        return [Went(REFUSED, rows_of(gone), Fate.DELETED)]

    def _his(self, session: Session, person: Person) -> tuple[ColumnElement[bool], ...]:
        codes = [contacts.get(session, one).codice_fiscale for one in person.contact_ids]
        return _REFUSAL.c.ente_id == person.ente_id, _REFUSAL.c.codice_fiscale.in_(codes)


HOLDERS: tuple[Holder, ...] = (TableHolder(table_of(ContactListMember), "Liste di contatti"), _Refused())
