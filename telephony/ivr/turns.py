"""What a caller's way through a flow is made of: what is known of him, where he is, what he hears, what comes next."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from crm.enti.calendar import Opening
from telephony.appointments.offers import EnteOffered
from telephony.appointments.state import Request as Wanted
from telephony.calls.models import Consent
from telephony.ivr.definition import NodeId, Text
from telephony.ivr.languages import Language
from telephony.recording.models import Purpose
from telephony.selfservice.dialogue import Offers, Request

# What a place keeps beside digits: names that none which a flow collects can have.
RECORDING, ASKED = "recording-consent", "asked"  # that he is asked whether he agrees, then his answer
MARKED = "survey-marked"  # that there was a mark, not which


@dataclass(frozen=True, slots=True)
class Urgent:
    """An emergency message that is switched on."""

    text: Text
    ends: bool  # the call ends after it


@dataclass(frozen=True, slots=True)
class Facts:
    """What a flow needs to know of the line, the caller and the queues."""

    ente: str  # the ente's name, or the contract's on a regional number
    opening: Opening
    now: datetime
    caller_known: bool = False  # his number belongs to exactly one taxpayer
    urgent: tuple[Urgent, ...] = ()
    caller: str | None = None  # his number, in E.164
    calls_back: bool = True  # he may be called back
    full: frozenset[int] = frozenset()  # the queues that hold all they may
    reaches: frozenset[str] = frozenset()  # the numbers outside to which he may be put through
    offers: Offers | None = None  # how a caller may serve himself, where he may
    bookable: tuple[EnteOffered, ...] = ()  # what he may book by himself
    records: Purpose | None = None  # for what he is asked whether the conversation may be recorded, if he is


@dataclass(frozen=True, slots=True)
class Place:
    """Where a caller is in his flow, and what he has said so far."""

    node: NodeId
    step: int = 0
    attempts: int = 0
    language: Language = Language.ITALIAN
    kept: Mapping[str, str] = field(default_factory=dict)

    @property
    def consent(self) -> Consent | None:
        """What he said to being recorded; none: he was not asked, or has not answered yet."""
        said = self.kept.get(RECORDING, ASKED)
        return None if said == ASKED else Consent(said)

    @property
    def collected(self) -> Mapping[str, str]:
        """The digits that the flow asked him for, by the names that it gave them."""
        return {
            name: digits for name, digits in self.kept.items() if name not in {RECORDING, MARKED} and ":" not in name
        }

    @property
    def holds_digits(self) -> bool:
        """Whether something that he keyed is kept: a notice number, a telephone, what a flow collected."""
        return not self.kept.keys() <= {RECORDING, MARKED}

    def stored(self) -> dict[str, Any]:
        """As a row keeps it."""
        return asdict(self) | {"language": self.language.value, "kept": dict(self.kept)}

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> "Place":
        """The reverse of `stored`."""
        language = Language(stored["language"])
        return cls(stored["node"], stored["step"], stored["attempts"], language, dict(stored["kept"]))


@dataclass(frozen=True, slots=True)
class Said:
    """A text, and the language to speak it in."""

    text: str
    language: Language


# -- what happens next ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Await:
    """The caller is to do something. `digits` are how many keys are awaited (none: until `#`)."""

    digits: int | None
    timeout_s: int
    words: tuple[str, ...] = ()  # he may say one of these instead


@dataclass(frozen=True, slots=True)
class CalledBack:
    """The caller takes his place in this queue and is called at this number when it is his turn. The call ends."""

    queue: int
    number: str
    speaks: bool = False  # he leaves a message first, after the tone


@dataclass(frozen=True, slots=True)
class LookUp:
    """A notice number is to be looked up; then `on_notice`."""

    notice: str


@dataclass(frozen=True, slots=True)
class Consult:
    """Somebody has to answer the self-service; then `on_answer`. `factor` is the one that the caller has proved."""

    request: Request
    factor: str


@dataclass(frozen=True, slots=True)
class Arrange:
    """Somebody has to see to an appointment; then `on_arranged`."""

    request: Wanted


@dataclass(frozen=True, slots=True)
class Verify:
    """A badge's code is to be verified; then `on_verified`."""

    code: str


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whose a valid badge is, and until when."""

    name: str
    number: int
    until: date


@dataclass(frozen=True, slots=True)
class Enter:
    """The caller waits in this queue."""

    queue: int


@dataclass(frozen=True, slots=True)
class PutThrough:
    """A number outside is called for the caller; then `on_put_through`."""

    number: str
    rings_s: int
    longest_min: int


@dataclass(frozen=True, slots=True)
class Question:
    """A questionnaire is put to the caller; then `on_questioned`."""


class Reached(StrEnum):
    """What came of that."""

    ANSWERED = "answered"  # and they have spoken
    BUSY = "busy"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class HangUp:
    """The call is over."""


Next = Await | CalledBack | LookUp | Consult | Arrange | Verify | Enter | PutThrough | Question | HangUp


@dataclass(frozen=True, slots=True)
class Turn:
    """The caller's new place, what is said there, and what happens next; `mark` is one that he gave to the service."""

    place: Place
    says: tuple[Said, ...]
    then: Next
    mark: int | None = None

    @property
    def announces_the_end(self) -> bool:
        """Whether zero may still be pressed, while he hears why the call ends."""
        return isinstance(self.then, HangUp) and bool(self.says)
