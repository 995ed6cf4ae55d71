"""Reading broadcasts: what stands on an agent's console, and what became of each."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.core import clock
from crm.monitoring.lock import Lock
from telephony.agents.queries import FEWEST
from telephony.broadcasts.models import Broadcast, BroadcastReader
from telephony.queues.figures import figures_locked

MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Unread:
    """A broadcast that an agent has not said that he has read; `is_new`: it has not stood on his screen yet."""

    id: int
    words: str
    by: str
    at: datetime
    is_new: bool


@dataclass(frozen=True, slots=True)
class Receipts:
    """Who has read a broadcast, has only seen it, or neither: so many, and by name where that is open."""

    count: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """A broadcast as its supervisors see it. `locks`: why nobody is named; with fewer than three, nor are they counted.

    What a single agent has read, and when, is a figure of his (L. 300/1970, art. 4).
    """

    id: int
    contract_id: int
    queue_id: int | None
    words: str
    by: str
    at: datetime
    is_over: bool
    withdrawn: bool
    agents: int
    read: Receipts | None
    seen: Receipts | None
    unseen: Receipts | None
    locks: frozenset[Lock]


def unread(session: Session, agent_id: int) -> list[Unread]:
    """What an agent is still to read, the oldest first."""
    rows = session.execute(
        select(Broadcast.id, Broadcast.words, Broadcast.by_id, Broadcast.at, BroadcastReader.seen_at)
        .join(BroadcastReader, BroadcastReader.broadcast_id == Broadcast.id)
        .where(
            BroadcastReader.agent_id == agent_id, BroadcastReader.read_at.is_(None), Broadcast.withdrawn_at.is_(None),
            Broadcast.until > clock.now(session),
        )
        .order_by(Broadcast.id)
    ).all()  # fmt: skip
    names = access.named(session, {row.by_id for row in rows})
    return [Unread(row.id, row.words, names.get(row.by_id, ""), row.at, row.seen_at is None) for row in rows]


def sent(session: Session, contract_ids: Collection[int]) -> list[Sent]:
    """The latest broadcasts of these contracts, the newest first."""
    rows = session.scalars(
        select(Broadcast)
        .where(Broadcast.contract_id.in_(contract_ids))
        .order_by(Broadcast.id.desc())
        .limit(MOST_SHOWN)
        .execution_options(populate_existing=True)
    ).all()
    readers: dict[int, list[BroadcastReader]] = {}
    for one in session.scalars(
        select(BroadcastReader)
        .where(BroadcastReader.broadcast_id.in_([row.id for row in rows]))
        .execution_options(populate_existing=True)
    ):
        readers.setdefault(one.broadcast_id, []).append(one)
    everybody = {one.agent_id for those in readers.values() for one in those}
    names = access.named(session, {row.by_id for row in rows} | everybody)
    locked = figures_locked(session, everybody)
    at = clock.now(session)
    found = []
    for row in rows:
        mine = readers.get(row.id, [])
        locks = frozenset(filter(None, (locked[one.agent_id] for one in mine)))
        counted = not locks or len(mine) >= FEWEST

        def told(those: list[BroadcastReader], *, named: bool = not locks, counted: bool = counted) -> Receipts | None:
            by_name = sorted(names.get(one.agent_id, "") for one in those) if named else ()
            return Receipts(len(those), tuple(by_name)) if counted else None

        found.append(
            Sent(
                row.id, row.contract_id, row.queue_id, row.words, names.get(row.by_id, ""), row.at,
                row.until <= at or row.withdrawn_at is not None, row.withdrawn_at is not None, len(mine),
                told([one for one in mine if one.read_at]),
                told([one for one in mine if one.seen_at and not one.read_at]),
                told([one for one in mine if not one.seen_at]), locks,
            )
        )  # fmt: skip
    return found
