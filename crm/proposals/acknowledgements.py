"""Reading what the collection system answers to a proposals feed, pure. Nothing that it can write stops it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from crm.collection.values import Instant
from crm.core.errors import FieldError

MAX_LINE_BYTES = 20_000
MAX_BYTES = 5 * 1024 * 1024

NOT_UTF8 = "Il file non è UTF-8: riesportarlo con questa codifica."
NO_HEADER = "La prima riga non è l'intestazione di un flusso di riscontri: vedere docs/proposals-feed.md."
OTHER_ENTE = "I riscontri sono di un altro ente: il file non è stato letto."
LINE_TOO_LONG = "La riga è troppo lunga."
NOT_READ = "La riga non è un riscontro leggibile: vedere docs/proposals-feed.md."
REASON_MISSING = "Un riscontro negativo ha bisogno del motivo («reason»)."
CUT_SHORT = "Il file finisce senza la riga «end»: forse è troncato. I riscontri letti fin qui sono stati presi."
COUNT_DIFFERS = "La riga «end» dice un altro numero di riscontri: forse il file non è intero."

LONGEST_REASON = 400


def _words(value: Any) -> Any:
    """A reason in one line of so many characters: for its form alone no decision is refused."""
    if not isinstance(value, str):
        return value or ""
    line = " ".join("".join(char if char.isprintable() else " " for char in value).split())
    return line if len(line) <= LONGEST_REASON else line[: LONGEST_REASON - 1] + "…"


_Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=400)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Header(_Record):
    """The first line."""

    record: Literal["acknowledgements"]
    version: Literal[1]
    ente: Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9]{3}$")]
    source: _Text = ""


class Acknowledgement(_Record):
    """What became of one proposal, and when."""

    record: Literal["acknowledgement"]
    id: UUID
    outcome: Literal["accepted", "rejected"]
    reason: Annotated[str, BeforeValidator(_words)] = ""
    at: Instant


class End(_Record):
    """The last line."""

    record: Literal["end"]
    acknowledgements: Annotated[int, Field(strict=True, ge=0)]


@dataclass(frozen=True, slots=True)
class Answer:
    """A line understood: `refusal` says why it is not, and is then all there is, but for the `id` where it is known."""

    line: int
    id: UUID | None = None
    accepted: bool = False
    reason: str = ""
    at: datetime | None = None
    refusal: str = ""


def read(content: bytes, *, ente: str) -> list[Answer]:
    """The answers in a file, in its order; lines that cannot be read are among them, each with its reason.

    Raises `InvalidError` when the file as a whole is no answer to this ente's proposals.
    """
    try:
        lines = content.decode("utf-8-sig").rstrip("\n").split("\n")
    except UnicodeDecodeError:
        raise FieldError(NOT_UTF8, field="file") from None
    try:
        header = Header.model_validate_json(lines[0])
    except ValidationError:
        raise FieldError(NO_HEADER, field="file") from None
    if header.ente != ente:
        raise FieldError(OTHER_ENTE, field="file")
    return list(_answers(lines))


def _answers(lines: list[str]) -> Iterator[Answer]:
    count, ended = 0, False
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        if (end := _end(line)) is not None:
            ended = True
            if end.acknowledgements != count:
                yield Answer(number, refusal=COUNT_DIFFERS)
            continue
        count += 1
        yield _answer(number, line)
    if not ended:
        yield Answer(len(lines), refusal=CUT_SHORT)


def _answer(number: int, line: str) -> Answer:
    if len(line.encode()) > MAX_LINE_BYTES:
        return Answer(number, refusal=LINE_TOO_LONG)
    try:
        one = Acknowledgement.model_validate_json(line)
    except ValidationError:
        return Answer(number, _id(line), refusal=NOT_READ)
    accepted = one.outcome == "accepted"
    if not accepted and not one.reason:
        return Answer(number, one.id, refusal=REASON_MISSING)
    return Answer(number, one.id, accepted, "" if accepted else one.reason, one.at)


def _id(line: str) -> UUID | None:
    """The proposal that an unreadable line is about."""
    try:
        return UUID(json.loads(line)["id"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _end(line: str) -> End | None:
    try:
        return End.model_validate_json(line)
    except ValidationError:
        return None
