"""Reading cases: lists, how many stand where, one with everything that happened in it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from crm.access.models import User
from crm.cases.deadlines import shown_day
from crm.cases.escalation import Told
from crm.cases.lifecycle import Channel, Deed, Outcome, State, Topic
from crm.cases.models import (
    Case,
    CaseDocument,
    CasePause,
    CasePosition,
    CaseStep,
    CaseTerm,
    ExtensionReason,
    PauseReason,
)
from crm.cases.terms import TermKind
from crm.contacts import queries as contacts
from crm.core import clock
from crm.core.db import table_of
from crm.core.errors import NotFoundError
from crm.documents.models import Scan
from crm.enti.models import Office
from crm.follow_ups.when import Lateness, lateness
from crm.messages.models import Message, MessageState
from crm.positions.models import Position, PositionState

PAGE, MOST = 50, 5_000
COLUMN = 30  # cards in a column of the board
SAID: Mapping[Deed, type[StrEnum]] = MappingProxyType(
    {Deed.PAUSE: PauseReason, Deed.EXTEND: ExtensionReason, Deed.WARN: Told}
)
_C, _T = table_of(Case), table_of(CaseTerm)
_OWNER = aliased(User)
_OPEN: ColumnElement[bool] = _C.c.state != State.CLOSED


class Order(StrEnum):
    """What a list begins with."""

    DUE = "due"  # what is due first
    NEWEST = "newest"


class Whose(StrEnum):
    ANYBODYS = "anybodys"
    MINE = "mine"
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
    owner: str
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


@dataclass(frozen=True, slots=True)
class TermView:
    """A term of a case. `days` with those that were added."""

    id: int
    kind: TermKind
    days: int
    extended: int
    working: bool
    source: str
    by_contract: bool
    since_at: datetime
    due_at: datetime | None
    met_at: datetime | None
    dropped_at: datetime | None
    late: Lateness | None  # none: it is over, or rests
    rests: bool = False

    @property
    def last_day(self) -> date | None:
        """The last day of its term."""
        return shown_day(self.due_at) if self.due_at else None

    @property
    def in_time(self) -> bool:
        """Of one that is met: whether it was before its end."""
        return self.met_at is not None and self.due_at is not None and self.met_at < self.due_at


@dataclass(frozen=True, slots=True)
class StepView:
    """Something that was done. `told`: what became of the message to the citizen; none: there was none.

    `said`: a reason, or who was told, where it is one of a few.
    """

    deed: Deed
    at: datetime
    by: str  # empty: the system
    state: State
    outcome: Outcome | None
    words: str
    said: StrEnum | None
    told: MessageState | None


@dataclass(frozen=True, slots=True)
class Debt:
    """A position of a case: as it stood when the case was opened, and as it stands; none: it is there no more."""

    reference: str
    act_number: str
    standing: PositionState
    cents: int
    as_of: datetime
    standing_now: PositionState | None
    cents_now: int | None
    as_of_now: datetime | None


@dataclass(frozen=True, slots=True)
class PauseView:
    """When its terms rested, and why."""

    reason: PauseReason
    since_at: datetime
    until_at: datetime | None
    papers: str


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A file of a case."""

    id: UUID
    name: str
    media_type: str
    size: int
    sha256: str
    added_at: datetime
    added_by: str  # empty: the citizen, on the pages
    scan: Scan | None


@dataclass(frozen=True, slots=True)
class CaseView:
    """One case, with everything that happened in it, the latest first."""

    id: int
    ente_id: int
    contract_id: int
    label: str
    topic: Topic
    channel: Channel
    contact_id: int | None
    name: str
    codice_fiscale: str
    received_at: datetime
    opened_at: datetime
    opened_by: str
    state: State
    outcome: Outcome | None
    owner_id: int | None
    owner: str
    surety: bool
    reasons: str
    asked: str
    office: str
    protocol_number: str
    protocol_on: date | None
    due_at: datetime | None
    late: Lateness | None
    rests: bool
    closed_at: datetime | None
    version: int
    debts: tuple[Debt, ...]
    terms: tuple[TermView, ...]
    steps: tuple[StepView, ...]
    pauses: tuple[PauseView, ...]
    documents: tuple[DocumentView, ...]

    @property
    def last_day(self) -> date | None:
        """The last day of its term."""
        return shown_day(self.due_at) if self.due_at else None

    @property
    def came_since(self) -> bool:
        """Whether the citizen sent papers since its terms rest."""
        since = self.pauses[0].since_at if self.rests and self.pauses else None
        return since is not None and any(not one.added_by and one.added_at > since for one in self.documents)

    @property
    def running(self) -> tuple[TermView, ...]:
        """The terms that are neither met nor dropped."""
        return tuple(one for one in self.terms if one.met_at is None and one.dropped_at is None)


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
    row = session.execute(
        select(
            func.count(), func.count().filter(_late(at)), func.count().filter(_C.c.owner_id.is_(None))
        ).where(*where)
    ).one()  # fmt: skip
    return row[0], row[1], row[2]


def waiting(session: Session, *, user_id: int, manages: bool, decides: bool) -> int:
    """How many cases wait for somebody: his own that are late or of which he was warned; of whoever manages them those
    of which he was told; of whoever decides for the ente what he has to decide or sign.
    """
    at = clock.now(session)
    told = select(_T.c.case_id).where(
        _T.c.supervisor_told_at.is_not(None), _T.c.met_at.is_(None), _T.c.dropped_at.is_(None), _T.c.due_at.is_not(None)
    )
    his = [and_(_C.c.owner_id == user_id, _late(at))]
    if manages:
        his.append(and_(_OPEN, or_(_C.c.due_at <= at, _C.c.id.in_(told))))
    if decides:
        his.append(_C.c.state.in_([State.AT_ENTE, State.TO_SIGN]))
    return session.scalar(select(func.count()).select_from(_C).where(or_(*his))) or 0


def of_contacts(session: Session, contact_ids: Collection[int]) -> list[Row]:
    """The cases of these contacts, the open ones first, then the newest."""
    return _rows(
        session,
        _select().where(_C.c.contact_id.in_(list(contact_ids)))
        .order_by((_C.c.state == State.CLOSED), _C.c.received_at.desc(), _C.c.id.desc()).limit(PAGE),
    )  # fmt: skip


def with_open(contact_ids: ColumnElement[Any]) -> Select[int | None]:
    """Selects those of these contacts of whom a case is open."""
    return select(Case.contact_id).where(Case.contact_id == contact_ids, Case.state != State.CLOSED)


def one(session: Session, case_id: int) -> CaseView:
    """A case of the scope. Raises `NotFoundError`."""
    row = session.get(Case, case_id, populate_existing=True)
    if row is None:
        raise NotFoundError("Questa richiesta non c'è.")
    at = clock.now(session)
    people = _people(session, row)
    person = contacts.get(session, row.contact_id) if row.contact_id is not None else None
    office = session.get(Office, row.office_id) if row.office_id is not None else None
    return CaseView(
        id=row.id, ente_id=row.ente_id, contract_id=row.contract_id, label=f"{row.year}/{row.number}",
        topic=row.topic, channel=row.channel, contact_id=row.contact_id, name=person.name if person else "",
        codice_fiscale=person.codice_fiscale if person else "", received_at=row.received_at, opened_at=row.opened_at,
        opened_by=people.get(row.opened_by or 0, ""), state=row.state, outcome=row.outcome, owner_id=row.owner_id,
        owner=people.get(row.owner_id or 0, ""), surety=row.surety, reasons=row.reasons, asked=row.asked,
        office=office.name if office else "", protocol_number=row.protocol_number, protocol_on=row.protocol_on,
        due_at=row.due_at, late=lateness(row.due_at, at) if row.due_at else None, rests=row.rests,
        closed_at=row.closed_at, version=row.version, debts=_debts(session, row), terms=_terms(session, row.id, at),
        steps=_steps(session, row.id, people), pauses=_pauses(session, row.id),
        documents=_documents(session, row.id, people),
    )  # fmt: skip


def _select() -> Select[*tuple[Any, ...]]:
    return select(Case, _OWNER.name).outerjoin(_OWNER, _OWNER.id == _C.c.owner_id)


def _listing(session: Session, which: Filter, user_id: int, limit: int | None = None) -> Select[*tuple[Any, ...]]:
    order = (
        (_C.c.due_at.asc().nulls_last(), _C.c.id)
        if which.order is Order.DUE
        else (_C.c.received_at.desc(), _C.c.id.desc())
    )
    return _select().where(*_which(session, which, user_id)).order_by(*order).limit(limit)


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
    elif which.whose is Whose.NOBODYS:
        found.append(_C.c.owner_id.is_(None))
    if which.late:
        found.append(_late(clock.now(session)))
    return found


def _late(at: datetime) -> ColumnElement[bool]:
    """A term of it is over, or somebody was warned that it is running out."""
    warned = select(_T.c.case_id).where(
        _T.c.owner_told_at.is_not(None), _T.c.met_at.is_(None), _T.c.dropped_at.is_(None), _T.c.due_at.is_not(None)
    )
    return and_(_OPEN, or_(_C.c.due_at <= at, _C.c.id.in_(warned)))


def _rows(session: Session, statement: Select[*tuple[Any, ...]]) -> list[Row]:
    found = session.execute(statement).all()
    at = clock.now(session)
    names = contacts.named(session, {one.contact_id for one, _ in found if one.contact_id is not None})
    return [
        Row(
            one.id, one.ente_id, f"{one.year}/{one.number}", one.topic, one.state, one.outcome, one.contact_id,
            names.get(one.contact_id or 0, ""), owner or "", one.received_at, one.due_at,
            lateness(one.due_at, at) if one.due_at else None, one.rests, one.protocol_number, one.closed_at,
        )
        for one, owner in found
    ]  # fmt: skip


def _people(session: Session, row: Case) -> dict[int, str]:
    made = select(CaseStep.made_by).where(CaseStep.case_id == row.id)
    added = select(CaseDocument.added_by).where(CaseDocument.case_id == row.id)
    its = or_(User.id.in_([row.opened_by, row.owner_id]), User.id.in_(made), User.id.in_(added))
    return dict(session.execute(select(User.id, User.name).where(its)).all())


def _debts(session: Session, row: Case) -> tuple[Debt, ...]:
    same = and_(
        Position.ente_id == CasePosition.ente_id, Position.reference == CasePosition.reference,
        Position.withdrawn_as_of.is_(None),
    )  # fmt: skip
    rows = session.execute(
        select(CasePosition, Position.state, Position.residual_cents, Position.as_of)
        .outerjoin(Position, same).where(CasePosition.case_id == row.id).order_by(CasePosition.reference)
    ).all()  # fmt: skip
    return tuple(
        Debt(
            then.reference,
            then.act_number,
            PositionState(then.standing),
            then.residual_cents,
            then.as_of,
            state,
            cents,
            as_of,
        )
        for then, state, cents, as_of in rows
    )


def _terms(session: Session, case_id: int, at: datetime) -> tuple[TermView, ...]:
    rows = session.scalars(select(CaseTerm).where(CaseTerm.case_id == case_id).order_by(CaseTerm.id))
    return tuple(
        TermView(
            one.id, one.kind, one.days + one.extended, one.extended, one.working, one.source, one.by_contract,
            one.since_at, one.due_at, one.met_at, one.dropped_at,
            lateness(one.due_at, at) if one.due_at and one.met_at is None and one.dropped_at is None else None,
        )
        for one in rows
    )  # fmt: skip


def _steps(session: Session, case_id: int, people: dict[int, str]) -> tuple[StepView, ...]:
    rows = session.execute(
        select(CaseStep, Message.state).outerjoin(Message, Message.id == CaseStep.message_id)
        .where(CaseStep.case_id == case_id).order_by(CaseStep.id.desc())
    ).all()  # fmt: skip
    return tuple(
        StepView(
            one.deed, one.at, people.get(one.made_by or 0, ""), one.state, one.outcome, one.words,
            SAID[one.deed](one.words) if one.deed in SAID and one.words else None, told,
        )
        for one, told in rows
    )  # fmt: skip


def _pauses(session: Session, case_id: int) -> tuple[PauseView, ...]:
    rows = session.scalars(select(CasePause).where(CasePause.case_id == case_id).order_by(CasePause.id.desc()))
    return tuple(PauseView(one.reason, one.since_at, one.until_at, one.papers) for one in rows)


def _documents(session: Session, case_id: int, people: dict[int, str]) -> tuple[DocumentView, ...]:
    rows = session.scalars(
        select(CaseDocument).where(CaseDocument.case_id == case_id).order_by(CaseDocument.added_at, CaseDocument.id)
    )
    return tuple(
        DocumentView(
            one.id, one.name, one.media_type, one.size, one.sha256, one.added_at, people.get(one.added_by or 0, ""),
            one.scan,
        )
        for one in rows
    )  # fmt: skip
