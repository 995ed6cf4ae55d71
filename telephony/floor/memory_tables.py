"""The tables of the floor in memory."""

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from crm.core.db import Base, table_of
from crm.levels.models import ServiceFact
from telephony.agents.models import AgentPresence, AgentState
from telephony.callbacks.models import Callback, CallbackState
from telephony.calls.models import AgentLeg, Call, Phase
from telephony.commands.models import CommandState, TimerKind
from telephony.floor.tables import Journal, Row, Table
from telephony.queues import queries as queues
from telephony.queues.models import EntryState, QueueEntry
from telephony.texts.models import TextMessage, TextThread, ThreadState

TAKES_UP = frozenset({ThreadState.OFFERED, ThreadState.OPEN})
UNSETTLED = frozenset({CommandState.OWED, CommandState.UNKNOWN})
_TIMER_OF = {
    TimerKind.RING: "leg_id", TimerKind.WAIT: "call_id", TimerKind.CALLBACK: "call_id", TimerKind.WRAP_UP: "agent_id",
    TimerKind.RESUME: "call_id",
}  # fmt: skip


def _blank(model: type[Base]) -> Row:
    """A row of a table of which nothing is written: what its columns are by default."""
    return {
        column.name: getattr(column.default, "arg", None) if column.default and column.default.is_scalar else None
        for column in table_of(model).columns
    }


CALLBACK = _blank(Callback)
CALL, LEG, ENTRY, AGENT = _blank(Call), _blank(AgentLeg), _blank(QueueEntry), _blank(AgentPresence)
FACT, THREAD, TEXT = _blank(ServiceFact), _blank(TextThread), _blank(TextMessage)


class MemoryTables:
    """Rows with the columns of the tables of the same name. `members` are the levels of agents in queues, by agent and
    queue.
    """

    def __init__(self) -> None:
        self.journal = Journal()
        table = self.journal
        self.members: dict[int, dict[int, int]] = {}
        self.calls = Table(
            table,
            order=lambda row: None if row["phase"] is Phase.ENDED or _away(row) else row["checked_at"],
            sid=lambda row: row["carrier_sid"], dialled=lambda row: True if row["dialled_at"] else None,
        )  # fmt: skip
        self.events = Table(table, call=lambda row: row["call_id"])
        self.legs = Table(table, call=lambda row: row["call_id"], sid=lambda row: row["carrier_sid"])
        self.entries = Table(
            table,
            domain=lambda row: row["domain"] if row["state"] is EntryState.WAITING else None,
            contract=lambda row: row["contract_id"] if row["state"] is not EntryState.LEFT else None,
        )
        self.callbacks = Table(
            table,
            open=lambda row: (row["contract_id"], row["number"]) if row["state"] is CallbackState.OPEN else None,
        )
        self.agents = Table(table, ready=lambda row: row["domain"] if row["state"] is AgentState.READY else None)
        self.agent_facts = Table(table)
        self.last_facts = Table(table)  # of each agent: its instant
        self.timers = Table(table, order=lambda row: row["due_at"], of=_timer_of)
        self.commands = Table(table, order=lambda row: row["lease_until"] if row["state"] in UNSETTLED else None)
        self.facts = Table(table, subject=lambda row: row["subject"])
        self.counts = Table(table)
        self.threads = Table(
            table, order=lambda row: row["due_at"], ends=lambda row: (row["line"], row["citizen"]),
            domain=lambda row: row["domain"] if row["state"] is not ThreadState.CLOSED else None,
            agent=lambda row: row["agent_id"] if row["state"] in TAKES_UP else None,
        )  # fmt: skip
        self.thread_events = Table(table)
        self.texts = Table(table, thread=lambda row: row["thread_id"])
        self.desks = Table(table)
        self.contract_events = Table(table)
        self.timeline = Table(table, contact=lambda row: row["contact_id"])
        self.session: Session | None = None  # of the transaction that is open: configuration and clock are read by it

    def attempt(self) -> AbstractContextManager[object]:
        return self.journal.attempt()

    @property
    def _open(self) -> Session:
        assert self.session is not None
        return self.session

    @property
    def _now(self) -> datetime:
        now: datetime = self._open.info["now"]
        return now

    def levels_of(self, row: Row) -> dict[int, int]:
        """An agent's levels in the queues that he may answer."""
        return {
            queue_id: level
            for queue_id, level in self.members.get(row["agent_id"], {}).items()
            if self._contract_of(queue_id) in row["answers_for"]
        }

    def _called_leg(self, call_id: UUID) -> UUID | None:
        """The agent's leg for which somebody is called back, or was."""
        leg_id: UUID | None = (self.callbacks.rows.get(call_id) or CALLBACK)["leg_id"]
        return leg_id

    def _contract_of(self, queue_id: int) -> int:
        return queues.queue(self._open, queue_id).contract_id


def _away(call: Row) -> bool:
    """Whether it waits without its caller: the carrier knows nothing of it."""
    return bool(call["away"]) and call["phase"] is Phase.WAITING


def _timer_of(row: Row) -> tuple[TimerKind, Any] | None:
    column = _TIMER_OF.get(row["kind"])
    return None if column is None else (row["kind"], row[column])
