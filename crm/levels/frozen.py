"""A closed period, as it is kept: what was promised, by which formula, on what evidence, and how it stood. Pure.

What is kept is whole: `judged_again` from it alone, the figures come out the same, whatever was recorded since. Of
closings made before levels with a period of their own kept their evidence, those levels stand as they were judged.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from crm.levels.agreement import Agreement, Period, Promise
from crm.levels.judgement import judge
from crm.levels.known import Evidence
from crm.levels.metrics import METRICS, Source
from crm.levels.terms import Terms
from crm.levels.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Part:
    """The evidence of a period that levels have of their own, as far as the closed one goes; without calls, where none
    of these levels is about calls.
    """

    period: Period
    first: date
    last: date
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Frozen:
    """`verdicts` are the levels' in the agreement's order; a level with a period of its own has one for each of them
    that ended in the closed period, or ran at its end: their evidence is in `parts`.
    """

    agreement: Agreement
    terms: Terms
    evidence: Evidence
    verdicts: tuple[Verdict, ...]
    parts: Annotated[tuple[Part, ...], Field(exclude_if=lambda parts: not parts)] = ()


_Parts = dict[tuple[Period | None, tuple[date, date]], Evidence]
_KEPT = TypeAdapter(Frozen)
LATER = ("continuity", "desks")  # what evidence has held since some periods were closed


def stored(frozen: Frozen) -> dict[str, Any]:
    """As JSON keeps it."""
    found: dict[str, Any] = _KEPT.dump_python(frozen, mode="json")
    for evidence in (found["evidence"], *(one["evidence"] for one in found.get("parts", ()))):
        for name in LATER:  # a period closed before it was known keeps its seal
            if evidence[name] is None:
                del evidence[name]
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


def judged_again(frozen: Frozen) -> tuple[Verdict, ...]:
    """How the levels stood, from what was kept alone."""
    of_parts: _Parts = {(one.period, (one.first, one.last)): one.evidence for one in frozen.parts}
    return tuple(_again(one, frozen, of_parts) for one in frozen.verdicts)


def _again(one: Verdict, frozen: Frozen, of_parts: _Parts) -> Verdict:
    if one.span is None and one.promise.period not in {None, frozen.agreement.period}:
        return one  # of a closing from before its evidence was kept
    evidence = frozen.evidence if one.span is None else of_parts[one.promise.period, one.span]
    return replace(judge(one.promise, evidence, frozen.terms), span=one.span)


def needed(evidence: Evidence, promises: Iterable[Promise]) -> Evidence:
    """What these levels are judged by, which is less where none of them is about calls."""
    if any(one.metric in METRICS and METRICS[one.metric].source is Source.CALLS for one in promises):
        return evidence
    return replace(evidence, days={}, breaches=())
