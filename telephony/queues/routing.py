"""Which free agent takes which waiting call. Pure: facts in, assignments out.

Calls are taken by priority, which may grow while they wait, then by arrival. Each goes, of those free agents who may
take it, to the one who knows the caller, else to the best for its queue, else to the one who is idle for longest.
Who may take a call widens with its wait: agents of lower levels, of another queue, who do not speak its language. A
call that nobody free can take keeps its place and holds up nobody behind it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

HEAD = 100  # the priority of whoever was cut off: past all that waiting can give
BEST, LOWEST = 1, 3  # levels of an agent in a queue
ITALIAN = "it"  # everybody speaks it
BACK_S = 10  # for so long whoever was cut off is kept for his agent, while that one's console is there
PASSED_S = 30  # for so long whoever passed a call on does not get it back, while a colleague in service may take it
MEANT_S = 30  # for so long a call is kept for the colleague whom it was passed on to: as long as he may ring


@dataclass(frozen=True, slots=True)
class Helper:
    """Another queue, whose agents may answer, too, after so many seconds."""

    queue_id: int
    after_s: int


def helpers(queue_id: int, overflows: Mapping[int, tuple[int | None, int]]) -> tuple[Helper, ...]:
    """Who helps a queue: the one that it overflows to, then the one to which that overflows, and so on.

    `overflows` has of each queue the next one, and after how many seconds; they add up. Two queues may help each other:
    where the way comes back to a queue that it has passed, it ends.
    """
    found: list[Helper] = []
    passed, (following, after_s) = {queue_id}, overflows.get(queue_id, (None, 0))
    while following is not None and following not in passed:
        passed.add(following)
        found.append(Helper(following, after_s))
        following, more_s = overflows.get(following, (None, 0))
        after_s += more_s
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Rules:
    """How a queue is routed, in seconds of waiting."""

    ages_s: int = 0  # each so many raise the priority by one; 0: it does not age
    widens_s: int = 0  # after so many each, agents one level lower may answer
    helpers: tuple[Helper, ...] = ()  # other queues, whose agents may answer, too
    sticky_s: int = 0  # for so long it is kept for who knows the caller, if he is in service
    language_s: int = 60  # after so many, agents who do not speak the caller's language may answer

    def widenings(self, language: str, *, known: bool) -> frozenset[int]:
        """The seconds of waiting after which somebody else may answer a call: a match is due then, whatever happens.

        `known`: an agent may know its caller.
        """
        levels = {self.widens_s * step for step in range(1, LOWEST)}
        overflow = {helper.after_s for helper in self.helpers}
        others = {self.language_s} if language != ITALIAN else set()
        return frozenset(levels | overflow | others | ({self.sticky_s} if known else set())) - {0}


USUAL = Rules()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call that waits. Higher `priority` first; `knows` is the agent who spoke with this caller last.

    At the head that is the one from whom he was cut off.
    """

    call_id: UUID
    queue_id: int
    priority: int
    entered_at: datetime
    ente_id: int | None = None  # none: nobody knows yet
    language: str = ITALIAN
    knows: int | None = None
    meant_for: int | None = None  # the colleague whom an agent passed it on to
    passed_by: int | None = None  # the agent who passed it on to this queue
    not_by: frozenset[int] = frozenset()  # agents who have just let it go by


@dataclass(frozen=True, slots=True)
class FreeAgent:
    """An agent who can take a call now: his level in each of his queues, the languages he speaks beside Italian.

    `load`: with how many things he is busy beside it; with calls that is none.
    """

    agent_id: int
    idle_since: datetime
    queues: Mapping[int, int]
    not_for: frozenset[int] = frozenset()  # the enti that keep him away
    languages: frozenset[str] = frozenset()
    load: int = 0

    def speaks(self, language: str) -> bool:
        """Whether he can talk with somebody in this language."""
        return language == ITALIAN or language in self.languages


@dataclass(frozen=True, slots=True)
class Assignment:
    call_id: UUID
    agent_id: int


@dataclass(frozen=True, slots=True)
class Desk:
    """What a match is made by: the rules of each queue, the instant, and who is in service, free or not.

    `serving`: of queues to which calls were passed on, who of their agents is in service.
    """

    now: datetime
    rules: Mapping[int, Rules] = field(default_factory=dict)
    in_service: frozenset[int] = frozenset()
    serving: Mapping[int, frozenset[int]] = field(default_factory=dict)


def match(waiting: Iterable[Waiting], free: Iterable[FreeAgent], desk: Desk) -> list[Assignment]:
    """Assign waiting calls to free agents; each call and each agent at most once."""
    agents = sorted(free, key=lambda agent: (agent.load, agent.idle_since, agent.agent_id))
    order = sorted(waiting, key=lambda call: (-_priority(call, desk), call.entered_at, call.call_id))
    assignments = []
    for call in order:
        if not agents:
            break
        fit = [agent for agent in agents if may_take(agent, call, desk)]
        if not fit or _is_kept(call, fit, desk):
            continue
        chosen = min(fit, key=lambda agent: _rank(agent, call, desk))  # the longest idle of equals: the first
        agents.remove(chosen)
        assignments.append(Assignment(call.call_id, chosen.agent_id))
    return assignments


def may_take(agent: FreeAgent, call: Waiting, desk: Desk) -> bool:
    """Whether an agent may answer a call as long as it has waited."""
    if call.ente_id in agent.not_for or agent.agent_id in call.not_by:
        return False
    rules, waited = desk.rules.get(call.queue_id, USUAL), _waited(call, desk)
    if call.meant_for is not None and waited < timedelta(seconds=MEANT_S):
        return agent.agent_id == call.meant_for
    if agent.agent_id == call.passed_by and waited < timedelta(seconds=PASSED_S) and _has_others(call, desk):
        return False
    level = agent.queues.get(call.queue_id)
    if call.priority >= HEAD and level is not None:
        return True
    if not agent.speaks(call.language) and waited < timedelta(seconds=rules.language_s):
        return False
    if level is not None and waited >= timedelta(seconds=rules.widens_s * (level - BEST)):
        return True
    return any(one.queue_id in agent.queues and waited >= timedelta(seconds=one.after_s) for one in rules.helpers)


def _is_kept(call: Waiting, fit: Iterable[FreeAgent], desk: Desk) -> bool:
    """Whether the call waits on for the agent who knows the caller, and who is in service but not free.

    Of a caller who was cut off that is the agent he spoke with.
    """
    kept_s = BACK_S if call.priority >= HEAD else desk.rules.get(call.queue_id, USUAL).sticky_s
    return (
        call.knows in desk.in_service
        and _waited(call, desk) < timedelta(seconds=kept_s)
        and all(agent.agent_id != call.knows for agent in fit)
    )


def _has_others(call: Waiting, desk: Desk) -> bool:
    """Whether anybody else of the queue's agents is in service."""
    return bool(desk.serving.get(call.queue_id, frozenset()) - {call.passed_by})


def _rank(agent: FreeAgent, call: Waiting, desk: Desk) -> tuple[bool, bool, bool, int]:
    """Best first: he knows the caller, speaks his language, is of a high level in the queue; who helps comes last, he
    of a nearer queue before he of one further away. After all of them comes whoever passed the call on.
    """
    helpers = desk.rules.get(call.queue_id, USUAL).helpers
    away = next((n for n, one in enumerate(helpers) if one.queue_id in agent.queues), len(helpers))
    return (
        agent.agent_id == call.passed_by,
        agent.agent_id != call.knows,
        not agent.speaks(call.language),
        agent.queues.get(call.queue_id, LOWEST + 1 + away),
    )


def _priority(call: Waiting, desk: Desk) -> int:
    ages_s = desk.rules.get(call.queue_id, USUAL).ages_s
    if call.priority >= HEAD or not ages_s:
        return call.priority
    return min(HEAD - 1, call.priority + int(_waited(call, desk).total_seconds() // ages_s))


def _waited(call: Waiting, desk: Desk) -> timedelta:
    return desk.now - call.entered_at
