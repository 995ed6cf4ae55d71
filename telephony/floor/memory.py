"""The floor in the memory of this process, in which the simulation runs.

One transaction at a time, so that nothing needs a lock. Rows have the columns of the tables of the same name. Nothing
is known of taxpayers: a call leaves no more than its entry on the timeline.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from crm.core.db import Database, Memory, Scope
from telephony.floor.callbacks_memory import MemoryCallbacks
from telephony.floor.calls_memory import MemoryCalls
from telephony.floor.commands_memory import MemoryCommands
from telephony.floor.memory_tables import UNSETTLED
from telephony.floor.meter_memory import MemoryMeter
from telephony.floor.queue_memory import MemoryQueue
from telephony.floor.tables import Row
from telephony.floor.texts_memory import MemoryTexts


class MemoryFloor(MemoryCalls, MemoryQueue, MemoryCommands, MemoryMeter, MemoryCallbacks, MemoryTexts):
    """`Floor` in dictionaries."""

    # -- what a simulation may look at ----------------------------------------------------------------------------

    def open_threads(self) -> Iterator[Row]:
        """The conversations by SMS that are not closed."""
        return (row for domain in self.threads.keys("domain") for row in self.threads.by("domain", domain))

    def let_go(self, before: datetime) -> list[Row]:
        """Calls that were over before then, and all that is about them, are known no longer; their rows."""
        busy = {row["call_id"] for row in self.timers.rows.values()} | {
            row["call_id"] for row in self.agents.rows.values()
        }
        owed = {row["call_id"] for row in self.commands.rows.values() if row["state"] in UNSETTLED}
        over = [
            row
            for key, row in self.calls.rows.items()
            if row["ended_at"] is not None and row["ended_at"] < before and key not in busy | owed
        ]
        gone = {row["id"] for row in over}
        for table in (self.events, self.legs, self.entries, self.callbacks, self.commands, self.facts, self.timeline):
            table.drop(lambda row: row.get("call_id", row.get("subject")) in gone)
        self.calls.drop(lambda row: row["id"] in gone)
        self.agent_facts.drop(lambda row: row["at"] < before)
        return over


class MemoryDatabase(Database):
    """Transactions over a memory floor. Their sessions belong to no database: a statement raises.

    So whatever goes past the port is noticed. `remembered` is the simulation's configuration (`configuration.given`).
    """

    def __init__(self, clock: Callable[[], datetime], new_id: Callable[[], UUID], remembered: Memory) -> None:
        self.floor = MemoryFloor()
        self._handlers = {}
        self._clock = clock
        self._info = {"floor": self.floor, "memory": remembered, "configuration": 0, "secrecy": None, "new_id": new_id}

    @contextmanager
    def begin(self, scope: Scope) -> Iterator[Session]:
        """One transaction; its signals are handed on once it is over."""
        floor = self.floor
        assert floor.session is None, "one transaction at a time"
        floor.session = session = Session(info={"scope": scope, "now": self._clock(), **self._info})
        try:
            with floor.attempt():
                yield session
            floor.journal.commit()
        finally:
            floor.session = None
        self._hand_on(session.info.get("signals", {}))

    def dispose(self) -> None:
        """Nothing is held."""
