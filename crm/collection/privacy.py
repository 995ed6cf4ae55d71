"""What feeds hold of a person besides his contact: records that wait for him, keys, reasons that quote his code."""

from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, func, or_, select, update
from sqlalchemy.orm import Session

from crm.collection.models import ContactLookup, ImportNamed, ImportRefusal, Of, WaitingRecord, WithdrawnKey
from crm.collection.service import IMPORT
from crm.collection.sources.service import FETCH
from crm.collection.sources.tasks import remove_spool
from crm.collection.tasks import remove
from crm.contacts import queries as contacts
from crm.core.db import table_of
from crm.core.jobs import Job
from crm.privacy.holders import Fate, Holder, Person, Section, Went, plain, rows_of

_REFUSAL, _WAITING, _LOOKUP = table_of(ImportRefusal), table_of(WaitingRecord), table_of(ContactLookup)
_KEYS = (table_of(WithdrawnKey), table_of(ImportNamed))
REFUSED, WAITING, KEYS = "Righe rifiutate dei flussi", "Record in attesa del contribuente", "Chiavi dei flussi"
LOOKUPS = "Domande al gestionale prima di una chiamata"


def forget_files(session: Session, *, ente_id: int) -> None:
    """Remove the feeds of an ente that are still on the disk: sent and given up, or fetched and not read to the end."""
    owed = select(Job.kind, Job.argument).where(Job.ente_id == ente_id, Job.kind.in_([IMPORT, FETCH]))
    for kind, argument in session.execute(owed):
        if kind == IMPORT:
            remove(Path(argument["path"]))
        else:
            remove_spool(argument)


class _Feeds:
    tables = frozenset({_REFUSAL.name, _WAITING.name, _LOOKUP.name, *(one.name for one in _KEYS)})

    def export(self, session: Session, person: Person) -> list[Section]:
        """Lines refused, with their reasons, and records set aside."""
        refused: list[Any] = []
        for code in _codes(session, person):
            lines = select(_REFUSAL.c.run_id, _REFUSAL.c.line, _REFUSAL.c.reason).where(*_quoting(person, code))
            refused += [plain(row) for row in session.execute(lines).mappings()]
        waiting = select(_WAITING).where(*_of(_WAITING, person), _WAITING.c.codice_fiscale.in_(_codes(session, person)))
        asked = select(_LOOKUP).where(*_about(person))
        return [
            Section(_REFUSAL.name, REFUSED, refused),
            Section(_WAITING.name, WAITING, [plain(row) for row in session.execute(waiting).mappings()]),
            Section(_LOOKUP.name, LOOKUPS, [plain(row) for row in session.execute(asked).mappings()]),
        ]

    def obstacles(self, session: Session, person: Person) -> list[str]:  # noqa: ARG002  # a protocol's
        """None."""
        return []

    def erase(self, session: Session, person: Person) -> list[Went]:
        """Take the codice fiscale, and what it is known by, out of refusals; delete the rest."""
        codes = _codes(session, person)
        refused = 0
        for code in codes:
            without = {"reason": func.replace(_REFUSAL.c.reason, code, "#"), "key": None, "codice_fiscale": None}
            refused += rows_of(session.execute(update(_REFUSAL).where(*_quoting(person, code)).values(without)))
        waiting = delete(_WAITING).where(*_of(_WAITING, person), _WAITING.c.codice_fiscale.in_(codes))
        keys = [delete(one).where(*_of(one, person), one.c.of == Of.TAXPAYER, one.c.key.in_(codes)) for one in _KEYS]
        return [
            Went(REFUSED, refused, Fate.ANONYMISED, "Resta che una riga è stata rifiutata, e perché."),
            Went(WAITING, rows_of(session.execute(waiting)), Fate.DELETED),
            Went(LOOKUPS, rows_of(session.execute(delete(_LOOKUP).where(*_about(person)))), Fate.DELETED),
            Went(KEYS, sum(rows_of(session.execute(one)) for one in keys), Fate.DELETED),
        ]


def _of(table: Table, person: Person) -> tuple[ColumnElement[bool], ...]:
    return (table.c.ente_id == person.ente_id,)


def _about(person: Person) -> tuple[ColumnElement[bool], ...]:
    return *_of(_LOOKUP, person), _LOOKUP.c.contact_id.in_(person.contact_ids)


def _quoting(person: Person, code: str) -> tuple[ColumnElement[bool], ...]:
    quoted = func.strpos(_REFUSAL.c.reason, code) > 0
    return (*_of(_REFUSAL, person), or_(quoted, _REFUSAL.c.codice_fiscale == code, _REFUSAL.c.key == code))


def _codes(session: Session, person: Person) -> list[str]:
    return [contacts.get(session, one).codice_fiscale for one in person.contact_ids]


HOLDERS: tuple[Holder, ...] = (_Feeds(),)
