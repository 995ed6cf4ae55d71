"""What conversations by SMS hold of a person: his number, what was written, notes. That there was one is a figure."""

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from crm.core.db import table_of
from crm.privacy.holders import Fate, Holder, Person, Section, Went, plain, rows_of
from telephony.calls.privacy import about
from telephony.texts.models import TextMessage, TextReading, TextThread, ThreadState

_THREAD, _MESSAGE, _READING = table_of(TextThread), table_of(TextMessage), table_of(TextReading)
LIVE = "Ci sta scrivendo per SMS: la cancellazione si fa quando la conversazione è chiusa."
WHY = "Data, durata ed esito misurano il servizio; numero, parole e note sono cancellati."
_TOLD = ("begun_at", "line", "citizen", "answered_at", "closed_at", "closed", "topic", "disposition", "note")


class _Threads:
    tables = frozenset({"text_thread", "text_message", "text_event", "text_reading"})

    def export(self, session: Session, person: Person) -> list[Section]:
        """The threads about him and from his numbers, with every word."""
        his = _of(session, person)
        threads = select(*(_THREAD.c[name] for name in _TOLD)).where(his).order_by(_THREAD.c.begun_at)
        words = (
            select(_MESSAGE.c.at, _MESSAGE.c.inbound, _MESSAGE.c.body)
            .where(_MESSAGE.c.thread_id.in_(select(_THREAD.c.id).where(his)))
            .order_by(_MESSAGE.c.id)
        )
        read = (
            select(_READING.c.began_at, _READING.c.reason)
            .where(_READING.c.thread_id.in_(select(_THREAD.c.id).where(his)))
            .order_by(_READING.c.began_at)
        )
        parts = (
            ("text_thread", "Conversazioni per SMS", threads), ("text_message", "Testi degli SMS", words),
            ("text_reading", "Letture delle conversazioni per SMS", read),
        )  # fmt: skip
        return [
            Section(name, title, [plain(row) for row in session.execute(rows).mappings()])
            for name, title, rows in parts
        ]

    def obstacles(self, session: Session, person: Person) -> list[str]:
        """A thread that is not closed."""
        live = select(_THREAD.c.id).where(_of(session, person), _THREAD.c.state != ThreadState.CLOSED).limit(1)
        return [LIVE] if session.execute(live).first() else []

    def erase(self, session: Session, person: Person) -> list[Went]:
        """Take number, words and notes away, and why anybody read them. The outbox follows within the hour."""
        his = _of(session, person)
        ids = select(_THREAD.c.id).where(his)
        words = rows_of(session.execute(update(_MESSAGE).where(_MESSAGE.c.thread_id.in_(ids)).values(body="")))
        read = rows_of(session.execute(delete(_READING).where(_READING.c.thread_id.in_(ids))))
        forgotten = update(_THREAD).where(his).values(citizen="", draft="", note="", forgotten_at=None)
        threads = rows_of(session.execute(forgotten))
        return [
            Went("Conversazioni per SMS", threads, Fate.ANONYMISED, WHY),
            Went("Testi degli SMS", words, Fate.ANONYMISED, WHY),
            Went("Letture delle conversazioni per SMS", read, Fate.DELETED),
        ]


def _of(session: Session, person: Person) -> ColumnElement[bool]:
    return about(session, person, _THREAD, number=_THREAD.c.citizen)


HOLDERS: tuple[Holder, ...] = (_Threads(),)
