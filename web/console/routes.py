"""The console's page and what an agent's buttons do."""

from collections.abc import Callable, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.errors import ConflictError
from crm.core.secrecy import SecrecyError
from crm.documents.store import StoreError
from crm.enti import queries as enti
from crm.files.gate import GateOutcome
from telephony.agents import service as agents
from telephony.agents.models import AgentState, PauseReason
from telephony.callbacks import service as callbacks
from telephony.calls import conversation, talk, whom
from telephony.calls.addresses import agent_identity
from telephony.recording import pausing
from telephony.sounds import sealing
from telephony.voicemail import service as voicemail
from web.console.view import render, render_queues
from web.contacts.box import look
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.files.speakers import Answers, answers
from web.outcomes import writing
from web.shortcuts.keys import Key
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
FieldText = Annotated[str, Form()]
RightField = Annotated[Sequence[str], Form()]
NO_CONTENT = 204


@router.get("/console")
def console(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The agent's page for the whole shift."""
    scope = visit.scope(Permission.CALLS_ANSWER)
    regions = {**render(runtime, visit).regions, **render_queues(runtime, scope, visit.language).regions}
    return page(
        request,
        "console/page.html",
        visit.language,
        regions=regions,
        visit=visit,
        csrf=visit.csrf_token,
        keys=tuple(Key),
    )


@router.post("/console/state")
def state(
    runtime: RuntimeDep, visit: ChangeDep, state: Annotated[AgentState, Form()],
    reason: Annotated[PauseReason, Form()] = PauseReason.BREAK,
) -> Response:  # fmt: skip
    """Ready, paused or out of service: at once, or after the call."""
    return _do(
        runtime, visit,
        lambda session: agents.wish(session, visit.principal, intended=state, reason=reason),
    )  # fmt: skip


@router.post("/console/propose")
def propose(
    runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()], contact: Annotated[int, Form()]
) -> Response:
    """The agent picked who may be calling."""
    return _do(
        runtime, visit,
        lambda session: conversation.propose(session, visit.principal, call_id=call, contact_id=contact),
    )  # fmt: skip


@router.post("/console/identify")
def identify(
    runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()], contact: Annotated[int, Form()],
    answers: Annotated[Answers, Depends(answers)],
) -> Response:  # fmt: skip
    """The agent knows whom he speaks with: the file opens."""

    def work(session: Session) -> None:
        spoken = answers.spoken(session, visit.principal, contact_id=contact, call_id=call)
        conversation.identify(session, visit.principal, call_id=call, contact_id=contact, spoken=spoken)
        visit.sent(session)

    return _do(runtime, visit, work)


@router.post("/console/turn-away")
def turn_away(
    runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()], contact: Annotated[int, Form()],
    outcome: Annotated[GateOutcome, Form()], right: RightField = (),
) -> Response:  # fmt: skip
    """The file stays closed: somebody else, or no right answers, or none at all."""
    return _do(
        runtime, visit,
        lambda session: conversation.turn_away(
            session, visit.principal, call_id=call, contact_id=contact, outcome=outcome, right=right
        ),
    )  # fmt: skip


@router.post("/console/retract")
def retract(
    runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()], contact: Annotated[int, Form()]
) -> Response:
    """It is not this person after all: the file closes."""
    return _do(
        runtime, visit,
        lambda session: conversation.retract(session, visit.principal, call_id=call, contact_id=contact),
    )  # fmt: skip


@router.post("/console/hang-up")
def hang_up(runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()]) -> Response:
    """End the conversation."""
    return _do(runtime, visit, lambda session: conversation.hang_up(session, visit.principal, call_id=call))


@router.post("/console/hold")
def hold(runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()]) -> Response:
    """The caller hears music."""
    return _do(runtime, visit, lambda session: talk.hold(session, visit.principal, call_id=call))


@router.post("/console/back")
def back(runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()]) -> Response:
    """Speak with the caller again, alone."""
    return _do(runtime, visit, lambda session: talk.back(session, visit.principal, call_id=call))


@router.post("/console/together")
def together(runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()]) -> Response:
    """All three talk."""
    return _do(runtime, visit, lambda session: talk.together(session, visit.principal, call_id=call))


@router.post("/console/recording/pause")
def leave_out(runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()]) -> Response:
    """What is said next is not recorded; or still is not."""
    return _do(runtime, visit, lambda session: pausing.pause(session, visit.principal, call_id=call))


@router.post("/console/recording/go-on")
def record_again(runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()]) -> Response:
    """It is recorded again."""
    return _do(runtime, visit, lambda session: pausing.go_on(session, visit.principal, call_id=call))


@router.post("/console/recording/withdraw")
def record_no_more(runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()]) -> Response:
    """The caller would rather not be recorded after all."""
    return _do(runtime, visit, lambda session: pausing.withdraw(session, visit.principal, call_id=call))


@router.get("/console/whom/{call}")
def reach(runtime: RuntimeDep, visit: VisitDep, call: UUID) -> Response:
    """Whom the agent may ask, or pass this call on to."""
    with runtime.database.begin(visit.scope(Permission.CALLS_ANSWER)) as session:
        own = conversation.own_call(session, visit.principal, call)
        found = whom.reachable(session, visit.principal, own)
        queue_id = own.in_queue_id or own.queue_id
    return HTMLResponse(
        fragment("console/_whom.html", visit.language, desk="/console", found=found, call=call, queue_id=queue_id)
    )  # fmt: skip


@router.post("/console/consult")
def consult(
    runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()],
    agent: Annotated[int | None, Form()] = None, number: FieldText = "",
) -> Response:  # fmt: skip
    """Ring a colleague or a number outside, while the caller hears music."""
    return _do(
        runtime, visit,
        lambda session: talk.consult(session, visit.principal, call_id=call, agent_id=agent, number=number),
    )  # fmt: skip


@router.post("/console/pass")
def pass_on(
    runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()], topic: FieldText = "",
    disposition: FieldText = "", note: FieldText = "", agent: Annotated[int | None, Form()] = None,
    queue: Annotated[int | None, Form()] = None, first: Annotated[bool, Form()] = False, number: FieldText = "",
) -> Response:  # fmt: skip
    """Pass the call on, notes and all: to a colleague, a queue, a number, or to whom the agent consults."""

    def work(session: Session) -> None:
        by = visit.principal
        conversation.draft(session, by, call_id=call, topic=topic, disposition=disposition, note=note)
        if agent is not None:
            talk.pass_to_agent(session, by, call_id=call, agent_id=agent)
        elif queue is not None:
            talk.pass_to_queue(session, by, call_id=call, queue_id=queue, first=first)
        elif number:
            talk.pass_outside(session, by, call_id=call, number=number)
        else:
            talk.pass_on(session, by, call_id=call)

    return _do(runtime, visit, work)


@router.post("/console/leave-consultation")
def leave_consultation(runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()]) -> Response:
    """Whoever was asked has said what he had to say."""
    return _do(runtime, visit, lambda session: talk.leave_consultation(session, visit.principal, call_id=call))


@router.post("/console/callback-served")
def callback_served(runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()]) -> Response:
    """Who calls had asked to be called back, and need not be any more."""
    return _do(runtime, visit, lambda session: callbacks.close_as_served(session, visit.principal, call_id=call))


@router.post("/console/machine")
def machine(runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()]) -> Response:
    """An answering machine, where somebody is called back."""
    return _do(runtime, visit, lambda session: callbacks.machine_answered(session, visit.principal, call_id=call))


@router.post("/console/help")
def ask_help(
    runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()], wanted: Annotated[bool, Form()] = True
) -> Response:
    """Call a supervisor to the conversation, or not any more."""
    return _do(runtime, visit, lambda session: talk.ask_help(session, visit.principal, call_id=call, wanted=wanted))


@router.post("/console/draft")
def draft(
    runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()], topic: FieldText = "",
    disposition: FieldText = "", note: FieldText = "",
) -> Response:  # fmt: skip
    """Keep what is written so far."""
    with runtime.database.begin(visit.scope(Permission.CALLS_ANSWER)) as session:
        topic, disposition = writing.written(session, call, topic, disposition)
        conversation.autosave(session, visit.principal, call_id=call, topic=topic, disposition=disposition, note=note)
    return Response(status_code=NO_CONTENT)


@router.post("/console/wrap-up")
def wrap_up(
    runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()],
    topic: FieldText = "", disposition: FieldText = "", note: FieldText = "",
    next: Annotated[AgentState | None, Form()] = None,  # noqa: A002  # the form's field
) -> Response:  # fmt: skip
    """Save, and go on: to what was asked for during the call, unless he says otherwise now."""

    def work(session: Session) -> None:
        writing.require_said(session, call)
        about, ending = writing.written(session, call, topic, disposition)
        conversation.draft(session, visit.principal, call_id=call, topic=about, disposition=ending, note=note)
        conversation.wrap_up(session, visit.principal, call_id=call, intended=next)

    return _do(runtime, visit, work)


@router.post("/console/more-time")
def more_time(runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()]) -> Response:
    """A minute more for the notes."""
    return _do(runtime, visit, lambda session: conversation.more_time(session, visit.principal, call_id=call))


@router.post("/console/complete")
def complete(
    runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()], topic: FieldText = "",
    disposition: FieldText = "", note: FieldText = "",
) -> Response:  # fmt: skip
    """What the time for the notes did not suffice for."""

    def work(session: Session) -> None:
        writing.require_said(session, call)
        about, ending = writing.written(session, call, topic, disposition)
        conversation.complete(session, visit.principal, call_id=call, topic=about, disposition=ending, note=note)

    return _do(runtime, visit, work)


@router.post("/console/leave")
def leave(runtime: RuntimeDep, visit: ChangeDep, call: Annotated[UUID, Form()]) -> Response:
    """A call whose time ran out is fine as it stands."""

    def work(session: Session) -> None:
        writing.require_said(session, call)
        conversation.leave(session, visit.principal, call_id=call)

    return _do(runtime, visit, work)


@router.post("/console/search")
def search(
    runtime: RuntimeDep, visit: ChangeDep, q: FieldText = "", follows: Annotated[bool, Form()] = False
) -> Response:
    """Who may be calling, among the enti served. Posted, so that no name stands in an address."""
    visit.principal.require(Permission.CALLS_ANSWER)
    with runtime.database.begin(visit.scope(Permission.FILE_READ)) as session:
        call = conversation.current_call(session, visit.principal.user_id)
        found = look(
            session,
            visit,
            q,
            follows=follows,
            first=call.ente_id if call else None,
            among=enti.enti_of(session, call.contract_id) if call else None,  # a call belongs to one contract
        )
    return HTMLResponse(fragment("console/_results.html", visit.language, look=found, call=call))


@router.get("/console/device")
def device(runtime: RuntimeDep, visit: VisitDep) -> dict[str, str]:
    """Credentials for the agent's softphone."""
    with runtime.database.begin(visit.scope(Permission.CALLS_ANSWER)) as session:
        at = clock.now(session)
    credentials = runtime.carrier.device(agent_identity(visit.principal.user_id), at)
    return {"kind": credentials.kind, "token": credentials.token, "url": credentials.url}


@router.post("/console/device")
def device_state(
    runtime: RuntimeDep, visit: ChangeDep, ready: Annotated[bool, Form()], device: FieldText = "only"
) -> Response:
    """A softphone, one a tab, says whether it is registered."""
    with runtime.database.begin(visit.scope(Permission.CALLS_ANSWER)) as session:
        agents.set_device(session, visit.principal, device=device[:36], ready=ready)
    return Response(status_code=NO_CONTENT)


@router.get("/console/message/{call_id}")
def message(runtime: RuntimeDep, visit: VisitDep, call_id: UUID) -> Response:
    """The message that the citizen of the agent's call has left."""
    with runtime.database.begin(visit.scope(Permission.CALLS_ANSWER)) as session:
        found = voicemail.listen(session, visit.principal, call_id=call_id)
    try:
        sound = sealing.read(runtime.documents, found)
    except (StoreError, SecrecyError) as error:
        raise ConflictError("Il messaggio non si può ascoltare: riprova, o avvisa chi gestisce il sistema.") from error
    return Response(sound, media_type="audio/wav", headers={"cache-control": "no-store"})


def _do(runtime: Runtime, visit: Visit, work: Callable[[Session], object]) -> Response:
    """Do it. What follows from it comes through the live socket, which alone writes the page's regions."""
    runtime.database.transact(visit.scope(Permission.CALLS_ANSWER), work)
    return Response(status_code=NO_CONTENT)
