"""Whether a person may be dialed at an instant, and if not why, and when he first may. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial

from crm.enti.calendar import Timetable
from outbound.compliance import windows
from outbound.compliance.refusals import lasting_of_him
from outbound.compliance.rules import SILENT_LOCK, Ended, Person, Reason, Rules, Verdict
from outbound.compliance.windows import (
    LAW,
    NEVER,
    Clear,
    after_days,
    after_weeks,
    at_another_time,
    cleared,
    conversations,
    hours_of,
    within,
)

A_DAY, A_WEEK = 1, 3  # effective conversations with one person, over all his numbers and all campaigns (UNIREC)
_NOT_FOUND = frozenset({Ended.MACHINE, Ended.NO_ANSWER})


def judge(person: Person, rules: Rules, at: datetime) -> Verdict:
    """Whether he may be dialed at `at`, on which number; else every reason that holds, and when none would."""
    found = _judged(person, rules, at)
    return replace(found, known_at=person.known_at, lookup=person.lookup, contact_ids=person.contact_ids)


def _judged(person: Person, rules: Rules, at: datetime) -> Verdict:
    lasting = (*_lasting(person, rules, at), *_unchecked(person, rules, at))
    usable = [one for one in person.numbers if not _exhausted(one, person, rules)]
    if person.numbers and not usable:
        lasting += (Reason.EXHAUSTED,)
    first = {one: cleared(list(_pauses(person, rules, one)), at) for one in usable}
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
    yield from lasting_of_him(person, rules, at)


def _unchecked(person: Person, rules: Rules, at: datetime) -> Iterator[Reason]:
    """Where the gestionale can be asked about him it was, in vain or not, just before he is called."""
    longest, asked = person.ask_within, person.asked_at
    if rules.about_debt and longest is not None and (asked is None or at - asked > longest):
        yield Reason.UNCHECKED


def _exhausted(number: str, person: Person, rules: Rules) -> bool:
    mine = [one.ended for one in person.attempts if one.of_campaign and one.number == number]
    return any(mine.count(ended) >= again.most for ended, again in rules.again.items())


def _pauses(person: Person, rules: Rules, number: str) -> Iterator[tuple[Reason, Clear]]:
    """What time puts right: each rule as the way from an instant to the next that it allows."""
    for window in (within(LAW, rules), *hours_of(person, rules)):
        yield Reason.WINDOW, partial(windows.opening, window)
    if person.hours:
        yield Reason.WISH, partial(windows.opening, Timetable(person.hours, observes_holidays=False))
    if person.wants_after is not None:
        yield Reason.WISH, partial(max, person.wants_after)
    if rules.about_debt and person.promised_until is not None:
        yield Reason.PROMISED, partial(max, person.promised_until)
    spoken = conversations(person)
    yield Reason.SPOKEN_TODAY, partial(after_days, spoken, A_DAY)
    yield Reason.SPOKEN_THIS_WEEK, partial(after_weeks, spoken, A_WEEK)
    silent = max((one.at for one in person.attempts if one.ended is Ended.SILENT), default=None)
    if silent is not None:
        yield Reason.SILENT, partial(max, silent + SILENT_LOCK)
    mine = sorted((one for one in person.attempts if one.number == number), key=lambda one: one.at)
    if mine:
        if person.wants_after is None or person.wants_after <= mine[-1].at:  # else his own wish says when
            yield Reason.TRIED, partial(max, mine[-1].at + rules.again[mine[-1].ended].after)
            if rules.vary_hours and mine[-1].ended in _NOT_FOUND:
                yield Reason.TRIED, partial(at_another_time, mine[-1].at)
        yield Reason.TRIED, partial(after_days, [one.at for one in mine], rules.attempts_a_day)


def _silenced(person: Person) -> bool:
    """Whether no call with an operator followed his last silent one: then one has to be there before he answers."""
    silent = max((one.at for one in person.attempts if one.ended is Ended.SILENT), default=None)
    return silent is not None and not any(one.operator and one.at > silent for one in person.attempts)
