"""Whose turn comes at a campaign's visit: a practice is opened, and the campaign waits for its end."""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Database, Scope, table_of
from crm.core.each import total_of_each
from crm.enti import queries as enti
from outbound.campaigns import judging, running, sequence
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import Campaign, CampaignContact, ContactState
from outbound.campaigns.plan import Channel
from outbound.campaigns.running import Running
from outbound.compliance.rules import Reason, Verdict
from outbound.field.practices import opening
from outbound.field.practices.lifecycle import Origin
from outbound.field.practices.lifecycle import State as PracticeState
from outbound.field.practices.models import Practice

AT_ONCE = 100
VISITED_FOR = timedelta(days=730)  # that a campaign waits for a practice at the most; its end wakes it before
_CC, _P = table_of(CampaignContact), table_of(Practice)


def open_all(database: Database) -> int:
    """Open the practices of those whose turn it is, of every campaign that runs; how many."""
    with database.begin(Scope.nothing()) as session:
        contracts = sorted(enti.coverage(session))
    return total_of_each(contracts, lambda one: _open_of(database, one))


def _open_of(database: Database, contract_id: int) -> int:
    scope = Scope.of_contract(contract_id)
    with database.begin(scope) as session:
        its = [
            one.id
            for found in session.scalars(select(Campaign.id).where(Campaign.state == State.RUNNING))
            if (one := running.get(session, found)).plan.steps_of(Channel.VISIT)
        ]
    return sum(
        database.transact(scope, lambda session, one=one: open_due(session, campaign_id=one))  # type: ignore[misc]
        for one in its
    )


def open_due(session: Session, *, campaign_id: int) -> int:
    """The same of one campaign, as many as fit in a transaction."""
    campaign = running.get(session, campaign_id)
    now = clock.now(session)
    waiting = sequence.waiting(session, campaign=campaign, channel=Channel.VISIT, limit=AT_ONCE, now=now)
    if not waiting:
        return 0
    found = opening.candidates(
        session, ente_id=campaign.ente_id, contact_ids=waiting, campaign_id=campaign_id, at=now
    )  # fmt: skip
    able = [one for one in found if not one.refused]
    opened = opening.open_for(
        session, None, ente_id=campaign.ente_id, chosen=able, origin=Origin.CAMPAIGN, at=now, campaign_id=campaign_id
    )
    mine = _mine(session, campaign_id, waiting)
    _await(session, campaign, mine, now)
    against = {
        one.contact_id: Verdict(None, one.refused, one.verdict.not_before)
        for one in found
        if one.contact_id not in mine
    }
    judging.put_all_aside(session, campaign, against, now)
    return len(opened)


def _await(session: Session, campaign: Running, contact_ids: set[int], now: datetime) -> None:
    """He is being visited: his turn comes again when the practice is over."""
    session.execute(
        update(_CC)
        .where(
            _CC.c.campaign_id == campaign.id, _CC.c.contact_id.in_(contact_ids),
            _CC.c.state != ContactState.DONE,
        )
        .values(state=ContactState.LATER, why=Reason.IN_PRACTICE, due_at=now + VISITED_FOR, claimed_by=None)
    )  # fmt: skip


def _mine(session: Session, campaign_id: int, contact_ids: list[int]) -> set[int]:
    """Those of them of whom a practice of this campaign is open."""
    its = select(_P.c.contact_id).where(
        _P.c.campaign_id == campaign_id, _P.c.contact_id.in_(contact_ids), _P.c.state != PracticeState.CLOSED
    )
    return set(session.scalars(its))
