"""Who somebody of an identity provider is here."""

import re
from dataclasses import dataclass

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access import history
from crm.access.errors import SignInError
from crm.access.models import EventKind, User, UserIdentity
from crm.core import clock

UNKNOWN = (
    "Il servizio di accesso ti ha riconosciuto, ma qui nessun utente è collegato a te."
    " Chiedi a un amministratore di collegarti con questo identificativo: %(subject)s"
)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a provider says, verified, of whoever signed in there. `email` is one that it has verified, or empty."""

    provider: str
    issuer: str
    subject: str
    email: str = ""
    name: str = ""


class UnknownIdentityError(SignInError):
    """Nobody here is linked to this identity. `subject` completes the message."""

    def __init__(self, message: str, subject: str) -> None:
        super().__init__(message)
        self.subject = subject


def user_for(session: Session, claims: Claims, *, links_by_email: bool, creates: bool) -> int:
    """The id of the user that an identity is linked to, or becomes linked to by its verified address.

    Raises `UnknownIdentityError`; and `SignInError` for a user who was disabled.
    """
    found = _linked(session, claims)
    if found is None and links_by_email and claims.email:
        found = _by_email(session, claims)
    if found is None and creates and claims.email:
        _create(session, claims)
        found = _linked(session, claims)  # unless somebody has the address already
    if found is None:
        raise UnknownIdentityError(UNKNOWN, claims.subject)
    if not found.active:
        raise SignInError("Il tuo utente è disattivato: chiedi a un amministratore.")
    user_id: int = found.id
    return user_id


def _linked(session: Session, claims: Claims) -> Row[int, bool] | None:
    """Locked, so that no administrator disables or unlinks him before he is in."""
    return session.execute(
        select(User.id, User.active)
        .join(UserIdentity, UserIdentity.user_id == User.id)
        .where(UserIdentity.issuer == claims.issuer, UserIdentity.subject == claims.subject)
        .with_for_update()
    ).one_or_none()


def _by_email(session: Session, claims: Claims) -> Row[int, bool] | None:
    """Whoever has the address and no other identity there: a provider may give an address to somebody new.

    Looked for once he is locked: he may be coming in by two browsers at once.
    """
    row = session.execute(
        select(User.id, User.active).where(User.email == claims.email.lower()).with_for_update()
    ).one_or_none()
    if row is None:
        return None
    theirs = UserIdentity.user_id == row.id, UserIdentity.issuer == claims.issuer
    subjects = session.scalars(select(UserIdentity.subject).where(*theirs)).all()
    if row.active and not subjects:
        _link(session, row.id, claims)
    return row if set(subjects) <= {claims.subject} else None


def _create(session: Session, claims: Claims) -> None:
    """A user of this address, unless there is one; by the first free user name that it suggests."""
    base = re.sub(r"[^a-z0-9._-]", "", claims.email.lower().partition("@")[0]).strip("._-")[:50] or "utente"
    values = {"name": (claims.name or base)[:80], "email": claims.email.lower(), "language": "it", "active": True}
    for number in range(1, 100):
        username = base if number == 1 else f"{base}{number}"
        made = session.execute(
            insert(User).values(username=username, **values).on_conflict_do_nothing().returning(User.id)
        ).scalar_one_or_none()
        if made is not None:
            history.record(session, None, user_id=made, kind=EventKind.CREATED, after={"provider": claims.provider})
            _link(session, made, claims)
            return
        if session.execute(select(User.id).where(User.email == values["email"])).first() is not None:
            return


def _link(session: Session, user_id: int, claims: Claims) -> None:
    session.execute(
        insert(UserIdentity).values(
            user_id=user_id, provider=claims.provider, issuer=claims.issuer, subject=claims.subject,
            linked_at=clock.now(session),
        )
    )  # fmt: skip
    after = {"provider": claims.provider, "by": "email"}
    history.record(session, None, user_id=user_id, kind=EventKind.IDENTITY_LINKED, after=after)
