"""Everything that happened to a debt, in time order, as sentences that an agent reads aloud. Pure.

What the collection system told twice, in a list and in one of the older single fields, is said once. What it did not
tell is not said: no sentence is made of an unknown.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from crm.positions.models import ActKind, NotificationChannel, NotificationState, PositionState, StepKind
from crm.positions.speech import ACT_NAMES, aside, euro, paid_how, when
from crm.positions.summary import EXTINCT, live_rates
from crm.positions.views import ActView, NotificationView, PositionView, StepView


class Sort(StrEnum):
    """What a line of the history is about."""

    ACT = "act"
    NOTIFICATION = "notification"
    DUE = "due"
    STEP = "step"
    PLAN = "plan"
    INSTALMENT = "instalment"
    PAYMENT = "payment"


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened (or, after `today`, is due). `document` is the reference of its proof.

    `among` is what it is among the things of one day, where its sort does not tell: see `_WITHIN_A_DAY`.
    """

    on: date
    sort: Sort
    sentence: str
    late: bool = False
    ahead: bool = False
    document: str | None = None
    among: "Among | None" = None


CHANNELS = {
    NotificationChannel.RACCOMANDATA: " con raccomandata",
    NotificationChannel.ATTI_GIUDIZIARI: " a mezzo posta come atto giudiziario",
    NotificationChannel.MESSO: " dal messo notificatore",
    NotificationChannel.PEC: " via PEC",
    NotificationChannel.SEND: " attraverso la piattaforma SEND",
    NotificationChannel.ORDINARY_MAIL: " per posta ordinaria",
}
# What is said of a step; of one that lasts, what is said of its end, past and to come.
STEPS = {
    StepKind.REMINDER: "Inviato un sollecito",
    StepKind.INTIMATION: "Emesso un avviso di intimazione",
    StepKind.SUSPENSION: "Riscossione sospesa",
    StepKind.ANNULMENT: "Annullamento",
    StepKind.RELIEF: "Sgravio",
    StepKind.REFUND: "Rimborso",
    StepKind.FERMO_NOTICE: "Emesso un preavviso di fermo amministrativo",
    StepKind.FERMO: "Iscritto un fermo amministrativo",
    StepKind.IPOTECA_NOTICE: "Emesso un preavviso di ipoteca",
    StepKind.IPOTECA: "Iscritta un'ipoteca",
    StepKind.PIGNORAMENTO: "Avviato un pignoramento",
    StepKind.LITIGATION: "Presentato ricorso",
    StepKind.INSOLVENCY: "Aperta una procedura concorsuale",
}
ENDINGS = {
    StepKind.SUSPENSION: ("Terminata la sospensione", "La sospensione termina"),
    StepKind.FERMO: ("Fermo amministrativo revocato", "Il fermo amministrativo termina"),
    StepKind.IPOTECA: ("Ipoteca cancellata", "L'ipoteca termina"),
    StepKind.PIGNORAMENTO: ("Pignoramento concluso", "Il pignoramento si conclude"),
    StepKind.LITIGATION: ("Contenzioso concluso", "Il contenzioso si conclude"),
    StepKind.INSOLVENCY: ("Procedura concorsuale chiusa", "La procedura concorsuale si chiude"),
}
# The state, with its day, stands in for the step that a sender of the older fields alone does not tell.
STATE_STEPS = {
    PositionState.SUSPENDED: StepKind.SUSPENSION,
    PositionState.ANNULLED: StepKind.ANNULMENT,
    PositionState.RELIEVED: StepKind.RELIEF,
    PositionState.FERMO: StepKind.FERMO,
    PositionState.IPOTECA: StepKind.IPOTECA,
    PositionState.PIGNORAMENTO: StepKind.PIGNORAMENTO,
    PositionState.IN_LITIGATION: StepKind.LITIGATION,
    PositionState.INSOLVENCY: StepKind.INSOLVENCY,
}
Among = Sort | StepKind | str
_ENDED, _PAID_RATE, _LAPSED = "ended", "rate paid", "lapsed"
# One day's lines as one thing leads to the next: an act is served, disputed and suspended, or enforced; it is paid, and
# only then given back, or its enforcement over; a term passes at the end of its day.
_WITHIN_A_DAY: tuple[Among, ...] = (
    Sort.ACT, Sort.NOTIFICATION,
    StepKind.LITIGATION, StepKind.INSOLVENCY, StepKind.SUSPENSION,
    StepKind.REMINDER, StepKind.INTIMATION, StepKind.FERMO_NOTICE, StepKind.FERMO, StepKind.IPOTECA_NOTICE,
    StepKind.IPOTECA, StepKind.PIGNORAMENTO,
    Sort.PLAN, Sort.PAYMENT, _PAID_RATE,
    StepKind.RELIEF, StepKind.ANNULMENT, StepKind.REFUND, _ENDED,
    Sort.DUE, Sort.INSTALMENT, _LAPSED,
)  # fmt: skip


def history(position: PositionView, today: date) -> tuple[Happening, ...]:
    """What happened, oldest first."""
    told = (*_acts(position), *_due(position, today), *_steps(position, today), *_plan(position, today),
            *_payments(position))  # fmt: skip
    return tuple(sorted(told, key=lambda one: (one.on, _WITHIN_A_DAY.index(one.among or one.sort))))


def _acts(position: PositionView) -> Iterator[Happening]:
    for act in (*position.acts, *_own_act(position)):
        name, ending = ACT_NAMES[act.kind]
        sentence = f"{name} n. {act.number} emess{ending}{when(' il ', act.issued_on)}"
        yield Happening(act.issued_on, Sort.ACT, sentence)
        for notification in act.notifications:
            yield from _notification(act.kind, act.issued_on, notification)


def _own_act(position: PositionView) -> Iterator[ActView]:
    """The position's own act, from the older single fields, unless the list tells it."""
    if any(act.kind is position.act_kind and act.number == position.act_number for act in position.acts):
        return
    notification = NotificationView(
        None, None, position.notification, position.notified_on, position.notification_note, None
    )
    yield ActView(position.act_kind, position.act_number, position.issued_on, (notification,))


def _notification(kind: ActKind, issued_on: date, told: NotificationView) -> Iterator[Happening]:
    ending, by = ACT_NAMES[kind][1], CHANNELS[told.channel] if told.channel else ""
    if told.sent_on:
        yield Happening(told.sent_on, Sort.NOTIFICATION, f"Spedit{ending}{by}{when(' il ', told.sent_on)}")
        by = ""
    match told.outcome:
        case NotificationState.NOTIFIED if told.on:
            sentence = f"Notificat{ending}{by}{when(' il ', told.on)}{aside(told.reason)}"
            yield Happening(told.on, Sort.NOTIFICATION, sentence, document=told.proof)
        case NotificationState.FAILED:
            on = told.on or told.sent_on or issued_on
            day = when(" il ", told.on)
            sentence = f"Notifica non riuscita{by}{day}{f': {told.reason}' if told.reason else ''}"
            yield Happening(on, Sort.NOTIFICATION, sentence, late=True, document=told.proof)


def _due(position: PositionView, today: date) -> Iterator[Happening]:
    if position.due_on is None or live_rates(position) or position.state in EXTINCT:
        return
    ahead = position.due_on >= today
    said = "Termine per pagare:" if ahead else "Scaduto il termine per pagare,"
    yield Happening(position.due_on, Sort.DUE, f"{said}{when(' il ', position.due_on)}", ahead=ahead)


def _steps(position: PositionView, today: date) -> Iterator[Happening]:
    for step in steps(position):
        yield Happening(step.on, Sort.STEP, _said(step), among=step.kind)
        if step.until is not None and step.kind in ENDINGS:
            ahead = step.until >= today
            sentence = f"{ENDINGS[step.kind][ahead]}{when(' il ', step.until)}"
            yield Happening(step.until, Sort.STEP, sentence, ahead=ahead, among=_ENDED)


def steps(position: PositionView) -> tuple[StepView, ...]:
    """What happened to the debt after its act, the step that its state stands for among them."""
    return (*position.steps, *_step_of_the_state(position))


def _step_of_the_state(position: PositionView) -> Iterator[StepView]:
    kind = STATE_STEPS.get(position.state)
    if kind is None or position.state_on is None or any(step.kind is kind for step in position.steps):
        return
    yield StepView(kind, position.state_on, None, None, None, None, position.state_note)


def _said(step: StepView) -> str:
    amount = f" di {euro(step.cents)}" if step.cents is not None else ""
    authority = f", {step.authority}" if step.authority else ""  # beside it, because its article is not known
    reference = f", n. {step.reference}" if step.reference else ""
    day = when(", il " if authority or reference else " il ", step.on)
    return f"{STEPS[step.kind]}{amount}{authority}{reference}{day}{aside(step.note)}"


def _plan(position: PositionView, today: date) -> Iterator[Happening]:
    plan, rates = position.plan, position.instalments
    if plan is not None:
        count = f" in {len(rates)} rate" if rates else ""
        reference = f", n. {plan.reference}" if plan.reference else ""
        sentence = f"Concessa la rateizzazione{count}{reference}{when(' il ', plan.granted_on)}{aside(plan.note)}"
        yield Happening(plan.granted_on, Sort.PLAN, sentence)
        if plan.lapsed_on:
            sentence = f"Rateizzazione decaduta{when(' il ', plan.lapsed_on)}"
            yield Happening(plan.lapsed_on, Sort.PLAN, sentence, late=True, among=_LAPSED)
    for rate in live_rates(position):
        if rate.paid_on is None:
            late = rate.due_on < today
            said = "non pagata, scaduta" if late else "da pagare entro"
            sentence = f"Rata {rate.number} di {euro(rate.cents)} {said}{when(' il ', rate.due_on)}"
            yield Happening(rate.due_on, Sort.INSTALMENT, sentence, late=late, ahead=not late)


def _payments(position: PositionView) -> Iterator[Happening]:
    told = {(one.paid_on, one.cents) for one in position.payments}
    for paid in position.payments:
        sentence = f"Pagati {euro(paid.cents)}{paid_how(paid.channel)}{when(' il ', paid.paid_on)}"
        yield Happening(paid.paid_on, Sort.PAYMENT, sentence, document=paid.receipt)
    for rate in position.instalments:
        if rate.paid_on is not None and (rate.paid_on, rate.cents) not in told:
            sentence = f"Rata {rate.number} pagata, {euro(rate.cents)}{when(', il ', rate.paid_on)}"
            yield Happening(rate.paid_on, Sort.INSTALMENT, sentence, among=_PAID_RATE)
