"""What must be known of contacts before anybody calls them: their numbers, their conditions, what they asked for."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import time
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, BigInteger, Row, Text, any_, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from crm.contacts.models import (
    ConditionKind,
    Contact,
    ContactCondition,
    ContactMerge,
    ContactPreference,
    ContactReach,
    LastOutcome,
    PersonKind,
    ReachKind,
    Verification,
)
from crm.contacts.union import Edge, group_of, groups
from crm.core.db import table_of
from crm.enti.calendar import Hours

_C, _R, _K = table_of(Contact), table_of(ContactReach), table_of(ContactCondition)
_P, _M = table_of(ContactPreference), table_of(ContactMerge)
_IDS = any_(bindparam("contacts", type_=ARRAY(BigInteger)))
_VAIN = frozenset({LastOutcome.WRONG_PERSON, LastOutcome.UNREACHABLE})
_MERGED = select(_M.c.kept_id, _M.c.merged_id).where(
    _M.c.undone_at.is_(None), or_(_M.c.kept_id == _IDS, _M.c.merged_id == _IDS)
)
# Whether he is found at work and not at home: as he told, else as is stated, else as firms are.
BUSINESS = ~func.coalesce(
    select(_P.c.residential).where(_P.c.contact_id == _C.c.id).correlate(_C).scalar_subquery(), _C.c.residential,
    _C.c.kind == PersonKind.NATURAL,
)  # fmt: skip
_TOLD = (
    select(func.array_agg(_K.c.kind.cast(Text))).where(_K.c.contact_id == _C.c.id, _K.c.withdrawn_at.is_(None))
    .scalar_subquery()
)  # fmt: skip
_PHONES = (
    select(func.jsonb_agg(aggregate_order_by(
        func.jsonb_build_array(_R.c.id, _R.c.value, _R.c.verification, _R.c.outcome), _R.c.id
    )))
    .where(_R.c.contact_id == _C.c.id, _R.c.kind == ReachKind.PHONE, _R.c.verification != Verification.WRONG)
    .scalar_subquery()
)  # fmt: skip
_KNOWN = (
    select(
        _C.c.id, BUSINESS.label("business"), _C.c.deceased_on, _C.c.insolvent_since, _C.c.withdrawn_as_of,
        _TOLD.label("told"), _PHONES.label("phones"), _P.c.weekdays, _P.c.hours_from, _P.c.hours_to,
        _P.c.do_not_call_since,
    )
    .outerjoin(_P, _P.c.contact_id == _C.c.id)
    .where(_C.c.id == _IDS)
)  # fmt: skip
FIRST, LAST = time(0), time(0)  # a day from midnight to midnight


class Phone(NamedTuple):
    """A number as it is read: `verification` and `outcome` by their words."""

    id: int
    value: str
    verification: str
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Callee:
    """Somebody as a caller has to know him, under all of his rows of the ente. `numbers` in E.164, the best first;
    `hours` that he asked for, or any.
    """

    contact_ids: frozenset[int]
    business: bool = False  # is found at work, not at home
    numbers: tuple[str, ...] = ()
    deceased: bool = False
    insolvent: bool = False
    gone: bool = False  # the collection system no longer has him
    do_not_call: bool = False
    hours: tuple[Hours, ...] = ()


def callees(session: Session, contact_ids: Collection[int]) -> dict[int, Callee]:
    """By contact, each with what is known of those who are the same person. Two statements, however many they are."""
    joined = persons(session, contact_ids)
    about = {"contacts": sorted({one for rows in joined.values() for one in rows})}
    known = {row.id: row for row in session.execute(_KNOWN, about)}
    found = {}
    for contact_id, rows in joined.items():
        his = [known[one] for one in sorted(rows) if one in known]
        kinds = {kind for one in his for kind in one.told or ()}
        found[contact_id] = Callee(
            contact_ids=rows,
            business=any(one.business for one in his),
            numbers=_numbers(Phone(*phone) for one in his for phone in one.phones or ()),
            deceased=ConditionKind.DECEASED in kinds or any(one.deceased_on for one in his),
            insolvent=ConditionKind.INSOLVENT in kinds or any(one.insolvent_since for one in his),
            gone=all(one.withdrawn_as_of for one in his),
            do_not_call=any(one.do_not_call_since for one in his),
            hours=tuple(dict.fromkeys(span for one in his for span in _hours(one))),
        )
    return found


def persons(session: Session, contact_ids: Collection[int]) -> dict[int, frozenset[int]]:
    """By contact, every row of those who are the same person as he, himself among them."""
    edges: set[Edge] = set()
    known: set[int] = set()
    ask = set(contact_ids)
    while ask:
        known |= ask
        edges |= {Edge(*row) for row in session.execute(_MERGED, {"contacts": sorted(ask)})}
        ask = {one for edge in edges for one in (edge.kept, edge.merged)} - known
    joined = groups(edges)
    return {one: group_of(joined, one).members for one in contact_ids}


def _numbers(phones: Iterable[Phone]) -> tuple[str, ...]:
    """Those at which he was reached before, then those found right, then the others; none found to be another's."""

    def rank(one: Phone) -> tuple[bool, bool]:
        return one.outcome != LastOutcome.REACHED, one.verification != Verification.VERIFIED

    usable = [one for one in phones if one.outcome not in _VAIN]
    return tuple(dict.fromkeys(one.value for one in sorted(usable, key=rank)))


def _hours(row: Row[*tuple[Any, ...]]) -> list[Hours]:
    if not row.weekdays and row.hours_from is None:
        return []
    return [Hours(day, row.hours_from or FIRST, row.hours_to or LAST) for day in row.weekdays or range(7)]
