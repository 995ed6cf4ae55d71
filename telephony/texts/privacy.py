"""What conversations by SMS hold of a person: his number, what was written, notes. That there was one is a figure."""

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from crm.contacts import queries as contacts
from crm.contacts.models import ReachKind
from crm.core.db import table_of
from crm.enti import queries as enti
from crm.privacy.holders import Fate, Holder, Person, Section, Went, plain, rows_of
from telephony.texts.models import TextEvent, TextMessage, TextThread, ThreadState

_THREAD, _MESSAGE, _EVENT = table_of(TextThread), table_of(TextMessage), table_of(TextEvent)
LIVE = "Ci sta scrivendo per SMS: la cancellazione si fa quando la conversazione è chiusa."
WHY = "Data, durata ed esito misurano il servizio; numero, parole e note sono cancellati."
_TOLD = ("begun_at", "line", "citizen", "answered_at", "closed_at", "closed", "topic", "disposition", "note")


class _Threads:
    tables = frozenset({"text_thread", "text_message", "text_event"})

    def export(self, session: Session, person: Person) -> list[Section]:
        """The threads about him and from his numbers, with every word."""
        his = self._of(session, person)
        threads = select(*(_THREAD.c[name] for name in _TOLD)).where(his).order_by(_THREAD.c.begun_at)
        words = (
            select(_MESSAGE.c.at, _MESSAGE.c.inbound, _MESSAGE.c.body)
            .where(_MESSAGE.c.thread_id.in_(select(_THREAD.c.id).where(his)))
            .order_by(_MESSAGE.c.id)
        )
        parts = (("text_thread", "Conversazioni per SMS", threads), ("text_message", "Testi degli SMS", words))
        return [
            Section(name, title, [plain(row) for row in session.execute(rows).mappings()])
            for name, title, rows in parts
        ]

    def obstacles(self, session: Session, person: Person) -> list[str]:
        """A thread that is not closed."""
        live = select(_THREAD.c.id).where(self._of(session, person), _THREAD.c.state != ThreadState.CLOSED).limit(1)
        return [LIVE] if session.execute(live).first() else []

    def erase(self, session: Session, person: Person) -> list[Went]:
        """Take number, words and notes away."""
        his = self._of(session, person)
        ids = select(_THREAD.c.id).where(his)
        words = rows_of(session.execute(update(_MESSAGE).where(_MESSAGE.c.thread_id.in_(ids)).values(body="")))
        forgotten = update(_THREAD).where(his).values(citizen="", draft="", note="")
        threads = rows_of(session.execute(forgotten))
        return [
            Went("Conversazioni per SMS", threads, Fate.ANONYMISED, WHY),
            Went("Testi degli SMS", words, Fate.ANONYMISED, WHY),
        ]

    def _of(self, session: Session, person: Person) -> ColumnElement[bool]:
        """Those of his ente; and, of its contracts, those of which it was never known for which ente they were."""
        numbers = {
            reach.value
            for one in person.contact_ids
            for reach in contacts.get(session, one).reaches
            if reach.kind is ReachKind.PHONE
        }
        nobodys = _THREAD.c.contact_id.is_(None) & _THREAD.c.citizen.in_(numbers)
        his = (_THREAD.c.ente_id == person.ente_id) & or_(_THREAD.c.contact_id.in_(person.contact_ids), nobodys)
        contracts = enti.contracts_of(session, person.ente_id)
        return his | (_THREAD.c.ente_id.is_(None) & _THREAD.c.contract_id.in_(contracts) & nobodys)


HOLDERS: tuple[Holder, ...] = (_Threads(),)
