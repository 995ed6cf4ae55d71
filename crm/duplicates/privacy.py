"""What the search for duplicates holds of a person: whom he was like."""

from sqlalchemy import ColumnElement

from crm.core.db import table_of
from crm.duplicates.models import DuplicateCandidate
from crm.privacy.holders import Holder, Person, TableHolder

_CANDIDATE = table_of(DuplicateCandidate)


class _Candidates(TableHolder):
    def of(self, person: Person) -> tuple[ColumnElement[bool], ...]:
        """Whichever of the two he is."""
        either = _CANDIDATE.c.one_id.in_(person.contact_ids) | _CANDIDATE.c.other_id.in_(person.contact_ids)
        return (_CANDIDATE.c.ente_id == person.ente_id, either)


HOLDERS: tuple[Holder, ...] = (_Candidates(_CANDIDATE, "Possibili doppioni", hidden=frozenset({"dismissed_by"})),)
