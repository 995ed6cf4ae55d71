"""The one box: who may be meant by what somebody typed. Row-level security bounds it to the scope's enti.

Every look is by an operator that PostgreSQL calls leakproof (`=`, ranges): any other would lose its index under
row-level security. What is known exactly is one statement, a name one more; slips of the finger, looked for when nobody
is named as typed or when asked for, are two more.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain, zip_longest
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Select,
    String,
    Text,
    bindparam,
    func,
    literal_column,
    select,
    text,
    union,
)  # fmt: skip
from sqlalchemy.orm import Session

from crm.contacts.codice_fiscale import compacted, parse_codice_fiscale, parse_partita_iva
from crm.contacts.merging import standing
from crm.contacts.models import Contact, ContactReach, NameStump
from crm.contacts.names import full_name, search_key, ways, words_of
from crm.contacts.phone import to_e164
from crm.contacts.slips import is_common, is_slip, stumps
from crm.core.db import table_of
from crm.core.errors import InvalidError
from crm.positions import queries as positions
from crm.positions.notice import parse_notice_number

SHORTEST = 2  # characters: of one alone everybody's name begins
LAST_LETTER = "\U0010ffff"
LOOKED_AT = 200  # names, so that those of the ente that was called can come first
PERSON = 16  # characters of a person's codice fiscale
BEGUN = re.compile(r"[A-Z]{6}[0-9][0-9A-Z]{0,8}")  # a codice fiscale of which so much was heard
MOST_MEANT = 60  # ways to put a name right that are looked for

_CONTACT, _REACH, _STUMP = table_of(Contact), table_of(ContactReach), table_of(NameStump)

# What the list shows of a contact `c`: where he lives, and whether he is united with another that may stand for him.
_TOWN = """(
    SELECT a.town FROM contact_address a
    WHERE a.ente_id = c.ente_id AND a.contact_id = c.id AND a.verification <> 'wrong'
    ORDER BY a.kind = 'domicile', a.id LIMIT 1
)"""
_JOINED = """(
    EXISTS (SELECT FROM contact_merge m WHERE m.merged_id = c.id AND m.undone_at IS NULL)
    OR EXISTS (SELECT FROM contact_merge m WHERE m.kept_id = c.id AND m.undone_at IS NULL)
)"""
_AMONG = "(CAST(:enti AS bigint[]) IS NULL OR ente_id = ANY (CAST(:enti AS bigint[])))"
_C = _CONTACT.alias("c")
_THESE = (
    select(
        _C.c.id, _C.c.ente_id, _C.c.codice_fiscale, _C.c.surname, _C.c.given_name, _C.c.born_on,
        literal_column(_TOWN, String()).label("town"), literal_column(_JOINED, Boolean()).label("joined"),
    )
    .where(text(_AMONG.replace("ente_id", "c.ente_id")))
    .order_by(_C.c.ente_id.is_distinct_from(bindparam("first", type_=BigInteger)), _C.c.name_key, _C.c.id)
    .limit(bindparam("most"))
)  # fmt: skip
# Contacts by the beginnings of their names: each key is one descent of each index, already in order. A range, because
# PostgreSQL takes `^@` to an index for a constant beginning alone. The keys are in the C collation.
_COLUMNS = "id, ente_id, codice_fiscale, surname, given_name, born_on"
_NAMED = text(
    f"""
    SELECT c.id, c.ente_id, c.codice_fiscale, c.surname, c.given_name, c.born_on, {_TOWN} AS town, {_JOINED} AS joined
    FROM (
        SELECT DISTINCT ON (either.id) either.*, asked.place
        FROM unnest(CAST(:keys AS text[])) WITH ORDINALITY AS asked (key, place) CROSS JOIN LATERAL (
            (SELECT {_COLUMNS}, name_key AS name FROM contact
             WHERE name_key >= asked.key AND name_key < asked.key || :last AND {_AMONG}
             ORDER BY name_key LIMIT :looked_at)
            UNION ALL
            (SELECT {_COLUMNS}, given_key FROM contact
             WHERE given_key >= asked.key AND given_key < asked.key || :last AND {_AMONG}
             ORDER BY given_key LIMIT :looked_at)
        ) either
        ORDER BY either.id, asked.place, either.name
    ) c
    ORDER BY c.ente_id IS DISTINCT FROM CAST(:first AS bigint), c.place, c.name, c.id LIMIT :most
    """  # noqa: S608  # put together from the constants above
)
# The same look for every name: planned once for each connection, where planning takes longer than looking.
_PLANNED_ONCE = text("SET LOCAL plan_cache_mode = force_generic_plan")
_WORDS = (
    select(_STUMP.c.word).where(_STUMP.c.stump == func.any(bindparam("stumps", type_=ARRAY(Text)))).distinct()
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody who may be meant: enough to tell him from his namesakes."""

    id: int
    ente_id: int
    codice_fiscale: str
    surname: str
    given_name: str | None
    born_on: date | None
    town: str | None

    @property
    def name(self) -> str:
        """Given name and surname, or the company's name."""
        return full_name(self.surname, self.given_name)


@dataclass(frozen=True, slots=True)
class Results:
    """The first of those found; `more` when there are others."""

    people: tuple[Found, ...]
    more: bool = False
    near: bool = False  # they are not named as typed, but a slip away from it
    slips: bool = False  # whoever is a slip away was not looked for: `similar` does


@dataclass(frozen=True, slots=True)
class _Box:
    """One search: where it looks, and for how many."""

    session: Session
    among: Collection[int] | None
    first: int | None
    limit: int

    def known(self, looks: Sequence[Select[int]]) -> list[Any]:
        """Whoever is known under an exact mark."""
        return list(self.session.execute(_THESE.where(_C.c.id.in_(union(*looks))), self._asked)) if looks else []

    def named(self, keys: Sequence[str]) -> list[Any]:
        """Whose name begins so, those of the first keys first."""
        if not keys:
            return []
        self.session.execute(_PLANNED_ONCE)
        looked_at = self.limit + 1 if self.first is None else LOOKED_AT
        asked = self._asked | {"keys": list(keys), "last": LAST_LETTER, "looked_at": looked_at}
        return list(self.session.execute(_NAMED, asked))

    def results(self, rows: Sequence[Any]) -> Results:
        people = _once(self.session, rows)
        return Results(tuple(people[: self.limit]), len(people) > self.limit)

    @property
    def _asked(self) -> dict[str, Any]:
        enti = None if self.among is None else sorted(self.among)
        return {"enti": enti, "first": self.first, "most": self.limit + 1}


def search(
    session: Session, typed: str, *, among: Collection[int] | None = None, first: int | None = None, limit: int = 20
) -> Results:
    """Contacts by codice fiscale, also by the first of its letters and digits, partita IVA, notice number, act number
    or phone in any writing; else by the beginning of the name in any order and spelling (`names.ways`); else by the
    name with one slip in one word.

    `among` narrows to some of the scope's enti; those of the ente `first` come before the others. A merged contact is
    shown as the one that stands for him.
    """
    if len(typed.strip()) < SHORTEST:
        return Results(())
    box = _Box(session, among, first, limit)
    if known := box.known(list(_looks(typed))):
        return box.results(known)
    if len(key := search_key(typed)) < SHORTEST:
        return Results(())
    if named := box.named(ways(key)):
        results = box.results(named)
        return replace(results, slips=not results.more and bool(words_of(key)))
    return replace(box.results(box.named(_meant(session, key))), near=True)


def similar(
    session: Session, typed: str, *, among: Collection[int] | None = None, first: int | None = None, limit: int = 20
) -> Results:
    """Contacts whose name is one slip in one word away, and does not begin as it was typed: those whom a search that
    found somebody has not looked for (`Results.slips`)."""
    key, box = search_key(typed), _Box(session, among, first, limit)
    if not (meant := _meant(session, key)):
        return Results(())
    shown = {row.id for row in box.named(ways(key))}
    return replace(box.results([row for row in box.named(meant) if row.id not in shown]), near=True)


def _looks(typed: str) -> Iterator[Select[int]]:
    """The ids of contacts known under what was typed, read in each way in which it can be read."""
    if not any(char.isdigit() for char in typed):
        return
    with suppress(InvalidError):
        yield select(_CONTACT.c.id).where(_CONTACT.c.codice_fiscale == parse_codice_fiscale(typed))
    if BEGUN.fullmatch(begun := compacted(typed)):
        last = begun.ljust(PERSON, "Z")  # of capitals and digits, in any collation
        yield select(_CONTACT.c.id).where(_CONTACT.c.codice_fiscale.between(begun, last)).limit(LOOKED_AT)
    with suppress(InvalidError):
        yield select(_CONTACT.c.id).where(_CONTACT.c.partita_iva == parse_partita_iva(typed))
    with suppress(InvalidError):
        yield from positions.owners_by_notice(parse_notice_number(typed))
    yield from positions.owners_by_act_number(typed)
    if not any(char.isalpha() for char in typed) and (number := to_e164(typed)) is not None:
        yield select(_REACH.c.contact_id).where(_REACH.c.value == number)


def _meant(session: Session, key: str) -> list[str]:
    """What may have been meant, if one word was typed with one slip: each time the key with that word put right.

    The words take turns, each with its commonest slips first: none of them uses up what is looked for.
    """
    typed = key.split(" ")
    asked = {word: stumps(word) for word in words_of(key)}
    if not asked:
        return []
    every = sorted(frozenset().union(*asked.values()))
    known = set(session.execute(_WORDS, {"stumps": every}).scalars())
    put_right = [
        [
            " ".join((*typed[:place], meant, *typed[place + 1 :]))
            for meant in sorted(known, key=lambda meant: (not is_common(word, meant), meant))
            if is_slip(word, meant)
        ]
        for place, word in enumerate(typed)
        if word in asked
    ]
    return [key for key in chain.from_iterable(zip_longest(*put_right)) if key is not None][:MOST_MEANT]


def _once(session: Session, rows: Sequence[Any]) -> list[Found]:
    """Each person once: whoever was merged into another as the one that stands for both."""
    heads = standing(session, [row.id for row in rows if row.joined])
    absent = set(heads.values()) - {row.id for row in rows}
    others: Sequence[Any] = (
        session.execute(_THESE.where(_C.c.id.in_(absent)), {"enti": None, "first": None, "most": len(absent)}).all()
        if absent
        else ()
    )
    by_id = {row.id: row for row in (*rows, *others)}
    shown = dict.fromkeys(heads.get(row.id, row.id) for row in rows)
    return [
        Found(row.id, row.ente_id, row.codice_fiscale, row.surname, row.given_name, row.born_on, row.town)
        for row in (by_id[id_] for id_ in shown if id_ in by_id)
    ]
