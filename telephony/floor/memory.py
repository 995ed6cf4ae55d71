"""The floor in the memory of this process, in which the simulation runs.

One transaction at a time, so that nothing needs a lock. Rows have the columns of the tables of the same name. Nothing
is known of taxpayers: a call leaves no more than its entry on the timeline.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from sqlalchemy.orm import Session

from crm.contacts.queries import ContactKey
from crm.core.db import Base, Database, Memory, Scope, table_of
from crm.levels import queries as promised
from crm.levels import service as levels
from crm.levels.metering import Account, Counts, Measured
from crm.levels.models import ContractEventKind, ServiceFact
from crm.levels.queries import Promise
from crm.levels.service import SeenFact
from telephony.agents.models import AgentPresence, AgentState
from telephony.agents.presence import Presence
from telephony.calls.models import AgentLeg, Call, LegRole, LegState, Phase
from telephony.commands.jobs import Job
from telephony.commands.models import CommandKind, CommandState, TimerKind
from telephony.floor.port import CallRow, DueTimer, Entering, LiveCall, Owner, Talking
from telephony.floor.tables import Journal, Row, Table
from telephony.floor.texts_memory import MemoryTexts
from telephony.queues import queries as queues
from telephony.queues.models import EntryState, QueueEntry
from telephony.queues.queries import Crowd
from telephony.queues.routing import FreeAgent, Waiting
from telephony.texts.models import TextThread

_LIVE_CALL = [one.name for one in fields(LiveCall)]
_PRESENCE = [one.name for one in fields(Presence)]
_UNSETTLED = frozenset({CommandState.OWED, CommandState.UNKNOWN})
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


_CALL, _LEG, _ENTRY, _AGENT = _blank(Call), _blank(AgentLeg), _blank(QueueEntry), _blank(AgentPresence)
_FACT, _THREAD = _blank(ServiceFact), _blank(TextThread)


class MemoryFloor(MemoryTexts):
    """`Floor` in dictionaries. `members` are the levels of agents in queues, by agent and queue."""

    def __init__(self) -> None:
        self.journal = Journal()
        super().__init__(self.journal, _THREAD)
        table = self.journal
        self.members: dict[int, dict[int, int]] = {}
        self.calls = Table(
            table, order=lambda row: None if row["phase"] is Phase.ENDED else row["checked_at"],
            sid=lambda row: row["carrier_sid"],
        )  # fmt: skip
        self.events = Table(table, call=lambda row: row["call_id"])
        self.legs = Table(table, call=lambda row: row["call_id"])
        self.entries = Table(
            table,
            domain=lambda row: row["domain"] if row["state"] is EntryState.WAITING else None,
            contract=lambda row: row["contract_id"] if row["state"] is not EntryState.LEFT else None,
        )
        self.agents = Table(table, ready=lambda row: row["domain"] if row["state"] is AgentState.READY else None)
        self.timers = Table(table, order=lambda row: row["due_at"], of=_timer_of)
        self.commands = Table(table, order=lambda row: row["lease_until"] if row["state"] in _UNSETTLED else None)
        self.facts = Table(table, subject=lambda row: row["subject"])
        self.counts = Table(table)
        self.contract_events = Table(table)
        self.timeline = Table(table, contact=lambda row: row["contact_id"])
        self.session: Session | None = None  # of the transaction that is open: configuration and clock are read by it

    def attempt(self) -> AbstractContextManager[object]:
        return self.journal.attempt()

    # -- calls --------------------------------------------------------------------------------------------------

    def arrive(self, **values: object) -> CallRow | None:
        if self.calls.by("sid", values["carrier_sid"]):
            return None
        self.calls.put(values["id"], {**_CALL, **values})
        return self.whole_call(cast("UUID", values["id"]))

    def call_of_sid(self, carrier_sid: str) -> Owner | None:
        found = self.calls.by("sid", carrier_sid)
        return Owner(found[0]["id"], found[0]["contract_id"], found[0]["ente_id"]) if found else None

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
            (row, self.legs.rows.get(row["leg_id"]) or _LEG)
            for _, row in self.calls.until(max(before, joining_before))
            if row["checked_at"] < (joining_before if row["phase"] is Phase.JOINING else before)
        ][:limit]
        for row, _ in quiet:
            self.calls.change(row["id"], {"checked_at": at})
        return [
            (
                row["id"], row["contract_id"], row["carrier_sid"], row["phase"], row["closing"], row["leg_id"],
                leg["carrier_sid"], leg["state"], leg["offered_at"], row["away"], None,
            )
            for row, leg in quiet
        ]  # fmt: skip

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

    # -- legs ---------------------------------------------------------------------------------------------------

    def add_leg(self, call: LiveCall, leg_id: UUID, /, **values: object) -> None:
        of = {"id": leg_id, "call_id": call.id, "contract_id": call.contract_id, "ente_id": call.ente_id}
        self.legs.put(leg_id, {**_LEG, **of, **values})

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

    # -- the queue ----------------------------------------------------------------------------------------------

    def add_entry(
        self, call_id: UUID, *, contract_id: int, ente_id: int | None, queue_id: int, domain: str, priority: int,
        at: datetime, language: str, knows: int | None, away: bool = False,
    ) -> None:  # fmt: skip
        if call_id not in self.entries.rows:
            row = {
                **_ENTRY, "call_id": call_id, "contract_id": contract_id, "ente_id": ente_id, "queue_id": queue_id,
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
                row["knows"], row["meant_for"],
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

    def match_alone(self, domain: str) -> None:
        """Nobody else is there."""

    # -- agents -------------------------------------------------------------------------------------------------

    def enrol(self, agent_id: int, *, domain: str, at: datetime, levels: Mapping[int, int]) -> None:
        """An agent, out of service, with his levels in his queues."""
        resting = Presence(AgentState.OFFLINE, at, at, AgentState.OFFLINE)
        more = {"agent_id": agent_id, "domain": domain, "live_until": at, "answers_for": (), "not_for": ()}
        self.agents.put(agent_id, {**_AGENT, **asdict(resting), **more, "speaks": ()})
        self.members[agent_id] = dict(levels)

    def lock_agent(self, agent_id: int) -> tuple[Presence, str] | None:
        row = self.agents.rows.get(agent_id)
        return None if row is None else (Presence(*(row[name] for name in _PRESENCE)), row["domain"])

    def write_agent(self, agent_id: int, presence: Presence) -> None:
        self.agents.change(agent_id, {name: getattr(presence, name) for name in _PRESENCE})

    def attend(
        self, agent_id: int, *, until: datetime, answers_for: Collection[int], not_for: Collection[int]
    ) -> str | None:  # fmt: skip
        row = self.agents.rows.get(agent_id)
        if row is None:
            return None
        there = {"live_until": max(row["live_until"], until), "answers_for": answers_for, "not_for": not_for}
        self.agents.change(agent_id, there)
        return str(row["domain"])

    def renew(self, agent_ids: Collection[int], *, at: datetime, until: datetime) -> list[tuple[int, str]]:
        known = [self.agents.rows[one] for one in sorted(agent_ids) if one in self.agents.rows]
        for row in known:
            self.agents.change(row["agent_id"], {"live_until": max(row["live_until"], until)})
        return [(row["agent_id"], row["domain"]) for row in known if row["live_until"] < at]

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

    def levels_of(self, row: Row) -> dict[int, int]:
        """An agent's levels in the queues that he may answer."""
        return {
            queue_id: level
            for queue_id, level in self.members.get(row["agent_id"], {}).items()
            if self._contract_of(queue_id) in row["answers_for"]
        }

    def in_service(self, agent_ids: Collection[int], now: datetime) -> frozenset[int]:
        away = {AgentState.OFFLINE, AgentState.PAUSED}
        known = ((one, self.agents.rows[one]) for one in agent_ids if one in self.agents.rows)
        return frozenset(one for one, row in known if row["state"] not in away and row["live_until"] > now)

    # -- timers -------------------------------------------------------------------------------------------------

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
        if row is None or row["state"] not in _UNSETTLED:
            return None
        call = self.calls.rows[row["call_id"]]
        leg = self.legs.rows.get(row["leg_id"]) or _LEG
        return Job(
            row["id"], row["kind"], row["state"], row["attempts"], row["created_at"], now, row["call_id"],
            call["contract_id"], call["line"], call["carrier_sid"], call["phase"], call["leg_id"], row["leg_id"],
            leg["carrier_sid"], leg["state"], leg["agent_id"],
            self._ring_timeout(call["in_queue_id"] or call["queue_id"]), leg["role"] if leg["id"] else None,
            leg["number"] or (self.agents.rows.get(leg["agent_id"]) or _AGENT)["rings_at"], call["room_id"], None, None,
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

    # -- the meter, and what is promised --------------------------------------------------------------------------

    def record(
        self, subject: UUID, *, facts: Iterable[SeenFact], before: tuple[Account, Measured] | None,
        after: tuple[Account, Measured],
    ) -> None:  # fmt: skip
        terms = promised.terms(self._open, after[0].contract_id)
        for row in levels.fact_rows(subject, facts, after[0], recorded_at=self._now):
            self.facts.add({**_FACT, **row})
        for account, counts in levels.changes(before, after, terms):
            old: Row = self.counts.rows.get(account) or {"counts": Counts()}
            self.counts.put(account, {"counts": old["counts"] + counts})

    def count_alone(self, contract_id: int, ente_id: int | None) -> None:
        """Nobody else is there."""

    def emit(
        self, promise: Promise, *, kind: ContractEventKind, subject: str, measured: Decimal, at: datetime,
        ente_id: int | None, queue_id: int | None,
    ) -> None:  # fmt: skip
        key = (promise.contract_id, promise.metric, subject)
        row = self.contract_events.rows.get(key)
        if row is None:
            values = {"kind": kind, "limit": promise.target, "measured": measured, "occurred_at": at}
            where = {"ente_id": ente_id, "queue_id": queue_id, "withdrawn_at": None}
            self.contract_events.put(key, {**values, **where})
        elif row["withdrawn_at"] is not None:
            self.contract_events.change(key, {"withdrawn_at": None, "measured": measured})

    def withdraw(self, promise: Promise, *, subject: str) -> None:
        key = (promise.contract_id, promise.metric, subject)
        row = self.contract_events.rows.get(key)
        if row is not None and row["withdrawn_at"] is None:
            self.contract_events.change(key, {"withdrawn_at": self._now})

    # -- the taxpayer and his file --------------------------------------------------------------------------------

    def reached_at(self, number: str) -> list[ContactKey]:  # noqa: ARG002  # nobody is known
        return []

    def by_notice(self, notice_number: str) -> list[ContactKey]:  # noqa: ARG002
        return []

    def tell(self, call_id: UUID) -> None:
        call = self.calls.rows[call_id]
        if call["ente_id"] is not None and call["contact_id"] is not None:
            told = {
                "call_id": call_id, "contact_id": call["contact_id"], "at": call["arrived_at"],
                "agent_id": call["agent_id"],
            }  # fmt: skip
            self.timeline.put(call_id, told)

    def close_file(self, call_id: UUID) -> None:
        """There are none."""

    def who_knows(self, contact_id: int, *, since: datetime) -> int | None:
        told = [row for row in self.timeline.by("contact", contact_id) if row["agent_id"] and row["at"] >= since]
        last = max(told, key=lambda row: row["at"], default=None)
        return None if last is None else int(last["agent_id"])

    # -- what a simulation may look at ----------------------------------------------------------------------------

    def let_go(self, before: datetime) -> list[Row]:
        """Calls that were over before then, and all that is about them, are known no longer; their rows."""
        busy = {row["call_id"] for row in self.timers.rows.values()} | {
            row["call_id"] for row in self.agents.rows.values()
        }
        owed = {row["call_id"] for row in self.commands.rows.values() if row["state"] in _UNSETTLED}
        over = [
            row
            for key, row in self.calls.rows.items()
            if row["ended_at"] is not None and row["ended_at"] < before and key not in busy | owed
        ]
        gone = {row["id"] for row in over}
        for table in (self.events, self.legs, self.entries, self.commands, self.facts, self.timeline):
            table.drop(lambda row: row.get("call_id", row.get("subject")) in gone)
        self.calls.drop(lambda row: row["id"] in gone)
        return over

    # -- parts --------------------------------------------------------------------------------------------------

    @property
    def _open(self) -> Session:
        assert self.session is not None
        return self.session

    @property
    def _now(self) -> datetime:
        now: datetime = self._open.info["now"]
        return now

    def _contract_of(self, queue_id: int) -> int:
        return queues.queue(self._open, queue_id).contract_id

    def _ring_timeout(self, queue_id: int | None) -> int | None:
        return None if queue_id is None else queues.queue(self._open, queue_id).ring_timeout_s


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


def _timer_of(row: Row) -> tuple[TimerKind, Any] | None:
    column = _TIMER_OF.get(row["kind"])
    return None if column is None else (row["kind"], row[column])
