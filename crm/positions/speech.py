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
_BEFORE_VOWEL = {" il ": " l'", ", il ": ", l'", " dal ": " dall'", " al ": " all'", " del ": " dell'"}


@lru_cache(maxsize=4096)
def euro(cents: int) -> str:
    """`81200` as `812,00 euro`."""
    return f"{format_decimal(Decimal(cents) / 100, '#,##0.00', locale=LOCALE)} euro"


@lru_cache(maxsize=4096)
def when(preposition: str, day: date | None) -> str:
    """`il 3 settembre 2024`, `l'8 settembre 2024`, `il 1º settembre 2024`; nothing for no date."""
    if day is None:
        return ""
    if day.day in {8, 11}:
        preposition = _BEFORE_VOWEL[preposition]
    number = "1º" if day.day == 1 else str(day.day)
    return f"{preposition}{number} {format_date(day, 'MMMM yyyy', locale=LOCALE)}"


def aside(text: str | None) -> str:
    """A remark in brackets; nothing for none."""
    return f" ({text})" if text else ""
