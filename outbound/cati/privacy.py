"""What interviews hold of a person: his answers. That there was an interview, and how it ended, is a figure."""

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from crm.core.db import table_of
from crm.privacy.holders import Fate, Holder, Person, Section, TableHolder, Went, plain, rows_of
from outbound.cati.models import Interview, InterviewDeed, InterviewEvent, InterviewState, SurveyCase, SurveyCheck

_INTERVIEW, _EVENT, _CHECK = table_of(Interview), table_of(InterviewEvent), table_of(SurveyCheck)
RUNS = "È in corso un'intervista: la cancellazione si fa quando è chiusa."
WHY = "Data ed esito servono ai tassi dell'indagine; le risposte sono cancellate e l'intervista non è più di nessuno."


class _Interviews:
    tables = frozenset({"interview", "interview_event", "survey_check"})

    def export(self, session: Session, person: Person) -> list[Section]:
        """His interviews and every answer in them, the changed ones too."""
        his = _of(person)
        told = ("began_at", "ended_at", "state", "disposition", "language")
        held = select(*(_INTERVIEW.c[name] for name in told)).where(his).order_by(_INTERVIEW.c.began_at)
        said = (
            select(_EVENT.c.at, _EVENT.c.path, _EVENT.c.value)
            .where(_EVENT.c.interview_id.in_(select(_INTERVIEW.c.id).where(his)))
            .where(_EVENT.c.deed == InterviewDeed.ANSWERED)
            .order_by(_EVENT.c.id)
        )
        verified = (
            select(*(_CHECK.c[name] for name in ("drawn_at", "found", "checked_at")))
            .where(_CHECK.c.interview_id.in_(select(_INTERVIEW.c.id).where(his)))
            .order_by(_CHECK.c.drawn_at)
        )
        parts = (
            ("interview", "Interviste", held), ("interview_event", "Risposte alle interviste", said),
            ("survey_check", "Verifiche delle interviste", verified),
        )  # fmt: skip
        return [
            Section(name, title, [plain(row) for row in session.execute(rows).mappings()])
            for name, title, rows in parts
        ]

    def obstacles(self, session: Session, person: Person) -> list[str]:
        """An interview that runs."""
        live = select(_INTERVIEW.c.id).where(_of(person), _INTERVIEW.c.state == InterviewState.RUNNING).limit(1)
        return [RUNS] if session.execute(live).first() else []

    def erase(self, session: Session, person: Person) -> list[Went]:
        """Delete what he answered, and whose the interview was."""
        his = _of(person)
        ids = select(_INTERVIEW.c.id).where(his)
        said = rows_of(session.execute(delete(_EVENT).where(_EVENT.c.interview_id.in_(ids))))
        held = rows_of(session.execute(update(_INTERVIEW).where(his).values(contact_id=None)))
        return [
            Went("Risposte alle interviste", said, Fate.DELETED),
            Went("Interviste", held, Fate.ANONYMISED, WHY),
        ]


def _of(person: Person) -> ColumnElement[bool]:
    return (_INTERVIEW.c.ente_id == person.ente_id) & _INTERVIEW.c.contact_id.in_(person.contact_ids)


HOLDERS: tuple[Holder, ...] = (_Interviews(), TableHolder(table_of(SurveyCase), "Indagini di cui è un caso"))
