"""What must be known of contacts before anybody writes to many of them: where they are reached, what they agreed to."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Row, any_, bindparam, select
from sqlalchemy.orm import Session

from crm.contacts import consents
from crm.contacts.models import ContactAddress, ContactReach, LastOutcome, Purpose, ReachKind, Verification
from crm.contacts.phone import takes_sms
from crm.core.db import table_of

_R, _A = table_of(ContactReach), table_of(ContactAddress)
_IDS = any_(bindparam("contacts", type_=ARRAY(BigInteger)))
_VAIN = frozenset({LastOutcome.WRONG_PERSON, LastOutcome.UNREACHABLE})
_TRIED = ("verification", "outcome", "stated")
_REACHES = (
    select(_R.c.contact_id, _R.c.kind, _R.c.value, *(_R.c[one] for one in _TRIED))
    .where(_R.c.contact_id == _IDS, _R.c.kind.in_([ReachKind.PHONE, ReachKind.EMAIL]))
    .order_by(_R.c.id)
)
_POSTAL = (
    select(_A.c.contact_id, _A.c.id, *(_A.c[one] for one in _TRIED))
    .where(_A.c.contact_id == _IDS, _A.c.street.is_not(None))
    .order_by(_A.c.id)
)


@dataclass(frozen=True, slots=True)
class Correspondent:
    """Somebody as whoever writes has to know him. The best address first: those found right, then those at which he was
    reached. `verified`: those among them that somebody made sure are his; `agreed`: his consent to messages.
    """

    mobiles: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    postal: tuple[int, ...] = ()  # ids
    verified: frozenset[str] = frozenset()
    agreed: bool | None = None


def correspondents(session: Session, persons: dict[int, frozenset[int]]) -> dict[int, Correspondent]:
    """By contact, given all the rows of each. Three statements, however many they are."""
    about = {"contacts": sorted({one for rows in persons.values() for one in rows})}
    reaches, postal = _by_contact(session.execute(_REACHES, about)), _by_contact(session.execute(_POSTAL, about))
    agreed = defaultdict(list)
    for one in consents.of_contacts(session, about["contacts"]):
        agreed[one.contact_id].append(one)
    found = {}
    for contact_id, rows in persons.items():
        his = _best(row for one in sorted(rows) for row in reaches[one])
        said = sorted((one for row in rows for one in agreed[row]), key=lambda one: (one.occurred_at, one.id))
        standing = consents.standing(said[::-1]).get(Purpose.DIGITAL_MESSAGES)
        found[contact_id] = Correspondent(
            mobiles=_values(one for one in his if one.kind is ReachKind.PHONE and takes_sms(one.value)),
            emails=_values(one for one in his if one.kind is ReachKind.EMAIL),
            postal=tuple(row.id for row in _best(row for one in sorted(rows) for row in postal[one])),
            verified=frozenset(one.value for one in his if one.verification is Verification.VERIFIED),
            agreed=standing.given if standing else None,
        )
    return found


def _by_contact(rows: Iterable[Row[*tuple[Any, ...]]]) -> dict[int, list[Row[*tuple[Any, ...]]]]:
    found = defaultdict(list)
    for row in rows:
        found[row.contact_id].append(row)
    return found


def _best(rows: Iterable[Row[*tuple[Any, ...]]]) -> list[Row[*tuple[Any, ...]]]:
    """Those that may be good, in the order of `crm.messages.rules.fit`."""
    right = [one for one in rows if one.verification is not Verification.WRONG and one.outcome not in _VAIN]
    return sorted(
        right, key=lambda one: (one.verification is not Verification.VERIFIED, one.outcome is not LastOutcome.REACHED)
    )


def _values(rows: Iterable[Row[*tuple[Any, ...]]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.value for one in rows))
