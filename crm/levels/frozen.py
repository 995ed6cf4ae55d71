"""A closed period, as it is kept: what was promised, by which formula, on what evidence, and how it stood. Pure.

What is kept is whole: judged again from it alone, the figures come out the same, whatever was recorded since.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter

from crm.levels.agreement import Agreement
from crm.levels.judgement import Evidence, Verdict
from crm.levels.metering import MEASURES, Callers, Counts
from crm.levels.terms import Terms


@dataclass(frozen=True, slots=True)
class Frozen:
    """`verdicts` are the levels' in the agreement's order; of a level with a longer period, as it stood by then."""

    agreement: Agreement
    terms: Terms
    evidence: Evidence
    verdicts: tuple[Verdict, ...]


class Counted(StrEnum):
    """What is counted of a day: each of the meter's measures, and the calls over a limit."""

    RECEIVED = "received"
    ENTERED = "entered"
    ANSWERED = "answered"
    LOST = "lost"
    WAITED_OVER = "waited_over"
    WAIT_MS = "wait_ms"
    ANSWERED_WITHIN = "answered_within"
    ABANDONED = "abandoned"
    ABANDONED_WITHIN = "abandoned_within"
    ABANDONED_SHORT = "abandoned_short"
    ABANDONED_WAIT_MS = "abandoned_wait_ms"
    HANDLED = "handled"
    TALK_MS = "talk_ms"
    HOLD_MS = "hold_ms"
    WRAP_UP_MS = "wrap_up_ms"
    BREACHES = "breaches"


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of one day that is not what it was when the period was closed."""

    day: date
    counted: Counted
    callers: Callers
    was: int
    now: int


_KEPT = TypeAdapter(Frozen)
LATER = ("continuity", "desks")  # what evidence has held since some periods were closed


def stored(frozen: Frozen) -> dict[str, Any]:
    """As JSON keeps it."""
    found: dict[str, Any] = _KEPT.dump_python(frozen, mode="json")
    for name in LATER:  # a period closed before it was known keeps its seal
        if found["evidence"][name] is None:
            del found["evidence"][name]
    return found


def restored(kept: dict[str, Any]) -> Frozen:
    """From JSON. Raises `pydantic.ValidationError` for what is not whole."""
    return _KEPT.validate_python(kept)


def seal(frozen: Frozen) -> str:
    """The SHA-256, in hexadecimal, by which a report of the period says which closing it is of.

    Of its JSON with the keys of each object in order: the database keeps none, nor did whoever counted the days.
    """
    told = json.dumps(stored(frozen), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(told.encode()).hexdigest()


def differences(then: Evidence, now: Evidence) -> Iterator[Difference]:
    """What was learnt of a period after it was closed, day by day."""
    for day in sorted({*then.days, *now.days}):
        for callers in Callers:
            was, is_ = (one.days.get(day, {}).get(callers, Counts()) for one in (then, now))
            for name in MEASURES:
                if getattr(was, name) != getattr(is_, name):
                    yield Difference(day, Counted(name), callers, getattr(was, name), getattr(is_, name))
    for day in sorted({one.day for one in (*then.breaches, *now.breaches)}):
        for callers in Callers:
            was_over, is_over = (
                sum(one.day == day and one.callers is callers for one in all_.breaches) for all_ in (then, now)
            )
            if was_over != is_over:
                yield Difference(day, Counted.BREACHES, callers, was_over, is_over)
