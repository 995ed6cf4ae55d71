"""Agents' softphones: which are registered, which ring, and which one holds a call."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import structlog

from telephony.carriers.simulator.calls import Call, HungUp
from telephony.carriers.simulator.instants import now

log = structlog.get_logger(__name__)
Message = dict[str, Any]


class Answer(StrEnum):
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(eq=False)
class Phone:
    """One connected softphone; `outbox` is what its socket still has to send."""

    identity: str
    key: str
    robot: bool = False
    call: Call | None = None
    registered: datetime = field(default_factory=now)
    outbox: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)

    def tell(self, kind: str, call: Call | None = None, **more: Any) -> None:
        self.outbox.put_nowait({"type": kind, **({"call_sid": call.sid} if call else {}), **more})


@dataclass(eq=False)
class Ring:
    """One call ringing on all free softphones of an identity; the first answer decides."""

    call: Call
    phones: list[Phone]
    answer: asyncio.Future[Answer] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


@dataclass(frozen=True, slots=True)
class Staff:
    """How many could answer: people, those of them who are not on a call, and simulated colleagues."""

    people: int
    people_free: int
    colleagues: int


@dataclass(frozen=True, slots=True, eq=False)
class Orphan:
    """A leg whose softphone is gone, until another takes it over or it is given up."""

    identity: str
    call: Call
    give_up: asyncio.TimerHandle


class DeviceDesk:
    """Registrations by identity, and the legs they hold. `grace_s` is how long a leg outlives its socket."""

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self._keys = itertools.count(1)
        self._phones: dict[str, list[Phone]] = {}
        self._rings: dict[str, Ring] = {}
        self._orphans: list[Orphan] = []

    def register(self, identity: str, *, robot: bool = False) -> Phone:
        """A softphone connects; it takes over a call that its identity left behind."""
        phone = Phone(identity=identity, key=f"{identity}/{next(self._keys)}", robot=robot)
        self._phones.setdefault(identity, []).append(phone)
        orphan = next((orphan for orphan in self._orphans if orphan.identity == identity), None)
        phone.tell("registered", orphan.call if orphan else None)
        if orphan is not None:
            self._forget(orphan)
            self._hand_over(orphan.call, phone)
        return phone

    def unregister(self, phone: Phone) -> None:
        """Its socket is gone; the call it held waits for a successor."""
        self._phones[phone.identity].remove(phone)
        if not self._phones[phone.identity]:
            del self._phones[phone.identity]
        for ring in self._rings.values():
            if phone in ring.phones:
                ring.phones.remove(phone)
        if phone.call is not None and phone.call.live:
            self._orphan(phone.identity, phone.call)

    def identities(self) -> dict[str, int]:
        """How many softphones each identity has."""
        return {identity: len(phones) for identity, phones in self._phones.items()}

    def staff(self) -> Staff:
        """Who could answer: identities with a softphone."""
        colleagues = {name for name, phones in self._phones.items() if all(phone.robot for phone in phones)}
        people = self._phones.keys() - colleagues
        free = {name for name in people if all(phone.call is None for phone in self._phones[name])}
        return Staff(len(people), len(free), len(colleagues))

    def ring(self, identity: str, call: Call) -> Ring | None:
        """Invite every softphone that is not on a call (a busy one ignores); None when not registered."""
        phones = self._phones.get(identity, [])
        if not phones:
            return None
        ring = self._rings[call.sid] = Ring(call, [phone for phone in phones if phone.call is None])
        for phone in ring.phones:
            phone.tell("incoming", call, **{"from": call.from_, "parameters": {"To": call.to}})
        return ring

    def stop_ringing(self, call: Call) -> None:
        """The ring is over: who did not win is told."""
        if ring := self._rings.pop(call.sid, None):
            for phone in ring.phones:
                if phone.call is not call:
                    phone.tell("cancel", call)

    def connected(self, call: Call) -> None:
        if phone := self._holder(call):
            phone.tell("connected", call)

    def release(self, call: Call) -> None:
        """The call is over."""
        self.stop_ringing(call)
        if phone := self._holder(call):
            phone.call = None
            phone.tell("ended", call)
        for orphan in [orphan for orphan in self._orphans if orphan.call is call]:
            self._forget(orphan)

    def receive(self, phone: Phone, message: Message) -> None:
        """A message from a softphone; unknown ones are answered with an error."""
        actions: dict[str, Callable[[Phone, str, Message], None]] = {
            "accept": self._accept, "reject": self._reject, "hangup": self._hang_up, "mute": self._mute,
            "digits": self._digits,
        }  # fmt: skip
        action, sid = actions.get(str(message.get("type"))), message.get("call_sid")
        if action is None or not isinstance(sid, str):
            phone.tell("error", message="unknown message")
            return
        action(phone, sid, message)

    def _accept(self, phone: Phone, sid: str, _message: Message) -> None:
        ring = self._rings.get(sid)
        if ring is None or ring.answer.done() or phone not in ring.phones or phone.call is not None:
            phone.outbox.put_nowait({"type": "cancel", "call_sid": sid})
            return
        phone.call, ring.call.device, ring.call.by_robot = ring.call, phone.key, phone.robot
        ring.answer.set_result(Answer.ACCEPTED)
        self.stop_ringing(ring.call)

    def _reject(self, phone: Phone, sid: str, _message: Message) -> None:
        ring = self._rings.get(sid)
        if ring is not None and not ring.answer.done() and phone in ring.phones:
            ring.phones.remove(phone)
            ring.answer.set_result(Answer.REJECTED)

    def _hang_up(self, phone: Phone, sid: str, _message: Message) -> None:
        if phone.call is not None and phone.call.sid == sid:
            phone.call.interrupt(HungUp("device"))

    def _mute(self, phone: Phone, sid: str, message: Message) -> None:
        if phone.call is not None and phone.call.sid == sid:
            phone.call.note("state", "microphone off" if message.get("on", True) else "microphone on")

    def _digits(self, phone: Phone, sid: str, message: Message) -> None:
        if phone.call is not None and phone.call.sid == sid:
            phone.call.tones(str(message.get("digits", ""))[:40])

    def _holder(self, call: Call) -> Phone | None:
        if call.device is None:
            return None
        identity = call.device.rpartition("/")[0]
        return next((phone for phone in self._phones.get(identity, []) if phone.call is call), None)

    def _orphan(self, identity: str, call: Call) -> None:
        """A socket that came back before the old one was known to be dead takes over at once."""
        since = call.answered or call.created
        heirs = [p for p in self._phones.get(identity, []) if p.call is None and p.registered > since]
        if heirs:
            self._hand_over(call, heirs[-1])
            return
        log.info("device.lost", identity=identity, call=call.sid, grace_s=self._grace_s)
        give_up = asyncio.get_running_loop().call_later(self._grace_s, call.interrupt, HungUp("device lost"))
        self._orphans.append(Orphan(identity, call, give_up))

    def _forget(self, orphan: Orphan) -> None:
        orphan.give_up.cancel()
        self._orphans.remove(orphan)

    def _hand_over(self, call: Call, phone: Phone) -> None:
        if call.live:
            phone.call, call.device, call.by_robot = call, phone.key, phone.robot
            phone.tell("connected", call)
            log.info("device.took_over", identity=phone.identity, call=call.sid)
