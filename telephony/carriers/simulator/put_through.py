"""`<Dial><Number>`: another telephone rings for a call, and the two speak until one of them, or the limit, ends it."""

import re

from telephony.carriers.simulator.callbacks import Target
from telephony.carriers.simulator.calls import Call, HungUp, Interruption, Source, Status
from telephony.carriers.simulator.errors import DocumentError
from telephony.carriers.simulator.interpreter import Base, Interpreter
from telephony.carriers.simulator.twiml import Verb

E164 = re.compile(r"^\+[1-9]\d{5,14}$")
LONGEST_S = 14_400


async def put_through(interpreter: Interpreter, verb: Verb, base: Base) -> Source | None:
    """Ring, and speak. The action, if there is one, hears what came of it; verbs after it never run."""
    call, exchange, number = interpreter.call, interpreter.exchange, verb.children[0].text
    shown = verb.get("callerId") or call.from_
    if not E164.match(number):
        raise DocumentError(13224, base.url, f"{number} is no number")
    if shown != call.from_ and exchange.numbers.find(shown) is None:
        raise DocumentError(13214, base.url, f"{shown} is not a number of this account")
    action = base.resolve(verb.get("action"), verb.get("method", "POST")) if verb.get("action") else None
    other = exchange.dial_on(call, shown, number, timeout_s=verb.number("timeout", 30))
    call.note("state", f"dials {number}")
    try:
        await _speak(call, other, verb.number("timeLimit", LONGEST_S) * interpreter.pace.waits)
    except Interruption as interruption:
        await _ended(other)
        if action is not None and isinstance(interruption, HungUp):
            params = exchange.voice_params(call) | _outcome(other) | {"CallStatus": "completed"}
            exchange.callbacks.send(call.subject, Target(action.url, action.method), params)
        raise
    await _ended(other)
    call.move("ivr")
    return None if action is None else Source(action.url, action.method, params=tuple(_outcome(other).items()))


async def _speak(call: Call, other: Call, longest_s: float) -> None:
    await call.race(other.changes.until(lambda: other.talking or not other.live))
    if not other.live:
        return
    call.move("conversation")
    try:
        await call.race(other.changes.until(lambda: not other.live), longest_s)
    except TimeoutError:
        return


async def _ended(other: Call) -> None:
    if other.live:
        other.interrupt(HungUp("dial", None if other.answered else Status.CANCELED))
        await other.changes.until(lambda: not other.live)


def _outcome(other: Call) -> dict[str, str]:
    told = {"DialCallStatus": other.status.value, "DialCallSid": other.sid}
    if other.answered is None:
        return told | {"DialBridged": "false"}
    return told | {"DialCallDuration": str(other.duration_s), "DialBridged": "true"}
