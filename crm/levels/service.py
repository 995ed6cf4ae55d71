"""Writing what a service did: its facts, and the changes they make to the counters."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from crm.core import clock, topics
from crm.core.db import table_of, touch
from crm.levels import queries
from crm.levels.metering import Account, Counts, EndedBy, FactKind, Measured, contribution
from crm.levels.models import Channel, ServiceDelta, ServiceFact
from crm.levels.terms import Terms, in_force

_FACTS, _DELTAS = table_of(ServiceFact), table_of(ServiceDelta)

_ADD_FACTS, _ADD_DELTAS = insert(_FACTS), insert(_DELTAS)


@dataclass(frozen=True, slots=True)
class SeenFact:
    """A service fact as an upper layer saw it: the wait so far, and by whom it happened."""

    kind: FactKind
    occurred_at: datetime
    waited_ms: int
    repaired: bool
    position: int | None = None  # in the queue: 1 is next
    agent_id: int | None = None
    ended_by: EndedBy | None = None


@dataclass(frozen=True, slots=True)
class ToldWait:
    """What a waiting caller was told: his position (1 is next), and how long he may wait from now on, in seconds."""

    waited_ms: int  # so far
    position: int
    from_s: int | None
    to_s: int | None


def record(
    session: Session, *, subject: UUID, facts: Iterable[SeenFact],
    before: tuple[Account, Measured] | None, after: tuple[Account, Measured],
) -> None:  # fmt: skip
    """Append a call's new facts, and the difference they make to the counters, in the caller's transaction."""
    account = after[0]
    if rows := fact_rows(subject, facts, account, recorded_at=clock.now(session)):
        session.execute(_ADD_FACTS, rows)
    if changed := changes(before, after, queries.terms(session, account.contract_id)):
        session.execute(_ADD_DELTAS, [asdict(where) | asdict(counts) for where, counts in changed])
    touch(session, topics.board(account.contract_id))


def fact_rows(
    subject: UUID, facts: Iterable[SeenFact], account: Account, *, recorded_at: datetime
) -> list[dict[str, Any]]:
    """A call's new facts, as they are written."""
    return [
        {
            "contract_id": account.contract_id, "ente_id": account.ente_id, "queue_id": account.queue_id,
            "channel": Channel.PHONE, "subject": subject, "kind": fact.kind, "waited_ms": fact.waited_ms,
            "occurred_at": fact.occurred_at, "recorded_at": recorded_at, "repaired": fact.repaired,
            "callers": account.callers, "position": fact.position, "agent_id": fact.agent_id,
            "ended_by": fact.ended_by,
        }
        for fact in facts
    ]  # fmt: skip


def changes(
    before: tuple[Account, Measured] | None, after: tuple[Account, Measured], versions: Iterable[Terms]
) -> list[tuple[Account, Counts]]:
    """What a call adds to the counters where it counts, and takes from them where it counted."""
    account, measured = after
    terms = in_force(versions, account.quarter)
    new = contribution(measured, terms)
    old_account, old = (account, Counts()) if before is None else (before[0], contribution(before[1], terms))
    if old_account == account:
        return [(account, new - old)] if new != old else []
    return [(where, counts) for where, counts in ((old_account, Counts() - old), (account, new)) if counts]


def announce(session: Session, *, subject: UUID, account: Account, told: ToldWait) -> None:
    """Append what a waiting caller was told."""
    session.execute(_ADD_FACTS, announced_row(subject, account, told, at=clock.now(session)))


def announced_row(subject: UUID, account: Account, told: ToldWait, *, at: datetime) -> dict[str, Any]:
    """That it was told, as it is written."""
    (row,) = fact_rows(
        subject, (SeenFact(FactKind.ANNOUNCED, at, told.waited_ms, repaired=False),), account, recorded_at=at
    )
    return row | {"position": told.position, "announced_from_s": told.from_s, "announced_s": told.to_s}
