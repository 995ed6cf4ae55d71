"""Who many codes or numbers belong to, a batch at a time: for files of other people's making."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from sqlalchemy import CompoundSelect, Select, select, union_all
from sqlalchemy.orm import Session

from crm.contacts.models import Contact, ContactMerge, ContactReach, ReachKind, Verification
from crm.core.db import table_of

_C, _R, _M = table_of(Contact), table_of(ContactReach), table_of(ContactMerge)
Found = dict[str, set[int]]


def by_codes(session: Session, codes: Collection[str], *, ente_id: int) -> Found:
    """The contacts of an ente with these codici fiscali, or, of companies, partite IVA."""
    there = (_C.c.ente_id == ente_id, _C.c.withdrawn_as_of.is_(None))
    own = select(_C.c.codice_fiscale, _C.c.id).where(*there, _C.c.codice_fiscale.in_(codes))
    numbers = [one for one in codes if len(one) == 11]
    other = select(_C.c.partita_iva, _C.c.id).where(*there, _C.c.partita_iva.in_(numbers))
    return _found(session, union_all(own, other) if numbers else own)


def by_phones(session: Session, numbers: Collection[str], *, ente_id: int) -> Found:
    """The contacts of an ente that have these numbers, in E.164, unless somebody said that one is wrong."""
    there = (_C.c.ente_id == ente_id, _C.c.withdrawn_as_of.is_(None))
    his = (_R.c.ente_id == _C.c.ente_id) & (_R.c.contact_id == _C.c.id)
    return _found(
        session,
        select(_R.c.value, _C.c.id)
        .join_from(_R, _C, his)
        .where(*there, _R.c.value.in_(numbers), _R.c.kind == ReachKind.PHONE, _R.c.verification != Verification.WRONG),
    )


def codes_of(session: Session, contact_ids: Collection[int]) -> dict[int, str]:
    """The codici fiscali of contacts."""
    codes = select(_C.c.id, _C.c.codice_fiscale).where(_C.c.id.in_(contact_ids))
    return {row.id: row.codice_fiscale for row in session.execute(codes)}


def standing_for(session: Session, contact_ids: Collection[int], *, ente_id: int) -> dict[int, int]:
    """Of those that were merged into another: which."""
    merges = select(_M.c.merged_id, _M.c.kept_id).where(
        _M.c.ente_id == ente_id, _M.c.merged_id.in_(contact_ids), _M.c.undone_at.is_(None)
    )  # fmt: skip
    return {row.merged_id: row.kept_id for row in session.execute(merges)}


def _found(session: Session, statement: Select[Any, Any] | CompoundSelect[Any, Any]) -> Found:
    found: Found = defaultdict(set)
    for value, contact_id in session.execute(statement):
        found[value].add(contact_id)
    return dict(found)
