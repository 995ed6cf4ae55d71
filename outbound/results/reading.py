"""Reading what a campaign has brought."""

from datetime import date, timedelta
from functools import partial

from sqlalchemy import ColumnElement, distinct, func, select, text
from sqlalchemy.orm import Session

from crm.collection import queries as collection
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
from outbound.results.breaches import Found, breaches
from outbound.results.estimates import Cell, cohort, cohorts
from outbound.results.results import RESULTS, Collected, Cost, Reached, Results
from telephony.calls.choices import Topic
from telephony.calls.models import Call

WITHIN = (7, 15, 30, 60)  # days, of which whoever looks chooses
USUAL = 30
_A, _CC, _O, _CALL, _T = (table_of(one) for one in (Attempt, CampaignContact, OutcomeGiven, Call, TimelineEntry))
_W = table_of(WrittenAttempt)
ONE_DAY = timedelta(days=1)
# A person's first attempt and first payment since the campaign began, counted: as many rows as there are pairs of days.
_CELLS = text(
    """
    WITH tried AS (
        SELECT contact_id, min((at AT TIME ZONE 'Europe/Rome')::date) AS day
        FROM (
            SELECT contact_id, at FROM attempt WHERE campaign_id = :campaign AND begun
            UNION ALL SELECT contact_id, at FROM written_attempt WHERE campaign_id = :campaign AND begun
        ) tries GROUP BY contact_id
    ), paid AS (
        SELECT p.contact_id, min((one ->> 'paid_on')::date) AS day
        FROM position p CROSS JOIN LATERAL jsonb_array_elements(p.payments) one
        WHERE p.ente_id = :ente AND jsonb_array_length(p.payments) > 0 AND (one ->> 'paid_on')::date >= :since
        GROUP BY p.contact_id
    )
    SELECT tried.day, paid.day, count(*)
    FROM campaign_contact c
    LEFT JOIN tried ON tried.contact_id = c.contact_id
    LEFT JOIN paid ON paid.contact_id = c.contact_id
    WHERE c.campaign_id = :campaign
    GROUP BY tried.day, paid.day
    """
)
_CENTS = text(
    """
    WITH tried AS (
        SELECT contact_id, min((at AT TIME ZONE 'Europe/Rome')::date) AS day
        FROM (
            SELECT contact_id, at FROM attempt WHERE campaign_id = :campaign AND begun
            UNION ALL SELECT contact_id, at FROM written_attempt WHERE campaign_id = :campaign AND begun
        ) tries GROUP BY contact_id
    )
    SELECT date_trunc('week', tried.day)::date, sum((one ->> 'cents')::bigint)
    FROM tried
    JOIN position p ON p.ente_id = :ente AND p.contact_id = tried.contact_id
    CROSS JOIN LATERAL jsonb_array_elements(p.payments) one
    WHERE (one ->> 'paid_on')::date BETWEEN tried.day AND tried.day + CAST(:days AS integer)
      AND (one ->> 'paid_on')::date <= :known_on
    GROUP BY 1
    """
)


def read(session: Session, *, campaign_id: int, days: int = USUAL, deep: bool = True) -> Results:
    """All of it. Without `deep` what is collected and the breaches, which take longer, are left for later.

    Raises `NotFoundError`.
    """
    campaign = running.get(session, campaign_id)
    found = session.get_one(Campaign, campaign_id, populate_existing=True)
    at = clock.now(session)
    calendar = enti.timetable(session, campaign.contract_id, campaign.ente_id)
    badge = enti.badges(session, frozenset({campaign.ente_id}))[campaign.ente_id]
    began = None if found.started_at is None else business_day(found.started_at)
    return Results(
        campaign_id, found.name, campaign.ente_id, badge.name, at, _reached(session, campaign_id),
        _outcomes(session, campaign_id), promises.tally(session, campaign_id), _costs(session, campaign),
        campaign.plan.budget_cents, _complaints(session, campaign_id),
        _collected(session, campaign, began, days) if deep else Collected(days, None),
        breaches(session, campaign_id=campaign_id, timetable=calendar) if deep else Found(0, 0),
    )  # fmt: skip


def live(session: Session, *, campaign_id: int, days: int = USUAL, deep: bool = True) -> Results:
    """The same for whoever looks at it as it goes on; of a large one, as it was counted a moment ago.

    Breaches name people: found ones are looked for anew each time.
    """

    def rows(found: Results) -> int:
        return 0 if found.breaches.number else found.reached.contacts + found.reached.attempts

    now = partial(read, session, campaign_id=campaign_id, days=days, deep=deep)
    return counted(session, campaign_id, f"results:{days}" if deep else "results", RESULTS, now, rows=rows)


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


def _collected(session: Session, campaign: Running, began: date | None, days: int) -> Collected:
    heard = collection.heard(session, [campaign.ente_id]).get(campaign.ente_id)
    if heard is None or began is None:
        return Collected(days, None)
    known_on = business_day(heard) - ONE_DAY
    about = {"campaign": campaign.id, "ente": campaign.ente_id}
    cells = tuple(Cell(*row) for row in session.execute(_CELLS, {**about, "since": began}))
    weeks = tuple(cohorts(cells, days=days, known_on=known_on))
    sums = session.execute(_CENTS, {**about, "days": days, "known_on": known_on})
    cents: dict[date, int] = {monday: int(some) for monday, some in sums}
    last = known_on - timedelta(days=days)  # on which somebody was tried first who has been followed to the end
    followed = bool(weeks) and weeks[0].first <= last
    whole = cohort(cells, weeks[0].first, last, days=days, known_on=known_on) if followed else None
    return Collected(days, known_on, weeks, whole, {one.first: cents.get(one.first, 0) for one in weeks})
