"""The life cycle of a thread, pure: a state and an event in, a state out. Total: every event in every state.

An event that does not fit changes nothing: the agent who took it a moment too late has not taken it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from telephony.queues.routing import HEAD, MEANT_S
from telephony.texts.models import Closed, ThreadState

LOOK_S = 30  # a thread that waits is looked at so often, should a signal have been lost
AGAIN_S = 60  # so long after the last one let a thread go by, all of them may be offered it again
REOPENED_WITHIN = timedelta(hours=24)
WITH_AGENT = frozenset({ThreadState.OFFERED, ThreadState.OPEN, ThreadState.IDLE})


@dataclass(frozen=True, slots=True)
class Thread:
    """What an event may change of a thread: columns of its table."""

    state: ThreadState
    agent_id: int | None
    priority: int
    queue_id: int
    domain: str
    entered_at: datetime
    not_before: datetime | None
    waiting_since: datetime | None
    waited_ms: int
    offered_at: datetime | None
    taken_at: datetime | None
    answered_at: datetime | None
    wrote_at: datetime
    replied_at: datetime | None
    knows: int | None
    meant_for: int | None
    missed_by: tuple[int, ...]  # one after another, since somebody last had it
    missed_at: datetime | None
    reopened: int
    closed_at: datetime | None
    closed: Closed | None

    @property
    def owes_answer(self) -> bool:
        """Whether the last word is the citizen's."""
        return self.replied_at is None or self.wrote_at > self.replied_at


def restored(values: Iterable[Any]) -> Thread:
    """A thread from its columns, in their order."""
    columns: list[Any] = [tuple(one) if isinstance(one, list) else one for one in values]
    return Thread(*columns)


@dataclass(frozen=True, slots=True)
class Wrote:
    """The citizen writes. `opens_at`: the line is closed until then; `back`: whoever has the thread is there."""

    at: datetime
    opens_at: datetime | None = None
    back: bool = True


@dataclass(frozen=True, slots=True)
class Offered:
    at: datetime
    agent_id: int


@dataclass(frozen=True, slots=True)
class Taken:
    """The agent takes what he was offered."""

    at: datetime
    agent_id: int


@dataclass(frozen=True, slots=True)
class Missed:
    """An offer ran out, or was declined."""

    at: datetime
    agent_id: int


@dataclass(frozen=True, slots=True)
class Replied:
    at: datetime
    agent_id: int


@dataclass(frozen=True, slots=True)
class PassedOn:
    """Its agent gives it to a queue, or to a colleague in it."""

    at: datetime
    queue_id: int
    domain: str
    to: int | None = None


@dataclass(frozen=True, slots=True)
class AgentGone:
    """The agent who has it is not in service any more."""

    at: datetime
    agent_id: int


@dataclass(frozen=True, slots=True)
class FellSilent:
    """The citizen has not answered for long."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    at: datetime
    how: Closed


Event = Wrote | Offered | Taken | Missed | Replied | PassedOn | AgentGone | FellSilent | Ended


def advance(now: Thread, event: Event) -> Thread:  # noqa: PLR0911  # one for each event
    """Fold one event into a thread."""
    match event:
        case Wrote():
            return _wrote(now, event)
        case Offered(at, agent_id) if now.state is ThreadState.WAITING:
            return replace(now, state=ThreadState.OFFERED, agent_id=agent_id, offered_at=at)
        case Taken(at, agent_id) if now.state is ThreadState.OFFERED and now.agent_id == agent_id:
            waited = _waited_ms(now, at)
            return replace(
                now, state=ThreadState.OPEN, taken_at=now.taken_at or at, waited_ms=waited, waiting_since=None,
                offered_at=None, knows=agent_id, meant_for=None, missed_by=(), missed_at=None, not_before=None,
            )  # fmt: skip
        case Missed(at, agent_id) if now.state is ThreadState.OFFERED and now.agent_id == agent_id:
            return replace(
                now, state=ThreadState.WAITING, agent_id=None, offered_at=None, meant_for=None,
                missed_by=(*now.missed_by, agent_id), missed_at=at,
            )  # fmt: skip
        case Replied(at, agent_id) if now.state in {ThreadState.OPEN, ThreadState.IDLE} and now.agent_id == agent_id:
            return replace(now, state=ThreadState.OPEN, answered_at=now.answered_at or at, replied_at=at)
        case PassedOn(at, queue_id, domain, to) if now.state in {ThreadState.OPEN, ThreadState.IDLE}:
            passed = _waits(now, at, priority=HEAD)
            return replace(passed, queue_id=queue_id, domain=domain, meant_for=to, knows=to)
        case AgentGone(at, agent_id) if now.agent_id == agent_id and now.state is ThreadState.OFFERED:
            return replace(now, state=ThreadState.WAITING, agent_id=None, offered_at=None, meant_for=None)
        case AgentGone(at, agent_id) if now.agent_id == agent_id and now.state is ThreadState.OPEN:
            return _waits(now, at, priority=HEAD) if now.owes_answer else replace(now, state=ThreadState.IDLE)
        case FellSilent() if now.state is ThreadState.OPEN and not now.owes_answer:
            return replace(now, state=ThreadState.IDLE)
        case Ended(at, how) if now.state is not ThreadState.CLOSED:
            return replace(
                now, state=ThreadState.CLOSED, closed_at=at, closed=how, waited_ms=_waited_ms(now, at),
                waiting_since=None, offered_at=None, not_before=None,
            )  # fmt: skip
        case _:
            return now


def _wrote(now: Thread, event: Wrote) -> Thread:
    """One of who has nobody waits; whoever was silent, or had been served, goes on with whom he wrote with."""
    wrote = replace(now, wrote_at=max(now.wrote_at, event.at))
    match now.state:
        case ThreadState.IDLE if event.back:
            return replace(wrote, state=ThreadState.OPEN)
        case ThreadState.IDLE:
            return _waits(wrote, event.at, priority=HEAD, opens_at=event.opens_at)
        case ThreadState.CLOSED:
            again = replace(wrote, reopened=now.reopened + 1, closed_at=None, closed=None)
            return _waits(again, event.at, priority=now.priority, opens_at=event.opens_at)
        case _:
            return wrote


def _waits(now: Thread, at: datetime, *, priority: int, opens_at: datetime | None = None) -> Thread:
    return replace(
        now, state=ThreadState.WAITING, agent_id=None, priority=priority, entered_at=at, offered_at=None,
        waiting_since=opens_at or at, not_before=opens_at, meant_for=None, missed_by=(), missed_at=None,
    )  # fmt: skip


def _waited_ms(now: Thread, at: datetime) -> int:
    """Up to the first taking: what comes after it is no wait for somebody."""
    if now.taken_at is not None or now.waiting_since is None:
        return now.waited_ms
    return now.waited_ms + max(0, round((at - now.waiting_since) / timedelta(milliseconds=1)))


@dataclass(frozen=True, slots=True)
class Patience:
    """In how many seconds something happens by itself."""

    offer_s: int
    idle_s: int
    close_s: int


def due(now: Thread, patience: Patience, widenings: Iterable[int], at: datetime) -> datetime | None:
    """When something is next to be done about a thread without anybody's doing."""
    match now.state:
        case ThreadState.WAITING:
            instants = [now.entered_at + timedelta(seconds=seconds) for seconds in (*widenings, MEANT_S)]
            if now.not_before is not None:
                instants.append(now.not_before)
            if now.missed_at is not None:
                instants.append(now.missed_at + timedelta(seconds=AGAIN_S))
            return min((one for one in instants if one > at), default=at + timedelta(seconds=LOOK_S))
        case ThreadState.OFFERED:
            return (now.offered_at or at) + timedelta(seconds=patience.offer_s)
        case ThreadState.OPEN if not now.owes_answer:
            assert now.replied_at is not None
            return now.replied_at + timedelta(seconds=patience.idle_s)
        case ThreadState.IDLE:
            return max(now.wrote_at, now.replied_at or now.wrote_at) + timedelta(seconds=patience.close_s)
        case _:
            return None


def happens(now: Thread, patience: Patience, at: datetime) -> Event | None:
    """What happens by itself at this instant, if it is time; none: nothing but, where it waits, a match."""
    when = due(now, patience, (), at)
    if now.state is ThreadState.WAITING or when is None or when > at:
        return None
    match now.state:
        case ThreadState.OFFERED:
            assert now.agent_id is not None
            return Missed(at, now.agent_id)
        case ThreadState.OPEN:
            return FellSilent(at)
        case _:
            return Ended(at, Closed.SILENT)


@dataclass(frozen=True, slots=True)
class LiveThread:
    """A thread as the deciding code has it."""

    id: UUID
    contract_id: int
    ente_id: int | None
    line: str
    citizen: str
    language: str
    contact_id: int | None
    thread: Thread
