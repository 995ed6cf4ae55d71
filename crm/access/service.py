"""Signing in and out. A session lives in PostgreSQL; the browser holds a token of which only a hash is kept."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm.access.attempts import FREE_BY_NAME, FREE_BY_PLACE, WINDOW, paused_until, place_of
from crm.access.models import RoleGrant, SignInAttempt, User, UserSession
from crm.access.passwords import matches
from crm.access.permissions import Held, Permission, Principal
from crm.core import clock
from crm.core.db import Scope
from crm.core.errors import DomainError, ForbiddenError
from crm.enti import queries as enti

LIFE = timedelta(hours=12)  # longer than a shift


class SignInError(DomainError):
    """The name or the password is wrong; which of the two is not said."""


class TooManyAttemptsError(DomainError):
    """Too many attempts failed, of this name or from this place. `until`, as `at`, completes the message."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session as its request sees it."""

    principal: Principal
    csrf_token: str


def attempt(session: Session, *, username: str, address: str) -> tuple[int, str] | None:
    """The user's id and password hash, for whoever may sign in. Checked outside: it is slow on purpose.

    The attempt counts as failed until `open_session` takes it back, and counts for a name that nobody has too. Were
    it counted after the check, many made at once would all be checked. Raises `TooManyAttemptsError`.
    """
    username = _written(username)
    name_hash, place_hash = _hash(username), _hash(place_of(address))
    for one in sorted((name_hash, place_hash)):
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"sign-in:{one}", 0))))
    ends = (
        _paused_until(session, SignInAttempt.name_hash, name_hash, free=FREE_BY_NAME),
        _paused_until(session, SignInAttempt.place_hash, place_hash, free=FREE_BY_PLACE),
    )
    if until := max(filter(None, ends), default=None):
        raise TooManyAttemptsError("Troppi tentativi di accesso non riusciti. Riprova dopo le %(at)s.", until)
    _forget_old_attempts(session)
    session.add(SignInAttempt(name_hash=name_hash, place_hash=place_hash, made_at=clock.now(session)))
    row = session.execute(
        select(User.id, User.password_hash).where(User.username == username, User.active)
    ).one_or_none()
    return None if row is None else (row.id, row.password_hash)


def check(known: tuple[int, str] | None, password: str) -> int:
    """The id of the user whose password this is. Raises `SignInError`."""
    if not matches(known[1] if known else None, password) or known is None:
        raise SignInError("Nome utente o password non corretti.")
    return known[0]


def open_session(session: Session, user_id: int) -> str:
    """Open a session and return its token, which is not kept. The attempts made with the user's name are forgiven."""
    token = secrets.token_urlsafe(32)
    at = clock.now(session)
    username = session.execute(select(User.username).where(User.id == user_id)).scalar_one()
    session.execute(delete(SignInAttempt).where(SignInAttempt.name_hash == _hash(username)))
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


def choose_language(session: Session, by: Principal, *, language: str) -> None:
    """Speak another language to this user from now on. Which ones are spoken, the interface knows."""
    session.execute(update(User).where(User.id == by.user_id).values(language=language))


def scope_for(session: Session, principal: Principal, permission: Permission) -> Scope:
    """What a principal may see for this purpose: the enti and contracts on which he holds the permission."""
    contracts = principal.contracts_for(permission)
    covered = {ente_id for contract_id in contracts for ente_id in enti.enti_of(session, contract_id)}
    return Scope.of_enti(covered | principal.enti_for(permission), contracts)


def require_on(session: Session, by: Principal, permission: Permission, *, ente_id: int) -> None:
    """Raise `ForbiddenError` unless `by` holds the permission on this ente, through it or a contract that covers it."""
    by.require(permission)
    if ente_id not in (scope_for(session, by, permission).enti or ()):
        raise ForbiddenError("Non hai il permesso di fare questa operazione per questo ente.")


def contracts_watched(session: Session, scope: Scope) -> frozenset[int]:
    """The contracts that cover any ente of a scope: whose levels somebody with that scope may look at."""
    if scope.enti is None:
        return scope.contracts
    covering = {one for one, covered in enti.coverage(session).items() if not covered.isdisjoint(scope.enti)}
    return frozenset(covering) | scope.contracts


def _written(username: str) -> str:
    """A name as it is stored, however it was typed."""
    return username.replace("\x00", "").strip().lower()


def _paused_until(session: Session, column: InstrumentedAttribute[str], value: str, *, free: int) -> datetime | None:
    made = session.execute(select(SignInAttempt.made_at).where(column == value)).scalars()
    return paused_until(made, free=free, at=clock.now(session))


def _forget_old_attempts(session: Session) -> None:
    """Attempts past the window say nothing. Those that somebody else is forgetting right now are left to him."""
    old = select(SignInAttempt.id).where(SignInAttempt.made_at <= clock.now(session) - WINDOW)
    session.execute(delete(SignInAttempt).where(SignInAttempt.id.in_(old.with_for_update(skip_locked=True))))


def _in_force(session: Session) -> tuple[ColumnElement[bool], ...]:
    at = clock.now(session)
    return (RoleGrant.valid_from <= at, or_(RoleGrant.valid_to.is_(None), RoleGrant.valid_to > at))


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
