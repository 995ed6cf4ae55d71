"""Expressions of a form: XPath 1.0 with the functions of XForms that a phone survey needs.

`elementpath` reads the syntax; what is read becomes a small tree of our own, which `evaluation` evaluates without ever
failing (XPath 1.0 as `elementpath` evaluates it raises on `'' > 2`). https://getodk.github.io/xforms-spec/#xpath-functions
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from elementpath.exceptions import ElementPathError
from elementpath.tdop import Parser
from elementpath.xpath1 import XPath1Parser

from outbound.cati.questionnaire.mistakes import Flaw

DEEPEST = 100  # as many terms as one chain of `or` may have
MANY = None

# Each function that may be called, with the fewest and the most arguments that it takes.
FUNCTIONS: dict[str, tuple[int, int | None]] = {
    "if": (3, 3), "coalesce": (2, 2), "once": (1, 1), "not": (1, 1), "true": (0, 0), "false": (0, 0),
    "boolean": (1, 1), "boolean-from-string": (1, 1), "selected": (2, 2), "selected-at": (2, 2),
    "count-selected": (1, 1), "jr:choice-name": (2, 2), "count": (1, 1), "count-non-empty": (1, 1), "sum": (1, 1),
    "min": (1, MANY), "max": (1, MANY), "position": (0, 1), "indexed-repeat": (3, 5), "int": (1, 1),
    "round": (1, 2), "floor": (1, 1), "ceiling": (1, 1), "abs": (1, 1), "pow": (2, 2), "sqrt": (1, 1),
    "number": (0, 1), "string": (0, 1), "string-length": (0, 1), "normalize-space": (0, 1), "concat": (1, MANY),
    "join": (2, MANY), "contains": (2, 2), "starts-with": (2, 2), "ends-with": (2, 2), "substring": (2, 3),
    "substr": (2, 3), "substring-before": (2, 2), "substring-after": (2, 2), "translate": (3, 3),
    "upper-case": (1, 1), "lower-case": (1, 1), "regex": (2, 2), "today": (0, 0), "now": (0, 0), "date": (1, 1),
    "date-time": (1, 1), "decimal-date-time": (1, 1), "decimal-time": (1, 1), "format-date": (2, 2),
    "format-date-time": (2, 2), "uuid": (0, 0), "random": (0, 0),
}  # fmt: skip
OPERATORS = frozenset({"or", "and", "=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "div", "mod"})
_CALLED = {"jr:choice-name": "jr-choice-name"}  # `elementpath` would look for the namespace
_LITERAL = re.compile(r"""('(?:[^'])*'|"(?:[^"])*")""")
_REFERENCE = re.compile(r"\$\{\s*([^{}\s]*)\s*\}")


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | float


@dataclass(frozen=True, slots=True)
class Reference:
    """`${name}`."""

    name: str


@dataclass(frozen=True, slots=True)
class Here:
    """`.`, the answer itself."""


@dataclass(frozen=True, slots=True)
class Column:
    """A bare name: in a choice filter, a column of the choice."""

    name: str


@dataclass(frozen=True, slots=True)
class Above:
    """`..`, which `position` alone takes."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function's call, an operator's too; one argument and `-`: the opposite."""

    name: str
    arguments: "tuple[Expression, ...]"


Expression = Literal | Reference | Here | Column | Above | Call


class WrongError(Exception):
    """The expression cannot be used."""

    def __init__(self, flaw: Flaw, about: str) -> None:
        super().__init__(flaw, about)
        self.flaw, self.about = flaw, about


class FormParser(XPath1Parser):
    """XPath 1.0 with the functions of forms."""

    def parse(self, source: str) -> Any:
        """The syntax alone: `XPath1Parser` would go on to evaluate what is constant, and fail where that fails."""
        if self.tokenizer is None:
            type(self).tokenizer = self.create_tokenizer(self.symbol_table)
        return Parser.parse(self, source)


for _name, (_least, _most) in FUNCTIONS.items():
    _symbol = _CALLED.get(_name, _name)
    FormParser.symbol_table.pop(_symbol, None)  # else the function of XPath 1.0 itself would be changed
    FormParser.function(_symbol, nargs=_least if _least == _most else (_least, _most))


@lru_cache(maxsize=20_000)
def parsed(text: str) -> Expression:
    """An expression's tree. Raises `WrongError`."""
    pieces = _LITERAL.split(text)
    for index in range(0, len(pieces), 2):
        piece = pieces[index].replace("jr:choice-name", "jr-choice-name")
        pieces[index] = _REFERENCE.sub(lambda found: f" ${found[1]} ", piece)
    for name in re.findall(r"([\w:.-]+)\s*\(", "".join(pieces[::2])):
        if name not in _READABLE and name not in OPERATORS:
            raise WrongError(Flaw.UNKNOWN_FUNCTION, name)
    try:
        tree = _tree(FormParser().parse("".join(pieces)), 0)
    except WrongError:
        raise
    except ElementPathError as error:
        if "XPST0017" in str(error):
            raise WrongError(Flaw.WRONG_ARGUMENTS, text) from None
        raise WrongError(Flaw.SYNTAX, text) from None
    except (SyntaxError, ValueError, TypeError, LookupError, RecursionError, AttributeError):
        raise WrongError(Flaw.SYNTAX, text) from None
    for call in calls(tree):
        if call.name == "regex":
            _check_pattern(call)
    return tree


_READABLE = frozenset(_CALLED.get(name, name) for name in FUNCTIONS)
_WRITTEN = {symbol: name for name, symbol in _CALLED.items()}


def _tree(token: Any, depth: int) -> Expression:  # tokens are classes made at run time
    if depth > DEEPEST:
        raise WrongError(Flaw.UNSUPPORTED, "(…)")
    symbol = token.symbol
    match symbol:
        case "(string)":
            return Literal(str(token.value))
        case "(integer)" | "(decimal)" | "(float)":
            return Literal(float(token.value))
        case "$":
            return Reference(str(token[0].value))
        case ".":
            return Here()
        case "..":
            return Above()
        case "(name)":
            return Column(str(token.value))
        case "(":
            return _tree(token[0], depth + 1)
        case "+" if len(token) == 1:
            return Call("number", (_tree(token[0], depth + 1),))
    name = _WRITTEN.get(symbol, symbol)
    if name not in FUNCTIONS and symbol not in OPERATORS:
        raise WrongError(Flaw.UNSUPPORTED, str(symbol))
    if name in FUNCTIONS or len(token) == 2 or (symbol == "-" and len(token) == 1):
        return Call(name, tuple(_tree(one, depth + 1) for one in token))
    raise WrongError(Flaw.SYNTAX, str(symbol))


def _check_pattern(call: Call) -> None:
    pattern = call.arguments[1]
    if not isinstance(pattern, Literal):
        raise WrongError(Flaw.BAD_PATTERN, "regex")
    try:
        re.compile(str(pattern.value))
    except (re.error, RecursionError, OverflowError):
        raise WrongError(Flaw.BAD_PATTERN, str(pattern.value)) from None


def nodes(tree: Expression) -> Iterator[Expression]:
    """Every part of an expression."""
    yield tree
    if isinstance(tree, Call):
        for one in tree.arguments:
            yield from nodes(one)


def calls(tree: Expression) -> Iterator[Call]:
    return (one for one in nodes(tree) if isinstance(one, Call))


def references(tree: Expression) -> frozenset[str]:
    """The names that an expression refers to."""
    return frozenset(one.name for one in nodes(tree) if isinstance(one, Reference))


def references_in(text: str) -> tuple[str, ...]:
    """The names that a text pipes in, as `${name}`."""
    return tuple(_REFERENCE.findall(text))


def filled(text: str, value: "dict[str, str]") -> str:
    """A text with its references replaced."""
    return _REFERENCE.sub(lambda found: value.get(found[1], ""), text)
