"""What an agent does with whom he talks to: put on hold, ask somebody else, pass on, ask for help."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.contacts.phone import is_of_usual_price, typed_number
from crm.core import clock, topics
from crm.core.db import new_id, signal, touch
from crm.core.errors import ConflictError, InvalidError
from crm.enti import details
from telephony.calls import service, whom
from telephony.calls.conversation import own_call
from telephony.calls.events import (
    BackAsked,
    ConsultAsked,
    HoldAsked,
    PartyLeaveAsked,
    PassAsked,
    PassToQueueAsked,
    TalkEvent,
    TogetherAsked,
)
from telephony.calls.models import Phase
from telephony.calls.service import Heard
from telephony.commands import service as commands
from telephony.floor.current import floor
from telephony.floor.port import CallRow
from telephony.queues import queries as queues
from telephony.queues.events import MatchDue
from telephony.queues.routing import MEANT_S, PASSED_S

NOT_TALKING = "La conversazione non è in corso."
NOT_FREE = "Questo collega non è più libero: scegline un altro, o una coda."
NOT_THERE = "Chi hai chiamato non è più in linea: riprendi la conversazione, o chiama qualcun altro."
NOT_ALLOWED = "Si può passare la chiamata solo agli uffici di questo ente: chiedi a un supervisore."


def hold(session: Session, by: Principal, *, call_id: UUID) -> None:
    """The caller hears music, and neither hears nor is heard. Asked twice, it is done once."""
    call = _talking(session, by, call_id)
    _ask(session, call, HoldAsked(clock.now(session), by.user_id))


def back(session: Session, by: Principal, *, call_id: UUID) -> None:
    """Take the caller up again, alone."""
    call = _talking(session, by, call_id)
    _ask(session, call, BackAsked(clock.now(session), by.user_id))


def consult(
    session: Session, by: Principal, *, call_id: UUID, agent_id: int | None = None, number: str = ""
) -> None:  # fmt: skip
    """Ring a colleague, or a number outside, while the caller is on hold. Raises `ConflictError` for one not free."""
    call = _talking(session, by, call_id)
    _no_party(call)
    dialled = _dialled(session, by, call, number) if agent_id is None else None
    if agent_id is not None:
        _check_free(session, call, agent_id)
    leg_id = new_id(session)
    _ask(session, call, ConsultAsked(clock.now(session), by.user_id, leg_id, agent_id))
    if dialled is not None:
        floor(session).write_leg(leg_id, number=dialled)


def together(session: Session, by: Principal, *, call_id: UUID) -> None:
    """All three hear each other."""
    call = _talking(session, by, call_id)
    if call.party_leg_id is None:
        raise ConflictError(NOT_THERE)
    if not call.party_joined:
        raise ConflictError("Chi hai chiamato non ha ancora risposto.")
    _ask(session, call, TogetherAsked(clock.now(session), by.user_id))


def pass_on(session: Session, by: Principal, *, call_id: UUID) -> None:
    """Leave the caller to whom the agent consults."""
    call = _talking(session, by, call_id)
    if call.party_leg_id is None:
        raise ConflictError(NOT_THERE)
    if call.party_agent_id is not None and not call.party_joined:
        raise ConflictError("Chi hai chiamato non ha ancora risposto.")
    to = f"agent:{call.party_agent_id}" if call.party_agent_id else f"outside:{whom.office_called(session, call) or ''}"
    _ask(session, call, PassAsked(clock.now(session), by.user_id), to=to)


def pass_outside(session: Session, by: Principal, *, call_id: UUID, number: str) -> None:
    """Connect the caller with a number outside, without speaking with it first."""
    consult(session, by, call_id=call_id, number=number)
    session.expire_all()
    pass_on(session, by, call_id=call_id)


def pass_to_queue(session: Session, by: Principal, *, call_id: UUID, queue_id: int, first: bool) -> None:
    """The caller waits in a queue of his contract: next in turn, or with that queue's priority."""
    call = _talking(session, by, call_id)
    _no_party(call)
    found = next((one for one in queues.queues(session, frozenset({call.contract_id})) if one.id == queue_id), None)
    if found is None:
        raise InvalidError("Questa coda non esiste più: ricarica la pagina.", field="queue")
    priority = {} if first else {"priority": found.priority}
    _requeue(session, by, call, f"queue:{found.name}", queue_id=queue_id, **priority)


def pass_to_agent(session: Session, by: Principal, *, call_id: UUID, agent_id: int) -> None:
    """A colleague's telephone rings for the caller; should he not answer, whoever is free of the queue takes him."""
    call = _talking(session, by, call_id)
    _no_party(call)
    _check_free(session, call, agent_id)
    queue_id = call.in_queue_id or call.queue_id
    assert queue_id is not None
    _requeue(session, by, call, f"agent:{agent_id}", queue_id=queue_id, meant_for=agent_id)


def leave_consultation(session: Session, by: Principal, *, call_id: UUID) -> None:
    """The colleague who was asked has said what he had to say."""
    by.require(Permission.CALLS_ANSWER)
    call = floor(session).whole_call(call_id, lock=True)
    if call is None or call.party_agent_id != by.user_id:
        raise ConflictError("Questa consultazione è già finita.")
    _ask(session, call, PartyLeaveAsked(clock.now(session), by.user_id))


def ask_help(session: Session, by: Principal, *, call_id: UUID, wanted: bool) -> None:
    """Call a supervisor to the conversation, or say that it is not needed any more."""
    call = _talking(session, by, call_id)
    if (call.help_since is not None) is wanted:
        return
    at = clock.now(session)
    floor(session).write_call(call.id, help_since=at if wanted else None)
    kind = "HelpAsked" if wanted else "HelpTakenBack"
    service.note(session, call.id, kind, Heard(f"{kind}:{at.isoformat()}", at, detail=(("agent", str(by.user_id)),)))
    touch(session, topics.agent(by.user_id), topics.board(call.contract_id))


# -- parts ------------------------------------------------------------------------------------------------------


def _talking(session: Session, by: Principal, call_id: UUID) -> CallRow:
    call = own_call(session, by, call_id)
    if call.phase is not Phase.TALKING or call.closing:
        raise ConflictError(NOT_TALKING)
    return call


def _no_party(call: CallRow) -> None:
    if call.party_leg_id is not None:
        raise ConflictError("C'è già un'altra persona in consultazione: prima torna al cittadino.")


def _ask(session: Session, call: CallRow, event: TalkEvent, **more: str) -> None:
    name, agent_id = type(event).__name__, getattr(event, "agent_id", None)
    detail: tuple[tuple[str, str], ...] = (("agent", str(agent_id)),)
    if isinstance(event, ConsultAsked):
        detail += (("with", str(event.party_agent_id or "outside")),)
    heard = Heard(f"{name}:{event.at.isoformat()}", event.at, detail=(*detail, *more.items()))
    service.apply(session, call.id, event, heard)
    touch(session, topics.agent(agent_id or 0))


def _requeue(session: Session, by: Principal, call: CallRow, to: str, *, queue_id: int, **entry: int) -> None:
    """Back into a queue; next in turn unless `entry` says otherwise."""
    at: datetime = clock.now(session)
    floor(session).write_call(call.id, in_queue_id=queue_id)
    _ask(session, call, PassToQueueAsked(at, by.user_id), to=to)
    domain = queues.queue(session, queue_id).domain
    values = {"queue_id": queue_id, "domain": domain, "knows": None, "meant_for": None, **entry}
    floor(session).write_entry(call.id, passed_by=by.user_id, **values)
    due = {at + timedelta(seconds=one) for one in (MEANT_S, PASSED_S)}
    commands.arm_widening(session, call_id=call.id, contract_id=call.contract_id, due=sorted(due))
    signal(session, MatchDue(domain))


def _check_free(session: Session, call: CallRow, agent_id: int) -> None:
    ours = queues.open_ids(session, call.contract_id)
    for domain in queues.domains(session, frozenset({call.contract_id})):
        for one in floor(session).free_agents(domain, clock.now(session)):
            if one.agent_id == agent_id and call.ente_id not in one.not_for and ours & one.queues.keys():
                return
    raise ConflictError(NOT_FREE)


def _dialled(session: Session, by: Principal, call: CallRow, number: str) -> str:
    """The number, if it may be dialled: an office of the call's ente, or any usual one by permission."""
    found = typed_number(number)
    if found is None:
        raise InvalidError("Scrivi un numero di telefono italiano completo.", field="number")
    if not is_of_usual_price(found):
        raise InvalidError("Si può chiamare solo un numero italiano fisso, mobile o verde.", field="number")
    offices = details.offices(session, call.ente_id) if call.ente_id is not None else ()
    if any(office.phone == found for office in offices):
        return found
    if not by.can(Permission.CALLS_OUTSIDE, contract_id=call.contract_id):
        raise InvalidError(NOT_ALLOWED, field="number")
    return found
