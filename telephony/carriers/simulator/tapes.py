"""Recordings of calls that are begun, paused and stopped through the REST API, and how they sound.

Two channels: on the left what comes from the call, on the right what it hears. Here they speak in turn, the one lower
than the other, for as long as was recorded.
"""

import asyncio
import io
import math
import wave
from array import array
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from telephony.carriers.simulator.callbacks import Target
from telephony.carriers.simulator.calls import Call
from telephony.carriers.simulator.errors import RestError
from telephony.carriers.simulator.instants import now, rfc2822
from telephony.carriers.simulator.sids import new_sid

if TYPE_CHECKING:
    from telephony.carriers.simulator.exchange import Exchange

API_VERSION = "2010-04-01"
RATE = 8000  # samples a second
TURN_S = 3  # for so long one of them speaks
PROCESSED_S = 1.0  # until a recording that has ended can be fetched
KEPT = 2_000
LIVE = frozenset({"in-progress", "paused"})
NEXT = {"in-progress": {"paused", "stopped"}, "paused": {"in-progress", "stopped"}}


@dataclass(eq=False)
class Tape:
    """A recording. `skips`: what is said during a pause takes no time in it."""

    call: Call
    channels: int
    callback: Target | None
    sid: str = field(default_factory=lambda: new_sid("RE"))
    status: str = "in-progress"
    created: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)
    skips: bool = False
    seconds: float = 0.0  # finished stretches
    since: datetime | None = field(default_factory=now)  # of the present one

    @property
    def length_s(self) -> int:
        running = (now() - self.since).total_seconds() if self.since else 0.0
        return max(round(self.seconds + running), 0)

    def become(self, status: str) -> None:
        """Change from one state to another."""
        if self.since is not None:
            self.seconds += (now() - self.since).total_seconds()
        counts = status == "in-progress" or (status == "paused" and not self.skips)
        self.since = now() if counts else None
        self.status, self.updated = status, now()


class Tapes:
    """All recordings of this kind."""

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange
        self._tapes: dict[str, Tape] = {}

    def of(self, call_sid: str) -> list[Tape]:
        """A call's, the newest first, as Twilio lists them."""
        return [one for one in reversed(self._tapes.values()) if one.call.sid == call_sid]

    def find(self, sid: str) -> Tape | None:
        return self._tapes.get(sid)

    def begin(self, call: Call, *, channels: int, callback: Target | None) -> Tape:
        """Record from now on."""
        tape = Tape(call, channels, callback)
        self._tapes[tape.sid] = tape
        if len(self._tapes) > KEPT:
            del self._tapes[next(iter(self._tapes))]
        call.note("state", "recorded")
        self._tell(tape, "in-progress")
        return tape

    def change(self, tape: Tape, status: str, *, skips: bool) -> None:
        """Pause, resume or stop. Raises `RestError` for what has ended."""
        if status not in NEXT.get(tape.status, set()) | {tape.status} or tape.status not in LIVE:
            raise RestError(400, 21220, "Recording is not in-progress. Cannot update.")
        if status == tape.status:
            return
        if status == "stopped":
            self._end(tape)
            return
        tape.skips = skips
        tape.become(status)
        tape.call.note("state", "recording paused" if status == "paused" else "recorded")

    def ended(self, call: Call) -> None:
        """A call is over, and with it what records it."""
        for tape in self.of(call.sid):
            if tape.status in LIVE:
                self._end(tape)

    def delete(self, tape: Tape) -> None:
        """Forget it."""
        del self._tapes[tape.sid]

    def _end(self, tape: Tape) -> None:
        tape.become("processing")
        wait = PROCESSED_S * self._exchange.config.pace.waits
        asyncio.get_running_loop().call_later(wait, self._processed, tape)

    def _processed(self, tape: Tape) -> None:
        tape.become("completed" if tape.seconds > 0 else "absent")
        self._tell(tape, tape.status)

    def _tell(self, tape: Tape, status: str) -> None:
        if tape.callback is None or status not in (tape.callback.events or {"completed"}):
            return
        call = tape.call
        path = f"/{API_VERSION}/Accounts/{call.account_sid}/Recordings/{tape.sid}"
        finished = {"RecordingDuration": str(tape.length_s)} if status == "completed" else {}
        params = {
            "AccountSid": call.account_sid, "CallSid": call.sid, "RecordingSid": tape.sid,
            "RecordingUrl": self._exchange.config.public_url.rstrip("/") + path, "RecordingStatus": status,
            "RecordingChannels": str(tape.channels), "RecordingSource": "StartCallRecordingAPI", "ErrorCode": "0",
            "RecordingStartTime": rfc2822(tape.created) or "", "RecordingTrack": "both", **finished,
        }  # fmt: skip
        self._exchange.callbacks.send(call.subject, tape.callback, params)


def sound(seconds: int, channels: int) -> bytes:
    """Two people who speak in turn, as WAV; in one channel both."""
    made = io.BytesIO()
    with wave.open(made, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(RATE)
        for second in range(max(seconds, 1)):
            out.writeframes(_second(second // TURN_S % 2 == 0, channels))
    return made.getvalue()


@cache
def _second(caller: bool, channels: int) -> bytes:
    pitch = 170 if caller else 260
    tone = [
        round(5000 * math.sin(2 * math.pi * pitch * n / RATE) * abs(math.sin(2 * math.pi * 2 * n / RATE)))
        for n in range(RATE)
    ]
    if channels == 1:
        return array("h", tone).tobytes()
    frames = array("h", bytes(4 * RATE))
    frames[0 if caller else 1 :: 2] = array("h", tone)
    return frames.tobytes()
