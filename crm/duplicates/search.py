"""Finding the pairs of an ente that may be one person.

Comparing each with each would be quadratic, so only those are compared who share something that an error leaves: the
name and the birth date, the beginning of the codice fiscale, a partita IVA, a telephone. Each of these is one join in
the database, whose pairs come in a stream; what is held here is one batch of them.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.contacts.models import Contact, ContactReach, ReachKind
from crm.core.db import table_of
from crm.duplicates.likeness import Facts, likeness
from crm.duplicates.models import DuplicateCandidate

BATCH = 1000  # pairs
MOST_AT_A_PHONE = 20  # contacts: a number that more of them have is an office's

_CONTACT, _REACH, _CANDIDATE = table_of(Contact), table_of(ContactReach), table_of(DuplicateCandidate)

# A person who was erased has no name any more. The first eleven characters of a person's codice fiscale say his name,
# birth and sex.
STEPS = tuple(
    text(step)
    for step in (
        """WITH named AS (
               SELECT id, kind, name_key, born_on FROM contact WHERE ente_id = :ente AND name_key <> ''
           )
           SELECT a.id, b.id FROM named a JOIN named b ON b.name_key = a.name_key AND b.id > a.id
           WHERE a.born_on = b.born_on OR (a.kind = 'legal' AND b.kind = 'legal')""",
        """WITH named AS (
               SELECT id, left(codice_fiscale, 11) AS stem FROM contact
               WHERE ente_id = :ente AND name_key <> '' AND kind = 'natural'
           )
           SELECT a.id, b.id FROM named a JOIN named b ON b.stem = a.stem AND b.id > a.id""",
        """WITH named AS (
               SELECT id, codice_fiscale, partita_iva FROM contact WHERE ente_id = :ente AND name_key <> ''
           )
           SELECT least(a.id, b.id), greatest(a.id, b.id) FROM named a
           JOIN named b ON b.codice_fiscale = a.partita_iva AND b.id <> a.id
           UNION
           SELECT a.id, b.id FROM named a JOIN named b ON b.partita_iva = a.partita_iva AND b.id > a.id""",
        """WITH phone AS (
               SELECT value, contact_id, count(*) OVER (PARTITION BY value) AS held FROM contact_reach
               WHERE ente_id = :ente AND kind = 'phone'
           ), shared AS (SELECT value, contact_id FROM phone WHERE held BETWEEN 2 AND :most)
           SELECT DISTINCT a.contact_id, b.contact_id FROM shared a
           JOIN shared b ON b.value = a.value AND b.contact_id > a.contact_id""",
    )
)
# A table that has just been filled has no statistics, and a nested loop chosen blindly would be quadratic.
_NO_LOOPS = select(func.set_config("enable_nestloop", "off", True))


def look(session: Session, *, ente_id: int, step: int, at: datetime, alive: Callable[[], None]) -> None:
    """Do one of the steps: compare its pairs, and write down those that are alike as found at `at`."""
    session.execute(_NO_LOOPS)
    asked = {"ente": ente_id, "most": MOST_AT_A_PHONE} if step == len(STEPS) - 1 else {"ente": ente_id}
    pairs = session.execute(STEPS[step], asked, execution_options={"yield_per": BATCH})
    for batch in pairs.partitions():
        _compare(session, ente_id, [(one, other) for one, other in batch], at)
        alive()


def forget_others(session: Session, *, ente_id: int, at: datetime) -> None:
    """Pairs that the search of that instant did not find are alike no more. What was decided of a pair stays."""
    old = (DuplicateCandidate.found_at < at, DuplicateCandidate.dismissed_at.is_(None))
    session.execute(delete(DuplicateCandidate).where(DuplicateCandidate.ente_id == ente_id, *old))


def _compare(session: Session, ente_id: int, pairs: Sequence[tuple[int, int]], at: datetime) -> None:
    known = _facts(session, ente_id, {id_ for pair in pairs for id_ in pair})
    rows: list[dict[str, Any]] = []
    for one, other in pairs:
        alike = likeness(known[one], known[other]) if one in known and other in known else None
        if alike is not None:
            rows.append(
                {
                    "ente_id": ente_id, "one_id": one, "other_id": other, "score": alike.score, "why": list(alike.why),
                    "found_at": at,
                }
            )  # fmt: skip
    if rows:
        new = insert(_CANDIDATE)
        session.execute(
            new.on_conflict_do_update(
                index_elements=["ente_id", "one_id", "other_id"],
                set_={name: new.excluded[name] for name in ("score", "why", "found_at")},
            ),
            rows,
        )


def _facts(session: Session, ente_id: int, ids: Iterable[int]) -> dict[int, Facts]:
    wanted = bindparam("ids", list(ids), type_=ARRAY(BigInteger))
    phones: dict[int, set[str]] = {}
    c, r = _CONTACT.c, _REACH.c
    for contact_id, value in session.execute(
        select(r.contact_id, r.value).where(
            r.contact_id == any_(wanted), r.ente_id == ente_id, r.kind == ReachKind.PHONE
        )
    ):
        phones.setdefault(contact_id, set()).add(value)
    rows = session.execute(
        select(c.id, c.codice_fiscale, c.kind, c.name_key, c.partita_iva, c.born_on).where(
            c.id == any_(wanted), c.ente_id == ente_id
        )
    )
    return {
        id_: Facts(code, kind, name, partita_iva, born_on, frozenset(phones.get(id_, ())))
        for id_, code, kind, name, partita_iva, born_on in rows
    }
