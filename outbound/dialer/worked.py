"""For how long an operator worked for a campaign while somebody could be called. Pure.

With lines dialed for him that is all the time that he takes part. Where he looks first and calls himself, it is from
each question for the next one to the end of what followed from it, and what lies between two of these if it is short:
for longer he did something else. Neither counts while nobody could be called, nor while he was with somebody whom the
campaign did not call, on a pause, or away.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from telephony.agents.models import Activity
from telephony.agents.presence import Stated
from telephony.agents.times import durations

SHORT = timedelta(minutes=10)  # between two looks; as long as a claim lasts
SERVED = (Activity.READY, Activity.RINGING, Activity.TALKING, Activity.HOLDING, Activity.WRAP_UP)
BUSY = (Activity.TALKING, Activity.HOLDING, Activity.WRAP_UP)
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Looked:
    """An operator asked for the next one, and was done with him at `until`; `found`: there was one."""

    at: datetime
    until: datetime
    found: bool = True


def stretches(looks: Iterable[Looked]) -> list[Span]:
    """An operator's time with those whom he asked for; `looks` in the order of their coming."""
    spans: list[Span] = []
    goes_on = False
    for one in looks:
        if goes_on and one.at - spans[-1][1] <= SHORT:
            spans[-1] = spans[-1][0], max(spans[-1][1], one.until)
        elif one.found:
            spans.append((one.at, one.until))
        goes_on = one.found
    return spans


def united(spans: Iterable[Span]) -> list[Span]:
    """The same time, in stretches that do not overlap, in their order."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def without(spans: Iterable[Span], gaps: Iterable[Span]) -> list[Span]:
    """What of some time lies in no gap."""
    left = united(spans)
    for first, last in united(gaps):
        left = [
            part
            for start, end in left
            for part in ((start, min(end, first)), (max(start, last), end))
            if part[0] < part[1]
        ]
    return left


def within(spans: Iterable[Span], since: datetime, until: datetime) -> list[Span]:
    """What of some time lies between two instants."""
    return [(max(start, since), min(end, until)) for start, end in spans if max(start, since) < min(end, until)]


def worked_ms(facts: Sequence[Stated], spans: Iterable[Span], its: Collection[UUID]) -> int:
    """Milliseconds of an operator's time, in these spans, that were the campaign's. `facts`: his, in their order, from
    the last one before the spans on; `its`: the campaign's calls.
    """
    own = [_own(one, its) for one in facts]
    return sum(spent[one] for span in united(spans) for spent in (durations(own, *span),) for one in SERVED)


def _own(fact: Stated, its: Collection[UUID]) -> Stated:
    if fact.activity in BUSY and fact.call_id not in its:
        return replace(fact, activity=Activity.AWAY)
    return fact
