"""An agent's seat in a campaign, pure: a call in which he waits alone for whoever answers of those who are called.

Until somebody does, nobody has been called in it, so that its end concerns the agent alone. From then on it is as any
call that is placed.
"""

from dataclasses import replace
from datetime import datetime

from crm.levels.metering import EndedBy, FactKind
from telephony.calls.events import AgentMove, CallState, Fact, Move, Order, SeatEvent, SeatTaken, Step
from telephony.calls.models import Phase
from telephony.commands.models import CommandKind


def in_seat(state: CallState, event: SeatEvent) -> Step:
    """Somebody comes to the agent, or nobody will."""
    if isinstance(event, SeatTaken):
        waits = state.seated and state.phase is Phase.JOINING and event.leg_id == state.leg_id
        return Step(replace(state, seated=False) if waits else state)
    if not state.seated or state.phase not in {Phase.RINGING, Phase.JOINING}:
        return Step(state)
    return seat_over(state, event.at, Move.FREE, ends=True)


def seat_over(state: CallState, at: datetime, move: Move, *, ends: bool) -> Step:
    """The agent is in it no more; `ends`: his telephone has to be told."""
    assert state.agent_id is not None
    over = replace(state, phase=Phase.ENDED, seated=False, leg_id=None, agent_id=None, ended_at=at)
    return Step(
        over,
        orders=(Order(CommandKind.END_LEG, state.leg_id),) if ends else (),
        moves=(AgentMove(state.agent_id, move),),
        facts=(Fact(FactKind.LEFT, at, state.waited_ms, ended_by=EndedBy.SYSTEM),),
    )
