"""Files of cases about which the scanner gave no answer are looked at again until it gives one."""

from functools import partial
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.cases import told
from crm.cases.documents import MOST_BYTES
from crm.cases.models import Case, CaseDocument
from crm.core.db import Database, Scope
from crm.core.each import total_of_each
from crm.documents.models import Scan
from crm.documents.scanning import Scanner
from crm.documents.store import DocumentStore, StoreError
from crm.enti import queries as enti

AT_ONCE, MOST_UNANSWERED = 20, 2  # files


def scan_again(database: Database, store: DocumentStore, scanner: Scanner) -> int:
    """Of every ente, some in no order, so that none stands before the others for ever; about how many there is an
    answer now.
    """
    with database.begin(Scope.nothing()) as session:
        served = sorted(enti.served(session))
    return total_of_each(served, lambda one: _of_ente(database, store, scanner, one))


def _of_ente(database: Database, store: DocumentStore, scanner: Scanner, ente_id: int) -> int:
    scope, done = Scope.of_enti([ente_id]), 0
    with database.begin(scope) as session:
        wanted = select(CaseDocument.id, CaseDocument.sha256).where(
            CaseDocument.ente_id == ente_id, CaseDocument.scan == Scan.FAILED
        )
        rows = session.execute(wanted.order_by(func.random()).limit(AT_ONCE)).all()
    unanswered = 0
    for document_id, sha256 in rows:
        try:
            content = store.read(ente_id, sha256, most=MOST_BYTES)
        except StoreError:
            continue
        scan = scanner.scan(content).scan
        if scan is Scan.FAILED:
            unanswered += 1
            if unanswered == MOST_UNANSWERED:  # it is not this file: it does not answer yet
                break
            continue
        done += database.transact(scope, partial(_answered, document_id=document_id, scan=scan))
    return done


def _answered(session: Session, *, document_id: UUID, scan: Scan) -> int:
    row = session.get(CaseDocument, document_id, with_for_update=True)
    if row is None or row.scan is not Scan.FAILED:
        return 0
    row.scan = scan
    session.flush()
    told.moved(session, session.get_one(Case, row.case_id))
    return 1
