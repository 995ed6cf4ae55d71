"""The formulas of service levels, pure. An empty denominator is *not available*, never 0 % or 100 %."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from crm.levels.metering import Counts


class Standing(StrEnum):
    """How a level stands: `near` from four fifths of its limit on."""

    UNKNOWN = "unknown"
    GOOD = "good"
    NEAR = "near"
    BROKEN = "broken"


NEAR = Decimal("0.8")


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
        """How many more bad calls would still leave the share below its limit, each being received too."""
        if self.limit >= 1:
            return 0
        # (part + n) / (whole + n) < limit
        room = (self.limit * self.whole - self.part) / (1 - self.limit)
        n = int(room)
        return max(0, n - 1 if room == n else n)


def waiting_over(counts: Counts, limit: Decimal) -> Level:
    """Share of received calls that waited longer than the threshold, the abandoned included."""
    return Level(counts.waited_over, counts.received, limit)


def lost(counts: Counts, limit: Decimal) -> Level:
    """Share of received calls that asked for an operator and never reached one."""
    return Level(counts.lost, counts.received, limit)
