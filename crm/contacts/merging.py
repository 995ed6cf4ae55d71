"""Merging contacts of an ente that are one person, and undoing it. No row moves (see `union`)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.contacts.models import Contact, ContactMerge
from crm.contacts.union import Edge, group_of, groups
from crm.core import clock, topics
from crm.core.db import touch
from crm.core.errors import ConflictError, InvalidError, NotFoundError

MAX_REASON = 200

# The merges in force that hold a contact's group together, in the order in which they were made.
_EDGES = text(
    """
    WITH RECURSIVE person (id) AS (
        SELECT unnest(CAST(:ids AS bigint[]))
        UNION
        SELECT other.id FROM person JOIN LATERAL (
            SELECT merged_id AS id FROM contact_merge WHERE kept_id = person.id AND undone_at IS NULL
            UNION ALL
            SELECT kept_id FROM contact_merge WHERE merged_id = person.id AND undone_at IS NULL
        ) other ON true
    )
    SELECT DISTINCT m.id, m.kept_id, m.merged_id FROM person JOIN contact_merge m ON m.kept_id = person.id
    WHERE m.undone_at IS NULL ORDER BY m.id
    """
)


@dataclass(frozen=True, slots=True)
class MergeView:
    """A merge in force."""

    id: int
    kept_id: int
    merged_id: int
    merged_at: datetime
    merged_by: str
    reason: str


def merge(session: Session, by: Principal, *, kept_id: int, merged_id: int, reason: str) -> int:
    """Say that two contacts are one person, shown under the kept one's name. Returns the merge's id.

    Raises `ConflictError` when they are united already, `InvalidError` when they are no two contacts of one ente.
    """
    by.require(Permission.CONTACT_MERGE)
    ente_id = _ente_of_both(session, kept_id, merged_id)
    require_on(session, by, Permission.CONTACT_MERGE, ente_id=ente_id)
    reason = " ".join(reason.split())
    if not reason or len(reason) > MAX_REASON:
        raise InvalidError(
            f"Scrivi perché sono la stessa persona, in al massimo {MAX_REASON} caratteri.", field="reason"
        )
    _one_at_a_time(session, ente_id)
    before = groups(edges(session, [kept_id, merged_id]))
    if merged_id in group_of(before, kept_id).members:
        raise ConflictError("Sono già uniti.")
    row = ContactMerge(
        ente_id=ente_id, kept_id=kept_id, merged_id=merged_id, merged_at=clock.now(session), merged_by=by.user_id,
        reason=reason,
    )  # fmt: skip
    session.add(row)
    session.flush()
    _tell(session, by, row, "contact.merged", reason)
    return row.id


def undo(session: Session, by: Principal, *, merge_id: int) -> None:
    """They were two after all: each is again what the merges that remain make of it. Undone twice, it is no error."""
    by.require(Permission.CONTACT_MERGE)
    row = session.get(ContactMerge, merge_id)
    if row is None:
        raise NotFoundError("Unione non trovata.")
    require_on(session, by, Permission.CONTACT_MERGE, ente_id=row.ente_id)
    _one_at_a_time(session, row.ente_id)
    undone = session.execute(
        update(ContactMerge)
        .where(ContactMerge.id == merge_id, ContactMerge.undone_at.is_(None))
        .values(undone_at=clock.now(session), undone_by=by.user_id)
        .returning(ContactMerge.id)
    ).one_or_none()
    if undone is not None:
        _tell(session, by, row, "contact.merge_undone", "")


def edges(session: Session, contact_ids: list[int]) -> list[Edge]:
    """The merges in force that connect these contacts with others, in the order in which they were made."""
    return [Edge(kept, merged) for _, kept, merged in session.execute(_EDGES, {"ids": contact_ids})]


def standing(session: Session, contact_ids: list[int]) -> dict[int, int]:
    """The contact that stands for each of these, where others are joined to it."""
    found = groups(edges(session, contact_ids)) if contact_ids else {}
    return {id_: group_of(found, id_).standing for id_ in contact_ids}


def of_contacts(session: Session, contact_ids: list[int]) -> list[MergeView]:
    """The merges in force of these contacts, the latest first."""
    mine = ContactMerge.kept_id.in_(contact_ids) | ContactMerge.merged_id.in_(contact_ids)
    rows = session.execute(
        select(
            ContactMerge.id, ContactMerge.kept_id, ContactMerge.merged_id, ContactMerge.merged_at, User.name,
            ContactMerge.reason,
        )
        .join(User, User.id == ContactMerge.merged_by)
        .where(mine, ContactMerge.undone_at.is_(None))
        .order_by(ContactMerge.id.desc())
    )  # fmt: skip
    return [MergeView(*row) for row in rows]


def _ente_of_both(session: Session, one: int, other: int) -> int:
    found = dict(session.execute(select(Contact.id, Contact.ente_id).where(Contact.id.in_([one, other]))).all())
    if one == other or len(set(found.values())) > 1:
        raise InvalidError("Si uniscono due contatti diversi dello stesso ente.", field="merged_id")
    if len(found) < 2:
        raise NotFoundError("Contribuente non trovato.")
    return found[one]


def _one_at_a_time(session: Session, ente_id: int) -> None:
    """Two merges made at once could both join the same groups."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"merge:{ente_id}", 0))))


def _tell(session: Session, by: Principal, row: ContactMerge, kind: str, reason: str) -> None:
    both = {"kept": row.kept_id, "merged": row.merged_id, "merge": row.id}
    for contact_id in (row.kept_id, row.merged_id):
        audit.note(session, by, kind=kind, ente_id=row.ente_id, contact_id=contact_id, reason=reason, after=both)
    touch(session, topics.contact(row.kept_id), topics.contact(row.merged_id))
