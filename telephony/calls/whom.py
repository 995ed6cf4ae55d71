"""With whom an agent may speak about his call, and to whom he may pass it on."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, any_, select
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission, Principal
from crm.contacts.phone import is_of_usual_price, spaced
from crm.core import clock
from crm.enti import details
from telephony.agents.models import AgentPresence, AgentState
from telephony.calls.events import LegEnd
from telephony.calls.models import AgentLeg, LegRole
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


class Why(StrEnum):
    """Why somebody whom the agent asked is not there."""

    BUSY = "busy"
    NO_ANSWER = "no_answer"
    FAILED = "failed"  # he could not be called
    GONE = "gone"  # he answered, and is on the line no more


_WHY: dict[str, Why] = {LegEnd.BUSY: Why.BUSY, LegEnd.NO_ANSWER: Why.NO_ANSWER, LegEnd.TIMED_OUT: Why.NO_ANSWER}


@dataclass(frozen=True, slots=True)
class Missing:
    """Whom the agent asked while the caller is on hold, and who is not there (any more)."""

    name: str
    why: Why


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


def missing(session: Session, call: CallRow) -> Missing | None:
    """The last one whom the agent asked since the caller is on hold, unless he is there."""
    if call.held_since is None or call.party_leg_id is not None:
        return None
    asked = AgentLeg.call_id == call.id, AgentLeg.role == LegRole.PARTY, AgentLeg.offered_at >= call.held_since
    leg = session.scalar(select(AgentLeg).where(*asked).order_by(AgentLeg.offered_at.desc()).limit(1))
    if leg is None:
        return None
    colleague = access.named(session, [leg.agent_id]).get(leg.agent_id, "") if leg.agent_id is not None else ""
    why = Why.GONE if leg.answered_at is not None else _WHY.get(leg.end_reason or "", Why.FAILED)
    return Missing(colleague or outside_name(session, call, leg.id), why)


def outside_name(session: Session, call: CallRow, leg_id: UUID | None) -> str:
    """Whose number outside it is that was rung by this leg: the office's, else the number itself."""
    number = _number_called(session, leg_id)
    return _office_of(session, call, number) or (spaced(number) if number else "")


def office_called(session: Session, call: CallRow) -> str | None:
    """The office whose number is rung for a call, if it is one's."""
    return _office_of(session, call, _number_called(session, call.party_leg_id))


def _office_of(session: Session, call: CallRow, number: str) -> str | None:
    offices = details.offices(session, call.ente_id) if call.ente_id is not None else ()
    return next((one.name for one in offices if one.phone == number), None)


def _number_called(session: Session, leg_id: UUID | None) -> str:
    return session.scalar(select(AgentLeg.number).where(AgentLeg.id == leg_id)) or ""


def _on_duty(session: Session, call: CallRow) -> tuple[ColumnElement[bool], ...]:
    kept_away = () if call.ente_id is None else (call.ente_id != AgentPresence.not_for.all_(),)
    return (
        AgentPresence.state != AgentState.OFFLINE, AgentPresence.live_until > clock.now(session),
        call.contract_id == any_(AgentPresence.answers_for), *kept_away,
    )  # fmt: skip
