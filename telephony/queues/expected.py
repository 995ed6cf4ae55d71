"""How long whoever waits will have to wait, as a range that four waits in five fall into. Pure.

With everybody busy, agents become free one after the other at random, and the wait lasts until one more of them has
than are served before. How fast they do is not known but estimated from the last calls; a range that took the
estimate for the truth would be too narrow. Let `k` calls have kept agents busy for `b` seconds, and let `s` agents
serve. With times of handling that are exponential, s·wait / (s·wait + b) is distributed as Beta(ahead + 1, k),
whatever their mean is (both are sums of exponentials with one rate): its quantiles are the range's. Real times
spread less than exponential ones, so that the range errs on the side of being kept. `waits.py` compares it with what
came true.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, comb, floor

LOW, HIGH = 0.1, 0.9  # the quantiles between which four in five fall
FEWEST, MOST = 10, 50  # calls it is estimated from: fewer say nothing, and of more the last are as many
LONGEST_MIN = 60  # what is longer is said to be more than an hour


@dataclass(frozen=True, slots=True)
class Pace:
    """Calls that were handled lately, and for how long agents were busy with them in all, in seconds."""

    handled: int
    busy_s: float


@dataclass(frozen=True, slots=True)
class Range:
    """As it is announced, in whole minutes. Without an end it is longer than can be said."""

    from_min: int
    to_min: int | None


def expected(*, ahead: int, pace: Pace, agents: int) -> Range | None:
    """The wait of somebody before whom so many are served by these agents; none where nothing can be said."""
    if agents < 1 or pace.handled < FEWEST or pace.busy_s <= 0:
        return None
    calls = min(pace.handled, MOST)
    share_s = pace.busy_s * calls / pace.handled / agents
    low, high = (share_s * odds(ahead + 1, calls, share) / 60 for share in (LOW, HIGH))
    if high > LONGEST_MIN:
        return Range(min(floor(low), LONGEST_MIN), None)
    return Range(floor(low), max(1, ceil(high)))


@lru_cache(maxsize=4_096)
def odds(a: int, b: int, share: float) -> float:
    """x / (1 - x) at the x below which this share of a Beta(a, b) lies; a and b are whole."""
    low, high = 0.0, 1.0
    for _ in range(48):
        middle = (low + high) / 2
        low, high = (middle, high) if _beta(a, b, middle) < share else (low, middle)
    return low / (1 - low)


def _beta(a: int, b: int, x: float) -> float:
    """The distribution function of Beta(a, b): at least a of a + b - 1 trials succeed."""
    trials = a + b - 1
    if b <= a:
        return sum(comb(trials, n) * x**n * (1 - x) ** (trials - n) for n in range(a, trials + 1))
    return 1 - sum(comb(trials, n) * x**n * (1 - x) ** (trials - n) for n in range(a))
