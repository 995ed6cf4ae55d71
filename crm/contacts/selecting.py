"""Contacts by what is true of them, as SQL, for whoever selects among a million: nothing here reads a row.

Each says something of `crm.contacts.models.Contact` as it is selected by `everybody`.
"""

from collections.abc import Collection
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, Table, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from crm.contacts.models import (
    ConditionKind,
    Contact,
    ContactAddress,
    ContactCondition,
    ContactMerge,
    ContactPreference,
    ContactReach,
    LastOutcome,
    PersonKind,
    ReachKind,
    Verification,
)
from crm.contacts.names import fold
from crm.core.db import table_of

_C, _R, _A = table_of(Contact), table_of(ContactReach), table_of(ContactAddress)
_K, _P = table_of(ContactCondition), table_of(ContactPreference)
ID, KIND = _C.c.id, _C.c.kind
MOBILE = "+393"  # the national numbering plan (AGCOM, delibera 8/15/CIR): mobile numbers begin with 3
_STATED = {
    ConditionKind.DECEASED: _C.c.deceased_on, ConditionKind.CEASED: _C.c.ceased_on,
    ConditionKind.INSOLVENT: _C.c.insolvent_since,
}  # fmt: skip


class Way(StrEnum):
    """How somebody may be reached."""

    PHONE = "phone"
    MOBILE = "mobile"
    EMAIL = "email"
    CERTIFIED = "certified"  # PEC or digital domicile


_KINDS = {
    Way.PHONE: (ReachKind.PHONE,), Way.EMAIL: (ReachKind.EMAIL,),
    Way.CERTIFIED: (ReachKind.PEC, ReachKind.DIGITAL_DOMICILE),
}  # fmt: skip


def everybody(ente_id: int, *which: ColumnElement[bool]) -> Select[int]:
    """The contacts of an ente of whom all of `which` holds. One that was merged into another is that other.

    Whom the collection system has withdrawn is left out.
    """
    merge = aliased(ContactMerge)
    joined = and_(merge.merged_id == _C.c.id, merge.ente_id == ente_id, merge.undone_at.is_(None))
    one = func.coalesce(merge.kept_id, _C.c.id).label("contact_id")
    found = select(one).select_from(_C).outerjoin(merge, joined)
    return found.where(_C.c.ente_id == ente_id, _C.c.withdrawn_as_of.is_(None), *which).distinct()


def is_kind(kinds: Collection[PersonKind]) -> ColumnElement[bool]:
    """A natural or a legal person."""
    return KIND.in_(kinds)


def reached_by(ways: Collection[Way]) -> ColumnElement[bool]:
    """There is an address of one of these, not known to be wrong, at which the last attempt was not in vain."""
    one_of: list[ColumnElement[bool]] = [_R.c.kind.in_(_KINDS[way]) for way in ways if way is not Way.MOBILE]
    if Way.MOBILE in ways:
        one_of.append(and_(_R.c.kind == ReachKind.PHONE, _R.c.value.op("^@")(MOBILE)))
    vain = _R.c.outcome.in_([LastOutcome.WRONG_PERSON, LastOutcome.UNREACHABLE])
    return exists().where(
        *_his(_R), or_(*one_of), _R.c.verification != Verification.WRONG, func.coalesce(~vain, True)
    )  # fmt: skip


def wants_no_calls() -> ColumnElement[bool]:
    """He asked not to be called."""
    return exists().where(*_his(_P), _P.c.do_not_call_since.is_not(None))


def in_condition(kinds: Collection[ConditionKind]) -> ColumnElement[bool]:
    """Deceased, ceased or insolvent: as stated, or as people told it."""
    told = exists().where(*_his(_K), _K.c.kind.in_(kinds), _K.c.withdrawn_at.is_(None))
    return or_(*(_STATED[one].is_not(None) for one in kinds), told)


def lives_in(towns: Collection[str]) -> ColumnElement[bool]:
    """An address in one of these towns, in whatever letters they are written."""
    return exists().where(*_his(_A), func.upper(_A.c.town).in_([" ".join(one.split()).upper() for one in towns]))


def has_postcode(beginnings: Collection[str]) -> ColumnElement[bool]:
    """An address whose postcode begins so."""
    return exists().where(*_his(_A), or_(*(_A.c.postcode.op("^@")(one.strip()) for one in beginnings)))


def in_street(beginnings: Collection[str]) -> ColumnElement[bool]:
    """An address that begins so, whatever way it is written: `Via Roma` finds `VIA ROMA, 12`."""
    return exists().where(*_his(_A), or_(*(_A.c.place_key.op("^@")(fold(one)) for one in beginnings)))


def _his(table: Table) -> tuple[ColumnElement[bool], ...]:
    return table.c.ente_id == _C.c.ente_id, table.c.contact_id == _C.c.id
