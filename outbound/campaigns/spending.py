"""What of its budget a campaign has spent: one sum for conversations, messages and letters, and what is left of it."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.core.db import table_of
from outbound.campaigns import running
from outbound.campaigns.models import Attempt, Campaign, WrittenAttempt
from outbound.campaigns.running import Running
from outbound.messages.cost import CENT
from telephony.calls.models import Call

MS_A_MINUTE = 60_000
A_MILL = 10  # ten-thousandths of a euro, in which costs are kept; a minute's price is in thousandths
_A, _W, _CALL = table_of(Attempt), table_of(WrittenAttempt), table_of(Call)


def talk_cost(ms: int, minute_mills: int | None) -> int:
    """What so much conversation costs, in ten-thousandths of a euro; nothing where nobody has said a price. Pure."""
    return -(-ms * (minute_mills or 0) * A_MILL // MS_A_MINUTE)


def cents_of(cost: int) -> int:
    """Ten-thousandths of a euro in cents; a part of a cent counts as one. Pure."""
    return -(-cost // CENT)


def spent(session: Session, campaign_id: int) -> int:
    """What a campaign of the scope has cost so far, in cents. Raises `NotFoundError`."""
    return cents_of(cost(session, running.get(session, campaign_id)))


def cost(session: Session, campaign: Running) -> int:
    """The same in ten-thousandths of a euro: conversations that are over, messages and letters that began."""
    talked = select(func.coalesce(func.sum(_CALL.c.talked_ms + _CALL.c.held_ms), 0)).join(
        _A, _A.c.call_id == _CALL.c.id
    )  # fmt: skip
    ms = session.execute(talked.where(_A.c.campaign_id == campaign.id)).scalar_one()
    wrote = select(func.coalesce(func.sum(_W.c.cost), 0)).where(_W.c.campaign_id == campaign.id, _W.c.begun)
    written = session.execute(wrote).scalar_one()
    return talk_cost(int(ms), campaign.plan.outcomes.minute_mills) + int(written)


def left(session: Session, campaign: Running) -> int | None:
    """What of the budget may still be spent, in ten-thousandths of a euro (below nothing: overspent); none: no budget.

    Whoever asks is the only one to spend of it until his transaction ends: the last euro is not spent twice.
    """
    budget = campaign.plan.budget_cents
    if budget is None:
        return None
    session.execute(select(Campaign.id).where(Campaign.id == campaign.id).with_for_update(key_share=True))
    return budget * CENT - cost(session, campaign)
