"""From a figure to its calls: what each call added to the counters, computed from its facts as the counters were."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, literal, select, tuple_
from sqlalchemy.orm import Session

from crm.core.db import table_of
from crm.levels import queries
from crm.levels.metering import Account, Callers, Counts, FactKind, Measured, Told, contribution, replay
from crm.levels.models import ServiceFact
from crm.levels.terms import in_force

AT_ONCE = 10_000  # facts on their way from the database

_FACT = table_of(ServiceFact)
_TOLD = tuple(
    _FACT.c[name] for name in ("kind", "occurred_at", "contract_id", "ente_id", "queue_id", "callers", "waited_ms")
)


class Figure(StrEnum):
    """The counters whose calls can be listed: named as in `metering.Counts`."""

    RECEIVED = "received"
    ENTERED = "entered"
    ANSWERED = "answered"
    ANSWERED_WITHIN = "answered_within"
    WAITED_OVER = "waited_over"
    LOST = "lost"
    ABANDONED = "abandoned"
    HANDLED = "handled"


@dataclass(frozen=True, slots=True)
class Traced:
    """A call that was received: when, where it counts, how it stands, and what it added to the counters."""

    subject: UUID
    received_at: datetime
    account: Account
    call: Measured
    counts: Counts


@dataclass(frozen=True, slots=True)
class Among:
    """Which of the calls are meant; none: whichever. `no_queue`: those that asked for no operator."""

    queue_id: int | None = None
    ente_id: int | None = None
    callers: Callers | None = None
    no_queue: bool = False
    no_ente: bool = False

    def has(self, account: Account) -> bool:
        """Whether a call that counts there is one of them."""
        return (
            (self.callers is None or account.callers is self.callers)
            and (account.queue_id is None if self.no_queue else self.queue_id in {None, account.queue_id})
            and (account.ente_id is None if self.no_ente else self.ente_id in {None, account.ente_id})
        )


EVERYBODY = Among()


def behind(
    session: Session, contract_id: int, figure: Figure, since: datetime, until: datetime, among: Among = EVERYBODY
) -> list[Traced]:
    """The calls that a figure of this period counts, in the order of their coming; the scope's alone."""
    found = [
        one
        for one in replayed(session, contract_id, since, until)
        if among.has(one.account) and getattr(one.counts, figure.value)
    ]
    return sorted(found, key=attrgetter("received_at", "subject"))


def replayed(
    session: Session, contract_id: int, since: datetime, until: datetime, *, ente_id: int | None = None
) -> Iterator[Traced]:
    """Every call that was received in a period, by its facts; with an ente, those that count for it."""
    received = select(_FACT.c.subject).where(*_received(contract_id, since, until, ente_id))
    return _replayed(session, contract_id, received, ente_id)


@dataclass(frozen=True, slots=True)
class Page:
    """Some calls in the order of their coming, and where to go on; none at the end."""

    calls: tuple[Traced, ...]
    next: tuple[datetime, UUID] | None


def page(
    session: Session, contract_id: int, ente_id: int, since: datetime, until: datetime,
    *, after: tuple[datetime, UUID] | None, most: int,
) -> Page:  # fmt: skip
    """The calls of a period that count for an ente, of the next `most` that were about it at some time.

    The session must see the whole contract: of a call that came in before its ente was known, an ente sees the end
    alone.
    """
    place = tuple_(_FACT.c.occurred_at, _FACT.c.subject)
    further = () if after is None else (place > tuple_(literal(after[0]), literal(after[1])),)
    rows = session.execute(
        select(_FACT.c.occurred_at, _FACT.c.subject)
        .where(*_received(contract_id, since, until, ente_id), *further)
        .order_by(_FACT.c.occurred_at, _FACT.c.subject)
        .limit(most + 1)
    ).all()
    wanted = [row.subject for row in rows[:most]]
    found = sorted(_replayed(session, contract_id, wanted, ente_id), key=attrgetter("received_at", "subject"))
    more = len(rows) > most
    return Page(tuple(found), (rows[most - 1].occurred_at, rows[most - 1].subject) if more else None)


def _received(
    contract_id: int, since: datetime, until: datetime, ente_id: int | None
) -> tuple[ColumnElement[bool], ...]:
    was = (
        _FACT.c.contract_id == contract_id, _FACT.c.kind == FactKind.RECEIVED, _FACT.c.occurred_at >= since,
        _FACT.c.occurred_at < until,
    )  # fmt: skip
    if ente_id is None:
        return was
    its = _FACT.alias("its")
    return *was, exists().where(its.c.subject == _FACT.c.subject, its.c.ente_id == ente_id)


def _replayed(
    session: Session, contract_id: int, subjects: Select[UUID] | list[UUID], ente_id: int | None
) -> Iterator[Traced]:
    versions = queries.terms(session, contract_id)
    rows = session.execute(
        select(_FACT.c.subject, *_TOLD)
        .where(_FACT.c.subject.in_(subjects))
        .order_by(_FACT.c.subject, _FACT.c.id)
        .execution_options(yield_per=AT_ONCE)
    )
    for subject, facts in groupby(rows, key=attrgetter("subject")):
        told = [Told(*fact[1:]) for fact in facts]
        stands = replay(told)
        if stands is not None and ente_id in {None, stands[0].ente_id}:
            account, call = stands
            at = next(one.at for one in told if one.kind is FactKind.RECEIVED)
            yield Traced(subject, at, account, call, contribution(call, in_force(versions, account.quarter)))
