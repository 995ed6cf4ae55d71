"""Reading reports that were made."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Permission, Principal
from crm.core.errors import NotFoundError
from crm.core.jobs import Job, JobState
from crm.enti import queries as enti
from crm.levels.agreement import Period
from crm.reports.models import ReportWish, ServiceReport
from crm.reports.report import Report, restored

MAKE = "report.make"
MOST_LISTED = 200


@dataclass(frozen=True, slots=True)
class Made:
    """A version of a report, without its figures; without an ente, of the whole contract. `of`: how many there are."""

    id: int
    contract_id: int
    ente_id: int | None
    period: Period
    first: date
    last: date
    version: int
    of: int
    made_at: datetime
    made_by: str | None  # none: the system
    seal: str


@dataclass(frozen=True, slots=True)
class Making:
    """A report that is being made, or whose making failed. `is_due`: it is the first one, which is tried until it is
    there; another version that failed waits for somebody to ask again.
    """

    ente_id: int | None
    contract_id: int
    period: Period
    first: date
    failed: bool
    is_due: bool


def latest(session: Session, ente_ids: Collection[int], contract_ids: Collection[int] = ()) -> list[Made]:
    """The newest version of each report of these enti, and of these contracts as a whole; the latest period first."""
    whole = ServiceReport.ente_id.is_(None) & ServiceReport.contract_id.in_(contract_ids)
    rows = session.execute(_MADE.where(ServiceReport.ente_id.in_(ente_ids) | whole, ServiceReport.version == _OF))
    found = [Made(*row) for row in rows]
    found.sort(key=lambda one: (one.last, one.first, -(one.ente_id or 0)), reverse=True)
    return found[:MOST_LISTED]


def versions(session: Session, made: Made) -> list[Made]:
    """All versions of a report, the newest first."""
    same = _same(made.ente_id, made.contract_id, made.period, made.first)
    rows = session.execute(_MADE.where(*same).order_by(ServiceReport.version.desc()))
    return [Made(*row) for row in rows]


def get(session: Session, report_id: int) -> tuple[Made, Report]:
    """A version with its figures. Raises `NotFoundError`."""
    row = session.execute(_MADE.add_columns(ServiceReport.kept).where(ServiceReport.id == report_id)).one_or_none()
    if row is None:
        raise NotFoundError("Questa relazione non c'è.")
    return Made(*row[:-1]), restored(row.kept)


def whole_contracts(session: Session, by: Principal) -> frozenset[int]:
    """The contracts whose reports of all enti somebody may read: he holds them, and no ente of them keeps him away."""
    held = by.contracts_for(Permission.ENTE_WATCH)
    return frozenset(one for one in held if by.kept_from.isdisjoint(enti.enti_of(session, one)))


def read(session: Session, by: Principal, report_id: int) -> tuple[Made, Report]:
    """The same, for somebody whose enti the session sees. Raises `NotFoundError`."""
    made, report = get(session, report_id)
    if made.ente_id is None and made.contract_id not in whole_contracts(session, by):
        raise NotFoundError("Questa relazione non c'è.")
    return made, report


def exists(session: Session, *, contract_id: int, ente_id: int | None, period: Period, first: date) -> int:
    """How many versions there are of a report."""
    same = _same(ente_id, contract_id, period, first)
    return session.scalar(select(func.count()).select_from(ServiceReport).where(*same)) or 0


def being_made(session: Session, ente_ids: Collection[int], contract_ids: Collection[int] = ()) -> list[Making]:
    """The reports of these enti, and of these contracts as a whole, on their way, or failed and not there."""
    rows = session.execute(
        select(Job.ente_id, Job.argument, Job.state)
        .where(Job.kind == MAKE, Job.state != JobState.DONE)
        .order_by(Job.id)
    )
    found = {
        (ente_id, *argument.values()): Making(
            None if argument.get("whole") else ente_id, argument["contract"], Period(argument["period"]),
            date.fromisoformat(argument["first"]), state is JobState.FAILED, not argument["after"],
        )
        for ente_id, argument, state in rows
        if state is not JobState.FAILED or not _is_there(session, ente_id, argument)
    }  # fmt: skip
    return [
        one
        for one in found.values()
        if (one.contract_id in contract_ids if one.ente_id is None else one.ente_id in ente_ids)
    ]


def _is_there(session: Session, ente_id: int, argument: Mapping[str, Any]) -> bool:
    """Whether the version that a job was to make was made since."""
    whose, first = None if argument.get("whole") else ente_id, date.fromisoformat(argument["first"])
    made = exists(
        session, contract_id=argument["contract"], ente_id=whose, period=Period(argument["period"]), first=first
    )
    return made > int(argument["after"])


def wishes(session: Session, user_id: int) -> frozenset[int]:
    """The enti of whose reports a user wants to be told."""
    return frozenset(session.scalars(select(ReportWish.ente_id).where(ReportWish.user_id == user_id)))


def _same(ente_id: int | None, contract_id: int, period: Period, first: date) -> tuple[ColumnElement[bool], ...]:
    values = (ente_id, contract_id, period, first)
    return tuple(column.is_not_distinct_from(value) for column, value in zip(_KEY, values, strict=True))


_KEY = (ServiceReport.ente_id, ServiceReport.contract_id, ServiceReport.period, ServiceReport.first)
_OTHER = ServiceReport.__table__.alias("other")
_OF = (  # versions are numbered from 1 without a gap
    select(func.count())
    .select_from(_OTHER)
    .where(*(_OTHER.c[column.key].is_not_distinct_from(column) for column in _KEY))
    .correlate(ServiceReport)
    .scalar_subquery()
)
_MADE = select(
    ServiceReport.id, ServiceReport.contract_id, ServiceReport.ente_id, ServiceReport.period, ServiceReport.first,
    ServiceReport.last, ServiceReport.version, _OF, ServiceReport.made_at, User.name, ServiceReport.seal,
).outerjoin(User, User.id == ServiceReport.made_by)  # fmt: skip
