"""Making and revoking links to agendas, and reading one."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Permission, Principal
from crm.access.queries import able_on
from crm.access.service import require_on, scope_for
from crm.agendas import queries
from crm.agendas.feeds import calendar
from crm.agendas.feeds.calendar import Entry
from crm.agendas.feeds.models import CalendarFeed
from crm.agendas.models import AppointmentState
from crm.agendas.queries import AppointmentView, ServiceView
from crm.audit import service as audit
from crm.core import clock
from crm.core.errors import FieldError, NotFoundError
from crm.enti import queries as enti

MOST = 10  # of one person, with one ente
BEHIND, AHEAD = timedelta(days=7), timedelta(days=366)
NOTED_EVERY = timedelta(minutes=10)  # when a link was last used
_FORM = re.compile(r"(\d{1,18})-([A-Za-z0-9_-]{43})", re.ASCII)
_GONE = frozenset({AppointmentState.CANCELLED_BY_CITIZEN, AppointmentState.CANCELLED_BY_OFFICE})


@dataclass(frozen=True, slots=True)
class Feed:
    """A link in force. Without an office it is of the services that its owner serves."""

    id: int
    ente_id: int
    user_id: int
    owner: str
    office_id: int | None
    desk_id: int | None
    name: str
    made_at: datetime
    read_at: datetime | None


def make(
    session: Session, by: Principal, *, ente_id: int, office_id: int | None, desk_id: int | None, name: str
) -> str:  # fmt: skip
    """A link for `by` alone; its token, which is told this once. Raises `FieldError`, or `NotFoundError`."""
    require_on(session, by, Permission.APPOINTMENT_READ, ente_id=ente_id)
    name = " ".join(name.split())
    if not 0 < len(name) <= 60 or not name.isprintable():
        raise FieldError("Scrivi dove lo userai, in 60 caratteri al massimo.", "name")
    if office_id is not None and queries.office(session, office_id).ente_id != ente_id:
        raise NotFoundError("Questo ufficio non esiste.")
    if desk_id is not None and (
        office_id is None or all(one.id != desk_id for one in queries.desks(session, office_id))
    ):
        raise NotFoundError("Questo sportello non esiste.")
    if sum(one.user_id == by.user_id and one.ente_id == ente_id for one in in_force(session, by)) >= MOST:
        raise FieldError("Hai già 10 collegamenti: revocane uno prima.", "name")
    secret = secrets.token_urlsafe(32)
    row = CalendarFeed(
        ente_id=ente_id, user_id=by.user_id, office_id=office_id, desk_id=desk_id, name=name, digest=_digest(secret),
        made_at=clock.now(session),
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.note(
        session, by, kind="calendar_feed.made", ente_id=ente_id, subject=f"calendar_feed:{row.id}",
        after={"name": name, "office_id": office_id},
    )  # fmt: skip
    return f"{ente_id}-{secret}"


def revoke(session: Session, by: Principal, *, feed_id: int) -> None:
    """The link shows nothing any more: to its owner, or to whoever prepares the agendas of its ente. Twice is once."""
    row = session.get(CalendarFeed, feed_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Questo collegamento non c'è.")
    its = Permission.APPOINTMENT_READ if row.user_id == by.user_id else Permission.AGENDA_MANAGE
    require_on(session, by, its, ente_id=row.ente_id)
    if row.revoked_at is not None:
        return
    row.revoked_at, row.revoked_by = clock.now(session), by.user_id
    session.flush()
    audit.note(
        session, by, kind="calendar_feed.revoked", ente_id=row.ente_id, subject=f"calendar_feed:{row.id}",
        after={"name": row.name},
    )  # fmt: skip


def in_force(session: Session, by: Principal) -> list[Feed]:
    """The links of `by`, and those of others to the agendas that he prepares."""
    by.require(Permission.APPOINTMENT_READ)
    may = by.can(Permission.AGENDA_MANAGE)
    prepared = (scope_for(session, by, Permission.AGENDA_MANAGE).enti if may else None) or frozenset()
    rows = session.execute(
        select(CalendarFeed, User.name)
        .join(User, User.id == CalendarFeed.user_id)
        .where(
            or_(CalendarFeed.user_id == by.user_id, CalendarFeed.ente_id.in_(prepared)),
            CalendarFeed.revoked_at.is_(None),
        )
        .order_by(User.name, CalendarFeed.id)
    )  # fmt: skip
    return [_feed(row, owner) for row, owner in rows]


def ente_named(token: str) -> int | None:
    """The ente of which a token says it is, before anything is looked up; none for what is no token."""
    found = _FORM.fullmatch(token)
    return int(found[1]) if found else None


def opened(session: Session, token: str) -> Feed | None:
    """The link of a token, in the scope of the ente that it names; none for one that is unknown or revoked, or whose
    owner may not see these appointments now: nothing says which.
    """
    found = _FORM.fullmatch(token)
    if found is None or not enti.contracts_of(session, int(found[1])):
        return None
    ente_id = int(found[1])
    of = (CalendarFeed.ente_id == ente_id, CalendarFeed.digest == _digest(found[2]), CalendarFeed.revoked_at.is_(None))
    row = session.scalar(select(CalendarFeed).where(*of))
    if row is None:
        return None
    owner = able_on(session, Permission.APPOINTMENT_READ, ente_id=ente_id).get(row.user_id)
    if owner is None:
        return None
    now = clock.now(session)
    if row.read_at is None or row.read_at <= now - NOTED_EVERY:
        row.read_at = now
        session.flush()
    return _feed(row, owner)


def shown(session: Session, feed: Feed, *, at: str) -> bytes:
    """The calendar of a link: a week back, a year ahead. `at`: the address before an appointment's id."""
    today = clock.business_day(clock.now(session))
    services = {one.id: one for one in queries.services(session, feed.ente_id)}
    if feed.office_id is None:
        named = queries.clerks(session, feed.ente_id)
        his = {one for one, clerks in named.items() if feed.user_id in clerks}
        offices = sorted({office for one in his for office in services[one].offices})
    else:
        his, offices = set(services), [feed.office_id]
    entries = [
        _entry(one, services[one.service_id], queries.office(session, office_id).name)
        for office_id in offices
        for one in queries.of_office(session, office_id, today - BEHIND, today + AHEAD)
        if one.state not in _GONE and one.service_id in his and feed.desk_id in {None, one.desk_id}
    ]
    return calendar.written(title(session, feed), entries, at=at)


def serves(session: Session, by: Principal, ente_id: int) -> bool:
    """Whether any service of an ente names `by`: without one, a calendar of what he serves would be empty."""
    return any(by.user_id in clerks for clerks in queries.clerks(session, ente_id).values())


def title(session: Session, feed: Feed) -> str:
    """What a link shows, for its owner and his calendar."""
    if feed.office_id is None:
        return f"{enti.badges(session)[feed.ente_id].short_name}: {feed.owner}"
    office = queries.office(session, feed.office_id).name
    desk = next((one.name for one in queries.desks(session, feed.office_id) if one.id == feed.desk_id), None)
    return office if desk is None else f"{office}, {desk}"


def _entry(one: AppointmentView, service: ServiceView, office: str) -> Entry:
    return Entry(
        one.id, one.sequence, one.changed_at, one.starts_at, one.ends_at, service.called("it"), one.surname[:1].upper(),
        office, one.desk,
    )  # fmt: skip


def _feed(row: CalendarFeed, owner: str) -> Feed:
    return Feed(
        row.id, row.ente_id, row.user_id, owner, row.office_id, row.desk_id, row.name, row.made_at, row.read_at
    )  # fmt: skip


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
