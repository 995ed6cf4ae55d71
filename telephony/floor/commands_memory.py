"""Timers and commands on the floor in memory."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from telephony.commands.jobs import Job
from telephony.commands.models import CommandKind, CommandState, TimerKind
from telephony.floor.memory_tables import AGENT, CALLBACK, LEG, UNSETTLED, MemoryTables
from telephony.floor.port import DueTimer
from telephony.queues import queries as queues


class MemoryCommands(MemoryTables):
    """What is to be done in time, and what is owed to the carrier."""

    def arm(
        self, kind: TimerKind, *, call_id: UUID, contract_id: int, due: Iterable[datetime],
        leg_id: UUID | None = None, agent_id: int | None = None,
    ) -> None:  # fmt: skip
        ids = {"call_id": call_id, "contract_id": contract_id, "leg_id": leg_id, "agent_id": agent_id}
        for due_at in due:
            self.timers.add({"kind": kind, "due_at": due_at, **ids})

    def disarm(self, kind: TimerKind, of: UUID | int) -> bool:
        set_before = self.timers.by("of", (kind, of))
        for row in set_before:
            self.timers.remove(row["id"])
        return bool(set_before)

    def due_timers(self, now: datetime, *, limit: int) -> list[tuple[int, int, UUID]]:
        due = list(self.timers.until(now, including=True))[:limit]
        return [(key, row["contract_id"], row["call_id"]) for key, row in due]

    def take_timer(self, timer_id: int) -> DueTimer | None:
        row = self.timers.remove(timer_id)
        return None if row is None else DueTimer(row["kind"], row["call_id"], row["leg_id"], row["agent_id"])

    # -- commands -----------------------------------------------------------------------------------------------

    def add_command(
        self, kind: CommandKind, *, call_id: UUID, leg_id: UUID | None, at: datetime, lease_until: datetime
    ) -> int:  # fmt: skip
        owed = {"state": CommandState.OWED, "attempts": 0, "lease_until": lease_until, "created_at": at, "error": None}
        return self.commands.add({"kind": kind, "call_id": call_id, "leg_id": leg_id, **owed})

    def take_over(self, at: datetime, *, lease_until: datetime, limit: int) -> list[tuple[int, UUID]]:
        due = sorted(key for key, _ in self.commands.until(at))[:limit]
        taken = [self.commands.rows[key] for key in due]
        for row in taken:
            self.commands.change(row["id"], {"lease_until": lease_until, "attempts": row["attempts"] + 1})
        return [(row["id"], row["call_id"]) for row in taken]

    def load(self, command_id: int, now: datetime) -> Job | None:
        row = self.commands.rows.get(command_id)
        if row is None or row["state"] not in UNSETTLED:
            return None
        call = self.calls.rows[row["call_id"]]
        leg = self.legs.rows.get(row["leg_id"]) or LEG
        return Job(
            row["id"], row["kind"], row["state"], row["attempts"], row["created_at"], now, row["call_id"],
            call["contract_id"], call["line"], call["carrier_sid"], call["phase"], call["leg_id"], row["leg_id"],
            leg["carrier_sid"], leg["state"], leg["agent_id"],
            self._ring_timeout(call["in_queue_id"] or call["queue_id"]), leg["role"] if leg["id"] else None,
            leg["number"] or (self.agents.rows.get(leg["agent_id"]) or AGENT)["rings_at"], call["room_id"],
            (self.callbacks.rows.get(row["call_id"]) or CALLBACK)["number"], self._called_leg(row["call_id"]),
            call["ente_id"],
        )  # fmt: skip

    def settle(
        self, command_id: int, state: CommandState, *, error: str | None, lease_until: datetime
    ) -> None:  # fmt: skip
        self.commands.change(command_id, {"state": state, "error": error, "lease_until": lease_until})

    def put_off(self, command_id: int, leg_id: UUID, *, by: timedelta, lease_until: datetime) -> None:
        command = self.commands.rows.get(command_id)
        if command is not None and command["state"] is CommandState.OWED:
            self.commands.change(command_id, {"lease_until": lease_until})
        for timer in self.timers.by("of", (TimerKind.RING, leg_id)):
            self.timers.change(timer["id"], {"due_at": timer["due_at"] + by})

    def _ring_timeout(self, queue_id: int | None) -> int | None:
        return None if queue_id is None else queues.queue(self._open, queue_id).ring_timeout_s
