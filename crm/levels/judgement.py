"""How a contract's levels stood in a period. Pure.

A level without figures is *unknown*, neither kept nor missed. Nothing here reads a clock: a period that is still
running is judged by what it holds so far, and by the service days that it will have.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from crm.levels.agreement import Promise
from crm.levels.judging_calls import answered_within, day_by_day, each_call, lost, waiting_over
from crm.levels.judging_cases import complaints, mean_reply, within
from crm.levels.judging_desks import counter_handling, counter_wait, lead
from crm.levels.judging_field import after_finding
from crm.levels.judging_service import (
    available,
    incident_notice,
    interruption,
    outbound,
    portal,
    recovery,
    satisfied,
)
from crm.levels.known import Evidence
from crm.levels.metrics import (
    ANSWERED_WITHIN,
    AVAILABLE,
    LONGEST_WAIT,
    LOST,
    OF_CASES,
    OF_MAIL,
    QUEUE_CAP,
    SATISFIED,
    WAITING_OVER,
    MetricName,
)
from crm.levels.terms import Terms
from crm.levels.verdicts import Judge, Verdict


def judge(promise: Promise, evidence: Evidence, terms: Terms) -> Verdict:
    """How a level stands by this evidence."""
    judged = _JUDGES.get(promise.metric)
    return Verdict(promise) if judged is None else judged(promise, evidence, terms)


def is_judged(promise: Promise) -> bool:
    """Whether anything feeds its metric yet."""
    return promise.metric in _JUDGES


def judge_all(levels: Iterable[Promise], evidence: Evidence, terms: Terms) -> tuple[Verdict, ...]:
    """Each level, in its order."""
    return tuple(judge(one, evidence, terms) for one in levels)


_JUDGES: Mapping[str, Judge] = MappingProxyType(
    {
        WAITING_OVER: day_by_day(waiting_over), LOST: day_by_day(lost),
        ANSWERED_WITHIN: day_by_day(answered_within), QUEUE_CAP: each_call, LONGEST_WAIT: each_call,
        AVAILABLE: available, SATISFIED: satisfied, MetricName.OUTBOUND: outbound,
        MetricName.PORTAL_UPTIME: portal, MetricName.INTERRUPTION: interruption,
        MetricName.COUNTER_WAIT: counter_wait, MetricName.COUNTER_HANDLING: counter_handling,
        MetricName.APPOINTMENT_LEAD: lead, MetricName.INCIDENT_NOTICE: incident_notice,
        MetricName.DISASTER_RECOVERY: recovery,
        **dict.fromkeys((*OF_CASES, *OF_MAIL), within), MetricName.COMPLAINTS: complaints,
        MetricName.MEAN_MAIL_REPLY: mean_reply,
        MetricName.FIELD_REMOVED: after_finding(lambda one: one.removed),
        MetricName.FIELD_REPLACED: after_finding(lambda one: one.replaced),
    }
)  # fmt: skip
