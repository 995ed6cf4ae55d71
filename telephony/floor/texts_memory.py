"""Conversations by SMS on the floor in memory."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from uuid import UUID, uuid5

from crm.access.permissions import Principal
from telephony.agents.models import AgentState
from telephony.floor.memory_tables import TEXT, THREAD, MemoryTables
from telephony.floor.tables import Row
from telephony.floor.texts_port import TextAgent, WaitingThread
from telephony.queues.routing import FreeAgent, Waiting
from telephony.texts.lifecycle import LiveThread, Thread, restored
from telephony.texts.models import ThreadState

_FOLDED = [one.name for one in fields(Thread)]
_OF = ("id", "contract_id", "ente_id", "line", "citizen", "language", "contact_id")


class MemoryTexts(MemoryTables):
    """`TextFloor` in dictionaries."""

    def add_thread(self, **values: object) -> bool:
        ends = values["line"], values["citizen"]
        closed = values["state"] is ThreadState.CLOSED
        if not closed and any(row["state"] is not ThreadState.CLOSED for row in self.threads.by("ends", ends)):
            return False
        self.threads.put(values["id"], {**THREAD, "missed_by": [], **values})
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

    def keep_text(self, live: LiveThread, *, sid: str, body: str, media: int, at: datetime) -> bool:
        row = {"thread_id": live.id, "inbound": True, "body": body, "media": media, "at": at, "external_id": sid}
        return self._written(sid, row)

    def say(self, live: LiveThread, body: str, *, cause: str, by: Principal | None = None) -> UUID:
        """Nothing leaves by itself: a simulation looks for what is to be delivered."""
        message_id = uuid5(live.id, cause)
        row = {"thread_id": live.id, "inbound": False, "body": body.strip(), "media": 0, "at": self._now}
        self._written(message_id, {**row, "agent_id": by.user_id if by else None, "message_id": message_id})
        return message_id

    def _written(self, key: object, row: Row) -> bool:
        if key in self.texts.rows:
            return False
        self.texts.put(key, {**TEXT, **row})
        return True

    def threads_waiting(self, contract_id: int) -> int:
        waits = (ThreadState.WAITING, ThreadState.OFFERED)
        return sum(row["contract_id"] == contract_id and row["state"] in waits for row in self.threads.rows.values())

    def somebody_there(self, domain: str, contract_id: int, now: datetime) -> bool:
        return any(
            row["domain"] == domain and row["state"] is not AgentState.OFFLINE and row["live_until"] > now
            and contract_id in row["answers_for"]
            for row in self.agents.rows.values()
        )  # fmt: skip

    def to_the_front(self, agent_id: int, thread_id: UUID | None, *, at: datetime) -> None:
        before = (self.desks.rows.get(agent_id) or {"thread_id": None})["thread_id"]
        for one in {before, thread_id} - {None}:
            if one in self.threads.rows and self.threads.rows[one]["agent_id"] == agent_id:
                self.threads.change(one, {"seen_at": at})
        self.desks.put(agent_id, {"agent_id": agent_id, "thread_id": thread_id, "chosen_at": at})

    def tell_thread(self, thread_id: UUID) -> None:
        """Nobody is known here."""

    def _of(self, domain: str, which: Callable[[Row], bool]) -> list[Row]:
        return sorted((row for row in self.threads.by("domain", domain) if which(row)), key=lambda row: row["id"])
