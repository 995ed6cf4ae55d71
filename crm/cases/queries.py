"""Reading several cases: lists, the board, the calendar of what is due, how many stand where."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from crm.access.models import User
from crm.cases import having
from crm.cases.deadlines import how_late, shown_day
from crm.cases.lifecycle import Outcome, State, Topic
from crm.cases.models import Case, CaseTeam, CaseTerm
from crm.cases.submissions.models import CaseSender
from crm.contacts import queries as contacts
from crm.core import clock
from crm.core.db import table_of
from crm.follow_ups.when import Lateness

PAGE, MOST = 50, 5_000
COLUMN = 30  # cards in a column of the board
_C, _T = table_of(Case), table_of(CaseTerm)
_OWNER, _TEAM = aliased(User), aliased(CaseTeam)
_OPEN: ColumnElement[bool] = _C.c.state != State.CLOSED


class Order(StrEnum):
    """What a list begins with."""

    DUE = "due"  # what is due first
    NEWEST = "newest"


class Whose(StrEnum):
    ANYBODYS = "anybodys"
    MINE = "mine"
    TEAMS = "teams"  # of the teams that he is of
    NOBODYS = "nobodys"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases; nothing chosen is all that are open. `late`: whose term is over or of which somebody was warned."""

    ente_id: int | None = None
    topic: Topic | None = None
    state: State | None = None
    whose: Whose = Whose.ANYBODYS
    late: bool = False
    closed: bool = False  # those that are over, too
    number: int | None = None
    order: Order = Order.DUE
    team_id: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A case in a list."""

    id: int
    ente_id: int
    label: str
    topic: Topic
    state: State
    outcome: Outcome | None
    contact_id: int | None
    name: str  # empty: nobody's
    sender: str  # who sent it from the pages, as he says himself, while it is nobody's
    owner: str  # empty: nobody in person has it
    gone: bool  # its owner may not work for the ente any more
    team: str  # empty: of none
    received_at: datetime
    due_at: datetime | None
    late: Lateness | None
    rests: bool
    protocol: str
    closed_at: datetime | None

    @property
    def last_day(self) -> date | None:
        """The last day of its term."""
        return shown_day(self.due_at) if self.due_at else None


@dataclass(frozen=True, slots=True)
class Column:
    """A state on the board: how many cases are in it, and the first of them."""

    state: State
    count: int
    rows: tuple[Row, ...]


def listed(
    session: Session, which: Filter, *, user_id: int, skip: int = 0, limit: int = PAGE
) -> tuple[list[Row], bool]:  # fmt: skip
    """Some cases of the scope, in their order; and whether there are more."""
    rows = _rows(session, _listing(session, which, user_id).offset(skip).limit(limit + 1))
    return rows[:limit], len(rows) > limit


def board(session: Session, which: Filter, *, user_id: int) -> list[Column]:
    """What is open, by state, what is due first before all."""
    only = replace(which, state=None, closed=False, order=Order.DUE)
    where = _which(session, only, user_id)
    grouped = session.execute(select(_C.c.state, func.count()).where(*where).group_by(_C.c.state))
    counts = {State(state): n for state, n in grouped}
    states = [one for one in State if one is not State.CLOSED and counts.get(one)]
    return [
        Column(one, counts[one], tuple(_rows(session, _listing(session, replace(only, state=one), user_id, COLUMN))))
        for one in states
    ]


def due_by_day(session: Session, which: Filter, *, user_id: int, first: date, last: date) -> dict[date, list[Row]]:
    """What is open and due on each day between two; what was due before the first is on it."""
    only = replace(which, state=None, closed=False, order=Order.DUE)
    until = clock.start_of_day(last + timedelta(days=1))
    found: dict[date, list[Row]] = {}
    for one in _rows(session, _listing(session, only, user_id, MOST).where(_C.c.due_at <= until)):
        assert one.due_at is not None
        day = clock.business_day(one.due_at - timedelta(microseconds=1))
        found.setdefault(max(day, first), []).append(one)
    return found


def counted(session: Session, which: Filter, *, user_id: int) -> tuple[int, int, int]:
    """How many are open, how many of them are late or running out, and how many are nobody's."""
    at = clock.now(session)
    where = _which(session, replace(which, state=None, whose=Whose.ANYBODYS, late=False, closed=False), user_id)
    whose = (_C.c.ente_id, _C.c.owner_id, _C.c.team_id)  # few: whether they are nobody's is asked once of each
    cases, late = func.count().label("cases"), func.count().filter(_late(at)).label("late")
    some = select(*whose, cases, late).where(*where).group_by(*whose).subquery().c
    sums = (func.sum(some.cases), func.sum(some.late), func.sum(some.cases).filter(having.nobodys(session, some)))
    row = session.execute(select(*sums)).one()
    return int(row[0] or 0), int(row[1] or 0), int(row[2] or 0)


def waiting(session: Session, *, user_id: int, manages: bool, decides: bool) -> int:
    """How many cases wait for somebody: those that he looks after (his own, and what nobody in his teams has taken up)
    that are late, of which he was warned, or about which somebody wrote;
    of whoever manages them those of which he was told; of whoever decides for the ente what he has to decide or sign.
    """
    at = clock.now(session)
    told = select(_T.c.case_id).where(
        _T.c.supervisor_told_at.is_not(None), _T.c.met_at.is_(None), _T.c.dropped_at.is_(None), _T.c.due_at.is_not(None)
    )
    his = [and_(having.looked_after_by(session, user_id), _late(at))]
    if manages:
        his.append(and_(_OPEN, or_(_C.c.due_at <= at, _C.c.id.in_(told))))
    if decides:
        his.append(_C.c.state.in_([State.AT_ENTE, State.TO_SIGN]))
    return session.scalar(select(func.count()).select_from(_C).where(or_(*his))) or 0


def of_contacts(session: Session, contact_ids: Collection[int]) -> list[Row]:
    """The cases of these contacts, the open ones first, then the newest."""
    return _rows(
        session,
        _select(session).where(_C.c.contact_id.in_(list(contact_ids)))
        .order_by((_C.c.state == State.CLOSED), _C.c.received_at.desc(), _C.c.id.desc()).limit(PAGE),
    )  # fmt: skip


def with_open(contact_ids: ColumnElement[Any]) -> Select[int | None]:
    """Selects those of these contacts of whom a case is open."""
    return select(Case.contact_id).where(Case.contact_id == contact_ids, Case.state != State.CLOSED)


def _select(session: Session) -> Select[*tuple[Any, ...]]:
    return (
        select(Case, _OWNER.name, having.taken(session), _TEAM.name)
        .outerjoin(_OWNER, _OWNER.id == _C.c.owner_id)
        .outerjoin(_TEAM, _TEAM.id == _C.c.team_id)
    )


def _listing(session: Session, which: Filter, user_id: int, limit: int | None = None) -> Select[*tuple[Any, ...]]:
    order = (
        (_C.c.due_at.asc().nulls_last(), _C.c.id)
        if which.order is Order.DUE
        else (_C.c.received_at.desc(), _C.c.id.desc())
    )
    return _select(session).where(*_which(session, which, user_id)).order_by(*order).limit(limit)


def _which(session: Session, which: Filter, user_id: int) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if which.ente_id is not None:
        found.append(_C.c.ente_id == which.ente_id)
    if which.topic is not None:
        found.append(_C.c.topic == which.topic)
    if which.number is not None:
        found.append(_C.c.number == which.number)
    if which.state is not None:
        found.append(_C.c.state == which.state)
    elif not which.closed and which.number is None:
        found.append(_OPEN)
    if which.whose is Whose.MINE:
        found.append(_C.c.owner_id == user_id)
    elif which.whose is Whose.TEAMS:
        found.append(_C.c.team_id.in_(having.teams_of(user_id)))
    elif which.whose is Whose.NOBODYS:
        found.append(having.nobodys(session))
    if which.team_id is not None:
        found.append(_C.c.team_id == which.team_id)
    if which.late:
        found.append(_late(clock.now(session)))
    return found


def _late(at: datetime) -> ColumnElement[bool]:
    """A term of it is over, or somebody was warned that it is running out, or who asked wrote again."""
    warned = select(_T.c.case_id).where(
        _T.c.owner_told_at.is_not(None), _T.c.met_at.is_(None), _T.c.dropped_at.is_(None), _T.c.due_at.is_not(None)
    )
    return and_(_OPEN, or_(_C.c.due_at <= at, _C.c.id.in_(warned), _C.c.heard_at.is_not(None)))


def _rows(session: Session, statement: Select[*tuple[Any, ...]]) -> list[Row]:
    found = session.execute(statement).all()
    at = clock.now(session)
    names = contacts.named(session, {one.contact_id for one, *_ in found if one.contact_id is not None})
    senders = _senders(session, [one.id for one, *_ in found if one.contact_id is None])
    return [
        Row(
            one.id, one.ente_id, f"{one.year}/{one.number}", one.topic, one.state, one.outcome, one.contact_id,
            names.get(one.contact_id or 0, ""), senders.get(one.id, ""), owner or "", bool(owner) and not taken,
            team or "", one.received_at, one.due_at, how_late(one.due_at, at) if one.due_at else None, one.rests,
            one.protocol_number, one.closed_at,
        )
        for one, owner, taken, team in found
    ]  # fmt: skip


def _senders(session: Session, case_ids: Collection[int]) -> dict[int, str]:
    """Who says that he sent them."""
    if not case_ids:
        return {}
    rows = session.scalars(select(CaseSender).where(CaseSender.case_id.in_(case_ids)))
    return {one.case_id: f"{one.given_name} {one.surname}".strip() for one in rows}
