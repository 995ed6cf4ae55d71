"""What a campaign has cost, and what its budget still bears: one sum for conversations, messages and letters.

A call costs its minutes at the plan's price. Conversations that are over are summed up on the campaign as they are
settled; those that last count as they are, and a call that rings as one minute: whoever answers it will talk. Costs are
in ten-thousandths of a euro.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import table_of
from outbound.campaigns import running
from outbound.campaigns.models import Attempt, Campaign
from outbound.campaigns.running import Running
from outbound.messages.cost import CENT
from telephony.calls.models import Call

MS_A_MINUTE = 60_000
A_MILL = 10  # ten-thousandths in a thousandth, in which the price of a minute is written
LONGEST = timedelta(hours=3)  # that a call lasts, if nobody says how it ended
_A, _C, _CALL = table_of(Attempt), table_of(Campaign), table_of(Call)


def talk_cost(ms: int, minute_mills: int | None) -> int:
    """What so much conversation costs; nothing where nobody has said a price. Pure."""
    return -(-ms * (minute_mills or 0) * A_MILL // MS_A_MINUTE)


def cents_of(cost: int) -> int:
    """A cost in cents; a part of a cent counts as one. Pure."""
    return -(-cost // CENT)


def talked(session: Session, *, campaign_id: int, call_id: UUID) -> None:
    """A conversation is over, and its end is written: that happens once."""
    its = select(_CALL.c.talked_ms + _CALL.c.held_ms).where(_CALL.c.id == call_id)
    ms = session.execute(its).scalar_one()
    if ms:
        session.execute(update(_C).where(_C.c.id == campaign_id).values(talked_ms=_C.c.talked_ms + ms))


def wrote(session: Session, *, campaign_id: int, cost: int) -> None:
    """Messages or letters were written for so much, or for less than nothing: some of them were not after all.

    Whoever changes the cost of a `WrittenAttempt` tells it here, in the same transaction.
    """
    if cost:
        session.execute(update(_C).where(_C.c.id == campaign_id).values(written_cost=_C.c.written_cost + cost))


def spent(session: Session, campaign_id: int) -> int:
    """What a campaign of the scope has cost so far, in cents. Raises `NotFoundError`."""
    return cents_of(cost(session, running.get(session, campaign_id)))


def cost(session: Session, campaign: Running) -> int:
    """What it has cost so far: calls with those under way, messages and letters that began."""
    its = select(_C.c.written_cost, _C.c.talked_ms).where(_C.c.id == campaign.id)
    written, talked_ms = session.execute(its).one()
    return int(written) + _on_calls(session, campaign, talked_ms)


def left(session: Session, campaign: Running) -> int | None:
    """What of the budget may still be spent, below nothing if it is overspent; none: no budget.

    Whoever asks is the only one to spend of it until his transaction ends: the last euro is not spent twice.
    """
    if campaign.plan.budget_cents is None:
        return None
    alone(session, campaign.id)
    return campaign.plan.budget_cents * CENT - cost(session, campaign)


def alone(session: Session, campaign_id: int) -> None:
    """Nobody else changes what a campaign has cost until this transaction ends. Whoever locks its people too does so
    afterwards: all in this order, or two would wait for each other.
    """
    session.execute(select(_C.c.id).where(_C.c.id == campaign_id).with_for_update(key_share=True))


def pays_a_call(session: Session, campaign: Running) -> bool:
    """Whether the budget pays for a minute of one more call. Where calls have no price it says nothing about them.

    Nobody waits for anybody: what calls cost is known when they are over, and those under way are counted.
    """
    budget, price = campaign.plan.budget_cents, campaign.plan.outcomes.minute_mills
    if budget is None or price is None:
        return True
    return budget * CENT - cost(session, campaign) >= talk_cost(MS_A_MINUTE, price)


def _on_calls(session: Session, campaign: Running, over_ms: int) -> int:
    price = campaign.plan.outcomes.minute_mills
    if price is None:
        return 0
    now = clock.now(session)
    lasts = func.extract("epoch", now - func.coalesce(_CALL.c.answered_at, now)) * 1000
    under_way = session.execute(
        select(func.coalesce(func.sum(func.greatest(lasts, MS_A_MINUTE)), 0))
        .select_from(_A)
        .outerjoin(_CALL, _CALL.c.id == _A.c.call_id)
        .where(_A.c.campaign_id == campaign.id, _A.c.begun, _A.c.ended.is_(None), _A.c.at > now - LONGEST)
    ).scalar_one()
    return talk_cost(over_ms + int(under_way), price)
