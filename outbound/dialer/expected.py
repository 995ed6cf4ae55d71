"""What a campaign's calls are expected to do, learned from its last ones: who answers, when, and for how long. Pure.

Nothing is kept between two times: after a restart the same calls say the same.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

LAST = 400  # calls, and conversations, that are looked at
HALF_LIVES = (25.0, 200.0)  # in calls; the larger share counts, so that a sudden rise is believed at once
USUAL_HIT, USUAL_TALK_S = 0.3, 120.0
USUAL_RING_S = (4.0, 20.0)  # people answer evenly between these
WEIGHT = 10.0  # how many calls what is usual counts for


@dataclass(frozen=True, slots=True)
class Expected:
    """The share of calls that a person answers; after how long he does, and how long an operator is busy with him
    (conversation and notes), both in order; after how long a call that nobody answers is given up. In seconds.
    """

    hit: float = USUAL_HIT
    rings: tuple[float, ...] = ()
    busy: tuple[float, ...] = ()
    given_up_s: float = 24.0

    def ring(self, share: float) -> float:
        """Within how many seconds this share of those who answer has done so."""
        usual = USUAL_RING_S[0] + share * (USUAL_RING_S[1] - USUAL_RING_S[0])
        if not self.rings:
            return usual
        seen = self.rings[min(int(share * len(self.rings)), len(self.rings) - 1)]
        return (seen * len(self.rings) + usual * WEIGHT) / (len(self.rings) + WEIGHT)

    def answers(self, rung: float, within: float) -> float:
        """The chance that a person answers a call that has rung for so long, within so many seconds more."""
        before, after = self._answered_by(rung), self._answered_by(rung + within)
        still = self.hit * (1 - before) + (1 - self.hit) * (rung < self.given_up_s)
        return 0.0 if still <= 0 else self.hit * (after - before) / still

    def freed(self, busy: float, within: float) -> float:
        """The chance that an operator who has been busy for so long is free within so many seconds more."""
        still, later = self._still_busy(busy), self._still_busy(busy + within)
        return 1 - later / still if still > 0 else 1.0

    def _answered_by(self, seconds: float) -> float:
        first, last = USUAL_RING_S
        usual = min(max((seconds - first) / (last - first), 0.0), 1.0)
        return (bisect_right(self.rings, seconds) + WEIGHT * usual) / (len(self.rings) + WEIGHT)

    def _still_busy(self, seconds: float) -> float:
        mean = sum(self.busy) / len(self.busy) if self.busy else USUAL_TALK_S
        return len(self.busy) - bisect_right(self.busy, seconds) + WEIGHT * exp(-seconds / max(mean, 1.0))


def learn(answered: Sequence[bool], rings: Sequence[float], busy: Sequence[float], *, given_up_s: float) -> Expected:
    """From the last calls in their order (whether a person answered), ringing times of those and times of operators."""
    return Expected(hit_of(answered[-LAST:]), tuple(sorted(rings[-LAST:])), tuple(sorted(busy[-LAST:])), given_up_s)


def hit_of(answered: Sequence[bool]) -> float:
    """The share that people answer, the last calls counting most."""
    return max(_recent(answered, half_life) for half_life in HALF_LIVES)


def _recent(answered: Sequence[bool], half_life: float) -> float:
    some, of, weight = USUAL_HIT * WEIGHT, WEIGHT, 1.0
    fade = 0.5 ** (1 / half_life)
    for one in reversed(answered):
        some, of, weight = some + weight * one, of + weight, weight * fade
    return some / of
