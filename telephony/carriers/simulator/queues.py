"""Carrier-side queues: where `<Enqueue>` keeps a call. Their order is nobody's decision here."""

from dataclasses import dataclass, field
from datetime import datetime

from telephony.carriers.simulator.calls import Call
from telephony.carriers.simulator.instants import now, seconds_between
from telephony.carriers.simulator.sids import new_sid


@dataclass(eq=False)
class WaitingQueue:
    """Made on demand by its name."""

    name: str
    max_size: int
    sid: str = field(default_factory=lambda: new_sid("QU"))
    entered: dict[Call, datetime] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        return len(self.entered) >= self.max_size

    def join(self, call: Call) -> None:
        self.entered[call] = now()

    def leave(self, call: Call) -> None:
        self.entered.pop(call, None)

    def waited_s(self, call: Call) -> int:
        return seconds_between(self.entered.get(call), now())

    def facts(self, call: Call) -> dict[str, str]:
        """What the waiting document is told."""
        waits = [seconds_between(at, now()) for at in self.entered.values()]
        position = list(self.entered).index(call) + 1 if call in self.entered else 0
        return {
            "QueueSid": self.sid,
            "QueuePosition": str(position),
            "QueueTime": str(self.waited_s(call)),
            "AvgQueueTime": str(round(sum(waits) / len(waits)) if waits else 0),
            "CurrentQueueSize": str(len(self.entered)),
            "MaxQueueSize": str(self.max_size),
        }
