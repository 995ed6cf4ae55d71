"""How many calls to start now, so that operators wait little and nobody who answers finds none. Pure.

Each call that might be started is worth it while the chance that it would be abandoned stays under a price. The chance
comes from what is under way: operators who are ready, those who will be by the time it is answered (by how long they have
talked), and calls that ring already (by how long they have rung). The price is moved so that abandonment comes to what
is allowed and never over it: a cap on the share of calls *answered by a person*, tested before dialing with an upper
confidence bound (Garante 83/2014: 3 in 100; FTC TSR 310.4(b)(4): 3 % per campaign and 30 days).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import comb, exp, log, sqrt

CAP = 0.03
SURE = 1.645  # one-sided 95 %
LEAST, MOST_PRICE = 0.001, 0.5
STEP = 0.05  # how fast the price follows, per answered call and in its logarithm


@dataclass(frozen=True, slots=True)
class Tally:
    """Calls answered by a person, and those of them that found no operator."""

    answered: int = 0
    abandoned: int = 0

    @property
    def bound(self) -> float:
        """The upper limit of the true share of abandoned ones, 95 % sure (Wilson 1927); 1 before the first."""
        return upper(self.abandoned, self.answered)


def upper(some: float, of: float, sure: float = SURE) -> float:
    """The upper end of Wilson's interval for a share."""
    if of <= 0:
        return 1.0
    share, z2 = some / of, sure * sure
    middle = share + z2 / (2 * of)
    return (middle + sure * sqrt(share * (1 - share) / of + z2 / (4 * of * of))) / (1 + z2 / of)


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of calls: the share answered by a person, of those how many within so many seconds of ringing,
    after how long a call that nobody answers is given up, and which share of operators who have been busy for so many
    seconds will be free within so many more.
    """

    hit: float
    answered_by: Callable[[float], float]
    ring_s: float  # until a person answers, in the mean
    given_up_s: float
    freed: Callable[[float, float], float]


@dataclass(frozen=True, slots=True)
class Now:
    """Operators ready, how long the busy ones have been so, and how long calls have been ringing; in seconds."""

    ready: int
    busy: Sequence[float]
    ringing: Sequence[float]


def to_dial(now: Now, expected: Expected, price: float, *, at_most: int) -> int:
    """How many calls to start at once, `at_most` so many. A price of 0 dials one call for each ready operator."""
    if not now.ready and not now.busy:
        return 0
    if price <= 0:
        return max(0, min(at_most, now.ready - len(now.ringing)))
    within = expected.ring_s
    rivals = several(_answers(one, within, expected) for one in now.ringing)
    freed = several(expected.freed(one, within) for one in now.busy)
    new = expected.hit * expected.answered_by(within)
    count = 0
    while count < at_most and _nobody_there(rivals, freed, now.ready) <= price:
        rivals = _one_more(rivals, new)
        count += 1
    return count


def _answers(rung: float, within: float, expected: Expected) -> float:
    """The chance that a call that has rung for so long is answered by a person within so many seconds more."""
    before, after = expected.answered_by(rung), expected.answered_by(rung + within)
    still = expected.hit * (1 - before) + (1 - expected.hit) * (rung < expected.given_up_s)
    return 0.0 if still <= 0 else expected.hit * (after - before) / still


def several(chances: Iterable[float]) -> list[float]:
    """How likely it is that none, one, two… of these come true (Poisson's binomial)."""
    found = [1.0]
    for one in chances:
        found = _one_more(found, one)
    return found


def _one_more(found: list[float], chance: float) -> list[float]:
    rest = 1 - chance
    more = [0.0] * (len(found) + 1)
    for n, likely in enumerate(found):
        more[n] += likely * rest
        more[n + 1] += likely * chance
    return more


def _nobody_there(rivals: Sequence[float], freed: Sequence[float], ready: int) -> float:
    """The chance that those who answered before have taken every operator who is ready or was freed."""
    least, chance = 0.0, 0.0  # that fewer than so many were freed
    for n, likely in enumerate(rivals):
        if n < ready:
            continue
        least = sum(freed[: n - ready + 1])
        chance += likely * least
    return chance


@dataclass(frozen=True, slots=True)
class Pace:
    """The price at which calls are started, and what came of it."""

    price: float = 0.01
    tally: Tally = Tally()

    def heard(self, *, abandoned: bool) -> "Pace":
        """A person answered."""
        tally = Tally(self.tally.answered + 1, self.tally.abandoned + abandoned)
        if not self.allowed:
            return Pace(self.price, tally)
        aim = aimed_at(tally.answered)
        price = exp(log(self.price) + STEP * (aim - abandoned))
        return Pace(min(max(price, LEAST), MOST_PRICE), tally)

    @property
    def allowed(self) -> float:
        """The price now: none while one more abandoned call could take the bound over the cap."""
        return self.price if upper(self.tally.abandoned + 1, self.tally.answered + 1) <= CAP else 0.0


def aimed_at(answered: int) -> float:
    """The share of abandoned calls that keeps the bound under the cap after so many."""
    return max(0.0, CAP - SURE * sqrt(CAP * (1 - CAP) / max(answered, 1)))
