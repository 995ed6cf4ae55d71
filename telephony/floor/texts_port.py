"""What the deciding code needs of conversations by SMS, within one transaction: a part of the floor."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from crm.access.permissions import Principal
from telephony.queues.routing import FreeAgent, Waiting
from telephony.texts.lifecycle import LiveThread


@dataclass(frozen=True, slots=True)
class TextAgent:
    """An agent to whom threads may be offered, and how many he has. On the telephone he is free for little more."""

    agent: FreeAgent
    threads: int
    on_call: bool


@dataclass(frozen=True, slots=True)
class WaitingThread:
    """A thread that waits for a match, and who let it go by, the last one at `missed_at`."""

    contract_id: int
    waiting: Waiting
    missed_by: frozenset[int]
    missed_at: datetime | None


class TextFloor(Protocol):
    """Threads with their logs, and the agents who may take them."""

    def add_thread(self, **values: object) -> bool:
        """A new thread with these columns; false while another of the same two numbers is not closed."""

    def last_thread(self, *, line: str, citizen: str) -> UUID | None:
        """The latest thread between two numbers."""

    def lock_thread(self, thread_id: UUID) -> LiveThread | None:
        """A thread, for this transaction alone until its end; none when there is no such thread in this scope."""

    def write_thread(self, thread_id: UUID, /, **values: object) -> None:
        """Write columns of a thread."""

    def log_thread(
        self, live: LiveThread, *, key: str, kind: str, detail: Mapping[str, str], at: datetime
    ) -> bool:  # fmt: skip
        """Append to a thread's log; false when the key was there already."""

    def waiting_threads(self, domain: str, now: datetime) -> list[WaitingThread]:
        """The threads that wait for a match in a routing domain, in the order of their ids."""

    def text_agents(self, domain: str, now: datetime) -> list[TextAgent]:
        """Who is ready or on the telephone, by id, and of which queues: those that he is member of and may answer."""

    def hasten_threads(self, agent_id: int, at: datetime) -> None:
        """Something is to be done by then with the threads that are offered to, or open with, this agent."""

    def due_threads(self, now: datetime, *, limit: int) -> list[tuple[UUID, int]]:
        """The threads with which something is to be done, the earliest first; and their contracts."""

    def keep_text(self, live: LiveThread, *, sid: str, body: str, media: int, at: datetime) -> bool:
        """Keep what a citizen wrote, by the carrier's name of it; false when it is there already."""

    def say(self, live: LiveThread, body: str, *, cause: str, by: Principal | None = None) -> UUID:
        """Write to the citizen: `telephony.texts.sending.say`."""

    def threads_waiting(self, contract_id: int) -> int:
        """How many of a contract's threads wait, or are offered."""

    def somebody_there(self, domain: str, contract_id: int, now: datetime) -> bool:
        """Whether any agent of a domain is in service who answers for the contract."""

    def to_the_front(self, agent_id: int, thread_id: UUID | None, *, at: datetime) -> None:
        """One of an agent's threads, or none, is in front; what was there before, and what is now, has been seen."""

    def tell_thread(self, thread_id: UUID) -> None:
        """Put the thread, as it stands, on its contact's timeline."""
