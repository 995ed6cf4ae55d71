"""How alike two contacts of an ente are, and why. Pure: what is known of both in, a likeness or none out.

A likeness only proposes: somebody compares the two and decides. Two rules keep apart whom everything else joins:
a father and his son may share name, address and telephone but not the birth date; twins share the birth date and the
telephone, but each one's codice fiscale is made of his own name.

The codice fiscale (decree of the Ministry of Finance of 23 December 1976) is made of six letters of the name, five
characters of birth date and sex, four of the birthplace, and one to check. Where two people would get the same one,
digits are replaced by letters (*omocodia*).
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import prod

from crm.contacts.models import PersonKind
from crm.contacts.slips import is_slip

_DIGIT_PLACES = (6, 7, 9, 10, 12, 13, 14)
_AS_DIGIT = str.maketrans("LMNPQRSTUV", "0123456789")
_STEM, _BIRTH, _CHECK = slice(0, 11), slice(6, 11), 15


class Why(StrEnum):
    NAME_AND_BIRTH = "name_and_birth"
    NEAR_NAME_AND_BIRTH = "near_name_and_birth"  # the name but for one slip
    SAME_PARTITA_IVA = "same_partita_iva"
    PARTITA_IVA_AS_CODE = "partita_iva_as_code"  # of a sole trader, filed as a company's codice fiscale
    OMOCODIA = "omocodia"  # the codice fiscale but for letters in the place of digits
    NEAR_CODE = "near_code"  # the codice fiscale but for one slip
    NAME_AND_PHONE = "name_and_phone"  # the name, but for one slip at the most, and a telephone


# How likely each reason alone makes it that two contacts are one person, as whoever compares them should expect it;
# reasons are taken as independent of each other.
WEIGHTS = {
    Why.NAME_AND_BIRTH: 0.80, Why.NEAR_NAME_AND_BIRTH: 0.50, Why.SAME_PARTITA_IVA: 0.60,
    Why.PARTITA_IVA_AS_CODE: 0.90, Why.OMOCODIA: 0.50, Why.NEAR_CODE: 0.60, Why.NAME_AND_PHONE: 0.50,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facts:
    """What is compared of a contact. `name` is folded (`crm.contacts.names`), surname first; phones in E.164."""

    codice_fiscale: str
    kind: PersonKind
    name: str
    partita_iva: str | None = None
    born_on: date | None = None
    phones: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Likeness:
    """Why two may be one, and how likely: 1 to 100."""

    why: tuple[Why, ...]

    @property
    def score(self) -> int:
        """Rises with each reason."""
        return round(100 * (1 - prod(1 - WEIGHTS[one] for one in self.why)))


def likeness(one: Facts, other: Facts) -> Likeness | None:
    """Why two contacts of an ente may be one person; none when nothing says so, or something says that they are two."""
    if one.kind is PersonKind.NATURAL is other.kind:
        why = _of_people(one, other)
    elif one.kind is other.kind:
        why = _of_companies(one, other)
    else:
        why = _of_trader(one, other)
    return Likeness(tuple(why)) if why else None


def _of_people(one: Facts, other: Facts) -> list[Why]:
    same_name = _same_name(one.name, other.name)
    near_name = is_slip(one.name, other.name) and _stem(one) == _stem(other)
    if _born_apart(one, other) or not (same_name or near_name):
        return []
    why = [Why.NAME_AND_BIRTH if same_name else Why.NEAR_NAME_AND_BIRTH]
    if plain_code(one.codice_fiscale) == plain_code(other.codice_fiscale):
        why.append(Why.OMOCODIA)
    elif is_slip(plain_code(one.codice_fiscale), plain_code(other.codice_fiscale)):
        why.append(Why.NEAR_CODE)
    return why + _further(one, other)


def _of_companies(one: Facts, other: Facts) -> list[Why]:
    if not (_same_name(one.name, other.name) or is_slip(one.name, other.name)):
        return []
    why = [Why.NEAR_CODE] if is_slip(one.codice_fiscale, other.codice_fiscale) else []
    return why + _further(one, other)


def _of_trader(one: Facts, other: Facts) -> list[Why]:
    """A person, and what may be his own business: his partita IVA, or his name within the business's."""
    person, business = (one, other) if one.kind is PersonKind.NATURAL else (other, one)
    if person.partita_iva is not None and person.partita_iva == business.codice_fiscale:
        return [Why.PARTITA_IVA_AS_CODE]
    if person.partita_iva is not None and person.partita_iva == business.partita_iva:
        return [Why.SAME_PARTITA_IVA]
    words = set(person.name.split())
    return [Why.NAME_AND_PHONE] if len(words) > 1 and words <= set(business.name.split()) and _phone(one, other) else []


def _further(one: Facts, other: Facts) -> list[Why]:
    """What says more of two that are called alike."""
    why = []
    if one.partita_iva is not None and one.partita_iva == other.partita_iva:
        why.append(Why.SAME_PARTITA_IVA)
    if _phone(one, other):
        why.append(Why.NAME_AND_PHONE)
    return why


def plain_code(codice_fiscale: str) -> str:
    """A person's codice fiscale with the digits that omocodia replaced, and without its check character."""
    digits = "".join(
        char.translate(_AS_DIGIT) if place in _DIGIT_PLACES else char for place, char in enumerate(codice_fiscale)
    )
    return digits[:_CHECK]


def _same_name(one: str, other: str) -> bool:
    """In either order: it happens that a surname is filed as the given name."""
    return one == other or (one != "" and sorted(one.split()) == sorted(other.split()))


def _stem(one: Facts) -> str:
    """What the codice fiscale says of name, birth and sex: two twins whose names are alike differ in it."""
    return plain_code(one.codice_fiscale)[_STEM]


def _birth(one: Facts) -> str:
    """Year, month and day as the codice fiscale writes them, a woman's day as a man's."""
    if one.born_on is not None:
        return f"{one.born_on.year % 100:02d}{'ABCDEHLMPRST'[one.born_on.month - 1]}{one.born_on.day:02d}"
    part = plain_code(one.codice_fiscale)[_BIRTH]
    day = int(part[3:]) if part[3:].isdigit() else 0
    return f"{part[:3]}{day - 40 if day > 40 else day:02d}"


def _born_apart(one: Facts, other: Facts) -> bool:
    """Two birth dates are two persons, whatever else they share."""
    if one.born_on is not None and other.born_on is not None:
        return one.born_on != other.born_on
    return _birth(one) != _birth(other)


def _phone(one: Facts, other: Facts) -> bool:
    return not one.phones.isdisjoint(other.phones)
