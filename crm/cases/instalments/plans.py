"""How many instalments there may be, and a plan of them. Pure. Amounts are whole euro cents.

- L. 160/2019 art. 1 c. 796: for local taxes, where the ente has no rules of its own, monthly instalments by amount;
  c. 797: the ente's own rules leave at least 36 for more than 6,000 euro; c. 801: each is due on the last day of its
  month; c. 802: interest at the legal rate, which the ente may raise by two points, on the tax alone.
- D.P.R. 602/1973 art. 19, as D.Lgs. 110/2024 art. 13 has it: for the agent of national collection, up to 120,000 euro
  on a mere request 84, 96 or 108 by the year in which it is made, up to 120 for whoever proves his difficulty.

The principal is parted in equal instalments, the cents that are left over one by one on the first ones; interest is
simple, on what of the tax is still unpaid, by days of a year of 365.
"""

from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from crm.core.errors import FieldError, InvalidError

LEAST, MOST = 2, 120
FOR_LARGE, LARGE_CENTS = 36, 6_000_00  # c. 797


class Scheme(StrEnum):
    """By whose rules."""

    LOCAL = "local"
    ENTE = "ente"
    AGENCY = "agency"


@dataclass(frozen=True, slots=True)
class Band:
    """From `least` to `most` instalments for a debt up to `up_to` cents, that sum included; none: for any larger."""

    up_to: int | None
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Rules:
    """Bands from the smallest debt on. `rate`: yearly, in per cent; `smallest`: what an instalment is at least."""

    bands: tuple[Band, ...]
    rate: Decimal = Decimal(0)
    smallest: int = 0


@dataclass(frozen=True, slots=True)
class Rate:
    """One instalment."""

    number: int
    due_on: date
    principal: int
    interest: int
    left: int  # of the principal, once it is paid

    @property
    def cents(self) -> int:
        """What is to be paid."""
        return self.principal + self.interest


LOCAL = Rules(
    (
        Band(100_00, 1, 1), Band(500_00, 1, 4), Band(3_000_00, 5, 12), Band(6_000_00, 13, 24), Band(20_000_00, 25, 36),
        Band(None, 37, 72),
    )
)  # fmt: skip
_AGENCY_CENTS = 120_000_00


def agency(year: int, *, proven: bool) -> Rules:
    """Those of the national agent, for a request made in a year. `proven`: his difficulty is."""
    simple = 84 if year <= 2026 else 96 if year <= 2028 else 108
    if proven:
        return Rules((Band(None, 1, MOST),))
    return Rules((Band(_AGENCY_CENTS, 1, simple), Band(None, 1, 1)))


def allowed(rules: Rules, cents: int) -> Band:
    """How many instalments there may be for a debt: one alone is none at all."""
    band = next(one for one in rules.bands if one.up_to is None or cents <= one.up_to)
    most = max(1, min(band.most, cents // rules.smallest)) if rules.smallest else band.most
    return Band(band.up_to, min(band.least, most), most)


def checked(rules: Rules) -> Rules:
    """The ente's own. Raises `InvalidError`, field by field: `up_to-N`, `least-N`, `most-N`, `rate`, `smallest`."""
    wrong = []
    before = 0
    for n, one in enumerate(rules.bands):
        last = n == len(rules.bands) - 1
        if last is not (one.up_to is None) or (one.up_to is not None and one.up_to <= before):
            wrong.append(InvalidError("Un importo maggiore di quello prima.", field=f"up_to-{n}"))
        if not 1 <= one.least <= one.most:
            wrong.append(InvalidError("Da 1 fino al massimo di questa fascia.", field=f"least-{n}"))
        if one.most > MOST:
            wrong.append(InvalidError(f"Al massimo {MOST} rate.", field=f"most-{n}"))
        elif (one.up_to is None or one.up_to > LARGE_CENTS) and one.most < FOR_LARGE:
            wrong.append(
                InvalidError("Oltre 6.000 euro la legge ne vuole possibili almeno 36 (c. 797).", field=f"most-{n}")
            )
        before = one.up_to or before
    if not 0 <= rules.rate <= 20:
        wrong.append(InvalidError("Un tasso annuo da 0 a 20 per cento.", field="rate"))
    if not 0 <= rules.smallest <= 1_000_00:
        wrong.append(InvalidError("Un importo da 0 a 1.000 euro.", field="smallest"))
    if wrong:
        raise InvalidError("Qualcosa non va: guarda i campi segnati.", parts=wrong)
    return rules


def plan(
    cents: int, *, taxed: int, count: int, begins: date, first: date, rules: Rules
) -> tuple[Rate, ...]:  # fmt: skip
    """A plan of so many instalments for a debt, of which `taxed` cents bear interest from `begins`; the first is due at
    the end of the month of `first`. Raises `FieldError` for a number that the rules do not allow.
    """
    may = allowed(rules, cents)
    if not may.least <= count <= may.most:
        raise FieldError(f"Per questo importo le rate sono da {may.least} a {may.most}.", "count")
    principals = parted(cents, count)
    bearing = parted(min(taxed, cents), count)
    days = list(_month_ends(first, count))
    rates, left, base, since = [], cents, sum(bearing), begins
    for number, (principal, of_tax, due_on) in enumerate(zip(principals, bearing, days, strict=True), 1):
        interest = _interest(base, rules.rate, max(0, (due_on - since).days))
        left, base, since = left - principal, base - of_tax, max(since, due_on)
        rates.append(Rate(number, due_on, principal, interest, left))
    return tuple(rates)


def parted(cents: int, count: int) -> Sequence[int]:
    """A sum in parts that differ by a cent at the most, and come to it."""
    whole, more = divmod(cents, count)
    return [whole + (n < more) for n in range(count)]


def _month_ends(first: date, count: int) -> Iterable[date]:
    for n in range(count):
        year, month = divmod(first.year * 12 + first.month - 1 + n, 12)
        yield date(year, month + 1, monthrange(year, month + 1)[1])


def _interest(base: int, rate: Decimal, days: int) -> int:
    return int((Decimal(base) * rate * days / 36_500).quantize(Decimal(1), ROUND_HALF_UP))
