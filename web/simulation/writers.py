"""Citizens who write by SMS: what they do, drawn from the seed, and what truly came of it."""

import random
from dataclasses import dataclass, field

from web.simulation.network import Network

THINKS_S = (5.0, 90.0)
FIRST = "Buongiorno, vorrei sapere quando siete aperti."
FURTHER = "Grazie. E il sabato?"


@dataclass(eq=False, slots=True)
class Writer:
    """Somebody who writes, and writes again once he has been answered, so many times."""

    network: Network
    draw: random.Random
    number: str
    line: str
    turns: int
    wrote: list[str] = field(default_factory=list)  # the carrier's names of what he wrote
    heard: set[str] = field(default_factory=set)  # of which the product knows
    answers: int = 0  # of agents
    automatic: list[str] = field(default_factory=list)

    def writes(self) -> None:
        """One more SMS."""
        self.turns -= 1
        self.wrote.append(self.network.text(self, FURTHER if self.wrote else FIRST))

    def reads(self, body: str, *, by_agent: bool) -> None:
        """He is answered."""
        if not by_agent:
            self.automatic.append(body)
            return
        self.answers += 1
        if self.turns > 0:
            self.network.clockwork.after(self.draw.uniform(*THINKS_S), self.writes)
