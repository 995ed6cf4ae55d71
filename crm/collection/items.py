"""What each line of a feed comes to: a statement, a refusal, or nothing to store."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import ValidationError

from crm.collection import reasons
from crm.collection.feed import DocumentRecord, End, PositionRecord, TaxpayerRecord, parse_record
from crm.collection.lines import Line
from crm.collection.statements import contact_statement, document_statement, position_statement
from crm.contacts.service import ContactStatement
from crm.documents.service import DocumentStatement
from crm.positions.service import PositionStatement


@dataclass(frozen=True, slots=True)
class Item:
    """A line, understood. At most one of `contact`, `position`, `document`, `refusal` and `declared` is set.

    `end` is the offset at which the line ends; `warning` says what a statement is taken without; `declared` is
    the number of records that the feed's last line says there are; `broken` marks a line cut short.
    """

    number: int
    end: int
    contact: ContactStatement | None = None
    position: PositionStatement | None = None
    document: DocumentStatement | None = None
    refusal: str | None = None
    warning: str | None = None
    declared: int | None = None
    broken: bool = False

    def refused(self, reason: str) -> "Item":
        """The same line, refused after all."""
        return replace(
            self, contact=None, position=None, document=None, warning=None, refusal=reason[: reasons.LONGEST]
        )


@dataclass(frozen=True, slots=True)
class Reader:
    """Understands lines: `as_of` where a record names none, refused beyond `latest`; the file's size in bytes."""

    as_of: datetime
    latest: datetime
    size: int

    def read(self, lines: Iterable[Line]) -> Iterator[Item]:
        """One item a line; nothing a sender can write stops it."""
        for line in lines:
            yield self._item(line)

    def _item(self, line: Line) -> Item:
        number, end = line.number, line.end
        if line.content is None:
            return Item(number, end, refusal=reasons.LINE_TOO_LONG)
        if not line.content:
            return Item(number, end)
        try:
            record = parse_record(line.content)
        except ValidationError as error:
            broken = not line.ended and error.errors(include_url=False)[0]["type"] == "json_invalid"
            return Item(number, end, refusal=reasons.explain(error), broken=broken)
        if not isinstance(record, End):
            return self._statement(line, record)
        if end != self.size:
            return Item(number, end, refusal=reasons.END_NOT_LAST)
        return Item(number, end, declared=record.taxpayers + record.positions + record.documents)

    def _statement(self, line: Line, record: TaxpayerRecord | PositionRecord | DocumentRecord) -> Item:
        as_of = record.as_of or self.as_of
        if as_of > self.latest:
            reason = reasons.AS_OF_IN_FUTURE.format(as_of=as_of.isoformat())
            return Item(line.number, line.end, refusal=reason)
        if isinstance(record, TaxpayerRecord):
            contact, doubts = contact_statement(record, as_of)
            return Item(line.number, line.end, contact=contact, warning=_warning(doubts))
        if isinstance(record, DocumentRecord):
            return Item(line.number, line.end, document=document_statement(record, as_of))
        position, doubts = position_statement(record, as_of)
        return Item(line.number, line.end, position=position, warning=_warning(doubts))


def _warning(doubts: list[str]) -> str | None:
    return reasons.TAKEN_WITHOUT.format(parts="; ".join(doubts))[: reasons.LONGEST] if doubts else None
