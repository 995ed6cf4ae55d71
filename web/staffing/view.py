"""What the pages of forecasts and shifts show."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy.orm import Session

from crm.conditions.agreed import Reinforcement as Term
from crm.conditions.queries import conditions
from crm.core.clock import business_day, now
from telephony.staffing import queries, unstaffed
from telephony.staffing.accuracy import Error, backtest, measured
from telephony.staffing.erlang import Target
from telephony.staffing.forecast import QUARTERS, Expected
from telephony.staffing.gaps import Gap
from telephony.staffing.known_days import Known
from telephony.staffing.models import Reinforcement
from telephony.staffing.need import Basis, Need, needs, with_agents
from telephony.staffing.reinforcement import Proposal, proposals
from telephony.staffing.service import HORIZON_DAYS
from telephony.staffing.shifts import coverage

DAY, WEEK = timedelta(days=1), timedelta(days=7)
DAYS_LISTED = 14
BACK = timedelta(days=30)  # the longest time after a due date that a contract may agree on
TRIED = timedelta(days=28)
NOBODY = Need(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter hour to come: calls, agents that it takes on the telephone, how many to plan, how many are planned.

    `answered` is the share that would be answered in time with those who are planned, less whom the shrinkage takes.
    """

    at: str
    expected: float
    low: float
    high: float
    need: Need
    planned: int
    answered: float

    @property
    def short(self) -> int:
        """How many are missing; negative: to spare."""
        return self.need.plan - self.planned


@dataclass(frozen=True, slots=True)
class DayView:
    """A day to come."""

    on: date
    told: Expected
    quarters: tuple[Quarter, ...]

    @property
    def peak(self) -> int:
        return max((one.need.plan for one in self.quarters), default=0)

    @property
    def planned_peak(self) -> int:
        return max((one.planned for one in self.quarters), default=0)

    @property
    def short_hours(self) -> float:
        """For how many hours somebody is missing, each of those missing counted."""
        return sum(max(0, one.short) for one in self.quarters) / 4

    @property
    def spare_hours(self) -> float:
        return sum(max(0, -one.short) for one in self.quarters) / 4


def day_view(on: date, told: Expected, basis: Basis, planned: Iterable[int]) -> DayView:
    """The quarter hours in which calls are expected or somebody is planned."""
    there = list(planned)
    wanted = needs(told.expected, basis)
    rows = [n for n in range(QUARTERS) if wanted[n].plan or there[n]]
    if not rows:
        return DayView(on, told, ())
    return DayView(
        on, told,
        tuple(
            Quarter(
                f"{n // 4:02}:{n % 4 * 15:02}", told.expected[n], told.low[n], told.high[n], wanted[n], there[n],
                _answered(told.expected[n], there[n], basis),
            )
            for n in range(rows[0], rows[-1] + 1)
        ),
    )  # fmt: skip


def _answered(calls: float, planned: int, basis: Basis) -> float:
    return with_agents(calls, int(planned * (1 - basis.shrinkage) + 1e-9), basis).answered_within


@dataclass(frozen=True, slots=True)
class Overview:
    """The days ahead, how far forecasts were off, what is known of days, extra operators."""

    today: date
    days: tuple[DayView, ...]
    basis: Basis
    told_error: Error
    tried_error: Error
    known: tuple[Known, ...]
    proposed: tuple[Proposal, ...]
    decided: Mapping[date, Reinforcement]
    agreed: Term | None  # what the contract wants around due dates
    gaps: tuple[tuple[date, tuple[Gap, ...]], ...]  # of the days listed, those that have any


def overview(session: Session, contract_id: int) -> Overview:
    """Everything of a contract's days ahead."""
    today = business_day(now(session))
    last = today + (HORIZON_DAYS - 1) * DAY
    basis = queries.basis(session, contract_id)
    expected = queries.forecasts(session, contract_id, today, last)
    there = planned(session, contract_id, today, last)
    ahead = [day_view(on, told, basis, there.get(on, [0] * QUARTERS)) for on, told in expected.items()]
    since = today - queries.HISTORY
    history = queries.history(session, contract_id, since, today)
    known = queries.known(session, contract_id, today - BACK, last)
    agreed = conditions(session, contract_id).reinforcement
    return Overview(
        today, tuple(ahead[:DAYS_LISTED]), basis,
        measured(queries.as_told(session, contract_id, today - TRIED, today - DAY), history),
        measured(backtest(history, queries.opens(session, contract_id, today - TRIED, today), today), history),
        tuple(known),
        tuple(
            proposals(
                known, expected, {one.on: [quarter.need for quarter in one.quarters] or [NOBODY] for one in ahead},
                agreed,
            )
        ),
        queries.decided(session, contract_id, today - 60 * DAY), agreed,
        tuple(
            (on, tuple(found))
            for on, found in unstaffed.gaps_of(session, contract_id, today, DAYS_LISTED, expected).items()
            if found
        ),
    )  # fmt: skip


def planned(session: Session, contract_id: int, first: date, last: date) -> dict[date, list[int]]:
    """How many are planned in each quarter hour of each day that has shifts."""
    found: dict[date, list[int]] = {}
    for (_, day), those in queries.roster(session, contract_id, first, last).items():
        there = coverage(those)
        found[day] = [a + b for a, b in zip(found.get(day, [0] * QUARTERS), there, strict=True)]
    return found


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What a supervisor tries, each within its bounds; none: as it is."""

    calls: int = 100  # per cent of those expected
    handling: int | None = None  # seconds
    share: int | None = None  # per cent
    within: int | None = None  # seconds
    shrinkage: int | None = None  # per cent
    occupancy: int | None = None  # per cent

    def applied(self, basis: Basis, told: Expected) -> tuple[Basis, Expected]:
        """The basis and the calls as tried."""
        times = min(300, max(10, self.calls)) / 100
        target = Target(
            basis.target.share if self.share is None else min(99, max(1, self.share)) / 100,
            basis.target.within_s if self.within is None else float(min(600, max(1, self.within))),
            basis.target.occupancy if self.occupancy is None else min(100, max(30, self.occupancy)) / 100,
        )
        tried = replace(
            basis, target=target,
            handling_s=basis.handling_s if self.handling is None else float(min(3600, max(10, self.handling))),
            shrinkage=basis.shrinkage if self.shrinkage is None else min(60, max(0, self.shrinkage)) / 100,
        )  # fmt: skip
        low, expected, high = (tuple(one * times for one in curve) for curve in (told.low, told.expected, told.high))
        return tried, Expected(expected, low, high, told.drivers)
