"""The line at the foot of the console: the agent's own day."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.core import clock
from crm.follow_ups import queries as follow_ups
from crm.follow_ups.queries import Owed
from crm.levels import formulas
from crm.levels.metering import Counts
from telephony.calls.models import Call


@dataclass(frozen=True, slots=True)
class Strip:
    """The line at the foot: the agent's own day. The queues beside it are everybody's.

    `handling_s`: what a call took him on the average, with its holds and the work afterwards, as reports have it.
    """

    mine: int
    handling_s: float | None
    owed: Owed


def strip(session: Session, agent_id: int) -> Strip:
    """An agent's day so far."""
    counts = own_counts(session, agent_id, clock.start_of_day(clock.business_day(clock.now(session))))
    handling = formulas.mean_handling_ms(counts)
    return Strip(
        counts.handled, None if handling is None else float(handling) / 1000, follow_ups.owed(session, agent_id)
    )


def own_counts(session: Session, agent_id: int, since: datetime) -> Counts:
    """The calls that arrived since an instant, that he answered and that are over; of those he spoke last."""
    after = func.greatest(func.extract("epoch", Call.wrapped_up_at - Call.ended_at) * 1000, 0)  # as `ms_between`
    sums = (func.coalesce(func.sum(one), 0) for one in (Call.talked_ms, Call.held_ms, func.round(after)))
    handled, *spent = session.execute(
        select(func.count(), *sums).where(
            Call.agent_id == agent_id, Call.arrived_at >= since, Call.ended_at.is_not(None),
            Call.answered_at.is_not(None),
        )
    ).one()  # fmt: skip
    talk_ms, hold_ms, wrap_up_ms = map(int, spent)
    return Counts(handled=handled, talk_ms=talk_ms, hold_ms=hold_ms, wrap_up_ms=wrap_up_ms)
