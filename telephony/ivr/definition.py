"""What a voice flow is: nodes that speak, ask or decide, and where each leads. Data, checked by `checks.py`.

A flow is kept as JSON, by version; `Flow.model_validate` reads it back. Texts are by language and may name what is
known of the call: `{ente}`, `{closed}` (why the lines are closed, and until when).
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from telephony.ivr.languages import Language

OPERATOR_KEY = "0"
MAX_NODES = 200
MAX_TEXT = 1_000  # characters a prompt; half a minute is a third of it

NodeId = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Text = Mapping[Language, Annotated[str, Field(max_length=MAX_TEXT)]]


class Known(StrEnum):
    """What a text may name."""

    ENTE = "ente"
    CLOSED = "closed"


class NodeKind(StrEnum):
    """What a node does."""

    APPOINTMENT = "appointment"
    CALLBACK = "callback"
    HOURS = "hours"
    EMERGENCY = "emergency"
    MESSAGE = "message"
    MENU = "menu"
    LANGUAGE = "language"
    IDENTIFY = "identify"
    COLLECT = "collect"
    QUEUE = "queue"
    SELF_SERVICE = "self_service"
    SURVEY = "survey"
    BADGE = "badge"
    GOODBYE = "goodbye"
    TRANSFER = "transfer"
    VOICEMAIL = "voicemail"
    QUESTIONS = "questions"


class Exit(StrEnum):
    """Why a call leaves a node, where no key of a menu says so."""

    OPENED = "opened"
    CLOSED = "closed"
    NEXT = "next"
    OTHERWISE = "otherwise"
    FULL = "full"
    BUSY = "busy"
    NOTHING = "nothing"
    ZERO = "zero"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hours(_Part):
    """Open, or closed: by hours, holidays, special days and closures."""

    kind: Literal[NodeKind.HOURS] = NodeKind.HOURS
    opened: NodeId
    closed: NodeId


class Emergency(_Part):
    """Where the messages are spoken that a supervisor has switched on; one of them may end the call."""

    kind: Literal[NodeKind.EMERGENCY] = NodeKind.EMERGENCY
    next: NodeId


class Message(_Part):
    """Something is said."""

    kind: Literal[NodeKind.MESSAGE] = NodeKind.MESSAGE
    text: Text
    next: NodeId


class Choice(_Part):
    """A key of a menu, or words that mean the same."""

    digit: Annotated[str, Field(pattern=r"^[1-9*]$")]
    label: Text
    words: Mapping[Language, tuple[str, ...]] = {}
    next: NodeId


class _Asking(_Part):
    """A node that waits for the caller. `zero` is where the operator's key leads, else the flow's operator."""

    attempts: Annotated[int, Field(ge=1, le=9)] = 3
    otherwise: NodeId  # where whoever fails so often goes on
    zero: NodeId | None = None


class Menu(_Asking):
    """A choice by key, or by word."""

    kind: Literal[NodeKind.MENU] = NodeKind.MENU
    text: Text | None = None  # said before the choices
    choices: Annotated[tuple[Choice, ...], Field(max_length=10)]


class Speaks(_Part):
    """A key, and the language it chooses."""

    digit: Annotated[str, Field(pattern=r"^[1-9]$")]
    language: Language


class AskLanguage(_Asking):
    """A choice of language, offered in each of them."""

    kind: Literal[NodeKind.LANGUAGE] = NodeKind.LANGUAGE
    choices: Annotated[tuple[Speaks, ...], Field(max_length=len(Language))]
    next: NodeId


class AskNotice(_Asking):
    """The number of a notice, which proposes who may be calling. It proves nothing."""

    kind: Literal[NodeKind.IDENTIFY] = NodeKind.IDENTIFY
    text: Text | None = None  # else the usual sentence
    skips_known: bool = True  # whoever calls from his own number is not asked
    next: NodeId


class Collect(_Asking):
    """Digits, kept with the call under a name; no pressure of time: they end with `#`, or when all are there."""

    kind: Literal[NodeKind.COLLECT] = NodeKind.COLLECT
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,29}$")]
    text: Text
    least: Annotated[int, Field(ge=1, le=40)] = 1
    most: Annotated[int, Field(ge=1, le=40)] = 20
    next: NodeId


class SelfService(_Asking):
    """What there is to pay on a notice, and what became of it, told to whoever knows a second factor.

    `next` is for whoever wants something else; `otherwise` for whoever fails, and where nobody offers it.
    """

    kind: Literal[NodeKind.SELF_SERVICE] = NodeKind.SELF_SERVICE
    next: NodeId


class Appointment(_Asking):
    """The caller books an appointment by himself, or hears and cancels one that he has.

    `next` is for whoever wants something else; `nothing` for whoever finds no time, unless that is the same as
    `otherwise`: for whoever fails, withholds his number, and where nothing is booked so.
    """

    kind: Literal[NodeKind.APPOINTMENT] = NodeKind.APPOINTMENT
    text: Text | None = None  # said before the choices
    by_word: bool = False  # he may say what he chooses
    next: NodeId
    nothing: NodeId | None = None


class AskMark(_Asking):
    """How satisfied the caller is, from 1 to 5: asked of whoever found what he wanted without an operator.

    A mark is kept apart from the call, as after a conversation; whoever gave one is not asked again.
    """

    kind: Literal[NodeKind.SURVEY] = NodeKind.SURVEY
    text: Text | None = None  # else the usual sentence
    next: NodeId


class AskBadge(_Asking):
    """The code on the badge of somebody who stands at the caller's door: he hears whether it is valid, and whose it is.

    `next` is for whoever heard that it is; `otherwise` for whoever keyed no valid one.
    """

    kind: Literal[NodeKind.BADGE] = NodeKind.BADGE
    text: Text | None = None  # else the usual sentence
    next: NodeId


class ToCallback(_Asking):
    """The caller takes his place in a queue, hangs up and is called when it is his turn, at a number he confirms.

    `otherwise` is where he goes on who would rather not, or asked not to be called.
    """

    kind: Literal[NodeKind.CALLBACK] = NodeKind.CALLBACK
    queue: int


class ToVoicemail(_Asking):
    """As `ToCallback`, and before he hangs up the caller says what it is about: whoever calls back hears it."""

    kind: Literal[NodeKind.VOICEMAIL] = NodeKind.VOICEMAIL
    queue: int


class ToQueue(_Part):
    """The caller waits for an operator. `full` is where he goes while the queue holds all that it may.

    Where the ente records conversations he is asked first whether he agrees, unless the queue has none recorded.
    """

    kind: Literal[NodeKind.QUEUE] = NodeKind.QUEUE
    queue: int
    text: Text | None = None  # else the usual sentence
    full: NodeId | None = None
    unrecorded: bool = False


class ToNumber(_Part):
    """The caller is put through to a number outside, which the centre pays for: an ente's office, or a line of ours.

    `otherwise` is where he goes on when nobody answers there, or it may not be called any more; `busy`, when it is
    engaged, unless that is the same. Once they have spoken the call is over, or goes on at `next`.
    """

    kind: Literal[NodeKind.TRANSFER] = NodeKind.TRANSFER
    number: Annotated[str, Field(pattern=r"^(\+[1-9]\d{5,14})?$")]  # E.164; empty while nobody has chosen
    text: Text | None = None  # else the usual sentence
    rings_s: Annotated[int, Field(ge=5, le=60)] = 25
    longest_min: Annotated[int, Field(ge=1, le=120)] = 30
    next: NodeId | None = None
    busy: NodeId | None = None
    otherwise: NodeId


class Questions(_Part):
    """A `questionnaire` that the caller answers by keys: one of a survey that asks him, or else of nobody.

    `by_code`: whoever is not known by his number may key the personal code that he was sent; `anonymous`: whoever is no
    case of a survey answers all the same. `next` is for whoever came to its end, `otherwise` for everybody else. While
    it is asked a key is an answer; where one key is awaited, zero is none and leads to an operator.
    """

    kind: Literal[NodeKind.QUESTIONS] = NodeKind.QUESTIONS
    questionnaire: Annotated[int, Field(ge=0)]  # zero while nobody has chosen
    text: Text | None = None  # said before
    by_code: bool = False
    anonymous: bool = False
    next: NodeId
    otherwise: NodeId


class Goodbye(_Part):
    """The end."""

    kind: Literal[NodeKind.GOODBYE] = NodeKind.GOODBYE
    text: Text


Node = Annotated[
    Hours | Emergency | Message | Menu | AskLanguage | AskNotice | Collect | SelfService | Appointment | AskMark
    | AskBadge | ToCallback | ToVoicemail | ToQueue | ToNumber | Questions | Goodbye,
    Field(discriminator="kind"),
]  # fmt: skip
Asking = (
    Menu | AskLanguage | AskNotice | Collect | SelfService | Appointment | AskMark | AskBadge | ToCallback | ToVoicemail
)
ENDS = (ToQueue, Goodbye)


class Flow(_Part):
    """A whole flow. `languages` are those it speaks, the usual one first; `operator` is a queue."""

    start: NodeId
    operator: NodeId
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = (Language.ITALIAN,)
    nodes: Annotated[Mapping[NodeId, Node], Field(min_length=1, max_length=MAX_NODES)]


def exits(node: Node) -> Iterator[tuple[str, NodeId]]:
    """Where a node leads, each with the field that says so. The operator's key is not among them."""
    match node:
        case Hours():
            yield "opened", node.opened
            yield "closed", node.closed
        case Emergency() | Message():
            yield "next", node.next
        case Menu():
            for n, choice in enumerate(node.choices):
                yield f"choices.{n}.next", choice.next
            yield "otherwise", node.otherwise
        case AskLanguage() | AskNotice() | Collect() | SelfService() | AskMark() | AskBadge() | Questions():
            yield "next", node.next
            yield "otherwise", node.otherwise
        case Appointment():
            yield "next", node.next
            if node.nothing is not None:
                yield "nothing", node.nothing
            yield "otherwise", node.otherwise
        case ToCallback() | ToVoicemail():
            yield "otherwise", node.otherwise
        case ToQueue():
            if node.full is not None:
                yield "full", node.full
        case ToNumber():
            yield from ((name, to) for name, to in (("next", node.next), ("busy", node.busy)) if to is not None)
            yield "otherwise", node.otherwise
        case Goodbye():
            return


def texts(node: Node) -> Iterator[tuple[str, Text]]:
    """What a node says, each with its field."""
    match node:
        case Message() | Goodbye() | Collect():
            yield "text", node.text
        case Menu():
            if node.text is not None:
                yield "text", node.text
            for n, choice in enumerate(node.choices):
                yield f"choices.{n}.label", choice.label
        case AskNotice() | AskMark() | AskBadge() | Appointment() | ToQueue() | ToNumber() | Questions():
            if node.text is not None:
                yield "text", node.text
        case _:
            return
