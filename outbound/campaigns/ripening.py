"""Whose time has come: whoever waited is the next one again, and so is whom somebody claimed and forgot."""

from sqlalchemy import ColumnElement, literal_column, or_, select, tuple_, update
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Database, Scope, table_of
from crm.core.each import total_of_each
from crm.enti import queries as enti
from outbound.campaigns import looks, sequence
from outbound.campaigns.contacts import CLAIM
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import Campaign, CampaignContact, ContactState

MOST = 5_000  # in a transaction
_CC = table_of(CampaignContact)


def ripen(session: Session, *, campaign_id: int) -> int:
    """Whose time has come is ready, and so is whom somebody claimed and forgot; how many. Not who is being called."""
    waits = or_(_CC.c.state == ContactState.LATER, ~sequence.called(clock.now(session)))
    either = _CC.c.state.in_([ContactState.LATER, ContactState.CLAIMED])
    return _ready(session, _CC.c.campaign_id == campaign_id, either, waits)


def ripen_all(database: Database) -> int:
    """The same of every campaign; of those that do not run the forgotten alone. And looks that lapsed are over."""
    with database.begin(Scope.nothing()) as session:
        contracts = sorted(enti.coverage(session))
    return total_of_each(contracts, lambda one: database.transact(Scope.of_contract(one), _ripen))


def _ripen(session: Session) -> int:
    running = session.scalars(select(Campaign.id).where(Campaign.state == State.RUNNING)).all()
    looks.lapse(session, after=CLAIM)
    return _release(session) + sum(ripen(session, campaign_id=one) for one in running)


def _release(session: Session) -> int:
    """Whom somebody claimed for a campaign that has not run since: else no campaign could call him; how many."""
    stand = select(Campaign.id).where(Campaign.state != State.RUNNING)
    claimed = _CC.c.state == literal_column(f"'{ContactState.CLAIMED}'")  # as the index of those says it
    return _ready(session, claimed, _CC.c.campaign_id.in_(stand), ~sequence.called(clock.now(session)))


def _ready(session: Session, *which: ColumnElement[bool]) -> int:
    due = (
        select(_CC.c.campaign_id, _CC.c.contact_id)
        .where(_CC.c.due_at <= clock.now(session), *which)
        .order_by(_CC.c.due_at).limit(MOST).with_for_update(skip_locked=True)
    )  # fmt: skip
    these = tuple_(_CC.c.campaign_id, _CC.c.contact_id).in_(due)
    done = session.execute(update(_CC).where(these).values(state=ContactState.READY, why=None, claimed_by=None))
    return int(done.rowcount)  # type: ignore[attr-defined]
