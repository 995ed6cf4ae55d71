"""What may be proposed and how it is written. Pure: a value is checked and normalised as the feed's own are."""

import unicodedata
from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from crm.contacts.addresses import ITALY, Address
from crm.contacts.email import to_email
from crm.contacts.models import PersonKind
from crm.contacts.names import fold
from crm.contacts.phone import typed_number
from crm.core.errors import FieldError, InvalidError

FIRST_DAY = date(1900, 1, 1)
KEY_LENGTH = 250
POSTCODE_DIGITS = 5  # of an Italian one (CAP)

Value = Mapping[str, str]  # {"value": …}, or the parts of an address; as it is stored, exported and compared


class ProposalKind(StrEnum):
    CORRECTION = "correction"
    NOTIFICATION_PROBLEM = "notification_problem"
    DECISION = "decision"  # what a request was granted, about one debt


class Subject(StrEnum):
    """What of a taxpayer's data is wrong or missing."""

    SURNAME = "surname"
    GIVEN_NAME = "given_name"
    BUSINESS_NAME = "business_name"
    BORN_ON = "born_on"
    BIRTHPLACE = "birthplace"
    RESIDENCE = "residence"
    DOMICILE = "domicile"
    SEAT = "seat"
    PHONE = "phone"
    EMAIL = "email"
    PEC = "pec"
    DIGITAL_DOMICILE = "digital_domicile"
    DECEASED_ON = "deceased_on"
    CEASED_ON = "ceased_on"


class Problem(StrEnum):
    """What a taxpayer says of the notification of an act."""

    NEVER_RECEIVED = "never_received"
    MOVED = "moved"  # it went where he lived before
    WRONG_NAME = "wrong_name"
    DECEASED = "deceased"  # addressed to somebody who has died
    TAKEN_BY_OTHERS = "taken_by_others"  # a neighbour or doorkeeper took it, or refused it
    OTHER = "other"


class Decision(StrEnum):
    """What was granted, and the collection system is to do."""

    INSTALMENTS = "instalments"
    RELIEF = "relief"
    REFUND = "refund"
    SUSPENSION = "suspension"
    ANNULMENT = "annulment"
    SELF_CORRECTION = "self_correction"


ADDRESSES = frozenset({Subject.RESIDENCE, Subject.DOMICILE, Subject.SEAT})
REACHES = frozenset({Subject.PHONE, Subject.EMAIL, Subject.PEC, Subject.DIGITAL_DOMICILE})
DAYS = frozenset({Subject.BORN_ON, Subject.DECEASED_ON, Subject.CEASED_ON})
SEVERAL = REACHES  # a taxpayer may have several: one is added, replaced or struck out
ADDRESS_PARTS = ("street", "postcode", "town", "province", "country")

_OF_PERSONS = frozenset(
    {Subject.SURNAME, Subject.GIVEN_NAME, Subject.BORN_ON, Subject.BIRTHPLACE, Subject.RESIDENCE, Subject.DECEASED_ON}
)
_OF_COMPANIES = frozenset({Subject.BUSINESS_NAME, Subject.SEAT})
_LONGEST = {Subject.SURNAME: 80, Subject.GIVEN_NAME: 80, Subject.BUSINESS_NAME: 160, Subject.BIRTHPLACE: 80}
_LONGEST_PART = {"street": 160, "postcode": 10, "town": 80}


def subjects_of(kind: PersonKind) -> tuple[Subject, ...]:
    """What can be proposed about a person, or about a company."""
    others = _OF_COMPANIES if kind is PersonKind.NATURAL else _OF_PERSONS
    return tuple(subject for subject in Subject if subject not in others)


def parse(subject: Subject, fields: Mapping[str, str], *, today: date) -> Value | None:
    """What somebody typed, as it is stored: `value`, or the parts of an address. None when nothing was typed.

    Raises `InvalidError` with what to do about each field.
    """
    typed = {name: _text(fields.get(name, ""), name) for name in (*ADDRESS_PARTS, "value")}
    if subject in ADDRESSES:
        return _address(typed)
    text = typed["value"]
    if not text:
        return None
    return {"value": _day(text, today) if subject in DAYS else _word(subject, text)}


def shown(value: Value | None) -> str:
    """A value on one line; empty for none."""
    if value is None:
        return ""
    return value["value"] if "value" in value else address_of(value).line


def address_of(value: Value) -> Address:
    """An address from its parts."""
    return Address(**{name: value[name] for name in ADDRESS_PARTS if name in value})


def comparable(value: Value | None) -> str:
    """Two reports whose values have one key say the same: case, accents and signs of a name make no difference."""
    if value is None:
        return ""
    if "value" not in value:
        return address_of(value).key
    text = value["value"]
    return (text.casefold() if any(char.isdigit() or char == "@" for char in text) else fold(text))[:KEY_LENGTH]


def _text(text: str, field: str) -> str:
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    if any(unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"} for char in text):
        raise FieldError("Ci sono caratteri che non si vedono: riscrivi il testo a mano.", field=field)
    return text


def _word(subject: Subject, text: str) -> str:
    if subject is Subject.PHONE:
        if (number := typed_number(text)) is None:
            raise FieldError(
                "Non è un numero di telefono: scrivilo con il prefisso, intero, come 0571 700123.", "value"
            )
        return number
    if subject in REACHES:
        if (address := to_email(text)) is None:
            raise FieldError("Non è un indirizzo di posta: scrivilo come nome@esempio.it.", field="value")
        return address
    if len(text) > _LONGEST[subject]:
        raise FieldError("È troppo lungo: abbrevialo.", field="value")
    return text


def _day(text: str, today: date) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise FieldError("Non è una data: scegli giorno, mese e anno.", field="value") from None
    if day < FIRST_DAY:
        raise FieldError("La data è troppo lontana nel passato: ricontrolla l'anno.", field="value")
    if day > today:
        raise FieldError("La data è nel futuro: ricontrolla l'anno.", field="value")
    return day.isoformat()


def _address(typed: Mapping[str, str]) -> Value | None:
    parts = {name: typed[name] for name in ADDRESS_PARTS if typed[name]}
    parts |= {name: parts[name].upper() for name in ("province", "country") if name in parts}
    if not parts or set(parts) == {"country"}:
        return None
    wrong: list[InvalidError] = []
    if "street" not in parts:
        wrong.append(InvalidError("Scrivi la via e il numero civico.", field="street"))
    if "town" not in parts:
        wrong.append(InvalidError("Scrivi il comune.", field="town"))
    country = parts.setdefault("country", ITALY)
    wrong += [
        InvalidError("Servono due lettere, come FI o IT.", field=name)
        for name in ("province", "country")
        if name in parts and not (len(parts[name]) == 2 and parts[name].isascii() and parts[name].isalpha())
    ]
    postcode = parts.get("postcode", "")
    if country == ITALY and postcode and not (postcode.isdecimal() and len(postcode) == POSTCODE_DIGITS):
        wrong.append(InvalidError("Il CAP ha cinque cifre.", field="postcode"))
    wrong += [
        InvalidError("È troppo lungo: abbrevialo.", field=name)
        for name, longest in _LONGEST_PART.items()
        if len(parts.get(name, "")) > longest
    ]
    if wrong:
        raise InvalidError("L'indirizzo non è completo o non è esatto.", parts=wrong)
    return parts
