"""What calls hold of a person: numbers, and what was written. When, how long and how it ended are measurements."""

from sqlalchemy import ColumnElement, Table, cast, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from crm.contacts import queries as contacts
from crm.contacts.models import ReachKind
from crm.core import clock
from crm.core.db import table_of
from crm.enti import queries as enti
from crm.privacy.holders import Fate, Holder, Person, Section, Went, plain, rows_of
from telephony.callbacks.models import Callback, CallbackState
from telephony.calls.models import AgentLeg, Call, Phase
from telephony.sounds.models import Gone
from telephony.voicemail.models import Voicemail

_CALL, _LEG = table_of(Call), table_of(AgentLeg)
_CALLBACK, _VOICEMAIL = table_of(Callback), table_of(Voicemail)
PENDING = "Ha chiesto di essere richiamato: la cancellazione si fa quando la richiesta è chiusa."
NOBODY = ""  # in the place of a number that is forgotten
_TOLD = (
    "arrived_at",
    "line",
    "caller",
    "consent",
    "answered_at",
    "ended_at",
    "outcome",
    "topic",
    "disposition",
    "note",
)
LIVE = "È in linea adesso: la cancellazione si fa quando la chiamata è finita."


class _Calls:
    tables = frozenset({"call", "callback", "voicemail"})

    def export(self, session: Session, person: Person) -> list[Section]:
        """The calls about him, and those from his numbers."""
        statement = select(*(_CALL.c[name] for name in _TOLD)).where(of_person(session, person))
        rows = [plain(row) for row in session.execute(statement.order_by(_CALL.c.arrived_at)).mappings()]
        asked = (_CALLBACK.c.asked_at, _CALLBACK.c.number, _CALLBACK.c.state, _CALLBACK.c.ended_at)
        of_call = select(*asked).where(self._callbacks(session, person)).order_by(_CALLBACK.c.asked_at)
        callbacks = [plain(row) for row in session.execute(of_call).mappings()]
        told = (_VOICEMAIL.c.left_at, _VOICEMAIL.c.seconds, _VOICEMAIL.c.keep_until, _VOICEMAIL.c.deleted_at)
        of_him = select(_CALL.c.id).where(of_person(session, person))
        spoken = select(*told).where(_VOICEMAIL.c.call_id.in_(of_him)).order_by(_VOICEMAIL.c.left_at)
        messages = [plain(row) for row in session.execute(spoken).mappings()]
        return [
            Section("call", "Chiamate", rows),
            Section("callback", "Richiamate", callbacks),
            Section("voicemail", "Messaggi in segreteria", messages),
        ]

    def obstacles(self, session: Session, person: Person) -> list[str]:
        """A call that has not ended, or one that he still has to get."""
        away = select(_CALLBACK.c.call_id).where(
            self._callbacks(session, person), _CALLBACK.c.state == CallbackState.OPEN
        )
        if session.execute(away.limit(1)).one_or_none():
            return [PENDING]
        live = select(_CALL.c.id).where(of_person(session, person), _CALL.c.phase != Phase.ENDED).limit(1)
        return [LIVE] if session.execute(live).one_or_none() else []

    def erase(self, session: Session, person: Person) -> list[Went]:
        """Take numbers and note away; also of whom an agent rang for him outside the centre."""
        his = select(_CALL.c.id).where(of_person(session, person))
        session.execute(update(_LEG).where(_LEG.c.call_id.in_(his)).values(number=None))
        forgotten = update(_CALLBACK).where(self._callbacks(session, person)).values(number=NOBODY)
        numbers = rows_of(session.execute(forgotten))
        spoken = update(_VOICEMAIL).where(_VOICEMAIL.c.call_id.in_(his), _VOICEMAIL.c.deleted_at.is_(None))
        messages = rows_of(session.execute(spoken.values(keep_until=clock.now(session), gone=Gone.ERASED)))
        unkeyed = _CALL.c.ivr.op("-")("kept").op("||")(cast({"kept": {}}, JSONB))
        emptied = update(_CALL).where(of_person(session, person)).values(caller=None, note="", keyed=False, ivr=unkeyed)
        why = "Data, durata ed esito misurano il servizio; numero e note sono cancellati."
        return [
            Went("Chiamate", rows_of(session.execute(emptied)), Fate.ANONYMISED, why),
            Went("Richiamate", numbers, Fate.ANONYMISED, why),
            Went("Messaggi in segreteria", messages, Fate.DELETED, "Il suono si cancella entro pochi secondi."),
        ]

    def _callbacks(self, session: Session, person: Person) -> ColumnElement[bool]:
        return _CALLBACK.c.call_id.in_(select(_CALL.c.id).where(of_person(session, person)))


def of_person(session: Session, person: Person) -> ColumnElement[bool]:
    """His calls."""
    return about(session, person, _CALL, number=_CALL.c.caller)


def about(session: Session, person: Person, table: Table, *, number: ColumnElement[str | None]) -> ColumnElement[bool]:
    """Of conversations with somebody at this number, his: those of his ente; and, of its contracts, those of which it
    was never known for which ente they were.
    """
    numbers = {
        reach.value
        for one in person.contact_ids
        for reach in contacts.get(session, one).reaches
        if reach.kind is ReachKind.PHONE
    }
    nobodys = table.c.contact_id.is_(None) & number.in_(numbers)
    his = (table.c.ente_id == person.ente_id) & or_(table.c.contact_id.in_(person.contact_ids), nobodys)
    contracts = enti.contracts_of(session, person.ente_id)
    return his | (table.c.ente_id.is_(None) & table.c.contract_id.in_(contracts) & nobodys)


HOLDERS: tuple[Holder, ...] = (_Calls(),)
