"""What an agent does with a thread of his: take it, write, say who it is, pass it on, close it."""

from collections.abc import Collection
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.contacts import queries as contacts
from crm.core import clock, topics
from crm.core.db import table_of, touch
from crm.core.errors import ConflictError, FieldError, InvalidError
from crm.files import queries as file_queries
from crm.files import service as files
from crm.files.gate import GateOutcome
from crm.files.models import Purpose
from crm.files.service import Spoken
from telephony.calls import whom
from telephony.calls.choices import Disposition, Topic
from telephony.calls.conversation import MAX_NOTE, keep_to_the_call, written
from telephony.calls.models import ProposedBy
from telephony.floor.current import floor
from telephony.lines import queries as lines
from telephony.queues import queries as queues
from telephony.texts import service, story
from telephony.texts.care import Care, care
from telephony.texts.lifecycle import WITH_AGENT, Ended, LiveThread, Missed, PassedOn, Replied, Taken
from telephony.texts.models import Closed, TextEvent, ThreadState

ANOTHER = "La persona proposta non è più quella: guarda con chi stai scrivendo."
NOT_YOURS = "Questa conversazione non è più tua."
MAX_DRAFT = 1600
TELLS = (
    "Il testo contiene un importo, un codice avviso o un codice fiscale, e non sai ancora con chi scrivi: prima "
    "identifica la persona."
)
HINTS = "Il testo può far capire che c'è un debito, e non sai ancora con chi scrivi: cambialo, o invialo comunque."
_EVENT = table_of(TextEvent)


def take(session: Session, by: Principal, *, thread_id: UUID) -> None:
    """Take what was offered; the thread comes to the front."""
    live = own_thread(session, by, thread_id)
    at = clock.now(session)
    service.apply(session, live.id, Taken(at, by.user_id), key=f"taken:{by.user_id}:{at.isoformat()}")
    _to_the_front(session, by, live.id)
    if live.contact_id is not None:
        _shown_gate(session, by, live)


def decline(session: Session, by: Principal, *, thread_id: UUID) -> None:
    """Leave what was offered to somebody else."""
    live = own_thread(session, by, thread_id)
    if live.thread.state is not ThreadState.OFFERED:
        raise ConflictError("L'hai già presa: passala a un'altra coda, o chiudila.")
    at = clock.now(session)
    service.apply(session, live.id, Missed(at, by.user_id), key=f"declined:{by.user_id}:{at.isoformat()}")


def choose(session: Session, by: Principal, *, thread_id: UUID | None) -> None:
    """Have one of his threads in front, or none: then the call is. What was in front has been seen."""
    by.require(Permission.CALLS_ANSWER)
    if thread_id is not None:
        live = own_thread(session, by, thread_id)
        if live.thread.state is ThreadState.OFFERED:
            take(session, by, thread_id=thread_id)
            return
    _to_the_front(session, by, thread_id)


def reply(
    session: Session, by: Principal, *, thread_id: UUID, body: str, once: str, sure: bool = False
) -> None:  # fmt: skip
    """Write to the citizen; `once` is the form's own, so that pressed twice it is sent once.

    Raises `InvalidError` at `body` for a text that is none, too long, or not to be told to whoever it is; what merely
    may tell of a debt is sent by who is `sure`.
    """
    live = _taken(session, by, thread_id)
    body = "\n".join(line.rstrip() for line in body.strip().splitlines())
    if not body:
        raise FieldError("Scrivi la risposta.", "body")
    match care(body, identified=is_identified(session, by, live), language=live.language):
        case Care.TELLS:
            raise FieldError(TELLS, "body")
        case Care.HINTS if not sure:
            raise FieldError(HINTS, "body")
    try:
        floor(session).say(live, body, cause=f"{by.user_id}:{_once(once)}", by=by)
    except InvalidError as error:
        raise FieldError(str(error.parts[0] if error.parts else error), "body") from None
    at = clock.now(session)
    service.apply(session, live.id, Replied(at, by.user_id), key=f"replied:{once}")
    floor(session).write_thread(live.id, draft="", seen_at=at)
    touch(session, topics.agent(by.user_id))


def draft(session: Session, by: Principal, *, thread_id: UUID, body: str, once: str) -> None:
    """Keep what is being written; it announces nothing. What has been sent meanwhile is no draft any more."""
    live = own_thread(session, by, thread_id)
    sent = select(_EVENT.c.id).where(_EVENT.c.thread_id == live.id, _EVENT.c.key == f"replied:{once}")
    if session.execute(sent).first() is not None:
        return
    floor(session).write_thread(live.id, draft=body[:MAX_DRAFT])


def account(
    session: Session, by: Principal, *, thread_id: UUID, topic: str, disposition: str, note: str
) -> None:  # fmt: skip
    """Keep what is written of it so far, as a call's notes are kept: whoever goes on with it finds it. Nothing is
    announced. Raises `InvalidError` for what is no topic, no outcome, or too long.
    """
    live = own_thread(session, by, thread_id)
    floor(session).write_thread(live.id, **written(topic=topic, disposition=disposition, note=note))


def propose(session: Session, by: Principal, *, thread_id: UUID, contact_id: int) -> None:
    """The agent found who may be writing. Nothing is disclosed yet."""
    live = _taken(session, by, thread_id)
    if is_identified(session, by, live):
        raise ConflictError("La persona è già stata identificata.")
    contact = contacts.get(session, contact_id)
    if live.contact_id != contact.id:
        story.withdraw(session, ente_id=live.ente_id, contact_id=live.contact_id, thread_id=live.id)
    service.attribute(session, live, contact.ente_id)
    floor(session).write_thread(
        live.id, contact_id=contact.id, proposed_by=ProposedBy.AGENT, language=contact.language
    )  # fmt: skip
    files.show_gate(session, by, contacts.same_person(session, contact_id), call_id=live.id)
    touch(session, topics.agent(by.user_id))


def identify(
    session: Session, by: Principal, *, thread_id: UUID, contact_id: int, spoken: Spoken | None = None
) -> None:  # fmt: skip
    """The agent established whom he writes with: the file opens, and the thread is on its timeline.

    Raises `InvalidError` while the ente wants more right answers, `ConflictError` when somebody else is proposed.
    """
    live = _taken(session, by, thread_id)
    if live.contact_id != contact_id:
        raise ConflictError(ANOTHER)
    if is_identified(session, by, live):  # pressed twice
        return
    keep_to_the_call(session, by, contact_id=contact_id)
    at, spoken = clock.now(session), spoken or Spoken()
    files.open_file(
        session, by, contact_id=contact_id, purpose=Purpose.TEXT, reason="", spoken=spoken, call_id=live.id
    )  # fmt: skip
    said = {
        "agent": str(by.user_id), "contact": str(contact_id), "ente": str(live.ente_id),
        "interlocutor": spoken.interlocutor.value, "right": ",".join(sorted(spoken.right)),
    }  # fmt: skip
    service.note(session, live, story.IDENTIFIED, key=f"identified:{contact_id}:{at.isoformat()}", detail=said)
    floor(session).write_thread(live.id, identified_at=at)
    story.tell(session, live.id)
    touch(session, topics.agent(by.user_id))


def turn_away(
    session: Session, by: Principal, *, thread_id: UUID, contact_id: int, outcome: GateOutcome,
    right: Collection[str] = (),
) -> None:  # fmt: skip
    """The file stays closed. Whoever is somebody else is proposed no longer."""
    live = _taken(session, by, thread_id)
    if live.contact_id != contact_id or is_identified(session, by, live):
        raise ConflictError(ANOTHER)
    files.refuse(session, by, contact_id=contact_id, outcome=outcome, right=right, call_id=live.id)
    at = clock.now(session)
    said = {"agent": str(by.user_id), "contact": str(contact_id), "outcome": outcome.value}
    service.note(session, live, "GateRefused", key=f"gate:{contact_id}:{at.isoformat()}", detail=said)
    if outcome is GateOutcome.WRONG_PERSON:
        _disown(session, live)
    touch(session, topics.agent(by.user_id))


def retract(session: Session, by: Principal, *, thread_id: UUID, contact_id: int) -> None:
    """It is not this person after all: the file closes, and the thread is nobody's."""
    live = _taken(session, by, thread_id)
    if live.contact_id != contact_id:
        raise ConflictError(ANOTHER)
    at = clock.now(session)
    said = {"agent": str(by.user_id), "contact": str(contact_id), "ente": str(live.ente_id)}
    service.note(session, live, story.RETRACTED, key=f"retracted:{contact_id}:{at.isoformat()}", detail=said)
    _disown(session, live)
    touch(session, topics.agent(by.user_id))


def pass_on(
    session: Session, by: Principal, *, thread_id: UUID, queue_id: int | None = None, agent_id: int | None = None
) -> None:  # fmt: skip
    """Give it to another queue, or to a colleague on duty: he is offered it first. The file closes."""
    live = _taken(session, by, thread_id)
    reach = whom.reachable(session, by, live)
    if agent_id is not None and agent_id not in {one.agent_id for one in reach.colleagues}:
        raise ConflictError("Questo collega non è più in servizio: scegli un altro.")
    to = live.thread.queue_id if queue_id is None else queue_id
    if to not in {one.id for one in reach.queues}:
        raise ConflictError("Questa coda non esiste: ricarica la pagina.")
    at = clock.now(session)
    event = PassedOn(at, to, queues.queue(session, to).domain, agent_id)
    service.apply(session, live.id, event, key=f"passed:{at.isoformat()}", detail={"by": str(by.user_id)})
    _to_the_front(session, by, None)


def close(
    session: Session, by: Principal, *, thread_id: UUID, topic: str, disposition: str, note: str
) -> None:  # fmt: skip
    """The agent is done: topic and outcome are set. Raises `InvalidError`, field by field, while one is missing."""
    live = _taken(session, by, thread_id)
    wrong = []
    if topic not in set(Topic):
        wrong.append(InvalidError("Scegli l'argomento.", field="topic"))
    if disposition not in set(Disposition):
        wrong.append(InvalidError("Scegli l'esito.", field="disposition"))
    if len(note) > MAX_NOTE:
        wrong.append(InvalidError(f"La nota è troppo lunga: al massimo {MAX_NOTE} caratteri.", field="note"))
    if wrong:
        raise InvalidError("Scegli l'argomento e l'esito prima di chiudere.", parts=wrong)
    floor(session).write_thread(live.id, topic=topic, disposition=disposition, note=note.strip(), draft="")
    at = clock.now(session)
    service.apply(session, live.id, Ended(at, Closed.DONE), key=f"closed:{at.isoformat()}")
    if disposition == Disposition.WRONG_PERSON and live.contact_id is not None:
        _disown(session, live)
    _to_the_front(session, by, None)


def is_identified(session: Session, by: Principal, live: LiveThread) -> bool:
    """Whether the person's file is open to this agent, in this thread."""
    if live.contact_id is None:
        return False
    opening = file_queries.opening(session, by, contact_id=live.contact_id)
    return opening is not None and opening.call_id == live.id


def own_thread(session: Session, by: Principal, thread_id: UUID) -> LiveThread:
    """One of the agent's threads, locked, offered or taken: raises `ConflictError` for any other."""
    by.require(Permission.CALLS_ANSWER)
    structlog.contextvars.bind_contextvars(thread=str(thread_id))
    live = floor(session).lock_thread(thread_id)
    if live is None or live.thread.agent_id != by.user_id or live.thread.state not in WITH_AGENT:
        raise ConflictError(NOT_YOURS)
    return live


def _taken(session: Session, by: Principal, thread_id: UUID) -> LiveThread:
    live = own_thread(session, by, thread_id)
    if live.thread.state is ThreadState.OFFERED:
        raise ConflictError("Prima prendi la conversazione.")
    return live


def _to_the_front(session: Session, by: Principal, thread_id: UUID | None) -> None:
    floor(session).to_the_front(by.user_id, thread_id, at=clock.now(session))
    touch(session, topics.agent(by.user_id))


def _shown_gate(session: Session, by: Principal, live: LiveThread) -> None:
    assert live.contact_id is not None
    files.show_gate(session, by, contacts.same_person(session, live.contact_id), call_id=live.id)


def _disown(session: Session, live: LiveThread) -> None:
    """Take a thread from the contact it seemed to be about."""
    files.close_for_call(session, live.id)
    story.withdraw(session, ente_id=live.ente_id, contact_id=live.contact_id, thread_id=live.id)
    floor(session).write_thread(live.id, contact_id=None, proposed_by=None, identified_at=None)
    line = lines.line(session, live.line)
    if line is not None and line.ente_id is None:
        service.attribute(session, live, None)


def _once(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise FieldError("Ricarica la pagina e riprova.", "body") from None
