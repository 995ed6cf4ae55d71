"""What each line of a feed comes to: a statement, a refusal, or nothing to store."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from crm.collection import reasons
from crm.collection.feed import (
    DocumentRecord,
    End,
    PositionRecord,
    Subject,
    TaxpayerRecord,
    TotalsRecord,
    WithdrawalRecord,
    about,
    parse_record,
)
from crm.collection.lines import Line
from crm.collection.merge import Withdrawal
from crm.collection.models import Of
from crm.collection.statements import contact_statement, document_statement, position_statement
from crm.contacts.service import ContactStatement
from crm.core.passing import Passing
from crm.documents.service import DocumentStatement
from crm.positions.service import PositionStatement

Statement = ContactStatement | PositionStatement | DocumentStatement
NOTHING = Subject()


@dataclass(frozen=True, slots=True)
class Item(Passing):
    """A line, understood. One of `contact`, `position`, `document`, `withdrawal`, `refusal`, `total` and `declared` at
    most is set.

    `end` is the offset at which the line ends; `warning` says what a statement is taken without; `total` are the
    sender's own sums; `declared` is the number of records that the feed's last line says there are; `broken` marks a
    line cut short. `named` is what the end of a full feed must not withdraw though no statement of the feed's instant
    says that it is there; `unreadable` marks a refused line that may have named something,
    `besides` one that is no record; `about` is what a refused line is about.
    """

    number: int
    end: int
    contact: ContactStatement | None = None
    position: PositionStatement | None = None
    document: DocumentStatement | None = None
    withdrawal: tuple[Of, Withdrawal] | None = None
    total: dict[str, Any] | None = None
    refusal: str | None = None
    warning: str | None = None
    declared: int | None = None
    broken: bool = False
    named: tuple[Of, str] | None = None
    unreadable: bool = False
    besides: bool = False
    about: Subject = NOTHING

    @property
    def subject(self) -> Subject:
        """What the line is about."""
        statement = self.contact or self.position or self.document
        return self.about if statement is None else subject_of(statement)

    def refused(self, reason: str) -> "Item":
        """The same line, refused after all."""
        about = self.subject
        named = about.named or self.named
        return Item(self.number, self.end, refusal=reason[: reasons.LONGEST], named=named, about=about)


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
            return Item(number, end, refusal=reasons.LINE_TOO_LONG, unreadable=True)
        if not line.content:
            return Item(number, end)
        try:
            record = parse_record(line.content)
        except ValidationError as error:
            broken = not line.ended and error.errors(include_url=False)[0]["type"] == "json_invalid"
            told = about(line.content)
            return Item(
                number, end, refusal=reasons.explain(error), broken=broken, named=told.subject.named,
                unreadable=told.unreadable, besides=told.besides, about=told.subject,
            )  # fmt: skip
        if isinstance(record, TotalsRecord):
            return Item(number, end, total=record.model_dump(mode="json", exclude={"record"}))
        if not isinstance(record, End):
            return self._dated(line, record)
        if end != self.size:
            return Item(number, end, refusal=reasons.END_NOT_LAST, besides=True)
        return Item(number, end, declared=record.records)

    def _dated(self, line: Line, record: TaxpayerRecord | PositionRecord | DocumentRecord | WithdrawalRecord) -> Item:
        as_of = record.as_of or self.as_of
        number, end = line.number, line.end
        if isinstance(record, WithdrawalRecord):
            item = Item(number, end, withdrawal=(record.of, Withdrawal(record.key, as_of)))
        elif isinstance(record, TaxpayerRecord):
            contact, doubts = contact_statement(record, as_of)
            item = Item(number, end, contact=contact, warning=_warning(doubts), named=self._named(contact, as_of))
        elif isinstance(record, DocumentRecord):
            document = document_statement(record, as_of)
            item = Item(number, end, document=document, named=self._named(document, as_of))
        else:
            position, doubts = position_statement(record, as_of)
            item = Item(number, end, position=position, warning=_warning(doubts), named=self._named(position, as_of))
        if as_of > self.latest:
            return item.refused(reasons.AS_OF_IN_FUTURE.format(as_of=as_of.isoformat()))
        return item

    def _named(self, statement: Statement, as_of: datetime) -> tuple[Of, str] | None:
        return None if as_of >= self.as_of else subject_of(statement).named


def subject_of(statement: Statement) -> Subject:
    """What a statement is about."""
    return Subject(_of(statement), statement.key, statement.codice_fiscale)


def _of(statement: Statement) -> Of:
    if isinstance(statement, ContactStatement):
        return Of.TAXPAYER
    return Of.POSITION if isinstance(statement, PositionStatement) else Of.DOCUMENT


def _warning(doubts: list[str]) -> str | None:
    return reasons.TAKEN_WITHOUT.format(parts="; ".join(doubts))[: reasons.LONGEST] if doubts else None
