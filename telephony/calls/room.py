"""How those who talk with each other should take part: what the carrier's conference is brought into line with."""

from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from crm.core.db import table_of
from telephony.calls.addresses import Addresses, conference_name
from telephony.calls.models import AgentLeg, Call, LegRole, LegState, Phase, WatchMode
from telephony.carriers.port import CUSTOMER, Room, Standing, watcher_label

_CALL, _LEG = table_of(Call), table_of(AgentLeg)
_READ = select(
    _CALL.c.contract_id, _CALL.c.leg_id, _CALL.c.room_id, _CALL.c.held_since
).where(_CALL.c.id == bindparam("call"), _CALL.c.phase.in_([Phase.TALKING, Phase.OUTSIDE]))  # fmt: skip
_WATCHERS = select(_LEG.c.id, _LEG.c.mode).where(
    _LEG.c.call_id == bindparam("call"), _LEG.c.role == LegRole.WATCHER, _LEG.c.state != LegState.ENDED
)


def wanted(session: Session, call_id: UUID, to: Addresses) -> Room | None:
    """How they should take part now; none when there is no conversation (any more)."""
    call = session.execute(_READ, {"call": call_id}).one_or_none()
    if call is None or call.leg_id is None:
        return None
    standing = {CUSTOMER: Standing(hold=call.held_since is not None)}
    for leg_id, mode in session.execute(_WATCHERS, {"call": call_id}):
        standing[watcher_label(leg_id)] = watching(mode, call.leg_id)
    return Room(conference_name(call.room_id or call.leg_id), standing, to.hold(call.contract_id, call_id))


def watching(mode: WatchMode, agent_leg: UUID) -> Standing:
    """How a supervisor takes part. Whoever coaches is heard by the agent, and so is not muted."""
    match mode:
        case WatchMode.LISTEN:
            return Standing(muted=True)
        case WatchMode.WHISPER:
            return Standing(coaches=str(agent_leg))
        case WatchMode.BARGE:
            return Standing()
