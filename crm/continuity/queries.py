"""Reading what stopped the service, what is said of it, and the last backups."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from crm.access.models import User
from crm.continuity.models import (
    ContinuityRun,
    Interruption,
    InterruptionRemark,
    Part,
    RemarkState,
    RunKind,
    RunState,
    ServiceFollower,
    ServiceNotice,
    ServiceSpell,
)
from crm.continuity.spells import PATIENCE, Outage
from crm.core import clock
from crm.enti.queries import enti_of

BACKUP_EACH = timedelta(hours=26)  # older, the last good backup is too old: one a day, and some time to make it
RUN_SILENT = timedelta(minutes=5)  # past it, whoever carried a run out is gone


@dataclass(frozen=True, slots=True)
class Remark:
    """What was asked of an ente about an interruption, and its answer."""

    id: int
    contract_id: int
    ente_id: int
    interruption_id: int
    words: str
    state: RemarkState
    said_by: str
    said_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decision: str


@dataclass(frozen=True, slots=True)
class Said:
    """What is published now."""

    words: str
    until: datetime | None
    published_at: datetime


def outages(session: Session, *, since: datetime, until: datetime | None = None) -> list[Outage]:
    """What stopped the service at some time between two instants, the latest first."""
    rows = session.scalars(
        select(Interruption)
        .where(_between(since, until or clock.now(session)))
        .order_by(Interruption.began_at.desc(), Interruption.id.desc())
    )
    return [Outage(one.id, one.cause, one.began_at, one.ended_at, one.told_at, one.apologies) for one in rows]


def measured_since(session: Session) -> datetime | None:
    """Since when the system has been measuring itself; none when it has not begun."""
    found: datetime | None = session.scalar(
        select(func.min(ServiceSpell.began_at)).where(ServiceSpell.part == Part.PAGES)
    )
    return found


def is_there(session: Session) -> bool:
    """Whether pages have given a sign of late."""
    last = session.scalar(select(func.max(ServiceSpell.last_at)).where(ServiceSpell.part == Part.PAGES))
    return last is not None and clock.now(session) - last <= PATIENCE


def not_counted(session: Session, contract_id: int, ente_id: int | None) -> frozenset[int]:
    """The interruptions that the ente agreed not to count; for the whole contract, those that all its enti did."""
    rows = session.execute(
        select(InterruptionRemark.interruption_id, InterruptionRemark.ente_id).where(
            InterruptionRemark.contract_id == contract_id, InterruptionRemark.state == RemarkState.APPROVED
        )
    )
    agreed: dict[int, set[int]] = {}
    for interruption_id, by in rows:
        agreed.setdefault(interruption_id, set()).add(by)
    needed = enti_of(session, contract_id) if ente_id is None else {ente_id}
    return frozenset(one for one, by in agreed.items() if needed <= by)


def learnt_since(session: Session, at: datetime, *, since: datetime, until: datetime) -> bool:
    """Whether an interruption of a period, or its end, was learnt of after an instant."""
    return session.execute(
        select(
            exists().where(
                _between(since, until), or_(Interruption.found_at > at, Interruption.ended_at > at)
            )
        )
    ).scalar_one()  # fmt: skip


def decided_since(
    session: Session, at: datetime, contract_id: int, ente_id: int | None, *, since: datetime, until: datetime
) -> bool:
    """Whether an ente decided after an instant if an interruption of a period counts."""
    asked = InterruptionRemark
    whose = () if ente_id is None else (asked.ente_id == ente_id,)
    return session.execute(
        select(
            exists().where(
                asked.contract_id == contract_id, asked.decided_at > at, asked.interruption_id == Interruption.id,
                _between(since, until), *whose,
            )
        )
    ).scalar_one()  # fmt: skip


def _between(since: datetime, until: datetime) -> ColumnElement[bool]:
    return or_(Interruption.ended_at.is_(None), Interruption.ended_at > since) & (Interruption.began_at < until)


def remarks(session: Session, interruption_ids: Iterable[int]) -> dict[int, list[Remark]]:
    """What was said of these, of the enti of the scope, in the order in which it was."""
    said, decided = aliased(User), aliased(User)
    row = InterruptionRemark
    rows = session.execute(
        select(row, said.name, decided.name)
        .join(said, said.id == row.said_by)
        .outerjoin(decided, decided.id == row.decided_by)
        .where(row.interruption_id.in_(list(interruption_ids)))
        .order_by(row.id)
    )
    found: dict[int, list[Remark]] = {}
    for one, said_by, decided_by in rows:
        found.setdefault(one.interruption_id, []).append(
            Remark(
                one.id, one.contract_id, one.ente_id, one.interruption_id, one.words, one.state, said_by, one.said_at,
                decided_by, one.decided_at, one.decision,
            )
        )  # fmt: skip
    return found


def asked(session: Session, ente_ids: Iterable[int]) -> dict[int, int]:
    """How many requests not to count an interruption wait for each of these enti; those without any left out."""
    row = InterruptionRemark
    rows = session.execute(
        select(row.ente_id, func.count())
        .where(row.ente_id.in_(list(ente_ids)), row.state == RemarkState.ASKED)
        .group_by(row.ente_id)
    )
    return dict(rows.all())


def said(session: Session) -> Said | None:
    """What is published of the service now; none when nothing is, or the last word was that it is over."""
    row = session.scalar(select(ServiceNotice).order_by(ServiceNotice.id.desc()).limit(1))
    return None if row is None or row.over else Said(row.words, row.until, row.published_at)


def followers(session: Session) -> int:
    """How many users asked to be told by e-mail."""
    return session.execute(select(func.count()).select_from(ServiceFollower)).scalar_one()


def runs(session: Session, kind: RunKind, *, most: int = 20) -> list[ContinuityRun]:
    """The last backups or drills, the latest first."""
    found = select(ContinuityRun).where(ContinuityRun.kind == kind)
    return list(session.scalars(found.order_by(ContinuityRun.began_at.desc()).limit(most)))


def last_good(session: Session, kind: RunKind, *, before: datetime | None = None) -> ContinuityRun | None:
    """The last one that was carried out to its end."""
    found = select(ContinuityRun).where(ContinuityRun.kind == kind, ContinuityRun.state == RunState.DONE)
    if before is not None:
        found = found.where(ContinuityRun.ended_at <= before)
    return session.scalar(found.order_by(ContinuityRun.ended_at.desc()).limit(1))


def backup_too_old(session: Session) -> bool:
    """Whether there is no good backup of the last day; where backups were never begun, nobody misses one."""
    if session.scalar(select(func.count()).select_from(ContinuityRun)) == 0:
        return False
    last = last_good(session, RunKind.BACKUP)
    return last is None or last.ended_at is None or clock.now(session) - last.ended_at > BACKUP_EACH
