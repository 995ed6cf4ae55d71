"""What recordings hold of a person: his voice. It goes with him; that there was one, and when, stays a measurement."""

from uuid import UUID

from sqlalchemy import Select, delete, select, update
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import table_of
from crm.privacy.holders import Fate, Holder, Person, Section, Went, plain, rows_of
from telephony.calls.models import Call, Consent
from telephony.calls.privacy import of_person
from telephony.recording.models import Recording, RecordingListening
from telephony.sounds.models import Gone

_RECORDING, _LISTENING, _CALL = table_of(Recording), table_of(RecordingListening), table_of(Call)
HELD = "Una registrazione di una sua chiamata è trattenuta: {because}. Si cancella quando non serve più."
_TOLD = ("began_at", "seconds", "keep_until", "held_because", "deleted_at", "gone")


class _Recordings:
    tables = frozenset({"recording", "recording_listening"})

    def export(self, session: Session, person: Person) -> list[Section]:
        """That there are recordings, and who listened. The sound itself is given by whoever may save it."""
        told = select(*(_RECORDING.c[name] for name in _TOLD)).where(
            _RECORDING.c.call_id.in_(self._calls(session, person))
        )
        rows = [plain(row) for row in session.execute(told.order_by(_RECORDING.c.began_at)).mappings()]
        heard = select(_LISTENING.c.began_at, _LISTENING.c.heard_for, _LISTENING.c.reason).where(
            _LISTENING.c.call_id.in_(self._calls(session, person))
        )
        listened = [plain(row) for row in session.execute(heard.order_by(_LISTENING.c.began_at)).mappings()]
        return [
            Section("recording", "Registrazioni", rows), Section("recording_listening", "Ascolti", listened)
        ]  # fmt: skip

    def obstacles(self, session: Session, person: Person) -> list[str]:
        """A recording that a complaint keeps."""
        held = select(_RECORDING.c.held_because).where(
            _RECORDING.c.call_id.in_(self._calls(session, person)), _RECORDING.c.held_at.is_not(None),
            _RECORDING.c.deleted_at.is_(None),
        )  # fmt: skip
        return [HELD.format(because=because) for because in session.scalars(held.distinct())]

    def erase(self, session: Session, person: Person) -> list[Went]:
        """Its time is over now; why anybody listened goes, too. What may still come of his calls is not kept either."""
        his = self._calls(session, person)
        session.execute(
            update(_CALL).where(_CALL.c.id.in_(his), _CALL.c.consent == Consent.AGREED).values(consent=Consent.VOID)
        )
        there = update(_RECORDING).where(_RECORDING.c.call_id.in_(his), _RECORDING.c.deleted_at.is_(None))
        gone = rows_of(session.execute(there.values(keep_until=clock.now(session), gone=Gone.ERASED)))
        heard = rows_of(session.execute(delete(_LISTENING).where(_LISTENING.c.call_id.in_(his))))
        return [
            Went("Registrazioni", gone, Fate.DELETED, "Il suono si cancella entro pochi secondi."),
            Went("Ascolti", heard, Fate.DELETED),
        ]

    def _calls(self, session: Session, person: Person) -> Select[tuple[UUID]]:
        return select(_CALL.c.id).where(of_person(session, person))


HOLDERS: tuple[Holder, ...] = (_Recordings(),)
