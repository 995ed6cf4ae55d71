"""How levels of the service itself stand: minutes it was there, interruptions, satisfaction, calls it placed. Pure."""

from datetime import timedelta
from decimal import Decimal

from crm.enti.calendar import INSTANT
from crm.levels.agreement import Promise
from crm.levels.known import Evidence
from crm.levels.terms import Terms
from crm.levels.verdicts import ONE, Verdict, standing_of

MS_PER_MINUTE = 60_000


def available(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    return _time_share(promise, evidence.promised, evidence.failed)


def portal(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    known = evidence.continuity
    return Verdict(promise) if known is None else _time_share(promise, known.pages, known.pages_failed)


def _time_share(promise: Promise, promised: timedelta, failed: timedelta) -> Verdict:
    if not promised:
        return Verdict(promise)
    minutes, lost = (round(span.total_seconds() / 60) for span in (promised, failed))
    share = ONE - Decimal(failed // INSTANT) / Decimal(promised // INSTANT)
    return Verdict(promise, standing_of(promise, share), share, lost, minutes)


def interruption(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    """No interruption longer than promised; where there was none the longest is of no minutes."""
    known = evidence.continuity
    if known is None:
        return Verdict(promise)
    longest = max(known.interruptions, default=Decimal(0))
    return Verdict(promise, standing_of(promise, longest), longest)


def incident_notice(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    """Of no interruption nobody had to be told: unknown."""
    known = evidence.continuity
    if known is None or not known.notices:
        return Verdict(promise)
    return Verdict(promise, standing_of(promise, max(known.notices)), max(known.notices))


def recovery(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    known = evidence.continuity
    if known is None or known.restored is None:
        return Verdict(promise)
    return Verdict(promise, standing_of(promise, known.restored), known.restored)


def satisfied(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    if evidence.marks is None or not evidence.marks[1]:
        return Verdict(promise)
    content, answered = evidence.marks
    share = Decimal(content) / answered
    return Verdict(promise, standing_of(promise, share), share, content, answered)


def outbound(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    """Calls by the hour of an operator's time; `whole` is that time in minutes."""
    known = evidence.outbound
    if known is None or (measured := known.an_hour) is None:
        return Verdict(promise)
    return Verdict(
        promise, standing_of(promise, measured), measured, known.attempts, round(known.staffed_ms / MS_PER_MINUTE)
    )  # fmt: skip
