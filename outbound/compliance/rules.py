"""Whether a person may be dialed, or written to, at an instant, and if not why, and when he first may. Pure.

Asked before every attempt and again at the instant of it. What law and code forbid cannot be configured away: an
ente's own rules come on top, and the strictest wins. Sources: UNIREC's code of conduct (windows, conversations), the
Garante's provision 83/2014 (silent calls) and that of 30 November 2005 (whom nobody solicits).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import partial
from types import MappingProxyType

from crm.collection.sources.port import Lookup
from crm.core.clock import ROME, business_day, start_of_day
from crm.enti.calendar import Hours, Timetable, next_opening

# Monday to Friday 8:30-21:00, Saturday 8:30-15:00, never on holidays (UNIREC).
LAW = (*(Hours(weekday, time(8, 30), time(21)) for weekday in range(5)), Hours(5, time(8, 30), time(15)))
# On which days e-mails are sent, at any hour: an SMS rings, an e-mail waits to be read. Our own choice, of no source.
WORKING_DAYS = tuple(Hours(weekday, time(0), time(0)) for weekday in range(6))
A_DAY, A_WEEK = 1, 3  # effective conversations with one person, over all his numbers and all campaigns (UNIREC)
WEEK = timedelta(days=7)  # any seven days, which is stricter than the calendar's
ONE_DAY = timedelta(days=1)
SILENT_LOCK = timedelta(days=5)  # for which a number that got a silent call is not called again (Garante 83/2014)
HORIZON = timedelta(days=120)  # beyond which nobody is planned
NEVER = datetime.max.replace(tzinfo=UTC)


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
    NO_ADDRESS = "no_address"  # none that may be his, to write to him by this means
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


Clear = Callable[[datetime], datetime]  # the first instant, from one on, at which a rule lets him be reached
NOWHERE: Mapping[Written, tuple[str, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of him at an instant. `numbers`: those that may be his, the best first. `wants_after`: from when he
    asked to be called; `promised_until`: until when he has promised to pay; `hours`: those he asked for (empty: any).
    `known_at`: up to when his debt is known; `ask_within`: so long before a call, at the most, the gestionale is asked
    about him, none where it cannot be; `asked_at` when it was, `lookup` what came of it, or would.
    `addresses`: where he may be written to, the best first: numbers, e-mail addresses, ids of postal ones; `stopped`:
    the means by which he said, at all of them, that he wants no more; `to_messages`: his consent to SMS and e-mail, if
    he ever said anything. `contact_ids`: all of his rows.
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


def judge(person: Person, rules: Rules, at: datetime) -> Verdict:
    """Whether he may be dialed at `at`, on which number; else every reason that holds, and when none would."""
    found = _judged(person, rules, at)
    return replace(found, known_at=person.known_at, lookup=person.lookup, contact_ids=person.contact_ids)


def _judged(person: Person, rules: Rules, at: datetime) -> Verdict:
    lasting = (*_lasting(person, rules, at), *_unchecked(person, rules, at))
    usable = [one for one in person.numbers if not _exhausted(one, person, rules)]
    if person.numbers and not usable:
        lasting += (Reason.EXHAUSTED,)
    first = {one: _first(list(_pauses(person, rules, one)), at) for one in usable}
    best = min(usable, key=lambda one: (first[one], person.numbers.index(one)), default=None)
    if best is None:
        return Verdict(None, lasting)
    reasons = lasting + tuple(reason for reason, clear in _pauses(person, rules, best) if clear(at) > at)
    when = None if lasting or first[best] >= NEVER else first[best]
    return Verdict(best, reasons, None if not reasons else when, _silenced(person))


def opens(rules: Rules, at: datetime) -> datetime | None:
    """The first instant, from this one on, at which anybody may be called at all; none within `HORIZON`."""
    found = [first for business in (False, True) if (first := _opens(rules, at, business=business)) is not None]
    return min(found, default=None)


def open_to(rules: Rules, at: datetime) -> frozenset[bool]:
    """Who may be called at an instant, as far as the hours say: businesses (`True`), homes (`False`)."""
    return frozenset(business for business in (False, True) if _opens(rules, at, business=business) == at)


def _opens(rules: Rules, at: datetime, *, business: bool) -> datetime | None:
    anybody = Person(numbers=("",), business=business, due_cents=1, known_at=at, consented=True)
    verdict = judge(anybody, rules, at)
    return at if verdict.allowed else verdict.not_before


def _windows(person: Person, rules: Rules) -> tuple[Timetable, ...]:
    return (rules.business_windows if person.business else ()) or rules.windows


def judge_written(person: Person, rules: Rules, at: datetime, channel: Written) -> Verdict:
    """Whether he may be written to by this means at `at`, and where; else every reason, and when none would hold."""
    lasting = tuple(_lasting_written(person, rules, at, channel))
    where = next(iter(person.addresses.get(channel, ())), None)
    pauses = list(_pauses_written(person, rules, channel))
    reasons = lasting + tuple(dict.fromkeys(reason for reason, clear in pauses if clear(at) > at))
    if not reasons:
        return Verdict(where)
    first = NEVER if lasting else _first(pauses, at)
    return Verdict(where, reasons, None if first >= NEVER else first)


def _lasting_written(person: Person, rules: Rules, at: datetime, channel: Written) -> Iterator[Reason]:
    """As for calls, but for what concerns the telephone alone; nobody who wants no calls gets an SMS."""
    if person.do_not_call and channel is Written.SMS:
        yield Reason.DO_NOT_CALL
    if channel is not Written.LETTER:
        agreed = person.to_messages
        if agreed is False or (rules.consent_to_messages and not agreed):
            yield Reason.NO_CONSENT
    if channel in person.stopped:
        yield Reason.STOPPED
    elif not person.addresses.get(channel):
        yield Reason.NO_ADDRESS
    yield from _lasting_of_him(person, rules, at)


def _pauses_written(person: Person, rules: Rules, channel: Written) -> Iterator[tuple[Reason, Clear]]:
    """An SMS comes in the hours of calls, an e-mail on a working day, a letter whenever the post comes."""
    windows: tuple[Timetable, ...] = ()
    if channel is Written.SMS:
        preferred = tuple(one for one in _windows(person, rules) if one.hours)  # a campaign that calls nobody has none
        windows = (_within(LAW, rules), *preferred, *([rules.quiet] if rules.quiet else ()))
        if person.hours:
            yield Reason.WISH, partial(_open, Timetable(person.hours, observes_holidays=False))
    elif channel is Written.EMAIL:
        windows = (_within(WORKING_DAYS, rules),)
    for window in windows:
        yield Reason.WINDOW, partial(_open, window)
    if rules.about_debt and person.promised_until is not None:
        yield Reason.PROMISED, partial(max, person.promised_until)
    wrote = sorted(one.at for one in person.written)
    yield Reason.WRITTEN, partial(_after_weeks, wrote, rules.written_a_week)


def _lasting(person: Person, rules: Rules, at: datetime) -> Iterator[Reason]:
    """What no time alone puts right."""
    if person.do_not_call:
        yield Reason.DO_NOT_CALL
    if person.consented is False or (rules.needs_consent and not person.consented):
        yield Reason.NO_CONSENT
    if not person.numbers:
        yield Reason.NO_NUMBER
    if sum(one.of_campaign for one in person.attempts) >= rules.attempts:
        yield Reason.EXHAUSTED
    yield from _lasting_of_him(person, rules, at)


def _unchecked(person: Person, rules: Rules, at: datetime) -> Iterator[Reason]:
    """Where the gestionale can be asked about him it was, in vain or not, just before he is called."""
    within, asked = person.ask_within, person.asked_at
    if rules.about_debt and within is not None and (asked is None or at - asked > within):
        yield Reason.UNCHECKED


def _lasting_of_him(person: Person, rules: Rules, at: datetime) -> Iterator[Reason]:
    """The same, whatever the means."""
    if person.twice:
        yield Reason.SAME_PERSON
    if person.deceased:
        yield Reason.DECEASED
    if rules.about_debt:
        if person.insolvent:
            yield Reason.INSOLVENT
        if person.suspended:
            yield Reason.SUSPENDED
        elif person.due_cents <= 0:
            yield Reason.PAID if person.paid else Reason.NOTHING_DUE
        if rules.fresh is not None and (person.known_at is None or at - person.known_at > rules.fresh):
            yield Reason.STALE
    if person.complaint:
        yield Reason.COMPLAINT
    if person.claimed:
        yield Reason.CLAIMED
    if not person.running:
        yield Reason.NOT_RUNNING


def _exhausted(number: str, person: Person, rules: Rules) -> bool:
    mine = [one.ended for one in person.attempts if one.of_campaign and one.number == number]
    return any(mine.count(ended) >= again.most for ended, again in rules.again.items())


def _pauses(person: Person, rules: Rules, number: str) -> Iterator[tuple[Reason, Clear]]:
    """What time puts right: each rule as the way from an instant to the next that it allows."""
    for window in (_within(LAW, rules), *_windows(person, rules)):
        yield Reason.WINDOW, partial(_open, window)
    if person.hours:
        yield Reason.WISH, partial(_open, Timetable(person.hours, observes_holidays=False))
    if person.wants_after is not None:
        yield Reason.WISH, partial(max, person.wants_after)
    if rules.about_debt and person.promised_until is not None:
        yield Reason.PROMISED, partial(max, person.promised_until)
    spoken = sorted(one.at for one in person.attempts if one.ended is Ended.SPOKEN)
    yield Reason.SPOKEN_TODAY, partial(_after_days, spoken, A_DAY)
    yield Reason.SPOKEN_THIS_WEEK, partial(_after_weeks, spoken, A_WEEK)
    silent = max((one.at for one in person.attempts if one.ended is Ended.SILENT), default=None)
    if silent is not None:
        yield Reason.SILENT, partial(max, silent + SILENT_LOCK)
    mine = sorted((one for one in person.attempts if one.number == number), key=lambda one: one.at)
    if mine:
        if person.wants_after is None or person.wants_after <= mine[-1].at:  # else his own wish says when
            yield Reason.TRIED, partial(max, mine[-1].at + rules.again[mine[-1].ended].after)
            if rules.vary_hours and mine[-1].ended in _NOT_FOUND:
                yield Reason.TRIED, partial(_at_another_time, mine[-1].at)
        yield Reason.TRIED, partial(_after_days, [one.at for one in mine], rules.attempts_a_day)


_NOT_FOUND = frozenset({Ended.MACHINE, Ended.NO_ANSWER})
_PARTS = (time(13), time(17, 30))  # where the morning ends, and the afternoon
_VARIED = timedelta(days=4)  # after which any hour will do: where a campaign has no others, too


def _at_another_time(tried: datetime, at: datetime) -> datetime:
    """The first instant in another part of the day than that in which he was not found."""
    if at >= tried + _VARIED or _part(at) != _part(tried):
        return at
    day = business_day(at)
    ends = (*(datetime.combine(day, one, ROME) for one in _PARTS), start_of_day(day + ONE_DAY))
    return min(ends[_part(at)].astimezone(UTC), tried + _VARIED)


def _part(at: datetime) -> int:
    return sum(at.astimezone(ROME).time() >= one for one in _PARTS)


def _open(window: Timetable, at: datetime) -> datetime:
    return next_opening(window, at) or NEVER


def _within(hours: tuple[Hours, ...], rules: Rules) -> Timetable:
    """These hours, on no holiday of whatever calendar the campaign's windows have."""
    patron = next((one.patron for one in rules.windows if one.patron), None)
    return Timetable(hours, patron=patron)


def _after_days(happened: list[datetime], most: int, at: datetime) -> datetime:
    """The first instant on a day on which fewer than `most` happened."""
    day = business_day(at)
    if sum(business_day(one) == day for one in happened) < most:
        return at
    return start_of_day(day + ONE_DAY)


def _after_weeks(happened: list[datetime], most: int, at: datetime) -> datetime:
    """The first instant before which, in seven days, fewer than `most` happened."""
    recent = [one for one in happened if at - WEEK < one]
    return at if len(recent) < most else recent[-most] + WEEK


def _first(pauses: list[tuple[Reason, Clear]], at: datetime) -> datetime:
    """The first instant at which no pause holds. Each rule only moves forward, so the end is the least such instant."""
    moment = at
    while moment - at <= HORIZON:
        later = max((clear(moment) for _, clear in pauses), default=moment)
        if later == moment:
            return moment
        if later >= NEVER:
            return NEVER
        moment = later
    return NEVER


def _silenced(person: Person) -> bool:
    """Whether no call with an operator followed his last silent one: then one has to be there before he answers."""
    silent = max((one.at for one in person.attempts if one.ended is Ended.SILENT), default=None)
    return silent is not None and not any(one.operator and one.at > silent for one in person.attempts)
