"""What a gestionale answers over HTTP, by docs/gestionale-api.yaml, read. Pure.

The envelope must be as the contract says. What it lists is left as it is: each record and each answer is judged by
itself, so that one that cannot be read does not stand in the way of the others for ever.
"""

import json
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from crm.collection.sources.port import SourceError
from crm.collection.values import PRINTABLE, Instant

NOT_A_PAGE = "La risposta del gestionale non è quella del contratto ({field}): avvisare chi lo gestisce."
OTHER_ENTE = "Il gestionale ha mandato i dati dell'ente {ente}, ma qui si attende {expected}: nulla è stato letto."
KINDS = ("taxpayer", "position", "withdrawal", "document")
LONGEST_INTEGER = 18  # digits; what is longer is no number of any field, and is left a text

Cursor = Annotated[str, StringConstraints(max_length=200, pattern=PRINTABLE)]
Mark = Cursor


class Answer(BaseModel):
    """Whose state, and as of which instant: that of the last change in it."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    LISTED: ClassVar[tuple[str, int]]  # the field that holds the list, and the most that it may hold

    ente: str = Field(max_length=4)
    as_of: Instant


class Page(Answer):
    """Some records. `next` is what to ask from the next time; while there is `more`, at once."""

    LISTED = ("records", 100_000)

    records: list[Any] = []
    next: Cursor = Field(min_length=1)
    more: bool


class OfOne(Answer):
    """All that is known of one taxpayer; `unchanged`: the same as the answer whose mark was sent."""

    LISTED = ("records", 1_000)

    records: list[Any] = []
    unchanged: bool = False
    mark: Mark = ""


class Totals(Answer):
    """The sender's own sums by tax."""

    LISTED = ("totals", 100)

    totals: list[Any] = []


class Answers(Answer):
    """What the gestionale decided of proposals: records of docs/proposals-feed.md. `next` is empty after a delivery."""

    LISTED = ("answers", 10_000)

    answers: list[Any] = []
    next: Cursor = ""
    more: bool = False


A = TypeVar("A", bound=Answer)


def read(kind: type[A], content: bytes, *, ente: str) -> A:
    """An answer about this ente. Raises `SourceError`."""
    name, most = kind.LISTED
    try:
        # What is no UTF-8 becomes lone surrogates, which the reader of the record refuses.
        told = json.loads(content.decode("utf-8-sig", "surrogateescape"), parse_int=_integer)
        listed = told.pop(name)
        answer = kind.model_validate_json(json.dumps(told))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        raise _not_a_page(".".join(str(step) for step in problem["loc"][:3]) or "JSON") from None
    except KeyError:
        raise _not_a_page(name) from None
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise _not_a_page("JSON") from None
    if not isinstance(listed, list) or len(listed) > most:
        raise _not_a_page(name)
    if answer.ente != ente:
        other = "".join(char for char in answer.ente if char.isalnum())
        raise SourceError(OTHER_ENTE.format(ente=other, expected=ente), permanent=True)
    return answer.model_copy(update={name: listed})


def line_of(record: Any, *, page: Page | OfOne) -> tuple[str, str]:
    """The kind of a record, empty if unknown, and its line in a feed file: as of its page unless it says else."""
    if not isinstance(record, dict):
        return "", json.dumps(record) + "\n"
    kind = record.get("record")
    if kind in ("feed", "end", "totals"):
        raise _not_a_page("records")
    return kind if kind in KINDS else "", json.dumps({"as_of": page.as_of.isoformat(), **record}) + "\n"


def _integer(text: str) -> int | str:
    return int(text) if len(text) <= LONGEST_INTEGER else text


def _not_a_page(field: str) -> SourceError:
    return SourceError(NOT_A_PAGE.format(field=field), permanent=True)
