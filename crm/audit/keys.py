"""The keys of persons: each taxpayer of an ente has one, under which the audit keeps what it says of him.

A key is kept encrypted under the master key. Erasing a person destroys it: entries and seals stay and verify, and
nobody reads those values any more. Backups made before hold the key until they are destroyed, too.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.audit.models import PersonKey
from crm.core import secrecy
from crm.core.secrecy import SecrecyError, decrypt, encrypt

Person = tuple[int, int]  # ente, contact
_PURPOSE = "audit.person"


def encrypted(session: Session, person: Person, values: Mapping[str, Any], *, about: bytes) -> bytes:
    """The values under the person's key, which is made at the first need."""
    return encrypt(_key(session, person), json.dumps(values, sort_keys=True).encode(), about=about)


def known(session: Session, persons: Collection[Person]) -> dict[Person, bytes]:
    """The keys of these persons, opened; whoever was erased is absent."""
    if not persons:
        return {}
    wanted = tuple_(PersonKey.ente_id, PersonKey.contact_id).in_(sorted(set(persons)))
    rows = session.execute(select(PersonKey.ente_id, PersonKey.contact_id, PersonKey.wrapped).where(wanted))
    return dict(_opened(session, rows))


def decrypted(key: bytes | None, sealed: bytes, *, about: bytes) -> dict[str, Any] | None:
    """The values again; none when the person was erased, or the entry was tampered with."""
    if key is None:
        return None
    try:
        values: dict[str, Any] = json.loads(decrypt(key, sealed, about=about))
    except SecrecyError:
        return None
    return values


def destroy(session: Session, person: Person) -> None:
    """Let nobody read any more what the audit says of a person up to now."""
    session.execute(delete(PersonKey).where(PersonKey.ente_id == person[0], PersonKey.contact_id == person[1]))


def _key(session: Session, person: Person) -> bytes:
    found = known(session, [person])
    if person in found:
        return found[person]
    fresh = secrecy.new_key()
    wrapped = secrecy.of(session).seal(_PURPOSE, fresh, about=_about(person))
    values = {"ente_id": person[0], "contact_id": person[1], "wrapped": wrapped}
    session.execute(insert(PersonKey).values(values).on_conflict_do_nothing())  # somebody else may be first
    return known(session, [person])[person]


def _opened(session: Session, rows: Iterable[Any]) -> Iterable[tuple[Person, bytes]]:
    for ente_id, contact_id, wrapped in rows:
        person = (ente_id, contact_id)
        yield person, secrecy.of(session).open(_PURPOSE, wrapped, about=_about(person))


def _about(person: Person) -> bytes:
    return f"{person[0]}:{person[1]}".encode()
