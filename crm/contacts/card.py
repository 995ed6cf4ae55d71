"""A contact's card: all that one ente knows of one person, stated and told, in one reading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit import service as audit
from crm.contacts import consents, mandates, merging, preferences, queries, relations
from crm.contacts.consents import ConsentView, TextView
from crm.contacts.disclosure import Disclosure
from crm.contacts.merging import MergeView
from crm.contacts.models import Purpose
from crm.contacts.preferences import Preferences
from crm.contacts.queries import AddressView, Condition, ContactView, ReachView
from crm.contacts.relations import Client, MandateView, RelationView

# What was told of contacts, as one value each: the card itself reads it in full.
_TOLD = text("""
    SELECT (SELECT md5(string_agg(r::text, '' ORDER BY r.id)) FROM relation r WHERE r.contact_id = ANY (:contacts)),
           (SELECT md5(string_agg(c::text, '' ORDER BY c.id)) FROM consent c WHERE c.contact_id = ANY (:contacts))
""")


@dataclass(frozen=True, slots=True)
class Related:
    """Somebody who has to do with the contact, what he may be told, and the mandates of his that could be used."""

    relation: RelationView
    told: Disclosure
    mandates: tuple[MandateView, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """`rows` are the person's rows of the ente, the asked-for one first; `elsewhere` those of other enti of the scope.

    What was merged is told of all rows together.
    """

    contact: ContactView
    rows: tuple[ContactView, ...]
    elsewhere: tuple[ContactView, ...]
    reaches: tuple[ReachView, ...]
    addresses: tuple[AddressView, ...]
    conditions: tuple[Condition, ...]
    preferences: Preferences
    consents: tuple[ConsentView, ...]
    standing: Mapping[Purpose, ConsentView]
    texts: Mapping[Purpose, TextView]
    related: tuple[Related, ...]
    clients: tuple[Client, ...]
    merges: tuple[MergeView, ...]
    withheld: bool = False  # whoever the file is open before may not hear how to reach the person

    @property
    def legal(self) -> bool:
        """Whether it is a company or a body, by all that is known of it."""
        return queries.person_of((*self.rows, *self.elsewhere)).legal

    @property
    def wishes_version(self) -> str:
        """Another one when his wishes changed: a form that is open is then about something that was."""
        return _short(self.preferences.wishes)


@dataclass(frozen=True, slots=True)
class Summary:
    """What of the card must be seen without opening it; `version` is another one when anything on it changed."""

    version: str
    preferences: Preferences
    conditions: tuple[Condition, ...]


def read(session: Session, same: Sequence[ContactView]) -> Card:
    """The card of a person (`queries.same_person`), under the ente of the first of his rows."""
    contact = same[0]
    rows = tuple(queries.of_ente(same, contact.ente_id))
    ids = [one.id for one in rows]
    told = tuple(consents.of_contacts(session, ids))
    return Card(
        contact=contact, rows=rows, elsewhere=tuple(one for one in same if one.ente_id != contact.ente_id),
        reaches=tuple(one for row in rows for one in row.reaches),
        addresses=tuple(one for row in rows for one in row.addresses),
        conditions=tuple(one for row in rows for one in row.conditions),
        preferences=preferences.of_contacts(session, ids), consents=told, standing=consents.standing(told),
        texts=consents.texts(session, contact.ente_id), related=_related(session, same, ids),
        clients=tuple(relations.clients_of(session, contact.codice_fiscale)),
        merges=tuple(merging.of_contacts(session, ids)),
    )  # fmt: skip


def discreet(card: Card) -> Card:
    """The same without what says how to reach him or his."""
    related = tuple(replace(one, relation=replace(one.relation, phone=None)) for one in card.related)
    return replace(card, reaches=(), addresses=(), related=related, withheld=True)


def summary(session: Session, rows: Sequence[ContactView]) -> Summary:
    """For whoever shows the person's file; the asked-for row comes first."""
    ids = [one.id for one in queries.of_ente(rows, rows[0].ente_id)]
    asked = preferences.of_contacts(session, ids)
    told = (tuple(session.execute(_TOLD, {"contacts": ids}).one()), asked)
    stated = [(one.reaches, one.addresses, one.conditions) for one in rows]
    signs = {one.kind: one for row in reversed(rows) for one in row.conditions}
    return Summary(_short((told, stated)), asked, tuple(signs.values()))


def _short(value: object) -> str:
    return sha256(repr(value).encode()).hexdigest()[:8]


def opened(session: Session, by: Principal, card: Card, *, call_id: UUID | None = None) -> None:
    """Somebody reads it, in a call with this person or of his own accord: the audit knows."""
    for row in card.rows:
        audit.note(session, by, kind="contact.opened", ente_id=row.ente_id, contact_id=row.id, call_id=call_id)


def _related(session: Session, same: Sequence[ContactView], ids: list[int]) -> tuple[Related, ...]:
    found = relations.of_contacts(session, ids)
    told = relations.told_to_each(session, same, found)
    held = {
        (one.ente_id, one.codice_fiscale): tuple(
            mandates.held_by(session, ente_id=one.ente_id, codice_fiscale=one.codice_fiscale)
        )
        for one in found
        if one.codice_fiscale and one.by_mandate
    }
    return tuple(Related(one, told[one.id], held.get((one.ente_id, one.codice_fiscale or ""), ())) for one in found)
