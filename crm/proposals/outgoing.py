"""The proposals feed as it is written, pure. Its readers have `docs/proposals-feed.md`.

The same rows give the same bytes: fields in one order, rows in the order of their decisions.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from crm.proposals.subjects import ProposalKind, Value

VERSION = 1


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An approved proposal as it leaves. It names nobody of the centre: who decided, by role alone."""

    id: UUID
    codice_fiscale: str
    kind: ProposalKind
    what: str
    now: Value | None
    proposed: Value | None
    reference: str | None
    act_number: str | None
    since: date | None
    note: str
    evidence: str
    made_at: datetime
    decided_at: datetime
    decided_as: str


@dataclass(frozen=True, slots=True)
class Feed:
    """A whole feed: its bytes, and what they hold."""

    content: bytes
    corrections: int
    problems: int
    decisions: int

    @property
    def sha256(self) -> str:
        """The digest of its bytes."""
        return sha256(self.content).hexdigest()


def feed_of(ente: str, number: int, made_at: datetime, rows: Sequence[Outgoing]) -> Feed:
    """The feed of these proposals; `ente` is the codice catastale, `number` the ente's own count of exports."""
    rows = sorted(rows, key=lambda row: (row.decided_at, row.id))
    corrections = sum(row.kind is ProposalKind.CORRECTION for row in rows)
    decisions = sum(row.kind is ProposalKind.DECISION for row in rows)
    problems = len(rows) - corrections - decisions
    header = {
        "record": "proposals", "version": VERSION, "ente": ente, "number": number, "made_at": _instant(made_at),
        "source": "Filodiretto",
    }  # fmt: skip
    end: dict[str, Any] = {"record": "end", "corrections": corrections, "notification_problems": problems}
    if decisions:
        end["decisions"] = decisions
    return Feed(_lines([header, *map(record_of, rows), end]), corrections, problems, decisions)


def record_of(row: Outgoing) -> dict[str, Any]:
    """One proposal; what is not known is left out, but for `from` and `to`, whose null says something."""
    common = {"record": row.kind.value, "id": str(row.id), "codice_fiscale": row.codice_fiscale}
    if row.kind is ProposalKind.CORRECTION:
        own: dict[str, Any] = {"what": row.what, "from": _plain(row.now), "to": _plain(row.proposed)}
    elif row.kind is ProposalKind.DECISION:
        own = _known(
            {
                "decision": row.what, "reference": row.reference, "act_number": row.act_number,
                **{name: (row.proposed or {}).get(name) for name in ("outcome", "case")},
                "asked": (row.proposed or {}).get("value"),
                "instalments": int((row.proposed or {}).get("instalments", "0")),
            }
        )  # fmt: skip
    else:
        own = _known(
            {
                "problem": row.what, "reference": row.reference, "act_number": row.act_number,
                "since": row.since.isoformat() if row.since else None,
            }
        )  # fmt: skip
    told = _known({"note": row.note, "evidence": row.evidence})
    when = {
        "proposed_at": _instant(row.made_at), "decided_at": _instant(row.decided_at), "decided_as": row.decided_as,
    }  # fmt: skip
    return common | own | told | when


def _instant(at: datetime) -> str:
    """The same in whichever zone a database server gives it."""
    return at.astimezone(UTC).isoformat()


def _plain(value: Value | None) -> Any:
    """A simple value as its text, an address as an object."""
    return None if value is None else value.get("value", dict(sorted(value.items())))


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}


def _lines(records: Iterable[dict[str, Any]]) -> bytes:
    return "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in records).encode()
