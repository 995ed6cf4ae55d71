"""How one level stands: a figure against its limit, and how much is left until it is missed. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from crm.levels import formulas
from crm.levels.agreement import Promise
from crm.levels.formulas import NEAR, Standing
from crm.levels.known import Breach, Evidence
from crm.levels.terms import Terms

ONE = Decimal(1)
BELOW = frozenset({"<", "<="})


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one level stands.

    `part` of `whole` is the figure behind a share, or the days over the limit of all service days. `spendable`: how
    much more may go wrong before the level is missed. `breaches` passed the limit; of those `penalised` are paid for.
    """

    promise: Promise
    standing: Standing = Standing.UNKNOWN
    measured: Decimal | None = None
    part: int | None = None
    whole: int | None = None
    spendable: int | None = None
    breaches: tuple[Breach, ...] = ()
    penalised: tuple[Breach, ...] = ()
    span: Annotated[tuple[date, date] | None, Field(exclude_if=lambda known: known is None)] = None


def late_subject(day: date, which: int | str, days: int) -> str:
    """What is said of a day that something came late: the day from which it is told, which one, and which day of it."""
    return f"{day.isoformat()}:{which}:{days}"


Judge = Callable[[Promise, Evidence, Terms], Verdict]


def tolerated_days(share: Decimal, service_days: int) -> int:
    """How many of so many service days may be over the limit while it holds on that share of them."""
    return int((ONE - share) * service_days)


def bad_share(promise: Promise, part: int, whole: int) -> Verdict:
    if not whole:
        return Verdict(promise, part=part, whole=whole)
    share = Decimal(part) / whole
    left = formulas.spendable(part, whole, promise.target, strict=promise.op == "<") if promise.op in BELOW else 0
    return Verdict(promise, standing_of(promise, share), share, part, whole, left)


def standing_of(promise: Promise, measured: Decimal) -> Standing:
    """How a figure stands against a level's limit."""
    if not promise.holds(measured):
        return Standing.BROKEN
    if promise.op.startswith("<"):
        near = promise.target > 0 and measured >= promise.target * NEAR
    elif promise.target < 1:  # a share that must be high is near its limit when what it lacks is
        near = ONE - measured >= (ONE - promise.target) * NEAR
    else:
        near = measured * NEAR <= promise.target
    return Standing.NEAR if near else Standing.GOOD


def of_days(promise: Promise, over: int, days: int) -> tuple[Standing, int]:
    """How a level stands that has to hold on a share of so many days and was missed on some; on how many it may be."""
    allowed = tolerated_days(promise.share_of_days or ONE, days)
    if over > allowed:
        return Standing.BROKEN, allowed
    return Standing.NEAR if over and over >= allowed * NEAR else Standing.GOOD, allowed
