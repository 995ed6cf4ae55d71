"""Signing in and out. A session lives in PostgreSQL; the browser holds a token of which only a hash is kept.

Signing in has steps: the password, or a provider's word; then a code, or the set-up of one; then another password
where the old one is no longer good. Between them the session `awaits` the next and opens nothing.
"""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, cast, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, array
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm.access import devices
from crm.access.attempts import FREE_BY_NAME, FREE_BY_PLACE, WINDOW, paused_until, place_of
from crm.access.errors import SignInError, TooManyAttemptsError
from crm.access.models import EnteExclusion, Method, Role, RoleGrant, SignInAttempt, Step, User, UserSession
from crm.access.passwords import matches
from crm.access.permissions import Held, Permission, Principal
from crm.audit import service as audit
from crm.core import clock, secrecy
from crm.core.db import Scope
from crm.core.errors import ForbiddenError
from crm.enti import queries as enti

__all__ = ["SignInError", "TooManyAttemptsError"]  # which this module raises

Coverage = Mapping[int, frozenset[int]]  # the enti of each contract

LIFE = timedelta(hours=12)  # longer than a shift
OVER = "L'accesso è scaduto: ricomincia."
WRONG = "Nome utente o password non corretti."
STEP_LIFE = timedelta(minutes=15)  # to find one's telephone, and to set it up
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Browser:
    """From where somebody signs in. `device` is the cookie of `crm.access.devices`."""

    address: str = ""
    name: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session as its request sees it. `coverage`: the enti that each contract of his covers. `shortcuts`: where he
    has put the keys of the pages.
    """

    principal: Principal
    csrf_token: str
    coverage: Coverage
    shortcuts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Opened:
    """A session just opened, and what it awaits."""

    token: str
    awaits: Step | None


@dataclass(frozen=True, slots=True)
class Underway:
    """A session that awaits a step."""

    id: int
    user_id: int
    username: str
    name: str
    language: str
    csrf_token: str
    awaits: Step
    method: Method
    password_expired: bool


# -- attempts -------------------------------------------------------------------------------------------------------


def attempt(session: Session, *, username: str, address: str, device: str = "") -> tuple[int, str | None] | None:
    """The user's id and password hash, for whoever may sign in. Checked outside: it is slow on purpose.

    The attempt counts as failed until `forgive` takes it back, and counts for a name that nobody has too. Were
    it counted after the check, many made at once would all be checked. A browser that has signed in by this name
    before (`device`, its cookie) is counted by itself: whoever tries the name elsewhere does not keep it waiting.
    Raises `TooManyAttemptsError`.
    """
    username = _written(username)
    known, place = _device_key(session, username, device), _hash(place_of(address))
    limits = {known: FREE_BY_NAME} if known else {_hash(username): FREE_BY_NAME, place: FREE_BY_PLACE}
    _count(session, known or _hash(username), place, limits)
    row = session.execute(
        select(User.id, User.password_hash).where(User.username == username, User.active)
    ).one_or_none()
    return None if row is None else (row.id, row.password_hash)


def attempt_code(session: Session, *, user_id: int, address: str) -> None:
    """Somebody who knows the password tries a code: counted by the user. Raises `TooManyAttemptsError`."""
    key = _code_key(user_id)
    _count(session, key, _hash(place_of(address)), {key: FREE_BY_NAME})


def forgive(session: Session, *, username: str, device: str = "") -> None:
    """The password was right: the attempts that were counted with this one are forgotten, and no others."""
    username = _written(username)
    key = _device_key(session, username, device) or _hash(username)
    session.execute(delete(SignInAttempt).where(SignInAttempt.name_hash == key))


def forgive_codes(session: Session, *, user_id: int) -> None:
    """The code was right."""
    session.execute(delete(SignInAttempt).where(SignInAttempt.name_hash == _code_key(user_id)))


def check(known: tuple[int, str | None] | None, password: str) -> int:
    """The id of the user whose password this is. Raises `SignInError`."""
    if not matches(known[1] if known else None, password) or known is None:
        raise SignInError(WRONG)
    return known[0]


def still_holds(session: Session, known: tuple[int, str | None] | None) -> None:
    """Nobody disabled the user or changed his password while it was checked, nor can before the transaction ends.

    Raises `SignInError`: whoever ended his sessions ended this one, which was about to open, too.
    """
    user_id, password_hash = known or (None, None)
    same = User.id == user_id, User.password_hash == password_hash, User.active
    if session.execute(select(User.id).where(*same).with_for_update()).one_or_none() is None:
        raise SignInError(WRONG)


# -- sessions -------------------------------------------------------------------------------------------------------


def open_session(
    session: Session, user_id: int, *, browser: Browser | None = None, method: Method = Method.PASSWORD,
    provider: str | None = None, awaits: Step | None = None,
) -> str:  # fmt: skip
    """Open a session and return its token, which is not kept. What it `awaits` must be done before it opens pages."""
    token, at, browser = secrets.token_urlsafe(32), clock.now(session), browser or Browser()
    session.execute(delete(UserSession).where(UserSession.user_id == user_id, UserSession.expires_at < at))
    session.add(
        UserSession(
            token_hash=_hash(token), user_id=user_id, csrf_token=secrets.token_urlsafe(32), created_at=at,
            expires_at=at + (STEP_LIFE if awaits else LIFE), last_seen_at=at, address=browser.address[:45],
            browser=browser.name[:60], method=method, provider=provider, awaits=awaits,
        )
    )  # fmt: skip
    session.flush()
    if awaits is None:
        after = {"method": method.value, **({"provider": provider} if provider else {})}
        _note(session, user_id, "user.signed_in", browser, after=after)
    return token


def failed(session: Session, *, user_id: int, browser: Browser) -> None:
    """Somebody gave a wrong password, or a wrong code, for this user."""
    _note(session, user_id, "user.sign_in_failed", browser)


def underway(session: Session, token: str) -> Underway | None:
    """Who is signing in with this token, and what he has to do next; none when there is nothing to do."""
    row = session.execute(
        select(
            UserSession.id, UserSession.user_id, User.username, User.name, User.language, UserSession.csrf_token,
            UserSession.awaits, UserSession.method, User.password_expired,
        )
        .join(User, User.id == UserSession.user_id)
        .where(_alive(literal(_hash(token)), literal(clock.now(session))), UserSession.awaits.is_not(None))
    ).one_or_none()  # fmt: skip
    if row is None:
        return None
    return Underway(
        row.id,
        row.user_id,
        row.username,
        row.name,
        row.language,
        row.csrf_token,
        row.awaits,
        row.method,
        row.password_expired,
    )


def advance(session: Session, now: Underway, *, method: Method | None = None) -> Opened:
    """The step was done: a new token, as rights grow with it (OWASP's rule), and what is left to do.

    Raises `SignInError` when the session ended meanwhile, or somebody else's request did the step.
    """
    kept = session.execute(
        delete(UserSession)
        .where(UserSession.id == now.id, UserSession.awaits == now.awaits)
        .returning(UserSession.address, UserSession.browser, UserSession.provider)
    ).one_or_none()
    if kept is None:
        raise SignInError(OVER)
    own = now.method is not Method.PROVIDER  # whoever comes from a provider has no need of a password here
    awaits = Step.PASSWORD if own and now.password_expired and now.awaits is not Step.PASSWORD else None
    browser = Browser(kept.address, kept.browser)
    token = open_session(
        session, now.user_id, browser=browser, method=method or now.method, provider=kept.provider, awaits=awaits
    )
    return Opened(token, awaits)


def sign_out(session: Session, token: str) -> str | None:
    """End a session. Returns the provider through which it began, if any."""
    gone = session.execute(
        delete(UserSession)
        .where(UserSession.token_hash == _hash(token))
        .returning(
            UserSession.user_id, UserSession.provider, UserSession.awaits, UserSession.address, UserSession.browser
        )
    ).one_or_none()
    if gone is None:
        return None
    if gone.awaits is None:
        _note(session, gone.user_id, "user.signed_out", Browser(gone.address, gone.browser))
    provider: str | None = gone.provider
    return provider


def resume(session: Session, token: str) -> SignedIn | None:
    """The principal behind a token, or none when the session is unknown, over, under way, or its user is gone."""
    at = clock.now(session)
    row = session.execute(_RESUME, {"token_hash": _hash(token), "now": at}).one_or_none()
    if row is None:
        return None
    if row.last_seen_at < at - SEEN_EVERY:
        _seen(session, row.session_id)
    held = frozenset(Held(Role(role), ente_id, contract_id) for role, ente_id, contract_id in row.held)
    principal = Principal(
        row.id, row.name, row.language, held,
        place=_place(row.address, row.browser), kept_from=frozenset(row.kept_from),
        session_id=row.session_id,
    )  # fmt: skip
    covered = enti.coverage(session)
    his = {one: covered.get(one, frozenset()) for one in principal.contracts}
    return SignedIn(principal, row.csrf_token, his, row.shortcuts)


def choose_language(session: Session, by: Principal, *, language: str) -> None:
    """Speak another language to this user from now on. Which ones are spoken, the interface knows."""
    before = session.execute(select(User.language).where(User.id == by.user_id).with_for_update()).scalar_one()
    if before == language:
        return
    session.execute(update(User).where(User.id == by.user_id).values(language=language))
    audit.note(
        session, by, kind="user.language_chosen", ente_id=None, subject=f"user:{by.user_id}",
        before={"language": before}, after={"language": language},
    )  # fmt: skip


def choose_shortcuts(session: Session, by: Principal, *, shortcuts: Mapping[str, Any]) -> None:
    """Where this user has the keys of his pages from now on. What they are, the pages know."""
    session.execute(update(User).where(User.id == by.user_id).values(shortcuts=dict(shortcuts)))


# -- scope ----------------------------------------------------------------------------------------------------------


def scope_for(session: Session, principal: Principal, permission: Permission) -> Scope:
    """What a principal may see for this purpose: the enti and contracts on which he holds the permission.

    An ente that keeps him away is in no scope of his, whatever the contract.
    """
    return scope_of(enti.coverage(session), principal, permission)


def granted_scope(session: Session, principal: Principal, permission: Permission) -> Scope:
    """The same with the enti that keep him away: for telling them what he does to others' grants, and nothing else."""
    return granted_scope_of(enti.coverage(session), principal, permission)


def scope_of(coverage: Coverage, principal: Principal, permission: Permission) -> Scope:
    """`scope_for`, by what each contract is known to cover."""
    granted = granted_scope_of(coverage, principal, permission)
    return Scope.of_enti((granted.enti or frozenset()) - principal.kept_from, granted.contracts)


def granted_scope_of(coverage: Coverage, principal: Principal, permission: Permission) -> Scope:
    """`granted_scope`, by what each contract is known to cover."""
    contracts = principal.contracts_for(permission)
    covered = frozenset[int]().union(*(coverage.get(one, ()) for one in contracts))
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


def holders(enti: Collection[int] | Select[int], contracts: Collection[int]) -> Select[int]:
    """The ids of whoever holds, held or will hold a role on one of these."""
    return select(RoleGrant.user_id).where(or_(RoleGrant.ente_id.in_(enti), RoleGrant.contract_id.in_(contracts)))


def in_force(session: Session) -> tuple[ColumnElement[bool], ...]:
    """The grants that hold now."""
    return _in_force(literal(clock.now(session)))


# -- parts ----------------------------------------------------------------------------------------------------------


def _note(
    session: Session, user_id: int, kind: str, browser: Browser, *, after: Mapping[str, str] | None = None
) -> None:
    """The user himself did it at this place, or somebody who gave his name."""
    himself = Principal(user_id, "", "it", frozenset(), place=_place(browser.address, browser.name))
    audit.note(session, himself, kind=kind, ente_id=None, subject=f"user:{user_id}", after=after)


def _place(address: str, browser: str) -> str:
    return " · ".join(filter(None, (address, browser)))[:80]


def _in_force(at: ColumnElement[datetime]) -> tuple[ColumnElement[bool], ...]:
    return (RoleGrant.valid_from <= at, or_(RoleGrant.valid_to.is_(None), RoleGrant.valid_to > at))


def _alive(token_hash: ColumnElement[str], at: ColumnElement[datetime]) -> ColumnElement[bool]:
    return (UserSession.token_hash == token_hash) & (UserSession.expires_at > at) & User.active


def _resuming() -> Select[Any]:
    """The session of a `token_hash` that is open at `now`, its user, and the grants that he holds then."""
    at = bindparam("now", type_=UserSession.expires_at.type)
    grant = func.jsonb_build_array(RoleGrant.role, RoleGrant.ente_id, RoleGrant.contract_id)
    held = select(func.coalesce(func.jsonb_agg(grant), cast(literal("[]"), JSONB))).where(
        RoleGrant.user_id == User.id, *_in_force(at)
    )
    kept_from = select(func.coalesce(func.array_agg(EnteExclusion.ente_id), cast(array([]), ARRAY(BigInteger)))).where(
        EnteExclusion.user_id == User.id, EnteExclusion.lifted_at.is_(None)
    )
    return (
        select(
            User.id, User.name, User.language, User.shortcuts, UserSession.csrf_token,
            UserSession.id.label("session_id"), UserSession.address, UserSession.browser, UserSession.last_seen_at,
            held.scalar_subquery().label("held"), kept_from.scalar_subquery().label("kept_from"),
        )
        .join(User, User.id == UserSession.user_id)
        .where(_alive(bindparam("token_hash"), at), UserSession.awaits.is_(None))
    )  # fmt: skip


_RESUME = _resuming()  # asked at every request


def _seen(session: Session, session_id: int) -> None:
    """Written once a minute; whoever else is writing it does it for us."""
    at = clock.now(session)
    due = select(UserSession.id).where(UserSession.id == session_id, UserSession.last_seen_at < at - SEEN_EVERY)
    session.execute(
        update(UserSession)
        .where(UserSession.id.in_(due.with_for_update(skip_locked=True)))
        .values(last_seen_at=at)
        .execution_options(synchronize_session=False)
    )


def _count(session: Session, key: str, place: str, limits: dict[str, int]) -> None:
    """Count an attempt under a key, unless one of the limits pauses it. `limits`: how many each key has free."""
    for one in sorted(limits):
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"sign-in:{one}", 0))))
    ends = [_paused_until(session, _column(one, place), one, free=free) for one, free in limits.items()]
    if until := max(filter(None, ends), default=None):
        raise TooManyAttemptsError("Troppi tentativi di accesso non riusciti. Riprova dopo le %(at)s.", until)
    _forget_old_attempts(session)
    session.add(SignInAttempt(name_hash=key, place_hash=place, made_at=clock.now(session)))
    session.flush()


def _column(key: str, place: str) -> InstrumentedAttribute[str]:
    return SignInAttempt.place_hash if key == place else SignInAttempt.name_hash


def _device_key(session: Session, username: str, cookie: str) -> str | None:
    number = devices.of(secrecy.of(session), cookie, username) if cookie else None
    return _hash(f"device:{number}") if number else None


def _code_key(user_id: int) -> str:
    return _hash(f"code:{user_id}")


def _written(username: str) -> str:
    """A name as it is stored, however it was typed."""
    return username.strip().lower()


def _paused_until(session: Session, column: InstrumentedAttribute[str], value: str, *, free: int) -> datetime | None:
    made = session.execute(select(SignInAttempt.made_at).where(column == value)).scalars()
    return paused_until(made, free=free, at=clock.now(session))


def _forget_old_attempts(session: Session) -> None:
    """Attempts past the window say nothing. Those that somebody else is forgetting right now are left to him."""
    old = select(SignInAttempt.id).where(SignInAttempt.made_at <= clock.now(session) - WINDOW)
    session.execute(delete(SignInAttempt).where(SignInAttempt.id.in_(old.with_for_update(skip_locked=True))))


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
