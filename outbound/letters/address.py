"""The address of a letter: which of somebody's addresses can be written to, and its lines as Poste want them. Pure.

Poste Italiane, "Standard di composizione dell'indirizzo": three to six lines in capitals without accents lost, the
addressee first, then street and number, then postcode, town and province; abroad the country last. Longer lines than
50 characters do not fit a window.
"""

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from crm.contacts.models import AddressKind, LastOutcome, Verification
from crm.contacts.queries import AddressView, ContactView

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
        right = [one for one in person.addresses if _may_be_his(one) and plausible(one)]
        if right:
            best = min(right, key=_rank)
            return Addressee(person.name, person.codice_fiscale, lines(person.name, best), best.id)
    return None


def plausible(one: AddressView) -> bool:
    """Whether it can be delivered: a street with its number (or SNC), a town, and in Italy five digits of postcode."""
    if not (one.street and one.town):
        return False
    if one.country != "IT":
        return True
    postcode = one.postcode or ""
    return bool(_NUMBER.search(one.street)) and len(postcode) == 5 and postcode.isdigit() and postcode != "00000"


def lines(name: str, one: AddressView) -> tuple[str, ...]:
    """Three to six lines, the addressee first."""
    place = " ".join(part for part in (one.postcode, one.town, one.province) if part)
    rows = textwrap.wrap(name, LONGEST_LINE)[:MOST_NAME_LINES]
    rows += textwrap.wrap(one.street or "", LONGEST_LINE)[:2]
    rows.append(place[:LONGEST_LINE])
    if one.country != "IT":
        rows.append(COUNTRIES.get(one.country, one.country))
    return tuple(row.upper() for row in rows)


def _may_be_his(one: AddressView) -> bool:
    return one.verification is not Verification.WRONG and one.outcome not in _VAIN


def _rank(one: AddressView) -> tuple[bool, bool, int]:
    """Found right before the others, then where he lives before where else he receives letters."""
    return one.verification is not Verification.VERIFIED, one.kind is AddressKind.DOMICILE, one.id
