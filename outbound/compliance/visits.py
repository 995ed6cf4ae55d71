"""Whether somebody may be visited at an instant, and if not why, and when he first may. Pure.

The same compliance as calls: the hours of the code of conduct, which hold for visits too, and the ente's own on top;
whom nobody solicits; conversations counted over calls and visits together (UNIREC's code; Garante, 30 November 2005).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from crm.enti.calendar import Hours, Timetable
from outbound.compliance import windows
from outbound.compliance.calls import A_DAY, A_WEEK
from outbound.compliance.refusals import lasting_of_him
from outbound.compliance.rules import Person, Reason, Rules, Verdict
from outbound.compliance.windows import (
    LAW,
    NEVER,
    Clear,
    after_days,
    after_weeks,
    cleared,
    conversations,
    own_hours,
    within,
)


@dataclass(frozen=True, slots=True)
class VisitRules:
    """What an ente lets happen beside what the law says. `hours`: in which its people are visited, within the law's;
    `fresh_hours`: how old what is known of a debt may be. A visit is about a debt, always.
    """

    hours: tuple[Timetable, ...]
    fresh_hours: int = 72  # a packet goes along for the day, maybe two

    @property
    def as_calls(self) -> Rules:
        """As the parts that calls and visits share want them."""
        return Rules(self.hours, fresh=timedelta(hours=self.fresh_hours), about_debt=True)


def visit_rules(line: Timetable, hours: tuple[Hours, ...], fresh_hours: int) -> VisitRules:
    """The rules of an ente that has its people visited in these hours; `line`: its calendar."""
    return VisitRules((own_hours(line, hours),), fresh_hours)


def judge_visit(person: Person, rules: VisitRules, at: datetime) -> Verdict:
    """Whether he may be visited at `at`; else every reason that holds, and when none would, were nothing to happen.

    Rule: nobody is visited outside the hours of the code, after a conversation of the same day, or after three in a
    week, whether he was called or visited.
    """
    lasting = tuple(_lasting(person, rules, at))
    pauses = list(_pauses(person, rules))
    reasons = lasting + tuple(dict.fromkeys(reason for reason, clear in pauses if clear(at) > at))
    if not reasons:
        return Verdict(None, known_at=person.known_at, lookup=person.lookup)
    first = NEVER if lasting else cleared(pauses, at)
    when = None if first >= NEVER else first
    return Verdict(None, reasons, when, known_at=person.known_at, lookup=person.lookup)


def _lasting(person: Person, rules: VisitRules, at: datetime) -> Iterator[Reason]:
    if person.do_not_visit:
        yield Reason.DO_NOT_VISIT
    yield from lasting_of_him(person, rules.as_calls, at)


def _pauses(person: Person, rules: VisitRules) -> Iterator[tuple[Reason, Clear]]:
    for window in (within(LAW, rules.as_calls), *rules.hours):
        yield Reason.WINDOW, partial(windows.opening, window)
    if person.hours:
        yield Reason.WISH, partial(windows.opening, Timetable(person.hours, observes_holidays=False))
    if person.wants_after is not None:
        yield Reason.WISH, partial(max, person.wants_after)
    if person.promised_until is not None:
        yield Reason.PROMISED, partial(max, person.promised_until)
    spoken = conversations(person)
    yield Reason.SPOKEN_TODAY, partial(after_days, spoken, A_DAY)
    yield Reason.SPOKEN_THIS_WEEK, partial(after_weeks, spoken, A_WEEK)
    yield Reason.VISITED, partial(after_days, [one.at for one in person.visits], A_DAY)
    for visit in person.visits:
        yield Reason.VISITED, partial(max, visit.over_at)
