"""What is not kept: drafts that nobody goes on with, and requests of nobody's file a year after they were closed."""

from datetime import timedelta
from functools import partial

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from crm.cases.models import Case, CaseDocument, CasePause, CaseStep
from crm.cases.submissions import drafts
from crm.cases.submissions.models import CaseSender
from crm.core import clock
from crm.core.db import Database, Scope, table_of
from crm.core.each import total_of_each
from crm.documents.privacy import let_go
from crm.enti import queries as enti

KEPT = timedelta(days=365)  # after it was closed; of a taxpayer's file it is kept as long as that
AT_ONCE = 200
_SENDER, _DOCUMENT = table_of(CaseSender), table_of(CaseDocument)


def forget_all(database: Database) -> int:
    """Of every ente; how much was forgotten."""
    with database.begin(Scope.nothing()) as session:
        served = sorted(enti.served(session))
    return total_of_each(served, lambda one: database.transact(Scope.of_enti([one]), partial(_forget, ente_id=one)))


def _forget(session: Session, ente_id: int) -> int:
    return drafts.forget(session, ente_id=ente_id) + forget_senders(session, ente_id=ente_id)


def forget_senders(session: Session, *, ente_id: int) -> int:
    """Take from old requests of nobody's file who sent them, what he wrote and his papers; how many. That there was
    one, and in what time it was answered, stays for the figures.
    """
    before = clock.now(session) - KEPT
    old = session.scalars(
        select(Case.id).join(CaseSender, CaseSender.case_id == Case.id)
        .where(Case.ente_id == ente_id, Case.contact_id.is_(None), Case.closed_at < before).limit(AT_ONCE)
    ).all()  # fmt: skip
    if not old:
        return 0
    session.execute(delete(_SENDER).where(_SENDER.c.case_id.in_(old)))
    session.execute(update(Case).where(Case.id.in_(old)).values(reasons="", asked=""))
    session.execute(update(CaseStep).where(CaseStep.case_id.in_(old)).values(words=""))
    session.execute(update(CasePause).where(CasePause.case_id.in_(old)).values(papers=""))
    gone = session.execute(delete(_DOCUMENT).where(_DOCUMENT.c.case_id.in_(old)).returning(_DOCUMENT.c.sha256))
    let_go(session, ente_id=ente_id, digests=list(gone.scalars()))
    return len(old)
