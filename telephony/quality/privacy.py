"""What evaluations hold of a taxpayer: what was written about his conversation. The marks are about who answered."""

from uuid import UUID

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from crm.core.db import table_of
from crm.privacy.holders import Fate, Holder, Person, Section, Went, plain, rows_of
from telephony.calls.models import Call
from telephony.calls.privacy import of_person
from telephony.quality.models import Evaluation, EvaluationWord

_EVALUATION, _WORD, _CALL = table_of(Evaluation), table_of(EvaluationWord), table_of(Call)
WHY = "Il punteggio riguarda chi ha risposto; quel che era scritto sulla conversazione è cancellato."


class _Evaluations:
    tables = frozenset({"evaluation", "evaluation_word"})

    def export(self, session: Session, person: Person) -> list[Section]:
        """That his conversations were evaluated, and what was written. How the agent did is the agent's."""
        told = select(_EVALUATION.c.assigned_at, _EVALUATION.c.submitted_at, _EVALUATION.c.comment)
        rows = session.execute(
            told.where(_EVALUATION.c.call_id.in_(self._calls(session, person))).order_by(_EVALUATION.c.assigned_at)
        )
        return [Section("evaluation", "Valutazioni delle conversazioni", [plain(row) for row in rows.mappings()])]

    def obstacles(self, session: Session, person: Person) -> list[str]:  # noqa: ARG002  # others have some
        """None."""
        return []

    def erase(self, session: Session, person: Person) -> list[Went]:
        """What was written goes; marks and scores stay."""
        his = _EVALUATION.c.call_id.in_(self._calls(session, person))
        ids = list(session.scalars(select(_EVALUATION.c.id).where(his)))
        for evaluation in session.scalars(select(Evaluation).where(Evaluation.id.in_(ids))):
            evaluation.answers = {key: {**one, "note": ""} for key, one in evaluation.answers.items()}
            evaluation.comment = ""
        session.flush()
        said = update(_WORD).where(_WORD.c.evaluation_id.in_(ids)).values(words="", before=None)
        words = rows_of(session.execute(said))
        return [
            Went("Valutazioni delle conversazioni", len(ids), Fate.ANONYMISED, WHY),
            Went("Risposte alle valutazioni", words, Fate.ANONYMISED, WHY),
        ]

    def _calls(self, session: Session, person: Person) -> Select[tuple[UUID]]:
        return select(_CALL.c.id).where(of_person(session, person))


HOLDERS: tuple[Holder, ...] = (_Evaluations(),)
