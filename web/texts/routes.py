"""What an agent's buttons do with his conversations by SMS; and one read back from an open file."""

from collections.abc import Callable, Sequence
from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.audit import service as audit
from crm.contacts.disclosure import EVERYTHING
from crm.core.errors import ForbiddenError, NotFoundError
from crm.enti import queries as enti
from crm.files import queries as files
from crm.files.gate import GateOutcome
from telephony.calls import whom
from telephony.texts import conversation
from telephony.texts.models import TextThread
from web.contacts.box import look
from web.edge.templating import fragment
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.files.speakers import Answers, answers
from web.texts.view import bubbles
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
FieldText = Annotated[str, Form()]
Thread = Annotated[UUID, Form()]
NO_CONTENT = 204


@router.post("/console/texts/front")
def front(runtime: RuntimeDep, visit: ChangeDep, thread: Annotated[UUID | None, Form()] = None) -> Response:
    """Have a thread in front, taking it if it is offered; or none: the call."""
    return _do(runtime, visit, lambda session: conversation.choose(session, visit.principal, thread_id=thread))


@router.post("/console/texts/decline")
def decline(runtime: RuntimeDep, visit: ChangeDep, thread: Thread) -> Response:
    """Leave it to somebody else."""
    return _do(runtime, visit, lambda session: conversation.decline(session, visit.principal, thread_id=thread))


@router.post("/console/texts/reply")
def reply(
    runtime: RuntimeDep, visit: ChangeDep, thread: Thread, body: FieldText = "", once: FieldText = "",
    sure: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    """Write to the citizen."""
    form = _form(thread, once)
    return _do(
        runtime, visit,
        lambda session: conversation.reply(
            session, visit.principal, thread_id=thread, body=body, once=form, sure=sure
        ),
    )  # fmt: skip


@router.post("/console/texts/draft")
def draft(
    runtime: RuntimeDep, visit: ChangeDep, thread: Thread, body: FieldText = "", once: FieldText = ""
) -> Response:  # fmt: skip
    """Keep what is being written."""
    form, by = _form(thread, once), visit.principal
    return _do(
        runtime, visit, lambda session: conversation.draft(session, by, thread_id=thread, body=body, once=form)
    )  # fmt: skip


@router.post("/console/texts/account")
def account(
    runtime: RuntimeDep, visit: ChangeDep, thread: Thread, topic: FieldText = "", disposition: FieldText = "",
    note: FieldText = "",
) -> Response:  # fmt: skip
    """Keep what is written of it so far."""
    by = visit.principal
    return _do(
        runtime, visit,
        lambda session: conversation.account(
            session, by, thread_id=thread, topic=topic, disposition=disposition, note=note
        ),
    )  # fmt: skip


@router.post("/console/texts/propose")
def propose(runtime: RuntimeDep, visit: ChangeDep, thread: Thread, contact: Annotated[int, Form()]) -> Response:
    """The agent picked who may be writing."""
    return _do(
        runtime, visit,
        lambda session: conversation.propose(session, visit.principal, thread_id=thread, contact_id=contact),
    )  # fmt: skip


@router.post("/console/texts/identify")
def identify(
    runtime: RuntimeDep, visit: ChangeDep, thread: Thread, contact: Annotated[int, Form()],
    answers: Annotated[Answers, Depends(answers)],
) -> Response:  # fmt: skip
    """The agent knows whom he writes with: the file opens."""

    def work(session: Session) -> None:
        spoken = answers.spoken(session, visit.principal, contact_id=contact, call_id=thread)
        conversation.identify(session, visit.principal, thread_id=thread, contact_id=contact, spoken=spoken)
        visit.sent(session)

    return _do(runtime, visit, work)


@router.post("/console/texts/turn-away")
def turn_away(
    runtime: RuntimeDep, visit: ChangeDep, thread: Thread, contact: Annotated[int, Form()],
    outcome: Annotated[GateOutcome, Form()], right: Annotated[Sequence[str], Form()] = (),
) -> Response:  # fmt: skip
    """The file stays closed."""
    return _do(
        runtime, visit,
        lambda session: conversation.turn_away(
            session, visit.principal, thread_id=thread, contact_id=contact, outcome=outcome, right=right
        ),
    )  # fmt: skip


@router.post("/console/texts/retract")
def retract(runtime: RuntimeDep, visit: ChangeDep, thread: Thread, contact: Annotated[int, Form()]) -> Response:
    """It is not this person after all: the file closes."""
    return _do(
        runtime, visit,
        lambda session: conversation.retract(session, visit.principal, thread_id=thread, contact_id=contact),
    )  # fmt: skip


@router.get("/console/texts/{thread}/whom")
def reach(runtime: RuntimeDep, visit: VisitDep, thread: UUID) -> Response:
    """To whom the agent may pass a thread on."""
    with runtime.database.begin(visit.scope(Permission.CALLS_ANSWER)) as session:
        live = conversation.own_thread(session, visit.principal, thread)
        found, queue_id = whom.reachable(session, visit.principal, live), live.thread.queue_id
    return HTMLResponse(
        fragment("texts/_whom.html", visit.language, found=found, thread=thread, queue_id=queue_id)
    )  # fmt: skip


@router.post("/console/texts/pass")
def pass_on(
    runtime: RuntimeDep, visit: ChangeDep, thread: Thread, agent: Annotated[int | None, Form()] = None,
    queue: Annotated[int | None, Form()] = None,
) -> Response:  # fmt: skip
    """Give it to a colleague or a queue."""
    return _do(
        runtime, visit,
        lambda session: conversation.pass_on(
            session, visit.principal, thread_id=thread, queue_id=queue, agent_id=agent
        ),
    )  # fmt: skip


@router.post("/console/texts/close")
def close(
    runtime: RuntimeDep, visit: ChangeDep, thread: Thread, topic: FieldText = "", disposition: FieldText = "",
    note: FieldText = "",
) -> Response:  # fmt: skip
    """Done: topic, outcome, note."""
    return _do(
        runtime, visit,
        lambda session: conversation.close(
            session, visit.principal, thread_id=thread, topic=topic, disposition=disposition, note=note
        ),
    )  # fmt: skip


@router.post("/console/texts/{thread}/search")
def search(
    runtime: RuntimeDep, visit: ChangeDep, thread: UUID, q: FieldText = "", follows: Annotated[bool, Form()] = False
) -> Response:
    """Who may be writing, among the enti of the thread's contract."""
    visit.principal.require(Permission.CALLS_ANSWER)
    with runtime.database.begin(visit.scope(Permission.FILE_READ)) as session:
        live = conversation.own_thread(session, visit.principal, thread)
        among = enti.enti_of(session, live.contract_id)
        found = look(session, visit, q, follows=follows, first=live.ente_id, among=among)
    return HTMLResponse(fragment("texts/_results.html", visit.language, look=found, thread=thread))


@router.get("/texts/{thread}/words")
def words(runtime: RuntimeDep, visit: VisitDep, thread: UUID) -> Response:
    """All that was written, for who has the person's file open and may hear everything."""

    def work(session: Session) -> Response:
        row = session.get(TextThread, thread)
        if row is None or row.contact_id is None or row.ente_id is None:
            raise NotFoundError("Questa conversazione non esiste.")
        opening = files.require_open(session, visit.principal, contact_id=row.contact_id)
        if not opening.told[row.contact_id] >= EVERYTHING:
            raise ForbiddenError("Con chi hai identificato non si può parlare di questo.")
        audit.note(
            session, visit.principal, kind="text.read", ente_id=row.ente_id, contact_id=row.contact_id,
            subject=f"text:{row.id}", call_id=opening.call_id,
        )  # fmt: skip
        return HTMLResponse(
            fragment("texts/_words.html", visit.language, bubbles=bubbles(session, row.id), thread=thread)
        )

    return runtime.database.transact(visit.scope(Permission.FILE_READ), work)


def _form(thread: UUID, once: str) -> str:
    """A form's own name, whatever the page sends."""
    return str(uuid5(thread, once[:80]))


def _do(runtime: Runtime, visit: Visit, work: Callable[[Session], object]) -> Response:
    """Do it. What follows from it comes through the live socket, which alone writes the page's regions."""
    runtime.database.transact(visit.scope(Permission.CALLS_ANSWER), work)
    return Response(status_code=NO_CONTENT)
