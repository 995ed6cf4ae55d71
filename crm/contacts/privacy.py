"""What contacts hold of a person: what was stated and told of him, and where others' files name him."""

from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, or_, select, update
from sqlalchemy.orm import Session

from crm.contacts.models import (
    Consent,
    Contact,
    ContactAddress,
    ContactCondition,
    ContactMerge,
    ContactPreference,
    ContactReach,
    Mandate,
    Relation,
)
from crm.core import clock
from crm.core.clock import business_day
from crm.core.db import table_of
from crm.privacy.holders import Fate, Holder, Person, Section, TableHolder, Went, plain, rows_of

ERASED = "Persona cancellata"
ACTS_FOR_OTHERS = "Agisce per altri con un mandato valido: prima va terminato il mandato."
_CONTACT, _RELATION, _MANDATE = table_of(Contact), table_of(Relation), table_of(Mandate)
_MERGE = table_of(ContactMerge)
_EMPTY = "La riga vuota tiene insieme conteggi e somme."


class _NamedByOthers:
    """The relations of others' files, and the mandates, that name him by his codice fiscale."""

    tables = frozenset({_MANDATE.name})
    title = "Rapporti e mandati nei fascicoli altrui"

    def export(self, session: Session, person: Person) -> list[Section]:
        """As whom he is named, and in which mandates; not in whose file."""
        codes = _codes(session, person)
        related = select(_RELATION.c.kind, _RELATION.c.name, _RELATION.c.phone, _RELATION.c.valid_from).where(
            *self._named(_RELATION, person, codes)
        )
        mandates = select(_MANDATE).where(*self._named(_MANDATE, person, codes))
        return [
            Section("relation_of_others", self.title, [plain(row) for row in session.execute(related).mappings()]),
            Section("mandate", "Mandati ricevuti", [plain(row) for row in session.execute(mandates).mappings()]),
        ]

    def obstacles(self, session: Session, person: Person) -> list[str]:
        """Whoever acts for others today."""
        today = business_day(clock.now(session))
        valid = or_(_MANDATE.c.valid_to.is_(None), _MANDATE.c.valid_to >= today)
        held = select(_MANDATE.c.id).where(*self._named(_MANDATE, person, _codes(session, person)), valid).limit(1)
        return [ACTS_FOR_OTHERS] if session.execute(held).one_or_none() else []

    def erase(self, session: Session, person: Person) -> list[Went]:
        """Take name, code and number out."""
        codes, count = _codes(session, person), 0
        nobody = {"name": ERASED, "codice_fiscale": None}
        for table, more in (
            (_RELATION, {"phone": None, "who_key": func.concat("#", cast(_RELATION.c.id, Text))}),
            (_MANDATE, {}),
        ):
            emptied = update(table).where(*self._named(table, person, codes)).values(**nobody, **more)
            count += rows_of(session.execute(emptied))
        return [Went(self.title, count, Fate.ANONYMISED, "Il rapporto è anche di un'altra persona.")]

    def _named(self, table: Any, person: Person, codes: list[str]) -> tuple[ColumnElement[bool], ...]:
        return (table.c.ente_id == person.ente_id, table.c.codice_fiscale.in_(codes))


class _Merges(TableHolder):
    """Who was found to be the same person: ids stay, the reason somebody wrote goes."""

    def of(self, person: Person) -> tuple[ColumnElement[bool], ...]:
        """Whichever of the two he was."""
        either = _MERGE.c.kept_id.in_(person.contact_ids) | _MERGE.c.merged_id.in_(person.contact_ids)
        return (_MERGE.c.ente_id == person.ente_id, either)


def _codes(session: Session, person: Person) -> list[str]:
    theirs = select(_CONTACT.c.codice_fiscale).where(_CONTACT.c.id.in_(person.contact_ids))
    return list(session.execute(theirs).scalars())


HOLDERS: tuple[Holder, ...] = (
    _NamedByOthers(),
    TableHolder(_RELATION, "Rapporti con altre persone"),
    TableHolder(table_of(ContactAddress), "Indirizzi", hidden=frozenset({"place_key"})),
    TableHolder(table_of(ContactCondition), "Decesso, cessazione, insolvenza"),
    TableHolder(table_of(ContactPreference), "Preferenze"),
    TableHolder(table_of(Consent), "Consensi"),
    _Merges(_MERGE, "Unioni di contatti", emptied={"reason": ""}, why="Tiene uniti i conteggi della persona."),
    TableHolder(table_of(ContactReach), "Recapiti"),
    TableHolder(
        _CONTACT, "Anagrafica",
        emptied={
            "codice_fiscale": func.concat("#", func.lpad(cast(_CONTACT.c.id, Text), 15, "0")),  # unique, and nobody's
            "partita_iva": None, "surname": ERASED, "given_name": None, "born_on": None, "birthplace": None,
            "name_key": "", "given_key": None, "deceased_on": None, "ceased_on": None, "insolvent_since": None,
            "residential": None, "digest": "erased",
        },
        why=_EMPTY, column="id",
    ),
)  # fmt: skip
