"""With whom an agent may speak about his call, and to whom he may pass it on."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, any_, select
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission, Principal
from crm.contacts.phone import is_of_usual_price, spaced
from crm.core import clock
from crm.enti import details
from telephony.agents.models import AgentPresence, AgentState
from telephony.calls.models import AgentLeg
from telephony.floor.port import CallRow
from telephony.queues import queries as queues
from telephony.queues.queries import QueueView


@dataclass(frozen=True, slots=True)
class Colleague:
    agent_id: int
    name: str
    state: AgentState
    is_free: bool


@dataclass(frozen=True, slots=True)
class OutsideNumber:
    """A number that the ente gives: of one of its offices, with what that is competent for."""

    name: str
    number: str
    competent_for: str


@dataclass(frozen=True, slots=True)
class Reachable:
    """Whom this agent may choose for this call. `any_number`: also numbers that are in no list."""

    queues: tuple[QueueView, ...]
    colleagues: tuple[Colleague, ...]
    outside: tuple[OutsideNumber, ...]
    any_number: bool


def reachable(session: Session, by: Principal, call: CallRow) -> Reachable:
    """The contract's queues, the colleagues on duty who serve its ente (the free ones first), the ente's offices."""
    rows = session.execute(
        select(
            AgentPresence.agent_id,
            AgentPresence.state,
            AgentPresence.device.is_not(None) | AgentPresence.rings_at.is_not(None),
        ).where(*_on_duty(session, call))
    ).all()
    names = access.named(session, [agent_id for agent_id, _, _ in rows])
    colleagues = [
        Colleague(agent_id, names[agent_id], state, state is AgentState.READY and can_be_rung)
        for agent_id, state, can_be_rung in rows
        if agent_id != by.user_id and agent_id in names
    ]
    offices = details.offices(session, call.ente_id) if call.ente_id is not None else ()
    return Reachable(
        queues.queues(session, frozenset({call.contract_id})),
        tuple(sorted(colleagues, key=lambda one: (not one.is_free, one.name))),
        tuple(
            OutsideNumber(one.name, one.phone, one.competent_for)
            for one in offices
            if one.phone and is_of_usual_price(one.phone)
        ),
        by.can(Permission.CALLS_OUTSIDE, contract_id=call.contract_id),
    )


def outside_name(session: Session, call: CallRow) -> str:
    """Whose number outside it is that was rung last for a call: the office's, else the number itself."""
    number = _number_called(session, call)
    return office_called(session, call) or (spaced(number) if number else "")


def office_called(session: Session, call: CallRow) -> str | None:
    """The office whose number was rung last for a call, if it is one's."""
    number = _number_called(session, call)
    offices = details.offices(session, call.ente_id) if call.ente_id is not None else ()
    return next((one.name for one in offices if one.phone == number), None)


def _number_called(session: Session, call: CallRow) -> str:
    return session.scalar(select(AgentLeg.number).where(AgentLeg.id == call.party_leg_id)) or ""


def _on_duty(session: Session, call: CallRow) -> tuple[ColumnElement[bool], ...]:
    kept_away = () if call.ente_id is None else (call.ente_id != AgentPresence.not_for.all_(),)
    return (
        AgentPresence.state != AgentState.OFFLINE, AgentPresence.live_until > clock.now(session),
        call.contract_id == any_(AgentPresence.answers_for), *kept_away,
    )  # fmt: skip
