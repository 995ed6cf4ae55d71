"""The line at the foot of the console: the agent's own day."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.core import clock
from crm.follow_ups import queries as follow_ups
from crm.follow_ups.queries import Owed
from telephony.calls.models import Call


@dataclass(frozen=True, slots=True)
class Strip:
    """The line at the foot: the agent's own day. The queues beside it are everybody's."""

    mine: int
    mean_talk: float | None
    owed: Owed


def strip(session: Session, agent_id: int) -> Strip:
    """An agent's day so far."""
    today = clock.start_of_day(clock.business_day(clock.now(session)))
    talk = func.avg(func.extract("epoch", Call.ended_at - Call.answered_at))
    mine: Any = session.execute(
        select(func.count(), talk).where(
            Call.agent_id == agent_id, Call.arrived_at >= today, Call.ended_at.is_not(None),
            Call.answered_at.is_not(None),
        )
    ).one()  # fmt: skip
    return Strip(
        mine=mine[0],
        mean_talk=None if mine[1] is None else float(mine[1]),
        owed=follow_ups.owed(session, agent_id),
    )
