"""Whose account is whose: which administrator may change it, may see it, may give roles.

He administers the people of the enti and contracts on which he holds `user.manage`. An account has one keeper, said by
`keeper`: only he changes it (name, access, second factor) and gives it roles. Whoever could reset the access of a
colleague of another contract would hold that contract too; so would whoever kept the access of one who holds nothing
for a while, or nothing yet, and so would whoever made somebody's account his own by giving it a role. Who serves two
contracts is kept by whoever administers both; anybody takes back the roles of his own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session

from crm.access.models import Role, RoleGrant, User
from crm.access.permissions import Permission, Principal
from crm.access.service import granted_scope, holders, in_force, scope_for
from crm.core import clock
from crm.core.errors import ConflictError, ForbiddenError, NotFoundError

NOBODY = "Questo utente non esiste."
NOT_YOURS = "Questo utente lo cambia, e gli dà ruoli, chi amministra tutti quelli che ha, o chi l'ha creato."
FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Subject:
    """On what a role is held: one ente, or all enti of a contract."""

    ente_id: int | None = None
    contract_id: int | None = None


@dataclass(frozen=True, slots=True)
class Keeper:
    """Whose an account is: of whoever administers everything in `over`; where that is nothing, of its `maker`, and of
    whoever keeps him. With neither it is nobody's, until some administrator gives it its first role."""

    over: frozenset[Subject] = frozenset()
    maker: int | None = None


def keeper(held: Iterable[RoleGrant], *, made_by: int | None, at: datetime) -> Keeper:
    """By all the roles that somebody ever held: those that hold now or will; when all are over, those that ended last.
    Pure.

    One that was revoked before it began never was. `made_by` counts for whoever never held any.
    """
    ends = {one: one.valid_to or FOREVER for one in held if one.valid_to is None or one.valid_from < one.valid_to}
    last = max(ends.values(), default=at)
    over = {Subject(one.ente_id, one.contract_id) for one, end in ends.items() if end > at or end == last}
    return Keeper(frozenset(over)) if over else Keeper(maker=made_by)


def may_manage(session: Session, by: Principal, user_id: int) -> bool:
    """Whether an account is this administrator's."""
    if not by.can(Permission.USER_MANAGE):
        return False
    of = _keeper(session, user_id)
    if of.over:
        return all(is_over(session, by, one) for one in of.over)
    return of.maker is not None and (of.maker == by.user_id or may_manage(session, by, of.maker))


def may_give(session: Session, by: Principal, user_id: int) -> bool:
    """Whether this administrator may give it roles: it is his, or nobody's yet."""
    return by.can(Permission.USER_MANAGE) and (
        _keeper(session, user_id) == Keeper() or may_manage(session, by, user_id)
    )


def visible(session: Session, by: Principal) -> ColumnElement[bool]:
    """The users with a role, whenever it was, on something of this administrator's; and those who never had any that
    were made by one of these, or by nobody."""
    scope = granted_scope(session, by, Permission.USER_MANAGE)
    his = holders(scope.enti or (), scope.contracts)
    never_held = ~exists().where(RoleGrant.user_id == User.id)
    return or_(User.id.in_(his), never_held & or_(User.made_by.is_(None), User.made_by.in_(his)))


def require_visible(session: Session, by: Principal, user_id: int) -> None:
    """Raise `NotFoundError` unless `visible`."""
    if session.execute(select(User.id).where(User.id == user_id, visible(session, by))).first() is None:
        raise NotFoundError(NOBODY)


def is_over(session: Session, by: Principal, on: Subject) -> bool:
    """Whether somebody may give and take roles there."""
    if on.contract_id is not None:
        return on.contract_id in by.contracts_for(Permission.USER_MANAGE)
    return on.ente_id in (scope_for(session, by, Permission.USER_MANAGE).enti or ())


def require_over(session: Session, by: Principal, on: Subject) -> None:
    """Raise `ForbiddenError` unless `is_over`."""
    by.require(Permission.USER_MANAGE)
    if (on.ente_id is None) == (on.contract_id is None) or not is_over(session, by, on):
        raise ForbiddenError("Non sei amministratore di questo ente o contratto.")


def managed(session: Session, by: Principal, user_id: int) -> User:
    """The user, locked. Raises `ForbiddenError` unless `may_manage`."""
    by.require(Permission.USER_MANAGE)
    user = locked(session, user_id)
    if not may_manage(session, by, user_id):
        raise ForbiddenError(NOT_YOURS)
    return user


def administered(session: Session, user_id: int) -> list[Subject]:
    """Where somebody is an administrator now."""
    rows = session.execute(
        select(RoleGrant.ente_id, RoleGrant.contract_id).where(
            RoleGrant.user_id == user_id, RoleGrant.role == Role.ADMINISTRATOR, *in_force(session)
        )
    )
    return [Subject(*row) for row in rows]


def keep_an_administrator(session: Session, on: Subject, *, without: int) -> None:
    """Of an ente or contract one administrator at least stays, even when two take away each other's role at once."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("administrators", 0))))
    left = session.execute(
        select(func.count())
        .select_from(RoleGrant)
        .join(User, User.id == RoleGrant.user_id)
        .where(
            RoleGrant.role == Role.ADMINISTRATOR, RoleGrant.user_id != without, User.active,
            RoleGrant.ente_id.is_not_distinct_from(on.ente_id),
            RoleGrant.contract_id.is_not_distinct_from(on.contract_id), RoleGrant.valid_to.is_(None),
            RoleGrant.valid_from <= clock.now(session),
        )
    ).scalar_one()  # fmt: skip
    if not left:
        raise ConflictError("È l'ultimo amministratore: prima va dato il ruolo a un altro, senza scadenza.")


def _keeper(session: Session, user_id: int) -> Keeper:
    held = session.scalars(select(RoleGrant).where(RoleGrant.user_id == user_id))
    made_by = session.execute(select(User.made_by).where(User.id == user_id)).scalar_one_or_none()
    return keeper(held, made_by=made_by, at=clock.now(session))


def locked(session: Session, user_id: int) -> User:
    """The user, whom nobody else changes before the transaction ends. Raises `NotFoundError`."""
    user = session.get(User, user_id, with_for_update=True, populate_existing=True)
    if user is None:
        raise NotFoundError(NOBODY)
    return user
