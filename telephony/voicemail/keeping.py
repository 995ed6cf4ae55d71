"""Fetching messages from the carrier into our own store, and deleting them: there at once, here in time.

No transaction is open while the carrier or the store is asked. A message that could not be fetched is tried again.
"""

import hashlib
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Database, Scope
from crm.documents.store import DocumentStore, StoreError
from telephony.carriers.port import Carrier, CarrierError
from telephony.voicemail import service
from telephony.voicemail.models import Voicemail

log = structlog.get_logger(__name__)
MOST = 10  # at a time
LARGEST = 20_000_000  # bytes


class Keeper:
    """Brings messages in and lets them go."""

    def __init__(self, database: Database, carrier: Carrier, store: DocumentStore) -> None:
        self._database = database
        self._carrier = carrier
        self._store = store

    def run(self) -> int:
        """Fetch what is with the carrier alone, have it deleted there once we have it, forget what has been kept long
        enough; how many were touched.
        """
        fetched = self._database.transact(Scope.across_enti(), _at_the_carrier)
        for call_id, ente_id, sid in fetched:
            self._each(call_id, partial(self._fetch, call_id, ente_id, sid))
        there = self._database.transact(Scope.across_enti(), _there_too)
        for call_id, sid in there:
            self._each(call_id, partial(self._let_go, call_id, sid))
        old = self._database.transact(Scope.across_enti(), _old)
        for call_id, kept_under, sha256, sid in old:
            self._each(call_id, partial(self._forget, call_id, kept_under, sha256, sid))
        return len(fetched) + len(there) + len(old)

    def _each(self, call_id: UUID, do: Callable[[], None]) -> None:
        with structlog.contextvars.bound_contextvars(call=str(call_id)):
            try:
                do()
            except (CarrierError, StoreError) as error:
                log.warning("voicemail_waits", error=str(error))

    def _fetch(self, call_id: UUID, ente_id: int | None, sid: str) -> None:
        sound = self._carrier.fetch_recording(sid)
        sha256 = hashlib.sha256(sound).hexdigest()
        with tempfile.TemporaryDirectory(prefix="filodiretto-") as folder:
            path = Path(folder) / "sound"
            path.write_bytes(sound)
            self._store.put(ente_id or 0, sha256, path)
        self._database.transact(
            Scope.across_enti(), lambda session: _kept(session, call_id, sha256=sha256, under=ente_id or 0)
        )
        log.info("voicemail_kept")

    def _let_go(self, call_id: UUID, sid: str) -> None:
        self._carrier.delete_recording(sid)
        self._database.transact(Scope.across_enti(), lambda session: _there_no_more(session, call_id))

    def _forget(self, call_id: UUID, kept_under: int | None, sha256: str | None, sid: str) -> None:
        if sha256 is None:
            self._let_go(call_id, sid)
        else:
            self._store.delete(kept_under or 0, sha256)
        self._database.transact(Scope.across_enti(), lambda session: _gone(session, call_id))


def _at_the_carrier(session: Session) -> list[tuple[UUID, int | None, str]]:
    rows = session.execute(
        select(Voicemail.call_id, Voicemail.ente_id, Voicemail.recording_sid)
        .where(Voicemail.sha256.is_(None), Voicemail.deleted_at.is_(None), Voicemail.keep_until > clock.now(session))
        .order_by(Voicemail.left_at)
        .limit(MOST)
    )
    return [(call_id, ente_id, sid) for call_id, ente_id, sid in rows]


def _there_too(session: Session) -> list[tuple[UUID, str]]:
    rows = session.execute(
        select(Voicemail.call_id, Voicemail.recording_sid)
        .where(Voicemail.let_go_at.is_(None), Voicemail.sha256.is_not(None))
        .order_by(Voicemail.left_at)
        .limit(MOST)
    )
    return [(call_id, sid) for call_id, sid in rows]


def _there_no_more(session: Session, call_id: UUID) -> None:
    session.execute(update(Voicemail).where(Voicemail.call_id == call_id).values(let_go_at=clock.now(session)))


def _old(session: Session) -> list[tuple[UUID, int | None, str | None, str]]:
    rows = session.execute(
        select(Voicemail.call_id, Voicemail.kept_under, Voicemail.sha256, Voicemail.recording_sid)
        .where(Voicemail.deleted_at.is_(None), Voicemail.keep_until <= clock.now(session))
        .order_by(Voicemail.keep_until)
        .limit(MOST)
    )
    return [(call_id, under, sha256, sid) for call_id, under, sha256, sid in rows]


def _kept(session: Session, call_id: UUID, *, sha256: str, under: int) -> None:
    session.execute(
        update(Voicemail).where(Voicemail.call_id == call_id).values(sha256=sha256, kept_under=under)
    )  # fmt: skip
    service.arrived(session, call_id)


def _gone(session: Session, call_id: UUID) -> None:
    session.execute(update(Voicemail).where(Voicemail.call_id == call_id).values(deleted_at=clock.now(session)))
