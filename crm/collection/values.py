"""The kinds of values in a feed and in the answers to one: texts, instants, days, amounts, codes. Each has its limits.

Senders read `docs/feed.md`.
"""

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from crm.contacts.codice_fiscale import parse_codice_fiscale, parse_partita_iva
from crm.core.errors import InvalidError
from crm.positions.notice import parse_notice_number
from crm.positions.payable import MOST_CENTS

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2100, 12, 31)
# PostgreSQL stores instants further away than these, and then not every one of them can be read again.
FIRST_INSTANT, LAST_INSTANT = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
CLOCK_TOLERANCE = timedelta(hours=1)  # how far a sender's clock may run ahead of ours

# Refused: control characters, and those that reorder or break lines so that a text reads as something else.
PRINTABLE = r"^[^\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]*$"
_EURO = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,2}))?", re.ASCII)
_SUM = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,2}))?", re.ASCII)
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

T = TypeVar("T")


def composed(text: str) -> str:
    """The text in normal form C. Done where a record is stored, for all of its texts at once."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _blank_is_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _cents(value: Any, form: re.Pattern[str] = _EURO) -> int:
    """Whole cents from euro written `812`, `812.5`, `"812.50"`."""
    text = value if isinstance(value, str) else repr(value)
    match = form.fullmatch(text)
    if match is None or isinstance(value, bool):
        negative = text.startswith("-")
        raise PydanticCustomError("amount_sign" if negative else "amount_form", "{text}", {"text": text[:30]})
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def _amount_cents(value: Any) -> int:
    cents = _cents(value)
    if cents > MOST_CENTS:
        raise PydanticCustomError("amount_size", "{text}", {"text": str(value)})
    return cents


def _day(value: Any) -> date:
    if isinstance(value, str) and _ISO_DAY.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            pass
        else:
            if FIRST_DAY <= day <= LAST_DAY:
                return day
            raise PydanticCustomError("day_bounds", "{text}", {"text": value})
    raise PydanticCustomError("day", "{text}", {"text": str(value)[:30]})


def _near(value: datetime) -> datetime:
    if FIRST_INSTANT <= value <= LAST_INSTANT:
        return value
    raise PydanticCustomError("instant_bounds", "{text}", {"text": value.isoformat()})


def _parsed(text: str, parse: Any) -> str:
    try:
        result: str = parse(text)
    except InvalidError as error:
        raise PydanticCustomError("domain", "{text}", {"text": str(error)}) from None
    return result


def _two_letters(text: str) -> str:
    code = text.upper()
    if len(code) != 2 or not (code.isascii() and code.isalpha()):
        raise PydanticCustomError("domain", "{text}", {"text": f"«{text}»: servono due lettere, come «FI» o «IT»."})
    return code


def _text(longest: int) -> Any:
    limits = StringConstraints(strip_whitespace=True, min_length=1, max_length=longest, pattern=PRINTABLE)
    return (limits,)


Maybe = Annotated[T | None, BeforeValidator(_blank_is_none)]
Text10 = Annotated[str, *_text(10)]
Text40 = Annotated[str, *_text(40)]
Text60 = Annotated[str, *_text(60)]
Text80 = Annotated[str, *_text(80)]
Text160 = Annotated[str, *_text(160)]
Text200 = Annotated[str, *_text(200)]
Text254 = Annotated[str, *_text(254)]
CodiceFiscale = Annotated[Text40, AfterValidator(lambda text: _parsed(text, parse_codice_fiscale))]
PartitaIva = Annotated[Text40, AfterValidator(lambda text: _parsed(text, parse_partita_iva))]
NoticeNumber = Annotated[Text40, AfterValidator(lambda text: _parsed(text, parse_notice_number))]
Cents = Annotated[int, BeforeValidator(_amount_cents)]
SumCents = Annotated[int, BeforeValidator(lambda value: _cents(value, _SUM))]  # of many amounts
Day = Annotated[date, BeforeValidator(_day)]
TwoLetters = Annotated[str, *_text(2), AfterValidator(_two_letters)]
Instant = Annotated[AwareDatetime, Field(strict=True), AfterValidator(_near)]
Count = Annotated[int, Field(strict=True, ge=0)]
