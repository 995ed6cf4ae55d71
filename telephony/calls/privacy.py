"""What calls hold of a person: numbers, and what was written. When, how long and how it ended are measurements."""

from sqlalchemy import ColumnElement, cast, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from crm.contacts import queries as contacts
from crm.contacts.models import ReachKind
from crm.core.db import table_of
from crm.enti import queries as enti
from crm.privacy.holders import Fate, Holder, Person, Section, Went, plain, rows_of
from telephony.calls.models import AgentLeg, Call, Phase

_CALL, _LEG = table_of(Call), table_of(AgentLeg)
_TOLD = ("arrived_at", "line", "caller", "answered_at", "ended_at", "outcome", "topic", "disposition", "note")
LIVE = "È in linea adesso: la cancellazione si fa quando la chiamata è finita."


class _Calls:
    tables = frozenset({"call"})

    def export(self, session: Session, person: Person) -> list[Section]:
        """The calls about him, and those from his numbers."""
        statement = select(*(_CALL.c[name] for name in _TOLD)).where(self._of(session, person))
        rows = [plain(row) for row in session.execute(statement.order_by(_CALL.c.arrived_at)).mappings()]
        return [Section("call", "Chiamate", rows)]

    def obstacles(self, session: Session, person: Person) -> list[str]:
        """A call that has not ended."""
        live = select(_CALL.c.id).where(self._of(session, person), _CALL.c.phase != Phase.ENDED).limit(1)
        return [LIVE] if session.execute(live).one_or_none() else []

    def erase(self, session: Session, person: Person) -> list[Went]:
        """Take numbers and note away; also of whom an agent rang for him outside the centre."""
        his = select(_CALL.c.id).where(self._of(session, person))
        session.execute(update(_LEG).where(_LEG.c.call_id.in_(his)).values(number=None))
        emptied = (
            update(_CALL)
            .where(self._of(session, person))
            .values(caller=None, note="", ivr=_CALL.c.ivr.op("-")("kept").op("||")(cast({"kept": {}}, JSONB)))
        )
        why = "Data, durata ed esito misurano il servizio; numero e note sono cancellati."
        return [Went("Chiamate", rows_of(session.execute(emptied)), Fate.ANONYMISED, why)]

    def _of(self, session: Session, person: Person) -> ColumnElement[bool]:
        """Those of his ente; and, of its contracts, those of which it was never known for which ente they were."""
        numbers = {
            reach.value
            for one in person.contact_ids
            for reach in contacts.get(session, one).reaches
            if reach.kind is ReachKind.PHONE
        }
        nobodys = _CALL.c.contact_id.is_(None) & _CALL.c.caller.in_(numbers)
        his = (_CALL.c.ente_id == person.ente_id) & or_(_CALL.c.contact_id.in_(person.contact_ids), nobodys)
        contracts = enti.contracts_of(session, person.ente_id)
        return his | (_CALL.c.ente_id.is_(None) & _CALL.c.contract_id.in_(contracts) & nobodys)


HOLDERS: tuple[Holder, ...] = (_Calls(),)
