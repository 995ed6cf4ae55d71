"""Users and their grants, as administrators keep them.

Which ones are an administrator's, `crm.access.authority` says. Nobody changes his own roles, and of every contract
and ente that has administrators one stays.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.access import history, second_factor
from crm.access.authority import (
    NOT_YOURS,
    Subject,
    administered,
    is_over,
    keep_an_administrator,
    locked,
    managed,
    may_give,
    require_over,
    require_visible,
)
from crm.access.errors import SignInError
from crm.access.models import AccessLink, EventKind, Role, RoleGrant, User, UserIdentity, UserSession
from crm.access.passwords import check_new, hash_password
from crm.access.permissions import Permission, Principal
from crm.access.service import OVER
from crm.core import clock
from crm.core.clock import business_day, start_of_day
from crm.core.errors import ConflictError, FieldError, ForbiddenError, InvalidError, NotFoundError
from crm.staff import notices
from crm.staff.models import StaffChange

LINK_LIFE = timedelta(hours=72)
USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,58}[a-z0-9])?")
EMAIL = re.compile(r"[^@\s\"<>]{1,64}@[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.[a-z]{2,}")


@dataclass(frozen=True, slots=True)
class Person:
    """What an account says of somebody, as typed."""

    username: str
    name: str
    qualification: str = ""
    email: str = ""


# -- accounts -------------------------------------------------------------------------------------------------------


def create(session: Session, by: Principal | None, *, person: Person, language: str = "it") -> int:
    """A user without a password and without roles (`by` none: from the command line). Returns his id."""
    _require(by)
    values = _checked(person)
    made = session.execute(
        insert(User)
        .values(**values, language=language, active=True, made_by=by.user_id if by else None)
        .on_conflict_do_nothing()
        .returning(User.id)
    ).scalar_one_or_none()
    if made is None:
        raise _taken(session, values)
    history.record(session, by, user_id=made, kind=EventKind.CREATED, after=values)
    return made


def edit(session: Session, by: Principal, *, user_id: int, person: Person) -> None:
    """Another name, user name, qualification or address."""
    user = managed(session, by, user_id)
    before, values = _values_of(user), _checked(person)
    if before == values:
        return
    if taken := _clash(session, values, but=user_id):
        raise taken
    for field, value in values.items():
        setattr(user, field, value)
    try:
        session.flush()
    except IntegrityError:
        raise ConflictError(
            "Nome utente o indirizzo sono appena stati presi da un altro: ricarica la pagina."
        ) from None
    history.record(session, by, user_id=user_id, kind=EventKind.EDITED, before=before, after=values)
    if (before["name"], before["qualification"]) != (values["name"], values["qualification"]):
        notices.tell_all(session, by, user=user, change=StaffChange.CHANGED)


def set_active(session: Session, by: Principal, *, user_id: int, active: bool) -> None:
    """Disable an account, which ends its sessions at once, or enable it again."""
    _not_oneself(by, user_id, ConflictError("Non puoi disattivare te stesso: chiedi a un altro amministratore."))
    user = managed(session, by, user_id)
    if user.active == active:
        return
    if not active:
        for subject in administered(session, user_id):
            keep_an_administrator(session, subject, without=user_id)
        _end_all(session, user_id)
        session.execute(delete(AccessLink).where(AccessLink.user_id == user_id))
    user.active = active
    session.flush()
    kind = EventKind.ENABLED if active else EventKind.DISABLED
    history.record(session, by, user_id=user_id, kind=kind, before={"active": not active}, after={"active": active})
    notices.tell_all(session, by, user=user, change=StaffChange.RESUMED if active else StaffChange.SUSPENDED)


def make_link(session: Session, by: Principal | None, *, user_id: int) -> str:
    """The token of a one-time link by which somebody chooses his password; any earlier link is good no longer."""
    if by is not None:
        managed(session, by, user_id)
    token = secrets.token_urlsafe(32)
    values = {
        "token_hash": _hash(token), "made_by": by.user_id if by else None,
        "expires_at": clock.now(session) + LINK_LIFE,
    }  # fmt: skip
    session.execute(
        insert(AccessLink)
        .values(user_id=user_id, **values)
        .on_conflict_do_update(index_elements=["user_id"], set_=values)
    )
    history.record(session, by, user_id=user_id, kind=EventKind.LINK_MADE)
    return token


def end_sessions(session: Session, by: Principal, *, user_id: int) -> int:
    """End every session of somebody's; how many they were."""
    managed(session, by, user_id)
    return end_all_sessions(session, by, user_id=user_id)


def end_all_sessions(session: Session, by: Principal, *, user_id: int, reason: str = "") -> int:
    """The same of somebody who may act no more; whoever calls has checked that it may."""
    ended = _end_all(session, user_id)
    history.record(
        session, by, user_id=user_id, kind=EventKind.SESSIONS_ENDED, reason=reason, after={"sessions": ended}
    )
    return ended


def reset_second_factor(session: Session, by: Principal, *, user_id: int) -> None:
    """Somebody lost his telephone and his recovery codes: he signs in without, or sets up another. Sessions end."""
    _not_oneself(by, user_id, ConflictError("La tua verifica in due passaggi si cambia dalla tua pagina."))
    managed(session, by, user_id)
    second_factor.forget(session, user_id=user_id)
    _end_all(session, user_id)
    history.record(session, by, user_id=user_id, kind=EventKind.SECOND_FACTOR_RESET)


def link_identity(session: Session, by: Principal, *, user_id: int, provider: str, issuer: str, subject: str) -> None:
    """Somebody is known at an identity provider by this subject."""
    _not_oneself(by, user_id, ConflictError("La tua identità la collega un altro amministratore."))
    managed(session, by, user_id)
    subject = subject.strip()
    if not subject or len(subject) > 255:
        raise FieldError("Scrivi l'identificativo che il servizio di accesso dà a questa persona.", "subject")
    made = session.execute(
        insert(UserIdentity)
        .values(
            user_id=user_id, provider=provider, issuer=issuer, subject=subject, linked_at=clock.now(session),
            linked_by=by.user_id,
        )
        .on_conflict_do_nothing()
        .returning(UserIdentity.id)
    ).scalar_one_or_none()  # fmt: skip
    if made is None:
        raise FieldError("Questa identità è già collegata a un utente: va prima scollegata.", "subject")
    history.record(session, by, user_id=user_id, kind=EventKind.IDENTITY_LINKED, after={"provider": provider})


def unlink_identity(session: Session, by: Principal, *, user_id: int, identity_id: int) -> None:
    """Somebody no longer signs in through a provider. The sessions that began there end."""
    managed(session, by, user_id)
    gone = delete(UserIdentity).where(UserIdentity.id == identity_id, UserIdentity.user_id == user_id)
    provider = session.execute(gone.returning(UserIdentity.provider)).scalar_one_or_none()
    if provider is None:
        return
    session.execute(delete(UserSession).where(UserSession.user_id == user_id, UserSession.provider == provider))
    history.record(session, by, user_id=user_id, kind=EventKind.IDENTITY_UNLINKED, before={"provider": provider})


# -- grants ---------------------------------------------------------------------------------------------------------


def grant(
    session: Session, by: Principal | None, *, user_id: int, role: Role, on: Subject, starts_on: date | None = None,
    ends_on: date | None = None,
) -> int:  # fmt: skip
    """A role on an ente or a contract, from a day (none: at once) to the end of another (none: until revoked).

    To give somebody a role never makes his account one's own: it must be already (`authority.keeper`), or nobody's.
    """
    if by is not None:
        require_over(session, by, on)
        _not_oneself(by, user_id, ConflictError("Non puoi darti dei ruoli da solo: chiedi a un altro amministratore."))
    user = locked(session, user_id)
    if by is not None:
        require_visible(session, by, user_id)
        if not may_give(session, by, user_id):
            raise ForbiddenError(NOT_YOURS)
    if not user.active:
        raise ConflictError("Questo utente è disattivato: prima va riattivato.")
    begins, ends = _period(session, starts_on, ends_on)
    same = select(RoleGrant).where(
        RoleGrant.user_id == user_id, RoleGrant.role == role, RoleGrant.ente_id.is_not_distinct_from(on.ente_id),
        RoleGrant.contract_id.is_not_distinct_from(on.contract_id),
    )  # fmt: skip
    for other in session.execute(same).scalars():
        if (other.valid_to is None or other.valid_to > begins) and (ends is None or other.valid_from < ends):
            raise ConflictError("Ha già questo ruolo in quel periodo: prima si revoca, o si sceglie un altro periodo.")
    made = RoleGrant(
        user_id=user_id, role=role, ente_id=on.ente_id, contract_id=on.contract_id, valid_from=begins, valid_to=ends
    )
    session.add(made)
    session.flush()
    history.record(session, by, user_id=user_id, kind=EventKind.GRANTED, ente_id=on.ente_id, after=_grant_values(made))
    notices.tell(session, by, user=user, grant=made, change=StaffChange.JOINED)
    return made.id


def revoke(session: Session, by: Principal, *, grant_id: int) -> int:
    """End a grant now; one that has not begun never does. Returns whose it was."""
    found = session.get(RoleGrant, grant_id)
    if found is None or not is_over(session, by, Subject(found.ente_id, found.contract_id)):
        raise NotFoundError("Questo ruolo non esiste più.")
    _not_oneself(by, found.user_id, ConflictError("Non puoi toglierti un ruolo: chiedi a un altro amministratore."))
    user, found = locked(session, found.user_id), session.get_one(RoleGrant, grant_id, populate_existing=True)
    at = clock.now(session)
    if found.valid_to is not None and found.valid_to <= at:
        return user.id
    if found.role is Role.ADMINISTRATOR:
        keep_an_administrator(session, Subject(found.ente_id, found.contract_id), without=user.id)
    end_grant(session, by, grant=found)
    notices.tell(session, by, user=user, grant=found, change=StaffChange.LEFT)
    return user.id


def end_grant(session: Session, by: Principal, *, grant: RoleGrant, reason: str = "") -> None:
    """The grant ends now; whoever calls has checked that it may."""
    before = _grant_values(grant)
    grant.valid_to = max(clock.now(session), grant.valid_from)
    session.flush()
    history.record(
        session, by, user_id=grant.user_id, kind=EventKind.REVOKED, ente_id=grant.ente_id, before=before,
        after=_grant_values(grant), reason=reason,
    )  # fmt: skip


# -- one's own ------------------------------------------------------------------------------------------------------


def use_link(session: Session, *, token: str, password_hash: str) -> int:
    """Whoever holds the link has chosen this password. The link is used up, and every session ends."""
    gone = (
        delete(AccessLink)
        .where(AccessLink.token_hash == _hash(token), AccessLink.expires_at > clock.now(session))
        .returning(AccessLink.user_id)
    )
    user_id = session.execute(gone).scalar_one_or_none()
    user = None if user_id is None else locked(session, user_id)
    if user is None or not user.active:
        raise NotFoundError("Questo link non è più valido: chiedine un altro a un amministratore.")
    user.password_hash, user.password_expired = password_hash, False
    _end_all(session, user.id)
    session.flush()
    history.record(session, None, user_id=user.id, kind=EventKind.PASSWORD_SET)
    return user.id


def whose_link(session: Session, token: str) -> User | None:
    """The user for whom a link was made, while it is good."""
    return session.execute(
        select(User)
        .join(AccessLink, AccessLink.user_id == User.id)
        .where(AccessLink.token_hash == _hash(token), AccessLink.expires_at > clock.now(session), User.active)
    ).scalar_one_or_none()


def checked_hash(user: User, password: str, repeated: str) -> str:
    """The hash of a password that its user may choose; slow on purpose. Raises `InvalidError` at its fields."""
    check_new(password, about=(user.username, user.name, user.email or ""))
    if password != repeated:
        raise FieldError("Le due password non sono uguali.", "repeated")
    return hash_password(password)


def set_password(session: Session, *, user_id: int, password_hash: str, keep_session: int | None) -> None:
    """Somebody chose another password. All his sessions end but the one in which he did.

    Raises `SignInError` when that one has ended meanwhile: an administrator, or a link, was first.
    """
    user = locked(session, user_id)
    if session.execute(select(UserSession.id).where(UserSession.id == keep_session)).one_or_none() is None:
        raise SignInError(OVER)
    user.password_hash, user.password_expired = password_hash, False
    _end_all(session, user_id, but=keep_session)
    session.flush()
    history.record(session, None, user_id=user_id, kind=EventKind.PASSWORD_CHANGED)


def end_own_session(session: Session, by: Principal, *, session_id: int) -> None:
    """Sign out another browser of one's own; that it is over already is no error."""
    ended = delete(UserSession).where(UserSession.id == session_id, UserSession.user_id == by.user_id)
    if session.execute(ended.returning(UserSession.id)).one_or_none():
        history.record(session, by, user_id=by.user_id, kind=EventKind.SESSION_ENDED)


def end_other_sessions(session: Session, by: Principal) -> int:
    """Sign out every other browser of one's own; how many they were."""
    ended = _end_all(session, by.user_id, but=by.session_id)
    history.record(session, by, user_id=by.user_id, kind=EventKind.SESSIONS_ENDED, after={"sessions": ended})
    return ended


# -- parts ----------------------------------------------------------------------------------------------------------


def _require(by: Principal | None) -> None:
    if by is not None:
        by.require(Permission.USER_MANAGE)


def _not_oneself(by: Principal, user_id: int, refusal: ConflictError) -> None:
    if by.user_id == user_id:
        raise refusal


def _end_all(session: Session, user_id: int, *, but: int | None = None) -> int:
    ended = delete(UserSession).where(UserSession.user_id == user_id)
    if but is not None:
        ended = ended.where(UserSession.id != but)
    return len(session.execute(ended.returning(UserSession.id)).all())


def _period(session: Session, starts_on: date | None, ends_on: date | None) -> tuple[datetime, datetime | None]:
    """The instants of a period given in days of Rome, the last one included."""
    at = clock.now(session)
    today = business_day(at)
    if starts_on is not None and starts_on < today:
        raise FieldError("L'inizio è già passato: scegli oggi o un giorno futuro.", "starts_on")
    if ends_on is not None and ends_on < (starts_on or today):
        raise FieldError("La fine viene prima dell'inizio.", "ends_on")
    begins = at if starts_on in {None, today} else start_of_day(starts_on or today)
    return begins, None if ends_on is None else start_of_day(ends_on + timedelta(days=1))


def _checked(person: Person) -> dict[str, str | None]:
    """The columns that a person's form fills. Raises `InvalidError` with what is wrong at each field."""
    wrong: list[InvalidError] = []
    username, email = person.username.strip().lower(), person.email.strip().lower() or None
    if not USERNAME.fullmatch(username):
        text = "Il nome utente ha fino a 60 lettere minuscole, cifre, punti e trattini, senza spazi."
        wrong.append(InvalidError(text, field="username"))
    if email is not None and (len(email) > 254 or not EMAIL.fullmatch(email)):
        wrong.append(InvalidError("L'indirizzo di posta non è scritto bene.", field="email"))
    qualification = " ".join(person.qualification.split())
    if len(qualification) > 120:
        wrong.append(InvalidError("La qualifica è troppo lunga: al massimo 120 caratteri.", field="qualification"))
    name = ""
    try:
        name = _name(person.name)
    except InvalidError as error:
        wrong += error.parts
    if wrong:
        raise InvalidError(str(wrong[0]), parts=wrong)
    return {"username": username, "name": name, "qualification": qualification, "email": email}


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > 80 or any(not char.isprintable() for char in name):
        raise FieldError("Scrivi nome e cognome, al massimo 80 caratteri.", "name")
    return name


def _values_of(user: User) -> dict[str, str | None]:
    return {
        "username": user.username, "name": user.name, "qualification": user.qualification, "email": user.email
    }  # fmt: skip


def _clash(session: Session, values: dict[str, str | None], *, but: int | None = None) -> InvalidError | None:
    for field, column, refusal in (
        ("username", User.username, FieldError("Questo nome utente c'è già.", "username")),
        ("email", User.email, FieldError("Questo indirizzo è già di un altro utente.", "email")),
    ):
        if values[field] is not None:
            other = session.execute(select(User.id).where(column == values[field])).scalar_one_or_none()
            if other is not None and other != but:
                return refusal
    return None


def _taken(session: Session, values: dict[str, str | None]) -> InvalidError:
    return _clash(session, values) or FieldError("Questo nome utente c'è già.", "username")


def _grant_values(grant: RoleGrant) -> dict[str, str | int | None]:
    return {
        "role": grant.role.value, "ente": grant.ente_id, "contract": grant.contract_id,
        "from": grant.valid_from.isoformat(), "to": grant.valid_to.isoformat() if grant.valid_to else None,
    }  # fmt: skip


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
