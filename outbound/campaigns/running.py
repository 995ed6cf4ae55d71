"""A campaign as it is carried out: its plan, and the rules by which people are judged."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core.errors import NotFoundError
from crm.enti import queries as enti
from outbound.campaigns import plan as plans
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import Campaign, CampaignVersion
from outbound.campaigns.plan import Plan
from outbound.compliance.rules import Rules


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
    row = session.execute(
        select(Campaign, CampaignVersion.plan).join(
            CampaignVersion,
            (CampaignVersion.campaign_id == Campaign.id) & (CampaignVersion.number == Campaign.version),
        ).where(Campaign.id == campaign_id)
    ).one_or_none()  # fmt: skip
    if row is None:
        raise NotFoundError("Questa campagna non c'è.")
    found, plan = row[0], plans.parsed(row[1])
    calendar = enti.timetable(session, found.contract_id, found.ente_id)
    return Running(
        found.id, found.ente_id, found.contract_id, found.state, found.version, plan, plan.rules(calendar)
    )  # fmt: skip
