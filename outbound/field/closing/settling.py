"""Settling quarters: once all that could still be registered in time is known, for good. A chore of the engine.

A quarter is closed when its last day and the days for registering are over and the collection system has told what
there was then. What is learnt later is in the quarter that is settled next.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from crm.audit import service as audit
from crm.collection import queries as collection
from crm.core import clock, topics
from crm.core.clock import business_day
from crm.core.db import Database, Scope, table_of, touch
from crm.core.each import total_of_each
from crm.enti import queries as enti
from outbound.field.closing import agreed, listening, register
from outbound.field.closing.agreed import Version
from outbound.field.closing.agreeing import accepted
from outbound.field.closing.commission import Mandate, judge
from outbound.field.closing.ledger import Event, Key, known
from outbound.field.closing.models import OpenQuarter, Settlement, SettlementLine
from outbound.field.closing.quarters import Quarter
from outbound.field.closing.settlement import (
    BEGINNING,
    Line,
    Settled,
    columns,
    line_hash,
    lines,
    seal,
    sums,
    with_these,
)
from outbound.field.practices.lifecycle import MandateState
from outbound.field.practices.models import FieldMandate, Practice, PracticeDebt

CUT_SHORT = frozenset({MandateState.REVOKED, MandateState.DECLINED})
_LINE, _SETTLEMENT = table_of(SettlementLine), table_of(Settlement)
_M, _P, _D = table_of(FieldMandate), table_of(Practice), table_of(PracticeDebt)
ONE_DAY = timedelta(days=1)
AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Facts:
    """All that an ente's quarters follow from, as it was known at an instant."""

    events: Sequence[Event]
    mandates: Sequence[Mandate]
    versions: Sequence[Version]


@dataclass(frozen=True, slots=True)
class Open:
    """A quarter that is not settled yet, as far as it has come. `due_on`: from when it can be."""

    quarter: Quarter
    lines: tuple[Line, ...]
    due_on: date


def close_all(database: Database) -> int:
    """Settle every quarter of every ente that can be; how many."""
    with database.begin(Scope.nothing()) as session:
        served = sorted(enti.served(session))
    return total_of_each(served, lambda one: _close_ente(database, one))


def _close_ente(database: Database, ente_id: int) -> int:
    done = 0
    while database.transact(Scope.of_enti([ente_id]), lambda session: close_next(session, ente_id=ente_id)):
        done += 1
    return done


def close_next(session: Session, *, ente_id: int) -> int | None:
    """Settle the next quarter of an ente; the settlement's id. None: it cannot be yet.

    Rule: a quarter is settled once, when the days for registering are over, and never changes.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("field_settlement", ente_id))))
    now = clock.now(session)
    versions = accepted(session, ente_id, now)
    last = last_settled(session, ente_id)
    quarter = next_quarter(last, versions)
    heard = collection.heard(session, [ente_id]).get(ente_id)
    if quarter is None or heard is None:
        return None
    known_on = min(business_day(heard), business_day(now)) - ONE_DAY
    if known_on < _due_on(quarter, versions):
        return None
    while listening.hear_due(session, ente_id=ente_id):
        pass
    found = reckon(facts(session, ente_id=ente_id, by=now), quarter, settled_before(session, ente_id, quarter))
    total = sums(found)
    hashes = [line_hash(one) for one in found]
    row = Settlement(
        ente_id=ente_id, quarter=str(quarter), closed_at=now, known_on=known_on, lines=total.lines,
        collected_cents=total.collected_cents, earning_cents=total.earning_cents,
        commission_cents=total.commission_cents,
        seal=seal(
            last.seal if last else BEGINNING, ente_id=ente_id, quarter=str(quarter), closed_at=now, known_on=known_on,
            hashes=hashes,
        ),
    )  # fmt: skip
    session.add(row)
    session.flush()
    _store(session, row, found, hashes)
    session.execute(delete(table_of(OpenQuarter)).where(table_of(OpenQuarter).c.ente_id == ente_id))
    register.settled(
        session, ente_id=ente_id, quarter=str(quarter), cents=total.earning_cents, fee_cents=total.commission_cents
    )
    audit.note(
        session, None, kind="field.settled", ente_id=ente_id,
        after={"quarter": str(quarter), "lines": total.lines, "cents": total.commission_cents},
    )  # fmt: skip
    touch(session, topics.ente(ente_id))
    return row.id


def reckon(found: Facts, quarter: Quarter, settled: Mapping[Key, Settled]) -> tuple[Line, ...]:
    """A quarter's lines, by these facts, after what is settled before it."""
    payments = known(found.events, quarter.last).values()
    judged = judge((one for one in payments if one.paid_on <= quarter.last), found.mandates, found.versions)
    return lines(judged, settled, quarter.last)


def opened(session: Session, *, ente_id: int) -> list[Open]:
    """The quarters of an ente that are not settled, up to the present one, as they stand by now."""
    now = clock.now(session)
    found = facts(session, ente_id=ente_id, by=now)
    quarter = next_quarter(last_settled(session, ente_id), found.versions)
    present = Quarter.of(business_day(now))
    standing: list[Open] = []
    if quarter is None:
        return standing
    settled = settled_before(session, ente_id, quarter)
    while quarter <= present:
        its = reckon(found, quarter, settled)
        standing.append(Open(quarter, its, _due_on(quarter, found.versions) + ONE_DAY))
        settled = with_these(settled, its, str(quarter))
        quarter = quarter.next
    return standing


def next_quarter(last: Settlement | None, versions: Iterable[Version]) -> Quarter | None:
    """The first that is not settled; none: nothing was ever agreed."""
    if last is not None:
        return Quarter.parse(last.quarter).next
    first = min((one.valid_from for one in versions), default=None)
    return None if first is None else Quarter.of(first)


def last_settled(session: Session, ente_id: int) -> Settlement | None:
    """The last settlement of an ente."""
    statement = select(Settlement).where(Settlement.ente_id == ente_id).order_by(Settlement.quarter.desc()).limit(1)
    return session.scalars(statement).one_or_none()


def facts(session: Session, *, ente_id: int, by: datetime) -> Facts:
    """What was known of an ente at an instant."""
    return Facts(
        listening.events(session, ente_id=ente_id, by=by), mandates(session, ente_id=ente_id, by=by),
        accepted(session, ente_id, by),
    )  # fmt: skip


def mandates(session: Session, *, ente_id: int, by: datetime) -> list[Mandate]:
    """The mandates that were accepted by an instant, as they stood then."""
    debts: dict[int, set[str]] = {}
    for practice_id, reference in session.execute(
        select(_D.c.practice_id, _D.c.reference).where(_D.c.ente_id == ente_id)
    ):
        debts.setdefault(practice_id, set()).add(reference)
    rows = session.execute(
        select(_M, _P.c.number.label("practice_number"))
        .join(_P, _P.c.id == _M.c.practice_id)
        .where(_M.c.ente_id == ente_id, _M.c.accepted_at <= by)
    )
    found = []
    for row in rows:
        short = row.state in CUT_SHORT and row.ended_at is not None and row.ended_at <= by
        last = min(row.valid_to, business_day(row.ended_at)) if short else row.valid_to
        found.append(
            Mandate(
                row.id, row.agent_id, row.practice_id, row.practice_number,
                max(row.valid_from, business_day(row.accepted_at)), last, row.accepted_at, row.cents,
                frozenset(debts.get(row.practice_id, ())),
            )
        )  # fmt: skip
    return found


def settled_before(session: Session, ente_id: int, quarter: Quarter) -> dict[Key, Settled]:
    """How payments stand by the settlements before a quarter. Those of who was erased stay as they are."""
    rows = session.execute(
        select(_LINE, _SETTLEMENT.c.quarter)
        .join(_SETTLEMENT, _SETTLEMENT.c.id == _LINE.c.settlement_id)
        .where(_LINE.c.ente_id == ente_id, _SETTLEMENT.c.quarter < str(quarter), _LINE.c.reference != "")
        .order_by(_SETTLEMENT.c.quarter, _LINE.c.number)
    )
    found: dict[Key, Settled] = {}
    for row in rows:
        line = line_of(row)
        found[line.at] = Settled(line, f"{row.quarter}/{row.number}")
    return found


def line_of(row: object) -> Line:
    """A stored line."""
    return Line(*(getattr(row, name) for name in Line.__dataclass_fields__))


def _due_on(quarter: Quarter, versions: Iterable[Version]) -> date:
    """The last day on which what was paid in a quarter can still be registered in time."""
    its = [one for one in versions if one.valid_from <= quarter.last]
    begun = agreed.in_force(its, quarter.first)
    relevant = [one for one in its if one == begun or one.valid_from >= quarter.first]
    return quarter.last + timedelta(days=max((one.conditions.registration_days for one in relevant), default=0))


def _store(session: Session, row: Settlement, found: Sequence[Line], hashes: Sequence[bytes]) -> None:
    numbered = enumerate(zip(found, hashes, strict=True), start=1)
    values = [
        {"settlement_id": row.id, "ente_id": row.ente_id, "number": number, "digest": digest, **columns(one)}
        for number, (one, digest) in numbered
    ]
    for start in range(0, len(values), AT_ONCE):
        session.execute(_LINE.insert(), values[start : start + AT_ONCE])
