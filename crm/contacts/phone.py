"""Phone numbers: any Italian writing to E.164, and what kind of telephone a number belongs to."""

from enum import StrEnum

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

ITALY = "+39"
SHORTEST_TOLD = len(ITALY) + 8  # with the prefix and its zero, as 0571 7001
LONGEST = 40  # characters; the longest honest writing is far shorter

# What comes in the place of a withheld number: the words ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN and
# UNAVAILABLE dialled on a keypad.
WITHHELD_NUMBERS = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})


class CallerKind(StrEnum):
    LANDLINE = "landline"
    MOBILE = "mobile"
    FOREIGN = "foreign"
    WITHHELD = "withheld"


def to_e164(text: str) -> str | None:
    """The number in E.164 (`+390571123456`), or None when it is no valid number.

    A number without international prefix is Italian, and keeps its leading zero; an extension is dropped.
    """
    if len(text) > LONGEST:
        return None
    try:
        number = phonenumbers.parse(text, "IT")
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def typed_number(text: str) -> str | None:
    """What somebody types or tells, in E.164: stricter than `to_e164`, by which what a gestionale has of old is taken.

    The numbering plan still has Italian numbers of five digits; nobody has one, and half a number looks like it.
    """
    number = to_e164(text)
    return None if number is not None and number.startswith(ITALY) and len(number) < SHORTEST_TOLD else number


def caller_kind(e164: str | None) -> CallerKind:
    """What a caller's number says about his telephone; anything that is no number counts as withheld."""
    if not e164 or e164 in WITHHELD_NUMBERS:
        return CallerKind.WITHHELD
    try:
        number = phonenumbers.parse(e164, None)
    except NumberParseException:
        return CallerKind.WITHHELD
    if number.country_code != 39:
        return CallerKind.FOREIGN
    is_mobile = phonenumbers.number_type(number) == PhoneNumberType.MOBILE
    return CallerKind.MOBILE if is_mobile else CallerKind.LANDLINE


def is_of_usual_price(e164: str) -> bool:
    """Whether calling it costs what calls usually do: an Italian landline, mobile or freephone number."""
    number = phonenumbers.parse(e164, None)
    usual = {PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.TOLL_FREE}
    return number.country_code == 39 and phonenumbers.number_type(number) in usual


def spaced(e164: str) -> str:
    """The number as people read it aloud: `+39 348 000 0001`."""
    try:
        number = phonenumbers.parse(e164, None)
    except NumberParseException:
        return e164
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)


def takes_sms(e164: str) -> bool:
    """Whether it is a mobile number; in some countries none says which it is, and an SMS is tried."""
    try:
        number = phonenumbers.parse(e164, None)
    except NumberParseException:
        return False
    return phonenumbers.number_type(number) in {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
