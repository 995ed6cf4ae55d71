"""From a figure to its calls: what each call added to the counters, computed from its facts as the counters were.

Which calls a figure counts is said once, by `metering.contribution`. The counters tell in which quarter hours there are
any, and how many; of these alone the calls are read, so that a list is as quick in a month as in an hour.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, bindparam, column, exists, func, literal, select, true, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.orm import Session

from crm.core.db import table_of
from crm.levels import queries
from crm.levels.formulas import in_time
from crm.levels.metering import MEASURES, Account, Callers, Counts, FactKind, Measured, Told, contribution, replay
from crm.levels.models import ServiceFact
from crm.levels.terms import Formula, in_force

AT_ONCE = 10_000  # facts on their way from the database
QUARTER = timedelta(minutes=15)
INSTANT = TIMESTAMP(timezone=True)
MOST_QUARTERS = 96  # that are read together: a day's

_FACT = table_of(ServiceFact)
_TOLD = tuple(
    _FACT.c[name] for name in ("kind", "occurred_at", "contract_id", "ente_id", "queue_id", "callers", "waited_ms")
)


class Figure(StrEnum):
    """The figures whose calls can be listed: counters, named as in `metering.Counts`, and what a formula makes of
    them.
    """

    RECEIVED = "received"
    ENTERED = "entered"
    ANSWERED = "answered"
    ANSWERED_WITHIN = "answered_within"
    WAITED_OVER = "waited_over"
    LOST = "lost"
    ABANDONED = "abandoned"
    HANDLED = "handled"
    IN_TIME = "in_time"  # what the service level counts as answered within T, by the contract's formula

    def measures(self, formula: Formula) -> tuple[str, ...]:
        """The counters that it sums, of which a call is in one at most."""
        if self is not Figure.IN_TIME:
            return (self.value,)
        return tuple(name for name in MEASURES if in_time(Counts(**{name: 1}), formula)[0])


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

    def of_facts(self) -> list[ColumnElement[bool]]:
        """The same of the fact that says where a call counts."""
        wanted = ((_FACT.c.queue_id, self.queue_id, self.no_queue), (_FACT.c.ente_id, self.ente_id, self.no_ente))
        return [
            column.is_(None) if is_none else column == one
            for column, one, is_none in wanted
            if is_none or one is not None
        ]


EVERYBODY = Among()


@dataclass(frozen=True, slots=True)
class Listed:
    """The calls behind a figure of a period, `since` and `until` at quarter hours; `formula` is the contract's."""

    contract_id: int
    figure: Figure
    since: datetime
    until: datetime
    among: Among = EVERYBODY
    formula: Formula = Formula.A

    def has(self, one: Traced) -> bool:
        """Whether a call is one of them."""
        measures = self.figure.measures(self.formula)
        return self.among.has(one.account) and any(getattr(one.counts, name) for name in measures)


def quarters(session: Session, what: Listed) -> list[tuple[datetime, int]]:
    """The quarter hours in which there are any, and how many there are in each: by the counters, as the figure is."""
    among = what.among
    return queries.by_quarter(
        session, what.contract_id, what.since, what.until, what.figure.measures(what.formula),
        ente_id=0 if among.no_ente else among.ente_id, queue_id=0 if among.no_queue else among.queue_id,
        callers=among.callers,
    )  # fmt: skip


def behind(session: Session, what: Listed) -> Iterator[Traced]:
    """All of them in the order of their coming, some at a time; the scope's alone."""
    found = [quarter for quarter, _ in quarters(session, what)]
    for n in range(0, len(found), MOST_QUARTERS):
        yield from _within(session, what, found[n : n + MOST_QUARTERS])


def part(session: Session, what: Listed, *, skip: int, most: int) -> tuple[list[Traced], int]:
    """As many of them after the first `skip`, and how many there are in all."""
    wanted: list[datetime] = []
    passed = before = 0  # calls so far, and those before the wanted quarters
    for quarter, count in quarters(session, what):
        if not wanted:
            before = passed
        if passed + count > skip and passed < skip + most:
            wanted.append(quarter)
        passed += count
    return _within(session, what, wanted)[skip - before :][:most] if wanted else [], passed


def _within(session: Session, what: Listed, some: list[datetime]) -> list[Traced]:
    """Those of some quarter hours."""
    quarters = func.unnest(bindparam("quarters", some, type_=ARRAY(INSTANT))).table_valued(column("at", INSTANT))
    each = quarters.render_derived("quarter")
    of_callers = [] if what.among.callers is None else [_FACT.c.callers == what.among.callers]
    of_one = (
        select(_FACT.c.subject)
        .where(*_received(what.contract_id, each.c.at, each.c.at + QUARTER, None), *of_callers)
        .offset(0)  # each quarter by itself, by the index: else all of the period are joined with all quarters
        .lateral()
    )
    called = list(session.scalars(select(of_one.c.subject).select_from(each).join(of_one, true())))
    likely = _likely(session, what, called)
    found = (one for one in _replayed(session, what.contract_id, likely, None) if what.has(one))
    return sorted(found, key=attrgetter("received_at", "subject"))


def _likely(session: Session, what: Listed, called: list[UUID]) -> list[UUID]:
    """The calls that may be behind a figure of few, by one fact that such a call has, to read few others; it decides of
    none. Where a call counts is where its last fact says.
    """

    def with_fact(some: list[UUID], *of: ColumnElement[bool]) -> list[UUID]:
        return list(session.scalars(select(_FACT.c.subject).distinct().where(_is_one_of(some), *of)))

    if of := what.among.of_facts():
        called = with_fact(called, *of)
    match what.figure:
        case Figure.LOST | Figure.ABANDONED:
            talked = set(with_fact(called, _FACT.c.kind == FactKind.SERVED))
            in_vain = set(with_fact(list(talked), _FACT.c.kind == FactKind.NOT_REACHED))
            return [one for one in called if one not in talked or one in in_vain]
        case Figure.WAITED_OVER:
            least = min(one.over_ms for one in queries.terms(session, what.contract_id))
            return with_fact(called, _FACT.c.waited_ms > least)
        case _:
            return called


def _is_one_of(subjects: list[UUID]) -> ColumnElement[bool]:
    return _FACT.c.subject == func.any(bindparam("subjects", subjects, type_=ARRAY(Uuid())))


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


def _received(contract_id: int, since: Any, until: Any, ente_id: int | None) -> tuple[ColumnElement[bool], ...]:
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
        .where(_is_one_of(subjects) if isinstance(subjects, list) else _FACT.c.subject.in_(subjects))
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
