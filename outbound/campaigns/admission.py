"""How a list's members become a campaign's contacts, in the order in which their turn comes."""

from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Subquery,
    cast,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.orm import Session

from crm.core import clock, topics
from crm.core.db import Database, Scope, table_of, touch
from crm.core.jobs import Runner, Taken
from crm.positions.models import Position
from outbound.campaigns import running
from outbound.campaigns.models import Campaign, CampaignContact, ContactState
from outbound.campaigns.plan import Order
from outbound.cati.models import SurveyCase, SurveySample
from outbound.lists.models import ContactListMember
from outbound.lists.tasks import renewed

MOST_PRIORITY = 2**31 - 1
_CC, _POSITION, _MEMBER = table_of(CampaignContact), table_of(Position), table_of(ContactListMember)
_CASE = table_of(SurveyCase)


def run_admit(database: Database, job: Taken) -> None:
    """Make the list's members its contacts (`campaign`), in one transaction: killed, none of them is."""
    campaign_id = job.argument["campaign"]
    with renewed(job):
        database.transact(Scope.of_enti([job.ente_id]), lambda session: admit(session, campaign_id=campaign_id))


def admit(session: Session, *, campaign_id: int) -> None:
    """One INSERT, in the order that the plan says; of a survey whoever was drawn, by chance. Done once."""
    found = session.get(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    if found is None or found.admitted_at is not None:
        return
    now = clock.now(session)
    plan = running.get(session, campaign_id).plan
    order = plan.order if plan.form_id is None else Order.CHANCE
    first = _first(order, found.ente_id, clock.business_day(now))
    rows = (
        select(
            literal(campaign_id), _MEMBER.c.contact_id, _MEMBER.c.ente_id, literal(ContactState.READY.value),
            literal(now), func.least(func.coalesce(first.c.first, 0), MOST_PRIORITY), literal(0),
        )
        .outerjoin(first, first.c.contact_id == _MEMBER.c.contact_id)
        .where(_MEMBER.c.list_id == found.list_id)
    )  # fmt: skip
    if (sample := session.get(SurveySample, campaign_id)) is not None:
        drawn = select(_CASE.c.contact_id).where(
            _CASE.c.campaign_id == campaign_id, _CASE.c.replicate <= sample.released
        )
        rows = rows.where(_MEMBER.c.contact_id.in_(drawn))
    names = ["campaign_id", "contact_id", "ente_id", "state", "due_at", "priority", "step"]
    session.execute(insert(_CC).from_select(names, rows))
    found.admitted_at = now
    session.flush()
    touch(session, topics.campaigns(found.ente_id))


def _first(order: Order, ente_id: int, today: date) -> Subquery:
    """By contact of the ente who owes anything: the higher, the earlier his turn comes. Each debt is read once."""
    what: ColumnElement[Any] = {
        Order.AMOUNT: func.sum(_POSITION.c.residual_cents) / 100,
        Order.OLDEST: func.greatest(literal(today) - func.min(_POSITION.c.due_on), 0),
        Order.CHANCE: cast(func.random() * MOST_PRIORITY, BigInteger),
    }[order]
    return (
        select(_POSITION.c.contact_id, what.label("first"))
        .where(
            _POSITION.c.ente_id == ente_id, _POSITION.c.residual_cents > 0, _POSITION.c.withdrawn_as_of.is_(None)
        )
        .group_by(_POSITION.c.contact_id).subquery()
    )  # fmt: skip


ADMITTER = Runner(run_admit)
