"""Reading what a campaign has brought."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy import ColumnElement, distinct, func, select
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.clock import business_day
from crm.core.db import table_of
from crm.enti import queries as enti
from crm.timeline.models import EntryKind, TimelineEntry
from outbound.campaigns import running
from outbound.campaigns.counted import counted
from outbound.campaigns.models import Attempt, Campaign, CampaignContact, WrittenAttempt
from outbound.campaigns.plan import Channel
from outbound.campaigns.running import Running
from outbound.campaigns.spending import MS_A_MINUTE, talk_cost
from outbound.compliance.rules import Ended
from outbound.messages.cost import CENT
from outbound.outcomes.catalogue import Said
from outbound.outcomes.models import OutcomeGiven
from outbound.promises import queries as promises
from outbound.results.breaches import Found, check, named
from outbound.results.payments import collected
from outbound.results.results import RESULTS, Collected, Cost, Reached, Results, Thorough
from telephony.calls.choices import Topic
from telephony.calls.models import Call

WITHIN = (7, 15, 30, 60)  # days, of which whoever looks chooses
USUAL = 30
_A, _CC, _O, _CALL, _T = (table_of(one) for one in (Attempt, CampaignContact, OutcomeGiven, Call, TimelineEntry))
_W = table_of(WrittenAttempt)


def read(session: Session, *, campaign_id: int, days: int = USUAL, deep: bool = True) -> Results:
    """All of it. Without `deep` what is collected and the breaches, which take longer, are left for later.

    Raises `NotFoundError`.
    """
    campaign = running.get(session, campaign_id)
    found = session.get_one(Campaign, campaign_id, populate_existing=True)
    at = clock.now(session)
    badge = enti.badges(session, frozenset({campaign.ente_id}))[campaign.ente_id]
    light = Results(
        campaign_id, found.name, campaign.ente_id, badge.name, at, _reached(session, campaign_id),
        _outcomes(session, campaign_id), promises.tally(session, campaign_id), _costs(session, campaign),
        campaign.plan.budget_cents, _complaints(session, campaign_id),
        Collected(days, None), Found(0, 0),
    )  # fmt: skip
    if not deep:
        return light
    return whole(session, light, thorough(session, campaign_id=campaign_id, choices=[days]), days=days)


def live(session: Session, *, campaign_id: int) -> Results:
    """The same for whoever looks at it as it goes on, without what takes longer; of a large one, as it was counted a
    moment ago.
    """

    def rows(found: Results) -> int:
        return found.reached.contacts + found.reached.attempts

    now = partial(read, session, campaign_id=campaign_id, deep=False)
    return counted(session, campaign_id, "results", RESULTS, now, rows=rows)


def thorough(session: Session, *, campaign_id: int, choices: Sequence[int]) -> Thorough:
    """What takes longer: what was collected within each of these numbers of days, and the breaches. Names nobody.

    Raises `NotFoundError`.
    """
    campaign = running.get(session, campaign_id)
    began = session.get_one(Campaign, campaign_id, populate_existing=True).started_at
    calendar = enti.timetable(session, campaign.contract_id, campaign.ente_id)
    return Thorough(
        collected(session, campaign, None if began is None else business_day(began), choices),
        check(session, campaign_id=campaign_id, timetable=calendar),
    )


def whole(session: Session, found: Results, more: Thorough, *, days: int) -> Results:
    """Both together, of as many days, with whom the breaches concern."""
    mine = next(one for one in more.collected if one.days == days)
    return replace(found, collected=mine, breaches=named(session, more.checked))


def _reached(session: Session, campaign_id: int) -> Reached:
    its = (_A.c.campaign_id == campaign_id, _A.c.begun)
    whole = select(func.count()).select_from(_CC).where(_CC.c.campaign_id == campaign_id)
    spoke: ColumnElement[int] = func.count(distinct(_A.c.contact_id)).filter(_A.c.ended == Ended.SPOKEN)
    row = session.execute(
        select(func.count(distinct(_A.c.contact_id)), spoke, func.count()).where(*its)
    ).one()  # fmt: skip
    ended = session.execute(select(_A.c.ended, func.count()).where(*its, _A.c.ended.is_not(None)).group_by(_A.c.ended))
    by: dict[Ended, int] = dict(ended.all())
    tried, right_party, attempts = row
    return Reached(
        int(session.scalar(whole) or 0), tried, right_party, attempts, {one: by[one] for one in Ended if one in by}
    )


def _outcomes(session: Session, campaign_id: int) -> dict[Said, int]:
    rows = session.execute(
        select(_O.c.said, func.count())
        .where(_O.c.campaign_id == campaign_id, _O.c.undone_at.is_(None)).group_by(_O.c.said)
    )  # fmt: skip
    found: dict[Said, int] = dict(rows.all())
    return {one: found[one] for one in Said if one in found}


def _costs(session: Session, campaign: Running) -> tuple[Cost, ...]:
    """What the steps of its plan have cost, as far as each keeps it."""
    talked = _CALL.c.talked_ms + _CALL.c.held_ms
    number, ms = session.execute(
        select(func.count(_CALL.c.id), func.coalesce(func.sum(talked), 0))
        .join(_A, _A.c.call_id == _CALL.c.id).where(_A.c.campaign_id == campaign.id)
    ).one()  # fmt: skip
    price, minutes = campaign.plan.outcomes.minute_mills, int(ms) / MS_A_MINUTE
    cents = None if price is None else round(talk_cost(int(ms), price) / CENT)
    calls = (Cost(Channel.CALL, number, minutes, cents),) if number or campaign.plan.steps_of(Channel.CALL) else ()
    return (*calls, *_written_costs(session, campaign))


def _written_costs(session: Session, campaign: Running) -> list[Cost]:
    """Of messages and letters that left, as their attempts keep it; of digital ones only where the plan has a price."""
    rows = session.execute(
        select(_W.c.channel, func.count(), func.sum(_W.c.cost))
        .where(_W.c.campaign_id == campaign.id, _W.c.begun).group_by(_W.c.channel)
    )  # fmt: skip
    left = {Channel(channel.value): (int(number), int(cost)) for channel, number, cost in rows}
    priced = {Channel.LETTER, *(Channel(one.value) for one in campaign.plan.prices)}
    steps = dict.fromkeys(one.channel for one in campaign.plan.steps if one.channel is not Channel.CALL)
    found = []
    for channel in dict.fromkeys((*steps, *left)):
        number, cost = left.get(channel, (0, 0))
        found.append(Cost(channel, number, None, round(cost / CENT) if channel in priced else None))
    return found


def _complaints(session: Session, campaign_id: int) -> int:
    """Conversations about a complaint, by whoever began them, of people who had been tried before."""
    first = (
        select(_A.c.contact_id, func.min(_A.c.at).label("at"))
        .where(_A.c.campaign_id == campaign_id, _A.c.begun).group_by(_A.c.contact_id).subquery()
    )  # fmt: skip
    return int(
        session.scalar(
            select(func.count())
            .select_from(_T)
            .join(first, first.c.contact_id == _T.c.contact_id)
            .where(
                _T.c.kind.in_([EntryKind.CALL, EntryKind.TEXT]), _T.c.detail["topic"].astext == Topic.COMPLAINT,
                _T.c.occurred_at >= first.c.at,
            )
        )
        or 0
    )  # fmt: skip
