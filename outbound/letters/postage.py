"""Sheets, weight, envelope and cost of a letter. Pure; cents and grams.

The steps of weight are those of Poste Italiane's letters (up to 20, 50, 100, 250 and 350 g). A sheet is A4 of 80 g/m²:
210 × 297 mm weigh 4.99 g.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from crm.core.errors import InvalidError

SHEET_G = 5
IN_DL, IN_C5 = 5, 10  # sheets that an envelope takes: folded in three, folded in half
MOST_CENTS = 10_000


class Envelope(StrEnum):
    """By ISO 269; the address shows in its window."""

    DL = "DL"
    C5 = "C5"
    C4 = "C4"


_EMPTY_G = {Envelope.DL: 5, Envelope.C5: 7, Envelope.C4: 14}


class Weight(IntEnum):
    """A step: letters of up to so many grams cost the same."""

    G20 = 20
    G50 = 50
    G100 = 100
    G250 = 250
    G350 = 350


@dataclass(frozen=True, slots=True)
class Prices:
    """What a printing house and its post take. `postage`: by the step of weight; a step without one is not sent."""

    sheet_cents: int = 0  # paper and printing of a sheet
    letter_cents: int = 0  # envelope and insertion
    postage: Mapping[Weight, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A letter as it is posted. `weight` none: heavier than any step."""

    pages: int
    sheets: int
    envelope: Envelope
    grams: int
    weight: Weight | None

    def cents(self, prices: Prices) -> int | None:
        """What it costs; none: it cannot be sent at these prices."""
        if self.weight is None or self.weight not in prices.postage:
            return None
        return prices.letter_cents + self.sheets * prices.sheet_cents + prices.postage[self.weight]


def parcel(pages: int, *, duplex: bool) -> Parcel:
    """How so many pages are posted."""
    sheets = (pages + 1) // 2 if duplex else pages
    envelope = Envelope.DL if sheets <= IN_DL else Envelope.C5 if sheets <= IN_C5 else Envelope.C4
    grams = sheets * SHEET_G + _EMPTY_G[envelope]
    return Parcel(pages, sheets, envelope, grams, next((one for one in Weight if grams <= one), None))


def check(prices: Prices) -> None:
    """Raises `InvalidError` with what is wrong at each field of the form."""
    amounts = {"sheet_cents": prices.sheet_cents, "letter_cents": prices.letter_cents}
    amounts |= {f"postage-{step:d}": cents for step, cents in prices.postage.items()}
    wrong = [
        InvalidError("Un prezzo da 0 a 100 euro.", field=name)
        for name, cents in amounts.items()
        if not 0 <= cents <= MOST_CENTS
    ]
    if Weight.G20 not in prices.postage:
        wrong.append(InvalidError("Scrivi almeno questo: quasi tutte le lettere pesano così.", field="postage-20"))
    if wrong:
        raise InvalidError("I prezzi non vanno bene.", parts=wrong)
