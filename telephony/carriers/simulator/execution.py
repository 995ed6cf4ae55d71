"""What a call does once it lives: execute the product's documents, or sit in a conference."""

from collections.abc import Mapping

from telephony.carriers.simulator.calls import Call, HungUp, Redirected, Source
from telephony.carriers.simulator.conferences import Conference, Participant
from telephony.carriers.simulator.dial import dial, stay
from telephony.carriers.simulator.enqueue import enqueue
from telephony.carriers.simulator.exchange import Exchange
from telephony.carriers.simulator.interpreter import Interpreter, Step
from telephony.carriers.simulator.recordings import record

STEPS: Mapping[str, Step] = {"Enqueue": enqueue, "Dial": dial, "Record": record}


async def execute(exchange: Exchange, call: Call, source: Source) -> None:
    """Documents, from `source` to the end of the call."""
    await Interpreter(exchange, call, more=STEPS).run(source)


async def attend(exchange: Exchange, conference: Conference, participant: Participant) -> None:
    """A call made by the Participants resource: no document of its own, unless it is given one later."""
    try:
        await stay(exchange, conference, participant, None)
    except Redirected as redirected:
        await execute(exchange, participant.call, redirected.source)
    raise HungUp("conference")
