"""Reading closures: what is asked, what is agreed, what is published, and what was closed without anybody's consent."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, aliased

from crm.access.models import User
from crm.core import clock
from crm.enti import downtime
from crm.enti.consent import IN_FORCE, ClosureStanding, agreed_from
from crm.enti.downtime import Spell, periods
from crm.enti.models import Closure
from crm.enti.queries import coverage, enti_of, timetable


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

    @property
    def agreed_from(self) -> datetime | None:
        """From when the ente agreed to it; none when it did not."""
        return agreed_from(self.standing, self.starts_at, self.decided_at)


@dataclass(frozen=True, slots=True)
class Published:
    """A closure as citizens read it."""

    id: int
    ente_id: int
    starts_at: datetime
    ends_at: datetime | None
    message: str


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
    """What these enti have to decide, the soonest first."""
    return _views(
        session, Closure.ente_id.in_(ente_ids), Closure.standing == ClosureStanding.PROPOSED,
        Closure.ends_at > clock.now(session),
    )  # fmt: skip


def planned(session: Session, contract_ids: Iterable[int], ente_ids: Iterable[int]) -> list[ClosureView]:
    """What is asked or agreed and not over, whatever came of it, under these contracts or for these enti."""
    mine = or_(Closure.contract_id.in_(contract_ids), Closure.ente_id.in_(ente_ids))
    return _views(session, mine, Closure.proposal.is_not(None), Closure.ends_at > clock.now(session))


def closed(session: Session, contract_id: int, *, since: datetime, until: datetime) -> list[ClosureView]:
    """What closed lines of a contract between two instants. Whatever `agreed_from` leaves out was not agreed to."""
    return _views(
        session, Closure.contract_id == contract_id, Closure.standing.in_(IN_FORCE), Closure.starts_at < until,
        or_(Closure.ends_at.is_(None), Closure.ends_at > since),
    )  # fmt: skip


def lost(session: Session, ente_ids: Collection[int]) -> list[Lost]:
    """What was closed of these enti's hours without their consent, under each contract that covers them.

    Hours are those of today's timetable: earlier ones are not kept.
    """
    at = clock.now(session)
    asked = periods(at)
    since = min(one.starts_at for one in asked)
    found = []
    for contract_id, covered in sorted(coverage(session).items()):
        mine = sorted(covered & set(ente_ids))
        rows = closed(session, contract_id, since=since, until=at) if mine else []
        for ente_id in mine:
            its = [row for row in rows if row.ente_id in (None, ente_id)]
            stopped = [row for row in its if row.standing is ClosureStanding.EMERGENCY]
            spells, agreed = stops(its, at)
            hours = timetable(session, contract_id, ente_id)
            month, before, year = (downtime.lost(hours, spells, agreed, period=one) for one in asked)
            if month or before or year:
                found.append(Lost(contract_id, ente_id, month, before, year, tuple(stopped)))
    return found


def stops(closures: Iterable[ClosureView], until: datetime) -> tuple[list[Spell], list[Spell]]:
    """When these stopped the lines against everybody's will, and when the ente agreed to it."""
    rows = list(closures)
    stopped = [Spell(row.starts_at, row.ends_at or until) for row in rows if row.standing is ClosureStanding.EMERGENCY]
    return stopped, [Spell(row.agreed_from, row.ends_at or until) for row in rows if row.agreed_from]


def published(session: Session) -> list[Published]:
    """What is in force now or will be, ente by ente; a closure of a whole contract is one of each of its enti."""
    rows = session.scalars(
        select(Closure)
        .where(
            Closure.standing.in_(IN_FORCE),
            or_(Closure.ends_at.is_(None), Closure.ends_at > clock.now(session)),
        )
        .order_by(Closure.starts_at, Closure.id)
    )
    return [
        Published(row.id, ente_id, row.starts_at, row.ends_at, row.message)
        for row in rows
        for ente_id in ([row.ente_id] if row.ente_id else sorted(enti_of(session, row.contract_id)))
    ]


def _views(session: Session, *where: ColumnElement[bool]) -> list[ClosureView]:
    declarer, decider = aliased(User), aliased(User)
    rows = session.execute(
        select(Closure, declarer.name, decider.name)
        .join(declarer, declarer.id == Closure.declared_by)
        .outerjoin(decider, decider.id == Closure.decided_by)
        .where(*where)
        .order_by(Closure.starts_at, Closure.ente_id)
    )
    return [
        ClosureView(
            id=one.id, proposal=one.proposal, contract_id=one.contract_id, ente_id=one.ente_id,
            starts_at=one.starts_at, ends_at=one.ends_at, reason=one.reason, message=one.message,
            standing=one.standing, declared_by=declared_by, declared_at=one.declared_at, decided_by=decided_by,
            decided_at=one.decided_at, decision_reason=one.decision_reason,
        )
        for one, declared_by, decided_by in rows
    ]  # fmt: skip
