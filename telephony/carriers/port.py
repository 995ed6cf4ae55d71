"""The port to the telephone network: what we ask of a carrier, and what a caller hears, in our own words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from crm.core.errors import DomainError


class CarrierError(DomainError):
    """The carrier did not do what was asked.

    `permanent`: asking again cannot help. `unknown`: no answer tells whether it was done, so a command that
    creates something must be reconciled, never repeated. `gone`: the call had already ended.
    `answered`: what is unknown was answered with an error of the carrier's own, not with silence.
    `undone`: certainly nothing was done, and asking again may help; `retry_after` is when the carrier says it may.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool,
        unknown: bool = False,
        gone: bool = False,
        answered: bool = False,
        code: int | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.unknown = unknown
        self.gone = gone
        self.answered = answered
        self.code = code
        self.retry_after = retry_after

    @property
    def undone(self) -> bool:
        return not (self.permanent or self.unknown or self.gone)


CUSTOMER = "customer"  # the caller's label in a conference; everybody else's is his leg's id


def watcher_label(leg_id: UUID) -> str:
    """The label of a supervisor, who is none of those who talk."""
    return f"watch-{leg_id}"


# -- what a caller hears ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Say:
    """Speak a text."""

    text: str
    language: str = "it-IT"


@dataclass(frozen=True, slots=True)
class Play:
    """Play an audio file, by absolute address."""

    url: str


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: int


@dataclass(frozen=True, slots=True)
class Gather:
    """Speak, and collect keys meanwhile: `digits` of them, or until `#`; they are posted to `action`.

    With `speech`, a language (BCP 47), a word may be said instead; `hints` are the words that are expected. Whoever
    does nothing has that posted, too; unless it `may_be_ignored`: then he goes on to the next instruction.
    """

    action: str
    prompts: tuple[Say | Play | Pause, ...]
    digits: int | None = None
    timeout_s: int = 6
    speech: str | None = None
    hints: tuple[str, ...] = ()
    may_be_ignored: bool = False


@dataclass(frozen=True, slots=True)
class Enqueue:
    """Wait: `wait_url` says what is heard meanwhile, `action` is told of the end."""

    queue: str
    action: str
    wait_url: str


@dataclass(frozen=True, slots=True)
class JoinConference:
    """Talk with whoever is in the conference; `action` is told of the end."""

    name: str
    action: str


@dataclass(frozen=True, slots=True)
class PutThrough:
    """Call a number for the caller, who hears it ring, and let them speak; `action` is told how that ended."""

    number: str
    caller_id: str
    action: str
    rings_s: int
    longest_s: int


@dataclass(frozen=True, slots=True)
class Record:
    """Record what the caller says after a tone, until `#`, silence or `longest_s`; then `action` says what is next.

    Whoever says nothing goes on to the next instruction. `status_url` is told once the recording can be fetched.
    """

    action: str
    status_url: str
    longest_s: int = 120


@dataclass(frozen=True, slots=True)
class Redirect:
    url: str


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer an SMS with another."""

    text: str


@dataclass(frozen=True, slots=True)
class Hangup:
    pass


Instruction = Say | Play | Pause | Gather | Enqueue | JoinConference | PutThrough | Record | Redirect | Reply | Hangup


# -- what we ask ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ring:
    """Ring somebody and put him in a conference when he answers: an agent, or somebody outside.

    `number`: another telephone than the agent's softphone, E.164 or SIP. `heard`: others hear him at once.
    """

    leg_id: UUID
    conference: str
    agent: str  # the identity under which his device is registered; empty outside
    caller_id: str
    timeout_s: int
    status_url: str
    conference_url: str
    number: str | None = None
    heard: bool = True
    citizen: bool = False  # whoever is called back: the customer of this conversation
    tones: bool = False  # who is in the conference hears it ring

    @property
    def label(self) -> str:
        """How he is known in the conference: as one of those who talk, or as one who watches."""
        if self.citizen:
            return CUSTOMER
        return str(self.leg_id) if self.heard else watcher_label(self.leg_id)


@dataclass(frozen=True, slots=True)
class Dial:
    """Call somebody before it is known who will speak with him; `answer_url` says what he hears once he answers.

    `machine_url` is told, while he is spoken with already, whether a machine answered; without it nobody listens for
    one.
    """

    number: str
    caller_id: str
    timeout_s: int
    answer_url: str
    status_url: str
    fallback_url: str
    machine_url: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody takes part in a conference. `coaches`: the label of who alone hears him."""

    hold: bool = False
    muted: bool = False
    coaches: str | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """A conference, and how those in it should take part, by label. Whoever is not named is let be."""

    conference: str
    standing: Mapping[str, Standing]
    hold_url: str  # what is heard on hold


class Taking(StrEnum):
    """How a line is being recorded."""

    ON = "on"
    PAUSED = "paused"  # nothing is kept of what is said meanwhile
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Taken:
    """How a line should be recorded, in two channels: what comes from it, and what it hears.

    `status_url` is told once a recording has begun, and once it can be fetched.
    """

    sid: str
    taking: Taking
    status_url: str


@dataclass(frozen=True, slots=True)
class CarrierRecording:
    """A recording as the carrier knows it. `ready`: it can be fetched; `absent`: nothing was recorded."""

    sid: str
    began_at: datetime
    seconds: int
    ready: bool
    absent: bool


@dataclass(frozen=True, slots=True)
class TextMessage:
    """An SMS; `status_url` is told what becomes of it."""

    id: UUID
    line: str  # from which it leaves
    to: str
    body: str
    status_url: str


@dataclass(frozen=True, slots=True)
class CarrierMessage:
    """An SMS as the carrier knows it."""

    sid: str
    status: str
    error_code: int | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """An SMS that somebody wrote to a number of ours, as the carrier has it. `media`: how many pictures it had."""

    sid: str
    sender: str
    body: str
    at: datetime
    media: int = 0


@dataclass(frozen=True, slots=True)
class CarrierCall:
    """A call as the carrier knows it."""

    sid: str
    live: bool
    status: str
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """A conversation on a line: since when, and for how long."""

    since: datetime
    seconds: int


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call that is under way, as the carrier lists it. `placed`: by a request, as we ring agents and citizens, not by
    a document that dials on.
    """

    sid: str
    inbound: bool
    from_: str
    to: str
    answered: bool
    since: datetime
    placed: bool = False


@dataclass(frozen=True, slots=True)
class DeviceCredentials:
    """What an agent's browser needs to register its softphone."""

    kind: str  # which device: "twilio" or "simulator"
    token: str
    url: str
    expires_at: datetime


class Carrier(Protocol):
    """A telephone carrier. Every method that asks something raises `CarrierError`."""

    def ring(self, ring: Ring) -> str:
        """Ring an agent, or call a citizen; returns the new call's SID."""

    def dial(self, dial: Dial) -> str:
        """Call somebody; returns the new call's SID."""

    def redirect(self, sid: str, url: str) -> None:
        """Make a live call ask `url` what to do next."""

    def arrange(self, room: Room) -> None:
        """Bring about how everybody takes part; whoever is not there (any more) is let be. May be repeated.

        A list may lag: of a caller who should be on hold and is not in it, it is an error that passes.
        """

    def end(self, sid: str) -> None:
        """End a call; ending one that has ended is success."""

    def fetch(self, sid: str) -> CarrierCall | None:
        """A call as the carrier knows it, or none when it knows of none."""

    def put_through(self, sid: str) -> Spoken | None:
        """The last conversation, now over, into which this line was put by `PutThrough`; none when nobody answered."""

    def live_calls(self) -> list[LiveCall]:
        """The account's calls that are under way, a few thousand at the most. The list may lag behind them."""

    def probe(self) -> None:
        """Ask for something that changes nothing: whether it answers."""

    def labels_in(self, conference: str) -> Mapping[str, datetime | None]:
        """The labels of who is in a conference now, and since when he was in it or rung for it, if it says so.

        Empty when there is none. Whoever is still being rung is not in it.
        """

    def find_ring(self, ring: Ring) -> str | None:
        """The SID of the call that this ring created, if it was created after all."""

    def record(self, taken: Taken) -> None:
        """Bring about how a line is recorded; of one that is over, nothing is wanted any more. May be repeated."""

    def recordings_of(self, sid: str) -> list[CarrierRecording]:
        """The recordings of a line, the first one first."""

    def fetch_recording(self, sid: str, *, channels: int = 1) -> bytes:
        """The sound of a recording, as WAV."""

    def delete_recording(self, sid: str) -> None:
        """Delete a recording; one that is not there (any more) is no error."""

    def send_message(self, message: TextMessage) -> str:
        """Send an SMS; returns its SID."""

    def find_message(
        self, message: TextMessage, *, since: datetime, known: frozenset[str]
    ) -> CarrierMessage | None:  # fmt: skip
        """The SMS that sending this one made, if it was made after all: it is none of those `known`."""

    def fetch_message(self, sid: str) -> CarrierMessage | None:
        """An SMS as the carrier knows it, or none when it knows of none."""

    def written_to(self, number: str, *, since: datetime) -> list[Written]:
        """What was written to a number of ours since then, the oldest first."""

    def provision(
        self, number: str, *, voice_url: str, fallback_url: str, status_url: str, message_url: str, label: str
    ) -> None:
        """Make a number of ours call `voice_url`, or `fallback_url` when that does not answer, and tell `message_url`
        of the SMS that it gets.

        Creating what exists already updates it.
        """

    def device(self, identity: str, now: datetime) -> DeviceCredentials:
        """Credentials for an agent's softphone."""

    def origins(self) -> tuple[str, ...]:
        """The origins that a browser's softphone must be allowed to connect to."""

    def is_genuine(self, url: str, params: Mapping[str, str], signature: str) -> bool:
        """Whether a webhook was signed by the carrier for this address and these parameters."""

    def render(self, instructions: tuple[Instruction, ...]) -> str:
        """What a caller should hear, in the carrier's language."""
