"""What reports and settlements hold of a person. The register of operations holds nothing: it names practices."""

from sqlalchemy import ColumnElement, and_, exists, select, update
from sqlalchemy.orm import Session

from crm.core.db import table_of
from crm.privacy.holders import Fate, Holder, Person, TableHolder, Went, rows_of
from outbound.field.closing.agreed import TermsState
from outbound.field.closing.models import CommissionTerms, DebtHeard, PaymentEvent, PracticeReport, SettlementLine
from outbound.field.practices.models import FieldMandate, Practice

_PRACTICE, _LINE, _EVENT = table_of(Practice), table_of(SettlementLine), table_of(PaymentEvent)
_MANDATE, _TERMS = table_of(FieldMandate), table_of(CommissionTerms)
WHY_LINES = "Resta quanto fu liquidato, con il giorno e l'importo: serve alla contabilità delle provvigioni."
WHY_REPORT = "Resta che una relazione fu fatta, con il suo sigillo; non di chi parlava."
UNSETTLED = "Un pagamento su una sua pratica di visita non è ancora in una liquidazione delle provvigioni."


class OfPractices(TableHolder):
    """Rows that name a practice of his."""

    def of(self, person: Person) -> tuple[ColumnElement[bool], ...]:
        """Of his practices."""
        his = _PRACTICE.c.ente_id == person.ente_id, _PRACTICE.c.contact_id.in_(person.contact_ids)
        return (
            self.table.c.ente_id == person.ente_id,
            self.table.c.practice_id.in_(select(_PRACTICE.c.id).where(*his)),
        )


class _Events(OfPractices):
    def obstacles(self, session: Session, person: Person) -> list[str]:
        """A payment that may earn, for something is agreed and a mandate was accepted, and that no settlement has."""
        mandated = exists().where(_MANDATE.c.practice_id == _EVENT.c.practice_id, _MANDATE.c.accepted_at.is_not(None))
        agreed = exists().where(
            _TERMS.c.ente_id == _EVENT.c.ente_id, _TERMS.c.state == TermsState.ACCEPTED,
            _TERMS.c.valid_from <= _EVENT.c.paid_on,
        )  # fmt: skip
        settled = exists().where(
            and_(
                _LINE.c.ente_id == _EVENT.c.ente_id,
                _LINE.c.reference == _EVENT.c.reference,
                _LINE.c.key == _EVENT.c.key,
            )
        )
        left = select(_EVENT.c.id).where(*self.of(person), mandated, agreed, ~settled).limit(1)
        return [UNSETTLED] if session.scalar(left) is not None else []


class _Reports(OfPractices):
    def erase(self, session: Session, person: Person) -> list[Went]:
        """Empty them: what the seal was of is gone, the seal stays."""
        emptied = update(self.table).where(*self.of(person)).values(kept={}, reason="")
        return [Went(self.title, rows_of(session.execute(emptied)), Fate.ANONYMISED, WHY_REPORT)]


HOLDERS: tuple[Holder, ...] = (
    _Reports(table_of(PracticeReport), "Relazioni sulle visite"),
    _Events(_EVENT, "Pagamenti sulle pratiche di visita, come furono comunicati"),
    OfPractices(table_of(DebtHeard), "Posizioni ascoltate per le provvigioni"),
    OfPractices(
        _LINE, "Righe delle provvigioni", emptied={"reference": ""}, why=WHY_LINES,
        hidden=frozenset({"agent_id", "digest", "per_mille", "commission_cents", "counted_cents", "version_id"}),
    ),
)  # fmt: skip
