"""Who calls, when, and how they behave: a pure model of a day at the centre, drawn from a seed."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from telephony.carriers.simulator.citizens import Step

HOURLY = (
    0, 0, 0, 0, 0, 0, 0.05, 0.3, 0.9, 1.4, 1.6, 1.5, 1.1, 0.7, 0.9, 1.2, 1.1, 0.8, 0.4, 0.2, 0.1, 0, 0, 0,
)  # fmt: skip
"""Calls in each hour of the Italian day, relative to the configured rate."""
FLOOR = 0.75
"""Even at night somebody calls, so that a demonstration lives at any hour."""
KNOWN, UNKNOWN = 0.70, 0.92
"""Cumulative shares: a known taxpayer's own number, another number, no number at all."""
ANONYMOUS = "anonymous"
AGREES_SHARE = 0.7
"""Of those who are asked whether they may be recorded, how many agree."""
NOTICE_SHARE = 0.5
"""Of those who hold a notice, how many type its number."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who may call; `notice_number` is the 18 digits printed on the notice he holds, `to` whom he calls."""

    number: str
    notice_number: str | None = None
    name: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to place: when, from which number, and what the person will do."""

    at: datetime
    from_: str
    script: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Habits:
    """Seconds: median of log-normal patience and talk, and how widely they spread."""

    patience_s: float = 75.0
    patience_spread: float = 0.8
    talk_s: float = 95.0
    talk_spread: float = 0.6
    menu_choices: tuple[tuple[str, float], ...] = (("1", 0.45), ("2", 0.30), ("3", 0.15), ("0", 0.10))


def attempts(
    seed: int,
    start: datetime,
    *,
    calls_per_hour: float,
    callers: Sequence[Caller],
    habits: Habits = Habits(),
) -> Iterator[Attempt]:
    """An endless day: arrivals of a Poisson process whose rate follows the hour. `start` carries the zone."""
    dice = random.Random(seed)  # noqa: S311 - not a secret
    at = start
    while True:
        at = _next_arrival(dice, at, calls_per_hour)
        yield _attempt(dice, at, callers, habits)


def rate_at(instant: datetime, calls_per_hour: float) -> float:
    """Calls an hour at that time of day."""
    return max(FLOOR, HOURLY[instant.hour]) * calls_per_hour


def _next_arrival(dice: random.Random, at: datetime, calls_per_hour: float) -> datetime:
    """By thinning: candidates at the busiest rate, kept in proportion to the hour's."""
    busiest = max(HOURLY) * calls_per_hour
    while True:
        at += timedelta(hours=dice.expovariate(busiest))
        if dice.random() * busiest <= rate_at(at, calls_per_hour):
            return at


def _attempt(dice: random.Random, at: datetime, callers: Sequence[Caller], habits: Habits) -> Attempt:
    kind = dice.random()
    known = dice.choice(callers) if callers else None
    if known is not None and kind < KNOWN:
        number, notice = known.number, known.notice_number
    elif kind < UNKNOWN or known is None:
        number, notice = f"+393{dice.randrange(20, 99)}{dice.randrange(10**6, 10**7)}", None
    else:
        number, notice = ANONYMOUS, known.notice_number
    return Attempt(at, number, tuple(_script(dice, notice, habits)))


def _script(dice: random.Random, notice: str | None, habits: Habits) -> Iterator[Step]:
    choices, weights = zip(*habits.menu_choices, strict=True)
    choice = dice.choices(choices, weights)[0]
    yield Step(say_digits=choice, after_s=dice.uniform(1.5, 6), before_queue=True)
    if notice and dice.random() < NOTICE_SHARE:
        yield Step(say_digits=notice + "#", after_s=dice.uniform(4, 12), before_queue=True)
    patience_s = _around(dice, habits.patience_s, habits.patience_spread)
    talk_s = _around(dice, habits.talk_s, habits.talk_spread)
    agrees = "1" if dice.random() < AGREES_SHARE else "2"
    yield Step(say_digits=agrees, after_s=dice.uniform(1, 3), before_queue=True)  # where he is asked
    yield Step(patience_s=patience_s)
    yield Step(talk_s=talk_s)


def _around(dice: random.Random, median: float, spread: float) -> float:
    return round(min(dice.lognormvariate(math.log(median), spread), median * 8), 1)
