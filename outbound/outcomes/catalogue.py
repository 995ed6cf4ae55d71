"""The outcomes of a conversation that somebody placed, and what follows from each. Pure.

With whom it was is the point: what concerns the debt is said to the right party alone (Garante, 30 November 2005), so
an outcome that presupposes him is given only once he has been identified. Of a third party nothing is asked but when
to call.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from crm.cases.requests import Wanted
from crm.core.errors import InvalidError


class Said(StrEnum):
    """What came of it."""

    INFORMED = "informed"  # the right party, who bound himself to nothing
    PROMISE = "promise"
    INSTALMENTS = "instalments"  # he asks for them
    DISPUTE = "dispute"
    ALREADY_PAID = "already_paid"
    REFUSES = "refuses"
    CALL_AGAIN = "call_again"  # at another time
    NO_MORE_CALLS = "no_more_calls"
    THIRD_PARTY = "third_party"
    WRONG_NUMBER = "wrong_number"
    MOVED = "moved"
    DECEASED = "deceased"


class Whom(StrEnum):
    """Who was on the line."""

    RIGHT_PARTY = "right_party"
    ANYBODY = "anybody"


class Next(StrEnum):
    """What the campaign does with him."""

    AGAIN = "again"  # after a wait, as far as the rules allow it
    STEP = "step"  # this step is over: the next one follows
    HELD = "held"  # nobody calls while what he asked for is open
    OUT = "out"  # as long as what he said is held to be true


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows. `wait_days`: until he is called again; `work_days`: until the back office has to have looked at it;
    `asks`: the request that it is; `reached`: the number is his (or, false, is not; none: nobody knows).
    """

    whom: Whom
    next: Next
    wait_days: int = 0
    work_days: int | None = None
    asks: Wanted | None = None
    reached: bool | None = None


CATALOGUE: Mapping[Said, Consequence] = MappingProxyType(
    {
        Said.INFORMED: Consequence(Whom.RIGHT_PARTY, Next.AGAIN, wait_days=7, reached=True),
        Said.PROMISE: Consequence(Whom.RIGHT_PARTY, Next.AGAIN, reached=True),
        Said.INSTALMENTS: Consequence(Whom.RIGHT_PARTY, Next.HELD, asks=Wanted.INSTALMENTS, reached=True),
        Said.DISPUTE: Consequence(Whom.RIGHT_PARTY, Next.HELD, asks=Wanted.DISPUTE, reached=True),
        Said.ALREADY_PAID: Consequence(Whom.RIGHT_PARTY, Next.HELD, asks=Wanted.ALREADY_PAID, reached=True),
        Said.REFUSES: Consequence(Whom.RIGHT_PARTY, Next.STEP, reached=True),
        Said.CALL_AGAIN: Consequence(Whom.RIGHT_PARTY, Next.AGAIN, wait_days=1, reached=True),
        Said.NO_MORE_CALLS: Consequence(Whom.ANYBODY, Next.STEP),
        Said.THIRD_PARTY: Consequence(Whom.ANYBODY, Next.AGAIN, wait_days=1),
        Said.WRONG_NUMBER: Consequence(Whom.ANYBODY, Next.AGAIN, reached=False),
        Said.MOVED: Consequence(Whom.ANYBODY, Next.AGAIN, wait_days=2),
        Said.DECEASED: Consequence(Whom.ANYBODY, Next.OUT, work_days=3),
    }
)
WAITS = tuple(one for one, what in CATALOGUE.items() if what.next is Next.AGAIN and what.wait_days)
# Without these nobody could be let go who must not be called.
ALWAYS = frozenset({Said.INFORMED, Said.THIRD_PARTY, Said.WRONG_NUMBER, Said.DECEASED, Said.NO_MORE_CALLS})
FARTHEST = timedelta(days=60)  # at which somebody may ask to be called
RANGES = {"promise_days": (1, 90), "grace_days": (0, 15), "minute_mills": (0, 10_000)}
LONGEST_WAIT = 60


@dataclass(frozen=True, slots=True)
class OutcomeRules:
    """What a campaign has set of its own. `off`: outcomes that its agents do not give; `waits`: days until somebody is
    called again; `promise_days`: how far ahead a promise may lie, `grace_days` by which its payment may come later;
    `minute_mills`: the price of a minute of conversation, in thousandths of a euro.
    """

    off: tuple[Said, ...] = ()
    waits: Mapping[Said, int] = field(default_factory=dict)
    promise_days: int = 30
    grace_days: int = 3
    minute_mills: int | None = None

    def offered(self, *, about_debt: bool) -> tuple[Said, ...]:
        """What an agent may choose of."""
        of_debt = () if about_debt else (Said.PROMISE, Said.INSTALMENTS, Said.ALREADY_PAID)
        return tuple(one for one in Said if one not in self.off and one not in of_debt)

    def wait(self, said: Said) -> timedelta:
        """How long nobody calls after an outcome."""
        return timedelta(days=self.waits.get(said, CATALOGUE[said].wait_days))

    def wrong(self) -> Iterator[InvalidError]:
        """What cannot be so, by its field."""
        for name, (least, most) in RANGES.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                yield InvalidError(f"Un numero da {least} a {most}.", field=name)
        for one, days in self.waits.items():
            if not 1 <= days <= LONGEST_WAIT:
                yield InvalidError(f"Da 1 a {LONGEST_WAIT} giorni.", field=f"wait-{one}")
        if ALWAYS.intersection(self.off):
            yield InvalidError("Questi esiti servono sempre.", field="off")


def called_again(said: Said, rules: OutcomeRules, *, at: datetime, wish: datetime | None) -> datetime:
    """From when he may be called again. Raises `InvalidError` for a wish in the past or too far ahead."""
    if wish is None:
        return at + rules.wait(said)
    if wish <= at:
        raise _wrong("Questo momento è già passato: scegline uno più avanti.", "call_day")
    if wish > at + FARTHEST:
        raise _wrong(f"Al massimo {FARTHEST.days} giorni da oggi.", "call_day")
    return wish


def _wrong(message: str, field: str) -> InvalidError:
    return InvalidError(message, parts=(InvalidError(message, field=field),))
