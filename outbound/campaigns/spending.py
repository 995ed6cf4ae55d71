"""What a campaign has cost, and whether its budget still pays for a call. In ten-thousandths of a euro.

A call costs its minutes at the plan's price. Conversations that are over are summed up on the campaign as they are
settled; those that last count as they are, and a call that rings as one minute: whoever answers it will talk.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import table_of
from outbound.campaigns.models import Attempt, Campaign, WrittenAttempt
from outbound.campaigns.running import Running
from outbound.messages.cost import CENT
from telephony.calls.models import Call

MS_A_MINUTE = 60_000
OF_A_MILL = 10  # ten-thousandths in a thousandth
LONGEST = timedelta(hours=3)  # that a call lasts, if nobody says how it ended
_A, _C, _W, _CALL = table_of(Attempt), table_of(Campaign), table_of(WrittenAttempt), table_of(Call)


def talked(session: Session, *, campaign_id: int, call_id: UUID) -> None:
    """A conversation is over, and its end is written: that happens once."""
    its = select(_CALL.c.talked_ms + _CALL.c.held_ms).where(_CALL.c.id == call_id)
    ms = session.execute(its).scalar_one()
    if ms:
        session.execute(update(_C).where(_C.c.id == campaign_id).values(talked_ms=_C.c.talked_ms + ms))


def call_cost(ms: int, minute_mills: int | None) -> int:
    """What so much conversation costs; nothing where nobody has said a price. Pure."""
    return 0 if minute_mills is None else round(ms / MS_A_MINUTE * minute_mills * OF_A_MILL)


def spent(session: Session, campaign: Running) -> int:
    """On calls, messages and letters so far."""
    written = select(func.coalesce(func.sum(_W.c.cost), 0)).where(_W.c.campaign_id == campaign.id, _W.c.begun)
    return int(session.execute(written).scalar_one()) + on_calls(session, campaign)


def on_calls(session: Session, campaign: Running) -> int:
    """On calls alone, with those under way."""
    price = campaign.plan.outcomes.minute_mills
    if price is None:
        return 0
    over = session.execute(select(_C.c.talked_ms).where(_C.c.id == campaign.id)).scalar_one()
    now = clock.now(session)
    lasts = func.extract("epoch", now - func.coalesce(_CALL.c.answered_at, now)) * 1000
    under_way = session.execute(
        select(func.coalesce(func.sum(func.greatest(lasts, MS_A_MINUTE)), 0))
        .select_from(_A)
        .outerjoin(_CALL, _CALL.c.id == _A.c.call_id)
        .where(_A.c.campaign_id == campaign.id, _A.c.begun, _A.c.ended.is_(None), _A.c.at > now - LONGEST)
    ).scalar_one()
    return call_cost(int(over) + int(under_way), price)


def left(session: Session, campaign: Running) -> int | None:
    """What of the budget is left, and may be less than nothing; none: there is no budget."""
    budget = campaign.plan.budget_cents
    return None if budget is None else budget * CENT - spent(session, campaign)


def pays_a_call(session: Session, campaign: Running) -> bool:
    """Whether the budget pays for a minute of one more call. Where calls have no price it says nothing about them."""
    price = campaign.plan.outcomes.minute_mills
    if price is None or (rest := left(session, campaign)) is None:
        return True
    return rest >= call_cost(MS_A_MINUTE, price)
