"""Four real Italian contracts and service charters, to begin an agreement with. Each figure is editable.

Sources: Anci Toscana, call and contact centre for coercive collection; Intercent-ER, ordinary and coercive collection;
the service charters of STEP and of Ser.Com. Penalties are per mille of the net contract value. Their facts as published
are in `docs/service_levels.yaml`; what of them is not here, and why, is in `NOT_CARRIED`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from crm.conditions.agreed import NO_WEEK, Arrangement, Conditions, Number, NumberKind, Reinforcement, Week
from crm.levels.agreement import Agreement, Period, Promise
from crm.levels.metering import Callers
from crm.levels.metrics import Each
from crm.levels.metrics import MetricName as N

PENALTY = Decimal("0.3")
MOST_DAYS = Decimal("0.9")


@dataclass(frozen=True, slots=True)
class Preset:
    """How an agreement may begin. Its levels name no contract yet.

    `deadlines` are levels too, of cases and of visits; `hours` are when the lines are open, and `replacement_days`
    within how many somebody is replaced, where the contract says so.
    """

    name: str
    period: Period
    levels: tuple[Promise, ...]
    deadlines: tuple[Promise, ...] = ()
    hours: Week = NO_WEEK
    replacement_days: int | None = None
    conditions: Conditions = field(default_factory=Conditions)

    @property
    def promises(self) -> tuple[Promise, ...]:
        """All its levels."""
        return self.levels + self.deadlines


def _weekdays(hours: str) -> Week:
    """The same from Monday to Friday."""
    return (hours,) * 5 + ("", "")


# A number for whoever calls from a landline, and one that whoever calls from a mobile pays for himself.
_TWO_NUMBERS = (
    Number(NumberKind.FREEPHONE, Callers.LANDLINE), Number(NumberKind.GEOGRAPHIC, Callers.MOBILE, caller_pays=True),
)  # fmt: skip


def _level(metric: str, op: str, target: str, **more: object) -> Promise:
    return replace(Promise(0, metric, op, Decimal(target)), **more)  # type: ignore[arg-type]  # the names are Promise's


def _many(op: str, figures: Mapping[str, str]) -> list[Promise]:
    return [_level(metric, op, target) for metric, target in figures.items()]


def _penalty(each: Each, group: str = "") -> dict[str, object]:
    return {"penalty_per_mille": PENALTY, "penalty_each": each, "penalty_group": group}


_DAYS = {"share_of_days": MOST_DAYS, "tolerated_excluded": True}

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "anci_toscana": Preset(
            "Anci Toscana",
            Period.MONTH,
            (
                _level(N.WAITING_OVER, "<", "0.20", threshold_s=Decimal(40)),
                _level(N.LOST, "<", "0.15"),
                _level(N.AVAILABLE, ">", "0.95"),
                _level(N.OUTBOUND, ">=", "50"),
            ),
            deadlines=tuple(
                _many(
                    "<=",
                    {
                        N.INSTALMENT_REGISTERED: "1", N.INSTALMENT_DECIDED: "5",
                        N.SURETY_DECIDED: "10", N.INSTALMENT_TOLD: "5",
                        N.RELIEF_SHEET: "5", N.RELIEF_TOLD: "5", N.ANNULMENT_SHEET: "2",
                        N.SUSPENSION_SHEET: "15", N.SUSPENSION_DECIDED: "30",
                        N.SUSPENSION_DRAFTED: "5", N.SUSPENSION_SENT: "15",
                        N.INSOLVENCY_REPORTED: "5", N.INSOLVENCY_CLAIMED: "15",
                        N.RENOTIFICATION: "5", N.FIELD_REMOVED: "1", N.FIELD_REPLACED: "3",
                    },
                )
            ),
            hours=_weekdays("08:30-18:30"),
            conditions=Conditions(
                _TWO_NUMBERS, staffed=_weekdays("08:30-13:00, 14:00-18:00"),
                desks=_weekdays("09:00-13:00, 14:00-17:30"), reports=(Period.MONTH,),
            ),
        ),
        "intercent_er": Preset(
            "Intercent-ER",
            Period.QUARTER,
            (
                _level(N.QUEUE_CAP, "<=", "5", **_penalty(Each.CALL, "call")),
                _level(
                    N.LONGEST_WAIT, "<=", "300", callers=Callers.LANDLINE, **_DAYS, **_penalty(Each.CALL, "call")
                ),
                _level(N.LONGEST_WAIT, "<=", "300", callers=Callers.MOBILE, **_penalty(Each.CALL, "call")),
                _level(N.COUNTER_WAIT, "<", "25", share_of_days=MOST_DAYS, **_penalty(Each.DAY_OVER)),
                _level(N.COUNTER_HANDLING, "<", "25"),
                _level(N.EMAIL_REPLY, "<=", "3", **_penalty(Each.DAY_LATE)),
                _level(N.CASE_INFORMATION, "<=", "2", **_penalty(Each.DAY_LATE)),
                _level(N.LITIGATION_PAPERS, "<=", "7", **_penalty(Each.DAY_LATE)),
                _level(
                    N.COMPLAINTS, "<", "0.005", service="Gestione ordinaria",
                    **_penalty(Each.COMPLAINT),
                ),
                _level(
                    N.COMPLAINTS, "<=", "0.005",
                    service="Riscossione coattiva e recupero dell'evasione", **_penalty(Each.COMPLAINT),
                ),
            ),
            replacement_days=20,
            conditions=Conditions(
                _TWO_NUMBERS, weekly_hours=40, desk_hours=24,
                reinforcement=Reinforcement(after=20, operators=2, due="IMU"),
            ),
        ),
        "step": Preset(
            "STEP",
            Period.MONTH,
            (
                *_many(
                    "<=",
                    {
                        N.COUNTER_WAIT: "15", N.APPOINTMENT_LEAD: "5",
                        N.EMAIL_REPLY: "5", N.PEC_REPLY: "3",
                        N.MEAN_MAIL_REPLY: "3", N.COMPLAINT_REPLY: "8",
                        N.GENERIC_REQUEST: "30", N.EXTENSION_NOTICE: "8",
                        N.INSTALMENT_DECIDED: "15", N.SELF_CORRECTION: "30",
                        N.ADHESION_SUMMONS: "15", N.APPEAL_FORWARDED: "5",
                        N.NOTIFICATION_SENT: "24", N.PAYMENT_REGISTERED: "48",
                        N.HOME_PAGE: "3", N.INTERRUPTION: "30", N.INCIDENT_NOTICE: "1",
                        N.INCIDENT_TAKEN: "2", N.DISASTER_RECOVERY: "4",
                    },
                ),
                *_many(
                    ">=",
                    {
                        N.SATISFIED: "0.90", N.CLARITY: "0.98",
                        N.COMMUNICATIONS_CLEAR: "0.95", N.DIGITAL_SIGN_IN: "0.98",
                        N.HANDLED_ONLINE: "0.70",
                    },
                ),
                _level(N.PORTAL_UPTIME, ">=", "0.99", period=Period.YEAR),
            ),
            conditions=Conditions(reports=(Period.MONTH, Period.QUARTER)),
        ),
        "sercom": Preset(
            "Ser.Com",
            Period.MONTH,
            (_level(N.INFORMATION_REPLY, "<=", "10"),),
            hours=_weekdays("09:00-13:00, 15:00-19:00"),
            conditions=Conditions(
                queues=(
                    "Codice della strada", "Assistenza esteri - Assurance", "Assistenza esteri - Verbali",
                    "Servizi mobili", "Gare e contratti", "Assistenza", "DPO",
                ),
            ),
        ),
    }
)  # fmt: skip

# What the sources say and no preset fills in, by its place in them, and why.
NOT_CARRIED: Mapping[str, str] = MappingProxyType(
    {
        "anci_toscana.metering": "calls are metered by the hours of the lines everywhere, staffed or not",
        "anci_toscana.preferred_windows": "when people are best called is a matter of outbound campaigns",
        "anci_toscana.reporting.due": "every report is told of on the first working day",
        "anci_toscana.reporting.per": "every report is made for each ente",
        "anci_toscana.reporting.data": "every report has these figures, and more",
        "anci_toscana.reporting.on_request": "every report has its hours",
        "anci_toscana.surveys": "samples of people to ask belong to outbound campaigns",
        "intercent_er.hours.counter.evasion_recovery": "depends on the inhabitants, and is agreed with each ente",
        "intercent_er.reinforcement.enti": "a contract is of the enti that it covers, whatever rank they have",
        "intercent_er.staff.badge_with_photo": "badges are not made here",
        "step.backup": "everything is saved daily everywhere",
        "sercom.hours.head_office_line": "a number with hours of its own has them written with it",
        "sercom.outcomes": "the office that is competent is told of in every call",
        "sercom.lines.main": "its number is that company's; its menu is a voice flow",
        "sercom.lines.queues.topic": "which topics a queue is for is written with the queue",
        "sercom.lines.queues.mailbox": "mailboxes come with mail",
        "sercom.channels": "each channel is there or not for the whole installation",
    }
)


def agreement_from(preset: str, template: Agreement) -> Agreement:
    """The agreement with the preset's levels and period. Raises `KeyError` for a preset that is not there."""
    chosen = PRESETS[preset]
    return replace(
        template, preset=preset, period=chosen.period, levels=of_contract(chosen.promises, template.contract_id)
    )


def arrangement_from(preset: str, now: Arrangement) -> Arrangement:
    """What the preset proposes in the place of what holds now; where it says nothing that stays.

    Raises `KeyError` for a preset that is not there.
    """
    chosen, empty = PRESETS[preset], Conditions()
    said = {
        one.name: getattr(chosen.conditions, one.name)
        for one in fields(Conditions)
        if getattr(chosen.conditions, one.name) != getattr(empty, one.name)
    }
    return Arrangement(
        chosen.hours if any(chosen.hours) else now.hours, chosen.replacement_days or now.replacement_days,
        replace(now.conditions, **said),
    )  # fmt: skip


def of_contract(levels: Iterable[Promise], contract_id: int) -> tuple[Promise, ...]:
    """The same levels, promised by this contract."""
    return tuple(replace(one, contract_id=contract_id) for one in levels)


class Change(StrEnum):
    """What becomes of a level."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    GONE = "gone"


def compared(now: Iterable[Promise], proposed: Iterable[Promise]) -> list[tuple[Change, Promise | None, Promise]]:
    """Each proposed level with what holds now, in their order; then those that would be no more, as they are."""
    before = {one.key: replace(one, contract_id=0) for one in now}
    found: list[tuple[Change, Promise | None, Promise]] = []
    for one in proposed:
        was = before.pop(one.key, None)
        same = was == replace(one, contract_id=0)
        found.append((Change.NEW if was is None else Change.SAME if same else Change.CHANGED, was, one))
    return found + [(Change.GONE, one, one) for one in before.values()]
