"""What the collection system states of contacts. It never overwrites what people told."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.contacts.listed import ListedTable
from crm.contacts.models import Contact, ContactAddress, ContactReach, NameStump, ReachKind, Relation
from crm.contacts.slips import stumps
from crm.core.db import table_of
from crm.core.passing import Passing
from crm.core.recordset import each_key, incoming, with_more
from crm.core.stated import Silence, StatedTable

_STUMPS = table_of(NameStump)
_CONTACT = table_of(Contact)
_NAMES = func.concat_ws(" ", _CONTACT.c.name_key, _CONTACT.c.given_key)
_UNUSED = (
    select(_STUMPS.c.word)
    .where(_STUMPS.c.stump == _STUMPS.c.word)  # a word is filed under itself, too
    .except_(select(func.unnest(func.string_to_array(_NAMES, " "))))
)
_FORGETTING = func.hashtextextended("name-words", 0)
_STATED = StatedTable(
    Contact, key="codice_fiscale",
    columns=(
        "codice_fiscale", "partita_iva", "kind", "surname", "given_name", "born_on", "birthplace", "name_key",
        "given_key", "language", "residential", "deceased_on", "ceased_on", "insolvent_since",
    ),
)  # fmt: skip
_REACHES = ListedTable(ContactReach, key=("kind", "value"))
_ADDRESSES = ListedTable(
    ContactAddress, key=("kind", "place_key"), columns=("street", "postcode", "town", "province", "country")
)
_RELATIONS = ListedTable(
    Relation, key=("kind", "who_key"), columns=("codice_fiscale", "name", "valid_from", "valid_to")
)


@dataclass(frozen=True, slots=True)
class ContactStatement(Passing):
    """What the collection system says of a taxpayer. `row` holds the columns in JSON; `words` are those of the name.

    The rows of `addresses` and `relations` are ready for JSON, no two with the same key.
    """

    codice_fiscale: str
    as_of: datetime
    digest: str
    row: str
    reaches: tuple[tuple[ReachKind, str], ...]
    words: tuple[str, ...]
    addresses: tuple[Mapping[str, Any], ...] = ()
    relations: tuple[Mapping[str, Any], ...] = ()

    @property
    def key(self) -> str:
        """What tells two taxpayers of an ente apart."""
        return self.codice_fiscale


@dataclass(frozen=True, slots=True)
class StatedContact:
    """What is stored of the last statement about a taxpayer."""

    id: int
    as_of: datetime
    digest: str
    withdrawn_as_of: datetime | None


def stated(session: Session, *, ente_id: int, codici_fiscali: Collection[str]) -> dict[str, StatedContact]:
    """The stored statements about these taxpayers, by codice fiscale; unknown ones are absent."""
    rows = _STATED.known(session, ente_id=ente_id, keys=codici_fiscali)
    return {row.key: StatedContact(row.id, row.as_of, row.digest, row.withdrawn_as_of) for row in rows}


def state(
    session: Session, *, ente_id: int, statements: Sequence[ContactStatement], gone: Mapping[str, datetime | None]
) -> dict[str, int]:
    """Write statements, at most one a taxpayer; an older one never replaces a newer one.

    `gone` says since when they are withdrawn, by codice fiscale. Returns the ids of the rows written.
    """
    if not statements:
        return {}
    rows = (with_more(one.row, withdrawn_as_of=gone.get(one.codice_fiscale)) for one in statements)
    upsert = _STATED.upsert(ente_id=ente_id, told=_STATED.told(rows))
    written = session.execute(upsert.returning(Contact.codice_fiscale, Contact.id))
    learn_words(session, {word for one in statements for word in one.words})
    return {row.codice_fiscale: row.id for row in written}


def withdraw(session: Session, *, ente_id: int, ids: Collection[int], as_of: datetime | None) -> None:
    """The collection system no longer has these taxpayers as of an instant; or (None) it has them again."""
    if ids:
        session.execute(_STATED.withdraw(ente_id=ente_id, ids=ids, as_of=as_of))


def learn_words(session: Session, words: Collection[str]) -> None:
    """File the words of names, so that they are found from a slip. In one order, so that two writers do not meet."""
    session.execute(select(func.pg_advisory_xact_lock_shared(_FORGETTING)))
    asked = each_key(sorted(words))
    known = session.execute(
        select(_STUMPS.c.word).join(asked, (_STUMPS.c.stump == asked.c.key) & (_STUMPS.c.word == asked.c.key))
    )
    new = set(words) - set(known.scalars())
    if new:
        rows = [{"stump": stump, "word": word} for word in sorted(new) for stump in sorted(stumps(word))]
        told = incoming(_STUMPS, ("stump", "word"), rows)
        filed = insert(_STUMPS).from_select(["stump", "word"], select(told.c.stump, told.c.word))
        session.execute(filed.on_conflict_do_nothing())


def forget_words(session: Session) -> int:
    """Forget the words that no contact has any more, erased or gone with his ente; how many rows went.

    The scope is every ente's, or words that others have would go. Names are read through once, and once more while
    nobody files words, when some are to go: what a feed has just filed is of a contact that is not there yet.
    """
    if not session.execute(select(_UNUSED.exists())).scalar_one():
        return 0
    session.execute(select(func.pg_advisory_xact_lock(_FORGETTING)))
    gone = session.execute(delete(_STUMPS).where(_STUMPS.c.word.in_(_UNUSED)))
    assert isinstance(gone, CursorResult)
    return gone.rowcount


def state_details(
    session: Session, *, ente_id: int, statements: Mapping[int, ContactStatement], known: Collection[int]
) -> None:
    """Make what the collection system tells of reaches, addresses and relations equal to the statements, by contact id.

    `known` are the contacts that may have some already. What people told us (another `source`) stays.
    """
    told = statements.items()
    reaches = [{"contact_id": id_, "kind": kind, "value": value} for id_, one in told for kind, value in one.reaches]
    _REACHES.replace(session, ente_id=ente_id, rows=reaches, known=known)
    addresses = [{"contact_id": id_, **row} for id_, one in told for row in one.addresses]
    _ADDRESSES.replace(session, ente_id=ente_id, rows=addresses, known=known)
    relations = [{"contact_id": id_, **row} for id_, one in told for row in one.relations]
    _RELATIONS.replace(session, ente_id=ente_id, rows=relations, known=known)


def unnamed(session: Session, silence: Silence) -> tuple[int, int]:
    """How many taxpayers there are, and how many of them a full feed no longer has."""
    for row in _STATED.count_unnamed(session, silence):
        return row.rows, row.unnamed
    return 0, 0


def withdraw_unnamed(session: Session, silence: Silence, *, after: str, limit: int) -> tuple[str | None, set[int], int]:
    """Withdraw some of those whom a full feed no longer has: the last key, or None when none is left; ids; how many."""
    rows = _STATED.withdraw_unnamed(session, silence, after=after, limit=limit)
    return (rows[-1].key if rows else None), {row.id for row in rows}, len(rows)


def revive_named(session: Session, silence: Silence) -> None:
    """Taxpayers whom a full feed names are there as of the feed."""
    _STATED.revive_named(session, silence)


def lock(session: Session, contact_ids: Collection[int]) -> None:
    """Have whoever else locks one of these contacts wait for the end of the transaction."""
    theirs = select(Contact.id).where(Contact.id.in_(contact_ids)).order_by(Contact.id)
    session.execute(theirs.with_for_update(key_share=True))
