"""Simulated people on the line: a script of steps, followed as far as the product lets them."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from telephony.carriers.simulator.calls import Call, HungUp
from telephony.carriers.simulator.config import Pace

PAST_MENU = frozenset({"queue", "waiting", "conversation", "hold"})


@dataclass(frozen=True, slots=True)
class Step:
    """One of: `say_digits` or `say_words` when next asked (after `after_s` of thought; with `before_queue`, not if
    the queue is reached unasked); `patience_s` in the queue, then hang up; `talk_s` in conversation, then hang up;
    `wait_s`; `hang_up`."""

    say_digits: str | None = None
    say_words: str | None = None
    after_s: float = 0.0
    before_queue: bool = False
    patience_s: float | None = None
    talk_s: float | None = None
    wait_s: float | None = None
    hang_up: bool = False


def live_by(call: Call, script: Sequence[Step], pace: Pace) -> None:
    """Start following the script; whoever has reached its end stays on the line."""
    if script:
        call.person = asyncio.create_task(_follow(call, script, pace), name=f"citizen {call.sid}")


async def _follow(call: Call, script: Sequence[Step], pace: Pace) -> None:
    answered_gathers = 0
    for step in script:
        if step.say_digits is not None or step.say_words is not None:
            answered_gathers = await _answer(call, step, pace, answered_gathers)
        elif step.patience_s is not None:
            await _until(call, lambda: call.place in PAST_MENU)
            await _until(call, lambda: call.talking, step.patience_s * pace.waits)
            if not call.talking:
                hang_up(call)
        elif step.talk_s is not None:
            await _until(call, lambda: call.talking)
            await _let_pass(call, step.talk_s * pace.waits)
            hang_up(call)
        elif step.wait_s is not None:
            await _let_pass(call, step.wait_s * pace.waits)
        elif step.hang_up:
            hang_up(call)
        if not call.live:
            return


async def _answer(call: Call, step: Step, pace: Pace, seen: int) -> int:
    """Wait for a request for digits or words after the `seen` first ones; answers how many have been seen now."""

    def asked() -> bool:
        return call.gathering and call.gathers > seen

    def too_late() -> bool:
        return step.before_queue and call.place in PAST_MENU

    while call.live:
        await _until(call, lambda: asked() or too_late())
        if too_late() or not asked():  # what is asked in the queue is another question
            break
        await _let_pass(call, step.after_s * pace.waits)
        if asked():  # thinking may have taken longer than the product waited
            if step.say_words is not None:
                call.speak(step.say_words)
            else:
                call.press(step.say_digits or "")
            break
    return call.gathers


def hang_up(call: Call) -> None:
    """The person puts the receiver down."""
    if call.live:
        call.interrupt(HungUp("caller"))


async def _until(call: Call, true: Callable[[], bool], limit_s: float | None = None) -> None:
    waiting = call.changes.until(lambda: not call.live or true())
    try:
        await asyncio.wait_for(waiting, limit_s)
    except TimeoutError:
        return


async def _let_pass(call: Call, seconds: float) -> None:
    """Time passes, or the call ends."""
    await _until(call, lambda: False, seconds)
