"""Changing a flow node by node, pure: what each kind of node has to be filled in, and definitions in, definitions out.

What a node has follows from its class in `definition`: a new kind can be edited as soon as it is there. A definition
is as it is stored; whether it is a flow at all is for `service.parse`.
"""

import types
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from crm.core.errors import ConflictError, FieldError, NotFoundError
from telephony.ivr.definition import Choice, Node, NodeId, NodeKind, Speaks, Text
from telephony.ivr.languages import Language

Definition = Mapping[str, Any]
LONGEST_ID = 40


class Control(StrEnum):
    """How something is filled in."""

    TARGET = "target"  # another node
    TEXT = "text"  # words in each language
    WORDS = "words"  # single words in each language, with commas between
    NUMBER = "number"
    BOX = "box"
    QUEUE = "queue"
    FORM = "form"  # one of the questionnaires that keys can answer
    PHONE = "phone"  # one of the numbers that may be called
    KEY = "key"
    LANGUAGE = "language"
    NAME = "name"
    ROWS = "rows"


@dataclass(frozen=True, slots=True)
class Field:
    """Something of a node's. `rows` are the fields of each row."""

    name: str
    control: Control
    optional: bool
    rows: tuple["Field", ...] = ()


@cache
def fields_of(kind: NodeKind) -> tuple[Field, ...]:
    """What a node of this kind has to be filled in: texts first, then what it does, then where it leads."""
    return _fields(_CLASSES[kind])


def blank(kind: NodeKind, definition: Definition, queue: int) -> dict[str, Any]:
    """A node of this kind that leads to the operator and says nothing yet."""
    made: dict[str, Any] = {"kind": kind.value}
    for field in fields_of(kind):
        if field.control is Control.ROWS:
            made[field.name] = [_row(field.rows, definition, "1")]
        elif not field.optional:
            made[field.name] = _empty(field, definition, queue)
    return {name: value for name, value in made.items() if value is not None}


def filled(kind: NodeKind, typed: Mapping[str, str], languages: Sequence[Language]) -> dict[str, Any]:
    """A node as somebody filled it in: `text.it`, `choices.0.next`. What is no number is left for `parse` to refuse."""
    return {"kind": kind.value} | _filled(fields_of(kind), typed, languages, "")


def put(definition: Definition, node_id: NodeId, node: Definition) -> dict[str, Any]:
    """The flow with a node changed. Raises `NotFoundError`."""
    kind_of(definition, node_id)
    return {**definition, "nodes": {**definition["nodes"], node_id: dict(node)}}


def added(definition: Definition, kind: NodeKind, name: str, queue: int) -> tuple[dict[str, Any], NodeId]:
    """The flow with a new node, to which nothing leads yet; and the node's id, made of its name.

    Raises `FieldError`.
    """
    node_id = id_of(name)
    if not node_id:
        raise FieldError("Dai un nome al passo: lettere e cifre.", "name")
    if node_id in definition["nodes"]:
        raise FieldError("C'è già un passo con questo nome.", "name")
    return {**definition, "nodes": {**definition["nodes"], node_id: blank(kind, definition, queue)}}, node_id


def removed(definition: Definition, node_id: NodeId) -> dict[str, Any]:
    """The flow without a node. What led to it leads nowhere, and is told so. Raises `ConflictError`."""
    kind_of(definition, node_id)
    if node_id in {definition["start"], definition["operator"]}:
        raise ConflictError("Da questo passo si comincia, o qui porta lo zero: prima scegline un altro.")
    return {**definition, "nodes": {id_: node for id_, node in definition["nodes"].items() if id_ != node_id}}


def rows_changed(node: Definition, do: str, definition: Definition) -> dict[str, Any]:
    """A node whose rows somebody added to (`add`), took one from (`remove:2`) or moved (`up:2`, `down:2`)."""
    what, _, place = do.partition(":")
    field = next((one for one in fields_of(NodeKind(node["kind"])) if one.control is Control.ROWS), None)
    if field is None:
        return dict(node)
    rows = list(node.get(field.name, ()))
    at = int(place) if place.isdecimal() and len(place) < 4 else -1
    match what:
        case "add":
            used = {one.get("digit") for one in rows}
            rows.append(_row(field.rows, definition, next((key for key in "123456789*" if key not in used), "")))
        case "remove" if 0 <= at < len(rows):
            del rows[at]
        case "up" if 0 < at < len(rows):
            rows[at - 1], rows[at] = rows[at], rows[at - 1]
        case "down" if 0 <= at < len(rows) - 1:
            rows[at], rows[at + 1] = rows[at + 1], rows[at]
        case _:
            pass
    return {**node, field.name: rows}


def led(definition: Definition, *, start: str, operator: str, languages: Sequence[str]) -> dict[str, Any]:
    """The flow with another beginning, another operator, other languages. Raises `FieldError`."""
    if not languages:
        raise FieldError("Scegli almeno una lingua.", "languages")
    return {**definition, "start": start, "operator": operator, "languages": list(languages)}


def kind_of(definition: Definition, node_id: NodeId) -> NodeKind:
    """What a node is. Raises `NotFoundError`."""
    node = definition["nodes"].get(node_id)
    if node is None:
        raise NotFoundError("Questo passo non esiste più: ricarica la pagina.")
    return NodeKind(node["kind"])


def id_of(name: str) -> NodeId:
    """`Menù principale` as `menu-principale`."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    kept = "".join(one if one.isascii() and one.isalnum() else " " for one in plain if not unicodedata.combining(one))
    return "-".join(kept.split())[:LONGEST_ID].strip("-")


# -- parts ------------------------------------------------------------------------------------------------------

_CLASSES: dict[NodeKind, type[BaseModel]] = {
    one.model_fields["kind"].default: one for one in get_args(get_args(Node)[0])
}  # fmt: skip
_ORDER = (
    Control.NAME, Control.TEXT, Control.ROWS, Control.QUEUE, Control.FORM, Control.PHONE, Control.NUMBER, Control.BOX,
    Control.TARGET,
)  # fmt: skip
_BY_NAME = {"queue": Control.QUEUE, "number": Control.PHONE, "questionnaire": Control.FORM}
_IN_A_ROW = (Control.KEY, Control.LANGUAGE, Control.TARGET, Control.TEXT, Control.WORDS)  # short ones beside each other


def _fields(of: type[BaseModel]) -> tuple[Field, ...]:
    hints = get_type_hints(of, include_extras=True)
    found = [_field(name, hints[name]) for name in of.model_fields if name != "kind"]
    order = _IN_A_ROW if of in {Choice, Speaks} else _ORDER
    return tuple(sorted(found, key=lambda one: order.index(one.control)))


def _field(name: str, hint: Any) -> Field:
    optional = get_origin(hint) in {Union, types.UnionType} and type(None) in get_args(hint)
    plain = next(one for one in get_args(hint) if one is not type(None)) if optional else hint
    if plain == NodeId:
        return Field(name, Control.TARGET, optional)
    if plain == Text:
        return Field(name, Control.TEXT, optional)
    if name in _BY_NAME:
        return Field(name, _BY_NAME[name], optional)
    if plain is Language:
        return Field(name, Control.LANGUAGE, optional)
    bare = get_args(plain)[0] if get_origin(plain) is Annotated else plain
    if bare is bool:
        return Field(name, Control.BOX, optional)
    if bare is int:
        return Field(name, Control.NUMBER, optional)
    if get_origin(bare) is tuple:
        return Field(name, Control.ROWS, optional, _fields(get_args(bare)[0]))
    if name == "words":
        return Field(name, Control.WORDS, optional=True)
    return Field(name, Control.KEY if name == "digit" else Control.NAME, optional)


def _empty(field: Field, definition: Definition, queue: int) -> Any:
    match field.control:
        case Control.TARGET:
            return definition["operator"]
        case Control.TEXT:
            return dict.fromkeys(definition["languages"], "")
        case Control.QUEUE:
            return queue
        case Control.FORM:
            return 0
        case Control.LANGUAGE:
            return definition["languages"][0]
        case Control.NAME:
            return "cifre"
        case Control.PHONE:
            return ""
        case _:
            return None


def _row(fields: Sequence[Field], definition: Definition, key: str) -> dict[str, Any]:
    made = {one.name: key if one.control is Control.KEY else _empty(one, definition, 0) for one in fields}
    return {name: value for name, value in made.items() if value is not None}


def _filled(
    fields: Sequence[Field], typed: Mapping[str, str], languages: Sequence[Language], before: str
) -> dict[str, Any]:  # fmt: skip
    made: dict[str, Any] = {}
    for field in fields:
        name = f"{before}{field.name}"
        match field.control:
            case Control.ROWS:
                made[field.name] = [
                    _filled(field.rows, typed, languages, f"{name}.{n}.") for n in _row_numbers(typed, name)
                ]
            case Control.TEXT:
                text = {one.value: typed.get(f"{name}.{one.value}", "").strip() for one in languages}
                made[field.name] = text if any(text.values()) or not field.optional else None
            case Control.WORDS:
                made[field.name] = {
                    one.value: words
                    for one in languages
                    if (words := [w.strip() for w in typed.get(f"{name}.{one.value}", "").split(",") if w.strip()])
                }
            case Control.BOX:
                made[field.name] = bool(typed.get(name))
            case Control.NUMBER | Control.QUEUE | Control.FORM:
                text_ = typed.get(name, "").strip()
                made[field.name] = int(text_) if text_.isdecimal() and len(text_) < 10 else text_
            case _:
                value = typed.get(name, "").strip()
                made[field.name] = None if field.optional and not value else value
    return made


def _row_numbers(typed: Mapping[str, str], name: str) -> list[int]:
    """Which rows came, in their order."""
    start = f"{name}."
    parts = {one[len(start) :].split(".")[0] for one in typed if one.startswith(start)}
    return sorted(int(one) for one in parts if one.isascii() and one.isdecimal() and len(one) < 4)
