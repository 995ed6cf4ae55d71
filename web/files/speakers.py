"""With whom one speaks: what the gate's form offers, and what it says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Form
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.contacts import relations
from crm.contacts.disclosure import RelationKind, kinds_of
from crm.contacts.models import PersonKind, Source
from crm.contacts.queries import ContactView
from crm.contacts.relations import RelationView
from crm.core.errors import InvalidError
from crm.files.models import Interlocutor
from crm.files.service import Spoken
from web.edge.fields import id_of

NEW = "new"


@dataclass(frozen=True, slots=True)
class Offered:
    """Who may be speaking: the person himself unless it is a company, those known, and of what kind a new one is."""

    himself: bool
    known: tuple[RelationView, ...]
    kinds: tuple[RelationKind, ...]


def offered(session: Session, contact: ContactView) -> Offered:
    """For the gate of a contact."""
    legal = contact.kind is PersonKind.LEGAL
    return Offered(not legal, tuple(relations.of_contacts(session, [contact.id])), kinds_of(legal=legal))


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
            relation_id = relations.relate(
                session, by, contact_id=contact_id, kind=RelationKind(self.kind), name=self.name,
                source=Source.RELATED, call_id=call_id,
            )  # fmt: skip
        elif (known := id_of(self.speaker)) is not None:
            relation_id = known
        else:
            wrong = InvalidError("Scegli con chi parli.", field="speaker")
            raise InvalidError("Scegli con chi parli.", parts=(wrong,))
        return Spoken(Interlocutor.RELATED, relation_id, self.right)


def answers(
    speaker: Annotated[str, Form()] = "", kind: Annotated[str, Form()] = "", name: Annotated[str, Form()] = "",
    right: Annotated[Sequence[str], Form()] = (),
) -> Answers:  # fmt: skip
    """The gate's form."""
    return Answers(speaker, kind, name, tuple(right)[:20])
