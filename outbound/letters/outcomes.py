"""What a file of the post or of a printing house says of letters, row by row. Pure.

Such files have no standard: columns are known by their headings and outcomes by their words, as posts write them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from crm.contacts.addresses import Address
from crm.contacts.names import fold
from crm.core.errors import InvalidError
from outbound.letters import codes
from outbound.letters.codes import Code
from outbound.letters.models import LetterOutcome
from outbound.lists.sheets import Cells, Line


class Column(StrEnum):
    NUMBER = "number"
    OUTCOME = "outcome"
    DAY = "day"
    STREET = "street"
    POSTCODE = "postcode"
    TOWN = "town"
    PROVINCE = "province"


_NAMES = {
    Column.NUMBER: {"NUMERO", "NUMERO LETTERA", "N LETTERA", "LETTERA", "CODICE LETTERA", "ID", "ID LETTERA", "BARCODE",
                    "CODICE", "CODICE CLIENTE", "ID CLIENTE"},
    Column.OUTCOME: {"ESITO", "STATO", "ESITO CONSEGNA", "ESITO NOTIFICA", "CAUSALE", "MOTIVO", "MOTIVO RESO",
                     "CAUSALE RESO", "CAUSALE MANCATO RECAPITO"},
    Column.DAY: {"DATA", "DATA ESITO", "DATA CONSEGNA", "DATA NOTIFICA", "DATA RESO", "DATA STATO"},
    Column.STREET: {"NUOVO INDIRIZZO", "INDIRIZZO NUOVO", "INDIRIZZO AGGIORNATO"},
    Column.POSTCODE: {"NUOVO CAP", "CAP NUOVO", "CAP AGGIORNATO"},
    Column.TOWN: {"NUOVA LOCALITA", "NUOVO COMUNE", "LOCALITA NUOVA", "COMUNE NUOVO", "NUOVA CITTA"},
    Column.PROVINCE: {"NUOVA PROVINCIA", "PROVINCIA NUOVA", "NUOVA PROV"},
}  # fmt: skip
NEEDED = {Column.NUMBER: "Numero", Column.OUTCOME: "Esito", Column.DAY: "Data"}
# The first that is found in the words of an outcome, folded: what is not delivered says why before anything else.
_WORDS = (
    (r"DECEDUT|DEFUNT|MORT[OA]\b", LetterOutcome.DECEASED),
    (r"TRASFERIT|CAMBIO INDIRIZZO", LetterOutcome.MOVED),
    (r"SCONOSCIUT", LetterOutcome.UNKNOWN),
    (r"INSUFFICIENT|INESATT|INESISTENT|IRREPERIBIL|INCOMPLET", LetterOutcome.INSUFFICIENT),
    (r"RIFIUTAT|RESPINT", LetterOutcome.REFUSED),
    (r"GIACENZA|NON RITIRAT|NON RECLAMAT|NON CURAT", LetterOutcome.UNCLAIMED),
    (r"^(?!NON |MANCAT)(.*\b)?(CONSEGNAT|RECAPITAT|NOTIFICAT|RITIRAT)", LetterOutcome.DELIVERED),
)
_PATTERNS = tuple((re.compile(words), outcome) for words, outcome in _WORDS)
_DAYS = ("%d/%m/%Y", "%Y-%m-%d", "%d-%m-%Y", "%d.%m.%Y", "%Y%m%d", "%d/%m/%y")


@dataclass(frozen=True, slots=True)
class Said:
    """What a row says of a letter. `address`: where its addressee lives now."""

    line: int
    code: Code
    outcome: LetterOutcome
    on: date
    address: Address | None


@dataclass(frozen=True, slots=True)
class Mistake:
    """Why a row says nothing. The reason repeats no name and no address."""

    line: int
    reason: str


def columns(first: Sequence[str]) -> Mapping[Column, int]:
    """Where each column stands. Raises `InvalidError` for those that must be there and are not."""
    found: dict[Column, int] = {}
    for place, heading in enumerate(fold(one) for one in first):
        for column, names in _NAMES.items():
            if heading in names:
                found.setdefault(column, place)
    missing = [name for column, name in NEEDED.items() if column not in found]
    if missing:
        listed = ", ".join(f"«{one}»" for one in missing)
        raise InvalidError(f"Nella prima riga del file manca una colonna: {listed}.")
    return found


def said(line: Line, at: Mapping[Column, int], today: date) -> Said | Mistake:
    """A row, understood or not."""
    try:
        if line.broken:
            raise InvalidError("La riga non si legge.")
        day = _day(_cell(line.cells, at, Column.DAY), today)
        code = codes.parse(_cell(line.cells, at, Column.NUMBER))
        return Said(line.number, code, outcome_of(_cell(line.cells, at, Column.OUTCOME)), day, _address(line.cells, at))
    except InvalidError as error:
        return Mistake(line.number, str(error))


def outcome_of(text: str) -> LetterOutcome:
    """The outcome that the post's words mean. Raises `InvalidError`."""
    folded = fold(text)
    for pattern, outcome in _PATTERNS:
        if pattern.search(folded):
            return outcome
    raise InvalidError(
        "L'esito non si capisce: consegnata, sconosciuto, trasferito, indirizzo insufficiente, rifiutata, compiuta "
        "giacenza, deceduto."
    )


def _cell(cells: Cells, at: Mapping[Column, int], column: Column) -> str:
    place = at.get(column)
    return cells[place].strip() if place is not None and place < len(cells) else ""


def _day(text: str, today: date) -> date:
    for pattern in _DAYS:
        try:
            day = datetime.strptime(text[:10], pattern).date()  # noqa: DTZ007 (a day, of no zone)
        except ValueError:
            continue
        if day > today:
            raise InvalidError("La data è nel futuro.")
        return day
    raise InvalidError("La data non si legge: si scrive come 24/11/2026.")


def _address(cells: Cells, at: Mapping[Column, int]) -> Address | None:
    parts = {one: _cell(cells, at, one) for one in (Column.STREET, Column.POSTCODE, Column.TOWN, Column.PROVINCE)}
    if not (parts[Column.STREET] and parts[Column.TOWN]):
        return None
    return Address(
        parts[Column.STREET], parts[Column.POSTCODE] or None, parts[Column.TOWN], parts[Column.PROVINCE].upper() or None
    )
