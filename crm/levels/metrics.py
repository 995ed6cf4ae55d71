"""What contracts measure, as data: each metric with its unit and with where its figures come from.

The names are those of four public Italian contracts and service charters (Anci Toscana, Intercent-ER, STEP, Ser.Com).
A metric whose source nothing feeds yet is there all the same, and reads *no data*.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Unit(StrEnum):
    """What a target is told in."""

    SHARE = "share"  # 0 to 1, shown in per cent
    CONTACTS = "contacts"
    PER_HOUR = "per_hour"
    SECONDS = "seconds"
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"  # of the calendar
    WORKING_DAYS = "working_days"


class Source(StrEnum):
    """Which records a metric is computed from."""

    CALLS = "calls"
    SERVICE_TIME = "service_time"  # hours promised, closures, interruptions
    OUTBOUND = "outbound"
    SURVEYS = "surveys"
    COUNTER = "counter"
    APPOINTMENTS = "appointments"
    MAIL = "mail"
    CASES = "cases"
    PORTAL = "portal"
    OPERATIONS = "operations"
    FIELD = "field"  # visits


class Each(StrEnum):
    """What a penalty is for, where the contract has one."""

    CALL = "call"  # each call over the limit
    DAY_LATE = "day_late"  # each day that an answer was late
    DAY_OVER = "day_over"  # each service day beyond the share of days that may be over the limit
    COMPLAINT = "complaint"  # each complaint over the share


@dataclass(frozen=True, slots=True)
class Metric:
    """`has_threshold`: its name leaves open how many seconds. `by_callers`: it may be promised to one kind alone.
    `by_days`: it may have to hold on a share of the days alone. `paid_for`: what a penalty of it is counted by; none:
    there is nothing to count, and so no penalty.
    """

    unit: Unit
    source: Source
    has_threshold: bool = False
    by_callers: bool = False
    by_days: bool = False
    paid_for: Each | None = None


class MetricName(StrEnum):
    """How a metric is stored, and named in the contracts' own terms."""

    WAITING_OVER = "share_of_received_calls_waiting_over"
    LOST = "share_of_received_calls_lost"
    ANSWERED_WITHIN = "service_level"
    QUEUE_CAP = "max_contacts_in_queue"
    LONGEST_WAIT = "max_queue_wait_s"
    AVAILABLE = "available_minutes_over_service_minutes"
    OUTBOUND = "outbound_calls_per_hour"
    SATISFIED = "customer_satisfaction_positive"
    CLARITY = "clarity_of_information_positive"
    COMMUNICATIONS_CLEAR = "communications_judged_clear"
    COUNTER_WAIT = "counter_wait_min"
    COUNTER_HANDLING = "mean_counter_handling_min"
    APPOINTMENT_LEAD = "appointment_lead_time_working_days"
    EMAIL_REPLY = "email_reply_working_days"
    PEC_REPLY = "pec_reply_working_days"
    MEAN_MAIL_REPLY = "mean_email_and_pec_reply_days"
    CASE_INFORMATION = "case_information_to_municipality_working_days"
    LITIGATION_PAPERS = "litigation_papers_to_municipality_working_days"
    COMPLAINT_REPLY = "complaint_reply_working_days"
    COMPLAINTS = "complaints_over_front_office_contacts"
    INFORMATION_REPLY = "information_request_reply_days"
    GENERIC_REQUEST = "generic_request_closed_days"
    EXTENSION_NOTICE = "complex_request_extension_notice_days"
    INSTALMENT_DECIDED = "instalment_request_decided_days"
    SELF_CORRECTION = "self_correction_reply_days"
    ADHESION_SUMMONS = "adhesion_summons_days"
    APPEAL_FORWARDED = "appeal_forwarded_to_ente_days"
    NOTIFICATION_SENT = "digital_notification_sent_hours"
    PAYMENT_REGISTERED = "payment_registered_hours"
    INTERRUPTION = "interruption_min"
    INCIDENT_NOTICE = "incident_notice_to_users_hours"
    INCIDENT_TAKEN = "incident_taken_in_charge_hours"
    DISASTER_RECOVERY = "disaster_recovery_hours"
    PORTAL_UPTIME = "portal_uptime"
    DIGITAL_SIGN_IN = "digital_identity_sign_in_success"
    HOME_PAGE = "home_page_load_s"
    HANDLED_ONLINE = "requests_handled_online"
    INSTALMENT_REGISTERED = "instalment_request_registered_days"
    SURETY_DECIDED = "instalment_request_decided_with_surety_days"
    INSTALMENT_TOLD = "instalment_outcome_communicated_days"
    RELIEF_SHEET = "relief_or_refund_sheet_days"
    RELIEF_TOLD = "relief_or_refund_communicated_days"
    ANNULMENT_SHEET = "annulment_sheet_days"
    SUSPENSION_SHEET = "suspension_sheet_days"
    SUSPENSION_DECIDED = "suspension_ente_decision_days"
    SUSPENSION_DRAFTED = "suspension_reply_drafted_days"
    SUSPENSION_SENT = "suspension_reply_sent_after_signature_days"
    INSOLVENCY_REPORTED = "insolvency_reported_to_municipality_days"
    INSOLVENCY_CLAIMED = "insolvency_claim_filed_days"
    RENOTIFICATION = "renotification_prepared_days"
    FIELD_REMOVED = "field_agent_removed_working_days"
    FIELD_REPLACED = "field_agent_replaced_working_days"


N = MetricName
WAITING_OVER, LOST, ANSWERED_WITHIN = N.WAITING_OVER, N.LOST, N.ANSWERED_WITHIN
QUEUE_CAP, LONGEST_WAIT, AVAILABLE, SATISFIED = N.QUEUE_CAP, N.LONGEST_WAIT, N.AVAILABLE, N.SATISFIED


def _of(
    source: Source, unit: Unit, *names: MetricName, paid_for: Each | None = None, by_days: bool = False
) -> dict[str, Metric]:  # fmt: skip
    return dict.fromkeys(names, Metric(unit, source, by_days=by_days, paid_for=paid_for))


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        N.WAITING_OVER: Metric(Unit.SHARE, Source.CALLS, has_threshold=True, by_callers=True, by_days=True),
        N.LOST: Metric(Unit.SHARE, Source.CALLS, by_callers=True, by_days=True),
        N.ANSWERED_WITHIN: Metric(Unit.SHARE, Source.CALLS, by_callers=True, by_days=True),
        N.QUEUE_CAP: Metric(Unit.CONTACTS, Source.CALLS, by_days=True, paid_for=Each.CALL),
        N.LONGEST_WAIT: Metric(Unit.SECONDS, Source.CALLS, by_callers=True, by_days=True, paid_for=Each.CALL),
        N.AVAILABLE: Metric(Unit.SHARE, Source.SERVICE_TIME),
        N.OUTBOUND: Metric(Unit.PER_HOUR, Source.OUTBOUND),
        **_of(Source.SURVEYS, Unit.SHARE, N.SATISFIED, N.CLARITY, N.COMMUNICATIONS_CLEAR),
        **_of(Source.COUNTER, Unit.MINUTES, N.COUNTER_WAIT, by_days=True, paid_for=Each.DAY_OVER),
        **_of(Source.COUNTER, Unit.MINUTES, N.COUNTER_HANDLING),
        **_of(Source.APPOINTMENTS, Unit.WORKING_DAYS, N.APPOINTMENT_LEAD),
        **_of(Source.MAIL, Unit.WORKING_DAYS, N.EMAIL_REPLY, N.PEC_REPLY, paid_for=Each.DAY_LATE),
        **_of(Source.MAIL, Unit.DAYS, N.MEAN_MAIL_REPLY),
        **_of(
            Source.CASES, Unit.WORKING_DAYS, N.CASE_INFORMATION, N.LITIGATION_PAPERS, N.COMPLAINT_REPLY,
            paid_for=Each.DAY_LATE,
        ),
        **_of(Source.CASES, Unit.SHARE, N.COMPLAINTS, paid_for=Each.COMPLAINT),
        **_of(
            Source.CASES, Unit.DAYS, N.INFORMATION_REPLY, N.GENERIC_REQUEST, N.EXTENSION_NOTICE, N.INSTALMENT_DECIDED,
            N.SELF_CORRECTION, N.ADHESION_SUMMONS, N.APPEAL_FORWARDED, N.INSTALMENT_REGISTERED, N.SURETY_DECIDED,
            N.INSTALMENT_TOLD, N.RELIEF_SHEET, N.RELIEF_TOLD, N.ANNULMENT_SHEET, N.SUSPENSION_SHEET,
            N.SUSPENSION_DECIDED, N.SUSPENSION_DRAFTED, N.SUSPENSION_SENT, N.INSOLVENCY_REPORTED,
            N.INSOLVENCY_CLAIMED, N.RENOTIFICATION, paid_for=Each.DAY_LATE,
        ),
        **_of(Source.FIELD, Unit.WORKING_DAYS, N.FIELD_REMOVED, N.FIELD_REPLACED, paid_for=Each.DAY_LATE),
        **_of(
            Source.OPERATIONS, Unit.HOURS, N.NOTIFICATION_SENT, N.PAYMENT_REGISTERED, N.INCIDENT_NOTICE,
            N.INCIDENT_TAKEN, N.DISASTER_RECOVERY,
        ),
        **_of(Source.OPERATIONS, Unit.MINUTES, N.INTERRUPTION),
        **_of(Source.PORTAL, Unit.SHARE, N.PORTAL_UPTIME, N.DIGITAL_SIGN_IN, N.HANDLED_ONLINE),
        **_of(Source.PORTAL, Unit.SECONDS, N.HOME_PAGE),
    }
)  # fmt: skip
OF_CASES = tuple(  # days that a step of a case took
    MetricName(name) for name, one in METRICS.items() if one.source is Source.CASES and one.paid_for is Each.DAY_LATE
)
OF_MAIL = (N.EMAIL_REPLY, N.PEC_REPLY)  # working days until the answer left
LATE = (N.FIELD_REMOVED, N.FIELD_REPLACED, *OF_CASES, *OF_MAIL)  # what is paid for is a day that it came late
OF_DAYS = tuple(name for name, one in METRICS.items() if one.paid_for is Each.DAY_OVER)  # what is paid for is a day
