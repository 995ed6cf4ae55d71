"""What the columns of a file are: by which of them a person is known, and what is kept of the others. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from crm.contacts.codice_fiscale import parse_codice_fiscale
from crm.contacts.names import fold
from crm.contacts.phone import to_e164
from crm.core.errors import InvalidError
from crm.positions.notice import parse_notice_number
from outbound.lists.sheets import ROUNDED, Cells

MOST_GIVEN, LONGEST_HEADING, LONGEST_GIVEN = 20, 60, 120


class By(StrEnum):
    """What tells who is meant; the first that a row has is the one that counts."""

    CODE = "code"  # codice fiscale, or a company's partita IVA
    NOTICE = "notice"
    PHONE = "phone"


_NAMES = {
    By.CODE: {"CODICE FISCALE", "COD FISCALE", "CODFISC", "CODICEFISCALE", "CF", "C F", "PARTITA IVA", "P IVA", "PIVA",
              "CODICE FISCALE PARTITA IVA", "CF PIVA", "CF P IVA", "TAX CODE"},
    By.NOTICE: {"CODICE AVVISO", "NUMERO AVVISO", "NUMERO DI AVVISO", "NAV", "AVVISO", "NOTICE NUMBER"},
    By.PHONE: {"TELEFONO", "CELLULARE", "NUMERO DI TELEFONO", "TEL", "CELL", "PHONE", "MOBILE", "TELEFONO CELLULARE"},
}  # fmt: skip
NO_COLUMN = (
    "Nella prima riga manca una colonna che dica chi è: servono «Codice fiscale», «Codice avviso» oppure «Telefono»."
)


NOBODY = "La riga non dice chi è: la cella è vuota."
WAS_A_NUMBER = (
    "Il foglio ha preso questo codice per un numero e ne ha perso le ultime cifre: "
    "scrivi la colonna come testo e riscrivi i codici."
)


@dataclass(frozen=True, slots=True)
class Key:
    """By what, and as it is written in the database."""

    by: By
    value: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a row says nobody, and in which column."""

    heading: str
    reason: str


@dataclass(frozen=True, slots=True)
class Columns:
    """The headings of a file, and where the keys stand."""

    headings: Cells
    keys: tuple[tuple[By, int], ...]

    @classmethod
    def of(cls, first: Sequence[str]) -> "Columns":
        """Raises `InvalidError` where no column says who is meant."""
        folded = [fold(one) for one in first]
        keys = [(by, place) for by in By for place, one in enumerate(folded) if one in _NAMES[by]]
        if not keys:
            raise InvalidError(NO_COLUMN)
        return cls(tuple(one[:LONGEST_HEADING] for one in first), tuple(keys))

    def key(self, cells: Cells) -> Key | Wrong:
        """Whom a row means. What stands first counts: where it is wrong, nothing further right makes up for it."""
        for by, place in self.keys:
            if place < len(cells) and cells[place]:
                if cells[place].endswith(ROUNDED):
                    return Wrong(self.headings[place], WAS_A_NUMBER)
                try:
                    return Key(by, _parsed(by, cells[place]))
                except InvalidError as error:
                    return Wrong(self.headings[place], str(error))
        return Wrong(self.headings[self.keys[0][1]], NOBODY)

    def given(self, cells: Cells) -> dict[str, str] | None:
        """What a row says besides; the first columns of a wide file."""
        known = {place for _, place in self.keys}
        besides = [
            (heading, cells[place][:LONGEST_GIVEN])
            for place, heading in enumerate(self.headings)
            if place not in known and heading and place < len(cells) and cells[place]
        ]
        return dict(besides[:MOST_GIVEN]) or None


def _parsed(by: By, text: str) -> str:
    match by:
        case By.CODE:
            digits = text.strip()
            if digits.isascii() and digits.isdigit() and len(digits) < 11:
                digits = digits.zfill(11)  # a spreadsheet took it for a number, and dropped its zeros
            return parse_codice_fiscale(digits)
        case By.NOTICE:
            return parse_notice_number(text)
        case By.PHONE:
            number = to_e164(text)
            if number is None:
                raise InvalidError(f"Telefono «{text[:20]}»: non è un numero valido.")
            return number
