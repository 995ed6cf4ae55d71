"""Watching over reading: what is unusual is raised to the supervisor, and stays until somebody explains it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Date, cast, distinct, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from crm.access.models import RoleGrant, User
from crm.access.permissions import Permission, Principal
from crm.access.service import scope_for
from crm.audit import service
from crm.audit.models import AuditEntry, ReadingAlert, ReadingRule
from crm.audit.searches import SEARCHED
from crm.audit.unusual import Limits, Opening, Remark, Searched, by_ente, remarks, searched
from crm.core import clock, topics
from crm.core.clock import business_day, start_of_day
from crm.core.db import Database, Scope, table_of, touch
from crm.core.errors import ForbiddenError, InvalidError, NotFoundError
from crm.enti import queries as enti

# A person is one, whatever of him was read.
OPENED = ("file.opened", "file.gate_shown", "contact.opened")
LOOK_BACK = timedelta(days=28)
MAX_EXPLANATION = 400
_ENTRY = table_of(AuditEntry)


@dataclass(frozen=True, slots=True)
class Alert:
    """Unusual reading, as a supervisor sees it."""

    id: int
    ente_id: int
    user_id: int
    user: str
    day: date
    rule: ReadingRule
    count: int
    usual: int
    raised_at: datetime
    seen_by: str | None
    seen_at: datetime | None
    explanation: str

    @property
    def of_searches(self) -> bool:
        """Whether searches were counted; else files opened without a call."""
        return self.rule is ReadingRule.SEARCHES


def look(database: Database, limits: Limits | None = None) -> int:
    """Look at today's reading of everybody, in all enti; how many alerts were raised or rose."""
    with database.begin(Scope.nothing()) as session:
        everybody = Scope.of_enti(enti.badges(session))
    return database.transact(everybody, partial(_look, limits=limits or Limits()))


def alerts(session: Session, by: Principal, *, only_open: bool = False, limit: int = 50) -> list[Alert]:
    """The alerts of the enti whose log `by` may read, open ones first, then the newest."""
    by.require(Permission.ACCESS_READ)
    scope = scope_for(session, by, Permission.ACCESS_READ)
    seer = aliased(User)
    statement = (
        select(
            ReadingAlert.id, ReadingAlert.ente_id, ReadingAlert.user_id, User.name, ReadingAlert.day,
            ReadingAlert.rule, ReadingAlert.count, ReadingAlert.usual, ReadingAlert.raised_at, seer.name,
            ReadingAlert.seen_at, ReadingAlert.explanation,
        )
        .join(User, User.id == ReadingAlert.user_id)
        .outerjoin(seer, seer.id == ReadingAlert.seen_by)
        .where(ReadingAlert.ente_id.in_(scope.enti or ()))
        .order_by(ReadingAlert.seen_at.desc().nulls_first(), ReadingAlert.raised_at.desc(), ReadingAlert.id.desc())
        .limit(limit)
    )  # fmt: skip
    if only_open:
        statement = statement.where(ReadingAlert.seen_at.is_(None))
    rows: Iterable[Any] = session.execute(statement)
    return [Alert(*row) for row in rows]


def explain(session: Session, by: Principal, *, alert_id: int, explanation: str) -> None:
    """A supervisor looked into it. Nobody explains his own reading."""
    by.require(Permission.ACCESS_READ)
    alert = session.get(ReadingAlert, alert_id, with_for_update=True, populate_existing=True)
    if alert is None or alert.ente_id not in (scope_for(session, by, Permission.ACCESS_READ).enti or ()):
        raise NotFoundError("Questa segnalazione non esiste.")
    if alert.user_id == by.user_id:
        raise ForbiddenError("La lettura insolita è la tua: la spiega qualcun altro.")
    explanation = " ".join(explanation.split())
    if not explanation:
        raise InvalidError("Scrivi che cosa hai accertato.", field="explanation")
    if len(explanation) > MAX_EXPLANATION:
        raise InvalidError("La spiegazione è troppo lunga: al massimo 400 caratteri.", field="explanation")
    before = alert.explanation
    alert.seen_by, alert.seen_at, alert.explanation = by.user_id, clock.now(session), explanation
    session.flush()
    service.note(
        session, by, kind="alert.explained", ente_id=alert.ente_id, subject=str(alert.id),
        before={"explanation": before} if before else None, after={"explanation": explanation, "user": alert.user_id},
    )  # fmt: skip
    touch(session, topics.reading_alerts(alert.ente_id))


def _look(session: Session, limits: Limits) -> int:
    at = clock.now(session)
    day = business_day(at)
    begins = start_of_day(day)
    return sum(
        _raise(
            session,
            {
                "ente_id": ente_id, "user_id": user_id, "day": day, "rule": found.rule, "count": found.count,
                "usual": found.usual, "raised_at": at, "explanation": "",
            },
        )
        for user_id, ente_id, found in (*_of_files(session, begins, limits), *_of_searches(session, begins, limits))
    )  # fmt: skip


def _of_files(session: Session, begins: datetime, limits: Limits) -> Iterator[tuple[int, int, Remark]]:
    """What is unusual about the files of whom: each remark for every ente of theirs."""
    openings = _openings(session, since=begins)
    if not openings:
        return
    earlier = _earlier_days(session, begins)
    peers = _peers(session)
    for user_id, theirs in openings.items():
        others = [count for peer in peers.get(user_id, ()) for count in earlier.get(peer, ())]
        for found in remarks(theirs, own=earlier.get(user_id, ()), colleagues=others, limits=limits):
            for ente_id in by_ente(theirs):
                yield user_id, ente_id, found


def _of_searches(session: Session, begins: datetime, limits: Limits) -> Iterator[tuple[int, int, Remark]]:
    """What is unusual about the searches of whom, by ente. A minute of them counts once it is over."""
    entry = _ENTRY.c
    rows = session.execute(
        select(entry.actor_id, entry.occurred_at, entry.ente_id, entry.detail["after"]["searches"].as_integer()).where(
            entry.kind == SEARCHED, entry.occurred_at >= begins
        )
    )
    theirs: dict[int, list[Searched]] = defaultdict(list)
    for actor_id, *minute in rows:
        theirs[actor_id].append(Searched(*minute))
    for user_id, minutes in theirs.items():
        for ente_id, found in searched(minutes, limits=limits).items():
            yield user_id, ente_id, found


def _raise(session: Session, values: dict[str, object]) -> int:
    """Write an alert, or bring its count up to date. One that was explained is open again when it has doubled."""
    add = insert(ReadingAlert).values(values)
    doubled = add.excluded.count >= 2 * ReadingAlert.count
    rise = add.on_conflict_do_update(
        index_elements=["ente_id", "user_id", "day", "rule"],
        set_={"count": add.excluded.count, "seen_by": None, "seen_at": None},
        where=(ReadingAlert.seen_at.is_(None) & (add.excluded.count > ReadingAlert.count)) | doubled,
    )
    changed = session.execute(rise.returning(ReadingAlert.ente_id)).scalar_one_or_none()
    if changed is not None:
        touch(session, topics.reading_alerts(changed))
    return changed is not None


def _openings(session: Session, *, since: datetime) -> dict[int, list[Opening]]:
    rows = session.execute(
        select(_ENTRY.c.actor_id, _ENTRY.c.occurred_at, _ENTRY.c.ente_id, _ENTRY.c.contact_id).where(
            *_without_a_call(), _ENTRY.c.occurred_at >= since
        )
    )
    found: dict[int, list[Opening]] = defaultdict(list)
    for actor_id, at, ente_id, contact_id in rows:
        found[actor_id].append(Opening(at, ente_id, contact_id))
    return found


def _earlier_days(session: Session, before: datetime) -> dict[int, list[int]]:
    """How many files each user opened without a call on each earlier day on which he did."""
    day = cast(func.timezone("Europe/Rome", _ENTRY.c.occurred_at), Date)
    rows = session.execute(
        select(_ENTRY.c.actor_id, func.count(distinct(_ENTRY.c.contact_id)))
        .where(*_without_a_call(), _ENTRY.c.occurred_at >= before - LOOK_BACK, _ENTRY.c.occurred_at < before)
        .group_by(_ENTRY.c.actor_id, day)
    )
    found: dict[int, list[int]] = defaultdict(list)
    for actor_id, count in rows:
        found[actor_id].append(count)
    return found


def _peers(session: Session) -> dict[int, set[int]]:
    """Whoever holds a role that a user holds, too."""
    at = clock.now(session)
    rows = session.execute(
        select(RoleGrant.role, RoleGrant.user_id).where(
            RoleGrant.valid_from <= at, RoleGrant.valid_to.is_(None) | (RoleGrant.valid_to > at)
        )
    ).all()
    holders: dict[str, set[int]] = defaultdict(set)
    for role, user_id in rows:
        holders[role].add(user_id)
    return {user_id: set().union(*(h for h in holders.values() if user_id in h)) - {user_id} for _, user_id in rows}


def _without_a_call() -> tuple[ColumnElement[bool], ...]:
    entry = _ENTRY.c
    return (
        entry.kind.in_(OPENED),
        entry.call_id.is_(None),
        entry.actor_id.is_not(None),
        entry.contact_id.is_not(None),
    )
