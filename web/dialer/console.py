"""An operator's part in a campaign, on his console: in which, whose telephone rings, what to say, who wants to be
called later; and of who phones us, which campaign called him.
"""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core import clock
from outbound.dialer import queries
from outbound.dialer.queries import Before, Called, Part
from telephony.agents.models import AgentPresence
from telephony.calls.models import Call, Phase


@dataclass(frozen=True, slots=True)
class Beside:
    """What the console says of campaigns. `talks`: he speaks with somebody whom one called, or who calls it back."""

    part: Part | None = None
    called: Called | None = None
    calls_back: bool = False
    talks: bool = False
    today: date | None = None
    before: Before | None = None  # whom he may call now

    def __bool__(self) -> bool:
        return any((self.part, self.called, self.before))


def read(session: Session, agent_id: int) -> Beside:
    """What is to be said now."""
    part = queries.part_of(session, agent_id)
    which = select(Call).join(AgentPresence, AgentPresence.call_id == Call.id)
    call = session.scalars(which.where(AgentPresence.agent_id == agent_id, Call.agent_id == agent_id)).one_or_none()
    called, calls_back = None, False
    if call is not None and call.placed and not call.seated:
        called = queries.of_call(session, call.id)
    elif call is not None and not call.placed and call.caller is not None:
        called = queries.called(session, call.caller, before=call.arrived_at, ente_id=call.ente_id)
        calls_back = called is not None
    talks = call is not None and call.phase in {Phase.TALKING, Phase.ENDED}
    before = queries.before(session, agent_id) if called is None else None
    return Beside(part, called, calls_back, talks, clock.business_day(clock.now(session)), before)
