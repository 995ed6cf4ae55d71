"""Signing in and out. A session lives in PostgreSQL; the browser holds a token of which only a hash is kept."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from crm.access.models import RoleGrant, User, UserSession
from crm.access.passwords import matches
from crm.access.permissions import PERMISSIONS, Held, Permission, Principal
from crm.core import clock
from crm.core.db import Scope
from crm.core.errors import DomainError
from crm.enti import queries as enti

LIFE = timedelta(hours=12)  # longer than a shift


class SignInError(DomainError):
    """The name or the password is wrong; which of the two is not said."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session as its request sees it."""

    principal: Principal
    csrf_token: str


def password_of(session: Session, username: str) -> tuple[int, str] | None:
    """The user's id and password hash, for whoever may sign in. Checked outside: it is slow on purpose."""
    row = session.execute(
        select(User.id, User.password_hash).where(User.username == username.strip().lower(), User.active)
    ).one_or_none()
    return None if row is None else (row.id, row.password_hash)


def check(known: tuple[int, str] | None, password: str) -> int:
    """The id of the user whose password this is. Raises `SignInError`."""
    if not matches(known[1] if known else None, password) or known is None:
        raise SignInError("Nome utente o password non corretti.")
    return known[0]


def open_session(session: Session, user_id: int) -> str:
    """Open a session and return its token, which is not kept."""
    token = secrets.token_urlsafe(32)
    at = clock.now(session)
    session.execute(delete(UserSession).where(UserSession.user_id == user_id, UserSession.expires_at < at))
    session.add(
        UserSession(
            token_hash=_hash(token), user_id=user_id, csrf_token=secrets.token_urlsafe(32), created_at=at,
            expires_at=at + LIFE,
        )
    )  # fmt: skip
    session.flush()
    return token


def sign_out(session: Session, token: str) -> None:
    """End a session."""
    session.execute(delete(UserSession).where(UserSession.token_hash == _hash(token)))


def resume(session: Session, token: str) -> SignedIn | None:
    """The principal behind a token, or none when the session is unknown, over, or its user is gone."""
    at = clock.now(session)
    row = session.execute(
        select(User.id, User.name, User.language, UserSession.csrf_token)
        .join(User, User.id == UserSession.user_id)
        .where(UserSession.token_hash == _hash(token), UserSession.expires_at > at, User.active)
    ).one_or_none()
    if row is None:
        return None
    held = session.execute(
        select(RoleGrant.role, RoleGrant.ente_id, RoleGrant.contract_id).where(
            RoleGrant.user_id == row.id, *_in_force(session)
        )
    )
    principal = Principal(row.id, row.name, row.language, frozenset(Held(*grant) for grant in held))
    return SignedIn(principal, row.csrf_token)


def scope_for(session: Session, principal: Principal, permission: Permission) -> Scope:
    """What a principal may see for this purpose: the enti and contracts on which he holds the permission."""
    held = [one for one in principal.held if permission in PERMISSIONS[one.role]]
    contracts = frozenset(one.contract_id for one in held if one.contract_id is not None)
    covered = {ente_id for contract_id in contracts for ente_id in enti.enti_of(session, contract_id)}
    return Scope.of_enti(covered | {one.ente_id for one in held if one.ente_id is not None}, contracts)


def contracts_watched(session: Session, scope: Scope) -> frozenset[int]:
    """The contracts that cover any ente of a scope: whose levels somebody with that scope may look at."""
    if scope.enti is None:
        return scope.contracts
    covering = {one for one, covered in enti.coverage(session).items() if not covered.isdisjoint(scope.enti)}
    return frozenset(covering) | scope.contracts


def _in_force(session: Session) -> tuple[ColumnElement[bool], ...]:
    at = clock.now(session)
    return (RoleGrant.valid_from <= at, or_(RoleGrant.valid_to.is_(None), RoleGrant.valid_to > at))


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
