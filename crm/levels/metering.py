"""What one call adds to the counters, pure.

A call's contribution follows from where it stands; a change of the counters is the difference of two
contributions, so whatever is learnt later (its ente, a second wait) corrects the figures exactly. Where it stands
follows from its facts as well: `replay`, by which the counters are proved.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from operator import add, attrgetter, sub

from crm.levels.terms import Terms


class Callers(StrEnum):
    """The kind of telephone a call is counted under: by the caller's number, else by the line he called."""

    LANDLINE = "landline"
    MOBILE = "mobile"


class FactKind(StrEnum):
    RECEIVED = "received"  # reached the platform within the metering hours
    ENTERED = "entered"  # asked for an operator
    ANNOUNCED = "announced"  # told his position and how long he may have to wait
    CALLBACK = "callback"  # hung up to be called back: keeps his place, waits no more
    SELF_SERVED = "self_served"  # was told by the voice menu what he asked; counts as received, whatever comes then
    PUT_THROUGH = "put_through"  # by the voice menu, to a number outside: neither answered here nor abandoned
    TURNED_AWAY = "turned_away"  # asked for an operator and was not let in: the queue was full
    SERVED = "served"  # both parties joined
    NOT_REACHED = "not_reached"  # it was the answering machine of whoever was called back: that was no answer
    HELD = "held"  # put on hold by the operator
    RESUMED = "resumed"  # and taken up again
    PASSED_ON = "passed_on"  # by the operator: to a colleague, a queue or outside
    RETURNED = "returned"  # cut off from the operator, or passed on to a queue: waits again
    PARTED = "parted"  # the operator hung up: the conversation is over, the caller's line not yet
    LEFT = "left"  # ended without (or after) an operator
    WRAPPED_UP = "wrapped_up"  # the operator is done with it
    MOVED = "moved"  # counts no more where it did: it is about another ente
    ATTRIBUTED = "attributed"  # known from here on to be about this ente


class EndedBy(StrEnum):
    CALLER = "caller"
    AGENT = "agent"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Counts:
    """The measures that add up.

    `waited_over` includes the abandoned, `wait_ms` is of the answered alone, `abandoned_wait_ms` of the others.
    `handled` are conversations that ended, whose times the last three sum. `lost` are the abandoned, those turned
    away, and those who were to be called back in vain.
    """

    received: int = 0
    entered: int = 0
    answered: int = 0
    lost: int = 0
    waited_over: int = 0
    wait_ms: int = 0
    answered_within: int = 0
    abandoned: int = 0
    abandoned_within: int = 0
    abandoned_short: int = 0
    abandoned_wait_ms: int = 0
    handled: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_up_ms: int = 0

    def __sub__(self, other: "Counts") -> "Counts":
        return Counts(*map(sub, self.values, other.values))

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*map(add, self.values, other.values))

    def __bool__(self) -> bool:
        return any(self.values)

    @property
    def handling_ms(self) -> int:
        """Conversation, holds and the work afterwards of the calls that were handled."""
        return self.talk_ms + self.hold_ms + self.wrap_up_ms

    @property
    def values(self) -> tuple[int, ...]:
        """The measures, in the order of `MEASURES`."""
        values: tuple[int, ...] = _values_of(self)
        return values


MEASURES = tuple(Counts.__dataclass_fields__)
_values_of = attrgetter(*MEASURES)


@dataclass(frozen=True, slots=True)
class Extremes:
    """The shortest and the longest of some durations, in milliseconds; none where there are none."""

    shortest_ms: int | None = None
    longest_ms: int | None = None

    def __or__(self, other: "Extremes") -> "Extremes":
        """Of both together."""
        if self.shortest_ms is None or self.longest_ms is None:
            return other
        if other.shortest_ms is None or other.longest_ms is None:
            return self
        return Extremes(min(self.shortest_ms, other.shortest_ms), max(self.longest_ms, other.longest_ms))


@dataclass(frozen=True, slots=True)
class Spread:
    """The extremes of some calls: of conversations that ended, holds left out, and of the waits of the answered."""

    talk: Extremes = Extremes()
    wait: Extremes = Extremes()

    def __or__(self, other: "Spread") -> "Spread":
        """Of both together."""
        return Spread(self.talk | other.talk, self.wait | other.wait)


NOTHING = Spread()


def spread(call: Counts) -> Spread:
    """The extremes of one call, from what it adds to the counters."""
    return Spread(
        Extremes(call.talk_ms, call.talk_ms) if call.handled else Extremes(),
        Extremes(call.wait_ms, call.wait_ms) if call.answered else Extremes(),
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """A call as the meter sees it. `waited_ms` is none while it has never finished waiting."""

    received: bool
    entered: bool
    served: bool
    ended: bool
    waited_ms: int | None
    turned_away: bool = False
    called_back: bool = False  # to be called back instead of waiting
    talk_ms: int = 0  # finished stretches of conversation, holds left out
    hold_ms: int = 0
    wrap_up_ms: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """Where a call is counted. `quarter` is the start of the quarter hour in which it arrived."""

    contract_id: int
    ente_id: int | None
    queue_id: int | None
    callers: Callers
    quarter: datetime


def contribution(call: Measured, terms: Terms) -> Counts:
    """What a call adds to the counters: nothing unless it was received within the metering hours.

    The wait is compared strictly: 40.000 s has not waited over 40 s. Lost: asked for an operator, never reached
    one (Anci Toscana, service levels). Whoever is to be called back has not abandoned, and is lost once that failed.
    """
    if not call.received:
        return Counts()
    waited = call.waited_ms or 0
    left = call.entered and call.ended and not call.served
    abandoned = left and not call.called_back
    expected = call.called_back and not call.ended
    handled = call.served and call.ended
    return Counts(
        received=1,
        entered=int(call.entered),
        answered=int(call.served),
        lost=int(left or (call.turned_away and not call.served and not expected)),
        waited_over=int((call.served or left) and waited > terms.over_ms),
        wait_ms=waited if call.served else 0,
        answered_within=int(call.served and waited <= terms.within_ms),
        abandoned=int(abandoned),
        abandoned_within=int(abandoned and waited <= terms.within_ms),
        abandoned_short=int(abandoned and waited <= terms.short_ms),
        abandoned_wait_ms=waited if abandoned else 0,
        handled=int(handled),
        talk_ms=call.talk_ms if handled else 0,
        hold_ms=call.hold_ms if handled else 0,
        wrap_up_ms=call.wrap_up_ms if handled else 0,
    )


def quarter_of(instant: datetime) -> datetime:
    """The start of the quarter hour to which an instant belongs."""
    return instant.replace(minute=instant.minute // 15 * 15, second=0, microsecond=0)


def hour_of(instant: datetime) -> datetime:
    """The start of the hour to which an instant belongs."""
    return instant.replace(minute=0, second=0, microsecond=0)


def ms_between(start: datetime, end: datetime) -> int:
    """Milliseconds from one instant to another; none when the second is told to be the earlier."""
    return max(0, round((end - start).total_seconds() * 1000))


@dataclass(frozen=True, slots=True)
class Told:
    """One fact of a call, as it was written down."""

    kind: FactKind
    at: datetime
    contract_id: int
    ente_id: int | None
    queue_id: int | None
    callers: Callers
    waited_ms: int


_MARKS = {FactKind.ENTERED: "entered", FactKind.CALLBACK: "called_back", FactKind.TURNED_AWAY: "turned_away"}


def replay(facts: Iterable[Told]) -> tuple[Account, Measured] | None:
    """Where a call stands by its facts, in the order in which they were written; none if it was never received."""
    account: Account | None = None
    call = Measured(received=True, entered=False, served=False, ended=False, waited_ms=None)
    talks_since = held_since = left_at = None
    moved = False  # and where to cannot be seen, as the rows of an ente that is not served any more
    for fact in facts:
        if fact.kind is FactKind.RECEIVED:
            account = Account(fact.contract_id, fact.ente_id, fact.queue_id, fact.callers, quarter_of(fact.at))
        if account is None:
            continue  # outside the metering hours
        account = replace(account, ente_id=fact.ente_id, queue_id=fact.queue_id)
        moved = fact.kind is FactKind.MOVED
        if left_at is not None:
            call = _after_the_end(call, fact, left_at)
            continue
        if held_since is not None and fact.kind not in {FactKind.MOVED, FactKind.ATTRIBUTED}:
            call, held_since = replace(call, hold_ms=call.hold_ms + ms_between(held_since, fact.at)), None
            talks_since = fact.at
        match fact.kind:
            case FactKind.ENTERED | FactKind.CALLBACK | FactKind.TURNED_AWAY:
                call = replace(call, **{_MARKS[fact.kind]: True})
            case FactKind.SERVED:
                call, talks_since = replace(call, served=True, waited_ms=fact.waited_ms), fact.at
            case FactKind.NOT_REACHED:
                call, talks_since = replace(call, served=call.talk_ms > 0), None
            case FactKind.HELD | FactKind.PASSED_ON | FactKind.RETURNED | FactKind.PARTED | FactKind.LEFT:
                if talks_since is not None:
                    call = replace(call, talk_ms=call.talk_ms + ms_between(talks_since, fact.at))
                    talks_since = None
                if fact.kind is FactKind.HELD:
                    held_since = fact.at
                elif fact.kind not in {FactKind.PASSED_ON, FactKind.PARTED}:
                    call = replace(call, waited_ms=fact.waited_ms)
                if fact.kind is FactKind.LEFT:
                    call, left_at = replace(call, ended=True), fact.at
            case _:
                pass
    return None if account is None or moved else (account, call)


def _after_the_end(call: Measured, fact: Told, left_at: datetime) -> Measured:
    """What is told of a call once it is over: how its last moments were, and the operator's notes."""
    match fact.kind:
        case FactKind.SERVED:
            talked = call.talk_ms + ms_between(fact.at, left_at)
            return replace(call, served=True, waited_ms=fact.waited_ms, talk_ms=talked)
        case FactKind.PARTED:
            return replace(call, talk_ms=call.talk_ms - ms_between(fact.at, left_at))
        case FactKind.WRAPPED_UP:
            return replace(call, wrap_up_ms=ms_between(left_at, fact.at))
        case _:
            return call
