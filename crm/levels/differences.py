"""What was learnt of a period after it was closed: figure by figure, each with its cause where it can be told. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from crm.levels.known import Evidence
from crm.levels.metering import MEASURES, Callers, Counts


class Counted(StrEnum):
    """What is counted of a day: each of the meter's measures, and the calls over a limit."""

    RECEIVED = "received"
    ENTERED = "entered"
    ANSWERED = "answered"
    LOST = "lost"
    WAITED_OVER = "waited_over"
    WAIT_MS = "wait_ms"
    ANSWERED_WITHIN = "answered_within"
    ABANDONED = "abandoned"
    ABANDONED_WITHIN = "abandoned_within"
    ABANDONED_SHORT = "abandoned_short"
    ABANDONED_WAIT_MS = "abandoned_wait_ms"
    HANDLED = "handled"
    TALK_MS = "talk_ms"
    HOLD_MS = "hold_ms"
    WRAP_UP_MS = "wrap_up_ms"
    BREACHES = "breaches"


class Whole(StrEnum):
    """A figure of a period that is of no call: of its hours, of the system itself, of marks, of desks."""

    SERVICE_DAYS = "service_days"
    PROMISED_MIN = "promised_min"
    FAILED_MIN = "failed_min"
    CONTENT = "content"
    MARKS = "marks"
    INTERRUPTIONS = "interruptions"
    INTERRUPTION_MIN = "interruption_min"  # the longest
    NOTICE_H = "notice_h"  # the latest
    PAGES_MIN = "pages_min"
    PAGES_FAILED_MIN = "pages_failed_min"
    RESTORED_H = "restored_h"
    DESK_LONGEST_S = "desk_longest_s"  # of a day
    DESK_SERVED = "desk_served"
    DESK_SERVED_S = "desk_served_s"
    DESK_LEAD_DAYS = "desk_lead_days"
    OUTBOUND_CALLS = "outbound_calls"
    OUTBOUND_MIN = "outbound_min"  # of operators' time
    UNFIT = "unfit"  # agents found so
    REMOVED_DAYS = "removed_days"  # the most
    REPLACED_DAYS = "replaced_days"
    CASE_TERMS = "case_terms"  # of cases: how many were over
    CASE_DAYS = "case_days"  # the most days that one took
    COMPLAINTS = "complaints"
    MAIL_REPLIES = "mail_replies"  # to mails: how many terms were over
    MAIL_REPLY_DAYS = "mail_reply_days"  # the most days that one took
    MAIL_REPLY_SUM_DAYS = "mail_reply_sum_days"  # of the calendar, all together


class WhyChanged(StrEnum):
    """Why a figure is not what it was. `RECOUNTED`: nothing was recorded later, so it was counted otherwise.

    A closure is none of them: consent counts from when it is given, and to what is over nobody can consent.
    """

    IMPORTED = "imported"  # another system's calls came in
    ATTRIBUTED = "attributed"  # a call turned out to be about this ente, or another one
    REPAIRED = "repaired"  # the carrier's word was lost, and found out later
    LATE = "late"  # told after the closing: the carrier's word, an operator's notes
    INTERRUPTION_FOUND = "interruption_found"  # or its end
    INTERRUPTION_AGREED = "interruption_agreed"
    HOURS_CHANGED = "hours_changed"
    SURVEY_LATE = "survey_late"
    DESK_LATE = "desk_late"
    DRILL = "drill"
    RECOUNTED = "recounted"
    LEVELS_CHANGED = "levels_changed"
    TERMS_CHANGED = "terms_changed"
    EXCLUSION_AGREED = "exclusion_agreed"


Whys = Annotated[tuple[WhyChanged, ...], Field(exclude_if=lambda known: not known)]


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of one day that is not what it was when the period was closed. Reports of before causes have none."""

    day: date
    counted: Counted
    callers: Callers
    was: int
    now: int
    causes: Whys = ()


@dataclass(frozen=True, slots=True)
class Shift:
    """A figure of the period itself, or of the desks on one day, that is not what it was; none: nothing was known."""

    figure: Whole
    was: Decimal | None
    now: Decimal | None
    day: date | None = None
    causes: tuple[WhyChanged, ...] = ()


@dataclass(frozen=True, slots=True)
class Learnt:
    """What was recorded after a closing: of the calls of each day, and of the period's interruptions."""

    of_days: Mapping[tuple[date, Callers], frozenset[WhyChanged]] = field(default_factory=dict)
    of_period: frozenset[WhyChanged] = frozenset()


NOTHING = Learnt()


def differences(then: Evidence, now: Evidence, learnt: Learnt = NOTHING) -> Iterator[Difference]:
    """What was learnt of a period's calls after it was closed, day by day."""
    for one in _of_days(then, now):
        causes = learnt.of_days.get((one.day, one.callers), frozenset())
        yield replace(one, causes=_in_order(causes) or (WhyChanged.RECOUNTED,))


def shifts(then: Evidence, now: Evidence, learnt: Learnt = NOTHING) -> Iterator[Shift]:
    """What was learnt of everything else in the evidence."""
    was, is_ = _wholes(then), _wholes(now)
    for key in sorted({*was, *is_}, key=lambda one: (list(Whole).index(one[0]), one[1] or date.min)):
        if was.get(key) != is_.get(key):
            figure, day = key
            causes = _in_order(learnt.of_period & _MAY_BE[figure]) or (_ELSE.get(figure, WhyChanged.RECOUNTED),)
            yield Shift(figure, was.get(key), is_.get(key), day, causes)


def _of_days(then: Evidence, now: Evidence) -> Iterator[Difference]:
    for day in sorted({*then.days, *now.days}):
        for callers in Callers:
            was, is_ = (one.days.get(day, {}).get(callers, Counts()) for one in (then, now))
            for name in MEASURES:
                if getattr(was, name) != getattr(is_, name):
                    yield Difference(day, Counted(name), callers, getattr(was, name), getattr(is_, name))
    for day in sorted({one.day for one in (*then.breaches, *now.breaches)}):
        for callers in Callers:
            was_over, is_over = (
                sum(one.day == day and one.callers is callers for one in all_.breaches) for all_ in (then, now)
            )
            if was_over != is_over:
                yield Difference(day, Counted.BREACHES, callers, was_over, is_over)


def _wholes(one: Evidence) -> dict[tuple[Whole, date | None], Decimal]:
    found: dict[Whole, Decimal | int | None] = {
        Whole.SERVICE_DAYS: len(one.service_days), Whole.PROMISED_MIN: _minutes(one.promised),
        Whole.FAILED_MIN: _minutes(one.failed),
    }  # fmt: skip
    if one.marks is not None:
        found[Whole.CONTENT], found[Whole.MARKS] = one.marks
    if (own := one.continuity) is not None:
        found |= {
            Whole.INTERRUPTIONS: len(own.interruptions), Whole.INTERRUPTION_MIN: max(own.interruptions, default=None),
            Whole.NOTICE_H: max(own.notices, default=None), Whole.PAGES_MIN: _minutes(own.pages),
            Whole.PAGES_FAILED_MIN: _minutes(own.pages_failed), Whole.RESTORED_H: own.restored,
        }  # fmt: skip
    if (calls := one.outbound) is not None:
        minutes = _minutes(timedelta(milliseconds=calls.staffed_ms))
        found |= {Whole.OUTBOUND_CALLS: calls.attempts, Whole.OUTBOUND_MIN: minutes}
    if one.unfit:
        found |= {
            Whole.UNFIT: len(one.unfit),
            Whole.REMOVED_DAYS: max((each.removed for each in one.unfit if each.removed is not None), default=None),
            Whole.REPLACED_DAYS: max((each.replaced for each in one.unfit if each.replaced is not None), default=None),
        }
    if one.terms:
        found |= {Whole.CASE_TERMS: len(one.terms), Whole.CASE_DAYS: max(each.days for each in one.terms)}
    if one.complaints is not None:
        found[Whole.COMPLAINTS] = len(one.complaints.those)
    if one.replies:
        found |= {
            Whole.MAIL_REPLIES: len(one.replies), Whole.MAIL_REPLY_DAYS: max(each.days for each in one.replies),
            Whole.MAIL_REPLY_SUM_DAYS: sum(each.calendar_days for each in one.replies),
        }  # fmt: skip
    by_day: dict[tuple[Whole, date | None], Decimal] = {}
    if (desks := one.desks) is not None:
        found |= {
            Whole.DESK_SERVED: desks.served,
            Whole.DESK_SERVED_S: desks.served_s,
            Whole.DESK_LEAD_DAYS: desks.lead,
        }
        by_day = {(Whole.DESK_LONGEST_S, day): Decimal(longest) for day, longest in desks.longest.items()}
    return {(name, None): Decimal(value) for name, value in found.items() if value is not None} | by_day


def _minutes(length: timedelta) -> Decimal:
    return round(Decimal(length // timedelta(milliseconds=1)) / 60_000, 3)


def _in_order(causes: frozenset[WhyChanged]) -> tuple[WhyChanged, ...]:
    return tuple(one for one in WhyChanged if one in causes)


_OURS = frozenset({WhyChanged.INTERRUPTION_FOUND, WhyChanged.INTERRUPTION_AGREED})
_ELSE: Mapping[Whole, WhyChanged] = MappingProxyType(  # where nothing was recorded later that could explain it
    dict.fromkeys((Whole.SERVICE_DAYS, Whole.PROMISED_MIN, Whole.FAILED_MIN), WhyChanged.HOURS_CHANGED)
    | dict.fromkeys((Whole.CONTENT, Whole.MARKS), WhyChanged.SURVEY_LATE)
    | dict.fromkeys(
        (Whole.DESK_LONGEST_S, Whole.DESK_SERVED, Whole.DESK_SERVED_S, Whole.DESK_LEAD_DAYS), WhyChanged.DESK_LATE
    )
    | {Whole.RESTORED_H: WhyChanged.DRILL}
    | dict.fromkeys((Whole.OUTBOUND_CALLS, Whole.OUTBOUND_MIN), WhyChanged.LATE)
    | dict.fromkeys((Whole.UNFIT, Whole.REMOVED_DAYS, Whole.REPLACED_DAYS), WhyChanged.LATE)
    | dict.fromkeys((Whole.CASE_TERMS, Whole.CASE_DAYS, Whole.COMPLAINTS), WhyChanged.LATE)
    | dict.fromkeys((Whole.MAIL_REPLIES, Whole.MAIL_REPLY_DAYS, Whole.MAIL_REPLY_SUM_DAYS), WhyChanged.LATE)
)
_MAY_BE: Mapping[Whole, frozenset[WhyChanged]] = MappingProxyType(
    dict.fromkeys(Whole, frozenset())
    | dict.fromkeys((Whole.SERVICE_DAYS, Whole.PROMISED_MIN), frozenset({WhyChanged.INTERRUPTION_AGREED}))
    | dict.fromkeys(
        (
            Whole.FAILED_MIN, Whole.INTERRUPTIONS, Whole.INTERRUPTION_MIN, Whole.NOTICE_H, Whole.PAGES_MIN,
            Whole.PAGES_FAILED_MIN,
        ),
        _OURS,
    )
)  # fmt: skip
