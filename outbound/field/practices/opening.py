"""Opening practices: of whom one would be opened, and why not of the others, before it is done; then doing it."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Integer, cast, func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit import service as audit
from crm.contacts import calling
from crm.contacts import queries as contacts
from crm.core import clock, topics
from crm.core.db import table_of, touch
from crm.core.errors import InvalidError
from crm.positions import queries as positions
from outbound.field.places import queries as places
from outbound.field.places.placing import Place
from outbound.field.practices import judging, told
from outbound.field.practices.lifecycle import Occasion, Origin, State
from outbound.field.practices.models import Practice, PracticeDebt
from outbound.field.practices.rights import require_deciding
from outbound.field.practices.selection import Candidate, debts, door_of, refused

MOST_AT_ONCE = 5_000
NUMBERING = 0x0F1E  # the advisory locks of the enti whose practices are being numbered
_P = table_of(Practice)


def candidates(
    session: Session, *, ente_id: int, contact_ids: Collection[int], campaign_id: int | None = None,
    at: datetime,
) -> list[Candidate]:  # fmt: skip
    """Each of these contacts of an ente, in their order: what a practice of his would be about, or why there is none.

    Changes nothing. A few statements, and one a person.
    """
    ids = list(dict.fromkeys(contact_ids))
    persons = calling.persons(session, ids)
    known = calling.callees(session, ids)
    verdicts = judging.verdicts_of(session, ente_id=ente_id, campaign_id=campaign_id, contact_ids=ids, at=at)
    taken = _in_practice(session, {row for rows in persons.values() for row in rows})
    owed = defaultdict(list)
    for one in positions.of_contact(session, {row for rows in persons.values() for row in rows}, brief=True):
        owed[one.contact_id].append(one)
    day, found, seen = clock.business_day(at), [], set[int]()
    for contact_id in ids:
        rows = persons[contact_id]
        his = [contacts.get(session, row) for row in (contact_id, *sorted(rows - {contact_id}))]
        door = door_of(his)
        there = not rows.isdisjoint(taken) or not rows.isdisjoint(seen)
        seen |= rows
        verdict = verdicts[contact_id]
        found.append(
            Candidate(
                contact_id, his[0].name, door, debts((one for row in rows for one in owed[row]), day),
                known[contact_id].business, verdict, refused(verdict, door=door is not None, in_practice=there),
            )
        )  # fmt: skip
    return found


def dry(session: Session, by: Principal, *, ente_id: int, contact_ids: Collection[int]) -> list[Candidate]:
    """The same, for whoever is about to decide. Raises `InvalidError` for too many at once."""
    require_deciding(session, by, ente_id)
    if len(contact_ids) > MOST_AT_ONCE:
        raise InvalidError(f"Al massimo {MOST_AT_ONCE} persone per volta: dividi la lista.")
    found = candidates(session, ente_id=ente_id, contact_ids=contact_ids, at=clock.now(session))
    audit.note(session, by, kind="field_practice.considered", ente_id=ente_id, after={"people": len(found)})
    return found


def decide(
    session: Session, by: Principal, *, ente_id: int, contact_ids: Collection[int], priority: int = 0
) -> list[int]:
    """The ente, or the company for it, has these people visited: the practices' ids, of those who may be."""
    require_deciding(session, by, ente_id)
    if len(contact_ids) > MOST_AT_ONCE:
        raise InvalidError(f"Al massimo {MOST_AT_ONCE} persone per volta: dividi la lista.")
    at = clock.now(session)
    able = [one for one in candidates(session, ente_id=ente_id, contact_ids=contact_ids, at=at) if not one.refused]
    return open_for(session, by, ente_id=ente_id, chosen=able, origin=Origin.ENTE, at=at, priority=priority)


def open_for(
    session: Session, by: Principal | None, *, ente_id: int, chosen: Collection[Candidate], origin: Origin,
    at: datetime, campaign_id: int | None = None, priority: int = 0,
) -> list[int]:  # fmt: skip
    """Open a practice of each of these, who were found to be able to have one in this transaction; their ids.

    `by` is none when their campaign's turn came.
    """
    if not chosen:
        return []
    session.execute(select(func.pg_advisory_xact_lock(NUMBERING, cast(ente_id % 2**31, Integer))))
    last = session.scalar(select(func.coalesce(func.max(_P.c.number), 0)).where(_P.c.ente_id == ente_id)) or 0
    where = places.locate(
        session, {one.contact_id: (one.door.street or "", one.door.town or "") for one in chosen if one.door}
    )
    made: list[Practice] = []
    for number, one in enumerate(chosen, last + 1):
        assert one.door is not None
        place = where.get(one.contact_id, Place.nowhere())
        made.append(
            Practice(
                ente_id=ente_id, number=number, contact_id=one.contact_id, campaign_id=campaign_id, origin=origin,
                state=State.OPEN, priority=priority, cents=one.cents, residential=not one.business,
                street=one.door.street, postcode=one.door.postcode or "", town=one.door.town,
                latitude=place.at.latitude if place.at else None, longitude=place.at.longitude if place.at else None,
                placed=place.placed.value, opened_at=at, opened_by=by.user_id if by else None,
            )
        )  # fmt: skip
    session.add_all(made)
    session.flush()
    for row, one in zip(made, chosen, strict=True):
        session.add_all(
            PracticeDebt(ente_id=ente_id, practice_id=row.id, reference=debt.reference, cents=debt.cents)
            for debt in one.debts
        )
        judging.keep(session, row, Occasion.OPENED, one.verdict, at)
        told.tell(session, row, by)
        told.note(session, by, row, "field_practice.opened", number=row.number, cents=row.cents)
    session.flush()
    touch(session, topics.campaigns(ente_id))
    return [one.id for one in made]


def _in_practice(session: Session, rows: Collection[int]) -> set[int]:
    open_ = select(_P.c.contact_id).where(_P.c.contact_id.in_(rows), _P.c.state != State.CLOSED)
    return set(session.scalars(open_))
