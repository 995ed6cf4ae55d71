"""Calls and their legs on the floor in memory."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from telephony.calls.models import LegRole, LegState, Phase
from telephony.commands.models import CommandKind
from telephony.floor.memory_tables import CALL, LEG, MemoryTables
from telephony.floor.port import CallRow, Dialled, Entering, KnownLines, LiveCall, Owner, Talking
from telephony.floor.tables import Row

_LIVE_CALL = [one.name for one in fields(LiveCall)]


class MemoryCalls(MemoryTables):
    """Calls with their logs, and legs."""

    def arrive(self, **values: object) -> CallRow | None:
        if self.calls.by("sid", values["carrier_sid"]):
            return None
        self.calls.put(values["id"], {**CALL, **values})
        return self.whole_call(cast("UUID", values["id"]))

    def call_of_sid(self, carrier_sid: str) -> Owner | None:
        found = self.calls.by("sid", carrier_sid)
        return Owner(found[0]["id"], found[0]["contract_id"], found[0]["ente_id"]) if found else None

    def known_lines(self, carrier_sids: Collection[str]) -> KnownLines:
        callers = [row for sid in carrier_sids for row in self.calls.by("sid", sid)]
        legs = [row for sid in carrier_sids for row in self.legs.by("sid", sid)]
        ids = {row["id"]: row["carrier_sid"] for row in callers}
        surveys = {row["call_id"] for row in self.commands.rows.values() if row["kind"] is CommandKind.SURVEY}
        return KnownLines(
            {row["carrier_sid"]: row["ended_at"] if row["phase"] is Phase.ENDED else None for row in callers},
            {row["carrier_sid"]: row["ended_at"] if row["state"] is LegState.ENDED else None for row in legs},
            frozenset(ids[one] for one in ids.keys() & surveys),
        )

    def call_of_agent(self, agent_id: int) -> UUID | None:
        row = self.agents.rows.get(agent_id)
        return None if row is None else row["call_id"]

    def whole_call(self, call_id: UUID, *, lock: bool = False) -> CallRow | None:  # noqa: ARG002  # it is alone anyway
        row = self.calls.rows.get(call_id)
        return None if row is None else SimpleNamespace(**row)

    def quiet_calls(
        self, *, before: datetime, joining_before: datetime, at: datetime, limit: int
    ) -> list[tuple[Any, ...]]:
        quiet = [
            (row, self.legs.rows.get(row["leg_id"]) or LEG)
            for _, row in self.calls.until(max(before, joining_before))
            if row["checked_at"] < (joining_before if row["phase"] is Phase.JOINING and not row["seated"] else before)
        ][:limit]
        for row, _ in quiet:
            self.calls.change(row["id"], {"checked_at": at})
        return [
            (
                row["id"], row["contract_id"], row["carrier_sid"], row["phase"], row["closing"], row["leg_id"],
                leg["carrier_sid"], leg["state"], leg["offered_at"], row["away"], self._called_leg(row["id"]),
            )
            for row, leg in quiet
        ]  # fmt: skip

    def dialled_calls(self, *, before: datetime, at: datetime, limit: int) -> list[Dialled]:
        over = (
            row for row in self.calls.by("dialled", True) if row["dialled_at"] < before and row["phase"] is Phase.ENDED
        )
        found = sorted(over, key=lambda row: (row["dialled_at"], row["id"]))[:limit]
        for row in found:
            self.calls.change(row["id"], {"dialled_at": at})
        return [
            Dialled(row["id"], row["contract_id"], row["carrier_sid"], row["arrived_at"], row["ivr"]) for row in found
        ]

    def lock_call(self, call_id: UUID) -> LiveCall | None:
        row = self.calls.rows.get(call_id)
        return None if row is None else LiveCall(*(row[name] for name in _LIVE_CALL))

    def owner(self, call_id: UUID) -> Owner | None:
        row = self.calls.rows.get(call_id)
        return None if row is None else Owner(call_id, row["contract_id"], row["ente_id"])

    def write_call(self, call_id: UUID, /, **values: object) -> None:
        self.calls.change(call_id, values)

    def queue_up(self, call_id: UUID, *, queue_id: int, at: datetime) -> Entering | None:
        row = self.calls.rows.get(call_id)
        if row is None or row["phase"] is not Phase.IVR:
            return None
        self.calls.change(call_id, {"queue_id": row["queue_id"] or queue_id, "queued_at": at})
        return Entering(row["contract_id"], row["ente_id"], row["contact_id"], row["ivr"])

    def attribute(self, call: Owner | LiveCall, ente_id: int | None) -> None:
        for row in self.events.by("call", call.id):
            self.events.change((call.id, row["key"]), {"ente_id": ente_id})
        for row in self.legs.by("call", call.id):
            self.legs.change(row["id"], {"ente_id": ente_id})
        self.entries.change(call.id, {"ente_id": ente_id})
        self.callbacks.change(call.id, {"ente_id": ente_id})
        self.calls.change(call.id, {"ente_id": ente_id, "contact_id": None, "proposed_by": None})
        for key in [key for key in self.contract_events.rows if key[0] == call.contract_id and key[2] == str(call.id)]:
            self.contract_events.change(key, {"ente_id": ente_id})

    def append(
        self, call: Owner | LiveCall, *, key: str, kind: str, detail: Mapping[str, str], at: datetime,
        recorded_at: datetime, repaired: bool,
    ) -> bool:  # fmt: skip
        if (call.id, key) in self.events.rows:
            return False
        row = {
            "call_id": call.id, "contract_id": call.contract_id, "ente_id": call.ente_id, "key": key, "kind": kind,
            "detail": dict(detail), "occurred_at": at, "recorded_at": recorded_at, "repaired": repaired,
        }  # fmt: skip
        self.events.put((call.id, key), row)
        return True

    def noted_at(self, call_id: UUID, key: str) -> datetime | None:
        row = self.events.rows.get((call_id, key))
        return None if row is None else row["occurred_at"]

    # -- legs ---------------------------------------------------------------------------------------------------

    def add_leg(self, call: LiveCall, leg_id: UUID, /, **values: object) -> None:
        of = {"id": leg_id, "call_id": call.id, "contract_id": call.contract_id, "ente_id": call.ente_id}
        self.legs.put(leg_id, {**LEG, **of, **values})

    def write_leg(self, leg_id: UUID, /, **values: object) -> None:
        row = self.legs.rows.get(leg_id)
        if row is not None and row["state"] is not LegState.ENDED:
            self.legs.change(leg_id, values)

    def talking(self, call_id: UUID) -> Talking | None:
        row = self.calls.rows.get(call_id)
        if row is None or row["phase"] not in {Phase.TALKING, Phase.OUTSIDE} or row["leg_id"] is None:
            return None
        watchers = tuple((leg["id"], leg["mode"]) for leg in self._watchers(call_id))
        return Talking(row["contract_id"], row["leg_id"], row["room_id"], row["held_since"] is not None, watchers)

    def end_watchers(self, call_id: UUID, *, at: datetime) -> list[UUID]:
        ended = sorted(leg["id"] for leg in self._watchers(call_id))
        for leg_id in ended:
            self.legs.change(leg_id, {"state": LegState.ENDED, "ended_at": at})
        return ended

    def _watchers(self, call_id: UUID) -> list[Row]:
        mine = (
            leg
            for leg in self.legs.by("call", call_id)
            if leg["role"] is LegRole.WATCHER and leg["state"] is not LegState.ENDED
        )
        return sorted(mine, key=lambda leg: (leg["offered_at"], leg["id"]))

    def learn_sid(self, leg_id: UUID, carrier_sid: str) -> None:
        row = self.legs.rows.get(leg_id)
        if row is not None and row["carrier_sid"] is None:
            self.legs.change(leg_id, {"carrier_sid": carrier_sid})

    def name_leg(self, leg_id: UUID, carrier_sid: str) -> LegState:
        self.legs.change(leg_id, {"carrier_sid": carrier_sid})
        state: LegState = self.legs.rows[leg_id]["state"]
        return state

    def leg_sid(self, leg_id: UUID) -> str | None:
        row = self.legs.rows.get(leg_id)
        return None if row is None else row["carrier_sid"]
