"""A campaign as it is carried out: its plan, and the rules by which people are judged."""

from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from crm.core.db import table_of
from crm.core.errors import NotFoundError
from crm.enti import queries as enti
from outbound.campaigns import plan as plans
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import Campaign, CampaignVersion
from outbound.campaigns.plan import Plan
from outbound.compliance.rules import Rules

_C, _V = table_of(Campaign), table_of(CampaignVersion)
_WHOLE = (
    select(_C.c.id, _C.c.ente_id, _C.c.contract_id, _C.c.state, _C.c.version, _V.c.plan)
    .join(_V, (_V.c.campaign_id == _C.c.id) & (_V.c.number == _C.c.version))
    .where(_C.c.id == bindparam("campaign"))
)


@dataclass(frozen=True, slots=True)
class Running:
    """A campaign as it is judged by."""

    id: int
    ente_id: int
    contract_id: int
    state: State
    version: int
    plan: Plan
    rules: Rules


def get(session: Session, campaign_id: int) -> Running:
    """A campaign of the scope with its plan and rules. Raises `NotFoundError`."""
    row = session.execute(_WHOLE, {"campaign": campaign_id}).one_or_none()
    if row is None:
        raise NotFoundError("Questa campagna non c'è.")
    plan = plans.parsed(row.plan)
    calendar = enti.timetable(session, row.contract_id, row.ente_id)
    return Running(row.id, row.ente_id, row.contract_id, row.state, row.version, plan, plan.rules(calendar))
