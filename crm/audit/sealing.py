"""Sealing what was committed, chain by chain; and letting go of what was kept for long enough.

A chain is an ente's entries, or those of no ente. Its seals follow one another under a lock; chains do not wait for
each other, nor does whoever writes an entry wait for a seal.
"""

from collections.abc import Collection, Sequence
from functools import partial

import structlog
from sqlalchemy import ARRAY, BigInteger, any_, bindparam, delete, func, select
from sqlalchemy.orm import Session

from crm.audit.chain import BEGINNING, HASH_BYTES, Entry, entry_hash, expiry_digest, seal_digest
from crm.audit.models import NOBODYS, AuditEntry, AuditExpiry, AuditSeal, AuditUnsealed, ExpiryReason
from crm.core import clock, secrecy
from crm.core.clock import months_before
from crm.core.db import Database, Scope, table_of
from crm.enti import queries as enti

log = structlog.get_logger(__name__)

BATCH = 1_000
AT_ONCE = 50  # seals
MARK, EXPIRY_MARK = "audit.seal", "audit.expiry"
LEAST_MONTHS = 24  # Garante, 27 November 2008, asks six for administrators' accesses; the contracts ask 24 for files
_ENTRY = table_of(AuditEntry)
_COLUMNS = [_ENTRY.c[name] for name in Entry.__dataclass_fields__]


def seal_pending(database: Database) -> int:
    """Seal what is committed and not sealed yet, of every chain; how many entries."""
    with database.begin(Scope.nothing()) as session:
        everybody = frozenset(enti.badges(session))
    with database.begin(Scope.of_enti(everybody)) as session:
        pending = set(session.execute(select(AuditUnsealed.ente_id).distinct()).scalars())
    return sum(seal_all(database, ente_id or NOBODYS) for ente_id in pending)


def seal_all(database: Database, chain: int) -> int:
    """Seal all that is committed of a chain; how many entries."""
    done = 0
    while count := database.transact(scope_of(chain), partial(seal, chain=chain)):
        done += count
    return done


def seal(session: Session, chain: int) -> int:
    """Seal the next batch of a chain; how many entries it took."""
    _lock(session, chain)
    mine = (
        select(AuditUnsealed.entry_id)
        .where(func.coalesce(AuditUnsealed.ente_id, NOBODYS) == chain)
        .order_by(AuditUnsealed.entry_id)
        .limit(BATCH)
    )
    taken = delete(AuditUnsealed).where(AuditUnsealed.entry_id.in_(mine)).returning(AuditUnsealed.entry_id)
    ids = sorted(session.execute(taken).scalars())
    if not ids:
        return 0
    before, at = last_seal(session, chain), clock.now(session)
    number = before.number + 1 if before else 1
    found = entries(session, ids)
    # One that is gone before it was sealed is named, and never verifies.
    hashes = b"".join(entry_hash(found[one]) if one in found else bytes(HASH_BYTES) for one in ids)
    digest = seal_digest(
        before.digest if before else BEGINNING, chain=chain, number=number, sealed_at=at, entries=ids, hashes=hashes
    )
    session.add(
        AuditSeal(
            chain=chain, number=number, ente_id=chain or None, sealed_at=at, entries=ids, hashes=hashes, digest=digest,
            mark=secrecy.of(session).mark(MARK, digest),
        )
    )  # fmt: skip
    session.flush()
    return len(ids)


def last_seal(session: Session, chain: int) -> AuditSeal | None:
    """The head of a chain."""
    statement = select(AuditSeal).where(AuditSeal.chain == chain).order_by(AuditSeal.number.desc()).limit(1)
    return session.execute(statement).scalar_one_or_none()


def entries(session: Session, ids: Collection[int]) -> dict[int, Entry]:
    """Entries as they are stored; those that are not there are absent."""
    wanted = bindparam("ids", list(ids), type_=ARRAY(BigInteger))
    rows = session.execute(select(*_COLUMNS).where(_ENTRY.c.id == any_(wanted)))
    return {row.id: Entry(*row) for row in rows}


def let_go(session: Session, chain: int, *, months: int) -> int:
    """Remove the entries of whole batches sealed more than `months` (24 at the least) ago; their seals stay."""
    _lock(session, chain)
    since = kept_through(session, chain)
    old = months_before(clock.now(session), max(months, LEAST_MONTHS))
    seals = session.execute(
        select(AuditSeal.number, AuditSeal.entries)
        .where(AuditSeal.chain == chain, AuditSeal.number > since, AuditSeal.sealed_at < old)
        .order_by(AuditSeal.number)
    ).all()
    if not seals:
        return 0
    return _let_go(session, chain, [(number, entries) for number, entries in seals], ExpiryReason.RETENTION)


def let_ended_go(session: Session, chain: int, *, through: int) -> int:
    """Remove the entries of the next seals up to `through`, of an ente whose contract ended; how many seals."""
    _lock(session, chain)
    seals = following(session, chain, after=kept_through(session, chain), through=through)
    if seals:
        _let_go(session, chain, seals, ExpiryReason.CONTRACT_ENDED)
    return len(seals)


def following(session: Session, chain: int, *, after: int, through: int) -> list[tuple[int, list[int]]]:
    """The next seals of a chain, up to one: their numbers and entries."""
    rows = session.execute(
        select(AuditSeal.number, AuditSeal.entries)
        .where(AuditSeal.chain == chain, AuditSeal.number > after, AuditSeal.number <= through)
        .order_by(AuditSeal.number)
        .limit(AT_ONCE)
    )
    return [(number, entries) for number, entries in rows]


def let_all_go(database: Database, *, months: int) -> int:
    """`let_go` of every chain; how many entries went."""
    with database.begin(Scope.nothing()) as session:
        chains = [NOBODYS, *enti.badges(session)]
    return sum(
        database.transact(scope_of(chain), partial(let_go, chain=chain, months=months)) for chain in chains
    )  # fmt: skip


def kept_through(session: Session, chain: int) -> int:
    """The number of the last seal whose entries were let go of; 0 when none was."""
    return session.execute(
        select(func.coalesce(func.max(AuditExpiry.through), 0)).where(AuditExpiry.chain == chain)
    ).scalar_one()


def note_expiry(session: Session, chain: int, *, through: int, entries: int, reason: ExpiryReason) -> None:
    """Say up to which seal the entries of a chain are no longer there, and why; marked as seals are."""
    at = clock.now(session)
    seal = session.get_one(AuditSeal, (chain, through))
    digest = expiry_digest(seal.digest, chain=chain, through=through, entries=entries, reason=reason, at=at)
    session.add(
        AuditExpiry(
            chain=chain, ente_id=chain or None, through=through, entries=entries, reason=reason, at=at,
            mark=secrecy.of(session).mark(EXPIRY_MARK, digest),
        )
    )  # fmt: skip
    session.flush()


def log_heads(database: Database) -> None:
    """Tell the log where each chain ends: a witness outside of the database."""
    with database.begin(Scope.nothing()) as session:
        chains = [NOBODYS, *enti.badges(session)]
    for chain in chains:
        with database.begin(scope_of(chain)) as session:
            last = last_seal(session, chain)
        if last is not None:
            log.info("audit_head", chain=chain, number=last.number, digest=last.digest.hex())


def scope_of(chain: int) -> Scope:
    """What a chain's entries are seen in."""
    return Scope.of_enti([chain]) if chain else Scope.nothing()


def _lock(session: Session, chain: int) -> None:
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("audit.seal", chain))))


def _let_go(session: Session, chain: int, seals: Sequence[tuple[int, Sequence[int]]], reason: ExpiryReason) -> int:
    gone = _expire(session, [one for _, entries in seals for one in entries])
    note_expiry(session, chain, through=seals[-1][0], entries=gone, reason=reason)
    return gone


def _expire(session: Session, ids: Sequence[int]) -> int:
    wanted = bindparam("wanted", list(ids), type_=ARRAY(BigInteger))
    gone: int = session.execute(select(func.expire_audit(wanted))).scalar_one()
    return gone
