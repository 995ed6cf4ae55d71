"""The queue and the agents on the floor in memory."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, fields
from datetime import datetime
from uuid import UUID

from telephony.agents.models import Activity, AgentState
from telephony.agents.presence import Presence, Stated
from telephony.floor.memory_tables import AGENT, ENTRY, MemoryTables
from telephony.floor.port import SERVING, AtDesk, LockedAgent, Standing
from telephony.floor.tables import Row
from telephony.queues.models import EntryState
from telephony.queues.queries import Crowd
from telephony.queues.routing import FreeAgent, Waiting

_PRESENCE = [one.name for one in fields(Presence)]
_OUT = frozenset({AgentState.OFFLINE, AgentState.PAUSED})


class MemoryQueue(MemoryTables):
    """Who waits, and who may answer."""

    def add_entry(
        self, call_id: UUID, *, contract_id: int, ente_id: int | None, queue_id: int, domain: str, priority: int,
        at: datetime, language: str, knows: int | None, away: bool = False,
    ) -> None:  # fmt: skip
        if call_id not in self.entries.rows:
            row = {
                **ENTRY, "call_id": call_id, "contract_id": contract_id, "ente_id": ente_id, "queue_id": queue_id,
                "domain": domain, "state": EntryState.WAITING, "priority": priority, "entered_at": at,
                "language": language, "knows": knows, "away": away,
            }  # fmt: skip
            self.entries.put(call_id, row)

    def write_entry(self, call_id: UUID, /, **values: object) -> None:
        self.entries.change(call_id, values)

    def waiting(self, domain: str) -> list[Waiting]:
        return [
            Waiting(
                row["call_id"], row["queue_id"], row["priority"], row["entered_at"], row["ente_id"], row["language"],
                row["knows"], row["meant_for"], row["passed_by"],
            )
            for row in self.entries.by("domain", domain)
        ]  # fmt: skip

    def domain_of_waiting(self, call_id: UUID) -> str | None:
        row = self.entries.rows.get(call_id)
        return row["domain"] if row is not None and row["state"] is EntryState.WAITING else None

    def domains_waiting(self, *, since: datetime) -> list[str]:
        return sorted(
            domain
            for domain in self.entries.keys("domain")
            if any(row["entered_at"] < since for row in self.entries.by("domain", domain))
        )

    def crowd(self, *, contract_id: int, ente_id: int | None, queue_id: int) -> Crowd:
        here = self.entries.by("contract", contract_id)
        mine = sum(row["queue_id"] == queue_id and row["state"] is EntryState.WAITING for row in here)
        return Crowd(mine, sum(row["ente_id"] == ente_id and not row["away"] for row in here))

    def standing(self, call_id: UUID, now: datetime) -> Standing | None:
        own = self.entries.rows.get(call_id)
        if own is None:
            return None
        serving = {
            agent_id
            for agent_id, row in self.agents.rows.items()
            if row["state"] in SERVING and row["live_until"] > now and (row["device"] or row["rings_at"]) is not None
            and own["queue_id"] in self.levels_of(row)
        }  # fmt: skip
        theirs = {own["queue_id"]}.union(*(self.members[one] for one in serving))
        before = [
            row["queue_id"]
            for row in self.entries.by("domain", own["domain"])
            if (-row["priority"], row["entered_at"]) < (-own["priority"], own["entered_at"])
        ]
        ahead, competing = before.count(own["queue_id"]), sum(one in theirs for one in before)
        return Standing(own["contract_id"], own["queue_id"], ahead, competing, len(serving))

    def match_alone(self, domain: str) -> None:
        """Nobody else is there."""

    # -- agents -------------------------------------------------------------------------------------------------

    def enrol(self, agent_id: int, *, domain: str, at: datetime, levels: Mapping[int, int]) -> None:
        """An agent, out of service, with his levels in his queues."""
        resting = Presence(AgentState.OFFLINE, at, at, AgentState.OFFLINE)
        more = {"agent_id": agent_id, "domain": domain, "live_until": at, "answers_for": (), "not_for": ()}
        self.agents.put(agent_id, {**AGENT, **asdict(resting), **more, "speaks": ()})
        self.members[agent_id] = dict(levels)
        self.state_agent(agent_id, Stated(at, Activity.OFFLINE))

    def lock_agent(self, agent_id: int) -> LockedAgent | None:
        row = self.agents.rows.get(agent_id)
        return None if row is None else LockedAgent(_presence(row), row["domain"], row["live_until"])

    def write_agent(self, agent_id: int, presence: Presence, fact: Stated | None) -> None:
        self.agents.change(agent_id, {name: getattr(presence, name) for name in _PRESENCE})
        if fact is not None:
            self.state_agent(agent_id, fact)

    def state_agent(self, agent_id: int, fact: Stated) -> None:
        last = self.last_facts.rows.get(agent_id)
        at = fact.at if last is None else max(fact.at, last["at"])
        self.agent_facts.add({**asdict(fact), "agent_id": agent_id, "at": at})
        self.last_facts.put(agent_id, {"at": at})

    def attend(
        self, agent_id: int, *, until: datetime, answers_for: Collection[int], not_for: Collection[int]
    ) -> AtDesk | None:  # fmt: skip
        row = self.agents.rows.get(agent_id)
        if row is None:
            return None
        there = {"live_until": max(row["live_until"], until), "answers_for": answers_for, "not_for": not_for}
        self.agents.change(agent_id, there)
        return _at_desk(row)

    def renew(self, agent_ids: Collection[int], *, at: datetime, until: datetime) -> list[AtDesk]:
        known = [self.agents.rows[one] for one in sorted(set(agent_ids)) if one in self.agents.rows]
        for row in known:
            self.agents.change(row["agent_id"], {"live_until": max(row["live_until"], until)})
        return [_at_desk(row) for row in known if row["live_until"] < at]

    def lapse(self, agent_id: int, *, until: datetime) -> None:
        row = self.agents.rows.get(agent_id)
        if row is not None and row["live_until"] > until:
            self.agents.change(agent_id, {"live_until": until, "device": None})

    def set_device(self, agent_id: int, device: str) -> str | None:
        row = self.agents.rows.get(agent_id)
        if row is None or row["device"] == device:
            return None
        self.agents.change(agent_id, {"device": device})
        return str(row["domain"])

    def drop_device(self, agent_id: int, device: str | None = None) -> str | None:
        row = self.agents.rows.get(agent_id)
        if row is None or device not in {None, row["device"]}:
            return None
        self.agents.change(agent_id, {"device": None})
        return str(row["domain"])

    def silent_agents(self, *, since: datetime) -> list[int]:
        resting = {AgentState.READY, AgentState.PAUSED}
        return sorted(
            agent_id
            for agent_id, row in self.agents.rows.items()
            if row["state"] in resting and row["live_until"] < since
        )

    def free_agents(self, domain: str, now: datetime) -> list[FreeAgent]:
        free = []
        for row in self.agents.by("ready", domain):
            if (row["device"] or row["rings_at"]) is not None and row["live_until"] > now:
                levels = self.levels_of(row)
                if levels:
                    no, speaks = frozenset(row["not_for"]), frozenset(row["speaks"])
                    free.append(FreeAgent(row["agent_id"], row["idle_since"], levels, no, speaks))
        return free

    def in_service(self, agent_ids: Collection[int], now: datetime) -> frozenset[int]:
        known = ((one, self.agents.rows[one]) for one in agent_ids if one in self.agents.rows)
        return frozenset(one for one, row in known if row["state"] not in _OUT and row["live_until"] > now)

    def serving(self, queue_ids: Collection[int], now: datetime) -> dict[int, frozenset[int]]:
        there = self.in_service(self.agents.rows, now)
        each = {one: frozenset(a for a in there if one in self.levels_of(self.agents.rows[a])) for one in queue_ids}
        return {queue_id: agents for queue_id, agents in each.items() if agents}


def _presence(row: Row) -> Presence:
    return Presence(*(row[name] for name in _PRESENCE))


def _at_desk(row: Row) -> AtDesk:
    return AtDesk(row["agent_id"], row["domain"], _presence(row), row["live_until"])
