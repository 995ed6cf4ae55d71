"""What is said to a trainee of a call he has finished: what went well, and what to look at again. Pure.

It is for himself alone: a figure of how somebody works would be a means of watching him (L. 300/1970, art. 4).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from telephony.practice.course import Course
from telephony.practice.story import Check, Fact

_BY_FACT = {
    Check.GREETED: Fact.GREETED, Check.IDENTIFIED: Fact.IDENTIFIED, Check.SERVED: Fact.SERVED,
    Check.PASSED_ON: Fact.PASSED, Check.PROMISED: Fact.PROMISED,
}  # fmt: skip
_BY_SLIP = {
    Check.ASKED_NOTHING: Fact.ASKED_TOO_MUCH, Check.TICKED_HONESTLY: Fact.TICKED_WRONGLY,
    Check.TOLD_NOTHING_BEFORE: Fact.TOLD_TOO_EARLY, Check.CALM: Fact.WAS_HARSH,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """What the trainee wrote of the call."""

    topic: str | None = None
    disposition: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Debrief:
    """Each check of the story, in its order, and whether it went well; how long he talked and wrote."""

    findings: Mapping[Check, bool]
    talked: timedelta
    wrote: timedelta


def debrief(call: Course, written: Written) -> Debrief:
    """Of a call that is saved."""
    assert call.answered_at is not None
    assert call.ended_at is not None
    assert call.saved_at is not None
    findings = {check: _went_well(check, call, written) for check in call.story.checks}
    return Debrief(findings, call.ended_at - call.answered_at, call.saved_at - call.ended_at)


def _went_well(check: Check, call: Course, written: Written) -> bool:
    if check in _BY_FACT:
        return _BY_FACT[check] in call.facts
    if check in _BY_SLIP:
        return _BY_SLIP[check] not in call.facts
    match check:
        case Check.KEPT_CLOSED:
            return Fact.TURNED_AWAY in call.facts and Fact.IDENTIFIED not in call.facts
        case Check.HELD_POLITELY:
            return Fact.HELD in call.facts and not call.facts & {Fact.HELD_SUDDENLY, Fact.HELD_LONG}
        case Check.NUMBER_LEFT_OUT:
            return Fact.LEFT_OUT in call.facts and Fact.NUMBER_RECORDED not in call.facts
        case Check.TOPIC:
            return written.topic in call.story.topics
        case Check.DISPOSITION:
            return written.disposition in call.story.dispositions
        case _:
            return bool(written.note.strip())
