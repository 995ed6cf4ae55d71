"""What is kept of the waiting list, and for how long: who ended waiting is forgotten as who came is."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from crm.agendas import queries
from crm.agendas.wishes.models import BookingOffer, BookingWish
from crm.contacts.models import Contact
from crm.core import clock
from crm.core.db import table_of
from crm.messages.models import Message
from crm.privacy.holders import Fate, Holder, Person, Section, TableHolder, Went, plain

AT_ONCE = 500
_WISH, _OFFER, _MESSAGE = table_of(BookingWish), table_of(BookingOffer), table_of(Message)
_CONTACT = table_of(Contact)


def forget(session: Session, ente_id: int) -> int:
    """Delete wishes that ended so many days ago as the ente keeps who came; how many."""
    before = clock.now(session) - timedelta(days=queries.kept_days(session, ente_id))
    old = (_WISH.c.ente_id == ente_id, _WISH.c.ended_at < before)
    return delete_these(session, ente_id, session.scalars(select(_WISH.c.id).where(*old).limit(AT_ONCE)).all())


def delete_these(session: Session, ente_id: int, ids: Sequence[UUID]) -> int:
    """Delete wishes with their offers, and what was written about them; how many there were."""
    for one in ids:
        session.execute(
            update(_MESSAGE)
            .where(_MESSAGE.c.ente_id == ente_id, _MESSAGE.c.cause.startswith(f"wish:{one}:"))
            .values(address="", subject="", body="", calendar="", external_id=None)
        )
    session.execute(delete(_OFFER).where(_OFFER.c.wish_id.in_(ids)))
    session.execute(delete(_WISH).where(_WISH.c.id.in_(ids)))
    return len(ids)


class _Wishes(TableHolder):
    """His own, and those made under his codice fiscale while nobody knew him; with what he was offered."""

    @property
    def tables(self) -> frozenset[str]:
        """Two: an offer goes with its wish."""
        return frozenset({_WISH.name, _OFFER.name})

    def export(self, session: Session, person: Person) -> list[Section]:
        """Both."""
        own = _OFFER.c.wish_id.in_(select(_WISH.c.id).where(*self.of(person)))
        shown = (_OFFER.c.wish_id, _OFFER.c.office_id, _OFFER.c.starts_at, _OFFER.c.outcome, _OFFER.c.until)
        offers = session.execute(select(*shown).where(own).order_by(_OFFER.c.made_at)).mappings()
        wishes = TableHolder.export(self, session, person)
        return [*wishes, Section(_OFFER.name, "Posti proposti dalla lista d'attesa", [plain(one) for one in offers])]

    def of(self, person: Person) -> tuple[ColumnElement[bool], ...]:
        """The person's rows."""
        own = (_CONTACT.c.ente_id == person.ente_id, _CONTACT.c.id.in_(person.contact_ids))
        codes = select(_CONTACT.c.codice_fiscale).where(*own)
        his = or_(_WISH.c.contact_id.in_(person.contact_ids), _WISH.c.codice_fiscale.in_(codes))
        return (_WISH.c.ente_id == person.ente_id, his)

    def erase(self, session: Session, person: Person) -> list[Went]:
        """Delete them; a time that he is offered goes to the next one once its hold ends."""
        ids = session.scalars(select(_WISH.c.id).where(*self.of(person))).all()
        return [Went(self.title, delete_these(session, person.ente_id, ids), Fate.DELETED)]


HOLDERS: tuple[Holder, ...] = (_Wishes(_WISH, "Richieste in lista d'attesa", hidden=frozenset({"mark"})),)
