"""What runs out, and how much time is left: papers and badges, and the terms after a finding of unfitness. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum

from crm.enti.days import Patron, working_days
from outbound.field.agents.standing import Paper

SOON, AT_ONCE = 30, 7  # days before: the manager is told, and told again
MORNING = time(8)  # of a term's last day: whoever has to keep it is written to


class Left(StrEnum):
    """How much time is left, the worst first."""

    OVER = "over"
    TODAY = "today"
    AT_ONCE = "at_once"  # within a week
    SOON = "soon"  # within a month
    FAR = "far"

    @property
    def presses(self) -> bool:
        """Whether somebody is told of it wherever he is."""
        return self in {Left.OVER, Left.TODAY, Left.AT_ONCE}


def left(until: date, today: date) -> Left:
    """How much time is left of something that is valid up to a day, that one included."""
    days = (until - today).days
    if days < 0:
        return Left.OVER
    if days == 0:
        return Left.TODAY
    return Left.AT_ONCE if days <= AT_ONCE else Left.SOON if days <= SOON else Left.FAR


@dataclass(frozen=True, slots=True)
class Ending:
    """A paper that runs out, or (`paper` none) the badge."""

    paper: Paper | None
    until: date
    left: Left


def endings(papers: Mapping[Paper, date | None], badge_until: date | None, today: date) -> tuple[Ending, ...]:
    """What has run out or does within a month, the first to end first."""
    ends: Iterable[tuple[Paper | None, date | None]] = (*papers.items(), (None, badge_until))
    found = [Ending(paper, until, left(until, today)) for paper, until in ends if until is not None]
    return tuple(
        sorted((one for one in found if one.left is not Left.FAR), key=lambda one: (one.until, one.paper or ""))
    )


@dataclass(frozen=True, slots=True)
class Countdown:
    """A term in working days: its last day, how many are left after today (below zero: so many it is overdue), and when
    it was kept.
    """

    due: date
    days: int
    done: date | None

    @property
    def overdue(self) -> bool:
        """Whether it was not kept: it is past and nothing was done, or that came late."""
        return self.done > self.due if self.done is not None else self.days < 0

    @property
    def urgent(self) -> bool:
        """Whether it is still to be kept, and ends today or is past."""
        return self.done is None and self.days <= 0

    def warns(self, hour: time) -> bool:
        """Whether whoever has to keep it is written to, at this hour of today in Rome: before the last day is over."""
        return self.urgent and hour >= MORNING


def countdown(due: date, done: date | None, today: date, patron: Patron | None) -> Countdown:
    """How a term stands today. A day that is none of work is past the term as well: what is overdue is so by a day."""
    if today <= due:
        return Countdown(due, working_days(patron, today, due), done)
    return Countdown(due, -max(working_days(patron, due, today), 1), done)
