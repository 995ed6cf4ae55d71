"""Executes TwiML on one call: fetches documents, speaks, listens for digits, and follows where they lead."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urljoin

import structlog

from telephony.carriers.simulator.calls import Call, HungUp, Redirected, Source, Status
from telephony.carriers.simulator.errors import DocumentError
from telephony.carriers.simulator.exchange import Exchange
from telephony.carriers.simulator.twiml import BACKGROUND, VERBS, Verb, parse

log = structlog.get_logger(__name__)

APOLOGY = "We are sorry, an application error has occurred. Goodbye."
XML_TYPES = frozenset({"text/xml", "application/xml", "text/html"})
SILENT = frozenset({"Reject", "Pause", "Redirect"})
"""Verbs that do not pick the call up."""
MAX_LOOPS = 1000


class Race(Protocol):
    """How to wait: `Call.race`, or plainly for what plays behind a call."""

    async def __call__(self, work: Awaitable[Any], timeout_s: float | None = None) -> Any: ...


@dataclass(frozen=True, slots=True)
class Frame:
    """What a document may contain, and what its requests say besides the call's own facts."""

    allowed: frozenset[str] = VERBS - {"Leave"}
    facts: Callable[[], Mapping[str, str]] = dict
    free_jumps: int = 50
    """Documents in a row before each further one must wait: one that redirects to itself must not spin."""


MAIN = Frame()
BEHIND = Frame(allowed=BACKGROUND, free_jumps=1)


@dataclass(frozen=True, slots=True)
class Base:
    """The document being executed: relative addresses start from it."""

    source: Source
    url: str
    frame: Frame = field(default=MAIN)

    def resolve(self, reference: str, method: str, **params: str) -> Source:
        url = urljoin(self.url.partition("#")[0], reference) if reference else self.url
        return Source(url=url, method=method.upper() or "POST", params=tuple(params.items()))


class LeftQueue(Exception):  # noqa: N818 - a step of the story, not an error
    """`<Leave>` was executed."""


class Interpreter:
    """One per call. A verb answers with the next document, or with None to go on."""

    def __init__(
        self,
        exchange: Exchange,
        call: Call,
        race: Race | None = None,
        more: Mapping[str, "Step"] | None = None,
    ) -> None:
        self.exchange = exchange
        self.call = call
        self.pace = exchange.config.pace
        self.race: Race = race or call.race
        self._verbs: Mapping[str, Callable[[Verb, Base], Awaitable[Source | None]]] = {
            "Say": self.say, "Play": self.play, "Pause": self.pause, "Gather": self.gather,
            "Redirect": self.redirect, "Hangup": self.hangup, "Reject": self.reject, "Leave": self.leave,
        }  # fmt: skip
        self._more = more or {}

    async def run(self, source: Source | None) -> None:
        """Until the documents end or the call does; always leaves by `HungUp`."""
        while True:
            try:
                source = await self._course(source)
            except Redirected as redirected:
                source = redirected.source
                self.call.move("ivr")

    async def _course(self, source: Source | None) -> Source:
        """To the end of the documents, or to the fallback that replaces a bad one."""
        try:
            await self.follow(source, MAIN)
        except DocumentError as error:
            return await self._recover(error)
        raise HungUp("end of document")

    async def follow(self, source: Source | None, frame: Frame) -> None:
        """Execute a document and those it leads to, until one ends."""
        jumps = 0
        while source is not None:
            source = await self._document(source, frame)
            jumps += 1
            if source is not None and jumps >= frame.free_jumps:
                await self.race(asyncio.sleep(self.pace.repeat_floor_s))

    async def _document(self, source: Source, frame: Frame) -> Source | None:
        url, content_type, text = await self.race(self._fetch(source, frame))
        base = Base(source, url, frame)
        for verb in _read(url, content_type, text):
            if verb.name not in frame.allowed:
                raise DocumentError(12200, url, f"<{verb.name}> is not allowed here")
            if frame is MAIN and verb.name not in SILENT:
                self.exchange.answer(self.call)
            following = await self._step(verb, base)
            if following is not None:
                return following
        return None

    async def _step(self, verb: Verb, base: Base) -> Source | None:
        if (step := self._more.get(verb.name)) is not None:
            return await step(self, verb, base)
        return await self._verbs[verb.name](verb, base)

    async def _fetch(self, source: Source, frame: Frame) -> tuple[str, str, str]:
        return await self.exchange.fetch(self.call, source, frame.facts())

    async def _recover(self, error: DocumentError) -> Source:
        """The fallback address, once; else the carrier's own apology and the end."""
        log.warning("twiml.error", call=self.call.sid, code=error.code, url=error.url, error=error.message)
        self.call.note("error", f"{error.code}: {error.message}")
        fallback, self.call.fallback_url = self.call.fallback_url, None
        if fallback:
            params = (("ErrorCode", str(error.code)), ("ErrorUrl", error.url))
            return Source(url=fallback, params=params)
        self.exchange.answer(self.call)
        await self.speak(APOLOGY)
        raise HungUp("application error", Status.FAILED if error.code == 12200 else None)

    async def speak(self, text: str) -> None:
        self.call.note("say", text)
        await self.race(asyncio.sleep(self.pace.saying(text)))

    async def say(self, verb: Verb, _base: Base) -> Source | None:
        async for _ in self._loops(verb):
            await self.speak(verb.text)
        return None

    async def play(self, verb: Verb, base: Base) -> Source | None:
        if digits := verb.get("digits"):
            self.call.note("play", digits)
            return None
        async for _ in self._loops(verb):
            self.call.note("play", urljoin(base.url, verb.text))
            await self.race(asyncio.sleep(self.pace.play_s * self.pace.speech))
        return None

    async def _loops(self, verb: Verb) -> AsyncIterator[int]:
        """`loop` times; 0 means for ever, never faster than the floor."""
        loop = int(verb.number("loop", 1))
        for turn in range(loop or MAX_LOOPS):
            if turn and self.pace.speech == 0:
                await self.race(asyncio.sleep(self.pace.repeat_floor_s))
            yield turn

    async def pause(self, verb: Verb, _base: Base) -> Source | None:
        await self.race(asyncio.sleep(verb.number("length", 1) * self.pace.speech))
        return None

    async def redirect(self, verb: Verb, base: Base) -> Source | None:
        return base.resolve(verb.text, verb.get("method", "POST"))

    async def hangup(self, _verb: Verb, _base: Base) -> Source | None:
        raise HungUp("twiml")

    async def reject(self, verb: Verb, _base: Base) -> Source | None:
        busy = verb.get("reason") == "busy"
        if not busy:
            self.call.note("say", "The number you have dialed is not in service.")
        raise HungUp("twiml", Status.BUSY if busy else Status.NO_ANSWER)

    async def leave(self, _verb: Verb, _base: Base) -> Source | None:
        raise LeftQueue

    async def gather(self, verb: Verb, base: Base) -> Source | None:
        """Digits, or words where the verb listens; the first one cuts the prompt."""
        call = self.call
        listens = "speech" in verb.get("input", "dtmf").split()
        call.forget_input()
        call.gathering, call.gathers = True, call.gathers + 1
        call.changes.notify()
        try:
            await self._prompt(verb, base, listens=listens)
            digits, ended_by, words = await self._collect(verb, listens=listens)
        finally:
            call.gathering = False
            call.changes.notify()
        if not digits and not ended_by and not words and not verb.flag("actionOnEmptyResult", default=False):
            return None
        params = {"Digits": digits, "FinishedOnKey": ended_by, "msg": "Gather End"}
        if words:
            params |= {"SpeechResult": words, "Confidence": "0.9"}
        return base.resolve(verb.get("action"), verb.get("method", "POST"), **params)

    async def _prompt(self, verb: Verb, base: Base, *, listens: bool) -> None:
        """Speak the nested verbs until they end, a key is pressed or a word said."""
        prompts = asyncio.ensure_future(self._prompts(verb, base))
        key = asyncio.ensure_future(self.call.any_input(listens=listens))
        try:
            await self.race(asyncio.wait({prompts, key}, return_when=asyncio.FIRST_COMPLETED))
            if prompts.done():
                prompts.result()
        finally:
            for task in (prompts, key):
                task.cancel()
            await asyncio.gather(prompts, key, return_exceptions=True)

    async def _prompts(self, verb: Verb, base: Base) -> None:
        behind = Interpreter(self.exchange, self.call, plainly)
        for nested in verb.children:
            await behind.prompt(nested, base)

    async def prompt(self, verb: Verb, base: Base) -> None:
        """Execute one verb nested in a `<Gather>`."""
        await self._verbs[verb.name](verb, base)

    async def _collect(self, verb: Verb, *, listens: bool) -> tuple[str, str, str]:
        """The digits, the key that ended them (empty after a time-out or the last expected digit), or what was said."""
        wanted = int(verb.number("numDigits", 0))
        finish = verb.get("finishOnKey", "#")
        patience = verb.number("timeout", 5) * self.pace.waits
        digits = ""
        while not wanted or len(digits) < wanted:
            try:
                key, words = await self.race(self.call.next_input(listens=listens), patience)
            except TimeoutError:
                break
            if words:
                return "", "", words
            if finish and key in finish:
                return digits, key, ""
            digits += key
        return digits, "", ""


Step = Callable[[Interpreter, Verb, Base], Awaitable[Source | None]]
"""A verb that lives in a module of its own."""


async def plainly(work: Awaitable[Any], timeout_s: float | None = None) -> Any:
    """Wait without noticing the call's interruptions: its owner cancels us."""
    return await asyncio.wait_for(work, timeout_s)


def _read(url: str, content_type: str, text: str) -> tuple[Verb, ...]:
    if content_type in XML_TYPES:
        return parse(text, url)
    if content_type == "text/plain":
        return (Verb("Say", {}, text.strip()),)
    if content_type.startswith("audio/"):
        return (Verb("Play", {}, url),)
    raise DocumentError(12300, url, f"content type {content_type or 'missing'}")
