"""What an agent does with his call: say who it is, hang up, write, wrap up."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import ScalarSelect, Select, func, select, update
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.contacts import queries as contacts
from crm.core import clock, topics
from crm.core.db import touch
from crm.core.errors import ConflictError, InvalidError
from crm.files import queries as file_queries
from crm.files import service as files
from crm.files.gate import GateOutcome
from crm.files.models import Interlocutor, Purpose
from crm.files.service import Spoken
from telephony.agents import presence
from telephony.agents import service as agents
from telephony.agents.models import AgentPresence, AgentState, PauseReason
from telephony.calls import service, story
from telephony.calls.choices import Disposition, Topic
from telephony.calls.events import HangUpAsked
from telephony.calls.models import Call, CallEvent, Phase, ProposedBy
from telephony.calls.service import Heard
from telephony.commands.models import Timer, TimerKind
from telephony.floor.current import floor
from telephony.floor.port import CallRow
from telephony.ivr.turns import MARKED, Place
from telephony.lines import queries as lines
from telephony.queues import queries as queues

MAX_NOTE = 4_000
OVER = frozenset({Phase.OUTSIDE, Phase.ENDED})  # for the agent
SHIFT = timedelta(hours=12)  # for how long a call may still be completed
ANOTHER = "La persona proposta non è più quella: guarda chi risulta in linea."
MORE_TIME, MOST_MINUTES = "WrapUpExtended", 5
RAN_OUT, SETTLED = "wrap-up:ran-out", "wrap-up:settled"  # keys of the log


def current_call(session: Session, agent_id: int, *, lock: bool = False) -> Call | None:
    """The call an agent is busy with: ringing, talking or being written up."""
    call_id = session.execute(
        select(AgentPresence.call_id).where(AgentPresence.agent_id == agent_id)
    ).scalar_one_or_none()
    if call_id is None:
        return None
    statement = (
        select(Call).where(Call.id == call_id, Call.agent_id == agent_id).execution_options(populate_existing=True)
    )
    return session.execute(statement.with_for_update() if lock else statement).scalar_one_or_none()


def propose(session: Session, by: Principal, *, call_id: UUID, contact_id: int) -> None:
    """The agent found who may be calling. Nothing is disclosed yet."""
    call = own_call(session, by, call_id)
    if call.identified_at is not None:
        raise ConflictError("La persona è già stata identificata.")
    contact = contacts.get(session, contact_id)
    if call.contact_id != contact.id:
        story.withdraw(session, call)
        files.show_gate(session, by, contacts.same_person(session, contact_id), call_id=call.id)
    service.attribute(session, call.id, contact.ente_id)
    session.execute(update(Call).where(Call.id == call.id).values(contact_id=contact.id, proposed_by=ProposedBy.AGENT))
    touch(session, topics.agent(by.user_id))


def keep_to_the_call(session: Session, by: Principal, *, contact_id: int) -> None:
    """Raise `ConflictError` where a file would be opened beside the call of whoever may be that person: who is on the
    line is asked who he is.
    """
    call = current_call(session, by.user_id)
    if call is None or call.contact_id is None or call.phase is Phase.ENDED:
        return
    if call.contact_id in {one.id for one in contacts.same_person(session, contact_id)}:
        raise ConflictError("Sei in linea con chi dice di essere questa persona: identificala nella console.")


def identify(
    session: Session, by: Principal, *, call_id: UUID, contact_id: int, spoken: Spoken | None = None
) -> None:  # fmt: skip
    """The agent established whom he speaks with: the file opens, and the call is on its timeline.

    Raises `InvalidError` while the ente wants more right answers, `ConflictError` when somebody else is proposed: what
    he answered rightly is about this contact.
    """
    call = own_call(session, by, call_id)
    if call.contact_id is None:
        raise ConflictError("Prima cerca la persona con cui parli.")
    if call.contact_id != contact_id:
        raise ConflictError(ANOTHER)
    if call.phase is not Phase.TALKING:
        raise ConflictError("Si identifica chi è in linea.")
    if _is_open(session, by, call):  # pressed twice
        return
    at = clock.now(session)
    spoken = _vouched(session, call, contact_id, spoken or Spoken())
    files.open_file(session, by, contact_id=contact_id, purpose=Purpose.CALL, reason="", spoken=spoken, call_id=call.id)
    detail = (
        ("agent", str(by.user_id)), ("contact", str(call.contact_id)), ("ente", str(call.ente_id)),
        ("interlocutor", spoken.interlocutor.value), ("right", ",".join(sorted(spoken.right))),
        *((("relation", str(spoken.relation_id)),) if spoken.relation_id else ()),
    )  # fmt: skip
    heard = Heard(f"identified:{call.contact_id}:{at.isoformat()}", at, detail=detail)
    service.note(session, call.id, story.IDENTIFIED, heard)
    session.execute(update(Call).where(Call.id == call.id).values(identified_at=at))
    story.tell(session, call.id)
    touch(session, topics.agent(by.user_id), topics.board(call.contract_id))  # boards and the ente's window name him


def turn_away(
    session: Session,
    by: Principal,
    *,
    call_id: UUID,
    contact_id: int,
    outcome: GateOutcome,
    right: Collection[str] = (),
) -> None:
    """The file stays closed. Whoever is somebody else is proposed no longer; whoever will not answer still is."""
    call = own_call(session, by, call_id)
    if call.contact_id != contact_id or call.identified_at is not None:
        raise ConflictError(ANOTHER)
    at = clock.now(session)
    files.refuse(session, by, contact_id=contact_id, outcome=outcome, right=right, call_id=call.id)
    detail = (
        ("agent", str(by.user_id)), ("contact", str(contact_id)), ("ente", str(call.ente_id)),
        ("outcome", outcome.value),
    )  # fmt: skip
    service.note(session, call.id, story.TURNED_AWAY, Heard(f"gate:{contact_id}:{at.isoformat()}", at, detail=detail))
    if outcome is GateOutcome.WRONG_PERSON:
        _disown(session, call)
    touch(session, topics.agent(by.user_id))


def retract(session: Session, by: Principal, *, call_id: UUID, contact_id: int) -> None:
    """It is not this person after all: the file closes, and the call is nobody's until somebody else is proposed."""
    call = own_call(session, by, call_id)
    if call.phase not in {Phase.TALKING, Phase.ENDED}:
        raise ConflictError("La conversazione non è ancora cominciata.")
    if call.identified_at is None and story.retraction(session, call.id, contact_id) is not None:  # pressed twice
        return
    if call.identified_at is None or call.contact_id != contact_id:
        raise ConflictError("Il fascicolo aperto non è più quello: guarda chi risulta in linea.")
    _disown(session, call)
    touch(session, topics.agent(by.user_id), topics.board(call.contract_id))


def hang_up(session: Session, by: Principal, *, call_id: UUID, to_questions: bool = False) -> None:
    """End the conversation for both; `to_questions`: the citizen stays on his line, and is asked a questionnaire."""
    call = own_call(session, by, call_id)
    if call.phase in {Phase.RINGING, Phase.JOINING}:  # noted now, it would be taken for a repetition later
        raise ConflictError("La conversazione non è ancora cominciata.")
    at = clock.now(session)
    asks = call.queue_id is not None and queues.queue(session, call.queue_id).asks_survey
    survey = to_questions or (
        asks and MARKED not in Place.restored(call.ivr).kept
    )  # who marked the voice flow has had his say
    service.apply(session, call.id, HangUpAsked(at, by.user_id, survey), Heard(f"hang-up:{call.leg_id}", at))
    touch(session, topics.agent(by.user_id))


def autosave(session: Session, by: Principal, *, call_id: UUID, topic: str, disposition: str, note: str) -> None:
    """Keep what is written so far, also when the time for the notes ran out meanwhile.

    One that comes after the agent has saved says nothing new, and is let go.
    """
    by.require(Permission.CALLS_ANSWER)
    service.lock_call(session, call_id)
    saved = select(Call.id).where(Call.id == call_id, Call.agent_id == by.user_id, Call.wrapped_up_at.is_not(None))
    if session.execute(saved).one_or_none() is None:
        draft(session, by, call_id=call_id, topic=topic, disposition=disposition, note=note)
    elif session.execute(_unfinished(session, by.user_id).where(Call.id == call_id)).one_or_none() is not None:
        _write(session, call_id, topic=topic, disposition=disposition, note=note)
        story.tell(session, call_id)


def draft(session: Session, by: Principal, *, call_id: UUID, topic: str, disposition: str, note: str) -> None:
    """Keep what the agent has written so far; of it only another topic is announced, to himself."""
    call = own_call(session, by, call_id)
    if call.wrapped_up_at is not None:
        raise ConflictError("Questa chiamata è già stata conclusa.")
    if (call.topic or "") != topic:
        touch(session, topics.agent(by.user_id))  # its script and its note templates are others
    _write(session, call.id, topic=topic, disposition=disposition, note=note)


def wrap_up(session: Session, by: Principal, *, call_id: UUID, intended: AgentState | None) -> None:
    """The agent is done with his call: topic and outcome are set, the note is on the timeline.

    `intended` is what he does next; none keeps what he asked for during the call, and why.
    """
    call = own_call(session, by, call_id)
    if call.phase not in OVER:
        raise ConflictError("La chiamata è ancora in corso.")
    check_complete(call.topic, call.disposition)
    finish(session, call.id)
    if intended is not None and intended is not _meant(session, by.user_id):
        reason = PauseReason.BREAK if intended is AgentState.PAUSED else None
        agents.wish(session, by, intended=intended, reason=reason)
    _free(session, by.user_id)


def more_time(session: Session, by: Principal, *, call_id: UUID) -> None:
    """A minute more for the notes, a few times a call. Raises `ConflictError` when that was asked too often."""
    call = own_call(session, by, call_id)
    mine = Timer.call_id == call_id, Timer.agent_id == by.user_id, Timer.kind == TimerKind.WRAP_UP
    timer = session.scalar(select(Timer).where(*mine).with_for_update())
    if timer is None:
        raise ConflictError("Il tempo per le note non corre più.")
    asked = select(func.count()).where(CallEvent.call_id == call.id, CallEvent.kind == MORE_TIME)
    if (times := session.execute(asked).scalar_one()) >= MOST_MINUTES:
        raise ConflictError("Hai già preso tutto il tempo in più: salva, e completa la chiamata dopo.")
    timer.due_at += timedelta(minutes=1)
    service.note(session, call.id, MORE_TIME, Heard(f"more-time:{times}", clock.now(session)))
    touch(session, topics.agent(by.user_id))


def run_out(session: Session, *, call_id: UUID, agent_id: int) -> None:
    """The time for the notes is over: what is written is saved as it stands, and the agent may still complete it."""
    service.note(session, call_id, "WrapUpRanOut", Heard(RAN_OUT, clock.now(session)))
    finish(session, call_id)
    _free(session, agent_id)


def unfinished(session: Session, agent_id: int) -> Call | None:
    """The latest of the agent's calls of this shift whose time ran out, until he completes it or leaves it as it is."""
    return session.execute(_unfinished(session, agent_id)).scalar_one_or_none()


def complete(session: Session, by: Principal, *, call_id: UUID, topic: str, disposition: str, note: str) -> None:
    """What the time did not suffice for is written after all."""
    _lock_unfinished(session, by, call_id)
    _write(session, call_id, topic=topic, disposition=disposition, note=note)
    call = _lock_unfinished(session, by, call_id)
    check_complete(call.topic, call.disposition)
    _settle(session, by, call_id, "WrapUpCompleted")


def leave(session: Session, by: Principal, *, call_id: UUID) -> None:
    """A call whose time ran out is fine as it stands."""
    _lock_unfinished(session, by, call_id)
    _settle(session, by, call_id, "WrapUpLeft")


def finish(session: Session, call_id: UUID) -> None:
    """Put a call's notes, as they stand, on the timeline; on nobody's when it was the wrong person."""
    service.wrapped_up(session, call_id)
    call = floor(session).whole_call(call_id)
    assert call is not None
    if call.disposition == Disposition.WRONG_PERSON and call.contact_id is not None:
        _disown(session, call)
    floor(session).close_file(call_id)
    floor(session).tell(call_id)


# -- parts ------------------------------------------------------------------------------------------------------


def _write(session: Session, call_id: UUID, *, topic: str, disposition: str, note: str) -> None:
    values = written(topic=topic, disposition=disposition, note=note)
    session.execute(update(Call).where(Call.id == call_id).values(**values))


def written(*, topic: str, disposition: str, note: str) -> dict[str, str | None]:
    """What an agent wrote, by column. Raises `InvalidError` for what is no topic, no outcome, or too long."""
    if len(note) > MAX_NOTE:
        raise InvalidError(f"La nota è troppo lunga: al massimo {MAX_NOTE} caratteri.")
    return {"topic": _one_of(Topic, topic), "disposition": _one_of(Disposition, disposition), "note": note}


def check_complete(topic: str | None, disposition: str | None) -> None:
    """Raise `InvalidError`, field by field, while topic or outcome is missing."""
    wrong = []
    if topic is None:
        wrong.append(InvalidError("Scegli l'argomento.", field="topic"))
    if disposition is None:
        wrong.append(InvalidError("Scegli l'esito.", field="disposition"))
    if wrong:
        raise InvalidError("Scegli l'argomento e l'esito prima di salvare.", parts=wrong)


def _free(session: Session, agent_id: int) -> None:
    at = clock.now(session)
    agents.change(
        session, agent_id,
        lambda now: presence.wrapped_up(now, at) if now.state is AgentState.WRAP_UP else now,
    )  # fmt: skip


def _unfinished(session: Session, agent_id: int) -> Select[Call]:
    def heard(key: str) -> ScalarSelect[int]:  # looked up call by call: an EXISTS might be planned as a join of logs
        return select(CallEvent.id).where(CallEvent.call_id == Call.id, CallEvent.key == key).scalar_subquery()

    return (
        select(Call)
        .where(
            Call.agent_id == agent_id, Call.arrived_at > clock.now(session) - SHIFT, Call.wrapped_up_at.is_not(None),
            heard(RAN_OUT).is_not(None), heard(SETTLED).is_(None),
        )
        .order_by(Call.wrapped_up_at.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )  # fmt: skip


def _lock_unfinished(session: Session, by: Principal, call_id: UUID) -> Call:
    """One of the agent's calls whose time ran out, locked: raises `ConflictError`."""
    by.require(Permission.CALLS_ANSWER)
    structlog.contextvars.bind_contextvars(call=str(call_id))
    service.lock_call(session, call_id)
    call = session.execute(_unfinished(session, by.user_id).where(Call.id == call_id)).scalar_one_or_none()
    if call is None:
        raise ConflictError("Questa chiamata è già stata conclusa.")
    return call


def _settle(session: Session, by: Principal, call_id: UUID, kind: str) -> None:
    service.note(session, call_id, kind, Heard(SETTLED, clock.now(session), detail=(("agent", str(by.user_id)),)))
    finish(session, call_id)
    touch(session, topics.agent(by.user_id))


def _disown(session: Session, call: CallRow) -> None:
    """Take a call from the contact it seemed to be about. The log keeps that his file was open, from when to when."""
    at = clock.now(session)
    files.close_for_call(session, call.id)
    opened = story.identification(session, call.id, call.contact_id) if call.contact_id else None
    if opened is not None:
        who = tuple((name, opened.detail[name]) for name in ("agent", "contact", "ente"))
        detail = (*who, ("opened_at", opened.occurred_at.isoformat()))
        heard = Heard(f"retracted:{call.contact_id}:{at.isoformat()}", at, detail=detail)
        service.note(session, call.id, story.RETRACTED, heard)
    story.withdraw(session, call)
    known_before = call.ente_id if call.proposed_by is ProposedBy.NOTICE_NUMBER else None  # the notice is the ente's
    line = lines.line(session, call.line)
    session.execute(
        update(Call).where(Call.id == call.id).values(contact_id=None, proposed_by=None, identified_at=None)
    )
    service.attribute(session, call.id, (line.ente_id if line else None) or known_before)


def _vouched(session: Session, call: CallRow, contact_id: int, spoken: Spoken) -> Spoken:
    """What a colleague established in this call before he passed it on holds for whoever goes on."""
    earlier = story.identification(session, call.id, contact_id) if call.identified_at is not None else None
    if earlier is None or spoken.right:
        return spoken
    said = earlier.detail
    relation = said.get("relation")
    return Spoken(
        Interlocutor(said["interlocutor"]), int(relation) if relation else None,
        tuple(filter(None, said["right"].split(","))),
    )  # fmt: skip


def _is_open(session: Session, by: Principal, call: CallRow) -> bool:
    """Whether the person's file is open to this agent, in this call."""
    if call.identified_at is None or call.contact_id is None:
        return False
    opening = file_queries.opening(session, by, contact_id=call.contact_id)
    return opening is not None and opening.call_id == call.id


def _meant(session: Session, agent_id: int) -> AgentState | None:
    found = floor(session).lock_agent(agent_id)
    return None if found is None else found[0].intended


def own_call(session: Session, by: Principal, call_id: UUID) -> CallRow:
    """The agent's current call, locked, and no other: raises `ConflictError`."""
    by.require(Permission.CALLS_ANSWER)
    structlog.contextvars.bind_contextvars(call=str(call_id))
    call = floor(session).whole_call(call_id, lock=True)
    busy_with = floor(session).call_of_agent(by.user_id)
    if call is None or busy_with != call_id or call.agent_id != by.user_id:  # a colleague who is consulted has it not
        raise ConflictError("Questa non è più la tua chiamata.")
    return call


def _one_of(kind: type[Topic] | type[Disposition], value: str) -> str | None:
    if not value:
        return None
    try:
        return kind(value).value
    except ValueError:
        raise InvalidError("Questa scelta non esiste: ricarica la pagina.") from None
