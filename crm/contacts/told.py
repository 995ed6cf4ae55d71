"""Reaches and addresses as people tell them, what is found out about them, and what came of trying them.

None of it is in the collection system, and no feed overwrites it (see `listed`). What is stated is never deleted here:
it is marked wrong, or a correction is proposed to the ente.
"""

import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.contacts.addresses import ITALY, Address
from crm.contacts.email import to_email
from crm.contacts.models import (
    AddressKind,
    Contact,
    ContactAddress,
    ContactReach,
    LastOutcome,
    PersonKind,
    ReachKind,
    Source,
    Verification,
)
from crm.contacts.phone import typed_number
from crm.contacts.recording import Telling, as_json, recordable, trace, wrong
from crm.core import clock, topics
from crm.core.db import touch
from crm.core.errors import InvalidError, NotFoundError

MAX_EMAIL = 254
MAX_STREET, MAX_TOWN = 160, 80
_POSTCODE = re.compile(r"[A-Z0-9][A-Z0-9 -]{1,9}")
_ITALIAN_POSTCODE = re.compile(r"\d{5}")
_TWO_LETTERS = re.compile(r"[A-Z]{2}")
_FACTS = ("verification", "outcome", "source")


class Detail(StrEnum):
    """The two kinds of rows that can be tried and found wrong."""

    REACH = "reach"
    ADDRESS = "address"


_MODELS: dict[Detail, type[ContactReach] | type[ContactAddress]] = {
    Detail.REACH: ContactReach,
    Detail.ADDRESS: ContactAddress,
}


@dataclass(frozen=True, slots=True)
class Written:
    """A row, whether it is new, and what was thought of it before."""

    id: int
    new: bool
    verification: Verification | None
    outcome: LastOutcome | None


def add_reach(
    session: Session, by: Principal, *, contact_id: int, kind: ReachKind, value: str, telling: Telling
) -> Written:
    """Somebody told a phone, in any writing, or an address of e-mail. Told again it is the same one, and what was
    held against it is to be verified anew.
    """
    contact = recordable(session, by, contact_id)
    value = parse_reach(kind, value)
    same = (ContactReach.contact_id == contact_id, ContactReach.kind == kind, ContactReach.value == value)
    row = session.scalars(select(ContactReach).where(*same).with_for_update()).one_or_none()
    row = row or ContactReach(ente_id=contact.ente_id, contact_id=contact_id, kind=kind, value=value, stated=False)
    return _tell(session, by, row, telling)


def add_address(
    session: Session, by: Principal, *, contact_id: int, kind: AddressKind, address: Address, telling: Telling
) -> Written:
    """The same of a place. Raises `InvalidError` with what is wrong at each field."""
    contact = recordable(session, by, contact_id)
    _check_kind(contact, kind)
    address = parse_address(address)
    same = (
        ContactAddress.contact_id == contact_id, ContactAddress.kind == kind, ContactAddress.place_key == address.key,
    )  # fmt: skip
    row = session.scalars(select(ContactAddress).where(*same).with_for_update()).one_or_none()
    row = row or ContactAddress(
        ente_id=contact.ente_id, contact_id=contact_id, kind=kind, place_key=address.key, stated=False,
        **asdict(address),
    )  # fmt: skip
    return _tell(session, by, row, telling)


def judge(session: Session, by: Principal, *, detail: Detail, row_id: int, verification: Verification) -> Verification:
    """It was found right or wrong, or nobody knows after all. Returns what was thought of it before."""
    row = _row(session, by, detail, row_id)
    was, before = row.verification, _as_json(row)
    if verification is was:
        return was
    known = verification is not Verification.UNVERIFIED
    row.verification = verification
    row.verified_at, row.verified_by = (clock.now(session), by.user_id) if known else (None, None)
    _write(session, by, row, f"{detail.value}.{verification.value}", before)
    return was


def tried(
    session: Session, by: Principal, *, detail: Detail, row_id: int, outcome: LastOutcome | None
) -> LastOutcome | None:
    """What came of the last attempt to reach the contact there. Returns what came of the one before."""
    row = _row(session, by, detail, row_id)
    was, before = row.outcome, _as_json(row)
    row.outcome, row.outcome_at = outcome, clock.now(session) if outcome else None
    _write(session, by, row, f"{detail.value}.tried", before)
    return was


def not_reached(session: Session, *, ente_id: int, contact_id: int, value: str) -> None:
    """What was sent to this number or mailbox cannot arrive, says who carries it: nothing more is sent there until
    somebody tells it anew. A number may still be called.
    """
    mine = (ContactReach.ente_id == ente_id, ContactReach.contact_id == contact_id, ContactReach.value == value)
    for row in session.scalars(select(ContactReach).where(*mine).with_for_update()).all():
        before, at = _as_json(row), clock.now(session)
        if row.kind is ReachKind.PHONE:
            row.no_sms_since = row.no_sms_since or at
        else:
            row.outcome, row.outcome_at = LastOutcome.UNREACHABLE, at
        session.flush()
        audit.note(
            session, None, kind="reach.not_reached", ente_id=ente_id, contact_id=contact_id, before=before,
            after=_as_json(row),
        )  # fmt: skip
        touch(session, topics.contact(contact_id))


def posted(session: Session, *, address_id: int, outcome: LastOutcome) -> None:
    """What the post says of an address to which we wrote. Nothing, if the address is no more."""
    row = session.get(ContactAddress, address_id, with_for_update=True, populate_existing=True)
    if row is None:
        return
    before = _as_json(row)
    row.outcome, row.outcome_at = outcome, clock.now(session)
    _write(session, None, row, "address.tried", before)


def forwarded(session: Session, *, ente_id: int, contact_id: int, address: Address, by_id: int) -> None:
    """The post says where somebody lives now; `by_id`: whoever brought that. Raises `InvalidError`."""
    address = parse_address(address)
    kind = AddressKind.RESIDENCE
    if session.get_one(Contact, contact_id).kind is PersonKind.LEGAL:
        kind = AddressKind.SEAT
    same = (
        ContactAddress.contact_id == contact_id, ContactAddress.kind == kind, ContactAddress.place_key == address.key,
    )  # fmt: skip
    if session.scalars(select(ContactAddress).where(*same)).one_or_none() is not None:
        return
    row = ContactAddress(
        ente_id=ente_id, contact_id=contact_id, kind=kind, place_key=address.key, stated=False,
        source=Source.ARCHIVE, told_at=clock.now(session), told_by=by_id, verification=Verification.UNVERIFIED,
        **asdict(address),
    )  # fmt: skip
    session.add(row)
    _write(session, None, row, "address.told", None)


def remove(session: Session, by: Principal, *, detail: Detail, row_id: int) -> None:
    """It was written by mistake. What the collection system states stays: it can be marked wrong."""
    row = _row(session, by, detail, row_id)
    if row.stated:
        raise InvalidError("Lo dichiara il gestionale: si può segnare come errato, o proporre una correzione all'ente.")
    session.delete(row)
    session.flush()
    trace(session, by, f"{detail.value}.removed", ente_id=row.ente_id, contact_id=row.contact_id, before=_as_json(row))


# -- what may be written, pure ------------------------------------------------------------------------------------


def parse_reach(kind: ReachKind, text: str) -> str:
    """The value as it is stored: a phone in E.164, anything else an e-mail address in small letters."""
    text = text.strip()
    if kind is ReachKind.PHONE:
        value = typed_number(text)
        if value is None:
            raise wrong(
                "Non è un numero di telefono: scrivilo intero, con il prefisso; se è estero, comincia con +.",
                field="value",
            )
        return value
    value = to_email(text) if text.isprintable() and len(text) <= MAX_EMAIL else None
    if value is None:
        raise wrong("Non è un indirizzo di posta: ricontrolla, per esempio nome@esempio.it.", field="value")
    return value


def parse_address(told: Address) -> Address:
    """The address as it is stored. Raises `InvalidError` with every field that is wrong."""
    street, town = _text(told.street), _text(told.town)
    postcode, province = _text(told.postcode).upper(), _text(told.province).upper()
    country = _text(told.country).upper() or ITALY
    checks = (
        (0 < len(street) <= MAX_STREET and street.isprintable(),
         InvalidError("Scrivi via e numero civico.", field="street")),
        (0 < len(town) <= MAX_TOWN and town.isprintable(), InvalidError("Scrivi il comune o la città.", field="town")),
        (not postcode or _is_postcode(postcode, country),
         InvalidError("Il CAP ha cinque cifre, salvo all'estero.", field="postcode")),
        (not province or _TWO_LETTERS.fullmatch(province),
         InvalidError("Scrivi la sigla di due lettere.", field="province")),
        (_TWO_LETTERS.fullmatch(country), InvalidError("Scegli il Paese.", field="country")),
    )  # fmt: skip
    errors = [error for right, error in checks if not right]
    if errors:
        raise InvalidError("Ricontrolla i campi indicati.", parts=errors)
    return Address(street, postcode or None, town, province or None, country)


def _text(value: str | None) -> str:
    return " ".join((value or "").split())


def _is_postcode(text: str, country: str) -> bool:
    return bool((_ITALIAN_POSTCODE if country == ITALY else _POSTCODE).fullmatch(text))


def _check_kind(contact: Contact, kind: AddressKind) -> None:
    if contact.kind is PersonKind.LEGAL and kind is not AddressKind.SEAT:
        raise wrong("Una società o un ente ha una sede: scegli quella.", field="kind")


# -- inside -------------------------------------------------------------------------------------------------------


def _row(session: Session, by: Principal, detail: Detail, row_id: int) -> ContactReach | ContactAddress:
    by.require(Permission.CONTACT_RECORD)
    row: Any = session.get(_MODELS[detail], row_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Recapito non trovato.")
    found: ContactReach | ContactAddress = row
    require_on(session, by, Permission.CONTACT_RECORD, ente_id=found.ente_id)
    return found


def _tell(session: Session, by: Principal, row: ContactReach | ContactAddress, telling: Telling) -> Written:
    """Whoever told it. A stated row remains stated, but no silence of the collection system takes it away again."""
    new = row.id is None
    before, verification, outcome = None if new else _as_json(row), row.verification, row.outcome
    row.source, row.call_id = telling.source, telling.call_id
    row.told_at, row.told_by = clock.now(session), by.user_id
    if isinstance(row, ContactReach):
        row.no_sms_since = None
    if new or row.verification is Verification.WRONG:
        row.verification, row.verified_at, row.verified_by = Verification.UNVERIFIED, None, None
        row.outcome, row.outcome_at = None, None
    session.add(row)
    _write(session, by, row, f"{_detail(row).value}.told", before)
    return Written(row.id, new, verification, outcome)


def _write(
    session: Session, by: Principal | None, row: ContactReach | ContactAddress, kind: str, before: dict[str, Any] | None
) -> None:
    session.flush()
    trace(
        session, by, kind, ente_id=row.ente_id, contact_id=row.contact_id, before=before, after=_as_json(row),
        call_id=row.call_id if kind.endswith(".told") else None,
    )  # fmt: skip


def _detail(row: ContactReach | ContactAddress) -> Detail:
    return Detail.REACH if isinstance(row, ContactReach) else Detail.ADDRESS


def _as_json(row: ContactReach | ContactAddress) -> dict[str, Any]:
    own = ("kind", "value") if isinstance(row, ContactReach) else (
        "kind", "street", "postcode", "town", "province", "country",
    )  # fmt: skip
    return as_json(row, (*own, *_FACTS))
