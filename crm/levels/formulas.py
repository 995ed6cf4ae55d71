"""The formulas of service levels, pure. An empty denominator is *not available*, never 0 % or 100 %."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from crm.levels.metering import Counts, ms_between
from crm.levels.terms import Denominator, Formula


class Standing(StrEnum):
    """How a level stands: `near` from four fifths of its limit on."""

    UNKNOWN = "unknown"
    GOOD = "good"
    NEAR = "near"
    BROKEN = "broken"


NEAR = Decimal("0.8")
MS_PER_HOUR = 3_600_000


@dataclass(frozen=True, slots=True)
class Level:
    """A share measured against the limit below which the contract wants it."""

    part: int
    whole: int
    limit: Decimal

    @property
    def share(self) -> Decimal | None:
        return Decimal(self.part) / self.whole if self.whole else None

    @property
    def standing(self) -> Standing:
        if self.share is None:
            return Standing.UNKNOWN
        if self.share >= self.limit:
            return Standing.BROKEN
        return Standing.NEAR if self.share >= self.limit * NEAR else Standing.GOOD

    @property
    def spendable(self) -> int:
        """How many more bad calls would still leave the share below its limit."""
        return spendable(self.part, self.whole, self.limit)


def spendable(part: int, whole: int, limit: Decimal, *, strict: bool = True) -> int:
    """How many more bad calls would still keep a share within its limit, each being counted in the whole too.

    That is the greatest n with (part + n) / (whole + n) `< limit`, or `<= limit` where the contract is not `strict`;
    none where the limit forbids nothing.
    """
    if limit >= 1:
        return 0
    room = (limit * whole - part) / (1 - limit)
    n = int(room) if room > 0 else 0
    return n - 1 if strict and n and room == n else n


def waiting_over(counts: Counts, limit: Decimal, denominator: Denominator = Denominator.RECEIVED) -> Level:
    """Share of calls that waited longer than the threshold, the abandoned included."""
    return Level(counts.waited_over, whole(counts, denominator), limit)


def lost(counts: Counts, limit: Decimal, denominator: Denominator = Denominator.RECEIVED) -> Level:
    """Share of calls that asked for an operator and never reached one."""
    return Level(counts.lost, whole(counts, denominator), limit)


def whole(counts: Counts, denominator: Denominator) -> int:
    """What a share is a share of."""
    return counts.received if denominator is Denominator.RECEIVED else counts.entered


def service_level(counts: Counts, formula: Formula) -> Decimal | None:
    """The share of calls answered within T, by one of the five formulas in use."""
    return _share(*in_time(counts, formula))


def in_time(counts: Counts, formula: Formula) -> tuple[int, int]:
    """The calls that count as answered within T, and those of which they are a share."""
    offered = counts.answered + counts.abandoned
    match formula:
        case Formula.A:
            return counts.answered_within, offered
        case Formula.B:
            return counts.answered_within, offered - counts.abandoned_short
        case Formula.C:
            return counts.answered_within, offered - counts.abandoned_within
        case Formula.D:
            return counts.answered_within + counts.abandoned_within, offered
        case Formula.E:
            return counts.answered_within, counts.answered


def abandon_rate(counts: Counts) -> Decimal | None:
    """Abandoned of those that entered the queue."""
    return _share(counts.abandoned, counts.entered)


def mean_wait_ms(counts: Counts) -> Decimal | None:
    """The mean wait of the answered calls (ASA), in milliseconds."""
    return _share(counts.wait_ms, counts.answered)


def mean_abandoned_wait_ms(counts: Counts) -> Decimal | None:
    """The mean wait of the abandoned calls, in milliseconds: shown apart, never in the mean of the answered."""
    return _share(counts.abandoned_wait_ms, counts.abandoned)


def mean_handling_ms(counts: Counts) -> Decimal | None:
    """Talk, hold and wrap-up of a handled call (AHT), in milliseconds: on boards, in reports, on one's own line."""
    return _share(counts.handling_ms, counts.handled)


def occupancy(busy_ms: int, available_ms: int) -> Decimal | None:
    """The share of agents' time that talk, hold and wrap-up took, of the same and the time ready for a call."""
    return _share(busy_ms, busy_ms + available_ms)


def outbound_per_hour(attempts: int, staffed_ms: int) -> Decimal | None:
    """Attempts per hour of an operator's time in which contacts could be called (Anci Toscana, 8)."""
    return _share(attempts * MS_PER_HOUR, staffed_ms)


def longest_wait_ms(entered: Iterable[datetime], now: datetime) -> int | None:
    """How long whoever has waited for longest has waited, in milliseconds."""
    return max((ms_between(one, now) for one in entered), default=None)


def _share(part: int, of: int) -> Decimal | None:
    return Decimal(part) / of if of else None
