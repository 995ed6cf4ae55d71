"""The feed format, version 1: what each kind of record holds, and its limits. Senders read `docs/feed.md`.

A field the format does not know is refused, not ignored: a misspelt optional field would be lost in silence.
"""

import json
import re
import unicodedata
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    model_validator,
)
from pydantic_core import PydanticCustomError

from crm.collection.models import FeedMode, Of
from crm.contacts.codice_fiscale import parse_codice_fiscale, parse_partita_iva
from crm.contacts.disclosure import RelationKind
from crm.contacts.models import AddressKind
from crm.core.errors import InvalidError
from crm.documents.models import MAX_BYTES, DocumentKind
from crm.positions.models import ActKind, NotificationChannel, NotificationState, PositionState, StepKind, Tax
from crm.positions.notice import parse_notice_number

VERSION = 1
MAX_EURO = 100_000_000
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2100, 12, 31)

# Refused: control characters, and those that reorder or break lines so that a text reads as something else.
_PRINTABLE = r"^[^\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]*$"
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
    if cents > MAX_EURO * 100:
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
    limits = StringConstraints(strip_whitespace=True, min_length=1, max_length=longest, pattern=_PRINTABLE)
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
Instant = Annotated[AwareDatetime, Field(strict=True)]
Count = Annotated[int, Field(strict=True, ge=0)]


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


class Payment(Record):
    """Money that arrived."""

    paid_on: Day
    amount: Cents
    channel: Maybe[Text40] = None
    notice_number: Maybe[NoticeNumber] = None
    receipt: Maybe[Text60] = None


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
_NAME_NOTHING = {"withdrawal", "totals", "end"}
KEY_OF = {Of.TAXPAYER: "codice_fiscale", Of.POSITION: "reference", Of.DOCUMENT: "reference"}

_header: TypeAdapter[Header] = TypeAdapter(Header)
_record: TypeAdapter[AnyRecord] = TypeAdapter(Annotated[AnyRecord, Field(discriminator="record")])


def parse_header(line: bytes) -> Header:
    """The header. Raises pydantic's `ValidationError`."""
    return _header.validate_json(line)


def parse_record(line: bytes) -> AnyRecord:
    """The record of a line after the first. Raises pydantic's `ValidationError`; see `reasons.explain`."""
    return _record.validate_json(line)


def named_by(line: bytes) -> tuple[tuple[Of, str] | None, bool]:
    """What a line names that could not be read as a record; when that cannot be told, whether it may name anything.

    Withdrawals and totals say nothing of what is there.
    """
    try:
        told = json.loads(line)
        if told["record"] in _NAME_NOTHING:
            return None, False
        of = Of(told["record"])
        key = composed(told[KEY_OF[of]].strip())
        return (of, key.upper() if of is Of.TAXPAYER else key), False
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None, True
