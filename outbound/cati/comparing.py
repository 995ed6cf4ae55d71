"""Interviewers compared with care. Pure.

An interviewer is told apart from the others only where chance does not explain the difference: his share's interval
(Wilson, JASA 22, 1927, at 95 per cent) has to leave out that of all. A *speeder* is a complete interview that lasted
less than half the median of its survey (Greszki, Meyer and Schoen, Public Opinion Quarterly 79, 2015).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median

Z = 1.959964  # 95 per cent
FEWEST_LENGTHS = 5  # interviews from which on a median says something
DONT_KNOW = frozenset({"dk", "dont_know", "don_t_know", "non_so", "ns", "nr", "na", "refused"})


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    some: int
    of: int

    @property
    def value(self) -> float | None:
        return self.some / self.of if self.of else None

    def interval(self) -> tuple[float, float]:
        """Between what the true share lies, 95 times in a hundred; anything, of nothing."""
        if not self.of:
            return 0.0, 1.0
        share, n = self.some / self.of, self.of
        middle, width = share + Z * Z / (2 * n), Z * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
        whole = 1 + Z * Z / n
        return max(0.0, (middle - width) / whole), min(1.0, (middle + width) / whole)

    def differs(self, usual: "Share") -> bool:
        """Whether chance does not explain that it is not as usual."""
        if usual.value is None or not self.of:
            return False
        low, high = self.interval()
        return not low <= usual.value <= high


@dataclass(frozen=True, slots=True)
class Work:
    """What one interviewer did in a survey. `seconds`: of each complete interview."""

    agent_id: int
    attempts: int
    complete: int
    refused: int
    seconds: tuple[int, ...]
    unknown: int  # answers that are a don't know
    answers: int

    @property
    def refusals(self) -> Share:
        """Of those whom he could ask."""
        return Share(self.refused, self.refused + self.complete)

    @property
    def dont_know(self) -> Share:
        return Share(self.unknown, self.answers)

    @property
    def mean_seconds(self) -> int | None:
        return sum(self.seconds) // len(self.seconds) if self.seconds else None

    def speeders(self, usual: float | None) -> int:
        """His interviews that took less than half the usual time."""
        return 0 if usual is None else sum(2 * one < usual for one in self.seconds)


def usual_seconds(works: Sequence[Work]) -> float | None:
    """The median length of all complete interviews; none of too few."""
    lengths = [one for work in works for one in work.seconds]
    return median(lengths) if len(lengths) >= FEWEST_LENGTHS else None


def whole(shares: Mapping[int, Share]) -> Share:
    """All of them together."""
    return Share(sum(one.some for one in shares.values()), sum(one.of for one in shares.values()))
