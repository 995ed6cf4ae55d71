"""What is known of a contract's period, by which its levels are judged: calls, limits passed, minutes, desks. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from crm.levels import formulas
from crm.levels.agreement import Promise
from crm.levels.metering import Callers, Counts

UNLESS_EMPTY = Field(exclude_if=lambda known: not known)  # what was kept before it was known keeps its seal


@dataclass(frozen=True, slots=True)
class Breach:
    """One call that passed a limit: when, by how much, and whose it was. Or a day at the desks (`subject` is its date):
    `enti` are those at whose offices it was over; none in what was kept before that was known.
    """

    metric: str
    subject: str
    day: date
    occurred_at: datetime
    measured: Decimal
    callers: Callers
    ente_id: int | None = None
    queue_id: int | None = None
    enti: Annotated[tuple[int, ...], UNLESS_EMPTY] = ()


@dataclass(frozen=True, slots=True)
class Continuity:
    """What the system measured of itself in a period; none where it did not measure yet.

    `interruptions` are minutes each, `notices` hours from a beginning until users were told; of those that the ente
    agreed not to count, neither. `pages` and `pages_failed`: how long pages were to answer, day and night, and how
    long they did not. `restored` is how many hours the last drill of a restore took.
    """

    interruptions: tuple[Decimal, ...] = ()
    notices: tuple[Decimal, ...] = ()
    pages: timedelta = timedelta()
    pages_failed: timedelta = timedelta()
    restored: Decimal | None = None

    def then(self, later: "Continuity") -> "Continuity":
        """Of this period and of the one after it. An interruption that goes on from one to the other is in both."""
        return Continuity(
            self.interruptions + later.interruptions, self.notices + later.notices,
            self.pages + later.pages, self.pages_failed + later.pages_failed,
            self.restored if later.restored is None else later.restored,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AtDesks:
    """What happened at the desks of the offices in a period; none where nobody was called and nothing was sampled.

    `longest`: of each day on which anybody was called, the longest wait of whoever was, in seconds; `of_enti`: of each
    day the same at the offices of each ente.
    `served` people were served for `served_s` seconds together. `lead`: of the daily samples of each office and
    service, the most working days until the first appointment that could be had.
    """

    longest: Mapping[date, int] = field(default_factory=dict)
    served: int = 0
    served_s: int = 0
    lead: int | None = None
    of_enti: Annotated[Mapping[date, Mapping[int, int]], UNLESS_EMPTY] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outbound:
    """Calls that campaigns placed, and for how long operators worked for them while somebody could be called."""

    attempts: int
    staffed_ms: int

    @property
    def an_hour(self) -> Decimal | None:
        """Calls by the hour of an operator's time; none of no time."""
        return formulas.outbound_per_hour(self.attempts, self.staffed_ms)

    def __add__(self, other: "Outbound") -> "Outbound":
        return Outbound(self.attempts + other.attempts, self.staffed_ms + other.staffed_ms)


@dataclass(frozen=True, slots=True)
class Unfit:
    """An agent who visits was found unfit for an ente: how many working days it took until he was removed, and until
    somebody took his place; of what is still owed as many as have passed once it is late, and none before.
    """

    id: int
    ente_id: int
    found_on: date
    removed: int | None
    replaced: int | None


@dataclass(frozen=True, slots=True)
class TermTaken:
    """A step of a case that a level is about: the last day of its term, and how many days it took, in the unit of the
    metric; of what is still owed as many as have passed once it is late.
    """

    id: int
    ente_id: int
    metric: str
    due_on: date
    days: int


@dataclass(frozen=True, slots=True)
class Replied:
    """Somebody wrote to a mailbox and waited for an answer: by which level that is judged, the last day of its term,
    how many days it took until the answer left, in the unit of the metric, and how many of the calendar; of what
    still waits as many as have passed once it is late. `id`: the conversation's code; `ente_id` is none where nobody
    knows which one it is about.
    """

    id: str
    ente_id: int | None
    metric: str
    due_on: date
    days: int
    calendar_days: int


@dataclass(frozen=True, slots=True)
class Complaint:
    """A complaint, and on which day it came in."""

    id: int
    ente_id: int
    on: date


@dataclass(frozen=True, slots=True)
class Complaints:
    """Those of a period, in their order; perhaps none."""

    those: tuple[Complaint, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a period: its service days, its calls by day and caller, the limits that were passed.

    `service_days` are those on which the lines were to be open, to the period's end. `promised` and `failed`: how long
    they were to be open so far, and how long of that they were not, or nobody of ours was there, without the ente's
    consent. `marks`: how many of
    those asked were content, and how many answered; none where nobody is asked. `desks`: of the offices. `outbound`: of
    campaigns; none where nobody was to be called. `unfit`: the agents who were found so. `terms`: of cases.
    `complaints`: none while cases are not registered here. `replies`: to mails.
    """

    service_days: tuple[date, ...] = ()
    days: Mapping[date, Mapping[Callers, Counts]] = field(default_factory=dict)
    breaches: tuple[Breach, ...] = ()
    promised: timedelta = timedelta()
    failed: timedelta = timedelta()
    marks: tuple[int, int] | None = None
    continuity: Continuity | None = None
    desks: AtDesks | None = None
    outbound: Annotated[Outbound | None, UNLESS_EMPTY] = None
    unfit: Annotated[tuple[Unfit, ...], UNLESS_EMPTY] = ()
    terms: Annotated[tuple[TermTaken, ...], UNLESS_EMPTY] = ()
    complaints: Annotated[Complaints | None, UNLESS_EMPTY] = None
    replies: Annotated[tuple[Replied, ...], UNLESS_EMPTY] = ()

    def counts(self, promise: Promise) -> Counts:
        """The calls that a level is about."""
        return sum(
            (counts for day in self.days.values() for callers, counts in day.items() if promise.is_for(callers)),
            Counts(),
        )
