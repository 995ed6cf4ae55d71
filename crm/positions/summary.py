"""What a taxpayer owes, in sums and in sentences that an agent can read aloud. Pure: `today` is an argument."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_decimal

from crm.positions.models import ActKind, NotificationState, PositionState, Tax
from crm.positions.queries import InstalmentView, PositionView

LOCALE = "it_IT"
# Nothing is owed any more, whatever residual the sender still shows.
EXTINCT = frozenset({PositionState.PAID, PositionState.ANNULLED, PositionState.RELIEVED})
# Owed, but not to be asked for: suspended by the ente, or claimed within the insolvency proceedings.
HALTED = frozenset({PositionState.SUSPENDED, PositionState.INSOLVENCY})

TAX_NAMES = {
    Tax.TARI: "TARI",
    Tax.IMU: "IMU",
    Tax.CANONE_UNICO: "canone unico",
    Tax.SANZIONI_CDS: "sanzioni del codice della strada",
    Tax.SERVIZI_SCOLASTICI: "servizi scolastici",
}
# The act's name, and the ending of its participles.
ACT_NAMES = {
    ActKind.AVVISO_PAGAMENTO: ("Avviso di pagamento", "o"),
    ActKind.SOLLECITO: ("Sollecito", "o"),
    ActKind.ACCERTAMENTO_ESECUTIVO: ("Accertamento esecutivo", "o"),
    ActKind.INGIUNZIONE: ("Ingiunzione", "a"),
}


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
        if position.state not in EXTINCT:
            sums[_bucket(position, today)] += position.residual_cents
        if position.state is PositionState.IN_INSTALMENTS:
            sums["instalments_late"] += sum(rate.cents for rate in late_instalments(position, today))
    return Totals(**sums)


def is_overdue(position: PositionView, today: date) -> bool:
    """Whether its due date has passed with something still to pay. An instalment plan has dates of its own."""
    return _bucket(position, today) == "overdue" and position.residual_cents > 0


def late_instalments(position: PositionView, today: date) -> list[InstalmentView]:
    """Unpaid rates whose due date has passed."""
    return [rate for rate in position.instalments if rate.paid_on is None and rate.due_on < today]


def describe(position: PositionView, today: date) -> str:
    """One Italian sentence: which act, for what, how it was notified, and where its collection stands."""
    name, ending = ACT_NAMES[position.act_kind]
    head = f"{name} n. {position.act_number} per {TAX_NAMES[position.tax]} {position.year}"
    return f"{head}, {_notified(position, ending)}: {_standing(position, ending, today)}"


def euro(cents: int) -> str:
    """`81200` as `812,00 euro`."""
    return f"{format_decimal(Decimal(cents) / 100, '#,##0.00', locale=LOCALE)} euro"


def _bucket(position: PositionView, today: date) -> str:
    if position.state in EXTINCT:
        return "paid"
    if position.state in HALTED:
        return "suspended"
    if position.state is PositionState.IN_INSTALMENTS:
        return "in_instalments"
    late = position.due_on is not None and position.due_on < today
    return "overdue" if late else "due"


def _notified(position: PositionView, ending: str) -> str:
    match position.notification:
        case NotificationState.NOT_SENT:
            return f"non ancora spedit{ending}"
        case NotificationState.SENT:
            return f"spedit{ending}, in attesa dell'esito della notifica"
        case NotificationState.FAILED:
            return f"notifica non riuscita{_note(position.notification_note)}"
        case NotificationState.NOTIFIED:
            return f"notificat{ending}{_when(' il ', position.notified_on)}"


def _standing(position: PositionView, ending: str, today: date) -> str:  # noqa: PLR0911 (one answer a state)
    since = f"{_when(' dal ', position.state_on)}{_note(position.state_note)}"
    on = f"{_when(' il ', position.state_on)}{_note(position.state_note)}"
    match position.state:
        case PositionState.TO_PAY | PositionState.OVERDUE:
            return _to_pay(position, today)
        case PositionState.PARTLY_PAID:
            return f"pagati {euro(position.paid_cents)}, {_to_pay(position, today)}"
        case PositionState.PAID:
            last = max((payment.paid_on for payment in position.payments), default=position.state_on)
            return f"pagat{ending} per intero, {euro(position.paid_cents)}{_when(', il ', last)}"
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
    if position.due_on is None:
        return amount
    if position.due_on < today:
        return f"{amount}, scaduti{_when(' il ', position.due_on)}"
    return f"{amount} entro{_when(' il ', position.due_on)}"


def _plan(position: PositionView, today: date) -> str:
    rates = position.instalments
    paid = sum(rate.paid_on is not None for rate in rates)
    parts = [f"a rate, pagate {paid} su {len(rates)}, restano {euro(position.residual_cents)}"]
    if late := late_instalments(position, today):
        count = "una rata" if len(late) == 1 else f"{len(late)} rate"
        parts.append(f"in ritardo {count} per {euro(sum(rate.cents for rate in late))}")
    coming = [rate for rate in rates if rate.paid_on is None and rate.due_on >= today]
    if coming:
        coming_next = min(coming, key=lambda rate: rate.due_on)
        parts.append(f"la prossima, di {euro(coming_next.cents)}, scade{_when(' il ', coming_next.due_on)}")
    return "; ".join(parts)


_BEFORE_VOWEL = {" il ": " l'", ", il ": ", l'", " dal ": " dall'"}


def _when(preposition: str, day: date | None) -> str:
    """`il 3 settembre 2024`, `l'8 settembre 2024`, `il 1º settembre 2024`; nothing for no date."""
    if day is None:
        return ""
    if day.day in {8, 11}:
        preposition = _BEFORE_VOWEL[preposition]
    number = "1º" if day.day == 1 else str(day.day)
    return f"{preposition}{number} {format_date(day, 'MMMM yyyy', locale=LOCALE)}"


def _note(text: str | None) -> str:
    return f" ({text})" if text else ""
