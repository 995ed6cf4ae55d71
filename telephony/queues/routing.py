"""Which free agent takes which waiting call. Pure: facts in, assignments out.

Calls are taken by priority, then by arrival; each goes to the longest-idle free agent among those who serve
its queue. A call that nobody free can take keeps its place and holds up nobody behind it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call that waits. Higher `priority` first."""

    call_id: UUID
    queue_id: int
    priority: int
    entered_at: datetime
    ente_id: int | None = None  # none: nobody knows yet


@dataclass(frozen=True, slots=True)
class FreeAgent:
    """An agent who can take a call now."""

    agent_id: int
    idle_since: datetime
    queues: frozenset[int]
    not_for: frozenset[int] = frozenset()  # the enti that keep him away

    def may_take(self, call: Waiting) -> bool:
        """Whether he serves the call's queue, and its ente lets him."""
        return call.queue_id in self.queues and call.ente_id not in self.not_for


@dataclass(frozen=True, slots=True)
class Assignment:
    call_id: UUID
    agent_id: int


def match(waiting: Iterable[Waiting], free: Iterable[FreeAgent]) -> list[Assignment]:
    """Assign waiting calls to free agents; each call and each agent at most once."""
    agents = sorted(free, key=lambda agent: (agent.idle_since, agent.agent_id))
    order = sorted(waiting, key=lambda call: (-call.priority, call.entered_at, call.call_id))
    assignments = []
    for call in order:
        if not agents:
            break
        chosen = next((agent for agent in agents if agent.may_take(call)), None)
        if chosen is not None:
            agents.remove(chosen)
            assignments.append(Assignment(call.call_id, chosen.agent_id))
    return assignments
