"""The carrier's webhooks. Each is one transaction; the reply says what the caller hears next."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Scope
from outbound.cati import by_keys
from telephony.calls import reception, service, supervision
from telephony.calls.apology import APOLOGY
from telephony.calls.events import AgentAnswered, CallerJoined, Event, LegEnd, LegEnded, Step
from telephony.calls.reception import NOT_IN_USE, Arrival, Reply
from telephony.calls.service import Heard, carrier_instant
from telephony.carriers.port import CUSTOMER, Enqueue, Play, Redirect
from telephony.floor.current import floor
from telephony.ivr.turns import Reached
from telephony.lines import queries as lines
from telephony.recording import service as recordings
from telephony.recording.service import Told
from telephony.surveys import reception as surveys
from telephony.voicemail import service as voicemail
from web.api.hooks import ENDED, Hook, HookDep
from web.edge.visits import RuntimeDep

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/telephony", include_in_schema=False)
NO_CONTENT = 204
LONGEST_TOLD_S = 3_600
SECONDS_DIGITS, SID_LENGTH = 7, 34
LONGEST_CALL_S = 4 * 3_600
REACHED = {"completed": Reached.ANSWERED, "answered": Reached.ANSWERED, "busy": Reached.BUSY}


@router.api_route("/apology", methods=["GET", "POST"])
def apology(request: Request, runtime: RuntimeDep) -> Response:
    """The address of last resort: it answers without the database, and to whoever asks."""
    request.app.state.pulse.apologise()
    return Response(runtime.carrier.render(APOLOGY), media_type="text/xml")


@router.post("/voice")
def voice(hook: HookDep, since: int | None = None) -> Response:
    """A call arrives at one of our numbers; or it arrived then, and nobody told us."""

    def arrived() -> Reply:
        with hook.runtime.database.begin(Scope.nothing()) as session:
            line = lines.in_use(session, hook["To"])
        if line is None:
            log.error("number_not_in_use", number=hook["To"])
            return NOT_IN_USE

        def work(session: Session) -> Reply:
            at = clock.now(session) if since is None else datetime.fromtimestamp(since, UTC)
            arrival = Arrival(hook["CallSid"], line.number, hook["From"] or None, at, repaired=since is not None)
            return reception.arrive(session, arrival, line, hook.runtime.addresses)

        reply = hook.in_contract(line.contract_id, work)
        log.info("call_arrived", contract=line.contract_id)
        return reply

    return hook.held(arrived)


@router.post("/status")
def status(hook: HookDep) -> Response:
    """A caller's own call changed status; only its end matters here."""
    if hook["CallStatus"] in ENDED:
        with hook.runtime.database.begin(Scope.across_enti()) as session:
            found = floor(session).call_of_sid(hook["CallSid"])
        if found is not None:
            _line_ended(hook, found.contract_id, found.id, _key(hook, "caller"))
    return Response(status_code=NO_CONTENT)


@router.post("/{contract_id}/calls/{call_id}/ivr")
def ivr(hook: HookDep, contract_id: int, call_id: UUID, step: int) -> Response:
    """The caller keyed or said something in the menu."""
    to = hook.runtime.addresses

    def work(session: Session) -> Reply:
        return reception.keys(
            session, call_id, step=step, pressed=hook["Digits"], said=hook["SpeechResult"], to=to,
            verifies=hook.runtime.verifies,
        )  # fmt: skip

    return hook.answer(contract_id, work, step=step)


@router.post("/{contract_id}/calls/{call_id}/put-through")
def put_through(hook: HookDep, contract_id: int, call_id: UUID, step: int) -> Response:
    """The caller comes back from a number outside, to which the menu had put him through; or he is gone."""
    to, told, seconds = hook.runtime.addresses, hook["DialCallStatus"], hook["DialCallDuration"]

    def work(session: Session) -> Reply:
        return reception.after_number(
            session, call_id, step=step, reached=REACHED.get(told, Reached.NOBODY), hung_up=hook["CallStatus"] in ENDED,
            seconds=min(int(seconds), LONGEST_CALL_S) if seconds.isdecimal() else 0, to=to,
        )  # fmt: skip

    return hook.answer(contract_id, work, step=step)


@router.post("/{contract_id}/calls/{call_id}/wait")
def wait(hook: HookDep, contract_id: int, call_id: UUID) -> Response:
    """What a waiting caller hears."""
    to = hook.runtime.addresses
    music = (Play(to.music()),)
    return hook.answer(contract_id, lambda session: reception.waiting(session, call_id, to), meanwhile=music)


@router.post("/{contract_id}/calls/{call_id}/wait-key")
def wait_key(hook: HookDep, contract_id: int, call_id: UUID, step: int) -> Response:
    """A waiting caller keyed something."""
    to, pressed = hook.runtime.addresses, hook["Digits"]

    def work(session: Session) -> Reply:
        return reception.key_while_waiting(session, call_id, step=step, pressed=pressed, to=to)

    return hook.answer(contract_id, work, step=step)


@router.post("/{contract_id}/calls/{call_id}/resume")
def resume(hook: HookDep, contract_id: int, call_id: UUID) -> Response:
    """What the caller should hear now."""
    to = hook.runtime.addresses
    return hook.answer(contract_id, lambda session: reception.resume(session, call_id, to))


@router.post("/{contract_id}/calls/{call_id}/left-queue")
def left_queue(hook: HookDep, contract_id: int, call_id: UUID) -> Response:
    """The carrier's queue was left: by hanging up, or because we moved the caller to his agent."""
    if hook["QueueResult"] == "hangup":
        _line_ended(hook, contract_id, call_id, f"left-queue:{hook['CallSid']}")
    elif hook["QueueResult"] not in {"redirected", "bridged"}:  # the carrier's queue failed: back to his place
        to = hook.runtime.addresses
        return hook.answer(contract_id, lambda session: _back_in_queue(hook, reception.resume(session, call_id, to)))
    return hook.reply(())


@router.post("/{contract_id}/calls/{call_id}/dial-ended")
def dial_ended(hook: HookDep, contract_id: int, call_id: UUID) -> Response:
    """The caller came out of the conference: back to where he belongs, or to the end."""
    to = hook.runtime.addresses
    return hook.answer(contract_id, lambda session: reception.after_conference(session, call_id, to))


@router.post("/{contract_id}/calls/{call_id}/legs/{leg_id}")
def leg(hook: HookDep, contract_id: int, call_id: UUID, leg_id: UUID) -> Response:
    """An agent's leg changed status."""
    told = hook["CallStatus"]
    key = _key(hook, f"leg:{leg_id}")

    def work(session: Session) -> Step | None:
        step = None
        at = carrier_instant(hook.told_at(), clock.now(session))
        if told == "in-progress":
            step = service.apply(session, call_id, AgentAnswered(at, leg_id), Heard(key, at))
        elif told in ENDED:
            step = service.apply(session, call_id, LegEnded(at, leg_id, LegEnd(told)), Heard(key, at))
        else:
            service.note(session, call_id, f"Leg{told.title()}", Heard(key, at))
        service.learn_sid(session, leg_id, hook["CallSid"])
        return step

    _heard(f"Leg{told.title()}", hook.in_contract(contract_id, work))
    return Response(status_code=NO_CONTENT)


@router.post("/{contract_id}/calls/{call_id}/legs/{leg_id}/citizen")
def citizen(hook: HookDep, contract_id: int, call_id: UUID, leg_id: UUID) -> Response:
    """The line changed status on which somebody is called back."""
    if hook["CallStatus"] in ENDED:
        _line_ended(hook, contract_id, call_id, _key(hook, f"citizen:{leg_id}"), leg_id)
    elif not hook.in_contract(contract_id, lambda session: service.on_line(session, call_id, leg_id, hook["CallSid"])):
        hook.runtime.dispatcher.let_go(hook["CallSid"])
    return Response(status_code=NO_CONTENT)


@router.post("/{contract_id}/calls/{call_id}/watchers/{leg_id}")
def watcher(hook: HookDep, contract_id: int, call_id: UUID, leg_id: UUID) -> Response:
    """A supervisor's leg changed status."""
    told = hook["CallStatus"]
    hook.in_contract(
        contract_id,
        lambda session: supervision.heard(
            session, call_id, leg_id, sid=hook["CallSid"], answered=told == "in-progress", ended=told in ENDED
        ),
    )
    return Response(status_code=NO_CONTENT)


@router.post("/{contract_id}/calls/{call_id}/legs/{leg_id}/conference")
def conference(hook: HookDep, contract_id: int, call_id: UUID, leg_id: UUID) -> Response:
    """Somebody joined or left the conversation."""
    event, label = hook["StatusCallbackEvent"], hook["ParticipantLabel"]
    key = f"conference:{leg_id}:{hook['SequenceNumber']}"
    line = hook["CallSid"] or None
    if event == "participant-join" and label == CUSTOMER:
        _hear(hook, contract_id, call_id, lambda at: CallerJoined(at, leg_id, line), key)
    elif event == "participant-leave" and label == CUSTOMER:

        def left(session: Session) -> Step | None:
            at = carrier_instant(hook.told_at(), clock.now(session))
            return service.had_joined(session, call_id, leg_id, Heard(key, at), line)

        _heard("CallerLeftRoom", hook.in_contract(contract_id, left))
    elif event in {"participant-join", "participant-leave"} and (who := _leg_named(label)) is not None:
        joined = event == "participant-join"
        _hear(
            hook, contract_id, call_id,
            lambda at: AgentAnswered(at, who) if joined else LegEnded(at, who, LegEnd.COMPLETED), key,
        )  # fmt: skip
    return Response(status_code=NO_CONTENT)


@router.post("/{contract_id}/calls/{call_id}/recorded")
def recorded(hook: HookDep, contract_id: int, call_id: UUID) -> Response:
    """A caller has finished his message, or has hung up. Should nobody tell that it can be fetched, it is known of."""

    def work(session: Session) -> Reply:
        _message_left(hook, session, call_id)
        return reception.recorded(session, call_id)

    return hook.answer(contract_id, work)


@router.post("/{contract_id}/calls/{call_id}/recording")
def recording(hook: HookDep, contract_id: int, call_id: UUID) -> Response:
    """His message can be fetched; of one that says nothing there is no recording."""
    if hook["RecordingStatus"] == "completed":
        hook.in_contract(contract_id, lambda session: _message_left(hook, session, call_id))
    return Response(status_code=NO_CONTENT)


def _message_left(hook: Hook, session: Session, call_id: UUID) -> None:
    """The carrier names a recording by its SID, or at least by its address, which ends with it."""
    sid = hook["RecordingSid"] or hook["RecordingUrl"].rpartition("/")[2]
    seconds = hook["RecordingDuration"]
    if len(sid) == SID_LENGTH and seconds.isdecimal() and len(seconds) < SECONDS_DIGITS:
        voicemail.left(session, call_id, recording_sid=sid, seconds=min(int(seconds), LONGEST_TOLD_S))


@router.post("/{contract_id}/calls/{call_id}/taken")
def taken(hook: HookDep, contract_id: int, call_id: UUID) -> Response:
    """A recording of the conversation has begun, can be fetched, or holds nothing."""
    status, seconds = hook["RecordingStatus"], hook["RecordingDuration"]

    def work(session: Session) -> None:
        began_at = hook.instant("RecordingStartTime") or clock.now(session)
        length = int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < SECONDS_DIGITS else 0
        told = Told(
            hook["RecordingSid"], began_at, length, ready=status == "completed", absent=status == "absent"
        )  # fmt: skip
        recordings.heard(session, call_id, told)

    if status in {"in-progress", "completed", "absent"}:
        hook.in_contract(contract_id, work)
        log.info("recording_heard_of", status=status)
    return Response(status_code=NO_CONTENT)


@router.post("/{contract_id}/calls/{call_id}/survey")
def survey(hook: HookDep, contract_id: int, call_id: UUID) -> Response:
    """The operator has hung up: the questionnaire that he passed the caller on to, else what he thinks of the call."""
    to = hook.runtime.addresses

    def work(session: Session) -> Reply:
        if hook.runtime.stands_ready(session, call_id):
            return by_keys.put(session, call_id, step=0, to=to)
        return surveys.begin(session, call_id, to)

    return hook.answer(contract_id, work)


@router.post("/{contract_id}/calls/{call_id}/survey/{answer_id}/score")
def survey_score(hook: HookDep, contract_id: int, call_id: UUID, answer_id: UUID, attempt: int) -> Response:
    """His mark."""
    to, pressed = hook.runtime.addresses, hook["Digits"]

    def work(session: Session) -> Reply:
        return surveys.score(session, call_id, answer_id=answer_id, attempt=attempt, pressed=pressed, to=to)

    return hook.answer(contract_id, work)


@router.post("/{contract_id}/calls/{call_id}/survey/{answer_id}/reason")
def survey_reason(hook: HookDep, contract_id: int, call_id: UUID, answer_id: UUID) -> Response:
    """And why."""
    pressed = hook["Digits"]

    def work(session: Session) -> Reply:
        return surveys.reason(session, call_id, answer_id=answer_id, pressed=pressed)

    return hook.answer(contract_id, work)


@router.post("/{contract_id}/calls/{call_id}/hold")
def hold(hook: HookDep, contract_id: int, call_id: UUID) -> Response:
    """What a caller on hold hears: music, again and again. Such a document is not repeated by itself."""
    to = hook.runtime.addresses
    return hook.reply((Play(to.music()), Redirect(to.hold(contract_id, call_id))))


def _back_in_queue(hook: Hook, reply: Reply) -> Reply:
    """Whoever found the carrier's queue full hears music first: he would be refused as fast as he could be sent back.

    His place is ours to keep, and whoever is free may have him meanwhile.
    """
    waits = hook["QueueResult"] == "queue-full" and isinstance(reply[-1], Enqueue)
    return (Play(hook.runtime.addresses.music()), *reply) if waits else reply


def _leg_named(label: str) -> UUID | None:
    try:
        return UUID(label)
    except ValueError:
        return None


def _hear(hook: Hook, contract_id: int, call_id: UUID, event: Callable[[datetime], Event], key: str) -> None:
    structlog.contextvars.bind_contextvars(call=str(call_id))

    def work(session: Session) -> tuple[str, Step | None]:
        at = carrier_instant(hook.told_at(), clock.now(session))
        told = event(at)
        return type(told).__name__, service.apply(session, call_id, told, Heard(key, at))

    _heard(*hook.in_contract(contract_id, work))


def _line_ended(hook: Hook, contract_id: int, call_id: UUID, key: str, leg_id: UUID | None = None) -> None:
    """A caller's line is over, or that of somebody who is called back."""
    structlog.contextvars.bind_contextvars(call=str(call_id))

    def work(session: Session) -> Step | None:
        at = carrier_instant(hook.told_at(), clock.now(session))
        heard = Heard(key, at, detail=(("status", hook["CallStatus"]),))
        hook.runtime.hung_up(session, call_id)
        return reception.line_ended(session, call_id, hook["CallSid"], heard, leg_id)

    _heard("LineEnded", hook.in_contract(contract_id, work))


def _heard(what: str, step: Step | None) -> None:
    """Committed: where the call stands now. A repetition, or what changes nothing, has no phase to tell."""
    log.info("call_heard", what=what, phase=step.state.phase.value if step else None)


def _key(hook: Hook, subject: str) -> str:
    """SID, event and sequence number: on the SID alone, later statuses would be swallowed."""
    return f"{subject}:{hook['CallSid']}:{hook['CallStatus']}:{hook['SequenceNumber']}"
