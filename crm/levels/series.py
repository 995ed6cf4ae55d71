"""The counters in their order of time, for whoever would rather look at a picture: quarter hours, hours, weeks, waits.

Everything is read from the folded quarter hours and what is not folded yet, but for how long each call waited, which no
sum tells: that comes from the facts of the calls.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, Integer, case, cast, func, select, text, union_all
from sqlalchemy.orm import Session

from crm.core.clock import in_rome, start_of_day
from crm.core.db import table_of
from crm.levels.metering import MEASURES, Callers, Counts, FactKind
from crm.levels.models import ServiceCount, ServiceDelta, ServiceFact

QUARTERS_OF_A_DAY = 96
EDGES_S = (5, 10, 20, 30, 40, 60, 90, 120, 180, 300)  # of the histogram: up to so many seconds, and more than the last
PERCENTILES = (0.5, 0.8, 0.9, 0.95)
_QUARTERS, _DELTAS, _FACTS = table_of(ServiceCount), table_of(ServiceDelta), table_of(ServiceFact)


@dataclass(frozen=True, slots=True)
class Of:
    """Whose calls: of a contract, and of one ente, one queue, one kind of caller alone where they are named."""

    contract_id: int
    ente_id: int | None = None
    queue_id: int | None = None
    callers: Callers | None = None


@dataclass(frozen=True, slots=True)
class Waits:
    """How long calls waited in a period: how many up to each of `EDGES_S` and beyond, and percentiles in seconds.

    The percentiles are those of the answered alone, exact, by the nearest rank; none when nobody was answered.
    """

    answered: tuple[int, ...] = (0,) * (len(EDGES_S) + 1)
    abandoned: tuple[int, ...] = (0,) * (len(EDGES_S) + 1)
    percentiles: Mapping[float, float] = field(default_factory=dict)


def quarters(
    session: Session, of: Of, since: datetime, until: datetime, measures: Sequence[str] = MEASURES
) -> dict[datetime, tuple[int, ...]]:  # fmt: skip
    """Some measures of `Counts` by quarter hour, each known by its start; those without calls left out."""
    parts = [
        select(table.c.quarter, *(table.c[name] for name in measures)).where(
            table.c.quarter >= since, table.c.quarter < until, *_only(table.c, of)
        )
        for table in (_QUARTERS, _DELTAS)
    ]
    rows = union_all(*parts).subquery()
    sums = (cast(func.sum(rows.c[name]), rows.c[name].type) for name in measures)
    found = session.execute(select(rows.c.quarter, *sums).group_by(rows.c.quarter))
    return {quarter: tuple(values) for quarter, *values in found}


def quarters_of_each(
    session: Session, contract_id: int, since: datetime, until: datetime, *, by: Literal["queue_id", "ente_id"],
    measure: str,
) -> dict[int, dict[datetime, int]]:  # fmt: skip
    """One measure of `Counts` by quarter hour, of each queue or each ente of a contract; of none that is not known."""
    parts = [
        select(table.c[by].label("whose"), table.c.quarter, table.c[measure]).where(
            table.c.contract_id == contract_id, table.c.quarter >= since, table.c.quarter < until, table.c[by] > 0
        )
        for table in (_QUARTERS, _DELTAS)
    ]
    rows = union_all(*parts).subquery()
    key = (rows.c.whose, rows.c.quarter)
    found: dict[int, dict[datetime, int]] = {}
    for whose, quarter, count in session.execute(select(*key, func.sum(rows.c[measure])).group_by(*key)):
        found.setdefault(whose, {})[quarter] = int(count)
    return found


def day(session: Session, of: Of, on: date) -> tuple[Counts, ...]:
    """The quarter hours of a day in Rome, by its clock from midnight: always 96.

    The hour that October has twice is summed into one, and the one that March has not is empty.
    """
    found = quarters(session, of, start_of_day(on), start_of_day(on + timedelta(days=1)))
    places = [Counts()] * QUARTERS_OF_A_DAY
    for quarter, values in found.items():
        place = place_of(quarter)
        places[place] += Counts(*values)
    return tuple(places)


def hours(places: Sequence[Counts]) -> tuple[Counts, ...]:
    """The same day by the hour: 24."""
    return tuple(sum(places[n : n + 4], Counts()) for n in range(0, len(places), 4))


def place_of(instant: datetime) -> int:
    """Which quarter hour of the day it is on a clock in Rome: 0 to 95."""
    local = in_rome(instant)
    return local.hour * 4 + local.minute // 15


@dataclass(frozen=True, slots=True)
class Week:
    """Calls received by weekday (0 is Monday) and hour, of a mean day of the period that had any call at all."""

    means: Mapping[tuple[int, int], float]
    days: Mapping[int, int]  # how many days of each weekday that is

    @property
    def busiest(self) -> float:
        return max(self.means.values(), default=0.0)


def week(session: Session, of: Of, since: datetime, until: datetime) -> Week:
    """The heat of a week: what a period's days came to on the average."""
    found = quarters(session, of, since, until, ("received",))
    sums: dict[tuple[int, int], int] = {}
    seen: dict[int, set[date]] = {}
    for quarter, (received,) in found.items():
        local = in_rome(quarter)
        key = (local.weekday(), local.hour)
        sums[key] = sums.get(key, 0) + received
        if received:
            seen.setdefault(local.weekday(), set()).add(local.date())
    days = {weekday: len(those) for weekday, those in seen.items()}
    return Week({key: count / days[key[0]] for key, count in sums.items() if count}, days)


def waits(session: Session, of: Of, since: datetime, until: datetime) -> Waits:
    """How long the calls that ended waiting in a period had waited: answered, or abandoned.

    Of a call that waited more than once the whole is told. Callers who asked to be called back waited no more: they are
    in neither.
    """
    ends = (FactKind.SERVED, FactKind.LEFT, FactKind.CALLBACK, FactKind.NOT_REACHED)
    calls = (
        select(
            func.bool_or(_FACTS.c.kind == FactKind.SERVED).label("answered"),
            func.bool_or(_FACTS.c.kind.in_((FactKind.CALLBACK, FactKind.NOT_REACHED))).label("called_back"),
            func.max(_FACTS.c.waited_ms).label("waited_ms"),
        )
        .where(
            _FACTS.c.kind.in_(ends), _FACTS.c.occurred_at >= since, _FACTS.c.occurred_at < until,
            *_only(_FACTS.c, of),
        )
        .group_by(_FACTS.c.subject)
        .subquery()
    )  # fmt: skip
    waited = calls.c.waited_ms
    place = case(*((waited <= edge * 1000, n) for n, edge in enumerate(EDGES_S)), else_=len(EDGES_S))
    rows = session.execute(
        select(calls.c.answered, cast(place, Integer), func.count()).where(~calls.c.called_back).group_by(text("1, 2"))
    ).all()
    ranks = session.execute(
        select(*(func.percentile_disc(one).within_group(waited) for one in PERCENTILES)).where(
            calls.c.answered, ~calls.c.called_back
        )
    ).one()
    return Waits(
        _histogram((n, count) for answered, n, count in rows if answered),
        _histogram((n, count) for answered, n, count in rows if not answered),
        {one: ms / 1000 for one, ms in zip(PERCENTILES, ranks, strict=True) if ms is not None},
    )


def _histogram(found: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    counts = dict(found)
    return tuple(counts.get(n, 0) for n in range(len(EDGES_S) + 1))


def _only(columns: object, of: Of) -> list[ColumnElement[bool]]:
    narrowed: dict[str, int | str | None] = {
        "contract_id": of.contract_id, "ente_id": of.ente_id, "queue_id": of.queue_id, "callers": of.callers,
    }  # fmt: skip
    return [columns[name] == value for name, value in narrowed.items() if value is not None]  # type: ignore[index]
