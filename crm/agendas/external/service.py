"""Naming an office's external calendars, and reading them: a chore of the engine, with no transaction open meanwhile.

What was read last holds for as long as a calendar cannot be read. Nothing booked is touched: what lies in a busy time
is shown as outside what is open (`preparing.outside`).
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.agendas import queries
from crm.agendas.external.fetching import Account, Servers, fetch
from crm.agendas.external.models import BusyTime, ExternalCalendar, Trouble
from crm.agendas.external.reading import UnreadableError
from crm.agendas.times import Stretch
from crm.audit import service as audit
from crm.core import clock, secrecy, topics
from crm.core.db import Database, Scope, table_of, touch
from crm.core.errors import FieldError, NotFoundError
from crm.enti import queries as enti

log = structlog.get_logger(__name__)
EVERY = timedelta(minutes=10)
LEASE = timedelta(minutes=5)  # for reading one: a process that died holds it no longer
AHEAD = timedelta(days=367)  # as far as anybody may book
AT_ONCE, TOGETHER = 40, 8
MOST = 20  # of an office
_PURPOSE = "external calendar"
_BUSY = table_of(BusyTime)


@dataclass(frozen=True, slots=True)
class Told:
    """A calendar as it is written."""

    name: str
    url: str
    username: str
    password: str
    desk_id: int | None = None


@dataclass(frozen=True, slots=True)
class CalendarView:
    """A calendar as the staff see it: `good_at` is when it was read, `failing_since` since when it cannot be."""

    id: int
    desk_id: int | None
    name: str
    url: str
    good_at: datetime | None
    failing_since: datetime | None
    trouble: Trouble | None
    stretches: int


@dataclass(frozen=True, slots=True)
class Due:
    """A calendar under lease."""

    id: int
    ente_id: int
    account: Account
    since: datetime


def add(
    session: Session, by: Principal, servers: Servers, *, ente_id: int, office_id: int, told: Told
) -> int:  # fmt: skip
    """One more calendar, read within moments; its id. Raises `FieldError`."""
    _require(session, by, ente_id, office_id)
    name = " ".join(told.name.split())
    if not 0 < len(name) <= 60 or not name.isprintable():
        raise FieldError("Scrivi come lo chiamate, in 60 caratteri al massimo.", "name")
    url = told.url.strip()
    if len(url) > 500 or not url.isascii() or not url.isprintable() or " " in url or not servers.takes(url):
        raise FieldError("Scrivi l'indirizzo del calendario, che comincia con https e non contiene la password.", "url")
    if len(told.username) > 120 or len(told.password) > 500 or ":" in told.username:
        raise FieldError("Ricontrolla utente e password.", "username")
    if told.desk_id is not None and all(one.id != told.desk_id for one in queries.desks(session, office_id)):
        raise NotFoundError("Questo sportello non esiste.")
    if len(of_office(session, office_id)) >= MOST:
        raise FieldError("Ci sono già 20 calendari: toglietene uno prima.", "name")
    now = clock.now(session)
    row = ExternalCalendar(
        ente_id=ente_id, office_id=office_id, desk_id=told.desk_id, name=name, url=url, username=told.username,
        password=b"", made_by=by.user_id, made_at=now, due_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    row.password = secrecy.of(session).seal(_PURPOSE, told.password.encode(), about=_about(row.id))
    session.flush()
    audit.note(
        session, by, kind="external_calendar.added", ente_id=ente_id, subject=f"external_calendar:{row.id}",
        after={"name": name, "office_id": office_id},
    )  # fmt: skip
    return row.id


def remove(session: Session, by: Principal, *, ente_id: int, calendar_id: int) -> None:
    """It blocks nothing any more. Twice is once."""
    row = _locked(session, by, ente_id, calendar_id)
    if row is None:
        return
    office_id, name = row.office_id, row.name
    session.execute(delete(_BUSY).where(_BUSY.c.calendar_id == row.id))
    session.delete(row)
    session.flush()
    audit.note(
        session, by, kind="external_calendar.removed", ente_id=ente_id, subject=f"external_calendar:{calendar_id}",
        after={"name": name, "office_id": office_id},
    )  # fmt: skip
    touch(session, topics.office(office_id))


def read_soon(session: Session, by: Principal, *, ente_id: int, calendar_id: int) -> None:
    """Read it at the engine's next turn."""
    row = _locked(session, by, ente_id, calendar_id)
    if row is None:
        raise NotFoundError("Questo calendario non c'è.")
    row.due_at = min(row.due_at, clock.now(session))
    session.flush()


def of_office(session: Session, office_id: int) -> list[CalendarView]:
    """The calendars of an office, with how many stretches ahead they block."""
    now = clock.now(session)
    counted = select(_BUSY.c.calendar_id).where(_BUSY.c.office_id == office_id, _BUSY.c.ends_at > now)
    ids = list(session.scalars(counted))
    rows = session.scalars(
        select(ExternalCalendar).where(ExternalCalendar.office_id == office_id)
        .order_by(ExternalCalendar.name, ExternalCalendar.id).execution_options(populate_existing=True)
    )  # fmt: skip
    return [
        CalendarView(
            row.id, row.desk_id, row.name, row.url, row.good_at, row.failing_since, row.trouble, ids.count(row.id)
        )
        for row in rows
    ]


def read_due(database: Database, servers: Servers) -> int:
    """Read the calendars that are due, of every ente, a few at a time; how many were."""
    with database.begin(Scope.nothing()) as session:
        served = enti.served(session)
    due = database.transact(Scope.of_enti(served), _take)
    with ThreadPoolExecutor(TOGETHER, thread_name_prefix="calendar") as threads:
        for one, found in zip(due, threads.map(partial(_read, servers), due), strict=True):
            database.transact(Scope.of_enti([one.ente_id]), partial(_write, one=one, found=found))
    return len(due)


def _take(session: Session) -> list[Due]:
    now = clock.now(session)
    rows = session.scalars(
        select(ExternalCalendar).where(ExternalCalendar.due_at <= now).order_by(ExternalCalendar.due_at).limit(AT_ONCE)
        .with_for_update(skip_locked=True).execution_options(populate_existing=True)
    ).all()  # fmt: skip
    midnight = clock.start_of_day(clock.business_day(now))
    found = []
    for row in rows:
        row.due_at = now + LEASE
        password = secrecy.of(session).open(_PURPOSE, row.password, about=_about(row.id)).decode()
        found.append(Due(row.id, row.ente_id, Account(row.url, row.username, password), midnight))
    session.flush()
    return found


def _read(servers: Servers, one: Due) -> list[Stretch] | Trouble:
    try:
        return fetch(one.account, servers, one.since, one.since + AHEAD)
    except UnreadableError as error:
        return error.trouble
    except Exception as error:  # noqa: BLE001  # one calendar's oddity keeps nobody else's from being read
        log.warning("calendar_failed", calendar=one.id, error=type(error).__name__)
        return Trouble.NO_CALENDAR


def _write(session: Session, one: Due, found: list[Stretch] | Trouble) -> None:
    row = session.get(ExternalCalendar, one.id, with_for_update=True, populate_existing=True)
    if row is None:
        return
    now = clock.now(session)
    row.due_at = now + EVERY
    if isinstance(found, Trouble):
        row.failing_since, row.trouble = row.failing_since or now, found
        session.flush()
        return
    row.good_at, row.failing_since, row.trouble = now, None, None
    if _put(session, row, found):
        touch(session, topics.office(row.office_id))
    session.flush()


def _put(session: Session, row: ExternalCalendar, found: Iterable[Stretch]) -> bool:
    """Whether it is busy at other times than before."""
    mine = (_BUSY.c.calendar_id == row.id,)
    wanted = [(one.start, one.end) for one in found]
    if (
        list(session.execute(select(_BUSY.c.starts_at, _BUSY.c.ends_at).where(*mine).order_by(_BUSY.c.starts_at)))
        == wanted
    ):
        return False
    session.execute(delete(_BUSY).where(*mine))
    of = {"calendar_id": row.id, "ente_id": row.ente_id, "office_id": row.office_id, "desk_id": row.desk_id}
    if wanted:
        session.execute(insert(_BUSY), [{**of, "starts_at": start, "ends_at": end} for start, end in wanted])
    return True


def _require(session: Session, by: Principal, ente_id: int, office_id: int) -> None:
    require_on(session, by, Permission.AGENDA_MANAGE, ente_id=ente_id)
    if queries.office(session, office_id).ente_id != ente_id:
        raise NotFoundError("Questo ufficio non esiste.")


def _locked(session: Session, by: Principal, ente_id: int, calendar_id: int) -> ExternalCalendar | None:
    require_on(session, by, Permission.AGENDA_MANAGE, ente_id=ente_id)
    row = session.get(ExternalCalendar, calendar_id, with_for_update=True, populate_existing=True)
    return row if row is not None and row.ente_id == ente_id else None


def _about(calendar_id: int) -> bytes:
    return str(calendar_id).encode()
