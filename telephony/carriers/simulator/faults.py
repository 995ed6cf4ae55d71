"""What goes wrong, decided by the seed alone and not by timing.

A fault strikes with a probability for everything (`config.Faults`), or is *injected*: for one call or for all, for one
kind of request or for all, so many times or until it is taken back.
"""

import itertools
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from telephony.carriers.simulator.config import Faults

STRAY_S = 0.3
"""How long an out-of-order callback strays at least, so that others overtake it."""


class Fault(StrEnum):
    """What a carrier, or the way to it, does wrong."""

    DROP = "drop"  # a callback, or the request for a document, never arrives
    DUPLICATE = "duplicate"  # it arrives twice
    REORDER = "reorder"  # later ones overtake it
    DELAY = "delay"  # it arrives late
    BAD_SIGNATURE = "bad_signature"  # it arrives, and its signature is wrong
    CALLBACK_FIRST = "callback_before_reply"  # the first callback overtakes the reply that created its subject
    LOSE_REPLY = "lose_reply"  # what was asked for is made, and nobody is told
    RATE_LIMIT = "rate_limit"  # 429: nothing is done
    SERVER_ERROR = "server_error"  # 500: nothing is done
    HANG = "hang"  # no answer within any patience: nothing is done
    GONE = "gone"  # 21220: the call cannot be moved or ended, it is over already
    DOWN = "down"  # the whole carrier: it answers 503, tells nothing, takes no calls


class Kind(StrEnum):
    """What may be struck."""

    CALL = "call"  # a callback about a call
    CONFERENCE = "conference"
    MESSAGE = "message"  # an SMS to the product, or a callback about one of its own
    RECORDING = "recording"
    DOCUMENT = "document"  # a request for what a caller hears next
    CREATE = "create"  # a REST request that makes something
    UPDATE = "update"  # one that changes something
    READ = "read"


CALLBACKS = frozenset({Kind.CALL, Kind.CONFERENCE, Kind.MESSAGE, Kind.RECORDING})
REQUESTS = frozenset({Kind.CREATE, Kind.UPDATE, Kind.READ})
ON_THE_WAY = CALLBACKS | {Kind.DOCUMENT}
STRIKES: dict[Fault, frozenset[Kind]] = {
    Fault.DROP: ON_THE_WAY,
    Fault.DUPLICATE: ON_THE_WAY,
    Fault.REORDER: CALLBACKS,
    Fault.DELAY: ON_THE_WAY,
    Fault.BAD_SIGNATURE: ON_THE_WAY,
    Fault.CALLBACK_FIRST: frozenset({Kind.CREATE}),
    Fault.LOSE_REPLY: frozenset({Kind.CREATE}),
    Fault.RATE_LIMIT: REQUESTS,
    Fault.SERVER_ERROR: REQUESTS,
    Fault.HANG: REQUESTS,
    Fault.GONE: frozenset({Kind.UPDATE}),
    Fault.DOWN: ON_THE_WAY | REQUESTS,
}


@dataclass(frozen=True, slots=True)
class About:
    """What is about to happen. `subject` is numbered (the third call), never named by random identifiers."""

    kind: Kind
    subject: str
    call: str | None = None  # its SID, where it is about one
    event: str | None = None  # of a callback: `completed`, `participant-join`


@dataclass(slots=True)
class Injection:
    """A fault wanted on purpose. Without a call, a kind, an event or `times`: for any, and until it is taken back."""

    id: int
    fault: Fault
    share: float = 1.0
    times: int | None = None
    kind: Kind | None = None
    event: str | None = None
    call: str | None = None
    struck: int = 0

    @property
    def spent(self) -> bool:
        return self.times is not None and self.struck >= self.times

    def fits(self, about: About) -> bool:
        """Whether it is meant for this."""
        return (
            not self.spent
            and about.kind in STRIKES[self.fault]
            and self.kind in {None, about.kind}
            and self.event in {None, about.event}
            and self.call in {None, about.call}
        )


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one request to the product. Out of order: later ones do not wait for it, nor it for earlier."""

    copies: int = 1
    delay_s: float = 0.0
    out_of_order: bool = False
    forged: bool = False


class Misfortune:
    """Draws from the seed. The n-th question about one subject always has the same answer, however the
    subjects interleave."""

    def __init__(self, faults: Faults, injections: Iterable[Injection] = ()) -> None:
        self.faults = faults
        self.injections = {one.id: one for one in injections}
        self._ids = itertools.count(max(self.injections, default=0) + 1)
        self._asked: Counter[str] = Counter()

    def inject(
        self, fault: Fault, *, share: float = 1.0, times: int | None = None, kind: Kind | None = None,
        event: str | None = None, call: str | None = None,
    ) -> Injection:  # fmt: skip
        """Have something go wrong from now on."""
        made = Injection(next(self._ids), fault, share, times, kind, event, call)
        self.injections[made.id] = made
        return made

    def withdraw(self, injection_id: int) -> bool:
        """Let it be right again; false when there is no such injection."""
        return self.injections.pop(injection_id, None) is not None

    @property
    def down(self) -> bool:
        """Whether the whole carrier is out of order."""
        return self.faults.down or any(
            one.fault is Fault.DOWN and one.call is None and not one.spent for one in self.injections.values()
        )

    def fate(self, about: About) -> Fate:
        """Of the next request to the product about this subject."""
        if self.faults.down or self._injected(Fault.DOWN, about) or self.strikes(Fault.DROP, about):
            return Fate(copies=0)
        late = self.strikes(Fault.DELAY, about)
        delay_s = self.faults.delay_s * (0.5 + self._dice(f"late:{about.subject}").random() / 2) if late else 0.0
        out_of_order = self.strikes(Fault.REORDER, about)
        return Fate(
            copies=2 if self.strikes(Fault.DUPLICATE, about) else 1,
            delay_s=max(delay_s, STRAY_S) if out_of_order else delay_s,
            out_of_order=out_of_order,
            forged=self.strikes(Fault.BAD_SIGNATURE, about),
        )

    def strikes(self, fault: Fault, about: About) -> bool:
        """Whether this fault happens this time."""
        if about.kind not in STRIKES[fault]:
            return False
        if fault is Fault.DOWN and self.faults.down:
            return True
        return self._injected(fault, about) or self._drawn(fault, about, _share(self.faults, fault))

    def _injected(self, fault: Fault, about: About) -> bool:
        for one in self.injections.values():
            if one.fault is fault and one.fits(about) and self._drawn(fault, about, one.share):
                one.struck += 1
                return True
        return False

    def _drawn(self, fault: Fault, about: About, probability: float) -> bool:
        return probability > 0 and self._dice(f"{fault}:{about.subject}").random() < probability

    def _dice(self, subject: str) -> random.Random:
        self._asked[subject] += 1
        return random.Random(f"{self.faults.seed}:{subject}:{self._asked[subject]}")  # noqa: S311 - not a secret


def _share(faults: Faults, fault: Fault) -> float:
    return float(getattr(faults, fault.value))
