"""Reports of closed practices: made with the closing, sealed, never changed; corrected by a further edition."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.clock import business_day, start_of_day
from crm.core.db import touch
from crm.core.errors import FieldError, NotFoundError
from outbound.field.closing import reading, register
from outbound.field.closing.models import PracticeReport
from outbound.field.closing.report import Report, restored, seal, stored
from outbound.field.practices.lifecycle import Closed
from outbound.field.practices.models import Practice
from outbound.field.visits import pictures

MOST_REASON = 600
LISTED = 200


@dataclass(frozen=True, slots=True)
class Made:
    """An edition of a report. `erased`: its taxpayer was, and nothing is left but its seal."""

    id: int
    ente_id: int
    practice_id: int
    practice: int
    contact_id: int
    edition: int
    made_at: datetime
    made_by: str | None
    reason: str
    seal: str
    closed: Closed | None
    closed_at: datetime | None
    erased: bool


def make(session: Session, *, practice_id: int, at: datetime) -> int:
    """A practice was closed at an instant: its report, once, and the register's entry; the report's id."""
    there = session.scalar(
        select(PracticeReport.id).where(PracticeReport.practice_id == practice_id, PracticeReport.edition == 1)
    )
    if there is not None:
        return there
    session.flush()
    practice = session.get_one(Practice, practice_id)
    register.practice_closed(session, practice_id=practice_id)
    return _make(session, practice, reading.read(session, practice, at=at), edition=1, by=None, reason="")


def correct(session: Session, by: Principal, *, report_id: int, reason: str) -> int:
    """A further edition with what is known by now, which says why; its id.

    Raises `FieldError` without a reason, `ConflictError` once the taxpayer was erased, `NotFoundError`.
    """
    found = session.get(PracticeReport, report_id)
    if found is None:
        raise NotFoundError("Questa relazione non c'è.")
    require_on(session, by, Permission.FIELD_MANAGE, ente_id=found.ente_id)
    reason = " ".join(reason.split())
    if not 0 < len(reason) <= MOST_REASON:
        raise FieldError(f"Scrivi che cosa è cambiato, in {MOST_REASON} caratteri al massimo.", "reason")
    practice = session.get_one(Practice, found.practice_id, with_for_update=True, populate_existing=True)
    last = session.scalars(
        select(func.max(PracticeReport.edition)).where(PracticeReport.practice_id == practice.id)
    ).one()
    made = _make(session, practice, reading.read(session, practice), edition=last + 1, by=by, reason=reason)
    audit.note(
        session, by, kind="field.report_corrected", ente_id=found.ente_id, contact_id=practice.contact_id,
        reason=reason, after={"edition": last + 1},
    )  # fmt: skip
    return made


def listed(
    session: Session, ente_ids: Collection[int], *, since: date | None = None, until: date | None = None,
    limit: int | None = LISTED,
) -> list[Made]:  # fmt: skip
    """The last editions of these enti's reports, of practices closed in these days, the latest first."""
    newest = (
        select(PracticeReport.practice_id, func.max(PracticeReport.edition).label("edition"))
        .group_by(PracticeReport.practice_id).subquery()
    )  # fmt: skip
    statement = _select().join(
        newest,
        (newest.c.practice_id == PracticeReport.practice_id) & (newest.c.edition == PracticeReport.edition),
    )
    statement = statement.where(PracticeReport.ente_id.in_(ente_ids))
    if since is not None:
        statement = statement.where(Practice.closed_at >= start_of_day(since))
    if until is not None:
        statement = statement.where(Practice.closed_at < start_of_day(date.fromordinal(until.toordinal() + 1)))
    statement = statement.order_by(Practice.closed_at.desc(), PracticeReport.id.desc()).limit(limit)
    return [_made(row, practice, name) for row, practice, name in session.execute(statement)]


def last_closed(session: Session, ente_ids: Collection[int]) -> date | None:
    """The day on which the last practice with a report was closed."""
    at = session.scalar(
        select(func.max(Practice.closed_at)).join(PracticeReport, PracticeReport.practice_id == Practice.id)
        .where(PracticeReport.ente_id.in_(ente_ids))
    )  # fmt: skip
    return None if at is None else business_day(at)


def editions(session: Session, practice_id: int) -> list[Made]:
    """All of a practice, the latest first."""
    statement = _select().where(PracticeReport.practice_id == practice_id).order_by(PracticeReport.edition.desc())
    return [_made(row, practice, name) for row, practice, name in session.execute(statement)]


def one(session: Session, by: Principal, report_id: int) -> tuple[Made, Report | None]:
    """An edition and what it says, nothing once its taxpayer was erased. Whoever reads it is noted.

    Raises `NotFoundError`.
    """
    found = session.execute(_select().where(PracticeReport.id == report_id)).one_or_none()
    if found is None:
        raise NotFoundError("Questa relazione non c'è.")
    row, practice, name = found
    made = _made(row, practice, name)
    audit.note_once(
        session, by, kind="field.report_read", ente_id=made.ente_id, contact_id=made.contact_id
    )  # fmt: skip
    return made, None if made.erased else restored(row.kept)


def pictures_of(session: Session, found: Report) -> dict[UUID, bytes]:
    """The pictures that a report names, of those that are still there and as they were."""
    named = {one.id: one.sha256 for visit in found.visits for one in visit.pictures}
    kept = pictures.contents(session, named) if named else {}
    return {file_id: content for file_id, content in kept.items() if sha256(content).hexdigest() == named[file_id]}


def contents(session: Session, by: Principal, found: Collection[Made]) -> Iterator[tuple[Made, Report]]:
    """What each of them says, for a file; that it was taken is noted, ente by ente."""
    for ente_id in sorted({one.ente_id for one in found}):
        number = sum(one.ente_id == ente_id for one in found)
        audit.note(session, by, kind="field.reports_taken", ente_id=ente_id, after={"reports": number})
    rows = session.execute(
        select(PracticeReport.id, PracticeReport.kept).where(PracticeReport.id.in_([one.id for one in found]))
    )
    kept = {row.id: row.kept for row in rows}
    return ((made, restored(kept[made.id])) for made in found if not made.erased)


def sound(session: Session, report_id: int) -> bool:
    """Whether an edition says what it said when it was made."""
    row = session.get_one(PracticeReport, report_id, populate_existing=True)
    return not row.kept or seal(row.kept) == row.seal


def _make(
    session: Session, practice: Practice, found: Report, *, edition: int, by: Principal | None, reason: str
) -> int:  # fmt: skip
    kept = stored(found)
    row = PracticeReport(
        ente_id=practice.ente_id, practice_id=practice.id, edition=edition, made_at=clock.now(session),
        made_by=by.user_id if by else None, reason=reason, seal=seal(kept), kept=kept,
    )  # fmt: skip
    session.add(row)
    session.flush()
    touch(session, topics.ente(practice.ente_id))
    return row.id


def _select() -> Select[PracticeReport, Practice, str]:
    return (
        select(PracticeReport, Practice, User.name)
        .join(Practice, Practice.id == PracticeReport.practice_id)
        .outerjoin(User, User.id == PracticeReport.made_by)
    )


def _made(row: PracticeReport, practice: Practice, name: str | None) -> Made:
    return Made(
        row.id, row.ente_id, row.practice_id, practice.number, practice.contact_id, row.edition, row.made_at, name,
        row.reason, row.seal, practice.closed, practice.closed_at, not row.kept,
    )  # fmt: skip
