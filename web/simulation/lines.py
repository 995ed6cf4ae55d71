"""What the network of a simulation is made of: lines and rooms as the carrier knows them, and whoever is at them."""

from dataclasses import dataclass, field
from typing import Protocol

CUSTOMER = "customer"
Fields = dict[str, str]


class Party(Protocol):
    """Whoever is at a line."""

    def rings(self, line: "Line") -> None:
        """His telephone rings."""

    def asked(self, line: "Line", prompt_s: float) -> tuple[float, str] | None:
        """Keys are awaited, after so many seconds of speech: after how many he presses which; none: he does not."""

    def told(self, line: "Line", document: str) -> None:
        """The product has answered so about his line."""

    def happens(self, line: "Line") -> None:
        """Something begins to happen to his line: the worst instant for it to end."""

    def together(self, line: "Line", other: "Line") -> None:
        """He hears somebody."""

    def alone(self, line: "Line") -> None:
        """He does not any more."""

    def ended(self, line: "Line") -> None:
        """His line is over."""


class Author(Protocol):
    """Somebody who writes from his number to one of ours; `heard` are the SMS of which the product knows."""

    number: str
    line: str
    heard: set[str]


@dataclass(slots=True)
class Outside:
    """A number outside that is dialled for a caller: from when to when they spoke."""

    since: float | None = None
    until: float | None = None

    def told(self) -> Fields:
        """What the product is told of it."""
        if self.since is None or self.until is None:
            return {"DialCallStatus": "canceled"}
        return {"DialCallStatus": "completed", "DialCallDuration": str(int(self.until - self.since))}


@dataclass(eq=False, slots=True)
class Line:
    """A call as the carrier knows it. `turn` changes whenever its course does."""

    sid: str
    ordinal: int
    from_: str
    to: str
    inbound: bool
    party: Party
    status_url: str
    began: float
    status: str = "ringing"
    label: str = CUSTOMER
    room: str = ""
    queued: bool = False
    held: bool = False
    wait_url: str = ""  # what plays in his queue
    action: str = ""  # told of the end of queue or room
    announced: bool = True  # the product was told of it
    turn: int = 0
    sequence: int = 0
    answered: float | None = None
    ended: float | None = None
    outside: list["Outside"] = field(default_factory=list)  # whom he was put through to
    entered: float = 0.0  # its room, or its place there

    @property
    def live(self) -> bool:
        return self.ended is None


@dataclass(eq=False, slots=True)
class Room:
    """A conference. Somebody who is still being rung has a place in it."""

    ordinal: int
    url: str
    inside: dict[str, Line] = field(default_factory=dict)
    expected: dict[str, Line] = field(default_factory=dict)
    sequence: int = 0
