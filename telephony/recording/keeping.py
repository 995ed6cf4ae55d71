"""Bringing recordings in from the carrier, deleting them there, and here when their time is over.

No transaction is open while the carrier or the store is asked. Each step may be repeated: killed anywhere, the next
run goes on from what the row says, and neither loses a recording nor keeps it twice.
"""

import hashlib
import io
import tempfile
import wave
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from crm.core import clock, secrecy
from crm.core.db import Database, Scope, table_of
from crm.documents.store import DocumentStore, StoreError
from telephony.calls import story
from telephony.calls.models import Call, Consent, Phase
from telephony.carriers.port import Carrier, CarrierError
from telephony.recording import sealing, service
from telephony.recording.models import Gone, Recording
from telephony.recording.service import Told

log = structlog.get_logger(__name__)
MOST = 10  # at a time
LARGEST = 500_000_000  # bytes: four hours
CHANNELS = 2
SETTLES = timedelta(seconds=45)  # after the end of a call its recordings are looked for at the carrier
GIVEN_UP = timedelta(hours=6)  # the carrier says of nothing for so long that it is ready
_RECORDING, _CALL = table_of(Recording), table_of(Call)


@dataclass(frozen=True, slots=True)
class Kept:
    """What of a recording decides where it goes."""

    id: UUID
    call_id: UUID
    contract_id: int
    ente_id: int | None
    sid: str
    key: bytes | None
    sha256: str | None
    kept_under: int | None
    at_carrier: bool


_KEPT = select(
    _RECORDING.c.id, _RECORDING.c.call_id, _RECORDING.c.contract_id, _RECORDING.c.ente_id, _RECORDING.c.carrier_sid,
    _RECORDING.c.key, _RECORDING.c.sha256, _RECORDING.c.kept_under, _RECORDING.c.at_carrier,
).join(_CALL, _CALL.c.id == _RECORDING.c.call_id)  # fmt: skip
_READY = and_(_RECORDING.c.ready_at.is_not(None), _RECORDING.c.deleted_at.is_(None))
_AGREED = func.coalesce(_CALL.c.consent == Consent.AGREED, False)


class RecordingKeeper:
    """Brings recordings in and lets them go."""

    def __init__(self, database: Database, carrier: Carrier, store: DocumentStore) -> None:
        self._database = database
        self._carrier = carrier
        self._store = store

    def run(self) -> int:
        """Look for those of which nobody told us, fetch, delete at the carrier, delete here; how many were touched."""
        steps: tuple[tuple[Callable[[Session], list[Kept]], Callable[[Kept], None]], ...] = (
            (_to_fetch, self._fetch), (_to_drop, self._drop), (_to_forget, self._forget),
        )  # fmt: skip
        done = self._look()
        for found, do in steps:
            some = self._database.transact(Scope.across_enti(), found)
            for one in some:
                self._each(one.call_id, partial(do, one))
            done += len(some)
        return done

    def _each(self, call_id: UUID, do: Callable[[], None]) -> None:
        with structlog.contextvars.bound_contextvars(call=str(call_id)):
            try:
                do()
            except (CarrierError, StoreError) as error:
                log.warning("recording_waits", error=str(error))

    def _look(self) -> int:
        """A callback may be lost: once a call is over, the carrier is asked what it recorded of it."""
        over = self._database.transact(Scope.across_enti(), _unsettled)
        for call_id, contract_id, sid, late in over:
            self._each(call_id, partial(self._ask, call_id, contract_id, sid, late=late))
        return len(over)

    def _ask(self, call_id: UUID, contract_id: int, sid: str, *, late: bool) -> None:
        try:
            found = self._carrier.recordings_of(sid)
        except CarrierError:
            if not late:
                raise
            found = []  # it knows of no such call, or will not say: what was told is all there is

        def work(session: Session) -> None:
            for one in found:
                told = Told(one.sid, one.began_at, one.seconds, ready=one.ready, absent=one.absent)
                service.heard(session, call_id, told)
            if late:  # what it began and never finished will not come
                never = _RECORDING.c.call_id == call_id, _RECORDING.c.ready_at.is_(None)
                lost = {"deleted_at": clock.now(session), "gone": Gone.ABSENT, "key": None, "at_carrier": False}
                session.execute(update(_RECORDING).where(*never, _RECORDING.c.deleted_at.is_(None)).values(**lost))
            if late or all(one.ready or one.absent for one in found):
                session.execute(update(_CALL).where(_CALL.c.id == call_id).values(taking=None))

        self._database.transact(Scope.of_contract(contract_id), work)

    def _fetch(self, one: Kept) -> None:
        assert one.key is not None
        try:
            sound = self._carrier.fetch_recording(one.sid, channels=CHANNELS)
        except CarrierError as error:
            if not error.gone:
                raise
            log.error("recording_lost", recording=str(one.id))
            self._write(one, deleted_at=True, gone=Gone.ABSENT, key=None, at_carrier=False)
            return
        seconds = _length(sound)
        with self._database.begin(Scope.nothing()) as session:
            key = sealing.opened(secrecy.of(session), one.id, one.key)
        sealed = sealing.encrypt(key, sound, one.id)
        sha256, under = hashlib.sha256(sealed).hexdigest(), one.ente_id or 0
        with tempfile.TemporaryDirectory(prefix="filodiretto-") as folder:
            path = Path(folder) / "sound"
            path.write_bytes(sealed)
            self._store.put(under, sha256, path)
        self._write(one, sha256=sha256, size=len(sealed), kept_under=under, seconds=seconds)
        log.info("recording_kept", seconds=seconds)

    def _drop(self, one: Kept) -> None:
        """It is here: the carrier needs it no longer."""
        self._carrier.delete_recording(one.sid)
        self._write(one, at_carrier=False)

    def _forget(self, one: Kept) -> None:
        """Its time is over, or nobody agreed to it. The key goes with it: no backup of the store can be heard."""
        if one.sha256 is not None:
            self._store.delete(one.kept_under or 0, one.sha256)
        if one.at_carrier:
            self._carrier.delete_recording(one.sid)

        def why(session: Session) -> Gone:
            agreed = session.execute(select(_CALL.c.consent).where(_CALL.c.id == one.call_id)).scalar_one()
            marked = session.execute(select(_RECORDING.c.gone).where(_RECORDING.c.id == one.id)).scalar_one()
            return marked or (Gone.EXPIRED if agreed is Consent.AGREED else Gone.NOT_AGREED)

        with self._database.begin(Scope.of_contract(one.contract_id)) as session:
            gone = why(session)
        self._write(one, deleted_at=True, gone=gone, key=None, sha256=None, at_carrier=False)
        log.info("recording_deleted", why=gone.value)

    def _write(self, one: Kept, **values: object) -> None:
        def work(session: Session) -> None:
            if values.get("deleted_at"):
                values["deleted_at"] = clock.now(session)
            session.execute(update(_RECORDING).where(_RECORDING.c.id == one.id).values(**values))
            story.tell(session, one.call_id)

        self._database.transact(Scope.of_contract(one.contract_id), work)


def _unsettled(session: Session) -> list[tuple[UUID, int, str, bool]]:
    at = clock.now(session)
    rows = session.execute(
        select(_CALL.c.id, _CALL.c.contract_id, _CALL.c.carrier_sid, _CALL.c.ended_at < at - GIVEN_UP)
        .where(_CALL.c.taking.is_not(None), _CALL.c.phase == Phase.ENDED, _CALL.c.ended_at < at - SETTLES)
        .order_by(_CALL.c.ended_at)
        .limit(MOST)
    )
    return [(call_id, contract_id, sid, late) for call_id, contract_id, sid, late in rows]


def _to_fetch(session: Session) -> list[Kept]:
    here = _RECORDING.c.sha256.is_(None), _RECORDING.c.keep_until > clock.now(session), _RECORDING.c.key.is_not(None)
    return _some(session, _READY, _AGREED, *here)


def _to_drop(session: Session) -> list[Kept]:
    return _some(session, _READY, _RECORDING.c.at_carrier, _RECORDING.c.sha256.is_not(None))


def _to_forget(session: Session) -> list[Kept]:
    over = or_(_RECORDING.c.keep_until <= clock.now(session), ~_AGREED)
    return _some(session, _READY, over, _RECORDING.c.held_at.is_(None))


def _some(session: Session, *which: object) -> list[Kept]:
    """In no order, so that one which cannot be had does not stand in the others' way."""
    statement = _KEPT.where(*which).order_by(func.random()).limit(MOST)  # type: ignore[arg-type]  # conditions
    return [Kept(*row) for row in session.execute(statement)]


def _length(sound: bytes) -> int:
    """Whole seconds. Raises `CarrierError` for what is no sound."""
    try:
        with wave.open(io.BytesIO(sound)) as read:
            frames, rate = int(read.getnframes()), int(read.getframerate())
            return round(frames / rate)
    except (wave.Error, EOFError, ZeroDivisionError) as error:
        raise CarrierError("La registrazione arrivata non è un suono.", permanent=False) from error
