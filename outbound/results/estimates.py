"""The share of people who paid within so many days of being tried, against those not yet tried, in the same days. Pure.

Method. Each person's clock starts on the day of the first attempt to reach him, by whatever means; of those not yet
tried, on the same days, in the same proportions. What is estimated is the share who paid anything within the days, by
Kaplan and Meier (1958): whoever is followed for a shorter time (what is known ends, or he is tried himself) counts
until then. Whoever had paid something since the campaign's beginning before his clock starts is in neither group.
Intervals are Wilson's (95 in 100) on the effective size by Greenwood's variance. The untried are those of the days that
have been followed for as long; since they are many times the same people, their variance is taken as if all days went
together: too wide rather than too narrow.

It is a comparison and no proof: those who are tried first owe more, and those not yet tried may differ otherwise.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt

ALL = 1e-12  # of a share: less is nothing, but for rounding
Z = 1.959964  # of the normal distribution, 95 in 100 on both sides


@dataclass(frozen=True, slots=True)
class Cell:
    """So many people, first tried on a day (none: not yet), who first paid on a day (none: not yet)."""

    tried_on: date | None
    paid_on: date | None
    people: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share and the bounds of its interval, 0 to 1, and of how many people."""

    share: float
    low: float
    high: float
    people: int


@dataclass(frozen=True, slots=True)
class Cohort:
    """Those first tried in the days from `first` to `last`. `days`: for how long both groups were followed; an
    estimate is none of nobody. `before`: people left out, who had paid something before.
    """

    first: date
    last: date
    people: int
    before: int
    days: int | None
    tried: Estimate | None
    untried: Estimate | None


@dataclass(frozen=True, slots=True)
class Spell:
    """So many people followed for `days` after the first; `paid`: on which of these they paid, if they did."""

    days: int
    paid: int | None
    people: int


@dataclass(frozen=True, slots=True)
class Curve:
    """Share who paid by each day after the first, as long as somebody was followed, and Greenwood's variance."""

    shares: tuple[float, ...]
    variances: tuple[float, ...]
    at_risk: tuple[int, ...]


def cohorts(cells: Iterable[Cell], *, days: int, known_on: date) -> list[Cohort]:
    """Of each week (Monday to Sunday) in which somebody was tried first, the first one first. `known_on`: the last day
    of which payments are known.
    """
    every = tuple(cells)
    mondays = {_monday(one.tried_on) for one in every if one.tried_on is not None}
    week = timedelta(days=6)
    return [cohort(every, one, one + week, days=days, known_on=known_on) for one in sorted(mondays)]


def cohort(cells: Sequence[Cell], first: date, last: date, *, days: int, known_on: date) -> Cohort:
    """Those first tried in some days."""
    mine = [one for one in cells if one.tried_on is not None and first <= one.tried_on <= last]
    fit = [one for one in mine if one.paid_on is None or one.tried_on is None or one.paid_on >= one.tried_on]
    people, stay = sum(one.people for one in mine), sum(one.people for one in fit)
    own = curve(_spells(fit, known_on), days)
    starts: dict[date, int] = defaultdict(int)
    for one in fit:
        if one.tried_on is not None and one.tried_on <= known_on:
            starts[one.tried_on] += one.people
    others = {day: curve(_untried(cells, day, known_on), days) for day in starts}
    there = {day: found for day, found in others.items() if found.shares}
    followed = min(len(own.shares), max((len(one.shares) for one in there.values()), default=days + 1)) - 1
    there = {day: one for day, one in there.items() if len(one.shares) > followed}
    if followed < 0:
        return Cohort(first, last, people, people - stay, None, None, None)
    weights = {day: starts[day] for day in there}
    return Cohort(
        first, last, people, people - stay, followed, _estimate(own, followed, stay),
        _blended(there, weights, followed) if there else None,
    )  # fmt: skip


def curve(spells: Iterable[Spell], days: int) -> Curve:
    """Kaplan and Meier, day by day: whoever is followed to a day is at risk on it until he pays."""
    ends: dict[int, int] = defaultdict(int)
    paid: dict[int, int] = defaultdict(int)
    there = 0
    for one in spells:
        if one.days < 0:
            continue
        there += one.people
        if one.paid is not None and one.paid <= one.days:
            paid[one.paid] += one.people
        else:
            ends[one.days] += one.people
    shares: list[float] = []
    variances: list[float] = []
    at_risk: list[int] = []
    left, summed = 1.0, 0.0
    for day in range(days + 1):
        if there <= 0 and (left > ALL or not shares):
            break
        if there <= 0:  # everybody has paid, and it stays so
            shares.append(shares[-1])
            variances.append(variances[-1])
            at_risk.append(at_risk[-1])
            continue
        events = paid[day]
        left *= 1 - events / there
        if there > events:
            summed += events / (there * (there - events))
        shares.append(1 - left)
        variances.append(left * left * summed)
        at_risk.append(there)
        there -= events + ends[day]
    return Curve(tuple(shares), tuple(variances), tuple(at_risk))


def wilson(share: float, size: float) -> tuple[float, float]:
    """The bounds of Wilson's interval (1927) for a share of so many."""
    if size <= 0:
        return 0.0, 1.0
    middle = (share + Z * Z / (2 * size)) / (1 + Z * Z / size)
    half = Z / (1 + Z * Z / size) * sqrt(share * (1 - share) / size + Z * Z / (4 * size * size))
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def _spells(cells: Iterable[Cell], known_on: date) -> Iterable[Spell]:
    for one in cells:
        if one.tried_on is not None:
            paid = None if one.paid_on is None else (one.paid_on - one.tried_on).days
            yield Spell((known_on - one.tried_on).days, paid, one.people)


def _untried(cells: Iterable[Cell], day: date, known_on: date) -> Iterable[Spell]:
    """Those who on a day were not yet tried, followed until they were."""
    for one in cells:
        tried_later = one.tried_on is None or one.tried_on > day
        if tried_later and (one.paid_on is None or one.paid_on >= day):
            until = known_on if one.tried_on is None else min(known_on, one.tried_on - timedelta(days=1))
            yield Spell((until - day).days, None if one.paid_on is None else (one.paid_on - day).days, one.people)


def _estimate(found: Curve, day: int, people: int) -> Estimate:
    share, variance = found.shares[day], found.variances[day]
    size = share * (1 - share) / variance if variance > 0 and 0 < share < 1 else found.at_risk[day]
    return Estimate(share, *wilson(share, size), people)


def _blended(curves: Mapping[date, Curve], weights: Mapping[date, int], day: int) -> Estimate:
    whole = sum(weights.values())
    share = sum(weights[one] * found.shares[day] for one, found in curves.items()) / whole
    spread = sum(weights[one] * sqrt(found.variances[day]) for one, found in curves.items()) / whole
    least = min(found.at_risk[day] for found in curves.values())
    size = share * (1 - share) / (spread * spread) if spread > 0 and 0 < share < 1 else least
    return Estimate(share, *wilson(share, size), max(found.at_risk[0] for found in curves.values()))


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
