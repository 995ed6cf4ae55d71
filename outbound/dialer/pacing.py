"""How many calls to start now, so that operators wait little and nobody who answers finds none. Pure.

One more call is worth it while the chance that it would be abandoned stays under a price. The chance comes from what
is under way: operators who are ready, those who will be by the time it is answered (by how long they have been busy),
and calls that ring already (by how long they have rung). The price follows what comes of it, so that abandonment stays
under a cap on the share of calls *answered by a person*, tested before dialing with an upper confidence bound (Garante
83/2014: 3 in 100; FTC TSR 310.4(b)(4): 3 % per campaign and 30 days).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

from outbound.dialer.expected import Expected

CAP = 0.03
SURE = 1.645  # standard errors: one-sided 95 %
FIRST_PRICE, LEAST_PRICE, MOST_PRICE = 0.004, 0.001, 0.5
STEP = 0.1  # how fast the price follows, per answered call and in its logarithm
SPENT_OVER, MOST_AIMED = 150, 0.035  # answered calls; a share of them
RINGS_AT = (1 / 6, 1 / 2, 5 / 6)  # the answer is looked for after these shares of ringing times
TOO_LIKELY = 0.25  # the chance of an abandoned call at which one that rings is given up
NOTHING = 1e-9  # a chance that nobody counts


@dataclass(frozen=True, slots=True)
class Now:
    """Operators ready, how long the busy ones have been so, and how long calls have been ringing; in seconds."""

    ready: int
    busy: Sequence[float] = ()
    ringing: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Tally:
    """Calls answered by a person, and those of them that found no operator."""

    answered: int = 0
    abandoned: int = 0

    @property
    def share(self) -> float | None:
        """The share of abandoned calls; none before the first is answered."""
        return self.abandoned / self.answered if self.answered else None

    @property
    def bound(self) -> float:
        """The share under which, 95 % sure, the true one lies; 1 before the first."""
        return upper(self.abandoned, self.answered)


@dataclass(frozen=True, slots=True)
class Pace:
    """The price at which calls are started, and what came of it."""

    price: float = FIRST_PRICE
    tally: Tally = Tally()

    def heard(self, *, abandoned: bool) -> "Pace":
        """A person answered: what he found moves the price."""
        tally = Tally(self.tally.answered + 1, self.tally.abandoned + abandoned)
        if not self.allowed:
            return Pace(self.price, tally)
        price = exp(log(self.price) + STEP * (aim(tally) - abandoned))
        return Pace(min(max(price, LEAST_PRICE), MOST_PRICE), tally)

    @property
    def allowed(self) -> float:
        """The price now: none while one more abandoned call could take the bound over the cap."""
        return self.price if _bears(self.tally, 1) else 0.0


def to_dial(now: Now, expected: Expected, price: float, *, at_most: int) -> int:
    """How many calls to start at once, `at_most` so many. A price of 0 starts one for each operator who is ready."""
    if not now.ready and not now.busy:
        return 0
    if price <= 0:
        return max(0, min(at_most, now.ready - len(now.ringing)))
    ahead = [_ahead(now, expected, expected.ring(share)) for share in RINGS_AT]
    count = 0
    while count < at_most and sum(one.chance(now.ready) for one in ahead) <= price * len(ahead):
        for one in ahead:
            one.add()
        count += 1
    return count


def to_drop(now: Now, expected: Expected, price: float) -> int:
    """How many of the calls that ring, those that rang least, must be given up before somebody answers: operators have
    left, and nobody could take him. At a price of 0 each that has no operator who is ready. Not one that was
    just worth it.
    """
    if price <= 0 or (not now.ready and not now.busy):
        return max(0, len(now.ringing) - now.ready)
    kept = sorted(now.ringing, reverse=True)
    while kept:
        without = Now(now.ready, now.busy, kept[:-1])
        ahead = [_ahead(without, expected, expected.ring(share)) for share in RINGS_AT]
        if sum(one.chance(now.ready) for one in ahead) <= max(TOO_LIKELY, price) * len(ahead):
            break
        kept.pop()
    return len(now.ringing) - len(kept)


def upper(some: float, of: float, sure: float = SURE) -> float:
    """The upper end of Wilson's interval for a share (JASA 22, 1927); 1 of nothing."""
    if of <= 0:
        return 1.0
    share, z2 = some / of, sure * sure
    middle = share + z2 / (2 * of)
    return (middle + sure * sqrt(share * (1 - share) / of + z2 / (4 * of * of))) / (1 + z2 / of)


def aim(tally: Tally) -> float:
    """The share of the next calls that may be abandoned: what the bound bears now is spent over the next `SPENT_OVER`
    people who answer. So little is risked while little is known, and the bound is seldom met, after which each operator
    would have his own line for long: that costs more than it had brought.
    """
    return min(spare(tally) / SPENT_OVER, MOST_AIMED)


def spare(tally: Tally) -> int:
    """How many of the next people who answer might be abandoned, one after the other, with the bound still under the
    cap; no more is counted than `aim` looks at.
    """
    count = 0
    while count < MOST_AIMED * SPENT_OVER and _bears(tally, count + 1):
        count += 1
    return count


def _bears(tally: Tally, more: int) -> bool:
    return upper(tally.abandoned + more, tally.answered + more) <= CAP


@dataclass(slots=True)
class _Ahead:
    """So many seconds from now: how likely none, one, two… calls were answered, and operators freed."""

    answered: list[float]
    freed: list[float]
    new: float  # the chance that a call started now was

    def add(self) -> None:
        """One more call is started."""
        self.answered = _one_more(self.answered, self.new)

    def chance(self, ready: int) -> float:
        """That those who answered have taken every operator who was ready or was freed."""
        found = least = 0.0
        for n, likely in enumerate(self.answered[ready:]):
            if n < len(self.freed):
                least += self.freed[n]
            found += likely * least
        return found


def _ahead(now: Now, expected: Expected, within: float) -> _Ahead:
    return _Ahead(
        several(expected.answers(rung, within) for rung in now.ringing),
        several(expected.freed(busy, within) for busy in now.busy),
        expected.answers(0, within),
    )


def several(chances: Iterable[float]) -> list[float]:
    """How likely it is that none, one, two… of these come true (Poisson's binomial)."""
    found = [1.0]
    for one in chances:
        if one > NOTHING:
            found = _one_more(found, one)
    return found


def _one_more(found: list[float], chance: float) -> list[float]:
    rest, before = 1 - chance, 0.0
    more = []
    for likely in found:
        more.append(likely * rest + before * chance)
        before = likely
    if before * chance > NOTHING:
        more.append(before * chance)
    return more
