"""The meter on the floor in memory; of taxpayers nothing is known there."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from crm.contacts.queries import ContactKey
from crm.levels import queries as promised
from crm.levels import service as levels
from crm.levels.agreement import Promise
from crm.levels.metering import Account, Counts, Measured
from crm.levels.models import ContractEventKind
from crm.levels.service import SeenFact, ToldWait
from telephony.floor.memory_tables import FACT, MemoryTables
from telephony.floor.tables import Row


class MemoryMeter(MemoryTables):
    """What is counted and promised."""

    def record(
        self, subject: UUID, *, facts: Iterable[SeenFact], before: tuple[Account, Measured] | None,
        after: tuple[Account, Measured],
    ) -> None:  # fmt: skip
        terms = promised.terms(self._open, after[0].contract_id)
        for row in levels.fact_rows(subject, facts, after[0], recorded_at=self._now):
            self.facts.add({**FACT, **row})
        for account, counts in levels.changes(before, after, terms):
            old: Row = self.counts.rows.get(account) or {"counts": Counts()}
            self.counts.put(account, {"counts": old["counts"] + counts})

    def announce(self, subject: UUID, *, account: Account, told: ToldWait) -> None:
        self.facts.add({**FACT, **levels.announced_row(subject, account, told, at=self._now)})

    def handled_since(self, contract_id: int, queue_id: int, since: datetime) -> Counts:
        lately = (
            row["counts"]
            for account, row in self.counts.rows.items()
            if (account.contract_id, account.queue_id) == (contract_id, queue_id) and account.quarter >= since
        )
        return sum(lately, Counts())

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
        elif row["withdrawn_at"] is not None or measured > row["measured"]:
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

    def who_know(self, contact_id: int, *, since: datetime) -> list[int]:
        told = [row for row in self.timeline.by("contact", contact_id) if row["agent_id"] and row["at"] >= since]
        last = max(told, key=lambda row: row["at"], default=None)
        return [] if last is None else [int(last["agent_id"])]
