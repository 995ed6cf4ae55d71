"""`<Dial>`: a `<Conference>`, with the stay of any call in one; or a `<Number>`, in `put_through`."""

import asyncio
from functools import partial

from telephony.carriers.simulator.callbacks import Target
from telephony.carriers.simulator.calls import Call, HungUp, Redirected, Source
from telephony.carriers.simulator.conferences import Conference, ConferenceStatus, Left, Participant
from telephony.carriers.simulator.errors import DocumentError
from telephony.carriers.simulator.exchange import Exchange
from telephony.carriers.simulator.interpreter import BEHIND, Base, Interpreter, plainly
from telephony.carriers.simulator.put_through import put_through
from telephony.carriers.simulator.recordings import Recording, publish
from telephony.carriers.simulator.twiml import Verb


async def dial(interpreter: Interpreter, verb: Verb, base: Base) -> Source | None:
    """Join the conference; afterwards the action, or the next verb."""
    if not verb.children:
        raise DocumentError(13221, base.url, "<Dial> needs a <Conference> or a <Number> here")
    call, exchange, noun = interpreter.call, interpreter.exchange, verb.children[0]
    if noun.name == "Number":
        return await put_through(interpreter, verb, base)
    action = base.resolve(verb.get("action"), verb.get("method", "POST")) if verb.get("action") else None
    conference = exchange.open_conference(noun.text, _target(noun, base))
    label = noun.get("participantLabel") or None
    if label and conference.by_label(label):
        raise DocumentError(16025, base.url, f"the label {label} is taken")
    participant = Participant(
        call, label=label, muted=noun.flag("muted", default=False),
        start_on_enter=noun.flag("startConferenceOnEnter", default=True),
        end_on_exit=noun.flag("endConferenceOnExit", default=False),
    )  # fmt: skip
    outcome = (("DialCallStatus", "answered"), ("DialBridged", "true"))
    mode = verb.get("record", "do-not-record")
    recording = Recording(call, "DialVerb", channels=2 if mode.endswith("dual") else 1)
    try:
        await stay(exchange, conference, participant, _music(noun, base))
    except HungUp:
        if action is not None:
            params = exchange.voice_params(call) | dict(outcome) | {"CallStatus": "completed"}
            exchange.callbacks.send(call.subject, Target(action.url, action.method), params)
        raise
    finally:
        if mode != "do-not-record" and verb.get("recordingStatusCallback"):
            publish(exchange, recording, base.resolve(verb.get("recordingStatusCallback"), "POST").url)
    return None if action is None else Source(action.url, action.method, params=outcome)


async def stay(exchange: Exchange, conference: Conference, participant: Participant, music: Source | None) -> Left:
    """Be in a conference until taken out (answers why) or interrupted (raised)."""
    call = participant.call
    behind = Behind(exchange, call)
    participant.changed = lambda: behind.tune(_hearing(conference, participant, music))
    call.tones = partial(conference.hear_tones, participant)
    reason = Left.HUNG_UP
    conference.join(participant)
    try:
        reason = await call.race(asyncio.shield(participant.removed))
    except Redirected:
        reason = Left.UPDATED
        raise
    finally:
        behind.tune(None)
        participant.changed = lambda: None
        call.tones = lambda _digits: None
        conference.leave(participant, reason)
    call.move("ivr")
    return reason


def _hearing(conference: Conference, participant: Participant, music: Source | None) -> Source | None:
    """What plays behind the participant: the hold document, or music until the conference begins."""
    if participant.hold:
        return Source(participant.hold_url, participant.hold_method) if participant.hold_url else None
    return music if conference.status is ConferenceStatus.INIT else None


class Behind:
    """Plays documents behind a call until told otherwise; nothing that goes wrong there ends the call."""

    def __init__(self, exchange: Exchange, call: Call) -> None:
        self._exchange = exchange
        self._call = call
        self._playing: Source | None = None
        self._task: asyncio.Task[None] | None = None

    def tune(self, source: Source | None) -> None:
        if source == self._playing:
            return
        if self._task is not None:
            self._task.cancel()
        self._playing, self._task = source, None
        if source is not None:
            self._task = asyncio.create_task(self._play(source))

    async def _play(self, source: Source) -> None:
        """Once: such a document does not loop unless it redirects."""
        try:
            await Interpreter(self._exchange, self._call, plainly).follow(source, BEHIND)
        except DocumentError as error:
            self._call.note("error", f"{error.code}: {error.message}")


def _music(noun: Verb, base: Base) -> Source | None:
    if not noun.get("waitUrl"):
        return None
    return base.resolve(noun.get("waitUrl"), noun.get("waitMethod", "POST"))


def _target(noun: Verb, base: Base) -> Target | None:
    if not noun.get("statusCallback"):
        return None
    source = base.resolve(noun.get("statusCallback"), noun.get("statusCallbackMethod", "POST"))
    return Target(source.url, source.method, frozenset(noun.get("statusCallbackEvent").split()))
