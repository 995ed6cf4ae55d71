"""What an interviewer types, as it is kept: one spelling for each answer."""

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from outbound.cati.questionnaire.definition import Kind, Question

LONGEST_TEXT = 2_000
LARGEST = 10**12  # end of a range
ACKNOWLEDGED = "OK"
YES, NO = "yes", "no"
_WHOLE = re.compile(r"[+-]?\d{1,15}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d{1,15}([.,]\d{0,9})?|[.,]\d{1,9})", re.ASCII)
_ITALIAN_DATE = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2})[:.](\d\d)(:\d\d)?", re.ASCII)


class Refused(StrEnum):
    """Why an answer is not taken. The words are in `web/cati/words.py`."""

    REQUIRED = "required"
    NOT_WHOLE = "not_whole"
    NOT_A_NUMBER = "not_a_number"
    NOT_A_DATE = "not_a_date"
    NOT_A_TIME = "not_a_time"
    NOT_A_MOMENT = "not_a_moment"
    OUT_OF_RANGE = "out_of_range"
    NOT_OFFERED = "not_offered"
    NOT_ALL_RANKED = "not_all_ranked"
    TOO_LONG = "too_long"
    CONSTRAINT = "constraint"  # the form's own condition, with its own words where it has any


class EntryError(Exception):
    """It is no answer to this question."""

    def __init__(self, reason: Refused) -> None:
        super().__init__(reason)
        self.reason = reason


def kept(question: Question, said: Sequence[str]) -> str:
    """An answer as it is kept; empty for none. Raises `EntryError`. What is offered now is not looked at here."""
    words = [word for one in said for word in one.split()]
    first = " ".join(said).strip() if question.kind is not Kind.TEXT else "\n".join(said).strip()
    if not words:
        return ""
    match question.kind:
        case Kind.INTEGER:
            return _whole(first)
        case Kind.DECIMAL | Kind.RANGE:
            return _ranged(question, _decimal(first))
        case Kind.DATE | Kind.TIME | Kind.DATETIME:
            return {Kind.DATE: _date, Kind.TIME: _time, Kind.DATETIME: _moment}[question.kind](first)
        case Kind.ONE | Kind.MANY | Kind.RANK:
            if question.kind is Kind.ONE and len(words) > 1:
                raise EntryError(Refused.NOT_OFFERED)
            return " ".join(dict.fromkeys(words))
        case Kind.ACKNOWLEDGE:
            return ACKNOWLEDGED
        case Kind.TEXT:
            return _text(first)
        case _:
            return ""


def _text(said: str) -> str:
    text = "".join(sign for sign in said.replace("\r\n", "\n") if sign.isprintable() or sign == "\n").strip()
    if len(text) > LONGEST_TEXT:
        raise EntryError(Refused.TOO_LONG)
    return text


def _whole(said: str) -> str:
    if not _WHOLE.fullmatch(said):
        raise EntryError(Refused.NOT_WHOLE)
    return str(int(said))


def _decimal(said: str) -> str:
    if not _DECIMAL.fullmatch(said):
        raise EntryError(Refused.NOT_A_NUMBER)
    return plain(Decimal(said.replace(",", ".")))


def plain(number: Decimal) -> str:
    """Without exponent, closing zeros or a negative zero."""
    written = format(number, "f")
    written = written.rstrip("0").rstrip(".") if "." in written else written
    return "0" if written in {"", "-", "-0"} else written


def _ranged(question: Question, said: str) -> str:
    if question.kind is not Kind.RANGE:
        return said
    ends = bounds(question.least, question.most, question.stride)
    number = Decimal(said)
    if ends is None or not ends[0] <= number <= ends[1] or (number - ends[0]) % ends[2]:
        raise EntryError(Refused.OUT_OF_RANGE)
    return said


def bounds(least: str, most: str, stride: str) -> tuple[Decimal, Decimal, Decimal] | None:
    """A range's ends and step; none for what makes no range."""
    try:
        first, last, step = Decimal(least), Decimal(most), abs(Decimal(stride))
    except InvalidOperation:
        return None
    if not (first.is_finite() and last.is_finite() and step.is_finite()) or not step:
        return None
    if max(abs(first), abs(last), 1 / step) > LARGEST:
        return None
    return min(first, last), max(first, last), step


def _date(said: str) -> str:
    try:
        if found := _ITALIAN_DATE.fullmatch(said):
            return date(int(found[3]), int(found[2]), int(found[1])).isoformat()
        return date.fromisoformat(said).isoformat()
    except ValueError:
        raise EntryError(Refused.NOT_A_DATE) from None


def _time(said: str) -> str:
    try:
        if found := _CLOCK.fullmatch(said):
            return time(int(found[1]), int(found[2])).isoformat(timespec="minutes")
    except ValueError:
        pass
    raise EntryError(Refused.NOT_A_TIME)


def _moment(said: str) -> str:
    day, _, clock = said.replace("T", " ").partition(" ")
    try:
        return datetime.fromisoformat(f"{_date(day)}T{_time(clock.strip())}").isoformat(timespec="minutes")
    except EntryError:
        raise EntryError(Refused.NOT_A_MOMENT) from None
