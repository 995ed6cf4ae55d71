"""What happens to practices by itself: mandates expire, and nobody goes on looking for whom there is nothing to ask."""

from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.each import total_of_each
from crm.enti import queries as enti
from outbound.campaigns.lifecycle import State as CampaignState
from outbound.campaigns.models import Campaign
from outbound.compliance.rules import Reason
from outbound.field.practices import judging, service
from outbound.field.practices.lifecycle import Closed, State
from outbound.field.practices.models import FieldMandate, Practice

AT_ONCE = 200
# What a feed says that ends a practice: nobody need decide it.
ENDED_BY: Mapping[Reason, Closed] = MappingProxyType(
    {Reason.DECEASED: Closed.DECEASED, Reason.PAID: Closed.PAID, Reason.NOTHING_DUE: Closed.FORBIDDEN}
)


def tidy_all(database: Database) -> int:
    """Of every ente: how many mandates and practices are over."""
    with database.begin(Scope.nothing()) as session:
        served = sorted({ente_id for some in enti.coverage(session).values() for ente_id in some})
    return total_of_each(
        served, lambda one: database.transact(Scope.of_enti([one]), lambda session: tidy(session, ente_id=one))
    )


def tidy(session: Session, *, ente_id: int) -> int:
    """The same of one ente."""
    at = clock.now(session)
    return _recall(session, ente_id, at) + _expire(session, ente_id, at) + _end(session, ente_id, at)


def _expire(session: Session, ente_id: int, at: datetime) -> int:
    over = session.scalars(
        select(FieldMandate)
        .where(
            FieldMandate.ente_id == ente_id, FieldMandate.state.in_(service.LIVE),
            FieldMandate.valid_to < clock.business_day(at),
        )
        .order_by(FieldMandate.id).limit(AT_ONCE).with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()  # fmt: skip
    for mandate in over:
        service.expire(session, mandate, at)
    return len(over)


def _recall(session: Session, ente_id: int, at: datetime) -> int:
    """Those of campaigns that have ended."""
    ids = session.scalars(
        select(Practice.id).join(Campaign, Campaign.id == Practice.campaign_id)
        .where(
            Practice.ente_id == ente_id, Practice.state != State.CLOSED, Campaign.state == CampaignState.ENDED
        )
        .order_by(Practice.id).limit(AT_ONCE)
    ).all()  # fmt: skip
    for practice_id in ids:
        service.close(session, practice_id=practice_id, closed=Closed.RECALLED, at=at, by=None)
    return len(ids)


def end_of(session: Session, *, ente_id: int, contact_ids: Collection[int]) -> int:
    """End the practices of these people that nobody need be visited for any more, as the gestionale now says."""
    return _end(session, ente_id, clock.now(session), Practice.contact_id.in_(contact_ids))


def _end(session: Session, ente_id: int, at: datetime, *which: ColumnElement[bool]) -> int:
    """Those that nobody need be visited for any more, as the last feed says."""
    ids = session.scalars(
        select(Practice.id)
        .where(Practice.ente_id == ente_id, Practice.state != State.CLOSED, *which)
        .order_by(Practice.id)
    ).all()
    done = 0
    for practice_id, verdict in judging.judge(session, ids, at).items():
        ends = next((ENDED_BY[one] for one in verdict.reasons if one in ENDED_BY), None)
        if ends is not None:
            service.close(session, practice_id=practice_id, closed=ends, at=at, by=None)
            done += 1
    return done
