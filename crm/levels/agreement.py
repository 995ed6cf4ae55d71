"""What a contract promises, pure: levels, their targets, what is owed when they are missed. Versioned by date."""

import operator
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from crm.levels.metering import Callers
from crm.levels.metrics import Each

EVER = date(1970, 1, 1)
MOST_PLACES = 12
OPS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class Period(StrEnum):
    """For how long a level is summed up before it is judged."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"

    @property
    def months(self) -> int:
        """How many months it lasts."""
        return {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}[self]

    def around(self, day: date) -> tuple[date, date]:
        """The first day of the period that `day` is in, and the first one after it."""
        first = date(day.year, day.month - (day.month - 1) % self.months, 1)
        return first, later(first, self.months)

    def before(self, first: date) -> tuple[date, date]:
        """The period before the one that begins on `first`."""
        return self.around(first - timedelta(days=1))

    def within(self, first: date, last: date) -> tuple[tuple[date, date], ...]:
        """Those that end between two days, and the one that runs on the last of them: first and last day of each."""
        found = []
        begins, after = self.around(first)
        while begins <= last:
            found.append((begins, after - timedelta(days=1)))
            begins, after = self.around(after)
        return tuple(found)


def later(first: date, months: int) -> date:
    """The same day so many months later; `first` is the first of a month."""
    count = first.year * 12 + first.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


@dataclass(frozen=True, slots=True)
class Promise:
    """A level of a contract, as it was agreed.

    `share_of_days`: it has to hold on so many of the period's service days; then `tolerated_excluded` leaves the days
    that this forgives out of the penalties. `penalty_per_mille`: of the contract's net value, for each `penalty_each`;
    of one group, one penalty a call, even when the call misses several levels. `period`: its own, where it has one.
    """

    contract_id: int
    metric: str
    op: str
    target: Decimal
    threshold_s: Decimal | None = None
    callers: str | None = None  # of whose calls alone, where the contract distinguishes
    service: str = ""  # of which part of the service alone, in the contract's words
    period: Period | None = None
    share_of_days: Decimal | None = None
    tolerated_excluded: bool = False
    penalty_per_mille: Decimal | None = None
    penalty_each: Each | None = None
    penalty_group: str = ""

    def holds(self, measured: Decimal) -> bool:
        """Whether a figure keeps the promise."""
        return bool(OPS[self.op](measured, self.target))

    def rounded(self, measured: Decimal, places: int) -> Decimal:
        """A figure to so many decimals, or as many more as it takes to keep the promise, or not, as it does exactly:
        20.04 % is not told as 20.0 % where it is to be 20 % at most.
        """
        told = round(measured, places)
        while self.holds(told) is not self.holds(measured) and places < MOST_PLACES:
            places += 1
            told = round(measured, places)
        return told

    def is_for(self, callers: Callers) -> bool:
        """Whether it is promised to these callers."""
        return self.callers in {None, callers}

    @property
    def key(self) -> tuple[str, str, str]:
        """What distinguishes it from the other levels of its agreement."""
        return self.metric, self.callers or "", self.service


AGREED_OF_A_LEVEL = tuple(one.name for one in fields(Promise) if one.name != "contract_id")  # as a row has them


@dataclass(frozen=True, slots=True)
class Agreement:
    """All that a contract promises from a day on."""

    contract_id: int
    valid_from: date
    period: Period
    levels: tuple[Promise, ...]
    net_value: Decimal | None = None  # in euro, the one that the contract means; penalties are per mille of it
    preset: str = ""  # which of the shipped ones it began as
    id: int = 0


def in_force(agreements: Iterable[Agreement], day: date) -> Agreement | None:
    """The agreement by which a day is judged; before the first one, that."""
    current: Agreement | None = None
    for one in sorted(agreements, key=lambda each: (each.valid_from, each.id)):
        if current is None or one.valid_from <= day or one.valid_from == current.valid_from:
            current = one
    return current


def begins(agreements: Iterable[Agreement], new: Agreement) -> tuple[date, date] | None:
    """The period that a new version would divide, by its first day and the first one after it; none where it divides
    none. A version holds for whole periods, its own and those of the one before it: nothing that was agreed later
    judges a day before it. The first of all may begin on any day, and one takes the place of another of the same day.
    """
    others = list(agreements)
    earlier = [one for one in others if one.valid_from < new.valid_from]
    same = any(one.valid_from == new.valid_from and one.period is new.period for one in others)
    before = in_force(earlier, new.valid_from)
    if before is None or same:
        return None
    both = (one.period.around(new.valid_from) for one in (before, new))
    return next((span for span in both if span[0] != new.valid_from), None)


def cut_by(agreements: Iterable[Agreement], new: Agreement) -> date | None:
    """The day on which a version that is there would begin within a period of the new one, or of its own, of which it
    was the first; none where both fit.
    """
    others = list(agreements)
    day = min((one.valid_from for one in others if one.valid_from > new.valid_from), default=None)
    if day is None:
        return None
    following = in_force(others, day)
    both = (one.period.around(day)[0] for one in (new, following) if one is not None)
    return None if all(first == day for first in both) else day
