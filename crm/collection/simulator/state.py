"""What the stand-in holds of one ente: the records of a feed file, and every change made to them since."""

import json
import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from crm.collection.simulator.inbox import Inbox

Record = dict[str, Any]
KEYS = {"taxpayer": "codice_fiscale", "position": "reference", "document": "reference"}
OPEN_STATES = {"to_pay", "overdue", "partly_paid"}


class UnknownReferenceError(Exception):
    """There is no such position."""


class CursorGoneError(Exception):
    """The changes since this cursor are not kept: it is of an earlier life of this program."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Part of the state, or of its changes."""

    records: list[Record]
    next: str
    more: bool


@dataclass(slots=True)
class EnteState:
    """The state of one ente. `epoch` tells one life of the program from the next."""

    code: str
    as_of: datetime
    records: dict[tuple[str, str], Record]
    epoch: str = field(default_factory=lambda: secrets.token_hex(4))
    changes: list[Record] = field(default_factory=list)
    inbox: Inbox = field(default_factory=Inbox)

    def __post_init__(self) -> None:
        """What is accepted of the proposals is done here."""
        self.inbox.does = self.carry_out

    @classmethod
    def of_file(cls, path: Path, inbox: Inbox) -> "EnteState":
        """The state that a feed file tells."""
        with path.open(encoding="utf-8") as file:
            header = json.loads(next(file))
            told = [json.loads(line) for line in file]
        records = {(one["record"], one[KEYS[one["record"]]]): one for one in told if one["record"] in KEYS}
        return cls(header["ente"], datetime.fromisoformat(header["as_of"]).astimezone(UTC), records, inbox=inbox)

    @property
    def cursor(self) -> str:
        """Where the changes stand."""
        return f"{self.epoch}-{len(self.changes)}"

    def since(self, cursor: str, limit: int) -> Slice:
        """The changes after a cursor."""
        return self._after(self.changes, cursor, limit)

    def answers(self, cursor: str | None, limit: int) -> Slice:
        """The answers to proposals after a cursor; without one, all."""
        return self._after(self.inbox.answers, cursor or f"{self.epoch}-0", limit)

    def _after(self, told: list[Record], cursor: str, limit: int) -> Slice:
        epoch, _, number = cursor.partition("-")
        if epoch != self.epoch or not number.isdigit() or int(number) > len(told):
            raise CursorGoneError
        start = int(number)
        end = min(start + limit, len(told))
        return Slice(told[start:end], f"{self.epoch}-{end}", end < len(told))

    def whole(self, cursor: str | None, limit: int) -> Slice:
        """Everything, in pages; taxpayers come before positions."""
        start = int(cursor.removeprefix("full-")) if cursor and cursor.removeprefix("full-").isdigit() else 0
        ordered = sorted(self.records.values(), key=lambda one: one["record"] != "taxpayer")
        end = start + limit
        more = end < len(ordered)
        return Slice(ordered[start:end], f"full-{end}" if more else self.cursor, more)

    def of_one(self, codice_fiscale: str) -> list[Record]:
        """All that is held of one taxpayer; nothing if he is not known."""
        his = [one for one in self.records.values() if one.get("codice_fiscale") == codice_fiscale]
        return sorted(his, key=lambda one: one["record"] != "taxpayer")

    def somebody_else(self, codice_fiscale: str) -> str:
        """The codice fiscale of another taxpayer."""
        return next(key for kind, key in self.records if kind == "taxpayer" and key != codice_fiscale)

    def suspend(self, reference: str | None, now: datetime) -> Record:
        """The ente suspends collection."""
        position = self._chosen(reference, OPEN_STATES)
        return self._change(now, position, state="suspended", state_on=now.date().isoformat())

    def totals(self) -> list[Record]:
        """Count and sums of the positions by tax."""
        sums: dict[str, list[Decimal]] = {}
        for one in self._positions():
            line = sums.setdefault(one["tax"], [Decimal(0)] * 3)
            amounts = one["amounts"]
            for place, value in enumerate((1, amounts["residual"], amounts.get("paid", 0))):
                line[place] += Decimal(str(value))
        return [
            {"tax": tax, "positions": int(count), "residual": f"{residual:.2f}", "paid": f"{paid:.2f}"}
            for tax, (count, residual, paid) in sorted(sums.items())
        ]

    def pay(self, reference: str | None, now: datetime) -> Record:
        """A payment of all that is owed arrives."""
        position = self._chosen(reference, OPEN_STATES)
        amounts = position["amounts"]
        owed = Decimal(str(amounts["residual"]))
        paid = Decimal(str(amounts.get("paid", 0))) + owed
        payment = {"paid_on": now.date().isoformat(), "amount": f"{owed:.2f}", "channel": "pagoPA"}
        return self._change(
            now, position, state="paid", amounts={**amounts, "paid": f"{paid:.2f}", "residual": "0.00"},
            payments=[*position.get("payments", []), payment],
        )  # fmt: skip

    def annul(self, reference: str | None, now: datetime) -> Record:
        """The ente annuls an act."""
        position = self._chosen(reference, OPEN_STATES)
        return self._change(
            now, position, state="annulled", state_on=now.date().isoformat(), state_note="annullato in autotutela",
            amounts={**position["amounts"], "residual": "0.00"},
        )  # fmt: skip

    def carry_out(self, proposal: Record, now: datetime) -> str:
        """Do what a request was granted about a position; why not, where it cannot be done. Corrections do nothing."""
        if proposal["record"] != "decision":
            return ""
        position = self.records.get(("position", proposal["reference"]))
        if position is None:
            return "La posizione non esiste"
        if position["state"] == "paid" and proposal["decision"] != "refund":
            return "La posizione è già pagata"
        self._change(now, position, **_granted(proposal, position, now.date().isoformat()))
        return ""

    def withdraw(self, reference: str | None, now: datetime) -> Record:
        """A position was there by mistake."""
        position = self._chosen(reference, None)
        del self.records["position", position["reference"]]
        gone = {"record": "withdrawal", "of": "position", "reference": position["reference"]}
        self.changes.append(gone | {"as_of": self._moved(now)})
        return position

    def _change(self, now: datetime, position: Record, **changes: Any) -> Record:
        changed = {**position, **changes, "as_of": self._moved(now)}
        self.records["position", changed["reference"]] = changed
        self.changes.append(changed)
        return changed

    def _moved(self, now: datetime) -> str:
        self.as_of = max(now, self.as_of + timedelta(milliseconds=1))
        return self.as_of.isoformat()

    def _positions(self) -> Iterator[Record]:
        return (one for (kind, _), one in self.records.items() if kind == "position")

    def _chosen(self, reference: str | None, states: set[str] | None) -> Record:
        if reference:
            found = self.records.get(("position", reference))
            if found is None:
                raise UnknownReferenceError
            return found
        candidates = [one for one in self._positions() if states is None or one["state"] in states]
        if not candidates:
            raise UnknownReferenceError
        return random.choice(candidates)  # noqa: S311 (invented data)


def _granted(proposal: Record, position: Record, today: str) -> Record:
    """What a decision changes of a position; what was granted in part is written among what happened to it."""
    match proposal["decision"], proposal.get("outcome"):
        case "instalments", _:
            return {"state": "in_instalments", "state_on": today, "plan": {"granted_on": today}}
        case "suspension", _:
            return {"state": "suspended", "state_on": today}
        case "refund", _:
            return {"steps": [*position.get("steps", []), {"kind": "refund", "on": today}]}
        case what, "granted":
            state, nothing = (
                ("relieved" if what == "relief" else "annulled"),
                {**position["amounts"], "residual": "0.00"},
            )
            return {"state": state, "state_on": today, "amounts": nothing}
        case what, _:
            kind = "relief" if what == "relief" else "annulment"
            return {"steps": [*position.get("steps", []), {"kind": kind, "on": today}]}
