"""Reading settlements and the register, for the company, the ente, and the agent himself."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import scope_for
from crm.audit import service as audit
from crm.core.clock import start_of_day
from crm.core.db import table_of
from crm.core.errors import NotFoundError
from outbound.field.agents.models import FieldAgent
from outbound.field.closing import settling
from outbound.field.closing.chain import Operation
from outbound.field.closing.models import RegisterEntry, Settlement, SettlementLine
from outbound.field.closing.settlement import Line, sums

_LINE, _SETTLEMENT, _ENTRY = table_of(SettlementLine), table_of(Settlement), table_of(RegisterEntry)
SHOWN = 500  # lines of a statement on its page, entries of the register; files have all
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Settled:
    """A settlement, whole."""

    id: int
    ente_id: int
    quarter: str
    closed_at: datetime
    known_on: date
    lines: int
    collected_cents: int
    earning_cents: int
    commission_cents: int
    seal: str


@dataclass(frozen=True, slots=True)
class Share:
    """What an agent has in a settlement. `not_earning`: lines of payments that earn nothing."""

    agent_id: int
    lines: int
    not_earning: int
    collected_cents: int
    earning_cents: int
    commission_cents: int


@dataclass(frozen=True, slots=True)
class Month:
    """A month, by the day of payment. Cents."""

    first: date
    collected_cents: int
    commission_cents: int


@dataclass(frozen=True, slots=True)
class Registered:
    """An entry of the register."""

    number: int
    ente_id: int
    client: str
    client_code: str
    at: datetime
    operation: Operation
    practice: int | None
    agent: int | None
    cents: int | None
    fee_per_mille: Decimal | None
    fee_cents: int | None
    outcome: str
    words: str
    corrects: int | None


def settlements(session: Session, ente_ids: Collection[int]) -> list[Settled]:
    """Of these enti, the latest first."""
    columns = [_SETTLEMENT.c[name] for name in Settled.__dataclass_fields__]
    rows = session.execute(
        select(*columns)
        .where(_SETTLEMENT.c.ente_id.in_(ente_ids))
        .order_by(_SETTLEMENT.c.quarter.desc(), _SETTLEMENT.c.ente_id)
    )
    return [Settled(*row) for row in rows]


def settlement(session: Session, settlement_id: int) -> Settled:
    """One. Raises `NotFoundError`."""
    row = session.get(Settlement, settlement_id)
    if row is None:
        raise NotFoundError("Questa liquidazione non c'è.")
    return Settled(*(getattr(row, name) for name in Settled.__dataclass_fields__))


def agent_id_of(session: Session, by: Principal) -> int:
    """Who asks, as an agent. Raises `NotFoundError` for whoever is none."""
    found = session.scalar(select(FieldAgent.id).where(FieldAgent.user_id == by.user_id))
    if found is None:
        raise NotFoundError("Non hai un tesserino da incaricato: chiedi a chi gestisce le visite.")
    return found


def whole_or_own(session: Session, by: Principal, ente_id: int, agent_id: int | None) -> int | None:
    """Whose lines somebody may read: all of an ente's, or of the agent he asks for; or, as an agent, his own alone.

    Raises `NotFoundError`.
    """
    for permission in (Permission.FIELD_WATCH, Permission.FIELD_MANAGE):
        if by.can(permission) and ente_id in (scope_for(session, by, permission).enti or ()):
            return agent_id
    own = agent_id_of(session, by)
    if agent_id not in (None, own):
        raise NotFoundError("Questa liquidazione non c'è.")
    return own


def lines(
    session: Session, settlement_id: int, *, agent_id: int | None = None, limit: int | None = None
) -> list[tuple[int, Line]]:
    """A settlement's lines with their numbers; of one agent, where one is asked for."""
    statement = select(_LINE).where(_LINE.c.settlement_id == settlement_id, *_of(agent_id))
    rows = session.execute(statement.order_by(_LINE.c.number).limit(limit))
    return [(row.number, settling.line_of(row)) for row in rows]


def shares(session: Session, settlement_ids: Collection[int], *, agent_id: int | None = None) -> dict[int, list[Share]]:
    """What each agent has in each of these, the most first."""
    rows = session.execute(
        select(
            _LINE.c.settlement_id, _LINE.c.agent_id, func.count(),
            func.count().filter(_LINE.c.commission_cents == 0), func.sum(_LINE.c.cents), func.sum(_LINE.c.within_cents),
            func.sum(_LINE.c.commission_cents),
        )
        .where(_LINE.c.settlement_id.in_(settlement_ids), *_of(agent_id))
        .group_by(_LINE.c.settlement_id, _LINE.c.agent_id)
        .order_by(func.sum(_LINE.c.commission_cents).desc(), _LINE.c.agent_id)
    )  # fmt: skip
    found: dict[int, list[Share]] = defaultdict(list)
    for settlement_id, *rest in rows:
        found[settlement_id].append(Share(*(int(one) for one in rest)))
    return found


def shares_of(found: Iterable[Line]) -> list[Share]:
    """The same of lines that are not settled yet."""
    by_agent: dict[int, list[Line]] = defaultdict(list)
    for one in found:
        by_agent[one.agent_id].append(one)
    made = []
    for agent_id, its in by_agent.items():
        total = sums(its)
        nothing = sum(not one.commission_cents for one in its)
        made.append(
            Share(
                agent_id, total.lines, nothing, total.collected_cents, total.earning_cents, total.commission_cents
            )
        )  # fmt: skip
    return sorted(made, key=lambda one: (-one.commission_cents, one.agent_id))


def names(session: Session, agent_ids: Collection[int]) -> dict[int, str]:
    """Agents by their names."""
    rows = session.execute(
        select(FieldAgent.id, FieldAgent.given_name, FieldAgent.surname).where(FieldAgent.id.in_(agent_ids))
    )
    return {agent_id: f"{given} {surname}" for agent_id, given, surname in rows}


def months(session: Session, ente_ids: Collection[int], *, agent_id: int | None = None) -> list[Month]:
    """What was collected and earned by month of payment, of all that is settled; the last twelve."""
    month = func.date_trunc("month", _LINE.c.paid_on)
    rows = session.execute(
        select(month, func.sum(_LINE.c.cents), func.sum(_LINE.c.commission_cents))
        .where(_LINE.c.ente_id.in_(ente_ids), *_of(agent_id))
        .group_by(month).order_by(month.desc()).limit(12)
    ).all()  # fmt: skip
    return [Month(first.date(), int(cents), int(earned)) for first, cents, earned in reversed(rows)]


def months_of(found: Iterable[Line]) -> list[Month]:
    """The same of lines."""
    by_month: dict[date, list[Line]] = defaultdict(list)
    for one in found:
        by_month[one.paid_on.replace(day=1)].append(one)
    return [
        Month(first, total.collected_cents, total.commission_cents)
        for first, its in sorted(by_month.items())
        if (total := sums(its))
    ]


def both(settled: Iterable[Month], opened: Iterable[Month]) -> list[Month]:
    """Months of what is settled and of what is not yet, as one."""
    found: dict[date, tuple[int, int]] = {}
    for one in (*settled, *opened):
        cents, earned = found.get(one.first, (0, 0))
        found[one.first] = cents + one.collected_cents, earned + one.commission_cents
    return [Month(first, *its) for first, its in sorted(found.items())][-12:]


def register(
    session: Session, by: Principal, ente_ids: Collection[int], *, since: date, until: date, limit: int | None = SHOWN,
    taken: bool = False,
) -> list[Registered]:  # fmt: skip
    """The entries of these enti from a day to a day, in their order. Who reads them is noted, ente by ente."""
    for ente_id in sorted(ente_ids):
        if taken:
            after = {"since": since.isoformat(), "until": until.isoformat()}
            audit.note(session, by, kind="field.register_taken", ente_id=ente_id, after=after)
        else:
            audit.note_once(session, by, kind="field.register_read", ente_id=ente_id)
    columns = [_ENTRY.c[name] for name in Registered.__dataclass_fields__]
    rows = session.execute(
        select(*columns)
        .where(
            _ENTRY.c.ente_id.in_(ente_ids), _ENTRY.c.at >= start_of_day(since),
            _ENTRY.c.at < start_of_day(until + ONE_DAY),
        )
        .order_by(_ENTRY.c.number).limit(limit)
    )  # fmt: skip
    return [Registered(*row) for row in rows]


def _of(agent_id: int | None) -> tuple[ColumnElement[bool], ...]:
    return () if agent_id is None else (_LINE.c.agent_id == agent_id,)
