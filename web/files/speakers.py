"""With whom one speaks: what the gate's form offers, and what it says."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from fastapi import Form
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.contacts import queries as contacts
from crm.contacts import relations
from crm.contacts.disclosure import RelationKind, kinds_of
from crm.contacts.models import Source
from crm.contacts.names import who_key
from crm.contacts.queries import ContactView
from crm.contacts.relations import RelationView
from crm.core.errors import InvalidError
from crm.drafts.places import FormKind, Place
from crm.files.models import Interlocutor
from crm.files.service import Spoken
from web.drafts.written import Written
from web.edge.fields import id_of
from web.edge.visits import Visit

NEW = "new"


@dataclass(frozen=True, slots=True)
class Offered:
    """Who may be speaking: the person himself unless it is a company, those known, and of what kind a new one is.
    `place`: where it is kept what was answered so far; empty outside a conversation.
    """

    himself: bool
    known: tuple[RelationView, ...]
    kinds: tuple[RelationKind, ...]
    place: str = ""
    written: Written | None = None

    @property
    def version(self) -> str:
        """Another one when others are known."""
        return sha256(repr((self.himself, [one.id for one in self.known])).encode()).hexdigest()[:8]


def offered(session: Session, same: Sequence[ContactView]) -> Offered:
    """For the gate of a person, whose rows these are; the one that is asked for comes first."""
    legal = contacts.person_of(same).legal
    known = relations.of_contacts(session, [one.id for one in contacts.of_ente(same, same[0].ente_id)])
    return Offered(not legal, tuple(known), kinds_of(legal=legal))


def offered_in(session: Session, visit: Visit, same: Sequence[ContactView], *, talk: str) -> Offered:
    """The same with what the visitor has marked in this conversation: answers given in one are none in another."""
    place = Place(FormKind.GATE, same[0].id, talk)
    return replace(offered(session, same), place=str(place), written=Written.of(session, visit, [place]))


@dataclass(frozen=True, slots=True)
class Answers:
    """The form: an empty `speaker` is the taxpayer himself, a number a relation, `new` one to be written down."""

    speaker: str
    kind: str
    name: str
    right: tuple[str, ...]

    def spoken(self, session: Session, by: Principal, *, contact_id: int, call_id: UUID | None = None) -> Spoken:
        """Before whom the file opens; whoever is new is written down first."""
        if not self.speaker:
            return Spoken(right=self.right)
        if self.speaker == NEW:
            if self.kind not in set(RelationKind):
                wrong = InvalidError("Scegli in che veste parla.", field="kind")
                raise InvalidError("Scegli in che veste parla.", parts=(wrong,))
            relation_id = self._new(session, by, RelationKind(self.kind), contact_id, call_id)
        elif (known := id_of(self.speaker)) is not None:
            relation_id = known
        else:
            wrong = InvalidError("Scegli con chi parli.", field="speaker")
            raise InvalidError("Scegli con chi parli.", parts=(wrong,))
        return Spoken(Interlocutor.RELATED, relation_id, self.right)

    def _new(
        self, session: Session, by: Principal, kind: RelationKind, contact_id: int, call_id: UUID | None
    ) -> int:  # fmt: skip
        """Whoever is known by this name after all is taken as he is: that his title ended stays so."""
        known = offered(session, contacts.same_person(session, contact_id)).known
        key = who_key(None, self.name)
        for one in known:
            if one.kind is kind and who_key(None, one.name) == key:
                return one.id
        return relations.relate(
            session, by, contact_id=contact_id, kind=kind, name=self.name, source=Source.RELATED, call_id=call_id
        ).id


async def answers(
    speaker: Annotated[str, Form()] = "", kind: Annotated[str, Form()] = "", name: Annotated[str, Form()] = "",
    right: Annotated[Sequence[str], Form()] = (),
) -> Answers:  # fmt: skip
    """The gate's form."""
    return Answers(speaker, kind, name, tuple(right)[:20])
