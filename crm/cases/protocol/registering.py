"""Having cases registered in the ente's protocol: owed with the case, done by a job, repeated until there is a number.

The same key is sent at every attempt, so a job that was killed between asking and writing asks again, and the case
never has two numbers. What is due is a row; a chore of the engine owes its job again.
"""

from datetime import timedelta
from functools import partial
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.cases import rights, told
from crm.cases.lifecycle import Deed, Topic, Who
from crm.cases.models import Case
from crm.cases.protocol.http import ALSO, HttpRegistry
from crm.cases.protocol.models import CaseRegistration
from crm.cases.protocol.port import Incoming, ProtocolError, Registered, endpoint
from crm.contacts import queries as contacts
from crm.core import clock, jobs
from crm.core.db import Database, Scope
from crm.core.each import total_of_each
from crm.core.errors import NotFoundError
from crm.core.jobs import Runner, Taken
from crm.enti import queries as enti

REGISTER = "cases.register"  # the kind of the jobs
KEYS = UUID("3f1d9a57-58f0-4a52-8f8e-3d1f2f6f0c11")  # the namespace of the keys
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
SUBJECTS = {Topic.COMPLAINT: "Reclamo o segnalazione", Topic.ACCESS: "Richiesta di accesso agli atti"}


def owe(session: Session, row: Case) -> None:
    """A case that was opened is to have a number, where its ente has a protocol system."""
    try:
        known = endpoint(enti.cadastral_code(session, row.ente_id)) is not None
    except ProtocolError:
        known = True  # its first try says what is wrong
    if known:
        session.add(CaseRegistration(case_id=row.id, ente_id=row.ente_id, due_at=clock.now(session), tries=0))
        session.flush()
        _ask(session, row.ente_id, row.id)


def owed(session: Session, case_id: int) -> CaseRegistration | None:
    """That a case waits for its number; none: it does not."""
    return session.get(CaseRegistration, case_id, populate_existing=True)


def retry(session: Session, by: Principal, *, case_id: int) -> None:
    """Ask once more, now."""
    found = session.get(CaseRegistration, case_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFoundError("Questa richiesta non aspetta un numero di protocollo.")
    rights.require(session, by, Who.OPERATOR, found.ente_id)
    found.due_at = clock.now(session)
    session.flush()
    _ask(session, found.ente_id, case_id)


def ask_again(database: Database) -> int:
    """Owe the jobs of what is due, of every ente; how many."""
    with database.begin(Scope.nothing()) as session:
        served = sorted(enti.served(session))
    return total_of_each(
        served, lambda one: database.transact(Scope.of_enti([one]), partial(_ask_due, ente_id=one))
    )  # fmt: skip


def run(database: Database, job: Taken) -> None:
    """Register one case. A trouble is written beside it."""
    scope, case_id = Scope.of_enti([job.ente_id]), job.argument["case"]
    with database.begin(scope) as session:
        row = session.get(Case, case_id)
        if row is None or owed(session, case_id) is None:
            return
        incoming, code = _incoming(session, row), enti.cadastral_code(session, row.ente_id)
    try:
        at = endpoint(code)
        if at is None:
            raise ProtocolError("Il protocollo dell'ente non è più configurato.", permanent=True)
        answer = HttpRegistry(at).register(incoming)
    except ProtocolError as error:
        database.transact(scope, partial(_failed, case_id=case_id, error=error))
    else:
        database.transact(scope, partial(_registered, case_id=case_id, answer=answer))


RUNNER = Runner(run)


def _ask(session: Session, ente_id: int, case_id: int) -> bool:
    return jobs.enqueue_once(session, ente_id=ente_id, kind=REGISTER, argument={"case": case_id})


def _ask_due(session: Session, ente_id: int) -> int:
    due = session.scalars(
        select(CaseRegistration.case_id)
        .where(CaseRegistration.ente_id == ente_id, CaseRegistration.due_at <= clock.now(session))
        .order_by(CaseRegistration.due_at).limit(200)
    ).all()  # fmt: skip
    return sum(_ask(session, ente_id, one) for one in due)


def _incoming(session: Session, row: Case) -> Incoming:
    person = contacts.get(session, row.contact_id) if row.contact_id is not None else None
    subject = f"{SUBJECTS.get(row.topic, 'Richiesta')} n. {told.label(row)}"
    return Incoming(
        uuid5(KEYS, f"{row.ente_id}/{row.id}"), subject, row.received_at, person.name if person else None,
        person.codice_fiscale if person else None,
    )  # fmt: skip


def _failed(session: Session, case_id: int, error: ProtocolError) -> None:
    found = session.get(CaseRegistration, case_id, with_for_update=True, populate_existing=True)
    if found is None:
        return
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(found.tries, 10))
    found.tries, found.trouble = found.tries + 1, str(error)
    found.due_at = None if error.permanent else clock.now(session) + wait


def _registered(session: Session, case_id: int, answer: Registered) -> None:
    """Its version stays as it is: it is in the way of nobody who takes a step meanwhile."""
    row = session.get_one(Case, case_id, with_for_update=True, populate_existing=True)
    found = session.get(CaseRegistration, case_id, with_for_update=True, populate_existing=True)
    if row.protocol_number and row.protocol_number != answer.number:  # somebody wrote one meanwhile
        told.step(session, None, row, Deed.REGISTER, clock.now(session), words=ALSO.format(number=answer.number))
    elif not row.protocol_number:
        row.protocol_number, row.protocol_on = answer.number, answer.day
        told.step(session, None, row, Deed.REGISTER, clock.now(session), protocol=answer.number)
    if found is not None:
        session.delete(found)
        session.flush()
