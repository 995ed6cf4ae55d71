"""Leaving signs of being there, and writing down, once somebody can, when nobody was."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from crm.continuity import spells
from crm.continuity.models import Cause, Interruption, Part, ServiceSpell
from crm.continuity.spells import OURS, PATIENCE
from crm.core import clock, topics
from crm.core.db import table_of, touch
from crm.enti.downtime import Spell

log = structlog.get_logger(__name__)

LOOKED_BACK = timedelta(days=35)  # for holes that nobody has written down yet
_LOCK = func.hashtext("filodiretto:continuity")


def beat(session: Session, part: Part) -> bool:
    """The part is there now. False: it has just come back, after a silence or for the first time."""
    table, at = table_of(ServiceSpell), clock.now(session)
    newest = select(func.max(table.c.id)).where(table.c.part == part).scalar_subquery()
    grown = update(table).where(table.c.id == newest, table.c.last_at >= at - PATIENCE)
    reached = func.greatest(table.c.last_at, at)  # another process's sign may be newer than this transaction's clock
    if session.execute(grown.values(last_at=reached)).rowcount:  # type: ignore[attr-defined]
        return True
    session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    if session.execute(grown.values(last_at=reached)).rowcount:  # type: ignore[attr-defined]  # by now somebody did
        return True
    session.add(ServiceSpell(part=part, began_at=at, last_at=at))
    session.flush()
    return False


def review(
    session: Session, *, pages_since: datetime | None = None, carrier_failing_since: datetime | None = None,
    carrier_known: bool = False, apologies: int = 0,
) -> list[Interruption]:  # fmt: skip
    """Write down what stopped and what is over, by the signs there are; what is new of it.

    `pages_since`: since when the asking `web` process has been running. `carrier_known`: the asker knows whether the
    carrier answers. `apologies`: how many callers this process could only apologise to while it could not write.
    Asked twice, by several processes at once, it writes each thing once.
    """
    session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    at = clock.now(session)
    news = _pages(session, at, pages_since)
    if carrier_known:
        news += _carrier(session, at, carrier_failing_since)
    if apologies:
        _count_apologies(session, at, apologies)
    if news:
        touch(session, topics.continuity())
        for one in news:
            log.warning("interruption_over" if one.ended_at else "interruption_found", cause=one.cause.value)
    return news


def _pages(session: Session, at: datetime, pages_since: datetime | None) -> list[Interruption]:
    since = _seen_from(session, at)
    there = _spells(session, Part.PAGES, since)
    silent = spells.holes(there, until=at)
    last = max((one.ends_at for one in there), default=at)
    engine = _spells(session, Part.ENGINE, since)
    written = list(
        session.scalars(
            select(Interruption).where(Interruption.cause.in_(OURS), Interruption.began_at >= since)
        )
    )  # fmt: skip
    known = {one.began_at: one for one in written}
    news = []
    for hole in silent:
        lasts = hole.starts_at == last
        row = known.pop(hole.starts_at, None)
        if row is None:
            cause = spells.cause_of(hole, engine, pages_since=pages_since)
            if lasts and cause is not Cause.PAGES:
                continue  # the engine is back before the pages, which will know more
            row = Interruption(cause=cause, began_at=hole.starts_at, found_at=at, apologies=0)
            row.ended_at = None if lasts else hole.ends_at
            session.add(row)
            session.flush()
        elif row.ended_at is None and not lasts:
            row.ended_at = hole.ends_at
            session.flush()
        else:
            continue
        news.append(row)
    for row in known.values():
        if row.ended_at is None:  # a sign came after all, just before it was missed
            row.ended_at = at
            news.append(row)
    session.flush()
    return news


def _carrier(session: Session, at: datetime, failing_since: datetime | None) -> list[Interruption]:
    row = session.scalar(
        select(Interruption).where(Interruption.cause == Cause.CARRIER, Interruption.ended_at.is_(None))
    )
    if failing_since is None:
        if row is None:
            return []
        row.ended_at = at
        session.flush()
        return [row]
    if row is not None or at - failing_since <= PATIENCE:
        return []
    row = Interruption(cause=Cause.CARRIER, began_at=failing_since, found_at=at, apologies=0)
    session.add(row)
    session.flush()
    return [row]


def _count_apologies(session: Session, at: datetime, apologies: int) -> None:
    """They belong to the interruption that is just over; to none where nobody was away for long enough."""
    last = session.scalar(
        select(Interruption)
        .where(Interruption.cause.in_(OURS), Interruption.ended_at > at - 10 * PATIENCE)
        .order_by(Interruption.ended_at.desc())
        .limit(1)
    )
    if last is not None:
        last.apologies += apologies
        session.flush()


def _seen_from(session: Session, at: datetime) -> datetime:
    """From when on signs are looked at: of late, and however long nobody was there, from the last one before that."""
    late = at - LOOKED_BACK
    before: datetime | None = session.scalar(
        select(func.max(ServiceSpell.last_at)).where(ServiceSpell.part == Part.PAGES, ServiceSpell.last_at < late)
    )
    return before or late


def _spells(session: Session, part: Part, since: datetime) -> Sequence[Spell]:
    rows = session.execute(
        select(ServiceSpell.began_at, ServiceSpell.last_at).where(
            ServiceSpell.part == part, ServiceSpell.last_at >= since
        )
    )
    return [Spell(began_at, last_at) for began_at, last_at in rows]
