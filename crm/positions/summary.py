"""What a taxpayer owes, in sums and in sentences that an agent can read aloud. Pure: `today` is an argument."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import groupby

from crm.positions.models import ActKind, NotificationState, PositionState, Tax
from crm.positions.speech import ACT_NAMES, TAX_NAMES, aside, euro, when
from crm.positions.views import InstalmentView, PositionView

# Nothing is owed any more, whatever residual the sender still shows.
EXTINCT = frozenset({PositionState.PAID, PositionState.ANNULLED, PositionState.RELIEVED})
# Owed, but not to be asked for: suspended by the ente, or claimed within the insolvency proceedings.
HALTED = frozenset({PositionState.SUSPENDED, PositionState.INSOLVENCY})
# Past their due date by what they are, also when no such date was told.
LATE = frozenset({PositionState.OVERDUE, PositionState.FERMO, PositionState.IPOTECA, PositionState.PIGNORAMENTO})
# Enforceable by themselves: L. 160/2019, art. 1, c. 792; R.D. 639/1910.
ENFORCEABLE = frozenset({ActKind.ACCERTAMENTO_ESECUTIVO, ActKind.INGIUNZIONE})


class Standing(StrEnum):
    """How a position stands with its payment."""

    DUE = "due"  # payable, and not yet late
    OVERDUE = "overdue"
    IN_INSTALMENTS = "in_instalments"
    SUSPENDED = "suspended"
    PAID = "paid"  # or annulled, or relieved: nothing is owed any more


class PlanStanding(StrEnum):
    """What became of a position's instalments."""

    NONE = "none"
    KEPT = "kept"
    LATE = "late"  # alive, with unpaid rates past their due date
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Totals:
    """Cents. The first four add up to what is owed; `instalments_late` is a part of `in_instalments`.

    `due` is payable and not yet late; `suspended` is owed but not to be asked for at present.
    """

    due: int = 0
    overdue: int = 0
    suspended: int = 0
    in_instalments: int = 0
    instalments_late: int = 0
    paid: int = 0

    @property
    def owed(self) -> int:
        """Everything still owed."""
        return self.due + self.overdue + self.suspended + self.in_instalments


def totals(positions: Iterable[PositionView], today: date) -> Totals:
    """Sums over positions, as of `today`."""
    sums = dict.fromkeys(Totals.__dataclass_fields__, 0)
    for position in positions:
        sums["paid"] += position.paid_cents
        if owed := owed_cents(position):
            sums[standing(position, today)] += owed
        sums["instalments_late"] += sum(rate.cents for rate in late_instalments(position, today))
    return Totals(**sums)


@dataclass(frozen=True, slots=True)
class Group:
    """What a person owes one ente for one tax."""

    ente_id: int
    tax: Tax
    totals: Totals
    positions: tuple[PositionView, ...]


def grouped(positions: Iterable[PositionView], today: date) -> list[Group]:
    """Positions by ente and tax: what is overdue first, then what is owed, then the others; the newest first."""
    order = sorted(positions, key=lambda one: (one.ente_id, one.tax))
    groups = []
    for (ente_id, tax), found in groupby(order, key=lambda one: (one.ente_id, one.tax)):
        members = sorted(found, key=lambda one: _urgency(one, today))
        groups.append(Group(ente_id, tax, totals(members, today), tuple(members)))
    return sorted(groups, key=lambda one: (-_late(one.totals), -one.totals.owed, one.ente_id, one.tax))


def _late(sums: Totals) -> int:
    return sums.overdue + sums.instalments_late


def _urgency(position: PositionView, today: date) -> tuple[int, int, int, str]:
    late = is_overdue(position, today) or bool(late_instalments(position, today))
    rank = 2 if not owed_cents(position) else 0 if late else 1
    return rank, -position.year, -position.issued_on.toordinal(), position.reference


def owed_cents(position: PositionView) -> int:
    """What is still owed of it."""
    return 0 if position.state in EXTINCT else position.residual_cents


def standing(position: PositionView, today: date) -> Standing:
    """How it stands with its payment."""
    if position.state in EXTINCT:
        return Standing.PAID
    if position.state in HALTED:
        return Standing.SUSPENDED
    if position.state is PositionState.IN_INSTALMENTS and not has_lapsed(position):
        return Standing.IN_INSTALMENTS
    return Standing.OVERDUE if is_past_due(position, today) else Standing.DUE


def is_overdue(position: PositionView, today: date) -> bool:
    """Whether its due date has passed with something still to pay. An instalment plan has dates of its own."""
    return standing(position, today) is Standing.OVERDUE and owed_cents(position) > 0


def is_to_collect(position: PositionView, today: date) -> bool:
    """Whether it is an act to be collected: enforceable, notified, past its due date, and contested by nobody."""
    enforceable = position.act_kind in ENFORCEABLE and position.notification is NotificationState.NOTIFIED
    return enforceable and is_overdue(position, today) and position.state is not PositionState.IN_LITIGATION


def is_past_due(position: PositionView, today: date) -> bool:
    """Whether its own due date has passed; when none was told, whether it is late by what became of it."""
    if position.due_on is None:
        return position.state in LATE or has_lapsed(position)
    return position.due_on < today


def has_lapsed(position: PositionView) -> bool:
    """Whether it had a plan that is over, so that the whole is payable at once."""
    return position.plan is not None and position.plan.lapsed_on is not None


def live_rates(position: PositionView) -> tuple[InstalmentView, ...]:
    """The rates of the plan by which it is being paid: none once the plan lapsed or something else became of it."""
    alive = position.state is PositionState.IN_INSTALMENTS and not has_lapsed(position)
    return position.instalments if alive else ()


def late_instalments(position: PositionView, today: date) -> list[InstalmentView]:
    """Unpaid rates, of a plan that is alive, whose due date has passed."""
    return _missed(live_rates(position), today)


def missed_instalments(position: PositionView, today: date) -> list[InstalmentView]:
    """Unpaid rates whose due date has passed, of a plan alive or lapsed: for want of these it lapsed."""
    rates = position.instalments if is_lapsed_plan(position) else live_rates(position)
    return _missed(rates, today)


def is_lapsed_plan(position: PositionView) -> bool:
    """Whether a plan that lapsed is the last that became of it: then it is in instalments by name alone."""
    return position.state is PositionState.IN_INSTALMENTS and has_lapsed(position)


def plan_standing(position: PositionView, today: date) -> PlanStanding:
    """What became of its instalments."""
    if position.state is not PositionState.IN_INSTALMENTS:
        return PlanStanding.NONE
    if has_lapsed(position):
        return PlanStanding.LAPSED
    return PlanStanding.LATE if late_instalments(position, today) else PlanStanding.KEPT


def _missed(rates: Iterable[InstalmentView], today: date) -> list[InstalmentView]:
    return [rate for rate in rates if rate.paid_on is None and rate.due_on < today]


def describe(position: PositionView, today: date) -> str:
    """One Italian sentence: which act, for what, how it was notified, and where its collection stands."""
    name, ending = ACT_NAMES[position.act_kind]
    head = f"{name} n. {position.act_number} per {TAX_NAMES[position.tax]} {position.year}"
    return f"{head}, {_notified(position, ending)}: {_standing(position, ending, today)}"


def _notified(position: PositionView, ending: str) -> str:
    match position.notification:
        case NotificationState.NOT_SENT:
            return f"non ancora spedit{ending}"
        case NotificationState.SENT:
            return f"spedit{ending}, in attesa dell'esito della notifica"
        case NotificationState.FAILED:
            return f"notifica non riuscita{aside(position.notification_note)}"
        case NotificationState.NOTIFIED:
            return f"notificat{ending}{when(' il ', position.notified_on)}"


def _standing(position: PositionView, ending: str, today: date) -> str:  # noqa: PLR0911 (one answer a state)
    since = f"{when(' dal ', position.state_on)}{aside(position.state_note)}"
    on = f"{when(' il ', position.state_on)}{aside(position.state_note)}"
    match position.state:
        case PositionState.TO_PAY | PositionState.OVERDUE:
            return _to_pay(position, today)
        case PositionState.PARTLY_PAID:
            return f"pagati {euro(position.paid_cents)}, {_to_pay(position, today)}"
        case PositionState.PAID:
            last = max((payment.paid_on for payment in position.payments), default=position.state_on)
            return f"pagat{ending} per intero, {euro(position.paid_cents)}{when(', il ', last)}"
        case PositionState.IN_INSTALMENTS:
            return _plan(position, today)
        case PositionState.SUSPENDED:
            return f"sospes{ending}{since}, resterebbero da pagare {euro(position.residual_cents)}"
        case PositionState.ANNULLED:
            return f"annullat{ending}{on}, non c'è nulla da pagare"
        case PositionState.RELIEVED:
            return f"sgravat{ending}{on}, non c'è nulla da pagare"
        case PositionState.FERMO:
            return f"{_to_pay(position, today)}; fermo amministrativo iscritto{on}"
        case PositionState.IPOTECA:
            return f"{_to_pay(position, today)}; ipoteca iscritta{on}"
        case PositionState.PIGNORAMENTO:
            return f"{_to_pay(position, today)}; pignoramento avviato{on}"
        case PositionState.IN_LITIGATION:
            return f"in contenzioso{since}, importo residuo {euro(position.residual_cents)}"
        case PositionState.INSOLVENCY:
            return f"in procedura concorsuale{since}, importo residuo {euro(position.residual_cents)}"


def _to_pay(position: PositionView, today: date) -> str:
    amount = f"restano da pagare {euro(position.residual_cents)}"
    if is_past_due(position, today):
        return f"{amount}, scaduti{when(' il ', position.due_on)}"
    return f"{amount} entro{when(' il ', position.due_on)}" if position.due_on else amount


def _plan(position: PositionView, today: date) -> str:
    rates = position.instalments
    paid = sum(rate.paid_on is not None for rate in rates)
    if position.plan and position.plan.lapsed_on:
        count = f" in {len(rates)} rate, pagate {paid}," if rates else ""
        return f"rateizzazione{count} decaduta{when(' il ', position.plan.lapsed_on)}; {_to_pay(position, today)}"
    parts = [f"a rate, pagate {paid} su {len(rates)}, restano {euro(position.residual_cents)}"]
    if late := late_instalments(position, today):
        count = "una rata" if len(late) == 1 else f"{len(late)} rate"
        parts.append(f"in ritardo {count} per {euro(sum(rate.cents for rate in late))}")
    coming = [rate for rate in rates if rate.paid_on is None and rate.due_on >= today]
    if coming:
        coming_next = min(coming, key=lambda rate: rate.due_on)
        parts.append(f"la prossima, di {euro(coming_next.cents)}, scade{when(' il ', coming_next.due_on)}")
    return "; ".join(parts)
