"""Bringing sounds in from the carrier, deleting them there, and here when their time is over.

No transaction is open while the carrier or the store is asked. Each step may be repeated: killed anywhere, the next
run goes on from what the row says, and neither loses a sound nor keeps it twice.
"""

import hashlib
import io
import tempfile
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Table, and_, false, func, null, or_, select, true, update
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.secrecy import SecrecyError
from crm.documents.store import DocumentStore, StoreError
from telephony.carriers.port import Carrier, CarrierError
from telephony.sounds import sealing
from telephony.sounds.models import Gone

log = structlog.get_logger(__name__)
MOST = 10  # at a time
NOT_YET = timedelta(minutes=10)  # a carrier that said a sound was ready may for so long not have it


@dataclass(frozen=True, slots=True)
class Kept:
    """What of a sound decides where it goes. `since`: since when it can be fetched."""

    id: UUID
    call_id: UUID
    contract_id: int
    ente_id: int | None
    sid: str
    since: datetime
    key: bytes | None
    sha256: str | None
    kept_under: int | None
    at_carrier: bool
    unsealed: str | None


def _nothing(_: Session) -> None:
    """Nothing has to be done."""


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
    """A kind of sounds: its table, with the columns of `SoundColumns`, and what is its own."""

    name: str
    table: Table
    id: ColumnElement[UUID]
    since: ColumnElement[datetime | None]
    channels: int
    told: Callable[[Session, UUID], None]  # something of a call's sound has changed
    agreed: ColumnElement[bool] = field(default_factory=true)  # whoever speaks wants it kept
    held: ColumnElement[bool] = field(default_factory=false)  # it is not deleted, whatever its time
    prepare: Callable[[Session], None] = _nothing  # before any is looked for
    unsealed: ColumnElement[Any] = field(default_factory=null)  # digest of one stored before any was encrypted
    shared: ColumnElement[bool] = field(default_factory=false)  # another one still needs what lies there
    measured: bool = True  # it is as long as its sound; else as the carrier told


class SoundKeeper:
    """Brings the sounds of one kind in and lets them go."""

    def __init__(self, database: Database, carrier: Carrier, store: DocumentStore, shelf: Shelf) -> None:
        self._database = database
        self._carrier = carrier
        self._store = store
        self._shelf = shelf

    def run(self) -> int:
        """Fetch, delete at the carrier, delete here; how many were touched."""
        steps: tuple[tuple[Callable[[Session], list[Kept]], Callable[[Kept], None]], ...] = (
            (self._to_bring, self.bring), (self._to_drop, self.drop), (self._to_forget, self.forget),
        )  # fmt: skip
        done = 0
        for found, do in steps:
            some = self._database.transact(Scope.across_enti(), found)
            for one in some:
                self.attempt(one.call_id, partial(do, one))
            done += len(some)
        return done

    def attempt(self, call_id: UUID, do: Callable[[], None]) -> None:
        """One that cannot be done now stands in no other's way."""
        with structlog.contextvars.bound_contextvars(call=str(call_id)):
            try:
                do()
            except (CarrierError, StoreError, SecrecyError) as error:
                log.warning("sound_waits", of=self._shelf.name, error=str(error))

    def bring(self, one: Kept) -> None:
        """From the carrier, or from where it lies unsealed, into the store."""
        assert one.key is not None
        with self._database.begin(Scope.nothing()) as session:
            key, at = sealing.opened(session, one.id, one.key), clock.now(session)
        try:
            sound = self._sound(one)
        except CarrierError as error:
            if not is_lost(error, since=one.since, at=at):
                raise
            log.error("sound_lost", of=self._shelf.name, sound=str(one.id))
            self._write(one, deleted_at=at, gone=Gone.ABSENT, key=None, at_carrier=False)
            return
        seconds = length(sound)
        sealed = sealing.encrypt(key, sound, one.id)
        sha256, under = hashlib.sha256(sealed).hexdigest(), self._under(one)
        with tempfile.TemporaryDirectory(prefix="filodiretto-") as folder:
            path = Path(folder) / "sound"
            path.write_bytes(sealed)
            self._store.put(under, sha256, path)
        measured = {"seconds": seconds} if self._shelf.measured else {}
        self._write(one, sha256=sha256, size=len(sealed), kept_under=under, **measured)
        log.info("sound_kept", of=self._shelf.name, seconds=seconds)

    def drop(self, one: Kept) -> None:
        """It is here, encrypted: nobody else needs it any longer."""
        if one.unsealed is not None:
            self._store.delete(one.kept_under or 0, one.unsealed)
            self._write(one, unsealed=None)
        if one.at_carrier:
            self._carrier.delete_recording(one.sid)
            self._write(one, at_carrier=False)

    def forget(self, one: Kept) -> None:
        """Its time is over, or nobody agreed to it. The key goes with it: no backup of the store can be heard."""
        if one.sha256 is not None:
            self._store.delete(one.kept_under or 0, one.sha256)
        if one.at_carrier:
            self._carrier.delete_recording(one.sid)
        table = self._shelf.table
        with self._database.begin(Scope.of_contract(one.contract_id)) as session:
            at = clock.now(session)
            why = select(table.c.gone, self._shelf.agreed).select_from(table).where(self._shelf.id == one.id)
            marked, agreed = session.execute(why).one()
        gone = marked or (Gone.EXPIRED if agreed else Gone.NOT_AGREED)
        self._write(one, deleted_at=at, gone=gone, key=None, sha256=None, at_carrier=False)
        log.info("sound_deleted", of=self._shelf.name, why=gone.value)

    def _sound(self, one: Kept) -> bytes:
        if one.unsealed is not None:
            return self._store.read(self._under(one), one.unsealed, most=sealing.LARGEST)
        return self._carrier.fetch_recording(one.sid, channels=self._shelf.channels)

    def _under(self, one: Kept) -> int:
        return one.kept_under if one.kept_under is not None else one.ente_id or 0

    def _write(self, one: Kept, **values: object) -> None:
        def work(session: Session) -> None:
            session.execute(update(self._shelf.table).where(self._shelf.id == one.id).values(**values))
            self._shelf.told(session, one.call_id)

        self._database.transact(Scope.of_contract(one.contract_id), work)

    def _to_bring(self, session: Session) -> list[Kept]:
        self._shelf.prepare(session)
        c = self._shelf.table.c
        elsewhere = or_(c.at_carrier, self._shelf.unsealed.is_not(None))
        not_here = c.sha256.is_(None), c.deleted_at.is_(None), c.key.is_not(None)
        in_time = c.keep_until > clock.now(session), self._shelf.since.is_not(None), self._shelf.agreed
        return self._some(session, elsewhere, *not_here, *in_time)

    def _to_drop(self, session: Session) -> list[Kept]:
        c, shelf = self._shelf.table.c, self._shelf
        here = or_(c.sha256.is_not(None), c.deleted_at.is_not(None))
        return self._some(session, or_(c.at_carrier, shelf.unsealed.is_not(None)), here, ~shelf.shared)

    def _to_forget(self, session: Session) -> list[Kept]:
        c = self._shelf.table.c
        over = or_(c.keep_until <= clock.now(session), ~self._shelf.agreed)
        return self._some(session, c.deleted_at.is_(None), self._shelf.since.is_not(None), over, ~self._shelf.held)

    def _some(self, session: Session, *which: ColumnElement[bool]) -> list[Kept]:
        """In no order, so that one which cannot be had does not stand in the others' way."""
        shelf, c = self._shelf, self._shelf.table.c
        columns = (
            shelf.id, c.call_id, c.contract_id, c.ente_id, c.carrier_sid, shelf.since, c.key, c.sha256, c.kept_under,
            c.at_carrier, shelf.unsealed,
        )  # fmt: skip
        rows = session.execute(select(*columns).where(and_(*which)).order_by(func.random()).limit(MOST))
        return [Kept(*row) for row in rows]


def is_lost(error: CarrierError, *, since: datetime, at: datetime) -> bool:
    """Whether a sound that the carrier does not have will not come any more; for a while it may not be there yet."""
    return error.gone and at - since > NOT_YET


def length(sound: bytes) -> int:
    """Whole seconds. Raises `CarrierError` for what is no sound."""
    try:
        with wave.open(io.BytesIO(sound)) as read:
            frames, rate = int(read.getnframes()), int(read.getframerate())
            return round(frames / rate)
    except (wave.Error, EOFError, ZeroDivisionError) as error:
        raise CarrierError("La registrazione arrivata non è un suono.", permanent=False) from error
