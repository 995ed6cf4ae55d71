"""Reading the audit: entries with their values opened, the newest first, a page at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, any_, bindparam, func, or_, select, tuple_
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Permission, Principal
from crm.access.service import holders, scope_for
from crm.audit import keys
from crm.audit.chain import Entry, about
from crm.audit.models import AuditEntry
from crm.core import clock
from crm.core.db import table_of
from crm.core.errors import ForbiddenError
from crm.enti import queries as enti
from crm.enti.models import ContractEnte

PAGE = 50
ONE_SITTING = timedelta(hours=12)
_ENTRY, _USER = table_of(AuditEntry), table_of(User)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries. `contracts`: those that belong to no ente, about the users and the configuration of these."""

    enti: frozenset[int]
    contracts: frozenset[int] = frozenset()
    since: datetime | None = None
    until: datetime | None = None  # exclusive
    contact_ids: tuple[int, ...] = ()
    actor_id: int | None = None
    kinds: tuple[str, ...] = ()
    uncalled: bool = False  # only what was not done in a call, nor for one
    of_somebody: bool = False  # only what concerns a taxpayer


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended."""

    occurred_at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Noted:
    """An entry as it is read. `erased`: its personal values cannot be read any more."""

    id: int
    ente_id: int | None
    contact_id: int | None
    kind: str
    occurred_at: datetime
    actor_id: int | None
    actor: str | None  # none: the system
    place: str
    call_id: UUID | None
    subject: str
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]
    erased: bool

    @property
    def cursor(self) -> Cursor:
        """Where to go on after this entry."""
        return Cursor(self.occurred_at, self.id)

    @property
    def changed(self) -> list[str]:
        """The names of what is different after."""
        return [name for name in {**self.before, **self.after} if self.before.get(name) != self.after.get(name)]


def readable(session: Session, by: Principal) -> Wanted:
    """All that a principal may read: of the enti of his grants; and what is of no ente, of whole contracts of his.

    Raises `ForbiddenError`.
    """
    by.require(Permission.ACCESS_READ)
    scope = scope_for(session, by, Permission.ACCESS_READ)
    return Wanted(frozenset(scope.enti or ()), contracts=scope.contracts)


def page(
    session: Session, by: Principal, wanted: Wanted, *, after: Cursor | None = None, limit: int = PAGE
) -> list[Noted]:
    """Entries, the newest first. Raises `ForbiddenError` for an ente whose log `by` may not read."""
    may = readable(session, by)
    if not wanted.enti <= may.enti or not wanted.contracts <= may.contracts:
        raise ForbiddenError("Non puoi leggere il registro degli accessi di questo ente.")
    return some(session, wanted, after=after, limit=limit)


def some(session: Session, wanted: Wanted, *, after: Cursor | None, limit: int) -> list[Noted]:
    """The same, where the permission was asked for elsewhere."""
    return opened(session, _select(wanted, after).limit(limit))


def by_id(session: Session, ids: Sequence[int]) -> list[Noted]:
    """These entries, in the order in which they were written; the permission was asked for elsewhere."""
    wanted = bindparam("ids", list(ids), type_=ARRAY(BigInteger))
    return opened(session, _read().where(_ENTRY.c.id == any_(wanted)).order_by(_ENTRY.c.id))


def every(session: Session, by: Principal, wanted: Wanted, *, most: int) -> Iterator[Noted]:
    """All entries up to `most`, page by page."""
    after: Cursor | None = None
    while most > 0:
        found = page(session, by, wanted, after=after, limit=min(500, most))
        yield from found
        if len(found) < min(500, most):
            return
        most, after = most - len(found), found[-1].cursor


def opened(session: Session, statement: Select[Any]) -> list[Noted]:
    """The entries of a statement on `AuditEntry` and its actor's name, with their values opened."""
    rows = session.execute(statement).all()
    persons = {(row.ente_id, row.contact_id) for row in rows if row.secret is not None}
    known = keys.known(session, persons)
    return [_opened(row, known.get((row.ente_id, row.contact_id))) for row in rows]


def of_contact(session: Session, ente_id: int, contact_ids: Sequence[int], *, limit: int = 20_000) -> list[Noted]:
    """All that the audit says about a person; no permission is asked for: the caller did."""
    return opened(session, _select(Wanted(frozenset({ente_id}), contact_ids=tuple(contact_ids)), None).limit(limit))


def deeds_of(session: Session, actor_id: int, kind: str, *, since: datetime) -> int:
    """How often somebody did something since then, in the enti of the scope."""
    its = _ENTRY.c.actor_id == actor_id, _ENTRY.c.occurred_at > since, _ENTRY.c.kind == kind
    return session.execute(select(func.count()).select_from(_ENTRY).where(*its)).scalar_one()


def actors(session: Session, ente_ids: frozenset[int]) -> list[tuple[int, str]]:
    """Whoever holds, or held, a role on one of these enti or on a contract that covers one: ids and names."""
    contracts = {one for one, covered in enti.coverage(session).items() if not covered.isdisjoint(ente_ids)}
    held = holders(ente_ids, contracts)
    rows = session.execute(select(User.id, User.name).where(User.id.in_(held)).order_by(User.name))
    return [(id_, name) for id_, name in rows]


def _read() -> Select[Any]:
    columns = [_ENTRY.c[name] for name in Entry.__dataclass_fields__]
    return select(*columns, _USER.c.name.label("actor")).outerjoin(_USER, _USER.c.id == _ENTRY.c.actor_id)


def has_open(
    session: Session, by: Principal, *, kind: str, ente_id: int, contact_id: int | None = None, subject: str = ""
) -> bool:  # fmt: skip
    """Whether he read this in the hours for which a page stays open that shows itself anew when something changes."""
    his = _read().where(
        _ENTRY.c.actor_id == by.user_id, _ENTRY.c.occurred_at > clock.now(session) - ONE_SITTING,
        _ENTRY.c.kind == kind, _ENTRY.c.ente_id == ente_id, _ENTRY.c.contact_id == contact_id,
    )  # fmt: skip
    return any(one.subject == subject for one in opened(session, his))


def _select(wanted: Wanted, after: Cursor | None) -> Select[Any]:
    theirs: ColumnElement[bool] = _ENTRY.c.ente_id.in_(wanted.enti)
    if wanted.contracts:
        theirs |= _ENTRY.c.ente_id.is_(None) & _of_contracts(wanted.contracts)
    statement = _read().where(theirs)
    if wanted.since is not None:
        statement = statement.where(_ENTRY.c.occurred_at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(_ENTRY.c.occurred_at < wanted.until)
    if wanted.contact_ids:
        statement = statement.where(_ENTRY.c.contact_id.in_(wanted.contact_ids))
    if wanted.of_somebody:
        statement = statement.where(_ENTRY.c.contact_id.is_not(None))
    if wanted.actor_id is not None:
        statement = statement.where(_ENTRY.c.actor_id == wanted.actor_id)
    if wanted.kinds:
        statement = statement.where(_ENTRY.c.kind.in_(wanted.kinds))
    if wanted.uncalled:
        statement = statement.where(_ENTRY.c.call_id.is_(None))
    if after is not None:
        statement = statement.where(tuple_(_ENTRY.c.occurred_at, _ENTRY.c.id) < tuple_(after.occurred_at, after.id))
    return statement.order_by(_ENTRY.c.occurred_at.desc(), _ENTRY.c.id.desc())


def _of_contracts(contracts: frozenset[int]) -> ColumnElement[bool]:
    """The entries about these contracts, and about users with a role, whenever it was, on them or on enti of theirs."""
    subject = _ENTRY.c.detail["subject"].astext
    covered = select(ContractEnte.ente_id).where(ContractEnte.contract_id.in_(contracts))
    held = select(func.concat("user:", holders(covered, contracts).subquery().c.user_id))
    return or_(subject.in_([f"contract:{one}" for one in contracts]), subject.in_(held))


def _opened(row: Any, key: bytes | None) -> Noted:
    said: dict[str, Any] | None = {**row.detail, "reason": row.reason}
    if row.secret is not None:
        bound = about(
            ente_id=row.ente_id, contact_id=row.contact_id, kind=row.kind, occurred_at=row.occurred_at,
            actor_id=row.actor_id, call_id=row.call_id,
        )  # fmt: skip
        said = keys.decrypted(key, row.secret, about=bound)
    read = said or {}
    return Noted(
        row.id, row.ente_id, row.contact_id, row.kind, row.occurred_at, row.actor_id, row.actor, row.place,
        row.call_id, read.get("subject", ""), read.get("reason", ""), read.get("before", {}), read.get("after", {}),
        erased=said is None,
    )  # fmt: skip
