"""Recordings of conversations among the sounds that are kept; and asking the carrier for those nobody told of."""

from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Database, Scope, table_of
from crm.documents.store import DocumentStore
from telephony.calls import story
from telephony.calls.models import Call, Consent, Phase
from telephony.carriers.port import Carrier, CarrierError
from telephony.recording import service
from telephony.recording.models import Recording
from telephony.recording.service import Told
from telephony.sounds.keeping import Shelf, SoundKeeper
from telephony.sounds.models import Gone

MOST = 10  # at a time
CHANNELS = 2
SETTLES = timedelta(seconds=45)  # after the end of a call its recordings are looked for at the carrier
GIVEN_UP = timedelta(hours=6)  # the carrier says of nothing for so long that it is ready
_RECORDING, _CALL = table_of(Recording), table_of(Call)


SHELF = Shelf(
    "recording", _RECORDING, id=_RECORDING.c.id, since=_RECORDING.c.ready_at, channels=CHANNELS, told=story.tell,
    agreed=exists().where(_CALL.c.id == _RECORDING.c.call_id, _CALL.c.consent == Consent.AGREED),
    held=_RECORDING.c.held_at.is_not(None),
)  # fmt: skip


class RecordingKeeper:
    """Brings recordings in and lets them go, also those of which nobody told us."""

    def __init__(self, database: Database, carrier: Carrier, store: DocumentStore) -> None:
        self._database = database
        self._carrier = carrier
        self.sounds = SoundKeeper(database, carrier, store, SHELF)

    def run(self) -> int:
        """Look for what was recorded, fetch, delete at the carrier, delete here; how many were touched."""
        return self._look() + self.sounds.run()

    def _look(self) -> int:
        """A callback may be lost: once a call is over, the carrier is asked what it recorded of it."""
        over = self._database.transact(Scope.across_enti(), _unsettled)
        for call_id, contract_id, sid, late in over:
            self.sounds.attempt(call_id, partial(self._ask, call_id, contract_id, sid, late=late))
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


def _unsettled(session: Session) -> list[tuple[UUID, int, str, bool]]:
    at = clock.now(session)
    rows = session.execute(
        select(_CALL.c.id, _CALL.c.contract_id, _CALL.c.carrier_sid, _CALL.c.ended_at < at - GIVEN_UP)
        .where(_CALL.c.taking.is_not(None), _CALL.c.phase == Phase.ENDED, _CALL.c.ended_at < at - SETTLES)
        .order_by(_CALL.c.ended_at)
        .limit(MOST)
    )
    return [(call_id, contract_id, sid, late) for call_id, contract_id, sid, late in rows]
