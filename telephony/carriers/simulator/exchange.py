"""The telephone exchange: every call, conference, queue and number, and the life of each call."""

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from telephony.carriers.simulator.callbacks import Callbacks, Target
from telephony.carriers.simulator.callees import CalleeBook
from telephony.carriers.simulator.calls import Call, Direction, HungUp, Source, Status
from telephony.carriers.simulator.changes import Changes
from telephony.carriers.simulator.conferences import Conference
from telephony.carriers.simulator.config import Faults, SimulatorConfig
from telephony.carriers.simulator.devices import Answer, DeviceDesk
from telephony.carriers.simulator.errors import DocumentError
from telephony.carriers.simulator.faults import About, Kind, Misfortune
from telephony.carriers.simulator.instants import now, rfc2822
from telephony.carriers.simulator.messages import TextDesk
from telephony.carriers.simulator.numbers import Line, NumberBook
from telephony.carriers.simulator.queues import WaitingQueue
from telephony.carriers.simulator.tapes import Tapes
from telephony.carriers.simulator.webhooks import Webhooks

log = structlog.get_logger(__name__)

API_VERSION = "2010-04-01"
PLACES = ("City", "State", "Zip", "Country")
PARTIES = ("From", "To", "Caller", "Called")
TIMEOUT_BUFFER_S = 5.0
"""Twilio rings this much longer than asked."""
DETECTED_AFTER_S = 4.0
"""After which a machine is told from a person."""
KEPT_CALLS = 5_000
MAILS = 200
LONGEST_CALL_S = 4 * 3600.0
CLIENT = "client:"
Then = Callable[[Call], Awaitable[None]]


class Exchange:
    """All state of the simulator. One event loop owns it."""

    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        self.webhooks = Webhooks(config.auth_token)
        self.misfortune = Misfortune(config.faults)
        self.callbacks = Callbacks(self.webhooks, self.misfortune)
        self.devices = DeviceDesk(config.device_grace_s * config.pace.waits)
        self.numbers = NumberBook(config.numbers, config.numbers_file)
        self.callees = CalleeBook()
        self.calls: dict[str, Call] = {}
        self.conferences: dict[str, Conference] = {}
        self.queues: dict[str, WaitingQueue] = {}
        self.changes = Changes()
        self.texts = TextDesk(
            config.account_sid, self.callbacks, self.changes, waits=config.pace.waits
        )  # fmt: skip
        self.tapes = Tapes(self)
        self.mail: deque[dict[str, Any]] = deque(maxlen=MAILS)
        self._ordinals = itertools.count(1)
        self._rooms_made = itertools.count(1)
        self._rooms: dict[str, Conference] = {}
        self._next_dial = 0.0

    async def close(self) -> None:
        """Stop every call without a word, as a power cut would."""
        tasks = [task for call in self.calls.values() for task in (call.task, call.person, call.hearing) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.texts.close()
        await self.callbacks.close()
        await self.webhooks.close()

    def set_faults(self, faults: Faults) -> None:
        """Misbehave differently from now on; the draws begin again, and what was injected stays."""
        self.misfortune = self.callbacks.misfortune = Misfortune(faults, self.misfortune.injections.values())
        self.changes.notify()

    def recover(self) -> None:
        """Nothing goes wrong any more."""
        self.misfortune = self.callbacks.misfortune = Misfortune(Faults(seed=self.misfortune.faults.seed))
        self.changes.notify()

    def dial_in(self, line: Line, from_: str, conduct: Callable[[Call], Awaitable[None]]) -> Call:
        """A citizen calls one of our numbers; `conduct` executes the product's documents."""
        call = self._new_call(Direction.INBOUND, from_, line.number.number)
        call.number_sid, call.fallback_url = line.sid, line.number.voice_fallback_url
        if line.number.status_callback:
            call.callback = Target(line.number.status_callback)
        call.become(Status.RINGING)
        call.move("ivr")
        self._start(call, conduct)
        return call

    def dial_out(
        self, from_: str, to: str, *, callback: Target | None, timeout_s: float, fallback_url: str | None,
        then: Then, machine: Target | None = None,
    ) -> Call:  # fmt: skip
        """Ring a softphone or a telephone; `then` is what happens once it is answered.

        `machine` is told after a while whether a machine answered, while the call goes on.
        """
        call = self._new_call(Direction.OUTBOUND_API, from_, to)
        call.callback, call.fallback_url = callback, fallback_url
        call.ring_timeout_s = (timeout_s + TIMEOUT_BUFFER_S) * self.config.pace.waits

        async def conduct(placed: Call) -> None:
            await self._ring(placed)
            if machine is not None:
                self._listen(placed, machine)
            await then(placed)

        self._start(call, conduct)
        return call

    def dial_on(self, parent: Call, from_: str, to: str, *, timeout_s: float) -> Call:
        """Ring a telephone for a call's `<Dial>`, on a line of its own that is open until somebody ends it."""
        call = self._new_call(Direction.OUTBOUND_DIAL, from_, to)
        call.parent_sid = parent.sid
        call.ring_timeout_s = timeout_s * self.config.pace.waits

        async def conduct(placed: Call) -> None:
            await self._ring(placed)
            placed.move("conversation")
            await placed.forever()

        self._start(call, conduct)
        return call

    def answer(self, call: Call) -> None:
        """The call is picked up, once."""
        if call.answered is None:
            call.answered = now()
            call.become(Status.IN_PROGRESS)
            self.report(call, "answered")

    def report(self, call: Call, event: str, **extra: str) -> None:
        """Send a call's progress to whoever asked for that event."""
        self.changes.notify()
        if call.callback is None or event not in (call.callback.events or {"completed"}):
            return
        params = self.voice_params(call) | extra | {
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(call.sequence),
            "Timestamp": rfc2822(now()) or "",
        }  # fmt: skip
        call.sequence += 1
        self.callbacks.send(call.subject, call.callback, params)

    def voice_params(self, call: Call) -> dict[str, str]:
        """What every request about a call carries; the geography is there and empty, as it often is."""
        return {
            "CallSid": call.sid, "AccountSid": call.account_sid, "ApiVersion": API_VERSION,
            "From": call.from_, "To": call.to, "Caller": call.from_, "Called": call.to,
            "CallStatus": call.status.value, "Direction": call.direction.value,
            **{party + place: "" for party in PARTIES for place in PLACES},
        }  # fmt: skip

    async def fetch(self, call: Call, source: Source, more: Mapping[str, str]) -> tuple[str, str, str]:
        """The next document: its address, content type and text."""
        if source.twiml is not None:
            return source.url, "text/xml", source.twiml
        params = self.voice_params(call) | dict(source.params) | dict(more)
        fate = self.misfortune.fate(About(Kind.DOCUMENT, f"document-{call.ordinal}", call.sid))
        if fate.delay_s:
            await asyncio.sleep(fate.delay_s)
        if fate.copies == 0:
            raise DocumentError(11200, source.url, "the request was lost on its way")
        for _ in range(fate.copies):
            reply = await self.webhooks.request(source.url, source.method, params, forged=fate.forged)
        return reply.url, reply.content_type, reply.text

    def conference(self, name: str) -> Conference | None:
        """The live conference of that friendly name."""
        found = self._rooms.get(name)
        return found if found is not None and found.live else None

    def open_conference(self, name: str, callback: Target | None) -> Conference:
        """The live conference of that name, or a new one; only who makes it sets its callback."""
        if found := self.conference(name):
            return found
        made = Conference(name, self.config.account_sid, next(self._rooms_made), self.callbacks, callback)
        self.conferences[made.sid] = self._rooms[name] = made
        return made

    def queue(self, name: str) -> WaitingQueue:
        return self.queues.setdefault(name, WaitingQueue(name, self.config.queue_size))

    def live_calls(self) -> list[Call]:
        return [call for call in self.calls.values() if call.live]

    def _new_call(self, direction: Direction, from_: str, to: str) -> Call:
        call = Call(self.config.account_sid, direction, from_, to, next(self._ordinals))
        self.calls[call.sid] = call
        self._forget_old()
        return call

    def _start(self, call: Call, conduct: Callable[[Call], Awaitable[None]]) -> None:
        call.task = asyncio.create_task(self._live(call, conduct), name=call.sid)
        self.changes.notify()

    async def _live(self, call: Call, conduct: Callable[[Call], Awaitable[None]]) -> None:
        status: Status | None = None
        try:
            async with asyncio.timeout(LONGEST_CALL_S):
                await conduct(call)
        except TimeoutError:
            log.warning("call.too_long", call=call.sid)
        except HungUp as end:
            status = end.status
            log.info("call.ended", call=call.sid, by=end.by)
        except Exception:  # one call's defect must not stop the exchange; it fails, loudly
            log.exception("call.broken", call=call.sid)
            status = Status.FAILED
        self._finish(call, status)

    def _finish(self, call: Call, status: Status | None) -> None:
        unanswered = Status.NO_ANSWER if call.direction is Direction.INBOUND else Status.CANCELED
        call.ended = now()
        call.gathering = False
        call.become(status or (Status.COMPLETED if call.answered else unanswered))
        self.devices.release(call)
        self.tapes.ended(call)
        call.on_end()
        minutes = -(-call.duration_s // 60)
        self.report(call, "completed", CallDuration=str(call.duration_s), Duration=str(minutes),
                    SipResponseCode=str(call.sip_code))  # fmt: skip

    async def _ring(self, call: Call) -> None:
        """Ring until answered, or end the call with the status of whoever did not."""
        await call.pause(self._dialing_slot())
        self.report(call, "initiated", CallStatus="initiated")
        try:
            if call.to.startswith(CLIENT):
                await self._ring_devices(call)
            else:
                await self._ring_callee(call)
        finally:
            self.devices.stop_ringing(call)
        self.answer(call)
        self.devices.connected(call)

    async def _ring_devices(self, call: Call) -> None:
        identity = call.to.removeprefix(CLIENT).partition("?")[0]
        ring = self.devices.ring(identity, call)
        if ring is None:
            call.sip_code = 480
            raise HungUp("not registered", Status.NO_ANSWER)
        call.become(Status.RINGING)
        self.report(call, "ringing")
        try:
            answer = await call.race(asyncio.shield(ring.answer), call.ring_timeout_s)
        except TimeoutError:
            call.sip_code = 487
            raise HungUp("nobody", Status.NO_ANSWER) from None
        if answer is Answer.REJECTED:
            call.sip_code = 603
            raise HungUp("device", Status.BUSY)

    async def _ring_callee(self, call: Call) -> None:
        callee = self.callees.find(call.to)
        call.become(Status.RINGING)
        self.report(call, "ringing")
        rings_s = callee.answer_after_s * self.config.pace.waits
        try:
            await call.race(call.picked_up.wait(), min(rings_s, call.ring_timeout_s))
        except TimeoutError:
            if callee.outcome is not None:
                raise HungUp("callee", callee.outcome) from None
            if rings_s > call.ring_timeout_s:
                raise HungUp("nobody", Status.NO_ANSWER) from None
        callee.begin(call, self.config.pace)

    def _listen(self, call: Call, target: Target) -> None:
        """Find out who answered, beside the call; whoever has hung up meanwhile is not known."""
        is_machine = self.callees.find(call.to).machine

        async def hear() -> None:
            await asyncio.sleep(DETECTED_AFTER_S * self.config.pace.waits)
            found = "machine_start" if is_machine else "human"
            told = {"CallSid": call.sid, "AccountSid": call.account_sid}
            said = {"AnsweredBy": found if call.live else "unknown", "MachineDetectionDuration": "4000"}
            self.callbacks.send(f"amd-{call.ordinal}", target, told | said)

        call.hearing = asyncio.create_task(hear(), name=f"amd-{call.sid}")

    def _dialing_slot(self) -> float:
        """Seconds to stay queued, so that no more calls a second leave than the account may place."""
        rate = self.misfortune.faults.calls_per_second
        if not rate:
            return 0.0
        clock = asyncio.get_running_loop().time()
        slot = max(clock, self._next_dial)
        self._next_dial = slot + 1 / rate
        return slot - clock

    def _forget_old(self) -> None:
        if len(self.calls) <= KEPT_CALLS:
            return
        ended = [sid for sid, call in self.calls.items() if not call.live]
        for sid in ended[: KEPT_CALLS // 10]:
            del self.calls[sid]
        over = [conference for conference in self.conferences.values() if not conference.live]
        for conference in over[: KEPT_CALLS // 10]:
            del self.conferences[conference.sid]
            if self._rooms.get(conference.friendly_name) is conference:
                del self._rooms[conference.friendly_name]
