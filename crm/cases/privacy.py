"""What cases hold of a person: his reasons, the debts, the answers and the files. One that is open stands against
erasing him.
"""

from dataclasses import replace

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from crm.cases.consigning.models import ConsignedDocument, Consignment
from crm.cases.gestionale.models import CaseProposal
from crm.cases.lifecycle import State
from crm.cases.models import Case, CaseDocument, CasePause, CasePosition, CaseStep, CaseTerm
from crm.cases.protocol.models import CaseRegistration
from crm.cases.submissions.models import CaseSender
from crm.core.db import table_of
from crm.documents.privacy import let_go
from crm.privacy.holders import Holder, Person, Section, TableHolder, Went

_CASE, _DOCUMENT, _CONSIGNMENT = table_of(Case), table_of(CaseDocument), table_of(Consignment)
WHY = "Resta, senza altro, che una richiesta ci fu e in quanto tempo ebbe risposta: i livelli del contratto lo contano."


class _Cases(TableHolder):
    def obstacles(self, session: Session, person: Person) -> list[str]:
        """A request that still waits for its answer."""
        left = select(_CASE.c.id).where(*self.of(person), _CASE.c.state != State.CLOSED).limit(1)
        return ["Ha una richiesta aperta: prima va chiusa."] if session.scalar(left) is not None else []


class _OfCases(TableHolder):
    """Rows that name a case of his."""

    def of(self, person: Person) -> tuple[ColumnElement[bool], ...]:
        """Of his cases."""
        his = select(_CASE.c.id).where(_CASE.c.ente_id == person.ente_id, _CASE.c.contact_id.in_(person.contact_ids))
        return (self.table.c.ente_id == person.ente_id, self.table.c.case_id.in_(his))


class _Consigned(TableHolder):
    """Rows that name what was handed to him."""

    def of(self, person: Person) -> tuple[ColumnElement[bool], ...]:
        """Of what was handed to him."""
        his = select(_CONSIGNMENT.c.id).where(
            _CONSIGNMENT.c.ente_id == person.ente_id, _CONSIGNMENT.c.contact_id.in_(person.contact_ids)
        )
        return (self.table.c.ente_id == person.ente_id, self.table.c.consignment_id.in_(his))


class _Documents(_OfCases):
    def export(self, session: Session, person: Person) -> list[Section]:
        """The list, and the files themselves."""
        files = select(_DOCUMENT.c.id, _DOCUMENT.c.name, _DOCUMENT.c.sha256).where(*self.of(person))
        contents = tuple((f"{row.id}-{row.name}", row.sha256) for row in session.execute(files))
        return [replace(_OfCases.export(self, session, person)[0], contents=contents)]

    def erase(self, session: Session, person: Person) -> list[Went]:
        """The rows, and the contents that nobody else's document has."""
        digests = list(session.scalars(select(_DOCUMENT.c.sha256).where(*self.of(person))))
        went = _OfCases.erase(self, session, person)
        let_go(session, ente_id=person.ente_id, digests=digests)
        return went


_SECRETS = frozenset({"made_by", "code_mark", "pass_mark"})
HOLDERS: tuple[Holder, ...] = (
    _Consigned(table_of(ConsignedDocument), "Documenti mandati con codice"),
    TableHolder(_CONSIGNMENT, "Invii di documenti con codice", hidden=_SECRETS),
    _Documents(_DOCUMENT, "Documenti delle richieste", hidden=frozenset({"added_by"})),
    _OfCases(table_of(CaseRegistration), "Richieste da protocollare"),
    _OfCases(table_of(CaseSender), "Chi ha mandato le richieste dal sito"),
    _OfCases(table_of(CaseProposal), "Proposte delle richieste al gestionale"),
    _OfCases(table_of(CasePosition), "Posizioni delle richieste"),
    _OfCases(
        table_of(CaseStep), "Passi delle richieste", emptied={"words": ""}, why=WHY, hidden=frozenset({"made_by"})
    ),
    _OfCases(
        table_of(CasePause), "Sospensioni dei termini delle richieste", emptied={"message_id": None, "papers": ""},
        why=WHY,
    ),
    _OfCases(table_of(CaseTerm), "Termini delle richieste", emptied={"owner_told_at": None}, why=WHY),
    _Cases(
        _CASE, "Richieste", why=WHY, hidden=frozenset({"opened_by", "owner_id", "team_id", "busy_id", "busy_at"}),
        emptied={"reasons": "", "asked": "", "call_id": None},
    ),
)  # fmt: skip
