"""How amounts, days and acts are said in an Italian sentence that an agent reads aloud."""

from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel.dates import format_date
from babel.numbers import format_decimal

from crm.positions.models import ActKind, Tax

LOCALE = "it_IT"
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
# How a payment was made, by what senders call the way; the commonest.
_WAYS = {
    "pagopa": "con pagoPA", "f24": "con F24", "bonifico": "con bonifico", "bollettino": "con bollettino",
    "bollettino postale": "con bollettino postale", "mav": "con MAV", "rav": "con RAV", "carta": "con carta",
    "carta di credito": "con carta di credito", "pos": "con il POS", "assegno": "con assegno",
    "contanti": "in contanti",
    "addebito": "con addebito sul conto", "addebito diretto": "con addebito diretto", "sdd": "con addebito diretto",
    "rid": "con addebito diretto", "home banking": "con l'home banking", "app": "con un'app", "io": "con l'app IO",
    "app io": "con l'app IO", "sito": "sul sito", "portale": "sul portale", "online": "in rete", "web": "in rete",
    "sportello": "allo sportello", "banca": "in banca", "posta": "in posta", "poste": "in posta",
    "ufficio postale": "in posta", "tabaccheria": "in tabaccheria", "tabaccaio": "in tabaccheria",
    "ricevitoria": "in ricevitoria", "bancomat": "al bancomat", "atm": "al bancomat",
    "compensazione": "in compensazione",
}  # fmt: skip
_BEFORE_VOWEL = {" il ": " l'", ", il ": ", l'", " dal ": " dall'", " al ": " all'", " del ": " dell'"}


@lru_cache(maxsize=4096)
def euro(cents: int) -> str:
    """`81200` as `812,00 euro`."""
    return f"{format_decimal(Decimal(cents) / 100, '#,##0.00', locale=LOCALE)} euro"


@lru_cache(maxsize=4096)
def when(preposition: str, day: date | None) -> str:
    """`il 3 settembre 2024`, `l'8 settembre 2024`, `il 1º settembre 2024`; nothing for no date. Without a preposition
    the day alone.
    """
    if day is None:
        return ""
    if day.day in {8, 11}:
        preposition = _BEFORE_VOWEL.get(preposition, preposition)
    number = "1º" if day.day == 1 else str(day.day)
    return f"{preposition}{number} {format_date(day, 'MMMM yyyy', locale=LOCALE)}"


def paid_how(way: str | None) -> str:
    """` allo sportello`, ` con bonifico`; a way that has no words of its own is told in brackets, none not at all."""
    words = _WAYS.get(" ".join((way or "").lower().split()))
    return f" {words}" if words else aside(way)


def aside(text: str | None) -> str:
    """A remark in brackets; nothing for none."""
    return f" ({text})" if text else ""
