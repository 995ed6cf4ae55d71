"""What a colleague does in each moment that his console shows, at his own pace.

One rule keeps it simple: he acts on what the screen says now, and stops as soon as it says something else. Whatever
was lost on the way is seen a little later, because the screen still says the same.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

import structlog

from telephony.carriers.simulator.changes import Changes
from telephony.carriers.simulator.colleagues.browser import Browser
from telephony.carriers.simulator.colleagues.console import Console
from telephony.carriers.simulator.colleagues.errors import RefusedError, UnreachableError
from telephony.carriers.simulator.colleagues.model import Account, CallPlan, Colleague
from telephony.carriers.simulator.colleagues.screen import Moment, people_found
from telephony.carriers.simulator.colleagues.softphone import Softphone

log = structlog.get_logger(__name__)
STATE, DEVICE = "/console/state", "/console/device"
IDENTIFY, PROPOSE = "/console/identify", "/console/propose"
SEARCH, DRAFT, HANG_UP, WRAP_UP = "/console/search", "/console/draft", "/console/hang-up", "/console/wrap-up"
HOLD, BACK = "/console/hold", "/console/back"
WITH_CALL = frozenset({"ringing", "talking", "wrap_up"})
LOOK_AGAIN_S = 10.0
TRY_AGAIN_S = 3.0
SHORTEST_WAIT_S = 0.2
"""Real seconds between two tries, so that a fast world does not spin."""
APPEARS_WITHIN_S = 10.0


Leaves = Callable[[str], bool]
"""Whether the caller whose number stands in a text is left to people."""


class MovedOnError(Exception):
    """The screen shows another moment than the one attended to."""


class Breaks:
    """When the next break is due. Times are the event loop's; it outlives sign-ins."""

    def __init__(self, mind: Colleague, scale: float, place: int, of: int) -> None:
        self._mind, self._scale = mind, scale
        self.at = _now() + mind.first_break_in_s(place, of) * scale

    @property
    def due(self) -> bool:
        return _now() >= self.at

    def over(self) -> None:
        self.at = _now() + self._mind.next_break_in_s() * self._scale


@dataclass(slots=True)
class OnCall:
    """One call, and how far he is with it."""

    call: str
    plan: CallPlan
    began: float | None = None
    done: set[str] = field(default_factory=set)
    account: Account | None = None


class Duties:
    """Works until cancelled. Raises `SignedOutError` when the product no longer knows him."""

    def __init__(
        self, mind: Colleague, browser: Browser, console: Console, phone: Softphone, changes: Changes,
        breaks: Breaks, scale: float, leaves: Leaves,
    ) -> None:  # fmt: skip
        self._mind, self._browser, self._phone = mind, browser, phone
        self._console, self._screen = console, console.screen
        self._changes, self._breaks, self._scale = changes, breaks, scale
        self._leaves = leaves
        self._left = ""
        self._moment = Moment()
        self._on_call: OnCall | None = None
        self._told: tuple[bool, int] | None = None
        self._tab = str(uuid4())

    async def work(self) -> None:
        while True:
            self._moment = self._screen.moment
            try:
                await self._attend()
                await self._wait(max(LOOK_AGAIN_S * self._scale, SHORTEST_WAIT_S))
            except MovedOnError:
                continue
            except (UnreachableError, RefusedError) as error:
                log.debug("colleague.not_done", state=self._moment.state, reason=str(error))
                with contextlib.suppress(MovedOnError):
                    await self._wait(max(TRY_AGAIN_S * self._scale, SHORTEST_WAIT_S))

    async def report_device(self) -> None:
        """Tell the product whether the softphone is there: at each change, and when the console was reopened."""
        while True:
            await self._changes.until(lambda: (self._phone.registered, self._console.openings) != self._told)
            now = (self._phone.registered, self._console.openings)
            try:
                await self._browser.press(DEVICE, ready=str(now[0]).lower(), device=self._tab)
                self._told = now
            except (UnreachableError, RefusedError):
                await asyncio.sleep(TRY_AGAIN_S)

    async def _attend(self) -> None:
        if self._moment.state not in WITH_CALL:
            self._on_call = None
        match self._moment.state:
            case "offline":
                await self._sit_down()
            case "ready":
                self._left = ""
                await self._wait(max(0.0, self._breaks.at - _now()))
                await self._take_break()
            case "paused":
                await self._rest()
            case "ringing":
                await self._answer(self._with_call())
            case "talking":
                await self._talk(self._with_call())
            case "wrap_up":
                await self._wrap_up(self._with_call())
            case _:
                await self._wait(None)

    async def _sit_down(self) -> None:
        await self._let_pass(self._mind.settles_in_s())
        await self._appears(lambda: self._phone.registered)
        await self._browser.press(STATE, state="ready")

    async def _take_break(self) -> None:
        await self._browser.press(STATE, state="paused", reason="break")

    async def _rest(self) -> None:
        """A break, or the pause that the product gives to whoever lets a call ring."""
        if self._left:
            await self._come_back()
            return
        due = self._breaks.due
        await self._let_pass(self._mind.rests_s() if due else self._mind.goes_back_in_s())
        await self._browser.press(STATE, state="ready")
        if due:
            self._breaks.over()

    async def _come_back(self) -> None:
        """From a pause that was only a courtesy: as soon as the caller has found somebody."""
        while self._leaves(self._left):
            await self._wait(SHORTEST_WAIT_S)
        await self._browser.press(STATE, state="ready")

    async def _answer(self, on: OnCall) -> None:
        caller = self._screen.text("phone")
        if self._leaves(caller):
            await self._appears(lambda: self._phone.ringing is not None)
            self._left = caller
            await self._phone.reject()
            await self._wait(None)
        elif on.plan.answer_after_s is None:
            await self._wait(None)
        else:
            await self._let_pass(on.plan.answer_after_s)
            await self._appears(lambda: self._phone.ringing is not None)
            await self._phone.accept()

    async def _talk(self, on: OnCall) -> None:
        await self._until(lambda: self._screen.offers(HANG_UP))
        if on.began is None:
            on.began = _now()
        await self._at(on.began, on.plan.identify_at_s)
        await self._identify(on)
        await self._at(on.began, on.plan.note_at_s)
        await self._once(on, DRAFT, call=on.call, topic="", disposition="", note=self._account(on).note)
        await self._hold(on)
        await self._at(on.began, on.plan.talk_s)
        await self._browser.press(HANG_UP, call=on.call)

    async def _hold(self, on: OnCall) -> None:
        """He looks something up while the caller hears music."""
        if on.plan.hold_s is not None and (self._screen.offers(HOLD) or HOLD in on.done):
            await self._once(on, HOLD, call=on.call)
            await self._let_pass(on.plan.hold_s)
            await self._once(on, BACK, call=on.call)

    async def _identify(self, on: OnCall) -> None:
        """Confirm who was proposed; when nobody was, perhaps look for somebody first. Citizens answer rightly."""
        if IDENTIFY in on.done:
            return
        if not self._screen.offers(IDENTIFY) and self._screen.offers(SEARCH) and on.plan.search is not None:
            people = people_found(await self._browser.search(on.plan.search))
            if people:
                await self._let_pass(on.plan.pick_after_s)
                await self._once(on, PROPOSE, contact=self._mind.picks(people))
                await self._appears(lambda: self._screen.offers(IDENTIFY))
                await self._let_pass(on.plan.pick_after_s)
        if self._screen.offers(IDENTIFY):
            who = self._screen.choices("contact")[:1]
            await self._once(on, IDENTIFY, call=on.call, contact=who, right=self._screen.choices("right"))
        on.done.add(IDENTIFY)

    async def _wrap_up(self, on: OnCall) -> None:
        await self._let_pass(on.plan.wrap_up_s)
        account, due = self._account(on), self._breaks.due
        await self._browser.press(
            WRAP_UP, call=on.call, topic=account.topic, disposition=account.disposition, note=account.note,
            next="paused" if due else "ready",
        )  # fmt: skip
        if due:
            await self._take_break()  # says the reason, for which the form has no room

    def _with_call(self) -> OnCall:
        if self._on_call is None or self._on_call.call != self._moment.call:
            self._on_call = OnCall(self._moment.call, self._mind.takes_call())
        return self._on_call

    def _account(self, on: OnCall) -> Account:
        if on.account is None:
            on.account = self._mind.writes(self._screen.choices("topic"), self._screen.choices("disposition"))
        return on.account

    async def _once(self, on: OnCall, path: str, **fields: str | list[str]) -> None:
        """Press once for this call; a refusal is taken for an answer."""
        if path not in on.done:
            with contextlib.suppress(RefusedError):
                await self._browser.press(path, **fields)
            on.done.add(path)

    async def _let_pass(self, seconds: float) -> None:
        await self._wait(seconds * self._scale)

    async def _at(self, began: float, offset_s: float) -> None:
        await self._wait(max(0.0, began + offset_s * self._scale - _now()))

    async def _appears(self, true: Callable[[], bool]) -> None:
        """Until it does, for a while: then he goes on without."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._until(true), APPEARS_WITHIN_S)

    async def _wait(self, real_s: float | None) -> None:
        """Time passes (none: without end). Raises `MovedOnError` as soon as the screen shows another moment."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._until(lambda: False), real_s)

    async def _until(self, true: Callable[[], bool]) -> None:
        def moved() -> bool:
            return self._screen.moment != self._moment

        await self._changes.until(lambda: moved() or true())
        if moved():
            raise MovedOnError


def _now() -> float:
    return asyncio.get_running_loop().time()
