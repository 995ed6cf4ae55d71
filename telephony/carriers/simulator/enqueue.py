"""`<Enqueue>`: the call waits, hearing the waiting document again and again, until somebody takes it out."""

import asyncio
from collections.abc import Mapping

from telephony.carriers.simulator.callbacks import Target
from telephony.carriers.simulator.calls import HungUp, Redirected, Source
from telephony.carriers.simulator.errors import DocumentError
from telephony.carriers.simulator.interpreter import Base, Frame, Interpreter, LeftQueue
from telephony.carriers.simulator.queues import WaitingQueue
from telephony.carriers.simulator.twiml import WAITING, Verb


async def enqueue(interpreter: Interpreter, verb: Verb, base: Base) -> Source | None:
    """Wait in the named queue; its action hears how the wait ended, also when the call is gone."""
    call, exchange = interpreter.call, interpreter.exchange
    queue = exchange.queue(verb.text or "default")
    action = base.resolve(verb.get("action"), verb.get("method", "POST")) if verb.get("action") else None
    if queue.full:
        return _following(action, {"QueueResult": "queue-full"})
    queue.join(call)
    call.move("queue")
    try:
        await _wait(interpreter, queue, verb, base)
        result = "leave"
    except LeftQueue:
        result = "leave"
    except DocumentError as error:
        call.note("error", f"{error.code}: {error.message}")
        result = "system-error"
    except (HungUp, Redirected) as interruption:
        gone = isinstance(interruption, HungUp)
        if action is not None:
            facts = _result(queue, interpreter, "hangup" if gone else "redirected")
            params = exchange.voice_params(call) | facts | ({"CallStatus": "completed"} if gone else {})
            exchange.callbacks.send(call.subject, Target(action.url, action.method), params)
        raise
    finally:
        facts = _result(queue, interpreter, "")
        queue.leave(call)
    call.move("ivr")
    return _following(action, facts | {"QueueResult": result})


def _result(queue: WaitingQueue, interpreter: Interpreter, result: str) -> dict[str, str]:
    waited = str(queue.waited_s(interpreter.call))
    return {"QueueResult": result, "QueueSid": queue.sid, "QueueTime": waited}


def _following(action: Source | None, facts: Mapping[str, str]) -> Source | None:
    if action is None:
        return None
    return Source(url=action.url, method=action.method, params=tuple(facts.items()))


async def _wait(interpreter: Interpreter, queue: WaitingQueue, verb: Verb, base: Base) -> None:
    """The waiting document, requested again each time it ends, but never in a tight loop."""
    call = interpreter.call
    if "waitUrl" not in verb.attributes:
        call.note("play", "hold music")
        await call.forever()
    if not verb.get("waitUrl"):
        await call.forever()
    source = base.resolve(verb.get("waitUrl"), verb.get("waitUrlMethod", "POST"))
    frame = Frame(allowed=WAITING, facts=lambda: queue.facts(call), free_jumps=5)
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        await interpreter.follow(source, frame)
        await call.pause(max(0.0, interpreter.pace.repeat_floor_s - (loop.time() - began)))
