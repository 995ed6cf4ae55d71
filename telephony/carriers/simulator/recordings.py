"""`<Record>`, and the news that a recording is ready. The sound itself is a second of silence."""

import io
import wave
from dataclasses import dataclass, field
from datetime import datetime

from telephony.carriers.simulator.callbacks import Target
from telephony.carriers.simulator.calls import Call, HungUp, Source
from telephony.carriers.simulator.exchange import API_VERSION, Exchange
from telephony.carriers.simulator.instants import now, rfc2822, seconds_between
from telephony.carriers.simulator.interpreter import Base, Interpreter
from telephony.carriers.simulator.sids import new_sid
from telephony.carriers.simulator.twiml import Verb


@dataclass(frozen=True, slots=True)
class Recording:
    """Of one call, from when it began."""

    call: Call
    source: str
    channels: int = 1
    sid: str = field(default_factory=lambda: new_sid("RE"))
    began: datetime = field(default_factory=now)

    def facts(self, exchange: Exchange) -> dict[str, str]:
        path = f"/{API_VERSION}/Accounts/{self.call.account_sid}/Recordings/{self.sid}"
        duration = str(seconds_between(self.began, now()))
        url = exchange.config.public_url.rstrip("/") + path
        return {"RecordingSid": self.sid, "RecordingUrl": url, "RecordingDuration": duration}


async def record(interpreter: Interpreter, verb: Verb, base: Base) -> Source | None:
    """Record until a finishing key, `timeout` seconds of silence (callers are silent), or a hang-up."""
    call, exchange = interpreter.call, interpreter.exchange
    recording = Recording(call, "RecordVerb")
    action = base.resolve(verb.get("action"), verb.get("method", "POST"))
    call.forget_input()
    call.note("state", "recording")
    try:
        digits = await _until_finished(interpreter, verb)
    except HungUp:
        params = exchange.voice_params(call) | recording.facts(exchange) | {"Digits": "hangup"}
        exchange.callbacks.send(call.subject, Target(action.url, action.method), params)
        raise
    finally:
        if verb.get("recordingStatusCallback"):
            publish(exchange, recording, base.resolve(verb.get("recordingStatusCallback"), "POST").url)
    facts = recording.facts(exchange) | {"Digits": digits}
    return Source(action.url, action.method, params=tuple(facts.items()))


async def _until_finished(interpreter: Interpreter, verb: Verb) -> str:
    silence = min(verb.number("timeout", 5), verb.number("maxLength", 3600)) * interpreter.pace.waits
    finish = verb.get("finishOnKey", "1234567890*#")
    while True:
        try:
            key, _ = await interpreter.call.race(interpreter.call.next_input(listens=False), silence)
        except TimeoutError:
            return ""
        if key in finish:
            return key


def publish(exchange: Exchange, recording: Recording, url: str) -> None:
    """Tell `url` that the recording is complete."""
    call = recording.call
    params = {
        "AccountSid": call.account_sid, "CallSid": call.sid, "RecordingStatus": "completed",
        "RecordingChannels": str(recording.channels), "RecordingSource": recording.source, "ErrorCode": "0",
        "RecordingStartTime": rfc2822(recording.began) or "", "RecordingTrack": "both",
        **recording.facts(exchange),
    }  # fmt: skip
    exchange.callbacks.send(call.subject, Target(url), params)


def silence() -> bytes:
    """One second of telephone-quality nothing."""
    sound = io.BytesIO()
    with wave.open(sound, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(16000))
    return sound.getvalue()
