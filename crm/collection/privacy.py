"""What the history of imports holds of a person: reasons of refusal that quote his codice fiscale."""

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from crm.collection.models import ImportRefusal
from crm.contacts import queries as contacts
from crm.core.db import table_of
from crm.privacy.holders import Fate, Holder, Person, Section, Went, rows_of

_REFUSAL = table_of(ImportRefusal)


class _Refusals:
    tables = frozenset({"import_refusal"})

    def export(self, session: Session, person: Person) -> list[Section]:
        """The reasons, with their lines."""
        rows = [
            {"run": run, "line": line, "reason": reason}
            for code in _codes(session, person)
            for run, line, reason in session.execute(
                select(_REFUSAL.c.run_id, _REFUSAL.c.line, _REFUSAL.c.reason).where(
                    _REFUSAL.c.ente_id == person.ente_id, func.strpos(_REFUSAL.c.reason, code) > 0
                )
            )
        ]
        return [Section("import_refusal", "Righe rifiutate dei flussi", rows)]

    def obstacles(self, session: Session, person: Person) -> list[str]:  # noqa: ARG002  # a protocol's
        """None."""
        return []

    def erase(self, session: Session, person: Person) -> list[Went]:
        """Take the codice fiscale out."""
        count = 0
        for code in _codes(session, person):
            theirs = _REFUSAL.c.ente_id == person.ente_id, func.strpos(_REFUSAL.c.reason, code) > 0
            without = func.replace(_REFUSAL.c.reason, code, "#")
            count += rows_of(session.execute(update(_REFUSAL).where(*theirs).values(reason=without)))
        why = "Resta che una riga è stata rifiutata, e perché."
        return [Went("Righe rifiutate dei flussi", count, Fate.ANONYMISED, why)]


def _codes(session: Session, person: Person) -> list[str]:
    return [contacts.get(session, one).codice_fiscale for one in person.contact_ids]


HOLDERS: tuple[Holder, ...] = (_Refusals(),)
