"""What each payment earns, whose it is, or why it earns nothing. Pure. Amounts are whole euro cents.

A payment earns when an accepted mandate was valid on the day on which it was paid, both ends included, or on the day
on which the plan was granted of which it is a rate, and the ente registered it in time (requirement F3).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from uuid import UUID

from outbound.field.closing.agreed import Conditions, Part, Version, in_force, rate
from outbound.field.closing.ledger import Change, Payment


class Why(StrEnum):
    """Why a payment earns what it does."""

    EARNED = "earned"
    INSTALMENT = "instalment"  # a rate of a plan that was granted in the days of the mandate
    BEFORE = "before"  # paid before any mandate was valid
    AFTER = "after"  # paid when the mandate was over
    LATE = "late"  # registered by the ente when its days were over
    OVER = "over"  # the mandate's amount was used up
    SMALL = "small"  # less than what earns
    NOT_AGREED = "not_agreed"  # no conditions were in force
    NO_RATE = "no_rate"  # none for such an amount in such a phase
    NOT_COUNTED = "not_counted"  # nothing of the debt is of a kind that counts
    REVERSED = "reversed"
    WITHDRAWN = "withdrawn"
    ANEW = "anew"  # an earlier line is taken back: it is reckoned otherwise now


EARNING = frozenset({Why.EARNED, Why.INSTALMENT})


@dataclass(frozen=True, slots=True)
class Mandate:
    """An accepted mandate. `first`, `last`: its days, both included: from its acceptance on, and until it was taken
    away. `cents`: up to what amount.
    """

    id: UUID
    agent_id: int
    practice_id: int
    practice_number: int
    first: date
    last: date
    accepted_at: datetime
    cents: int
    references: frozenset[str]

    def covers(self, day: date) -> bool:
        """Whether it is valid on a day."""
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a payment. `within_cents`: of it within the mandate's amount; `counted_cents`: of that what the
    rate is on; `version_id`: by which conditions.
    """

    payment: Payment
    mandate: Mandate | None
    why: Why
    cents: int = 0
    within_cents: int = 0
    counted_cents: int = 0
    per_mille: Decimal = Decimal(0)
    commission_cents: int = 0
    version_id: int | None = None


def judge(payments: Iterable[Payment], mandates: Iterable[Mandate], versions: Sequence[Version]) -> tuple[Judged, ...]:
    """Every payment, by its day. Rule: what the ente did not register in time earns nothing, and it is said so."""
    by_reference: dict[str, list[Mandate]] = defaultdict(list)
    for mandate in mandates:
        for reference in mandate.references:
            by_reference[reference].append(mandate)
    used: dict[UUID, int] = defaultdict(int)
    return tuple(_judged(by_reference, versions, used, sorted(payments, key=lambda one: (one.paid_on, *one.at))))


def _judged(
    by_reference: Mapping[str, Sequence[Mandate]], versions: Sequence[Version], used: dict[UUID, int],
    payments: Iterable[Payment],
) -> Iterator[Judged]:  # fmt: skip
    for payment in payments:
        mandates = by_reference.get(payment.reference, ())
        mandate, why = whose(payment, mandates)
        version = in_force(versions, payment.paid_on)
        if payment.gone:
            yield Judged(payment, mandate, Why.WITHDRAWN if payment.gone is Change.WITHDRAWN else Why.REVERSED)
        elif why not in EARNING or mandate is None:
            yield Judged(payment, mandate, why, payment.cents)
        elif version is None:
            yield Judged(payment, mandate, Why.NOT_AGREED, payment.cents)
        else:
            found = _under(payment, mandate, why, version, used[mandate.id])
            used[mandate.id] += found.within_cents
            yield found


def whose(payment: Payment, mandates: Sequence[Mandate]) -> tuple[Mandate | None, Why]:
    """The mandate that a payment belongs to. Of two that were valid on the day, the one accepted last; of none, the
    nearest, which earns nothing.
    """
    if payment.granted_on is not None and (found := _valid(mandates, payment.granted_on)):
        return found, Why.INSTALMENT
    if found := _valid(mandates, payment.paid_on):
        return found, Why.EARNED
    over = [one for one in mandates if one.last < payment.paid_on]
    if over:
        return max(over, key=lambda one: (one.last, one.accepted_at, one.id)), Why.AFTER
    return min(mandates, key=lambda one: (one.first, one.accepted_at, one.id), default=None), Why.BEFORE


def _valid(mandates: Iterable[Mandate], day: date) -> Mandate | None:
    return max((one for one in mandates if one.covers(day)), key=lambda one: (one.accepted_at, one.id), default=None)


def _under(payment: Payment, mandate: Mandate, why: Why, version: Version, used_cents: int) -> Judged:
    """What it earns under a mandate of which an amount is used up."""
    conditions = version.conditions
    if (payment.registered_on - payment.paid_on).days > conditions.registration_days:
        return Judged(payment, mandate, Why.LATE, payment.cents, version_id=version.id)
    if payment.cents < conditions.least_cents:
        return Judged(payment, mandate, Why.SMALL, payment.cents, version_id=version.id)
    within = min(payment.cents, max(0, mandate.cents - used_cents))
    if not within:
        return Judged(payment, mandate, Why.OVER, payment.cents, version_id=version.id)
    per_mille = rate(conditions, mandate.cents, payment.phase)
    if per_mille is None:
        return Judged(payment, mandate, Why.NO_RATE, payment.cents, version_id=version.id)
    counted = counting(conditions, payment.parts, within)
    if not counted:
        return Judged(payment, mandate, Why.NOT_COUNTED, payment.cents, version_id=version.id)
    earned = half_even(Decimal(counted) * per_mille / 1000)
    return Judged(payment, mandate, why, payment.cents, within, counted, per_mille, earned, version.id)


def counting(conditions: Conditions, parts: Sequence[int], cents: int) -> int:
    """Of an amount what counts: as large a share as such parts have in the debt; all of it where that is not known."""
    whole = sum(parts)
    if not whole:
        return cents
    counted = sum(some for part, some in zip(Part, parts, strict=True) if part in conditions.parts)
    return half_even(Decimal(cents) * counted / whole)


def half_even(cents: Decimal) -> int:
    """Whole cents; half a cent to the even one, so that many roundings add up to none."""
    return int(cents.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
