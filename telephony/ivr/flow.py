"""The conversation with a caller before an operator, pure: where he is and what he keyed in; what he hears next.

Zero asks for an operator from everywhere. Three wrong notice numbers lead to an operator too, never to a dead end.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from crm.core.errors import InvalidError
from crm.enti.calendar import Opening
from crm.positions.notice import parse_notice_number
from telephony.ivr import prompts

OPERATOR = "0"
MAX_ATTEMPTS = 3


class Node(StrEnum):
    MENU = "menu"
    NOTICE = "notice"  # asked for the number of a notice
    QUEUE = "queue"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Choice:
    """A key of the menu and the queue it leads to."""

    digit: str
    label: str
    queue_id: int
    asks_notice: bool


@dataclass(frozen=True, slots=True)
class Setting:
    """What the flow needs to know of the line and the caller."""

    greeting_name: str  # the ente, or the contract of a regional number
    opening: Opening
    choices: tuple[Choice, ...]
    operator_queue_id: int
    caller_known: bool  # his number belongs to exactly one taxpayer
    now: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Where a caller is. `step` counts his turns, so that a turn delivered twice is recognised."""

    node: Node = Node.MENU
    step: int = 0
    attempts: int = 0
    queue_id: int | None = None

    def stored(self) -> dict[str, Any]:
        """As a row keeps it."""
        return asdict(self)

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> "Place":
        """The reverse of `stored`."""
        return cls(Node(stored["node"]), stored["step"], stored["attempts"], stored["queue_id"])


@dataclass(frozen=True, slots=True)
class Turn:
    """What follows: the caller's new place and what is said there.

    `look_up` is a notice number to be looked up before going on (`on_notice`); `digits` is how many keys are
    awaited (none: until `#`).
    """

    place: Place
    says: tuple[str, ...] = ()
    digits: int | None = None
    look_up: str | None = None


def begin(setting: Setting) -> Turn:
    """A call arrives."""
    hello = prompts.greeting(setting.greeting_name)
    if not setting.opening.is_open:
        return Turn(Place(Node.CLOSED), (hello, prompts.closed(setting.opening, setting.now)))
    return _menu(Place(), setting, hello)


def on_keys(place: Place, keys: str, setting: Setting) -> Turn:
    """The caller keyed something, or nothing in time (an empty string)."""
    place = replace(place, step=place.step + 1)
    if place.node not in {Node.MENU, Node.NOTICE}:
        return Turn(place)
    if keys == OPERATOR:
        return _to_queue(place, place.queue_id or setting.operator_queue_id, prompts.OPERATOR)
    return _on_menu(place, keys, setting) if place.node is Node.MENU else _on_notice_keys(place, keys, setting)


def on_notice(place: Place, *, found: bool, setting: Setting) -> Turn:
    """The notice number was looked up."""
    if found:
        return _to_queue(place, _queue_of(place, setting), prompts.NOTICE_FOUND)
    return _failed(place, prompts.NOTICE_UNKNOWN, setting)


def repeat(place: Place, setting: Setting) -> Turn:
    """What is said at a place: a caller who comes back to it, or a turn that is delivered twice."""
    match place.node:
        case Node.CLOSED:
            return Turn(place, (prompts.closed(setting.opening, setting.now),))
        case Node.MENU:
            return _menu(place, setting)
        case Node.NOTICE:
            return Turn(place, (prompts.ASK_NOTICE,))
        case Node.QUEUE:
            return Turn(place)


def _menu(place: Place, setting: Setting, *before: str) -> Turn:
    return Turn(replace(place, node=Node.MENU), (*before, prompts.menu(setting.choices)), digits=1)


def _on_menu(place: Place, keys: str, setting: Setting) -> Turn:
    chosen = next((choice for choice in setting.choices if choice.digit == keys), None)
    if chosen is None:
        return _failed(place, prompts.NOT_A_CHOICE if keys else prompts.NOTHING_HEARD, setting)
    place = replace(place, queue_id=chosen.queue_id, attempts=0)
    if chosen.asks_notice and not setting.caller_known:
        return Turn(replace(place, node=Node.NOTICE), (prompts.ASK_NOTICE,))
    return _to_queue(place, chosen.queue_id, prompts.OPERATOR)


def _on_notice_keys(place: Place, keys: str, setting: Setting) -> Turn:
    if not keys:
        return _failed(place, prompts.NOTHING_HEARD, setting)
    try:
        return Turn(place, look_up=parse_notice_number(keys))
    except InvalidError:
        return _failed(place, prompts.NOTICE_WRONG, setting)


def _failed(place: Place, why: str, setting: Setting) -> Turn:
    place = replace(place, attempts=place.attempts + 1)
    if place.attempts >= MAX_ATTEMPTS:
        return _to_queue(place, _queue_of(place, setting), prompts.NEVER_MIND)
    if place.node is Node.MENU:
        return _menu(place, setting, why)
    return Turn(place, (why, prompts.ASK_NOTICE))


def _queue_of(place: Place, setting: Setting) -> int:
    return place.queue_id or setting.operator_queue_id


def _to_queue(place: Place, queue_id: int, *says: str) -> Turn:
    return Turn(replace(place, node=Node.QUEUE, queue_id=queue_id), says)
