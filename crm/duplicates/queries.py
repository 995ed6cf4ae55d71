"""Reading what may be duplicates, how a search goes, and what was merged."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from crm.access.models import User
from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.contacts import merging
from crm.contacts import queries as contacts
from crm.contacts.models import Contact, ContactMerge
from crm.contacts.names import full_name
from crm.contacts.queries import ContactView
from crm.contacts.union import group_of, groups
from crm.core.db import Base
from crm.core.errors import NotFoundError
from crm.duplicates.likeness import Why
from crm.duplicates.models import DuplicateCandidate, DuplicateSearch
from crm.positions.models import Position
from crm.timeline.models import TimelineEntry

MOST = 100
_ONE, _OTHER = aliased(Contact), aliased(Contact)


@dataclass(frozen=True, slots=True)
class Named:
    """Enough of a contact to recognise him."""

    id: int
    name: str
    codice_fiscale: str


@dataclass(frozen=True, slots=True)
class CandidateView:
    """Two contacts that may be one person."""

    id: int
    ente_id: int
    score: int
    why: tuple[Why, ...]
    one: Named
    other: Named
    dismissed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Side:
    """One of two contacts compared, and how much hangs on him."""

    contact: ContactView
    positions: int
    contacts: int  # entries of his timeline


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two contacts side by side. `keep` is the one that should stand for both, unless somebody knows better."""

    candidate: CandidateView
    sides: tuple[Side, Side]
    keep: int


@dataclass(frozen=True, slots=True)
class MergedView:
    """A merge in force, by the names of the two."""

    id: int
    ente_id: int
    kept: Named
    merged: Named
    merged_at: datetime
    merged_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class SearchView:
    """The latest search of an ente."""

    ente_id: int
    step: int
    found: int
    asked_at: datetime
    ended_at: datetime | None
    failed: bool


def candidates(session: Session, *, limit: int = MOST) -> list[CandidateView]:
    """Those of the scope that nobody has decided about, the likeliest first."""
    undecided = (DuplicateCandidate.dismissed_at.is_(None), ~_merged_directly())
    found: list[CandidateView] = []
    read = 0
    while len(found) < limit and (some := _candidates(session, *undecided, limit=limit, after=read)):
        joined = groups(merging.edges(session, [one.one.id for one in some]))  # through others, too
        found += [one for one in some if one.other.id not in group_of(joined, one.one.id).members]
        read += len(some)
    return found[:limit]


def dismissed(session: Session, *, limit: int = MOST) -> list[CandidateView]:
    """Those of whom somebody said that they are two, the latest first."""
    return _candidates(session, DuplicateCandidate.dismissed_at.is_not(None), limit=limit)


def get(session: Session, candidate_id: int) -> CandidateView:
    """One pair. Raises `NotFoundError`."""
    found = _candidates(session, DuplicateCandidate.id == candidate_id, limit=1)
    if not found:
        raise NotFoundError("Questo possibile doppione non c'è più: una ricerca più recente non l'ha trovato.")
    return found[0]


def compare(session: Session, by: Principal, *, candidate_id: int) -> Comparison:
    """The two of a pair, side by side. It shows what is known of both, so it is audited as a read of each."""
    by.require(Permission.CONTACT_MERGE)
    candidate = get(session, candidate_id)
    ids = (candidate.one.id, candidate.other.id)
    owed, told = (
        _counts(session, Position, Position.contact_id, ids),
        _counts(session, TimelineEntry, TimelineEntry.contact_id, ids),
    )
    one, other = (Side(contacts.get(session, id_), owed.get(id_, 0), told.get(id_, 0)) for id_ in ids)
    for id_ in ids:
        audit.note(session, by, kind="contact.compared", ente_id=candidate.ente_id, contact_id=id_)
    return Comparison(candidate, (one, other), to_keep(one, other))


def to_keep(one: Side, other: Side) -> int:
    """The one on whom more hangs, then the one stated last, then the older row."""
    return max(
        (one, other), key=lambda side: (side.positions, side.contacts, side.contact.as_of, -side.contact.id)
    ).contact.id


def merged(session: Session, *, limit: int = MOST) -> list[MergedView]:
    """The merges of the scope in force, the latest first."""
    rows = session.execute(
        select(ContactMerge, _ONE, _OTHER, User.name)
        .join(_ONE, and_(_ONE.id == ContactMerge.kept_id, _ONE.ente_id == ContactMerge.ente_id))
        .join(_OTHER, and_(_OTHER.id == ContactMerge.merged_id, _OTHER.ente_id == ContactMerge.ente_id))
        .join(User, User.id == ContactMerge.merged_by)
        .where(ContactMerge.undone_at.is_(None))
        .order_by(ContactMerge.id.desc())
        .limit(limit)
    )
    return [
        MergedView(one.id, one.ente_id, _named(kept), _named(gone), one.merged_at, by, one.reason)
        for one, kept, gone, by in rows
    ]


def searches(session: Session, ente_ids: Collection[int]) -> dict[int, SearchView]:
    """The latest search of each of these enti that had one."""
    rows = session.scalars(select(DuplicateSearch).where(DuplicateSearch.ente_id.in_(ente_ids)))
    return {
        one.ente_id: SearchView(one.ente_id, one.step, one.found, one.asked_at, one.ended_at, one.failed)
        for one in rows
    }


def _merged_directly() -> ColumnElement[bool]:
    kept, gone = ContactMerge.kept_id, ContactMerge.merged_id
    one, other = DuplicateCandidate.one_id, DuplicateCandidate.other_id
    either = or_(and_(kept == one, gone == other), and_(kept == other, gone == one))
    return exists().where(either, ContactMerge.undone_at.is_(None))


def _candidates(session: Session, *conditions: ColumnElement[bool], limit: int, after: int = 0) -> list[CandidateView]:
    rows = session.execute(
        select(DuplicateCandidate, _ONE, _OTHER)
        .join(_ONE, and_(_ONE.id == DuplicateCandidate.one_id, _ONE.ente_id == DuplicateCandidate.ente_id))
        .join(_OTHER, and_(_OTHER.id == DuplicateCandidate.other_id, _OTHER.ente_id == DuplicateCandidate.ente_id))
        .where(*conditions)
        .order_by(DuplicateCandidate.dismissed_at.desc(), DuplicateCandidate.score.desc(), DuplicateCandidate.id)
        .limit(limit)
        .offset(after)
    )
    return [
        CandidateView(
            pair.id, pair.ente_id, pair.score, tuple(Why(one) for one in pair.why), _named(one), _named(other),
            pair.dismissed_at,
        )
        for pair, one, other in rows
    ]  # fmt: skip


def _named(row: Contact) -> Named:
    return Named(row.id, full_name(row.surname, row.given_name), row.codice_fiscale)


def _counts(
    session: Session, model: type[Base], column: InstrumentedAttribute[int], ids: Collection[int]
) -> dict[int, int]:
    rows = session.execute(select(column, func.count()).select_from(model).where(column.in_(ids)).group_by(column))
    return dict(rows.all())
