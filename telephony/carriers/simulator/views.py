"""What pages and scripts see of calls."""

from dataclasses import asdict
from typing import Any

from telephony.carriers.simulator.calls import Call
from telephony.carriers.simulator.exchange import Exchange
from telephony.carriers.simulator.faults import STRIKES
from telephony.carriers.simulator.instants import now, seconds_between

View = dict[str, Any]


def call_view(call: Call) -> View:
    """`elapsed_s` counts from when the call was placed; transcript times are ISO 8601, UTC."""
    return {
        "sid": call.sid,
        "from": call.from_,
        "to": call.to,
        "direction": call.direction.value,
        "status": call.status.value,
        "place": call.place,
        "live": call.live,
        "gathering": call.gathering,
        "for_person": call.for_person,
        "answered_by": call.answered_by,
        "created": call.created.isoformat(),
        "answered": call.answered.isoformat() if call.answered else None,
        "ended": call.ended.isoformat() if call.ended else None,
        "elapsed_s": seconds_between(call.created, call.ended or now()),
        "transcript": [
            {"at": line.at.isoformat(timespec="milliseconds"), "kind": line.kind, "text": line.text}
            for line in call.heard
        ],
    }


def overview(exchange: Exchange) -> View:
    """The live calls, oldest first, with the number of the conversation that each is in; who is registered; what goes
    wrong; and how those behave whom the product calls, where that was chosen."""
    rooms = {
        sid: (room, who) for room in exchange.conferences.values() if room.live
        for sid, who in room.participants.items()
    }  # fmt: skip
    calls = [call_view(call) for call in exchange.live_calls()]
    for call in calls:
        room, who = rooms.get(call["sid"], (None, None))
        call["room"] = room.ordinal if room is not None else None
        call["held"] = who is not None and who.hold
        call["transcript"] = call["transcript"][-1:]
    return {
        "calls": calls, "devices": exchange.devices.identities(),
        "injections": [asdict(one) for one in exchange.misfortune.injections.values()],
        "strikes": {fault: sorted(kinds) for fault, kinds in STRIKES.items()}, "down": exchange.misfortune.down,
        "callees": [{"number": number, "manner": manner} for number, manner in exchange.callees.all()],
    }  # fmt: skip
