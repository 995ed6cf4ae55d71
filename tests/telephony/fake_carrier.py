"""A carrier that does what the port says, in memory: it keeps calls, and fails or forgets as it is told to."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from telephony.carriers.port import (
    CarrierCall,
    CarrierError,
    CarrierMessage,
    CarrierRecording,
    DeviceCredentials,
    Dial,
    Instruction,
    LiveCall,
    Ring,
    Room,
    Spoken,
    Taken,
    TextMessage,
    Written,
)


def unreachable() -> CarrierError:
    """Nothing was done, and asking again may help."""
    return CarrierError("unreachable", permanent=False)


def refused(code: int = 21211) -> CarrierError:
    """Asking again cannot help; unless something else is said, the number is none."""
    return CarrierError("refused", permanent=True, code=code)


def no_answer() -> CarrierError:
    """Nobody knows whether it was done."""
    return CarrierError("no answer", permanent=False, unknown=True)


@dataclass
class FakeCarrier:
    """`ringing` are the errors that the next rings meet, `telling` those of the next ends and redirects."""

    calls: dict[str, CarrierCall] = field(default_factory=dict)
    rings: dict[str, Ring] = field(default_factory=dict)  # by SID
    dials: dict[str, Dial] = field(default_factory=dict)  # by SID
    redirected: list[tuple[str, str]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    arranged: list[Room] = field(default_factory=list)
    labels: dict[str, dict[str, datetime]] = field(default_factory=dict)
    spoken: dict[str, Spoken] = field(default_factory=dict)  # by the line that was put through
    ringing: deque[CarrierError] = field(default_factory=deque)
    telling: deque[CarrierError] = field(default_factory=deque)
    texts: dict[str, TextMessage] = field(default_factory=dict)  # by SID
    became: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    written: dict[str, list[Written]] = field(default_factory=dict)  # by citizens, to a number of ours
    sending: deque[CarrierError] = field(default_factory=deque)
    looking: deque[CarrierError] = field(default_factory=deque)
    recordings: dict[str, bytes] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)  # how lines were to be recorded
    recording: deque[CarrierError] = field(default_factory=deque)  # what the next of these meet
    made: dict[str, list[CarrierRecording]] = field(default_factory=dict)  # by line
    deleting: deque[CarrierError] = field(default_factory=deque)
    listed: list[LiveCall] = field(default_factory=list)  # what it says is under way
    silent: bool = False  # answers nothing
    loses_replies: bool = False  # rings, but nobody hears that it did
    lists_lag: bool = False  # what was just rung is in no list yet

    def ring(self, ring: Ring) -> str:
        if self.ringing:
            raise self.ringing.popleft()
        assert ring not in self.rings.values(), "the same agent was rung twice for one leg"
        sid = f"CAleg{len(self.rings)}"
        self.rings[sid] = ring
        self.calls[sid] = CarrierCall(sid, live=True, status="ringing")
        if self.loses_replies:
            raise no_answer()
        return sid

    def dial(self, dial: Dial) -> str:
        if self.ringing:
            raise self.ringing.popleft()
        sid = f"CAline{len(self.dials)}"
        self.dials[sid] = dial
        self.calls[sid] = CarrierCall(sid, live=True, status="ringing")
        if self.loses_replies:
            raise no_answer()
        return sid

    def redirect(self, sid: str, url: str) -> None:
        if self.telling:
            raise self.telling.popleft()
        if not self.calls[sid].live:
            raise CarrierError("gone", permanent=True, gone=True, code=21220)
        self.redirected.append((sid, url))

    def arrange(self, room: Room) -> None:
        if self.telling:
            raise self.telling.popleft()
        self.arranged.append(room)

    def end(self, sid: str) -> None:
        if self.telling:
            raise self.telling.popleft()
        self.ended.append(sid)
        self.calls[sid] = CarrierCall(sid, live=False, status="completed")

    def fetch(self, sid: str) -> CarrierCall | None:
        return self.calls.get(sid)

    def put_through(self, sid: str) -> Spoken | None:
        return self.spoken.get(sid)

    def labels_in(self, conference: str) -> Mapping[str, datetime | None]:
        return self.labels.get(conference, {})

    def find_ring(self, ring: Ring) -> str | None:
        same = (sid for sid, rung in self.rings.items() if (rung.leg_id, rung.label) == (ring.leg_id, ring.label))
        return None if self.lists_lag else next(same, None)

    def record(self, taken: Taken) -> None:
        if self.recording:
            raise self.recording.popleft()
        self.taken.append(taken)

    def recordings_of(self, sid: str) -> list[CarrierRecording]:
        return self.made.get(sid, [])

    def fetch_recording(self, sid: str, *, channels: int = 1) -> bytes:
        if sid not in self.recordings:
            raise unreachable()
        return self.recordings[sid]

    def delete_recording(self, sid: str) -> None:
        if self.deleting:
            raise self.deleting.popleft()
        self.recordings.pop(sid, None)

    def send_message(self, message: TextMessage) -> str:
        if self.sending:
            raise self.sending.popleft()
        sid = f"SM{len(self.texts)}"
        self.texts[sid] = message
        if self.loses_replies:
            raise no_answer()
        return sid

    def find_message(
        self, message: TextMessage, *, since: datetime, known: frozenset[str]
    ) -> CarrierMessage | None:  # fmt: skip
        if self.looking:
            raise self.looking.popleft()
        same = (sid for sid, one in self.texts.items() if one.to == message.to and one.body == message.body)
        return next((CarrierMessage(sid, "sent") for sid in same if sid not in known), None)

    def written_to(self, number: str, *, since: datetime) -> list[Written]:
        if self.silent:
            raise unreachable()
        return [one for one in self.written.get(number, []) if one.at > since]

    def fetch_message(self, sid: str) -> CarrierMessage | None:
        return CarrierMessage(sid, *self.became.get(sid, ("sent", None))) if sid in self.texts else None

    def live_calls(self) -> list[LiveCall]:
        return list(self.listed)

    def probe(self) -> None:
        if self.silent:
            raise no_answer()

    def provision(
        self, number: str, *, voice_url: str, fallback_url: str, status_url: str, message_url: str, label: str
    ) -> None:
        """Nothing to do: scenarios announce their calls themselves."""

    def device(self, identity: str, now: datetime) -> DeviceCredentials:
        return DeviceCredentials("fake", identity, "", now + timedelta(hours=8))

    def origins(self) -> tuple[str, ...]:
        return ()

    def is_genuine(self, url: str, params: Mapping[str, str], signature: str) -> bool:
        return True

    def render(self, instructions: tuple[Instruction, ...]) -> str:
        return repr(instructions)

    # -- what happens on the network ------------------------------------------------------------------------

    def hears_of(self, sid: str) -> None:
        """A citizen's call exists."""
        self.calls[sid] = CarrierCall(sid, live=True, status="in-progress")

    def loses(self, sid: str, *, at: datetime | None = None) -> None:
        """A call ended, and nobody was told."""
        self.calls[sid] = CarrierCall(sid, live=False, status="completed", ended_at=at)

    def picks_up(self, sid: str) -> None:
        """Somebody picked up, and nobody was told."""
        self.calls[sid] = replace(self.calls[sid], status="in-progress")
