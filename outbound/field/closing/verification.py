"""Verifying settlements and the register: each is computed again, and the first thing that is wrong is said."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from hmac import compare_digest

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from crm.core import secrecy
from crm.core.db import table_of
from outbound.field.closing import chain, settling
from outbound.field.closing.chain import BEGINNING, Entry, Operation
from outbound.field.closing.models import RegisterEntry, RegisterHead, Settlement, SettlementLine
from outbound.field.closing.quarters import Quarter
from outbound.field.closing.register import MARK
from outbound.field.closing.settlement import BEGINNING as NOTHING_BEFORE
from outbound.field.closing.settlement import line_hash, seal, sums
from outbound.field.practices.models import FieldMandate, Practice
from outbound.field.visits.models import Visit

AT_ONCE = 2_000
_LINE, _ENTRY = table_of(SettlementLine), table_of(RegisterEntry)
_COLUMNS = [_ENTRY.c[name] for name in Entry.__dataclass_fields__]


class Break(StrEnum):
    """What is wrong."""

    QUARTER_MISSING = "a quarter is missing"
    LINE_MISSING = "a line was removed or added"
    LINE_ALTERED = "the line was altered"
    SEAL_ALTERED = "the settlement was altered, or follows another one than it says"
    SUMS_ALTERED = "the settlement's sums are not those of its lines"
    NOT_REPRODUCED = "reckoned again from the facts, the quarter has other lines"
    ENTRY_MISSING = "the entry was removed"
    ENTRY_ALTERED = "the entry was altered, or follows another one than it says"
    ENTRY_FORGED = "the entry was not written under this installation's master key"
    HEAD_ALTERED = "the register ends elsewhere than its head says"
    UNREGISTERED = "a deed is in no entry"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far something is sound, and the first thing that is not, by its place. `erased`: lines whose taxpayer was
    erased: their digests stand for them.
    """

    checked: int
    entries: int
    broken: Break | None = None
    place: str = ""
    erased: int = 0


def settlements(session: Session, *, ente_id: int) -> Verdict:
    """Verify the settlements of an ente, from the first; each is reckoned again by what was known when it closed."""
    checked = entries = erased = 0
    before, expected = NOTHING_BEFORE, None
    rows = session.scalars(select(Settlement).where(Settlement.ente_id == ente_id).order_by(Settlement.quarter)).all()
    for row in rows:
        quarter = Quarter.parse(row.quarter)
        if expected is not None and quarter != expected:
            return Verdict(checked, entries, Break.QUARTER_MISSING, str(expected), erased)
        stored = session.execute(
            select(_LINE).where(_LINE.c.settlement_id == row.id).order_by(_LINE.c.number)
        ).all()  # fmt: skip
        found = [settling.line_of(one) for one in stored]
        if [one.number for one in stored] != list(range(1, row.lines + 1)):
            return Verdict(checked, entries, Break.LINE_MISSING, row.quarter, erased)
        for one, line in zip(stored, found, strict=True):
            if line.reference and line_hash(line) != one.digest:
                return Verdict(checked, entries, Break.LINE_ALTERED, f"{row.quarter}/{one.number}", erased)
        again = seal(
            before, ente_id=ente_id, quarter=row.quarter, closed_at=row.closed_at, known_on=row.known_on,
            hashes=[one.digest for one in stored],
        )  # fmt: skip
        if again != row.seal:
            return Verdict(checked, entries, Break.SEAL_ALTERED, row.quarter, erased)
        total = sums(found)
        if (total.collected_cents, total.earning_cents, total.commission_cents) != (
            row.collected_cents, row.earning_cents, row.commission_cents,
        ):  # fmt: skip
            return Verdict(checked, entries, Break.SUMS_ALTERED, row.quarter, erased)
        gone = {one.practice_id for one in found if not one.reference}
        facts = settling.facts(session, ente_id=ente_id, by=row.closed_at)
        reckoned = settling.reckon(facts, quarter, settling.settled_before(session, ente_id, quarter))
        kept = [one for one in found if one.practice_id not in gone]
        if [one for one in reckoned if one.practice_id not in gone] != kept:
            return Verdict(checked, entries, Break.NOT_REPRODUCED, row.quarter, erased)
        before, expected = row.seal, quarter.next
        checked, entries, erased = checked + 1, entries + len(found), erased + len(found) - len(kept)
    return Verdict(checked, entries, erased=erased)


def register(session: Session) -> Verdict:
    """Verify the register, from its first entry to its head. Every ente has to be in the session's scope."""
    mark, before, number = secrecy.of(session).mark, BEGINNING, 0
    for entry, digest, marked in _entries(session):
        number += 1
        if entry.number != number:
            return Verdict(number - 1, number - 1, Break.ENTRY_MISSING, str(number))
        if chain.digest(before, entry) != digest:
            return Verdict(number - 1, number - 1, Break.ENTRY_ALTERED, str(number))
        if not compare_digest(mark(MARK, digest), marked):
            return Verdict(number - 1, number - 1, Break.ENTRY_FORGED, str(number))
        before = digest
    head = session.get_one(RegisterHead, 1, populate_existing=True)
    if (head.number, head.digest) != (number, before):
        return Verdict(number, number, Break.HEAD_ALTERED, str(head.number))
    if missing := unregistered(session):
        return Verdict(number, number, Break.UNREGISTERED, missing)
    return Verdict(number, number)


def unregistered(session: Session) -> str:
    """The subject of a deed since the register was begun that is in no entry; empty: every one is in it."""
    began = session.scalar(select(func.min(_ENTRY.c.at)))
    if began is None:
        return ""
    given, accepted = Operation.MANDATE_GIVEN.value, Operation.MANDATE_ACCEPTED.value
    m, v, p = table_of(FieldMandate), table_of(Visit), table_of(Practice)
    deeds = (
        select((literal(f"{given}:") + m.c.id.cast(_ENTRY.c.subject.type)).label("subject"), m.c.given_at.label("at")),
        select((literal(f"{accepted}:") + m.c.id.cast(_ENTRY.c.subject.type)), m.c.accepted_at),
        select((literal("visit:") + v.c.id.cast(_ENTRY.c.subject.type)), v.c.received_at),
        select((literal("closed:") + p.c.id.cast(_ENTRY.c.subject.type)), p.c.closed_at),
    )
    every = deeds[0].union_all(*deeds[1:]).subquery()
    left = (
        select(every.c.subject)
        .outerjoin(_ENTRY, _ENTRY.c.subject == every.c.subject)
        .where(every.c.at > began, _ENTRY.c.number.is_(None))
        .order_by(every.c.at)
        .limit(1)
    )
    return session.scalar(left) or ""


def _entries(session: Session) -> Iterator[tuple[Entry, bytes, bytes]]:
    after = 0
    while True:
        rows = session.execute(
            select(*_COLUMNS, _ENTRY.c.digest, _ENTRY.c.mark)
            .where(_ENTRY.c.number > after).order_by(_ENTRY.c.number).limit(AT_ONCE)
        ).all()  # fmt: skip
        if not rows:
            return
        for row in rows:
            yield Entry(*row[:-2]), row.digest, row.mark
        after = rows[-1].number
