"""What a seal is made of. Pure.

An entry's hash is over all its columns, the personal values as they are encrypted: erasing a person destroys a key
and leaves every hash as it was. A seal's digest is over the seal before it, its own number, instant, entries and
their hashes: whoever alters, removes, adds or reorders anything changes every digest after it. That entries were cut
off at the end is told by a digest somebody wrote down elsewhere.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

HASH_BYTES = 32
BEGINNING = bytes(HASH_BYTES)  # stands before a chain's first seal


@dataclass(frozen=True, slots=True)
class Entry:
    """An audit entry as it is stored."""

    id: int
    ente_id: int | None
    contact_id: int | None
    kind: str
    occurred_at: datetime
    actor_id: int | None
    place: str
    call_id: UUID | None
    reason: str
    detail: Mapping[str, Any]
    secret: bytes | None


def entry_hash(entry: Entry) -> bytes:
    """The SHA-256 of all that an entry says, written in one way."""
    return _sha256(
        entry.id, entry.ente_id, entry.contact_id, entry.kind, _instant(entry.occurred_at), entry.actor_id,
        entry.place, None if entry.call_id is None else str(entry.call_id), entry.reason, entry.detail,
        None if entry.secret is None else entry.secret.hex(),
    )  # fmt: skip


def seal_digest(
    before: bytes, *, chain: int, number: int, sealed_at: datetime, entries: Sequence[int], hashes: bytes
) -> bytes:
    """The digest of a chain's n-th seal; `before` is that of the one before it, or `BEGINNING`."""
    return _sha256(before.hex(), chain, number, _instant(sealed_at), list(entries), hashes.hex())


def expiry_digest(
    sealed: bytes, *, chain: int, through: int, entries: int, reason: str, at: datetime
) -> bytes:  # fmt: skip
    """The digest of the word that a chain's entries were let go of; `sealed` is that of the last seal concerned."""
    return _sha256(sealed.hex(), chain, through, entries, reason, _instant(at))


def about(
    *, ente_id: int, contact_id: int, kind: str, occurred_at: datetime, actor_id: int | None, call_id: UUID | None
) -> bytes:
    """What an entry's personal values are bound to: under another entry's head they do not open."""
    call = None if call_id is None else str(call_id)
    return _written(ente_id, contact_id, kind, _instant(occurred_at), actor_id, call)


def _sha256(*values: Any) -> bytes:
    return sha256(_written(*values)).digest()


def _written(*values: Any) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
