"""From a record of the feed to what contacts and positions store: cleaned, in whole cents, with a digest."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from pydantic_core import to_json

from crm.collection.feed import (
    Act,
    Amounts,
    DocumentRecord,
    Instalment,
    Payment,
    PositionRecord,
    Record,
    Step,
    TaxpayerRecord,
)
from crm.collection.reasons import AMOUNTS_DISAGREE, EMAIL_LEFT_OUT, OLD_NOTICE, PHONE_LEFT_OUT
from crm.collection.values import composed
from crm.contacts.addresses import Address
from crm.contacts.codice_fiscale import person_kind
from crm.contacts.email import to_email
from crm.contacts.models import AddressKind, ReachKind
from crm.contacts.names import given_key, name_key, who_key, words_of
from crm.contacts.phone import to_e164
from crm.contacts.service import ContactStatement
from crm.documents.service import DocumentStatement
from crm.positions.models import PositionState, StepKind
from crm.positions.notice import is_old
from crm.positions.numbers import act_key
from crm.positions.service import ALIASES, TOLD, PositionStatement

# Part of every digest. Raise it when the same record would now be stored otherwise: all are then rewritten.
EDITION = "4"
# What is owed may differ by so much from its components: each may have been rounded to the whole euro.
ROUNDING_CENTS = 200
EXTINGUISHED = {PositionState.ANNULLED, PositionState.RELIEVED}
REDUCTIONS = {StepKind.RELIEF, StepKind.ANNULMENT, StepKind.REFUND}  # told with sums that no component has


def contact_statement(record: TaxpayerRecord, as_of: datetime) -> tuple[ContactStatement, list[str]]:
    """The statement, and what was left out of it as unreadable (an empty list when nothing was)."""
    left_out: list[str] = []
    domiciles = [record.digital_domicile] if record.digital_domicile else []
    reaches = (
        *_cleaned(ReachKind.PHONE, record.phones, to_e164, PHONE_LEFT_OUT, left_out),
        *_cleaned(ReachKind.EMAIL, record.emails, to_email, EMAIL_LEFT_OUT, left_out),
        *_cleaned(ReachKind.PEC, record.pecs, to_email, EMAIL_LEFT_OUT, left_out),
        *_cleaned(ReachKind.DIGITAL_DOMICILE, domiciles, to_email, EMAIL_LEFT_OUT, left_out),
    )
    surname = record.surname or record.business_name or ""
    if len(record.codice_fiscale) == 11:
        surname = record.business_name or surname
    values = {
        "partita_iva": record.partita_iva,
        "kind": person_kind(record.codice_fiscale).value,
        "surname": surname,
        "given_name": record.given_name,
        "born_on": _iso(record.born_on),
        "birthplace": record.birthplace,
        "name_key": name_key(surname, record.given_name),
        "given_key": given_key(surname, record.given_name),
        "language": record.language,
        "residential": record.residential,
        "deceased_on": _iso(record.deceased_on),
        "ceased_on": _iso(record.ceased_on),
        "insolvent_since": _iso(record.insolvent_since),
    }
    addresses, relations = _addresses(record), _relations(record)
    digest, row = _row({"codice_fiscale": record.codice_fiscale, **values}, as_of, (reaches, addresses, relations))
    words = tuple(words_of(name_key(surname, record.given_name)))
    return ContactStatement(record.codice_fiscale, as_of, digest, row, reaches, words, addresses, relations), left_out


def position_statement(record: PositionRecord, as_of: datetime) -> tuple[PositionStatement, list[str]]:
    """The statement, and what in it could not be verified."""
    amounts = record.amounts
    values: dict[str, Any] = {
        "notice_number": record.notice_number,
        "tax": record.tax.value,
        "year": record.year,
        "act_kind": record.act_kind.value,
        "act_number": record.act_number,
        "act_key": act_key(record.act_number),
        "state": record.state.value,
        "state_on": _iso(record.state_on),
        "state_note": record.state_note,
        "tax_cents": amounts.tax,
        "sanctions_cents": amounts.sanctions,
        "interest_cents": amounts.interest,
        "costs_cents": amounts.costs,
        "paid_cents": amounts.paid,
        "residual_cents": amounts.residual,
        "issued_on": _iso(record.issued_on),
        "due_on": _iso(record.due_on),
        "notification": record.notification.value,
        "notified_on": _iso(record.notified_on),
        "notification_note": record.notification_note,
        "payments": [_payment(payment) for payment in record.payments],
        "instalments": [_instalment(instalment) for instalment in record.instalments],
        "plan": _told(record.plan) if record.plan else None,
        "acts": [_act(act) for act in record.acts],
        "steps": [_step(step) for step in record.steps],
    }
    if printed := _printed(record):
        values["printed"] = printed
    if aliases := _aliases(record, values["act_key"]):
        values[ALIASES] = aliases
    reference = composed(record.reference)
    digest, row = _row({"reference": reference, **values}, as_of, record.codice_fiscale)
    statement = PositionStatement(reference, record.codice_fiscale, as_of, digest, row)
    doubts: list[str] = []
    if record.notice_number is not None and is_old(record.notice_number):
        doubts.append(OLD_NOTICE.format(value=record.notice_number))
    left = amounts.tax + amounts.sanctions + amounts.interest + amounts.costs - amounts.paid
    if amounts.residual != left and not _explained(record, amounts, max(0, left)):
        doubts.append(AMOUNTS_DISAGREE.format(residual=_euro(amounts.residual), left=_euro(max(0, left))))
    return statement, doubts


def _printed(record: PositionRecord) -> dict[str, Any] | None:
    """What the notice asks for as it was issued: as told, or while nothing has happened since then; none: not known."""
    if record.notice_number is None:
        return None
    if record.printed is not None:
        return {"cents": record.printed.amount, "due_on": _iso(record.printed.due_on), TOLD: True}
    amounts = record.amounts
    happened = record.payments or record.instalments or record.plan or record.steps or amounts.paid
    if record.state is not PositionState.TO_PAY or happened:
        return None
    asked = amounts.tax + amounts.sanctions + amounts.interest + amounts.costs
    return {"cents": asked, "due_on": _iso(record.due_on)} if asked == amounts.residual else None


def _explained(record: PositionRecord, amounts: Amounts, left: int) -> bool:
    """Whether what is owed may well be other than the components less what was paid, which is `left` cents.

    A plan adds interest of its own; an annulment, a relief or a refund takes off; who paid a reduced fine owes nothing.
    """
    if abs(amounts.residual - left) <= ROUNDING_CENTS or record.instalments or record.plan:
        return True
    if amounts.residual == 0 and record.state is PositionState.PAID:
        return True
    return record.state in EXTINGUISHED or any(step.kind in REDUCTIONS for step in record.steps)


def document_statement(record: DocumentRecord, as_of: datetime) -> DocumentStatement:
    """The statement about a document."""
    reference = composed(record.reference)
    values: dict[str, Any] = {
        "reference": reference,
        "position_reference": record.position,
        "kind": record.kind.value,
        "title": record.title,
        "dated": _iso(record.dated),
        "media_type": record.media_type,
        "size": record.size,
        "sha256": record.sha256,
    }
    digest, row = _row(values, as_of, record.codice_fiscale)
    return DocumentStatement(reference, record.codice_fiscale, as_of, digest, row)


def _cleaned(
    kind: ReachKind,
    texts: Iterable[str],
    clean: Callable[[str], str | None],
    reason: str,
    left_out: list[str],
) -> list[tuple[ReachKind, str]]:
    """Each value once, sorted so that their order in the record does not count as a change."""
    values: set[str] = set()
    for text in texts:
        if (value := clean(text)) is None:
            left_out.append(reason.format(value=text[:40]))
        else:
            values.add(value)
    return [(kind, value) for value in sorted(values)]


def _addresses(record: TaxpayerRecord) -> tuple[Mapping[str, Any], ...]:
    """Each place once a kind, in order of its key. The flat fields are a residence, or a company's seat."""
    flat = Address(record.address, record.postcode, record.town)
    kind = AddressKind.SEAT if len(record.codice_fiscale) == 11 else AddressKind.RESIDENCE
    told = [
        (one.kind, Address(one.street, one.postcode, one.town, one.province, one.country)) for one in record.addresses
    ]
    if flat != Address():
        told.insert(0, (kind, flat))
    rows = {
        (kind.value, place.key): {
            "kind": kind.value, "place_key": place.key, "street": place.street, "postcode": place.postcode,
            "town": place.town, "province": place.province, "country": place.country,
        }
        for kind, place in told
    }  # fmt: skip
    return tuple(rows[key] for key in sorted(rows))


def _relations(record: TaxpayerRecord) -> tuple[Mapping[str, Any], ...]:
    """Each somebody once a kind, in order of his key; the last word about him stands."""
    rows = {
        (one.kind.value, key := who_key(one.codice_fiscale, one.name or "")): {
            "kind": one.kind.value, "who_key": key, "codice_fiscale": one.codice_fiscale, "name": one.name or "",
            "valid_from": _iso(one.starts), "valid_to": _iso(one.ends),
        }
        for one in record.relations
    }  # fmt: skip
    return tuple(rows[key] for key in sorted(rows))


def _aliases(record: PositionRecord, own: str) -> list[str]:
    """The numbers of other acts and of the notices of instalments, each once."""
    acts = {act_key(act.number) for act in record.acts} - {own, ""}
    notices = {rate.notice_number for rate in record.instalments if rate.notice_number} - {record.notice_number}
    return sorted(acts | notices)


def _payment(payment: Payment) -> dict[str, Any]:
    always = {"paid_on": _iso(payment.paid_on), "cents": payment.amount, "channel": payment.channel}
    more = _given(notice_number=payment.notice_number, receipt=payment.receipt)
    return always | more | _given(registered_on=_iso(payment.registered_on))


def _instalment(instalment: Instalment) -> dict[str, Any]:
    always = {
        "number": instalment.number,
        "due_on": _iso(instalment.due_on),
        "cents": instalment.amount,
        "paid_on": _iso(instalment.paid_on),
    }
    return always | _given(notice_number=instalment.notice_number)


def _act(act: Act) -> dict[str, Any]:
    told = {"kind": act.kind.value, "number": act.number, "issued_on": _iso(act.issued_on)}
    return told | {"notifications": [_told(one) for one in act.notifications]}


def _step(step: Step) -> dict[str, Any]:
    told = _told(step)
    return told | {"cents": told.pop("amount")} if "amount" in told else told


def _told(record: Record) -> dict[str, Any]:
    """A record as JSON, without what it does not say."""
    return {name: _iso(value) if isinstance(value, date) else value for name, value in record if value is not None}


def _given(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}


def _euro(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _row(values: Mapping[str, Any], as_of: datetime, more: object) -> tuple[str, str]:
    """The digest of what is told, be it as of whenever, and the row in JSON, its texts composed (NFC)."""
    row = composed(to_json(values).decode())
    digest = hashlib.blake2b(f"{EDITION}{row}{more}".encode(), digest_size=16).hexdigest()
    return digest, f'{row[:-1]},"digest":"{digest}","as_of":"{as_of.isoformat()}"}}'
