"""Entering and withdrawing agreements; a worker confirms that he has read one."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.configuration import changed
from crm.core.db import table_of, touch
from crm.core.errors import ConflictError, InvalidError, NotFoundError
from crm.core.reasons import reason_given
from crm.enti.queries import enti_of
from crm.monitoring import queries
from crm.monitoring.lock import AgreementKind, Use
from crm.monitoring.models import WorkerAgreement, WorkerAgreementDocument, WorkerAgreementReading

MOST_REFERENCE, MOST_TOLD, MOST_BYTES = 200, 4000, 5_000_000
KEEP_MONTHS = range(1, 61)
_READING = table_of(WorkerAgreementReading)


@dataclass(frozen=True, slots=True)
class Entered:
    """An agreement as somebody enters it. `document`: a PDF, or nothing."""

    kind: AgreementKind
    signed_on: date
    reference: str
    uses: frozenset[Use]
    valid_from: date
    valid_until: date | None
    told: str
    keep_months: int
    document: bytes = b""


def enter(session: Session, by: Principal, *, contract_id: int, entered: Entered) -> int:
    """A version of a contract's agreement. Every worker reads it anew before it holds for him.

    Raises `InvalidError`, field by field.
    """
    by.require(Permission.MONITORING_MANAGE, contract_id=contract_id)
    if wrong := problems(entered, queries.today(session)):
        raise InvalidError("Controlla i campi segnati.", parts=wrong)
    changed(session)
    row = WorkerAgreement(
        contract_id=contract_id, kind=entered.kind, signed_on=entered.signed_on, reference=entered.reference,
        uses=sorted(entered.uses), valid_from=entered.valid_from, valid_until=entered.valid_until, told=entered.told,
        keep_months=entered.keep_months, written_by=by.user_id, written_at=clock.now(session),
    )  # fmt: skip
    session.add(row)
    session.flush()
    if entered.document:
        session.add(WorkerAgreementDocument(agreement_id=row.id, content=entered.document))
        session.flush()
    after = {
        "agreement": entered.reference, "signed_on": entered.signed_on.isoformat(), "uses": sorted(entered.uses),
        "valid_from": entered.valid_from.isoformat(),
        "valid_until": entered.valid_until.isoformat() if entered.valid_until else "",
    }  # fmt: skip
    for ente_id in sorted(enti_of(session, contract_id)):
        audit.note(session, by, kind="monitoring.entered", ente_id=ente_id, after=after)
    _announce(session, contract_id)
    return row.id


def withdraw(session: Session, by: Principal, *, agreement_id: int, because: str) -> int:
    """It holds no longer, and everything is locked again at once; on which contract. Raises `FieldError`."""
    row = session.get(WorkerAgreement, agreement_id, with_for_update=True)
    if row is None or row.contract_id not in by.contracts_for(Permission.MONITORING_MANAGE):
        raise NotFoundError("Questo accordo non c'è.")
    said = reason_given("Scrivi perché non vale più.", because, "because")
    if row.withdrawn_at is not None:
        raise ConflictError("È già stato revocato.")
    changed(session)
    row.withdrawn_at, row.withdrawn_by, row.withdrawn_because = clock.now(session), by.user_id, said
    session.flush()
    for ente_id in sorted(enti_of(session, row.contract_id)):
        audit.note(
            session, by, kind="monitoring.withdrawn", ente_id=ente_id, reason=said, before={"agreement": row.reference}
        )
    _announce(session, row.contract_id)
    return row.contract_id


def confirm(session: Session, by: Principal, *, agreement_id: int) -> None:
    """A worker has read the version that holds. Told twice, the first time counts."""
    mine = {one.agreement.id: one.contract_id for one in queries.told_to(session, by)}
    if agreement_id not in mine:
        raise ConflictError("L'accordo è cambiato: rileggi la pagina.")
    session.execute(
        insert(_READING)
        .values(agreement_id=agreement_id, user_id=by.user_id, read_at=clock.now(session))
        .on_conflict_do_nothing()
    )
    _announce(session, mine[agreement_id])


def _announce(session: Session, contract_id: int) -> None:
    touch(session, topics.board(contract_id))


def problems(entered: Entered, today: date) -> list[InvalidError]:
    """What is wrong with it, field by field."""
    wrong: list[InvalidError] = []

    def unless(right: object, sentence: InvalidError) -> None:
        if not right:
            wrong.append(sentence)

    unless(
        entered.reference, InvalidError("Scrivi gli estremi: chi ha firmato, numero o protocollo.", field="reference")
    )
    unless(len(entered.reference) <= MOST_REFERENCE, InvalidError("Al massimo 200 caratteri.", field="reference"))
    unless(
        entered.signed_on <= today, InvalidError("La data è nel futuro: si inserisce dopo la firma.", field="signed_on")
    )
    unless(entered.uses, InvalidError("Scegli che cosa consente: almeno una voce.", field="use-listening"))
    unless(
        entered.valid_from >= entered.signed_on,
        InvalidError("Non può valere da prima della firma.", field="valid_from"),
    )
    unless(
        entered.valid_until is None or entered.valid_until >= entered.valid_from,
        InvalidError("L'ultimo giorno viene prima del primo.", field="valid_until"),
    )
    unless(
        entered.told,
        InvalidError("Scrivi che cosa leggono i lavoratori: il comma 3 vuole che lo sappiano prima.", field="told"),
    )
    unless(len(entered.told) <= MOST_TOLD, InvalidError("Al massimo 4000 caratteri.", field="told"))
    unless(entered.keep_months in KEEP_MONTHS, InvalidError("Scrivi un numero da 1 a 60.", field="keep_months"))
    unless(
        not entered.document or entered.document.startswith(b"%PDF-"),
        InvalidError("Il documento dev'essere un PDF.", field="document"),
    )
    unless(
        len(entered.document) <= MOST_BYTES,
        InvalidError("Il documento è troppo grande: al massimo 5 MB.", field="document"),
    )
    return wrong


def parse_uses(chosen: Collection[str]) -> frozenset[Use]:
    """The uses among what a form sends."""
    return frozenset(one for one in Use if one.value in chosen)
