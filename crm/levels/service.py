"""Writing what a service did: its facts, and the changes they make to the counters."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from crm.core import clock, topics
from crm.core.configuration import kept
from crm.core.db import table_of, touch
from crm.enti.models import ContractLevel
from crm.levels.metering import MEASURES, Account, Counts, Measured, contribution
from crm.levels.models import Channel, FactKind, ServiceCount, ServiceDelta, ServiceFact

WAITING_OVER = "share_of_received_calls_waiting_over"
LOST = "share_of_received_calls_lost"
DEFAULT_THRESHOLD_MS = 40_000

_FACTS, _DELTAS, _PROMISED = table_of(ServiceFact), table_of(ServiceDelta), table_of(ContractLevel)

_ADD_FACTS, _ADD_DELTAS = insert(_FACTS), insert(_DELTAS)


@dataclass(frozen=True, slots=True)
class SeenFact:
    """A service fact as an upper layer saw it."""

    kind: FactKind
    occurred_at: datetime
    waited_ms: int
    repaired: bool


@kept
def threshold_ms(session: Session, contract_id: int) -> int:
    """The wait over which a call of this contract counts as late, in milliseconds."""
    seconds = session.execute(
        select(_PROMISED.c.threshold_s).where(
            _PROMISED.c.contract_id == contract_id, _PROMISED.c.metric == WAITING_OVER
        )
    ).scalar_one_or_none()
    return DEFAULT_THRESHOLD_MS if seconds is None else int(seconds * 1000)


def record(
    session: Session, *, subject: UUID, facts: Iterable[SeenFact],
    before: tuple[Account, Measured] | None, after: tuple[Account, Measured],
) -> None:  # fmt: skip
    """Append a call's new facts, and the difference they make to the counters, in the caller's transaction."""
    account, measured = after
    rows = [
        {
            "contract_id": account.contract_id, "ente_id": account.ente_id, "queue_id": account.queue_id,
            "channel": Channel.PHONE, "subject": subject, "kind": fact.kind, "waited_ms": fact.waited_ms,
            "occurred_at": fact.occurred_at, "recorded_at": clock.now(session), "repaired": fact.repaired,
        }
        for fact in facts
    ]  # fmt: skip
    if rows:
        session.execute(_ADD_FACTS, rows)
    threshold = threshold_ms(session, account.contract_id)
    changes = _changes(before, (account, measured), threshold)
    if changes:
        session.execute(_ADD_DELTAS, [asdict(where) | asdict(counts) for where, counts in changes])
    touch(session, topics.board(account.contract_id))


def fold(session: Session, *, limit: int = 5_000) -> int:
    """Move unfolded deltas into the counters; returns how many counters were changed.

    One statement: a delta is either still there or already counted, never both and never neither.
    """
    doomed = select(ServiceDelta.id).order_by(ServiceDelta.id).limit(limit).with_for_update(skip_locked=True)
    moved = delete(ServiceDelta).where(ServiceDelta.id.in_(doomed)).returning(ServiceDelta).cte("moved")
    sums = [func.sum(moved.c[name]).label(name) for name in MEASURES]
    keys = [
        moved.c.contract_id, moved.c.quarter,
        func.coalesce(moved.c.ente_id, 0).label("ente_id"), func.coalesce(moved.c.queue_id, 0).label("queue_id"),
    ]  # fmt: skip
    source = select(*keys, *sums).group_by(*keys)
    folded = upsert(ServiceCount).from_select(["contract_id", "quarter", "ente_id", "queue_id", *MEASURES], source)
    folded = folded.on_conflict_do_update(
        index_elements=["contract_id", "quarter", "ente_id", "queue_id"],
        set_={name: getattr(ServiceCount, name) + folded.excluded[name] for name in MEASURES},
    )
    return len(session.execute(folded.returning(ServiceCount.contract_id)).all())


def _changes(
    before: tuple[Account, Measured] | None, after: tuple[Account, Measured], threshold: int
) -> list[tuple[Account, Counts]]:
    account, measured = after
    new = contribution(measured, threshold)
    old_account, old = (account, Counts()) if before is None else (before[0], contribution(before[1], threshold))
    if old_account == account:
        return [(account, new - old)] if new != old else []
    return [(where, counts) for where, counts in ((old_account, Counts() - old), (account, new)) if counts]
