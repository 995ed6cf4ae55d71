"""What every writing down of what people told has in common: the leave to write, who told it, the trace it leaves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.contacts.models import Contact, Source
from crm.core import topics
from crm.core.db import touch
from crm.core.errors import InvalidError, NotFoundError

TELLERS = (Source.TAXPAYER, Source.RELATED, Source.ENTE, Source.ARCHIVE)  # the collection system speaks by its feed
MAX_WORDS = 200


@dataclass(frozen=True, slots=True)
class Telling:
    """Who told something, and in which call."""

    source: Source = Source.TAXPAYER
    call_id: UUID | None = None

    def __post_init__(self) -> None:
        if self.source not in TELLERS:
            raise wrong("Scegli chi lo dice.", field="source")


HIMSELF = Telling()


def wrong(message: str, *, field: str) -> InvalidError:
    """An error that is said at its field."""
    return InvalidError(message, parts=(InvalidError(message, field=field),))


def recordable(session: Session, by: Principal, contact_id: int) -> Contact:
    """The contact, of whom `by` may write down what people tell. Two who write of one contact wait for each other."""
    by.require(Permission.CONTACT_RECORD)
    row = session.get(Contact, contact_id, with_for_update={"key_share": True}, populate_existing=True)
    if row is None:
        raise NotFoundError("Contribuente non trovato.")
    require_on(session, by, Permission.CONTACT_RECORD, ente_id=row.ente_id)
    return row


def words(text: str, *, field: str) -> str:
    """A short remark on one line. Raises `InvalidError` when it is too long, or holds what is no letter or sign."""
    text = " ".join(text.split())
    if len(text) > MAX_WORDS or not text.isprintable():
        raise wrong(f"Scrivi al massimo {MAX_WORDS} caratteri, senza caratteri speciali.", field=field)
    return text


def as_json(row: object, names: tuple[str, ...]) -> dict[str, Any]:
    """These columns of a row as the audit keeps them."""
    return {name: _plain(getattr(row, name)) for name in names}


def trace(
    session: Session, by: Principal | None, kind: str, *, ente_id: int, contact_id: int,
    before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None, call_id: UUID | None = None,
) -> None:  # fmt: skip
    """The audit of a change, and the pages that show the contact."""
    audit.note(
        session, by, kind=kind, ente_id=ente_id, contact_id=contact_id, call_id=call_id, before=before, after=after
    )
    touch(session, topics.contact(contact_id))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (date, datetime, time)) else value
