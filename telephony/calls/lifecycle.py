"""The life cycle of a call, pure: a state and an event in; a state, commands, agents' moves and facts out.

Carriers guarantee neither order nor once. An event that does not fit the state (late, duplicated, about a leg
that is no longer the current one) changes nothing; a leg that answers too late is ended.
"""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from crm.levels.metering import EndedBy, FactKind, ms_between
from telephony.calls.events import (
    AgentAnswered,
    AgentClaimed,
    AgentMove,
    CallbackAsked,
    CallbackEvent,
    CallbackGivenUp,
    CallbackServed,
    CallerJoined,
    CallerLeft,
    CallerQueued,
    CallState,
    CitizenMissed,
    Event,
    Fact,
    HangUpAsked,
    LegEnd,
    LegEnded,
    MachineAnswered,
    Move,
    Order,
    Party,
    RingRefused,
    SeatLeft,
    SeatTaken,
    Step,
    at_rest,
    waited_until,
)
from telephony.calls.models import Phase
from telephony.calls.seating import in_seat, seat_over
from telephony.calls.talking import in_talk, left_to_party, nobody_outside, party_answered, party_ended, without_party
from telephony.commands.models import CommandKind

UNSERVED = frozenset({Phase.WAITING, Phase.RINGING, Phase.JOINING})
WITH_LEG = frozenset({Phase.RINGING, Phase.JOINING, Phase.TALKING, Phase.OUTSIDE})


def advance(state: CallState, event: Event) -> Step:
    """Fold one event into a call's state. Total: every event is allowed in every state."""
    match event:
        case CallerQueued():
            return _queued(state, event)
        case AgentClaimed():
            return _claimed(state, event)
        case AgentAnswered():
            return _answered(state, event)
        case CallerJoined():
            return _joined(state, event)
        case LegEnded():
            return _leg_ended(state, event)
        case RingRefused():
            return _ring_refused(state, event)
        case HangUpAsked():
            return _hang_up(state, event)
        case CallerLeft():
            return _caller_left(state, event)
        case CallbackAsked() | CitizenMissed() | CallbackGivenUp() | CallbackServed() | MachineAnswered():
            step = _about_callback(state, event)
        case SeatTaken() | SeatLeft():
            step = in_seat(state, event)
        case _:
            step = in_talk(state, event)
    return step


def _queued(state: CallState, event: CallerQueued) -> Step:
    if state.phase is not Phase.IVR:
        return Step(state)
    queued = replace(state, phase=Phase.WAITING, waiting_since=None if event.away else event.at, away=event.away)
    facts = (Fact(FactKind.ENTERED, event.at, 0),)
    return Step(queued, facts=(*facts, Fact(FactKind.CALLBACK, event.at, 0)) if event.away else facts)


def _claimed(state: CallState, event: AgentClaimed) -> Step:
    if state.phase is not Phase.WAITING:
        return Step(state)
    claimed = replace(state, phase=Phase.RINGING, leg_id=event.leg_id, agent_id=event.agent_id)
    return Step(
        claimed,
        orders=(Order(CommandKind.RING_AGENT, event.leg_id),),
        moves=(AgentMove(event.agent_id, Move.RING),),
    )


def _answered(state: CallState, event: AgentAnswered) -> Step:
    if state.party is not None and event.leg_id == state.party.leg_id and state.phase is not Phase.ENDED:
        return party_answered(state, state.party)
    if event.leg_id != state.leg_id:
        return Step(state, orders=(Order(CommandKind.END_LEG, event.leg_id),))
    if state.phase is not Phase.RINGING:
        return Step(state)
    if state.seated:
        return Step(replace(state, phase=Phase.JOINING))
    kind = CommandKind.CALL_BACK if state.away else CommandKind.CONNECT_CALLER
    return Step(replace(state, phase=Phase.JOINING), orders=(Order(kind, event.leg_id),))


def _joined(state: CallState, event: CallerJoined) -> Step:
    if state.phase is Phase.ENDED:
        return _had_joined(state, event)
    if state.phase is not Phase.JOINING or event.leg_id != state.leg_id or state.agent_id is None or state.seated:
        return Step(state)
    waited = waited_until(state, event.at)
    talking = replace(
        state, phase=Phase.TALKING, waiting_since=None, waited_ms=waited, served=True, talking_since=event.at,
        away=False,
        passed=False,
    )  # fmt: skip
    return Step(
        talking,
        moves=(AgentMove(state.agent_id, Move.TALK),),
        facts=(Fact(FactKind.SERVED, event.at, waited, state.agent_id),),
    )


def may_have_joined(state: CallState, leg_id: UUID) -> bool:
    """Whether he is, or at his end was, on his way to the agent of this leg, and nothing has told that he arrived."""
    there = state.party.leg_id if state.phase is Phase.ENDED and state.party is not None else None
    return leg_id == (state.leg_id if state.phase is Phase.JOINING else there)


def _had_joined(state: CallState, event: CallerJoined) -> Step:
    """The caller's end was told before the beginning of his conversation: he waited for less, and was served."""
    there = state.party
    if there is None or there.leg_id != event.leg_id or state.ended_at is None:
        return Step(state)
    talked = min(ms_between(event.at, state.ended_at), state.waited_ms)
    at = state.ended_at - timedelta(milliseconds=talked)
    waited = state.waited_ms - talked
    served = replace(
        state, party=None, leg_id=there.leg_id, agent_id=there.agent_id, served=True, waited_ms=waited,
        talked_ms=state.talked_ms + talked,
    )  # fmt: skip
    return Step(served, facts=(Fact(FactKind.SERVED, at, waited, there.agent_id),))


def _parted(state: CallState, event: LegEnded) -> Step:
    """The agent hung up, and is gone; the caller's line may go on for as long as the order to end it takes."""
    if event.leg_id != state.leg_id or not state.closing or state.parted_at is not None:
        return Step(state)
    parted = replace(state, parted_at=event.at)
    if state.ended_at is None:  # the caller's end closes the call
        return Step(parted)
    alone = min(ms_between(event.at, state.ended_at), state.talked_ms)
    if not alone:
        return Step(state)
    at = state.ended_at - timedelta(milliseconds=alone)
    fact = Fact(FactKind.PARTED, at, state.waited_ms, state.agent_id)
    return Step(replace(parted, talked_ms=state.talked_ms - alone), facts=(fact,))


def _leg_ended(state: CallState, event: LegEnded) -> Step:
    if state.phase is Phase.ENDED:
        return _parted(state, event)
    if state.party is not None and event.leg_id == state.party.leg_id:
        return party_ended(state, state.party, event)
    if event.leg_id != state.leg_id or state.agent_id is None:
        return Step(state)
    if state.seated:
        timed_out = state.phase is Phase.RINGING and event.reason is LegEnd.TIMED_OUT
        return seat_over(state, event.at, Move.MISSED, ends=timed_out)
    without = replace(state, leg_id=None, agent_id=None)
    if state.phase is Phase.RINGING:
        ended = event.reason is LegEnd.TIMED_OUT
        return Step(
            replace(without, phase=Phase.WAITING),
            orders=(Order(CommandKind.END_LEG, event.leg_id),) if ended else (),
            moves=(AgentMove(state.agent_id, Move.MISSED),),
        )
    if state.phase is Phase.JOINING:
        kind = CommandKind.END_CALLER if state.away else CommandKind.REQUEUE_CALLER  # his telephone stops ringing
        return Step(
            replace(without, phase=Phase.WAITING),
            orders=(Order(kind, event.leg_id if state.away else None),),
            moves=(AgentMove(state.agent_id, Move.FREE),),
        )
    if state.closing:
        return _parted(state, event)
    if state.party is not None and state.party.joined and state.held_since is None:
        return left_to_party(state, state.party, event, state.agent_id)
    gone, let_go = without_party(state)
    return Step(
        replace(
            at_rest(gone, event.at), phase=Phase.WAITING, leg_id=None, agent_id=None, room_id=None,
            waiting_since=event.at, passed=False,
        ),
        orders=(Order(CommandKind.REQUEUE_CALLER), *let_go.orders),
        moves=(AgentMove(state.agent_id, Move.FREE), *let_go.moves),
        facts=(Fact(FactKind.RETURNED, event.at, state.waited_ms, state.agent_id),),
    )  # fmt: skip


def _ring_refused(state: CallState, event: RingRefused) -> Step:
    if state.phase is Phase.ENDED:
        return Step(state)
    if state.party is not None and event.leg_id == state.party.leg_id and not state.party.joined:
        if state.phase is Phase.OUTSIDE:
            return nobody_outside(state, event.at, ())
        alone, let_go = without_party(state)
        return Step(alone, moves=let_go.moves)
    if event.leg_id != state.leg_id or state.phase is not Phase.RINGING or state.agent_id is None:
        return Step(state)
    if state.seated:
        return seat_over(state, event.at, Move.FREE, ends=False)
    waiting = replace(state, phase=Phase.WAITING, leg_id=None, agent_id=None)
    return Step(waiting, moves=(AgentMove(state.agent_id, Move.FREE),))


def _hang_up(state: CallState, event: HangUpAsked) -> Step:
    if state.phase is not Phase.TALKING or event.agent_id != state.agent_id:
        return Step(state)
    closing = replace(state, closing=True)
    if event.survey and not state.closing:  # for all but the caller it is over: what he still hears is no conversation
        over = _caller_left(closing, CallerLeft(event.at))
        return replace(over, orders=(Order(CommandKind.SURVEY), *over.orders))
    ends = Order(CommandKind.END_CALLER), Order(CommandKind.END_LEG, state.leg_id)
    return Step(closing, orders=(*ends, *without_party(state)[1].orders))


def _about_callback(state: CallState, event: CallbackEvent) -> Step:
    match event:
        case CallbackAsked():
            return _called_back(state, event)
        case CitizenMissed():
            return _citizen_missed(state, event)
        case CallbackGivenUp():
            return _given_up(state, event)
        case CallbackServed():
            return _served_elsewhere(state, event)
        case MachineAnswered():
            return _machine(state, event)


def _called_back(state: CallState, event: CallbackAsked) -> Step:
    if state.phase is not Phase.WAITING or state.away:
        return Step(state)
    waited = waited_until(state, event.at)
    away = replace(state, away=True, waiting_since=None, waited_ms=waited)
    return Step(away, facts=(Fact(FactKind.CALLBACK, event.at, waited),))


def _citizen_missed(state: CallState, event: CitizenMissed) -> Step:
    coming = state.away and not state.seated and state.phase is Phase.JOINING and event.leg_id == state.leg_id
    if not coming or state.agent_id is None:
        return Step(state)
    return Step(
        replace(state, phase=Phase.WAITING, leg_id=None, agent_id=None),
        orders=(Order(CommandKind.END_LEG, event.leg_id),),
        moves=(AgentMove(state.agent_id, Move.FREE),),
    )


def _given_up(state: CallState, event: CallbackGivenUp) -> Step:
    if not state.away or state.phase is not Phase.WAITING:
        return Step(state)
    fact = Fact(FactKind.LEFT, event.at, state.waited_ms, ended_by=EndedBy.SYSTEM)
    return Step(replace(state, phase=Phase.ENDED, ended_at=event.at), facts=(fact,))


def _served_elsewhere(state: CallState, event: CallbackServed) -> Step:
    if not state.away or state.phase is not Phase.WAITING:
        return Step(state)
    served = Fact(FactKind.SERVED, event.at, state.waited_ms, event.agent_id)
    left = Fact(FactKind.LEFT, event.at, state.waited_ms, event.agent_id, EndedBy.AGENT)
    over = replace(state, phase=Phase.ENDED, away=False, served=True, ended_at=event.at)
    return Step(over, facts=(served, left))


def _machine(state: CallState, event: MachineAnswered) -> Step:
    """Nobody has been reached: what was counted as an answer was none, and he is called again."""
    engaged = state.closing or state.party is not None or state.held_since is not None
    if state.phase is not Phase.TALKING or event.agent_id != state.agent_id or engaged:
        return Step(state)
    again = replace(
        state, phase=Phase.WAITING, away=True, served=state.talked_ms > 0, leg_id=None, agent_id=None,
        talking_since=None, room_id=None,
    )  # fmt: skip
    return Step(
        again,
        orders=(Order(CommandKind.END_CALLER, state.leg_id), Order(CommandKind.END_LEG, state.leg_id)),
        moves=(AgentMove(event.agent_id, Move.PASSED),),
        facts=(Fact(FactKind.NOT_REACHED, event.at, state.waited_ms, event.agent_id),),
    )


def _caller_left(state: CallState, event: CallerLeft) -> Step:
    if state.phase is Phase.ENDED or state.away:
        return Step(state)
    waited = waited_until(state, event.at)
    alone, let_go = without_party(state)
    over_at = min(event.at, state.parted_at or event.at)
    ended = replace(
        at_rest(alone, over_at), phase=Phase.ENDED, waiting_since=None, waited_ms=waited, passed=False, room_id=None,
        ended_at=event.at,
    )  # fmt: skip
    orders, moves = let_go.orders, let_go.moves
    if state.phase in {Phase.RINGING, Phase.JOINING, Phase.TALKING} and state.agent_id is not None:
        orders = (Order(CommandKind.END_LEG, state.leg_id), *orders)
        after = Move.WRAP_UP if state.phase is Phase.TALKING else Move.FREE
        moves = (AgentMove(state.agent_id, after), *moves)
        if state.phase is not Phase.TALKING:  # he never spoke with the caller, it seems: the call is not his
            there = Party(state.leg_id, state.agent_id) if state.phase is Phase.JOINING and state.leg_id else None
            ended = replace(ended, leg_id=None, agent_id=None, party=there)
    by = EndedBy.AGENT if state.closing else EndedBy.CALLER
    left = Fact(FactKind.LEFT, event.at, waited, ended.agent_id, by)
    gone = (Fact(FactKind.PARTED, over_at, waited, ended.agent_id),) if over_at < event.at else ()
    return Step(ended, orders, moves, (*gone, left))
