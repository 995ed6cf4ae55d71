"""What of the visits waits for somebody: what the first page says is to be done."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import date

from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import scope_for
from crm.core import clock
from outbound.field.agents import overview as agents
from outbound.field.closing import agreeing
from outbound.field.closing.agreed import TermsState
from outbound.field.practices import queries as practices
from outbound.field.practices.lifecycle import State
from outbound.field.practices.queries import Filter
from outbound.field.rounds import queries as rounds
from outbound.field.rounds.lifecycle import PlanState
from outbound.field.visits import alarms
from outbound.field.visits import queries as visits


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many of each. `proposals`, `terms`: that the ente has to decide. `unplanned`: accepted, and no day to come is
    planned; `unpublished`: planned days, from today on, that the agents do not have as they stand.
    """

    alarms: int = 0
    apart: int = 0
    proposals: int = 0
    terms: int = 0
    unplaced: int = 0
    free: int = 0
    offered: int = 0
    frozen: int = 0
    unplanned: int = 0
    unpublished: tuple[tuple[int, date], ...] = ()

    def __bool__(self) -> bool:
        return any(getattr(self, one.name) for one in fields(self))


def waiting(session: Session, by: Principal, ente_ids: Collection[int]) -> Waiting:
    """For somebody who sees these enti: what he has to decide for them, and what he manages."""
    deciding = scope_for(session, by, Permission.FIELD_APPROVE).enti or frozenset()
    proposals = agents.waiting(session, deciding) if deciding else 0
    terms = sum(one.state is TermsState.PROPOSED for one in agreeing.proposals(session, deciding)) if deciding else 0
    counts = practices.counted(session, Filter())
    if not by.can(Permission.FIELD_MANAGE):
        frozen = counts.get(State.FROZEN, 0) if deciding else 0
        return Waiting(proposals=proposals, terms=terms, frozen=frozen)
    today = clock.business_day(clock.now(session))
    plans = [one for one in rounds.plans(session, by) if one.day >= today]
    return Waiting(
        alarms=sum(one.row.acknowledged_at is None for one in alarms.of_enti(session, ente_ids)),
        apart=len(visits.apart(session, ente_ids)), proposals=proposals, terms=terms,
        unplaced=practices.unplaced(session), free=counts.get(State.OPEN, 0), offered=counts.get(State.OFFERED, 0),
        frozen=counts.get(State.FROZEN, 0),
        unplanned=0 if any(one.day > today for one in plans) else counts.get(State.ACCEPTED, 0),
        unpublished=tuple((one.id, one.day) for one in plans if one.state is not PlanState.PUBLISHED),
    )  # fmt: skip
