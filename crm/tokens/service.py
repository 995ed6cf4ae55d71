"""Making, revoking and admitting tokens."""

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import clock
from crm.core.errors import FieldError, NotFoundError
from crm.tokens.limit import take
from crm.tokens.models import ApiScope, ApiToken

LIVES_DAYS = (30, 90, 365)
MOST = 20  # in force at once
_FORM = re.compile(r"fd1_(\d{1,18})_([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A token in force."""

    token_id: int
    ente_id: int
    scopes: frozenset[ApiScope]


@dataclass(frozen=True, slots=True)
class Listed:
    """A token as its ente's page shows it."""

    id: int
    name: str
    scopes: tuple[ApiScope, ...]
    made_by: str
    made_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    in_force: bool


def make(
    session: Session, by: Principal, *, ente_id: int, name: str, scopes: Collection[ApiScope], days: int
) -> str:  # fmt: skip
    """Make a token; the answer is the secret itself, which nobody can read again. Raises `FieldError`."""
    require_on(session, by, Permission.ENTE_MANAGE, ente_id=ente_id)
    name = " ".join(name.split())
    if not 0 < len(name) <= 80:
        raise FieldError("Scrivi chi la usa, in non più di 80 caratteri.", "name")
    if not scopes:
        raise FieldError("Scegli che cosa può leggere.", "scopes")
    if days not in LIVES_DAYS:
        raise FieldError("Scegli una durata dell'elenco.", "days")
    if sum(one.in_force for one in tokens(session, by, ente_id=ente_id)) >= MOST:
        raise FieldError("Le chiavi in uso sono troppe: revocane una.", "name")
    secret, at = secrets.token_urlsafe(32), clock.now(session)
    row = ApiToken(
        ente_id=ente_id, name=name, digest=_digest(secret), scopes=sorted(scopes), made_by=by.user_id, made_at=at,
        expires_at=at + timedelta(days=days),
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.note(
        session, by, kind="api_token.made", ente_id=ente_id, subject=f"api_token:{row.id}",
        after={"name": name, "expires_at": row.expires_at.isoformat()},
    )  # fmt: skip
    return f"fd1_{ente_id}_{secret}"


def revoke(session: Session, by: Principal, *, token_id: int) -> None:
    """From now on it admits nobody. Said twice it is no error."""
    row = session.get(ApiToken, token_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Questa chiave non c'è.")
    require_on(session, by, Permission.ENTE_MANAGE, ente_id=row.ente_id)
    if row.revoked_at is None:
        row.revoked_at, row.revoked_by = clock.now(session), by.user_id
        session.flush()
        audit.note(
            session, by, kind="api_token.revoked", ente_id=row.ente_id, subject=f"api_token:{row.id}",
            after={"name": row.name},
        )  # fmt: skip


def tokens(session: Session, by: Principal, *, ente_id: int) -> list[Listed]:
    """The tokens of an ente, the newest first."""
    require_on(session, by, Permission.ENTE_MANAGE, ente_id=ente_id)
    now = clock.now(session)
    rows = session.execute(
        select(ApiToken, User.name)
        .join(User, User.id == ApiToken.made_by)
        .where(ApiToken.ente_id == ente_id)
        .order_by(ApiToken.id.desc())
    )
    return [
        Listed(
            row.id, row.name, tuple(ApiScope(one) for one in row.scopes), made_by, row.made_at, row.expires_at,
            row.last_used_at, row.revoked_at, row.revoked_at is None and row.expires_at > now,
        )
        for row, made_by in rows
    ]  # fmt: skip


def ente_named(token: str) -> int | None:
    """The ente that a token says it is of, before anything is looked up; none for what is no token."""
    found = _FORM.fullmatch(token)
    return int(found[1]) if found else None


def admit(session: Session, token: str) -> tuple[Admitted, timedelta] | None:
    """Whom a token admits, in the scope of the ente that it names; and how long he has to wait, if at all.

    None for one that is unknown, revoked or expired: nothing says which. Its use is counted in this transaction.
    """
    found = _FORM.fullmatch(token)
    if found is None:
        return None
    row = session.scalar(
        select(ApiToken)
        .where(ApiToken.ente_id == int(found[1]), ApiToken.digest == _digest(found[2]))
        .with_for_update()
    )
    now = clock.now(session)
    if row is None or row.revoked_at is not None or row.expires_at <= now:
        return None
    wait, row.full_at = take(row.full_at, now)
    row.last_used_at = now
    session.flush()
    return Admitted(row.id, row.ente_id, frozenset(ApiScope(one) for one in row.scopes)), wait


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
