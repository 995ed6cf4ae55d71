"""How many calls will come in each quarter hour, pure: history and known days in, expectation and interval out.

The method is one that a supervisor can be told in four sentences, and check by hand. How much is called these weeks:
the level, in which the last weeks count most. How each weekday differs from the mean one. How the calls of such a day
are spread over its quarter hours. And what known days do to it (a due date, notices that arrived, the day after a
holiday), as the same days did before; of what was never seen nothing is assumed. Closed days have no calls.

Against a library: what there is (statsmodels, Prophet) brings hundreds of megabytes for models that need years of
history, and whose answer nobody can explain. By the error that is shown, this one has to earn its place beside "as last
week".
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from statistics import fmean

QUARTERS = 96
WEEKS_USED = 13  # of history, at the most
HALF_LIFE_DAYS = 14.0  # of the level's memory
SHAPE_HALF_LIFE_DAYS = 35.0  # of the memory for weekdays and for quarter hours, which change slowly
SHAPE_PRIOR_DAYS = 2.0  # a weekday's own shape counts beside everybody's as its days do beside so many
EFFECT_PRIOR_DAYS = 2.0  # so many days without any effect are believed in before the first one is seen
Z = 1.2816  # of a normal variable: four in five lie within
LEAST_SPREAD = 0.05
ENOUGH_DAYS, ENOUGH_CALLS = 20, 10.0  # of a part: fewer, or fewer on a mean day, and its hours are mostly chance
LONG_ENOUGH = timedelta(weeks=3)  # to believe that on some weekday nobody calls


class Driver(StrEnum):
    """Why a day is not like others of its weekday."""

    AFTER_HOLIDAY = "after_holiday"
    DUE_SOON = "due_soon"  # a due date is today or in the next days
    OVERDUE = "overdue"  # it has just passed
    OVERDUE_LATER = "overdue_later"  # it passed some weeks ago, no more than twenty days (Intercent-ER 6.5)
    NOTICES = "notices"  # notices have just arrived


@dataclass(frozen=True, slots=True)
class Past:
    """A day that was: its calls by quarter hour of Rome's clock, 96, and what was known to be special about it."""

    calls: tuple[int, ...]
    drivers: frozenset[Driver] = frozenset()

    @property
    def total(self) -> int:
        return sum(self.calls)


@dataclass(frozen=True, slots=True)
class Expected:
    """A day to come, by quarter hour: what is expected, and between what four days in five will be."""

    expected: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    drivers: tuple[tuple[Driver, float], ...] = ()  # and by how much each multiplies the day

    @property
    def total(self) -> float:
        return sum(self.expected)


NOTHING = Expected((0.0,) * QUARTERS, (0.0,) * QUARTERS, (0.0,) * QUARTERS)


@dataclass(frozen=True, slots=True)
class Model:
    """What history says, as of the day after its last one."""

    level: float  # calls of a mean open day
    weekdays: Mapping[int, float]  # beside the mean day: 1.2 is a fifth more
    shapes: Mapping[int, tuple[float, ...]]  # the share of each quarter hour
    effects: Mapping[Driver, float]
    spread: float  # how far days lie from what would have been expected, as a share
    days: int  # that it rests on

    @property
    def suffices(self) -> bool:
        """Whether a part of a contract, such as a queue, has been called for long and often enough to foretell it."""
        return self.days >= ENOUGH_DAYS and self.level >= ENOUGH_CALLS

    def expect(self, on: date, opens: Collection[int], drivers: Iterable[Driver] = ()) -> Expected:
        """A day that is open in these quarter hours."""
        if not opens or not self.days:
            return NOTHING
        known = tuple((one, self.effects[one]) for one in sorted(set(drivers)) if one in self.effects)
        total = self.level * self.weekdays.get(on.weekday(), 1.0)
        for _, effect in known:
            total *= effect
        shape = self.shapes.get(on.weekday()) or self.shapes[-1]
        # A day that opens for less has fewer calls, by the shares that fall outside.
        expected = tuple(total * shape[n] if n in opens else 0.0 for n in range(QUARTERS))
        spans = [Z * (one + (one * self.spread) ** 2) ** 0.5 for one in expected]
        low = tuple(max(0.0, one - span) for one, span in zip(expected, spans, strict=True))
        high = tuple(one + span for one, span in zip(expected, spans, strict=True))
        return Expected(expected, low, high, known)


def learn(history: Mapping[date, Past], as_of: date) -> Model:
    """What the days before `as_of` say. A day without any call was closed, or the lines were out: it says nothing."""
    first = as_of - timedelta(weeks=WEEKS_USED)
    days = {on: one for on, one in history.items() if first <= on < as_of and one.total}
    if not days:
        return Model(0.0, {}, {}, {}, LEAST_SPREAD, 0)
    plain = {on: one for on, one in days.items() if not one.drivers} or days
    weekdays = _weekdays(plain, as_of)
    if as_of - min(days) >= LONG_ENOUGH:  # nobody ever called on the others, although somebody could have
        weekdays = dict.fromkeys(set(range(7)) - {on.weekday() for on in days}, 0.0) | weekdays
    level = _weighted(
        ((one.total / weekdays[on.weekday()], _weight(on, as_of, HALF_LIFE_DAYS)) for on, one in plain.items()
         if on.weekday() in weekdays)
    )  # fmt: skip

    def usual(on: date) -> float:
        near = _weighted(
            (one.total / weekdays[day.weekday()], _weight_around(day, on))
            for day, one in plain.items()
            if day.weekday() in weekdays
        )
        return near * weekdays.get(on.weekday(), 1.0)

    effects = _effects(days, usual, level)
    errors = []
    for on, one in days.items():
        told = usual(on)
        for driver in one.drivers:
            told *= effects.get(driver, 1.0)
        errors.append((one.total - told) / told if told else 0.0)
    spread = max(LEAST_SPREAD, fmean(error * error for error in errors) ** 0.5)
    return Model(level, weekdays, _shapes(days, as_of), effects, spread, len(days))


def _weight(on: date, as_of: date, half_life: float) -> float:
    return float(0.5 ** ((as_of - on).days / half_life))


def _weight_around(day: date, on: date) -> float:
    return 0.0 if day == on else float(0.5 ** (abs((day - on).days) / HALF_LIFE_DAYS))


def _weighted(pairs: Iterable[tuple[float, float]]) -> float:
    sums = [0.0, 0.0]
    for value, weight in pairs:
        sums[0] += value * weight
        sums[1] += weight
    return sums[0] / sums[1] if sums[1] else 0.0


def _weekdays(days: Mapping[date, Past], as_of: date) -> dict[int, float]:
    """Each weekday beside the mean of those that had calls."""
    means = {
        weekday: _weighted(
            (one.total, _weight(on, as_of, SHAPE_HALF_LIFE_DAYS)) for on, one in days.items() if on.weekday() == weekday
        )
        for weekday in {on.weekday() for on in days}
    }
    mean = fmean(means.values())
    return {weekday: one / mean for weekday, one in means.items()}


def _shapes(days: Mapping[date, Past], as_of: date) -> dict[int, tuple[float, ...]]:
    """The shares of the quarter hours by weekday, and of all days under -1: a weekday's own, as far as it has days."""
    everybody = _shape(days, as_of)
    shapes = {-1: _smooth(everybody)}
    for weekday in {on.weekday() for on in days}:
        own = {on: one for on, one in days.items() if on.weekday() == weekday}
        share = len(own) / (len(own) + SHAPE_PRIOR_DAYS)
        mixed = [share * a + (1 - share) * b for a, b in zip(_shape(own, as_of), everybody, strict=True)]
        shapes[weekday] = _smooth(mixed)
    return shapes


def _shape(days: Mapping[date, Past], as_of: date) -> list[float]:
    sums = [0.0] * QUARTERS
    for on, one in days.items():
        weight = _weight(on, as_of, SHAPE_HALF_LIFE_DAYS)
        sums = [sum_ + weight * calls for sum_, calls in zip(sums, one.calls, strict=True)]
    whole = sum(sums)
    return [one / whole for one in sums]


def _smooth(shape: Sequence[float]) -> tuple[float, ...]:
    """Neighbours lend each other: a quarter hour of few calls is mostly chance. Nothing flows into closed hours."""
    smoothed = []
    for n, one in enumerate(shape):
        around = [shape[m] for m in (n - 1, n + 1) if 0 <= m < len(shape) and shape[m]]
        smoothed.append((2 * one + sum(around)) / (2 + len(around)) if one else 0.0)
    whole = sum(smoothed)
    return tuple(one / whole for one in smoothed)


def _effects(days: Mapping[date, Past], usual: Callable[[date], float], level: float) -> dict[Driver, float]:
    """What such days had beside what they would have had; the fewer were seen, the nearer to no effect."""
    effects = {}
    for driver in Driver:
        seen = [(one.total, usual(on)) for on, one in days.items() if driver in one.drivers]
        if seen:
            prior = EFFECT_PRIOR_DAYS * level
            effects[driver] = (sum(one for one, _ in seen) + prior) / (sum(told for _, told in seen) + prior)
    return effects
