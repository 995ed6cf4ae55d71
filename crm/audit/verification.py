"""Verifying the chains: every seal is computed again from the entries, and the first thing that is wrong is said."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hmac import compare_digest
from itertools import islice

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from crm.audit.chain import BEGINNING, HASH_BYTES, entry_hash, expiry_digest, seal_digest
from crm.audit.models import NOBODYS, AuditEntry, AuditExpiry, AuditSeal, AuditUnsealed, ExpiryReason
from crm.audit.sealing import EXPIRY_MARK, LEAST_MONTHS, MARK, entries, last_seal
from crm.core import clock, secrecy
from crm.core.clock import months_before
from crm.privacy.models import EnteEnd

AT_ONCE = 200  # seals
PATIENCE = timedelta(minutes=5)  # the engine seals each second; while it was away entries wait


class Break(StrEnum):
    """What is wrong with a chain."""

    SEAL_MISSING = "a seal is missing"
    SEAL_ALTERED = "the seal was altered, or follows another one than it says"
    SEAL_FORGED = "the seal was not made under this installation's master key"
    ENTRY_MISSING = "the entry was removed"
    ENTRY_ALTERED = "the entry was altered"
    ENTRY_UNSEALED = "the entry is in no seal: it was added by hand, or nobody seals"
    EXPIRY_FORGED = "that entries were let go of was not said under this installation's master key"
    EXPIRED_EARLY = "entries were let go of before their time"
    CUT_OFF = "the chain ends before the head that was written down, or has another seal there"


@dataclass(frozen=True, slots=True)
class Head:
    """A seal that somebody wrote down: whatever came before it can be proved to be there still."""

    number: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of verifying a chain: how far it is sound, and the first thing that is not."""

    chain: int
    seals: int
    entries: int
    head: Head | None
    broken: Break | None = None
    seal: int | None = None
    entry: int | None = None


@dataclass(slots=True)
class _Tally:
    seals: int = 0
    entries: int = 0


class _BrokenError(Exception):
    def __init__(self, broken: Break, seal: int | None = None, entry: int | None = None) -> None:
        super().__init__(broken)
        self.broken, self.seal, self.entry = broken, seal, entry


def verify(session: Session, chain: int, *, since: datetime | None = None, head: Head | None = None) -> Verdict:
    """Verify a chain, from the first seal made at or after `since`, against a head given by hand if there is one."""
    tally = _Tally()
    last = last_seal(session, chain)
    reached = Head(last.number, last.digest) if last else None
    try:
        _check_seals(session, chain, since, tally)
        _check_head(session, chain, head)
        _check_unsealed(session, chain, since)
    except _BrokenError as found:
        return Verdict(chain, tally.seals, tally.entries, reached, found.broken, found.seal, found.entry)
    return Verdict(chain, tally.seals, tally.entries, reached)


def _check_seals(session: Session, chain: int, since: datetime | None, tally: _Tally) -> None:
    expired = _expired_through(session, chain)
    before = _before(session, chain, since)
    number, digest = (before.number, before.digest) if before else (0, BEGINNING)
    mark = secrecy.of(session).mark
    for seals in _batches(_seals(session, chain, number)):
        found = entries(session, [one for seal in seals for one in seal.entries])
        for seal in seals:
            number += 1
            if seal.number != number:
                raise _BrokenError(Break.SEAL_MISSING, number)
            again = seal_digest(
                digest, chain=chain, number=number, sealed_at=seal.sealed_at, entries=seal.entries, hashes=seal.hashes
            )
            if again != seal.digest:
                raise _BrokenError(Break.SEAL_ALTERED, number)
            if not compare_digest(mark(MARK, seal.digest), seal.mark):
                raise _BrokenError(Break.SEAL_FORGED, number)
            for place, one in enumerate(seal.entries):
                if one not in found:
                    if number <= expired:
                        continue
                    raise _BrokenError(Break.ENTRY_MISSING, number, one)
                if entry_hash(found[one]) != seal.hashes[place * HASH_BYTES : (place + 1) * HASH_BYTES]:
                    raise _BrokenError(Break.ENTRY_ALTERED, number, one)
                tally.entries += 1
            digest = seal.digest
            tally.seals += 1


def _expired_through(session: Session, chain: int) -> int:
    """Up to which seal entries may be gone. An expiry must have had the right to be."""
    mark, ended = secrecy.of(session).mark, _contract_ended(session, chain)
    rows = session.execute(
        select(AuditExpiry, AuditSeal.digest, AuditSeal.sealed_at)
        .outerjoin(AuditSeal, (AuditSeal.chain == AuditExpiry.chain) & (AuditSeal.number == AuditExpiry.through))
        .where(AuditExpiry.chain == chain)
    ).all()
    for one, sealed, sealed_at in rows:
        if sealed is None:
            raise _BrokenError(Break.EXPIRY_FORGED, one.through)
        digest = expiry_digest(
            sealed, chain=chain, through=one.through, entries=one.entries, reason=one.reason, at=one.at
        )
        if not compare_digest(mark(EXPIRY_MARK, digest), one.mark):
            raise _BrokenError(Break.EXPIRY_FORGED, one.through)
        old = sealed_at <= months_before(min(one.at, clock.now(session)), LEAST_MONTHS)
        if not (old if one.reason is ExpiryReason.RETENTION else ended):
            raise _BrokenError(Break.EXPIRED_EARLY, one.through)
    return max((one.through for one, _, _ in rows), default=0)


def _contract_ended(session: Session, chain: int) -> bool:
    """Whether two persons have said that the ente's entries may go."""
    end = exists().where(EnteEnd.ente_id == chain, EnteEnd.confirmed_at.is_not(None))
    return session.execute(select(end)).scalar_one()


def _check_head(session: Session, chain: int, head: Head | None) -> None:
    if head is None:
        return
    there = session.execute(
        select(AuditSeal.digest).where(AuditSeal.chain == chain, AuditSeal.number == head.number)
    ).scalar_one_or_none()
    if there != head.digest:
        raise _BrokenError(Break.CUT_OFF, head.number)


def _check_unsealed(session: Session, chain: int, since: datetime | None) -> None:
    """Every entry is in a seal, or waits for one and has not waited for long."""
    waiting = exists().where(AuditUnsealed.entry_id == AuditEntry.id)
    late = AuditEntry.occurred_at < clock.now(session) - PATIENCE
    left = select(AuditEntry.id).where(func.coalesce(AuditEntry.ente_id, NOBODYS) == chain, ~waiting | late)
    if since is not None:
        left = left.where(AuditEntry.occurred_at >= since)
    sealed = select(func.unnest(AuditSeal.entries)).where(AuditSeal.chain == chain)
    unsealed = left.except_(sealed).subquery()  # not NOT IN: it may be millions
    one = session.execute(select(func.min(unsealed.c.id))).scalar_one()
    if one is not None:
        raise _BrokenError(Break.ENTRY_UNSEALED, entry=one)


def _before(session: Session, chain: int, since: datetime | None) -> AuditSeal | None:
    """The last seal made before an instant: its word is taken."""
    if since is None:
        return None
    statement = select(AuditSeal).where(AuditSeal.chain == chain, AuditSeal.sealed_at < since)
    return session.execute(statement.order_by(AuditSeal.number.desc()).limit(1)).scalar_one_or_none()


def _seals(session: Session, chain: int, after: int) -> Iterator[AuditSeal]:
    while True:
        found = session.scalars(
            select(AuditSeal)
            .where(AuditSeal.chain == chain, AuditSeal.number > after)
            .order_by(AuditSeal.number)
            .limit(AT_ONCE)
        ).all()
        if not found:
            return
        yield from found
        after = found[-1].number
        session.expunge_all()


def _batches(seals: Iterator[AuditSeal]) -> Iterator[list[AuditSeal]]:
    while batch := list(islice(seals, AT_ONCE)):
        yield batch
