"""Who of those that wait is offered which time, and until when he may answer. Pure.

Whoever waits for longest comes first; of the times that suit him he is offered the earliest. He has two hours in which
people are awake, so what is freed at nine in the evening is his until ten in the morning.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from crm.agendas.slots import Free, Seat
from crm.agendas.times import DAY, Stretch, instant, is_morning
from crm.agendas.wishes.models import Part
from crm.core.clock import ROME, business_day
from crm.messages.rules import Quiet

AWAKE = timedelta(hours=2)  # in which an offer is answered
LEAST = timedelta(minutes=15)  # with less nobody is offered a time: it is for whoever comes to the page
MOST_MISSED = 3  # offers without an answer, after which somebody is written to no more


@dataclass(frozen=True, slots=True)
class Waiting:
    """A wish that is to be offered something. `had`: the times (office and start) that it was offered already."""

    id: UUID
    service_id: int
    since: datetime
    until: date
    offices: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    part: Part = Part.ANY
    had: frozenset[tuple[int, datetime]] = frozenset()


def awake_until(start: datetime, length: timedelta, quiet: Quiet) -> datetime:
    """When so much time has passed in which people may be disturbed."""
    left, at, day = length, start, business_day(start)
    while True:
        opens, closes = instant(day, quiet.ends), instant(day, quiet.starts)
        at = max(at, opens)
        if at + left <= closes:
            return at + left
        left -= max(closes - at, timedelta())
        day += DAY


def answer_by(starts_at: datetime, notice: timedelta, quiet: Quiet, *, now: datetime) -> datetime | None:
    """Until when somebody may answer who is offered a time now; none: there is too little time to ask anybody."""
    last = min(awake_until(now, AWAKE, quiet), starts_at - notice)
    return last if awake_until(now, LEAST, quiet) <= last else None


def suits(wish: Waiting, time: Free) -> bool:
    """Whether somebody could come then, and was not asked already."""
    local = time.starts_at.astimezone(ROME)
    return (
        (not wish.offices or time.office_id in wish.offices)
        and (not wish.weekdays or local.weekday() in wish.weekdays)
        and (wish.part is Part.ANY or (wish.part is Part.MORNING) is is_morning(time.starts_at))
        and local.date() <= wish.until
        and (time.office_id, time.starts_at) not in wish.had
    )


def matched(
    wishes: Iterable[Waiting], times: Mapping[int, Sequence[Free]], buffers: Mapping[int, timedelta]
) -> list[tuple[Waiting, Free]]:
    """Who is offered what, in order. `times`: of each service, in their order; `buffers`: what it needs after each.

    No seat goes to two whose times overlap.
    """
    given: dict[Seat, list[Stretch]] = {}
    found = []
    for wish in sorted(wishes, key=lambda one: (one.since, one.id)):
        for time in times.get(wish.service_id, ()):
            when = Stretch(time.starts_at, time.ends_at + buffers[wish.service_id])
            seats = [one for one in time.seats if not any(other.overlaps(when) for other in given.get(one, ()))]
            if seats and suits(wish, time):
                given.setdefault(seats[0], []).append(when)
                found.append((wish, time))
                break
    return found
