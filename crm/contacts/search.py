"""The one box: who may be meant by what somebody typed. Row-level security bounds it to the scope's enti.

Every look is by an operator that PostgreSQL calls leakproof (`=`, ranges): any other would lose its index under
row-level security. A search is two statements at most; a slip of the finger costs two more.
"""

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import chain, zip_longest
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Select, Text, TextClause, bindparam, func, select, text, union
from sqlalchemy.orm import Session

from crm.contacts.codice_fiscale import parse_codice_fiscale, parse_partita_iva
from crm.contacts.merging import standing
from crm.contacts.models import Contact, ContactReach, NameStump
from crm.contacts.names import fold, full_name, ways, words_of
from crm.contacts.phone import to_e164
from crm.contacts.slips import is_common, is_slip, stumps
from crm.core.db import table_of
from crm.core.errors import InvalidError
from crm.positions import queries as positions
from crm.positions.notice import parse_notice_number

SHORTEST = 2  # characters: of one alone everybody's name begins
LAST_LETTER = "\U0010ffff"
LOOKED_AT = 200  # names, so that those of the ente that was called can come first
MOST_MEANT = 60  # ways to put a name right that are looked for

_CONTACT, _REACH, _STUMP = table_of(Contact), table_of(ContactReach), table_of(NameStump)

# What the list shows. `joined`: he is united with another contact, which may stand for him.
_SHOWN = """
    SELECT c.id, c.ente_id, c.codice_fiscale, c.surname, c.given_name, c.born_on, address.town,
           EXISTS (SELECT FROM contact_merge m WHERE m.merged_id = c.id AND m.undone_at IS NULL)
           OR EXISTS (SELECT FROM contact_merge m WHERE m.kept_id = c.id AND m.undone_at IS NULL) AS joined
"""
_WHERE_HE_LIVES = """
    LEFT JOIN LATERAL (
        SELECT a.town FROM contact_address a
        WHERE a.ente_id = c.ente_id AND a.contact_id = c.id AND a.verification <> 'wrong'
        ORDER BY a.kind = 'domicile', a.id LIMIT 1
    ) address ON true
"""
_AMONG = "(CAST(:enti AS bigint[]) IS NULL OR ente_id = ANY (CAST(:enti AS bigint[])))"
_THESE = text(
    f"""
    {_SHOWN} FROM contact c {_WHERE_HE_LIVES}
    WHERE c.id = ANY (:ids) AND {_AMONG}
    ORDER BY c.ente_id IS DISTINCT FROM CAST(:first AS bigint), c.name_key, c.id LIMIT :most
    """
).bindparams(bindparam("ids", type_=ARRAY(BigInteger)))
# Contacts by the beginnings of their names: each key is one descent of each index, already in order. A range, because
# PostgreSQL takes `^@` to an index for a constant beginning alone. The keys are in the C collation.
_NAMED = text(
    f"""
    {_SHOWN}
    FROM (
        SELECT either.id, min(asked.place) AS place, min(either.name) AS name
        FROM unnest(CAST(:keys AS text[])) WITH ORDINALITY AS asked (key, place) CROSS JOIN LATERAL (
            (SELECT id, name_key AS name FROM contact
             WHERE name_key >= asked.key AND name_key < asked.key || :last AND {_AMONG}
             ORDER BY name_key LIMIT :looked_at)
            UNION ALL
            (SELECT id, given_key FROM contact
             WHERE given_key >= asked.key AND given_key < asked.key || :last AND {_AMONG}
             ORDER BY given_key LIMIT :looked_at)
        ) either
        GROUP BY either.id
    ) found JOIN contact c ON c.id = found.id {_WHERE_HE_LIVES}
    ORDER BY c.ente_id IS DISTINCT FROM CAST(:first AS bigint), found.place, found.name, c.id LIMIT :most
    """  # noqa: S608  # put together from the constants above
)
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


def search(
    session: Session, typed: str, *, among: Collection[int] | None = None, first: int | None = None, limit: int = 20
) -> Results:
    """Contacts by codice fiscale, partita IVA, notice number, act number or phone in any writing; else by the
    beginning of the name in any order and spelling (`names.ways`), those with one slip in one word after the others.

    `among` narrows to some of the scope's enti; those of the ente `first` come before the others. A merged contact is
    shown as the one that stands for him.
    """
    if len(typed.strip()) < SHORTEST:
        return Results(())
    asked: dict[str, Any] = {"enti": None if among is None else sorted(among), "first": first, "most": limit + 1}
    found = _known_as(session, typed, asked)
    if not found and len(key := fold(typed)) >= SHORTEST:
        asked |= {"last": LAST_LETTER, "looked_at": limit + 1 if first is None else LOOKED_AT}
        found = _rows(session, _NAMED, keys=list(ways(key)), **asked)
        if len(found) <= limit and (meant := _meant(session, key)):
            found += _rows(session, _NAMED, keys=meant, **asked)
    people = _once(session, found)
    return Results(tuple(people[:limit]), len(people) > limit)


def _known_as(session: Session, typed: str, asked: dict[str, Any]) -> list[Any]:
    looks = list(_looks(typed))
    if not looks:
        return []
    ids = session.execute(union(*looks)).scalars().all()
    return _rows(session, _THESE, ids=list(ids), **asked) if ids else []


def _looks(typed: str) -> Iterator[Select[int]]:
    """The ids of contacts known under what was typed, read in each way in which it can be read."""
    if not any(char.isdigit() for char in typed):
        return
    with suppress(InvalidError):
        yield select(_CONTACT.c.id).where(_CONTACT.c.codice_fiscale == parse_codice_fiscale(typed))
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


def _rows(session: Session, statement: TextClause, **asked: Any) -> list[Any]:
    return list(session.execute(statement, asked))


def _once(session: Session, rows: list[Any]) -> list[Found]:
    """Each person once: whoever was merged into another as the one that stands for both."""
    heads = standing(session, [row.id for row in rows if row.joined])
    absent = set(heads.values()) - {row.id for row in rows}
    others = _rows(session, _THESE, ids=sorted(absent), enti=None, first=None, most=len(absent)) if absent else []
    by_id = {row.id: row for row in (*rows, *others)}
    shown = dict.fromkeys(heads.get(row.id, row.id) for row in rows)
    return [
        Found(row.id, row.ente_id, row.codice_fiscale, row.surname, row.given_name, row.born_on, row.town)
        for row in (by_id[id_] for id_ in shown if id_ in by_id)
    ]
