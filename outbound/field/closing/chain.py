"""What chains the register of operations: each entry's digest is over all that it says and over the one before. Pure.

Whoever alters, removes, adds or reorders an entry changes every digest after it; a keyed mark beside each says that
this installation wrote it. Entries name practices and agents by their numbers, and no taxpayer.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

BEGINNING = bytes(32)  # stands before the first entry


class Operation(StrEnum):
    """What is written down."""

    MANDATE_GIVEN = "mandate_given"
    MANDATE_ACCEPTED = "mandate_accepted"
    VISIT = "visit"
    PRACTICE_CLOSED = "practice_closed"
    SETTLED = "settled"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it is stored: when, for which client, what, by whom, for what fee, with what outcome.

    `subject` tells what was done from everything else that was; `agent`: the number on his badge.
    """

    number: int
    ente_id: int
    client: str
    client_code: str
    at: datetime
    operation: Operation
    subject: str
    practice: int | None
    agent: int | None
    cents: int | None
    fee_per_mille: Decimal | None
    fee_cents: int | None
    outcome: str
    words: str
    corrects: int | None


def digest(before: bytes, entry: Entry) -> bytes:
    """Of an entry, and of all those before it."""
    said = asdict(entry) | {"at": entry.at.astimezone(UTC).isoformat(timespec="microseconds")}
    fee = entry.fee_per_mille
    said["fee_per_mille"] = None if fee is None else f"{fee.normalize():f}"
    return sha256(json.dumps([before.hex(), said], sort_keys=True, separators=(",", ":")).encode()).digest()
