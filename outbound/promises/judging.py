"""Whether a promise to pay was kept, from what the collection system has told until now. Pure.

What counts is the day on which the money was paid, not the one on which a feed told of it. Nothing is called broken on
knowledge that does not reach to the end of the promise's days.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from crm.core.clock import business_day
from crm.core.errors import InvalidError
from crm.positions.models import PositionState
from crm.positions.summary import EXTINCT, HALTED
from crm.positions.views import PositionView


class PromiseState(StrEnum):
    OPEN = "open"
    KEPT = "kept"
    PARTLY = "partly"
    BROKEN = "broken"
    UNJUDGED = "unjudged"  # its day is over, and what is known is older, or does not say when was paid
    LIFTED = "lifted"  # nothing of what it was about is asked for any more
    WITHDRAWN = "withdrawn"  # it was written by mistake


JUDGED_ANEW = (PromiseState.OPEN, PromiseState.UNJUDGED, PromiseState.PARTLY, PromiseState.BROKEN, PromiseState.LIFTED)


@dataclass(frozen=True, slots=True)
class Paid:
    """Money, by the day on which it was paid. Whole cents."""

    on: date
    cents: int


@dataclass(frozen=True, slots=True)
class Owed:
    """A position that a promise is about. `due_cents`: of it when he promised; `before_cents`: of the payments that
    were known by then, those with a day from then on; `settled`: it is paid, says the collection system, on
    `settled_on` or nobody knows when; `asked`: it may be asked for, or was paid.
    """

    due_cents: int
    before_cents: int = 0
    paid: tuple[Paid, ...] = ()
    settled: bool = False
    settled_on: date | None = None
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Terms:
    """What was promised. `grace_days`: by which the money may be later."""

    made_on: date
    due_on: date
    grace_days: int
    cents: int

    @property
    def until(self) -> date:
        """The last day on which a payment keeps it."""
        return self.due_on + timedelta(days=self.grace_days)


@dataclass(frozen=True, slots=True)
class Judgement:
    """How it stands, and what was paid in its days."""

    state: PromiseState
    cents: int


def judge(terms: Terms, owed: Iterable[Owed], *, heard: datetime | None, today: date) -> Judgement:
    """How a promise stands. `heard`: up to when the collection system has told what there is."""
    about = tuple(owed)
    cents = sum(_counted(terms, one) for one in about)
    asked = sum(one.due_cents for one in about if one.asked)
    if cents >= terms.cents or (cents and cents >= asked):
        return Judgement(PromiseState.KEPT, cents)
    if not asked:
        return Judgement(PromiseState.LIFTED, cents)
    if today <= terms.until:
        return Judgement(PromiseState.OPEN, cents)
    if heard is None or business_day(heard) <= terms.until or any(_undated(terms, one) for one in about):
        return Judgement(PromiseState.UNJUDGED, cents)
    return Judgement(PromiseState.PARTLY if cents else PromiseState.BROKEN, cents)


def check(terms: Terms, *, due_cents: int, most_days: int) -> None:
    """Raises `InvalidError`, field by field, for what nobody can promise."""
    wrong = []
    if terms.due_on < terms.made_on:
        wrong.append(InvalidError("Il giorno è già passato: scegline uno da oggi in poi.", field="day"))
    elif terms.due_on > terms.made_on + timedelta(days=most_days):
        wrong.append(InvalidError(f"Al massimo {most_days} giorni da oggi.", field="day"))
    if terms.cents <= 0:
        wrong.append(InvalidError("Scrivi quanto promette di pagare.", field="amount"))
    elif terms.cents > due_cents:
        wrong.append(InvalidError("È più di quanto deve: ricontrolla l'importo.", field="amount"))
    if wrong:
        raise InvalidError("La promessa non è completa.", parts=wrong)


def owed_of(position: PositionView | None, *, due_cents: int, before_cents: int) -> Owed:
    """What is known now of a position; none: the collection system no longer has it."""
    if position is None:
        return Owed(due_cents, before_cents, asked=False)
    settled = position.state is PositionState.PAID
    lifted = position.state in (EXTINCT | HALTED) and not settled
    return Owed(
        due_cents, before_cents, paid_of(position), settled=settled,
        settled_on=position.state_on if settled else None, asked=not lifted,
    )  # fmt: skip


def paid_of(position: PositionView) -> tuple[Paid, ...]:
    """What was paid of it: the payments, and the rates that are told as paid and are no such payment."""
    told = [Paid(one.paid_on, one.cents) for one in position.payments]
    seen = {(one.on, one.cents) for one in told}
    rates = ((rate.paid_on, rate.cents) for rate in position.instalments)
    return (*told, *(Paid(on, cents) for on, cents in rates if on is not None and (on, cents) not in seen))


def known_from(paid: Iterable[Paid], day: date) -> int:
    """Cents of what was paid from a day on."""
    return sum(one.cents for one in paid if one.on >= day)


def _counted(terms: Terms, one: Owed) -> int:
    """What was paid in the days of the promise, beyond what was known when it was made. Where the collection system
    tells that a position is settled and of a part of the money no day, that part was paid on the day of the settling.
    """
    in_days = sum(paid.cents for paid in one.paid if terms.made_on <= paid.on <= terms.until)
    known = max(0, known_from(one.paid, terms.made_on) - one.before_cents)
    settled = one.settled_on is not None and terms.made_on <= one.settled_on <= terms.until
    return max(0, in_days - one.before_cents) + (max(0, one.due_cents - known) if settled else 0)


def _undated(terms: Terms, one: Owed) -> bool:
    """Whether a part of what settled it was paid nobody knows when."""
    since = max(0, known_from(one.paid, terms.made_on) - one.before_cents)
    return one.settled and one.settled_on is None and since < one.due_cents
