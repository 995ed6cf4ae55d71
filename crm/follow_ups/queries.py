"""Reading follow-ups: whose they are, what is late, and how many."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from crm.access.models import RoleGrant, User
from crm.access.permissions import PERMISSIONS, Permission
from crm.access.queries import kept_away
from crm.contacts.models import Contact
from crm.contacts.names import full_name
from crm.core import clock
from crm.follow_ups.models import FollowUp, FollowUpKind, FollowUpList, FollowUpState
from crm.follow_ups.when import Lateness, lateness

MOST = 200
_WHO_DO_IT = tuple(role for role, held in PERMISSIONS.items() if Permission.CONTACT_RECORD in held)
_OWNER, _MAKER, _CLOSER = aliased(User), aliased(User), aliased(User)


@dataclass(frozen=True, slots=True)
class FollowUpView:
    """A follow-up. `gone`: its owner works here no more, and whoever works on its list finds it there."""

    id: int
    ente_id: int
    contact_id: int
    name: str
    kind: FollowUpKind
    state: FollowUpState
    due_at: datetime
    late: Lateness
    owner_id: int | None
    owner: str | None
    gone: bool
    list_id: int
    list_name: str
    note: str
    made_at: datetime
    made_by: str | None  # none: the system
    closed_at: datetime | None
    closed_by: str | None
    changed_at: datetime | None
    can_undo: bool


@dataclass(frozen=True, slots=True)
class ListView:
    """A list, and how many follow-ups are open on it: all, those of nobody, those that are late."""

    id: int
    contract_id: int
    name: str
    open: int
    nobodys: int
    late: int


@dataclass(frozen=True, slots=True)
class Owed:
    """How many open follow-ups somebody has: those that are late, and those due before the day ends."""

    late: int
    today: int


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody to whom a follow-up can be given."""

    id: int
    name: str


def get(session: Session, follow_up_id: int) -> FollowUpView | None:
    """One follow-up; none when there is none in the scope."""
    return next(iter(_views(session, FollowUp.id == follow_up_id)), None)


def of_owner(session: Session, user_id: int) -> list[FollowUpView]:
    """What somebody has to do, the most urgent first."""
    return _views(session, FollowUp.owner_id == user_id, _OPEN)


def of_list(session: Session, list_id: int) -> list[FollowUpView]:
    """What is open on a list, whoever has it."""
    return _views(session, FollowUp.list_id == list_id, _OPEN)


def of_all(session: Session, contract_ids: Collection[int]) -> list[FollowUpView]:
    """What is open on any list of these contracts."""
    return _views(session, FollowUpList.contract_id.in_(contract_ids), _OPEN)


def of_contacts(session: Session, contact_ids: Collection[int]) -> list[FollowUpView]:
    """What is open about these contacts."""
    return _views(session, FollowUp.contact_id.in_(contact_ids), _OPEN)


def with_open(contact_ids: ColumnElement[Any], kind: FollowUpKind) -> Select[int]:
    """Selects those of these contacts about whom something of this kind is open."""
    return select(FollowUp.contact_id).where(FollowUp.contact_id == contact_ids, FollowUp.kind == kind, _OPEN)


def holders(session: Session, contact_ids: Collection[int]) -> list[int]:
    """Who has something open to do about these contacts, by when it is due."""
    first = func.min(FollowUp.due_at)
    rows = session.execute(
        select(FollowUp.owner_id, first)
        .where(FollowUp.contact_id.in_(contact_ids), FollowUp.owner_id.is_not(None), _OPEN)
        .group_by(FollowUp.owner_id)
        .order_by(first, FollowUp.owner_id)
    )
    return [owner for owner, _ in rows if owner is not None]


def of_call(session: Session, call_id: UUID) -> list[FollowUpView]:
    """What was promised in a call, whatever became of it."""
    return _views(session, FollowUp.call_id == call_id)


def owed(session: Session, user_id: int) -> Owed:
    """How much somebody has to do by the end of today."""
    at = clock.now(session)
    tomorrow = clock.start_of_day(clock.business_day(at) + timedelta(days=1))
    mine = select(
        func.count().filter(FollowUp.due_at <= at), func.count().filter(FollowUp.due_at > at)
    ).where(FollowUp.owner_id == user_id, _OPEN, FollowUp.due_at < tomorrow)  # fmt: skip
    return Owed(*session.execute(mine).one())


def lists(session: Session, contract_ids: Collection[int]) -> list[ListView]:
    """The open lists of these contracts, by name."""
    at = clock.now(session)
    held = and_(FollowUp.list_id == FollowUpList.id, _OPEN)
    rows = session.execute(
        select(
            FollowUpList.id, FollowUpList.contract_id, FollowUpList.name, func.count(FollowUp.id),
            func.count(FollowUp.id).filter(~_has_owner(session)), func.count(FollowUp.id).filter(FollowUp.due_at <= at),
        )
        .outerjoin(FollowUp, held)
        .where(FollowUpList.contract_id.in_(contract_ids), FollowUpList.active)
        .group_by(FollowUpList.id)
        .order_by(FollowUpList.name)
    )  # fmt: skip
    return [ListView(*row) for row in rows]


def colleagues(session: Session, *, contract_ids: Collection[int], ente_id: int) -> list[Colleague]:
    """Who works for an ente, through these contracts or itself, and can be given its follow-ups, by name."""
    where = or_(RoleGrant.contract_id.in_(contract_ids), RoleGrant.ente_id == ente_id)
    here = exists().where(*_working(session, User.id), where) & ~kept_away(User.id, [ente_id])
    rows = session.execute(select(User.id, User.name).where(User.active, here).order_by(User.name, User.id))
    return [Colleague(*row) for row in rows]


def works_on(session: Session, user_id: int, contract_id: int, ente_id: int) -> bool:
    """Whether somebody may do follow-ups of an ente under a contract today."""
    return any(one.id == user_id for one in colleagues(session, contract_ids=[contract_id], ente_id=ente_id))


_OPEN: ColumnElement[bool] = FollowUp.state == FollowUpState.OPEN


def _working(session: Session, user_id: SQLColumnExpression[Any]) -> tuple[ColumnElement[bool], ...]:
    """A grant in force with which one does follow-ups."""
    at = clock.now(session)
    return (
        RoleGrant.user_id == user_id, RoleGrant.role.in_(_WHO_DO_IT), RoleGrant.valid_from <= at,
        or_(RoleGrant.valid_to.is_(None), RoleGrant.valid_to > at),
    )  # fmt: skip


def _has_owner(session: Session) -> ColumnElement[bool]:
    """Somebody has it who still works there."""
    there = or_(RoleGrant.contract_id == FollowUpList.contract_id, RoleGrant.ente_id == FollowUp.ente_id)
    active = exists().where(User.id == FollowUp.owner_id, User.active)
    here = exists().where(*_working(session, FollowUp.owner_id), there)
    return active & here & ~kept_away(FollowUp.owner_id, FollowUp.ente_id)


def _views(session: Session, *conditions: ColumnElement[bool], limit: int = MOST) -> list[FollowUpView]:
    at = clock.now(session)
    rows = session.execute(
        select(
            FollowUp, Contact.surname, Contact.given_name, FollowUpList.name, _OWNER.name, _MAKER.name, _CLOSER.name,
            _has_owner(session),
        )
        .join(Contact, (Contact.id == FollowUp.contact_id) & (Contact.ente_id == FollowUp.ente_id))
        .join(FollowUpList, FollowUpList.id == FollowUp.list_id)
        .outerjoin(_MAKER, _MAKER.id == FollowUp.made_by)
        .outerjoin(_OWNER, _OWNER.id == FollowUp.owner_id)
        .outerjoin(_CLOSER, _CLOSER.id == FollowUp.closed_by)
        .where(*conditions)
        .order_by(FollowUp.due_at, FollowUp.id)
        .limit(limit)
    )  # fmt: skip
    return [
        FollowUpView(
            one.id, one.ente_id, one.contact_id, full_name(surname, given), one.kind, one.state, one.due_at,
            lateness(one.due_at, at), one.owner_id, owner, one.owner_id is not None and not has_owner, one.list_id,
            list_name, one.note, one.made_at, maker, one.closed_at, closer, one.changed_at, one.before is not None,
        )
        for one, surname, given, list_name, owner, maker, closer, has_owner in rows
    ]  # fmt: skip
