"""Attempts that law or code forbade, found again from what was stored, without the judgement that let them begin.

Told in SQL and not by `outbound.compliance.rules`, whose verdicts these are to check: an error there would be here as
well. Sources as there: UNIREC's code (hours, conversations), the Garante's provision 83/2014 (silent calls).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ARRAY, Date, bindparam, text
from sqlalchemy.orm import Session

from crm.enti.calendar import Timetable, is_holiday

SHOWN = 100


class Law(StrEnum):
    """What was not kept."""

    HOURS = "hours"
    HOLIDAY = "holiday"
    SECOND_TODAY = "second_today"
    FOURTH_IN_A_WEEK = "fourth_in_a_week"
    SILENT = "silent"  # called again too soon after a silent call
    REFUSED = "refused"  # he had asked not to be called
    DEAD = "dead"  # as was known
    UNSTATED = "unstated"  # reasons against it were written, and it began all the same


@dataclass(frozen=True, slots=True)
class Breach:
    """An attempt that should not have been, and why. A report does not name whom it was made to."""

    law: Law
    at: datetime
    contact_id: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """How many attempts were looked at, how many breaches there are, and the first of these."""

    looked_at: int
    number: int
    first: tuple[Breach, ...] = ()


_DAYS = text(
    """
    SELECT DISTINCT (at AT TIME ZONE 'Europe/Rome')::date FROM attempt WHERE campaign_id = :campaign AND begun
    """
)
_LOOKED_AT = text("SELECT count(*) FROM attempt WHERE campaign_id = :campaign AND begun")
_BREACHES = text(
    """
    WITH a AS (
        SELECT *, at AT TIME ZONE 'Europe/Rome' AS wall FROM attempt WHERE campaign_id = :campaign AND begun
    )
    SELECT law, at, contact_id, count(*) OVER () AS number
    FROM a CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE ended = 'spoken' AND at > a.at - interval '7 days') AS in_a_week,
               count(*) FILTER (
                   WHERE ended = 'spoken' AND (at AT TIME ZONE 'Europe/Rome')::date = a.wall::date
               ) AS today,
               count(*) FILTER (WHERE ended = 'silent' AND at > a.at - interval '5 days') AS silent
        FROM attempt before
        WHERE before.contact_id = a.contact_id AND before.begun AND before.at < a.at
          AND before.at > a.at - interval '8 days'
    ) earlier CROSS JOIN LATERAL (VALUES
        ('hours', extract(isodow FROM wall) = 7 OR wall::time < '08:30'
            OR wall::time >= CASE extract(isodow FROM wall) WHEN 6 THEN time '15:00' ELSE time '21:00' END),
        ('holiday', wall::date = ANY (:holidays)),
        ('second_today', earlier.today >= 1),
        ('fourth_in_a_week', earlier.in_a_week >= 3),
        ('silent', earlier.silent >= 1),
        ('refused', EXISTS (
            SELECT FROM contact_preference p WHERE p.contact_id = a.contact_id AND p.do_not_call_since < a.at
        )),
        ('dead', EXISTS (
            SELECT FROM contact_condition k
            WHERE k.contact_id = a.contact_id AND k.kind = 'deceased' AND k.told_at < a.at
              AND (k.withdrawn_at IS NULL OR k.withdrawn_at > a.at)
        )),
        ('unstated', cardinality(a.reasons) > 0)
    ) AS judged (law, broken)
    WHERE broken
    ORDER BY at, law
    LIMIT :most
    """
).bindparams(bindparam("holidays", type_=ARRAY(Date)))


def breaches(session: Session, *, campaign_id: int, timetable: Timetable) -> Found:
    """A campaign's. `timetable`: the ente's, for its patron saint."""
    about = {"campaign": campaign_id}
    looked_at = int(session.execute(_LOOKED_AT, about).scalar_one())
    if not looked_at:
        return Found(0, 0)
    holidays = holidays_among(session.scalars(_DAYS, about), Timetable((), patron=timetable.patron))
    rows = session.execute(_BREACHES, {**about, "holidays": holidays, "most": SHOWN}).all()
    first = tuple(Breach(Law(row.law), row.at, row.contact_id) for row in rows)
    return Found(looked_at, rows[0].number if rows else 0, first)


def holidays_among(days: Iterable[date], timetable: Timetable) -> list[date]:
    """Those of these days that are holidays of the law, or the ente's patron saint's."""
    return sorted(day for day in days if is_holiday(timetable, day))
