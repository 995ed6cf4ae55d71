"""A contract's limits as they are passed: each an event, written once, taken back when it turns out otherwise."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Text, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from crm.core import clock, topics
from crm.core.db import table_of, touch
from crm.levels import formulas, queries
from crm.levels.agreement import Promise
from crm.levels.metering import Callers, Counts
from crm.levels.metrics import ANSWERED_WITHIN, LONGEST_WAIT, LOST, QUEUE_CAP, WAITING_OVER
from crm.levels.models import ContractEvent, ContractEventKind
from crm.levels.terms import Terms, in_force

OF_AN_HOUR = frozenset({WAITING_OVER, LOST, ANSWERED_WITHIN})
_EVENTS = table_of(ContractEvent)
_NEW = upsert(_EVENTS)
_ADD = _NEW.on_conflict_do_update(
    index_elements=["contract_id", "metric", "subject"],
    set_={"withdrawn_at": None, "measured": _NEW.excluded.measured},
    where=_EVENTS.c.withdrawn_at.is_not(None)
    | (_NEW.excluded.measured > _EVENTS.c.measured)  # how long it was, at last
    | ((_NEW.excluded.kind == ContractEventKind.HOUR_OVER) & (_NEW.excluded.measured != _EVENTS.c.measured)),
).returning(_EVENTS.c.id)
_WITHDRAW = (
    update(_EVENTS)
    .where(
        _EVENTS.c.contract_id == bindparam("contract"), _EVENTS.c.metric == bindparam("of_metric"),
        _EVENTS.c.subject == bindparam("of_subject"), _EVENTS.c.withdrawn_at.is_(None),
    )
    .returning(_EVENTS.c.id)
)  # fmt: skip
_ONE_AT_A_TIME = select(func.pg_advisory_xact_lock(func.hashtext(bindparam("what", type_=Text))))


@dataclass(frozen=True, slots=True)
class Passed:
    """What is told of an event."""

    kind: ContractEventKind
    metric: str
    ente_id: int | None
    queue_id: int | None
    limit: Decimal
    measured: Decimal
    occurred_at: datetime


def limit(session: Session, contract_id: int, metric: str, callers: Callers | None = None) -> Promise | None:
    """The strictest promise of this contract by this metric to these callers, if it makes any."""
    promised = queries.promises(session, frozenset({contract_id}))
    mine = [one for one in promised if one.metric == metric and (callers is None or one.is_for(callers))]
    return min(mine, key=lambda one: one.target, default=None)


def emit(
    session: Session, promise: Promise, *, kind: ContractEventKind, subject: str, measured: Decimal, at: datetime,
    ente_id: int | None = None, queue_id: int | None = None,
) -> bool:  # fmt: skip
    """Write that a promise was not kept, in the transaction of the cause; false if that was known."""
    written = session.execute(
        _ADD,
        {
            "contract_id": promise.contract_id, "ente_id": ente_id, "queue_id": queue_id, "kind": kind,
            "metric": promise.metric, "subject": subject, "limit": promise.target, "measured": measured,
            "occurred_at": at, "recorded_at": clock.now(session), "withdrawn_at": None,
        },
    ).one_or_none()  # fmt: skip
    touch(session, topics.board(promise.contract_id))
    return written is not None


def withdraw(session: Session, promise: Promise, *, subject: str) -> bool:
    """What was learnt since says that the promise was kept."""
    values = {"contract": promise.contract_id, "of_metric": promise.metric, "of_subject": subject}
    gone = session.execute(_WITHDRAW.values(withdrawn_at=clock.now(session)), values).one_or_none()
    if gone is not None:
        touch(session, topics.board(promise.contract_id))
    return gone is not None


def attribute(session: Session, *, contract_id: int, subject: str, ente_id: int | None) -> None:
    """What was told of a call goes with it to its ente."""
    session.execute(
        update(_EVENTS)
        .where(
            _EVENTS.c.contract_id == contract_id, _EVENTS.c.metric.in_((QUEUE_CAP, LONGEST_WAIT)),
            _EVENTS.c.subject == subject,
        )
        .values(ente_id=ente_id)
    )  # fmt: skip


def one_at_a_time(session: Session, contract_id: int, ente_id: int | None) -> None:
    """Until the end of this transaction nobody else counts this ente's queue: two could each miss the other."""
    session.execute(_ONE_AT_A_TIME, {"what": f"queue:{contract_id}:{ente_id}"})


def judge_hours(session: Session, contract_id: int, hours: Collection[datetime]) -> None:
    """Hold these hours, where they are over, against the contract's shares: what was learnt late corrects it."""
    promised = _strictest(queries.promises(session, frozenset({contract_id})))
    over = [one for one in hours if one + clock.HOUR <= clock.now(session)]
    if not promised or not over:
        return
    counted = queries.hours_by_callers(session, contract_id, over)
    versions = queries.terms(session, contract_id)
    for hour in sorted(over):
        terms = in_force(versions, hour)
        for promise in promised:
            share = _share(promise, counted.get(hour, {}).items(), terms)
            subject = " ".join(filter(None, (hour.isoformat(), promise.callers)))
            if share is not None and not promise.holds(share):
                emit(
                    session, promise, kind=ContractEventKind.HOUR_OVER, subject=subject, measured=share,
                    at=hour + clock.HOUR,
                )  # fmt: skip
            else:
                withdraw(session, promise, subject=subject)


def latest(session: Session, contract_ids: Collection[int], since: datetime, *, most: int) -> list[Passed]:
    """What was passed since an instant and stands, the newest first."""
    rows = session.execute(
        select(*(_EVENTS.c[name] for name in Passed.__dataclass_fields__))
        .where(
            _EVENTS.c.contract_id.in_(contract_ids), _EVENTS.c.occurred_at >= since, _EVENTS.c.withdrawn_at.is_(None)
        )
        .order_by(_EVENTS.c.occurred_at.desc(), _EVENTS.c.id.desc())
        .limit(most)
    )
    return [Passed(*row) for row in rows]


def _strictest(promised: Iterable[Promise]) -> list[Promise]:
    """Of the shares that an hour is held against, one of each metric and kind of callers: that hardest to keep."""
    found: dict[tuple[str, str | None], Promise] = {}
    for one in promised:
        if one.metric in OF_AN_HOUR:
            other = found.get((one.metric, one.callers))
            if other is None or other.holds(one.target):
                found[one.metric, one.callers] = one
    return list(found.values())


def _share(promise: Promise, counted: Iterable[tuple[Callers, Counts]], terms: Terms) -> Decimal | None:
    total = sum((counts for callers, counts in counted if promise.is_for(callers)), Counts())
    if promise.metric == ANSWERED_WITHIN:
        return formulas.service_level(total, terms.formula)
    of = formulas.waiting_over if promise.metric == WAITING_OVER else formulas.lost
    return of(total, promise.target, terms.denominator).share
