"""What follows for a practice from the outcome of a visit. Pure.

Whoever asked for something is left alone until somebody answered him; who bound himself is visited no more for it; and
nobody is visited more often than the mandate says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from crm.cases.requests import Wanted
from outbound.compliance.visited import PAUSES
from outbound.field.practices.lifecycle import Closed
from outbound.field.visits.door import Outcome


class Way(StrEnum):
    AGAIN = "again"  # another visit, not before some days
    CLOSE = "close"
    FREEZE = "freeze"  # nobody goes until the office has decided


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows. `days`: until he may be visited again; `closed`: as what the practice is over, or would be after
    the mandate's last visit (none: the office decides); `work_days`: within which the office has to see to it;
    `asks`: the request that it is.
    """

    way: Way
    days: int = 0
    closed: Closed | None = None
    work_days: int | None = None
    asks: Wanted | None = None


def _again(outcome: Outcome, closed: Closed | None = None) -> Consequence:
    """Another visit, once the pause is over that the compliance wants after such an outcome."""
    return Consequence(Way.AGAIN, days=PAUSES[outcome].days, closed=closed)


CONSEQUENCES: Mapping[Outcome, Consequence] = MappingProxyType(
    {
        Outcome.MET: _again(Outcome.MET),
        Outcome.PAID: _again(Outcome.PAID),
        Outcome.PROMISE: Consequence(Way.CLOSE, closed=Closed.PROMISED),
        Outcome.INSTALMENTS: Consequence(Way.FREEZE, asks=Wanted.INSTALMENTS),
        Outcome.DISPUTE: Consequence(Way.FREEZE, asks=Wanted.DISPUTE),
        Outcome.ALREADY_PAID: Consequence(Way.FREEZE, asks=Wanted.ALREADY_PAID),
        Outcome.HARDSHIP: Consequence(Way.CLOSE, closed=Closed.HARDSHIP, work_days=2),
        Outcome.REFUSED: Consequence(Way.CLOSE, closed=Closed.REFUSED),
        Outcome.THIRD_PARTY: _again(Outcome.THIRD_PARTY, Closed.NOT_FOUND),
        Outcome.ABSENT: _again(Outcome.ABSENT, Closed.NOT_FOUND),
        Outcome.MOVED: Consequence(Way.CLOSE, closed=Closed.NOT_FOUND, work_days=3),
        Outcome.DECEASED: Consequence(Way.CLOSE, closed=Closed.DECEASED, work_days=3),
        Outcome.NOT_FOUND: Consequence(Way.CLOSE, closed=Closed.NOT_FOUND, work_days=3),
        Outcome.CLOSED: _again(Outcome.CLOSED, Closed.NOT_FOUND),
        Outcome.UNSAFE: Consequence(Way.FREEZE, work_days=1),
    }
)


def follows(outcome: Outcome, *, made: int, most: int) -> Consequence:
    """What follows when `made` visits, this one included, of the `most` that the mandate allows are done."""
    found = CONSEQUENCES[outcome]
    if found.way is not Way.AGAIN or made < most:
        return found
    if found.closed is not None:
        return Consequence(Way.CLOSE, closed=found.closed)
    return Consequence(Way.FREEZE, work_days=3)
