"""Reading closures: what is asked, what is agreed, what is published, and what was closed without anybody's consent."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, aliased

from crm.access.models import User
from crm.core import clock
from crm.enti import downtime
from crm.enti.consent import IN_FORCE, ClosureStanding, agreed_from
from crm.enti.downtime import Spell, periods
from crm.enti.models import Closure
from crm.enti.queries import coverage, enti_of, timetable

OF_LATE = timedelta(days=30)  # for so long an ente is reminded to say whether a number's closure counts
KEPT_IN_SIGHT = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class ClosureView:
    """A closure of one ente's lines, or (no ente) of all lines of a contract."""

    id: int
    proposal: UUID | None
    contract_id: int
    ente_id: int | None
    starts_at: datetime
    ends_at: datetime | None
    reason: str
    message: str
    standing: ClosureStanding
    declared_by: str
    declared_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decision_reason: str
    number: str | None = None  # this one alone, in E.164
    reopened_by: str | None = None

    @property
    def agreed_from(self) -> datetime | None:
        """From when the ente agreed to it; none when it did not. To a number's it agrees as a whole."""
        agreed = agreed_from(self.standing, self.starts_at, self.decided_at)
        return agreed if agreed is None or self.number is None else self.starts_at

    @property
    def stopped(self) -> bool:
        """Whether it stopped lines without anybody's consent."""
        if self.number is not None:
            return self.standing is not ClosureStanding.APPROVED
        return self.standing is ClosureStanding.EMERGENCY


@dataclass(frozen=True, slots=True)
class Published:
    """A closure as citizens read it."""

    id: int
    ente_id: int
    starts_at: datetime
    ends_at: datetime | None
    message: str
    number: str | None = None  # this one alone


@dataclass(frozen=True, slots=True)
class Lost:
    """How long an ente's lines were closed, in their hours, without its consent; and by which closures."""

    contract_id: int
    ente_id: int
    this_month: timedelta
    last_month: timedelta
    this_year: timedelta
    closures: tuple[ClosureView, ...]


def to_approve(session: Session, ente_ids: Iterable[int]) -> list[ClosureView]:
    """What these enti have to decide, the soonest first; of numbers that were closed, what was of late."""
    now = clock.now(session)
    asked = and_(Closure.standing == ClosureStanding.PROPOSED, Closure.ends_at > now)
    unjudged = and_(
        Closure.number.is_not(None), Closure.standing == ClosureStanding.EMERGENCY,
        or_(Closure.ends_at.is_(None), Closure.ends_at > now - OF_LATE),
    )  # fmt: skip
    return _views(session, Closure.ente_id.in_(ente_ids), or_(asked, unjudged))


def planned(session: Session, contract_ids: Iterable[int], ente_ids: Iterable[int]) -> list[ClosureView]:
    """What is asked or agreed and not over, whatever came of it, under these contracts or for these enti."""
    mine = or_(Closure.contract_id.in_(contract_ids), Closure.ente_id.in_(ente_ids))
    planned = Closure.proposal.is_not(None), Closure.number.is_(None), Closure.ends_at > clock.now(session)
    return _views(session, mine, *planned)


def of_numbers(session: Session, contract_ids: Iterable[int], ente_ids: Iterable[int]) -> list[ClosureView]:
    """The numbers that were closed by themselves under these contracts or for these enti, the latest first."""
    mine = or_(Closure.contract_id.in_(contract_ids), Closure.ente_id.in_(ente_ids))
    since = clock.now(session) - KEPT_IN_SIGHT
    found = _views(session, mine, Closure.number.is_not(None), or_(Closure.ends_at.is_(None), Closure.ends_at > since))
    return sorted(found, key=lambda one: (one.starts_at, one.id), reverse=True)


def numbers_shut(session: Session, contract_id: int, since: datetime, until: datetime) -> dict[str, list[Spell]]:
    """When single numbers of a contract were closed in a period."""
    rows = session.execute(
        select(Closure.number, Closure.starts_at, Closure.ends_at)
        .distinct()
        .where(
            Closure.contract_id == contract_id, Closure.number.is_not(None), Closure.starts_at < until,
            or_(Closure.ends_at.is_(None), Closure.ends_at > since),
        )
    )  # fmt: skip
    found: dict[str, list[Spell]] = {}
    for number, starts_at, ends_at in rows:
        found.setdefault(number or "", []).append(Spell(max(starts_at, since), min(ends_at or until, until)))
    return found


def closed(session: Session, contract_id: int, *, since: datetime, until: datetime) -> list[ClosureView]:
    """What closed lines of a contract between two instants. Whatever `agreed_from` leaves out was not agreed to."""
    return _views(
        session, Closure.contract_id == contract_id,
        or_(Closure.standing.in_(IN_FORCE), Closure.number.is_not(None)), Closure.starts_at < until,
        or_(Closure.ends_at.is_(None), Closure.ends_at > since),
    )  # fmt: skip


def concerning(closures: Iterable[ClosureView], ente_id: int | None, covered: frozenset[int]) -> list[ClosureView]:
    """Those that concern one ente; or a contract as a whole, which covers these enti: what closed all its lines, and
    the numbers that serve every one of them. To such a number's closure it agrees once all of them did. Pure.
    """
    rows = list(closures)
    if ente_id is not None:
        return [row for row in rows if row.ente_id in {None, ente_id}]
    whole = [row for row in rows if row.ente_id is None]
    by_deed: dict[UUID | None, list[ClosureView]] = {}
    for row in rows:
        if row.number is not None:
            by_deed.setdefault(row.proposal, []).append(row)
    common = (its for its in by_deed.values() if covered <= {row.ente_id for row in its})
    return whole + [next((row for row in its if row.stopped), its[0]) for its in common]


def lost(session: Session, ente_ids: Collection[int]) -> list[Lost]:
    """What was closed of these enti's hours without their consent, under each contract that covers them."""
    at = clock.now(session)
    asked = periods(at)
    since = min(one.starts_at for one in asked)
    found = []
    for contract_id, covered in sorted(coverage(session).items()):
        mine = sorted(covered & set(ente_ids))
        rows = closed(session, contract_id, since=since, until=at) if mine else []
        for ente_id in mine:
            its = concerning(rows, ente_id, covered)
            stopped = [row for row in its if row.stopped]
            spells, agreed = stops(its, at)
            hours = timetable(session, contract_id, ente_id)
            month, before, year = (downtime.lost(hours, spells, agreed, period=one) for one in asked)
            if month or before or year:
                found.append(Lost(contract_id, ente_id, month, before, year, tuple(stopped)))
    return found


def stops(closures: Iterable[ClosureView], until: datetime) -> tuple[list[Spell], list[Spell]]:
    """When these stopped the lines against everybody's will, and when the ente agreed to it.

    A number that is closed without consent stops the service of the enti it serves: closures of lines count unless they
    were approved (Intercent-ER 2.3), and whoever calls it cannot know of others. Approved, it takes nothing from the
    hours that were promised, as the others answer.
    """
    rows = list(closures)
    lines = (row for row in rows if row.number is None)
    agreed = [Spell(row.agreed_from, row.ends_at or until) for row in lines if row.agreed_from is not None]
    return [Spell(row.starts_at, row.ends_at or until) for row in rows if row.stopped], agreed


def published(session: Session) -> list[Published]:
    """What is in force now or will be, ente by ente that is served; a closure of a whole contract is one of each."""
    rows = session.scalars(
        select(Closure)
        .where(
            or_(Closure.standing.in_(IN_FORCE), Closure.number.is_not(None)),
            or_(Closure.ends_at.is_(None), Closure.ends_at > clock.now(session)),
        )
        .order_by(Closure.starts_at, Closure.id)
    )
    return [
        Published(row.id, ente_id, row.starts_at, row.ends_at, row.message, row.number)
        for row in rows
        for ente_id in sorted(enti_of(session, row.contract_id))
        if row.ente_id in {None, ente_id}
    ]


def _views(session: Session, *where: ColumnElement[bool]) -> list[ClosureView]:
    declarer, decider, reopener = aliased(User), aliased(User), aliased(User)
    rows = session.execute(
        select(Closure, declarer.name, decider.name, reopener.name)
        .join(declarer, declarer.id == Closure.declared_by)
        .outerjoin(decider, decider.id == Closure.decided_by)
        .outerjoin(reopener, reopener.id == Closure.reopened_by)
        .where(*where)
        .order_by(Closure.starts_at, Closure.ente_id)
    )
    return [
        ClosureView(
            id=one.id, proposal=one.proposal, contract_id=one.contract_id, ente_id=one.ente_id,
            starts_at=one.starts_at, ends_at=one.ends_at, reason=one.reason, message=one.message,
            standing=one.standing, declared_by=declared_by, declared_at=one.declared_at, decided_by=decided_by,
            decided_at=one.decided_at, decision_reason=one.decision_reason, number=one.number,
            reopened_by=reopened_by,
        )
        for one, declared_by, decided_by, reopened_by in rows
    ]  # fmt: skip
