"""What is known of a person, what a campaign may do, and the verdict on both: the words of `calls` and `writing`. Pure.

Whether a person may be dialed, or written to, is asked before every attempt and again at the instant of it. What law
and code forbid cannot be configured away: an ente's own rules come on top, and the strictest wins. Sources: UNIREC's
code of conduct (windows, conversations), the Garante's provision 83/2014 (silent calls) and that of 30 November 2005
(whom nobody solicits).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from crm.collection.sources.port import Lookup
from crm.enti.calendar import Hours, Timetable
from outbound.compliance.visited import Visited

SILENT_LOCK = timedelta(days=5)  # for which a number that got a silent call is not called again (Garante 83/2014)


class Written(StrEnum):
    """A means by which he is written to."""

    SMS = "sms"
    EMAIL = "email"
    LETTER = "letter"


class Reason(StrEnum):
    """Why somebody is not dialed, or not written to."""

    # for good, as far as this campaign knows
    DECEASED = "deceased"
    DO_NOT_CALL = "do_not_call"
    INSOLVENT = "insolvent"
    NO_CONSENT = "no_consent"  # where the campaign needs one
    NOTHING_DUE = "nothing_due"  # annulled or relieved since the list was made, or withdrawn
    PAID = "paid"  # all that he owed, since the list was made
    SUSPENDED = "suspended"  # or disputed in court
    COMPLAINT = "complaint"  # a case or a complaint of his is open
    CLAIMED = "claimed"  # by another campaign
    SAME_PERSON = "same_person"  # under another row of his the campaign has to do with him already
    NO_NUMBER = "no_number"  # none that may be his
    EXHAUSTED = "exhausted"  # every number was tried as often as the campaign allows
    STOPPED = "stopped"  # he wants no more messages by this means
    NO_ADDRESS = "no_address"  # none that may be his, to write to him by this means, or to go there
    DO_NOT_VISIT = "do_not_visit"  # he said that he wants nobody at his door
    IN_PRACTICE = "in_practice"  # a practice of his is open already: he is being visited
    # until something happens
    NOT_RUNNING = "not_running"  # not approved by the ente, paused, over, or out of budget
    STALE = "stale"  # what is known of the debt is older than the ente allows
    UNCHECKED = "unchecked"  # the gestionale answers about one taxpayer, and was not asked about him just now
    # until a time
    WINDOW = "window"  # law, code, ente or campaign
    SPOKEN_TODAY = "spoken_today"
    SPOKEN_THIS_WEEK = "spoken_this_week"
    SILENT = "silent"  # locked after a silent call
    TRIED = "tried"  # he was tried a while ago, and the outcome asks for a pause
    WISH = "wish"  # he asked to be called at another time
    WRITTEN = "written"  # he was written to as often as a week allows
    PROMISED = "promised"  # he promised to pay by a day that is not over
    VISITED = "visited"  # today, or the outcome of a visit asks for a pause


class Ended(StrEnum):
    """How an attempt ended, for what may follow it."""

    SPOKEN = "spoken"  # with whom was looked for: an effective conversation
    ANSWERED = "answered"  # by somebody else, or hung up at once
    SILENT = "silent"  # a person answered and no operator was there
    MACHINE = "machine"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    FAILED = "failed"  # no such number, or the network's fault
    UNKNOWN = "unknown"  # not yet over, or nobody knows


NOWHERE: Mapping[Written, tuple[str, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call to a person, whatever campaign it was of; `operator`: one of ours was on the line."""

    at: datetime
    number: str  # E.164
    ended: Ended
    operator: bool = False
    of_campaign: bool = True  # the one that asks


@dataclass(frozen=True, slots=True)
class Wrote:
    """A message or letter to a person, whatever campaign it was of."""

    at: datetime
    channel: Written


@dataclass(frozen=True, slots=True)
class Again:
    """What follows an outcome: not before `after`, and no more than `most` such outcomes of one number."""

    after: timedelta
    most: int


AGAIN: Mapping[Ended, Again] = MappingProxyType(
    {
        Ended.SPOKEN: Again(timedelta(days=2), 6),
        Ended.ANSWERED: Again(timedelta(hours=24), 3),
        Ended.SILENT: Again(SILENT_LOCK, 2),
        Ended.MACHINE: Again(timedelta(hours=3), 6),
        Ended.BUSY: Again(timedelta(minutes=15), 8),
        Ended.NO_ANSWER: Again(timedelta(hours=3), 6),
        Ended.FAILED: Again(timedelta(days=2), 2),
        Ended.UNKNOWN: Again(timedelta(hours=3), 6),
    }
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a campaign may do beside what the law says. `windows`: each of them must be open; their holidays are the
    ente's, closures are none of theirs. `business_windows`: the same for businesses, if they differ (requirement O3).
    `quiet`: besides, the hours in which the ente lets SMS arrive. `fresh`: how old what is known of the debt may be;
    none for a survey. `written_a_week`: messages and letters of whatever campaign in any seven days
    (our own choice: no source bounds them). `consent_to_messages`: SMS and e-mail need his consent.
    """

    windows: tuple[Timetable, ...]
    business_windows: tuple[Timetable, ...] = ()
    again: Mapping[Ended, Again] = field(default_factory=lambda: AGAIN)
    attempts_a_day: int = 3  # to one number
    attempts: int = 12  # to one person, by this campaign
    fresh: timedelta | None = timedelta(hours=24)
    needs_consent: bool = False
    about_debt: bool = True
    vary_hours: bool = False  # whom nobody found at one time of the day is tried at another
    quiet: Timetable | None = None
    written_a_week: int = 2
    consent_to_messages: bool = True


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of him at an instant. `numbers`: those that may be his, the best first. `wants_after`: from when he
    asked to be called; `promised_until`: until when he has promised to pay; `hours`: those he asked for (empty: any).
    `known_at`: up to when his debt is known; `ask_within`: so long before a call, at the most, the gestionale is asked
    about him, none where it cannot be; `asked_at` when it was, `lookup` what came of it, or would.
    `addresses`: where he may be written to, the best first: numbers, e-mail addresses, ids of postal ones; `stopped`:
    the means by which he said, at all of them, that he wants no more; `to_messages`: his consent to SMS and e-mail, if
    he ever said anything. `contact_ids`: all of his rows. `visits`: to him, for whatever
    practice.
    """

    numbers: tuple[str, ...]
    business: bool = False  # is found at work, not at home
    attempts: tuple[Attempt, ...] = ()
    running: bool = True
    known_at: datetime | None = None
    ask_within: timedelta | None = None
    asked_at: datetime | None = None
    lookup: Lookup | None = None
    deceased: bool = False
    do_not_call: bool = False
    insolvent: bool = False
    consented: bool | None = None
    due_cents: int = 0
    paid: bool = False
    suspended: bool = False
    complaint: bool = False
    claimed: bool = False
    twice: bool = False
    wants_after: datetime | None = None
    promised_until: datetime | None = None
    hours: tuple[Hours, ...] = ()
    addresses: Mapping[Written, tuple[str, ...]] = field(default_factory=lambda: NOWHERE)
    stopped: frozenset[Written] = frozenset()
    to_messages: bool | None = None
    written: tuple[Wrote, ...] = ()
    contact_ids: frozenset[int] = frozenset()
    visits: tuple[Visited, ...] = ()
    do_not_visit: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """He may be dialed on `number`, or written to there, if there are no reasons; else `not_before` says when, were
    nothing to happen meanwhile, and none that nobody knows. `operator_first`: only with one who is already on the line.
    `known_at`, `lookup`: what it goes by, kept with the attempt; `contact_ids`: all rows of whom it is about.
    """

    number: str | None
    reasons: tuple[Reason, ...] = ()
    not_before: datetime | None = None
    operator_first: bool = False
    known_at: datetime | None = field(default=None, compare=False)
    lookup: Lookup | None = field(default=None, compare=False)
    contact_ids: frozenset[int] = field(default=frozenset(), compare=False)

    @property
    def allowed(self) -> bool:
        """Whether he may be dialed, or written to, now."""
        return not self.reasons
