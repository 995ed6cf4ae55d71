"""What the dialer does now, pure: whose telephone rings, who is called, which calls are given up, and why.

Operators wait in their seats, alone in a conference, before anybody is called for them. With one line for each the
line is theirs; ahead of them, whoever answers goes to the one who has waited longest. An operator who leaves, asks for
a pause or is needed by people who phone us gets nobody from that moment on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from outbound.campaigns.plan import Mode
from outbound.dialer.expected import Expected
from outbound.dialer.pacing import Now, to_dial, to_drop

SOON_S = 8.0  # who is expected to be free within these seconds is counted on
AGGRESSIVE = (Mode.PREVIEW, Mode.PROGRESSIVE, Mode.PREDICTIVE)


class SeatState(StrEnum):
    """Where an operator of the campaign is."""

    AWAY = "away"  # on a pause, out of service, or his console is not there
    FREE = "free"  # ready, and not in his seat yet
    OPENING = "opening"  # his telephone rings
    WAITING = "waiting"  # in his seat
    LEAVING = "leaving"  # in his seat, and wants to be ready no more
    TALKING = "talking"
    LAST = "last"  # in a conversation, or its notes, after which he is ready no more
    NOTES = "notes"
    ELSEWHERE = "elsewhere"  # with somebody whom the dialer did not call


@dataclass(frozen=True, slots=True)
class Seat:
    """An operator on the campaign. `since_s`: for how long he waits in his seat, or is busy with somebody."""

    agent_id: int
    state: SeatState
    since_s: float = 0.0
    call_id: UUID | None = None
    rests: bool = False  # his telephone rang a moment ago and it came to nothing: not again at once


@dataclass(frozen=True, slots=True)
class Ringing:
    """A line on which somebody's telephone rings, for so long; `for_agent`: who alone gets him."""

    line_id: UUID
    rung_s: float
    for_agent: int | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """The campaign at an instant. `runs`: people may be called now; `inbound`: operators whom those need who phone us,
    and for whom no operator is free: `callers`.

    `price`: of `pacing`, none where a call too many may not be risked; `at_most`: calls that may leave now.
    """

    mode: Mode
    runs: bool
    seats: Sequence[Seat]
    ringing: Sequence[Ringing]
    expected: Expected
    price: float
    least: int = 10
    inbound: frozenset[int] = frozenset()
    callers: int = 0
    at_most: int = 10
    refused: bool = False  # the carrier refused the last calls, and is asked again later
    broke: bool = False  # the campaign's money is spent

    @property
    def present(self) -> int:
        """Operators who take part now."""
        away = {SeatState.AWAY, SeatState.ELSEWHERE, SeatState.LEAVING, SeatState.LAST}
        return sum(one.state not in away for one in self.seats)


class Why(StrEnum):
    """What the pace is for."""

    STOPPED = "stopped"  # by a supervisor, or the campaign does not run
    BUDGET = "budget"  # what it may cost is spent
    CARRIER = "carrier"  # the carrier refuses calls
    PREVIEW = "preview"  # operators look first, and call themselves
    NOBODY = "nobody"  # no operator is there
    INBOUND = "inbound"  # people who phone us need them
    OPENING = "opening"  # operators are being rung
    BUSY = "busy"  # all are in conversation
    ENOUGH = "enough"  # as many ring as it takes
    LIST = "list"  # nobody of the list may be called now
    DIALS = "dials"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why it does what it does, with what it goes by. `mode`: the one that holds; `capped`, `few`: why not further."""

    why: Why
    mode: Mode
    ready: int = 0
    ringing: int = 0
    soon: int = 0  # operators who are expected to be free within `SOON_S`
    count: int = 0  # calls that are started now
    capped: bool = False
    few: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Operators to ring, seats to let go (their calls), lines to give up; of each call to start for whom (none: for
    whoever waits longest then).
    """

    reason: Reason
    open: tuple[int, ...] = ()
    release: tuple[UUID, ...] = ()
    drop: tuple[UUID, ...] = ()
    dial: tuple[int | None, ...] = ()


def decide(desk: Desk) -> Decision:
    """What to do now."""
    if not desk.runs or desk.broke or desk.mode is Mode.PREVIEW:
        why = Why.STOPPED if not desk.runs else Why.BUDGET if desk.broke else Why.PREVIEW
        return Decision(
            Reason(why, desk.mode), release=_calls(desk.seats, SeatState.WAITING, SeatState.OPENING, SeatState.LEAVING),
            drop=tuple(one.line_id for one in desk.ringing),
        )  # fmt: skip
    waiting = {one.agent_id for one in desk.seats if one.state is SeatState.WAITING}
    theirs = {one.for_agent for one in desk.ringing} & waiting
    anybodys = [one for one in desk.ringing if one.for_agent not in theirs]
    needed = desk.inbound - theirs  # whoever's line rings already keeps it
    ready = [
        one for one in sorted(desk.seats, key=lambda one: -one.since_s)
        if one.state is SeatState.WAITING and one.agent_id not in theirs | needed
    ]  # fmt: skip
    ahead = desk.mode is Mode.PREDICTIVE and desk.present >= desk.least
    price = desk.price if ahead else 0.0
    busy = [one.since_s for one in desk.seats if one.state in {SeatState.TALKING, SeatState.NOTES}]
    now = Now(len(ready), busy, [one.rung_s for one in anybodys])
    held = desk.refused or desk.callers > len(desk.inbound)  # whoever is free next is theirs
    count = 0 if held else to_dial(now, desk.expected, price, at_most=desk.at_most)
    for_whom = (None,) * count if price > 0 else tuple(one.agent_id for one in ready[::-1][:count])
    rang_least = sorted(anybodys, key=lambda one: one.rung_s)
    drop = tuple(one.line_id for one in rang_least[: to_drop(now, desk.expected, price)])
    opened = tuple(
        one.agent_id for one in desk.seats
        if one.state is SeatState.FREE and not one.rests and one.agent_id not in desk.inbound
    )  # fmt: skip
    leaving = () if drop else _calls(desk.seats, SeatState.LEAVING)  # till then he is there, should somebody answer
    wanted = tuple(one.call_id for one in desk.seats if one.call_id and one.agent_id in needed & waiting)
    reason = _reason(desk, now, count, ahead=ahead, opened=len(opened))
    return Decision(reason, opened, (*leaving, *wanted), drop, for_whom)


def kept_for_inbound(waiting: Sequence[int], seats: Iterable[tuple[int, frozenset[int]]]) -> frozenset[int]:
    """Which operators people need who phone us: for each who waits, by his queue, one who may answer there.

    `seats`: operators in the order in which they are asked, with their queues. Nobody is kept for two.
    """
    kept: set[int] = set()
    free = list(seats)
    for queue_id in waiting:
        found = next((one for one in free if queue_id in one[1]), None)
        if found is not None:
            free.remove(found)
            kept.add(found[0])
    return frozenset(kept)


def allowed(mode: Mode, approved: Mode) -> bool:
    """Whether calls may be placed so where the ente approved that: as it approved, or with more of a look first."""
    return AGGRESSIVE.index(mode) <= AGGRESSIVE.index(approved)


def _calls(seats: Sequence[Seat], *states: SeatState) -> tuple[UUID, ...]:
    return tuple(one.call_id for one in seats if one.state in states and one.call_id is not None)


def _reason(desk: Desk, now: Now, count: int, *, ahead: bool, opened: int) -> Reason:
    soon = round(sum(desk.expected.freed(one, SOON_S) for one in now.busy))
    rings = len(desk.ringing)
    if count:
        why = Why.DIALS
    elif desk.refused:
        why = Why.CARRIER
    elif not desk.present:
        why = Why.NOBODY
    elif desk.callers and (not now.ready or desk.callers > len(desk.inbound)):
        why = Why.INBOUND
    elif rings:
        why = Why.ENOUGH
    elif opened or any(one.state is SeatState.OPENING for one in desk.seats):
        why = Why.OPENING
    else:
        why = Why.ENOUGH if now.ready else Why.BUSY
    wants = desk.mode is Mode.PREDICTIVE
    mode = Mode.PREDICTIVE if ahead and desk.price > 0 else Mode.PROGRESSIVE
    return Reason(
        why, mode, now.ready, rings, soon, count, capped=ahead and desk.price <= 0, few=wants and not ahead
    )  # fmt: skip
