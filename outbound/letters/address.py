"""The address of a letter: which of somebody's addresses can be written to, and its lines as Poste want them. Pure.

Poste Italiane, "Standard di composizione dell'indirizzo": three to six lines in capitals without accents lost, the
addressee first, then street and number, then postcode, town and province; abroad the country last. Longer lines than
50 characters do not fit a window.
"""

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from crm.contacts.addresses import ITALY, Address
from crm.contacts.models import AddressKind, LastOutcome, Verification
from crm.contacts.queries import AddressView, ContactView
from crm.core.errors import InvalidError

LONGEST_LINE, MOST_NAME_LINES = 44, 2
_NUMBER = re.compile(r"\d|\bS\.?N\.?C\.?\b|\bSNC\b", re.IGNORECASE)
_VAIN = frozenset({LastOutcome.UNREACHABLE, LastOutcome.WRONG_PERSON})
COUNTRIES = {
    "AT": "AUSTRIA", "BE": "BELGIO", "CH": "SVIZZERA", "DE": "GERMANIA", "ES": "SPAGNA", "FR": "FRANCIA",
    "GB": "REGNO UNITO", "NL": "PAESI BASSI", "RO": "ROMANIA", "SM": "SAN MARINO", "US": "STATI UNITI",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Addressee:
    """To whom a letter goes, and where. `address_id`: which of his addresses it is."""

    name: str
    codice_fiscale: str
    lines: tuple[str, ...]
    address_id: int


def addressee(people: Iterable[ContactView]) -> Addressee | None:
    """Where to write to somebody, under whichever of his rows: the first that can be written to; none: nowhere."""
    for person in people:
        best = best_of(person)
        if best is not None:
            return Addressee(person.name, person.codice_fiscale, lines(person.name, best), best.id)
    return None


def best_of(person: ContactView) -> AddressView | None:
    """The best of the addresses of one row that can be written to."""
    right = [one for one in person.addresses if _may_be_his(one) and not amiss(one)]
    return min(right, key=_rank, default=None)


def amiss(one: Address) -> list[InvalidError]:
    """Why it cannot be delivered, by the field: it needs a street with its number (or SNC), a town, and in Italy five
    digits of postcode.
    """
    wrong = []
    if not one.street:
        wrong.append(InvalidError("Scrivi la via e il numero.", field="street"))
    elif one.country == ITALY and not _NUMBER.search(one.street):
        wrong.append(InvalidError("Manca il numero civico; se non ce n'è, scrivi SNC.", field="street"))
    if not one.town:
        wrong.append(InvalidError("Scrivi la località.", field="town"))
    postcode = one.postcode or ""
    if one.country == ITALY and not (len(postcode) == 5 and postcode.isdecimal() and postcode != "00000"):
        wrong.append(InvalidError("Il CAP ha cinque cifre.", field="postcode"))
    return wrong


def lines(name: str, one: Address) -> tuple[str, ...]:
    """Three to six lines, the addressee first."""
    place = " ".join(part for part in (one.postcode, one.town, one.province) if part)
    rows = textwrap.wrap(name, LONGEST_LINE)[:MOST_NAME_LINES]
    rows += textwrap.wrap(one.street or "", LONGEST_LINE)[:2]
    rows.append(place[:LONGEST_LINE])
    if one.country != ITALY:
        rows.append(COUNTRIES.get(one.country, one.country))
    return tuple(row.upper() for row in rows)


def _may_be_his(one: AddressView) -> bool:
    return one.verification is not Verification.WRONG and one.outcome not in _VAIN


def _rank(one: AddressView) -> tuple[bool, bool, int]:
    """Found right before the others, then where he lives before where else he receives letters."""
    return one.verification is not Verification.VERIFIED, one.kind is AddressKind.DOMICILE, one.id
