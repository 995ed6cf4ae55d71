"""Practice: its page, and what a trainee's buttons do. Each acts on his own practice: no address names anybody's."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.errors import NotFoundError
from crm.files.gate import GateOutcome
from telephony.agents.models import AgentPresence, AgentState
from telephony.calls.whom import Colleague
from telephony.practice import queries, service
from telephony.practice.people import BY_ID, found
from telephony.practice.story import Deed, StoryKey
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.files.speakers import Answers, answers
from web.practice.view import detail, render
from web.shortcuts.keys import Key
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
FieldText = Annotated[str, Form()]
CallField = Annotated[UUID, Form()]
NO_CONTENT = 204
CARLA = Colleague(0, "Carla, ufficio contenzioso", AgentState.READY, is_free=True)


@router.get("/practice")
def practice(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The console with invented callers; before one begins, what practice is."""
    with runtime.database.begin(visit.scope(Permission.CALLS_ANSWER)) as session:
        begun = queries.current(session, visit.principal.user_id) is not None
        kept = queries.kept(session, visit.principal.user_id)
        answers_calls = session.get(AgentPresence, visit.principal.user_id) is not None
    if not begun:
        return page(
            request, "practice/intro.html", visit.language, visit=visit, csrf=visit.csrf_token, kept=kept,
            answers_calls=answers_calls,
        )  # fmt: skip
    return page(
        request, "practice/page.html", visit.language, regions=render(runtime, visit).regions, visit=visit,
        csrf=visit.csrf_token, keys=tuple(Key),
    )  # fmt: skip


@router.post("/practice/begin")
def begin(runtime: RuntimeDep, visit: ChangeDep) -> Response:
    """Go out of service, and practise."""
    _done(runtime, visit, lambda session: service.begin(session, visit.principal))
    return Response(status_code=NO_CONTENT, headers={"HX-Redirect": "/practice"})


@router.post("/practice/end")
def end(runtime: RuntimeDep, visit: ChangeDep) -> Response:
    """Back to the real console, out of service."""
    _done(runtime, visit, lambda session: service.end(session, visit.principal))
    return Response(status_code=NO_CONTENT, headers={"HX-Redirect": "/console"})


@router.post("/practice/forget")
def forget(runtime: RuntimeDep, visit: ChangeDep) -> Response:
    """Keep nothing of how it went."""
    return _done(runtime, visit, lambda session: service.forget(session, visit.principal))


@router.post("/practice/ring")
def ring(runtime: RuntimeDep, visit: ChangeDep, story: Annotated[StoryKey | None, Form()] = None) -> Response:
    """Be called."""
    return _done(runtime, visit, lambda session: service.ring(session, visit.principal, story=story))


@router.post("/practice/say")
def say(runtime: RuntimeDep, visit: ChangeDep, call: CallField, choice: Annotated[str, Form()]) -> Response:
    """Say a sentence, or ask a question of the gate."""
    asks = choice.startswith("ask:")
    return _act(runtime, visit, call, Deed.ASK if asks else Deed.SAY, choice.removeprefix("ask:"))


@router.post("/practice/propose")
def propose(runtime: RuntimeDep, visit: ChangeDep, call: CallField, contact: Annotated[int, Form()]) -> Response:
    """Who may be calling was found."""
    return _act(runtime, visit, call, Deed.PROPOSE, str(contact))


@router.post("/practice/identify")
def identify(
    runtime: RuntimeDep, visit: ChangeDep, call: CallField, contact: Annotated[int, Form()],
    answers: Annotated[Answers, Depends(answers)],
) -> Response:  # fmt: skip
    """The file opens."""
    return _done(
        runtime, visit,
        lambda session: service.identify(
            session, visit.principal, call_id=call, person_id=contact, right=answers.right, himself=not answers.speaker
        ),
    )  # fmt: skip


@router.post("/practice/turn-away")
def turn_away(
    runtime: RuntimeDep, visit: ChangeDep, call: CallField, outcome: Annotated[GateOutcome, Form()]
) -> Response:
    """The file stays closed."""
    return _act(runtime, visit, call, Deed.TURN_AWAY, outcome.value)


@router.post("/practice/retract")
def retract(runtime: RuntimeDep, visit: ChangeDep, call: CallField) -> Response:
    """It is not this person after all."""
    return _act(runtime, visit, call, Deed.RETRACT)


@router.post("/practice/answer")
def answer(runtime: RuntimeDep, visit: ChangeDep, call: CallField) -> Response:
    """Pick up."""
    return _act(runtime, visit, call, Deed.ANSWER)


@router.post("/practice/hang-up")
def hang_up(runtime: RuntimeDep, visit: ChangeDep, call: CallField) -> Response:
    """End the conversation."""
    return _act(runtime, visit, call, Deed.HANG_UP)


@router.post("/practice/hold")
def hold(runtime: RuntimeDep, visit: ChangeDep, call: CallField) -> Response:
    """The caller would hear music."""
    return _act(runtime, visit, call, Deed.HOLD)


@router.post("/practice/back")
def back(runtime: RuntimeDep, visit: ChangeDep, call: CallField) -> Response:
    """Speak with the caller again, alone."""
    return _act(runtime, visit, call, Deed.BACK)


@router.post("/practice/together")
def together(runtime: RuntimeDep, visit: ChangeDep, call: CallField) -> Response:
    """All three talk."""
    return _act(runtime, visit, call, Deed.TOGETHER)


@router.get("/practice/whom/{call}")
def reach(visit: VisitDep, call: UUID) -> Response:
    """Whom the trainee may ask, or pass the call on to: an invented colleague and an invented queue."""
    visit.principal.require(Permission.CALLS_ANSWER)
    queue = {"id": 0, "name": "Contenzioso (prova)"}
    reachable = {"colleagues": [CARLA], "queues": [queue], "outside": [], "any_number": False}
    return HTMLResponse(
        fragment("console/_whom.html", visit.language, desk="/practice", found=reachable, call=call, queue_id=0)
    )


@router.post("/practice/consult")
def consult(runtime: RuntimeDep, visit: ChangeDep, call: CallField) -> Response:
    """Ask the colleague."""
    return _act(runtime, visit, call, Deed.CONSULT)


@router.post("/practice/pass")
def pass_on(
    runtime: RuntimeDep, visit: ChangeDep, call: CallField, topic: FieldText = "", disposition: FieldText = "",
    note: FieldText = "",
) -> Response:  # fmt: skip
    """Pass the call on, notes and all."""

    def work(session: Session) -> None:
        by = visit.principal
        service.draft(session, by, call_id=call, topic=topic, disposition=disposition, note=note)
        service.act(session, by, call_id=call, deed=Deed.PASS)

    return _done(runtime, visit, work)


@router.post("/practice/recording/pause")
def leave_out(runtime: RuntimeDep, visit: ChangeDep, call: CallField) -> Response:
    """What is said next would not be recorded."""
    return _act(runtime, visit, call, Deed.LEAVE_OUT)


@router.post("/practice/recording/go-on")
def record_again(runtime: RuntimeDep, visit: ChangeDep, call: CallField) -> Response:
    """It would be recorded again."""
    return _act(runtime, visit, call, Deed.RECORD_AGAIN)


@router.post("/practice/recording/withdraw")
def record_no_more(runtime: RuntimeDep, visit: ChangeDep, call: CallField) -> Response:
    """The caller would rather not be recorded."""
    return _act(runtime, visit, call, Deed.WITHDRAW)


@router.post("/practice/help")
def ask_help(
    runtime: RuntimeDep, visit: ChangeDep, call: CallField, wanted: Annotated[bool, Form()] = True
) -> Response:
    """Be told what to do next; no supervisor hears of it."""
    return _act(runtime, visit, call, Deed.HELP, "wanted" if wanted else "")


@router.post("/practice/promise")
def promise(runtime: RuntimeDep, visit: ChangeDep, call: CallField) -> Response:
    """Note that the caller is to be called back."""
    return _act(runtime, visit, call, Deed.PROMISE)


@router.post("/practice/draft")
def draft(
    runtime: RuntimeDep, visit: ChangeDep, call: CallField, topic: FieldText = "", disposition: FieldText = "",
    note: FieldText = "",
) -> Response:  # fmt: skip
    """Keep what is written so far."""
    return _done(
        runtime, visit,
        lambda session: service.draft(
            session, visit.principal, call_id=call, topic=topic, disposition=disposition, note=note
        ),
    )  # fmt: skip


@router.post("/practice/wrap-up")
def wrap_up(
    runtime: RuntimeDep, visit: ChangeDep, call: CallField, topic: FieldText = "", disposition: FieldText = "",
    note: FieldText = "",
) -> Response:  # fmt: skip
    """Save, and see how it went."""
    return _done(
        runtime, visit,
        lambda session: service.save(
            session, visit.principal, call_id=call, topic=topic, disposition=disposition, note=note
        ),
    )  # fmt: skip


@router.post("/practice/search")
def search(runtime: RuntimeDep, visit: ChangeDep, q: FieldText = "") -> Response:
    """Who may be calling, among people who do not exist."""
    with runtime.database.begin(visit.scope(Permission.CALLS_ANSWER)) as session:
        own = queries.current(session, visit.principal.user_id)
    call = own.row.call_id if own else None
    return HTMLResponse(fragment("practice/_results.html", visit.language, people=found(q), asked=q.strip(), call=call))


@router.get("/practice/positions/{person_id}")
def position(runtime: RuntimeDep, visit: VisitDep, person_id: int) -> Response:
    """What an invented person owes, opened; as in a file, only while his is open to whoever asks."""
    with runtime.database.begin(visit.scope(Permission.CALLS_ANSWER)) as session:
        own = queries.current(session, visit.principal.user_id)
        now = clock.now(session)
    course = own.course if own else None
    if course is None or course.identified_at is None or course.proposed != person_id or course.saved_at is not None:
        raise NotFoundError("Il fascicolo è chiuso.")
    return HTMLResponse(fragment("files/_position.html", visit.language, detail=detail(BY_ID[person_id], now)))


@router.get("/practice/device")
def device(visit: VisitDep) -> dict[str, str]:
    """The telephone of practice: no carrier knows it."""
    visit.principal.require(Permission.CALLS_ANSWER)
    return {"kind": "practice", "token": "", "url": ""}


@router.post("/practice/device")
def device_state(visit: ChangeDep) -> Response:
    """It is always there; nobody offers it a call."""
    visit.principal.require(Permission.CALLS_ANSWER)
    return Response(status_code=NO_CONTENT)


def _act(runtime: Runtime, visit: Visit, call: UUID, deed: Deed, what: str = "") -> Response:
    return _done(
        runtime, visit, lambda session: service.act(session, visit.principal, call_id=call, deed=deed, what=what)
    )


def _done(runtime: Runtime, visit: Visit, work: Callable[[Session], object]) -> Response:
    """Do it. What follows from it comes through the live socket, which alone writes the page's regions."""
    runtime.database.transact(visit.scope(Permission.CALLS_ANSWER), work)
    return Response(status_code=NO_CONTENT)
