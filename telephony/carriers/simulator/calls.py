"""One call: who, in which state, what was heard, and how its execution is interrupted."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from telephony.carriers.simulator.callbacks import Target
from telephony.carriers.simulator.changes import Changes
from telephony.carriers.simulator.instants import now, seconds_between
from telephony.carriers.simulator.sids import new_sid

T = TypeVar("T")


class Status(StrEnum):
    QUEUED = "queued"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    FAILED = "failed"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"

    @property
    def final(self) -> bool:
        return self not in {Status.QUEUED, Status.RINGING, Status.IN_PROGRESS}


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND_API = "outbound-api"
    OUTBOUND_DIAL = "outbound-dial"  # by a <Dial> of another call's


@dataclass(frozen=True, slots=True)
class Source:
    """Where the next document comes from: an address, or TwiML given in place."""

    url: str = ""
    method: str = "POST"
    twiml: str | None = None
    params: tuple[tuple[str, str], ...] = ()


class Interruption(Exception):  # noqa: N818 - a change of course, not an error
    """Something from outside changed what the call must do."""


class HungUp(Interruption):
    """The call ends. `status` overrides the one its state implies."""

    def __init__(self, by: str, status: Status | None = None) -> None:
        super().__init__(by)
        self.by = by
        self.status = status


class Redirected(Interruption):
    """A REST request gave the call a new document."""

    def __init__(self, source: Source) -> None:
        super().__init__(source.url or "twiml")
        self.source = source


@dataclass(frozen=True, slots=True)
class Heard:
    """One line of what the person on the line heard or did. `kind`: say, play, digits, words, state."""

    at: datetime
    kind: str
    text: str


@dataclass(eq=False)
class Call:
    """`ordinal` counts calls from 1: faults are drawn by it, because sids are random."""

    account_sid: str
    direction: Direction
    from_: str
    to: str
    ordinal: int
    sid: str = field(default_factory=lambda: new_sid("CA"))
    status: Status = Status.QUEUED
    number_sid: str | None = None
    parent_sid: str | None = None
    callback: Target | None = None
    fallback_url: str | None = None
    created: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)
    answered: datetime | None = None
    ended: datetime | None = None
    sequence: int = 0
    sip_code: int = 200
    place: str = ""
    """Where the call is, for whoever looks: ivr, queue, conversation, hold."""
    heard: list[Heard] = field(default_factory=list)
    gathers: int = 0
    """How many times digits have been asked for."""
    gathering: bool = False
    changes: Changes = field(default_factory=Changes)
    device: str | None = None
    """The softphone that holds this leg, by its connection's number."""
    by_robot: bool = False
    """That softphone is a colleague's."""
    for_person: bool = False
    """Placed from the page, by somebody who would like a person to answer."""
    answered_by: str | None = None
    """Who spoke with this citizen, once he is in conversation: person or colleague."""
    ring_timeout_s: float = 60.0
    task: asyncio.Task[None] | None = None
    tones: Callable[[str], None] = field(default=lambda _digits: None)
    """Who hears the keys pressed on this line, beside the product: those in its conference."""
    on_end: Callable[[], None] = field(default=lambda: None)
    """What else must be tidied when the call is over."""
    picked_up: asyncio.Event = field(default_factory=asyncio.Event)
    """Somebody whom the product calls has been told to answer, whatever he would have done by himself."""
    person: asyncio.Task[None] | None = None
    """The simulated person who follows a script on this line."""
    hearing: asyncio.Task[None] | None = None
    """Whoever finds out whether a machine answered."""
    _digits: list[str] = field(default_factory=list)
    _words: str = ""
    _pressed: Changes = field(default_factory=Changes)
    _interruption: Interruption | None = None
    _interrupted: Changes = field(default_factory=Changes)

    @property
    def subject(self) -> str:
        """The name under which its callbacks keep their order."""
        return f"call-{self.ordinal}"

    @property
    def live(self) -> bool:
        return not self.status.final

    @property
    def talking(self) -> bool:
        return self.place == "conversation"

    @property
    def duration_s(self) -> int:
        return seconds_between(self.answered, self.ended)

    def note(self, kind: str, text: str) -> None:
        """Add a line to the transcript."""
        self.heard.append(Heard(now(), kind, text))
        self.changes.notify()

    def move(self, place: str) -> None:
        if self.place != place:
            self.place = place
            self.note("state", place)

    def become(self, status: Status) -> None:
        self.status = status
        self.updated = now()
        self.note("state", status.value)

    def interrupt(self, interruption: Interruption) -> None:
        """Ask the execution to change course at its next wait. A hang-up is never replaced."""
        if not isinstance(self._interruption, HungUp):
            self._interruption = interruption
            self._interrupted.notify()

    async def race(self, work: Awaitable[T], timeout_s: float | None = None) -> T:
        """The result of `work`, unless an interruption (raised) or the time-out (`TimeoutError`) is first."""
        task = asyncio.ensure_future(work)
        stop = asyncio.ensure_future(self._interrupted.until(lambda: self._interruption is not None))
        try:
            await asyncio.wait({task, stop}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if self._interruption is not None:
                raise self._take()
            if not task.done():
                raise TimeoutError
            return task.result()
        finally:
            stop.cancel()
            if not task.cancel() and not task.cancelled():
                task.exception()  # looked at, so that a result nobody wants raises no warning

    async def pause(self, seconds: float) -> None:
        """Let time pass; at 0 still let others run, and notice interruptions."""
        await self.race(asyncio.sleep(seconds))

    async def forever(self) -> None:
        """Until interrupted."""
        await self.race(asyncio.get_running_loop().create_future())

    def press(self, digits: str) -> None:
        """The person presses keys."""
        self.note("digits", digits)
        self._digits.extend(digits)
        self._pressed.notify()

    def speak(self, words: str) -> None:
        """The person says something."""
        self.note("words", words)
        self._words = words
        self._pressed.notify()

    def forget_input(self) -> None:
        self._digits.clear()
        self._words = ""

    async def any_input(self, *, listens: bool) -> None:
        """Until a key, or a word where somebody listens, waits to be read; it stays there."""
        await self._pressed.until(lambda: bool(self._digits or (listens and self._words)))

    async def next_input(self, *, listens: bool) -> tuple[str, str]:
        """The next key, or what was said: the other is empty."""
        await self.any_input(listens=listens)
        if self._digits:
            return self._digits.pop(0), ""
        words, self._words = self._words, ""
        return "", words

    def _take(self) -> Interruption:
        assert self._interruption is not None
        interruption = self._interruption
        if not isinstance(interruption, HungUp):
            self._interruption = None
        return interruption
