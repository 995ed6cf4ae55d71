"""From a record of the feed to what contacts and positions store: cleaned, in whole cents, with a digest."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from crm.collection.feed import Instalment, Payment, PositionRecord, TaxpayerRecord, composed
from crm.collection.reasons import EMAIL_LEFT_OUT, OLD_NOTICE, PHONE_LEFT_OUT
from crm.contacts.codice_fiscale import person_kind
from crm.contacts.models import ReachKind
from crm.contacts.names import given_key, name_key, words_of
from crm.contacts.phone import to_e164
from crm.contacts.service import ContactStatement
from crm.positions.notice import is_old
from crm.positions.service import PositionStatement

# Part of every digest. Raise it when the same record would now be stored otherwise: all are then rewritten.
EDITION = "2"
EMAIL = re.compile(r"[^@\s<>,;]{1,64}@[^@\s<>,;]+\.[^@\s<>,;]{2,}")


def contact_statement(record: TaxpayerRecord, as_of: datetime) -> tuple[ContactStatement, list[str]]:
    """The statement, and what was left out of it as unreadable (an empty list when nothing was)."""
    left_out: list[str] = []
    reaches = (
        *_cleaned(ReachKind.PHONE, record.phones, to_e164, PHONE_LEFT_OUT, left_out),
        *_cleaned(ReachKind.EMAIL, record.emails, _email, EMAIL_LEFT_OUT, left_out),
        *_cleaned(ReachKind.PEC, record.pecs, _email, EMAIL_LEFT_OUT, left_out),
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
        "address": record.address,
        "postcode": record.postcode,
        "town": record.town,
        "name_key": name_key(surname, record.given_name),
        "given_key": given_key(surname, record.given_name),
        "language": record.language,
    }
    digest, row = _row({"codice_fiscale": record.codice_fiscale, **values}, as_of, reaches)
    words = tuple(words_of(values["name_key"] or ""))
    return ContactStatement(record.codice_fiscale, as_of, digest, row, reaches, words), left_out


def position_statement(record: PositionRecord, as_of: datetime) -> tuple[PositionStatement, list[str]]:
    """The statement, and what in it could not be verified."""
    amounts = record.amounts
    values: dict[str, Any] = {
        "notice_number": record.notice_number,
        "tax": record.tax.value,
        "year": record.year,
        "act_kind": record.act_kind.value,
        "act_number": record.act_number,
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
    }
    reference = composed(record.reference)
    digest, row = _row({"reference": reference, **values}, as_of, record.codice_fiscale)
    statement = PositionStatement(reference, record.codice_fiscale, as_of, digest, row)
    unverified = record.notice_number is not None and is_old(record.notice_number)
    return statement, [OLD_NOTICE.format(value=record.notice_number)] if unverified else []


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


def _email(text: str) -> str | None:
    return composed(text.lower()) if EMAIL.fullmatch(text) else None


def _payment(payment: Payment) -> dict[str, Any]:
    return {"paid_on": _iso(payment.paid_on), "cents": payment.amount, "channel": payment.channel}


def _instalment(instalment: Instalment) -> dict[str, Any]:
    return {
        "number": instalment.number,
        "due_on": _iso(instalment.due_on),
        "cents": instalment.amount,
        "paid_on": _iso(instalment.paid_on),
    }


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _row(values: Mapping[str, Any], as_of: datetime, more: object) -> tuple[str, str]:
    """The digest of what is told, be it as of whenever, and the row in JSON, its texts composed (NFC)."""
    row = composed(json.dumps(values, ensure_ascii=False))
    digest = hashlib.blake2b(f"{EDITION}{row}{more}".encode(), digest_size=16).hexdigest()
    return digest, f'{row[:-1]},"digest":"{digest}","as_of":"{as_of.isoformat()}"}}'
