"""The levels of four real Italian contracts and service charters, to begin an agreement with. Each figure is editable.

Sources: Anci Toscana, call and contact centre for coercive collection; Intercent-ER, ordinary and coercive collection;
the service charters of STEP and of Ser.Com. Penalties are per mille of the net contract value.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType

from crm.levels.agreement import Agreement, Period, Promise
from crm.levels.metering import Callers
from crm.levels.metrics import Each
from crm.levels.metrics import MetricName as N

PENALTY = Decimal("0.3")
MOST_DAYS = Decimal("0.9")


@dataclass(frozen=True, slots=True)
class Preset:
    """How an agreement may begin. Its levels name no contract yet."""

    name: str
    period: Period
    levels: tuple[Promise, ...]


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
        ),
        "sercom": Preset("Ser.Com", Period.MONTH, (_level(N.INFORMATION_REPLY, "<=", "10"),)),
    }
)  # fmt: skip


def agreement_from(preset: str, template: Agreement) -> Agreement:
    """The agreement with the preset's levels and period. Raises `KeyError` for a preset that is not there."""
    chosen = PRESETS[preset]
    return replace(
        template, preset=preset, period=chosen.period, levels=of_contract(chosen.levels, template.contract_id)
    )


def of_contract(levels: Iterable[Promise], contract_id: int) -> tuple[Promise, ...]:
    """The same levels, promised by this contract."""
    return tuple(replace(one, contract_id=contract_id) for one in levels)
