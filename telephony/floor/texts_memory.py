"""Conversations by SMS on the floor in memory."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from uuid import UUID

from telephony.agents.models import AgentState
from telephony.floor.tables import Journal, Row, Table
from telephony.floor.texts_port import TextAgent, WaitingThread
from telephony.queues.routing import FreeAgent, Waiting
from telephony.texts.lifecycle import LiveThread, Thread, restored
from telephony.texts.models import ThreadState

_FOLDED = [one.name for one in fields(Thread)]
_OF = ("id", "contract_id", "ente_id", "line", "citizen", "language", "contact_id")
_TAKES_UP = frozenset({ThreadState.OFFERED, ThreadState.OPEN})


class MemoryTexts:
    """`TextFloor` in dictionaries. `blank`: a thread's columns as they are by default."""

    agents: Table

    def __init__(self, journal: Journal, blank: Row) -> None:
        self._blank = blank
        self.threads = Table(
            journal, order=lambda row: row["due_at"], ends=lambda row: (row["line"], row["citizen"]),
            domain=lambda row: row["domain"] if row["state"] is not ThreadState.CLOSED else None,
            agent=lambda row: row["agent_id"] if row["state"] in _TAKES_UP else None,
        )  # fmt: skip
        self.thread_events = Table(journal)

    def levels_of(self, row: Row) -> dict[int, int]:
        """An agent's levels in the queues that he may answer."""
        raise NotImplementedError

    def add_thread(self, **values: object) -> bool:
        ends = values["line"], values["citizen"]
        closed = values["state"] is ThreadState.CLOSED
        if not closed and any(row["state"] is not ThreadState.CLOSED for row in self.threads.by("ends", ends)):
            return False
        self.threads.put(values["id"], {**self._blank, "missed_by": [], **values})
        return True

    def last_thread(self, *, line: str, citizen: str) -> UUID | None:
        found = self.threads.by("ends", (line, citizen))
        last = max(found, key=lambda row: (row["begun_at"], row["id"]), default=None)
        return None if last is None else last["id"]

    def lock_thread(self, thread_id: UUID) -> LiveThread | None:
        row = self.threads.rows.get(thread_id)
        if row is None:
            return None
        return LiveThread(**{name: row[name] for name in _OF}, thread=restored(row[name] for name in _FOLDED))

    def write_thread(self, thread_id: UUID, /, **values: object) -> None:
        self.threads.change(thread_id, values)

    def log_thread(
        self, live: LiveThread, *, key: str, kind: str, detail: Mapping[str, str], at: datetime
    ) -> bool:  # fmt: skip
        if (live.id, key) in self.thread_events.rows:
            return False
        row = {
            "thread_id": live.id, "contract_id": live.contract_id, "ente_id": live.ente_id, "key": key, "kind": kind,
            "detail": dict(detail), "at": at,
        }  # fmt: skip
        self.thread_events.put((live.id, key), row)
        return True

    def waiting_threads(self, domain: str, now: datetime) -> list[WaitingThread]:
        there = self._of(domain, lambda row: row["state"] is ThreadState.WAITING)
        return [
            WaitingThread(
                row["contract_id"],
                Waiting(
                    row["id"], row["queue_id"], row["priority"], row["entered_at"], row["ente_id"], row["language"],
                    row["knows"], row["meant_for"],
                ),
                frozenset(row["missed_by"]), row["missed_at"],
            )
            for row in there
            if row["not_before"] is None or row["not_before"] <= now
        ]  # fmt: skip

    def text_agents(self, domain: str, now: datetime) -> list[TextAgent]:
        found = []
        for agent_id, row in sorted(self.agents.rows.items()):
            there = row["state"] in {AgentState.READY, AgentState.TALKING} and row["live_until"] > now
            levels = self.levels_of(row) if there and row["domain"] == domain else {}
            if levels:
                no, speaks = frozenset(row["not_for"]), frozenset(row["speaks"])
                agent = FreeAgent(agent_id, row["idle_since"], levels, no, speaks)
                has = len(self.threads.by("agent", agent_id))
                found.append(TextAgent(agent, has, row["state"] is AgentState.TALKING))
        return found

    def hasten_threads(self, agent_id: int, at: datetime) -> None:
        for row in self.threads.by("agent", agent_id):
            self.threads.change(row["id"], {"due_at": at})

    def due_threads(self, now: datetime, *, limit: int) -> list[tuple[UUID, int]]:
        due = [(key, row["contract_id"]) for key, row in self.threads.until(now, including=True)]
        return due[:limit]

    def tell_thread(self, thread_id: UUID) -> None:
        """Nobody is known here."""

    def _of(self, domain: str, which: Callable[[Row], bool]) -> list[Row]:
        return sorted((row for row in self.threads.by("domain", domain) if which(row)), key=lambda row: row["id"])
