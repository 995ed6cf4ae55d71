"""SMS: what is sent to citizens' telephones, what they answer, and what the network does to it."""

import asyncio
import itertools
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from crm.messages.segments import segments
from telephony.carriers.simulator.callbacks import Callbacks, Target
from telephony.carriers.simulator.changes import Changes
from telephony.carriers.simulator.errors import RestError
from telephony.carriers.simulator.instants import now
from telephony.carriers.simulator.sids import new_sid

API_VERSION = "2010-04-01"
# Twilio's own opt-out words (https://help.twilio.com/articles/223134027): it blocks before it tells anybody.
STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START = frozenset({"START", "YES", "UNSTOP"})
KEPT = 5_000
PLACES = ("City", "State", "Zip", "Country")


class Fate(StrEnum):
    """What becomes of what is sent to a number."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"  # 30003, unreachable: the telephone is off
    FAILED = "failed"  # 30006, a landline
    SILENT = "silent"  # it leaves, and nobody hears of it again
    REFUSED = "refused"  # 21614, no mobile number


ERRORS = {Fate.UNDELIVERED: 30003, Fate.FAILED: 30006}


@dataclass(eq=False)
class Text:
    """One SMS. `ordinal` counts from 1: faults are drawn by it, because sids are random."""

    account_sid: str
    inbound: bool
    from_: str
    to: str
    body: str
    ordinal: int
    callback: Target | None = None
    status: str = "queued"
    error_code: int | None = None
    sid: str = field(default_factory=lambda: new_sid("SM"))
    created: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)
    sent: datetime | None = None

    @property
    def subject(self) -> str:
        """The name under which its callbacks keep their order."""
        return f"text-{self.ordinal}"

    @property
    def segments(self) -> int:
        """How many SMS it takes."""
        return segments(self.body)


class TextDesk:
    """Every SMS, who has opted out of which line, and what becomes of what is sent to whom."""

    def __init__(self, account_sid: str, callbacks: Callbacks, changes: Changes, *, waits: float) -> None:
        self.texts: dict[str, Text] = {}
        self.fates: dict[str, Fate] = {}
        self.opted_out: set[tuple[str, str]] = set()  # citizen, line
        self._account_sid, self._callbacks, self._changes, self._waits = account_sid, callbacks, changes, waits
        self._ordinals = itertools.count(1)
        self._tasks: set[asyncio.Task[object]] = set()

    def send(self, from_: str, to: str, body: str, callback: Target | None) -> Text:
        """A line of ours sends. Raises `RestError` as Twilio refuses."""
        if (to, from_) in self.opted_out:
            raise RestError(400, 21610, "Attempt to send to unsubscribed recipient")
        if self.fates.get(to) is Fate.REFUSED:
            raise RestError(400, 21614, f"To number: {to}, is not a mobile number")
        text = self._add(Text(self._account_sid, False, from_, to, body, next(self._ordinals), callback))
        self.begin(self._live(text))
        return text

    def begin(self, work: Coroutine[Any, Any, object]) -> None:
        """Have something done about an SMS, until the network closes."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def receive(self, from_: str, to: str, body: str) -> Text:
        """A citizen writes to a line of ours. Twilio's own opt-out words work before anybody is told."""
        word = body.strip().upper()
        if word in STOP:
            self.opted_out.add((from_, to))
        elif word in START:
            self.opted_out.discard((from_, to))
        return self._add(Text(self._account_sid, True, from_, to, body, next(self._ordinals), status="received"))

    def answer(self, from_: str, to: str, body: str) -> Text | None:
        """What the product answers to an SMS; none to somebody who has opted out."""
        return None if (to, from_) in self.opted_out else self.send(from_, to, body, None)

    def params(self, text: Text) -> dict[str, str]:
        """What the webhook about a received SMS carries."""
        return {
            "MessageSid": text.sid, "SmsSid": text.sid, "SmsMessageSid": text.sid, "AccountSid": text.account_sid,
            "From": text.from_, "To": text.to, "Body": text.body, "NumMedia": "0", "NumSegments": str(text.segments),
            "SmsStatus": "received", "ApiVersion": API_VERSION,
            **{party + place: "" for party in ("From", "To") for place in PLACES},
        }  # fmt: skip

    def of(self, number: str) -> list[Text]:
        """What a citizen's telephone shows: all he got and wrote, the oldest first."""
        return [one for one in self.texts.values() if number in {one.from_, one.to}]

    async def close(self) -> None:
        """Stop everything under way without a word."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _live(self, text: Text) -> None:
        fate = self.fates.get(text.to, Fate.DELIVERED)
        self._report(text)
        await asyncio.sleep(0.5 * self._waits)
        text.sent = now()
        self._become(text, "sent")
        if fate is Fate.SILENT:
            return
        await asyncio.sleep(1.0 * self._waits)
        text.error_code = ERRORS.get(fate)
        self._become(text, fate.value)

    def _become(self, text: Text, status: str) -> None:
        text.status, text.updated = status, now()
        self._changes.notify()
        self._report(text)

    def _report(self, text: Text) -> None:
        if text.callback is None:
            return
        params: Mapping[str, str] = {
            "MessageSid": text.sid, "SmsSid": text.sid, "AccountSid": text.account_sid, "From": text.from_,
            "To": text.to, "MessageStatus": text.status, "SmsStatus": text.status, "ApiVersion": API_VERSION,
            **({"ErrorCode": str(text.error_code)} if text.error_code else {}),
        }  # fmt: skip
        self._callbacks.send(text.subject, text.callback, params)

    def _add(self, text: Text) -> Text:
        self.texts[text.sid] = text
        while len(self.texts) > KEPT:
            del self.texts[next(iter(self.texts))]
        self._changes.notify()
        return text
