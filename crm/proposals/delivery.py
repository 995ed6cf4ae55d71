"""Handing feeds over by HTTP, and asking for the answers: jobs, owed from rows, that lose and repeat nothing.

What is to be delivered is a row of `proposal_export` with its key and no `delivered_at`. The same key is sent at every
attempt, so a job killed between sending and noting sends again, and the gestionale takes nothing twice.
"""

import json
from collections.abc import Iterable
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.collection.sources import endpoints
from crm.collection.sources import service as sources
from crm.collection.sources.http import Gestionale
from crm.collection.sources.pages import Answers
from crm.collection.sources.port import SourceError, ThisOneError
from crm.collection.sources.queries import Receiver, receivers
from crm.core import clock, jobs
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, InvalidError, NotFoundError
from crm.core.jobs import Runner, Taken
from crm.proposals import exports
from crm.proposals.lifecycle import State
from crm.proposals.models import DELIVER, Proposal, ProposalExport

log = structlog.get_logger(__name__)

ASK = "proposals.answers"
MOST_PAGES = 1_000
ANSWER = ("id", "outcome", "reason", "at")  # what an answer says
NOBODY = "Nessuna fonte di questo ente riceve le proposte: impostarne una nella pagina dei flussi."


def deliver_now(session: Session, by: Principal, *, export_id: int) -> None:
    """Owe the delivery of a feed that was not taken, or was made when nobody took any. Delivered, it stays so."""
    row = session.get(ProposalExport, export_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Questa esportazione non esiste.")
    require_on(session, by, Permission.COLLECTION_IMPORT, ente_id=row.ente_id)
    if row.delivered_at is not None:
        raise ConflictError("Il gestionale ha già preso questo flusso.")
    if not receivers(session, ente_id=row.ente_id):
        raise InvalidError(NOBODY)
    row.delivery_key = UUID(row.sha256[:32])
    session.flush()
    audit.note(session, by, kind="proposals.delivery_asked", ente_id=row.ente_id, subject=f"n. {row.number}")
    jobs.enqueue(session, ente_id=row.ente_id, kind=DELIVER, argument={})


def owe(session: Session) -> int:
    """Owe what is due in the enti of the scope: deliveries, and asking for answers. How many jobs."""
    at, owed = clock.now(session), 0
    for one in receivers(session):
        if one.is_let_alone:
            continue
        if _next(session, one.ente_id) is not None:
            owed += jobs.enqueue_once(session, ente_id=one.ente_id, kind=DELIVER, argument={})
        if (one.answers_due_at is None or one.answers_due_at <= at) and _awaits(session, one.ente_id):
            owed += jobs.enqueue_once(session, ente_id=one.ente_id, kind=ASK, argument={})
    return owed


def run_deliver(database: Database, job: Taken) -> None:
    """Deliver an ente's feeds in their order. What the gestionale does not take waits for the next time."""
    scope = Scope.of_enti([job.ente_id])
    while True:
        with database.begin(scope) as session:
            found, receiver = _next(session, job.ente_id), _receiver(session, job.ente_id)
            feed = _content(session, found) if found else None
        if found is None or receiver is None:
            return
        if feed is None:
            database.transact(scope, partial(_abandoned, row=found, failure=exports.NOT_THE_SAME))
            continue
        try:
            answers = _gestionale(receiver).propose(feed, UUID(found.sha256[:32]), job.renew)
        except ThisOneError as error:
            database.transact(scope, partial(_abandoned, row=found, failure=str(error)))
        except SourceError as error:
            database.transact(scope, partial(_failed, receiver=receiver, row=found, error=error))
            return
        else:
            database.transact(scope, partial(_taken, receiver=receiver, row=found, answers=answers))


def run_ask(database: Database, job: Taken) -> None:
    """Take the answers that have come, page by page."""
    scope = Scope.of_enti([job.ente_id])
    for _ in range(MOST_PAGES):
        with database.begin(scope) as session:
            receiver = _receiver(session, job.ente_id)
        if receiver is None:
            return
        try:
            answers = _gestionale(receiver).answers(receiver.answers_cursor, job.renew)
        except SourceError as error:
            database.transact(scope, partial(sources.was_silent, source_id=receiver.source_id, error=error))
            return
        database.transact(scope, partial(_heard, receiver=receiver, answers=answers, cursor=answers.next))
        if not answers.more or answers.next == receiver.answers_cursor:
            return


def _gestionale(receiver: Receiver) -> Gestionale:
    return Gestionale(endpoints.endpoint(receiver.endpoint), receiver.ente_code)


def _receiver(session: Session, ente_id: int) -> Receiver | None:
    return next(iter(receivers(session, ente_id=ente_id)), None)


def _next(session: Session, ente_id: int) -> ProposalExport | None:
    return session.scalars(
        select(ProposalExport)
        .where(
            ProposalExport.ente_id == ente_id, ProposalExport.delivery_key.is_not(None),
            ProposalExport.delivered_at.is_(None),
        )
        .order_by(ProposalExport.number)
        .limit(1)
    ).one_or_none()  # fmt: skip


def _awaits(session: Session, ente_id: int) -> bool:
    waiting = (
        select(Proposal.id)
        .join(ProposalExport, ProposalExport.id == Proposal.export_id)
        .where(Proposal.ente_id == ente_id, Proposal.state == State.EXPORTED, ProposalExport.delivered_at.is_not(None))
        .limit(1)
    )
    return session.scalar(waiting) is not None


def _content(session: Session, row: ProposalExport) -> bytes | None:
    """The feed as it was made; None: it can not be written again."""
    try:
        return exports.content(session, None, export_id=row.id)[1]
    except ConflictError:
        return None


def _taken(session: Session, receiver: Receiver, row: ProposalExport, answers: Answers) -> None:
    exports.delivered(session, ente_id=row.ente_id, export_id=row.id)
    _heard(session, receiver, answers, cursor=None)


def _heard(session: Session, receiver: Receiver, answers: Answers, *, cursor: str | None) -> None:
    if answers.answers:
        content = _acknowledgements(receiver.ente_code, answers.answers)
        received = exports.acknowledge(session, None, ente_id=receiver.ente_id, content=content)
        if received.refused:
            log.warning("answers_refused", source=receiver.source_id, count=len(received.refused))
            exports.keep_refused(session, ente_id=receiver.ente_id, refused=received.refused)
    sources.answered(session, source_id=receiver.source_id, endpoint=receiver.endpoint, cursor=cursor)


def _failed(session: Session, receiver: Receiver, row: ProposalExport, error: SourceError) -> None:
    exports.delivered(session, ente_id=row.ente_id, export_id=row.id, failure=str(error))
    sources.was_silent(session, source_id=receiver.source_id, error=error)


def _abandoned(session: Session, row: ProposalExport, failure: str) -> None:
    """It is not tried again, unless somebody says so."""
    exports.delivered(session, ente_id=row.ente_id, export_id=row.id, failure=failure)
    own = (ProposalExport.ente_id == row.ente_id, ProposalExport.id == row.id)
    session.execute(update(ProposalExport).where(*own).values(delivery_key=None))


def _acknowledgements(ente: str, answers: Iterable[Any]) -> bytes:
    """The answers as the file that says the same, for the one reader of both. Fields of the gestionale's own may be."""
    told = [
        {"record": "acknowledgement", **{name: one[name] for name in ANSWER if name in one}}
        if isinstance(one, dict)
        else one
        for one in answers
    ]
    header = {"record": "acknowledgements", "version": 1, "ente": ente}
    end = {"record": "end", "acknowledgements": len(told)}
    return "\n".join(json.dumps(one) for one in (header, *told, end)).encode()


DELIVERER, ASKER = Runner(run_deliver), Runner(run_ask)
