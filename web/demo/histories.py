"""What happened to an invented debt, coherent with its state: acts and their notifications, steps, the plan."""

import random
from datetime import date, timedelta
from typing import Any

from crm.positions.models import ActKind, NotificationChannel, NotificationState, PositionState, StepKind

FAILURES = ("destinatario trasferito", "destinatario sconosciuto all'indirizzo", "compiuta giacenza non curata",
            "indirizzo insufficiente", "PEC non consegnata: casella piena")  # fmt: skip
NOTIFYING = (
    NotificationChannel.RACCOMANDATA, NotificationChannel.RACCOMANDATA, NotificationChannel.PEC,
    NotificationChannel.MESSO, NotificationChannel.SEND, NotificationChannel.ATTI_GIUDIZIARI,
)  # fmt: skip
OWN_STEP = {
    PositionState.SUSPENDED: StepKind.SUSPENSION, PositionState.ANNULLED: StepKind.ANNULMENT,
    PositionState.RELIEVED: StepKind.RELIEF, PositionState.FERMO: StepKind.FERMO,
    PositionState.IPOTECA: StepKind.IPOTECA, PositionState.PIGNORAMENTO: StepKind.PIGNORAMENTO,
    PositionState.IN_LITIGATION: StepKind.LITIGATION, PositionState.INSOLVENCY: StepKind.INSOLVENCY,
}  # fmt: skip
BEFORE = {  # what comes before it, and how many days
    StepKind.FERMO: (StepKind.FERMO_NOTICE, 45), StepKind.IPOTECA: (StepKind.IPOTECA_NOTICE, 40),
    StepKind.PIGNORAMENTO: (StepKind.INTIMATION, 30),
}  # fmt: skip
COURT = "Corte di giustizia tributaria di primo grado"


def acts(dice: random.Random, record: dict[str, Any]) -> list[dict[str, Any]]:
    """The position's own act with the attempts to serve it, and now and then the one before it."""
    issued = date.fromisoformat(record["issued_on"])
    own = {"kind": record["act_kind"], "number": record["act_number"], "issued_on": record["issued_on"]}
    told = [own | {"notifications": _notifications(dice, record, issued)}]
    if record["act_kind"] in {ActKind.INGIUNZIONE, ActKind.SOLLECITO} and dice.random() < 0.6:
        earlier = issued - timedelta(days=dice.randint(200, 500))
        number = f"{earlier.year}/A{record['act_number'].partition('/')[2]}"
        sent = {"outcome": "sent", "channel": "ordinary_mail", "sent_on": (earlier + timedelta(days=3)).isoformat()}
        notice = {"kind": ActKind.AVVISO_PAGAMENTO.value, "number": number, "issued_on": earlier.isoformat()}
        told.insert(0, notice | {"notifications": [sent]})
    return told


def _notifications(dice: random.Random, record: dict[str, Any], issued: date) -> list[dict[str, Any]]:
    sent = issued + timedelta(days=1)
    match record["notification"]:
        case NotificationState.NOT_SENT:
            return []
        case NotificationState.SENT:
            return [{"outcome": "sent", "channel": "ordinary_mail", "sent_on": sent.isoformat()}]
        case NotificationState.FAILED:
            return [_failed(dice, sent, record["notification_note"])]
    served = {"outcome": "notified", "channel": dice.choice(NOTIFYING).value, "on": record["notified_on"]}
    days = (date.fromisoformat(record["notified_on"]) - sent).days
    if days > 8 and dice.random() < 0.25:
        return [_failed(dice, sent, dice.choice(FAILURES)), served]
    return [served]


def _failed(dice: random.Random, sent: date, reason: str) -> dict[str, Any]:
    channel = NotificationChannel.PEC if reason.startswith("PEC") else NotificationChannel.RACCOMANDATA
    on = sent + timedelta(days=0 if channel is NotificationChannel.PEC else dice.randint(3, 6))
    return {
        "outcome": "failed", "channel": channel.value, "sent_on": sent.isoformat(), "on": on.isoformat(),
        "reason": reason,
    }  # fmt: skip


def steps(dice: random.Random, record: dict[str, Any], today: date) -> list[dict[str, Any]]:
    """What followed the act, up to the state in which the debt is."""
    state = PositionState(record["state"])
    told = []
    kind = OWN_STEP.get(state)
    if kind is not None:
        told += _own(dice, record, kind, today)
    due = date.fromisoformat(record["due_on"])
    reminded = due + timedelta(days=dice.randint(15, 60))
    if state in {PositionState.OVERDUE, PositionState.PARTLY_PAID} and reminded < today and dice.random() < 0.5:
        told.append({"kind": StepKind.REMINDER.value, "on": reminded.isoformat()})
    if state is PositionState.PAID and dice.random() < 0.06:
        after = date.fromisoformat(record["state_on"])
        told.append(
            {
                "kind": StepKind.REFUND.value, "on": after.isoformat(), "amount": f"{dice.randint(5, 60)}.00",
                "note": "versamento doppio",
            }
        )  # fmt: skip
    return sorted(told, key=lambda step: step["on"])


def _own(dice: random.Random, record: dict[str, Any], kind: StepKind, today: date) -> list[dict[str, Any]]:
    on = date.fromisoformat(record["state_on"])
    step: dict[str, Any] = {"kind": kind.value, "on": on.isoformat(), "note": record["state_note"]}
    if kind is StepKind.LITIGATION:
        step |= {"authority": COURT, "reference": record["state_note"].rpartition(" ")[2], "note": None}
    if kind is StepKind.SUSPENSION:
        step["until"] = (today + timedelta(days=dice.randint(20, 120))).isoformat()
    if kind in {StepKind.ANNULMENT, StepKind.RELIEF}:
        step["reference"] = f"{dice.randint(10, 900)}/{on.year}"
    told = [step]
    if kind in BEFORE:
        before, days = BEFORE[kind]
        told.insert(0, {"kind": before.value, "on": (on - timedelta(days=days)).isoformat()})
    return told


def plan(dice: random.Random, record: dict[str, Any], today: date) -> dict[str, Any]:
    """The plan of the rates; one that is not kept has lapsed now and then."""
    granted = date.fromisoformat(record["state_on"])
    told = {"granted_on": granted.isoformat(), "reference": f"RAT-{granted.year}-{dice.randint(100, 9999)}"}
    late = [rate for rate in record["instalments"] if "paid_on" not in rate and rate["due_on"] < today.isoformat()]
    if len(late) > 1 and dice.random() < 0.4:
        told["lapsed_on"] = (today - timedelta(days=dice.randint(1, 9))).isoformat()
    return told
