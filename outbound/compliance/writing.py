"""Whether a person may be written to at an instant by some means, and if not why, and when he first may. Pure."""

from collections.abc import Iterator
from datetime import datetime, time
from functools import partial

from crm.enti.calendar import Hours, Timetable
from outbound.compliance import windows
from outbound.compliance.refusals import lasting_of_him
from outbound.compliance.rules import Person, Reason, Rules, Verdict, Written
from outbound.compliance.windows import LAW, NEVER, Clear, after_weeks, cleared, hours_of, within

# On which days e-mails are sent, at any hour: an SMS rings, an e-mail waits to be read. Our own choice, of no source.
WORKING_DAYS = tuple(Hours(weekday, time(0), time(0)) for weekday in range(6))


def judge_written(person: Person, rules: Rules, at: datetime, channel: Written) -> Verdict:
    """Whether he may be written to by this means at `at`, and where; else every reason, and when none would hold."""
    lasting = tuple(_lasting_written(person, rules, at, channel))
    where = next(iter(person.addresses.get(channel, ())), None)
    pauses = list(_pauses_written(person, rules, channel))
    reasons = lasting + tuple(dict.fromkeys(reason for reason, clear in pauses if clear(at) > at))
    if not reasons:
        return Verdict(where)
    first = NEVER if lasting else cleared(pauses, at)
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
    yield from lasting_of_him(person, rules, at)


def _pauses_written(person: Person, rules: Rules, channel: Written) -> Iterator[tuple[Reason, Clear]]:
    """An SMS comes in the hours of calls, an e-mail on a working day, a letter whenever the post comes."""
    hours: tuple[Timetable, ...] = ()
    if channel is Written.SMS:
        preferred = tuple(one for one in hours_of(person, rules) if one.hours)  # a campaign that calls nobody has none
        hours = (within(LAW, rules), *preferred, *([rules.quiet] if rules.quiet else ()))
        if person.hours:
            yield Reason.WISH, partial(windows.opening, Timetable(person.hours, observes_holidays=False))
    elif channel is Written.EMAIL:
        hours = (within(WORKING_DAYS, rules),)
    for window in hours:
        yield Reason.WINDOW, partial(windows.opening, window)
    if rules.about_debt and person.promised_until is not None:
        yield Reason.PROMISED, partial(max, person.promised_until)
    wrote = sorted(one.at for one in person.written)
    yield Reason.WRITTEN, partial(after_weeks, wrote, rules.written_a_week)
