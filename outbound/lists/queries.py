"""Reading lists, and a few of those whom a segment means."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Permission, Principal
from crm.access.service import require_on, scope_for
from crm.audit import service as audit
from crm.contacts import queries as contacts
from crm.core import clock
from crm.core.clock import ROME
from crm.core.errors import NotFoundError
from crm.positions import queries as positions
from crm.positions.summary import totals
from outbound.lists.models import ContactList, ContactListMember, ContactListRefusal, ListState, Origin, Why
from outbound.segments.conditions import Segment
from outbound.segments.counting import FEW, Count, count


@dataclass(frozen=True, slots=True)
class ListView:
    """A list as its page shows it. Of a file: `rows` by what became of them, and what heads its columns."""

    id: int
    ente_id: int
    name: str
    origin: Origin
    segment: Segment | None
    file_name: str | None
    headings: tuple[str, ...]
    state: ListState
    failure: str | None
    members: int
    rows: int
    wrong: int
    unknown: int
    several: int
    twice: int
    made_by: str
    made_at: datetime
    ready_at: datetime | None
    withdrawn_at: datetime | None

    @property
    def refused(self) -> int:
        """Rows that made nobody a member."""
        return self.wrong + self.unknown + self.several + self.twice

    @property
    def is_moving(self) -> bool:
        """Whether a worker has to do with it."""
        return self.state in {ListState.BUILDING, ListState.DELETING}


@dataclass(frozen=True, slots=True)
class Example:
    """One of those meant: who he is, and what he owes in all, in cents."""

    contact_id: int
    name: str
    owed: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row of a file that made nobody a member."""

    line: int
    heading: str
    why: Why
    reason: str
    cells: tuple[str, ...]


def lists(session: Session, by: Principal) -> list[ListView]:
    """Those of all enti for which he makes lists, the newest first."""
    his = scope_for(session, by, Permission.LIST_MANAGE).enti or frozenset()
    found = _read().where(ContactList.ente_id.in_(his), ContactList.state != ListState.DELETING)
    return [_view(row, name) for row, name in session.execute(found.order_by(ContactList.id.desc()))]


def one(session: Session, by: Principal, list_id: int) -> ListView:
    """A list. Raises `NotFoundError` for what is not his to see."""
    found = session.execute(_read().where(ContactList.id == list_id)).one_or_none()
    if found is None:
        raise NotFoundError("Questa lista non c'è.")
    row, name = found
    require_on(session, by, Permission.LIST_MANAGE, ente_id=row.ente_id)
    return _view(row, name)


def refusals(session: Session, list_id: int, *, most: int) -> Iterator[Refusal]:
    """The first rows of its file that made nobody a member, in their order."""
    rows = select(ContactListRefusal).where(ContactListRefusal.list_id == list_id)
    for row in session.scalars(rows.order_by(ContactListRefusal.line).limit(most)):
        yield Refusal(row.line, row.heading, row.why, row.reason, tuple(row.cells))


def preview(session: Session, by: Principal, segment: Segment, *, ente_id: int) -> tuple[Count, list[Example]]:
    """How many a segment means, and a few of them; that he saw them is in the ente's access log."""
    require_on(session, by, Permission.LIST_MANAGE, ente_id=ente_id)
    found = count(session, segment, ente_id=ente_id)
    return found, _shown(session, by, list(found.few), ente_id)


def first_members(session: Session, by: Principal, found: ListView) -> list[Example]:
    """A few of those who are on a list."""
    of_list = select(ContactListMember.contact_id).where(ContactListMember.list_id == found.id)
    ids = list(session.scalars(of_list.order_by(ContactListMember.contact_id).limit(FEW)))
    return _shown(session, by, ids, found.ente_id)


def _shown(session: Session, by: Principal, ids: list[int], ente_id: int) -> list[Example]:
    if not ids:
        return []
    for contact_id in ids:
        audit.note_once(session, by, kind="list.seen", ente_id=ente_id, contact_id=contact_id)
    today = clock.now(session).astimezone(ROME).date()
    names, theirs = contacts.named(session, ids), positions.of_contact(session, ids, brief=True)
    return [
        Example(id_, names[id_], totals([one for one in theirs if one.contact_id == id_], today).owed)
        for id_ in ids
        if id_ in names
    ]


def _read() -> Select[ContactList, str]:
    return select(ContactList, User.name).join(User, User.id == ContactList.made_by)


def _view(row: ContactList, made_by: str) -> ListView:
    return ListView(
        row.id, row.ente_id, row.name, row.origin, Segment.of(row.segment) if row.segment else None, row.file_name,
        tuple(row.headings or ()), row.state, row.failure, row.members, row.rows, row.wrong, row.unknown, row.several,
        row.twice, made_by, row.made_at, row.ready_at, row.withdrawn_at,
    )  # fmt: skip
