"""What the collection system told of payments, and when: the memory that its statements themselves do not have. Pure.

A statement lists the payments of a debt as they stand. What it newly lists was told; what it no longer lists was
reversed. A payment has no key of its own in a statement: it is known by its day, its amount and, of equal ones, its
place among them. A rate that is said to be paid and is in no list of payments is one all the same.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from outbound.field.closing.agreed import Part, Phase

Key = tuple[str, str]  # the position's reference, and the payment's key within it


class Change(StrEnum):
    """What a statement newly says of a payment."""

    TOLD = "told"
    REVERSED = "reversed"  # it is listed no more
    WITHDRAWN = "withdrawn"  # its whole position is gone
    BACK = "back"  # listed again
    RATE = "rate"  # it turned out to be a rate of a plan


GONE = frozenset({Change.REVERSED, Change.WITHDRAWN})


@dataclass(frozen=True, slots=True)
class Told:
    """A payment in a statement. `registered_on`: the day on which the ente registered it, where that is told."""

    paid_on: date
    cents: int
    registered_on: date | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What is known of a debt as of a day. `granted_on`: its plan's; `rates`: those paid before the plan lapsed."""

    reference: str
    as_of: date
    paid: tuple[Told, ...] = ()
    rates: tuple[Told, ...] = ()
    granted_on: date | None = None
    parts: tuple[int, ...] = (0,) * len(Part)  # cents, in the order of `Part`
    phase: Phase = Phase.REQUEST
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as it is known. `granted_on`: of the plan of which it is a rate; `gone`: why it no longer counts;
    `parts`: of what its debt was made up when it was first told.
    """

    reference: str
    key: str
    paid_on: date
    cents: int
    registered_on: date
    phase: Phase = Phase.REQUEST
    parts: tuple[int, ...] = (0,) * len(Part)
    granted_on: date | None = None
    gone: Change | None = None

    @property
    def at(self) -> Key:
        """What tells it from every other one of the ente."""
        return self.reference, self.key


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was newly said of a payment, as of a day; `payment` is how it stands since."""

    change: Change
    on: date
    payment: Payment


def hear(known: Mapping[Key, Payment], statement: Statement, since: date) -> tuple[Event, ...]:
    """What a statement newly says. `known`: the payments of this debt as they stand; `since`: what was paid before that
    day is left out. Heard again, a statement says nothing new.
    """
    return tuple(_hear(known, statement, since))


def _hear(known: Mapping[Key, Payment], statement: Statement, since: date) -> Iterator[Event]:
    listed = {} if statement.withdrawn else _listed(statement, since)
    for key, told in listed.items():
        before = known.get((statement.reference, key))
        granted_on = statement.granted_on if _is_rate(told, statement) else None
        if before is None:
            registered_on = told.registered_on or statement.as_of
            fresh = Payment(
                statement.reference, key, told.paid_on, told.cents, registered_on, statement.phase, statement.parts,
                granted_on,
            )  # fmt: skip
            yield Event(Change.TOLD, statement.as_of, fresh)
            continue
        now = before
        if before.gone:
            now = replace(before, gone=None)
            yield Event(Change.BACK, statement.as_of, now)
        if before.granted_on is None and granted_on is not None:
            yield Event(Change.RATE, statement.as_of, replace(now, granted_on=granted_on))
    for (_, key), before in known.items():
        if key not in listed and before.gone is None:
            why = Change.WITHDRAWN if statement.withdrawn else Change.REVERSED
            yield Event(why, statement.as_of, replace(before, gone=why))


def known(events: Iterable[Event], until: date) -> dict[Key, Payment]:
    """The payments as they stood on a day's end; when they were told does not matter: of what was reversed later, and
    by later events, nothing is known yet.
    """
    found: dict[Key, Payment] = {}
    for one in events:
        at = one.payment.at
        if one.change in GONE or one.change is Change.BACK:
            if one.on <= until and at in found:
                found[at] = replace(found[at], gone=one.payment.gone)
        elif one.change is Change.RATE:
            found[at] = replace(found[at], granted_on=one.payment.granted_on)
        else:
            found[at] = one.payment
    return found


def _listed(statement: Statement, since: date) -> dict[str, Told]:
    """The payments by their keys, the rates that are in no list of payments among them."""
    seen = {(one.paid_on, one.cents) for one in statement.paid}
    rates = [one for one in statement.rates if (one.paid_on, one.cents) not in seen]
    times: Counter[tuple[date, int]] = Counter()
    listed: dict[str, Told] = {}
    ordered = sorted(
        (*statement.paid, *rates), key=lambda one: (one.paid_on, one.cents, one.registered_on or date.max)
    )  # fmt: skip
    for one in ordered:
        if one.paid_on < since:
            continue
        times[one.paid_on, one.cents] += 1
        listed[f"{one.paid_on:%Y%m%d}-{one.cents}-{times[one.paid_on, one.cents]}"] = one
    return listed


def _is_rate(told: Told, statement: Statement) -> bool:
    return any((one.paid_on, one.cents) == (told.paid_on, told.cents) for one in statement.rates)
