"""Reading users, their roles, sessions and history, for whoever manages them and for themselves."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, exists, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from crm.access.authority import may_give, may_manage, require_visible, visible
from crm.access.models import (
    AccessLink,
    EnteExclusion,
    EventKind,
    Method,
    Role,
    RoleGrant,
    SecondFactor,
    User,
    UserEvent,
    UserIdentity,
    UserSession,
)
from crm.access.permissions import PERMISSIONS, Permission, Principal
from crm.access.service import in_force
from crm.core import clock
from crm.enti import queries as enti

SHOWN = 50


@dataclass(frozen=True, slots=True)
class Grant:
    """A role on an ente or a contract. `in_force`: none before it begins, false once it is over."""

    id: int
    user_id: int
    role: Role
    ente_id: int | None
    contract_id: int | None
    valid_from: datetime
    valid_to: datetime | None
    in_force: bool | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A user in a list, with the roles he holds or will."""

    id: int
    username: str
    name: str
    qualification: str
    active: bool
    has_password: bool
    has_second_factor: bool
    last_seen_at: datetime | None  # by the sessions that are open
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A browser that is signed in."""

    id: int
    address: str
    browser: str
    method: Method
    provider: str | None
    created_at: datetime
    last_seen_at: datetime
    is_this: bool


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is at a provider."""

    id: int
    provider: str
    subject: str
    linked_at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done to an account."""

    at: datetime
    by: str | None
    kind: EventKind
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Account:
    """All of a user's that his administrator sees. `manageable`: he may change the account itself; `grantable`: he may
    give it roles."""

    user: Listed
    email: str | None
    language: str
    grants: tuple[Grant, ...]  # with those that are over
    sessions: tuple[OpenSession, ...]
    identities: tuple[Identity, ...]
    history: tuple[Event, ...]
    link_until: datetime | None
    manageable: bool
    grantable: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """Which users are asked for. `text` is a part of a name or user name."""

    text: str = ""
    role: Role | None = None
    ente_id: int | None = None
    active: bool | None = True


def users(session: Session, by: Principal, *, wanted: Filter, offset: int = 0) -> tuple[list[Listed], bool]:
    """The users of an administrator's enti and contracts, and those who never had a role; whether there are more."""
    by.require(Permission.USER_MANAGE)
    seen = (
        select(func.max(UserSession.last_seen_at)).where(UserSession.user_id == User.id, UserSession.awaits.is_(None))
    ).scalar_subquery()
    factor = exists().where(SecondFactor.user_id == User.id)
    rows = session.execute(
        select(
            User.id, User.username, User.name, User.qualification, User.active,
            User.password_hash.is_not(None).label("has_password"), factor.label("has_factor"), seen.label("seen"),
        )
        .where(*_wanted(session, by, wanted))
        .order_by(User.name, User.id)
        .offset(offset)
        .limit(SHOWN + 1)
    ).all()  # fmt: skip
    held: dict[int, list[Grant]] = {}
    for one in grants(session, [row.id for row in rows]):
        if one.in_force is not False:
            held.setdefault(one.user_id, []).append(one)
    listed = [
        Listed(
            row.id, row.username, row.name, row.qualification, row.active, row.has_password, row.has_factor, row.seen,
            tuple(held.get(row.id, ())),
        )
        for row in rows
    ]  # fmt: skip
    return listed[:SHOWN], len(listed) > SHOWN


def account(session: Session, by: Principal, *, user_id: int) -> Account:
    """One of an administrator's users. Raises `NotFoundError`."""
    by.require(Permission.USER_MANAGE)
    require_visible(session, by, user_id)
    user = session.get_one(User, user_id)
    factor = select(SecondFactor.user_id).where(SecondFactor.user_id == user_id)
    link = select(AccessLink.expires_at).where(
        AccessLink.user_id == user_id, AccessLink.expires_at > clock.now(session)
    )
    own = tuple(grants(session, [user_id]))
    open_ones = tuple(sessions(session, user_id=user_id, this=by.session_id))
    listed = Listed(
        user.id, user.username, user.name, user.qualification, user.active, user.password_hash is not None,
        session.execute(factor).one_or_none() is not None, max((one.last_seen_at for one in open_ones), default=None),
        tuple(one for one in own if one.in_force is not False),
    )  # fmt: skip
    manageable = may_manage(session, by, user_id)
    return Account(
        listed, user.email, user.language, own, open_ones if manageable else (),
        tuple(identities(session, user_id=user_id)) if manageable else (),
        tuple(_history(session, user_id)) if manageable else (), session.execute(link).scalar_one_or_none(), manageable,
        may_give(session, by, user_id),
    )  # fmt: skip


def able(session: Session, permission: Permission, *, contract_id: int) -> dict[int, str]:
    """Whoever now holds a permission on a contract as a whole: the names, by id."""
    roles = [role for role, allowed in PERMISSIONS.items() if permission in allowed]
    rows = session.execute(
        select(User.id, User.name)
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .where(RoleGrant.contract_id == contract_id, RoleGrant.role.in_(roles), User.active, *in_force(session))
        .order_by(User.name, User.id)
    )
    return {user_id: name for user_id, name in rows}  # noqa: C416  # rows are no pairs to mypy


def overseeing(session: Session, permission: Permission, *, contract_id: int) -> set[int]:
    """Whoever now holds a permission on a contract as a whole, and is kept away by none of its enti."""
    held = able(session, permission, contract_id=contract_id)
    kept = select(User.id).where(User.id.in_(held), kept_away(User.id, enti.enti_of(session, contract_id)))
    return set(held) - set(session.scalars(kept))


def kept_away(
    user_id: SQLColumnExpression[Any], ente_ids: Collection[int] | SQLColumnExpression[Any]
) -> ColumnElement[bool]:
    """An ente, or one of some, does not let this user near its taxpayers."""
    out = EnteExclusion
    of = out.ente_id.in_(ente_ids) if isinstance(ente_ids, Collection) else out.ente_id == ente_ids
    its = select(out.id).where(out.user_id == user_id, of, out.lifted_at.is_(None))
    return its.correlate_except(out).exists()


def able_on(session: Session, permission: Permission, *, ente_id: int) -> dict[int, str]:
    """Whoever now holds a permission on an ente, through it or a contract that covers it, and is not kept away by it:
    the names, by id.
    """
    here = is_able(session, permission, User.id, literal(ente_id))
    rows = session.execute(select(User.id, User.name).where(here).order_by(User.name, User.id))
    return {row.id: row.name for row in rows}


def is_able(
    session: Session, permission: Permission, user_id: SQLColumnExpression[Any], ente_id: SQLColumnExpression[Any]
) -> ColumnElement[bool]:
    """The user that a column names now holds a permission on the ente of another, and is not kept away by it.

    The columns are those of whatever statement encloses this, at any depth.
    """
    roles = [role for role, allowed in PERMISSIONS.items() if permission in allowed]
    there = or_(RoleGrant.ente_id == ente_id, RoleGrant.contract_id.in_(enti.covering(ente_id)))
    held = select(RoleGrant.id).where(
        RoleGrant.user_id == user_id, RoleGrant.role.in_(roles), there, *in_force(session)
    )  # fmt: skip
    who = aliased(User)
    active = select(who.id).where(who.id == user_id, who.active)
    return (
        active.correlate_except(who).exists() & held.correlate_except(RoleGrant).exists() & ~kept_away(user_id, ente_id)
    )


def named(session: Session, user_ids: Collection[int]) -> dict[int, str]:
    """The names of these users."""
    if not user_ids:
        return {}
    rows = session.execute(select(User.id, User.name).where(User.id.in_(user_ids)))
    return {row.id: row.name for row in rows}


def grants(session: Session, user_ids: list[int]) -> list[Grant]:
    """The roles of users, those that are over last."""
    at = clock.now(session)
    rows = session.execute(
        select(RoleGrant).where(RoleGrant.user_id.in_(user_ids)).order_by(RoleGrant.valid_from, RoleGrant.id)
    ).scalars()
    found = [
        Grant(
            row.id, row.user_id, row.role, row.ente_id, row.contract_id, row.valid_from, row.valid_to,
            _in_force(row, at),
        )
        for row in rows
    ]  # fmt: skip
    return sorted(found, key=lambda one: one.in_force is False)


def sessions(session: Session, *, user_id: int, this: int | None) -> list[OpenSession]:
    """The browsers in which somebody is signed in, the latest seen first."""
    rows = session.execute(
        select(
            UserSession.id, UserSession.address, UserSession.browser, UserSession.method, UserSession.provider,
            UserSession.created_at, UserSession.last_seen_at,
        )
        .where(
            UserSession.user_id == user_id, UserSession.awaits.is_(None), UserSession.expires_at > clock.now(session)
        )
        .order_by(UserSession.last_seen_at.desc())
    )  # fmt: skip
    return [OpenSession(*row, is_this=row.id == this) for row in rows]


def identities(session: Session, *, user_id: int) -> list[Identity]:
    """Who somebody is at the providers."""
    rows = session.execute(
        select(UserIdentity.id, UserIdentity.provider, UserIdentity.subject, UserIdentity.linked_at)
        .where(UserIdentity.user_id == user_id)
        .order_by(UserIdentity.linked_at)
    )
    return [Identity(*row) for row in rows]


def _history(session: Session, user_id: int) -> list[Event]:
    by = aliased(User)
    rows = session.execute(
        select(UserEvent.at, by.name, UserEvent.kind, UserEvent.detail)
        .outerjoin(by, by.id == UserEvent.by_id)
        .where(UserEvent.user_id == user_id)
        .order_by(UserEvent.id.desc())
        .limit(200)
    )
    return [Event(row.at, row.name, EventKind(row.kind), row.detail) for row in rows]


def _in_force(grant: RoleGrant, at: datetime) -> bool | None:
    if grant.valid_from > at:
        return None
    return grant.valid_to is None or grant.valid_to > at


def _wanted(session: Session, by: Principal, wanted: Filter) -> list[ColumnElement[bool]]:
    conditions = [visible(session, by)]
    conditions += [
        or_(
            func.lower(User.name).contains(word, autoescape=True),
            User.username.contains(word, autoescape=True),
            func.lower(User.qualification).contains(word, autoescape=True),
        )
        for word in wanted.text.lower().split()[:6]
    ]
    if wanted.active is not None:
        conditions.append(User.active == wanted.active)
    at = clock.now(session)
    held = [RoleGrant.user_id == User.id, or_(RoleGrant.valid_to.is_(None), RoleGrant.valid_to > at)]
    if wanted.role is not None:
        held.append(RoleGrant.role == wanted.role)
    if wanted.ente_id is not None:
        from_contract = and_(RoleGrant.contract_id.is_not(None), _covers(session, wanted.ente_id))
        held.append(or_(RoleGrant.ente_id == wanted.ente_id, from_contract))
    if wanted.role is not None or wanted.ente_id is not None:
        conditions.append(exists().where(*held))
    return conditions


def _covers(session: Session, ente_id: int) -> ColumnElement[bool]:
    covering = [one for one, covered in enti.coverage(session).items() if ente_id in covered]
    return RoleGrant.contract_id.in_(covering)


@dataclass(frozen=True, slots=True)
class Told:
    """A user, and where he is written to. `email` is empty where none is known."""

    id: int
    name: str
    email: str
    language: str


def to_tell(session: Session, permission: Permission, *, ente_id: int) -> list[Told]:
    """The same, and where each is written to."""
    able = able_on(session, permission, ente_id=ente_id)
    rows = session.execute(
        select(User.id, User.name, User.email, User.language).where(User.id.in_(able)).order_by(User.id)
    )
    return [Told(user_id, name, email or "", language) for user_id, name, email, language in rows]
