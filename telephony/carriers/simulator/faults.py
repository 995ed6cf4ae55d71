"""What goes wrong, decided by the seed alone and not by timing."""

import random
from collections import Counter
from dataclasses import dataclass

from telephony.carriers.simulator.config import Faults

STRAY_S = 0.3
"""How long an out-of-order callback strays at least, so that others overtake it."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one callback. Out of order: later ones do not wait for it, nor it for earlier ones."""

    copies: int = 1
    delay_s: float = 0.0
    out_of_order: bool = False


class Misfortune:
    """Draws from the seed. The n-th question about one subject always has the same answer, however the
    subjects interleave. Subjects are numbered (the third call), never named by random identifiers."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self._asked: Counter[str] = Counter()

    def fate(self, subject: str) -> Fate:
        """Of the next callback about `subject`."""
        dice = self._dice(f"callback:{subject}")
        dropped, twice, late, astray = (dice.random() for _ in range(4))
        if dropped < self.faults.drop:
            return Fate(copies=0)
        delay_s = self.faults.delay_s * dice.random() if late < self.faults.delay else 0.0
        out_of_order = astray < self.faults.reorder
        return Fate(
            copies=2 if twice < self.faults.duplicate else 1,
            delay_s=max(delay_s, STRAY_S) if out_of_order else delay_s,
            out_of_order=out_of_order,
        )

    def strikes(self, what: str, probability: float) -> bool:
        """Whether a fault other than a callback's happens this time."""
        return probability > 0 and self._dice(what).random() < probability

    def _dice(self, subject: str) -> random.Random:
        self._asked[subject] += 1
        return random.Random(f"{self.faults.seed}:{subject}:{self._asked[subject]}")  # noqa: S311 - not a secret
