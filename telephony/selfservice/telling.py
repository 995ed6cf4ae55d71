"""What the self-service says of a debt, in Italian, English and German. Pure: `today` is an argument.

It says no name and no reason that people wrote, only what follows from the collection system's figures and states.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from crm.core.clock import business_day
from crm.positions.models import ActKind, NotificationState, PositionState, Tax
from crm.positions.payable import Payable, payable_now
from crm.positions.summary import has_lapsed, late_instalments, live_rates
from crm.positions.views import PositionView
from telephony.ivr import spoken
from telephony.ivr.languages import Language

IT, EN, DE = Language.ITALIAN, Language.ENGLISH, Language.GERMAN
Words = dict[Language, str]

_TAXES: dict[Tax, Words] = {
    Tax.TARI: {IT: "tassa sui rifiuti", EN: "waste tax", DE: "Müllgebühr"},
    Tax.IMU: {IT: "IMU", EN: "property tax, IMU", DE: "Immobiliensteuer IMU"},
    Tax.CANONE_UNICO: {IT: "canone unico", EN: "fee for public space and advertising", DE: "Vermögensgebühr"},
    Tax.SANZIONI_CDS: {IT: "multa", EN: "traffic fine", DE: "Verkehrsstrafe"},
    Tax.SERVIZI_SCOLASTICI: {IT: "servizi scolastici", EN: "school services", DE: "Schuldienste"},
}
_ACTS: dict[ActKind, Words] = {
    ActKind.AVVISO_PAGAMENTO: {IT: "Avviso di pagamento", EN: "Payment notice", DE: "Zahlungsaufforderung"},
    ActKind.SOLLECITO: {IT: "Sollecito", EN: "Reminder", DE: "Mahnung"},
    ActKind.ACCERTAMENTO_ESECUTIVO: {
        IT: "Accertamento esecutivo", EN: "Enforceable assessment", DE: "Vollstreckbarer Feststellungsbescheid",
    },
    ActKind.INGIUNZIONE: {IT: "Ingiunzione", EN: "Payment injunction", DE: "Zahlungsbefehl"},
}  # fmt: skip
_NOTHING: Words = {
    IT: "Non c'è nulla da pagare.",
    EN: "There is nothing to pay.",
    DE: "Es ist nichts zu zahlen.",
}
# What is said of a state instead of, or after, a sum.
_INSTEAD: dict[PositionState, Words] = {
    PositionState.PAID: {
        IT: "Risulta pagato per intero. Non c'è nulla da pagare.",
        EN: "It has been paid in full. There is nothing to pay.",
        DE: "Es ist vollständig bezahlt. Es ist nichts zu zahlen.",
    },
    PositionState.ANNULLED: {
        IT: "È stato annullato. Non c'è nulla da pagare.",
        EN: "It has been cancelled. There is nothing to pay.",
        DE: "Es wurde aufgehoben. Es ist nichts zu zahlen.",
    },
    PositionState.RELIEVED: {
        IT: "È stato sgravato. Non c'è nulla da pagare.",
        EN: "Relief has been granted. There is nothing to pay.",
        DE: "Es wurde erlassen. Es ist nichts zu zahlen.",
    },
    PositionState.SUSPENDED: {
        IT: "È sospeso: per ora non deve pagare nulla.",
        EN: "It is suspended: for now you need not pay anything.",
        DE: "Es ist ausgesetzt: Vorerst müssen Sie nichts zahlen.",
    },
    PositionState.INSOLVENCY: {
        IT: "È in una procedura concorsuale: ne parli con un operatore.",
        EN: "It is part of insolvency proceedings: please speak to an operator.",
        DE: "Es ist Teil eines Insolvenzverfahrens: Bitte sprechen Sie mit jemandem von uns.",
    },
}
_BESIDES: Words = {
    IT: "C'è anche un procedimento in corso: ne parli con un operatore.",
    EN: "There is also a proceeding under way: please speak to an operator.",
    DE: "Es läuft auch ein Verfahren: Bitte sprechen Sie mit jemandem von uns.",
}
_PROCEEDING = frozenset(
    {PositionState.FERMO, PositionState.IPOTECA, PositionState.PIGNORAMENTO, PositionState.IN_LITIGATION}
)
_NO_PLAN: Words = {
    IT: "Per questo avviso non c'è una rateizzazione.",
    EN: "There is no instalment plan for this notice.",
    DE: "Für diesen Bescheid gibt es keinen Ratenplan.",
}
_NOTIFIED: dict[NotificationState, Words] = {
    NotificationState.NOT_SENT: {
        IT: "Non è ancora stato spedito.", EN: "It has not been sent yet.", DE: "Es wurde noch nicht versandt.",
    },
    NotificationState.SENT: {
        IT: "È stato spedito, e l'esito della notifica non è ancora arrivato.",
        EN: "It has been sent, and we do not know yet whether it was delivered.",
        DE: "Es wurde versandt; ob es zugestellt wurde, wissen wir noch nicht.",
    },
    NotificationState.FAILED: {
        IT: "La notifica non è riuscita: per sapere perché, parli con un operatore.",
        EN: "It could not be delivered: to know why, please speak to an operator.",
        DE: "Es konnte nicht zugestellt werden: Den Grund sagt Ihnen jemand von uns.",
    },
    NotificationState.NOTIFIED: {
        IT: "È stato notificato{on}.", EN: "It was notified{on}.", DE: "Es wurde{on} zugestellt.",
    },
}  # fmt: skip
_WAYS: Words = {
    IT: "Si paga con pagoPA: con l'applicazione o il sito della banca, in tabaccheria, in posta o allo sportello "
    "bancario. Serve il codice avviso: {notice}.",
    EN: "It is paid through pagoPA: by your bank's app or website, at a tobacconist's, at the post office or at a "
    "bank. You need the notice code: {notice}.",
    DE: "Bezahlt wird über pagoPA: mit der App oder der Internetseite Ihrer Bank, in der Tabaktrafik, auf der Post "
    "oder am Bankschalter. Sie brauchen den Zahlungscode: {notice}.",
}
_FRESH: Words = {
    IT: "I dati sono aggiornati {as_of}.", EN: "The data are {as_of}.", DE: "Die Angaben sind {as_of}.",
}  # fmt: skip
_STALE: Words = {
    IT: "Attenzione: i dati sono fermi {as_of}, e un pagamento fatto dopo può mancare.",
    EN: "Please note: the data are {as_of}, and a later payment may be missing.",
    DE: "Bitte beachten Sie: Die Angaben sind {as_of}; eine spätere Zahlung kann fehlen.",
}
_NOTICE: Words = {IT: "Avviso", EN: "Notice", DE: "Bescheid"}
_NOT_KNOWN: Words = {
    IT: "Non sappiamo quali importo e scadenza sono stampati: li trova sull'avviso. Se non lo ha con sé, parli con un "
    "operatore.",
    EN: "We do not know which sum and date are printed: you find them on the notice. If you do not have it with you, "
    "please speak to an operator.",
    DE: "Wir wissen nicht, welcher Betrag und welche Frist gedruckt sind: Sie finden sie auf dem Bescheid. Wenn Sie "
    "ihn nicht zur Hand haben, sprechen Sie bitte mit jemandem von uns.",
}
_PRINTED_ONLY: Words = {
    IT: "Questo è ciò che è scritto sull'avviso: la situazione può essere cambiata.",
    EN: "This is what is written on the notice: things may have changed.",
    DE: "Das steht auf dem Bescheid: Der Stand kann sich geändert haben.",
}


def due(positions: Iterable[PositionView], today: date, language: Language) -> tuple[str, ...]:
    """What is to be paid, and until when."""
    return tuple(f"{_head(one, language)}. {_standing(one, today, language)}" for one in positions)


def instalments(positions: Iterable[PositionView], today: date, language: Language) -> tuple[str, ...]:
    """How the plan stands; that there is none."""
    return tuple(_plan(one, today, language) for one in positions)


def notification(positions: Iterable[PositionView], language: Language) -> tuple[str, ...]:
    """Whether, and when, the act was served."""
    return tuple(f"{_head(one, language)}. {_served(one, language)}" for one in positions)


def ways(notice: str, own: Sequence[str], language: Language) -> tuple[str, ...]:
    """How it is paid. What the ente itself says of it is Italian, and is said in Italian alone."""
    usual = _WAYS[language].format(notice=spoken.digits(notice, language))
    return (*(f"{words.rstrip('.')}." for words in own), usual) if language is IT else (usual,)


def printed(positions: Iterable[PositionView], notice: str, language: Language) -> tuple[str, ...]:
    """What the paper says, and nothing that has happened since: neither payments, nor whether it still stands."""
    return (*(_on_paper(one, notice, language) for one in positions), _PRINTED_ONLY[language])


def fresh(positions: Iterable[PositionView], *, stale: Callable[[PositionView], bool], language: Language) -> str:
    """As of when what was said is true; a warning where that is longer ago than is promised."""
    oldest = min(positions, key=lambda one: one.as_of)
    words = _STALE if stale(oldest) else _FRESH
    return words[language].format(as_of=spoken.as_of(business_day(oldest.as_of), language))


# -- parts ------------------------------------------------------------------------------------------------------


def _head(position: PositionView, language: Language) -> str:
    tax = _TAXES[position.tax][language]
    return f"{_ACTS[position.act_kind][language]}, {tax}, {spoken.year(position.year, language)}"


def _standing(position: PositionView, today: date, language: Language) -> str:
    if instead := _INSTEAD.get(position.state):
        return instead[language]
    payable = payable_now(position, today)
    said = [_payable(one, language) for one in payable] or [_NOTHING[language]]
    if position.state in _PROCEEDING:
        said.append(_BESIDES[language])
    return " ".join(said)


def _payable(one: Payable, language: Language) -> str:
    """`Rata tre. Da pagare: cinquanta euro, entro il …`."""
    rate = "" if one.instalment is None else _rate(one.instalment, language)
    sum_ = spoken.euro(one.cents, language)
    when = ""
    if one.due_on is not None:
        overdue = {IT: "scaduti", EN: "overdue", DE: "überfällig"}[language]
        late = f"{overdue} {spoken.since(one.due_on, language)}"
        when = f", {late if one.late else spoken.by(one.due_on, language)}"
    words = {IT: "Da pagare: {sum}{when}.", EN: "To pay: {sum}{when}.", DE: "Zu zahlen: {sum}{when}."}
    said = words[language].format(sum=sum_, when=when)
    return f"{rate}{said}"


def _rate(number: int, language: Language) -> str:
    name = {IT: "Rata", EN: "Instalment", DE: "Rate"}[language]
    return f"{name} {spoken.number(number, language)}. "


def _plan(position: PositionView, today: date, language: Language) -> str:
    if has_lapsed(position):
        lapsed = position.plan.lapsed_on if position.plan else None
        on = f" {spoken.on(lapsed, language)}" if lapsed else ""
        words = {
            IT: "La rateizzazione è decaduta{on}: l'intero importo è da pagare.",
            EN: "The instalment plan lapsed{on}: the whole sum is to be paid.",
            DE: "Der Ratenplan ist{on} verfallen: Der ganze Betrag ist zu zahlen.",
        }
        return words[language].format(on=on)
    rates = live_rates(position)
    if not rates:
        return _NO_PLAN[language]
    paid = sum(one.paid_on is not None for one in rates)
    words = {
        IT: "Rate pagate: {paid} su {all}.",
        EN: "Instalments paid: {paid} of {all}.",
        DE: "Bezahlte Raten: {paid} von {all}.",
    }
    done = "una" if paid == 1 and language is IT else spoken.number(paid, language)
    said = [words[language].format(paid=done, all=spoken.number(len(rates), language))]
    if late := late_instalments(position, today):
        forms = {IT: ("una rata", "rate"), EN: ("one instalment", "instalments"), DE: ("eine Rate", "Raten")}[language]
        count = spoken.counted(len(late), *forms, language)
        sum_ = spoken.euro(sum(one.cents for one in late), language)
        behind = {IT: "In ritardo: {n}, {sum}.", EN: "Late: {n}, {sum}.", DE: "Im Rückstand: {n}, {sum}."}
        said.append(behind[language].format(n=count, sum=sum_))
    coming = min(
        (one for one in rates if one.paid_on is None and one.due_on >= today), key=lambda one: one.due_on, default=None
    )
    if coming is not None:
        following = {
            IT: "La prossima è di {sum}, {by}.", EN: "The next one is {sum}, {by}.", DE: "Die nächste: {sum}, {by}.",
        }  # fmt: skip
        said.append(
            following[language].format(sum=spoken.euro(coming.cents, language), by=spoken.by(coming.due_on, language))
        )
    return " ".join(said)


def _served(position: PositionView, language: Language) -> str:
    on = f" {spoken.on(position.notified_on, language)}" if position.notified_on else ""
    return _NOTIFIED[position.notification][language].format(on=on)


def _on_paper(position: PositionView, notice: str, language: Language) -> str:
    """What a notice asks for as it was issued, which no payment changes; not the act: another may have followed."""
    head = f"{_NOTICE[language]}, {_TAXES[position.tax][language]}, {spoken.year(position.year, language)}"
    rate = next((one for one in position.instalments if one.notice_number == notice), None)
    if rate is not None:
        return f"{head}. {_asked(rate.cents, rate.due_on, language)}"
    if position.notice_number != notice or position.printed is None:
        return f"{head}. {_NOT_KNOWN[language]}"
    return f"{head}. {_asked(position.printed.cents, position.printed.due_on, language)}"


def _asked(cents: int, due_on: date | None, language: Language) -> str:
    by = f", {spoken.by(due_on, language)}" if due_on else ""
    words = {IT: "Chiede {sum}{by}.", EN: "It asks for {sum}{by}.", DE: "Gefordert: {sum}{by}."}
    return words[language].format(sum=spoken.euro(cents, language), by=by)
