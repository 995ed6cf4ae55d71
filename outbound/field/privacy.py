"""What visits hold of a person: where he was looked for, with whom an agent spoke and what came of it."""

from dataclasses import replace

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from crm.core.db import table_of
from crm.privacy.holders import Holder, Person, Section, TableHolder
from outbound.field.agents.models import DeclaredTie
from outbound.field.closing.privacy import HOLDERS as OF_CLOSING
from outbound.field.closing.privacy import OfPractices
from outbound.field.practices.lifecycle import State
from outbound.field.practices.models import FieldJudgement, FieldMandate, NoVisit, Practice, PracticeDebt
from outbound.field.rounds.models import PublishedStop, RoundStop
from outbound.field.visits import pictures
from outbound.field.visits.models import FieldAlarm, FieldEntry, FieldFile, Visit

_PRACTICE, _DEBT, _MANDATE, _VISIT = (table_of(one) for one in (Practice, PracticeDebt, FieldMandate, Visit))
_JUDGEMENT, _NO_VISIT, _FILE = table_of(FieldJudgement), table_of(NoVisit), table_of(FieldFile)
WHY = "Resta, senza altro, che una pratica fu affidata e visitata: serve ai rendiconti e al registro delle operazioni."


class _Practices(TableHolder):
    def obstacles(self, session: Session, person: Person) -> list[str]:
        """A practice in which somebody may be on his way."""
        going = select(_PRACTICE.c.id).where(*self.of(person), _PRACTICE.c.state != State.CLOSED.value).limit(1)
        return ["Ha una pratica di visita aperta: va chiusa prima."] if session.scalar(going) is not None else []


class _OfVisits(TableHolder):
    """Rows that name a visit to him."""

    def of(self, person: Person) -> tuple[ColumnElement[bool], ...]:
        """Of his visits."""
        his = _PRACTICE.c.ente_id == person.ente_id, _PRACTICE.c.contact_id.in_(person.contact_ids)
        visits = select(_VISIT.c.id).join(_PRACTICE, _PRACTICE.c.id == _VISIT.c.practice_id).where(*his)
        return (self.table.c.ente_id == person.ente_id, self.table.c.visit_id.in_(visits))


class _Pictures(_OfVisits):
    def export(self, session: Session, person: Person) -> list[Section]:
        """The list, and the pictures themselves."""
        (listed,) = _OfVisits.export(self, session, person)
        visits = session.execute(
            select(_VISIT.c.id, _PRACTICE.c.number).join(_PRACTICE, _PRACTICE.c.id == _VISIT.c.practice_id)
            .where(_VISIT.c.id.in_(select(self.table.c.visit_id).where(*self.of(person))))
        ).all()  # fmt: skip
        brought = pictures.of_visits(session, [row.id for row in visits])
        within = pictures.contents(session, [one.id for some in brought.values() for one in some])
        kept = [(f"pratica-{row.number}-{one.name}", within[one.id]) for row in visits for one in brought[row.id]]
        return [replace(listed, kept=kept)]


HOLDERS: tuple[Holder, ...] = (
    *OF_CLOSING,
    _Pictures(_FILE, "Firme e fotografie delle visite", hidden=frozenset({"content"})),
    OfPractices(
        table_of(FieldEntry), "Visite come le raccontò il telefono", hidden=frozenset({"agent_id", "device_id"}),
        emptied={"body": {}, "settled": ""}, why=WHY,
    ),
    OfPractices(
        table_of(FieldAlarm), "Richieste di aiuto durante una visita", hidden=frozenset({"agent_id", "device_id"}),
        emptied={"latitude": None, "longitude": None, "accuracy_m": None, "answer": ""}, why=WHY,
    ),
    OfPractices(
        table_of(PublishedStop), "Visite dei giri dati agli agenti", hidden=frozenset({"agent_id", "plan_id"})
    ),
    OfPractices(
        table_of(RoundStop), "Visite dei giri in preparazione",
        hidden=frozenset({"agent_id", "fixed_agent_id", "plan_id"}),
    ),
    OfPractices(
        _VISIT, "Visite", why=WHY, hidden=frozenset({"agent_id"}),
        emptied={
            "latitude": None, "longitude": None, "accuracy_m": None, "distance_m": None, "spoke_with": "",
            "capacity": "", "note": "", "deeds": [], "faults": [], "signs": [],
        },
    ),
    OfPractices(_MANDATE, "Incarichi di visita", emptied={"reason": ""}, why=WHY, hidden=frozenset({"agent_id"})),
    OfPractices(_DEBT, "Posizioni delle pratiche di visita"),
    OfPractices(_JUDGEMENT, "Se si poteva andare da lui"),
    TableHolder(_NO_VISIT, "Non vuole visite", hidden=frozenset({"written_by", "withdrawn_by"})),
    TableHolder(table_of(DeclaredTie), "Legami dichiarati da chi fa le visite"),
    _Practices(
        _PRACTICE, "Pratiche di visita", why=WHY, hidden=frozenset({"agent_id", "opened_by"}),
        emptied={
            "street": "", "postcode": "", "town": "", "latitude": None, "longitude": None, "placed": "",
            "frozen_why": "",
        },
    ),
)  # fmt: skip
