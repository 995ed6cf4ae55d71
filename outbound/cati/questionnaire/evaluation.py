"""What an expression is worth, for the answers at hand. Total: whatever was written and answered, there is a value."""

import math
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import regex

from outbound.cati.questionnaire import values
from outbound.cati.questionnaire.values import (
    Value,
    alike,
    before,
    day_of,
    each,
    moment_of,
    number,
    text,
    truth,
    unlike,
)
from outbound.cati.questionnaire.xpath import Above, Call, Column, Expression, Here, Literal, Reference

PATIENCE_S = 0.02  # for a pattern that does not come to an end
LONGEST = 10_000


class Surroundings(Protocol):
    """What an expression finds around it."""

    @property
    def now(self) -> datetime: ...  # the wall clock's, without a zone
    @property
    def began(self) -> datetime: ...
    @property
    def here(self) -> str: ...
    @property
    def luck(self) -> str: ...  # by what chance is drawn: the same each time for the same place

    def referred(self, name: str) -> tuple[str, ...]: ...
    def column(self, name: str) -> str: ...
    def position(self, name: str | None) -> int: ...
    def indexed(self, name: str, at: Mapping[str, int]) -> tuple[str, ...]: ...
    def choice_label(self, question: str, value: str) -> str: ...
    def at_the_beginning(self) -> "Surroundings": ...


def evaluated(tree: Expression, around: Surroundings) -> Value:
    """Its value."""
    match tree:
        case Literal(value):
            return value
        case Reference(name):
            return around.referred(name)
        case Here():
            return around.here
        case Column(name):
            return around.column(name)
        case Above():
            return ""
    try:
        found = _call(tree, around)
    except (ValueError, OverflowError, ArithmeticError):
        return math.nan  # as a sum too large for a number
    return found[:LONGEST] if isinstance(found, str) else found


def _call(call: Call, around: Surroundings) -> Value:
    if (lazy := _LAZY.get(call.name)) is not None:
        return lazy(call.arguments, around)
    given = [evaluated(one, around) for one in call.arguments]
    if call.name in {"number", "string", "string-length", "normalize-space"} and not given:
        given = [around.here]
    return _EAGER[call.name](given)


# -- those that need more than their arguments' values -----------------------------------------------------------------

Lazy = Callable[[Sequence[Expression], Surroundings], Value]


def _if(given: Sequence[Expression], around: Surroundings) -> Value:
    return evaluated(given[1] if truth(evaluated(given[0], around)) else given[2], around)


def _coalesce(given: Sequence[Expression], around: Surroundings) -> Value:
    return text(evaluated(given[0], around)) or evaluated(given[1], around)


def _and(given: Sequence[Expression], around: Surroundings) -> Value:
    return all(truth(evaluated(one, around)) for one in given)


def _or(given: Sequence[Expression], around: Surroundings) -> Value:
    return any(truth(evaluated(one, around)) for one in given)


def _position(given: Sequence[Expression], around: Surroundings) -> Value:
    return float(around.position(given[0].name if given and isinstance(given[0], Reference) else None))


def _indexed(given: Sequence[Expression], around: Surroundings) -> Value:
    asked, *pairs = given
    at = {}
    for repeat, index in zip(pairs[::2], pairs[1::2], strict=False):
        wanted = number(evaluated(index, around))
        if isinstance(repeat, Reference):
            at[repeat.name] = int(wanted) if math.isfinite(wanted) else 0
    return around.indexed(asked.name, at) if isinstance(asked, Reference) else ""


def _choice_name(given: Sequence[Expression], around: Surroundings) -> Value:
    value, question = given
    named = (
        question.value if isinstance(question, Literal) else question.name if isinstance(question, Reference) else ""
    )
    return around.choice_label(
        str(named).strip().removeprefix("${").removesuffix("}").strip(), text(evaluated(value, around))
    )


def _drawn(around: Surroundings, what: str) -> random.Random:
    return random.Random(f"{around.luck}/{what}")  # noqa: S311  # nothing secret is drawn


_LAZY: dict[str, Lazy] = {
    "if": _if,
    "coalesce": _coalesce,
    "and": _and,
    "or": _or,
    "position": _position,
    "indexed-repeat": _indexed,
    "jr:choice-name": _choice_name,
    "once": lambda given, around: evaluated(given[0], around.at_the_beginning()),
    "today": lambda _given, around: around.now.date().isoformat(),
    "now": lambda _given, around: around.now.isoformat(timespec="seconds"),
    "random": lambda _given, around: _drawn(around, "random").random(),
    "uuid": lambda _given, around: str(uuid.UUID(int=_drawn(around, "uuid").getrandbits(128), version=4)),
}


# -- those that need no more -------------------------------------------------------------------------------------------


def _words(value: Value) -> list[str]:
    return text(value).split()


def _selected_at(given: Sequence[Value]) -> Value:
    chosen, index = _words(given[0]), number(given[1])
    return chosen[int(index)] if math.isfinite(index) and 0 <= index < len(chosen) else ""


def _sum(given: Sequence[Value]) -> Value:
    return math.fsum(number(one) for one in each(given[0]) if one != "")


def _extreme(pick: Callable[[list[float]], float]) -> Callable[[Sequence[Value]], Value]:
    def of(given: Sequence[Value]) -> Value:
        found = [number(one) for value in given for one in each(value) if one != ""]
        return pick(found) if found and not any(map(math.isnan, found)) else math.nan

    return of


def _whole(pick: Callable[[float], int]) -> Callable[[Sequence[Value]], Value]:
    def of(given: Sequence[Value]) -> Value:
        found = number(given[0])
        return float(pick(found)) if math.isfinite(found) else found

    return of


def _round(given: Sequence[Value]) -> Value:
    """Half up, as XPath; with a second argument to so many places."""
    found, places = number(given[0]), number(given[1]) if len(given) > 1 else 0.0
    if not math.isfinite(found) or not math.isfinite(places) or abs(places) > 15:
        return found
    unit = 10.0 ** int(places)
    return math.floor(found * unit + 0.5) / unit


def _arithmetic(name: str) -> Callable[[Sequence[Value]], Value]:
    def of(given: Sequence[Value]) -> Value:
        if len(given) == 1:
            return -number(given[0])
        left, right = number(given[0]), number(given[1])
        match name:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "pow":
                return _power(left, right)
        if right == 0 or not math.isfinite(left):
            return math.nan if name == "mod" or left == 0 or math.isnan(left) else math.copysign(math.inf, left)
        return left / right if name == "div" else math.fmod(left, right)

    return of


def _power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except (ValueError, OverflowError):
        return math.nan


def _substring(given: Sequence[Value]) -> Value:
    """From 1, as XPath."""
    said, start = text(given[0]), number(given[1])
    length = number(given[2]) if len(given) > 2 else math.inf
    if math.isnan(start) or math.isnan(length):
        return ""
    first = math.floor(start + 0.5) if math.isfinite(start) else start
    last = first + (math.floor(length + 0.5) if math.isfinite(length) else length)
    return "".join(sign for index, sign in enumerate(said, 1) if first <= index < last)


def _substr(given: Sequence[Value]) -> Value:
    """From 0, the end left out, as XForms."""
    said, start = text(given[0]), number(given[1])
    end = number(given[2]) if len(given) > 2 else float(len(said))
    if not math.isfinite(start) or not math.isfinite(end):
        return ""
    return said[int(start) : int(end)]


def _translate(given: Sequence[Value]) -> Value:
    said, signs, others = map(text, given)
    table = {sign: others[index] if index < len(others) else "" for index, sign in reversed(list(enumerate(signs)))}
    return "".join(table.get(sign, sign) for sign in said)


def _regex(given: Sequence[Value]) -> Value:
    """Whether the whole text matches; a pattern that does not come to an end does not."""
    try:
        return regex.fullmatch(text(given[1]), text(given[0]), timeout=PATIENCE_S) is not None
    except (regex.error, TimeoutError):
        return False


def _date(given: Sequence[Value]) -> Value:
    day = day_of(given[0])
    return day.isoformat() if day else ""


def _date_time(given: Sequence[Value]) -> Value:
    moment = moment_of(given[0])
    return moment.isoformat(timespec="seconds") if moment else ""


def _formatted(given: Sequence[Value]) -> Value:
    moment = moment_of(given[0])
    if moment is None:
        return ""
    written = {
        "%Y": f"{moment.year:04}", "%y": f"{moment.year % 100:02}", "%m": f"{moment.month:02}", "%n": str(moment.month),
        "%d": f"{moment.day:02}", "%e": str(moment.day), "%H": f"{moment.hour:02}", "%h": str(moment.hour),
        "%M": f"{moment.minute:02}", "%S": f"{moment.second:02}", "%3": "000", "%%": "%",
    }  # fmt: skip
    pieces, said, index = [], text(given[1]), 0
    while index < len(said):
        two = said[index : index + 2]
        pieces.append(written.get(two, said[index]))
        index += 2 if two in written else 1
    return "".join(pieces)


_EAGER: dict[str, Callable[[Sequence[Value]], Value]] = {
    "=": lambda given: alike(given[0], given[1]),
    "!=": lambda given: unlike(given[0], given[1]),
    "<": lambda given: before(given[0], given[1], also_same=False),
    "<=": lambda given: before(given[0], given[1], also_same=True),
    ">": lambda given: before(given[1], given[0], also_same=False),
    ">=": lambda given: before(given[1], given[0], also_same=True),
    **{name: _arithmetic(name) for name in ("+", "-", "*", "div", "mod", "pow")},
    "not": lambda given: not truth(given[0]),
    "true": lambda _given: True,
    "false": lambda _given: False,
    "boolean": lambda given: truth(given[0]),
    "boolean-from-string": lambda given: text(given[0]).strip().lower() in {"true", "1"},
    "selected": lambda given: text(given[1]).strip() in _words(given[0]),
    "selected-at": _selected_at,
    "count-selected": lambda given: float(len(_words(given[0]))),
    "count": lambda given: float(len(each(given[0]))),
    "count-non-empty": lambda given: float(sum(one != "" for one in each(given[0]))),
    "sum": _sum,
    "min": _extreme(min),
    "max": _extreme(max),
    "int": _whole(int),
    "floor": _whole(math.floor),
    "ceiling": _whole(math.ceil),
    "round": _round,
    "abs": lambda given: abs(number(given[0])),
    "sqrt": lambda given: _power(number(given[0]), 0.5),
    "number": lambda given: number(given[0]),
    "string": lambda given: text(given[0]),
    "string-length": lambda given: float(len(text(given[0]))),
    "normalize-space": lambda given: " ".join(text(given[0]).split()),
    "concat": lambda given: "".join(one for value in given for one in each(value)),
    "join": lambda given: text(given[0]).join(one for value in given[1:] for one in each(value)),
    "contains": lambda given: text(given[1]) in text(given[0]),
    "starts-with": lambda given: text(given[0]).startswith(text(given[1])),
    "ends-with": lambda given: text(given[0]).endswith(text(given[1])),
    "substring": _substring,
    "substr": _substr,
    "substring-before": lambda given: text(given[0]).partition(text(given[1]))[0]
    if text(given[1]) and text(given[1]) in text(given[0]) else "",
    "substring-after": lambda given: text(given[0]).partition(text(given[1]))[2]
    if text(given[1]) else text(given[0]),
    "translate": _translate,
    "upper-case": lambda given: text(given[0]).upper(),
    "lower-case": lambda given: text(given[0]).lower(),
    "regex": _regex,
    "date": _date,
    "date-time": _date_time,
    "decimal-date-time": lambda given: values.number(given[0]),
    "decimal-time": lambda given: values.number(given[0]) % 1,
    "format-date": _formatted,
    "format-date-time": _formatted,
}  # fmt: skip
