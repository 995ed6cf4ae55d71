"""From signs of being there to interruptions, and from interruptions to minutes. Pure.

A part that leaves a sign every ten seconds was there from its first to its last one. What lies between two spells,
longer than a minute, is a hole: nobody was there to say so, and it is found when somebody is there again. A hole
counts whole, from the last sign before it to the first one after it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from crm.continuity.models import Cause
from crm.enti import downtime
from crm.enti.calendar import Hours, Timetable
from crm.enti.downtime import Spell

EVERY = timedelta(seconds=10)  # a sign
PATIENCE = timedelta(minutes=1)  # a silence up to this is none: a process was started again, another one beside it
LONG = timedelta(minutes=30)  # what the contracts let an interruption last
TELL_WITHIN = timedelta(hours=1)  # of its beginning, users are to be told
WORTH_A_MAIL = timedelta(minutes=5)  # what is over sooner stands on the pages alone
ALWAYS = Timetable(tuple(Hours(day, time(0), time(0)) for day in range(7)), observes_holidays=False)
GRAVEST_FIRST = tuple(Cause)
OURS = frozenset(Cause) - {Cause.CARRIER}  # in these no page answers


@dataclass(frozen=True, slots=True)
class Outage:
    """An interruption as it was measured. `ended_at` is none while it lasts; `told_at` is none before anybody is."""

    id: int
    cause: Cause
    began_at: datetime
    ended_at: datetime | None
    told_at: datetime | None = None
    apologies: int = 0

    def spell(self, now: datetime) -> Spell:
        """From when until when, so far."""
        return Spell(self.began_at, self.ended_at or max(now, self.began_at))

    def is_long(self, now: datetime) -> bool:
        """Whether it lasted, or lasts, longer than the contracts let it."""
        return self.spell(now).length > LONG

    def is_told_late(self, now: datetime) -> bool:
        """Whether users were told, or still wait to be, more than an hour after it began."""
        return (self.told_at or now) - self.began_at > TELL_WITHIN


def holes(spells: Iterable[Spell], *, until: datetime | None = None) -> list[Spell]:
    """The silences between these, and after the last one up to `until`, that are longer than `PATIENCE`."""
    found: list[Spell] = []
    last: datetime | None = None
    for one in sorted(spells):
        if last is not None and one.starts_at - last > PATIENCE:
            found.append(Spell(last, one.starts_at))
        last = one.ends_at if last is None else max(last, one.ends_at)
    if last is not None and until is not None and until - last > PATIENCE:
        found.append(Spell(last, until))
    return found


def cause_of(hole: Spell, engine: Sequence[Spell], *, pages_since: datetime | None) -> Cause:
    """Why no page was there: by who else was. `pages_since`: since when the process that finds it has been running."""
    if any(one.starts_at < hole.ends_at - PATIENCE and one.ends_at > hole.starts_at + PATIENCE for one in engine):
        return Cause.PAGES
    lived = pages_since is not None and pages_since <= hole.starts_at
    return Cause.DATABASE if lived else Cause.EVERYTHING


@dataclass(frozen=True, slots=True)
class Minutes:
    """Of the hours of a period: how long service was promised, and how long there was none, by its cause."""

    promised: timedelta
    lost: dict[Cause, timedelta]

    @property
    def interrupted(self) -> timedelta:
        """All causes together; no instant counts twice."""
        return sum(self.lost.values(), timedelta())

    @property
    def availability(self) -> float | None:
        """The share of the promised time in which there was service; none where none was promised."""
        return None if not self.promised else 1 - self.interrupted / self.promised


def minutes(
    timetable: Timetable, outages: Iterable[Outage], agreed: Iterable[Spell], *, period: Spell, now: datetime
) -> Minutes:  # fmt: skip
    """How much of the hours in `period` was lost, and to what; what the ente agreed to close was not promised.

    Where two causes overlap, the graver one has it.
    """
    outages, agreed = list(outages), list(agreed)
    lost: dict[Cause, timedelta] = {}
    so_far: list[Spell] = []
    before = timedelta()
    for cause in GRAVEST_FIRST:
        so_far += [one.spell(now) for one in outages if one.cause is cause]
        whole = downtime.lost(timetable, so_far, agreed, period=period)
        lost[cause], before = whole - before, whole
    return Minutes(downtime.promised(timetable, agreed, period=period), lost)
