"""Reading the timeline: newest first, a page at a time, by what, when and for which ente."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import ARRAY, BigInteger, BindParameter, Select, bindparam, func, select, true, tuple_
from sqlalchemy.orm import Session, aliased

from crm.access.models import User
from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.core.errors import InvalidError
from crm.timeline.models import EntryKind, TimelineEntry

PAGE = 20


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries; nothing chosen means all. `since` is within, `until` is not."""

    kinds: frozenset[EntryKind] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    ente_id: int | None = None


ALL = Filter()


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last entry of a page: the next page begins after it, whatever is added meanwhile."""

    occurred_at: datetime
    id: int

    @property
    def written(self) -> str:
        """As it stands in a form."""
        return f"{self.occurred_at.isoformat()}~{self.id}"


def cursor(text: str) -> Cursor | None:
    """A cursor as it was written; none for nothing. Raises `InvalidError`."""
    if not text:
        return None
    instant, _, number = text.partition("~")
    found: Cursor | None
    try:
        found = Cursor(datetime.fromisoformat(instant), int(number))
    except ValueError:
        found = None
    if found is None or found.occurred_at.tzinfo is None or not 0 < found.id < 2**63:
        raise InvalidError("Da qui la cronologia non si può continuare: ricarica la pagina.")
    return found


@dataclass(frozen=True, slots=True)
class Page:
    """Entries with their authors' names; `after` leads to the next page, if there is one."""

    entries: tuple[tuple[TimelineEntry, str | None], ...]
    after: Cursor | None


def of_ente(session: Session, by: Principal, *, ente_id: int, since: datetime, limit: int) -> Sequence[TimelineEntry]:
    """What happened with an ente's contacts, the latest first. Raises `ForbiddenError` for whoever reads no files."""
    require_on(session, by, Permission.FILE_READ, ente_id=ente_id)
    return session.scalars(_of_ente(ente_id, since, limit)).all()


@dataclass(frozen=True, slots=True)
class Stand:
    """How a contact with some taxpayer stands, and what it was about; not with whom."""

    occurred_at: datetime
    kind: EntryKind
    status: str
    topic: str | None
    follow_up: str | None  # its kind

    @classmethod
    def of(cls, entry: TimelineEntry) -> Self:
        """What an entry says of nobody."""
        follow_up = entry.detail["kind"] if entry.kind is EntryKind.FOLLOW_UP else None
        topic = entry.detail.get("topic") if entry.kind is EntryKind.CALL else None
        return cls(entry.occurred_at, entry.kind, entry.status, topic, follow_up)


def standing_of_ente(session: Session, by: Principal, *, ente_id: int, since: datetime, limit: int) -> list[Stand]:
    """The same without anybody's name, for whoever watches the ente's service. Raises `ForbiddenError` for others."""
    require_on(session, by, Permission.ENTE_WATCH, ente_id=ente_id)
    return [Stand.of(one) for one in session.scalars(_of_ente(ente_id, since, limit))]


def _of_ente(ente_id: int, since: datetime, limit: int) -> Select[TimelineEntry]:
    return (
        select(TimelineEntry)
        .where(TimelineEntry.ente_id == ente_id, TimelineEntry.occurred_at >= since)
        .order_by(TimelineEntry.occurred_at.desc(), TimelineEntry.id.desc())
        .limit(limit)
    )


def last_author(
    session: Session, contact_ids: Collection[int], *, kind: EntryKind, since: datetime
) -> int | None:  # fmt: skip
    """Who is behind the last entry of a kind about any of these contacts, where somebody is."""
    return session.scalar(
        select(TimelineEntry.author_id)
        .where(
            TimelineEntry.contact_id.in_(contact_ids), TimelineEntry.kind == kind, TimelineEntry.occurred_at >= since,
            TimelineEntry.author_id.is_not(None),
        )
        .order_by(TimelineEntry.occurred_at.desc(), TimelineEntry.id.desc())
        .limit(1)
    )  # fmt: skip


def of_contacts(
    session: Session, contact_ids: Collection[int], *, only: Filter = ALL, after: Cursor | None = None,
    limit: int = PAGE,
) -> Page:  # fmt: skip
    """A page of the entries of these contacts."""
    asked = _NEWEST if only == ALL and after is None else _latest(only, after)
    found = session.execute(asked, {"contacts": list(contact_ids), "most": limit + 1})
    rows: Sequence[tuple[TimelineEntry, str | None]] = [(entry, author) for entry, author in found]
    shown = tuple(rows[:limit])
    last = Cursor(shown[-1][0].occurred_at, shown[-1][0].id) if len(rows) > limit else None
    return Page(shown, last)


def _latest(only: Filter, after: Cursor | None) -> Select[TimelineEntry, str | None]:
    """The latest entries of each of the `contacts` are found by themselves, since an index has them in their order; of
    these the latest `most`.
    """
    whose = func.unnest(bindparam("contacts", type_=ARRAY(BigInteger))).table_valued("id").render_derived(name="whose")
    most: BindParameter[int] = bindparam("most", type_=BigInteger)
    his = select(TimelineEntry).where(TimelineEntry.contact_id == whose.c.id)
    if only.kinds:
        his = his.where(TimelineEntry.kind.in_(only.kinds))
    if only.since is not None:
        his = his.where(TimelineEntry.occurred_at >= only.since)
    if only.until is not None:
        his = his.where(TimelineEntry.occurred_at < only.until)
    if only.ente_id is not None:
        his = his.where(TimelineEntry.ente_id == only.ente_id)
    if after is not None:
        his = his.where(tuple_(TimelineEntry.occurred_at, TimelineEntry.id) < (after.occurred_at, after.id))
    latest = his.order_by(TimelineEntry.occurred_at.desc(), TimelineEntry.id.desc()).limit(most)
    entry = aliased(TimelineEntry, latest.lateral())
    return (
        select(entry, User.name)
        .select_from(whose)
        .join(entry, true())
        .outerjoin(User, User.id == entry.author_id)
        .order_by(entry.occurred_at.desc(), entry.id.desc())
        .limit(most)
    )


_NEWEST = _latest(ALL, None)  # asked whenever a file is opened: built once
