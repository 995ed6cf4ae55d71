"""The second factor: who needs one, setting it up, checking its codes, taking it away."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access import history, totp
from crm.access.errors import SignInError
from crm.access.models import EventKind, Method, RecoveryCode, Role, RoleGrant, SecondFactor, Step, User, UserSession
from crm.access.permissions import Principal
from crm.access.service import OVER, in_force
from crm.core import clock, secrecy
from crm.core.errors import ConflictError, FieldError, NotFoundError

ISSUER = "Filodiretto"
SECRETS, CODES = "second factor", "recovery code"
WRONG = "Il codice non è giusto, o è già stato usato: prova con il prossimo."
ALREADY_SET = "La verifica in due passaggi è già attiva."
NOT_NOW = "Il codice non è giusto: controlla che l'ora del telefono sia esatta e scrivi quello di adesso."


@dataclass(frozen=True, slots=True)
class Policy:
    """Which roles cannot do without a second factor."""

    roles: frozenset[Role]

    @classmethod
    def parse(cls, text: str) -> "Policy":
        """`required`, `optional`, or the roles that need one with commas between. Raises `ValueError`."""
        if text in {"required", "optional"}:
            return cls(frozenset(Role) if text == "required" else frozenset())
        return cls(frozenset(Role(name.strip()) for name in text.split(",")))

    def asks(self, roles: Iterable[Role]) -> bool:
        """Whether somebody with these roles needs one. Whoever has no role yet does when anybody does."""
        held = frozenset(roles)
        return bool(self.roles & held) if held else bool(self.roles)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the authenticator must be told."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class State:
    """How it stands with somebody's second factor."""

    confirmed: bool
    codes_left: int


def first_step(*, enrolled: bool, needed: bool, password_expired: bool) -> Step | None:
    """What comes after the right password. Pure."""
    if enrolled:
        return Step.CODE
    if needed:
        return Step.ENROLMENT
    return Step.PASSWORD if password_expired else None


def step_after_password(session: Session, user_id: int, policy: Policy) -> Step | None:
    """What this user has to do after his password."""
    expired = session.execute(select(User.password_expired).where(User.id == user_id)).scalar_one()
    return first_step(
        enrolled=state(session, user_id).confirmed, needed=needed(session, user_id, policy), password_expired=expired
    )


def needed(session: Session, user_id: int, policy: Policy) -> bool:
    """Whether the policy asks this user for one, by the roles he holds now."""
    roles = session.execute(select(RoleGrant.role).where(RoleGrant.user_id == user_id, *in_force(session))).scalars()
    return policy.asks(roles)


def state(session: Session, user_id: int) -> State:
    """How it stands with this user's second factor."""
    confirmed = select(SecondFactor.user_id).where(SecondFactor.user_id == user_id)
    left = (
        select(func.count())
        .select_from(RecoveryCode)
        .where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    )
    return State(session.execute(confirmed).scalar_one_or_none() is not None, session.execute(left).scalar_one())


def enrol(session: Session, *, user_id: int, session_id: int | None) -> Enrolment:
    """A secret to be confirmed, the same one however often this session asks for it before that.

    It is of this session alone and ends with it: whoever saw the secret in another browser has seen nothing.
    Raises `SignInError` when the session is over.
    """
    if state(session, user_id).confirmed:
        raise ConflictError(ALREADY_SET)
    row = _session(session, user_id, session_id)
    if row.secret is None:
        row.secret = secrecy.of(session).seal(SECRETS, totp.new_secret().encode(), about=_about(user_id))
        session.flush()
    username = session.execute(select(User.username).where(User.id == user_id)).scalar_one()
    secret = _secret(session, user_id, row.secret)
    return Enrolment(secret, totp.uri(secret, username=username, issuer=ISSUER))


def confirm(session: Session, *, user_id: int, session_id: int | None, code: str) -> list[str]:
    """The authenticator has the secret: from now on a code is asked for. Returns the recovery codes, shown once."""
    row, at = _session(session, user_id, session_id), clock.now(session)
    step = totp.step_of(_secret(session, user_id, row.secret), code, at=at, after=0) if row.secret else None
    if step is None:
        raise FieldError(NOT_NOW, "code")
    made = session.execute(
        insert(SecondFactor)
        .values(user_id=user_id, secret=row.secret, confirmed_at=at, last_step=step)
        .on_conflict_do_nothing()
        .returning(SecondFactor.user_id)
    ).one_or_none()
    if made is None:
        raise ConflictError(ALREADY_SET)
    row.secret = None
    session.flush()
    history.record(session, None, user_id=user_id, kind=EventKind.SECOND_FACTOR_SET)
    return _new_codes(session, user_id)


def passes(session: Session, *, user_id: int, code: str) -> Method | None:
    """Whether the code is the authenticator's, or a recovery code not used before; each counts once."""
    factor = _locked(session, user_id)
    secret = _secret(session, user_id, factor.secret)
    step = totp.step_of(secret, code, at=clock.now(session), after=factor.last_step)
    if step is not None:
        factor.last_step = step
        session.flush()
        return Method.CODE
    typed = totp.recovery_code(code)
    if typed is None:
        return None
    mark = _mark(session, user_id, typed)
    used = session.execute(
        update(RecoveryCode)
        .where(RecoveryCode.user_id == user_id, RecoveryCode.code_hash == mark, RecoveryCode.used_at.is_(None))
        .values(used_at=clock.now(session))
        .returning(RecoveryCode.user_id)
    ).one_or_none()
    if used is None:
        return None
    history.record(session, None, user_id=user_id, kind=EventKind.RECOVERY_CODE_USED)
    return Method.RECOVERY


def renew_codes(session: Session, by: Principal, *, code: str) -> list[str]:
    """Other recovery codes of one's own; the old ones are good no longer. Raises `FieldError` on a wrong code."""
    if not passes(session, user_id=by.user_id, code=code):
        raise FieldError(WRONG, "code")
    history.record(session, by, user_id=by.user_id, kind=EventKind.RECOVERY_CODES_RENEWED)
    return _new_codes(session, by.user_id)


def take_off(session: Session, by: Principal, *, code: str, policy: Policy) -> None:
    """Do without one's own second factor, where that is allowed. Raises `FieldError` on a wrong code."""
    if needed(session, by.user_id, policy):
        raise ConflictError("Il tuo ruolo richiede la verifica in due passaggi: non si può togliere.")
    if not passes(session, user_id=by.user_id, code=code):
        raise FieldError(WRONG, "code")
    forget(session, user_id=by.user_id)
    history.record(session, by, user_id=by.user_id, kind=EventKind.SECOND_FACTOR_TAKEN_OFF)


def forget(session: Session, *, user_id: int) -> None:
    """Without secret and codes; whoever needs a second factor sets up another at the next sign-in."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.execute(delete(SecondFactor).where(SecondFactor.user_id == user_id))


def _new_codes(session: Session, user_id: int) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    codes = totp.new_recovery_codes()
    marks = (_mark(session, user_id, totp.recovery_code(code) or "") for code in codes)
    session.add_all(RecoveryCode(user_id=user_id, code_hash=mark) for mark in marks)
    session.flush()
    return codes


def _locked(session: Session, user_id: int) -> SecondFactor:
    found = session.get(SecondFactor, user_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFoundError("La verifica in due passaggi non è attiva.")
    return found


def _session(session: Session, user_id: int, session_id: int | None) -> UserSession:
    row = session.execute(
        select(UserSession)
        .where(UserSession.id == session_id, UserSession.user_id == user_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if row is None:
        raise SignInError(OVER)
    return row


def _secret(session: Session, user_id: int, sealed: bytes) -> str:
    return secrecy.of(session).open(SECRETS, sealed, about=_about(user_id)).decode()


def _mark(session: Session, user_id: int, code: str) -> bytes:
    return secrecy.of(session).mark(CODES, f"{user_id}\n{code}".encode())


def _about(user_id: int) -> bytes:
    return f"user {user_id}".encode()
