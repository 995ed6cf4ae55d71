"""Callbacks on the floor in memory."""

from types import SimpleNamespace
from uuid import UUID

from telephony.callbacks.models import CallbackState
from telephony.floor.callbacks_port import CallbackRow
from telephony.floor.memory_tables import CALLBACK, MemoryTables
from telephony.queues.models import EntryState

_UNTAKEN = frozenset({EntryState.WAITING, EntryState.ASIDE})


class MemoryCallbacks(MemoryTables):
    """`CallbackFloor` in dictionaries."""

    def add_callback(self, **values: object) -> bool:
        if self.callbacks.by("open", (values["contract_id"], values["number"])):
            return False
        before = self.callbacks.rows.get(values["call_id"])
        if before is not None and before["state"] is CallbackState.OPEN:
            return False
        self.callbacks.put(values["call_id"], {**(before or CALLBACK), **values, "ended_at": None})
        return True

    def callback(self, call_id: UUID) -> CallbackRow | None:
        row = self.callbacks.rows.get(call_id)
        return None if row is None else SimpleNamespace(**row)

    def open_callback(self, *, contract_id: int, number: str, other_than: UUID) -> CallbackRow | None:
        found = self.callbacks.by("open", (contract_id, number))
        return SimpleNamespace(**found[0]) if found and found[0]["call_id"] != other_than else None

    def write_callback(self, call_id: UUID, /, **values: object) -> None:
        state, row = values.get("state"), self.callbacks.rows[call_id]
        others = self.callbacks.by("open", (row["contract_id"], row["number"]))
        assert state is not CallbackState.OPEN or all(one["call_id"] == call_id for one in others), "twice at once"
        self.callbacks.change(call_id, values)

    def put_entry(self, call_id: UUID, state: EntryState) -> str | None:
        row = self.entries.rows.get(call_id)
        if row is None or row["state"] not in _UNTAKEN or not row["away"]:
            return None
        self.entries.change(call_id, {"state": state})
        return str(row["domain"])

    def owe_callback(self, *, ente_id: int, contact_id: int, note: str, call_id: UUID) -> None:
        """Nobody works on lists here."""
