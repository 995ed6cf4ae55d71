"""The feed format, version 1: what each kind of record holds, and its limits. Senders read `docs/feed.md`.

A field the format does not know is refused, not ignored: a misspelt optional field would be lost in silence.
"""

import json
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from crm.collection.models import FeedMode, Of
from crm.collection.values import (
    Cents,
    CodiceFiscale,
    Count,
    Day,
    Instant,
    Maybe,
    NoticeNumber,
    PartitaIva,
    SumCents,
    Text10,
    Text40,
    Text60,
    Text80,
    Text160,
    Text200,
    Text254,
    TwoLetters,
    composed,
)
from crm.contacts.codice_fiscale import compacted, parse_codice_fiscale
from crm.contacts.disclosure import RelationKind
from crm.contacts.models import AddressKind
from crm.core.errors import InvalidError
from crm.core.passing import Passing
from crm.documents.models import MAX_BYTES, DocumentKind
from crm.positions.models import ActKind, NotificationChannel, NotificationState, PositionState, StepKind, Tax

VERSION = 1


class Record(BaseModel):
    """One line."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Header(Record):
    """The first line: whose state, as of when."""

    record: Literal["feed"]
    version: Literal[1]
    ente: Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9]{3}$")]
    mode: FeedMode
    as_of: Instant
    source: Text80


class AddressRecord(Record):
    """Where a taxpayer lives, receives letters, or has its seat."""

    kind: AddressKind
    street: Maybe[Text160] = None
    postcode: Maybe[Text10] = None
    town: Maybe[Text80] = None
    province: Maybe[TwoLetters] = None
    country: TwoLetters = "IT"

    @model_validator(mode="after")
    def _is_somewhere(self) -> "AddressRecord":
        if self.street is None and self.town is None:
            raise PydanticCustomError("domain", "{text}", {"text": "serve almeno «street» o «town»."})
        return self


class RelationRecord(Record):
    """Who else has to do with a taxpayer, by codice fiscale or by name; `from` and `to` are days, both included."""

    kind: RelationKind
    codice_fiscale: Maybe[CodiceFiscale] = None
    name: Maybe[Text160] = None
    starts: Maybe[Day] = Field(default=None, alias="from")
    ends: Maybe[Day] = Field(default=None, alias="to")

    @model_validator(mode="after")
    def _names_somebody(self) -> "RelationRecord":
        if self.codice_fiscale is None and self.name is None:
            raise PydanticCustomError("domain", "{text}", {"text": "serve almeno «codice_fiscale» o «name»."})
        if self.starts and self.ends and self.ends < self.starts:
            raise PydanticCustomError("domain", "{text}", {"text": "«to» viene prima di «from»."})
        return self


class TaxpayerRecord(Record):
    """A natural person (`surname`, `given_name`), or a company or body (`business_name`)."""

    record: Literal["taxpayer"]
    codice_fiscale: CodiceFiscale
    partita_iva: Maybe[PartitaIva] = None
    surname: Maybe[Text80] = None
    given_name: Maybe[Text80] = None
    business_name: Maybe[Text160] = None
    born_on: Maybe[Day] = None
    birthplace: Maybe[Text80] = None
    address: Maybe[Text160] = None
    postcode: Maybe[Text10] = None
    town: Maybe[Text80] = None
    addresses: Annotated[list[AddressRecord], Field(default_factory=list, max_length=10)]
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")] = "it"
    phones: Annotated[list[Text60], Field(default_factory=list, max_length=20)]
    emails: Annotated[list[Text254], Field(default_factory=list, max_length=20)]
    pecs: Annotated[list[Text254], Field(default_factory=list, max_length=20)]
    digital_domicile: Maybe[Text254] = None
    residential: Annotated[bool | None, Field(strict=True)] = None
    deceased_on: Maybe[Day] = None
    ceased_on: Maybe[Day] = None
    insolvent_since: Maybe[Day] = None
    relations: Annotated[list[RelationRecord], Field(default_factory=list, max_length=50)]
    as_of: Instant | None = None

    @model_validator(mode="after")
    def _has_its_name(self) -> "TaxpayerRecord":
        wanted = "business_name" if len(self.codice_fiscale) == 11 else "surname"
        if getattr(self, wanted) is None:
            raise PydanticCustomError("name_missing", "{text}", {"text": wanted})
        return self


class Amounts(Record):
    """Euro in the feed, cents here. `residual` is what is still owed, as the sender computes it."""

    tax: Cents
    sanctions: Cents = 0
    interest: Cents = 0
    costs: Cents = 0
    paid: Cents = 0
    residual: Cents


class PrintedNotice(Record):
    """What stands on the notice as it was issued, whatever has happened since."""

    amount: Cents
    due_on: Maybe[Day] = None


class Payment(Record):
    """Money that arrived. `registered_on`: the day on which the ente wrote it into its books."""

    paid_on: Day
    amount: Cents
    channel: Maybe[Text40] = None
    notice_number: Maybe[NoticeNumber] = None
    receipt: Maybe[Text60] = None
    registered_on: Maybe[Day] = None


class Instalment(Record):
    """One rate of a plan; `paid_on` is absent while it is unpaid."""

    number: Annotated[int, Field(strict=True, ge=1, le=200)]
    due_on: Day
    amount: Cents
    paid_on: Maybe[Day] = None
    notice_number: Maybe[NoticeNumber] = None


class Plan(Record):
    """The instalment plan as a whole."""

    granted_on: Day
    lapsed_on: Maybe[Day] = None
    reference: Maybe[Text60] = None
    note: Maybe[Text200] = None


class Notification(Record):
    """One attempt to serve an act. `proof` is the reference of a document."""

    outcome: NotificationState
    channel: NotificationChannel | None = None
    sent_on: Maybe[Day] = None
    on: Maybe[Day] = None
    reason: Maybe[Text200] = None
    proof: Maybe[Text60] = None


class Act(Record):
    """An act issued about the debt, the position's own or an earlier one."""

    kind: ActKind
    number: Text40
    issued_on: Day
    notifications: Annotated[list[Notification], Field(default_factory=list, max_length=20)]


class Step(Record):
    """Something that happened to the debt; `until` when it is over, `amount` when it is about a part."""

    kind: StepKind
    on: Day
    until: Maybe[Day] = None
    amount: Maybe[Cents] = None
    authority: Maybe[Text80] = None
    reference: Maybe[Text60] = None
    note: Maybe[Text200] = None


class PositionRecord(Record):
    """One debt of a taxpayer who was told before it, in this feed or in an earlier one."""

    record: Literal["position"]
    reference: Text60
    codice_fiscale: CodiceFiscale
    notice_number: Maybe[NoticeNumber] = None
    tax: Tax
    year: Annotated[int, Field(strict=True, ge=1950, le=2100)]
    act_kind: ActKind
    act_number: Text40
    state: PositionState
    state_on: Maybe[Day] = None
    state_note: Maybe[Text200] = None
    amounts: Amounts
    printed: PrintedNotice | None = None
    issued_on: Day
    due_on: Maybe[Day] = None
    notification: NotificationState
    notified_on: Maybe[Day] = None
    notification_note: Maybe[Text200] = None
    payments: Annotated[list[Payment], Field(default_factory=list, max_length=500)]
    instalments: Annotated[list[Instalment], Field(default_factory=list, max_length=200)]
    plan: Plan | None = None
    acts: Annotated[list[Act], Field(default_factory=list, max_length=50)]
    steps: Annotated[list[Step], Field(default_factory=list, max_length=200)]
    as_of: Instant | None = None


class WithdrawalRecord(Record):
    """The sender no longer has something: it was there by mistake, or is kept elsewhere now."""

    record: Literal["withdrawal"]
    of: Of
    reference: Maybe[Text60] = None
    codice_fiscale: Maybe[CodiceFiscale] = None
    as_of: Instant | None = None

    @model_validator(mode="after")
    def _has_its_key(self) -> "WithdrawalRecord":
        wanted = KEY_OF[self.of]
        if getattr(self, wanted) is None:
            raise PydanticCustomError("key_missing", "{text}", {"text": wanted})
        return self

    @property
    def key(self) -> str:
        """What tells it apart within the ente."""
        return composed(getattr(self, KEY_OF[self.of]))


class DocumentRecord(Record):
    """A document of a taxpayer's file. Its contents come apart, and are known by their digest."""

    record: Literal["document"]
    reference: Text60
    codice_fiscale: CodiceFiscale
    position: Maybe[Text60] = None
    kind: DocumentKind
    title: Text160
    dated: Maybe[Day] = None
    media_type: Annotated[str, StringConstraints(pattern=r"^[a-z]{1,20}/[a-z0-9][a-z0-9.+-]{0,58}$")]
    size: Annotated[int, Field(strict=True, ge=0, le=MAX_BYTES)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    as_of: Instant | None = None


class TotalsRecord(Record):
    """The sender's own count and sums of the positions of a tax, after this feed: for reconciliation alone."""

    record: Literal["totals"]
    tax: Tax
    positions: Count
    residual: SumCents
    paid: SumCents


class End(Record):
    """The last line: how many records of each kind came before it."""

    record: Literal["end"]
    taxpayers: Count
    positions: Count
    withdrawals: Count = 0
    documents: Count = 0

    @property
    def records(self) -> int:
        """All of them."""
        return self.taxpayers + self.positions + self.withdrawals + self.documents


AnyRecord = TaxpayerRecord | PositionRecord | DocumentRecord | WithdrawalRecord | TotalsRecord | End
_BESIDES = {"totals", "end"}
KEY_OF = {Of.TAXPAYER: "codice_fiscale", Of.POSITION: "reference", Of.DOCUMENT: "reference"}

_header: TypeAdapter[Header] = TypeAdapter(Header)
_key: TypeAdapter[str] = TypeAdapter(Text60)
_record: TypeAdapter[AnyRecord] = TypeAdapter(Annotated[AnyRecord, Field(discriminator="record")])


def parse_header(line: bytes) -> Header:
    """The header. Raises pydantic's `ValidationError`."""
    return _header.validate_json(line)


def parse_record(line: bytes) -> AnyRecord:
    """The record of a line after the first. Raises pydantic's `ValidationError`; see `reasons.explain`."""
    return _record.validate_json(line)


@dataclass(frozen=True, slots=True)
class Subject(Passing):
    """What a line of a feed is about: a record's key, and whose it is; none where the line does not say."""

    of: Of | None = None
    key: str | None = None
    codice_fiscale: str | None = None

    @property
    def named(self) -> tuple[Of, str] | None:
        """The key, as the end of a full feed looks it up."""
        return (self.of, self.key) if self.of and self.key else None


@dataclass(frozen=True, slots=True)
class About:
    """What a refused line is about. `unreadable`: that cannot be told, and it may name something.

    `besides`: it says nothing of what is there, but counts or sums it; so it is not counted itself.
    """

    subject: Subject = Subject()
    unreadable: bool = False
    besides: bool = False


def about(line: bytes) -> About:
    """What a line is about that could not be read as a record."""
    try:
        told = json.loads(line)
        if told["record"] in _BESIDES:
            return About(besides=True)
        if told["record"] == "withdrawal":
            return About()
        of = Of(told["record"])
        key = composed(_key.validate_python(told[KEY_OF[of]], strict=True))
        return About(Subject(of, compacted(key) if of is Of.TAXPAYER else key, _whose(told)))
    except (ValueError, LookupError, TypeError, RecursionError):
        return About(unreadable=True)


def _whose(told: dict[str, object]) -> str | None:
    """The codice fiscale of a record in which something else is wrong."""
    try:
        return parse_codice_fiscale(str(told.get("codice_fiscale", "")))
    except InvalidError:
        return None
