"""How those who talk with each other should take part: what the carrier's conference is brought into line with."""

from uuid import UUID

from sqlalchemy.orm import Session

from telephony.calls.addresses import Addresses, conference_name
from telephony.calls.models import WatchMode
from telephony.carriers.port import CUSTOMER, Room, Standing, watcher_label
from telephony.floor.current import floor


def wanted(session: Session, call_id: UUID, to: Addresses) -> Room | None:
    """How they should take part now; none when there is no conversation (any more)."""
    talking = floor(session).talking(call_id)
    if talking is None:
        return None
    standing = {CUSTOMER: Standing(hold=talking.held)}
    for leg_id, mode in talking.watchers:
        standing[watcher_label(leg_id)] = watching(mode, talking.leg_id)
    return Room(
        conference_name(talking.room_id or talking.leg_id), standing, to.hold(talking.contract_id, call_id)
    )  # fmt: skip


def watching(mode: WatchMode, agent_leg: UUID) -> Standing:
    """How a supervisor takes part. Whoever coaches is heard by the agent, and so is not muted."""
    match mode:
        case WatchMode.LISTEN:
            return Standing(muted=True)
        case WatchMode.WHISPER:
            return Standing(coaches=str(agent_leg))
        case WatchMode.BARGE:
            return Standing()
