"""Reading what was paid by those whom a campaign tried, and by those whom it did not."""

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from crm.collection import queries as collection
from crm.core.clock import business_day
from outbound.campaigns.running import Running
from outbound.results.estimates import Cell, cohort, cohorts
from outbound.results.results import Collected

ONE_DAY = timedelta(days=1)
_TRIED = """
    tried AS MATERIALIZED (
        SELECT contact_id, min((at AT TIME ZONE 'Europe/Rome')::date) AS day
        FROM (
            SELECT contact_id, at FROM attempt WHERE campaign_id = :campaign AND begun
            UNION ALL SELECT contact_id, at FROM written_attempt WHERE campaign_id = :campaign AND begun
        ) tries GROUP BY contact_id
    )
"""
# A person's first attempt and first payment since the campaign began, counted: as many rows as there are pairs of days.
_CELLS = text(
    f"""
    WITH {_TRIED}, paid AS (
        SELECT p.contact_id, min((one ->> 'paid_on')::date) AS day
        FROM position p CROSS JOIN LATERAL jsonb_array_elements(p.payments) one
        WHERE p.ente_id = :ente AND p.payments <> '[]' AND (one ->> 'paid_on')::date >= :since
        GROUP BY p.contact_id
    )
    SELECT tried.day, paid.day, count(*)
    FROM campaign_contact c
    LEFT JOIN tried ON tried.contact_id = c.contact_id
    LEFT JOIN paid ON paid.contact_id = c.contact_id
    WHERE c.campaign_id = :campaign
    GROUP BY tried.day, paid.day
    """  # noqa: S608  # put together from constants
)
# What those first tried in a week paid, by the days from their first attempt to the payment.
_CENTS = text(
    f"""
    WITH {_TRIED}, paid AS MATERIALIZED (
        SELECT p.contact_id, (one ->> 'paid_on')::date AS day, (one ->> 'cents')::bigint AS cents
        FROM position p CROSS JOIN LATERAL jsonb_array_elements(p.payments) one
        WHERE p.ente_id = :ente AND p.payments <> '[]' AND (one ->> 'paid_on')::date <= :known_on
    )
    SELECT date_trunc('week', tried.day)::date, paid.day - tried.day, sum(paid.cents)
    FROM tried JOIN paid ON paid.contact_id = tried.contact_id
    WHERE paid.day BETWEEN tried.day AND tried.day + CAST(:days AS integer)
    GROUP BY 1, 2
    """  # noqa: S608  # put together from constants
)


def collected(session: Session, campaign: Running, began: date | None, choices: Sequence[int]) -> tuple[Collected, ...]:
    """What was paid within each of these numbers of days; what is known is read once."""
    heard = collection.heard(session, [campaign.ente_id]).get(campaign.ente_id)
    if heard is None or began is None:
        return tuple(Collected(days, None) for days in choices)
    known_on = business_day(heard) - ONE_DAY
    about = {"campaign": campaign.id, "ente": campaign.ente_id}
    cells = tuple(Cell(*row) for row in session.execute(_CELLS, {**about, "since": began}))
    paid = session.execute(_CENTS, {**about, "days": max(choices), "known_on": known_on}).all()
    return tuple(
        _within(days, cells, known_on, [(monday, int(cents)) for monday, later, cents in paid if later <= days])
        for days in choices
    )


def _within(days: int, cells: Sequence[Cell], known_on: date, paid: Sequence[tuple[date, int]]) -> Collected:
    weeks = tuple(cohorts(cells, days=days, known_on=known_on))
    cents = {one.first: sum(some for monday, some in paid if monday == one.first) for one in weeks}
    last = known_on - timedelta(days=days)  # on which somebody was tried first who has been followed to the end
    followed = bool(weeks) and weeks[0].first <= last
    whole = cohort(cells, weeks[0].first, last, days=days, known_on=known_on) if followed else None
    return Collected(days, known_on, weeks, whole, cents)
