"""What administrators write about self-service: whether an ente offers it, and its taxpayers' PINs."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit import service as audit
from crm.contacts.models import Contact
from crm.core import clock
from crm.core.configuration import changed
from crm.core.db import table_of
from crm.core.errors import FieldError
from crm.enti.administration import managed, record
from telephony.selfservice import queries
from telephony.selfservice.dialogue import LEAST_DIGITS, MOST_DIGITS
from telephony.selfservice.models import CallerPin, SelfServiceSetting
from telephony.selfservice.queries import Setting
from telephony.selfservice.service import pin_mark

MOST_BYTES = 8_000_000
LISTED = 20  # refused lines are named, up to so many
_PIN = table_of(CallerPin)


@dataclass(frozen=True, slots=True)
class PinsSet:
    """What became of a file of PINs: how many taxpayers have a new one, and which lines were refused."""

    taxpayers: int
    refused: tuple[int, ...]


def save_setting(session: Session, by: Principal, *, ente_id: int, wanted: Setting) -> None:
    """Say whether callers may serve themselves, and by which second factors. Without one they hear what is printed."""
    managed(session, by, ente_id)
    before = queries.setting(session, ente_id)
    changed(session)
    row = session.get(SelfServiceSetting, ente_id) or SelfServiceSetting(ente_id=ente_id)
    row.is_on, row.pins, row.codes = wanted.is_on, wanted.pins, wanted.codes
    session.add(row)
    session.flush()
    shown = [{"is_on": one.is_on, "pins": one.pins, "codes": one.codes} for one in (before, wanted)]
    record(session, by, "self_service.changed", ente_id, *shown)


def set_pins(session: Session, by: Principal, *, ente_id: int, content: bytes) -> PinsSet:
    """Take in a CSV of codice fiscale and PIN, a taxpayer a line; a PIN there is replaced. The file is not kept.

    Raises `FieldError` for what is no such file.
    """
    managed(session, by, ente_id)
    rows = list(_rows(content))
    wanted = {code for _, code, pin in rows if pin}
    found = select(Contact.codice_fiscale, Contact.id).where(
        Contact.ente_id == ente_id, Contact.codice_fiscale.in_(wanted), Contact.withdrawn_as_of.is_(None)
    )
    known = {row.codice_fiscale: row.id for row in session.execute(found)}
    refused = tuple(line for line, code, pin in rows if not pin or code not in known)
    chosen = {known[code]: pin for _, code, pin in rows if pin and code in known}
    at = clock.now(session)
    values = [
        {
            "contact_id": contact_id, "ente_id": ente_id, "mark": pin_mark(session, ente_id, contact_id, pin),
            "set_at": at, "set_by": by.user_id,
        }
        for contact_id, pin in sorted(chosen.items())
    ]  # fmt: skip
    if values:
        put = insert(_PIN)
        put = put.on_conflict_do_update(
            index_elements=["contact_id"], set_={name: put.excluded[name] for name in ("mark", "set_at", "set_by")}
        )
        session.execute(put, values)
    audit.note(session, by, kind="pins.set", ente_id=ente_id, after={"taxpayers": len(values)})
    return PinsSet(len(values), refused[:LISTED])


def _rows(content: bytes) -> Iterator[tuple[int, str, str]]:
    """Line, codice fiscale, PIN; an empty PIN where it is none. A first line that is a title is passed over."""
    if len(content) > MOST_BYTES:
        raise FieldError("Il file è troppo grande: dividilo, al massimo 8 MB.", "file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FieldError("Il file non è un testo in UTF-8: salvalo come CSV.", "file") from None
    if not text.strip() or "\0" in text:
        raise FieldError("Il file è vuoto, o non è un testo: ogni riga ha codice fiscale e PIN.", "file")
    reader = csv.reader(io.StringIO(text), delimiter=";" if ";" in text else ",")
    try:
        for row in reader:
            cells = [one.strip() for one in row]
            if not any(cells) or (reader.line_num == 1 and not any(char.isdigit() for char in "".join(cells))):
                continue
            code, pin = (*cells, "", "")[:2]
            yield reader.line_num, code.upper(), pin if _is_pin(pin) else ""
    except csv.Error:
        raise FieldError("Il file non è scritto bene: ogni riga ha codice fiscale e PIN.", "file") from None


def _is_pin(text: str) -> bool:
    """Digits enough, and neither all alike nor one after the other."""
    if not (text.isascii() and text.isdigit() and LEAST_DIGITS <= len(text) <= MOST_DIGITS):
        return False
    steps = {int(b) - int(a) for a, b in pairwise(text)}
    return steps not in ({0}, {1}, {-1})
